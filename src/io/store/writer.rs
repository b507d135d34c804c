//! The one connection that writes. It belongs to the writer's thread; nobody else may have it.
//!
//! Checkpoints happen here only: when the writer is idle ([`SqliteStore::tidy`]), or within a commit where the WAL has grown to four times that bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, OptionalExtension, params};

use super::archive::{self, Job, JobState, blob, what_text};
use super::cases;
use super::convert::{body, bytes32, event_word, int, record, running, summed, unsigned};
use super::error::{damaged, plain};
use super::imports;
use super::open;
use super::options::{Ownership, StoreOptions};
use super::payments;
use super::reader::Reader;
use super::statements as sql;
use crate::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, PaymentId, PrinterId, RequestId, Seq, Stan, StatementNo, TerminalId,
    WallMs,
};
use crate::core::journal::{GENESIS, Link, Record, StatementBooked, StatementTaken};
use crate::core::payment::{Payment, Slot};
use crate::core::ports::{
    Archive, BatchRow, DayRow, History, JobRow, PrintWhat, Recount, Row, ShiftRow, Store, StoreError,
};
use crate::core::suspense::Case;

/// The store, for the writer.
#[derive(Debug)]
pub struct SqliteStore {
    conn: Connection,
    options: StoreOptions,
    _owner: Option<Ownership>,
    stage: Stage,
    /// The last durable row.
    head: (Seq, Link),
    /// The last row of the open transaction.
    last: (Seq, Link),
    /// Days of the open transaction: written at its end, when the payments that they seal are in place.
    days: Vec<DayRow>,
    /// Pages in the WAL as of the last commit.
    wal_pages: Arc<AtomicU32>,
    /// Cards or keys were erased: the WAL still has their pages.
    scrub: bool,
    /// Why the last checkpoint failed.
    trouble: Option<StoreError>,
    /// A commit failed after its rows may have reached the WAL: SQLite has let go of them, and a start after a power cut would find them whole.
    doubt: bool,
    dates: DateText,
    buffer: Vec<u8>,
}

/// Where the transaction stands. After an error SQLite may have ended it by itself: whatever came next would be committed row by row.
#[derive(Debug)]
enum Stage {
    Idle,
    Open,
    Broken(StoreError),
}

impl SqliteStore {
    /// Takes the store, makes or migrates it.
    pub fn open(options: &StoreOptions) -> Result<SqliteStore, StoreError> {
        let owner = if options.exclusive { Some(Ownership::take(&options.path)?) } else { None };
        let mut conn = open::writer(options)?;
        let wal_pages = Arc::new(AtomicU32::new(0));
        let pages = Arc::clone(&wal_pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n: std::ffi::c_int| {
            pages.store(u32::try_from(n).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
        .map_err(plain)?;
        let head = archive::head(&conn)?.unwrap_or((Seq(0), GENESIS));
        Ok(SqliteStore {
            conn,
            options: options.clone(),
            _owner: owner,
            stage: Stage::Idle,
            head,
            last: head,
            days: Vec::new(),
            wal_pages,
            // A log that a power cut left may hold what was erased just before.
            scrub: true,
            trouble: None,
            doubt: false,
            dates: DateText::default(),
            buffer: Vec::new(),
        })
    }

    /// The connection, for look-ups that stand in other files.
    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Readers of the same store.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.options)
    }

    /// The last durable row and its link; row 0 and [`GENESIS`] where there is none.
    #[must_use]
    pub fn head(&self) -> (Seq, Link) {
        self.head
    }

    /// Pages in the write-ahead log as of the last commit.
    #[must_use]
    pub fn wal_pages(&self) -> u32 {
        self.wal_pages.load(Ordering::Relaxed)
    }

    /// To be called when nothing waits, about once a second: empties the WAL where it has grown, or still has pages of erased cards and keys.
    /// An error here has lost nothing, and the next call tries again; it is worth a line in the log.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        if !matches!(self.stage, Stage::Idle) || !self.options.has_wal() {
            return Ok(());
        }
        if self.scrub {
            // Readers may be at work: not now is no error, and the writer does not wait for them.
            self.conn.busy_timeout(std::time::Duration::ZERO).map_err(plain)?;
            let done = self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)");
            self.conn.busy_timeout(std::time::Duration::from_millis(self.options.busy_ms.into())).map_err(plain)?;
            self.scrub = !done?;
        } else if self.wal_pages() >= self.options.checkpoint_pages {
            self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        self.trouble.take().map_or(Ok(()), Err)
    }

    /// Whether all of the WAL went into the database.
    fn checkpoint(&mut self, pragma: &str) -> Result<bool, StoreError> {
        let (busy, log, done): (i64, i64, i64) =
            self.conn.query_row(pragma, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).map_err(plain)?;
        let whole = busy == 0 && log == done;
        if whole {
            self.wal_pages.store(0, Ordering::Relaxed);
        }
        Ok(whole)
    }

    /// A commit of its own on a side row: what the watchdog is fed by.
    pub fn probe(&mut self) -> Result<(), StoreError> {
        self.alone(|conn| conn.prepare_cached(sql::PROBE)?.execute([]).map(drop))
    }

    /// The oldest queued job of a printer, durably `printing` from here on.
    pub fn claim_job(&mut self, printer: &PrinterId) -> Result<Option<Job>, StoreError> {
        self.finish_and_claim(printer, None)
    }

    /// Like [`SqliteStore::claim_job`]; `finished` is `done` in the same commit.
    pub fn finish_and_claim(&mut self, printer: &PrinterId, finished: Option<u64>) -> Result<Option<Job>, StoreError> {
        let claimed = self.alone(|conn| {
            if let Some(id) = finished {
                set_job(conn, id, JobState::Done)?;
            }
            let mut stmt = conn.prepare_cached(sql::CLAIM_JOB)?;
            let mut rows = stmt.query([printer.as_str()])?;
            let claimed = rows.next()?.map(archive::job);
            // An UPDATE … RETURNING is complete only when it was stepped to its end.
            while rows.next()?.is_some() {}
            Ok(claimed)
        })?;
        claimed.transpose()
    }

    /// The printer says that it is done, or it was given up.
    pub fn finish_job(&mut self, id: u64) -> Result<(), StoreError> {
        self.alone(|conn| set_job(conn, id, JobState::Done))
    }

    /// No byte of it was printed: back into the queue, as it was.
    pub fn requeue_job(&mut self, id: u64) -> Result<(), StoreError> {
        self.alone(|conn| set_job(conn, id, JobState::Queued))
    }

    /// Some of it may have been printed: back into the queue with the reprint mark.
    pub fn requeue_as_reprint(&mut self, id: u64, reprint: u32) -> Result<(), StoreError> {
        self.alone(|conn| conn.prepare_cached(sql::REPRINT_JOB)?.execute(params![signed(id), reprint]).map(drop))
    }

    /// All that were begun and never done, however many wait: back into the queue, as they were. For a start, before any printer asks. How many
    /// there were.
    pub fn requeue_begun(&mut self) -> Result<usize, StoreError> {
        self.alone(|conn| conn.prepare_cached(sql::REQUEUE_BEGUN)?.execute([]))
    }

    /// Forgets done jobs (not reprints: their numbers go on) that were queued before this row, the oldest first, so many at most: whoever sells
    /// meanwhile waits. How many went.
    pub fn prune_jobs(&mut self, before: Seq, most: u32) -> Result<usize, StoreError> {
        self.alone(|conn| conn.prepare_cached(sql::PRUNE_JOBS)?.execute(params![signed(before.0), most]))
    }

    /// What the door counted of a person's wrong PINs.
    pub fn set_pin_state(
        &mut self,
        cashier: &CashierId,
        failures: u32,
        locked_until: WallMs,
    ) -> Result<(), StoreError> {
        self.alone(|conn| {
            conn.prepare_cached(sql::SET_PIN_STATE)?
                .execute(params![cashier.as_str(), failures, locked_until.0])
                .map(drop)
        })
    }

    /// A short transaction of its own, between two of the writer's.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.begin()?;
        let done = self.write(work)?;
        self.commit()?;
        Ok(done)
    }

    /// One statement of the open transaction; after an error no other follows.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.in_transaction()?;
        work(&self.conn).map_err(|e| self.broken(plain(e)))
    }

    fn in_transaction(&mut self) -> Result<(), StoreError> {
        match &self.stage {
            Stage::Broken(why) => Err(why.clone()),
            Stage::Idle => Err(StoreError::Unusable("a row was written outside of a transaction".into())),
            Stage::Open if self.conn.is_autocommit() => {
                Err(self.broken(StoreError::Io("SQLite gave the transaction up: check the disk".into())))
            }
            Stage::Open => Ok(()),
        }
    }

    pub(super) fn broken(&mut self, why: StoreError) -> StoreError {
        self.stage = Stage::Broken(why.clone());
        why
    }

    /// Writes a commit of its own over what a failed one may have left in the WAL, at the same place: from then on no start finds that any more.
    fn overwrite(&mut self) -> Result<(), StoreError> {
        if self.doubt {
            let statements = ["BEGIN IMMEDIATE", sql::PROBE, "COMMIT"];
            let done = statements.iter().try_for_each(|text| self.conn.prepare_cached(text)?.execute([]).map(drop));
            if let Err(error) = done {
                self.roll_back();
                return Err(plain(error));
            }
            self.doubt = false;
        }
        Ok(())
    }

    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(e) = self.conn.prepare_cached("ROLLBACK").and_then(|mut s| s.execute([]))
        {
            log::error!("a transaction could not be rolled back: {e}");
        }
    }

    fn write_days(&mut self) -> Result<(), StoreError> {
        for day in std::mem::take(&mut self.days) {
            let changed = self.write(|conn| {
                conn.prepare_cached(sql::PUT_DAY)?.execute(params![
                    day.date.to_string(),
                    day.z,
                    signed(day.first.0),
                    signed(day.last.0),
                    day.root,
                    summed(&day.body),
                    summed(&day.tail)
                ])
            })?;
            if changed != 1 {
                let date = day.date;
                return Err(self.broken(damaged(format!("{date} is closed with other rows or another root"))));
            }
        }
        Ok(())
    }
}

fn set_job(conn: &Connection, id: u64, state: JobState) -> rusqlite::Result<()> {
    conn.prepare_cached(sql::SET_JOB)?.execute(params![signed(id), state.as_str()]).map(drop)
}

/// For numbers that SQLite gave us, or that the journal's trigger checks: what does not fit becomes what no row has.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(-1)
}

/// Nearly all rows of a transaction have the same date: its text is made once.
#[derive(Debug, Default)]
struct DateText {
    date: Option<BusinessDate>,
    text: String,
}

impl DateText {
    fn of(&mut self, date: BusinessDate) -> &str {
        if self.date != Some(date) {
            self.text = date.to_string();
            self.date = Some(date);
        }
        &self.text
    }
}

impl Archive for SqliteStore {
    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        archive::payment_by_id(&self.conn, id)
    }

    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentId>, StoreError> {
        archive::by_request(&self.conn, request)
    }

    fn by_stan(&self, terminal: &TerminalId, batch: BatchNo, stan: Stan) -> Result<Option<PaymentId>, StoreError> {
        archive::by_stan(&self.conn, terminal, batch, stan)
    }

    fn refunds_naming(&self, rrn: &str) -> Result<Vec<Payment>, StoreError> {
        archive::refunds_naming(&self.conn, rrn)
    }

    fn batch_members(&self, terminal: &TerminalId, batch: BatchNo, first: Seq) -> Result<Vec<PaymentId>, StoreError> {
        archive::batch_members(&self.conn, terminal, batch, first)
    }

    fn recount(&self, date: BusinessDate) -> Result<Recount, StoreError> {
        archive::recount(&self.conn, date)
    }

    fn suspects(&self, date: BusinessDate) -> Result<Vec<PaymentId>, StoreError> {
        archive::suspects(&self.conn, date)
    }

    fn sealed_card(&self, id: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
        archive::sealed_card(&self.conn, id)
    }

    fn times_printed(&self, what: &PrintWhat) -> Result<u32, StoreError> {
        archive::times_printed(&self.conn, what)
    }

    fn case(&self, no: CaseNo) -> Result<Option<Case>, StoreError> {
        cases::case(&self.conn, no)
    }

    fn case_of(&self, format: &str, key: &str) -> Result<Option<CaseNo>, StoreError> {
        cases::case_of(&self.conn, format, key)
    }

    fn case_refunded_by(&self, refund: PaymentId) -> Result<Option<CaseNo>, StoreError> {
        cases::case_refunded_by(&self.conn, refund)
    }

    fn cases_on(&self, format: &str, first: BusinessDate, last: BusinessDate) -> Result<Vec<CaseNo>, StoreError> {
        cases::cases_on(&self.conn, format, first, last)
    }

    fn statement_of(&self, hash: &[u8; 32]) -> Result<(Option<StatementNo>, StatementNo), StoreError> {
        imports::statement_of(&self.conn, hash)
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        if !matches!(self.stage, Stage::Idle) {
            return Err(StoreError::Unusable("a transaction was begun within another".into()));
        }
        if !self.conn.is_autocommit() {
            // An earlier ROLLBACK failed on a failing disk.
            self.rollback();
        }
        self.overwrite()?;
        self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([])).map_err(plain)?;
        self.stage = Stage::Open;
        self.last = self.head;
        Ok(())
    }

    fn append(&mut self, row: &Row) -> Result<(), StoreError> {
        self.in_transaction()?;
        let record = &row.record;
        let [sale_n, sale, refund_n, refund, void_n, void, voucher_n, voucher] = running(&record.running)?;
        let seq = int(record.seq.0)?;
        let effect = record.effect.as_ref();
        let payment = row.payment.or(effect.map(|e| e.payment)).map(|p| signed(p.0));
        let date = self.dates.of(record.date);
        let done = self.conn.prepare_cached(sql::APPEND).and_then(|mut stmt| {
            stmt.execute(params![
                seq,
                record.at.0,
                date,
                event_word(&record.event),
                payment,
                effect.map(|e| e.column.as_str()),
                effect.map(|e| e.amount.0),
                effect.map(|e| e.cashier.as_str()),
                effect.map(|e| e.device.as_str()),
                effect.map(|e| e.method.as_str()),
                sale_n,
                sale,
                refund_n,
                refund,
                void_n,
                void,
                voucher_n,
                voucher,
                row.bytes,
                row.link,
                row.hmac
            ])
        });
        done.map_err(|e| self.broken(plain(e)))?;
        self.last = (record.seq, row.link);
        Ok(())
    }

    fn put_payment(&mut self, payment: &Payment, slot: Option<&Slot>) -> Result<(), StoreError> {
        self.in_transaction()?;
        let last = int(self.last.0.0)?;
        self.buffer = body(payment, std::mem::take(&mut self.buffer));
        match payments::put(&self.conn, payment, slot, self.dates.of(payment.date), last, &self.buffer) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.broken(damaged(format!("{} was made of something else", payment.id)))),
            Err(e) => Err(self.broken(plain(e))),
        }
    }

    fn put_card(&mut self, id: PaymentId, sealed: &[u8]) -> Result<(), StoreError> {
        self.write(|conn| conn.prepare_cached(sql::PUT_CARD)?.execute(params![signed(id.0), sealed]).map(drop))
    }

    fn erase_cards(&mut self, ids: &[PaymentId]) -> Result<(), StoreError> {
        let erased = self.write(|conn| {
            let mut stmt = conn.prepare_cached(sql::ERASE_CARD)?;
            ids.iter().try_fold(0, |n, id| Ok(n + stmt.execute([signed(id.0)])?))
        })?;
        self.scrub |= erased > 0;
        Ok(())
    }

    fn put_shift(&mut self, shift: &ShiftRow) -> Result<(), StoreError> {
        let (cashier, closed) = (shift.cashier.as_str(), shift.closed.to_string());
        let changed = self.write(|conn| {
            conn.prepare_cached(sql::PUT_SHIFT)?.execute(params![shift.shift.0, cashier, closed, summed(&shift.body)])
        })?;
        if changed != 1 {
            return Err(self.broken(damaged(format!("shift {} is another cashier's", shift.shift.0))));
        }
        Ok(())
    }

    fn put_batch(&mut self, batch: &BatchRow) -> Result<(), StoreError> {
        let first = int(batch.first.0)?;
        self.write(|conn| {
            let values = params![batch.terminal.as_str(), batch.batch.0, first, batch.rung, summed(&batch.body)];
            conn.prepare_cached(sql::PUT_BATCH)?.execute(values).map(drop)
        })
    }

    fn put_day(&mut self, day: &DayRow) -> Result<(), StoreError> {
        self.in_transaction()?;
        self.days.push(day.clone());
        Ok(())
    }

    fn put_job(&mut self, job: &JobRow) -> Result<(), StoreError> {
        let created = int(self.last.0.0)?;
        self.write(|conn| {
            let values = params![job.printer.as_str(), what_text(&job.what), job.reprint, created];
            conn.prepare_cached(sql::PUT_JOB)?.execute(values).map(drop)
        })
    }

    fn put_case(&mut self, case: &Case) -> Result<(), StoreError> {
        match self.write(|conn| cases::put_case(conn, case))? {
            1 => Ok(()),
            _ => Err(self.broken(damaged(format!("case {} is of another difference", case.no)))),
        }
    }

    fn put_statement(&mut self, taken: &StatementTaken, at: WallMs) -> Result<u32, StoreError> {
        self.write(|conn| imports::put_statement(conn, taken, at))
    }

    fn put_booked(&mut self, booked: &StatementBooked, row: Seq) -> Result<(), StoreError> {
        let row = int(row.0)?;
        self.write(|conn| imports::put_booked(conn, booked, row))
    }

    fn forget_awaited(&mut self, payment: PaymentId) -> Result<(), StoreError> {
        self.write(|conn| imports::forget_awaited(conn, payment))
    }

    fn put_pin(&mut self, cashier: &CashierId, hash: &[u8]) -> Result<(), StoreError> {
        self.write(|conn| conn.prepare_cached(sql::PUT_PIN)?.execute(params![cashier.as_str(), hash]).map(drop))
    }

    fn put_day_keys(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        self.write(|conn| conn.prepare_cached(sql::PUT_DAY_KEYS)?.execute([sealed]).map(drop))?;
        self.scrub = true;
        Ok(())
    }

    fn put_snapshot(&mut self, at: Seq, body: &[u8]) -> Result<(), StoreError> {
        let at = int(at.0)?;
        self.write(|conn| conn.prepare_cached(sql::PUT_SNAPSHOT)?.execute(params![at, summed(body)]).map(drop))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if let Err(why) = self.write_days() {
            self.rollback();
            return Err(why);
        }
        if let Err(why) = self.write(|conn| conn.prepare_cached("COMMIT")?.execute([]).map(drop)) {
            self.rollback();
            self.doubt = self.options.has_wal();
            let taken_back = self.overwrite().is_ok();
            return Err(if taken_back { why } else { StoreError::InDoubt(why.to_string()) });
        }
        self.stage = Stage::Idle;
        self.head = self.last;
        if self.wal_pages() >= self.options.checkpoint_pages.saturating_mul(4) {
            // The rows are durable whatever becomes of this: a failing checkpoint is tidy's to report.
            self.trouble = self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)").err();
        }
        Ok(())
    }

    fn rollback(&mut self) {
        self.roll_back();
        self.days.clear();
        self.last = self.head;
        self.stage = Stage::Idle;
    }

    fn day_keys(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut stmt = self.conn.prepare_cached(sql::DAY_KEYS).map_err(plain)?;
        stmt.query_row([], |r| r.get(0)).optional().map_err(plain)
    }
}

impl History for SqliteStore {
    fn snapshot(&self, before: Option<Seq>) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
        archive::snapshot(&self.conn, before)
    }

    fn replay(
        &self,
        after: Seq,
        until: Option<Seq>,
        each: &mut dyn FnMut(Record, Link) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut stmt = self.conn.prepare_cached(sql::REPLAY).map_err(plain)?;
        let until = until.map_or(Ok(i64::MAX), |until| int(until.0))?;
        let mut rows = stmt.query([int(after.0)?, until]).map_err(plain)?;
        while let Some(row) = rows.next().map_err(plain)? {
            let seq = Seq(unsigned(row.get(0).map_err(plain)?, "a row's number")?);
            each(record(seq, blob(row, 1)?)?, bytes32(blob(row, 2)?, "a link")?)?;
        }
        Ok(())
    }
}

impl Drop for SqliteStore {
    /// A graceful end leaves no WAL behind: the last connection that closes writes it back.
    fn drop(&mut self) {
        self.rollback();
        if let Err(error) = self.overwrite() {
            log::error!("whether the last commit is there will show at the next start: {error}");
        }
    }
}
