//! What a day's report lists one by one: shifts, returns, vouchers, reversals, people's acts, batches that wait. From the state.

use super::view::{original_text, rfc3339, settlement_view};
use super::{Ledger, Rules};
use crate::core::day::{Act, ActKind, ClosedShift, DayBook, Drawer, Rung, Shift};
use crate::core::domain::{BusinessDate, CashierId, Denomination, Minor, PaymentId, TerminalId, WallMs};
use crate::core::journal::Columns;
use crate::core::payment::Payment;
use crate::core::ports::{
    ActView, Archive, DrawerSums, DrawerView, PersonView, ReturnView, ReversalView, ShiftView, StoreError,
    UnsettledView, VoucherView,
};

impl Ledger {
    fn anywhere(&self, id: PaymentId, archive: &dyn Archive) -> Result<Option<Payment>, StoreError> {
        self.payments.get(&id).map_or_else(|| archive.payment(id), |payment| Ok(Some(payment.clone())))
    }

    pub(super) fn returns(&self, day: &DayBook, archive: &dyn Archive) -> Result<Vec<ReturnView>, StoreError> {
        let mut views = Vec::with_capacity(day.returns.len());
        for entry in &day.returns {
            let Some(payment) = self.anywhere(entry.payment, archive)? else { continue };
            views.push(ReturnView {
                payment: payment.id.to_string(),
                column: entry.column,
                method: payment.method,
                amount: payment.amount,
                original: payment.original.as_ref().map(original_text),
                cashier: payment.cashier,
                device: payment.device,
                masked_pan: payment.masked,
                approved_by: payment.approved_by,
            });
        }
        Ok(views)
    }

    pub(super) fn vouchers(&self, day: &DayBook, archive: &dyn Archive) -> Result<Vec<VoucherView>, StoreError> {
        let mut views = Vec::with_capacity(day.vouchers.len());
        for v in &day.vouchers {
            views.push(VoucherView {
                payment: v.payment.to_string(),
                business_date: v.date,
                amount: v.amount,
                why: v.why.as_str().into(),
                cashier: v.cashier.clone(),
                device: v.device.clone(),
                masked_pan: self.anywhere(v.payment, archive)?.and_then(|p| p.masked),
                case: v.case.map(|no| no.0),
            });
        }
        Ok(views)
    }

    pub(super) fn reversals(&self, day: &DayBook, archive: &dyn Archive) -> Result<Vec<ReversalView>, StoreError> {
        let mut views = Vec::with_capacity(day.reversals.len());
        for id in &day.reversals {
            let Some(payment) = self.anywhere(*id, archive)? else { continue };
            views.push(ReversalView {
                payment: payment.id.to_string(),
                kind: payment.kind,
                method: payment.method,
                cashier: payment.cashier,
                device: payment.device,
                amount: payment.amount,
                masked_pan: payment.masked,
            });
        }
        Ok(views)
    }

    /// Batches that hold something of this day or an earlier one and have not ended, the oldest first.
    pub(super) fn unsettled(&self, date: BusinessDate) -> Vec<UnsettledView> {
        let current = self.terminals.iter().map(|(id, terminal)| (id, &terminal.batch));
        let left = self.ended.iter().map(|((id, _), batch)| (id, batch));
        let mut views: Vec<UnsettledView> = current
            .chain(left)
            .filter(|(_, batch)| batch.rung != Rung::Ended)
            .filter_map(|(terminal, batch)| {
                let (since, _) = batch.parts.iter().next().filter(|(since, _)| **since <= date)?;
                let view = settlement_view(terminal, batch, Columns::default());
                Some(UnsettledView {
                    terminal: terminal.clone(),
                    batch: view.batch,
                    rung: view.rung,
                    since: *since,
                    days: u32::try_from((date.0 - since.0).num_days()).unwrap_or(0),
                    debit: view.debit,
                    credit: view.credit,
                })
            })
            .collect();
        views.sort_by_key(|view| view.since);
        views
    }

    pub(super) fn shift_views(&self, day: &DayBook, rules: &Rules, now: WallMs) -> Vec<ShiftView> {
        let closed = day.closed_shifts.iter().map(|shift| closed_shift_view(shift, rules));
        let open = |shift: &Shift| open_shift_view(shift, rules, now);
        match day.cut {
            None => closed.chain(self.shifts.values().map(open)).collect(),
            Some(_) => closed.chain(day.carried.iter().map(open)).collect(),
        }
    }

    /// Open shifts in which nothing has happened for too long.
    pub fn forgotten_shifts<'a>(&'a self, rules: &'a Rules, now: WallMs) -> impl Iterator<Item = &'a Shift> {
        self.shifts.values().filter(move |shift| shift.forgotten(now, rules.shift_idle_ms))
    }

    /// Everybody, by id.
    #[must_use]
    pub fn person_views(&self) -> Vec<PersonView> {
        let view = |(id, person): (&CashierId, &super::Person)| PersonView {
            id: id.clone(),
            name: person.name.clone(),
            role: person.role,
            lang: person.lang,
            active: person.active,
            shift_open: self.shift_of(id).is_some(),
        };
        self.people.iter().map(view).collect()
    }
}

/// A shift that has ended, as reports and slips show it.
#[must_use]
pub fn closed_shift_view(shift: &ClosedShift, rules: &Rules) -> ShiftView {
    let mut drawers: Vec<DrawerView> = shift.drawers.iter().map(DrawerView::from).collect();
    for drawer in &mut drawers {
        drawer.denominations = notes_of(&shift.notes, &drawer.sums.device, drawer.counted);
    }
    let beyond = |d: &DrawerView| over(rules, d.difference);
    let alone = shift.by.as_ref().is_none_or(|by| *by == shift.cashier);
    ShiftView {
        shift: shift.no.0,
        cashier: shift.cashier.clone(),
        closed: true,
        to_sign: alone && drawers.iter().any(beyond),
        drawers,
        forgotten: false,
        opened_at: stamp(shift.opened_at),
        last_entry_at: None,
        closed_at: stamp(shift.closed_at),
        closed_by: shift.by.clone(),
    }
}

fn open_shift_view(shift: &Shift, rules: &Rules, now: WallMs) -> ShiftView {
    let drawer = |(device, drawer): (&TerminalId, &Drawer)| DrawerView {
        sums: DrawerSums {
            device: device.clone(),
            float: drawer.float,
            sales: drawer.sales,
            refunds: drawer.refunds,
            paid_in: drawer.paid_in,
            paid_out: drawer.paid_out,
            expected: drawer.expected(),
        },
        counted: drawer.counted,
        difference: drawer.counted.map(|counted| Minor(counted.0.saturating_sub(drawer.expected().0))),
        denominations: drawer.notes.clone(),
    };
    let mut handed_over: Vec<DrawerView> = shift.handed_over.iter().map(DrawerView::from).collect();
    for drawer in &mut handed_over {
        drawer.denominations = notes_of(&shift.handed_notes, &drawer.sums.device, drawer.counted);
    }
    ShiftView {
        shift: shift.no.0,
        cashier: shift.cashier.clone(),
        closed: false,
        drawers: handed_over.into_iter().chain(shift.drawers.iter().map(drawer)).collect(),
        forgotten: shift.forgotten(now, rules.shift_idle_ms),
        opened_at: stamp(shift.opened_at),
        last_entry_at: stamp(shift.last_entry),
        closed_at: None,
        closed_by: None,
        to_sign: false,
    }
}

fn over(rules: &Rules, difference: Option<Minor>) -> bool {
    rules.guards.over_short.zip(difference).is_some_and(|(limit, difference)| difference.0.abs() > limit.0)
}

/// A device's drawer may have been in a shift twice: the notes are those that make what was counted.
fn notes_of(all: &[(TerminalId, Vec<Denomination>)], device: &TerminalId, counted: Option<Minor>) -> Vec<Denomination> {
    let fits = |notes: &[Denomination]| Denomination::sum(notes) == counted;
    all.iter().find(|(at, notes)| at == device && fits(notes)).map_or_else(Vec::new, |(_, notes)| notes.clone())
}

fn stamp(at: WallMs) -> Option<String> {
    (at.0 != 0).then(|| rfc3339(at.0))
}

/// The day's acts of some kinds.
pub(super) fn acts(day: &DayBook, wanted: fn(&ActKind) -> bool) -> Vec<ActView> {
    day.acts.iter().filter(|act| wanted(&act.what)).map(act_view).collect()
}

fn act_view(act: &Act) -> ActView {
    let mut view = ActView {
        seq: act.seq.0,
        at: rfc3339(act.at.0),
        what: String::new(),
        by: act.by.clone(),
        cashier: None,
        device: None,
        payment: None,
        amount: None,
        about: None,
        times: None,
    };
    match &act.what {
        ActKind::DrawerOpened { device } => {
            view.what = "drawer_opened".into();
            view.device = Some(device.clone());
        }
        ActKind::Approved { payment, cashier, device, amount } => {
            view.what = "approved".into();
            view.payment = Some(payment.to_string());
            view.cashier = Some(cashier.clone());
            view.device = Some(device.clone());
            view.amount = Some(*amount);
        }
        ActKind::ShiftClosed { cashier, amount } => {
            view.what = "shift_closed".into();
            view.cashier = Some(cashier.clone());
            view.amount = Some(*amount);
        }
        ActKind::Resolved { exception, how, payment } => {
            view.what = "resolved".into();
            view.about = Some(format!("#{exception} {how}"));
            view.payment = payment.map(|id| id.to_string());
        }
        ActKind::Printed { what, times } => {
            view.what = "printed".into();
            view.about = Some(what.clone());
            view.times = Some(*times);
        }
    }
    view
}
