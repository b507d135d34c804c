//! Read-only connections for everybody but the writer: API, reports, printing, verification.
//!
//! Each call is a read of its own and short: a reader that stays open would keep the WAL from being emptied. What a reader sees is durable.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::archive::{self, ArchivedBatch, Job, PinRow, blob, collect};
use super::cases;
use super::convert::{bytes32, int, payment, record, unsigned};
use super::error::plain;
use super::imports;
use super::open;
use super::options::StoreOptions;
use super::statements as sql;
use crate::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, PaymentId, PrinterId, RequestId, Seq, ShiftNo, Stan, State, StatementNo,
    TerminalId,
};
use crate::core::journal::{Link, Record};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, DayRow, History, Page, PrintWhat, Recount, ShiftRow, StoreError, StoryLine};
use crate::core::suspense::Case;

/// Connections kept open between calls.
const KEPT: usize = 4;

/// Rows of the journal that are read at a time.
const CHUNK: u64 = 2_048;

/// Takes a row as it lies there: number, bytes, link.
type RawRow<'a> = dyn FnMut(Seq, &[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Which payments a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Of this day.
    pub day: Option<BusinessDate>,
    /// Of this device.
    pub device: Option<TerminalId>,
    /// Of this cashier.
    pub cashier: Option<CashierId>,
    /// In this state.
    pub state: Option<State>,
    /// Older than this payment: the cursor of the page before.
    pub cursor: Option<PaymentId>,
    /// At most so many (1 to 500; 0 means 100).
    pub limit: u32,
}

/// A pool of read-only connections. A clone shares it.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    options: StoreOptions,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// Opens readers of a store that exists.
    pub fn open(options: &StoreOptions) -> Result<Reader, StoreError> {
        let first = open::reader(options)?;
        Ok(Reader { pool: Arc::new(Pool { options: options.clone(), idle: Mutex::new(vec![first]) }) })
    }

    /// Runs a read on a connection of the pool.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open::reader(&self.pool.options)?,
        };
        let result = read(&conn);
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(conn);
        }
        result
    }

    /// The last row and its link.
    pub fn head(&self) -> Result<Option<(Seq, Link)>, StoreError> {
        self.with(archive::head)
    }

    /// The link of a row: for the mark.
    pub fn link_at(&self, seq: Seq) -> Result<Option<Link>, StoreError> {
        self.with(|conn| archive::link_at(conn, seq))
    }

    /// Payments, newest first. A page may be shorter than its limit, even empty, and still have a cursor: a rare filter over many payments.
    pub fn payments(&self, filter: &PaymentFilter) -> Result<Page<Payment>, StoreError> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit.min(500) } as usize;
        let under_way = filter.state.is_some_and(|s| {
            matches!(
                s,
                State::Waiting | State::Sent | State::Unknown | State::Stored | State::SetAside | State::Rejected
            )
        });
        let query = match (filter.day, under_way) {
            (Some(_), _) => sql::PAYMENTS_OF_DAY,
            (None, true) => sql::PAYMENTS_OPEN,
            (None, false) => sql::PAYMENTS,
        };
        let before = filter.cursor.map_or(Ok(i64::MAX), |id| int(id.0))?;
        self.with(|conn| {
            let mut stmt = conn.prepare_cached(query).map_err(plain)?;
            let (device, cashier) =
                (filter.device.as_ref().map(TerminalId::as_str), filter.cashier.as_ref().map(CashierId::as_str));
            let state = filter.state.map(State::as_str);
            let day = filter.day.map(|d| d.to_string());
            let mut rows = if day.is_some() {
                stmt.query(params![device, cashier, state, before, day])
            } else {
                stmt.query(params![device, cashier, state, before])
            }
            .map_err(plain)?;
            let (mut items, mut looked_at, mut last) = (Vec::new(), 0u32, None);
            while let Some(row) = rows.next().map_err(plain)? {
                if items.len() == limit {
                    return Ok(Page { items, next_cursor: last.map(|id: PaymentId| id.to_string()) });
                }
                let id = unsigned(row.get(0).map_err(plain)?, "a payment's id")?;
                if row.get::<_, bool>(2).map_err(plain)? {
                    items.push(payment(id, blob(row, 1)?)?);
                }
                last = Some(PaymentId(id));
                looked_at += 1;
            }
            let more = looked_at == sql::PAYMENTS_LOOKED_AT;
            Ok(Page { items, next_cursor: last.filter(|_| more).map(|id| id.to_string()) })
        })
    }

    /// The journal rows about a payment, oldest first, at most 1,000.
    pub fn story(&self, id: PaymentId) -> Result<Vec<StoryLine>, StoreError> {
        self.with(|conn| {
            collect(conn, sql::STORY, [int(id.0)?], |row| {
                let seq = Seq(unsigned(row.get(0).map_err(plain)?, "a row's number")?);
                let record = record(seq, blob(row, 1)?)?;
                Ok(StoryLine {
                    seq: seq.0,
                    at: chrono::DateTime::from_timestamp_millis(record.at.0)
                        .unwrap_or_default()
                        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                    event: serde_json::to_value(&record.event).unwrap_or_default(),
                    means: None,
                })
            })
        })
    }

    /// Gives the rows `from..=to` in order, with their links, reading a few thousand at a time. For the state as of a row, journals in print, salvage.
    pub fn records(
        &self,
        from: Seq,
        to: Seq,
        each: &mut dyn FnMut(Record, Link) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.raw_rows(from, to, &mut |seq, bytes, link| each(record(seq, bytes)?, bytes32(link, "a link")?))
    }

    /// Rows as they lie there, unread.
    pub(super) fn raw_rows(&self, from: Seq, to: Seq, each: &mut RawRow<'_>) -> Result<(), StoreError> {
        let mut next = from.0;
        let to = to.0.min(i64::MAX as u64);
        while next <= to {
            let read = self.with(|conn| {
                let mut stmt = conn.prepare_cached(sql::ROWS).map_err(plain)?;
                let mut rows = stmt.query(params![int(next)?, int(to)?, int(CHUNK)?]).map_err(plain)?;
                let mut last = None;
                while let Some(row) = rows.next().map_err(plain)? {
                    let seq = unsigned(row.get(0).map_err(plain)?, "a row's number")?;
                    each(Seq(seq), blob(row, 1)?, blob(row, 2)?)?;
                    last = Some(seq);
                }
                Ok(last)
            })?;
            match read {
                Some(last) => next = last.saturating_add(1),
                None => break,
            }
        }
        Ok(())
    }

    /// A day that was cut.
    pub fn day(&self, date: BusinessDate) -> Result<Option<DayRow>, StoreError> {
        self.with(|conn| Ok(collect(conn, sql::DAY, [date.to_string()], archive::archived_day)?.pop()))
    }

    /// The day of a Z number.
    pub fn day_by_z(&self, z: u32) -> Result<Option<DayRow>, StoreError> {
        self.with(|conn| Ok(collect(conn, sql::DAY_BY_Z, [z], archive::archived_day)?.pop()))
    }

    /// The head of the journal when a payment was last written.
    pub fn written_at(&self, id: PaymentId) -> Result<Option<Seq>, StoreError> {
        self.with(|conn| {
            let row = |row: &rusqlite::Row<'_>| unsigned(row.get(0).map_err(plain)?, "a row's number").map(Seq);
            Ok(collect(conn, sql::WRITTEN_AT, [int(id.0)?], row)?.pop())
        })
    }

    /// Days that were cut, newest first, before a date.
    pub fn days(&self, before: Option<BusinessDate>, limit: u32) -> Result<Vec<DayRow>, StoreError> {
        // Dates are text and sort as such; ":" comes after every digit.
        let before = before.map_or_else(|| ":".to_owned(), |d| d.to_string());
        self.with(|conn| collect(conn, sql::DAYS, params![before, limit], archive::archived_day))
    }

    /// A shift that has ended.
    pub fn shift(&self, shift: ShiftNo) -> Result<Option<ShiftRow>, StoreError> {
        self.with(|conn| Ok(collect(conn, sql::SHIFT, [shift.0], archive::archived_shift)?.pop()))
    }

    /// Shifts that were closed on a day.
    pub fn shifts_of(&self, date: BusinessDate) -> Result<Vec<ShiftRow>, StoreError> {
        self.with(|conn| collect(conn, sql::SHIFTS_OF_DAY, [date.to_string()], archive::archived_shift))
    }

    /// A batch, the youngest of its number.
    pub fn batch(&self, terminal: &TerminalId, batch: BatchNo) -> Result<Option<ArchivedBatch>, StoreError> {
        self.with(|conn| {
            Ok(collect(conn, sql::BATCH, params![terminal.as_str(), batch.0], archive::archived_batch)?.pop())
        })
    }

    /// A terminal's batches, newest first.
    pub fn batches(&self, terminal: &TerminalId, limit: u32) -> Result<Vec<ArchivedBatch>, StoreError> {
        self.with(|conn| collect(conn, sql::BATCHES, params![terminal.as_str(), limit], archive::archived_batch))
    }

    /// The archived batches that hold a payment of a day.
    pub fn batches_of(&self, date: BusinessDate) -> Result<Vec<ArchivedBatch>, StoreError> {
        self.with(|conn| collect(conn, sql::BATCHES_OF_DAY, [date.to_string()], archive::archived_batch))
    }

    /// Print jobs that are not done, of one printer or of all, oldest first.
    pub fn jobs(&self, printer: Option<&PrinterId>, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.with(|conn| collect(conn, sql::JOBS, params![printer.map(PrinterId::as_str), limit], archive::job))
    }

    /// One print job.
    pub fn job(&self, id: u64) -> Result<Option<Job>, StoreError> {
        self.with(|conn| Ok(collect(conn, sql::JOB, [int(id)?], archive::job)?.pop()))
    }

    /// How many print jobs wait for a printer.
    pub fn jobs_waiting(&self, printer: &PrinterId) -> Result<u64, StoreError> {
        self.with(|conn| {
            let mut stmt = conn.prepare_cached(sql::JOBS_WAITING).map_err(plain)?;
            let n = stmt.query_row([printer.as_str()], |r| r.get(0)).optional().map_err(plain)?;
            unsigned(n.unwrap_or(0), "a count")
        })
    }

    /// What the door knows of a person.
    pub fn pin(&self, cashier: &CashierId) -> Result<Option<PinRow>, StoreError> {
        self.with(|conn| archive::pin(conn, cashier))
    }
}

/// The state as of a row, made beside the writer.
impl History for Reader {
    fn snapshot(&self, before: Option<Seq>) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
        self.with(|conn| archive::snapshot(conn, before))
    }

    fn replay(
        &self,
        after: Seq,
        until: Option<Seq>,
        each: &mut dyn FnMut(Record, Link) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.records(Seq(after.0.saturating_add(1)), until.unwrap_or(Seq(u64::MAX)), each)
    }
}

/// Look-ups for reports and replays beside the writer. They see what is durable.
impl Archive for Reader {
    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.with(|conn| archive::payment_by_id(conn, id))
    }

    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentId>, StoreError> {
        self.with(|conn| archive::by_request(conn, request))
    }

    fn by_stan(&self, terminal: &TerminalId, batch: BatchNo, stan: Stan) -> Result<Option<PaymentId>, StoreError> {
        self.with(|conn| archive::by_stan(conn, terminal, batch, stan))
    }

    fn refunds_naming(&self, rrn: &str) -> Result<Vec<Payment>, StoreError> {
        self.with(|conn| archive::refunds_naming(conn, rrn))
    }

    fn batch_members(&self, terminal: &TerminalId, batch: BatchNo, first: Seq) -> Result<Vec<PaymentId>, StoreError> {
        self.with(|conn| archive::batch_members(conn, terminal, batch, first))
    }

    fn recount(&self, date: BusinessDate) -> Result<Recount, StoreError> {
        self.with(|conn| archive::recount(conn, date))
    }

    fn suspects(&self, date: BusinessDate) -> Result<Vec<PaymentId>, StoreError> {
        self.with(|conn| archive::suspects(conn, date))
    }

    fn sealed_card(&self, id: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|conn| archive::sealed_card(conn, id))
    }

    fn times_printed(&self, what: &PrintWhat) -> Result<u32, StoreError> {
        self.with(|conn| archive::times_printed(conn, what))
    }

    fn case(&self, no: CaseNo) -> Result<Option<Case>, StoreError> {
        self.with(|conn| cases::case(conn, no))
    }

    fn case_of(&self, format: &str, key: &str) -> Result<Option<CaseNo>, StoreError> {
        self.with(|conn| cases::case_of(conn, format, key))
    }

    fn case_refunded_by(&self, refund: PaymentId) -> Result<Option<CaseNo>, StoreError> {
        self.with(|conn| cases::case_refunded_by(conn, refund))
    }

    fn cases_on(&self, format: &str, first: BusinessDate, last: BusinessDate) -> Result<Vec<CaseNo>, StoreError> {
        self.with(|conn| cases::cases_on(conn, format, first, last))
    }

    fn statement_of(&self, hash: &[u8; 32]) -> Result<(Option<StatementNo>, StatementNo), StoreError> {
        self.with(|conn| imports::statement_of(conn, hash))
    }
}
