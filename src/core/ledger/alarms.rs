//! What must not be left lying: an unknown payment is told of after half an hour and again after two days, a pre-authorization that nobody
//! completes ends, and returned money is watched for. Each is said once, durably.

use super::{Exception, Ledger, Rules};
use crate::core::domain::{BusinessDate, Kind, Now, PaymentId, State};
use crate::core::journal::{AlarmLevel, Event, ExceptionKind};
use crate::core::payment::Payment;

const MINUTE: i64 = 60_000;
/// An unknown payment is told of after so long.
pub const LATE_MS: i64 = 30 * MINUTE;
/// And is a matter for the manager after so long.
pub const ESCALATED_MS: i64 = 2 * 24 * 60 * MINUTE;
/// Money that was given back, or never taken, may still move for so many business days.
pub const WATCH_DAYS: u32 = 7;

impl Ledger {
    /// The next alarm that is due, or the exception that one lacks.
    #[must_use]
    pub fn alarm(&self, now: Now) -> Option<Event> {
        for payment in self.index.unknown.iter().filter_map(|(_, id)| self.payments.get(id)) {
            let age = now.wall.0.saturating_sub(payment.made_at.0);
            let level = match age {
                ESCALATED_MS.. => Some(AlarmLevel::Escalated),
                LATE_MS.. => Some(AlarmLevel::Late),
                _ => None,
            };
            if level > payment.alarm {
                return level.map(|level| Event::Alarm { payment: payment.id, level });
            }
            let listed = || self.exceptions.values().any(|e| e.payment == Some(payment.id));
            if payment.alarm.is_some() && !payment.reversal_owed() && !listed() {
                return Some(self.exception(ExceptionKind::UnknownPayment, Some(payment.id), &payment.device, 0));
            }
        }
        None
    }

    /// The next pre-authorization whose time is over: its issuer has let the money go, and its card is erased here.
    #[must_use]
    pub fn lapse(&self, rules: &Rules) -> Option<Event> {
        let days = chrono::Days::new(rules.channel.preauth_days.into());
        let over = |made: &BusinessDate| made.0.checked_add_days(days).is_some_and(|last| last < self.open.0);
        let (payment, _) = self.held.iter().find(|(_, made)| over(made))?;
        Some(Event::PreauthLapsed { payment: *payment })
    }

    /// The next refund that no statement has shown in the days in which returned money moves: somebody must ask the acquirer.
    #[must_use]
    pub fn overdue_return(&self, rules: &Rules) -> Option<Event> {
        // Numbers ascend with the days: the first is the oldest.
        let (payment, (made, terminal)) = self.returning.first_key_value()?;
        let last = rules.money.calendar.add_business_days(*made, WATCH_DAYS);
        (last < self.open).then(|| self.exception(ExceptionKind::ReturnOverdue, Some(*payment), terminal, 0))
    }

    /// Whether a statement that shows this refund is news.
    #[must_use]
    pub(super) fn awaits_return(&self, payment: PaymentId) -> bool {
        let told = |e: &Exception| e.kind == ExceptionKind::ReturnOverdue && e.payment == Some(payment);
        self.returning.contains_key(&payment) || self.exceptions.values().any(told)
    }

    /// Keeps the list of what was given back by the acquirer and must yet be seen.
    pub(super) fn note_returning(&mut self, was: Option<State>, payment: &Payment) {
        let given_back = |state| state == State::Approved;
        if payment.kind == Kind::Refund
            && payment.stan.is_some()
            && given_back(payment.state)
            && !was.is_some_and(given_back)
        {
            self.returning.insert(payment.id, (payment.date, payment.device.clone()));
        }
    }

    /// Keeps the list of what is held at issuers.
    pub(super) fn note_held(&mut self, payment: &Payment) {
        let held = payment.kind == Kind::Preauth
            && payment.state == State::Approved
            && payment.voided_by.is_none()
            && payment.completed_by.is_none()
            && !payment.lapsed;
        if held {
            self.held.insert(payment.id, payment.date);
        } else {
            self.held.remove(&payment.id);
        }
    }
}

/// Until which day money of this payment may still move: of a refund, and of whatever was undecided for a time.
#[must_use]
pub fn watched_until(payment: &Payment, rules: &Rules) -> Option<BusinessDate> {
    let refunded = payment.kind == Kind::Refund && payment.state == State::Approved && payment.stan.is_some();
    let was_open = payment.reversal.is_some() || payment.alarm.is_some() || payment.state == State::WrittenOff;
    (refunded || was_open).then(|| rules.money.calendar.add_business_days(payment.date, WATCH_DAYS))
}
