//! How a payment is written: its columns for look-ups, its body, and no page more than changes.

use rusqlite::{Connection, params};

use super::statements as sql;
use super::writer::signed;
use crate::core::payment::{Payment, Slot};

/// Writes a payment as it is now; false where one of this number was made of something else. `last` is the head of the journal.
pub(super) fn put(
    conn: &Connection,
    payment: &Payment,
    slot: Option<&Slot>,
    date: &str,
    last: i64,
    body: &[u8],
) -> rusqlite::Result<bool> {
    let slot = slot.map(Slot::as_text);
    let voucher_date = payment.voucher_date.map(|d| d.to_string());
    let (batch, stan) = (payment.batch.map(|b| b.0), payment.stan.map(|s| s.0));
    // Nearly every payment is written more than once; the first time the first statement finds nothing, which costs a look.
    for statement in [sql::PUT_PAYMENT_AGAIN, sql::PUT_PAYMENT] {
        let written = conn.prepare_cached(statement)?.execute(params![
            signed(payment.id.0),
            payment.request.as_str(),
            payment.kind.as_str(),
            payment.column().as_str(),
            payment.method.as_str(),
            payment.device.as_str(),
            payment.cashier.as_str(),
            date,
            payment.amount.0,
            payment.state.as_str(),
            payment.counted,
            slot,
            voucher_date,
            batch,
            stan,
            payment.batch.map(|_| last),
            last,
            body,
        ])?;
        if written == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}
