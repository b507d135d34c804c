//! What the tables, coupons and other routes do to payments and to the day's fee book.
//!
//! Nothing here books a day's columns: the payment's own change does, in the parent.

use chrono::Days;

use super::super::Ledger;
use crate::core::domain::{BusinessDate, Kind, Method, Minor, PaymentId, State, TransferStep};
use crate::core::journal::{Effect, Event, Original};
use crate::core::payment::{Payment, Route};
use crate::core::transfer::{self, Transfer};

/// What went back past a card is remembered for so many days: the longest that a cap may look back.
const REMEMBERED_DAYS: u64 = 400;

impl Ledger {
    pub(super) fn apply_money(&mut self, event: &Event) -> Option<Effect> {
        match event {
            Event::PaymentClassed { payment, class } => self.change(*payment, |p| p.class = Some((**class).clone())),
            Event::CouponTaken { payment, coupon } => self.change(*payment, |p| p.coupon = Some((**coupon).clone())),
            Event::RouteOpened { refund, original, why, tag } => {
                let amount = self.payments.get(refund)?.amount;
                let route = Route { refused: *refund, why: *why, amount, tag: *tag };
                self.change(*original, |p| match &mut p.route {
                    // A sale that was read back at a start may know of it, and of what went that way since. Until the last one is read again, the card is
                    // this one's.
                    Some(known) if known.refused >= *refund => known.tag = *tag,
                    route_of => *route_of = Some(route),
                })
            }
            Event::TransferNamed { payment, payee, name, refused } => {
                let order = Transfer::new(payee, name, *refused);
                let effect = self.change(*payment, |p| p.transfer = Some(order));
                self.tie_transfer(*payment);
                effect
            }
            Event::TransferMoved { payment, to, by, answer } => {
                let open = self.open;
                let effect = self.change(*payment, |p| {
                    p.state = transfer::state(*to, p.state);
                    if let Some(order) = &mut p.transfer {
                        order.moved(*to, by.as_ref(), answer.as_deref(), open);
                    }
                });
                self.tie_transfer(*payment);
                effect
            }
            Event::TransferAnswered { payment, by, answer } => {
                let open = self.open;
                self.change(*payment, |p| {
                    if let Some(order) = &mut p.transfer {
                        order.moved(order.step, by.as_ref(), Some(answer), open);
                    }
                })
            }
            _ => None,
        }
    }

    /// The day's expected fees follow the payment from line to line.
    pub(super) fn move_fee(&mut self, before: Option<&Payment>, after: &Payment, effect: Option<&Effect>) {
        let (from, to) = (before.and_then(Payment::fee_line), after.fee_line());
        if from != to {
            if let Some((day, key, tally)) = from
                && let Some(book) = self.days.get_mut(&day)
            {
                book.fees.take(&key, tally);
            }
            if let Some((day, key, tally)) = to
                && let Some(book) = self.days.get_mut(&day)
            {
                book.fees.add(key, tally);
            }
        }
        if effect.is_some()
            && after.state == State::Rejected
            && let Some((key, tally)) = after.fee_taken_back()
        {
            self.today_mut().fees.add(key, tally);
        }
    }

    /// What an order means for the sale that it refunds: its amount is promised from its birth, and free again when it came to nothing.
    fn tie_transfer(&mut self, id: PaymentId) {
        let Some(payment) = self.payments.get(&id) else { return };
        match payment.transfer.as_ref().map(|order| order.step) {
            Some(TransferStep::Created) => self.route_taken(id),
            Some(TransferStep::Withdrawn | TransferStep::Failed) => self.route_given_back(id),
            _ => {}
        }
    }

    /// A refund goes another way than its sale's: the way's room shrinks, and the card's keyed hash, where there is one, remembers it.
    fn route_taken(&mut self, id: PaymentId) {
        let Some((sale, amount, day)) = self.routed(id) else { return };
        let mut tag = None;
        self.change(sale, |p| {
            // A sale that was read back at a start may know of it already.
            let new = p.refunded_by(id, amount);
            if let Some(route) = &mut p.route {
                if new {
                    route.amount = Minor(route.amount.0.saturating_sub(amount.0));
                }
                tag = route.tag;
            }
        });
        if let Some(tag) = tag {
            let since = self.open.0.checked_sub_days(Days::new(REMEMBERED_DAYS)).map(BusinessDate);
            let list = self.spent.entry(tag).or_default();
            list.retain(|(day, ..)| since.is_none_or(|since| *day >= since));
            list.push((day, id, amount));
        }
    }

    fn route_given_back(&mut self, id: PaymentId) {
        let Some((sale, amount, _)) = self.routed(id) else { return };
        self.change(sale, |p| {
            if p.refund_undone(id)
                && let Some(route) = &mut p.route
            {
                route.amount = Minor(route.amount.0.saturating_add(amount.0));
            }
        });
        self.spent.values_mut().for_each(|list| list.retain(|(_, spent, _)| *spent != id));
        self.spent.retain(|_, list| !list.is_empty());
    }

    /// The sale of a refund that goes another way than it came.
    fn routed(&self, id: PaymentId) -> Option<(PaymentId, Minor, BusinessDate)> {
        let payment = self.payments.get(&id)?;
        let Some(Original::Payment(sale)) = payment.original else { return None };
        let other = self.payments.get(&sale)?.method != payment.method;
        (payment.kind == Kind::Refund && other).then_some((sale, payment.amount, payment.date))
    }

    /// A refund by another method than its sale's, and what brings a transfer back.
    pub(super) fn tie_routes(&mut self, id: PaymentId) {
        let Some(payment) = self.payments.get(&id) else { return };
        let Some(Original::Payment(original)) = payment.original else { return };
        match (payment.kind, payment.method) {
            (Kind::Refund, Method::Cash) => self.route_taken(id),
            (Kind::TransferReturn, _) => {
                self.change(original, |p| {
                    if let Some(order) = &mut p.transfer {
                        order.returned_by = Some(id);
                    }
                });
                self.route_given_back(original);
            }
            _ => {}
        }
    }
}
