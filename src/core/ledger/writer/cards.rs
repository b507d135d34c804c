//! Cards that are kept, sealed, while a message may still need them, and until when (law 7).

use super::super::orders::to_seal;
use super::{Around, Staged, Writer};
use crate::core::acquirer::Report;
use crate::core::domain::{BatchNo, Entry, Kind, Method, Now, PaymentId, State, TerminalId};
use crate::core::journal::{CancelReason, Original};
use crate::core::payment::Payment;
use crate::core::ports::{KeptCard, Presented, Sealer, Store, StoreError};

impl<S: Store, K: Sealer> Writer<S, K> {
    /// A refund by its sale's card is uploaded with it: perhaps when the sale's own batch, another terminal's, has ended and its card is erased.
    pub(super) fn keep_card_of(&mut self, original: Option<&Original>, refund: PaymentId) -> Result<(), StoreError> {
        let mut owner = original.cloned();
        while let Some(Original::Payment(id)) = owner {
            if let Some(sealed) = self.store.sealed_card(id)? {
                // One that does not open is as good as none.
                if let Ok(card) = self.sealer.open_card(id, &sealed) {
                    let sealed = self.sealer.seal_card(refund, &KeptCard { chip: None, ..card })?;
                    self.store.put_card(refund, &sealed)?;
                }
                return Ok(());
            }
            owner = self.ledger.fetch(id, &self.store)?.and_then(|payment| payment.original.clone());
        }
        Ok(())
    }

    pub(super) fn keep_card(&mut self, id: PaymentId, presented: Presented) -> Result<(), StoreError> {
        if let Some(card) = to_seal(&presented.instrument) {
            let sealed = self.sealer.seal_card(id, &card)?;
            self.store.put_card(id, &sealed)?;
        }
        self.secrets.keep(id, presented);
        Ok(())
    }

    /// A report that leaves a payment waiting (nothing of it was sent) must not leave it without its card.
    pub(super) fn after_report(&mut self, report: &Report, now: Now, staged: &mut Staged) -> Result<(), StoreError> {
        let Report::NotSent { .. } = report else { return Ok(()) };
        let stranded: Vec<PaymentId> = staged
            .dirty
            .keys()
            .copied()
            .filter(|id| self.ledger.payments.get(id).is_some_and(|p| p.state == State::Waiting))
            .collect();
        for id in stranded {
            let around = Around { rules: &self.rules, lines: &self.lines, archive: &self.store };
            let why = CancelReason::NoLine;
            if let Some(event) = self.ledger.store_or_cancel(id, why, around) {
                self.commit_event(event, now, staged)?;
            }
        }
        Ok(())
    }

    /// Law 7: no message can need the card any more. What is in the current batch may still be uploaded; its end erases the rest.
    pub(super) fn card_is_done(&self, p: &Payment) -> bool {
        let current = || self.ledger.terminals.get(&p.device).map(|t| t.batch.number);
        matches!(p.method, Method::Card | Method::Qr)
            && match p.state {
                State::Waiting | State::Sent | State::Unknown | State::SetAside | State::Promised => false,
                State::Stored => p.voided_by.is_some(),
                // What a chip was declined goes up with its batch, where the acquirer asks for it.
                State::Declined | State::Reversed
                    if self.rules.channel.upload.chip
                        && matches!(p.entry, Some(Entry::Chip | Entry::Contactless))
                        && p.batch.is_some() =>
                {
                    p.batch != current()
                }
                // The completion goes out with its card, and may be uploaded with it: erased with the completion's batch.
                State::Approved if p.kind == Kind::Preauth => p.voided_by.is_some() || p.lapsed,
                State::Declined | State::Cancelled | State::Reversed | State::Rejected | State::WrittenOff => true,
                State::Approved | State::Forwarded => p.batch.is_none() || p.batch != current(),
            }
    }

    /// Once a batch has ended no message needs its cards any more; those of payments that are still undecided stay.
    pub(super) fn erase_batch_cards(&mut self, terminal: &TerminalId, number: BatchNo) -> Result<(), StoreError> {
        let Some(first) = self.ledger.batch(terminal, number).and_then(|b| b.first) else { return Ok(()) };
        let ledger = &self.ledger;
        let undecided = |p: &Payment| p.reversal_owed() || matches!(p.state, State::Stored | State::SetAside);
        let mut done = Vec::new();
        for id in self.store.batch_members(terminal, number, first)? {
            let Some(payment) =
                ledger.payments.get(&id).cloned().map_or_else(|| self.store.payment(id), |p| Ok(Some(p)))?
            else {
                continue;
            };
            // A pre-authorization's card is needed until it is completed or voided, however many batches later.
            let open = payment.kind == Kind::Preauth
                && payment.state == State::Approved
                && payment.voided_by.is_none()
                && !payment.lapsed;
            if !open && !undecided(&payment) {
                done.push(id);
            }
            if let (Kind::Completion, Some(Original::Payment(preauth))) = (payment.kind, &payment.original)
                && payment.stands()
            {
                done.push(*preauth);
            }
        }
        self.store.erase_cards(&done)
    }
}
