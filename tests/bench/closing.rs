//! What closing a day costs: from the manager's word to the sealed day, with everything that the Z report needs, beside the four GROUP BYs over
//! the same rows that prove it. Peers (their own figures): 75 s for 1,700 orders, 301 s for 381, 25 s for 500 invoices.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use tilld::core::domain::{CashierId, MonoMs, Now, WallMs};
use tilld::core::ports::{Command, Output, Ticket};
use tilld::daemon::config::Config;
use tilld::io::store::StoreOptions;

use crate::figure::{Figure, median};
use crate::{filled, shop};

/// How often a small day is closed; each time the same store.
const SMALL_TIMES: usize = 5;

/// 10,000 payments: the GROUP BYs, three syncs and 20 ms at most.
pub fn ten_thousand(dir: &Path) -> Vec<Figure> {
    let made = filled::build(&dir.join("store"), size(10_000));
    let (mut ours, mut groups) = (Vec::new(), Vec::new());
    for n in 0..SMALL_TIMES {
        let copy = dir.join(format!("copy-{n}"));
        copy_store(&dir.join("store"), &copy);
        let config = Config::load(&copy.join("tilld.toml")).unwrap_or_else(|e| panic!("{e}")).0;
        let (close, group) = close(&config);
        ours.push(close);
        groups.push(group);
    }
    let (close, group, sync) = (median(ours), median(groups), sync_ms(dir));
    let most = group + 3.0 * sync + 20.0;
    let note = format!("median of {SMALL_TIMES}; {} rows; one sync {sync:.2} ms", rows(&made));
    vec![
        Figure::of("close of a day of 10,000 payments", close, "ms")
            .beside("four GROUP BYs over its rows", group)
            .target(format!("≤ theirs + 3 syncs + 20 ms = {most:.0} ms"), close <= most)
            .note(note),
    ]
}

/// The same rows as SQL alone adds them up, once by each key.
const GROUP_BYS: [&str; 4] = [
    "SELECT cashier, effect, count(*), sum(amount) FROM journal WHERE business_date = ?1 AND effect IS NOT NULL GROUP BY cashier, effect",
    "SELECT device, effect, count(*), sum(amount) FROM journal WHERE business_date = ?1 AND effect IS NOT NULL GROUP BY device, effect",
    "SELECT method, effect, count(*), sum(amount) FROM journal WHERE business_date = ?1 AND effect IS NOT NULL GROUP BY method, effect",
    "SELECT slot, effect, count(*), sum(amount) FROM payment WHERE business_date = ?1 AND counted = 1 GROUP BY slot, effect",
];

/// A million payments: 1.2 times the GROUP BYs, and under three seconds.
pub fn a_million(dir: &Path) -> Vec<Figure> {
    let config = filled::build(&dir.join("store"), size(1_000_000));
    let (close, group) = close(&config);
    vec![
        Figure::of("close of a day of 1,000,000 payments", close, "ms")
            .beside("four GROUP BYs over its rows", group)
            .target("≤ 1.2, < 3 s", close <= 1.2 * group && close < 3_000.0)
            .note(format!("once; {} rows", rows(&config))),
    ]
}

/// Every third is by card and has three rows.
fn size(payments: u64) -> filled::Size {
    let rows = payments * 5 / 3;
    filled::Size { rows, open: rows, day: rows, terminals: 4 }
}

fn rows(config: &Config) -> u64 {
    let reader = tilld::io::store::Reader::open(&StoreOptions::at(shop::database(config))).unwrap();
    reader.head().unwrap().map_or(0, |(seq, _)| seq.0)
}

/// Milliseconds of the close, and of the GROUP BYs before it, both over the warm store.
fn close(config: &Config) -> (f64, f64) {
    let now = |ms: u64| Now { wall: WallMs(1_800_000_000_000 + i64::try_from(ms).unwrap()), mono: MonoMs(ms + 1) };
    let mut writer = shop::writer(config, &StoreOptions::at(shop::database(config)), now(0));
    let date = writer.ledger().open;
    let mut groups = Vec::new();
    let conn = rusqlite::Connection::open(shop::database(config)).unwrap();
    conn.pragma_update(None, "cache_size", -8_000).unwrap();
    // The first reads the pages in.
    for _ in 0..4 {
        let begun = Instant::now();
        let found: usize = GROUP_BYS.iter().map(|query| group_rows(&conn, query, &date.to_string())).sum();
        groups.push(begun.elapsed().as_secs_f64() * 1e3);
        assert!(found > 4);
    }
    drop(conn);
    let command = Command::CutDay { by: Some(CashierId::new("9001").unwrap()) };
    let begun = Instant::now();
    let outputs = writer.step(vec![(Ticket(1), command)], now(1));
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let answered = outputs.iter().any(|output| matches!(output, Output::Answer(Ticket(1), Ok(_))));
    assert!(answered, "{outputs:?}");
    assert!(writer.ledger().days[&date].signature.is_some(), "the day is sealed");
    (took, median(groups.split_off(1)))
}

/// Runs one to its end; gives its rows.
fn group_rows(conn: &rusqlite::Connection, query: &str, date: &str) -> usize {
    let mut stmt = conn.prepare(query).unwrap();
    let mut rows = stmt.query([date]).unwrap();
    let mut count = 0;
    while rows.next().unwrap().is_some() {
        count += 1;
    }
    count
}

fn copy_store(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_store(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What one overwrite of 4 KB and its sync takes here and now.
fn sync_ms(dir: &Path) -> f64 {
    let path = dir.join("raw");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap();
    file.write_all_at(&[7; 4_096], 0).unwrap();
    file.sync_all().unwrap();
    let times = (0..200).map(|n| {
        let begun = Instant::now();
        file.write_all_at(&[u8::try_from(n % 251).unwrap(); 4_096], 0).unwrap();
        file.sync_data().unwrap();
        begun.elapsed().as_secs_f64() * 1e3
    });
    median(times.collect())
}
