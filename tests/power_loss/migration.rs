//! The power goes while a store that an older tilld wrote is opened for the first time: migrated, its look-ups folded again, and sold from.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tilld::core::domain::{Kind, Method, WallMs};
use tilld::core::ports::Command;
use tilld::io::store::Durability;
use tilld::io::vault::DataKey;

use crate::day::{Acknowledged, History, options};
use crate::disk::{Disk, Image, Op};
use crate::till::{Till, first_day, rules};
use crate::{cut_everywhere, number, seed, write_figures};

/// Minutes after the release's program stopped.
const LATER: i64 = 607_200_000;

/// What a release's program left, as a crash leaves it: rows in the file, rows in the log.
fn left_by(release: &str) -> (Image, DataKey) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/released").join(release);
    let unpacked = |name: &str| {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(from.join(name)).unwrap()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let image = Image::from([
        (Arc::from("till.db"), unpacked("tilld.sqlite.gz")),
        (Arc::from("till.db-wal"), unpacked("tilld.sqlite-wal.gz")),
    ]);
    let key = std::env::temp_dir().join(format!("tilld-upgrade-{}.key", std::process::id()));
    std::fs::copy(from.join("data.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let data_key = DataKey::read(&key).unwrap();
    std::fs::remove_file(key).unwrap();
    (image, data_key)
}

/// Opens it with this tilld, and sells; gives what is known.
fn record(release: &str) -> History {
    let (start, data_key) = left_by(release);
    let disk = Disk::recording(start.clone());
    let mut commits: Vec<Acknowledged> = Vec::new();
    let mut note = |till: &Till| {
        let (head, link) = till.writer.store().head();
        let ledger = till.writer.ledger().to_bytes().into();
        if commits.last().is_none_or(|last| last.head != head) {
            // What the release's program has acknowledged was so from the first moment.
            let at = if commits.is_empty() { 0 } else { disk.log_len() };
            commits.push(Acknowledged { at, head, link, ledger });
        }
    };
    let mut till = Till::with(&options(&disk, Durability::Full), &data_key);
    till.now = LATER;
    note(&till);
    for amount in [1_100, 2_200, 3_300] {
        till.pay(Kind::Sale, Method::Cash, amount, None);
        note(&till);
    }
    till.writer.store_mut().tidy().unwrap();
    till.pay(Kind::Sale, Method::Cash, 4_400, None);
    note(&till);
    till.run(Command::Tick).unwrap();
    note(&till);
    drop(till);
    let log = disk.log();
    disk.remove();
    let by_head = commits.iter().enumerate().map(|(n, c)| (c.head, n)).collect();
    let wall = WallMs(1_795_000_000_000 + LATER);
    History { start, log, commits, by_head, data_key, rules: rules(), wall, first_date: first_day() }
}

#[test]
fn an_upgrade_that_the_power_interrupts_is_begun_again_or_done_and_nothing_is_lost() {
    let (states, seed, began) = (number("TILLD_CRASHES").unwrap_or(20_000) / 10, seed(), Instant::now());
    let history = record("0.1.0");
    let syncs = history.log.iter().filter(|op| matches!(op, Op::Sync { .. })).count();
    eprintln!("{} operations, {syncs} syncs, rows {:?}", history.log.len(), history.by_head.keys());
    let figures = cut_everywhere(&history, states, seed, 5);
    eprintln!("{} states, {} distinct, in {:?}", figures.states, figures.distinct, began.elapsed());
    assert_eq!(figures.wrong, [], "of {} states", figures.states);
    assert!(figures.states * 10 >= states * 9 && figures.distinct > 100, "only {} states", figures.states);
    write_figures(&serde_json::json!({"states": figures.states, "distinct": figures.distinct, "wrong": 0,
        "operations": history.log.len(), "seed": seed.to_string(), "seconds": began.elapsed().as_secs()}));
}
