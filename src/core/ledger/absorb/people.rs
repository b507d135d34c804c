//! What people's doings do to the state: shifts and drawers, and the day's list of acts that are no payments.
//!
//! Nothing here books a total: cash follows the payment's own entry, in the parent.

use super::super::Ledger;
use crate::core::day::{Act, ActKind, ClosedShift, Drawer, Shift};
use crate::core::domain::{CashierId, Denomination, Minor, Seq, ShiftNo, TerminalId, WallMs};
use crate::core::journal::{Event, ExceptionKind, PaymentMade};

impl Ledger {
    /// Shifts and drawers.
    pub(super) fn shift_event(&mut self, event: &Event, seq: Seq, at: WallMs) {
        match event {
            Event::ShiftOpened { shift, cashier, .. } => {
                self.last_shift = *shift;
                let shift = Shift {
                    no: *shift,
                    cashier: cashier.clone(),
                    opened: self.open,
                    opened_at: at,
                    last_entry: at,
                    drawers: Default::default(),
                    handed_over: Vec::new(),
                    handed_notes: Vec::new(),
                };
                self.shifts.insert(shift.no, shift);
            }
            Event::DrawerTaken { shift, device, float } => self.take_drawer(*shift, device, *float, at),
            Event::DrawerHandedOver { device, from, to, counted } => {
                if let Some(giver) = self.shifts.get_mut(from)
                    && let Some(drawer) = giver.drawers.remove(device)
                {
                    giver.last_entry = at;
                    giver.handed_over.push(drawer.result(device, *counted));
                    if !drawer.notes.is_empty() {
                        giver.handed_notes.push((device.clone(), drawer.notes));
                    }
                }
                self.take_drawer(*to, device, *counted, at);
            }
            Event::CashMoved { shift, device, amount, .. } => {
                self.entry(*shift, at);
                if let Some(drawer) = self.shifts.get_mut(shift).and_then(|s| s.drawers.get_mut(device)) {
                    drawer.moved(*amount);
                }
            }
            Event::DrawerCounted { shift, device, counted } => self.count(*shift, device, *counted, &[], at),
            Event::DrawerTallied { shift, device, counted, notes, .. } => {
                self.count(*shift, device, *counted, notes, at);
            }
            Event::ShiftClosed { shift, by, drawers } => {
                if let Some(shift) = self.shifts.remove(shift) {
                    let mut notes = shift.handed_notes;
                    let counted = shift.drawers.into_iter().map(|(device, drawer)| (device, drawer.notes));
                    notes.extend(counted.filter(|(_, notes)| !notes.is_empty()));
                    let closed = ClosedShift {
                        no: shift.no,
                        cashier: shift.cashier,
                        opened: shift.opened,
                        drawers: shift.handed_over.into_iter().chain(drawers.iter().cloned()).collect(),
                        notes,
                        opened_at: shift.opened_at,
                        closed_at: at,
                        by: Some(by.clone()),
                    };
                    if *by != closed.cashier {
                        let (cashier, amount) = (closed.cashier.clone(), closed.difference());
                        self.add_act(seq, at, Some(by), ActKind::ShiftClosed { cashier, amount });
                    }
                    self.today_mut().closed_shifts.push(closed);
                }
            }
            _ => {}
        }
    }

    fn take_drawer(&mut self, shift: ShiftNo, device: &TerminalId, float: Minor, at: WallMs) {
        if let Some(shift) = self.shifts.get_mut(&shift) {
            shift.last_entry = at;
            shift.drawers.insert(device.clone(), Drawer { float, ..Drawer::default() });
        }
    }

    fn count(&mut self, shift: ShiftNo, device: &TerminalId, counted: Minor, notes: &[Denomination], at: WallMs) {
        self.entry(shift, at);
        if let Some(drawer) = self.shifts.get_mut(&shift).and_then(|s| s.drawers.get_mut(device)) {
            (drawer.counted, drawer.notes) = (Some(counted), notes.to_vec());
        }
    }

    /// Somebody is at work in this shift.
    fn entry(&mut self, shift: ShiftNo, at: WallMs) {
        if let Some(shift) = self.shifts.get_mut(&shift) {
            shift.last_entry = at;
        }
    }

    /// A payment was made: the shift is awake, and a manager's approval is to be seen.
    pub(super) fn payment_act(&mut self, made: &PaymentMade, seq: Seq, at: WallMs) {
        self.entry(made.shift, at);
        if let Some(manager) = &made.approved_by {
            let what = ActKind::Approved {
                payment: crate::core::domain::PaymentId(seq.0),
                cashier: made.cashier.clone(),
                device: made.device.clone(),
                amount: made.amount,
            };
            self.add_act(seq, at, Some(manager), what);
        }
    }

    /// What is an act by itself.
    pub(super) fn act(&mut self, event: &Event, seq: Seq, at: WallMs) {
        match event {
            Event::DrawerOpened { device, by } => {
                self.add_act(seq, at, Some(by), ActKind::DrawerOpened { device: device.clone() });
            }
            Event::Reprinted { what, times } => {
                self.add_act(seq, at, None, ActKind::Printed { what: what.clone(), times: *times });
            }
            Event::PrintedAgain { what, times, by } => {
                self.add_act(seq, at, by.as_ref(), ActKind::Printed { what: what.clone(), times: *times });
            }
            Event::ExceptionResolved { exception, by, how, .. } => {
                let payment = self.exceptions.get(exception).and_then(|e| e.payment);
                let how = how.as_str().to_owned();
                self.add_act(seq, at, Some(by), ActKind::Resolved { exception: exception.0, how, payment });
            }
            _ => {}
        }
    }

    fn add_act(&mut self, seq: Seq, at: WallMs, by: Option<&CashierId>, what: ActKind) {
        self.today_mut().acts.push(Act { seq, at, by: by.cloned(), what });
    }

    /// Whose drawer's difference an exception is about: that of the shift which was closed in the row before.
    pub(super) fn difference_behind(&self, kind: ExceptionKind) -> Option<(CashierId, Minor)> {
        let closed = self.today().closed_shifts.last().filter(|_| kind == ExceptionKind::DrawerDifference)?;
        Some((closed.cashier.clone(), closed.difference()))
    }
}
