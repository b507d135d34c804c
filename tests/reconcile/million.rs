//! Many rows beside coreutils' `sort` and `join` on the same CSV and an export of ours. Measured with
//! `TILLD_ROWS=1000000 cargo test --release --test reconcile rows_beside_sort_and_join -- --nocapture`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use tilld::core::domain::{BusinessDate, PaymentId, State};
use tilld::core::reconcile::{Book, Decoder, Line, Matcher, Ours, Period, Row, RowKind};

use crate::files::format;
use crate::month::Dice;

/// A few by default: the figures are for a release build that has the machine for itself.
fn rows() -> u64 {
    std::env::var("TILLD_ROWS").ok().and_then(|v| v.parse().ok()).unwrap_or(20_000)
}

/// The kernel's figure for this process's largest memory, MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn day() -> BusinessDate {
    BusinessDate::parse("2026-11-20").unwrap()
}

/// Both sides in the same columns: ours in the order in which it was made, theirs shuffled a little, as lanes of several hosts are.
fn write(dir: &Path, rows: u64) {
    let mut dice = Dice(7);
    let mut ours = BufWriter::new(std::fs::File::create(dir.join("ours.csv")).unwrap());
    let mut theirs = BufWriter::new(std::fs::File::create(dir.join("theirs.csv")).unwrap());
    writeln!(theirs, "terminal,batch,stan,rrn,kind,amount,status,settle_date").unwrap();
    let mut late = Vec::new();
    for i in 0..rows {
        let (device, amount) = (i % 40, dice.roll(100_000) + 1);
        let n = i / 40 + 1;
        let line = format!(
            "100000{device:02},{:06},{n:06},{:012},sale,{amount},approved,1120",
            n / 900 + 1,
            263_000_000_000 + i
        );
        writeln!(ours, "{line}").unwrap();
        if i % 5_000 == 17 {
            continue;
        }
        if dice.roll(10) == 0 { late.push(line) } else { writeln!(theirs, "{line}").unwrap() }
    }
    for line in late {
        writeln!(theirs, "{line}").unwrap();
    }
}

fn each_line(path: &Path, mut each: impl FnMut(&[u8])) {
    let mut file = BufReader::with_capacity(256 * 1024, std::fs::File::open(path).unwrap());
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).unwrap() > 0 {
        each(line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
}

#[test]
fn rows_beside_sort_and_join() {
    let rows = rows();
    // So many payments has the statement left out.
    let missing = (rows + 4_982) / 5_000;
    let dir = std::env::temp_dir().join(format!("tilld-million-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    write(&dir, rows);
    let format = format("tilld-acquirer");
    let before = peak_mb();
    let began = Instant::now();
    let mut book = Book::new(rows as usize, format.has_orders());
    let mut id = 0;
    each_line(&dir.join("ours.csv"), |line| {
        let text = std::str::from_utf8(line).unwrap();
        let v: Vec<&str> = text.split(',').collect();
        id += 1;
        book.add(&Ours {
            id: PaymentId(id),
            order: "",
            cashier: "1001",
            device: "POS1",
            tid: v[0],
            shift: 1,
            kind: RowKind::Sale,
            amount: v[5].parse().unwrap(),
            state: State::Approved,
            day: day(),
            settles: Some(day()),
            batch: v[1].parse().ok(),
            stan: v[2].parse().ok(),
            rrn: v[3],
            fee: None,
            coupons: 0,
        });
    });
    book.seal();
    let none = BTreeSet::new;
    let period = Period { days: BTreeSet::from([day()]), elsewhere: none(), today: day(), wait_days: 3 };
    let mut matcher = Matcher::new(&mut book, period);
    let (mut decoder, mut row) = (Decoder::new(&format, day()), Row::default());
    each_line(&dir.join("theirs.csv"), |line| {
        if decoder.line(line, &mut row) == Line::Row {
            matcher.row(&row, None);
        }
    });
    let outcome = matcher.finish();
    let ours = began.elapsed();
    assert_eq!((outcome.matched_count, outcome.counts), (rows - missing, [0, missing, 0, 0]));
    let began = Instant::now();
    let script = "export LC_ALL=C; sort -t, -k4,4 ours.csv > a; tail -n +2 theirs.csv | sort -t, -k4,4 > b; join -t, -1 4 -2 4 a b > both; \
        join -t, -1 4 -2 4 -v1 a b > short; join -t, -1 4 -2 4 -v2 a b > long; wc -l < short";
    let shell = Command::new("sh").arg("-c").arg(script).current_dir(&dir).output().unwrap();
    let coreutils = began.elapsed();
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim(), missing.to_string());
    std::fs::remove_dir_all(&dir).unwrap();
    let figures = serde_json::json!({
        "rows": rows, "ours_ms": ours.as_millis() as u64, "sort_and_join_ms": coreutils.as_millis() as u64,
        "ours_percent_of_it": (ours.as_millis() * 100 / coreutils.as_millis().max(1)) as u64,
        "peak_mb": peak_mb(), "peak_mb_before": before,
    });
    eprintln!("{figures}");
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        std::fs::write(path, figures.to_string()).unwrap();
    }
    assert!(peak_mb() < 200);
    // A debug build's figure says nothing.
    assert!(cfg!(debug_assertions) || rows < 1_000_000 || ours <= coreutils, "slower than sort and join");
}
