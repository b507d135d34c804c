//! What the journal keeps of statements and of the cases that they open: the facts behind [`Event::StatementTaken`], [`Event::CaseOpened`] and
//! [`Event::CaseMoved`]. Frozen once released, as every event is.
//!
//! [`Event::StatementTaken`]: super::Event::StatementTaken
//! [`Event::CaseOpened`]: super::Event::CaseOpened
//! [`Event::CaseMoved`]: super::Event::CaseMoved

use serde::{Deserialize, Serialize};

use crate::core::domain::{
    BatchNo, BusinessDate, CashierId, Method, Minor, PaymentId, PaymentSet, ShiftNo, Stan, State, StatementNo,
    TerminalId,
};
use crate::core::reconcile::{Reason, RowKind, RowState};

/// A statement that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTaken {
    /// Its number.
    pub statement: StatementNo,
    /// SHA-256 of the file: the same file again changes nothing.
    pub hash: [u8; 32],
    /// The format's name.
    pub format: String,
    /// The file's name, for people.
    pub name: String,
    /// The days that it speaks for.
    pub days: Vec<BusinessDate>,
    /// Its lines.
    pub lines: u64,
    /// Those that could not be read.
    pub spoiled: u64,
    /// Payments on which both sides agree.
    pub matched: u64,
    /// long, short, differs, timing.
    pub counts: [u64; 4],
    /// Payments that a later statement should have: waited for.
    pub awaited: Vec<Awaited>,
    /// Payments that were waited for and have come.
    pub arrived: Vec<PaymentId>,
}

/// Payments that a statement has with money, so that no other statement of its format may have them again. Behind its [`StatementTaken`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementBooked {
    /// Its number.
    pub statement: StatementNo,
    /// The day on which the rows stand.
    pub day: BusinessDate,
    /// Each as often as a row has it.
    pub payments: PaymentSet,
}

/// A payment that a later statement should settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// Which.
    pub payment: PaymentId,
    /// The format whose statement should have it.
    pub format: String,
    /// The other side's day on which it should stand.
    pub day: BusinessDate,
    /// Waited for up to and including this day.
    pub until: BusinessDate,
}

/// By whom a difference is answered for, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// The payment names them.
    Payment,
    /// There is no payment of ours: they are those of the terminal's payment beside it. A hint.
    Neighbour,
    /// Nobody is known.
    None,
}

/// What the statement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theirs {
    /// What it does.
    pub kind: RowKind,
    /// Minor units, positive.
    pub amount: Minor,
    /// What became of it.
    pub state: RowState,
    /// The day of the settlement, or on which it was made.
    pub day: Option<BusinessDate>,
    /// The fee, where the statement has one.
    pub fee: Option<Minor>,
}

/// What our journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OursSide {
    /// What it does.
    pub kind: RowKind,
    /// Minor units, positive.
    pub amount: Minor,
    /// Where it stands.
    pub state: State,
    /// The settlement day (F15), where an answer gave one.
    pub day: Option<BusinessDate>,
    /// The fee that the schedule expects.
    pub fee: Option<Minor>,
}

/// A difference between a statement and the journal, as a case keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Names the same difference again in a later statement of the same format.
    pub key: String,
    /// The statement's format.
    pub format: String,
    /// Why it is a difference.
    pub reason: Reason,
    /// theirs − ours, signed as in the store's net.
    pub difference: Minor,
    /// The statement's line.
    pub line: Option<u64>,
    /// The statement's day on which it stands, or should.
    pub day: BusinessDate,
    /// With what it was paid, as far as is known.
    pub method: Method,
    /// Our payment.
    pub payment: Option<PaymentId>,
    /// Who answers for it.
    pub cashier: Option<CashierId>,
    /// Where.
    pub device: Option<TerminalId>,
    /// In which shift.
    pub shift: Option<ShiftNo>,
    /// How sure that is.
    pub attributed: Attribution,
    /// TID.
    pub terminal: Option<String>,
    /// The batch.
    pub batch: Option<BatchNo>,
    /// The STAN.
    pub stan: Option<Stan>,
    /// Field 37.
    pub rrn: Option<String>,
    /// The merchant's order id.
    pub order: Option<String>,
    /// What the statement says.
    pub theirs: Option<Theirs>,
    /// What our journal says.
    pub ours: Option<OursSide>,
}

impl Finding {
    /// Of a payment that came twice: the first row that is too many, or which one. Its key has no number for the first, and `#2` for the second.
    #[must_use]
    pub fn row_too_many(&self) -> u32 {
        self.key.split_once('#').and_then(|(_, n)| n.parse().ok()).unwrap_or(1)
    }

    /// The later finding says the same as this one: nothing new is to be decided.
    #[must_use]
    pub fn says_the_same(&self, later: &Finding) -> bool {
        let fees = |finding: &Finding| {
            (finding.theirs.as_ref().and_then(|t| t.fee), finding.ours.as_ref().and_then(|o| o.fee))
        };
        self.reason == later.reason
            && self.difference == later.difference
            && (self.reason != Reason::Fee || fees(self) == fees(later))
    }
}

/// How a case was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseHow {
    /// 确认: the statement is right, our books take its figure over.
    Confirm,
    /// 退款: the customer has got it back, by a refund of its own.
    Refund,
    /// 补结算: the other side puts its books right; ours stand.
    MakeUp,
    /// 协商追回: whoever has the money gives it back, and has agreed to that.
    Recovery,
    /// 核销: the store bears it.
    WriteOff,
}

impl CaseHow {
    /// Every way.
    pub const ALL: &'static [CaseHow] =
        &[CaseHow::Confirm, CaseHow::Refund, CaseHow::MakeUp, CaseHow::Recovery, CaseHow::WriteOff];

    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CaseHow::Confirm => "confirm",
            CaseHow::Refund => "refund",
            CaseHow::MakeUp => "make_up",
            CaseHow::Recovery => "recovery",
            CaseHow::WriteOff => "write_off",
        }
    }
}

/// What a step does to our books (law 5: always in the open day).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaseBooks {
    /// Nothing.
    Nothing,
    /// The unknown payment counts: in its own day while that is open, else as a voucher.
    Counts,
    /// The unknown payment was not done.
    NotDone,
    /// A voucher in the open day.
    Voucher {
        /// Signed.
        amount: Minor,
        /// Under whose name.
        cashier: CashierId,
        /// At which device.
        device: TerminalId,
        /// With what.
        method: Method,
    },
}

/// A case's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResolved {
    /// How.
    pub how: CaseHow,
    /// Who.
    pub by: CashierId,
    /// The second person, where two are needed.
    pub second: Option<CashierId>,
    /// In their words.
    pub reason: String,
    /// The other side's voucher: an adjustment's number, a transfer's.
    pub reference: String,
    /// Who agreed to give it back, and how: never without (recovery).
    pub consent: Option<String>,
    /// The refund by which the customer has got it back.
    pub refund: Option<PaymentId>,
    /// What it does to our books.
    pub books: CaseBooks,
}

/// What can happen to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaseStep {
    /// 处理中: somebody works on it.
    Taken {
        /// Who.
        by: CashierId,
        /// In their words.
        note: String,
    },
    /// Something worth keeping.
    Noted {
        /// Who.
        by: CashierId,
        /// In their words.
        note: String,
    },
    /// A later statement shows it otherwise.
    Restated {
        /// Which statement; none where a wait has run out.
        statement: Option<StatementNo>,
        /// As it shows it.
        finding: Box<Finding>,
    },
    /// A later statement shows no difference any more. Somebody has yet to say so.
    Agreed {
        /// Which statement.
        statement: StatementNo,
    },
    /// It is resolved.
    Resolved(Box<CaseResolved>),
    /// It is open again: a statement contradicts its end, or somebody does.
    Reopened {
        /// Who.
        by: Option<CashierId>,
        /// Which statement.
        statement: Option<StatementNo>,
        /// As that statement shows it; none where it shows no difference.
        finding: Option<Box<Finding>>,
        /// In their words.
        reason: String,
        /// What takes back what its end did to our books.
        books: CaseBooks,
    },
}
