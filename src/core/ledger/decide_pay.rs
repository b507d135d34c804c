//! A payment that is asked for: refused, or the events that make it.

use chrono::Datelike;

use super::{Ledger, LineState, Lines, Rules};
use crate::core::acquirer::{Instrument, MessageName, chip};
use crate::core::domain::{
    BusinessDate, CashierId, Entry, Kind, Method, Minor, PaymentId, Refusal, Reject, ShiftNo, State, TransferStep,
    mask_code,
};
use crate::core::journal::{CancelReason, Event, Original, PaymentMade};
use crate::core::payment::{Payment, column_of, counts};
use crate::core::ports::{Archive, Pay, Presented, StoreError};

/// What was decided about a request.
#[derive(Debug)]
pub enum PayDecision {
    /// The request id has its payment already: join it.
    Joins(PaymentId),
    /// These happen.
    Makes(Vec<Event>),
}

/// A refusal, or the store failed while it was asked.
#[derive(Debug)]
pub enum Stop {
    /// Refused: nothing is created.
    Refused(Reject),
    /// The archive could not be read.
    Store(StoreError),
}

impl From<Reject> for Stop {
    fn from(reject: Reject) -> Stop {
        Stop::Refused(reject)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal.into())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

/// What a decision may look at beside the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The configuration.
    pub rules: &'a Rules,
    /// The lines as they are now.
    pub lines: &'a Lines,
    /// Payments at rest.
    pub archive: &'a dyn Archive,
}

impl Ledger {
    /// Decides a request for a payment.
    pub fn decide_pay(&mut self, pay: &Pay, around: Around<'_>) -> Result<PayDecision, Stop> {
        if let Some(existing) = around.archive.by_request(&pay.request)? {
            return self.same_request(existing, pay, around);
        }
        if let Some(refusal) = around.lines.sales_stopped {
            return Err(refusal.into());
        }
        let rules = around.rules;
        self.check_form(pay, rules)?;
        let decide = super::kinds::of(pay.kind);
        if counts(pay.kind) && !self.today().totals.fits(column_of(pay.kind), pay.amount) {
            return Err(Refusal::AmountTooLarge
                .with("limit", rules.max_amount.grouped(rules.currency.exponent()))
                .into());
        }
        let mut events = Vec::new();
        let shift = self.shift_for(pay, rules, &mut events)?;
        let (made, stored) = decide(self, pay, shift, around)?;
        self.guarded(pay, rules)?;
        // The payment's id is the sequence of its own row.
        let payment = PaymentId(self.head.0 + u64::try_from(events.len() + 1).unwrap_or(u64::MAX));
        let stamps = self.stamps(payment, pay, &made, around)?;
        events.push(Event::PaymentMade(Box::new(made)));
        if stored {
            events.push(Event::PaymentStored { payment });
        }
        events.extend(stamps);
        Ok(PayDecision::Makes(events))
    }

    /// What is stamped beside a payment: the tables' word, whose coupon it is, whom a transfer goes to.
    fn stamps(
        &mut self,
        payment: PaymentId,
        pay: &Pay,
        made: &PaymentMade,
        around: Around<'_>,
    ) -> Result<Vec<Event>, Stop> {
        if let Some(with) = pay.extra.coupon.as_ref().and_then(|coupon| coupon.with) {
            self.fetch(with, around.archive)?;
        }
        let coupon = self.coupon_taken(payment, pay, made)?;
        let transfer = self.transfer_events(payment, pay, made)?;
        Ok(self.classed(payment, pay, made, around).into_iter().chain(coupon).chain(transfer).collect())
    }

    /// The same id again: the same payment, if the same thing is asked; card, code and PIN are no part of the comparison.
    fn same_request(&mut self, id: PaymentId, pay: &Pay, around: Around<'_>) -> Result<PayDecision, Stop> {
        let same = self.fetch(id, around.archive)?.is_some_and(|p| {
            p.kind == pay.kind
                && p.device == pay.device
                && p.cashier == pay.cashier
                && p.method == pay.method
                && p.amount == pay.amount
                && pay.currency == around.rules.currency
                && p.original == pay.original
        });
        if same {
            Ok(PayDecision::Joins(id))
        } else {
            Err(Refusal::RequestConflict.with("request_id", &pay.request).into())
        }
    }

    fn check_form(&self, pay: &Pay, rules: &Rules) -> Result<(), Reject> {
        if pay.currency != rules.currency {
            return Err(Refusal::CurrencyMismatch.with("store", rules.currency.alpha()));
        }
        if pay.kind == Kind::Balance {
            if pay.amount != Minor::ZERO {
                return Err(Refusal::BadRequest.with("what", "a balance enquiry has no amount"));
            }
        } else if !pay.amount.is_positive() {
            return Err(Refusal::AmountInvalid.into());
        }
        if pay.amount > rules.max_amount {
            return Err(Refusal::AmountTooLarge.with("limit", rules.max_amount.grouped(rules.currency.exponent())));
        }
        if !rules.terminals.contains_key(&pay.device) {
            return Err(Refusal::UnknownDevice.with("device", &pay.device));
        }
        known(self, &pay.cashier)
    }

    /// The cashier's shift and, for cash, the drawer: opened and taken by the way where the store's rules allow it.
    fn shift_for(&self, pay: &Pay, rules: &Rules, events: &mut Vec<Event>) -> Result<ShiftNo, Reject> {
        let open = self.shift_of(&pay.cashier);
        let holder = self.holder(&pay.device);
        let shift = match open {
            Some(shift) => shift.no,
            None if rules.require_shift => return Err(Refusal::ShiftRequired.with("cashier", &pay.cashier)),
            None => {
                let shift = ShiftNo(self.last_shift.0 + 1);
                events.push(Event::ShiftOpened { shift, cashier: pay.cashier.clone(), by_payment: true });
                shift
            }
        };
        match holder {
            Some(holder) if holder.no != shift && pay.method == Method::Cash => {
                return Err(Refusal::DrawerHeld.with("device", &pay.device).with("holder", &holder.cashier));
            }
            None if open.is_none() || pay.method == Method::Cash => {
                events.push(Event::DrawerTaken { shift, device: pay.device.clone(), float: Minor::ZERO });
            }
            _ => {}
        }
        Ok(shift)
    }

    pub(super) fn sale(&self, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Result<(PaymentMade, bool), Reject> {
        if pay.original.is_some() {
            return Err(Refusal::BadRequest.with("what", "a sale refers to no original"));
        }
        let mut made = made(pay, shift);
        match pay.method {
            Method::Cash | Method::Voucher => {
                made.final_here = true;
                Ok((made, false))
            }
            Method::Card => {
                let presented = pay.presented.as_ref().ok_or(Refusal::NoCard)?;
                self.read_card(presented, &mut made)?;
                self.cards_allowed(pay, around)?;
                // What the chip approved by itself is done, whatever the line does.
                let by_chip = approved_by_chip(&presented.instrument);
                let offline = by_chip || around.lines.state(&pay.device) == LineState::Down;
                if offline {
                    self.may_store(&made, presented.entry, by_chip, around)?;
                }
                Ok((made, offline))
            }
            Method::Transfer => Err(Refusal::NotSupported.with("what", "a sale by transfer")),
            Method::Qr => {
                let presented = pay.presented.as_ref().ok_or(Refusal::NoCard)?;
                let Instrument::Code(code) = &presented.instrument else { return Err(Refusal::BadCode.into()) };
                if !(16..=32).contains(&code.expose().len()) || !code.expose().bytes().all(|b| b.is_ascii_digit()) {
                    return Err(Refusal::BadCode.into());
                }
                supported(around.rules, MessageName::ScanSale, "qr")?;
                made.entry = Some(Entry::Scan);
                made.masked = Some(mask_code(code.expose()));
                self.cards_allowed(pay, around)?;
                if around.lines.state(&pay.device) == LineState::Down {
                    return Err(Refusal::ScanNeedsLine.into());
                }
                Ok((made, false))
            }
        }
    }

    /// What stops everything but cash on a terminal.
    pub(super) fn cards_allowed(&self, pay: &Pay, around: Around<'_>) -> Result<(), Reject> {
        if around.lines.mark_behind {
            return Err(Refusal::MarkBehind.into());
        }
        if self.terminals.get(&pay.device).is_some_and(|t| t.stopped.is_some()) {
            return Err(Refusal::BatchDisagrees.with("device", &pay.device));
        }
        Ok(())
    }

    pub(super) fn read_card(&self, presented: &Presented, made: &mut PaymentMade) -> Result<(), Reject> {
        let (pan, expiry, service) = match &presented.instrument {
            Instrument::Track2(track) => {
                // Field 35 holds 37 characters.
                let pan = track.pan().filter(|_| track.expose().len() <= 37).ok_or(Refusal::BadCard)?;
                (pan, track.expiry().map(str::to_owned), track.service_code().map(str::to_owned))
            }
            Instrument::Card { pan, expiry } => (pan.clone(), expiry.clone(), None),
            Instrument::Code(_) => return Err(Refusal::MethodMismatch.with("method", Method::Qr)),
            Instrument::Chip(card) => {
                let asks = matches!(made.kind, Kind::Sale | Kind::Preauth);
                if asks && chip::amount(&card.data) != Some(made.amount.0) {
                    return Err(Refusal::BadChip.with("why", "9F02 is another amount"));
                }
                (card.pan.clone(), card.expiry.clone(), Some("201".to_owned()))
            }
        };
        if !(12..=19).contains(&pan.expose().len()) || !pan.expose().bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::BadCard.into());
        }
        if expiry.as_deref().is_some_and(|e| self.expired(e)) {
            return Err(Refusal::CardExpired.into());
        }
        made.entry = Some(presented.entry);
        made.masked = Some(pan.masked());
        made.chip = service.is_some_and(|code| code.starts_with(['2', '6']));
        made.pin = presented.pin_block.is_some();
        Ok(())
    }

    /// YYMM against the open day. `0000` and `4912` stand for "none" on some cards and are in the future or not judged.
    fn expired(&self, expiry: &str) -> bool {
        let (Some(Ok(year)), Some(Ok(month))) =
            (expiry.get(0..2).map(str::parse::<i32>), expiry.get(2..4).map(str::parse::<u32>))
        else {
            return false;
        };
        let today = self.open.0;
        (1..=12).contains(&month) && (2000 + year, month) < (today.year(), today.month())
    }

    /// The bounds and conditions under which a sale of which nothing was ever sent is taken offline.
    pub(super) fn may_store(
        &self,
        made: &PaymentMade,
        entry: Entry,
        by_chip: bool,
        around: Around<'_>,
    ) -> Result<(), Reject> {
        let rules = around.rules;
        let exponent = rules.currency.exponent();
        let Some(offline) = rules.offline else { return Err(Refusal::NeedsLine.into()) };
        let name = if by_chip { MessageName::IcOffline } else { MessageName::OfflineSale };
        supported(rules, name, "offline")?;
        let why = match entry {
            Entry::Chip | Entry::Contactless if by_chip && made.kind == Kind::Sale => None,
            _ if made.kind != Kind::Sale || made.method != Method::Card => return Err(Refusal::NeedsLine.into()),
            Entry::Manual => Some("手工输入 / keyed by hand"),
            Entry::Chip | Entry::Contactless => Some("芯片未离线批准 / the chip did not approve it offline"),
            _ if made.chip => Some("芯片卡须插卡 / a chip card must be read by its chip"),
            _ if made.pin => Some("需联机验证密码 / its PIN must be verified online"),
            _ => None,
        };
        if let Some(why) = why {
            return Err(Refusal::OfflineCard.with("why", why));
        }
        if made.amount > offline.max_amount {
            return Err(Refusal::OfflineAmount.with("limit", offline.max_amount.grouped(exponent)));
        }
        let (count, sum) = self.waiting();
        let total = sum.checked_add(made.amount);
        if count >= offline.max_count || total.is_none_or(|total| total > offline.max_total) {
            return Err(Refusal::OfflineLimit.into());
        }
        Ok(())
    }

    pub(super) fn void(&mut self, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Result<PaymentMade, Stop> {
        let original = self.original(pay, around)?;
        if original.kind != Kind::Sale {
            return Err(Refusal::NotSupported.with("what", format!("void of {}", original.kind)).into());
        }
        if pay.method != original.method {
            return Err(Refusal::MethodMismatch.with("method", original.method).into());
        }
        if original.device != pay.device {
            return Err(Refusal::OtherDevice.with("device", &original.device).into());
        }
        if pay.amount != original.standing() {
            let amount = original.standing().grouped(around.rules.currency.exponent());
            return Err(Refusal::FullAmountOnly.with("amount", amount).into());
        }
        undoable(&original)?;
        if original.refunded().is_positive() {
            return Err(Refusal::AlreadyRefunded.into());
        }
        let mut made = made(pay, shift);
        made.entry = original.entry;
        made.masked.clone_from(&original.masked);
        made.chip = original.chip;
        made.pin = pay.presented.as_ref().is_some_and(|presented| presented.pin_block.is_some());
        match (original.method, original.state) {
            (Method::Cash | Method::Voucher, _) if original.date == self.open => made.final_here = true,
            _ if original.adjusted.is_some_and(|adjusted| !adjusted.told) => return Err(Refusal::InProgress.into()),
            (Method::Card, State::Stored) if original.never_sent() => made.final_here = true,
            (Method::Card, State::Approved | State::Forwarded) => self.void_online(pay, &original, around)?,
            (Method::Card, State::Stored) => return Err(Refusal::InProgress.into()),
            (Method::Qr, _) => return Err(Refusal::NotSupported.with("what", "qr void").into()),
            _ => return Err(Refusal::UseRefund.into()),
        }
        Ok(made)
    }

    /// A void goes to the acquirer while the original's batch is the terminal's open one.
    fn void_online(&self, pay: &Pay, original: &Payment, around: Around<'_>) -> Result<(), Reject> {
        supported(around.rules, MessageName::Void, "void")?;
        let terminal = self.terminal(&pay.device);
        if original.batch != Some(terminal.batch.number) {
            return Err(Refusal::UseRefund.into());
        }
        if terminal.batch.settling() {
            return Err(Refusal::Settling.with("device", &pay.device));
        }
        self.cards_allowed(pay, around)?;
        needs_line(pay, around)
    }

    pub(super) fn refund(&mut self, pay: &Pay, shift: ShiftNo, around: Around<'_>) -> Result<PaymentMade, Stop> {
        if pay.confirm_amount != Some(pay.amount) {
            return Err(Refusal::ConfirmAmount.into());
        }
        let exponent = around.rules.currency.exponent();
        let mut made = made(pay, shift);
        if let Some(Original::Foreign { rrn, date, amount }) = &pay.original {
            if pay.amount > *amount {
                return Err(Refusal::RefundExceeds.with("left", amount.grouped(exponent)).into());
            }
            if self.is_being_refunded(rrn, *date) {
                return Err(Refusal::InProgress.into());
            }
            let left = self.left_elsewhere(rrn, *date, *amount, around)?;
            if pay.amount > left {
                return Err(Refusal::RefundExceeds.with("left", left.grouped(exponent)).into());
            }
            self.manager_approved(pay)?;
        } else {
            let original = self.original(pay, around)?;
            if !matches!(original.kind, Kind::Sale | Kind::Completion) {
                return Err(Refusal::NotSupported.with("what", format!("refund of {}", original.kind)).into());
            }
            if pay.method != original.method {
                self.other_route(pay, &original, around.rules)?;
                self.manager_approved(pay)?;
            }
            undoable(&original)?;
            if pay.amount > original.refundable() {
                return Err(Refusal::RefundExceeds.with("left", original.refundable().grouped(exponent)).into());
            }
            if original.state == State::Stored {
                return Err(Refusal::InProgress.into());
            }
            let same_batch = original.batch == Some(self.terminal(&original.device).batch.number);
            if pay.method == Method::Card && same_batch && !around.rules.channel.refund_same_batch {
                return Err(Refusal::NotSupported.with("what", "refund in the batch of its sale: void it").into());
            }
            made.entry = original.entry;
            made.masked.clone_from(&original.masked);
        }
        match pay.method {
            Method::Cash | Method::Voucher => made.final_here = true,
            // An order that waits for another person.
            Method::Transfer => {}
            Method::Card => {
                supported(around.rules, MessageName::Refund, "refund")?;
                match (&pay.presented, &pay.original) {
                    (Some(presented), _) => self.read_card(presented, &mut made)?,
                    // The sale's own card, while it is kept: until its batch has ended.
                    (None, Some(Original::Payment(id))) if around.archive.sealed_card(*id)?.is_some() => {}
                    _ => return Err(Refusal::NoCard.into()),
                }
                self.cards_allowed(pay, around)?;
                needs_line(pay, around)?;
            }
            Method::Qr => return Err(Refusal::NotSupported.with("what", "qr refund").into()),
        }
        Ok(made)
    }

    /// What is left of a sale that is not in this journal: its earlier refunds, at whatever terminal, off the least that its amount was said to be. Only the
    /// acquirer knows that amount, and it never hears of what was given back in cash.
    fn left_elsewhere(
        &self,
        rrn: &str,
        date: BusinessDate,
        said: Minor,
        around: Around<'_>,
    ) -> Result<Minor, StoreError> {
        let (mut limit, mut refunded) = (said, Minor::ZERO);
        for refund in around.archive.refunds_naming(rrn)? {
            let refund = self.payments.get(&refund.id).unwrap_or(&refund);
            let Some(Original::Foreign { rrn: sale, date: day, amount }) = &refund.original else { continue };
            if sale == rrn && *day == date && refund.stands() {
                limit = limit.min(*amount);
                refunded = refunded.checked_add(refund.amount).unwrap_or(limit);
            }
        }
        Ok(limit.checked_sub(refunded).filter(|left| left.is_positive()).unwrap_or(Minor::ZERO))
    }

    /// A sale from before this journal holds nothing busy: its refunds under way are looked for.
    fn is_being_refunded(&self, sale: &str, day: BusinessDate) -> bool {
        self.payments.values().any(|p| {
            matches!(&p.original, Some(Original::Foreign { rrn, date, .. }) if rrn == sale && *date == day)
                && matches!(p.state, State::Waiting | State::Sent | State::Unknown)
        })
    }

    pub(super) fn original(&mut self, pay: &Pay, around: Around<'_>) -> Result<Payment, Stop> {
        match &pay.original {
            None => Err(Refusal::OriginalRequired.into()),
            Some(Original::Foreign { rrn, .. }) => Err(Refusal::OriginalNotFound.with("original", rrn).into()),
            Some(Original::Payment(id)) => match self.fetch(*id, around.archive)? {
                Some(payment) => Ok(payment.clone()),
                None => Err(Refusal::OriginalNotFound.with("original", id).into()),
            },
        }
    }

    /// Decides to take a payment back before anything of it is sent.
    pub fn decide_cancel(&mut self, id: PaymentId, archive: &dyn Archive) -> Result<Vec<Event>, Stop> {
        match self.fetch(id, archive)? {
            None => Err(Refusal::UnknownPayment.with("payment", id).into()),
            Some(p) if p.state == State::Waiting && p.transfer.is_some() => {
                Ok(vec![Event::TransferMoved { payment: id, to: TransferStep::Withdrawn, by: None, answer: None }])
            }
            Some(p) if p.state == State::Waiting => {
                Ok(vec![Event::PaymentCancelled { payment: id, why: CancelReason::Asked }])
            }
            Some(p) => Err(Refusal::NotCancellable.with("state", p.state).into()),
        }
    }

    /// A payment that could not go online: stored, where the rules allow it, else taken back.
    pub fn store_or_cancel(&self, id: PaymentId, why: CancelReason, around: Around<'_>) -> Option<Event> {
        let payment = self.payments.get(&id).filter(|p| p.state == State::Waiting && p.never_sent())?;
        let made = PaymentMade {
            request: payment.request.clone(),
            kind: payment.kind,
            method: payment.method,
            device: payment.device.clone(),
            cashier: payment.cashier.clone(),
            shift: payment.shift,
            amount: payment.amount,
            original: payment.original.clone(),
            entry: payment.entry,
            masked: payment.masked.clone(),
            chip: payment.chip,
            pin: payment.pin,
            approved_by: payment.approved_by.clone(),
            final_here: false,
        };
        let entry = payment.entry.unwrap_or(Entry::Manual);
        let storable = !matches!(why, CancelReason::NotBuilt | CancelReason::Stopped)
            && self.may_store(&made, entry, false, around).is_ok();
        Some(if storable { Event::PaymentStored { payment: id } } else { Event::PaymentCancelled { payment: id, why } })
    }
}

pub(super) fn made(pay: &Pay, shift: ShiftNo) -> PaymentMade {
    PaymentMade {
        request: pay.request.clone(),
        kind: pay.kind,
        method: pay.method,
        device: pay.device.clone(),
        cashier: pay.cashier.clone(),
        shift,
        amount: pay.amount,
        original: pay.original.clone(),
        entry: None,
        masked: None,
        chip: false,
        pin: false,
        approved_by: pay.approved_by.clone(),
        final_here: false,
    }
}

/// The chip gave its own approval.
fn approved_by_chip(instrument: &Instrument) -> bool {
    matches!(instrument, Instrument::Chip(card) if chip::approved_offline(&card.data))
}

pub(super) fn supported(rules: &Rules, name: MessageName, what: &str) -> Result<(), Reject> {
    if rules.channel.supported.contains(&name) { Ok(()) } else { Err(Refusal::NotSupported.with("what", what)) }
}

pub(super) fn needs_line(pay: &Pay, around: Around<'_>) -> Result<(), Reject> {
    match around.lines.state(&pay.device) {
        LineState::Down => Err(Refusal::NeedsLine.into()),
        LineState::Up | LineState::Connecting => Ok(()),
    }
}

/// A void or refund may begin: the original's money is taken, and nothing else is under way for it.
pub(super) fn undoable(original: &Payment) -> Result<(), Reject> {
    if let Some(void) = original.voided_by {
        return Err(Refusal::AlreadyVoided.with("void", void));
    }
    if let Some(completion) = original.completed_by {
        return Err(Refusal::AlreadyCompleted.with("completion", completion));
    }
    if original.busy_with.is_some() || matches!(original.state, State::Waiting | State::Sent) {
        return Err(Refusal::InProgress.into());
    }
    if !matches!(original.state, State::Approved | State::Forwarded | State::Stored) {
        return Err(Refusal::OriginalNotApproved.with("state", original.state));
    }
    Ok(())
}

/// Who may stand behind a command that needs a person of the store.
pub(super) fn known(ledger: &Ledger, cashier: &CashierId) -> Result<(), Reject> {
    match ledger.people.get(cashier) {
        Some(person) if person.active => Ok(()),
        Some(_) => Err(Refusal::CashierInactive.with("cashier", cashier)),
        None => Err(Refusal::UnknownCashier.with("cashier", cashier)),
    }
}
