//! The power goes at every write and every sync of a business day.
//!
//! A day is played once over a disk in memory that writes down what happens to it. Then the disk is cut off after each operation, in many ways:
//! what was not synced is lost, kept, reordered, torn at 512 bytes; and what comes back is judged. A part of the crashes is gone on from, with the bank as
//! it was, until the day is settled. The same over a store that does not sync its commits must find losses: else this test could not see any.
//!
//! `TILLD_CRASHES` (20,000) says how many states, `TILLD_SEED` repeats a run, `TILLD_FIGURES` names a file for the figures as JSON.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs, dead_code)]

#[path = "../day_scenarios/asks.rs"]
mod asks;
#[path = "../day_scenarios/bank.rs"]
mod bank;
#[path = "../kills/chance.rs"]
mod chance;
mod crash;
mod day;
mod disk;
#[path = "../day_scenarios/flaky.rs"]
mod flaky;
mod going_on;
mod migration;
mod oracle;
#[path = "../day_scenarios/shop.rs"]
mod shop;
#[path = "../store/till.rs"]
mod till;
mod vfs;
#[path = "../day_scenarios/words.rs"]
mod words;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Instant;

use tilld::io::store::Durability;

use chance::Chance;
use crash::{Cut, Replayer};
use day::{History, record};
use disk::{Image, Op};
use oracle::{Judged, Wrong, judge, sum};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

fn seed() -> u64 {
    let seed = number("TILLD_SEED").unwrap_or_else(chance::from_the_clock);
    eprintln!("TILLD_SEED={seed}");
    seed
}

/// For `.ci/long`, once all is well.
fn write_figures(figures: &serde_json::Value) {
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        std::fs::write(path, figures.to_string()).unwrap();
    }
}

/// What a run came to.
#[derive(Debug, Default)]
struct Figures {
    states: u64,
    distinct: u64,
    wrong: Vec<(usize, Cut, Wrong)>,
    losses: u64,
}

/// Cuts the power about so many times, spread over the whole day, and judges what comes back. `stop_at` wrong ones are enough.
fn cut_everywhere(history: &History, states: u64, seed: u64, stop_at: usize) -> Figures {
    let moments = history.log.iter().filter(|op| !matches!(op, Op::Mark(_))).count() as u64;
    let ways = states.div_ceil(moments).max(1);
    let every = (moments / states.max(1)).max(1);
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get() as u64).min(8);
    let figures = Mutex::new(Figures::default());
    let (seen, judged) = (Mutex::new(HashSet::new()), Judged::default());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (figures, seen, judged) = (&figures, &seen, &judged);
            scope.spawn(move || {
                let mut replayer = Replayer::over(history.start.clone());
                for (at, op) in (1usize..).zip(&history.log) {
                    replayer.follow(op);
                    if at as u64 % threads != thread || !(at as u64 / threads).is_multiple_of(every) {
                        continue;
                    }
                    // With nothing under way there is only one way.
                    for way in 0..if replayer.at_rest() { 1 } else { ways } {
                        let mut chance = Chance(seed ^ (at as u64) << 20 ^ way);
                        let cut = Cut::nth(way, &mut chance);
                        let image = replayer.cut(cut, &mut chance);
                        let new = seen.lock().unwrap().insert((fingerprint(&image), history.acknowledged(at)));
                        let verdict = if new { judge(image, at, history, judged, chance.one_in(100)) } else { Ok(()) };
                        let mut figures = figures.lock().unwrap();
                        figures.states += 1;
                        figures.distinct += u64::from(new);
                        if let Err(wrong) = verdict {
                            figures.losses += u64::from(matches!(wrong, Wrong::Lost { .. }));
                            figures.wrong.push((at, cut, wrong));
                        }
                        if figures.wrong.len() >= stop_at {
                            return;
                        }
                    }
                }
            });
        }
    });
    figures.into_inner().unwrap()
}

fn fingerprint(image: &Image) -> [u8; 32] {
    let mut files: Vec<_> = image.iter().collect();
    files.sort();
    let lengths: Vec<[u8; 8]> = files.iter().map(|(_, bytes)| bytes.len().to_le_bytes()).collect();
    let parts = files.iter().zip(&lengths).flat_map(|((name, bytes), n)| [name.as_bytes(), n.as_slice(), bytes]);
    sum(&parts.collect::<Vec<_>>())
}

#[test]
fn whatever_the_moment_nothing_acknowledged_is_lost() {
    let (states, seed, began) = (number("TILLD_CRASHES").unwrap_or(20_000), seed(), Instant::now());
    let history = record(Durability::Full);
    let recorded = began.elapsed();
    let figures = cut_everywhere(&history, states, seed, 5);
    let (operations, commits) = (history.log.len(), history.commits.len());
    eprintln!(
        "{operations} operations, {commits} commits, recorded in {recorded:?}; {} states, {} distinct, in {:?}",
        figures.states,
        figures.distinct,
        began.elapsed()
    );
    assert_eq!(figures.wrong, [], "of {} states", figures.states);
    assert!(figures.states * 10 >= states * 9, "only {} states", figures.states);
    write_figures(&serde_json::json!({"states": figures.states, "distinct": figures.distinct, "wrong": 0,
        "operations": operations, "commits": commits, "seed": seed.to_string(), "seconds": began.elapsed().as_secs()}));
}

#[test]
fn a_store_that_does_not_sync_its_commits_is_caught() {
    let history = record(Durability::Normal);
    let figures = cut_everywhere(&history, 2_000, seed(), 50);
    eprintln!("{} states, {} of them lost something acknowledged", figures.states, figures.losses);
    assert!(figures.losses > 20, "this test sees no losses where there must be: {figures:?}");
    write_figures(&serde_json::json!({"states": figures.states, "lost": figures.losses}));
}
