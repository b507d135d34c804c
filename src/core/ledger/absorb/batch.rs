//! What sendings and answers do to a terminal and its batch.
//!
//! Nothing here books a day: the payment's own change does, in the parent.

use super::super::{InFlight, Index, Ledger};
use crate::core::acquirer::Answer;
use crate::core::day::{Batch, Rung};
use crate::core::domain::{BatchNo, BusinessDate, Minor, PaymentId, Seq, Stan, State, TerminalId};
use crate::core::journal::{Effect, SettleReason, Subject};
use crate::core::payment::{Payment, Slot};

impl Ledger {
    /// The batch keeps each day's part of it.
    pub(super) fn move_part(&mut self, before: Option<&Payment>, after: &Payment) {
        let (from, to) = (before.and_then(Payment::slot), after.slot());
        if from == to {
            return;
        }
        let (column, amount) = (after.column(), after.amount);
        if let Some(Slot::Batch(terminal, number)) = &from
            && let Some(batch) = self.batch_mut(terminal, *number)
            && let Some(part) = batch.parts.get_mut(&after.date)
        {
            let tally = part.tally_mut(column);
            tally.count = tally.count.saturating_sub(1);
            tally.amount = tally.amount.checked_sub(amount).unwrap_or(Minor::ZERO);
        }
        if let Some(Slot::Batch(terminal, number)) = &to
            && let Some(batch) = self.batch_mut(terminal, *number)
        {
            let part = batch.parts.entry(after.date).or_default();
            *part = part.with(column, amount).unwrap_or(*part);
        }
    }

    /// The stored payments of earlier days: the oldest's day, which the next batch settles.
    pub(super) fn backlog(&self, id: &TerminalId) -> Option<(SettleReason, BusinessDate)> {
        let dates = Index::of_terminal(&self.index.stored, id).filter_map(|id| Some(self.payments.get(&id)?.date));
        dates.min().filter(|date| *date < self.open).map(|date| (SettleReason::Cut, date))
    }

    /// A settlement that was wanted for stored payments alone, all of which have left the queue in another way.
    pub(super) fn drop_needless_settlement(&mut self, id: &TerminalId) {
        let wanted = self.terminals.get(id).filter(|t| t.settle.is_some() && t.batch.is_empty());
        if wanted.is_some() {
            let backlog = self.backlog(id);
            if let Some(terminal) = self.terminals.get_mut(id) {
                terminal.settle = backlog;
            }
        }
    }

    pub(super) fn batch_mut(&mut self, terminal: &TerminalId, number: BatchNo) -> Option<&mut Batch> {
        match self.terminals.get_mut(terminal) {
            Some(t) if t.batch.number == number => Some(&mut t.batch),
            _ => self.ended.get_mut(&(terminal.clone(), number)),
        }
    }

    pub(super) fn sending(
        &mut self,
        id: &TerminalId,
        stan: Stan,
        batch: BatchNo,
        subject: &Subject,
        seq: Seq,
    ) -> Option<Effect> {
        let terminal = self.terminals.entry(id.clone()).or_default();
        // Repeats go under their old number; only a new one moves the counter.
        let repeat = match subject {
            Subject::Settle(_) => terminal.batch.asked.as_ref().is_some_and(|(asked, _)| *asked == stan),
            Subject::End { .. } => terminal.batch.end == Some(stan),
            Subject::Reversal(_) => true,
            Subject::Advice(p) | Subject::Payment(p) => {
                self.payments.get(p).is_some_and(|p| p.stan == Some(stan) && p.sends > 0)
            }
            Subject::Upload(_) => terminal.batch.uploading.as_ref().is_some_and(|(sent, _)| *sent == stan),
            // Under the record's own number.
            Subject::UploadOne(_) => true,
            Subject::SignOn => false,
        };
        if !repeat {
            terminal.last_stan = stan;
        }
        terminal.in_flight = Some(InFlight { stan, batch, subject: subject.clone() });
        match subject {
            Subject::Payment(payment) | Subject::Advice(payment) => {
                if terminal.batch.number == batch {
                    terminal.batch.first.get_or_insert(seq);
                    terminal.batch.last = Some(seq);
                }
                return self.change(*payment, |p| p.sending(batch, stan));
            }
            Subject::Reversal(payment) => {
                return self.change(*payment, |p| {
                    if let Some(reversal) = &mut p.reversal {
                        reversal.tries = reversal.tries.saturating_add(1);
                    }
                });
            }
            Subject::Settle(totals) => {
                terminal.batch.rung = Rung::Asked;
                terminal.batch.asked.get_or_insert((stan, *totals));
            }
            Subject::End { records, .. } => {
                terminal.batch.rung = Rung::Uploaded;
                terminal.batch.records = *records;
                terminal.batch.end.get_or_insert(stan);
            }
            Subject::Upload(rows) => terminal.batch.uploading = Some((stan, rows.clone())),
            Subject::UploadOne(_) | Subject::SignOn => {}
        }
        None
    }

    pub(super) fn land(&mut self, terminal: &TerminalId) -> Option<InFlight> {
        self.terminals.get_mut(terminal)?.in_flight.take()
    }

    pub(super) fn answered(
        &mut self,
        terminal: &TerminalId,
        flight: &InFlight,
        answer: &Answer,
        accepted: bool,
        foreign: bool,
    ) -> Option<Effect> {
        match &flight.subject {
            Subject::SignOn => {}
            Subject::Payment(id) => {
                let effect = self.change(*id, |p| p.answered(answer, accepted));
                self.acknowledge(*id, foreign);
                self.tie_to_original(*id);
                return effect;
            }
            Subject::Advice(id) => {
                let effect = self.change(*id, |p| p.advice_answered(answer, accepted));
                self.acknowledge(*id, foreign);
                self.tie_to_original(*id);
                return effect;
            }
            Subject::Reversal(id) => {
                let effect = self.change(*id, |p| p.reversal_answered(accepted));
                self.tie_to_original(*id);
                return effect;
            }
            // A technician has moved on to another batch: what is said of the old one is for the statement.
            _ if self.terminals.get(terminal).is_none_or(|t| t.batch.number != flight.batch) => {}
            Subject::Settle(_) => self.verdict(terminal, answer),
            Subject::Upload(ids) => {
                if accepted && let Some(t) = self.terminals.get_mut(terminal) {
                    t.batch.uploading = None;
                    t.batch.went_up(ids);
                }
            }
            Subject::UploadOne(id) => {
                if accepted && let Some(t) = self.terminals.get_mut(terminal) {
                    t.batch.went_up(&[*id]);
                }
            }
            Subject::End { .. } => {
                if accepted {
                    self.end_batch(terminal);
                }
            }
        }
        None
    }

    pub(super) fn skip_record(&mut self, terminal: &TerminalId, batch: BatchNo, payment: PaymentId) {
        if let Some(t) = self.terminals.get_mut(terminal).filter(|t| t.batch.number == batch) {
            t.batch.skip(payment);
        }
    }

    /// The acquirer's verdict on our totals.
    pub(super) fn verdict(&mut self, terminal: &TerminalId, answer: &Answer) {
        use crate::core::acquirer::Verdict;
        let (Some(verdicts), Some(t)) = (answer.verdict, self.terminals.get_mut(terminal)) else { return };
        t.batch.verdicts = Some(verdicts);
        t.batch.settle_date.clone_from(&answer.settle_date);
        t.batch.rung = if verdicts.balanced() {
            Rung::Balanced
        } else if verdicts.domestic == Verdict::Error || verdicts.foreign == Verdict::Error {
            Rung::Error
        } else {
            Rung::Unbalanced
        };
    }

    /// The acquirer has this payment in its books: into field 48 of its batch.
    pub(super) fn acknowledge(&mut self, id: PaymentId, foreign: bool) {
        let Some(payment) = self.payments.get(&id) else { return };
        let (Some(number), true) = (payment.batch, payment.in_host_totals) else { return };
        let (device, column, amount) = (payment.device.clone(), payment.column(), payment.amount);
        let adjusts = payment.adjusts;
        // What comes after 0500 is in the acquirer's books and not in what we asked about: the verdict will say so.
        // The schedule sends only what has room; a late approval that has none leaves the batch unbalanced.
        let open = self.batch_mut(&device, number).filter(|b| b.rung == Rung::Open);
        let counted = open.is_some_and(|batch| match adjusts {
            Some(adjusts) => {
                amount.checked_sub(adjusts.from).is_some_and(|difference| batch.adjust(foreign, difference))
            }
            None => batch.acknowledge(foreign, column, amount),
        });
        if !counted && let Some(payment) = self.payments.get_mut(&id) {
            payment.in_host_totals = false;
        }
    }

    /// Somebody has asked the acquirer, who has it: it stands in field 48 while its batch can still be asked about.
    pub(super) fn acknowledge_by_hand(&mut self, id: PaymentId) {
        let decided = |p: &Payment| matches!(p.state, State::Approved | State::Forwarded);
        let Some(payment) = self.payments.get(&id).filter(|p| decided(p)) else { return };
        let foreign = payment.class.as_ref().and_then(|class| class.foreign).unwrap_or(false);
        self.acknowledge(id, foreign);
    }

    /// The current batch takes nothing more, for ever; the next one begins.
    pub(super) fn end_batch(&mut self, id: &TerminalId) {
        // What is left of earlier days (the next of several, or a batch that filled up) makes the next batch due as well.
        let backlog = self.backlog(id);
        let Some(terminal) = self.terminals.get_mut(id) else { return };
        let next = Batch::new(terminal.batch.number.next());
        let mut ended = std::mem::replace(&mut terminal.batch, next);
        terminal.signs_off |= matches!(terminal.settle, Some((SettleReason::Cut, _)));
        terminal.settle = backlog;
        ended.rung = Rung::Ended;
        self.ended.insert((id.clone(), ended.number), ended);
    }

    pub(super) fn decide_batch(&mut self, id: &TerminalId, batch: BatchNo) {
        let backlog = self.backlog(id);
        let terminal = self.terminals.entry(id.clone()).or_default();
        terminal.stopped = None;
        if terminal.batch.number != batch {
            // The old batch stays on its rung: what became of it is for the statement to say.
            let old = std::mem::replace(&mut terminal.batch, Batch::new(batch));
            terminal.settle = backlog;
            if !old.is_empty() {
                self.ended.insert((id.clone(), old.number), old);
            }
        }
    }
    /// A batch that a decision left open goes on where it was, and is settled for the days that were cut meanwhile.
    pub(super) fn retake_batch(&mut self, id: &TerminalId, batch: BatchNo) {
        let Some(again) = self.ended.remove(&(id.clone(), batch)) else { return };
        let cut = again.parts.keys().next().filter(|date| **date < self.open).copied();
        let dates = self.backlog(id).map(|(_, date)| date).into_iter().chain(cut);
        let settle = dates.min().map(|date| (SettleReason::Cut, date));
        let terminal = self.terminals.entry(id.clone()).or_default();
        (terminal.stopped, terminal.settle) = (None, settle);
        let old = std::mem::replace(&mut terminal.batch, again);
        if !old.is_empty() {
            self.ended.insert((id.clone(), old.number), old);
        }
    }
}
