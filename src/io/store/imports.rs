//! Which statements of the other side were reconciled, for which days; and the payments that one may speak of. Judges nothing.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::archive::{blob, collect, text};
use super::cases;
use super::convert::{date, int, payment, small, summed, unsigned, unsummed};
use super::error::{damaged, plain};
use super::reader::Reader;
use super::statements as sql;
use crate::core::domain::{BusinessDate, PaymentId, PaymentSet, StatementNo, WallMs};
use crate::core::journal::{StatementBooked, StatementTaken};
use crate::core::payment::Payment;
use crate::core::ports::StoreError;
use crate::core::suspense::Case;

/// What one statement has of some payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Has {
    /// The statement's number.
    pub statement: u64,
    /// Its file's name.
    pub name: String,
    /// The day of its rows.
    pub day: BusinessDate,
    /// The payments, each as often as a row has it; others may stand there, too.
    pub payments: PaymentSet,
}

/// Days and the statement (number, file name) that each is now spoken for by.
pub type DaysOf = BTreeMap<BusinessDate, (u64, String)>;

/// A statement that was reconciled before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub id: u64,
    /// The file's name then.
    pub name: String,
    /// When, wall clock, milliseconds.
    pub imported_at: i64,
    /// Its days that a later statement has taken over.
    pub superseded: DaysOf,
}

impl Reader {
    /// The statement of this hash.
    pub fn statement(&self, hash: &[u8; 32]) -> Result<Option<Known>, StoreError> {
        self.with(|conn| {
            let mut stmt = conn.prepare_cached(sql::STATEMENT_BY_HASH).map_err(plain)?;
            let row = stmt
                .query_row([hash], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?, r.get::<_, i64>(2)?)))
                .optional()
                .map_err(plain)?;
            let Some((id, name, imported_at)) = row else { return Ok(None) };
            let mut superseded = DaysOf::new();
            let mut stmt = conn.prepare_cached(sql::STATEMENT_DAYS).map_err(plain)?;
            let mut rows = stmt.query([id]).map_err(plain)?;
            while let Some(row) = rows.next().map_err(plain)? {
                if let Some(by) = row.get::<_, Option<i64>>(1).map_err(plain)? {
                    superseded.insert(date(text(row, 0)?)?, (unsigned(by, "a statement")?, text(row, 2)?.to_owned()));
                }
            }
            Ok(Some(Known { id: unsigned(id, "a statement")?, name, imported_at, superseded }))
        })
    }

    /// Which statements of a format speak for these days.
    pub fn statement_days(&self, format: &str, from: BusinessDate, to: BusinessDate) -> Result<DaysOf, StoreError> {
        self.with(|conn| {
            let mut days = DaysOf::new();
            let mut stmt = conn.prepare_cached(sql::LIVE_DAYS).map_err(plain)?;
            let mut rows = stmt.query(params![format, from.to_string(), to.to_string()]).map_err(plain)?;
            while let Some(row) = rows.next().map_err(plain)? {
                let id = unsigned(row.get(1).map_err(plain)?, "a statement")?;
                days.insert(date(text(row, 0)?)?, (id, text(row, 2)?.to_owned()));
            }
            Ok(days)
        })
    }

    /// What statements of a format have of the payments between two, with money. Rows hold until a later statement speaks for their day, and as long as
    /// any day of their own statement does.
    pub fn booked(&self, format: &str, first: PaymentId, last: PaymentId) -> Result<Vec<Has>, StoreError> {
        self.with(|conn| {
            let mut stmt = conn.prepare_cached(sql::BOOKED).map_err(plain)?;
            let mut rows = stmt.query(params![format, int(first.0)?, int(last.0)?]).map_err(plain)?;
            let mut all = Vec::new();
            while let Some(row) = rows.next().map_err(plain)? {
                let statement = unsigned(row.get(0).map_err(plain)?, "a statement")?;
                let what = format_args!("what statement {statement} has");
                let payments = PaymentSet::from_bytes(unsummed(blob(row, 3)?, &what)?.to_vec()).map_err(damaged)?;
                all.push(Has { statement, name: text(row, 2)?.to_owned(), day: date(text(row, 1)?)?, payments });
            }
            Ok(all)
        })
    }

    /// The cases of a format about payments between two that came twice, resolved or not.
    pub fn cases_twice(&self, format: &str, first: PaymentId, last: PaymentId) -> Result<Vec<Case>, StoreError> {
        let (first, last) = (int(first.0)?, int(last.0)?);
        self.with(|conn| collect(conn, sql::CASES_TWICE, params![format, first, last], cases::read))
    }

    /// The payments of these business days lie between these two.
    pub fn payments_between(&self, from: BusinessDate, to: BusinessDate) -> Result<(PaymentId, PaymentId), StoreError> {
        self.with(|conn| {
            let mut stmt = conn.prepare_cached(sql::ROWS_BETWEEN).map_err(plain)?;
            let rows = stmt.query_row([from.to_string(), to.to_string()], |r| Ok((r.get(0)?, r.get(1)?)));
            let (first, last): (i64, i64) = rows.map_err(plain)?;
            Ok((PaymentId(unsigned(first, "a row")?), PaymentId(unsigned(last, "a row")?)))
        })
    }

    /// How many payments of these business days were sent to the acquirer.
    pub fn count_sent(&self, from: BusinessDate, to: BusinessDate) -> Result<u64, StoreError> {
        self.with(|conn| {
            let mut stmt = conn.prepare_cached(sql::COUNT_SENT_BETWEEN).map_err(plain)?;
            let n = stmt.query_row([from.to_string(), to.to_string()], |r| r.get(0)).map_err(plain)?;
            unsigned(n, "a count")
        })
    }

    /// Gives them, oldest first.
    pub fn sent(&self, from: BusinessDate, to: BusinessDate, each: &mut dyn FnMut(&Payment)) -> Result<(), StoreError> {
        self.between(sql::SENT_BETWEEN, from, to, each)
    }

    /// Every coupon of these days.
    pub fn coupons(
        &self,
        from: BusinessDate,
        to: BusinessDate,
        each: &mut dyn FnMut(&Payment),
    ) -> Result<(), StoreError> {
        self.between(sql::COUPONS_BETWEEN, from, to, each)
    }

    fn between(
        &self,
        query: &str,
        from: BusinessDate,
        to: BusinessDate,
        each: &mut dyn FnMut(&Payment),
    ) -> Result<(), StoreError> {
        let (from, to) = (from.to_string(), to.to_string());
        let mut after = 0;
        loop {
            let last = self.with(|conn| {
                let mut stmt = conn.prepare_cached(query).map_err(plain)?;
                let mut rows = stmt.query(params![from, to, int(after)?]).map_err(plain)?;
                let mut last = None;
                while let Some(row) = rows.next().map_err(plain)? {
                    let id = unsigned(row.get(0).map_err(plain)?, "a payment's id")?;
                    each(&payment(id, blob(row, 1)?)?);
                    last = Some(id);
                }
                Ok(last)
            })?;
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}

/// The statement of a file's hash, and the last one's number.
pub(super) fn statement_of(
    conn: &Connection,
    hash: &[u8; 32],
) -> Result<(Option<StatementNo>, StatementNo), StoreError> {
    let number = |id: i64| small(id, "a statement's number").map(StatementNo);
    let mut stmt = conn.prepare_cached(sql::STATEMENT_BY_HASH).map_err(plain)?;
    let same = stmt.query_row([hash], |r| r.get::<_, i64>(0)).optional().map_err(plain)?;
    let mut stmt = conn.prepare_cached(sql::LAST_STATEMENT).map_err(plain)?;
    let last = stmt.query_row([], |r| r.get::<_, i64>(0)).map_err(plain)?;
    Ok((same.map(number).transpose()?, number(last)?))
}

/// Notes a statement, and that it takes over its days from earlier ones of its format: how many.
pub(super) fn put_statement(conn: &Connection, taken: &StatementTaken, at: WallMs) -> rusqlite::Result<u32> {
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let ([long, short, differs, timing], id) = (taken.counts.map(whole), taken.statement.0);
    conn.prepare_cached(sql::PUT_STATEMENT)?.execute(params![
        taken.hash,
        taken.format,
        taken.name,
        whole(taken.lines),
        whole(taken.spoiled),
        at.0,
        whole(taken.matched),
        long,
        short,
        differs,
        timing,
        id
    ])?;
    let mut superseded = 0;
    for day in taken.days.iter().map(ToString::to_string) {
        superseded += conn.prepare_cached(sql::SUPERSEDE_DAY)?.execute(params![id, day, taken.format])?;
        conn.prepare_cached(sql::PUT_STATEMENT_DAY)?.execute(params![id, day])?;
    }
    for payment in &taken.arrived {
        forget_awaited(conn, *payment)?;
    }
    for a in &taken.awaited {
        let id = i64::try_from(a.payment.0).unwrap_or(i64::MAX);
        let values = params![id, a.format, a.day.to_string(), a.until.to_string()];
        conn.prepare_cached(sql::PUT_AWAITED)?.execute(values)?;
    }
    Ok(u32::try_from(superseded).unwrap_or(u32::MAX))
}

/// Keeps which payments a statement has with money.
pub(super) fn put_booked(conn: &Connection, booked: &StatementBooked, row: i64) -> rusqlite::Result<()> {
    let Some((first, last)) = booked.payments.ends() else { return Ok(()) };
    let whole = |id: PaymentId| i64::try_from(id.0).unwrap_or(i64::MAX);
    let (day, payments) = (booked.day.to_string(), summed(booked.payments.as_bytes()));
    let values = params![row, booked.statement.0, day, whole(first), whole(last), payments];
    conn.prepare_cached(sql::PUT_BOOKED)?.execute(values).map(drop)
}

/// It is not waited for any more.
pub(super) fn forget_awaited(conn: &Connection, payment: PaymentId) -> rusqlite::Result<()> {
    conn.prepare_cached(sql::FORGET_AWAITED)?.execute([i64::try_from(payment.0).unwrap_or(i64::MAX)]).map(drop)
}
