//! What a refold needs of the store: the fold's number, the journal in chunks, and bodies written apart from their columns.

use rusqlite::{OptionalExtension, params};

use super::archive::{archived_day, blob, collect};
use super::convert::{self, body, bytes32, int, record, unsigned};
use super::error::{damaged, plain};
use super::migrate;
use super::statements as sql;
use super::writer::SqliteStore;
use crate::core::domain::{BusinessDate, PaymentId, Seq};
use crate::core::journal::{Link, Record};
use crate::core::payment::Payment;
use crate::core::ports::{DayRow, Refold, StoreError};

impl Refold for SqliteStore {
    fn fold(&self) -> Result<u32, StoreError> {
        let value: Option<String> = self
            .conn()
            .prepare_cached(sql::FOLD)
            .and_then(|mut s| s.query_row([], |r| r.get(0)).optional())
            .map_err(plain)?;
        value.and_then(|text| text.parse().ok()).ok_or_else(|| damaged("it does not say which fold made its look-ups"))
    }

    fn set_fold(&mut self, version: u32) -> Result<(), StoreError> {
        self.write(|conn| conn.prepare_cached(sql::SET_FOLD)?.execute([version]).map(drop))
    }

    fn money(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        migrate::money(self.conn())
    }

    fn rows(&self, after: Seq, most: u32) -> Result<Vec<(Record, Link)>, StoreError> {
        collect(self.conn(), sql::NEXT_ROWS, params![int(after.0)?, most], |row| {
            let seq = Seq(unsigned(row.get(0).map_err(plain)?, "a row's number")?);
            Ok((record(seq, blob(row, 1)?)?, bytes32(blob(row, 2)?, "a link")?))
        })
    }

    fn put_body(&mut self, payment: &Payment) -> Result<(), StoreError> {
        let (id, bytes) = (int(payment.id.0)?, body(payment, Vec::new()));
        let changed = self.write(|conn| conn.prepare_cached(sql::PUT_BODY)?.execute(params![id, bytes]))?;
        if changed == 1 {
            return Ok(());
        }
        Err(self.broken(damaged(format!("the journal has {}, the table of payments does not", payment.id))))
    }

    fn payments(&self, after: PaymentId, most: u32) -> Result<Vec<Payment>, StoreError> {
        collect(self.conn(), sql::FOLDED_PAYMENTS, params![int(after.0)?, most], |row| {
            convert::payment(unsigned(row.get(0).map_err(plain)?, "a payment's id")?, blob(row, 1)?)
        })
    }

    fn day(&self, date: BusinessDate) -> Result<Option<DayRow>, StoreError> {
        Ok(collect(self.conn(), sql::DAY, [date.to_string()], archived_day)?.pop())
    }

    fn cards_too_long(&self) -> Result<Vec<PaymentId>, StoreError> {
        let id = |row: &rusqlite::Row<'_>| unsigned(row.get(0).map_err(plain)?, "a payment's id").map(PaymentId);
        collect(self.conn(), sql::CARDS_TOO_LONG, [], id)
    }

    fn drop_snapshots(&mut self) -> Result<(), StoreError> {
        self.write(|conn| conn.prepare_cached(sql::DROP_SNAPSHOTS)?.execute([]).map(drop))
    }
}
