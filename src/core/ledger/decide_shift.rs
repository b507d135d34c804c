//! Shifts, drawers, people, exceptions: what was asked, against the state.

use super::decide_pay::known;
use super::{Ledger, Rules};
use crate::core::domain::{
    CashierId, Denomination, ExceptionNo, LONGEST_WORDS, Minor, Refusal, Reject, Role, ShiftNo, State, TerminalId,
    shown_words,
};
use crate::core::journal::{DrawerResult, Event, ExceptionKind, Resolution};
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
        let reason = shown_words("reason", reason, LONGEST_WORDS)?;
        Ok(vec![Event::CashMoved { shift, device: device.clone(), amount, reason }])
    }

    /// 盲点: by the cashier, or by a manager where whoever holds the drawer has gone home.
    pub fn decide_count(
        &self,
        cashier: &CashierId,
        device: &TerminalId,
        count: &Count<'_>,
        rules: &Rules,
    ) -> Result<Vec<Event>, Reject> {
        known(self, count.by)?;
        if count.by != cashier && self.role_of(count.by) != Some(Role::Manager) {
            return Err(Refusal::ManagerRequired.into());
        }
        known_device(rules, device)?;
        let shift = self.shift_of(cashier).ok_or_else(|| Refusal::ShiftNotOpen.with("cashier", cashier))?;
        if !shift.drawers.contains_key(device) {
            return Err(self.held(device));
        }
        Ok(vec![count.event(shift.no, device, rules)?])
    }

    /// 交接: the drawer goes to another cashier, who gets a shift if there is none.
    pub fn decide_hand_over(
        &self,
        to: &CashierId,
        device: &TerminalId,
        counted: Minor,
        notes: &[Denomination],
        rules: &Rules,
    ) -> Result<Vec<Event>, Reject> {
        known(self, to)?;
        known_device(rules, device)?;
        let count = Count { counted, notes, by: to };
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
                let from = holder.no;
                events.push(count.event(from, device, rules)?);
                events.push(Event::DrawerHandedOver { device: device.clone(), from, to: taker, counted });
            }
            None => {
                // Whoever takes a free drawer says what is in it: its float.
                events.push(Event::DrawerTaken { shift: taker, device: device.clone(), float: counted });
                events.push(count.event(taker, device, rules)?);
            }
        }
        Ok(events)
    }

    /// 交班: a difference is booked, never refused; a drawer that was not counted is. Above the limit a manager other than the cashier
    /// signs: who closes it, or whoever decides the exception that stands open until then.
    pub fn decide_close_shift(&self, cashier: &CashierId, by: &CashierId, rules: &Rules) -> Result<Vec<Event>, Reject> {
        known(self, by)?;
        if by != cashier && self.role_of(by) != Some(Role::Manager) {
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
        let all = shift.handed_over.iter().chain(&drawers);
        let beyond = |d: &&DrawerResult| rules.guards.over_short.is_some_and(|limit| d.difference.0.abs() > limit.0);
        let widest = all.filter(beyond).max_by_key(|d| d.difference.0.abs()).map(|d| d.device.clone());
        let mut events = vec![Event::ShiftClosed { shift: shift.no, by: by.clone(), drawers }];
        if by == cashier
            && let Some(device) = widest
        {
            events.push(Event::ExceptionOpened {
                exception: ExceptionNo(self.last_exception.0 + 1),
                kind: ExceptionKind::DrawerDifference,
                payment: None,
                terminal: Some(device),
            });
        }
        Ok(events)
    }

    fn drawer_of(&self, cashier: &CashierId, device: &TerminalId, rules: &Rules) -> Result<ShiftNo, Reject> {
        known(self, cashier)?;
        known_device(rules, device)?;
        let shift = self.shift_of(cashier).ok_or_else(|| Refusal::ShiftNotOpen.with("cashier", cashier))?;
        if shift.drawers.contains_key(device) {
            return Ok(shift.no);
        }
        Err(self.held(device))
    }

    fn held(&self, device: &TerminalId) -> Reject {
        let holder = self.holder(device).map_or("—", |holder| holder.cashier.as_str());
        Refusal::DrawerHeld.with("device", device).with("holder", holder)
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
        if self.role_of(by) == Some(Role::Cashier) {
            return Err(Refusal::ManagerRequired.into());
        }
        let open = self.exceptions.get(&exception);
        let open = open.ok_or_else(|| Refusal::UnknownException.with("exception", exception.0))?;
        if let Some((cashier, _)) = &open.difference {
            if self.role_of(by) != Some(Role::Manager) {
                return Err(Refusal::ManagerRequired.into());
            }
            if cashier == by {
                return Err(Refusal::SecondManager.into());
            }
        }
        let payment = open.payment.and_then(|id| self.payments.get(&id));
        // It is being reversed again: what a person says now the reversal would undo.
        if payment.is_some_and(Payment::reversal_owed) {
            return Err(Refusal::InProgress.into());
        }
        // Its terminal sells nothing by card until a technician has named the batch, and this is where it is named.
        let stopped = |id: &TerminalId| self.terminals.get(id).is_some_and(|t| t.stopped.is_some());
        if open.kind == ExceptionKind::BatchDisagrees && open.terminal.as_ref().is_some_and(stopped) {
            return Err(Refusal::BadRequest.with("what", "batch: the acquirer's, by a technician"));
        }
        let choices = match open.kind {
            ExceptionKind::ClockDisagrees => &[Resolution::Noted, Resolution::Retry],
            _ => choices(payment),
        };
        if !choices.contains(&how) {
            let words = choices.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Refusal::BadRequest.with("what", format!("resolution: {words}")));
        }
        let note = if note.is_empty() { String::new() } else { shown_words("note", note, LONGEST_WORDS)? };
        let by = by.clone();
        Ok(vec![Event::ExceptionResolved { exception, by, how, note }])
    }

    /// A clock is tried again once a person has looked at it: it is right, or was set.
    pub(super) fn says_clock_is_right(&self, exception: ExceptionNo, how: Resolution) -> bool {
        let about = self.exceptions.get(&exception).map(|e| e.kind);
        about == Some(ExceptionKind::ClockDisagrees) && how == Resolution::Retry
    }
}

/// What was counted in a drawer, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Count<'a> {
    /// The sum.
    pub counted: Minor,
    /// By denomination, where it was counted so.
    pub notes: &'a [Denomination],
    /// Who counted.
    pub by: &'a CashierId,
}

/// More kinds of notes and coins no currency has.
const MOST_DENOMINATIONS: usize = 40;

impl Count<'_> {
    fn event(&self, shift: ShiftNo, device: &TerminalId, rules: &Rules) -> Result<Event, Reject> {
        amount_within(rules, self.counted)?;
        let mut notes = self.notes.to_vec();
        notes.sort_by_key(|d| std::cmp::Reverse(d.value));
        let twice = notes.windows(2).any(|pair| pair[0].value == pair[1].value);
        if twice || notes.len() > MOST_DENOMINATIONS || notes.iter().any(|d| !d.value.is_positive()) {
            let what = "denominations: each value above zero, once, at most 40 of them";
            return Err(Refusal::BadRequest.with("what", what));
        }
        let made = Denomination::sum(&notes).ok_or(Refusal::AmountInvalid)?;
        if !notes.is_empty() && made != self.counted {
            let text = |amount: Minor| amount.grouped(rules.currency.exponent());
            return Err(Refusal::CountMismatch.with("notes", text(made)).with("counted", text(self.counted)));
        }
        notes.retain(|d| d.count > 0);
        let (device, counted, by) = (device.clone(), self.counted, self.by.clone());
        Ok(Event::DrawerTallied { shift, device, counted, notes, by })
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
