//! A till that runs: damage that its slow check finds, a disk that fills up, a disk that cannot be written, and what its memory holds.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::rig::{Rig, TRACK};
use crate::scan::Needles;

#[test]
fn damage_in_an_old_row_is_found_by_the_slow_check_and_stops_new_sales_on_screen_log_and_paper() {
    let mut rig = Rig::new();
    rig.start_host();
    rig.start();
    rig.hire();
    rig.line_up();
    rig.sells("a", "card", "approved");
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!(day["state"], "balanced");
    rig.sells("b", "cash", "approved");
    rig.health_becomes("ok");
    rig.stop();
    // A closed day's row: the start itself, which looks at the open day, does not read it.
    let conn = Connection::open(rig.database()).unwrap();
    conn.execute_batch("DROP TRIGGER journal_never_changes; UPDATE journal SET amount = amount + 1 WHERE seq = (SELECT min(seq) FROM journal WHERE amount IS NOT NULL)").unwrap();
    let trigger = "CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal\nBEGIN\n    SELECT RAISE(ABORT, 'a journal row never changes');\nEND";
    conn.execute_batch(trigger).unwrap();
    drop(conn);
    rig.start_printer();
    rig.start();
    let first = rig.health();
    assert!(first == "verifying" || first == "damaged", "an {first:?} on a damaged store");
    rig.health_becomes("damaged");
    let found = Instant::now();
    let (status, answer) = rig.sale("c", "cash", 100);
    assert_eq!((status, answer["code"].as_str()), (503, Some("damaged")), "{answer}");
    assert!(answer["message_i18n"]["zh"].as_str().or(answer["title"].as_str()).is_some(), "{answer}");
    let (status, view) = rig.ask("GET", "/healthz", None).unwrap();
    assert_eq!(status, 503);
    assert!(view["warnings"].to_string().contains("数据损坏"), "{view}");
    assert!(rig.log().contains("the store is damaged: row"), "{}", rig.log());
    while !rig.paper().contains("SALES ARE STOPPED") {
        assert!(
            found.elapsed() < Duration::from_secs(5),
            "nothing on paper within 5 s: {}\n{}",
            rig.paper(),
            rig.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, said) = rig.refuses(&["status"]);
    assert_eq!(code, 1);
    assert!(said.contains("damaged"), "{said}");
}

#[test]
fn damage_in_the_open_day_is_found_before_it_is_ready() {
    let mut rig = Rig::new();
    rig.start();
    rig.hire();
    rig.sells("a", "cash", "approved");
    rig.stop();
    let conn = Connection::open(rig.database()).unwrap();
    conn.execute_batch("DROP TRIGGER journal_never_changes; UPDATE journal SET hmac = zeroblob(32) WHERE seq = 3")
        .unwrap();
    drop(conn);
    rig.start();
    assert_eq!(rig.health(), "damaged");
    let (status, answer) = rig.sale("b", "cash", 100);
    assert_eq!((status, answer["code"].as_str()), (503, Some("damaged")), "{answer}");
}

/// A file system of so many megabytes; `None`, said loudly, where this machine lets nobody mount one.
struct Small(PathBuf);

impl Small {
    fn mount(megabytes: u32, read_only: bool) -> Option<Small> {
        let dir = std::env::temp_dir().join(format!("tilld-small-{}-{megabytes}-{read_only}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let size = format!("size={megabytes}M");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&dir).status();
        if done.is_ok_and(|s| s.success()) {
            return Some(Small(dir));
        }
        eprintln!("SKIPPED: no file system can be mounted here");
        None
    }

    fn remount(&self, how: &str) {
        assert!(Command::new("mount").args(["-o", how]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn fill(path: &Path, leave: u64) -> u64 {
    let stat = rustix::fs::statvfs(path.parent().unwrap()).unwrap();
    let bytes = (stat.f_bavail * stat.f_frsize).saturating_sub(leave);
    std::fs::write(path, vec![1; usize::try_from(bytes).unwrap()]).unwrap();
    bytes
}

#[test]
fn on_a_full_disk_new_sales_are_refused_early_and_the_day_is_still_closed_and_settled() {
    let Some(small) = Small::mount(48, false) else { return };
    let mut rig = Rig::at(Some(&small.0), 4);
    rig.start_host();
    rig.start();
    rig.hire();
    rig.line_up();
    rig.sells("a", "card", "approved");
    assert!(small.0.join("ballast").exists());
    // Somebody's logs fill the disk, all but two megabytes.
    fill(&small.0.join("logs"), 2 << 20);
    rig.health_becomes("storage_full");
    let (status, answer) = rig.sale("b", "card", 100);
    assert_eq!((status, answer["code"].as_str()), (503, Some("storage_full")), "{answer}");
    // And then all of it: the ballast is given back.
    fill(&small.0.join("more"), 0);
    let began = Instant::now();
    while small.0.join("ballast").exists() {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", rig.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!((day["state"].as_str(), day["cross_foot"].as_bool()), (Some("balanced"), Some(true)), "{day}");
    assert!(small.0.join("more").exists());
    // Space is freed: sales go on by themselves, and the ballast is taken again.
    std::fs::remove_file(small.0.join("logs")).unwrap();
    std::fs::remove_file(small.0.join("more")).unwrap();
    rig.health_becomes("ok");
    rig.sells("c", "card", "approved");
    assert!(small.0.join("ballast").exists());
    rig.stop();
    rig.does(&["verify"]);
    drop(rig);
    drop(small);
}

#[test]
fn a_disk_that_becomes_read_only_refuses_plainly_and_loses_nothing() {
    let Some(small) = Small::mount(32, true) else { return };
    let mut rig = Rig::at(Some(&small.0), 0);
    rig.start();
    rig.hire();
    rig.sells("a", "cash", "approved");
    rig.stop();
    small.remount("remount,ro");
    let (code, why) = rig.refuses(&["run"]);
    assert_eq!(code, 78, "{why}");
    assert!(why.contains("cannot be written to: check its owner and permissions"), "{why}");
    small.remount("remount,rw");
    rig.start();
    rig.sells("b", "cash", "approved");
    let list = rig.must("GET", "/v1/payments", None);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    rig.stop();
    rig.does(&["verify"]);
    drop(rig);
    drop(small);
}

/// Everything readable of a process's memory: what a core would hold.
fn memory(pid: u32) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let file = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|l| l.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if file.read_exact_at(&mut bytes, from).is_ok() {
            // Pages that were never written need no look.
            all.extend(bytes.chunks(4_096).filter(|page| page.iter().any(|b| *b != 0)).flatten());
        }
    }
    all
}

#[test]
#[ignore = "open: copies on stacks and in buffers of the runtime stay after a sale (found in a debug build); to be mended"]
fn the_memory_of_a_till_that_has_sold_holds_no_card_no_track_no_code_and_no_pin() {
    let mut rig = Rig::new();
    rig.start_host();
    rig.start();
    rig.hire();
    rig.line_up();
    for n in 0..20 {
        rig.sells(&format!("card-{n}"), "card", "approved");
    }
    let code = "134567890123456789";
    let body = json!({"request_id": "code", "kind": "sale", "device": "POS1", "cashier": "1001", "method": "qr", "amount": 500,
        "currency": "CNY", "auth_code": code});
    assert_eq!(rig.must("POST", "/v1/payments", Some(&body))["state"], "approved");
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!(day["state"], "balanced", "{day}");
    rig.health_becomes("ok");
    std::thread::sleep(Duration::from_secs(2));
    let core = memory(rig.pid());
    assert!(core.len() > 1 << 20, "only {} bytes of memory could be read", core.len());
    // That this would find something: the store's name is there, and so would be a card that somebody kept.
    assert!(core.windows(9).any(|w| w == "望京店".as_bytes()));
    let card = TRACK.split_once('=').unwrap().0.to_owned();
    let needles = Needles::new([card, code.to_owned()], &[TRACK]);
    let found = needles.find(&core);
    eprintln!("{} bytes of memory looked through", core.len());
    assert_eq!(found, Vec::<String>::new());
    let limit = std::fs::read_to_string(format!("/proc/{}/limits", rig.pid())).unwrap();
    let cores = limit.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert!(cores.split_whitespace().filter(|w| *w == "0").count() == 2, "{cores}");
}

#[test]
fn a_guessed_pin_is_locked_out_and_stays_so_over_a_restart() {
    let mut rig = Rig::new();
    rig.start();
    rig.hire();
    rig.sells("a", "cash", "approved");
    let id = rig.must("GET", "/v1/payments", None)["items"][0]["id"].clone();
    let void = |rig: &Rig, n: u32, pin: &str| {
        let body = json!({"request_id": format!("v{n}"), "kind": "void", "device": "POS1", "cashier": "1001", "method": "cash",
            "amount": 1234, "currency": "CNY", "original": id, "approval": {"manager": "9001", "pin": pin}});
        let (status, answer) = rig.ask("POST", "/v1/payments", Some(&body)).unwrap();
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    for n in 0..5 {
        assert_eq!(void(&rig, n, "000000"), (403, "wrong_pin".into()));
    }
    // Now even the right one is not looked at.
    assert_eq!(void(&rig, 6, "246810"), (403, "locked".into()));
    rig.stop();
    rig.start();
    assert_eq!(void(&rig, 7, "246810"), (403, "locked".into()));
}
