//! What a step writes: each event's row and what stands beside it, then everything that moved, in one commit.

use super::super::jobs;
use super::super::orders::OrderSources;
use super::{Staged, Writer};
use crate::core::domain::{BusinessDate, Now, PaymentId, Seq, ShiftNo, State, TerminalId, ZNumber};
use crate::core::journal::{CaseStep, Errand, Event, Link, Original, Record, Subject, seal_message};
use crate::core::ports::{Committed, Output, Reply, Row, Sealer, Store, StoreError};

impl<S: Store, K: Sealer> Writer<S, K> {
    pub(super) fn commit_events(
        &mut self,
        events: Vec<Event>,
        now: Now,
        staged: &mut Staged,
    ) -> Result<(), StoreError> {
        for event in events {
            let event = self.tagged(event)?;
            let answered = match &event {
                Event::Answered { .. } | Event::LateAnswer { .. } => self.about(&event),
                _ => Vec::new(),
            };
            self.commit_event(event, now, staged)?;
            for id in answered {
                if let Some(again) = self.ledger.classed_again(id, &self.rules) {
                    self.commit_event(again, now, staged)?;
                }
            }
        }
        Ok(())
    }

    /// Another route gets the keyed hash of its card, while the number is still at hand, and only from a vault whose key for it lies apart.
    fn tagged(&self, event: Event) -> Result<Event, StoreError> {
        let Event::RouteOpened { refund, original, why, tag: None } = event else { return Ok(event) };
        let mut tag = None;
        for owner in [refund, original] {
            if let (None, Some(sealed)) = (tag, self.store.sealed_card(owner)?) {
                tag = self.sealer.card_tag(self.sealer.open_card(owner, &sealed)?.number.expose());
            }
        }
        Ok(Event::RouteOpened { refund, original, why, tag })
    }

    /// Applies one event, writes its row, and gathers what follows from it.
    pub(super) fn commit_event(&mut self, event: Event, now: Now, staged: &mut Staged) -> Result<(), StoreError> {
        let about = self.about(&event);
        let before: Vec<(PaymentId, Option<State>)> =
            about.iter().map(|id| (*id, self.ledger.payments.get(id).map(|p| p.state))).collect();
        let ending = match &event {
            Event::Answered { terminal, .. } | Event::BatchEndSeen { terminal, .. } => {
                self.ledger.terminals.get(terminal).map(|t| (terminal.clone(), t.batch.number))
            }
            _ => None,
        };
        let cut = matches!(event, Event::DayCut { .. }).then(|| (self.ledger.open, self.ledger.today().z));
        if cut.is_some() {
            self.last_words(staged)?;
        }
        let record = self.ledger.absorb(event, now.wall, &self.store)?;
        self.append(&record, about.first().copied())?;
        staged.rows += 1;
        let made = matches!(record.event, Event::PaymentMade(_)).then_some(PaymentId(record.seq.0));
        let changed: Vec<(PaymentId, Option<State>)> = before.into_iter().chain(made.map(|id| (id, None))).collect();
        self.note(&record, &changed, now, staged);
        if let Event::Sending { terminal, .. } | Event::Errand { terminal, .. } = &record.event {
            let sources =
                OrderSources { ledger: &self.ledger, rules: &self.rules, archive: &self.store, sealer: &self.sealer };
            if let Some(order) = sources.order(&record.event, &mut self.secrets)? {
                staged.outputs.push(Output::Send(terminal.clone(), Box::new(order)));
            }
        }
        let mut queued = jobs::jobs(&record, &self.ledger, &self.rules, &changed);
        if let Some((terminal, batch)) = ending
            && self.ledger.terminals.get(&terminal).is_some_and(|t| t.batch.number != batch)
        {
            queued.extend(jobs::slip(&terminal, batch, &self.rules));
            staged.ended.push((terminal, batch));
        }
        for job in &queued {
            self.store.put_job(job)?;
            staged.print = true;
        }
        if let Event::ShiftClosed { shift, .. } = &record.event {
            self.archive_shift(*shift)?;
        }
        self.keep_case(&record, now, staged)?;
        if let Some((date, z)) = cut {
            self.seal(date, z, now, staged)?;
        }
        Ok(())
    }

    pub(super) fn about(&self, event: &Event) -> Vec<PaymentId> {
        let flight = |terminal: &TerminalId| self.ledger.terminals.get(terminal)?.in_flight.as_ref();
        match event {
            Event::PaymentStored { payment }
            | Event::PaymentCancelled { payment, .. }
            | Event::PaymentSetAside { payment, .. }
            | Event::ReversalOwed { payment, .. }
            | Event::ReversalGivenUp { payment }
            | Event::Alarm { payment, .. }
            | Event::PreauthLapsed { payment }
            | Event::LateAnswer { payment, .. }
            | Event::PaymentClassed { payment, .. }
            | Event::CouponTaken { payment, .. }
            | Event::TransferNamed { payment, .. }
            | Event::TransferMoved { payment, .. }
            | Event::TransferAnswered { payment, .. }
            | Event::RecordSkipped { payment, .. } => vec![*payment],
            Event::RouteOpened { refund, original, .. } => vec![*refund, *original],
            Event::Sending { subject, .. } => subject.payments(),
            Event::Errand { errand, .. } => asked_about(errand).into_iter().collect(),
            Event::NotSent { terminal, stan, .. }
            | Event::NoAnswer { terminal, stan, .. }
            | Event::Answered { terminal, stan, .. }
                if self.ledger.errand_stan(terminal) == Some(*stan) =>
            {
                let errand = self.ledger.terminals.get(terminal).and_then(|t| t.errand.as_ref());
                errand.and_then(|under_way| asked_about(&under_way.errand)).into_iter().collect()
            }
            Event::NotSent { terminal, .. } | Event::NoAnswer { terminal, .. } | Event::Answered { terminal, .. } => {
                flight(terminal).map(|f| f.subject.payments()).unwrap_or_default()
            }
            Event::Stray { payment, .. } | Event::ExceptionOpened { payment, .. } => payment.iter().copied().collect(),
            Event::ExceptionResolved { exception, .. } => {
                self.ledger.exceptions.get(exception).and_then(|e| e.payment).into_iter().collect()
            }
            Event::CaseOpened { finding, .. } => finding.payment.into_iter().collect(),
            Event::CaseMoved { payment, .. } => payment.iter().copied().collect(),
            _ => Vec::new(),
        }
    }

    /// The look-ups beside a statement's or a case's row.
    fn keep_case(&mut self, record: &Record, now: Now, staged: &mut Staged) -> Result<(), StoreError> {
        let (case, settled) = match &record.event {
            Event::StatementTaken(taken) => {
                staged.superseded = self.store.put_statement(taken, now.wall)?;
                return Ok(());
            }
            Event::StatementBooked(booked) => return self.store.put_booked(booked, record.seq),
            Event::CaseOpened { case, finding, .. } => (case, finding.payment),
            Event::CaseMoved { case, payment, step } => {
                let restated = matches!(**step, CaseStep::Restated { .. } | CaseStep::Reopened { .. });
                (case, payment.filter(|_| restated))
            }
            _ => return Ok(()),
        };
        if let Some(case) = self.ledger.cases.get(case) {
            self.store.put_case(case)?;
        }
        settled.map_or(Ok(()), |payment| self.store.forget_awaited(payment))
    }

    pub(super) fn append(&mut self, record: &Record, payment: Option<PaymentId>) -> Result<(), StoreError> {
        let payment = match record.event {
            Event::PaymentMade(_) => Some(PaymentId(record.seq.0)),
            _ => payment,
        };
        let bytes = record.to_bytes();
        // A row that does not read back would keep the store from ever starting again.
        if Record::from_bytes(&bytes).ok().as_ref() != Some(record) {
            return Err(StoreError::Refused(format!("row {} would not read back", record.seq)));
        }
        let link: Link = self.ledger.link;
        let hmac = self.sealer.seal_link(&link);
        self.store.append(&Row { record: record.clone(), bytes, link, hmac, payment })
    }

    /// Marks what must be written beside the row, and wipes what is no longer needed.
    pub(super) fn note(
        &mut self,
        record: &Record,
        changed: &[(PaymentId, Option<State>)],
        now: Now,
        staged: &mut Staged,
    ) {
        let open = self.ledger.open;
        for (id, before) in changed {
            staged.dirty.entry(*id).or_insert(*before);
            let Some(payment) = self.ledger.payments.get(id) else { continue };
            staged.days |= payment.date < open;
            if let Some(Original::Payment(original)) = payment.original {
                staged.dirty.entry(original).or_insert(None);
                // The void of a completion also touches what the completion refers to.
                let first = self.ledger.payments.get(&original).and_then(|o| o.original.as_ref());
                if let Some(Original::Payment(first)) = first {
                    staged.dirty.entry(*first).or_insert(None);
                }
            }
            if !matches!(payment.state, State::Waiting | State::Sent) {
                self.secrets.drop_for(*id);
            }
            if payment.state == State::Waiting {
                self.lines.waiting.entry(*id).or_insert(now.mono);
            } else {
                self.lines.waiting.remove(id);
            }
            let original = match payment.original {
                Some(Original::Payment(original)) => self.ledger.payments.get(&original),
                _ => None,
            };
            let done = [Some(payment), original].into_iter().flatten().filter(|p| self.card_is_done(p));
            staged.erase.extend(done.map(|p| p.id));
        }
        let settlement = |s: &Subject| {
            matches!(s, Subject::Settle(_) | Subject::Upload(_) | Subject::UploadOne(_) | Subject::End { .. })
        };
        match &record.event {
            Event::Sending { terminal, subject, .. } => {
                staged.batches.insert(terminal.clone());
                staged.rung |= settlement(subject);
                staged.days |= settlement(subject);
            }
            Event::Answered { terminal, .. } => {
                staged.batches.insert(terminal.clone());
                let t = self.ledger.terminals.get(terminal);
                let climbing = t.is_some_and(|t| t.batch.settling() || t.batch.is_empty());
                staged.rung |= climbing;
                staged.days |= climbing;
            }
            Event::BatchEndSeen { terminal, .. }
            | Event::BatchDecided { terminal, .. }
            | Event::BatchRetaken { terminal, .. } => {
                staged.batches.insert(terminal.clone());
                (staged.rung, staged.days) = (true, true);
            }
            Event::DayCut { .. } => (staged.rung, staged.days) = (true, true),
            _ => {}
        }
    }

    /// Signs the root of the day that was just cut, and goes on under new keys.
    pub(super) fn seal(
        &mut self,
        date: BusinessDate,
        z: ZNumber,
        now: Now,
        staged: &mut Staged,
    ) -> Result<(), StoreError> {
        let root = self.ledger.link;
        let store = self.rules.store.to_string();
        let day = date.to_string();
        let signed = self.sealer.seal_day(&|next_key| seal_message(&store, &day, z.0, &root, next_key))?;
        self.store.put_day_keys(&self.sealer.sealed_keys())?;
        staged.sealed = true;
        let event = Event::DaySealed { date, z, root, signature: signed.signature, next_key: signed.next_key };
        self.commit_event(event, now, staged)
    }

    pub(super) fn archive_shift(&mut self, shift: ShiftNo) -> Result<(), StoreError> {
        self.ledger.shift_row(shift).map_or(Ok(()), |row| self.store.put_shift(&row))
    }

    /// Writes the payments that changed, so that the next command of the same step finds them.
    pub(super) fn flush(&mut self, staged: &mut Staged) -> Result<Vec<PaymentId>, StoreError> {
        for id in staged.dirty.keys() {
            if let Some(payment) = self.ledger.payments.get(id) {
                self.store.put_payment(payment, payment.slot().as_ref())?;
            }
        }
        let flushed: Vec<PaymentId> = std::mem::take(&mut staged.dirty).into_keys().collect();
        staged.written.extend(&flushed);
        Ok(flushed)
    }

    pub(super) fn answer_waiters(&mut self, flushed: &[PaymentId], staged: &mut Staged) {
        for id in flushed {
            let Some(payment) = self.ledger.payments.get(id).filter(|p| p.answerable()) else { continue };
            for ticket in self.waiters.remove(id).unwrap_or_default() {
                staged.answered.push((*id, ticket));
                staged.outputs.push(Output::Answer(ticket, Ok(Reply::Payment(Box::new(payment.clone())))));
            }
        }
    }

    /// Archives what moved, commits, and lets memory go of what rests.
    pub(super) fn finish(&mut self, staged: &mut Staged) -> Result<(), StoreError> {
        self.flush(staged)?;
        self.put_batches(staged)?;
        if staged.days {
            self.put_days()?;
        }
        if !staged.erase.is_empty() {
            self.store.erase_cards(&staged.erase)?;
        }
        if staged.sealed || self.ledger.head == Seq(1) {
            self.store.put_snapshot(self.ledger.head, &self.ledger.to_bytes())?;
        }
        self.store.commit()?;
        self.sealer.committed();
        self.secrets.committed();
        self.ledger.evict();
        if staged.print {
            staged.outputs.push(Output::Print);
        }
        let terminals = self.ledger.terminals.iter().map(|(id, t)| (id.clone(), t.batch.number, t.last_stan)).collect();
        staged.outputs.push(Output::Committed(Committed {
            head: self.ledger.head,
            link: self.ledger.link,
            terminals,
            rung: staged.rung,
            payments: staged.written.iter().copied().collect(),
        }));
        Ok(())
    }

    /// A cut lets go of the days and batches that rest. What moved them to rest may stand in this very commit: before that the archive hears of it,
    /// and the cards of a batch that ended are erased.
    fn last_words(&mut self, staged: &mut Staged) -> Result<(), StoreError> {
        self.put_batches(staged)?;
        if staged.days { self.put_days() } else { Ok(()) }
    }

    pub(super) fn put_batches(&mut self, staged: &mut Staged) -> Result<(), StoreError> {
        for terminal in &staged.batches {
            self.ledger.batch_rows(terminal).try_for_each(|row| self.store.put_batch(&row))?;
        }
        for (terminal, number) in std::mem::take(&mut staged.ended) {
            self.erase_batch_cards(&terminal, number)?;
        }
        Ok(())
    }

    pub(super) fn put_days(&mut self) -> Result<(), StoreError> {
        let rows = self.ledger.day_rows(&self.rules, &self.store)?;
        rows.iter().try_for_each(|row| self.store.put_day(row))
    }
}

fn asked_about(errand: &Errand) -> Option<PaymentId> {
    match errand {
        Errand::Query(payment) => Some(*payment),
        Errand::SignOff => None,
    }
}
