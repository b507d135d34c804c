//! A transfer order: money that goes back to a customer through the store's bank, because the card's channel refused it.
//!
//! created → approved (by another person; the funds are set aside) → sent → accepted → succeeded | failed | unknown. *Accepted* is not
//! paid. Nothing becomes *failed* without evidence, and success is terminal: money that comes back is an order of its own. Which step
//! follows which, and what each does to the books, stands here; nothing here knows banks, files or people's roles.

pub mod file;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, CashierId, Minor, PaymentId, State, TransferStep};
use crate::core::journal::TransferAnswer;

/// So many answers are kept of one order; the first ones and the last one matter.
pub const MAX_ANSWERS: usize = 32;

/// A returned transfer is normally seen within so many business days after its success.
pub const RETURN_DAYS: u32 = 7;

/// An order as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The payee, by its id in the allow-list; the account number stays there (law 7).
    pub payee: String,
    /// The payee's name, shortened.
    pub name: String,
    /// The refund that the channel refused.
    pub refused: PaymentId,
    /// Where it stands.
    pub step: TransferStep,
    /// Who approved it.
    pub approved_by: Option<CashierId>,
    /// The day on which it was first sent.
    pub sent: Option<BusinessDate>,
    /// The day on which it succeeded.
    pub succeeded: Option<BusinessDate>,
    /// What was answered, in order.
    pub answers: Vec<Answered>,
    /// The order that brought it back.
    pub returned_by: Option<PaymentId>,
}

/// An answer, and what it led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// On which business day it came.
    pub day: BusinessDate,
    /// The step that it led to.
    pub step: TransferStep,
    /// What was said.
    pub answer: TransferAnswer,
    /// Who brought it, where a person did.
    pub by: Option<CashierId>,
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// It does not follow from where the order stands.
    NotFrom(TransferStep),
    /// It needs evidence: the bank's reference or code, or a note.
    Evidence,
}

/// Whether a step may follow. `evidence`: something of the bank's, or a person's words, says so.
pub fn may(from: TransferStep, to: TransferStep, evidence: bool) -> Result<(), No> {
    use TransferStep::{Accepted, Approved, Created, Failed, Sent, Succeeded, Unknown, Withdrawn};
    let follows = match from {
        Created => matches!(to, Approved | Withdrawn),
        Approved => matches!(to, Sent | Withdrawn),
        Sent | Accepted | Unknown => matches!(to, Accepted | Succeeded | Failed | Unknown),
        Withdrawn | Succeeded | Failed => false,
    };
    if !follows || (from == Unknown && to == Unknown) {
        return Err(No::NotFrom(from));
    }
    if matches!(to, Failed | Succeeded) && !evidence {
        return Err(No::Evidence);
    }
    Ok(())
}

/// What a step is in the words of payments: what it does to the totals follows from that.
#[must_use]
pub fn state(step: TransferStep, was: State) -> State {
    match step {
        TransferStep::Created => State::Waiting,
        TransferStep::Approved | TransferStep::Sent | TransferStep::Accepted | TransferStep::Unknown => State::Promised,
        TransferStep::Succeeded => State::Approved,
        TransferStep::Failed => State::Rejected,
        // Before the funds were set aside nothing had happened; after that they come back.
        TransferStep::Withdrawn if was == State::Waiting => State::Cancelled,
        TransferStep::Withdrawn => State::Rejected,
    }
}

impl Transfer {
    /// An order at its birth.
    #[must_use]
    pub fn new(payee: &str, name: &str, refused: PaymentId) -> Transfer {
        Transfer {
            payee: payee.to_owned(),
            name: name.to_owned(),
            refused,
            step: TransferStep::Created,
            approved_by: None,
            sent: None,
            succeeded: None,
            answers: Vec::new(),
            returned_by: None,
        }
    }

    /// Takes a step that was decided. An answer that changes nothing is kept too.
    pub fn moved(
        &mut self,
        to: TransferStep,
        by: Option<&CashierId>,
        answer: Option<&TransferAnswer>,
        day: BusinessDate,
    ) {
        if self.step != to {
            match to {
                TransferStep::Approved => self.approved_by = by.cloned(),
                TransferStep::Sent => self.sent = Some(day),
                TransferStep::Succeeded => self.succeeded = Some(day),
                _ => {}
            }
        }
        self.step = to;
        if let Some(answer) = answer {
            // The first answers stay, the last one is replaced.
            self.answers.truncate(MAX_ANSWERS - 1);
            self.answers.push(Answered { day, step: to, answer: answer.clone(), by: by.cloned() });
        }
    }

    /// The bank may have it, or has it, and has not said its last word.
    #[must_use]
    pub fn under_way(&self) -> bool {
        matches!(self.step, TransferStep::Sent | TransferStep::Accepted | TransferStep::Unknown)
    }

    /// It was sent and nothing was ever answered: what goes out again is the same order under the same number.
    #[must_use]
    pub fn unanswered(&self) -> bool {
        self.step == TransferStep::Sent && self.answers.is_empty()
    }
}

/// What was given back past the card within a cap's days.
#[must_use]
pub fn spent(list: &[(BusinessDate, PaymentId, Minor)], since: BusinessDate) -> Minor {
    let recent = list.iter().filter(|(day, ..)| *day >= since);
    recent.fold(Minor::ZERO, |sum, (_, _, amount)| sum.checked_add(*amount).unwrap_or(Minor::MAX_ISO))
}
