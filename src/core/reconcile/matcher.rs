//! Judges a statement row by row, and at its end what of ours it left out. Sums are kept on both sides and must meet: theirs − ours = long − short + differs,
//! with each part in the sign that it has in the store's net.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::book::{Book, Entry, Ours, Seen, unpack};
use super::decode::Row;
use super::difference::{Class, Difference, Direction, Reason, Side, long_reason};
use super::format::{RowKind, RowState};
use crate::core::domain::{BusinessDate, Minor, PaymentId, Sentence, State};
use crate::core::fees::Compared;
use crate::core::journal::Attribution;

/// So many differences of a class are listed; beyond, they are counted and summed.
pub const LISTED: usize = 10_000;

/// Which days are judged, and until when is waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The days that the statement speaks for. Rows of other days are judged, too; what is missing there is not missing.
    pub days: BTreeSet<BusinessDate>,
    /// Days that other statements of this format speak for.
    pub elsewhere: BTreeSet<BusinessDate>,
    /// Today.
    pub today: BusinessDate,
    /// So many days is waited for the other side of the cut.
    pub wait_days: u32,
}

impl Period {
    fn waits(&self, since: BusinessDate) -> bool {
        (self.today.0 - since.0).num_days() <= i64::from(self.wait_days)
    }
}

/// What stands on both sides, and how the difference is made up. All signed as in the store's net: sale +, void and refund −.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Every approved row of the statement.
    pub theirs: i128,
    /// Ours that the statement has with money, or should have.
    pub ours: i128,
    /// theirs − ours.
    pub difference: i128,
    /// Of it: long.
    pub long: i128,
    /// Of it: short, as it stands in our net.
    pub short: i128,
    /// Of it: differs.
    pub differs: i128,
    /// difference = long − short + differs.
    pub foots: bool,
}

/// What a statement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Payments on which both sides agree, with money.
    pub matched_count: u64,
    /// Rows without money that ours agrees with: reversed, declined.
    pub agreed_without_money: u64,
    /// 长款, at most [`LISTED`].
    pub long: Vec<Difference>,
    /// 短款, at most [`LISTED`].
    pub short: Vec<Difference>,
    /// Not alike, at most [`LISTED`].
    pub differs: Vec<Difference>,
    /// The other side of the cut, at most [`LISTED`].
    pub timing: Vec<Difference>,
    /// How many of each there are: long, short, differs, timing.
    pub counts: [u64; 4],
    /// Both sides' sums.
    pub sums: Sums,
    /// Of the watched payments, and of all refunds: those that this statement has judged, and found no fault with.
    pub clean: Vec<PaymentId>,
    /// Of the watched payments those that a row with money and of their kind has.
    pub came: Vec<PaymentId>,
    /// Every payment of ours that a row with money and of its kind has, by the day of the row. Each as often as a row has it, ascending.
    pub booked: BTreeMap<BusinessDate, Vec<u64>>,
}

impl Outcome {
    /// Nothing differs. Timing waits before it counts.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.counts[..3] == [0, 0, 0]
    }

    /// The formula, in both languages.
    #[must_use]
    pub fn formula() -> Sentence {
        Sentence::new(
            "差额 = 对账单净额 − 日志净额 = 长款 − 短款 + 不符（消费为正，撤销与退货为负）",
            "difference = statement − journal = long − short + differs (sales positive, voids and refunds negative)",
        )
    }
}

/// Judges one statement.
#[derive(Debug)]
pub struct Matcher<'b> {
    book: &'b mut Book,
    period: Period,
    out: Outcome,
    watched: BTreeSet<PaymentId>,
    at_fault: BTreeSet<PaymentId>,
}

impl<'b> Matcher<'b> {
    /// Begins, with a sealed book of ours that no statement has been matched with yet.
    #[must_use]
    pub fn new(book: &'b mut Book, period: Period) -> Matcher<'b> {
        let out = Outcome {
            matched_count: 0,
            agreed_without_money: 0,
            long: Vec::new(),
            short: Vec::new(),
            differs: Vec::new(),
            timing: Vec::new(),
            counts: [0; 4],
            sums: Sums::default(),
            clean: Vec::new(),
            came: Vec::new(),
            booked: BTreeMap::new(),
        };
        Matcher { book, period, out, watched: BTreeSet::new(), at_fault: BTreeSet::new() }
    }

    /// Of these payments [`Outcome::clean`] says that the statement has them rightly: they are waited for, or a case is about them.
    #[must_use]
    pub fn watching(mut self, payments: BTreeSet<PaymentId>) -> Matcher<'b> {
        self.watched = payments;
        self
    }

    /// Whether ours has what this row names; where not, the caller may look further and hand it to [`Matcher::add`].
    #[must_use]
    pub fn knows(&self, row: &Row) -> bool {
        self.book.find(row).is_some()
    }

    /// Judges a row. `found` is a payment from further away, for a row that [`Matcher::knows`] nothing of.
    pub fn row(&mut self, row: &Row, found: Option<&Ours<'_>>) {
        let hit = self.book.find(row).or_else(|| found.map(|ours| self.book.add_late(ours)));
        match row.state {
            RowState::Approved => self.money(row, hit),
            RowState::Reversed | RowState::Declined => self.no_money(row, hit),
            RowState::Pending => {
                if let Some(n) = hit {
                    self.book.entries[n as usize].seen = Seen::Taken;
                    self.out.sums.ours += self.in_ours(n);
                    self.out.sums.theirs += self.in_ours(n);
                }
                self.note(Reason::Accepted, 0, Some(row), hit);
            }
        }
    }

    /// What stands in our net for an entry.
    fn in_ours(&self, n: u32) -> i128 {
        let e = &self.book.entries[n as usize];
        if e.good() { e.kind.signed(e.amount) } else { 0 }
    }

    fn money(&mut self, row: &Row, hit: Option<u32>) {
        let theirs = row.kind.signed(row.amount);
        self.out.sums.theirs += theirs;
        let Some(n) = hit else { return self.note(Reason::Absent, theirs, Some(row), None) };
        let ours = self.in_ours(n);
        let e = &mut self.book.entries[n as usize];
        let mut again = std::mem::replace(&mut e.seen, Seen::Taken) == Seen::Taken;
        if e.kind == row.kind {
            let day = row.day.or(row.made).or(self.period.days.last().copied()).unwrap_or(self.period.today);
            self.out.booked.entry(day).or_default().push(e.id);
            e.here = true;
            // Settled on another day, too, by another statement: the money came twice. Of the same day it is the same row once more.
            let e = &self.book.entries[n as usize];
            if self.book.settled_elsewhere(e, day) {
                // Which of the two is right is not said: what was found with the other stays as it is.
                self.at_fault.insert(PaymentId(e.id));
                again = true;
            }
        }
        if again {
            let too_many = &mut self.book.entries[n as usize].too_many;
            *too_many = too_many.saturating_add(1);
            return self.note(Reason::Duplicate, theirs, Some(row), hit);
        }
        let e = &self.book.entries[n as usize];
        if !e.good() {
            let reason = long_reason(e.state);
            return self.note(reason, theirs, Some(row), hit);
        }
        let fits = e.fits(row.amount);
        let fee = crate::core::fees::compare(e.fee().map(Minor), row.fee.map(Minor));
        // What a platform's coupon paid stands in ours as a payment of its own.
        let ours = if fits && e.kind == row.kind { theirs } else { ours };
        self.out.sums.ours += ours;
        let apart = match (row.day, e.settles()) {
            (Some(a), Some(b)) => (a.0 - b.0).num_days().abs(),
            _ => 0,
        };
        if e.kind != row.kind {
            self.note(Reason::Kind, theirs - ours, Some(row), hit);
        } else if !fits {
            self.note(Reason::Amount, theirs - ours, Some(row), hit);
        } else if apart > i64::from(self.period.wait_days) {
            self.note(Reason::Date, 0, Some(row), hit);
        } else if matches!(fee, Compared::Differs(..)) {
            self.note(Reason::Fee, 0, Some(row), hit);
        } else if apart > 0 {
            self.note(Reason::OtherDay, 0, Some(row), hit);
        } else {
            self.out.matched_count += 1;
        }
    }

    fn no_money(&mut self, row: &Row, hit: Option<u32>) {
        match hit.map(|n| &mut self.book.entries[n as usize]) {
            // Ours counts it: judged at the end, when it is known that no row with money follows.
            Some(e) if e.good() => {
                if e.seen == Seen::No {
                    e.seen = Seen::Undone(row.state);
                }
            }
            _ => self.out.agreed_without_money += 1,
        }
    }

    /// Judges what of ours the statement left out, and gives the whole.
    #[must_use]
    pub fn finish(mut self) -> Outcome {
        let (first, last) = (self.period.days.first().copied(), self.period.days.last().copied());
        if let (Some(first), Some(last)) = (first, last) {
            for n in 0..u32::try_from(self.book.entries.len()).unwrap_or(u32::MAX) {
                let e = &self.book.entries[n as usize];
                if e.seen == Seen::Taken || !(e.good() || e.state == State::Unknown) {
                    continue;
                }
                if let Some(reason) = self.left_out(e, first, last) {
                    let ours = if e.good() { e.kind.signed(e.amount) } else { 0 };
                    if reason.class() == Class::Short {
                        self.out.sums.ours += ours;
                        self.note(reason, -ours, None, Some(n));
                    } else {
                        self.note(reason, 0, None, Some(n));
                    }
                }
            }
        }
        self.find_clean();
        self.out.booked.values_mut().for_each(|payments| payments.sort_unstable());
        let sums = &mut self.out.sums;
        sums.difference = sums.theirs - sums.ours;
        sums.foots = sums.difference == sums.long - sums.short + sums.differs;
        self.out
    }

    /// The watched payments that a row named, or that this statement should have named, and every refund that a row with money named: returned money
    /// is watched until it is seen. With none of them anything is wrong.
    fn find_clean(&mut self) {
        let judged = |e: &Entry| e.seen != Seen::No || self.period.days.contains(&e.settles().unwrap_or(e.day()));
        let came = |e: &&Entry| e.here && self.watched.contains(&PaymentId(e.id));
        self.out.came = self.book.entries.iter().filter(came).map(|e| PaymentId(e.id)).collect();
        let returned = |e: &Entry| e.kind == RowKind::Refund && e.seen == Seen::Taken;
        let watched = self.book.entries.iter();
        let watched = watched.filter(|e| returned(e) || (self.watched.contains(&PaymentId(e.id)) && judged(e)));
        let clean = watched.map(|e| PaymentId(e.id)).filter(|id| !self.at_fault.contains(id));
        self.out.clean = clean.collect();
    }

    /// What it means that the statement has no money for one that ours counts, or does not know the end of.
    fn left_out(&self, e: &Entry, first: BusinessDate, last: BusinessDate) -> Option<Reason> {
        if e.state == State::Unknown {
            // A row without money says what became of it; silence says so only where the day is spoken for.
            let silent = e.seen == Seen::No && self.period.days.contains(&e.settles().unwrap_or(e.day()));
            return silent.then_some(Reason::UnknownSilent);
        }
        match e.seen {
            Seen::Undone(RowState::Reversed) => return Some(Reason::TheirsReversed),
            Seen::Undone(_) => return Some(Reason::TheirsDeclined),
            Seen::No | Seen::Taken => {}
        }
        let period = &self.period;
        let expected = e.settles().unwrap_or(e.day());
        if period.days.contains(&expected) {
            let edge = e.settles().is_none() && expected == last && period.waits(expected);
            return Some(if edge { Reason::Edge } else { Reason::Missing });
        }
        // Of these days by our cut, of a later one by theirs: that one's statement judges it, while it may still come.
        let across = expected > last && e.day() >= first && e.day() <= last;
        if !across || period.elsewhere.contains(&expected) {
            return None;
        }
        Some(if period.waits(expected) { Reason::Later } else { Reason::Overdue })
    }

    fn note(&mut self, reason: Reason, difference: i128, row: Option<&Row>, hit: Option<u32>) {
        let class = reason.class();
        let sums = &mut self.out.sums;
        match class {
            Class::Long => sums.long += difference,
            // Minus minus: short stands there as it does in our net.
            Class::Short => sums.short -= difference,
            Class::Differs => sums.differs += difference,
            Class::Timing => {}
        }
        self.out.counts[class as usize] += 1;
        // With another fee the money is right all the same; of one booked twice the first row was.
        if let Some(n) = hit.filter(|_| !matches!(reason, Reason::OtherDay | Reason::Fee | Reason::Duplicate)) {
            self.at_fault.insert(PaymentId(self.book.entries[n as usize].id));
        }
        let listed = match class {
            Class::Long => self.out.long.len(),
            Class::Short => self.out.short.len(),
            Class::Differs => self.out.differs.len(),
            Class::Timing => self.out.timing.len(),
        };
        if listed >= LISTED {
            return;
        }
        let difference = describe(self.book, reason, difference, row, hit);
        match class {
            Class::Long => self.out.long.push(difference),
            Class::Short => self.out.short.push(difference),
            Class::Differs => self.out.differs.push(difference),
            Class::Timing => self.out.timing.push(difference),
        }
    }
}

/// A difference with everything that either side knows of it.
fn describe(book: &Book, reason: Reason, difference: i128, row: Option<&Row>, hit: Option<u32>) -> Difference {
    let ours = hit.map(|n| &book.entries[n as usize]);
    let near = ours.or_else(|| row.and_then(|row| book.before(row)));
    let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let six = |n: u32| format!("{n:06}");
    let theirs_text = |text: fn(&Row) -> &String| row.map(text).and_then(|t| some(t));
    let tid = theirs_text(|r| &r.terminal).or_else(|| ours.and_then(|e| some(book.tid(e))));
    let attributed = match (ours, near) {
        (Some(_), _) => Attribution::Payment,
        (None, Some(_)) => Attribution::Neighbour,
        (None, None) => Attribution::None,
    };
    let difference = i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX });
    let counted = row.filter(|r| r.state == RowState::Approved).map_or(0, |r| r.kind.signed(r.amount));
    Difference {
        class: reason.class(),
        reason,
        difference,
        direction: Direction::of(difference),
        formula: match (reason, row.and_then(|r| r.fee), ours.and_then(Entry::fee)) {
            (Reason::Fee, Some(theirs), Some(ours)) => {
                format!("fee: theirs {theirs} - ours {ours} = {}", theirs - ours)
            }
            _ => format!("theirs {counted} - ours {} = {difference}", counted - i128::from(difference)),
        },
        line: row.map(|r| r.line),
        payment: ours.map(|e| PaymentId(e.id)),
        cashier: near.and_then(|e| some(book.cashier(e))),
        device: near
            .and_then(|e| some(book.device(e)))
            .or_else(|| tid.as_deref().and_then(|t| book.device_of(t)).and_then(some)),
        shift: near.map(|e| e.shift),
        attributed,
        terminal: tid,
        batch: row.and_then(|r| r.batch).or(ours.map(|e| e.batch)).filter(|n| *n > 0).map(six),
        stan: row.and_then(|r| r.stan).or(ours.map(|e| e.stan)).filter(|n| *n > 0).map(six),
        rrn: theirs_text(|r| &r.rrn).or_else(|| ours.and_then(|e| some(&unpack(e.rrn)))),
        order: theirs_text(|r| &r.order).or_else(|| ours.and_then(|e| some(&book.order(e)))),
        business_date: ours.map(Entry::day),
        theirs: row.map(|r| Side { kind: r.kind, amount: r.amount, state: r.state, day: r.day.or(r.made), fee: r.fee }),
        ours: ours.map(|e| Side { kind: e.kind, amount: e.amount, state: e.state, day: e.settles(), fee: e.fee() }),
        action: reason.action(),
        also_in: Vec::new(),
        case: None,
        story: Vec::new(),
        key: key(book, reason, row, ours),
    }
}

/// What names the difference again: our payment, or everything by which the other side names its own.
fn key(book: &Book, reason: Reason, row: Option<&Row>, ours: Option<&Entry>) -> String {
    match (ours, row) {
        (Some(e), _) => {
            let first = format!("{}|{}", PaymentId(e.id), reason.facet());
            let n = if reason == Reason::Duplicate { book.number_too_many(e) } else { 1 };
            if n > 1 { format!("{first}#{n}") } else { first }
        }
        (None, Some(r)) => {
            let (day, number) = (r.day.or(r.made), |n: Option<u32>| n.unwrap_or(0));
            let day = day.map_or_else(String::new, |d| d.to_string());
            format!("{day}|{}|{:06}|{:06}|{}|{}", r.terminal, number(r.batch), number(r.stan), r.rrn, r.order)
        }
        (None, None) => String::new(),
    }
}
