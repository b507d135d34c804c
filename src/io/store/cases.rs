//! Cases in suspense, as look-ups of the journal's case rows, and what is waited for.

use rusqlite::{Connection, Row as SqlRow, params};

use super::archive::{blob, collect};
use super::convert::{int, small, summed, unsigned, unsummed};
use super::error::{damaged, plain};
use super::reader::Reader;
use super::statements as sql;
use crate::core::domain::{BusinessDate, CaseNo, CashierId, PaymentId, TerminalId};
use crate::core::ports::{CaseFilter, CaseStates, Page, StatementRow, StoreError};
use crate::core::reconcile::Class;
use crate::core::suspense::Case;

/// The first byte of a body.
const BODY_VERSION: u8 = 1;

pub(super) fn read(row: &SqlRow<'_>) -> Result<Case, StoreError> {
    let id = small(row.get(0).map_err(plain)?, "a case's number")?;
    let what = format!("case {id}");
    let body = unsummed(blob(row, 1)?, &what)?;
    let case = match body.split_first() {
        Some((&BODY_VERSION, rest)) => {
            postcard::from_bytes::<Case>(rest).map_err(|e| damaged(format!("{what}: its body does not decode: {e}")))?
        }
        _ => return Err(damaged(format!("{what}: its body is of another version"))),
    };
    if case.no.0 == id { Ok(case) } else { Err(damaged(format!("{what}: its body is another's"))) }
}

fn number(row: &SqlRow<'_>) -> Result<CaseNo, StoreError> {
    small(row.get(0).map_err(plain)?, "a case's number").map(CaseNo)
}

pub(super) fn case(conn: &Connection, no: CaseNo) -> Result<Option<Case>, StoreError> {
    Ok(collect(conn, sql::CASE, [no.0], read)?.pop())
}

pub(super) fn case_of(conn: &Connection, format: &str, key: &str) -> Result<Option<CaseNo>, StoreError> {
    Ok(collect(conn, sql::CASE_OF, params![format, key], number)?.pop())
}

pub(super) fn case_refunded_by(conn: &Connection, refund: PaymentId) -> Result<Option<CaseNo>, StoreError> {
    Ok(collect(conn, sql::CASE_REFUNDED_BY, [int(refund.0)?], number)?.pop())
}

pub(super) fn cases_on(
    conn: &Connection,
    format: &str,
    first: BusinessDate,
    last: BusinessDate,
) -> Result<Vec<CaseNo>, StoreError> {
    collect(conn, sql::CASES_ON, params![format, first.to_string(), last.to_string()], number)
}

/// Writes a case as it is now: how many rows changed, one unless the number is another difference's.
pub(super) fn put_case(conn: &Connection, case: &Case) -> rusqlite::Result<usize> {
    let finding = &case.finding;
    let body = postcard::to_extend(case, vec![BODY_VERSION]).expect("a case has no type that postcard cannot write");
    let signed = |id: PaymentId| i64::try_from(id.0).unwrap_or(i64::MAX);
    conn.prepare_cached(sql::PUT_CASE)?.execute(params![
        case.no.0,
        finding.format,
        finding.key,
        finding.day.to_string(),
        finding.reason.class().as_str(),
        case.state.as_str(),
        finding.payment.map(signed),
        finding.cashier.as_ref().map(CashierId::as_str),
        finding.device.as_ref().map(TerminalId::as_str),
        case.end.as_ref().and_then(|end| end.refund).map(signed),
        summed(&body),
    ])
}

impl Reader {
    /// Cases, newest first.
    pub fn cases(&self, filter: &CaseFilter) -> Result<Page<Case>, StoreError> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit.min(500) };
        let payment = filter.payment.map(|p| int(p.0)).transpose()?;
        let mut items = self.with(|conn| {
            let values = params![
                filter.before.map_or(i64::MAX, |no| i64::from(no.0)),
                filter.state.map(CaseStates::as_str),
                filter.class.map(Class::as_str),
                filter.cashier.as_ref().map(CashierId::as_str),
                filter.device.as_ref().map(TerminalId::as_str),
                filter.day.map(|d| d.to_string()),
                payment,
                i64::from(limit) + 1,
            ];
            collect(conn, sql::CASES, values, read)
        })?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = items.last().filter(|_| more).map(|case| case.no.to_string());
        Ok(Page { items, next_cursor })
    }

    /// Payments of which a statement of this format and these days should say whether it has them rightly.
    pub fn watched(&self, format: &str, first: BusinessDate, last: BusinessDate) -> Result<Vec<PaymentId>, StoreError> {
        self.with(|conn| {
            collect(conn, sql::WATCHED, params![format, first.to_string(), last.to_string()], |row| {
                unsigned(row.get(0).map_err(plain)?, "a payment's id").map(PaymentId)
            })
        })
    }

    /// Statements that were judged, newest first.
    pub fn statements(&self, before: Option<u32>, limit: u32) -> Result<Page<StatementRow>, StoreError> {
        let limit = limit.clamp(1, 500);
        let mut items = self.with(|conn| {
            let values = params![before.map_or(i64::MAX, i64::from), i64::from(limit) + 1];
            collect(conn, sql::STATEMENTS, values, statement)
        })?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = items.last().filter(|_| more).map(|s| s.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// Every case, oldest first.
    pub fn every_case(&self, each: &mut dyn FnMut(&Case)) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let cases = self.with(|conn| collect(conn, sql::ALL_CASES, [after], read))?;
            let Some(last) = cases.last() else { return Ok(()) };
            after = last.no.0;
            cases.iter().for_each(&mut *each);
        }
    }
}

fn statement(row: &SqlRow<'_>) -> Result<StatementRow, StoreError> {
    let count = |index: usize| unsigned(row.get(index).map_err(plain)?, "a statement's figure");
    let day = |index: usize| -> Result<Option<BusinessDate>, StoreError> {
        let text = row.get::<_, Option<String>>(index).map_err(plain)?;
        text.map(|t| BusinessDate::parse(&t).map_err(damaged)).transpose()
    };
    Ok(StatementRow {
        id: small(row.get(0).map_err(plain)?, "a statement's number")?,
        hash: blob(row, 1)?.iter().map(|b| format!("{b:02x}")).collect(),
        format: row.get(2).map_err(plain)?,
        name: row.get(3).map_err(plain)?,
        lines: count(4)?,
        spoiled: count(5)?,
        imported_at: chrono::DateTime::from_timestamp_millis(row.get(6).map_err(plain)?)
            .unwrap_or_default()
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        matched: count(7)?,
        long: count(8)?,
        short: count(9)?,
        differs: count(10)?,
        timing: count(11)?,
        first_day: day(12)?,
        last_day: day(13)?,
        superseded_days: count(14)?,
    })
}
