//! What an unbalanced batch can differ by: every payment of it that the acquirer may see otherwise than we told it. The acquirer's verdict names a
//! half and no payment; its statement, later, names them all. Until then this is the list that a person goes through.

use super::{Ledger, Rules};
use crate::core::day::Batch;
use crate::core::domain::{PaymentId, State, TerminalId};
use crate::core::payment::{Payment, ReversalStage, counts};
use crate::core::ports::{Archive, DifferView, StoreError};

impl Ledger {
    /// The list, in the order of sending; empty for a batch that balanced, or was never asked about.
    pub fn differences(
        &self,
        terminal: &TerminalId,
        batch: &Batch,
        rules: &Rules,
        archive: &dyn Archive,
    ) -> Result<Vec<DifferView>, StoreError> {
        let (Some(first), Some(_)) = (batch.first, &batch.asked) else { return Ok(Vec::new()) };
        if batch.verdicts.is_some_and(|verdicts| verdicts.balanced()) {
            return Ok(Vec::new());
        }
        let mut list = Vec::new();
        for id in archive.batch_members(terminal, batch.number, first)? {
            let payment = match self.payments.get(&id) {
                Some(payment) => Some(payment.clone()),
                None => archive.payment(id)?,
            };
            list.extend(payment.and_then(|payment| doubtful(id, &payment, rules)));
        }
        list.sort_by(|a, b| (&a.stan, &a.payment).cmp(&(&b.stan, &b.payment)));
        Ok(list)
    }
}

/// Why the acquirer may have it otherwise.
fn doubtful(id: PaymentId, payment: &Payment, rules: &Rules) -> Option<DifferView> {
    let given_up = payment.reversal.as_ref().is_some_and(|r| r.stage == ReversalStage::GivenUp);
    let why = match payment.state {
        _ if !counts(payment.kind) => return None,
        State::Unknown if given_up => "reversal_not_confirmed",
        State::Unknown => "unknown",
        State::SetAside if payment.sends > 0 => "sent_and_set_aside",
        State::Stored if payment.sends > 0 => "sent_and_not_answered",
        State::Rejected => "refused_afterwards",
        State::WrittenOff => "written_off",
        // Said to be approved after the totals were asked about, or by a person.
        State::Approved | State::Forwarded if !payment.in_host_totals => "not_in_the_totals",
        // "No such payment" as the answer to a reversal: its request may have come later.
        State::Reversed => "reversed",
        _ => return None,
    };
    Some(DifferView {
        payment: id.to_string(),
        stan: payment.stan.map(|stan| stan.to_string()).unwrap_or_default(),
        kind: payment.kind,
        amount: payment.standing(),
        foreign: rules.channel.is_of_foreign_half(payment),
        state: payment.state,
        why: why.to_owned(),
    })
}
