//! What the day says of people's acts, of reversals, of batches that wait, and of what stands in the way of a close.

use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, CashierId, Kind, Lang, Method, Minor, Role, Sentence, TerminalId};
use crate::core::journal::Tally;

/// Something that a person did and that is no payment of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActView {
    /// Its journal row.
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    /// `drawer_opened`, `approved`, `shift_closed`, `resolved`, `printed`.
    pub what: String,
    /// Who did it; null where POS software asked.
    pub by: Option<CashierId>,
    /// For which cashier.
    pub cashier: Option<CashierId>,
    /// At which device.
    pub device: Option<TerminalId>,
    /// About which payment.
    pub payment: Option<String>,
    /// How much, minor units.
    pub amount: Option<Minor>,
    /// What exactly: a paper, an exception and how it was decided.
    pub about: Option<String>,
    /// Of a reprint: how often now.
    pub times: Option<u32>,
}

/// A person who may use the till, or might.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PersonView {
    /// Their id.
    pub id: CashierId,
    /// Their name as printed.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What is shown to them; null: the store's language.
    pub lang: Option<Lang>,
    /// They work here.
    pub active: bool,
    /// They have an open shift.
    pub shift_open: bool,
}

/// A reversed payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReversalView {
    /// The payment.
    pub payment: String,
    /// What it was.
    pub kind: Kind,
    /// With what.
    pub method: Method,
    /// The cashier.
    pub cashier: CashierId,
    /// The device.
    pub device: TerminalId,
    /// Minor units.
    pub amount: Minor,
    /// Truncated card or code.
    pub masked_pan: Option<String>,
}

/// A batch that is not settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UnsettledView {
    /// The terminal.
    pub terminal: TerminalId,
    /// Six digits.
    pub batch: String,
    /// The rung of the ladder.
    pub rung: String,
    /// The oldest business day that lies in it.
    pub since: BusinessDate,
    /// Its age on the report's day: 0 is that day's own.
    pub days: u32,
    /// Its debits.
    pub debit: Tally,
    /// Its credits.
    pub credit: Tally,
}

/// One line of the check list before a close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckView {
    /// Stable: `not_footing`, `nothing_to_close`, `forgotten_shifts`, `open_shifts`, `in_flight`, `unknown`, `offline_waiting`, `reversals`,
    /// `exceptions`, `unsettled`, `line_down`, `printer`.
    pub code: String,
    /// `stop`: the close would be refused; `look`: it goes through, and this goes on behind it; `ok`: nothing.
    pub level: String,
    /// What it is and what to do.
    pub message: Sentence,
    /// How many.
    pub count: u64,
    /// Which: payments, shifts, terminals, batches; at most 20.
    pub items: Vec<String>,
}

/// What stands in the way of a close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChecklistView {
    /// The open day.
    pub business_date: BusinessDate,
    /// The number that its Z will carry.
    pub z_number: u32,
    /// Nothing refuses the close.
    pub may_close: bool,
    /// Line by line.
    pub checks: Vec<CheckView>,
}
