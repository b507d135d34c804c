//! Our side: the payments that a statement may speak of, packed (some hundred bytes each), found by RRN, by terminal, batch and STAN, or by order id.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{Datelike, NaiveDate};

use super::decode::Row;
use super::format::RowKind;
use crate::core::domain::{BusinessDate, Kind, Method, PaymentId, State};
use crate::core::payment::Payment;

/// A row of another statement, with money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowElsewhere {
    /// The day on which it stands.
    pub day: BusinessDate,
    /// It is known to be one too many, the first or which one: the others are judged without it. 0 where it is not.
    pub too_many: u32,
}

/// A payment of ours, as far as a statement can speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours<'a> {
    /// Its id.
    pub id: PaymentId,
    /// The client's id of it: the statement's order id.
    pub order: &'a str,
    /// Who made it.
    pub cashier: &'a str,
    /// Where.
    pub device: &'a str,
    /// The device's number at the acquirer.
    pub tid: &'a str,
    /// In which shift.
    pub shift: u32,
    /// What it does.
    pub kind: RowKind,
    /// How much.
    pub amount: i64,
    /// Where it stands.
    pub state: State,
    /// Its business day.
    pub day: BusinessDate,
    /// The acquirer's settlement day (F15 of its answer), where an answer gave one.
    pub settles: Option<BusinessDate>,
    /// Stamped at the first send.
    pub batch: Option<u32>,
    /// Stamped at the first send.
    pub stan: Option<u32>,
    /// Field 37.
    pub rrn: &'a str,
    /// What the schedule expects it to cost.
    pub fee: Option<i64>,
    /// What a platform's coupons paid of the same order: some statements have it in the amount.
    pub coupons: i64,
    /// The rows with money that other statements of the format have for it.
    pub booked: &'a [RowElsewhere],
}

impl<'a> Ours<'a> {
    /// A payment as a statement may speak of it; `None` for what no acquirer ever sees: cash, coupons, what was never sent, what moves no money.
    #[must_use]
    pub fn of(payment: &'a Payment, tid: &'a str) -> Option<Ours<'a>> {
        let kind = match payment.kind {
            Kind::Sale | Kind::Completion => RowKind::Sale,
            Kind::Void | Kind::CompletionVoid => RowKind::Void,
            Kind::Refund => RowKind::Refund,
            // An adjustment stands in the acquirer's files as the sale's new amount.
            Kind::Preauth | Kind::PreauthVoid | Kind::Balance | Kind::Adjust | Kind::TransferReturn => return None,
        };
        if !matches!(payment.method, Method::Card | Method::Qr) || payment.stan.is_none() {
            return None;
        }
        // The stamp is of the first amount: of another one's fee ours says nothing.
        let class = payment.class.as_ref().filter(|_| payment.adjusted.is_none());
        let stamp = class.and_then(|class| class.fee.as_ref());
        Some(Ours {
            id: payment.id,
            order: payment.request.as_str(),
            cashier: payment.cashier.as_str(),
            device: payment.device.as_str(),
            tid,
            shift: payment.shift.0,
            kind,
            amount: payment.standing().0,
            state: payment.state,
            day: payment.date,
            settles: payment.settle_date.as_deref().and_then(|mmdd| nearest(mmdd, payment.date)),
            batch: payment.batch.map(|b| b.0),
            stan: payment.stan.map(|s| s.0),
            rrn: payment.rrn.as_deref().unwrap_or_default(),
            fee: stamp.map(|stamp| stamp.fee.0),
            coupons: 0,
            booked: &[],
        })
    }
}

/// The date of this month and day that is nearest to another: F15 has no year.
fn nearest(mmdd: &str, to: BusinessDate) -> Option<BusinessDate> {
    let (month, day) = (mmdd.get(..2)?.parse().ok()?, mmdd.get(2..4)?.parse().ok()?);
    let year = to.0.year();
    let dates = [year - 1, year, year + 1].into_iter().filter_map(|y| NaiveDate::from_ymd_opt(y, month, day));
    dates.min_by_key(|d| (*d - to.0).num_days().abs()).map(BusinessDate)
}

/// What became of one of ours while the statement was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// No row named it.
    No,
    /// A row without money did: reversed, or declined.
    Undone(super::format::RowState),
    /// A row with money (or one that waits) did.
    Taken,
}

/// A payment, packed.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub id: u64,
    pub amount: i64,
    pub rrn: u64,
    pub order: u32,
    pub order_len: u8,
    pub kind: RowKind,
    pub state: State,
    pub seen: Seen,
    pub cashier: u16,
    pub device: u16,
    pub tid: u16,
    pub shift: u32,
    pub batch: u32,
    pub stan: u32,
    pub day: i32,
    pub settles: i32,
    /// Negative where none is expected.
    fee: i32,
    coupons: i32,
    /// Where in [`Book::booked`] the rows stand that other statements have for it.
    booked: u32,
    booked_len: u8,
    /// This statement has a row with money and of its kind for it.
    pub here: bool,
    /// How many of this statement's rows were one too many so far.
    pub too_many: u8,
}

impl Entry {
    /// Ours says that money moved.
    pub fn good(&self) -> bool {
        matches!(self.state, State::Approved | State::Forwarded)
    }

    /// What the schedule expects it to cost.
    pub fn fee(&self) -> Option<i64> {
        (self.fee >= 0).then(|| self.fee.into())
    }

    /// The amount that a row of theirs may have: ours, or with what a platform's coupons paid.
    pub fn fits(&self, amount: i64) -> bool {
        self.amount == amount || (self.coupons > 0 && self.amount.checked_add(self.coupons.into()) == Some(amount))
    }

    pub fn settles(&self) -> Option<BusinessDate> {
        (self.settles != 0).then(|| date(self.settles))
    }

    pub fn day(&self) -> BusinessDate {
        date(self.day)
    }
}

fn date(days: i32) -> BusinessDate {
    BusinessDate(NaiveDate::from_num_days_from_ce_opt(days).unwrap_or_default())
}

/// Names that come again and again, once.
#[derive(Debug, Default)]
struct Names {
    list: Vec<Box<str>>,
    by_name: HashMap<Box<str>, u16>,
}

impl Names {
    fn number(&mut self, name: &str) -> u16 {
        if let Some(n) = self.by_name.get(name) {
            return *n;
        }
        // A store has some dozens. What is beyond is shown as the last.
        let n = u16::try_from(self.list.len()).unwrap_or(u16::MAX);
        if n < u16::MAX {
            self.list.push(name.into());
            self.by_name.insert(name.into(), n);
        }
        n
    }

    fn get(&self, n: u16) -> &str {
        self.list.get(usize::from(n)).map_or("", |name| name)
    }
}

/// Our payments, to be matched.
#[derive(Debug, Default)]
pub struct Book {
    pub(super) entries: Vec<Entry>,
    cashiers: Names,
    devices: Names,
    tids: Names,
    orders: Vec<u8>,
    booked: Vec<RowElsewhere>,
    with_orders: bool,
    by_rrn: Vec<(u64, u32)>,
    by_stan: Vec<(u64, u32)>,
    by_order: Vec<(u64, u32)>,
    /// Entries that were looked up one by one, by payment.
    late: HashMap<u64, u32>,
}

impl Book {
    /// An empty book with room for so many. `with_orders` where the statement names orders.
    #[must_use]
    pub fn new(room: usize, with_orders: bool) -> Book {
        Book { entries: Vec::with_capacity(room), with_orders, ..Book::default() }
    }

    /// Adds a payment; after the last one call [`Book::seal`].
    pub fn add(&mut self, ours: &Ours<'_>) {
        let start = self.orders.len();
        // Beyond 4 GB of order ids they are not kept, and such a payment is not found by its order.
        let keeps = self.with_orders && ours.order.len() <= 64 && start + 64 < u32::MAX as usize;
        if keeps {
            self.orders.extend_from_slice(ours.order.as_bytes());
        }
        let booked = self.booked.len();
        self.booked.extend(ours.booked);
        self.entries.push(Entry {
            id: ours.id.0,
            amount: ours.amount,
            rrn: pack(ours.rrn).unwrap_or(0),
            order: u32::try_from(start).unwrap_or(0),
            order_len: if keeps { u8::try_from(ours.order.len()).unwrap_or(0) } else { 0 },
            kind: ours.kind,
            state: ours.state,
            seen: Seen::No,
            cashier: self.cashiers.number(ours.cashier),
            device: self.devices.number(ours.device),
            tid: self.tids.number(ours.tid),
            shift: ours.shift,
            batch: ours.batch.unwrap_or(0),
            stan: ours.stan.unwrap_or(0),
            day: ours.day.0.num_days_from_ce(),
            settles: ours.settles.map_or(0, |d| d.0.num_days_from_ce()),
            // Beyond twenty million yuan it is not compared.
            fee: ours.fee.and_then(|fee| i32::try_from(fee).ok()).unwrap_or(-1),
            coupons: i32::try_from(ours.coupons).unwrap_or(0),
            booked: u32::try_from(booked).unwrap_or(0),
            booked_len: u8::try_from(ours.booked.len()).unwrap_or(u8::MAX),
            here: false,
            too_many: 0,
        });
    }

    /// Makes the indexes.
    pub fn seal(&mut self) {
        let numbered = |entries: &[Entry], key: &dyn Fn(&Entry) -> Option<u64>| -> Vec<(u64, u32)> {
            let mut index: Vec<(u64, u32)> = Vec::with_capacity(entries.len());
            index.extend(entries.iter().zip(0u32..).filter_map(|(e, n)| Some((key(e)?, n))));
            index.sort_unstable();
            index
        };
        self.by_rrn = numbered(&self.entries, &|e| (e.rrn != 0).then_some(e.rrn));
        self.by_stan = numbered(&self.entries, &|e| (e.stan != 0).then(|| stan_key(e.tid, e.batch, e.stan)));
        if self.with_orders {
            let orders = &self.orders;
            self.by_order = numbered(&self.entries, &|e| Some(hash(order_of(orders, e))).filter(|_| e.order_len > 0));
        }
    }

    /// Adds a payment that was looked up for a row. The same payment is the same entry.
    pub(super) fn add_late(&mut self, ours: &Ours<'_>) -> u32 {
        if let Some(n) = self.late.get(&ours.id.0) {
            return *n;
        }
        let n = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.add(ours);
        self.late.insert(ours.id.0, n);
        n
    }

    /// The payment that a row names: by RRN, then by terminal, batch and STAN, then by order id.
    pub(super) fn find(&self, row: &Row) -> Option<u32> {
        let tid = if row.terminal.is_empty() { None } else { self.tids.by_name.get(row.terminal.as_str()).copied() };
        let here = |e: &Entry| row.terminal.is_empty() || Some(e.tid) == tid;
        if let Some(rrn) = pack(&row.rrn)
            && let Some(n) = self.best(&self.by_rrn, rrn, row, &here)
        {
            return Some(n);
        }
        if let (Some(tid), Some(batch), Some(stan)) = (tid, row.batch, row.stan)
            && let Some(n) = self.best(&self.by_stan, stan_key(tid, batch, stan), row, &|_| true)
        {
            return Some(n);
        }
        if row.order.is_empty() || !self.with_orders {
            return None;
        }
        // The order is the client's own and need not come from the same terminal.
        self.best(&self.by_order, hash(row.order.as_bytes()), row, &|e| {
            order_of(&self.orders, e) == row.order.as_bytes()
        })
    }

    /// Of several payments under one key, the one that fits best: not yet taken, of the same kind, of the same amount.
    fn best(&self, index: &[(u64, u32)], key: u64, row: &Row, fits: &dyn Fn(&Entry) -> bool) -> Option<u32> {
        let from = index.partition_point(|(k, _)| *k < key);
        let same = index[from..].iter().take_while(|(k, _)| *k == key).map(|(_, n)| *n);
        let fitting = same.filter(|n| fits(&self.entries[*n as usize]));
        fitting.min_by_key(|n| {
            let e = &self.entries[*n as usize];
            (e.seen == Seen::Taken, e.kind != row.kind, !e.fits(row.amount), !e.good(), *n)
        })
    }

    /// The payment of the same terminal and batch that came before a row that has none of ours: who stood there then.
    pub(super) fn before(&self, row: &Row) -> Option<&Entry> {
        let tid = *self.tids.by_name.get(row.terminal.as_str())?;
        let (batch, stan) = (row.batch?, row.stan?);
        let (first, key) = (stan_key(tid, batch, 0), stan_key(tid, batch, stan));
        let at = self.by_stan.partition_point(|(k, _)| *k < key);
        let before = self.by_stan[..at].last().filter(|(k, _)| *k >= first);
        let after = self.by_stan.get(at).filter(|(k, _)| *k <= stan_key(tid, batch, 999_999));
        before.or(after).map(|(_, n)| &self.entries[*n as usize])
    }

    pub(super) fn cashier(&self, e: &Entry) -> &str {
        self.cashiers.get(e.cashier)
    }

    pub(super) fn device(&self, e: &Entry) -> &str {
        self.devices.get(e.device)
    }

    pub(super) fn tid(&self, e: &Entry) -> &str {
        self.tids.get(e.tid)
    }

    /// The device behind a TID, as far as its payments are here.
    pub(super) fn device_of(&self, tid: &str) -> Option<&str> {
        let n = *self.tids.by_name.get(tid)?;
        self.entries.iter().find(|e| e.tid == n).map(|e| self.device(e))
    }

    /// The rows that other statements have for it.
    pub(super) fn booked(&self, e: &Entry) -> &[RowElsewhere] {
        let from = e.booked as usize;
        self.booked.get(from..from + usize::from(e.booked_len)).unwrap_or_default()
    }

    /// Another statement has settled it on another day than this, rightly as far as is known.
    pub(super) fn settled_elsewhere(&self, e: &Entry, day: BusinessDate) -> bool {
        self.booked(e).iter().any(|row| row.day != day && row.too_many == 0)
    }

    /// The number of this statement's last row that was one too many: the numbers of other statements' are theirs.
    pub(super) fn number_too_many(&self, e: &Entry) -> u32 {
        let theirs = self.booked(e);
        let free = (1..).filter(|n| theirs.iter().all(|row| row.too_many != *n));
        free.take(usize::from(e.too_many)).last().unwrap_or(1)
    }

    pub(super) fn order(&self, e: &Entry) -> String {
        String::from_utf8_lossy(order_of(&self.orders, e)).into_owned()
    }
}

fn order_of<'o>(orders: &'o [u8], e: &Entry) -> &'o [u8] {
    orders.get(e.order as usize..e.order as usize + usize::from(e.order_len)).unwrap_or_default()
}

fn stan_key(tid: u16, batch: u32, stan: u32) -> u64 {
    // Six digits fit twenty bits.
    u64::from(tid) << 40 | u64::from(batch & 0xF_FFFF) << 20 | u64::from(stan & 0xF_FFFF)
}

/// Its hits are compared with the text, so that a collision costs time and nothing else.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Twelve characters of digits and letters (F37 is an12) as one number: base 37, 37¹² < 2⁶⁴. Nothing for what is empty or longer.
fn pack(rrn: &str) -> Option<u64> {
    if rrn.is_empty() || rrn.len() > 12 {
        return None;
    }
    rrn.bytes().try_fold(0u64, |n, b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0' + 1,
            b'A'..=b'Z' => b - b'A' + 11,
            _ => return None,
        };
        Some(n * 37 + u64::from(digit))
    })
}

pub(super) fn unpack(mut n: u64) -> String {
    let mut out = Vec::new();
    while n > 0 {
        let digit = u8::try_from(n % 37).unwrap_or(1);
        out.push(if digit <= 10 { b'0' + digit.saturating_sub(1) } else { b'A' + digit - 11 });
        n /= 37;
    }
    out.reverse();
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_rrn_is_the_same_behind_its_packing() {
        for rrn in ["000000000000", "ZZZZZZZZZZZZ", "123456789012", "A1", "0", "ABC000"] {
            assert_eq!(unpack(pack(rrn).unwrap()), rrn);
        }
        assert_ne!(pack("0"), pack("00"));
        assert_eq!((pack(""), pack("1234567890123"), pack("12 4")), (None, None, None));
    }

    #[test]
    fn f15_gets_the_nearest_year() {
        let near = |mmdd, to: &str| nearest(mmdd, BusinessDate::parse(to).unwrap()).map(|d| d.to_string());
        assert_eq!(near("0101", "2026-12-31").as_deref(), Some("2027-01-01"));
        assert_eq!(near("1231", "2027-01-01").as_deref(), Some("2026-12-31"));
        assert_eq!(near("0229", "2026-02-28"), None);
        assert_eq!(near("1", "2026-02-28"), None);
    }
}
