//! A payment and its transitions. Law 2 lives here: only a documented answer makes *approved* or *declined*.

use serde::{Deserialize, Serialize};

use crate::core::acquirer::{Answer, AnswerClass, ReversalReason};
use crate::core::domain::{
    BatchNo, BusinessDate, CashierId, Entry, Kind, Method, Minor, PaymentId, RequestId, RouteWhy, ShiftNo, Stan, State,
    TerminalId, WallMs,
};
use crate::core::journal::{AlarmLevel, Classed, Coupon, Original, PaymentMade, Silence};
use crate::core::transfer::Transfer;

/// A payment as it is now: the fold of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The sequence of its first row.
    pub id: PaymentId,
    /// The client's id.
    pub request: RequestId,
    /// What it does.
    pub kind: Kind,
    /// With what.
    pub method: Method,
    /// On which device.
    pub device: TerminalId,
    /// By whom.
    pub cashier: CashierId,
    /// In which shift.
    pub shift: ShiftNo,
    /// How much; positive.
    pub amount: Minor,
    /// The day it belongs to.
    pub date: BusinessDate,
    /// When it was journaled.
    pub made_at: WallMs,
    /// What it refers to.
    pub original: Option<Original>,
    /// How the card or code was read.
    pub entry: Option<Entry>,
    /// Truncated card number or code.
    pub masked: Option<String>,
    /// The card has a chip.
    pub chip: bool,
    /// A PIN was taken.
    pub pin: bool,
    /// The manager who approved it.
    pub approved_by: Option<CashierId>,

    /// Where it stands.
    pub state: State,
    /// Its amount stands in its own day's columns.
    pub counted: bool,
    /// Its amount stands in a later day's vouchers.
    pub voucher_date: Option<BusinessDate>,
    /// Stamped at the first send.
    pub batch: Option<BatchNo>,
    /// Stamped at the first send.
    pub stan: Option<Stan>,
    /// How often it was sent.
    pub sends: u32,
    /// It was taken offline at this time.
    pub stored_at: Option<WallMs>,
    /// The host has it in its books: it stands in field 48 of its batch.
    pub in_host_totals: bool,

    /// Field 39 of the answer that decided, or of the first that did not.
    pub code: Option<String>,
    /// Field 37.
    pub rrn: Option<String>,
    /// Field 38.
    pub approval_code: Option<String>,
    /// Field 13, MMDD.
    pub host_date: Option<String>,
    /// Field 12, hhmmss.
    pub host_time: Option<String>,
    /// Field 15, MMDD.
    pub settle_date: Option<String>,
    /// Field 63.1.
    pub organisation: Option<String>,

    /// The reversal that it needs or had.
    pub reversal: Option<Reversal>,
    /// The void that undid it.
    pub voided_by: Option<PaymentId>,
    /// The completion that took what it authorized.
    pub completed_by: Option<PaymentId>,
    /// A void, refund or completion of it is under way.
    pub busy_with: Option<PaymentId>,
    /// The refunds of it that are approved, and their amounts.
    pub refunds: Vec<(PaymentId, Minor)>,
    /// Field 54 of a balance enquiry's answer.
    pub balance: Option<Minor>,
    /// Of an adjustment: what it puts another amount in the place of.
    pub adjusts: Option<Adjusts>,
    /// The adjustment of it that stands.
    pub adjusted: Option<Adjusted>,
    /// How often the acquirer was asked what became of it.
    pub queries: u32,
    /// It was undecided for so long.
    pub alarm: Option<AlarmLevel>,
    /// A pre-authorization that nobody completed in time.
    pub lapsed: bool,

    /// What the tables said of its card and its fee.
    pub class: Option<Classed>,
    /// The coupon that it is.
    pub coupon: Option<Coupon>,
    /// Another route for its refund, where the channel refused this one.
    pub route: Option<Route>,
    /// The transfer order that it is.
    pub transfer: Option<Transfer>,
}

/// What an adjustment refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusts {
    /// The sale's amount.
    pub from: Minor,
    /// The sale was asked for, not taken offline: the message is a tip.
    pub online: bool,
}

/// An adjustment of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// By which payment.
    pub by: PaymentId,
    /// The sale's amount from here on.
    pub to: Minor,
    /// The acquirer has it.
    pub told: bool,
}

/// Another route for a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The refund that the channel refused.
    pub refused: PaymentId,
    /// Why.
    pub why: RouteWhy,
    /// At most so much goes another way: what was asked of the channel.
    pub amount: Minor,
    /// Keyed hash of the card's number.
    pub tag: Option<[u8; 16]>,
}

/// A reversal's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Field 39 of the next 0400.
    pub reason: ReversalReason,
    /// How often it was sent.
    pub tries: u32,
    /// Where it stands.
    pub stage: ReversalStage,
}

/// Where a reversal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReversalStage {
    /// To be sent, or sent and not yet answered as the profile demands.
    Owed,
    /// The acquirer confirmed it.
    Done,
    /// Its tries are used up: a named person decides.
    GivenUp,
}

impl Payment {
    /// A payment at its birth.
    #[must_use]
    pub fn made(id: PaymentId, date: BusinessDate, at: WallMs, made: &PaymentMade) -> Payment {
        Payment {
            id,
            request: made.request.clone(),
            kind: made.kind,
            method: made.method,
            device: made.device.clone(),
            cashier: made.cashier.clone(),
            shift: made.shift,
            amount: made.amount,
            date,
            made_at: at,
            original: made.original.clone(),
            entry: made.entry,
            masked: made.masked.clone(),
            chip: made.chip,
            pin: made.pin,
            approved_by: made.approved_by.clone(),
            state: if made.final_here { State::Approved } else { State::Waiting },
            counted: false,
            voucher_date: None,
            batch: None,
            stan: None,
            sends: 0,
            stored_at: None,
            in_host_totals: false,
            code: None,
            rrn: None,
            approval_code: None,
            host_date: None,
            host_time: None,
            settle_date: None,
            organisation: None,
            reversal: None,
            voided_by: None,
            completed_by: None,
            busy_with: None,
            refunds: Vec::new(),
            balance: None,
            adjusts: None,
            adjusted: None,
            queries: 0,
            alarm: None,
            lapsed: false,
            class: None,
            coupon: None,
            route: None,
            transfer: None,
        }
    }

    /// It is about to be sent, for the first time or again: the stamps of the first time stay.
    pub fn sending(&mut self, batch: BatchNo, stan: Stan) {
        self.batch.get_or_insert(batch);
        self.stan.get_or_insert(stan);
        self.sends = self.sends.saturating_add(1);
        if self.state == State::Waiting {
            self.state = State::Sent;
        }
    }

    /// No byte of this sending was handed to the line: if it was the only one, it is as if nothing had been tried.
    pub fn not_sent(&mut self) {
        self.sends = self.sends.saturating_sub(1);
        if self.sends == 0 {
            self.batch = None;
            self.stan = None;
            if self.state == State::Sent {
                self.state = State::Waiting;
            }
        }
    }

    /// No byte of its reversal was handed to the line: it was no try.
    pub fn reversal_not_sent(&mut self) {
        if let Some(reversal) = &mut self.reversal {
            reversal.tries = reversal.tries.saturating_sub(1);
        }
    }

    /// Nothing came back: *unknown*, never *failed*. A stored payment stays stored and is sent again.
    pub fn no_answer(&mut self, _why: Silence) {
        if self.state == State::Sent {
            self.state = State::Unknown;
        }
    }

    /// The answer to the payment itself. `done` also where a repeat is answered with "duplicate": an earlier try arrived.
    pub fn answered(&mut self, answer: &Answer, done: bool) {
        self.keep(answer);
        self.state = match answer.class {
            _ if done => State::Approved,
            AnswerClass::Approved => State::Approved,
            AnswerClass::Declined | AnswerClass::SignOnAgain => State::Declined,
            AnswerClass::Unknown => State::Unknown,
        };
        self.in_host_totals = self.state == State::Approved && super::counts(self.kind);
    }

    /// The answer to a stored payment's advice. `delivered` also where the acquirer says duplicate (94): an earlier try arrived.
    pub fn advice_answered(&mut self, answer: &Answer, delivered: bool) {
        self.keep(answer);
        if delivered {
            self.state = State::Forwarded;
            self.in_host_totals = true;
        } else if answer.class == AnswerClass::Declined {
            self.state = State::Rejected;
        }
        // Sign-on demanded, or an undocumented code: still stored, sent again unchanged, bounded by its tries.
    }

    /// The answer to its reversal; `done` where the profile says that this code ends one.
    pub fn reversal_answered(&mut self, done: bool) {
        if let Some(reversal) = &mut self.reversal {
            if done {
                reversal.stage = ReversalStage::Done;
                self.state = State::Reversed;
            } else {
                reversal.reason = ReversalReason::Other;
            }
        }
    }

    /// The stored answer facts, each kept from the first answer that has it.
    fn keep(&mut self, answer: &Answer) {
        fn first(slot: &mut Option<String>, value: &Option<String>) {
            if slot.is_none() {
                slot.clone_from(value);
            }
        }
        self.code.clone_from(&answer.code);
        first(&mut self.rrn, &answer.rrn);
        first(&mut self.approval_code, &answer.approval_code);
        first(&mut self.host_date, &answer.host_date);
        first(&mut self.host_time, &answer.host_time);
        first(&mut self.settle_date, &answer.settle_date);
        first(&mut self.organisation, &answer.organisation);
        if self.kind == Kind::Balance {
            self.balance = answer.balance;
        }
    }

    /// A reversal is still to be completed.
    #[must_use]
    pub fn reversal_owed(&self) -> bool {
        self.reversal.as_ref().is_some_and(|r| r.stage == ReversalStage::Owed)
    }

    /// Nothing will happen to it by itself any more, and nobody waits for it.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        let settled = matches!(
            self.state,
            State::Cancelled
                | State::Approved
                | State::Declined
                | State::Reversed
                | State::Forwarded
                | State::Rejected
                | State::WrittenOff
        );
        let left_the_queue = self.state == State::Stored && self.voided_by.is_some();
        (settled || left_the_queue) && !self.reversal_owed() && self.busy_with.is_none()
    }

    /// Its request has an answer that the counter can act on (the API answers at the first of these).
    #[must_use]
    pub fn answerable(&self) -> bool {
        !matches!(self.state, State::Waiting | State::Sent) || self.method == Method::Transfer
    }

    /// Nothing of it was ever handed to a line.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        self.sends == 0
    }

    /// Its money is taken: it counts as a sale, refund or void.
    #[must_use]
    pub fn effective(&self) -> bool {
        match self.state {
            State::Approved => super::counts(self.kind),
            State::Stored | State::Forwarded | State::Rejected | State::SetAside | State::Promised => true,
            _ => false,
        }
    }

    /// The acquirer did it, or it is taken offline and will be told.
    #[must_use]
    pub fn stands(&self) -> bool {
        matches!(self.state, State::Approved | State::Stored | State::Forwarded | State::SetAside | State::Promised)
    }

    /// It may be sent again under its numbers, where the acquirer recognizes repeats: never reversed, never under a new STAN.
    #[must_use]
    pub fn repeatable(&self) -> bool {
        self.kind == Kind::Refund && self.method == Method::Card && self.state == State::Unknown
    }

    /// Refunded so far: at most the amount, which fits.
    #[must_use]
    pub fn refunded(&self) -> Minor {
        self.refunds.iter().fold(Minor::ZERO, |sum, (_, amount)| sum.checked_add(*amount).unwrap_or(sum))
    }

    /// The amount that counts with the acquirer: as adjusted, else its own.
    #[must_use]
    pub fn standing(&self) -> Minor {
        self.adjusted.map_or(self.amount, |adjusted| adjusted.to)
    }

    /// What is left to refund.
    #[must_use]
    pub fn refundable(&self) -> Minor {
        self.standing().checked_sub(self.refunded()).unwrap_or(Minor::ZERO)
    }

    /// A refund of it came to nothing after all, or came back: it may be refunded again.
    pub fn refund_undone(&mut self, refund: PaymentId) -> bool {
        let before = self.refunds.len();
        self.refunds.retain(|(id, _)| *id != refund);
        self.refunds.len() < before
    }

    /// A refund of it is approved. Saying so twice changes nothing; whether it was news.
    pub fn refunded_by(&mut self, refund: PaymentId, amount: Minor) -> bool {
        let new = !self.refunds.iter().any(|(id, _)| *id == refund);
        if new {
            self.refunds.push((refund, amount));
        }
        new
    }
}
