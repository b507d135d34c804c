//! Shifts, drawers, people, exceptions: what was asked, against the state.

use super::decide_pay::known;
use super::{Ledger, Rules};
use crate::core::domain::{CashierId, ExceptionNo, Minor, Refusal, Reject, Role, ShiftNo, State, TerminalId};
use crate::core::journal::{Event, Resolution};
use crate::core::payment::Payment;

impl Ledger {
    /// 开班
    pub fn decide_open_shift(
        &self,
        cashier: &CashierId,
        device: Option<&TerminalId>,
        float: Minor,
        rules: &Rules,
    ) -> Result<Vec<Event>, Reject> {
        known(self, cashier)?;
        if self.shift_of(cashier).is_some() {
            return Err(Refusal::ShiftAlreadyOpen.with("cashier", cashier));
        }
        let shift = ShiftNo(self.last_shift.0 + 1);
        let mut events = vec![Event::ShiftOpened { shift, cashier: cashier.clone(), by_payment: false }];
        if let Some(device) = device {
            known_device(rules, device)?;
            amount_within(rules, float)?;
            if let Some(holder) = self.holder(device) {
                return Err(Refusal::DrawerHeld.with("device", device).with("holder", &holder.cashier));
            }
            events.push(Event::DrawerTaken { shift, device: device.clone(), float });
        }
        Ok(events)
    }

    /// 存入, 取出
    pub fn decide_move_cash(
        &self,
        cashier: &CashierId,
        device: &TerminalId,
        amount: Minor,
        reason: &str,
        rules: &Rules,
    ) -> Result<Vec<Event>, Reject> {
        let shift = self.drawer_of(cashier, device, rules)?;
        if amount == Minor::ZERO {
            return Err(Refusal::AmountInvalid.into());
        }
        amount_within(rules, Minor(amount.0.saturating_abs()))?;
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > 200 {
            return Err(Refusal::BadRequest.with("what", "reason: 1 to 200 bytes of text"));
        }
        Ok(vec![Event::CashMoved { shift, device: device.clone(), amount, reason: reason.to_owned() }])
    }

    /// 盲点
    pub fn decide_count(
        &self,
        cashier: &CashierId,
        device: &TerminalId,
        counted: Minor,
        rules: &Rules,
    ) -> Result<Vec<Event>, Reject> {
        let shift = self.drawer_of(cashier, device, rules)?;
        amount_within(rules, counted)?;
        Ok(vec![Event::DrawerCounted { shift, device: device.clone(), counted }])
    }

    /// 交接: the drawer goes to another cashier, who gets a shift if there is none.
    pub fn decide_hand_over(
        &self,
        to: &CashierId,
        device: &TerminalId,
        counted: Minor,
        rules: &Rules,
    ) -> Result<Vec<Event>, Reject> {
        known(self, to)?;
        known_device(rules, device)?;
        amount_within(rules, counted)?;
        let mut events = Vec::new();
        let taker = match self.shift_of(to) {
            Some(shift) => shift.no,
            None => {
                let shift = ShiftNo(self.last_shift.0 + 1);
                events.push(Event::ShiftOpened { shift, cashier: to.clone(), by_payment: false });
                shift
            }
        };
        match self.holder(device) {
            Some(holder) if holder.no == taker => {
                return Err(Refusal::DrawerHeld.with("device", device).with("holder", to));
            }
            Some(holder) => {
                let (from, device) = (holder.no, device.clone());
                events.push(Event::DrawerHandedOver { device, from, to: taker, counted });
            }
            None => events.push(Event::DrawerTaken { shift: taker, device: device.clone(), float: counted }),
        }
        Ok(events)
    }

    /// 交班: a difference is booked, never refused; a drawer that was not counted is.
    pub fn decide_close_shift(&self, cashier: &CashierId, by: &CashierId) -> Result<Vec<Event>, Reject> {
        known(self, by)?;
        let role = self.people.get(by).map(|p| p.role);
        if by != cashier && role != Some(Role::Manager) {
            return Err(Refusal::ManagerRequired.into());
        }
        let shift = self.shift_of(cashier).ok_or_else(|| Refusal::ShiftNotOpen.with("cashier", cashier))?;
        let mut drawers = Vec::new();
        for (device, drawer) in &shift.drawers {
            match drawer.counted {
                Some(counted) => drawers.push(drawer.result(device, counted)),
                // A drawer that never held or moved anything needs no counting.
                None if drawer.expected() == Minor::ZERO && drawer.sales == Minor::ZERO => {
                    drawers.push(drawer.result(device, Minor::ZERO));
                }
                None => return Err(Refusal::NotCounted.with("device", device)),
            }
        }
        Ok(vec![Event::ShiftClosed { shift: shift.no, by: by.clone(), drawers }])
    }

    fn drawer_of(&self, cashier: &CashierId, device: &TerminalId, rules: &Rules) -> Result<ShiftNo, Reject> {
        known(self, cashier)?;
        known_device(rules, device)?;
        let shift = self.shift_of(cashier).ok_or_else(|| Refusal::ShiftNotOpen.with("cashier", cashier))?;
        if shift.drawers.contains_key(device) {
            return Ok(shift.no);
        }
        let holder = self.holder(device).map_or("—", |holder| holder.cashier.as_str());
        Err(Refusal::DrawerHeld.with("device", device).with("holder", holder))
    }

    /// Adds a person.
    pub fn decide_add_cashier(&self, cashier: &CashierId, name: &str, role: Role) -> Result<Vec<Event>, Reject> {
        if self.people.contains_key(cashier) {
            return Err(Refusal::CashierExists.with("cashier", cashier));
        }
        let name = name.trim();
        if name.is_empty() || name.len() > 60 || name.chars().any(char::is_control) {
            return Err(Refusal::BadRequest.with("what", "name: 1 to 60 bytes of printable text"));
        }
        Ok(vec![Event::CashierAdded { cashier: cashier.clone(), name: name.to_owned(), role }])
    }

    /// A named person decides an exception.
    pub fn decide_resolve(
        &self,
        exception: ExceptionNo,
        by: &CashierId,
        how: Resolution,
        note: &str,
    ) -> Result<Vec<Event>, Reject> {
        known(self, by)?;
        let role = self.people.get(by).map(|p| p.role);
        if role == Some(Role::Cashier) {
            return Err(Refusal::ManagerRequired.into());
        }
        let open = self.exceptions.get(&exception);
        let open = open.ok_or_else(|| Refusal::UnknownException.with("exception", exception.0))?;
        let choices = choices(open.payment.and_then(|id| self.payments.get(&id)));
        if !choices.contains(&how) {
            let words = choices.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Refusal::BadRequest.with("what", format!("resolution: {words}")));
        }
        if note.len() > 500 {
            return Err(Refusal::BadRequest.with("what", "note: at most 500 bytes"));
        }
        let (by, note) = (by.clone(), note.to_owned());
        Ok(vec![Event::ExceptionResolved { exception, by, how, note }])
    }
}

/// What can be decided about something: where a payment hangs on it, only what decides the payment. An exception that is closed
/// without that would leave the payment with nobody to decide it.
fn choices(payment: Option<&Payment>) -> &'static [Resolution] {
    use Resolution::{ConfirmedApproved, ConfirmedDeclined, Noted, Retry, WrittenOff};
    match payment.map(|p| p.state) {
        // The acquirer cannot have what was never sent.
        Some(State::SetAside) if payment.is_some_and(Payment::never_sent) => &[Retry, WrittenOff],
        Some(State::Unknown) => &[ConfirmedApproved, ConfirmedDeclined, WrittenOff],
        Some(State::SetAside) => &[Retry, ConfirmedApproved, ConfirmedDeclined, WrittenOff],
        _ => &[Noted, WrittenOff],
    }
}

pub(super) fn known_device(rules: &Rules, device: &TerminalId) -> Result<(), Reject> {
    if rules.terminals.contains_key(device) { Ok(()) } else { Err(Refusal::UnknownDevice.with("device", device)) }
}

fn amount_within(rules: &Rules, amount: Minor) -> Result<(), Reject> {
    let limit = Minor(rules.max_amount.0.saturating_mul(100));
    if amount.0 < 0 {
        return Err(Refusal::AmountInvalid.into());
    }
    if amount > limit {
        return Err(Refusal::AmountTooLarge.with("limit", limit.grouped(rules.currency.exponent())));
    }
    Ok(())
}
