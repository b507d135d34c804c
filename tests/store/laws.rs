//! The triggers: what no program error and no hand in the sqlite3 shell can do to a store without taking them away first.

#![allow(clippy::unwrap_used, clippy::panic)]

use rusqlite::Connection;

use super::till::{Dir, Till};

fn store() -> (Dir, Connection) {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    drop(till);
    let conn = Connection::open(dir.db()).unwrap();
    (dir, conn)
}

fn refused(conn: &Connection, statement: &str, why: &str) {
    match conn.execute(statement, []) {
        Err(e) => assert!(e.to_string().contains(why), "{statement}: {e}"),
        Ok(n) => panic!("{statement} changed {n} rows"),
    }
}

#[test]
fn the_journal_is_never_changed_shortened_or_left_with_a_gap() {
    let (_dir, conn) = store();
    refused(&conn, "UPDATE journal SET amount = 1 WHERE seq = 5", "never changes");
    refused(&conn, "UPDATE journal SET hmac = zeroblob(32)", "never changes");
    refused(&conn, "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)", "never deleted");
    refused(
        &conn,
        "INSERT INTO journal SELECT seq + 1000, at, business_date, event, payment_id, effect, amount, cashier, device, method, sale_count, sale_amount,
         refund_count, refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link, hmac FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
        "must follow",
    );
}

#[test]
fn a_closed_day_takes_nothing_and_loses_nothing() {
    let (_dir, conn) = store();
    refused(
        &conn,
        "INSERT INTO journal SELECT (SELECT max(seq) + 1 FROM journal), at, business_date, event, payment_id, effect, amount, cashier, device, method,
         sale_count, sale_amount, refund_count, refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link, hmac
         FROM journal WHERE seq = 5",
        "closed day",
    );
    refused(
        &conn,
        "UPDATE payment SET counted = 0, slot = NULL WHERE id = (SELECT min(id) FROM payment)",
        "closed day",
    );
    refused(
        &conn,
        "INSERT INTO payment SELECT 9999, 'another', kind, effect, method, device, cashier, business_date, amount, state, counted, slot, voucher_date,
         batch, stan, batch_row, row, body FROM payment WHERE id = (SELECT min(id) FROM payment)",
        "closed day",
    );
    refused(&conn, "UPDATE day SET sealed = x'00'", "never changes");
    refused(&conn, "UPDATE day SET z = z + 1", "never changes");
    refused(&conn, "UPDATE day SET root = zeroblob(32)", "never changes");
    refused(&conn, "DELETE FROM day", "never deleted");
    // Its payments' fate and its later figures still move.
    assert_eq!(conn.execute("UPDATE day SET body = body", []).unwrap(), 1);
    let moved = "UPDATE payment SET state = state, slot = slot WHERE id = (SELECT min(id) FROM payment)";
    assert_eq!(conn.execute(moved, []).unwrap(), 1);
}

#[test]
fn what_a_payment_was_made_of_never_changes_in_an_open_day_either() {
    let (_dir, conn) = store();
    for change in [
        "amount = amount + 1",
        "cashier = 'x'",
        "device = 'x'",
        "method = 'qr'",
        "kind = 'refund'",
        "request_id = 'x'",
        "business_date = '2027-01-01'",
    ] {
        refused(
            &conn,
            &format!("UPDATE payment SET {change} WHERE id = (SELECT max(id) FROM payment)"),
            "never changes",
        );
    }
    refused(&conn, "DELETE FROM payment WHERE id = (SELECT max(id) FROM payment)", "never deleted");
}

#[test]
fn a_batch_ends_once() {
    let (_dir, conn) = store();
    refused(&conn, "UPDATE batch SET rung = 'asked' WHERE rung = 'ended'", "never begins again");
    refused(&conn, "UPDATE batch SET first = first + 1 WHERE rung = 'ended'", "never begins again");
    refused(&conn, "DELETE FROM batch", "never deleted");
}

#[test]
fn a_column_takes_only_its_type() {
    let (_dir, conn) = store();
    refused(&conn, "INSERT INTO meta (name, value) VALUES ('a', x'00')", "TEXT");
    refused(
        &conn,
        "INSERT INTO print_job (printer, what, reprint, state, created) VALUES ('p', '{}', 0, 'lost', 1)",
        "CHECK",
    );
}
