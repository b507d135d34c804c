//! Messages that move no money: 签退, and asking the acquirer what became of a payment. Journaled like every other before they are sent, and under
//! way one at a time; what they bring comes back as events that exist already.

use serde::{Deserialize, Serialize};

use super::decide_lane::{Scene, message_name};
use super::{BackOff, Index, Ledger, Line, Lines, Rules, Terminal};
use crate::core::acquirer::{Answer, AnswerClass, MessageName, NotSent};
use crate::core::domain::{BatchNo, PaymentId, Stan, State, TerminalId};
use crate::core::journal::{Errand, Event, Silence};
use crate::core::payment::Payment;

/// An errand under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandUnderWay {
    /// Its STAN.
    pub stan: Stan,
    /// Its batch.
    pub batch: BatchNo,
    /// What it is.
    pub errand: Errand,
}

/// What the acquirer can be asked about a payment.
#[derive(Debug, Clone, Default)]
pub struct QueryPlan {
    /// Payments of these messages are asked about before anything else is done about them; none where the channel has no query.
    pub messages: Vec<MessageName>,
    /// How often one is asked about.
    pub tries: u32,
    /// Codes that say that the acquirer has no such payment.
    pub no_record: Vec<String>,
    /// At this acquirer that means that there never was one.
    pub no_record_means_failed: bool,
}

impl QueryPlan {
    /// This unknown payment is to be asked about.
    #[must_use]
    pub fn asks_about(&self, payment: &Payment) -> bool {
        payment.queries < self.tries && message_name(payment, false).is_some_and(|name| self.messages.contains(&name))
    }
}

impl Ledger {
    pub(super) fn errand_under_way(&self, terminal: &TerminalId, stan: Stan) -> Option<&ErrandUnderWay> {
        self.terminals.get(terminal)?.errand.as_ref().filter(|errand| errand.stan == stan)
    }

    /// The number of the errand under way.
    #[must_use]
    pub fn errand_stan(&self, terminal: &TerminalId) -> Option<Stan> {
        self.terminals.get(terminal)?.errand.as_ref().map(|errand| errand.stan)
    }

    fn setting_out(&self, id: &TerminalId, terminal: &Terminal, errand: Errand) -> Event {
        let (stan, batch) = (terminal.last_stan.next(), terminal.batch.number);
        Event::Errand { terminal: id.clone(), stan, batch, errand }
    }

    /// The unknown payment of this terminal that is to be asked about.
    pub(super) fn to_ask_about(&self, id: &TerminalId, rules: &Rules) -> Option<PaymentId> {
        let plan = &rules.channel.query;
        if plan.messages.is_empty() {
            return None;
        }
        let unknown = Index::of_terminal(&self.index.unknown, id).filter_map(|id| self.payments.get(&id));
        unknown.filter(|p| p.reversal.is_none()).find(|p| plan.asks_about(p)).map(|p| p.id)
    }

    pub(super) fn ask_about(&self, id: &TerminalId, terminal: &Terminal, payment: PaymentId) -> Event {
        self.setting_out(id, terminal, Errand::Query(payment))
    }

    /// 签退 where the acquirer wants it, once a cut day is settled and nothing else is to be said.
    pub(super) fn sign_off(
        &self,
        id: &TerminalId,
        terminal: &Terminal,
        line: &Line,
        scene: Scene<'_>,
    ) -> Option<Event> {
        let due = scene.rules.channel.sign_off && terminal.signs_off && line.repeats.over(scene.now.mono);
        due.then(|| self.setting_out(id, terminal, Errand::SignOff))
    }

    /// No byte of it was handed to the line.
    pub(super) fn errand_not_sent(
        &self,
        terminal: &TerminalId,
        stan: Stan,
        why: NotSent,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        let line = lines.line_mut(terminal);
        scene.back_off(&mut line.repeats);
        match why {
            NotSent::NoLine => line.state = super::LineState::Down,
            NotSent::NoKeys | NotSent::NotBuilt => line.signed_on = false,
        }
        vec![Event::NotSent { terminal: terminal.clone(), stan, why }]
    }

    /// Nothing came back: it has changed nothing, and is tried again within its bound.
    pub(super) fn errand_silent(
        &self,
        terminal: &TerminalId,
        stan: Stan,
        why: Silence,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        let mut events = vec![Event::NoAnswer { terminal: terminal.clone(), stan, why }];
        let line = lines.line_mut(terminal);
        scene.back_off(&mut line.repeats);
        match self.errand_under_way(terminal, stan).map(|under_way| &under_way.errand) {
            Some(Errand::SignOff) => line.signed_on = false,
            Some(Errand::Query(id)) => events.extend(self.after_query(*id, false, terminal, scene.rules)),
            None => {}
        }
        events
    }

    pub(super) fn errand_answered(
        &self,
        terminal: &TerminalId,
        stan: Stan,
        answer: &Answer,
        lines: &mut Lines,
        scene: Scene<'_>,
    ) -> Vec<Event> {
        let channel = &scene.rules.channel;
        let foreign = match self.errand_under_way(terminal, stan).map(|under_way| &under_way.errand) {
            Some(Errand::Query(id)) => self.is_foreign(*id, answer.organisation.as_deref(), scene.rules),
            _ => channel.is_foreign(answer.organisation.as_deref()),
        };
        let accepted = answer.class == AnswerClass::Approved;
        let mut events = vec![Event::Answered {
            terminal: terminal.clone(),
            stan,
            answer: Box::new(answer.clone()),
            accepted,
            foreign,
        }];
        let line = lines.line_mut(terminal);
        if channel.must_sign_on(answer) {
            line.signed_on = false;
        }
        let Some(under_way) = self.errand_under_way(terminal, stan) else { return events };
        let Errand::Query(id) = under_way.errand else {
            line.signed_on = false;
            return events;
        };
        let code = answer.code.as_deref().unwrap_or("");
        let no_record = answer.doubt.is_none() && channel.query.no_record.iter().any(|known| known == code);
        // Its own answer came meanwhile, or a person has decided: nothing is decided twice.
        if self.payments.get(&id).is_none_or(|p| p.state != State::Unknown || p.reversal.is_some()) {
            line.repeats = BackOff::default();
            return events;
        }
        let outcome = match answer.class {
            _ if no_record && channel.query.no_record_means_failed => Some(AnswerClass::Declined),
            _ if no_record => None,
            AnswerClass::Approved | AnswerClass::Declined => Some(answer.class),
            AnswerClass::SignOnAgain | AnswerClass::Unknown => None,
        };
        match outcome {
            Some(class) => {
                line.repeats = BackOff::default();
                let answer = Box::new(Answer { class, ..answer.clone() });
                events.push(Event::LateAnswer { payment: id, answer, foreign });
            }
            None => {
                scene.back_off(&mut line.repeats);
                events.extend(self.after_query(id, no_record, terminal, scene.rules));
            }
        }
        events
    }

    /// A query has not decided it. Where no further one is due it goes the way of every unknown payment: reversed, or to a person.
    fn after_query(&self, id: PaymentId, no_record: bool, terminal: &TerminalId, rules: &Rules) -> Option<Event> {
        let payment = self.payments.get(&id).filter(|p| p.state == State::Unknown && p.reversal.is_none())?;
        if !no_record && rules.channel.query.asks_about(payment) {
            return None;
        }
        let known = self.exceptions.values().any(|e| e.payment == Some(id));
        let event = self.undecided(payment, crate::core::acquirer::ReversalReason::NoAnswer, terminal, rules)?;
        (!known || matches!(event, Event::ReversalOwed { .. })).then_some(event)
    }

    /// Applies the setting out.
    pub(super) fn errand_sent(&mut self, id: &TerminalId, stan: Stan, batch: BatchNo, errand: &Errand) {
        let terminal = self.terminals.entry(id.clone()).or_default();
        terminal.last_stan = stan;
        terminal.errand = Some(ErrandUnderWay { stan, batch, errand: errand.clone() });
        self.count_query(errand, |queries| queries.saturating_add(1));
    }

    /// Applies its end; `false` where the STAN is another message's.
    pub(super) fn errand_ended(&mut self, id: &TerminalId, stan: Stan, sent: bool) -> bool {
        let Some(terminal) = self.terminals.get_mut(id).filter(|t| t.errand.as_ref().is_some_and(|e| e.stan == stan))
        else {
            return false;
        };
        let Some(under_way) = terminal.errand.take() else { return false };
        if sent && under_way.errand == Errand::SignOff {
            terminal.signs_off = false;
        }
        if !sent {
            self.count_query(&under_way.errand, |queries| queries.saturating_sub(1));
        }
        true
    }

    fn count_query(&mut self, errand: &Errand, change: impl Fn(u32) -> u32) {
        if let Errand::Query(id) = errand
            && let Some(payment) = self.payments.get_mut(id)
        {
            payment.queries = change(payment.queries);
        }
    }
}
