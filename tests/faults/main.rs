//! A disk that fails: an error, no space, half a write, at the n-th operation, once and for ever. Every command of the step is refused, memory is
//! what the store has, later commands work when the fault is gone, and nothing panics. And a clock that jumps.
//!
//! By default every few operations are tried; `TILLD_FAULTS=1` tries every one of them. `TILLD_SEED` repeats a run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs, dead_code)]

#[path = "../day_scenarios/asks.rs"]
mod asks;
#[path = "../day_scenarios/bank.rs"]
mod bank;
#[path = "../kills/chance.rs"]
mod chance;
mod clocks;
#[path = "../power_loss/disk.rs"]
mod disk;
#[path = "../day_scenarios/flaky.rs"]
mod flaky;
#[path = "../day_scenarios/shop.rs"]
mod shop;
#[path = "../power_loss/vfs.rs"]
mod vfs;
#[path = "../day_scenarios/words.rs"]
mod words;

use std::sync::Arc;

use tilld::core::day::ClockPair;
use tilld::core::domain::{BusinessDate, Kind, Refusal, Seq};
use tilld::core::ledger::{Writer, WriterOptions};
use tilld::core::ports::{Command, Output, Presented, Reply, Store, StoreError, Ticket};
use tilld::io::store::{Durability, SqliteStore, StoreOptions, VerifyWith, verify};
use tilld::io::vault::{DataKey, Vault};

use chance::Chance;
use disk::{Disk, Fault, Trouble};
use shop::{Shop, cashier, instrument, rules};
use words::{Told, pay};

fn options(disk: &Disk) -> StoreOptions {
    vfs::register();
    StoreOptions {
        vfs: Some(vfs::NAME.into()),
        durability: Durability::Full,
        exclusive: false,
        // So small that the steps below checkpoint, too.
        checkpoint_pages: 8,
        busy_ms: 0,
        ..StoreOptions::at(disk.path())
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

/// A shop in the middle of its morning.
fn morning(disk: &Arc<Disk>, key: &DataKey) -> Shop {
    let mut told = Told::with(Shop::over(rules(), options(disk), key.clone(), None));
    told.shop.pass(1_000);
    told.tell(
        "
        1001 POS1 sells a card 12.00            => approved
        1001 POS1 sells b cash 5.00             => approved
        POS3 goes down
        1002 POS3 sells c card 7.00             => stored
        ",
    );
    told.shop
}

/// Payments and a report in one step; a void; a cut; and a moment of idleness.
fn steps(shop: &Shop) -> Vec<Vec<Command>> {
    let sale = |device: &str, name: &str, method: &str| {
        let mut pay = pay(shop, "1001", device, Kind::Sale, method, "9.00", name);
        if method == "card" {
            let (instrument, entry) = instrument("stripe");
            pay.presented = Some(Presented { instrument, entry, pin_block: None });
        }
        Command::Pay(Box::new(pay))
    };
    vec![
        vec![sale("POS1", "x1", "cash"), sale("POS2", "x2", "cash"), sale("POS3", "x3", "card")],
        vec![sale("POS1", "x4", "cash"), Command::Tick],
        vec![Command::CutDay { by: Some(cashier("M1")) }],
        vec![sale("POS2", "x5", "cash")],
    ]
}

/// Plays the steps on a disk that has this fault. Whatever is refused is refused because the storage failed, and then all of its step is.
fn play_on_a_bad_disk(shop: &mut Shop) -> Sure {
    let mut sure = Sure { head: shop.ledger().head, doubt: false };
    for commands in steps(shop) {
        let commands: Vec<(Ticket, Command)> = commands.into_iter().map(|c| (Ticket(shop.ticket()), c)).collect();
        let tickets: Vec<u64> = commands.iter().map(|(t, _)| t.0).collect();
        let (before, now) = (shop.failures.len(), shop.now);
        let outputs = shop.writer.as_mut().unwrap().step(commands, now);
        for output in outputs {
            match &output {
                Output::Committed(committed) => sure = Sure { head: committed.head, doubt: false },
                Output::Answer(_, Err(reject)) => sure.doubt |= reject.refusal == Refusal::StorageDoubtful,
                _ => {}
            }
            shop.take(output);
        }
        let failed = shop.failures.len() > before;
        for ticket in tickets {
            match &shop.answers[&ticket] {
                Some(Err(reject)) => {
                    let storage = matches!(reject.refusal, Refusal::StorageFailed | Refusal::StorageDoubtful);
                    assert!(failed && storage, "refused for another reason: {reject:?}");
                }
                Some(Ok(_)) => assert!(!failed, "a command of a failed step was told that it was done"),
                None => assert!(!failed, "nobody was told"),
            }
        }
        // Idle: an error here loses nothing.
        let _ = shop.writer.as_mut().unwrap().store_mut().inner.tidy();
    }
    sure
}

/// The power goes while the disk is still bad. Of what was refused nothing is there, unless it was said to be in doubt; gives whether it was and is.
fn what_was_refused_is_not_there(sure: Sure, disk: &Disk, key: &DataKey) -> bool {
    let copy = Disk::with(disk.image());
    let head = open(&copy, key).unwrap().ledger().head;
    copy.remove();
    assert!(head == sure.head || sure.doubt && head > sure.head, "row {head} is there after a power cut: {sure:?}");
    head > sure.head
}

/// What whoever was answered may rely on.
#[derive(Debug, Clone, Copy)]
struct Sure {
    /// The last row that was committed.
    head: Seq,
    /// Somebody was told since that it is not known whether theirs was.
    doubt: bool,
}

/// What a fresh start over the same files finds is what the writer has in memory; and the files are in order.
fn memory_is_the_store(shop: &Shop, disk: &Disk, key: &DataKey) {
    let copy = Disk::with(disk.image());
    let fresh = open(&copy, key).unwrap();
    assert_eq!(fresh.ledger(), shop.ledger(), "a fresh start finds something else than what is in memory");
    let sealed = fresh.store().day_keys().unwrap();
    let mut vault = Vault::open(key, &rules().store, sealed.as_deref()).unwrap();
    let reader = fresh.store().reader().unwrap();
    let found = verify(&reader, VerifyWith { sealer: Some(&mut vault), thorough: true, ..VerifyWith::default() });
    assert!(found.clean(), "{found:?}");
    copy.remove();
}

fn open(disk: &Disk, key: &DataKey) -> Result<Writer<SqliteStore, Vault>, StoreError> {
    let store = SqliteStore::open(&options(disk))?;
    let vault = Vault::open(key, &rules().store, store.day_keys()?.as_deref())?;
    let now = tilld::core::domain::Now {
        wall: tilld::core::domain::WallMs(shop::MORNING),
        mono: tilld::core::domain::MonoMs(0),
    };
    let first_date = BusinessDate::parse("2026-03-07").unwrap();
    let options = WriterOptions { rules: rules(), first_date, start: ClockPair { wall: now.wall, mono: now.mono } };
    Writer::open(store, vault, options, now)
}

/// One fault, and what the store is worth after it.
fn one_fault(fault: Fault, key: &DataKey, surprises: &mut u64) -> u64 {
    let disk = Disk::with(disk::Image::new());
    let mut shop = morning(&disk, key);
    disk.will_fail(fault);
    let sure = play_on_a_bad_disk(&mut shop);
    *surprises += u64::from(what_was_refused_is_not_there(sure, &disk, key));
    let struck = disk.repaired();
    // The next tick of the daemon finds a good disk again.
    shop.step(Command::Tick);
    memory_is_the_store(&shop, &disk, key);
    // The same again, as POS software does it: what was done is not done twice, what was refused is done now.
    for commands in steps(&shop) {
        for command in commands {
            let done = matches!(&command, Command::CutDay { .. }) && shop.ledger().open.to_string() != "2026-03-07";
            if !done {
                let reply = shop.ask(command);
                assert!(matches!(reply, Ok(Reply::Payment(_) | Reply::Done | Reply::Cut { .. })), "{reply:?}");
            }
        }
    }
    let names = ["x1", "x2", "x3", "x4", "x5"];
    let there: Vec<_> = names.iter().map(|name| shop.payment_of(name).unwrap().id).collect();
    let all = shop.all_payments();
    assert_eq!(all.len(), 3 + names.len(), "{there:?} {all:#?}");
    let mut told = Told::with(shop);
    told.tell("POS3 comes up\nwait 3m\nsettled 2026-03-07 => POS1 000001 balanced, POS3 000001 balanced");
    memory_is_the_store(&told.shop, &disk, key);
    disk.remove();
    struck
}

/// Operations of the steps on a good disk.
fn operations(key: &DataKey) -> u64 {
    let disk = Disk::with(disk::Image::new());
    let mut shop = morning(&disk, key);
    let before = disk.ops();
    play_on_a_bad_disk(&mut shop);
    disk.ops() - before
}

#[test]
fn a_disk_that_fails_at_any_operation_loses_nothing_and_harms_nothing() {
    let seed = number("TILLD_SEED").unwrap_or_else(chance::from_the_clock);
    let key = DataKey::random().unwrap();
    let operations = operations(&key);
    let every = number("TILLD_FAULTS").unwrap_or(operations / 40).max(1);
    eprintln!("TILLD_SEED={seed} TILLD_FAULTS={every}: every {every} of {operations} operations");
    let (mut runs, mut struck, mut surprises) = (0u64, 0u64, 0u64);
    for (n, trouble) in (0u64..).zip([Trouble::Io, Trouble::Full, Trouble::Short]) {
        for times in [1, u64::MAX] {
            let mut at = 1 + Chance(seed ^ n ^ times).below(every);
            while at <= operations {
                struck += one_fault(Fault { at, times, trouble }, &key, &mut surprises).min(1);
                runs += 1;
                at += every;
            }
        }
    }
    eprintln!(
        "{runs} faults, {struck} of them struck; {surprises} commits were there after they had been said to be in doubt"
    );
    assert!(struck * 2 > runs, "{struck} of {runs} faults struck anything");
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        let figures = serde_json::json!({"faults": runs, "struck": struck, "operations": operations, "wrong": 0});
        std::fs::write(path, figures.to_string()).unwrap();
    }
}

#[test]
fn a_disk_that_fails_while_the_store_recovers_is_said_and_the_next_start_works() {
    let key = DataKey::random().unwrap();
    let disk = Disk::with(disk::Image::new());
    let shop = morning(&disk, &key);
    let (ledger, left) = (shop.ledger().clone(), disk.image());
    let whole = {
        let disk = Disk::with(left.clone());
        let before = disk.ops();
        drop(open(&disk, &key).unwrap());
        disk.ops() - before
    };
    let every = number("TILLD_FAULTS").unwrap_or(whole / 24).max(1) as usize;
    let mut refused = 0;
    for at in (1..=whole).step_by(every) {
        for (times, trouble) in [(1, Trouble::Io), (u64::MAX, Trouble::Io), (u64::MAX, Trouble::Full)] {
            let disk = Disk::with(left.clone());
            disk.will_fail(Fault { at, times, trouble });
            refused += u64::from(open(&disk, &key).is_err());
            disk.repaired();
            let writer = open(&disk, &key).unwrap();
            assert_eq!(writer.ledger(), &ledger, "after {trouble:?} at {at}");
            disk.remove();
        }
    }
    eprintln!("{refused} starts were refused, of {whole} operations");
    assert!(refused > 5);
}
