//! A till that runs: damage that its slow check finds, a disk that fills up, a disk that cannot be written, and what its memory holds.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::rig::{Rig, TRACK};

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

/// Everything readable of a process's memory, a mapping at a time: where it begins, whose stack it is or its name, and its bytes.
fn memory(pid: u32) -> Vec<(u64, String, Vec<u8>)> {
    use std::os::unix::fs::FileExt;
    let threads: Vec<(String, u64)> = std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .filter_map(|task| {
            let task = task.unwrap().path();
            let name = std::fs::read_to_string(task.join("comm")).ok()?.trim().to_owned();
            // The last but one word of a sleeping thread's system call is where its stack ends.
            let call = std::fs::read_to_string(task.join("syscall")).ok()?;
            let stack = call.split_whitespace().rev().nth(1)?.strip_prefix("0x")?;
            Some((name, u64::from_str_radix(stack, 16).ok()?))
        })
        .collect();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let file = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|l| l.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if file.read_exact_at(&mut bytes, from).is_ok() {
            let whose = threads.iter().filter(|(_, stack)| (from..to).contains(stack));
            let whose: Vec<String> = whose.map(|(name, stack)| format!("the stack of {name} ({stack:x})")).collect();
            let name = line.split_whitespace().nth(5).unwrap_or("nameless memory");
            all.push((from, if whose.is_empty() { name.to_owned() } else { whose.join(", ") }, bytes));
        }
    }
    all
}

fn places<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(at) = bytes[from..].iter().position(|b| *b == needle[0]) {
            let at = from + at;
            from = at + 1;
            if bytes[at..].starts_with(needle) {
                return Some(at);
            }
        }
        None
    })
}

/// Two digits a byte; an odd last one aside.
fn packed(digits: &str) -> Vec<u8> {
    digits.as_bytes().chunks_exact(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect()
}

/// Metrics, exports and every other way to read the day over the API.
fn no_answer_tells(rig: &Rig, secrets: &[&str]) {
    let payments = rig.must("GET", "/v1/payments?limit=500", None);
    let one = payments["items"].as_array().unwrap().iter().find(|p| p["method"] == "card").unwrap();
    let (id, date) = (one["id"].as_str().unwrap(), one["business_date"].as_str().unwrap());
    let mut paths = vec![
        "/metrics".to_owned(),
        "/healthz".into(),
        "/v1/exceptions".into(),
        "/v1/payments?limit=500".into(),
        format!("/v1/payments/{id}"),
        format!("/v1/payments/{id}/story"),
    ];
    paths.extend(
        ["json", "csv", "text", "png", "pdf", "escpos"].map(|format| format!("/v1/reports/{date}?format={format}")),
    );
    for path in paths {
        let text = rig.reads(&path);
        assert!(text.len() > 10, "{path} says nothing");
        for secret in secrets {
            assert!(!text.contains(secret), "{path} tells {secret}");
        }
    }
    // That a card would be seen: its last digits are there.
    assert!(rig.reads(&format!("/v1/payments/{id}")).contains("0128"));
}

#[test]
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
    let mut kept = rig.connection();
    let body = json!({"request_id": "kept", "kind": "sale", "device": "POS1", "cashier": "1001", "method": "card", "amount": 700,
        "currency": "CNY", "card": {"track2": TRACK, "entry": "magstripe"}});
    assert!(kept.posts("/v1/payments", &body).contains("\"approved\""));
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!(day["state"], "balanced", "{day}");
    rig.health_becomes("ok");
    no_answer_tells(&rig, &[TRACK.split_once('=').unwrap().0, code, "49121010000"]);
    std::thread::sleep(Duration::from_secs(2));
    let core = memory(rig.pid());
    drop(kept);
    let size: usize = core.iter().map(|(.., bytes)| bytes.len()).sum();
    assert!(size > 1 << 20, "only {size} bytes of memory could be read");
    let look = |what: &str, needle: &[u8]| -> Vec<String> {
        let of = |(from, name, bytes): &(u64, String, Vec<u8>)| -> Vec<String> {
            places(bytes, needle).map(|at| format!("{what} at {:x} in {name}", from + at as u64)).collect()
        };
        core.iter().flat_map(of).collect()
    };
    // That this would find something: the store's name is there, and so would be a card that somebody kept.
    assert!(!look("the store", "望京店".as_bytes()).is_empty());
    let (card, rest) = TRACK.split_once('=').unwrap();
    let mut found = Vec::new();
    for (what, text) in [("the card", card), ("the code", code), ("the track's end", &rest[..10]), ("a PIN", "246810")]
    {
        let wide: Vec<u8> = text.bytes().flat_map(|b| [b, 0]).collect();
        found.extend(look(what, text.as_bytes()));
        found.extend(look(&format!("{what} as UTF-16"), &wide));
    }
    for (what, digits) in [("the card", card), ("the code", code)] {
        for from in [0, 1] {
            found.extend(look(&format!("{what}, two digits a byte,"), &packed(&digits[from..])));
        }
    }
    eprintln!("{size} bytes of memory looked through");
    assert!(found.is_empty(), "{}", found.join("\n"));
    let limit = std::fs::read_to_string(format!("/proc/{}/limits", rig.pid())).unwrap();
    let cores = limit.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert!(cores.split_whitespace().filter(|w| *w == "0").count() == 2, "{cores}");
}

/// The stick with the mark is pulled, or its mount comes late: evidence is missing, no sale.
#[test]
fn a_till_whose_marks_medium_is_missing_sells_and_says_so() {
    let mut rig = Rig::new();
    let toml = std::fs::read_to_string(rig.dir.join("tilld.toml")).unwrap();
    std::fs::write(rig.dir.join("tilld.toml"), toml.replace("\"tilld.mark\"", "\"stick/tilld.mark\"")).unwrap();
    rig.start();
    rig.hire();
    rig.sells("a", "cash", "approved");
    let warnings = rig.ask("GET", "/healthz", None).unwrap().1["warnings"].to_string();
    assert!(warnings.contains("No mark is kept"), "{warnings}");
    rig.stop();
    // It is back: the mark begins, and a spoiled one is told, too.
    std::fs::create_dir(rig.dir.join("stick")).unwrap();
    rig.start();
    let warnings = rig.ask("GET", "/healthz", None).unwrap().1["warnings"].to_string();
    assert!(!warnings.contains("mark"), "{warnings}");
    rig.stop();
    std::fs::write(rig.dir.join("stick/tilld.mark"), [7; 8192]).unwrap();
    rig.start();
    let warnings = rig.ask("GET", "/healthz", None).unwrap().1["warnings"].to_string();
    assert!(warnings.contains("begun anew"), "{warnings}");
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
    // A clock that was years ahead does not lock a manager out for years.
    rig.stop();
    let store = rusqlite::Connection::open(rig.dir.join("data/tilld.sqlite")).unwrap();
    let years = 10 * 365 * 86_400_000_i64;
    assert_eq!(
        store.execute("UPDATE person_pin SET locked_until = locked_until + ?1 WHERE cashier = '9001'", [years]),
        Ok(1)
    );
    drop(store);
    rig.start();
    assert_eq!(void(&rig, 8, "246810").0, 200);
}
