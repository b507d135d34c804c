//! Folding entries into a day's totals, and the cross-foot that proves them (law 4).
//!
//! Each table is added to on its own: none is derived from another, so that comparing them proves something.
//! Nothing here knows payments, batches' rungs or the store.

pub mod fees;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::domain::{CashierId, Method, Minor, TerminalId};
use crate::core::journal::{Column, Columns, Effect};
use crate::core::payment::Slot;

/// The tables of one day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayTotals {
    /// The whole day.
    pub all: Columns,
    /// Per cashier.
    pub by_cashier: BTreeMap<CashierId, Columns>,
    /// Per device.
    pub by_device: BTreeMap<TerminalId, Columns>,
    /// Per method.
    pub by_method: BTreeMap<Method, Columns>,
    /// Per channel: the organisation or wallet behind the method.
    pub by_channel: BTreeMap<String, Columns>,
    /// Cashier × device.
    pub matrix: BTreeMap<(CashierId, TerminalId), Columns>,
    /// The bridge: where each counted payment lies. Vouchers lie in no slot.
    pub slots: BTreeMap<Slot, Columns>,
}

/// A total would not fit: the day must be closed before more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// Two sums that should be equal and are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which table.
    pub table: &'static str,
    /// What it adds up to.
    pub sum: Columns,
    /// What the day says.
    pub day: Columns,
}

impl DayTotals {
    /// Whether an entry still fits, in every table.
    #[must_use]
    pub fn fits(&self, column: Column, amount: Minor) -> bool {
        self.all.with(column, amount).is_some()
    }

    /// Adds an entry. Every table's sum is bounded by the day's own magnitude only while entries are positive, so each is checked.
    pub fn book(&mut self, effect: &Effect, channel: &str) -> Result<(), Overflow> {
        let mut next = self.clone_tables(effect, channel)?;
        std::mem::swap(&mut self.all, &mut next.all);
        self.by_cashier.insert(effect.cashier.clone(), next.cashier);
        self.by_device.insert(effect.device.clone(), next.device);
        self.by_method.insert(effect.method, next.method);
        match self.by_channel.get_mut(channel) {
            Some(columns) => *columns = next.channel,
            None => drop(self.by_channel.insert(channel.to_owned(), next.channel)),
        }
        self.matrix.insert((effect.cashier.clone(), effect.device.clone()), next.cell);
        Ok(())
    }

    fn clone_tables(&self, effect: &Effect, channel: &str) -> Result<Next, Overflow> {
        let add = |columns: Option<&Columns>| {
            columns.copied().unwrap_or_default().with(effect.column, effect.amount).ok_or(Overflow)
        };
        Ok(Next {
            all: add(Some(&self.all))?,
            cashier: add(self.by_cashier.get(&effect.cashier))?,
            device: add(self.by_device.get(&effect.device))?,
            method: add(self.by_method.get(&effect.method))?,
            channel: add(self.by_channel.get(channel))?,
            cell: add(self.matrix.get(&(effect.cashier.clone(), effect.device.clone())))?,
        })
    }

    /// Moves a counted payment from one line of the bridge to another; `None` is outside (not yet, or no longer, counted).
    pub fn move_slot(&mut self, from: Option<&Slot>, to: Option<&Slot>, column: Column, amount: Minor) {
        if from == to {
            return;
        }
        if let Some(slot) = from
            && let Some(columns) = self.slots.get_mut(slot)
        {
            let tally = columns.tally_mut(column);
            tally.count = tally.count.saturating_sub(1);
            tally.amount = tally.amount.checked_sub(amount).unwrap_or(Minor::ZERO);
            if *columns == Columns::default() {
                self.slots.remove(slot);
            }
        }
        if let Some(slot) = to {
            let columns = self.slots.entry(slot.clone()).or_default();
            if let Some(more) = columns.with(column, amount) {
                *columns = more;
            }
        }
    }

    /// Compares every table, and the bridge, with the day. An empty list is the proof.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let bridge = self.slots.values().copied().chain([self.vouchers_line()]);
        let sums = [
            ("by_cashier", sum(self.by_cashier.values().copied())),
            ("by_device", sum(self.by_device.values().copied())),
            ("by_method", sum(self.by_method.values().copied())),
            ("by_channel", sum(self.by_channel.values().copied())),
            ("matrix", sum(self.matrix.values().copied())),
            ("bridge", sum(bridge)),
        ];
        sums.into_iter()
            .filter(|(_, sum)| *sum != Some(self.all))
            .map(|(table, sum)| Gap { table, sum: sum.unwrap_or_default(), day: self.all })
            .collect()
    }

    /// The bridge's line of vouchers: they lie in no batch.
    #[must_use]
    pub fn vouchers_line(&self) -> Columns {
        Columns { vouchers: self.all.vouchers, ..Columns::default() }
    }
}

struct Next {
    all: Columns,
    cashier: Columns,
    device: Columns,
    method: Columns,
    channel: Columns,
    cell: Columns,
}

/// The sum of many columns; `None` where it does not fit.
pub fn sum(mut columns: impl Iterator<Item = Columns>) -> Option<Columns> {
    columns.try_fold(Columns::default(), |sum, more| sum.plus(&more))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::core::domain::PaymentId;

    fn entry(cashier: &str, device: &str, column: Column, amount: i64) -> Effect {
        Effect {
            column,
            amount: Minor(amount),
            payment: PaymentId(1),
            cashier: CashierId::new(cashier).unwrap(),
            device: TerminalId::new(device).unwrap(),
            method: Method::Cash,
        }
    }

    #[test]
    fn the_tables_foot_while_every_entry_has_its_slot() {
        let mut totals = DayTotals::default();
        for (cashier, device, column, amount) in [
            ("1001", "POS1", Column::Sale, 500),
            ("1002", "POS1", Column::Sale, 300),
            ("1001", "POS2", Column::Refund, 200),
        ] {
            totals.book(&entry(cashier, device, column, amount), "cash").unwrap();
            totals.move_slot(None, Some(&Slot::Cash), column, Minor(amount));
        }
        totals.book(&entry("1001", "POS1", Column::Voucher, -50), "cash").unwrap();
        assert!(totals.gaps().is_empty());
        assert_eq!(totals.all.net(), Some(Minor(550)));
    }

    #[test]
    fn an_entry_without_a_line_in_the_bridge_is_found() {
        let mut totals = DayTotals::default();
        totals.book(&entry("1001", "POS1", Column::Sale, 500), "cash").unwrap();
        assert_eq!(totals.gaps().iter().map(|g| g.table).collect::<Vec<_>>(), ["bridge"]);
    }

    #[test]
    fn a_total_that_would_not_fit_is_refused_and_changes_nothing() {
        let mut totals = DayTotals::default();
        totals.book(&entry("1001", "POS1", Column::Sale, i64::MAX), "cash").unwrap();
        let before = totals.clone();
        assert!(!totals.fits(Column::Sale, Minor(1)));
        assert_eq!(totals.book(&entry("1001", "POS1", Column::Sale, 1), "cash"), Err(Overflow));
        assert_eq!(totals, before);
    }
}
