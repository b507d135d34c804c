//! 预授权完成撤销: undoes a completion, whole, in its own batch; afterwards it is refunded like a sale. One that was never sent is undone here.

use super::{Decided, card, card_only, original_of, whole_amount};
use crate::core::acquirer::MessageName;
use crate::core::domain::{Kind, Refusal, ShiftNo, State};
use crate::core::ledger::Ledger;
use crate::core::ledger::decide_pay::{Around, made, needs_line, supported, undoable};
use crate::core::ports::Pay;

pub(super) fn decide(ledger: &mut Ledger, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Decided {
    card_only(pay)?;
    supported(around.rules, MessageName::CompletionVoid, "completion_void")?;
    let original = original_of(ledger, pay, Kind::Completion, around)?;
    whole_amount(pay, &original, around)?;
    undoable(&original)?;
    if original.refunded().is_positive() {
        return Err(Refusal::AlreadyRefunded.into());
    }
    let mut made = made(pay, shift);
    if original.state == State::Stored {
        if !original.never_sent() {
            return Err(Refusal::InProgress.into());
        }
        (made.entry, made.final_here) = (original.entry, true);
        made.masked.clone_from(&original.masked);
        return Ok((made, false));
    }
    let terminal = ledger.terminal(&pay.device);
    if original.batch != Some(terminal.batch.number) {
        return Err(Refusal::UseRefund.into());
    }
    if terminal.batch.settling() {
        return Err(Refusal::Settling.with("device", &pay.device).into());
    }
    card(ledger, pay, &original, &mut made, around)?;
    ledger.cards_allowed(pay, around)?;
    needs_line(pay, around)?;
    Ok((made, false))
}
