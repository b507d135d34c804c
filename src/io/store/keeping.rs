//! Copies of a store, and what of it hangs on the data key. A copy is one moment of the store, without the free pages.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use super::archive::{blob, collect, text};
use super::convert::{small, unsigned};
use super::error::{damaged, plain};
use super::migrate::SCHEMA_VERSION;
use super::options::{StoreOptions, make_private};
use super::reader::Reader;
use super::statements as sql;
use super::writer::SqliteStore;
use crate::core::domain::{BatchNo, PaymentId, Seq, TerminalId};
use crate::core::ledger::FOLD_VERSION;
use crate::core::ports::{Store, StoreError};

/// Seals again what was sealed.
pub type ResealCard<'a> = dyn FnMut(PaymentId, &[u8]) -> Result<Vec<u8>, StoreError> + 'a;

/// Seals the open day's keys again.
pub type ResealKeys<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, StoreError> + 'a;

/// A batch's name and rung.
pub type BatchAt = (TerminalId, BatchNo, Seq, String);

/// Writes a copy of a store beside whoever writes it; `to` must not exist.
pub fn copy_to(options: &StoreOptions, to: &Path) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::Io(format!("{}: {e}", to.display()));
    if to.exists() {
        return Err(StoreError::Unusable(format!("{} is there already: name another file", to.display())));
    }
    // What is not one of ours is said as such.
    drop(Reader::open(options)?);
    make_private(to)?;
    let done = (|| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&options.path, flags).map_err(plain)?;
        conn.busy_timeout(std::time::Duration::from_millis(options.busy_ms.into())).map_err(plain)?;
        conn.execute_batch("PRAGMA temp_store=MEMORY").map_err(plain)?;
        let name = to.to_str().ok_or_else(|| StoreError::Unusable("the file's name is not UTF-8".into()))?;
        conn.execute("VACUUM INTO ?1", [name]).map_err(plain)?;
        std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(failed)
    })();
    if done.is_err() {
        let _ = std::fs::remove_file(to);
    }
    done
}

impl Reader {
    /// An older tilld wrote it: its tables, or what lies in them, have another shape until a start has made them anew.
    pub fn is_older(&self) -> Result<bool, StoreError> {
        self.with(|conn| {
            let schema: i32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(plain)?;
            if schema < SCHEMA_VERSION {
                return Ok(true);
            }
            let fold: String = conn.query_row(sql::FOLD, [], |row| row.get(0)).map_err(plain)?;
            Ok(fold.parse::<u32>().is_ok_and(|fold| fold < FOLD_VERSION))
        })
    }

    /// Every batch that was ever asked to be settled, with its rung.
    pub fn asked_batches(&self) -> Result<Vec<BatchAt>, StoreError> {
        self.with(|conn| {
            collect(conn, sql::ASKED_BATCHES, [], |row| {
                Ok((
                    TerminalId::new(text(row, 0)?).map_err(damaged)?,
                    BatchNo(small(row.get(1).map_err(plain)?, "a batch number")?),
                    Seq(unsigned(row.get(2).map_err(plain)?, "a batch's first row")?),
                    text(row, 3)?.to_owned(),
                ))
            })
        })
    }
}

impl SqliteStore {
    /// Puts everything that is sealed under another key, in one commit. How many cards there were.
    pub fn reseal(&mut self, card: &mut ResealCard<'_>, day_keys: &ResealKeys<'_>) -> Result<usize, StoreError> {
        let cards = collect(self.conn(), sql::ALL_CARDS, [], |row| {
            Ok((PaymentId(unsigned(row.get(0).map_err(plain)?, "a payment's id")?), blob(row, 1)?.to_vec()))
        })?;
        let sealed = self.day_keys()?.ok_or_else(|| damaged("the open day has no keys"))?;
        self.begin()?;
        let done = cards
            .iter()
            .try_for_each(|(id, sealed)| self.put_card(*id, &card(*id, sealed)?))
            .and_then(|()| self.put_day_keys(&day_keys(&sealed)?))
            .and_then(|()| self.commit());
        if done.is_err() {
            self.rollback();
        }
        done.map(|()| cards.len())
    }
}

/// What can still be read of a journal that is damaged, row by row: number, bytes, link; and where nothing could be.
pub fn readable_rows(path: &Path, mut each: impl FnMut(Seq, Option<(Vec<u8>, Vec<u8>)>)) -> Result<(), StoreError> {
    /// So many rows in a row that are not there are the end of the journal, where the last one cannot be asked for.
    const GAP: u64 = 4_096;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(plain)?;
    let last: Option<i64> = conn.query_row("SELECT max(seq) FROM journal", [], |r| r.get(0)).unwrap_or(None);
    let (mut seq, mut missing) = (1u64, 0u64);
    loop {
        let known = last.is_some_and(|last| seq <= last.unsigned_abs());
        if !known && missing > GAP {
            return Ok(());
        }
        let row = conn
            .prepare_cached(sql::RAW_ROW)
            .and_then(|mut stmt| stmt.query_row(params![seq.cast_signed()], |r| Ok((r.get(0)?, r.get(1)?))));
        missing = if row.is_ok() { 0 } else { missing + 1 };
        if known || row.is_ok() {
            each(Seq(seq), row.ok());
        }
        seq += 1;
    }
}
