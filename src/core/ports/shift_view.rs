//! Shifts and drawers as outside programs see them. Fields may be added; none is renamed.

use serde::{Deserialize, Serialize};

use crate::core::domain::{CashierId, Denomination, Minor, TerminalId};
use crate::core::journal::DrawerResult;

/// A shift that was open on the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShiftView {
    /// Its number.
    pub shift: u32,
    /// Whose.
    pub cashier: CashierId,
    /// Closed: its drawers were counted and their over/short is booked on this day. Otherwise carried (未盘).
    pub closed: bool,
    /// Its drawers.
    pub drawers: Vec<DrawerView>,
    /// Nothing happened in it for `shift_idle_hours`: a manager counts and closes it.
    #[serde(default)]
    pub forgotten: bool,
    /// RFC 3339.
    #[serde(default)]
    pub opened_at: Option<String>,
    /// RFC 3339: of an open one, when its last entry was made.
    #[serde(default)]
    pub last_entry_at: Option<String>,
    /// RFC 3339, once it is closed.
    #[serde(default)]
    pub closed_at: Option<String>,
    /// Who closed it.
    #[serde(default)]
    pub closed_by: Option<CashierId>,
    /// A drawer's difference is above the limit: a manager must sign.
    #[serde(default)]
    pub to_sign: bool,
}

/// A drawer in a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DrawerView {
    /// The sums of its formula: float + sales − refunds + in − out = expected.
    #[serde(flatten)]
    pub sums: DrawerSums,
    /// What was counted, once it was.
    pub counted: Option<Minor>,
    /// counted − expected, once it was.
    pub difference: Option<Minor>,
    /// The notes and coins of that count, largest first; empty where the sum alone was given.
    #[serde(default)]
    pub denominations: Vec<Denomination>,
}

/// The sums behind a drawer's expected cash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DrawerSums {
    /// At which device.
    pub device: TerminalId,
    /// 备用金
    pub float: Minor,
    /// Cash sales.
    pub sales: Minor,
    /// Cash refunds and voids.
    pub refunds: Minor,
    /// 存入
    pub paid_in: Minor,
    /// 取出
    pub paid_out: Minor,
    /// The formula's result.
    pub expected: Minor,
}

impl From<&DrawerResult> for DrawerView {
    fn from(r: &DrawerResult) -> DrawerView {
        DrawerView {
            sums: DrawerSums {
                device: r.device.clone(),
                float: r.float,
                sales: r.sales,
                refunds: r.refunds,
                paid_in: r.paid_in,
                paid_out: r.paid_out,
                expected: r.expected,
            },
            counted: Some(r.counted),
            difference: Some(r.difference),
            denominations: Vec::new(),
        }
    }
}
