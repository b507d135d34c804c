//! A big store's rush hour: 64 terminals pay at once, without a pause, over the Unix socket, against the built program and its simulated acquirer.
//!
//! Nobody is refused, no payment is lost or doubled, both sides' books agree, and the daemon's memory does not grow with the payments. How long a commit
//! took, seen from the till, is told beside what a sync of the same disk took meanwhile; it is a figure and no check.
//!
//! `TILLD_LOAD_S` (20) says for how long, `TILLD_SEED` repeats a run as far as chance goes, `TILLD_FIGURES` names a file for the figures as JSON.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[allow(dead_code)]
#[path = "../kills/chance.rs"]
mod chance;
#[path = "../kills/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "../kills/judge.rs"]
mod judge;
#[allow(dead_code)]
#[path = "../kills/rig.rs"]
mod rig;
#[allow(dead_code)]
#[path = "../kills/tills.rs"]
mod tills;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use judge::Figures;
use rig::Rig;
use tills::Tills;

const TERMINALS: usize = 64;
/// How much the daemon's own memory may grow in the second half of the rush: while the store's page cache (8 MB) and its readers' fill, and once so many
/// payments have filled them.
const GROWTH_KB: (u64, u64) = (10_240, 2_048);
/// And how many bytes a payment: nine of what lives (the day lists its refunds and voids), the rest is lost by the allocator between pieces that live.
/// Sixty-four more, kept of each payment, fail this test.
const GROWTH_A_PAYMENT: u64 = 32;
const FULL_AFTER: usize = 6_000;

/// Resident memory, in kB: all of it, and what is the daemon's own and no file's.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code)]
struct Memory {
    resident: u64,
    anonymous: u64,
}

fn memory(pid: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| -> u64 {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    };
    Memory { resident: of("VmRSS"), anonymous: of("RssAnon") }
}

/// Syncs an overwritten block of a file of its own, twenty times a second, until told to stop.
fn syncs(path: PathBuf, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<Duration>> {
    std::thread::spawn(move || {
        let file = File::create(&path).unwrap();
        file.write_all_at(&[1; 1 << 16], 0).unwrap();
        file.sync_all().unwrap();
        let mut took = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            file.write_all_at(&[2; 4_096], 4_096 * (took.len() as u64 % 16)).unwrap();
            let began = Instant::now();
            file.sync_data().unwrap();
            took.push(began.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        took
    })
}

/// The value that one in a hundred is above, in microseconds; and the middle one.
fn p99_and_p50(mut values: Vec<Duration>) -> (u64, u64) {
    values.sort_unstable();
    let at = |per_cent: usize| values[(values.len() - 1) * per_cent / 100].as_micros();
    [99, 50].map(at).map(|us| u64::try_from(us).unwrap()).into()
}

#[test]
fn sixty_four_terminals_pay_at_once_and_nobody_is_refused_or_forgotten() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seconds = number("TILLD_LOAD_S").unwrap_or(20);
    let seed = number("TILLD_SEED").unwrap_or_else(chance::from_the_clock);
    eprintln!("TILLD_LOAD_S={seconds} TILLD_SEED={seed}");
    let mut rig = Rig::build(TERMINALS, "latency_ms = 5\n", "warn");
    rig.start_host();
    rig.start_daemon();
    rig.hire();
    let stop = Arc::new(AtomicBool::new(false));
    let disk = syncs(rig.dir.join("beside"), Arc::clone(&stop));
    let tills = Tills::start(&rig, seed, 2);
    // How it grows is told; what is compared is the middle and the end.
    let half = Duration::from_secs(seconds) / 2;
    let [(halfway, paid), (after, all)] = [0, 1].map(|_| {
        let began = Instant::now();
        while began.elapsed() < half {
            std::thread::sleep(half / 5);
            eprintln!("{:?} after {} payments", memory(rig.pid()), tills.payments());
        }
        (memory(rig.pid()).anonymous, tills.payments())
    });
    let growth = if paid < FULL_AFTER { GROWTH_KB.0 } else { GROWTH_KB.1 };
    let growth = growth + (all - paid) as u64 * GROWTH_A_PAYMENT / 1_024;
    tills.stop.store(true, Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    let told = tills.join();
    let disk = p99_and_p50(disk.join().unwrap());
    let mut figures = Figures::default();
    figures.note(&told);

    assert_eq!(*told.refused.lock().unwrap(), Vec::<String>::new());
    assert_eq!(told.given_up.lock().unwrap().len(), 0);
    // Nine hundred sales fill a batch. A void that comes after its batch is a refund; before, it is none.
    let batch = |payment: &serde_json::Value| {
        (payment["device"].to_string(), payment["batch"].as_str().unwrap().parse::<u32>().unwrap())
    };
    let mut latest = BTreeMap::new();
    for (device, batch) in
        told.answers.lock().unwrap().iter().flat_map(|(_, a)| a).filter(|a| a["batch"].is_string()).map(batch)
    {
        let known = latest.entry(device).or_insert(batch);
        *known = batch.max(*known);
    }
    let settled = told.settled.lock().unwrap().iter().map(batch).collect::<Vec<_>>();
    for (device, batch) in &settled {
        assert!(*batch < latest[device], "a void in batch {batch} of {device} was refused, and none is later");
    }
    let declined = |answers: &[(serde_json::Value, Vec<serde_json::Value>)]| {
        answers.iter().flat_map(|(_, a)| a).filter(|a| a["state"] != "approved").cloned().collect::<Vec<_>>()
    };
    let others = declined(&told.answers.lock().unwrap());
    assert!(others.is_empty(), "{} were not approved at once: {}", others.len(), others[0]);
    let books = rig.end_of_day();
    rig.stop_daemon();
    if let Err(what) = rig.verify() {
        panic!("{what}; everything lies in {}", rig.dir.display());
    }
    let judgement = rig.stop_host();
    let statement = std::fs::read_to_string(rig.dir.join("statement.csv")).unwrap();
    let wrong = judge::judge(&told, &books, &judgement, &statement, &mut figures);
    let first = &wrong[..wrong.len().min(5)];
    assert!(wrong.is_empty(), "{} are wrong: {first:#?}\neverything lies in {}", wrong.len(), rig.dir.display());
    assert!(figures.disputed == 0 && figures.payments == figures.acknowledged, "{figures:?}");
    assert!(
        after <= halfway + growth,
        "memory grew from {halfway} kB to {after} kB within {} s: it follows the payments",
        half.as_secs()
    );
    let commits = p99_and_p50(told.commits.lock().unwrap().clone());
    let said = json!({"terminals": TERMINALS, "seconds": seconds, "seed": seed.to_string(), "payments": figures.payments,
        "refused": 0, "voids_after_their_batch": settled.len(), "lost": 0, "duplicates": 0, "rss_kb_halfway": halfway, "rss_kb_after": after,
        "commit_us": {"p99": commits.0, "p50": commits.1}, "sync_of_the_disk_us": {"p99": disk.0, "p50": disk.1}});
    eprintln!("{said}");
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        std::fs::write(path, said.to_string()).unwrap();
    }
    std::fs::remove_dir_all(&rig.dir).unwrap();
}
