//! Day keys: in the same commit as the row that introduces them, across restarts and failures.

#![allow(clippy::unwrap_used, clippy::panic)]

use tilld::core::domain::{Kind, Method, Refusal};
use tilld::core::ports::{Sealer, Store};
use tilld::io::store::{SqliteStore, StoreOptions, VerifyWith, verify};
use tilld::io::vault::Vault;

use super::till::{Dir, Till, check, data_key, store_id};

#[test]
fn the_open_days_key_lives_across_restarts_and_changes_at_the_cut() {
    let dir = Dir::new();
    let key_now = |dir: &Dir| {
        let store = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
        let sealed = store.day_keys().unwrap().unwrap();
        Vault::open(&data_key(&dir.0), &store_id(), Some(&sealed)).unwrap().day_key()
    };
    let mut till = Till::open(&dir);
    till.staff();
    drop(till);
    let first = key_now(&dir);
    assert_eq!(key_now(&dir), first);
    let mut till = Till::open(&dir);
    till.cut();
    drop(till);
    assert_ne!(key_now(&dir), first);
    assert!(check(&dir).clean());
}

#[test]
fn old_day_keys_put_back_are_found() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let old = till.writer.store().day_keys().unwrap().unwrap();
    till.cut();
    let reader = till.reader();
    let mut vault = Vault::open(&data_key(&dir.0), &store_id(), Some(&old)).unwrap();
    let found = verify(&reader, VerifyWith { sealer: Some(&mut vault), ..VerifyWith::default() });
    assert_eq!(found.findings.len(), 1, "{:?}", found.findings);
    assert!(found.findings[0].what.contains("announced"));
}

#[test]
fn a_cut_that_fails_leaves_the_old_key_in_use_and_the_next_cut_works() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let before = till.writer.store().day_keys().unwrap();
    // Somebody's hand closed the day in the table: the cut's own day row cannot be written, and the commit fails.
    let hand = rusqlite::Connection::open(dir.db()).unwrap();
    hand.execute_batch("INSERT INTO day VALUES ('2026-11-20', 1, 1, 2, zeroblob(32), x'00', x'00')").unwrap();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| till.cut()));
    assert!(failed.is_err());
    assert_eq!(till.writer.store().day_keys().unwrap(), before);
    hand.execute_batch("DROP TRIGGER day_never_vanishes; DELETE FROM day").unwrap();
    drop(hand);
    // Damage stops sales for as long as this till runs, also when the cause is gone; whoever has mended it starts the till again.
    let refused = till.asks(1, Kind::Sale, Method::Cash, 100, None).unwrap_err();
    assert_eq!(refused.refusal, Refusal::Damaged);
    drop(till);
    let mut till = Till::open(&dir);
    assert_eq!(till.writer.store().day_keys().unwrap(), before);
    till.cut();
    let found = check_without_schema(&dir, till);
    assert!(found.is_empty(), "{found:?}");
}

/// The trigger that this test took away is a finding of its own.
fn check_without_schema(dir: &Dir, till: Till) -> Vec<String> {
    drop(till);
    let findings = check(dir).findings;
    findings.into_iter().filter(|f| f.place != "the schema").map(|f| f.to_string()).collect()
}
