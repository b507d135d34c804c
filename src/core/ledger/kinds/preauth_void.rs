//! 预授权撤销: what was held is let go, whole, in whatever batch, while it is not completed.

use super::{Decided, card, card_only, original_of, whole_amount};
use crate::core::acquirer::MessageName;
use crate::core::domain::{Kind, Refusal, ShiftNo};
use crate::core::ledger::Ledger;
use crate::core::ledger::decide_pay::{Around, made, needs_line, supported, undoable};
use crate::core::ports::Pay;

pub(super) fn decide(ledger: &mut Ledger, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Decided {
    card_only(pay)?;
    supported(around.rules, MessageName::PreauthVoid, "preauth_void")?;
    let original = original_of(ledger, pay, Kind::Preauth, around)?;
    undoable(&original)?;
    if original.lapsed {
        return Err(Refusal::PreauthLapsed.into());
    }
    whole_amount(pay, &original, around)?;
    let mut made = made(pay, shift);
    card(ledger, pay, &original, &mut made, around)?;
    ledger.cards_allowed(pay, around)?;
    needs_line(pay, around)?;
    Ok((made, false))
}
