//! Shifts 班次 and drawers 钱箱: who holds which drawer, what should be in it, what was counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, CashierId, Denomination, Minor, ShiftNo, TerminalId, WallMs};
use crate::core::journal::DrawerResult;

/// An open shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Its number.
    pub no: ShiftNo,
    /// Whose.
    pub cashier: CashierId,
    /// On which day it began.
    pub opened: BusinessDate,
    /// When the wall clock said it began.
    pub opened_at: WallMs,
    /// When the wall clock said that its last entry was made: a payment, a movement of cash, a count.
    pub last_entry: WallMs,
    /// The drawers it holds, by device.
    pub drawers: BTreeMap<TerminalId, Drawer>,
    /// Drawers it held and handed over, as booked then.
    pub handed_over: Vec<DrawerResult>,
    /// The notes that were counted in drawers it handed over.
    pub handed_notes: Vec<(TerminalId, Vec<Denomination>)>,
}

impl Shift {
    /// Nothing happened in it for so long that whoever holds it has gone home without counting.
    #[must_use]
    pub fn forgotten(&self, now: WallMs, idle_ms: i64) -> bool {
        now.0.saturating_sub(self.last_entry.0) >= idle_ms
    }
}

/// A drawer in a shift.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Drawer {
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
    /// The last count, if nothing moved since.
    pub counted: Option<Minor>,
    /// The notes and coins of that count, where they were given.
    pub notes: Vec<Denomination>,
}

impl Drawer {
    /// float + sales − refunds + in − out. Each part is a sum of amounts of at most 12 digits.
    #[must_use]
    pub fn expected(&self) -> Minor {
        let parts = [self.sales.0, -self.refunds.0, self.paid_in.0, -self.paid_out.0];
        Minor(parts.into_iter().fold(self.float.0, i64::saturating_add))
    }

    /// Cash comes in (positive) or goes out through a payment; a count before it is no longer good.
    pub fn cash(&mut self, amount: Minor) {
        let slot = if amount.0 >= 0 { &mut self.sales } else { &mut self.refunds };
        slot.0 = slot.0.saturating_add(amount.0.saturating_abs());
        self.forget_count();
    }

    /// 存入 (positive) or 取出 (negative).
    pub fn moved(&mut self, amount: Minor) {
        let slot = if amount.0 >= 0 { &mut self.paid_in } else { &mut self.paid_out };
        slot.0 = slot.0.saturating_add(amount.0.saturating_abs());
        self.forget_count();
    }

    fn forget_count(&mut self) {
        self.counted = None;
        self.notes.clear();
    }

    /// The drawer's booking at a count.
    #[must_use]
    pub fn result(&self, device: &TerminalId, counted: Minor) -> DrawerResult {
        let expected = self.expected();
        DrawerResult {
            device: device.clone(),
            float: self.float,
            sales: self.sales,
            refunds: self.refunds,
            paid_in: self.paid_in,
            paid_out: self.paid_out,
            expected,
            counted,
            difference: Minor(counted.0.saturating_sub(expected.0)),
        }
    }
}

/// A shift that has ended, as the day of its count reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedShift {
    /// Its number.
    pub no: ShiftNo,
    /// Whose.
    pub cashier: CashierId,
    /// On which day it began.
    pub opened: BusinessDate,
    /// Every drawer it held.
    pub drawers: Vec<DrawerResult>,
    /// The notes and coins that were counted in them, where they were given.
    #[serde(default)]
    pub notes: Vec<(TerminalId, Vec<Denomination>)>,
    /// When the wall clock said it began.
    #[serde(default)]
    pub opened_at: WallMs,
    /// When the wall clock said it ended.
    #[serde(default)]
    pub closed_at: WallMs,
    /// Who closed it: its cashier, or a manager for them.
    #[serde(default)]
    pub by: Option<CashierId>,
}

impl ClosedShift {
    /// Counted − expected over its drawers.
    #[must_use]
    pub fn difference(&self) -> Minor {
        self.drawers.iter().fold(Minor::ZERO, |sum, d| Minor(sum.0.saturating_add(d.difference.0)))
    }
}
