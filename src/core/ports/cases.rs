//! Cases and statements as outside programs see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FileHash, StatementNoted, StoryLine};
use crate::core::domain::{BusinessDate, CaseNo, CashierId, Method, Minor, PaymentId, Sentence, State, TerminalId};
use crate::core::journal::{Attribution, CaseHow, Tally};
use crate::core::reconcile::{Class, Difference, Direction, Reason, RowKind, RowState, Sums};
use crate::core::suspense::CaseState;

/// In which states cases are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseStates {
    /// Not resolved.
    Unresolved,
    /// Nobody has looked at them.
    Open,
    /// Somebody works on them.
    InProgress,
    /// With an end.
    Resolved,
}

impl CaseStates {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CaseStates::Unresolved => "unresolved",
            CaseStates::Open => "open",
            CaseStates::InProgress => "in_progress",
            CaseStates::Resolved => "resolved",
        }
    }
}

/// What a list of cases is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// In which states.
    pub state: Option<CaseStates>,
    /// Of which class.
    pub class: Option<Class>,
    /// Whose.
    pub cashier: Option<CashierId>,
    /// Where.
    pub device: Option<TerminalId>,
    /// The statement's day.
    pub day: Option<BusinessDate>,
    /// About which payment.
    pub payment: Option<PaymentId>,
    /// Older than this one: the cursor of the page before.
    pub before: Option<CaseNo>,
    /// At most so many (1 to 500; 0 means 100).
    pub limit: u32,
}

/// What one side says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TheirSide {
    /// sale, void, refund.
    pub kind: RowKind,
    /// Minor units.
    pub amount: Minor,
    /// approved, reversed, declined, pending.
    pub state: RowState,
    /// The settlement's day.
    pub day: Option<BusinessDate>,
    /// Minor units, where the statement has it.
    pub fee: Option<Minor>,
}

/// What our journal said when the statement was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OurSide {
    /// sale, void, refund.
    pub kind: RowKind,
    /// Minor units.
    pub amount: Minor,
    /// The payment's state.
    pub state: State,
    /// The settlement's day.
    pub day: Option<BusinessDate>,
    /// Minor units, where a schedule says it.
    pub fee: Option<Minor>,
}

/// How a case has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseEnd {
    /// How.
    pub how: CaseHow,
    /// Who.
    pub by: CashierId,
    /// The second person, where there was one.
    pub second: Option<CashierId>,
    /// In their words.
    pub reason: String,
    /// The other side's voucher.
    pub reference: Option<String>,
    /// Who agreed to give it back.
    pub consent: Option<String>,
    /// The refund by which the customer has got it back.
    pub refund: Option<String>,
    /// What it did to our books: `nothing`, `counts`, `not_done`, `voucher`.
    pub books: String,
    /// The voucher in the day on which it was resolved, signed.
    pub voucher: Option<Minor>,
    /// That day.
    pub business_date: Option<BusinessDate>,
    /// The journal row that is the voucher.
    pub seq: Option<u64>,
    /// RFC 3339.
    pub at: Option<String>,
}

/// 挂账: a difference between a statement and the journal, until it is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseView {
    /// Its number.
    pub id: u32,
    /// open, in_progress, resolved.
    pub state: CaseState,
    /// long, short, differs, timing.
    pub class: Class,
    /// Why it is a difference.
    pub reason: Reason,
    /// theirs − ours in minor units, signed as in the store's net.
    pub difference: Minor,
    /// Whose books have more.
    pub direction: Direction,
    /// What to do.
    pub action: Sentence,
    /// The ways in which it can be resolved now.
    pub ways: Vec<CaseHow>,
    /// With what it was paid.
    pub method: Method,
    /// Our payment.
    pub payment: Option<String>,
    /// Who answers for it.
    pub cashier: Option<CashierId>,
    /// Where.
    pub device: Option<TerminalId>,
    /// In which shift.
    pub shift: Option<u32>,
    /// `payment`: it names them. `neighbour`: there is none; they are those of the payment beside it, a hint. `none`.
    pub attributed: Attribution,
    /// TID.
    pub terminal: Option<String>,
    /// Six digits.
    pub batch: Option<String>,
    /// Six digits.
    pub stan: Option<String>,
    /// Field 37.
    pub rrn: Option<String>,
    /// The merchant's order id.
    pub order: Option<String>,
    /// What the statement says.
    pub theirs: Option<TheirSide>,
    /// What our journal said.
    pub ours: Option<OurSide>,
    /// The statement's format.
    pub format: String,
    /// The statement's day.
    pub day: BusinessDate,
    /// The statement that showed it first; none where a wait has run out.
    pub statement: Option<u32>,
    /// The statement's line.
    pub line: Option<u64>,
    /// The business day on which it was opened.
    pub opened: BusinessDate,
    /// RFC 3339.
    pub opened_at: String,
    /// Days since then.
    pub age_days: i64,
    /// Who works on it.
    pub taken_by: Option<CashierId>,
    /// A later statement that shows no difference any more: somebody has yet to say so.
    pub agreed: Option<u32>,
    /// How often it was opened again.
    pub reopened: u32,
    /// Its end.
    pub end: Option<CaseEnd>,
}

/// Something that happened to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseTrace {
    /// The journal row.
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    /// On which business day.
    pub business_date: BusinessDate,
    /// taken, noted, restated, agreed, resolved, reopened.
    pub what: String,
    /// Who; nobody where a statement did.
    pub by: Option<CashierId>,
    /// Which statement.
    pub statement: Option<u32>,
    /// In their words.
    pub note: Option<String>,
}

/// A case with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaseDetail {
    /// The case.
    #[serde(flatten)]
    pub case: CaseView,
    /// What happened to it, oldest first.
    pub trail: Vec<CaseTrace>,
    /// Its payment's whole story.
    pub story: Vec<StoryLine>,
}

/// A case in a day's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseLine {
    /// Its number.
    pub id: u32,
    /// open, in_progress, resolved.
    pub state: CaseState,
    /// long, short, differs, timing.
    pub class: Class,
    /// theirs − ours in minor units.
    pub difference: Minor,
    /// What to do.
    pub action: Sentence,
    /// Our payment.
    pub payment: Option<String>,
    /// Who answers for it.
    pub cashier: Option<CashierId>,
    /// Where.
    pub device: Option<TerminalId>,
    /// The statement's day.
    pub day: BusinessDate,
    /// Days since it was opened.
    pub age_days: i64,
    /// How it was resolved.
    pub how: Option<CaseHow>,
    /// By whom, or who works on it.
    pub by: Option<CashierId>,
}

/// A day's cases 挂账.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CasesView {
    /// Not resolved: how many, and theirs − ours over all of them.
    pub unresolved: Tally,
    /// Resolved on this day.
    pub resolved: u64,
    /// The unresolved, oldest first, at most 200; then those resolved on this day, at most 200.
    pub items: Vec<CaseLine>,
}

/// A statement that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementRow {
    /// Its number.
    pub id: u32,
    /// SHA-256 of the file, hex.
    pub hash: String,
    /// The format's name.
    pub format: String,
    /// The file's name.
    pub name: String,
    /// Its lines.
    pub lines: u64,
    /// Those that could not be read.
    pub spoiled: u64,
    /// RFC 3339.
    pub imported_at: String,
    /// Payments on which both sides agreed.
    pub matched: u64,
    /// 长款
    pub long: u64,
    /// 短款
    pub short: u64,
    /// Not alike.
    pub differs: u64,
    /// The other side of the cut.
    pub timing: u64,
    /// The first day that it speaks for.
    pub first_day: Option<BusinessDate>,
    /// The last.
    pub last_day: Option<BusinessDate>,
    /// Its days that a later statement has taken over.
    pub superseded_days: u64,
}

/// Where a statement's day went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StatementDay {
    /// The day.
    pub day: BusinessDate,
    /// The other statement's number.
    pub statement: u64,
    /// Its file's name.
    pub file: String,
}

/// A statement that was judged just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StatementFacts {
    /// Its number; none where it was judged without being noted.
    pub id: Option<u32>,
    /// The file's name.
    pub file: String,
    /// The format's name.
    pub format: String,
    /// SHA-256 of the file, hex.
    #[schema(value_type = String)]
    pub hash: FileHash,
    /// Its lines.
    pub lines: u64,
    /// The days that it speaks for.
    pub days: Vec<BusinessDate>,
    /// False where the same file was there already: nothing changed.
    pub new: Option<bool>,
}

/// Lines that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StatementSpoiled {
    /// How many.
    pub count: u64,
    /// The first thousand.
    pub lines: Vec<SpoiledLine>,
}

/// A line that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SpoiledLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// What a statement came to: `tilld reconcile --json`, `POST /v1/statements`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StatementView {
    /// Payments on which both sides agree, with money.
    pub matched_count: u64,
    /// 长款: theirs, not ours. At most 10,000.
    #[schema(value_type = Vec<Object>)]
    pub long: Vec<Difference>,
    /// 短款: ours, not theirs. At most 10,000.
    #[schema(value_type = Vec<Object>)]
    pub short: Vec<Difference>,
    /// Not alike. At most 10,000.
    #[schema(value_type = Vec<Object>)]
    pub differs: Vec<Difference>,
    /// The other side of the cut: waits, does not count. At most 10,000.
    #[schema(value_type = Vec<Object>)]
    pub timing: Vec<Difference>,
    /// How many of each there are.
    pub counts: BTreeMap<&'static str, u64>,
    /// Rows without money that ours agrees with.
    pub agreed_without_money: u64,
    /// Nothing differs.
    pub agrees: bool,
    /// Both sides' sums, and how the difference is made up.
    #[schema(value_type = Object)]
    pub sums: Sums,
    /// The formula of the sums.
    pub formula: Sentence,
    /// The statement.
    pub statement: StatementFacts,
    /// Lines that could not be used.
    pub spoiled: StatementSpoiled,
    /// Days of earlier statements that it takes over.
    pub supersedes: Vec<StatementDay>,
    /// Its days that later statements have taken over.
    pub superseded_by: Vec<StatementDay>,
    /// What became of its cases; none where it was judged without being noted.
    pub cases: Option<StatementNoted>,
}
