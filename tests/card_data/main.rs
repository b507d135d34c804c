//! After a store's day no file holds a card number, a track or a payment code: not the database, its WAL and free pages, not logs, papers,
//! exports, marks. While batches are open they are sealed only.
//!
//! The acquirer's own books are the acquirer's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod scan;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tilld::core::domain::Lang;
use tilld::demo::{DemoOptions, play};

use scan::{Needles, files};

/// The cards and codes of the demo (src/demo/story.rs). That they are these is proved below: the acquirer got them.
const TRACKS: [&str; 3] = [
    "6222021234567890128=49121010000000000",
    "4111111111111111=49121010000000000000",
    "5555555555554444=49121010000000000000",
];
const NOT_OURS: [&str; 2] = ["acquirer-books.jsonl", "acquirer-statement.csv"];

fn needles() -> Needles {
    let cards = TRACKS.iter().map(|t| t.split_once('=').unwrap().0.to_owned());
    let typed = (1..100_000i64).map(|amount| format!("13{:016}", 4_000_000_000_000_000 + amount * 7_919));
    let scanned = (0..100i64).map(|round| format!("62{:017}", 12_345_678_901_234 + round));
    Needles::new(cards.chain(typed).chain(scanned), &TRACKS)
}

/// Everything that the daemon says, at every level.
struct Log(Mutex<Vec<u8>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().extend(format!("{} {}\n", record.target(), record.args()).bytes());
    }
    fn flush(&self) {}
}

#[test]
fn no_file_holds_a_card_after_a_day_and_none_in_clear_during_it() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cards-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let needles = Arc::new(needles());
    let (stop, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (sealed, during) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
    let watcher = {
        let (dir, needles, stop) = (dir.clone(), Arc::clone(&needles), Arc::clone(&stop));
        let (looks, during) = (Arc::clone(&looks), Arc::clone(&during));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let copy = copied(&dir);
                during.lock().unwrap().extend(needles.find_in(&copy, &NOT_OURS));
                looks.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(200));
            }
        })
    };
    let counter = {
        let (dir, sealed, stop) = (dir.clone(), Arc::clone(&sealed), Arc::clone(&stop));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                sealed.fetch_max(sealed_cards(&dir).unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
            }
        })
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = DemoOptions { dir: Some(dir.clone()), bridge: None, lang: Lang::En };
    let result = runtime.block_on(play(options, Box::new(|line| eprintln!("{line}"))));
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    counter.join().unwrap();
    let result = result.unwrap();
    assert!(result.good, "{:#}", result.json);

    let looks = looks.load(Ordering::Relaxed);
    eprintln!("{looks} looks during the day, at most {} cards sealed at once", sealed.load(Ordering::Relaxed));
    assert!(looks > 1);
    // There was something to find: cards were kept while their batches were open.
    assert!(sealed.load(Ordering::Relaxed) > 10);
    assert_eq!(during.lock().unwrap().as_slice(), Vec::<String>::new(), "in clear, during the day");

    assert_eq!(needles.find_in(&dir, &NOT_OURS), Vec::<String>::new(), "after the day");
    assert_eq!(needles.find(result.report.as_bytes()), Vec::<String>::new());
    assert_eq!(needles.find(result.json.to_string().as_bytes()), Vec::<String>::new());
    assert_eq!(sealed_cards(&dir).unwrap(), 0, "every batch has ended");
    let log = LOG.0.lock().unwrap();
    assert!(log.len() > 1_000, "the log was not heard");
    assert_eq!(needles.find(&log), Vec::<String>::new(), "in the log");
    let scanned: Vec<String> =
        files(&dir).iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for name in ["tilld.sqlite", "paper-front.txt", "paper-office.txt", "tilld.mark"] {
        assert!(scanned.iter().any(|n| n == name), "{name} was not scanned: {scanned:?}");
    }
    let _ = std::fs::remove_dir_all(dir.with_extension("copy"));
    std::fs::remove_dir_all(&dir).unwrap();
}

/// The files as they are now, read by another process: whoever opens and closes a database's file in the process that has it open takes its
/// POSIX locks away.
fn copied(dir: &Path) -> PathBuf {
    let copy = dir.with_extension("copy");
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(&copy).unwrap();
    for part in ["data", "tilld.mark", "tilld.toml"] {
        // What is not there yet is not copied.
        let _ = std::process::Command::new("cp").arg("-r").arg(dir.join(part)).arg(&copy).output().unwrap();
    }
    copy
}

/// How many sealed cards the database keeps.
fn sealed_cards(dir: &Path) -> Option<u64> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let conn = rusqlite::Connection::open_with_flags(dir.join("data/tilld.sqlite"), flags).ok()?;
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok()?;
    let count: i64 = conn.query_row("SELECT count(*) FROM sealed_card", [], |row| row.get(0)).ok()?;
    u64::try_from(count).ok()
}

#[test]
fn every_form_is_seen() {
    let track = "4111111111111111=49121010000000000000";
    let needles = Needles::new(["4111111111111111".into(), "6222021234567890128".into()], &[track]);
    let utf16 = |big: bool| -> Vec<u8> {
        "no. 6222021234567890128"
            .encode_utf16()
            .flat_map(|c| if big { c.to_be_bytes() } else { c.to_le_bytes() })
            .collect()
    };
    let forms: [Vec<u8>; 9] = [
        b"x4111111111111111y".to_vec(),
        b"00041111111111111110".to_vec(),
        utf16(false),
        utf16(true),
        [b"z".to_vec(), utf16(true)].concat(),
        vec![0x77, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xFF],
        vec![0xF4, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1F],
        vec![0xAA, 0xD4, 0x91, 0x21, 0x01, 0x00, 0x00],
        b"....=4912101000...".to_vec(),
    ];
    for form in forms {
        assert!(!needles.find(&form).is_empty(), "{form:02X?} was not seen");
        let between_holes = [vec![0; 1_001], form, vec![0; 500]].concat();
        assert!(!needles.find(&between_holes).is_empty(), "{between_holes:02X?} was not seen");
    }
    assert_eq!(needles.find(b"411111******1111 622202*********0128 4111111111111112"), Vec::<String>::new());
}
