//! 余额查询: asks, and moves nothing. Its amount is zero; one that is not answered has done nothing.

use super::{Decided, card_only, no_original};
use crate::core::acquirer::MessageName;
use crate::core::domain::{Refusal, ShiftNo};
use crate::core::ledger::Ledger;
use crate::core::ledger::decide_pay::{Around, made, needs_line, supported};
use crate::core::ports::Pay;

pub(super) fn decide(ledger: &mut Ledger, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Decided {
    card_only(pay)?;
    no_original(pay)?;
    supported(around.rules, MessageName::Balance, "balance")?;
    let presented = pay.presented.as_ref().ok_or(Refusal::NoCard)?;
    let mut made = made(pay, shift);
    ledger.read_card(presented, &mut made)?;
    ledger.cards_allowed(pay, around)?;
    needs_line(pay, around)?;
    Ok((made, false))
}
