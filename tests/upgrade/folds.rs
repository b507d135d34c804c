//! Look-ups and snapshots of another shape are made again from the journal, all or nothing, and money stands still.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tilld::core::day::ClockPair;
use tilld::core::domain::*;
use tilld::core::ledger::{FOLD_VERSION, Writer, WriterOptions};
use tilld::core::ports::{Store, StoreError};
use tilld::io::store::{SqliteStore, StoreOptions};
use tilld::io::vault::Vault;

use super::released::{check, open, unpack};
use super::till::{Dir, Till, data_key, first_day, rules, store_id};

/// The shape of each fold: the last characters of the SHA-256 of every payment's body and every snapshot of the first release's store. Where this
/// test complains, the shape of `Payment` or `Ledger` has changed: add one to `FOLD_VERSION` and a line here.
const SHAPES: [(u32, &str); 7] = [
    (1, "3293409fa7bd5999"),
    (2, "6236bccc066f6f39"),
    (3, "066ce32e5a40f049"),
    (4, "44794f3556de9ef4"),
    (5, "f5de3ef0fef2b0c1"),
    // The same shape: what became of closed days, and cards that outlived their batch, are set right.
    (6, "f5de3ef0fef2b0c1"),
    // The same shape: a transfer that came to nothing takes nothing from its sale, whoever closes its exception.
    (7, "f5de3ef0fef2b0c1"),
];

/// A table's rows as text, in order; the columns that say when a row was last written aside.
fn table(dir: &Dir, query: &str) -> Vec<String> {
    let conn = Connection::open(dir.db()).unwrap();
    let mut stmt = conn.prepare(query).unwrap();
    let columns = stmt.column_count();
    let rows = stmt.query_map([], |row| {
        let values: Vec<String> = (0..columns)
            .map(|i| match row.get_ref(i).unwrap() {
                ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                other => format!("{other:?}"),
            })
            .collect();
        Ok(values.join("|"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Of a day's later figures without how far the journal was when they were written, and the names of devices, which are the configuration's.
fn look_ups(dir: &Dir) -> Vec<Vec<String>> {
    [
        "SELECT id, request_id, kind, effect, method, device, cashier, business_date, amount, state, counted, slot, voucher_date, batch, stan, batch_row, body FROM payment ORDER BY id",
        "SELECT * FROM shift ORDER BY shift",
        "SELECT * FROM batch ORDER BY terminal, batch, first",
        "SELECT date, z, first, last, root, sealed, json_remove(CAST(substr(body, 9) AS TEXT), '$.journal', '$.by_device[0].name', '$.by_device[1].name') FROM day ORDER BY date",
        "SELECT count(*) FROM snapshot",
        "SELECT seq, bytes, link, hmac FROM journal ORDER BY seq",
        "SELECT * FROM sealed_card ORDER BY payment_id",
        "SELECT * FROM meta ORDER BY name",
    ]
    .map(|query| table(dir, query))
    .to_vec()
}

/// As a store of another fold looks to us: nothing that is a fold reads.
fn spoil(dir: &Dir) {
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute_batch(
        "UPDATE payment SET body = x'0000'; UPDATE snapshot SET body = x'00'; UPDATE shift SET body = x'00'; UPDATE batch SET body = x'00';
         UPDATE meta SET value = '0' WHERE name = 'fold';",
    )
    .unwrap();
}

fn try_open(dir: &Dir) -> Result<(), StoreError> {
    let store = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
    let vault = Vault::open(&data_key(&dir.0), &store_id(), store.day_keys().unwrap().as_deref()).unwrap();
    let wall = WallMs(1_795_000_000_000);
    let now = Now { wall, mono: MonoMs(0) };
    let options = WriterOptions { rules: rules(), first_date: first_day(), start: ClockPair { wall, mono: MonoMs(0) } };
    Writer::open(store, vault, options, now).map(drop)
}

fn refolds_to_itself(dir: &Dir, open: fn(&Dir) -> Till) {
    let till = open(dir);
    let ledger = till.writer.ledger().clone();
    drop(till);
    let before = look_ups(dir);
    spoil(dir);
    let till = open(dir);
    let mut again = till.writer.ledger().clone();
    again.index = ledger.index.clone();
    assert_eq!(again, ledger);
    drop(till);
    for (before, after) in before.iter().zip(&look_ups(dir)) {
        assert_eq!(before, after);
    }
    let verified = check(dir);
    assert!(verified.clean(), "{:#?}", verified.findings);
}

#[test]
fn what_another_fold_wrote_is_made_again_and_is_what_it_was() {
    let dir = Dir::new();
    Till::open(&dir).two_days();
    refolds_to_itself(&dir, Till::open);
}

#[test]
fn what_the_first_release_wrote_is_made_again_and_is_what_it_was() {
    let dir = unpack("0.1.0");
    refolds_to_itself(&dir, open);
    assert!(look_ups(&dir).iter().all(|rows| !rows.is_empty()), "there was something of everything");
}

#[test]
fn a_refold_that_would_move_pending_money_is_refused_and_changes_nothing() {
    let dir = unpack("0.1.0");
    drop(open(&dir));
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute_batch(
        "UPDATE payment SET state = 'declined' WHERE state = 'stored'; UPDATE meta SET value = '0' WHERE name = 'fold'",
    )
    .unwrap();
    drop(conn);
    let before = look_ups(&dir);
    match try_open(&dir) {
        Err(StoreError::Damaged(why)) => assert!(why.contains("pending stored"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(look_ups(&dir), before);
}

#[test]
fn a_journal_that_does_not_follow_is_not_folded() {
    let dir = unpack("0.1.0");
    drop(open(&dir));
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute_batch("DROP TRIGGER journal_never_changes; UPDATE journal SET link = zeroblob(32) WHERE seq = 60; UPDATE meta SET value = '0' WHERE name = 'fold'").unwrap();
    drop(conn);
    let before = look_ups(&dir);
    assert!(matches!(try_open(&dir), Err(StoreError::Damaged(why)) if why.contains("row 60")));
    assert_eq!(look_ups(&dir), before);
}

#[test]
fn a_newer_fold_is_left_alone() {
    let dir = unpack("0.1.0");
    drop(open(&dir));
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute("UPDATE meta SET value = ?1 WHERE name = 'fold'", [(FOLD_VERSION + 1).to_string()]).unwrap();
    drop(conn);
    assert!(matches!(try_open(&dir), Err(StoreError::Unusable(why)) if why.contains("newer tilld")));
}

#[test]
fn the_folds_number_is_that_of_its_shape() {
    let dir = unpack("0.1.0");
    drop(open(&dir));
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute("UPDATE meta SET value = '0' WHERE name = 'fold'", []).unwrap();
    drop(conn);
    drop(open(&dir));
    let mut text = table(&dir, "SELECT id, hex(body) FROM payment ORDER BY id");
    text.extend(table(&dir, "SELECT seq, hex(body) FROM snapshot ORDER BY seq"));
    let sum = ring::digest::digest(&ring::digest::SHA256, text.join("\n").as_bytes());
    let shape: String = sum.as_ref()[..8].iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(SHAPES.last(), Some(&(FOLD_VERSION, shape.as_str())), "add one to FOLD_VERSION, and a line to SHAPES");
    assert!(SHAPES.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
}
