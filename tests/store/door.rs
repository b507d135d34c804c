//! Who may open a store: one daemon, of this version or newer, and only a store.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use tilld::core::domain::WallMs;
use tilld::core::ports::{Store, StoreError};
use tilld::io::store::{MIN_SQLITE, SqliteStore, StoreOptions};

use super::till::{Dir, Till, cashier};

#[test]
fn the_bundled_sqlite_cannot_corrupt_two_connections() {
    assert!(rusqlite::version_number() >= MIN_SQLITE);
}

#[test]
fn a_second_daemon_gets_a_plain_sentence_and_the_store_once_the_first_is_gone() {
    let dir = Dir::new();
    let first = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
    match SqliteStore::open(&StoreOptions::at(dir.db())) {
        Err(StoreError::Unusable(why)) => {
            assert!(why.contains("another tilld") && why.contains(&std::process::id().to_string()), "{why}");
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
}

#[test]
#[allow(clippy::print_stderr)]
fn the_lock_holds_against_another_process() {
    let dir = Dir::new();
    let _first = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
    let lock = dir.0.join("tilld.db.lock");
    let tried = std::process::Command::new("flock").arg("-n").arg(&lock).arg("true").status();
    match tried {
        Ok(status) => assert!(!status.success()),
        Err(_) => eprintln!("skipped: no flock program here"),
    }
}

#[test]
fn database_and_log_are_for_their_owner_only() {
    let dir = Dir::new();
    let till = Till::open(&dir);
    for name in ["tilld.db", "tilld.db-wal", "tilld.db-shm", "tilld.db.lock"] {
        let mode = std::fs::metadata(dir.0.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    drop(till);
}

#[test]
fn a_newer_tillds_store_a_strangers_database_and_no_database_are_refused_as_they_are() {
    let dir = Dir::new();
    drop(SqliteStore::open(&StoreOptions::at(dir.db())).unwrap());
    Connection::open(dir.db()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(
        matches!(SqliteStore::open(&StoreOptions::at(dir.db())), Err(StoreError::Unusable(w)) if w.contains("newer"))
    );

    let strange = dir.0.join("strange.db");
    Connection::open(&strange).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(
        matches!(SqliteStore::open(&StoreOptions::at(&strange)), Err(StoreError::Unusable(w)) if w.contains("not one of"))
    );

    let text = dir.0.join("text.db");
    std::fs::write(&text, "Dear diary, this is no database at all, but longer than a header must be. ".repeat(4))
        .unwrap();
    assert!(matches!(SqliteStore::open(&StoreOptions::at(&text)), Err(StoreError::Damaged(_))));

    let nowhere = dir.0.join("missing/tilld.db");
    assert!(matches!(SqliteStore::open(&StoreOptions::at(&nowhere)), Err(StoreError::Io(_))));
}

#[test]
fn a_vfs_is_taken_by_its_name() {
    let dir = Dir::new();
    let known = StoreOptions { vfs: Some("unix-excl".into()), ..StoreOptions::at(dir.db()) };
    assert!(SqliteStore::open(&known).is_ok());
    let unknown = StoreOptions { vfs: Some("no-such-vfs".into()), ..StoreOptions::at(dir.db()) };
    assert!(SqliteStore::open(&unknown).is_err());
}

#[test]
fn the_watchdogs_probe_and_the_doors_counts_are_commits_of_their_own() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let reader = till.reader();
    let store = till.writer.store_mut();
    let head = store.head();
    store.probe().unwrap();
    store.probe().unwrap();
    store.set_pin_state(&cashier("1001"), 3, WallMs(77)).unwrap();
    let pin = reader.pin(&cashier("1001")).unwrap().unwrap();
    assert_eq!((pin.failures, pin.locked_until), (3, WallMs(77)));
    store.begin().unwrap();
    store.put_pin(&cashier("1001"), b"new").unwrap();
    store.commit().unwrap();
    let pin = reader.pin(&cashier("1001")).unwrap().unwrap();
    assert_eq!((pin.hash.as_slice(), pin.failures, pin.locked_until), (b"new".as_slice(), 0, WallMs(0)));
    assert_eq!(store.head(), head);
}
