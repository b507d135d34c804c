//! The payments: columns against bodies, bodies against the rows that made them, entries in the day's columns.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow};

use super::super::archive::{self, blob, text};
use super::super::convert::{self, int, unsigned};
use super::super::error::plain;
use super::super::reader::Reader;
use super::super::statements as sql;
use super::{Verified, VerifyWith, journal::snapshot, payment as place};
use crate::core::domain::{PaymentId, Seq};
use crate::core::journal::{Event, PaymentMade, Record};
use crate::core::payment::{Payment, Slot};
use crate::core::ports::StoreError;

pub(super) fn walk(reader: &Reader, with: &mut VerifyWith<'_>, found: &mut Verified) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        // Each chunk sees one state of the store: rows and payments move together.
        let last = reader.with(|conn| snapshot(conn, |conn| chunk(conn, after, found)))?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
        if let Some(between) = &mut with.between
            && between(Seq(after)).is_break()
        {
            found.incomplete = true;
            return Ok(());
        }
    }
}

fn chunk(conn: &Connection, after: u64, found: &mut Verified) -> Result<Option<u64>, StoreError> {
    let head = archive::head(conn)?.map_or(0, |(seq, _)| seq.0);
    let mut stmt = conn.prepare_cached(sql::ALL_PAYMENTS).map_err(plain)?;
    let mut rows = stmt.query([int(after)?]).map_err(plain)?;
    let mut last = None;
    while let Some(row) = rows.next().map_err(plain)? {
        let id = unsigned(row.get(0).map_err(plain)?, "a payment's id")?;
        last = Some(id);
        found.payments += 1;
        match convert::payment(id, blob(row, 17)?) {
            Ok(payment) => {
                columns(row, &payment, head, found)?;
                made(conn, &payment, found)?;
                entries(conn, &payment, found)?;
            }
            Err(e) => found.find(place(id), e.to_string()),
        }
    }
    Ok(last)
}

/// The typed columns say what the body says.
fn columns(row: &SqlRow<'_>, payment: &Payment, head: u64, found: &mut Verified) -> Result<(), StoreError> {
    let id = payment.id.0;
    let mut same = |column: &str, equal: bool| {
        if !equal {
            found.find(place(id), format!("its column {column} is not what its body says"));
        }
    };
    let number = |index: usize| row.get::<_, Option<i64>>(index).map_err(plain);
    let optional = |index: usize| row.get::<_, Option<String>>(index).map_err(plain);
    same("request_id", text(row, 1)? == payment.request.as_str());
    same("kind", text(row, 2)? == payment.kind.as_str());
    same("effect", text(row, 3)? == payment.column().as_str());
    same("method", text(row, 4)? == payment.method.as_str());
    same("device", text(row, 5)? == payment.device.as_str());
    same("cashier", text(row, 6)? == payment.cashier.as_str());
    same("business_date", text(row, 7)? == payment.date.to_string());
    same("amount", number(8)? == Some(payment.amount.0));
    same("state", text(row, 9)? == payment.state.as_str());
    same("counted", number(10)? == Some(i64::from(payment.counted)));
    same("slot", optional(11)? == payment.slot().as_ref().map(Slot::as_text));
    same("voucher_date", optional(12)? == payment.voucher_date.map(|d| d.to_string()));
    same("batch", number(13)? == payment.batch.map(|b| b.0.into()));
    same("stan", number(14)? == payment.stan.map(|s| s.0.into()));
    let known = |row: i64| u64::try_from(row).is_ok_and(|row| (id..=head).contains(&row));
    same("batch_row", number(15)?.map(known) == payment.batch.map(|_| true));
    if !number(16)?.is_some_and(known) {
        found.find(place(id), "it was last written behind the end of the journal: rows were cut off");
    }
    Ok(())
}

/// The row that made it says the same.
fn made(conn: &Connection, payment: &Payment, found: &mut Verified) -> Result<(), StoreError> {
    let mut stmt = conn.prepare_cached(sql::ROW_BYTES).map_err(plain)?;
    let bytes: Option<Vec<u8>> = stmt.query_row([int(payment.id.0)?], |r| r.get(0)).optional().map_err(plain)?;
    let record = bytes.and_then(|bytes| Record::from_bytes(&bytes).ok());
    match record {
        Some(Record { date, at, event: Event::PaymentMade(facts), .. }) => {
            if (date, at) != (payment.date, payment.made_at) || *facts != facts_of(payment, facts.final_here) {
                found.find(place(payment.id.0), "it is not what the journal says was made");
            }
        }
        // A row that does not read was complained about already, and so was one that is missing in the middle.
        Some(_) | None => found.find(place(payment.id.0), "the journal has no row that made it"),
    }
    Ok(())
}

fn facts_of(payment: &Payment, final_here: bool) -> PaymentMade {
    PaymentMade {
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
        final_here,
    }
}

/// It stands once in its own day's columns if it is counted, and not at all if it is not; in a later day's vouchers if it says so.
fn entries(conn: &Connection, payment: &Payment, found: &mut Verified) -> Result<(), StoreError> {
    let PaymentId(id) = payment.id;
    let date = payment.date.to_string();
    let voucher_date = payment.voucher_date.map(|d| d.to_string());
    let (mut own, mut voucher) = (0, voucher_date.is_none());
    let mut stmt = conn.prepare_cached(sql::ENTRIES).map_err(plain)?;
    let mut rows = stmt.query([int(id)?]).map_err(plain)?;
    while let Some(row) = rows.next().map_err(plain)? {
        let (effect, on) = (text(row, 0)?, text(row, 2)?);
        if effect == "voucher" {
            voucher |= voucher_date.as_deref() == Some(on);
            continue;
        }
        own += 1;
        let facts = (on, effect, row.get::<_, i64>(1).map_err(plain)?, text(row, 3)?, text(row, 4)?, text(row, 5)?);
        let (cashier, device) = (payment.cashier.as_str(), payment.device.as_str());
        let column = payment.column().as_str();
        if facts != (date.as_str(), column, payment.amount.0, cashier, device, payment.method.as_str()) {
            found.find(
                place(id),
                "its entry in the day's columns is of another day, column, amount, cashier, device or method",
            );
        }
    }
    if own != i32::from(payment.counted) {
        found.find(
            place(id),
            format!("it stands {own} times in its day's columns, and should {}", i32::from(payment.counted)),
        );
    }
    if !voucher {
        found.find(place(id), "it should stand in a later day's vouchers, and does not");
    }
    Ok(())
}
