//! The file itself, the schema, and what is archived beside the journal.

use rusqlite::Connection;

use super::super::archive::{self, collect};
use super::super::convert::{int, unsigned, unsummed};
use super::super::error::plain;
use super::super::migrate;
use super::super::reader::Reader;
use super::super::statements as sql;
use super::Verified;
use crate::core::day::{Batch, ClosedShift};
use crate::core::domain::{Seq, read_json};
use crate::core::journal::Event;
use crate::core::ledger::Ledger;
use crate::core::ports::StoreError;

/// SQLite's own check, foreign keys, and the schema as shipped.
pub(super) fn file(reader: &Reader, thorough: bool, found: &mut Verified) -> Result<(), StoreError> {
    reader.with(|conn| {
        let check = if thorough { "PRAGMA integrity_check(20)" } else { "PRAGMA quick_check(20)" };
        let mut stmt = conn.prepare(check).map_err(plain)?;
        let mut rows = stmt.query([]).map_err(plain)?;
        while let Some(row) = rows.next().map_err(plain)? {
            let line = archive::text(row, 0)?;
            if line != "ok" {
                found.find("the file", format!("SQLite says: {line}"));
            }
        }
        schema(conn, found)?;
        foreign_keys(conn, found)
    })
}

/// A trigger or an index that is gone is not seen by any check of rows.
pub(super) fn schema(conn: &Connection, found: &mut Verified) -> Result<(), StoreError> {
    let here = migrate::objects(conn)?;
    let shipped = migrate::objects(&migrate::shipped()?)?;
    for (kind, name, _) in shipped.iter().filter(|object| !here.contains(object)) {
        found.find("the schema", format!("{kind} {name} is missing or not as it was shipped"));
    }
    for (kind, name, _) in here.iter().filter(|(_, name, _)| !shipped.iter().any(|(_, known, _)| known == name)) {
        found.find("the schema", format!("{kind} {name} is not tilld's"));
    }
    Ok(())
}

fn foreign_keys(conn: &Connection, found: &mut Verified) -> Result<(), StoreError> {
    let mut stmt = conn.prepare("PRAGMA foreign_key_check").map_err(plain)?;
    let mut rows = stmt.query([]).map_err(plain)?;
    while let Some(row) = rows.next().map_err(plain)? {
        let table = archive::text(row, 0)?;
        found.find(format!("table {table}"), "one of its rows refers to a payment that does not exist");
    }
    Ok(())
}

/// Days that nobody cut, cards that outlived their batch, and bodies that do not read.
pub(super) fn archive(reader: &Reader, found: &mut Verified) -> Result<(), StoreError> {
    let mut body = |what: &str, number: u64, written: &[u8], fits: &dyn Fn(&[u8]) -> bool| match unsummed(written, &"")
    {
        Ok(body) if fits(body) => {}
        Ok(_) => found.find(format!("{what} {number}"), "its columns are not what its body and the journal say"),
        Err(_) => found.find(format!("{what} {number}"), "its body is not what was written"),
    };
    chunks(reader, sql::ALL_SHIFTS, 0, |row, number| {
        let cashier = archive::text(row, 1)?;
        body("shift", number, archive::blob(row, 3)?, &|body| {
            // The day on which it was closed is looked at where the journal says so.
            read_json::<ClosedShift>(body)
                .is_ok_and(|shift| u64::from(shift.no.0) == number && shift.cashier.as_str() == cashier)
        });
        Ok(())
    })?;
    chunks(reader, sql::ALL_BATCHES, 5, |row, number| {
        let (terminal, rung) = (archive::text(row, 0)?, archive::text(row, 3)?);
        let (batch, first) = (unsigned(row.get(1).map_err(plain)?, "a batch")?, row.get::<_, i64>(2).map_err(plain)?);
        let mut began = None;
        if let Ok(first) = u64::try_from(first) {
            reader.records(Seq(first), Seq(first), &mut |record, _| {
                began = Some(record.event);
                Ok(())
            })?;
        }
        let sent = matches!(&began, Some(Event::Sending { terminal: sender, batch: of, .. })
            if sender.as_str() == terminal && u64::from(of.0) == batch);
        body("batch", number, archive::blob(row, 4)?, &|body| {
            read_json::<Batch>(body).is_ok_and(|b| {
                let known = b.first.is_some_and(|seq| int(seq.0).is_ok_and(|seq| seq == first));
                sent && known && u64::from(b.number.0) == batch && b.rung.as_str() == rung
            })
        });
        Ok(())
    })?;
    chunks(reader, sql::ALL_SNAPSHOTS, 0, |row, number| {
        body("snapshot", number, archive::blob(row, 1)?, &|body| {
            Ledger::from_bytes(body).is_ok_and(|ledger| ledger.head == Seq(number))
        });
        Ok(())
    })?;
    let mut days = 0;
    let head = found.head.map_or(0, |(seq, _)| seq.0);
    chunks(reader, sql::ALL_DAYS, 3, |row, last| {
        // A day that was cut while the journal was walked is not yet to be counted; one behind the journal's end is.
        let cut_meanwhile = last >= head && reader.link_at(Seq(last))?.is_some();
        days += u64::from(!cut_meanwhile);
        let (date, body, tail) = (archive::text(row, 0)?, archive::blob(row, 5)?, archive::blob(row, 6)?);
        if unsummed(body, &"").is_err() || unsummed(tail, &"").is_err() {
            found.find(format!("day {date}"), "its figures are not what was written");
        }
        Ok(())
    })?;
    if days > found.days && !found.incomplete {
        found.find("the days", format!("the archive has {days} closed days, the journal closed {}", found.days));
    }
    let late = reader.with(|conn| {
        collect(conn, sql::CARDS_TOO_LONG, [], |row| unsigned(row.get(0).map_err(plain)?, "a payment's id"))
    })?;
    for id in late {
        found.find(super::payment(id), "its batch has ended, and its card is still kept");
    }
    Ok(())
}

/// Every row of a query that takes the last key and has a LIMIT.
fn chunks(
    reader: &Reader,
    query: &str,
    key: usize,
    mut each: impl FnMut(&rusqlite::Row<'_>, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after = Seq(0);
    loop {
        let last = reader.with(|conn| {
            let mut stmt = conn.prepare_cached(query).map_err(plain)?;
            let mut rows = stmt.query([int(after.0)?]).map_err(plain)?;
            let mut last = None;
            while let Some(row) = rows.next().map_err(plain)? {
                let number = unsigned(row.get(key).map_err(plain)?, "a key")?;
                each(row, number)?;
                last = Some(Seq(number));
            }
            Ok(last)
        })?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}
