//! One change anywhere in what counts, and `verify` names it.

#![allow(clippy::unwrap_used, clippy::panic)]

use rusqlite::Connection;
use tilld::core::domain::{Kind, Method, Minor, Seq, StoreId};
use tilld::core::ports::{Command, Store};
use tilld::io::store::{
    Finding, MarkState, MarkVerdict, SqliteStore, StoreOptions, VerifyWith, verify, verify_open_day,
};
use tilld::io::vault::Vault;

use super::till::{Dir, Till, cashier, check, data_key, pos, store_id};

/// A store of two days, as files to be copied: making one costs more than tampering with it.
fn original() -> Dir {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    drop(till);
    dir
}

/// A copy with the triggers out of the way, changed, and put back in order: what a hand with the sqlite3 shell can do.
fn tampered(original: &Dir, change: &str) -> Vec<Finding> {
    let dir = Dir::new();
    for name in ["tilld.db", "data.key"] {
        std::fs::copy(original.0.join(name), dir.0.join(name)).unwrap();
    }
    let conn = Connection::open(dir.db()).unwrap();
    let triggers: Vec<(String, String)> = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    for (name, _) in &triggers {
        conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    conn.execute_batch(change).unwrap_or_else(|e| panic!("{change}: {e}"));
    for (_, sql) in &triggers {
        conn.execute_batch(sql).unwrap();
    }
    drop(conn);
    check(&dir).findings
}

fn expect(original: &Dir, change: &str, place: &str) {
    let findings = tampered(original, change);
    assert!(findings.iter().any(|f| f.place.contains(place)), "{change}\nexpected: {place}\nfound: {findings:#?}");
}

/// One byte of a blob, other than it was.
fn flipped(column: &str, at: usize) -> String {
    let after = at + 1;
    format!(
        "{column} = CAST(substr({column}, 1, {at} - 1) || CASE substr({column}, {at}, 1) WHEN x'a5' THEN x'5a' ELSE x'a5' END
         || substr({column}, {after}) AS BLOB)"
    )
}

#[test]
fn nothing_changed_nothing_found() {
    assert_eq!(tampered(&original(), ""), []);
}

#[test]
fn every_column_of_every_journal_row_is_covered() {
    let dir = original();
    let conn = Connection::open(dir.db()).unwrap();
    let head: i64 = conn.query_row("SELECT max(seq) FROM journal", [], |r| r.get(0)).unwrap();
    let open_from: i64 = conn.query_row("SELECT max(last) + 1 FROM day", [], |r| r.get(0)).unwrap();
    drop(conn);
    let texts = ["business_date", "event", "effect", "cashier", "device", "method"];
    let numbers = [
        "at",
        "payment_id",
        "amount",
        "sale_count",
        "sale_amount",
        "refund_count",
        "refund_amount",
        "void_count",
        "void_amount",
        "voucher_count",
        "voucher_amount",
    ];
    // A stride that is prime to the number of columns: each column is hit in several rows without making thousands of stores.
    let mut n = 0;
    for seq in 1..=head {
        for column in texts {
            n += 1;
            if n % 7 == 0 {
                expect(
                    &dir,
                    &format!("UPDATE journal SET {column} = coalesce({column}, '') || 'x' WHERE seq = {seq}"),
                    &format!("row {seq}"),
                );
            }
        }
        for column in numbers {
            n += 1;
            if n % 7 == 0 {
                expect(
                    &dir,
                    &format!("UPDATE journal SET {column} = coalesce({column}, 0) + 1 WHERE seq = {seq}"),
                    &format!("row {seq}"),
                );
            }
        }
        let flip = |column: &str| format!("UPDATE journal SET {} WHERE seq = {seq}", flipped(column, 8));
        if seq % 3 == 0 {
            expect(&dir, &flip("bytes"), &format!("row {seq}"));
            expect(&dir, &flip("link"), &format!("row {seq}"));
        }
        if seq >= open_from {
            expect(&dir, &flip("hmac"), &format!("row {seq}"));
        }
    }
}

#[test]
fn rows_that_are_deleted_swapped_or_cut_off_are_named() {
    let dir = original();
    expect(&dir, "DELETE FROM journal WHERE seq = 9", "row 9");
    expect(&dir, "DELETE FROM journal WHERE seq BETWEEN 9 AND 12", "row 9");
    expect(&dir, "DELETE FROM journal WHERE seq = 1", "row 1");
    let swap = "UPDATE journal SET seq = -9 WHERE seq = 9; UPDATE journal SET seq = 9 WHERE seq = 10; UPDATE journal SET seq = 10 WHERE seq = -9";
    expect(&dir, swap, "row 9");
    // The tail: the chain does not see it, the payments that were written after it do.
    expect(&dir, "DELETE FROM journal WHERE seq > (SELECT max(seq) - 2 FROM journal)", "payment");
    expect(&dir, "DELETE FROM journal; DELETE FROM payment; DELETE FROM day; DELETE FROM sealed_card", "the journal");
}

#[test]
fn a_payment_that_is_changed_added_or_removed_is_named() {
    let dir = original();
    let conn = Connection::open(dir.db()).unwrap();
    let ids: Vec<i64> = conn
        .prepare("SELECT id FROM payment")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    drop(conn);
    let changes = [
        "request_id = request_id || 'x'",
        "kind = 'refund' || kind",
        "method = 'qr'",
        "device = 'POS9'",
        "cashier = '1002'",
        "business_date = '2026-11-29'",
        "amount = amount + 1",
        "state = 'declined'",
        "counted = 1 - counted",
        "slot = 'batch:POS1:000099'",
        "voucher_date = '2026-11-21'",
        "batch = coalesce(batch, 0) + 1",
        "stan = coalesce(stan, 0) + 1",
        "row = 100000",
    ];
    for (n, id) in ids.iter().enumerate() {
        let place = format!("P{id:08}");
        for (m, change) in changes.iter().enumerate() {
            if (n + m) % 3 == 0 {
                expect(&dir, &format!("UPDATE payment SET {change} WHERE id = {id}"), &place);
            }
        }
        for at in [1, 9, 10, 30, 60, 70] {
            let flip = format!("UPDATE payment SET {} WHERE id = {id}", flipped("body", at));
            expect(&dir, &flip, &place);
        }
        expect(&dir, &format!("DELETE FROM payment WHERE id = {id}"), &place);
    }
    let id = ids[0];
    let copy = format!(
        "INSERT INTO payment SELECT {id} + 1, 'another', kind, effect, method, device, cashier, business_date, amount, state, counted, slot, voucher_date, batch,
         stan, batch_row, row, body FROM payment WHERE id = {id}"
    );
    expect(&dir, &copy, &format!("P{:08}", id + 1));
}

#[test]
fn the_archive_beside_the_journal_is_covered() {
    let dir = original();
    let flip = |table: &str, column: &str| format!("UPDATE {table} SET {}", flipped(column, 41));
    expect(&dir, &flip("day", "sealed"), "day 2026-11-20");
    expect(&dir, &flip("day", "body"), "day 2026-11-20");
    expect(&dir, &flip("batch", "body"), "batch");
    expect(&dir, &flip("snapshot", "body"), "snapshot");
    let mut till = Till::open(&dir);
    let who = cashier("1001");
    let (counted, notes) = (Minor(677), Vec::new());
    till.run(Command::Count { cashier: who.clone(), device: pos(1), counted, notes, by: who.clone() }).unwrap();
    till.run(Command::CloseShift { cashier: who.clone(), by: who }).unwrap();
    drop(till);
    for change in ["terminal = 'POS9'", "batch = batch + 1", "first = first + 1", "rung = 'asked'"] {
        expect(&dir, &format!("UPDATE batch SET {change} WHERE rowid = 1"), "batch 1");
    }
    for change in ["shift = shift + 1000", "cashier = '9009'", "closed = '2026-11-19'"] {
        expect(&dir, &format!("UPDATE shift SET {change} WHERE shift = (SELECT min(shift) FROM shift)"), "shift ");
    }
    expect(&dir, "UPDATE snapshot SET seq = seq + 1", "snapshot ");
    expect(&dir, "UPDATE day SET z = z + 1", "day 2026-11-20");
    expect(&dir, "UPDATE day SET root = zeroblob(32)", "day 2026-11-20");
    expect(&dir, "DELETE FROM day", "day 2026-11-20");
    expect(&dir, "INSERT INTO day VALUES ('2026-11-25', 7, 900, 901, zeroblob(32), x'00', x'00')", "day");
    expect(
        &dir,
        "INSERT INTO sealed_card SELECT id, x'00' FROM payment WHERE batch IS NOT NULL ORDER BY id LIMIT 1",
        "payment",
    );
    expect(&dir, "INSERT INTO sealed_card VALUES (100000, x'00')", "table sealed_card");
    expect(&dir, "CREATE TRIGGER helpful AFTER INSERT ON journal BEGIN DELETE FROM print_job; END", "the schema");
    expect(&dir, "DROP INDEX payment_stan", "the schema");
}

#[test]
fn a_trigger_that_was_taken_away_is_found() {
    let dir = original();
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute_batch("DROP TRIGGER journal_never_changes").unwrap();
    drop(conn);
    let findings = check(&dir).findings;
    assert_eq!(findings.len(), 1);
    assert!(findings[0].what.contains("journal_never_changes"));
}

#[test]
fn the_marks_verdict_and_the_ledgers_complaints_are_findings() {
    let dir = original();
    let store = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
    let reader = store.reader().unwrap();
    let (head, link) = store.head();
    let id = StoreId::new("S001").unwrap();
    let now = MarkState { store: id.clone(), head, link, terminals: Vec::new() };
    let ahead = MarkState { head: Seq(head.0 + 5), ..now.clone() };
    let mark = Some(ahead.compare(&now, None));
    assert!(matches!(mark, Some(MarkVerdict::Behind { .. })));
    let mut each =
        |record: &tilld::core::journal::Record, _: &_| (record.seq == Seq(4)).then(|| "it does not follow".to_owned());
    let found = verify(&reader, VerifyWith { mark, each: Some(&mut each), ..VerifyWith::default() });
    let places: Vec<&str> = found.findings.iter().map(|f| f.place.as_str()).collect();
    assert_eq!(places, ["the mark", "row 4"]);
}

#[test]
fn a_start_sees_what_was_done_to_the_open_day_and_to_the_last_seal() {
    let dir = original();
    let first_open: i64 =
        Connection::open(dir.db()).unwrap().query_row("SELECT max(last) + 1 FROM day", [], |r| r.get(0)).unwrap();
    for (change, seen) in [
        ("SELECT 1".to_owned(), false),
        (format!("UPDATE journal SET at = at + 1 WHERE seq = {}", first_open + 3), true),
        (format!("UPDATE journal SET hmac = zeroblob(32) WHERE seq = {first_open}"), true),
        (format!("UPDATE journal SET link = zeroblob(32) WHERE seq = {}", first_open - 1), true),
        ("UPDATE day SET root = zeroblob(32)".to_owned(), true),
        ("DROP TRIGGER journal_has_no_gap".to_owned(), true),
    ] {
        let copy = Dir::new();
        for name in ["tilld.db", "data.key"] {
            std::fs::copy(dir.0.join(name), copy.0.join(name)).unwrap();
        }
        let conn = Connection::open(copy.db()).unwrap();
        let triggers = ["journal_never_changes", "day_never_changes"];
        let texts: Vec<String> = triggers
            .map(|t| conn.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [t], |r| r.get(0)).unwrap())
            .into();
        triggers.iter().for_each(|t| conn.execute_batch(&format!("DROP TRIGGER {t}")).unwrap());
        conn.execute_batch(&change).unwrap();
        texts.iter().for_each(|sql| conn.execute_batch(sql).unwrap());
        drop(conn);
        let store = SqliteStore::open(&StoreOptions::at(copy.db())).unwrap();
        let mut vault = Vault::open(&data_key(&copy.0), &store_id(), store.day_keys().unwrap().as_deref()).unwrap();
        let with = VerifyWith { sealer: Some(&mut vault), ..VerifyWith::default() };
        let found = verify_open_day(&store.reader().unwrap(), with);
        assert_eq!(!found.findings.is_empty(), seen, "{change}: {:#?}", found.findings);
    }
}

/// SQLite takes a log with a flipped bit for a shorter one and says nothing; the chain of what is left is whole. Only the mark knows.
#[test]
fn a_flipped_bit_in_the_log_and_an_older_copy_put_back_are_seen_by_the_mark() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let files = ["tilld.db", "tilld.db-wal", "data.key"];
    let copy = || {
        let copy = Dir::new();
        files.iter().for_each(|name| assert!(std::fs::copy(dir.0.join(name), copy.0.join(name)).is_ok()));
        copy
    };
    let older = copy();
    for amount in 1..=20 {
        till.pay(Kind::Sale, Method::Cash, amount, None);
    }
    let state = |till: &Till| {
        let (head, link) = till.writer.store().head();
        MarkState { store: store_id(), head, link, terminals: Vec::new() }
    };
    let mark = state(&till);

    let flipped = copy();
    let wal = flipped.0.join("tilld.db-wal");
    let mut bytes = std::fs::read(&wal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&wal, bytes).unwrap();
    let short = Till::open(&flipped);
    let now = state(&short);
    assert!(now.head < mark.head);
    assert!(matches!(mark.compare(&now, None), MarkVerdict::Behind { .. }));
    drop(short);
    assert!(check(&flipped).clean(), "without the mark nothing is seen");

    // The older copy, used until it has as many rows as the mark saw.
    let mut other = Till::open(&older);
    while other.writer.store().head().0 <= mark.head {
        other.pay(Kind::Sale, Method::Cash, 5, None);
    }
    let there = other.reader().link_at(mark.head).unwrap();
    assert_eq!(mark.compare(&state(&other), there.as_ref()), MarkVerdict::Forked { at: mark.head });
    drop(till);
}

#[test]
fn it_can_be_stopped_and_then_does_not_say_clean() {
    let dir = original();
    let store = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
    let mut stop = |_: Seq| std::ops::ControlFlow::Break(());
    let found = verify(&store.reader().unwrap(), VerifyWith { between: Some(&mut stop), ..VerifyWith::default() });
    assert!(found.incomplete && !found.clean());
}
