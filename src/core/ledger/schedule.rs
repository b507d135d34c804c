//! What each terminal does next, from the state alone: a restart goes on where it was.
//!
//! Order: sign on; the reversal that is owed; a settlement that has begun; a settlement that is due, once nothing of its day waits;
//! then online payments and stored ones in turns.

use super::decide_lane::Scene;
use super::decide_lane::message_name;
use super::decide_pay::Around;
use super::{Index, Ledger, LineState, Lines, Rules, Terminal};
use crate::core::acquirer::MessageName;
use crate::core::day::Rung;
use crate::core::domain::{Now, PaymentId, Stan, State, TerminalId};
use crate::core::journal::{AsideReason, CancelReason, Event, ExceptionKind, SettleReason, Subject};
use crate::core::ports::{Archive, StoreError};

impl Ledger {
    /// The next thing that is to happen at a terminal by itself, if any. Called again until there is none.
    pub fn schedule(&self, id: &TerminalId, lines: &mut Lines, scene: Scene<'_>) -> Result<Option<Event>, StoreError> {
        let terminal = self.terminal(id);
        let line = lines.get(id);
        let rules = scene.rules;
        if let Some(event) = self.expire(id, &terminal, scene.now, Around { rules, lines, archive: scene.archive }) {
            return Ok(Some(event));
        }
        if terminal.settle.is_none()
            && terminal.batch.rung == Rung::Open
            && terminal.batch.nearly_full(rules.channel.batch_max_count)
        {
            return Ok(Some(Event::SettlementWanted { terminal: id.clone(), why: SettleReason::Full }));
        }
        if terminal.in_flight.is_some() || terminal.stopped.is_some() {
            return Ok(None);
        }
        let retry = scene.now.mono >= line.retry_at;
        if line.state != LineState::Up {
            return Ok(None);
        }
        if !line.signed_on {
            return Ok(retry.then(|| self.fresh(id, &terminal, Subject::SignOn)));
        }
        self.next_message(id, &terminal, retry, lines, scene)
    }

    fn next_message(
        &self,
        id: &TerminalId,
        terminal: &Terminal,
        retry: bool,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Result<Option<Event>, StoreError> {
        let waiting = Index::first(&self.index.waiting, id);
        if let Some(owed) = Index::first(&self.index.reversals, id) {
            // A customer who waits makes the reversal go at once; otherwise it keeps its distance between tries.
            return Ok((retry || waiting.is_some()).then(|| self.again(id, owed, Subject::Reversal(owed))).flatten());
        }
        if terminal.batch.settling() {
            return if retry { self.settle_on(id, terminal, scene.archive) } else { Ok(None) };
        }
        let stored = self.next_stored(id, terminal, scene.rules);
        if terminal.settle.is_some() && stored.is_none() && retry && !terminal.batch.is_empty() {
            let subject = Subject::Settle(terminal.batch.totals);
            return Ok(Some(self.fresh(id, terminal, subject)));
        }
        let stored = stored.filter(|_| retry);
        let advice_first = stored.is_some() && !lines.get(id).advice_had_its_turn;
        lines.line_mut(id).advice_had_its_turn = advice_first || waiting.is_none();
        Ok(match (waiting, stored) {
            (_, Some(stored)) if advice_first || waiting.is_none() => {
                let subject = Subject::Advice(stored);
                match self.payments.get(&stored).and_then(|p| p.stan) {
                    Some(_) => self.again(id, stored, subject),
                    None => Some(self.fresh(id, terminal, subject)),
                }
            }
            (Some(payment), _) => Some(self.fresh(id, terminal, Subject::Payment(payment))),
            _ => None,
        })
    }

    /// The next stored payment to forward. While a settlement is due, only those of its days: the next day's go into the next
    /// batch. What has been sent and not answered always goes first, and nothing else once the batch is nearly full.
    fn next_stored(&self, id: &TerminalId, terminal: &Terminal, rules: &Rules) -> Option<PaymentId> {
        let full = terminal.batch.nearly_full(rules.channel.batch_max_count);
        let until = terminal.settle.map(|(_, until)| until);
        Index::of_terminal(&self.index.stored, id)
            .filter_map(|payment| self.payments.get(&payment))
            .find(|p| p.sends > 0 || (!full && until.is_none_or(|until| p.date <= until)))
            .map(|p| p.id)
    }

    /// The next message of a settlement that has begun. What is unanswered is repeated unchanged.
    fn settle_on(
        &self,
        id: &TerminalId,
        terminal: &Terminal,
        archive: &dyn Archive,
    ) -> Result<Option<Event>, StoreError> {
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
            (Rung::Balanced, ..) => {
                let subject = Subject::End { balanced: true, records: 0 };
                Some(self.fresh(id, terminal, subject))
            }
            (Rung::Unbalanced | Rung::Error, ..) => Some(self.upload_on(id, terminal, archive)?),
            _ => None,
        })
    }

    /// The next eight payments of an unbalanced batch, or its end.
    fn upload_on(&self, id: &TerminalId, terminal: &Terminal, archive: &dyn Archive) -> Result<Event, StoreError> {
        let batch = &terminal.batch;
        let Some(first) = batch.first else {
            return Ok(self.fresh(id, terminal, Subject::End { balanced: false, records: batch.records }));
        };
        let members = archive.batch_members(id, batch.number, first)?;
        let next: Vec<PaymentId> =
            members.into_iter().filter(|payment| batch.uploaded.is_none_or(|last| *payment > last)).take(8).collect();
        let subject = if next.is_empty() {
            Subject::End { balanced: false, records: batch.records }
        } else {
            Subject::Upload(next)
        };
        Ok(self.fresh(id, terminal, subject))
    }

    /// A message under a new STAN.
    fn fresh(&self, id: &TerminalId, terminal: &Terminal, subject: Subject) -> Event {
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
        if let Some(first) = Index::first(&self.index.waiting, id) {
            let waited = now.wall.0.saturating_sub(self.payments.get(&first)?.made_at.0);
            let waited = u64::try_from(waited).unwrap_or(0);
            let channel = &around.rules.channel;
            let why = if around.lines.state(id) == LineState::Down {
                Some(CancelReason::NoLine)
            } else if terminal.batch.settling() && waited >= channel.settle_wait_ms {
                Some(CancelReason::Settling)
            } else if waited >= channel.wait_ms {
                Some(CancelReason::WaitedTooLong)
            } else {
                None
            };
            if let Some(why) = why {
                return self.store_or_cancel(first, why, around);
            }
        }
        let max_age = around.rules.offline?.max_age_ms;
        let in_flight = terminal.in_flight.as_ref().map(|f| f.subject.payments()).unwrap_or_default();
        Index::of_terminal(&self.index.stored, id)
            .filter_map(|payment| self.payments.get(&payment))
            .find(|p| {
                let stored = p.stored_at.map_or(0, |at| now.wall.0.saturating_sub(at.0));
                stored > max_age && !in_flight.contains(&p.id)
            })
            .map(|p| Event::PaymentSetAside { payment: p.id, why: AsideReason::TooOld })
    }

    /// An exception for everything that stands aside and has none yet.
    pub fn missing_exception(&self) -> Option<Event> {
        let (terminal, id) = self.index.aside.iter().find(|(_, id)| {
            self.payments.get(id).is_some_and(|p| p.state == State::SetAside)
                && !self.exceptions.values().any(|e| e.payment == Some(*id))
        })?;
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
