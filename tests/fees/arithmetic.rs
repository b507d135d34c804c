//! Our integers against an implementation that shares nothing with them: Python's `fractions`.

use std::io::Write;
use std::process::{Command, Stdio};

use tilld::core::calendar::Wait;
use tilld::core::domain::{Method, Minor};
use tilld::core::fees::{FeeLine, OnRefund, Rounding, given_back};

/// A small generator of its own, so that a seed is enough to see a case again.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % below).unwrap()
    }
}

fn line(rate: i64, fixed: i64, min: i64, max: i64, rounding: Rounding) -> FeeLine {
    FeeLine {
        name: "x".into(),
        channel: Method::Card,
        cards: Vec::new(),
        brands: Vec::new(),
        foreign: None,
        above: Minor::ZERO,
        up_to: Minor::MAX_ISO,
        rate,
        fixed: Minor(fixed),
        min: Minor(min),
        max: Minor(max),
        rounding,
        on_refund: OnRefund::Returned,
        arrives: Wait { days: 1, business: true },
    }
}

#[test]
fn fees_and_what_is_given_back_agree_with_pythons_fractions() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no python3 here, the arithmetic was not compared");
        return;
    }
    let seed = std::env::var("TILLD_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5EED_F33Du64);
    eprintln!("TILLD_SEED={seed}");
    let mut numbers = Numbers(seed.max(1));
    let (mut asked, mut ours) = (String::new(), Vec::new());
    let roundings = [
        ("half_up", Rounding::HalfUp),
        ("half_even", Rounding::HalfEven),
        ("up", Rounding::Up),
        ("down", Rounding::Down),
    ];
    for case in 0..20_000 {
        let amount = match case % 4 {
            0 => numbers.next(1_000_000_000_000),
            1 => numbers.next(400) * 50, // halves
            _ => numbers.next(5_000_000),
        };
        if case % 5 == 4 {
            let amount = amount + 1;
            let fee = numbers.next(amount.unsigned_abs().min(1_000_000) + 1);
            let before = numbers.next(amount.unsigned_abs());
            let refund = numbers.next((amount - before).unsigned_abs() + 1);
            asked += &format!("back {fee} {amount} {before} {refund}\n");
            ours.push(given_back(Minor(fee), Minor(amount), Minor(before), Minor(refund)).unwrap().0);
        } else {
            let (word, rounding) = roundings[usize::try_from(numbers.next(4)).unwrap()];
            let rate = if case % 3 == 0 { numbers.next(100_001) } else { 50 * numbers.next(40) };
            let (fixed, min) = (numbers.next(30), numbers.next(20));
            let max = if case % 2 == 0 { 999_999_999_999 } else { min + numbers.next(3_000) };
            asked += &format!("{word} {amount} {rate} {fixed} {min} {max}\n");
            ours.push(line(rate, fixed, min, max, rounding).fee(Minor(amount)).unwrap().0);
        }
    }
    let peer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fees/peer.py");
    let mut python =
        Command::new("python3").arg(peer).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
    let mut input = python.stdin.take().unwrap();
    let cases = asked.clone();
    let writing = std::thread::spawn(move || input.write_all(cases.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let theirs: Vec<i64> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(theirs.len(), ours.len());
    for ((case, ours), theirs) in asked.lines().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{case} (seed {seed})");
    }
}
