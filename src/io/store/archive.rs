//! Look-ups on any connection: the writer's (they see its open transaction) and the readers'. And the types of what was archived.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::convert::{bytes32, date, int, payment, small, tally_of, unsigned, unsummed};
use super::error::{damaged, plain};
use super::statements as sql;
use crate::core::domain::{
    BatchNo, BusinessDate, CashierId, Minor, PaymentId, PrinterId, RequestId, Seq, ShiftNo, Stan, TerminalId, WallMs,
    read_json,
};
use crate::core::journal::{Columns, Link};
use crate::core::payment::Payment;
use crate::core::ports::{DayRow, PrintWhat, Recount, ShiftRow, StoreError};

/// A batch as it was last archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedBatch {
    /// Its terminal.
    pub terminal: TerminalId,
    /// Its number at the acquirer.
    pub batch: BatchNo,
    /// Its first journal row.
    pub first: Seq,
    /// The word of its rung.
    pub rung: String,
    /// The whole.
    pub body: Vec<u8>,
}

/// Where a print job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// No byte of it was sent.
    Queued,
    /// Bytes of it may have been sent.
    Printing,
    /// The printer says that it is done, or it was given up.
    Done,
}

impl JobState {
    /// The column's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Printing => "printing",
            JobState::Done => "done",
        }
    }
}

/// A print job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number; jobs of a printer are printed in this order.
    pub id: u64,
    /// On which printer.
    pub printer: PrinterId,
    /// What.
    pub what: PrintWhat,
    /// 0: the original; n: the n-th reprint.
    pub reprint: u32,
    /// Where it stands.
    pub state: JobState,
    /// Head of the journal when it was queued.
    pub created: Seq,
    /// How often it was begun.
    pub tries: u32,
}

/// What the door knows of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRow {
    /// The vault's hash.
    pub hash: Vec<u8>,
    /// Wrong PINs since the last right one.
    pub failures: u32,
    /// No PIN is looked at before this wall-clock time.
    pub locked_until: WallMs,
}

pub(super) fn head(conn: &Connection) -> Result<Option<(Seq, Link)>, StoreError> {
    let mut stmt = conn.prepare_cached(sql::HEAD).map_err(plain)?;
    let row = stmt.query_row([], |r| Ok((r.get(0)?, r.get::<_, Vec<u8>>(1)?))).optional().map_err(plain)?;
    row.map(|(seq, link)| Ok((Seq(unsigned(seq, "the last row")?), bytes32(&link, "the last link")?))).transpose()
}

pub(super) fn link_at(conn: &Connection, seq: Seq) -> Result<Option<Link>, StoreError> {
    let mut stmt = conn.prepare_cached(sql::LINK).map_err(plain)?;
    let row = stmt.query_row([int(seq.0)?], |r| r.get::<_, Vec<u8>>(0)).optional().map_err(plain)?;
    row.map(|link| bytes32(&link, "a link")).transpose()
}

pub(super) fn payment_by_id(conn: &Connection, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    let mut stmt = conn.prepare_cached(sql::PAYMENT).map_err(plain)?;
    let mut rows = stmt.query([int(id.0)?]).map_err(plain)?;
    let Some(row) = rows.next().map_err(plain)? else { return Ok(None) };
    Ok(Some(payment(id.0, blob(row, 0)?)?))
}

pub(super) fn by_request(conn: &Connection, request: &RequestId) -> Result<Option<PaymentId>, StoreError> {
    one_id(conn, sql::BY_REQUEST, params![request.as_str()])
}

pub(super) fn by_stan(
    conn: &Connection,
    terminal: &TerminalId,
    batch: BatchNo,
    stan: Stan,
) -> Result<Option<PaymentId>, StoreError> {
    one_id(conn, sql::BY_STAN, params![terminal.as_str(), batch.0, stan.0])
}

pub(super) fn refunds_naming(conn: &Connection, rrn: &str) -> Result<Vec<Payment>, StoreError> {
    collect(conn, sql::REFUNDS_NAMING, [rrn.as_bytes()], |row| {
        payment(unsigned(row.get(0).map_err(plain)?, "a payment's id")?, blob(row, 1)?)
    })
}

pub(super) fn batch_members(
    conn: &Connection,
    terminal: &TerminalId,
    batch: BatchNo,
    first: Seq,
) -> Result<Vec<PaymentId>, StoreError> {
    ids(conn, sql::BATCH_MEMBERS, params![terminal.as_str(), batch.0, int(first.0)?])
}

pub(super) fn suspects(conn: &Connection, date: BusinessDate) -> Result<Vec<PaymentId>, StoreError> {
    ids(conn, sql::SUSPECTS, params![date.to_string()])
}

pub(super) fn recount(conn: &Connection, date: BusinessDate) -> Result<Recount, StoreError> {
    let date = date.to_string();
    let [by_cashier, by_device, by_method] = added_up(conn, sql::RECOUNT_EFFECTS, &date)?;
    let [by_slot] = added_up(conn, sql::RECOUNT_SLOTS, &date)?;
    Ok(Recount { by_cashier, by_device, by_method, by_slot })
}

/// Rows (effect, amount, then `N` keys), each key with its columns; sorted by key.
fn added_up<const N: usize>(
    conn: &Connection,
    query: &str,
    date: &str,
) -> Result<[Vec<(String, Columns)>; N], StoreError> {
    let mut stmt = conn.prepare_cached(query).map_err(plain)?;
    let mut rows = stmt.query([date]).map_err(plain)?;
    let mut groups: [HashMap<String, Columns>; N] = std::array::from_fn(|_| HashMap::new());
    while let Some(row) = rows.next().map_err(plain)? {
        let (effect, amount) = (text(row, 0)?, Minor(row.get(1).map_err(plain)?));
        for (n, groups) in groups.iter_mut().enumerate() {
            let key = text(row, n + 2)?;
            if !groups.contains_key(key) {
                groups.insert(key.to_owned(), Columns::default());
            }
            let columns = groups.get_mut(key).expect("one was put there if there was none");
            let tally = tally_of(columns, effect)?;
            tally.count += 1;
            tally.amount = tally
                .amount
                .checked_add(amount)
                .ok_or_else(|| damaged(format!("the amounts of {date} for {key} are more than there can be")))?;
        }
    }
    Ok(groups.map(|groups| {
        let mut sorted: Vec<_> = groups.into_iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        sorted
    }))
}

pub(super) fn snapshot(conn: &Connection, before: Option<Seq>) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
    let before = before.map(|seq| int(seq.0)).transpose()?;
    let newest = collect(conn, sql::SNAPSHOT, [before], |row| {
        let seq = Seq(unsigned(row.get(0).map_err(plain)?, "a snapshot's row")?);
        Ok((seq, unsummed(blob(row, 1)?, &"a snapshot")?.to_vec()))
    })?;
    Ok(newest.into_iter().next())
}

pub(super) fn sealed_card(conn: &Connection, id: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
    let mut stmt = conn.prepare_cached(sql::SEALED_CARD).map_err(plain)?;
    stmt.query_row([int(id.0)?], |r| r.get(0)).optional().map_err(plain)
}

pub(super) fn times_printed(conn: &Connection, what: &PrintWhat) -> Result<u32, StoreError> {
    let mut stmt = conn.prepare_cached(sql::TIMES_PRINTED).map_err(plain)?;
    small(stmt.query_row([what_text(what)], |r| r.get(0)).map_err(plain)?, "a reprint's number")
}

pub(super) fn pin(conn: &Connection, cashier: &CashierId) -> Result<Option<PinRow>, StoreError> {
    let mut stmt = conn.prepare_cached(sql::PIN).map_err(plain)?;
    let row = stmt
        .query_row([cashier.as_str()], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?, WallMs(r.get(2)?))))
        .optional()
        .map_err(plain)?;
    row.map(|(hash, failures, locked_until)| {
        Ok(PinRow { hash, failures: small(failures, "a count of failures")?, locked_until })
    })
    .transpose()
}

/// What is printed, as its column has it. The same thing is always the same text.
pub(super) fn what_text(what: &PrintWhat) -> String {
    serde_json::to_string(what).expect("a print job is a plain enum of ids, dates and numbers")
}

pub(super) fn job(row: &SqlRow<'_>) -> Result<Job, StoreError> {
    let id = unsigned(row.get(0).map_err(plain)?, "a job's number")?;
    let wrong = |what: String| damaged(format!("print job {id}: {what}"));
    Ok(Job {
        id,
        printer: PrinterId::new(text(row, 1)?).map_err(wrong)?,
        what: read_json(text(row, 2)?.as_bytes()).map_err(|e| wrong(e.to_string()))?,
        reprint: small(row.get(3).map_err(plain)?, "a reprint's number")?,
        state: match text(row, 4)? {
            "queued" => JobState::Queued,
            "printing" => JobState::Printing,
            "done" => JobState::Done,
            other => return Err(wrong(format!("{other:?} is no state"))),
        },
        created: Seq(unsigned(row.get(5).map_err(plain)?, "a job's row")?),
        tries: small(row.get(6).map_err(plain)?, "a job's tries")?,
    })
}

pub(super) fn archived_day(row: &SqlRow<'_>) -> Result<DayRow, StoreError> {
    Ok(DayRow {
        date: date(text(row, 0)?)?,
        z: small(row.get(1).map_err(plain)?, "a Z number")?,
        first: Seq(unsigned(row.get(2).map_err(plain)?, "a day's first row")?),
        last: Seq(unsigned(row.get(3).map_err(plain)?, "a day's last row")?),
        root: bytes32(blob(row, 4)?, "a day's root")?,
        body: unsummed(blob(row, 5)?, &"a day's sealed figures")?.to_vec(),
        tail: unsummed(blob(row, 6)?, &"a day's later figures")?.to_vec(),
    })
}

pub(super) fn archived_shift(row: &SqlRow<'_>) -> Result<ShiftRow, StoreError> {
    Ok(ShiftRow {
        shift: ShiftNo(small(row.get(0).map_err(plain)?, "a shift's number")?),
        cashier: CashierId::new(text(row, 1)?).map_err(damaged)?,
        closed: date(text(row, 2)?)?,
        body: unsummed(blob(row, 3)?, &"a shift")?.to_vec(),
    })
}

pub(super) fn archived_batch(row: &SqlRow<'_>) -> Result<ArchivedBatch, StoreError> {
    Ok(ArchivedBatch {
        terminal: TerminalId::new(text(row, 0)?).map_err(damaged)?,
        batch: BatchNo(small(row.get(1).map_err(plain)?, "a batch number")?),
        first: Seq(unsigned(row.get(2).map_err(plain)?, "a batch's first row")?),
        rung: text(row, 3)?.to_owned(),
        body: unsummed(blob(row, 4)?, &"a batch")?.to_vec(),
    })
}

/// Every row of a query, by `each`.
pub(super) fn collect<T>(
    conn: &Connection,
    query: &str,
    params: impl rusqlite::Params,
    each: fn(&SqlRow<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut stmt = conn.prepare_cached(query).map_err(plain)?;
    let mut rows = stmt.query(params).map_err(plain)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(plain)? {
        out.push(each(row)?);
    }
    Ok(out)
}

/// A text column, not copied.
pub(super) fn text<'r>(row: &'r SqlRow<'_>, index: usize) -> Result<&'r str, StoreError> {
    let value = row.get_ref(index).map_err(plain)?;
    value.as_str().map_err(|e| damaged(format!("column {index} is no text: {e}")))
}

/// A blob column, not copied.
pub(super) fn blob<'r>(row: &'r SqlRow<'_>, index: usize) -> Result<&'r [u8], StoreError> {
    let value = row.get_ref(index).map_err(plain)?;
    value.as_blob().map_err(|e| damaged(format!("column {index} is no blob: {e}")))
}

fn id(row: &SqlRow<'_>) -> Result<PaymentId, StoreError> {
    Ok(PaymentId(unsigned(row.get(0).map_err(plain)?, "a payment's id")?))
}

fn ids(conn: &Connection, query: &str, params: impl rusqlite::Params) -> Result<Vec<PaymentId>, StoreError> {
    collect(conn, query, params, id)
}

fn one_id(conn: &Connection, query: &str, params: impl rusqlite::Params) -> Result<Option<PaymentId>, StoreError> {
    Ok(ids(conn, query, params)?.into_iter().next())
}
