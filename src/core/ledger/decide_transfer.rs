//! Other routes for a refund that the channel refused, and the steps of a transfer order.
//!
//! Another route is open only where the channel itself refused the original one, for a reason that the profile names; never because
//! somebody wishes it. A manager chooses it; a transfer is approved by another person than the one who created it.

use super::decide_pay::{Stop, known};
use super::{Ledger, Rules};
use crate::core::acquirer::Answer;
use crate::core::domain::{
    BusinessDate, CashierId, Kind, Method, Minor, PaymentId, Refusal, Reject, RequestId, Role, State, TransferStep,
};
use crate::core::journal::{Event, ExceptionKind, Original, PaymentMade, TransferAnswer};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, Pay, StoreError, TransferMove};
use crate::core::transfer::{self, No};

impl Ledger {
    /// Whether a refund may leave its original's route: what is checked beside the usual.
    pub(super) fn other_route(&self, pay: &Pay, original: &Payment, rules: &Rules) -> Result<(), Reject> {
        let routes = &rules.money.routes;
        let open = original.route.as_ref().filter(|_| match pay.method {
            Method::Cash => routes.cash,
            Method::Transfer => routes.transfer,
            _ => false,
        });
        let Some(route) = open else {
            return Err(Refusal::MethodMismatch.with("method", original.method));
        };
        if route.amount < pay.amount {
            let limit = route.amount.grouped(rules.currency.exponent());
            return Err(Refusal::RouteAmount.with("limit", limit));
        }
        if let Some(cap) = routes.cap_per_card {
            let since = BusinessDate(
                self.open.0.checked_sub_days(chrono::Days::new(routes.cap_days.into())).unwrap_or(self.open.0),
            );
            let before =
                route.tag.and_then(|tag| self.spent.get(&tag)).map_or(Minor::ZERO, |list| transfer::spent(list, since));
            // Without a tag nothing is known of the card's earlier ones: the cap binds each by itself.
            if before.checked_add(pay.amount).is_none_or(|sum| sum > cap) {
                return Err(Refusal::CardCap.with("limit", cap.grouped(rules.currency.exponent())));
            }
        }
        Ok(())
    }

    /// The channel refused a refund for a reason that the profile names: another route is open.
    pub(super) fn route_opened(&self, id: PaymentId, answer: &Answer, rules: &Rules) -> Option<Event> {
        let why = *rules.channel.refund_refused.get(answer.code.as_deref()?)?;
        let refund = self.payments.get(&id).filter(|p| p.kind == Kind::Refund)?;
        let Some(Original::Payment(original)) = refund.original else { return None };
        Some(Event::RouteOpened { refund: id, original, why, tag: None })
    }

    /// A transfer order is created: journaled, nothing counted yet.
    pub(super) fn transfer_events(
        &self,
        id: PaymentId,
        pay: &Pay,
        made: &PaymentMade,
    ) -> Result<Option<Event>, Reject> {
        if made.method != Method::Transfer {
            return Ok(None);
        }
        let payee = pay.extra.payee.as_ref().ok_or(Refusal::PayeeNotListed.with("payee", "?"))?;
        let refused = match &made.original {
            Some(Original::Payment(original)) => {
                self.payments.get(original).and_then(|o| o.route.as_ref()).map(|r| r.refused)
            }
            _ => None,
        };
        let refused = refused.ok_or_else(|| Refusal::MethodMismatch.with("method", Method::Card))?;
        let (payee, name) = (payee.id.clone(), payee.name.clone());
        Ok(Some(Event::TransferNamed { payment: id, payee, name, refused }))
    }

    /// A step of a transfer order; an empty list where it stands there already and nothing new was said.
    pub fn decide_transfer(&mut self, step: &TransferMove, archive: &dyn Archive) -> Result<Vec<Event>, Stop> {
        let payment = self
            .fetch(step.payment, archive)?
            .filter(|p| p.transfer.is_some())
            .cloned()
            .ok_or_else(|| Refusal::UnknownPayment.with("payment", step.payment))?;
        let Some(order) = &payment.transfer else { return Ok(Vec::new()) };
        if let Some(by) = &step.by {
            self.is_manager(by)?;
            if step.to == TransferStep::Approved && *by == payment.cashier {
                return Err(Refusal::AnotherPerson.into());
            }
            if step.to == TransferStep::Approved && payment.approved_by.as_ref() == Some(by) {
                return Err(Refusal::AnotherPerson.into());
            }
        }
        let said_before = order.answers.last().map(|a| &a.answer) == step.answer.as_ref();
        if order.step == step.to && said_before {
            return Ok(Vec::new());
        }
        let evidence = step.answer.as_ref().is_some_and(|a| {
            let bank = !(a.reference.trim().is_empty() && a.code.trim().is_empty());
            bank || (step.by.is_some() && !a.text.trim().is_empty())
        });
        match transfer::may(order.step, step.to, evidence) {
            Ok(()) => {}
            Err(No::Evidence) => return Err(Refusal::EvidenceNeeded.into()),
            Err(No::NotFrom(from)) => {
                return Err(Refusal::TransferStep.with("from", from).with("to", step.to).into());
            }
        }
        let (to, by, answer) = (step.to, step.by.clone(), step.answer.clone().map(Box::new));
        Ok(vec![Event::TransferMoved { payment: payment.id, to, by, answer }])
    }

    /// Everything that is approved and whose payee is still in the allow-list goes out.
    pub fn decide_send_transfers(&self, listed: &[String]) -> Vec<Event> {
        let ready = self.payments.values().filter(|p| {
            p.transfer.as_ref().is_some_and(|t| t.step == TransferStep::Approved && listed.contains(&t.payee))
        });
        let sent = |p: &Payment| Event::TransferMoved { payment: p.id, to: TransferStep::Sent, by: None, answer: None };
        ready.map(sent).collect()
    }

    /// Money of a transfer that had succeeded came back: an order of its own in the open day. Success stays.
    pub fn decide_transfer_return(
        &mut self,
        id: PaymentId,
        by: Option<&CashierId>,
        answer: &TransferAnswer,
        archive: &dyn Archive,
    ) -> Result<Vec<Event>, Stop> {
        let payment = self
            .fetch(id, archive)?
            .filter(|p| p.transfer.is_some())
            .cloned()
            .ok_or_else(|| Refusal::UnknownPayment.with("payment", id))?;
        let Some(order) = &payment.transfer else { return Ok(Vec::new()) };
        if let Some(by) = by {
            self.is_manager(by)?;
        }
        if order.returned_by.is_some() {
            return Ok(Vec::new());
        }
        if order.step != TransferStep::Succeeded {
            return Err(Refusal::TransferStep.with("from", order.step).with("to", "returned").into());
        }
        if answer.reference.trim().is_empty() && answer.text.trim().is_empty() {
            return Err(Refusal::EvidenceNeeded.into());
        }
        let request = free_request(id, archive)?;
        let made = PaymentMade {
            request,
            kind: Kind::TransferReturn,
            method: Method::Transfer,
            device: payment.device.clone(),
            cashier: payment.cashier.clone(),
            shift: payment.shift,
            amount: payment.amount,
            original: Some(Original::Payment(id)),
            entry: None,
            masked: None,
            chip: false,
            pin: false,
            approved_by: by.cloned(),
            final_here: true,
        };
        let said = Event::TransferAnswered { payment: id, by: by.cloned(), answer: Box::new(answer.clone()) };
        Ok(vec![Event::PaymentMade(Box::new(made)), said])
    }

    fn is_manager(&self, person: &CashierId) -> Result<(), Reject> {
        known(self, person)?;
        match self.people.get(person).map(|p| p.role) {
            Some(Role::Manager) => Ok(()),
            _ => Err(Refusal::ManagerRequired.into()),
        }
    }

    /// Transfers that were sent and of which the bank has said nothing final for the days in which it would have: *unknown*, and a
    /// named person asks. Never *failed*.
    pub fn decide_late_transfers(&self, rules: &Rules) -> Vec<Event> {
        let calendar = &rules.money.calendar;
        let late = |p: &&Payment| {
            p.state == State::Promised
                && p.transfer.as_ref().is_some_and(|t| {
                    // What the bank says of it begins the days anew.
                    let heard = t.answers.last().map(|answer| answer.day).max(t.sent);
                    matches!(t.step, TransferStep::Sent | TransferStep::Accepted)
                        && heard
                            .is_some_and(|day| calendar.business_days_between(day, self.open) > transfer::RETURN_DAYS)
                })
        };
        let mut events = Vec::new();
        let mut opened = 0;
        for payment in self.payments.values().filter(late) {
            let (id, to, kind) = (payment.id, TransferStep::Unknown, ExceptionKind::TransferUnknown);
            events.push(Event::TransferMoved { payment: id, to, by: None, answer: None });
            if !self.exceptions.values().any(|e| e.kind == kind && e.payment == Some(id)) {
                events.push(self.exception(kind, Some(id), &payment.device, opened));
                opened += 1;
            }
        }
        events
    }
}

/// The name of a return's own order. Names are the clients', and one of them may have taken it: then the first with a number that nobody has.
fn free_request(payment: PaymentId, archive: &dyn Archive) -> Result<RequestId, StoreError> {
    let mut name = format!("return-{payment}");
    let mut n = 1u32;
    loop {
        let request = RequestId::new(&name).expect("a word, an id and a number make a request id");
        if archive.by_request(&request)?.is_none() {
            return Ok(request);
        }
        n += 1;
        name = format!("return-{payment}-{n}");
    }
}
