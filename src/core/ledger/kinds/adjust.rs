//! 离线调整, 小费: another amount in the place of a card sale's, told to the acquirer as an advice. What it adds or takes away is a voucher of the
//! open day: the sale stands as it was made. 60.1 is 32 for a sale that was taken offline and 34 (a tip) for one that was asked for.

use super::{Decided, card, card_only, original_of};
use crate::core::acquirer::MessageName;
use crate::core::domain::{Kind, Minor, Refusal, ShiftNo, State};
use crate::core::ledger::Ledger;
use crate::core::ledger::decide_pay::{Around, made, supported, undoable};
use crate::core::ports::Pay;

pub(super) fn decide(ledger: &mut Ledger, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Decided {
    card_only(pay)?;
    let original = original_of(ledger, pay, Kind::Sale, around)?;
    if original.method != pay.method {
        return Err(Refusal::MethodMismatch.with("method", original.method).into());
    }
    let name = if original.stored_at.is_some() { MessageName::OfflineAdjust } else { MessageName::Tip };
    supported(around.rules, name, "adjust")?;
    undoable(&original)?;
    if original.state == State::Stored {
        return Err(Refusal::InProgress.into());
    }
    if let Some(earlier) = original.adjusted {
        return Err(Refusal::AlreadyAdjusted.with("adjust", earlier.by).into());
    }
    if original.refunded().is_positive() {
        return Err(Refusal::AlreadyRefunded.into());
    }
    let limit = original.amount.0.saturating_mul(i64::from(around.rules.channel.adjust_percent)) / 100;
    if pay.amount.0 > limit {
        let limit = Minor(limit).grouped(around.rules.currency.exponent());
        return Err(Refusal::AdjustExceeds.with("limit", limit).into());
    }
    if pay.amount == original.amount {
        return Err(Refusal::BadRequest.with("what", "an adjustment to the same amount").into());
    }
    let terminal = ledger.terminal(&pay.device);
    if original.batch != Some(terminal.batch.number) {
        return Err(Refusal::AdjustTooLate.into());
    }
    if terminal.batch.settling() {
        return Err(Refusal::Settling.with("device", &pay.device).into());
    }
    let mut made = made(pay, shift);
    card(ledger, pay, &original, &mut made, around)?;
    ledger.cards_allowed(pay, around)?;
    Ok((made, true))
}
