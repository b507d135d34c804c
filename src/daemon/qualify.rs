//! Is this device's storage fit to hold money? Measures, in a scratch folder of its own: the disk's own synced overwrite, and durable cash sales
//! through the writer as the daemon makes them, in turns. Judges nothing.
//!
//! Times are whole microseconds of the monotonic clock.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::config::Config;
use super::inbox::TillWriter;
use super::rules::rules;
use super::start::{DATABASE, StartError};
use crate::core::day::ClockPair;
use crate::core::domain::{
    BusinessDate, CashierId, Currency, Kind, Method, Minor, RequestId, Role, StoreId, TerminalId,
};
use crate::core::ledger::{Writer, WriterOptions};
use crate::core::ports::{Command, Output, Pay, StoreError, Ticket};
use crate::io::clock::Clock;
use crate::io::store::{SqliteStore, StoreOptions};
use crate::io::vault::{DataKey, Vault};

/// A store with one till, for measuring.
const SCRATCH: &str = r#"
[store]
id = "QUALIFY"
name = "QUALIFY"
timezone = "UTC"
currency = "CNY"
day_cut = "manual"
[data]
dir = "data"
[api]
socket = "tilld.sock"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:9"
tpdu = "6000030000"
header = "602200000000"
[[terminal]]
id = "POS1"
tid = "00000001"
mid = "000000000000001"
master_key_file = "none"
"#;

/// The size of a page, and of a raw overwrite.
const PAGE: usize = 4_096;
/// Pages of the file that is overwritten: preallocated, as a log that is used again.
const PAGES: u64 = 64;
/// Writes of one turn.
const TURN: u32 = 20;
/// A folder that takes fewer operations than this in the time allowed cannot be judged, and is slow enough to say so.
const FEWEST: usize = 20;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Qualities {
    /// The file system's name, where it is one that matters.
    pub file_system: &'static str,
    /// Room left, bytes.
    pub free_bytes: u64,
    /// A 4 KB overwrite of a preallocated file with fdatasync.
    pub sync: Times,
    /// A durable cash sale, one after the other.
    pub sale: Times,
    /// Sales a second, one client.
    pub sales_per_second: u64,
    /// A sale's median against the disk's own, in hundredths.
    pub ratio_percent: u64,
    /// Memory that the system says can be had, kilobytes.
    pub memory_available_kb: u64,
    /// What this process held at its most, kilobytes.
    pub memory_peak_kb: u64,
}

/// Times of one kind, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How many were measured.
    pub count: usize,
    /// The middle one.
    pub p50_us: u64,
    /// One in a hundred takes longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Times {
    fn of(mut all: Vec<u64>) -> Times {
        all.sort_unstable();
        let at = |percent: usize| all.get((all.len() * percent / 100).min(all.len().saturating_sub(1))).copied();
        let (p50, p99) = (at(50).unwrap_or(0), at(99).unwrap_or(0));
        Times { count: all.len(), p50_us: p50, p99_us: p99, max_us: all.last().copied().unwrap_or(0) }
    }
}

/// A folder below the one that is asked about; gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn in_folder(dir: &Path) -> std::io::Result<Scratch> {
        let path = dir.join(format!(".tilld-qualify-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over is said by its name, and harms nothing.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Measures for about as long as asked. Everything lies in a folder of its own below `dir`, which is removed.
pub fn measure(dir: &Path, lasts: Duration) -> Result<Qualities, StartError> {
    let folder = |why| StartError::Folder { path: dir.display().to_string(), why };
    let scratch = Scratch::in_folder(dir).map_err(folder)?;
    let raw = preallocated(&scratch.0).map_err(folder)?;
    let mut till = Till::open(&scratch.0)?;
    let (mut syncs, mut sales) = (Vec::new(), Vec::new());
    let page = [0x5A; PAGE];
    let begun = Instant::now();
    while begun.elapsed() < lasts || syncs.len() < FEWEST {
        for n in 0..TURN {
            let before = Instant::now();
            raw.write_all_at(&page, u64::from(n) % PAGES * PAGE as u64)
                .and_then(|()| raw.sync_data())
                .map_err(folder)?;
            syncs.push(micros(before));
        }
        for _ in 0..TURN {
            let before = Instant::now();
            till.sell()?;
            sales.push(micros(before));
        }
        till.writer.store_mut().tidy()?;
    }
    let spent: u64 = sales.iter().sum();
    let sales_per_second = u64::try_from(sales.len()).unwrap_or(u64::MAX).saturating_mul(1_000_000) / spent.max(1);
    let (sync, sale) = (Times::of(syncs), Times::of(sales));
    let room = rustix::fs::statvfs(dir).map_err(|e| folder(e.into()))?;
    Ok(Qualities {
        file_system: file_system(dir).map_err(folder)?,
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        sync,
        sale,
        sales_per_second,
        ratio_percent: sale.p50_us.saturating_mul(100) / sync.p50_us.max(1),
        memory_available_kb: kilobytes("/proc/meminfo", "MemAvailable:"),
        memory_peak_kb: kilobytes("/proc/self/status", "VmHWM:"),
    })
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn preallocated(dir: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(dir.join("raw"))?;
    for n in 0..PAGES {
        file.write_all_at(&[0xA5; PAGE], n * PAGE as u64)?;
    }
    file.sync_all()?;
    Ok(file)
}

/// File systems that do not hold money, by the number that Linux gives them (`statfs(2)`); the others are not named.
fn file_system(dir: &Path) -> std::io::Result<&'static str> {
    let kind = rustix::fs::statfs(dir)?.f_type;
    // The width of the number differs between machines.
    let kind = u64::try_from(i128::from(kind) & 0xFFFF_FFFF).unwrap_or(0);
    Ok(match kind {
        0x0102_1994 => "tmpfs",
        0x8584_58F6 => "ramfs",
        0x6969 => "nfs",
        0xFF53_4D42 => "cifs",
        0xFE53_4D42 => "smb2",
        0x0102_1997 => "9p",
        0x794C_7630 => "overlayfs",
        0x6573_5546 => "fuse",
        0x4D44 => "vfat",
        0x2011_BAB0 => "exfat",
        _ => "",
    })
}

/// A line of a file below `/proc`; 0 where there is none.
fn kilobytes(file: &str, line: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|l| l.strip_prefix(line)).unwrap_or_default();
    found.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
}

/// One till that sells for cash.
struct Till {
    writer: TillWriter,
    clock: Clock,
    terminal: TerminalId,
    cashier: CashierId,
    sold: u64,
}

impl Till {
    fn open(dir: &Path) -> Result<Till, StartError> {
        let odd = |what: String| StartError::System(format!("the scratch store: {what}"));
        let (config, _) = Config::parse(SCRATCH, &dir.join("tilld.toml")).map_err(|f| odd(format!("{f:?}")))?;
        let rules = rules(&config, &config.acquirer.profile);
        let clock = Clock::start();
        let now = clock.now();
        let store = SqliteStore::open(&StoreOptions::at(dir.join(DATABASE)))?;
        let id: &StoreId = &config.store.id;
        let vault = Vault::open(&DataKey::random()?, id, None)?;
        let first_date = BusinessDate::parse("2026-01-01").map_err(odd)?;
        let start = ClockPair { wall: now.wall, mono: now.mono };
        let writer = Writer::open(store, vault, WriterOptions { rules, first_date, start }, now)?;
        let terminal = TerminalId::new("POS1").map_err(|e| odd(e.to_string()))?;
        let cashier = CashierId::new("1").map_err(|e| odd(e.to_string()))?;
        let mut till = Till { writer, clock, terminal, cashier: cashier.clone(), sold: 0 };
        till.run(Command::AddCashier {
            cashier,
            name: "1".into(),
            role: Role::Cashier,
            pin_hash: vec![0; 53],
            lang: None,
            by: None,
        })?;
        Ok(till)
    }

    fn sell(&mut self) -> Result<(), StartError> {
        self.sold += 1;
        let request = RequestId::new(&self.sold.to_string()).map_err(|e| StartError::System(e.to_string()))?;
        self.run(Command::Pay(Box::new(Pay {
            request,
            kind: Kind::Sale,
            method: Method::Cash,
            device: self.terminal.clone(),
            cashier: self.cashier.clone(),
            amount: Minor(100),
            currency: Currency::CNY,
            original: None,
            presented: None,
            approved_by: None,
            confirm_amount: None,
            extra: Default::default(),
        })))
    }

    fn run(&mut self, command: Command) -> Result<(), StartError> {
        let now = self.clock.now();
        for output in self.writer.step(vec![(Ticket(1), command)], now) {
            match output {
                Output::Failed(why) | Output::Refused(why) => return Err(StoreError::Io(why).into()),
                Output::Answer(_, Err(reject)) => return Err(StartError::System(format!("{:?}", reject.refusal))),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_middle_and_the_longest_are_told_apart() {
        let times = Times::of((1..=200).rev().collect());
        assert_eq!((times.count, times.p50_us, times.p99_us, times.max_us), (200, 101, 199, 200));
        assert_eq!(Times::of(vec![7]), Times { count: 1, p50_us: 7, p99_us: 7, max_us: 7 });
    }

    #[test]
    fn a_folder_is_measured_and_left_as_it_was() {
        let dir = std::env::temp_dir().join(format!("tilld-qualify-test-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let found = measure(&dir, Duration::ZERO).unwrap();
        assert!(found.sync.count >= FEWEST && found.sale.count >= FEWEST, "{found:?}");
        assert!(found.sales_per_second > 0 && found.free_bytes > 0 && found.memory_available_kb > 0, "{found:?}");
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "nothing is left behind");
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(matches!(measure(&dir, Duration::ZERO), Err(StartError::Folder { .. })));
    }
}
