//! 挂账: a difference between a statement and the journal, from when it is seen until a named person has resolved it.
//!
//! `open → in_progress → resolved`, and open again where a later statement, or a person, contradicts the end. A [`Case`] is the fold of its events;
//! [`Case::resolve`] says what may end it and what that does to our books. Nothing is resolved by itself: a statement that shows no
//! difference any more is evidence, and somebody has yet to say so. Knows no ledger, no store and no format.

mod life;
mod view;

use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, CaseNo, CashierId, Minor, Seq, StatementNo, WallMs};
use crate::core::journal::{CaseBooks, CaseHow, CaseResolved, CaseStep, Finding};

pub use life::{Ending, EndingRules};
pub use view::{case_detail, case_line, case_view};

/// One statement opens no more cases: with more it is another store's, or of other days.
pub const MOST_OF_A_STATEMENT: usize = 2_000;
/// No more cases are open at once.
pub const MOST_OPEN: usize = 10_000;
/// No case has a longer trail; people's notes end before.
pub const LONGEST_TRAIL: usize = 200;

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Nobody has looked at it.
    Open,
    /// 处理中
    InProgress,
    /// It has an end, until something contradicts it.
    Resolved,
}

impl CaseState {
    /// Every state.
    pub const ALL: &'static [CaseState] = &[CaseState::Open, CaseState::InProgress, CaseState::Resolved];

    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CaseState::Open => "open",
            CaseState::InProgress => "in_progress",
            CaseState::Resolved => "resolved",
        }
    }
}

/// Something that happened to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The journal row.
    pub seq: Seq,
    /// What the wall clock said.
    pub at: WallMs,
    /// On which business day.
    pub date: BusinessDate,
    /// What.
    pub step: CaseStep,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number.
    pub no: CaseNo,
    /// What differs, as the last statement shows it.
    pub finding: Finding,
    /// The statement that showed it first.
    pub statement: Option<StatementNo>,
    /// The business day on which it was opened.
    pub opened: BusinessDate,
    /// When.
    pub opened_at: WallMs,
    /// Where it stands.
    pub state: CaseState,
    /// Who works on it.
    pub taken_by: Option<CashierId>,
    /// The statement that shows no difference any more.
    pub agreed: Option<StatementNo>,
    /// Its end.
    pub end: Option<CaseResolved>,
    /// How often it was opened again.
    pub reopened: u32,
    /// What happened to it, oldest first.
    pub trail: Vec<Trace>,
}

impl Case {
    /// A case at its birth.
    #[must_use]
    pub fn opened(
        no: CaseNo,
        statement: Option<StatementNo>,
        finding: Finding,
        date: BusinessDate,
        at: WallMs,
    ) -> Case {
        Case {
            no,
            finding,
            statement,
            opened: date,
            opened_at: at,
            state: CaseState::Open,
            taken_by: None,
            agreed: None,
            end: None,
            reopened: 0,
            trail: Vec::new(),
        }
    }

    /// Applies a step. Total: whether it may be taken was decided before. The archive may have it already, when rows are read again.
    pub fn moved(&mut self, step: &CaseStep, seq: Seq, date: BusinessDate, at: WallMs) {
        if self.trail.iter().any(|trace| trace.seq == seq) {
            return;
        }
        match step {
            CaseStep::Taken { by, .. } => {
                self.state = CaseState::InProgress;
                self.taken_by = Some(by.clone());
            }
            CaseStep::Noted { .. } => {}
            CaseStep::Restated { finding, .. } => {
                self.finding = finding.as_ref().clone();
                self.agreed = None;
            }
            CaseStep::Agreed { statement } => self.agreed = Some(*statement),
            CaseStep::Resolved(end) => {
                self.state = CaseState::Resolved;
                self.end = Some(end.as_ref().clone());
            }
            CaseStep::Reopened { statement, finding, .. } => {
                self.state = CaseState::Open;
                self.reopened = self.reopened.saturating_add(1);
                (self.end, self.taken_by) = (None, None);
                match finding {
                    Some(finding) => {
                        self.finding = finding.as_ref().clone();
                        self.agreed = None;
                    }
                    None => self.agreed = statement.or(self.agreed),
                }
            }
        }
        self.trail.push(Trace { seq, at, date, step: step.clone() });
    }

    /// In which ways it may be resolved now. Where the statement agrees again there is nothing to book.
    #[must_use]
    pub fn ways(&self) -> &'static [CaseHow] {
        match (self.state, self.agreed) {
            (CaseState::Resolved, _) => &[],
            (_, Some(_)) => &[CaseHow::Confirm],
            (_, None) => self.finding.reason.ways(),
        }
    }

    /// Days since it was opened.
    #[must_use]
    pub fn age(&self, today: BusinessDate) -> i64 {
        (today.0 - self.opened.0).num_days().max(0)
    }

    /// Whether its end goes with what a later statement shows: the same difference again, or none where the end said that there would be none.
    #[must_use]
    pub fn end_goes_with(&self, later: Option<&Finding>) -> bool {
        match (later, self.end.as_ref()) {
            (Some(later), _) => self.agreed.is_none() && self.finding.says_the_same(later),
            // A voucher has taken over a figure that the statement no longer shows.
            (None, Some(end)) if end.how == CaseHow::Confirm => !matches!(end.books, CaseBooks::Voucher { .. }),
            (None, Some(end)) if end.how == CaseHow::MakeUp => true,
            (None, _) => self.agreed.is_some(),
        }
    }

    /// What takes back what its end did to our books. A payment that counts, or does not, stays as it is: that is its own fact now.
    #[must_use]
    pub fn take_back(&self) -> CaseBooks {
        match self.end.as_ref().map(|end| &end.books) {
            Some(CaseBooks::Voucher { amount, cashier, device, method }) => CaseBooks::Voucher {
                amount: Minor::ZERO.checked_sub(*amount).unwrap_or(Minor::ZERO),
                cashier: cashier.clone(),
                device: device.clone(),
                method: *method,
            },
            _ => CaseBooks::Nothing,
        }
    }
}
