//! The built program, killed with SIGKILL in the middle of a store's day, again and again, and its acquirer with it.
//!
//! `tilld run` and `tilld sim acquirer` are processes; three tills pay over the Unix socket with an HTTP client of the test's own. After every
//! kill `tilld verify` must be clean; at the end of every day both sides' books must agree, and every payment that was acknowledged must be there.
//!
//! `TILLD_KILLS` (12) says how many kills, `TILLD_SEED` repeats a run as far as chance goes: the moments are the machine's. `TILLD_FIGURES`
//! names a file that gets the figures as JSON, `TILLD` another program than the one that was built for the tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod chance;
mod http;
mod judge;
#[allow(dead_code)]
mod rig;
#[path = "../card_data/scan.rs"]
mod scan;
#[allow(dead_code)]
mod tills;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chance::Chance;
use judge::Figures;
use rig::Rig;
use tills::Tills;

/// Kills within one folder: then a new store begins, so that two thousand kills do not check one ever longer journal.
const KILLS_A_STORE: u64 = 20;

#[test]
fn killed_again_and_again_and_nothing_is_lost() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let kills = number("TILLD_KILLS").unwrap_or(12);
    let seed = number("TILLD_SEED").unwrap_or_else(chance::from_the_clock);
    eprintln!("TILLD_KILLS={kills} TILLD_SEED={seed}");
    let began = Instant::now();
    let mut figures = Figures::default();
    let mut left = kills;
    let mut store = 0;
    while left > 0 {
        let now = left.min(KILLS_A_STORE);
        one_store(Chance(seed ^ (store << 32)), now, &mut figures);
        left -= now;
        store += 1;
        eprintln!("{:4} s  {} kills, {figures:?}", began.elapsed().as_secs(), kills - left);
    }
    assert!(figures.acknowledged >= kills * 5, "only {} payments were acknowledged", figures.acknowledged);
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        std::fs::write(path, figures.json(kills, seed, began.elapsed()).to_string()).unwrap();
    }
}

/// A store from its first start to its last settlement, with so many kills.
fn one_store(mut chance: Chance, kills: u64, figures: &mut Figures) {
    let mut rig = Rig::build(3, rig::LOSSY, "info,tilld=trace");
    rig.start_host();
    rig.start_daemon();
    rig.hire();
    let tills = Tills::start(&rig, chance.next(), 30);
    for kill in 0..kills {
        // Also within the first moments after a start: that is where a recovery is interrupted.
        std::thread::sleep(Duration::from_millis(if chance.one_in(6) { chance.below(60) } else { chance.below(900) }));
        if chance.one_in(5) {
            tills.somebody_closes_the_day();
            std::thread::sleep(Duration::from_millis(chance.below(120)));
        }
        // Every sixth kill takes the host along, and it stays away for a while: the tills go on offline.
        let outage = kill % 6 == 3;
        let host_too = outage || chance.one_in(4);
        rig.kill_daemon();
        if host_too {
            rig.kill_host();
        }
        figures.host_kills += u64::from(host_too);
        if chance.one_in(4) {
            rig.start_briefly(chance.below(80));
            figures.interrupted += 1;
        }
        if let Err(what) = rig.verify() {
            panic!("after kill {kill}: {what}; everything lies in {}", rig.dir.display());
        }
        if kill == 2 {
            // What a dead process leaves: WAL, shared memory, log, sealed cards of an open batch.
            no_cards(&rig, "after a kill");
        }
        if outage {
            rig.start_daemon();
            std::thread::sleep(Duration::from_millis(600 + chance.below(1_500)));
            rig.start_host();
        } else {
            if host_too {
                rig.start_host();
            }
            rig.start_daemon();
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    tills.stop.store(true, Ordering::Relaxed);
    let told = tills.join();
    figures.note(&told);
    let books = rig.end_of_day();
    rig.stop_daemon();
    if let Err(what) = rig.verify() {
        panic!("at the end: {what}; everything lies in {}", rig.dir.display());
    }
    no_cards(&rig, "at the end");
    let judgement = rig.stop_host();
    let statement = std::fs::read_to_string(rig.dir.join("statement.csv")).unwrap();
    let wrong = judge::judge(&told, &books, &judgement, &statement, figures);
    let first = &wrong[..wrong.len().min(5)];
    assert!(wrong.is_empty(), "{} are wrong: {first:#?}\neverything lies in {}", wrong.len(), rig.dir.display());
    assert_eq!(Arc::strong_count(&told), 1);
    std::fs::remove_dir_all(&rig.dir).unwrap();
}

/// No file but the acquirer's own holds a card number or a piece of a track.
fn no_cards(rig: &Rig, when: &str) {
    let cards = tills::TRACKS.iter().map(|track| track.split_once('=').unwrap().0.to_owned());
    let found =
        scan::Needles::new(cards, &tills::TRACKS).find_in(&rig.dir, &["books.jsonl", "statement.csv", "host.log"]);
    assert_eq!(found, Vec::<String>::new(), "{when}");
}
