//! What a lane reports, against the state: the events that follow, and what is learnt about the line.

use super::{
    BackOff, ChannelRules, Exception, InFlight, Index, Ledger, Line, LineState, Lines, Rules, reversal_reason,
};
use crate::core::acquirer::profile::Exhausted;
use crate::core::acquirer::{Answer, AnswerClass, MessageName, NotSent, Report, ReversalReason};
use crate::core::day::{HostClock, Rung};
use crate::core::domain::{BatchNo, Entry, ExceptionNo, Kind, Method, Now, PaymentId, Stan, State, TerminalId};
use crate::core::journal::{AsideReason, CancelReason, Event, ExceptionKind, Silence, Subject};
use crate::core::payment::{Payment, ReversalStage};
use crate::core::ports::{Archive, Sealer, StoreError};

/// So many answers in a row that refuse a settlement are a person's matter. It is tried further.
const REFUSALS: u32 = 5;

/// What a decision about a terminal may look at beside the ledger and the lines.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The configuration.
    pub rules: &'a Rules,
    /// Payments at rest.
    pub archive: &'a dyn Archive,
    /// What opens their cards.
    pub sealer: &'a dyn Sealer,
    /// The moment.
    pub now: Now,
}

impl Scene<'_> {
    pub(super) fn back_off(&self, what: &mut BackOff) {
        what.failed(self.now.mono, self.rules.channel.retry_first_ms, self.rules.channel.retry_longest_ms);
    }
}

impl Ledger {
    /// What a report makes happen. The lines are changed at once: they are not journaled. Whoever waits for a line that went is
    /// the schedule's affair.
    pub fn decide_report(
        &mut self,
        terminal: &TerminalId,
        report: &Report,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Result<Vec<Event>, StoreError> {
        match report {
            Report::LineUp => {
                lines.line_mut(terminal).came_up(scene.now.mono, scene.rules.channel.outage_ms);
                Ok(Vec::new())
            }
            Report::LineDown { why } => {
                lines.line_mut(terminal).went_down(scene.now.mono, why);
                Ok(Vec::new())
            }
            Report::NotSent { stan, why } => Ok(self.not_sent(terminal, *stan, *why, lines, scene)),
            Report::NoAnswer { stan } => Ok(self.no_answer(terminal, *stan, Silence::Timeout, lines, scene)),
            Report::Answered { stan, answer } => Ok(self.answer_came(terminal, *stan, answer, lines, scene)),
            Report::Stray { stan, answer, masked_frame } => {
                self.stray(terminal, *stan, answer.as_deref(), masked_frame, scene)
            }
        }
    }

    fn flight(&self, terminal: &TerminalId, stan: Stan) -> Option<&InFlight> {
        self.terminals.get(terminal)?.in_flight.as_ref().filter(|f| f.stan == stan)
    }

    fn not_sent(
        &self,
        terminal: &TerminalId,
        stan: Stan,
        why: NotSent,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        if self.errand_under_way(terminal, stan).is_some() {
            return self.errand_not_sent(terminal, stan, why, lines, scene);
        }
        let Some(flight) = self.flight(terminal, stan) else { return Vec::new() };
        let mut events = vec![Event::NotSent { terminal: terminal.clone(), stan, why }];
        let line = lines.line_mut(terminal);
        scene.back_off(&mut line.repeats);
        match why {
            NotSent::NoLine => line.state = LineState::Down,
            // Work keys are missing, or the pad that holds them is away. What is owed keeps its place: a reversal is not given up because
            // somebody pulled a plug. A customer's payment ends: its PIN block was made under the old PIN key.
            NotSent::NoKeys => {
                line.signed_on = false;
                line.why = Some("no work keys: signing on again".into());
            }
            // Signing on again costs one message, and helps where the keys were the reason.
            NotSent::NotBuilt => line.signed_on = false,
        }
        if let Subject::Payment(id) = &flight.subject
            && why != NotSent::NoLine
        {
            if self.payments.get(id).is_none_or(|p| p.sends <= 1) {
                events.push(Event::PaymentCancelled { payment: *id, why: CancelReason::NotBuilt });
            } else if why == NotSent::NotBuilt && !self.is_asked_about(*id) {
                // It was sent before, and may have been done: it stays unknown, and a person decides.
                events.push(self.exception(ExceptionKind::UnknownPayment, Some(*id), terminal, 0));
            }
        }
        if why == NotSent::NotBuilt {
            match &flight.subject {
                Subject::Advice(id) => {
                    events.push(Event::PaymentSetAside { payment: *id, why: AsideReason::NotBuilt });
                    events.push(self.exception(ExceptionKind::OfflineAside, Some(*id), terminal, 0));
                }
                Subject::Reversal(id) => {
                    events.push(Event::ReversalGivenUp { payment: *id });
                    events.push(self.exception(ExceptionKind::ReversalFailed, Some(*id), terminal, 0));
                }
                Subject::UploadOne(id) => {
                    events.push(self.exception(ExceptionKind::RecordSkipped, Some(*id), terminal, 0));
                    let (terminal, batch, payment) = (terminal.clone(), flight.batch, *id);
                    events.push(Event::RecordSkipped { terminal, batch, payment });
                }
                _ => {}
            }
        }
        events
    }

    /// Law 2: silence is *unknown*. What it leads to depends on what was said.
    pub(super) fn no_answer(
        &self,
        terminal: &TerminalId,
        stan: Stan,
        why: Silence,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        lines.line_mut(terminal).unanswered = true;
        if self.errand_under_way(terminal, stan).is_some() {
            return self.errand_silent(terminal, stan, why, lines, scene);
        }
        let Some(flight) = self.flight(terminal, stan) else { return Vec::new() };
        let mut events = vec![Event::NoAnswer { terminal: terminal.clone(), stan, why }];
        let line = lines.line_mut(terminal);
        match &flight.subject {
            Subject::SignOn => {
                line.signed_on = false;
                scene.back_off(&mut line.repeats);
                line.sign_on_failed = true;
                line.why = Some("the acquirer does not answer the sign-on".into());
            }
            Subject::Payment(id) => {
                if let Some(payment) = self.payments.get(id) {
                    if payment.kind == Kind::Refund {
                        scene.back_off(&mut line.repeats);
                    }
                    events.extend(self.after_unknown(payment, ReversalReason::NoAnswer, terminal, scene.rules));
                }
            }
            Subject::Advice(id) => {
                scene.back_off(&mut line.repeats);
                events.extend(self.advice_failed(*id, terminal, scene.rules));
            }
            Subject::Reversal(id) => {
                scene.back_off(&mut line.reversals);
                events.extend(self.reversal_failed(*id, terminal, scene.rules));
            }
            Subject::Settle(_) | Subject::Upload(_) | Subject::UploadOne(_) | Subject::End { .. } => {
                scene.back_off(&mut line.repeats);
            }
        }
        events
    }

    /// A payment is unknown: reversed where it may be, repeated where the acquirer knows repeats, else for a named person. An enquiry that
    /// is not answered has done nothing.
    fn after_unknown(
        &self,
        payment: &Payment,
        reason: ReversalReason,
        terminal: &TerminalId,
        rules: &Rules,
    ) -> Option<Event> {
        // Asked about first, where the acquirer can be asked.
        if rules.channel.query.asks_about(payment) {
            return None;
        }
        self.undecided(payment, reason, terminal, rules)
    }

    /// Nothing that can be asked will say more.
    pub(super) fn undecided(
        &self,
        payment: &Payment,
        reason: ReversalReason,
        terminal: &TerminalId,
        rules: &Rules,
    ) -> Option<Event> {
        let channel = &rules.channel;
        let reversible = message_name(payment, false).is_some_and(|name| channel.reversible.contains(&name));
        if reversible {
            Some(Event::ReversalOwed { payment: payment.id, reason })
        } else if payment.kind == Kind::Balance || channel.repeats(payment) {
            None
        } else {
            Some(self.exception(ExceptionKind::UnknownPayment, Some(payment.id), terminal, 0))
        }
    }

    /// A refund that was sent before: "duplicate" then says that the acquirer did it.
    fn is_repeat(&self, id: PaymentId, channel: &ChannelRules) -> bool {
        channel.repeats_recognized && self.payments.get(&id).is_some_and(|p| p.kind == Kind::Refund && p.sends > 1)
    }

    fn advice_failed(&self, id: PaymentId, terminal: &TerminalId, rules: &Rules) -> Vec<Event> {
        let tries = self.payments.get(&id).map_or(0, |p| p.sends);
        if tries < rules.channel.advice_tries {
            return Vec::new();
        }
        vec![
            Event::PaymentSetAside { payment: id, why: AsideReason::Tries },
            self.exception(ExceptionKind::OfflineAside, Some(id), terminal, 0),
        ]
    }

    fn reversal_failed(&self, id: PaymentId, terminal: &TerminalId, rules: &Rules) -> Vec<Event> {
        let tries = self.payments.get(&id).and_then(|p| p.reversal.as_ref()).map_or(0, |r| r.tries);
        if tries < rules.channel.reversal_tries {
            return Vec::new();
        }
        let given_up = Event::ReversalGivenUp { payment: id };
        std::iter::once(given_up).chain(self.reversal_exception(id, terminal)).collect()
    }

    /// What a named person is told of a reversal that nobody confirmed: once.
    pub(super) fn reversal_exception(&self, id: PaymentId, terminal: &TerminalId) -> Option<Event> {
        let said = self.exceptions.values().any(|e| e.payment == Some(id));
        (!said).then(|| self.exception(ExceptionKind::ReversalFailed, Some(id), terminal, 0))
    }

    /// Reversals that were given up and that this acquirer wants to hear of as long as their batch is open: tried anew after a sign-on.
    fn kept_reversals(&self, terminal: &TerminalId, rules: &Rules) -> Vec<Event> {
        if rules.channel.exhausted != Exhausted::Keep {
            return Vec::new();
        }
        let batch = self.terminal(terminal).batch.number;
        let unknown = Index::of_terminal(&self.index.unknown, terminal).filter_map(|id| self.payments.get(&id));
        let given_up = |p: &&Payment| p.reversal.as_ref().is_some_and(|r| r.stage == ReversalStage::GivenUp);
        let kept = unknown.filter(given_up).filter(|p| p.batch == Some(batch));
        kept.map(|p| Event::ReversalOwed { payment: p.id, reason: ReversalReason::Other }).collect()
    }

    /// `later`: how many exceptions the same decision has opened before.
    pub(super) fn exception(
        &self,
        kind: ExceptionKind,
        payment: Option<PaymentId>,
        terminal: &TerminalId,
        later: u32,
    ) -> Event {
        let exception = ExceptionNo(self.last_exception.0 + 1 + later);
        Event::ExceptionOpened { exception, kind, payment, terminal: Some(terminal.clone()) }
    }

    fn answer_came(
        &self,
        terminal: &TerminalId,
        stan: Stan,
        answer: &Answer,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        self.hear_clock(lines, answer, scene);
        lines.line_mut(terminal).unanswered = false;
        if self.errand_under_way(terminal, stan).is_some() {
            return self.errand_answered(terminal, stan, answer, lines, scene);
        }
        let Some(flight) = self.flight(terminal, stan) else { return Vec::new() };
        let channel = &scene.rules.channel;
        let code = answer.code.as_deref().unwrap_or("");
        let has = |list: &[String]| list.iter().any(|c| c == code);
        let approved = answer.class == AnswerClass::Approved;
        let believed = answer.doubt.is_none();
        let accepted = match &flight.subject {
            Subject::SignOn => approved,
            Subject::Payment(id) => approved || (believed && has(&channel.duplicate) && self.is_repeat(*id, channel)),
            // All of them go again under their numbers until they are answered.
            Subject::Advice(_) | Subject::Upload(_) | Subject::UploadOne(_) | Subject::End { .. } => {
                approved || (believed && has(&channel.duplicate))
            }
            Subject::Reversal(_) => believed && has(&channel.reversal_done),
            Subject::Settle(_) => answer.verdict.is_some(),
        };
        let mut events = vec![Event::Answered {
            terminal: terminal.clone(),
            stan,
            answer: Box::new(answer.clone()),
            accepted,
            foreign: match &flight.subject {
                Subject::Payment(id) | Subject::Advice(id) => {
                    self.is_foreign(*id, answer.organisation.as_deref(), scene.rules)
                }
                _ => channel.is_foreign(answer.organisation.as_deref()),
            },
        }];
        let settling = self.terminal(terminal).batch.settling();
        let line = lines.line_mut(terminal);
        if channel.must_sign_on(answer) {
            line.signed_on = false;
        }
        if accepted {
            match flight.subject {
                Subject::Reversal(_) => line.reversals = BackOff::default(),
                // What is refused again and again keeps its distance, though it signs on in between.
                Subject::SignOn if settling => {}
                _ => (line.repeats, line.refusals) = (BackOff::default(), 0),
            }
        }
        events.extend(self.consequences(&flight.subject, terminal, answer, accepted, line, scene));
        events
    }

    fn consequences(
        &self,
        subject: &Subject,
        terminal: &TerminalId,
        answer: &Answer,
        accepted: bool,
        line: &mut Line,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        match subject {
            Subject::SignOn if accepted => {
                (line.signed_on, line.sign_on_failed, line.why) = (true, false, None);
                let mut events = self.compare_batches(terminal, answer.batch);
                if events.is_empty() {
                    events = self.kept_reversals(terminal, scene.rules);
                }
                // The PIN blocks of those who wait were made under the PIN key before this one. A wrong PIN would be counted against their cards.
                let waiting = Index::of_terminal(&self.index.waiting, terminal).filter_map(|id| self.payments.get(&id));
                let outdated = waiting.filter(|p| p.pin);
                events.extend(outdated.map(|p| Event::PaymentCancelled { payment: p.id, why: CancelReason::NotBuilt }));
                events
            }
            Subject::SignOn => {
                (line.signed_on, line.sign_on_failed) = (false, true);
                line.why = Some(format!("the acquirer refuses the sign-on: {:?}", answer.code));
                scene.back_off(&mut line.repeats);
                Vec::new()
            }
            Subject::Payment(id) if !accepted && answer.class == AnswerClass::Unknown => {
                let reason = reversal_reason(answer.doubt);
                let payment = self.payments.get(id);
                if payment.is_some_and(|p| p.kind == Kind::Refund) {
                    scene.back_off(&mut line.repeats);
                }
                payment.and_then(|p| self.after_unknown(p, reason, terminal, scene.rules)).into_iter().collect()
            }
            Subject::Payment(id) if answer.class == AnswerClass::Declined => {
                self.route_opened(*id, answer, scene.rules).into_iter().collect()
            }
            Subject::Advice(id) if !accepted && answer.class == AnswerClass::Declined => {
                vec![self.exception(ExceptionKind::OfflineRejected, Some(*id), terminal, 0)]
            }
            Subject::Advice(id) if !accepted => {
                scene.back_off(&mut line.repeats);
                self.advice_failed(*id, terminal, scene.rules)
            }
            Subject::Reversal(id) if !accepted => {
                scene.back_off(&mut line.reversals);
                self.reversal_failed(*id, terminal, scene.rules)
            }
            Subject::Settle(_)
                if answer.verdict.is_some_and(|v| v.balanced()) && !scene.rules.channel.end_when_balanced =>
            {
                let batch = self.terminal(terminal).batch.number;
                vec![Event::BatchEndSeen { terminal: terminal.clone(), batch }]
            }
            Subject::Settle(_) if answer.verdict.is_some_and(|v| !v.balanced()) => {
                vec![self.exception(ExceptionKind::Unbalanced, None, terminal, 0)]
            }
            Subject::Settle(_) | Subject::Upload(_) | Subject::UploadOne(_) | Subject::End { .. } if !accepted => {
                // It may be that the end arrived and its answer did not: the batch number at the next sign-on tells.
                line.signed_on = false;
                scene.back_off(&mut line.repeats);
                let known =
                    |e: &Exception| e.kind == ExceptionKind::SettlementRefused && e.terminal.as_ref() == Some(terminal);
                line.refusals = line.refusals.saturating_add(1);
                let told = line.refusals < REFUSALS || self.exceptions.values().any(known);
                let exception = || self.exception(ExceptionKind::SettlementRefused, None, terminal, 0);
                (!told).then(exception).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The acquirer's batch number at sign-on (F60.2), as ruled: adopted into an empty batch, proof of an end that arrived, or a
    /// disagreement that stops the terminal's cards.
    fn compare_batches(&self, id: &TerminalId, theirs: Option<BatchNo>) -> Vec<Event> {
        // Zeros say nothing: batches are numbered from 1.
        let Some(theirs) = theirs.filter(|number| number.0 > 0) else { return Vec::new() };
        let terminal = self.terminal(id);
        let ours = terminal.batch.number;
        let named = || id.clone();
        if theirs == ours {
            Vec::new()
        } else if terminal.batch.is_empty() && self.never_settled(id, theirs) {
            vec![Event::BatchAdopted { terminal: named(), batch: theirs }]
        } else if terminal.batch.rung == Rung::Uploaded && theirs == ours.next() {
            vec![Event::BatchEndSeen { terminal: named(), batch: ours }]
        } else {
            vec![
                Event::BatchDisagreed { terminal: named(), ours, theirs },
                self.exception(ExceptionKind::BatchDisagrees, None, id, 0),
            ]
        }
    }

    /// A batch that has ended here is never begun again, whatever the acquirer's number says.
    fn never_settled(&self, id: &TerminalId, number: BatchNo) -> bool {
        !self.ended.contains_key(&(id.clone(), number))
    }

    /// A frame that answers nothing under way. A late answer decides only where no reversal was journaled.
    fn stray(
        &mut self,
        terminal: &TerminalId,
        stan: Option<Stan>,
        answer: Option<&Answer>,
        masked_frame: &str,
        scene: Scene<'_>,
    ) -> Result<Vec<Event>, StoreError> {
        // A late answer names the batch that its request was sent in, which may have ended since.
        let current = self.terminal(terminal).batch.number;
        let batch = answer.and_then(|a| a.batch).filter(|named| named.0 > 0).unwrap_or(current);
        let payment = match stan {
            Some(stan) => scene.archive.by_stan(terminal, batch, stan)?,
            None => None,
        };
        let mut events =
            vec![Event::Stray { terminal: terminal.clone(), payment, masked_frame: masked_frame.to_owned() }];
        if let (Some(id), Some(answer)) = (payment, answer)
            && let Some(p) = self.fetch(id, scene.archive)?
            && p.state == State::Unknown
            && p.reversal.is_none()
            && matches!(answer.class, AnswerClass::Approved | AnswerClass::Declined)
        {
            let foreign = self.is_foreign(id, answer.organisation.as_deref(), scene.rules);
            let mut answer = Box::new(answer.clone());
            let channel = &scene.rules.channel;
            let code = answer.code.as_deref().unwrap_or("");
            if answer.doubt.is_none() && channel.duplicate.iter().any(|c| c == code) && self.is_repeat(id, channel) {
                answer.class = AnswerClass::Approved;
            }
            events.push(Event::LateAnswer { payment: id, answer, foreign });
        }
        Ok(events)
    }

    /// The acquirer's clock, for whatever hangs on ours.
    fn hear_clock(&self, lines: &mut Lines, answer: &Answer, scene: Scene<'_>) {
        if let (Some(date), Some(time)) = (&answer.host_date, &answer.host_time) {
            let host = HostClock { date: date.clone(), time: time.clone(), mono: scene.now.mono };
            lines.clocks.hear(host, &scene.rules.zone, self.open, scene.now);
        }
    }
}

/// Which message of the profile's table carries a payment.
#[must_use]
pub(super) fn message_name(payment: &Payment, offline: bool) -> Option<MessageName> {
    let chip = matches!(payment.entry, Some(Entry::Chip | Entry::Contactless));
    Some(match (payment.kind, payment.method) {
        (Kind::Sale, Method::Card) if offline && chip => MessageName::IcOffline,
        (Kind::Sale, Method::Card) if offline => MessageName::OfflineSale,
        (Kind::Sale, Method::Card) => MessageName::Sale,
        (Kind::Sale, Method::Qr) => MessageName::ScanSale,
        (Kind::Void, Method::Card) => MessageName::Void,
        (Kind::Refund, Method::Card) => MessageName::Refund,
        (Kind::Preauth, Method::Card) => MessageName::Preauth,
        (Kind::PreauthVoid, Method::Card) => MessageName::PreauthVoid,
        (Kind::Completion, Method::Card) if offline => MessageName::CompletionAdvice,
        (Kind::Completion, Method::Card) => MessageName::Completion,
        (Kind::CompletionVoid, Method::Card) => MessageName::CompletionVoid,
        (Kind::Balance, Method::Card) => MessageName::Balance,
        (Kind::Adjust, Method::Card) if payment.adjusts.is_some_and(|a| a.online) => MessageName::Tip,
        (Kind::Adjust, Method::Card) => MessageName::OfflineAdjust,
        _ => return None,
    })
}
