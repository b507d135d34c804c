//! What each terminal does next, from the state alone: a restart goes on where it was.
//!
//! Order: sign on; the reversal that is owed; a settlement that has begun; a settlement that is due, once nothing of its day waits;
//! then online payments and stored ones in turns.

use std::collections::BTreeSet;

use super::decide_lane::Scene;
use super::decide_lane::message_name;
use super::decide_pay::Around;
use super::{Exception, Index, Ledger, Line, LineState, Lines, Rules, Terminal};
use crate::core::acquirer::MessageName;
use crate::core::day::{Rung, Waited, waited};
use crate::core::domain::{Kind, Now, PaymentId, Stan, TerminalId};
use crate::core::journal::{AsideReason, CancelReason, Event, ExceptionKind, Original, SettleReason, Subject};
use crate::core::payment::Payment;
use crate::core::ports::StoreError;

impl Ledger {
    /// The next thing that is to happen at a terminal by itself, if any. Called again until there is none.
    pub fn schedule(&self, id: &TerminalId, lines: &mut Lines, scene: Scene<'_>) -> Result<Option<Event>, StoreError> {
        let terminal = self.terminal(id);
        let line = lines.get(id);
        let rules = scene.rules;
        if let Some(event) = self.expire(id, &terminal, scene.now, Around { rules, lines, archive: scene.archive }) {
            return Ok(Some(event));
        }
        // What a store behind its mark would send may have been sent: stored payments twice, reversals of what was approved since, a batch that has ended.
        if lines.mark_behind {
            return Ok(None);
        }
        if terminal.settle.is_none() && terminal.batch.rung == Rung::Open && self.full(id, &terminal, rules) {
            return Ok(Some(Event::SettlementWanted { terminal: id.clone(), why: SettleReason::Full }));
        }
        if terminal.in_flight.is_some() || terminal.errand.is_some() || terminal.stopped.is_some() {
            return Ok(None);
        }
        if line.state != LineState::Up {
            return Ok(None);
        }
        if !line.signed_on {
            return Ok(line.repeats.over(scene.now.mono).then(|| self.fresh(id, &terminal, Subject::SignOn)));
        }
        self.next_message(id, &terminal, &line, lines, scene)
    }

    /// The batch's counts or sums near their digits, or the next payment's amount would not fit them.
    fn full(&self, id: &TerminalId, terminal: &Terminal, rules: &Rules) -> bool {
        let next = [Index::first(&self.index.waiting, id), Index::first(&self.index.stored, id)];
        let no_room =
            |id: PaymentId| self.payments.get(&id).is_some_and(|p| p.sends == 0 && !room_for(terminal, p, rules));
        terminal.batch.nearly_full(rules.channel.batch_limits) || next.into_iter().flatten().any(no_room)
    }

    fn next_message(
        &self,
        id: &TerminalId,
        terminal: &Terminal,
        line: &Line,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Result<Option<Event>, StoreError> {
        let retry = line.repeats.over(scene.now.mono);
        let waiting = Index::first(&self.index.waiting, id);
        let stored = self.next_stored(id, terminal, lines, scene);
        if let Some(unknown) = self.to_ask_about(id, scene.rules) {
            let now = retry || waiting.is_some();
            return Ok(now.then(|| self.ask_about(id, terminal, unknown)));
        }
        if let Some(owed) = Index::first(&self.index.reversals, id) {
            if scene.rules.channel.reversals_of_the_day && self.payments.get(&owed).is_some_and(|p| p.date < self.open)
            {
                // Told first, so that a crash in between leaves it owed and told, never given up in silence.
                let told = self.reversal_exception(owed, id);
                return Ok(told.or(Some(Event::ReversalGivenUp { payment: owed })));
            }
            // A customer who waits makes the reversal go at once; otherwise it keeps its distance between tries, and stored
            // payments go on meanwhile: they are no online payments.
            if line.reversals.over(scene.now.mono) || waiting.is_some() {
                return Ok(self.again(id, owed, Subject::Reversal(owed)));
            }
            return Ok(stored.filter(|_| retry).and_then(|stored| self.advice(id, terminal, stored)));
        }
        if terminal.batch.settling() {
            return if retry { self.settle_on(id, terminal, scene) } else { Ok(None) };
        }
        let repeat =
            Index::of_terminal(&self.index.repeats, id).filter_map(|repeat| self.payments.get(&repeat)).find(|p| {
                scene.rules.channel.repeats(p) && p.batch == Some(terminal.batch.number) && !self.is_asked_about(p.id)
            });
        if let Some(repeat) = repeat {
            // The customer's money hangs on it: before anything new, and before the batch is settled.
            return Ok(if retry { self.again(id, repeat.id, Subject::Payment(repeat.id)) } else { None });
        }
        if terminal.settle.is_some() && stored.is_none() && retry && !terminal.batch.is_empty() {
            let net = scene.rules.channel.net_totals;
            let totals = if net { terminal.batch.net_totals() } else { terminal.batch.totals };
            let subject = Subject::Settle(totals);
            return Ok(Some(self.fresh(id, terminal, subject)));
        }
        let stored = stored.filter(|_| retry);
        let waiting = waiting.filter(|id| self.payments.get(id).is_some_and(|p| room_for(terminal, p, scene.rules)));
        let advice_first = stored.is_some() && !line.advice_had_its_turn;
        lines.line_mut(id).advice_had_its_turn = advice_first || waiting.is_none();
        Ok(match (waiting, stored) {
            (_, Some(stored)) if advice_first || waiting.is_none() => self.advice(id, terminal, stored),
            (Some(payment), _) => Some(self.fresh(id, terminal, Subject::Payment(payment))),
            _ => self.sign_off(id, terminal, line, scene),
        })
    }

    /// A person is to decide it.
    pub(super) fn is_asked_about(&self, payment: PaymentId) -> bool {
        self.exceptions.values().any(|exception| exception.payment == Some(payment))
    }

    /// A stored payment, for the first time or again under its numbers.
    fn advice(&self, id: &TerminalId, terminal: &Terminal, stored: PaymentId) -> Option<Event> {
        let subject = Subject::Advice(stored);
        match self.payments.get(&stored)?.stan {
            Some(_) => self.again(id, stored, subject),
            None => Some(self.fresh(id, terminal, subject)),
        }
    }

    /// The next stored payment to forward. While a settlement is due, only those of its days: the next day's go into the next
    /// batch. What has been sent and not answered always goes first, and nothing else once the batch has no room. What may be too old waits for
    /// clocks that agree.
    fn next_stored(&self, id: &TerminalId, terminal: &Terminal, lines: &Lines, scene: Scene<'_>) -> Option<PaymentId> {
        let rules = scene.rules;
        let full = terminal.batch.nearly_full(rules.channel.batch_limits);
        let until = terminal.settle.map(|(_, until)| until);
        Index::of_terminal(&self.index.stored, id)
            .filter_map(|payment| self.payments.get(&payment))
            .filter(|p| self.waited(p, rules, lines, scene.now) == Waited::Within)
            .find(|p| {
                p.sends > 0
                    || ((!full || p.adjusts.is_some())
                        && until.is_none_or(|until| p.date <= until)
                        && room_for(terminal, p, rules))
            })
            .map(|p| p.id)
    }

    /// The next message of a settlement that has begun. What is unanswered is repeated unchanged.
    fn settle_on(&self, id: &TerminalId, terminal: &Terminal, scene: Scene<'_>) -> Result<Option<Event>, StoreError> {
        let batch = &terminal.batch;
        let sending = |stan: Stan, subject: Subject| {
            Some(Event::Sending { terminal: id.clone(), stan, batch: batch.number, subject })
        };
        Ok(match (batch.rung, &batch.asked, batch.end) {
            (Rung::Asked, Some((stan, totals)), _) => sending(*stan, Subject::Settle(*totals)),
            (Rung::Uploaded, _, Some(stan)) => {
                let balanced = batch.verdicts.is_some_and(|v| v.balanced());
                sending(stan, Subject::End { balanced, records: batch.records })
            }
            (Rung::Unbalanced | Rung::Error, ..) if batch.uploading.is_some() => {
                let Some((stan, rows)) = &batch.uploading else { return Ok(None) };
                match self.without_card(rows, scene)? {
                    Some(row) => Some(self.skip(row, id, batch.number)),
                    None => sending(*stan, Subject::Upload(rows.clone())),
                }
            }
            // After a balanced verdict only what chips gave goes up, mostly nothing.
            (Rung::Balanced | Rung::Unbalanced | Rung::Error, ..) => Some(self.upload_on(id, terminal, scene)?),
            _ => None,
        })
    }

    /// A message under a new STAN.
    pub(super) fn fresh(&self, id: &TerminalId, terminal: &Terminal, subject: Subject) -> Event {
        let (stan, batch) = (terminal.last_stan.next(), terminal.batch.number);
        Event::Sending { terminal: id.clone(), stan, batch, subject }
    }

    /// A message under the numbers that its payment was first sent with.
    fn again(&self, id: &TerminalId, payment: PaymentId, subject: Subject) -> Option<Event> {
        let payment = self.payments.get(&payment)?;
        let (stan, batch) = (payment.stan?, payment.batch?);
        Some(Event::Sending { terminal: id.clone(), stan, batch, subject })
    }

    /// What has waited too long, or waits for a line that is not there.
    fn expire(&self, id: &TerminalId, terminal: &Terminal, now: Now, around: Around<'_>) -> Option<Event> {
        for payment in Index::of_terminal(&self.index.waiting, id).filter_map(|id| self.payments.get(&id)) {
            if let Some(why) = self.waits_in_vain(payment, id, terminal, now, around) {
                return self.store_or_cancel(payment.id, why, around);
            }
        }
        let in_flight = terminal.in_flight.as_ref().map(|f| f.subject.payments()).unwrap_or_default();
        let mut doubtful = false;
        for payment in Index::of_terminal(&self.index.stored, id).filter_map(|payment| self.payments.get(&payment)) {
            match self.waited(payment, around.rules, around.lines, now) {
                Waited::TooLong if !in_flight.contains(&payment.id) => {
                    return Some(Event::PaymentSetAside { payment: payment.id, why: AsideReason::TooOld });
                }
                Waited::Doubtful => doubtful = true,
                _ => {}
            }
        }
        self.clock_exception().filter(|_| doubtful)
    }

    /// Whether a stored payment has waited for longer than it may.
    fn waited(&self, payment: &Payment, rules: &Rules, lines: &Lines, now: Now) -> Waited {
        let (Some(offline), Some(at)) = (rules.offline, payment.stored_at) else { return Waited::Within };
        waited((at, payment.date), offline.max_age_ms, &rules.zone, self.open, now, &lines.clocks)
    }

    /// Why a payment that waits for its turn does not get it.
    fn waits_in_vain(
        &self,
        payment: &Payment,
        id: &TerminalId,
        terminal: &Terminal,
        now: Now,
        around: Around<'_>,
    ) -> Option<CancelReason> {
        let channel = &around.rules.channel;
        let since = around.lines.waiting.get(&payment.id).copied().unwrap_or_default();
        let waited = now.mono.0.saturating_sub(since.0);
        let voids_an_older_batch = matches!(payment.kind, Kind::Void | Kind::CompletionVoid)
            && matches!(&payment.original, Some(Original::Payment(original))
                if self.payments.get(original).is_none_or(|o| o.batch != Some(terminal.batch.number)));
        if terminal.stopped.is_some() || around.lines.mark_behind {
            Some(CancelReason::Stopped)
        } else if around.lines.state(id) == LineState::Down {
            Some(CancelReason::NoLine)
        } else if voids_an_older_batch || (terminal.batch.settling() && waited >= channel.settle_wait_ms) {
            Some(CancelReason::Settling)
        } else {
            (waited >= channel.wait_ms).then_some(CancelReason::WaitedTooLong)
        }
    }

    /// An exception for everything that stands aside and has none yet, and for a stopped terminal: a technician answers it there.
    pub fn missing_exception(&self) -> Option<Event> {
        let told = |id: &TerminalId| {
            let of = |e: &Exception| e.kind == ExceptionKind::BatchDisagrees && e.terminal.as_ref() == Some(id);
            self.exceptions.values().any(of)
        };
        if let Some((id, _)) = self.terminals.iter().find(|(id, t)| t.stopped.is_some() && !told(id)) {
            return Some(self.exception(ExceptionKind::BatchDisagrees, None, id, 0));
        }
        if self.index.aside.is_empty() {
            return None;
        }
        let known: BTreeSet<PaymentId> = self.exceptions.values().filter_map(|e| e.payment).collect();
        let (terminal, id) = self.index.aside.iter().find(|(_, id)| !known.contains(id))?;
        Some(self.exception(ExceptionKind::OfflineAside, Some(*id), terminal, 0))
    }

    /// Which message a subject is, in the words of the profile.
    #[must_use]
    pub fn name_of(&self, subject: &Subject) -> Option<MessageName> {
        match subject {
            Subject::Payment(id) | Subject::Reversal(id) => message_name(self.payments.get(id)?, false),
            Subject::Advice(id) => message_name(self.payments.get(id)?, true),
            _ => None,
        }
    }
}

/// Field 48 of the current batch can take it.
fn room_for(terminal: &Terminal, payment: &Payment, rules: &Rules) -> bool {
    terminal.batch.has_room(payment.column(), payment.amount, rules.channel.batch_limits)
}
