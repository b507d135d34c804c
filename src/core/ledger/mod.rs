//! The store's whole state: payments that live, terminals, shifts, the open day; how a command becomes events, and how an event
//! changes the state. One writer owns one ledger.
//!
//! - `decide_*`: a command against the state gives events or a refusal; nothing is changed.
//! - `absorb`: an event changes the state and becomes a record. It cannot fail and asks nothing but the archive.
//! - `schedule`: what each terminal should say next, from the state alone: after a restart it goes on where it was.
//! - `writer`: the step that ties these to a store.
//! - `refold`: a store that another shape of this state wrote is made again from its journal.
//!
//! Nothing here knows a clock, a socket or SQLite.

mod absorb;
mod alarms;
mod archived;
mod checklist;
mod classing;
mod coupons;
mod day_lists;
mod decide_cases;
mod decide_day;
mod decide_lane;
mod decide_pay;
mod decide_people;
mod decide_shift;
mod decide_transfer;
mod differences;
mod errands;
mod guards;
mod index;
mod jobs;
mod kinds;
mod lines;
mod money_view;
mod orders;
mod proof;
mod refold;
mod rules;
mod schedule;
mod uploads;
mod view;
mod writer;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::acquirer::ReversalReason;
use crate::core::day::{Batch, BatchKey, DayBook, Shift};
use crate::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, ExceptionNo, Lang, Minor, PaymentId, Role, Seq, ShiftNo, Stan, StoreId,
    TerminalId, ZNumber,
};
use crate::core::journal::{Awaited, ExceptionKind, GENESIS, Link, SettleReason, Subject};
use crate::core::payment::Payment;
use crate::core::suspense::{Case, CaseState};

pub use alarms::{ESCALATED_MS, LATE_MS, WATCH_DAYS, watched_until};
pub use day_lists::closed_shift_view;
pub use decide_lane::Scene;
pub use decide_pay::{Around, PayDecision, Stop};
pub use decide_people::Change;
pub use decide_shift::Count;
pub use errands::{ErrandUnderWay, QueryPlan};
pub use index::Index;
pub use lines::{BackOff, Line, LineState, Lines};
pub use proof::Proof;
pub use refold::{FOLD_VERSION, refold};
pub use rules::{ChannelRules, GuardRules, MoneyRules, OfflineRules, RouteRules, Rules, TerminalRules, UploadPlan};
pub use view::{check_code, hex, payment_view, rfc3339, settlement_view};
pub use writer::{Rows, Writer, WriterOptions, busy, replay, state_at};

/// The state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The last row.
    pub head: Seq,
    /// Its link.
    pub link: Link,
    /// Which store, once it is opened.
    pub store: Option<StoreId>,
    /// The open day.
    pub open: BusinessDate,
    /// The open day and those that are cut but not finished.
    pub days: BTreeMap<BusinessDate, DayBook>,
    /// People.
    pub people: BTreeMap<CashierId, Person>,
    /// Open shifts.
    pub shifts: BTreeMap<ShiftNo, Shift>,
    /// The last shift's number.
    pub last_shift: ShiftNo,
    /// Terminals that have ever sent something.
    pub terminals: BTreeMap<TerminalId, Terminal>,
    /// Ended batches that an unfinished day lies in.
    pub ended: BTreeMap<BatchKey, Batch>,
    /// Payments that are not at rest.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// Open exceptions.
    pub exceptions: BTreeMap<ExceptionNo, Exception>,
    /// The last exception's number.
    pub last_exception: ExceptionNo,
    /// Cases that are not resolved.
    pub cases: BTreeMap<CaseNo, Case>,
    /// The last case's number.
    pub last_case: CaseNo,
    /// Payments that a later statement should have.
    pub awaited: BTreeMap<PaymentId, Awaited>,
    /// What went back past each card: day, payment, amount; only where a keyed hash is lawful, at most a year.
    pub spent: BTreeMap<[u8; 16], Vec<(BusinessDate, PaymentId, Minor)>>,
    /// Public key that will verify the open day's seal.
    pub day_key: Vec<u8>,
    /// Pre-authorizations that hold money, and since which day.
    pub held: BTreeMap<PaymentId, BusinessDate>,
    /// Refunds that no statement has shown yet: since which day, by which terminal. Watched for so many business days.
    pub returning: BTreeMap<PaymentId, (BusinessDate, TerminalId)>,
    /// What is derived from the payments for the schedule.
    #[serde(skip)]
    pub index: Index,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As printed.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What is shown to them; the store's language where it is not said.
    pub lang: Option<Lang>,
    /// They work here.
    pub active: bool,
}

/// A terminal as the acquirer knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// The current batch.
    pub batch: Batch,
    /// The last STAN used.
    pub last_stan: Stan,
    /// The message that is about to be sent, or under way.
    pub in_flight: Option<InFlight>,
    /// An errand under way.
    pub errand: Option<ErrandUnderWay>,
    /// A cut day was settled since the last 签退.
    pub signs_off: bool,
    /// The batch is to be settled: why, and up to which day the stored payments go first.
    pub settle: Option<(SettleReason, BusinessDate)>,
    /// The acquirer's batch number that made no sense: cards are stopped.
    pub stopped: Option<BatchNo>,
    /// What the last answer's header asks of it; 0 for nothing.
    pub asked_for: u8,
}

/// A message under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Its STAN.
    pub stan: Stan,
    /// Its batch.
    pub batch: BatchNo,
    /// What it says.
    pub subject: Subject,
}

/// Something that needs a named person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// What.
    pub kind: ExceptionKind,
    /// Since which day.
    pub opened: BusinessDate,
    /// About which payment.
    pub payment: Option<PaymentId>,
    /// About which terminal.
    pub terminal: Option<TerminalId>,
    /// About which shift's difference: its cashier, and how much.
    pub difference: Option<(CashierId, Minor)>,
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal {
            batch: Batch::new(BatchNo(1)),
            last_stan: Stan(0),
            in_flight: None,
            errand: None,
            signs_off: false,
            settle: None,
            stopped: None,
            asked_for: 0,
        }
    }
}

impl Ledger {
    /// A store in which nothing has happened, whose first day will be `date`.
    #[must_use]
    pub fn new(date: BusinessDate) -> Ledger {
        Ledger {
            head: Seq(0),
            link: GENESIS,
            store: None,
            open: date,
            days: BTreeMap::from([(date, DayBook::new(date, ZNumber(1), Seq(1), Minor::ZERO))]),
            people: BTreeMap::new(),
            shifts: BTreeMap::new(),
            last_shift: ShiftNo(0),
            terminals: BTreeMap::new(),
            ended: BTreeMap::new(),
            payments: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            last_exception: ExceptionNo(0),
            cases: BTreeMap::new(),
            last_case: CaseNo(0),
            awaited: BTreeMap::new(),
            spent: BTreeMap::new(),
            day_key: Vec::new(),
            held: BTreeMap::new(),
            returning: BTreeMap::new(),
            index: Index::default(),
        }
    }

    /// The snapshot's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a ledger has no type that postcard cannot write")
    }

    /// Reads a snapshot.
    pub fn from_bytes(bytes: &[u8]) -> Result<Ledger, String> {
        let mut ledger: Ledger = postcard::from_bytes(bytes).map_err(|e| e.to_string())?;
        ledger.index = Index::of(ledger.payments.values());
        Ok(ledger)
    }

    /// The open day's book.
    #[must_use]
    pub fn today(&self) -> &DayBook {
        self.days.get(&self.open).expect("the open day has a book from the moment it is opened")
    }

    pub(super) fn today_mut(&mut self) -> &mut DayBook {
        self.days.get_mut(&self.open).expect("the open day has a book from the moment it is opened")
    }

    /// What a person may do; nothing where they are not known here, or do not work here any more.
    #[must_use]
    pub fn role_of(&self, person: &CashierId) -> Option<Role> {
        self.people.get(person).filter(|p| p.active).map(|p| p.role)
    }

    /// The open shift of a cashier.
    #[must_use]
    pub fn shift_of(&self, cashier: &CashierId) -> Option<&Shift> {
        self.shifts.values().find(|shift| shift.cashier == *cashier)
    }

    /// The open shift that holds the drawer at a device.
    #[must_use]
    pub fn holder(&self, device: &TerminalId) -> Option<&Shift> {
        self.shifts.values().find(|shift| shift.drawers.contains_key(device))
    }

    /// A terminal, also one that has never sent anything.
    #[must_use]
    pub fn terminal(&self, id: &TerminalId) -> Terminal {
        self.terminals.get(id).cloned().unwrap_or_default()
    }

    /// What waits offline: count and sum of everything stored and not handled, those set aside and refused included.
    #[must_use]
    pub fn waiting(&self) -> (u64, Minor) {
        let refused = self
            .exceptions
            .values()
            .filter(|e| e.kind == ExceptionKind::OfflineRejected)
            .filter_map(|e| self.payments.get(&e.payment?));
        let stored = self.index.stored.iter().chain(&self.index.aside).filter_map(|(_, id)| self.payments.get(id));
        stored.chain(refused).fold((0, Minor::ZERO), |(n, sum), p| (n + 1, sum.checked_add(p.amount).unwrap_or(sum)))
    }

    /// A batch by name: the terminal's current one or one that has ended.
    #[must_use]
    pub fn batch(&self, terminal: &TerminalId, number: BatchNo) -> Option<&Batch> {
        let current = self.terminals.get(terminal).map(|t| &t.batch).filter(|b| b.number == number);
        current.or_else(|| self.ended.get(&(terminal.clone(), number)))
    }

    /// Forgets payments that are at rest and that no exception is about, and resolved cases: the archive has them.
    pub fn evict(&mut self) {
        let exceptions: BTreeSet<PaymentId> = self.exceptions.values().filter_map(|e| e.payment).collect();
        self.payments.retain(|id, payment| !payment.at_rest() || exceptions.contains(id));
        self.cases.retain(|_, case| case.state != CaseState::Resolved);
    }
}

/// Why the first reversal of a payment is sent, from what is wrong with its answer.
pub(super) fn reversal_reason(doubt: Option<crate::core::acquirer::Doubt>) -> ReversalReason {
    match doubt {
        Some(crate::core::acquirer::Doubt::BadMac | crate::core::acquirer::Doubt::NoMac) => ReversalReason::BadMac,
        _ => ReversalReason::Other,
    }
}
