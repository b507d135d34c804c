//! A statement of many rows matched beside coreutils' `sort` and `join` on the same CSV and an export of ours: for the test that both find the same,
//! and for the benchmark.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tilld::core::domain::{BusinessDate, PaymentId, State};
use tilld::core::reconcile::{Book, Decoder, Line, Matcher, Ours, Period, Row, RowKind, formats};

fn day() -> BusinessDate {
    BusinessDate::parse("2026-11-20").unwrap()
}

/// Both sides in the same columns: ours in the order in which it was made, theirs shuffled a little, as lanes of several hosts are.
fn write(dir: &Path, rows: u64) {
    // Numbers that look like chance and are the same each time.
    let mut state = 7u64;
    let mut roll = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    let mut ours = BufWriter::new(std::fs::File::create(dir.join("ours.csv")).unwrap());
    let mut theirs = BufWriter::new(std::fs::File::create(dir.join("theirs.csv")).unwrap());
    writeln!(theirs, "terminal,batch,stan,rrn,kind,amount,status,settle_date").unwrap();
    let mut late = Vec::new();
    for i in 0..rows {
        let (device, amount) = (i % 40, roll(100_000) + 1);
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
        if roll(10) == 0 { late.push(line) } else { writeln!(theirs, "{line}").unwrap() }
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

/// How long each took.
pub struct Took {
    /// Both sides read, matched, and what is missing found.
    pub ours: Duration,
    /// The same by sort and join.
    pub sort_and_join: Duration,
}

/// Matches so many rows in `dir`, by both ways.
///
/// # Panics
/// Where one of them does not find just what the statement leaves out.
pub fn beside_sort_and_join(dir: &Path, rows: u64) -> Took {
    // So many payments has the statement left out.
    let missing = (rows + 4_982) / 5_000;
    write(dir, rows);
    let format = formats().unwrap().into_iter().find(|f| f.name == "tilld-acquirer").unwrap();
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
            booked: &[],
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
    let shell = Command::new("sh").arg("-c").arg(script).current_dir(dir).output().unwrap();
    let coreutils = began.elapsed();
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim(), missing.to_string());
    Took { ours, sort_and_join: coreutils }
}
