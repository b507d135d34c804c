//! What needs a second pair of eyes: large refunds, and whatever a cashier, a device or the store may do in a day.
//!
//! A limit is no wall: a manager other than the cashier lets it pass, and stands in the journal and on the Z report for it.

use super::{Ledger, Rules};
use crate::core::domain::{Kind, Minor, Refusal, Reject, Role};
use crate::core::journal::{Column, Columns};
use crate::core::payment::{Payment, column_of, counts};
use crate::core::ports::Pay;

/// A limit, whose it is, what they have done, and which payments are theirs.
type Sphere<'a> = (Option<Minor>, &'a str, Option<&'a Columns>, &'a dyn Fn(&Payment) -> bool);

impl Ledger {
    /// Refuses what is above a limit and that no manager has approved.
    pub(super) fn guarded(&self, pay: &Pay, rules: &Rules) -> Result<(), Reject> {
        let Some(reject) = self.beyond(pay, rules) else { return Ok(()) };
        if pay.approved_by.is_some() { self.manager_approved(pay) } else { Err(reject) }
    }

    /// A manager who is not the cashier has approved it; the PIN was checked before.
    pub(super) fn manager_approved(&self, pay: &Pay) -> Result<(), Reject> {
        match &pay.approved_by {
            Some(manager) if self.role_of(manager) != Some(Role::Manager) => Err(Refusal::ManagerRequired.into()),
            Some(manager) if *manager == pay.cashier => Err(Refusal::SecondManager.into()),
            Some(_) => Ok(()),
            None => Err(Refusal::ManagerRequired.into()),
        }
    }

    /// The first limit that this payment is above.
    fn beyond(&self, pay: &Pay, rules: &Rules) -> Option<Reject> {
        let guards = &rules.guards;
        let column = column_of(pay.kind);
        if !matches!(pay.kind, Kind::Sale | Kind::Completion | Kind::Refund) {
            return None;
        }
        if column == Column::Refund && guards.refund.is_some_and(|limit| pay.amount > limit) {
            return Some(Refusal::ManagerRequired.into());
        }
        let totals = &self.today().totals;
        let refund = column == Column::Refund;
        let pick = |sales, refunds| if refund { refunds } else { sales };
        let mine: [Sphere<'_>; 3] = [
            (
                pick(guards.cashier_sales, guards.cashier_refunds),
                pay.cashier.as_str(),
                totals.by_cashier.get(&pay.cashier),
                &|p| p.cashier == pay.cashier,
            ),
            (
                pick(guards.device_sales, guards.device_refunds),
                pay.device.as_str(),
                totals.by_device.get(&pay.device),
                &|p| p.device == pay.device,
            ),
            (pick(guards.day_sales, guards.day_refunds), rules.store.as_str(), Some(&totals.all), &|_| true),
        ];
        mine.into_iter().find_map(|(limit, who, columns, mine)| {
            let limit = limit?;
            let so_far = columns.map_or(Minor::ZERO, |columns| done(columns, column));
            let after = so_far.checked_add(self.under_way(column, mine)).and_then(|sum| sum.checked_add(pay.amount));
            after.is_none_or(|after| after > limit).then(|| {
                let (what, what_en) = if refund { ("退货", "refunds") } else { ("消费", "sales") };
                let limit = limit.grouped(rules.currency.exponent());
                let reject = Refusal::LimitReached.with("who", who).with("limit", limit);
                reject.with("what_en", what_en).with("what", what)
            })
        })
    }

    /// What the open day does not count yet and may still count: an unknown one is as good as done.
    fn under_way(&self, column: Column, mine: impl Fn(&Payment) -> bool) -> Minor {
        let open = self.payments.values().filter(|p| p.date == self.open && !p.counted && !p.at_rest());
        let sums = open.filter(|p| counts(p.kind) && p.column() == column && mine(p)).map(|p| p.amount);
        sums.fold(Minor::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(sum))
    }
}

fn done(columns: &Columns, column: Column) -> Minor {
    match column {
        Column::Refund => columns.refund.amount,
        _ => columns.sale.amount,
    }
}
