//! How an event changes the state, and what record it becomes. Total: it cannot refuse, and gives the same state from the same rows.

mod batch;
mod cases;
mod money;
mod people;

use std::collections::BTreeSet;

use super::{Exception, Ledger, Person};
use crate::core::day::{Batch, DayBook, Return, Rung, Voucher, VoucherReason};
use crate::core::domain::{BusinessDate, Kind, Method, Minor, PaymentId, Seq, State, TerminalId, WallMs, ZNumber};
use crate::core::journal::{
    Column, Effect, Event, ExceptionKind, Original, Record, Resolution, SettleReason, Subject, link,
};
use crate::core::payment::{Adjusted, Adjusts, Payment, Reversal, ReversalStage, Slot, channel};
use crate::core::ports::{Archive, StoreError};

impl Ledger {
    /// Brings a payment back into memory if it rests in the archive.
    pub fn fetch(&mut self, id: PaymentId, archive: &dyn Archive) -> Result<Option<&Payment>, StoreError> {
        if !self.payments.contains_key(&id)
            && let Some(payment) = archive.payment(id)?
        {
            self.payments.insert(id, payment);
        }
        Ok(self.payments.get(&id))
    }

    /// Applies an event and gives the record that it becomes. `archive` is asked only for payments at rest that the event touches.
    pub fn absorb(&mut self, event: Event, at: WallMs, archive: &dyn Archive) -> Result<Record, StoreError> {
        for id in self.touched(&event) {
            self.fetch(id, archive)?;
        }
        if let Event::CaseMoved { case, .. } = &event {
            self.fetch_case(*case, archive)?;
        }
        let seq = Seq(self.head.0 + 1);
        let date = self.open;
        let effect = self.apply(&event, seq, at);
        let day = self.days.get_mut(&date).expect("the day that was open a moment ago has its book");
        if let Some(effect) = &effect {
            let channel = self.payments.get(&effect.payment).map(channel).unwrap_or_default();
            // Decisions are refused before a total could overflow, and an old row was booked once already: only a forged one does not fit.
            day.totals
                .book(effect, &channel)
                .map_err(|_| StoreError::Refused(format!("row {seq} makes a total that does not fit")))?;
        }
        let record = Record { seq, at, date, running: day.totals.all, event, effect };
        self.head = seq;
        self.link = link(&self.link, &record.to_bytes());
        if let Event::DayCut { z, next, .. } = &record.event {
            self.turn_the_page(date, *z, *next, at);
        }
        Ok(record)
    }

    /// The payments whose state an event reads or changes.
    fn touched(&self, event: &Event) -> Vec<PaymentId> {
        let in_flight = |terminal: &TerminalId| self.terminals.get(terminal)?.in_flight.as_ref();
        let mut ids = match event {
            Event::PaymentMade(made) => match made.original {
                Some(Original::Payment(original)) => vec![original],
                _ => Vec::new(),
            },
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
            | Event::TransferAnswered { payment, .. } => vec![*payment],
            Event::RouteOpened { refund, original, .. } => vec![*refund, *original],
            Event::Sending { subject, .. } => subject.payments(),
            Event::NotSent { terminal, .. } | Event::NoAnswer { terminal, .. } | Event::Answered { terminal, .. } => {
                in_flight(terminal).map(|f| f.subject.payments()).unwrap_or_default()
            }
            Event::ExceptionResolved { exception, .. } => {
                self.exceptions.get(exception).and_then(|e| e.payment).into_iter().collect()
            }
            // What an exception is about stays at hand until it is resolved.
            Event::CaseMoved { payment, .. } | Event::ExceptionOpened { payment, .. } => {
                payment.iter().copied().collect()
            }
            _ => Vec::new(),
        };
        for index in 0..ids.len() {
            if let Some(Original::Payment(original)) = self.payments.get(&ids[index]).and_then(|p| p.original.clone()) {
                ids.push(original);
            }
        }
        ids
    }

    fn apply(&mut self, event: &Event, seq: Seq, at: WallMs) -> Option<Effect> {
        match event {
            Event::StoreOpened { store, z, day_key, .. } => {
                self.store = Some(store.clone());
                self.day_key.clone_from(day_key);
                self.today_mut().z = *z;
            }
            Event::CashierAdded { cashier, name, role } => {
                let person = Person { name: name.clone(), role: *role, lang: None, active: true };
                self.people.insert(cashier.clone(), person);
            }
            Event::PersonSet { person, name, role, lang, active, .. } => {
                let set = Person { name: name.clone(), role: *role, lang: *lang, active: *active };
                self.people.insert(person.clone(), set);
            }
            Event::ShiftOpened { .. }
            | Event::DrawerTaken { .. }
            | Event::DrawerHandedOver { .. }
            | Event::CashMoved { .. }
            | Event::DrawerCounted { .. }
            | Event::DrawerTallied { .. }
            | Event::ShiftClosed { .. } => self.shift_event(event, seq, at),
            Event::PaymentMade(made) => {
                let mut payment = Payment::made(PaymentId(seq.0), self.open, at, made);
                if let (Kind::Adjust, Some(Original::Payment(original))) = (made.kind, &made.original) {
                    let original = self.payments.get(original);
                    payment.adjusts = original.map(|o| Adjusts { from: o.amount, online: o.stored_at.is_none() });
                }
                self.payment_act(made, seq, at);
                let effect = self.settle_in(payment, None);
                self.tie_routes(PaymentId(seq.0));
                self.tie_to_original(PaymentId(seq.0));
                return effect;
            }
            Event::PaymentStored { payment } => {
                let effect = self.change(*payment, |p| {
                    p.state = State::Stored;
                    p.stored_at = Some(at);
                });
                self.tie_to_original(*payment);
                return effect;
            }
            Event::PaymentCancelled { payment, .. } => {
                let effect = self.change(*payment, |p| p.state = State::Cancelled);
                self.tie_to_original(*payment);
                return effect;
            }
            Event::PaymentSetAside { payment, .. } => return self.change(*payment, |p| p.state = State::SetAside),
            Event::Sending { terminal, stan, batch, subject } => {
                return self.sending(terminal, *stan, *batch, subject, seq);
            }
            Event::NotSent { terminal, stan, .. } if self.errand_ended(terminal, *stan, false) => {}
            Event::NoAnswer { terminal, stan, .. } | Event::Answered { terminal, stan, .. }
                if self.errand_ended(terminal, *stan, true) => {}
            Event::NotSent { terminal, .. } => {
                return match self.land(terminal)?.subject {
                    Subject::Payment(id) | Subject::Advice(id) => self.change(id, Payment::not_sent),
                    Subject::Reversal(id) => self.change(id, Payment::reversal_not_sent),
                    _ => None,
                };
            }
            Event::NoAnswer { terminal, why, .. } => {
                if let Some(flight) = self.land(terminal)
                    && let Subject::Payment(id) | Subject::Advice(id) = flight.subject
                {
                    return self.change(id, |p| p.no_answer(*why));
                }
            }
            Event::Answered { terminal, answer, accepted, foreign, .. } => {
                self.terminals.entry(terminal.clone()).or_default().asked_for = answer.processing_request;
                if let Some(flight) = self.land(terminal) {
                    return self.answered(terminal, &flight, answer, *accepted, *foreign);
                }
            }
            Event::Stray { .. } => {}
            Event::Reprinted { .. } | Event::PrintedAgain { .. } | Event::DrawerOpened { .. } => {
                self.act(event, seq, at)
            }
            Event::LateAnswer { payment, answer, foreign } => {
                let effect = self.change(*payment, |p| p.answered(answer, false));
                self.acknowledge(*payment, *foreign);
                self.tie_to_original(*payment);
                return effect;
            }
            Event::ReversalOwed { payment, reason } => {
                return self.change(*payment, |p| {
                    p.reversal = Some(Reversal { reason: *reason, tries: 0, stage: ReversalStage::Owed });
                });
            }
            Event::ReversalGivenUp { payment } => {
                return self.change(*payment, |p| {
                    if let Some(reversal) = &mut p.reversal {
                        reversal.stage = ReversalStage::GivenUp;
                    }
                });
            }
            Event::SettlementWanted { terminal, why } => {
                let open = self.open;
                // A cut settles the day that is just closing: its stored payments go first, the next day's wait.
                let until = match why {
                    SettleReason::Cut => self.days.range(..open).next_back().map_or(open, |(date, _)| *date),
                    _ => open,
                };
                let terminal = self.terminals.entry(terminal.clone()).or_default();
                // An older day that is not settled yet keeps its turn: each cut day has its own batch.
                terminal.settle = Some((*why, terminal.settle.map_or(until, |(_, older)| older.min(until))));
            }
            Event::BatchAdopted { terminal, batch } => {
                self.terminals.entry(terminal.clone()).or_default().batch = Batch::new(*batch);
            }
            Event::BatchEndSeen { terminal, .. } => self.end_batch(terminal),
            Event::RecordSkipped { terminal, batch, payment } => self.skip_record(terminal, *batch, *payment),
            Event::BatchDisagreed { terminal, theirs, .. } => {
                self.terminals.entry(terminal.clone()).or_default().stopped = Some(*theirs);
            }
            Event::BatchDecided { terminal, batch, .. } => self.decide_batch(terminal, *batch),
            Event::BatchRetaken { terminal, batch, .. } => self.retake_batch(terminal, *batch),
            Event::DayCut { .. } => {}
            Event::DaySealed { date, signature, next_key, .. } => {
                self.day_key.clone_from(next_key);
                if let Some(day) = self.days.get_mut(date) {
                    day.signature = Some(signature.clone());
                }
            }
            Event::ExceptionOpened { exception, kind, payment, terminal } => {
                self.last_exception = *exception;
                if let (ExceptionKind::ReturnOverdue, Some(payment)) = (kind, payment) {
                    self.returning.remove(payment);
                }
                let (opened, terminal) = (self.open, terminal.clone());
                let difference = self.difference_behind(*kind);
                self.exceptions
                    .insert(*exception, Exception { kind: *kind, opened, payment: *payment, terminal, difference });
            }
            Event::ExceptionResolved { exception, how, .. } => {
                self.act(event, seq, at);
                return self.resolved(*exception, *how, at);
            }
            Event::StatementTaken(taken) => self.statement_taken(taken),
            Event::CaseOpened { case, statement, finding } => self.case_opened(*case, *statement, finding, at),
            Event::CaseMoved { case, step, .. } => return self.case_moved(*case, step, seq, at),
            Event::Errand { terminal, stan, batch, errand } => self.errand_sent(terminal, *stan, *batch, errand),
            Event::Alarm { payment, level } => return self.change(*payment, |p| p.alarm = Some(*level)),
            Event::PreauthLapsed { payment } => return self.change(*payment, |p| p.lapsed = true),
            event => return self.apply_money(event),
        }
        None
    }

    /// Changes a payment and books what that does to the totals and the bridge.
    fn change(&mut self, id: PaymentId, change: impl FnOnce(&mut Payment)) -> Option<Effect> {
        let before = self.payments.get(&id)?.clone();
        let mut after = before.clone();
        change(&mut after);
        self.settle_in(after, Some(&before))
    }

    /// Puts a payment into the state: index, day counters, slot. Gives the entry that it makes, if any.
    fn settle_in(&mut self, mut after: Payment, before: Option<&Payment>) -> Option<Effect> {
        let was = before.map(|p| p.state);
        let effect = if after.effective() && !after.counted && after.voucher_date.is_none() {
            if after.date == self.open && !matches!(after.kind, Kind::Adjust | Kind::TransferReturn) {
                after.counted = true;
                Some(after.own_effect())
            } else {
                after.voucher_date = Some(self.open);
                Some(after.late_effect())
            }
        } else if after.state == State::Rejected && was != Some(State::Rejected) {
            Some(after.take_back_effect())
        } else {
            None
        };
        self.note_in_books(&after, was, effect.as_ref());
        self.move_fee(before, &after, effect.as_ref());
        if let Some(day) = self.days.get_mut(&after.date) {
            let from = before.and_then(Payment::slot);
            day.totals.move_slot(from.as_ref(), after.slot().as_ref(), after.column(), after.amount);
        }
        self.move_part(before, &after);
        self.cash_drawer(&after, effect.as_ref());
        self.index.update(&after);
        self.note_held(&after);
        self.note_returning(was, &after);
        self.drop_needless_settlement(&after.device);
        self.payments.insert(after.id, after);
        effect
    }

    /// Counters and lists of the day that the payment, or its entry, belongs to.
    fn note_in_books(&mut self, after: &Payment, was: Option<State>, effect: Option<&Effect>) {
        if let Some(effect) = effect {
            let today = self.today_mut();
            match effect.column {
                Column::Refund | Column::Void => {
                    today.returns.push(Return { payment: after.id, column: effect.column });
                }
                Column::Voucher => {
                    let why = match after.state {
                        State::Rejected if after.method == Method::Transfer => VoucherReason::TransferFailed,
                        State::Rejected => VoucherReason::OfflineRejected,
                        _ if after.kind == Kind::Adjust => VoucherReason::Adjusted,
                        _ if after.kind == Kind::TransferReturn => VoucherReason::TransferReturned,
                        _ => VoucherReason::LateAnswer,
                    };
                    today.vouchers.push(Voucher {
                        payment: after.id,
                        date: after.date,
                        amount: effect.amount,
                        why,
                        cashier: after.cashier.clone(),
                        device: after.device.clone(),
                        case: None,
                    });
                }
                Column::Sale => {}
            }
        }
        if was == Some(after.state) {
            return;
        }
        let Some(day) = self.days.get_mut(&after.date) else { return };
        match after.state {
            State::Stored if was == Some(State::Waiting) => day.stored += 1,
            State::Forwarded => day.forwarded += 1,
            State::Rejected if after.method != Method::Transfer => day.rejected += 1,
            State::Reversed => {
                day.reversed.count += 1;
                day.reversed.amount = day.reversed.amount.checked_add(after.amount).unwrap_or(day.reversed.amount);
                day.reversals.push(after.id);
            }
            _ => {}
        }
    }

    /// Cash goes into or out of the drawer at the device, whoever's shift holds it.
    fn cash_drawer(&mut self, payment: &Payment, effect: Option<&Effect>) {
        let (Method::Cash, Some(effect)) = (payment.method, effect) else { return };
        let amount = match effect.column {
            Column::Sale => effect.amount,
            Column::Refund | Column::Void => Minor(-effect.amount.0),
            Column::Voucher => return,
        };
        let drawer = self.shifts.values_mut().find_map(|shift| shift.drawers.get_mut(&payment.device));
        if let Some(drawer) = drawer {
            drawer.cash(amount);
        }
    }

    /// A completion that was undone before it was sent: what was authorized stands as it did.
    fn authorize_again(&mut self, completion: PaymentId) {
        if let Some(Original::Payment(preauth)) = self.payments.get(&completion).and_then(|p| p.original.clone()) {
            self.change(preauth, |p| {
                if p.completed_by == Some(completion) {
                    p.completed_by = None;
                }
            });
        }
    }

    /// What a void, refund or completion means for the payment it refers to, from where it stands now.
    fn tie_to_original(&mut self, id: PaymentId) {
        let Some(payment) = self.payments.get(&id) else { return };
        let Some(Original::Payment(original)) = payment.original else { return };
        let (kind, state, amount) = (payment.kind, payment.state, payment.amount);
        // A transfer's own steps take the sale's room and give it back.
        let refunds = kind == Kind::Refund && payment.effective() && payment.method != Method::Transfer;
        let stands = payment.stands();
        let undoes = matches!(kind, Kind::Void | Kind::PreauthVoid | Kind::CompletionVoid) && stands;
        // A transfer order promises its amount instead: it may take weeks.
        let open_ended =
            matches!(state, State::Waiting | State::Sent | State::Unknown) && payment.method != Method::Transfer;
        let before_sending = self.payments.get(&original).is_some_and(|p| p.state == State::Stored);
        self.change(original, |p| {
            if undoes {
                p.voided_by = Some(id);
            }
            if kind == Kind::Completion && stands {
                p.completed_by = Some(id);
            } else if p.completed_by == Some(id) {
                p.completed_by = None;
            }
            if kind == Kind::Adjust {
                p.adjusted = stands.then_some(Adjusted { by: id, to: amount, told: state == State::Forwarded });
            }
            if refunds {
                p.refunded_by(id, amount);
            }
            if open_ended {
                p.busy_with = Some(id);
            } else if p.busy_with == Some(id) {
                p.busy_with = None;
            }
        });
        if undoes && before_sending {
            self.authorize_again(original);
        }
        if undoes
            && before_sending
            && let Some(date) = self.payments.get(&original).map(|p| p.date)
            && let Some(day) = self.days.get_mut(&date)
        {
            day.voided_waiting += 1;
        }
    }

    fn resolved(&mut self, exception: crate::core::domain::ExceptionNo, how: Resolution, at: WallMs) -> Option<Effect> {
        let payment = self.exceptions.remove(&exception)?.payment?;
        let effect = self.change(payment, |p| match (how, p.state) {
            (Resolution::ConfirmedApproved, State::Unknown | State::SetAside) => {
                p.state = if p.stored_at.is_some() { State::Forwarded } else { State::Approved };
                p.in_host_totals = crate::core::payment::counts(p.kind);
            }
            (Resolution::ConfirmedDeclined, State::Unknown) => p.state = State::Declined,
            (Resolution::Retry, State::SetAside) => {
                // Its age counts from the decision, or it would stand aside again at once.
                (p.state, p.stored_at) = (State::Stored, Some(at));
                p.sends = p.sends.min(1);
            }
            (Resolution::WrittenOff, State::Unknown) => p.state = State::WrittenOff,
            (Resolution::WrittenOff | Resolution::ConfirmedDeclined, State::SetAside) => p.state = State::Rejected,
            _ => {}
        });
        if how == Resolution::ConfirmedApproved {
            self.acknowledge_by_hand(payment);
        }
        self.tie_to_original(payment);
        effect
    }

    /// After a cut the next day's book is open.
    fn turn_the_page(&mut self, closed: BusinessDate, z: ZNumber, next: BusinessDate, at: WallMs) {
        let (head, link) = (self.head, self.link);
        let mut grand_total = Minor::ZERO;
        let carried = self.shifts.values().cloned().collect();
        if let Some(day) = self.days.get_mut(&closed) {
            day.carried = carried;
            day.cut = Some((head, link));
            day.cut_at = Some(at);
            grand_total = day.grand_total();
        }
        self.open = next;
        self.finish_days(closed);
        self.days.insert(next, DayBook::new(next, ZNumber(z.0 + 1), Seq(head.0 + 1), grand_total));
    }

    /// Forgets earlier days of which nothing moves any more, and ended batches that no remaining day lies in. Only at a cut, so
    /// that the archive has their last word.
    fn finish_days(&mut self, closed: BusinessDate) {
        let unsettled: BTreeSet<_> = self.payments.values().filter(|p| !p.at_rest()).map(|p| p.date).collect();
        let ended = &self.ended;
        self.days.retain(|date, day| {
            let moving = day.totals.slots.keys().any(|slot| match slot {
                Slot::Batch(terminal, number) => {
                    ended.get(&(terminal.clone(), *number)).is_none_or(|b| b.rung != Rung::Ended)
                }
                Slot::Waiting | Slot::TransferSetAside => true,
                _ => false,
            });
            *date >= closed || moving || unsettled.contains(date)
        });
        let days = &self.days;
        self.ended.retain(|_, batch| batch.parts.keys().any(|date| days.contains_key(date)));
    }
}

impl Subject {
    /// The payments that it is about.
    #[must_use]
    pub fn payments(&self) -> Vec<PaymentId> {
        match self {
            Subject::Payment(id) | Subject::Advice(id) | Subject::Reversal(id) => vec![*id],
            Subject::Upload(_) | Subject::UploadOne(_) | Subject::SignOn | Subject::Settle(_) | Subject::End { .. } => {
                Vec::new()
            }
        }
    }
}
