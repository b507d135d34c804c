//! A day's expected fees: by the line of the bridge and by the day the money arrives, each line with the formula gross − fee = net.
//!
//! Kept beside the day's columns and moved with them, so that it foots with the bridge. Nothing here knows schedules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::domain::Minor;
use crate::core::journal::Classed;
use crate::core::payment::Slot;

/// A line of the book.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeeKey {
    /// Where the payments lie; `None`: in no slot, they are vouchers.
    pub slot: Option<Slot>,
    /// Days until the money arrives, and whether only business days count; `None`: no line of the schedule names them.
    pub wait: Option<(u16, bool)>,
}

/// What lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeeTally {
    /// Payments.
    pub count: u64,
    /// Sales less refunds and voids.
    pub gross: Minor,
    /// Fees less what is given back.
    pub fee: Minor,
}

/// The book.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeeBook {
    /// Its lines.
    pub lines: BTreeMap<FeeKey, FeeTally>,
}

impl FeeTally {
    /// What arrives.
    #[must_use]
    pub fn net(&self) -> Option<Minor> {
        self.gross.checked_sub(self.fee)
    }

    /// One payment: `gross` signed as in the day's net.
    #[must_use]
    pub fn of(gross: Minor, class: &Classed) -> FeeTally {
        let fee = class.fee.as_ref().map_or(Minor::ZERO, |stamp| stamp.fee);
        let fee = if gross.0 < 0 { Minor(fee.0.saturating_neg()) } else { fee };
        FeeTally { count: 1, gross, fee }
    }
}

impl FeeKey {
    /// Of a payment of this class in this slot.
    #[must_use]
    pub fn of(slot: Option<Slot>, class: &Classed) -> FeeKey {
        FeeKey { slot, wait: class.fee.as_ref().map(|stamp| (stamp.days, stamp.business)) }
    }
}

impl FeeBook {
    /// Adds a payment. Amounts are bounded by the day's own columns, which are checked before; what would not fit is left out.
    pub fn add(&mut self, key: FeeKey, more: FeeTally) {
        let line = self.lines.entry(key).or_default();
        if let (Some(gross), Some(fee)) = (line.gross.checked_add(more.gross), line.fee.checked_add(more.fee)) {
            *line = FeeTally { count: line.count.saturating_add(more.count), gross, fee };
        }
    }

    /// Takes a payment out of a line again, to be put into another.
    pub fn take(&mut self, key: &FeeKey, less: FeeTally) {
        let Some(line) = self.lines.get_mut(key) else { return };
        if let (Some(gross), Some(fee)) = (line.gross.checked_sub(less.gross), line.fee.checked_sub(less.fee)) {
            *line = FeeTally { count: line.count.saturating_sub(less.count), gross, fee };
        }
        if *line == FeeTally::default() {
            self.lines.remove(key);
        }
    }

    /// The whole of it; `None` where it does not fit.
    #[must_use]
    pub fn sum(&self) -> Option<FeeTally> {
        self.lines.values().try_fold(FeeTally::default(), |sum, line| {
            Some(FeeTally {
                count: sum.count.checked_add(line.count)?,
                gross: sum.gross.checked_add(line.gross)?,
                fee: sum.fee.checked_add(line.fee)?,
            })
        })
    }
}
