//! Random changes to a store, as a failing medium makes them or a hand: a bit in the file or in the write-ahead log, rows deleted, swapped or cut off, the
//! file or the log truncated, an older image put back. Each is detected, or shown to have changed nothing that counts.
//!
//! `TILLD_MUTATIONS` (1,000; the long checks: 10,000) says how many, `TILLD_SEED` repeats a run, `TILLD_FIGURES` names a file for the figures.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tilld::core::domain::{PaymentId, Seq};
use tilld::core::journal::{Link, Record};
use tilld::core::ledger::Proof;
use tilld::core::ports::{Sealer, Store};
use tilld::io::store::{Durability, Mark, MarkState, SqliteStore, StoreOptions, VerifyWith, verify};
use tilld::io::vault::Vault;

use super::chance::{Chance, from_the_clock};
use super::till::{Dir, Till, data_key, store_id};

const FILES: [&str; 4] = ["tilld.db", "tilld.db-wal", "tilld.mark", "data.key"];
/// What counts. Print jobs, PIN hashes and the probe are no evidence: a wrong one shows itself where it is used.
const EVIDENCE: [&str; 8] = ["journal", "payment", "shift", "batch", "day", "snapshot", "day_key", "sealed_card"];

struct Images {
    /// As a crash leaves it in the middle of the second day: rows in the file, rows in the log.
    now: BTreeMap<&'static str, Vec<u8>>,
    /// The same store at the end of its first day.
    older: BTreeMap<&'static str, Vec<u8>>,
    contents: Vec<String>,
}

fn mark(till: &Till, dir: &Dir) {
    let ledger = till.writer.ledger();
    let terminals = ledger.terminals.iter().map(|(id, t)| (id.clone(), t.batch.number, t.last_stan)).collect();
    let state = MarkState { store: store_id(), head: ledger.head, link: ledger.link, terminals };
    let mut mark = Mark::open(&dir.0.join("tilld.mark")).unwrap();
    mark.write(&state).unwrap();
    mark.sync().unwrap();
}

fn image(dir: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    FILES.iter().map(|name| (*name, std::fs::read(dir.join(name)).unwrap_or_default())).collect()
}

fn put(image: &BTreeMap<&'static str, Vec<u8>>) -> Dir {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    for (name, bytes) in image.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        std::fs::write(dir.0.join(name), bytes).unwrap();
        std::fs::set_permissions(dir.0.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

fn images() -> Images {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    // What was written so far is in the file; what follows in the log.
    drop(till);
    let mut till = Till::open(&dir);
    mark(&till, &dir);
    let older = image(&dir.0);
    for amount in [111, 222, 333] {
        till.pay(tilld::core::domain::Kind::Sale, tilld::core::domain::Method::Cash, amount, None);
    }
    till.run(tilld::core::ports::Command::Lane {
        terminal: super::till::pos(2),
        report: tilld::core::acquirer::Report::LineDown { why: "no route".into() },
    })
    .unwrap();
    till.pay_at(2, tilld::core::domain::Kind::Sale, tilld::core::domain::Method::Card, 4_200, None);
    mark(&till, &dir);
    let now = image(&dir.0);
    assert!(now["tilld.db-wal"].len() > 10_000, "there is nothing in the log");
    drop(till);
    let contents = contents(&put(&now)).unwrap();
    Images { now, older, contents }
}

fn contents(dir: &Dir) -> rusqlite::Result<Vec<String>> {
    let conn = Connection::open(dir.db())?;
    let mut all = Vec::new();
    for table in EVIDENCE {
        // The key of a closed day's HMACs was erased at its cut, and its signed root speaks instead: they are evidence in the open day alone.
        let columns = match table {
            "journal" => {
                "seq, at, business_date, event, payment_id, effect, amount, cashier, device, method, sale_count, sale_amount, refund_count,
                 refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link,
                 CASE WHEN seq > (SELECT coalesce(max(last), 0) FROM day) THEN hmac END"
            }
            _ => "*",
        };
        let mut stmt = conn.prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1, 2"))?;
        let columns = stmt.column_count();
        let rows = stmt.query_map([], |row| {
            (0..columns).map(|i| row.get_ref(i).map(|v| format!("{v:?}"))).collect::<Result<Vec<_>, _>>()
        })?;
        for row in rows {
            all.push(format!("{table} {}", row?.join("|")));
        }
    }
    Ok(all)
}

/// Why the change is detected; `None` where everything is in order.
fn detected(dir: &Dir) -> Option<String> {
    let options = StoreOptions { durability: Durability::Off, ..StoreOptions::at(dir.db()) };
    let store = match SqliteStore::open(&options) {
        Ok(store) => store,
        Err(error) => return Some(format!("open: {error}")),
    };
    let sealed = match store.day_keys() {
        Ok(sealed) => sealed,
        Err(error) => return Some(format!("day keys: {error}")),
    };
    let mut vault = match Vault::open(&data_key(&dir.0), &store_id(), sealed.as_deref()) {
        Ok(vault) => vault,
        Err(error) => return Some(format!("vault: {error}")),
    };
    let reader = store.reader().ok()?;
    let mark = Mark::open(&dir.0.join("tilld.mark")).unwrap();
    let (head, link) = match reader.head() {
        Ok(head) => head.unwrap_or((Seq(0), [0; 32])),
        Err(error) => return Some(format!("head: {error}")),
    };
    let state = MarkState { store: store_id(), head, link, terminals: Vec::new() };
    let there = mark.found().and_then(|found| reader.link_at(found.head).ok().flatten());
    let verdict = mark.compare(&state, there.as_ref());
    let mut proof = Proof::default();
    let mut each = |record: &Record, link: &Link| proof.row(record, link);
    let with = VerifyWith {
        sealer: Some(&mut vault),
        mark: Some(verdict),
        thorough: true,
        each: Some(&mut each),
        ..VerifyWith::default()
    };
    let found = verify(&reader, with);
    if let Some(finding) = found.findings.first() {
        return Some(finding.to_string());
    }
    // And all that `tilld verify` looks at beside.
    match tilld::daemon::verifying::whole(&reader, None, false, None) {
        Ok(found) if found.clean() => {}
        Ok(found) => return Some(found.findings.first().map_or_else(String::new, ToString::to_string)),
        Err(error) => return Some(format!("whole: {error}")),
    }
    let conn = Connection::open(dir.db()).unwrap();
    let cards: Vec<(i64, Vec<u8>)> = conn
        .prepare("SELECT payment_id, sealed FROM sealed_card")
        .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect())
        .unwrap();
    let sealed = |(id, sealed): &(i64, Vec<u8>)| vault.open_card(PaymentId(id.unsigned_abs()), sealed).err();
    cards.iter().find_map(sealed).map(|error| format!("card: {error}"))
}

/// A hand with the sqlite3 shell: triggers out of the way, the change, triggers back.
fn by_hand(dir: &Dir, change: &str) {
    let conn = Connection::open(dir.db()).unwrap();
    let triggers: Vec<(String, String)> = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect())
        .unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    triggers.iter().for_each(|(name, _)| conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    conn.execute_batch(change).unwrap_or_else(|e| panic!("{change}: {e}"));
    triggers.iter().for_each(|(_, sql)| conn.execute_batch(sql).unwrap());
}

/// One mutation; gives its kind and the directory that has it.
fn mutate(images: &Images, chance: &mut Chance) -> (&'static str, Dir) {
    let flip = |image: &mut BTreeMap<&'static str, Vec<u8>>, file: &'static str, chance: &mut Chance| {
        let bytes = image.get_mut(file).unwrap();
        let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << chance.below(8);
    };
    let cut = |image: &mut BTreeMap<&'static str, Vec<u8>>, file: &'static str, chance: &mut Chance| {
        let bytes = image.get_mut(file).unwrap();
        let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        bytes.truncate(at);
    };
    let mut image = images.now.clone();
    let kind = *chance.of(&[
        "flip in the file",
        "flip in the file",
        "flip in the log",
        "flip in the log",
        "flip in the mark",
        "truncated log",
        "truncated file",
        "older image",
        "row deleted",
        "rows swapped",
        "tail cut off",
        "byte of a row",
    ]);
    match kind {
        "flip in the file" => flip(&mut image, "tilld.db", chance),
        "flip in the log" => flip(&mut image, "tilld.db-wal", chance),
        "flip in the mark" => flip(&mut image, "tilld.mark", chance),
        "truncated log" => cut(&mut image, "tilld.db-wal", chance),
        "truncated file" => cut(&mut image, "tilld.db", chance),
        "older image" => {
            for file in ["tilld.db", "tilld.db-wal"] {
                image.insert(file, images.older[file].clone());
            }
        }
        _ => {}
    }
    let dir = put(&image);
    let rows: i64 = match kind {
        "row deleted" | "rows swapped" | "tail cut off" | "byte of a row" => {
            Connection::open(dir.db()).unwrap().query_row("SELECT max(seq) FROM journal", [], |r| r.get(0)).unwrap()
        }
        _ => 0,
    };
    let mut row = || 1 + i64::try_from(chance.below(rows.unsigned_abs().max(1))).unwrap();
    match kind {
        "row deleted" => by_hand(&dir, &format!("DELETE FROM journal WHERE seq = {}", row())),
        "rows swapped" => {
            let (a, b) = (row(), row());
            let b = if a == b { a % rows + 1 } else { b };
            let swap = format!(
                "UPDATE journal SET seq = -{a} WHERE seq = {a}; UPDATE journal SET seq = {a} WHERE seq = {b}; UPDATE journal SET seq = {b} WHERE seq = -{a}"
            );
            by_hand(&dir, &swap);
        }
        "tail cut off" => {
            let after = row() - 1;
            by_hand(
                &dir,
                &format!(
                    "DELETE FROM journal WHERE seq > {after}; DELETE FROM sealed_card WHERE payment_id > {after}; DELETE FROM payment WHERE id > {after}"
                ),
            );
        }
        "byte of a row" => {
            let column = *chance.of(&["bytes", "link", "hmac"]);
            let seq = 1 + i64::try_from(chance.below(rows.unsigned_abs())).unwrap();
            let at = 1 + chance.below(30);
            by_hand(
                &dir,
                &format!(
                    "UPDATE journal SET {column} = CAST(substr({column}, 1, {at} - 1) || CASE substr({column}, {at}, 1) WHEN x'a5' THEN x'5a' ELSE x'a5' END || substr({column}, {at} + 1) AS BLOB) WHERE seq = {seq}"
                ),
            );
        }
        _ => {}
    }
    (kind, dir)
}

#[test]
fn every_random_change_is_detected_or_changes_nothing_that_counts() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let (seed, mutations) =
        (number("TILLD_SEED").unwrap_or_else(from_the_clock), number("TILLD_MUTATIONS").unwrap_or(1_000));
    eprintln!("TILLD_SEED={seed} TILLD_MUTATIONS={mutations}");
    let images = images();
    assert_eq!(detected(&put(&images.now)), None, "nothing changed, and something is found");
    assert!(
        detected(&put(&images.now.clone().into_iter().chain([("tilld.db-wal", Vec::new())]).collect())).is_some(),
        "the log is gone, and nobody sees it"
    );
    let figures: Mutex<BTreeMap<&str, (u64, u64)>> = Mutex::default();
    let next = AtomicU64::new(0);
    let one = |n: u64| {
        let mut chance = Chance(seed ^ (n << 20));
        let (kind, dir) = mutate(&images, &mut chance);
        let detected = detected(&dir).is_some();
        if !detected {
            let after = contents(&dir).unwrap();
            let differs = after.iter().find(|row| !images.contents.contains(row));
            let missing = images.contents.iter().find(|row| !after.contains(row));
            assert!(
                differs.is_none() && missing.is_none(),
                "mutation {n} ({kind}) of TILLD_SEED={seed} is not seen: {missing:?} became {differs:?}"
            );
        }
        let mut figures = figures.lock().unwrap();
        let (seen, harmless) = figures.entry(kind).or_default();
        *if detected { seen } else { harmless } += 1;
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get()) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= mutations {
                        return;
                    }
                    one(n);
                }
            });
        }
    });
    let figures = figures.into_inner().unwrap();
    let (seen, harmless) = figures.values().fold((0, 0), |(s, h), (seen, harmless)| (s + seen, h + harmless));
    eprintln!("{mutations} mutations: {seen} detected, {harmless} harmless, 0 unseen: {figures:?}");
    assert!(seen > mutations / 3, "hardly anything was detected: {figures:?}");
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        let figures = serde_json::json!({"mutations": mutations, "detected": seen, "harmless": harmless, "unseen": 0, "seed": seed.to_string()});
        std::fs::write(path, figures.to_string()).unwrap();
    }
}
