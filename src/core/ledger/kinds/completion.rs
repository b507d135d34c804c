//! 预授权完成: takes what was held, once, up to the profile's share of it. The profile says whether it is asked for (online) or told
//! (stored, then forwarded as an advice: nothing is asked that could be declined at the counter).

use super::{Decided, card, card_only, original_of};
use crate::core::acquirer::MessageName;
use crate::core::domain::{Kind, Minor, Refusal, ShiftNo};
use crate::core::ledger::Ledger;
use crate::core::ledger::decide_pay::{Around, made, needs_line, supported, undoable};
use crate::core::ports::Pay;

pub(super) fn decide(ledger: &mut Ledger, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Decided {
    card_only(pay)?;
    let channel = &around.rules.channel;
    let advice = channel.completion_as_advice;
    let name = if advice { MessageName::CompletionAdvice } else { MessageName::Completion };
    supported(around.rules, name, "completion")?;
    let original = original_of(ledger, pay, Kind::Preauth, around)?;
    undoable(&original)?;
    if original.lapsed {
        return Err(Refusal::PreauthLapsed.into());
    }
    let limit = original.amount.0.saturating_mul(i64::from(channel.completion_percent)) / 100;
    if pay.amount.0 > limit {
        let limit = Minor(limit).grouped(around.rules.currency.exponent());
        return Err(Refusal::CompletionExceeds.with("limit", limit).into());
    }
    let mut made = made(pay, shift);
    card(ledger, pay, &original, &mut made, around)?;
    ledger.cards_allowed(pay, around)?;
    if !advice {
        needs_line(pay, around)?;
    }
    Ok((made, advice))
}
