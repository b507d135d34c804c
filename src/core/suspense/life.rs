//! What may end a case, and what that does to our books.
//!
//! *Confirm*, *refund* and *write-off* take the statement's figure over: a voucher of what still lies between the two, in the open day (law 5).
//! *Make-up* and *recovery* leave ours: the money comes. A payment that is not decided is decided by the statement instead.

use super::{Case, CaseState};
use crate::core::domain::{CashierId, Method, Minor, PaymentId, Refusal, Reject, State, TerminalId};
use crate::core::journal::{Attribution, CaseBooks, CaseHow, CaseResolved, Original};
use crate::core::payment::{Payment, column_of};
use crate::core::reconcile::{Ours, Reason, RowState};

/// No text of a person is longer, in bytes.
const LONGEST_TEXT: usize = 500;

/// How somebody wants to end a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub how: CaseHow,
    /// Who.
    pub by: CashierId,
    /// The second person; their PIN was checked before.
    pub second: Option<CashierId>,
    /// Why, in their words.
    pub reason: String,
    /// The other side's voucher.
    pub reference: String,
    /// Who agreed to give it back.
    pub consent: Option<String>,
    /// The refund by which the customer has got it back.
    pub refund: Option<PaymentId>,
    /// Who answers for it, where no payment says so.
    pub cashier: Option<CashierId>,
    /// Where it was, where no payment says so.
    pub device: Option<TerminalId>,
}

/// The store's rules for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndingRules {
    /// Above this a write-off needs a second person.
    pub write_off_limit: Minor,
}

impl Case {
    /// Whether this ending is one: what is journaled, or why not. `payment` is the case's, `refund` the one that the ending names, each as it is now.
    pub fn resolve(
        &self,
        ending: &Ending,
        rules: EndingRules,
        payment: Option<&Payment>,
        refund: Option<&Payment>,
    ) -> Result<CaseResolved, Reject> {
        if self.state == CaseState::Resolved {
            return Err(Refusal::CaseResolved.with("case", self.no));
        }
        let ways = self.ways();
        if !ways.contains(&ending.how) {
            let words = ways.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Refusal::CaseWay.with("ways", words));
        }
        let said = |text: &str| !text.trim().is_empty() && text.len() <= LONGEST_TEXT;
        let lacks = |what: &str| Err(Refusal::CaseFacts.with("what", what));
        if !said(&ending.reason) {
            return lacks("reason (1 to 500 bytes)");
        }
        if ending.how == CaseHow::MakeUp && !said(&ending.reference) || ending.reference.len() > LONGEST_TEXT {
            return lacks("reference: the number of the other side's adjustment (1 to 500 bytes)");
        }
        if ending.how == CaseHow::Recovery && !ending.consent.as_deref().is_some_and(said) {
            // Nothing is clawed back: whoever has the money agrees to give it back, or it is written off.
            return lacks("consent: who agreed to give it back, and how (1 to 500 bytes)");
        }
        let refund = match (ending.how, refund) {
            (CaseHow::Refund, Some(refund)) => Some(self.check_refund(refund)?),
            (CaseHow::Refund, None) => return lacks("refund: the payment by which the customer has got it back"),
            _ => None,
        };
        self.check_second(ending, rules)?;
        let books = self.books(ending, payment)?;
        Ok(CaseResolved {
            how: ending.how,
            by: ending.by.clone(),
            second: ending.second.clone(),
            reason: ending.reason.trim().to_owned(),
            reference: ending.reference.trim().to_owned(),
            consent: ending.consent.clone().filter(|_| ending.how == CaseHow::Recovery),
            refund,
            books,
        })
    }

    /// The refund moved exactly this money, and it was this payment's.
    fn check_refund(&self, refund: &Payment) -> Result<PaymentId, Reject> {
        let wrong = |what: &str| Err(Refusal::CaseRefund.with("refund", refund.id).with("what", what));
        if column_of(refund.kind) != crate::core::journal::Column::Refund || !refund.stands() {
            return wrong("it is no refund, or not approved");
        }
        if refund.amount.0 != self.finding.difference.0.saturating_abs() {
            return wrong("its amount is not the difference");
        }
        let ours = match &refund.original {
            Some(Original::Payment(id)) => Some(*id) == self.finding.payment,
            Some(Original::Foreign { rrn, .. }) => self.finding.rrn.as_ref() == Some(rrn),
            None => false,
        };
        if ours { Ok(refund.id) } else { wrong("it refunds another payment") }
    }

    /// Two people for what one alone must not decide: a large write-off, and what is to the favour of whoever answers for it.
    fn check_second(&self, ending: &Ending, rules: EndingRules) -> Result<(), Reject> {
        let large = self.finding.difference.0.saturating_abs() > rules.write_off_limit.0;
        let own = self.finding.cashier.as_ref() == Some(&ending.by);
        let needed = ending.how == CaseHow::WriteOff && (large || own);
        match &ending.second {
            None if needed => Err(Refusal::SecondPerson.into()),
            Some(second) if *second == ending.by => Err(Refusal::SecondPerson.into()),
            _ => Ok(()),
        }
    }

    fn books(&self, ending: &Ending, payment: Option<&Payment>) -> Result<CaseBooks, Reject> {
        let finding = &self.finding;
        if finding.reason == Reason::Fee {
            // No total holds fees: whoever ends it says why, and what the acquirer gives back comes as its own entry.
            return Ok(CaseBooks::Nothing);
        }
        let takes_over = matches!(ending.how, CaseHow::Confirm | CaseHow::Refund | CaseHow::WriteOff);
        let theirs_has = finding.theirs.as_ref().is_some_and(|t| t.state == RowState::Approved);
        match payment {
            Some(p) if p.reversal_owed() => return Err(Refusal::InProgress.into()),
            Some(p) if matches!(p.state, State::Waiting | State::Sent | State::Stored) && takes_over => {
                // It is still to be sent, or sent again: its own answer decides.
                return Err(Refusal::InProgress.into());
            }
            Some(p) if matches!(p.state, State::Unknown | State::SetAside) => {
                let done = takes_over && theirs_has && self.agreed.is_none() && finding.reason != Reason::UnknownSilent;
                return Ok(if done { CaseBooks::Counts } else { CaseBooks::NotDone });
            }
            _ => {}
        }
        if !takes_over || self.agreed.is_some() {
            return Ok(CaseBooks::Nothing);
        }
        // What ours has moved since the statement was judged lies between the two no more.
        let then = finding.ours.as_ref().filter(|o| matches!(o.state, State::Approved | State::Forwarded));
        let then = then.map_or(0, |o| o.kind.signed(o.amount.0));
        let now = payment.filter(|p| p.effective() && p.state != State::Rejected);
        let now = now.and_then(|p| Ours::of(p, "")).map_or(0, |o| o.kind.signed(o.amount));
        let between = i128::from(finding.difference.0) + then - now;
        let amount = i64::try_from(between).map_err(|_| Refusal::AmountTooLarge.with("limit", "—"))?;
        if amount == 0 {
            return Ok(CaseBooks::Nothing);
        }
        let sure = finding.attributed == Attribution::Payment;
        let cashier = ending.cashier.clone().or(finding.cashier.clone().filter(|_| sure));
        let device = ending.device.clone().or(finding.device.clone().filter(|_| sure));
        let (Some(cashier), Some(device)) = (cashier, device) else {
            return Err(
                Refusal::CaseFacts.with("what", "cashier and device: who answers for it, since no payment says so")
            );
        };
        let method = payment.map_or(finding.method, |p: &Payment| p.method);
        debug_assert_ne!(method, Method::Cash, "no statement speaks of cash");
        Ok(CaseBooks::Voucher { amount: Minor(amount), cashier, device, method })
    }
}
