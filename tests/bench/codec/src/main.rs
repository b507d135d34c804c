//! Our codec beside others', one sale, best of several rounds. Both directions, and for ours also the checked view that decides without copying.

use std::hint::black_box;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use iso8583_core::{Field, ISO8583Message, MessageType};
use tilld::core::acquirer::iso8583::{Message, Mti, Spec, View, bcd};

const HEADER: &str = "6000030000602200000000";

/// Nanoseconds a call, best of nine rounds.
fn best<T>(mut work: impl FnMut() -> T) -> f64 {
    const TIMES: u32 = 20_000;
    let round = |work: &mut dyn FnMut() -> T| {
        let began = Instant::now();
        for _ in 0..TIMES {
            black_box(work());
        }
        began.elapsed().as_nanos() as f64 / f64::from(TIMES)
    };
    (0..9).map(|_| round(&mut work)).fold(f64::INFINITY, f64::min)
}

/// A keyed sale as it goes out, MAC and all.
fn sale() -> Message {
    let mut message = Message::new(Mti::new(200).expect("0200 is a type"));
    for (field, text) in [
        (2, "6222021234567890128"),
        (3, "000000"),
        (4, "000000012345"),
        (11, "000123"),
        (12, "101500"),
        (13, "1120"),
        (14, "3012"),
        (22, "012"),
        (25, "00"),
        (41, "12345678"),
        (42, "123456789012345"),
        (49, "156"),
        (60, "22000007000"),
    ] {
        message.set_text(field, text);
    }
    message.set_bytes(64, b"B3A092AE");
    message
}

/// The same fields as its ASCII allows.
fn theirs() -> ISO8583Message {
    ISO8583Message::builder()
        .mti(MessageType::FINANCIAL_REQUEST)
        .field(Field::PrimaryAccountNumber, "6222021234567890128")
        .field(Field::ProcessingCode, "000000")
        .field(Field::TransactionAmount, "000000012345")
        .field(Field::SystemTraceAuditNumber, "000123")
        .field(Field::LocalTransactionTime, "101500")
        .field(Field::LocalTransactionDate, "1120")
        .field(Field::from_number(14).expect("field 14"), "3012")
        .field(Field::from_number(22).expect("field 22"), "012")
        .field(Field::from_number(25).expect("field 25"), "00")
        .field(Field::from_number(41).expect("field 41"), "12345678")
        .field(Field::from_number(42).expect("field 42"), "123456789012345")
        .field(Field::from_number(49).expect("field 49"), "156")
        .field(Field::from_number(60).expect("field 60"), "22000007000")
        .build()
        .expect("its own builder takes it")
}

fn main() {
    let python = std::env::args().nth(1).expect("the Python that has pyiso8583");
    let (spec, message) = (Spec::unionpay_pos(), sale());
    let bytes = spec.encode(&message).expect("a sale");
    assert_eq!(spec.decode(&bytes).expect("our own bytes"), message);
    let decode = best(|| spec.decode(black_box(&bytes)));
    let view = best(|| View::check(&spec, black_box(&bytes)).map(|view| view.mti()));
    let encode = best(|| spec.encode(black_box(&message)));

    let other = theirs();
    let ascii = other.to_bytes();
    let back = ISO8583Message::from_bytes(&ascii).expect("its own bytes");
    assert_eq!(back.get_field_numbers(), other.get_field_numbers());
    let core_decode = best(|| ISO8583Message::from_bytes(black_box(&ascii)));
    let core_encode = best(|| black_box(&other).to_bytes());

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pyiso.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts");
    let frame = format!("{HEADER}{}\n", bcd::hex(&bytes));
    child.stdin.take().expect("piped").write_all(frame.as_bytes()).expect("python reads");
    let out = child.wait_with_output().expect("python ends");
    let text = String::from_utf8(out.stdout).expect("text");
    let mut numbers = text.split_whitespace().map(|n| n.parse::<f64>().expect("a number"));
    let (py_decode, py_encode) = (numbers.next().expect("decode"), numbers.next().expect("encode"));

    let times = (py_decode + py_encode) / (decode + encode);
    let beside = (core_decode + core_encode) / (decode + encode);
    println!(
        "{{\"bytes\":{},\"ns\":{{\"decode\":{decode:.0},\"view\":{view:.0},\"encode\":{encode:.0}}},\
         \"pyiso8583_ns\":{{\"decode\":{py_decode:.0},\"encode\":{py_encode:.0}}},\
         \"iso8583_core_ns\":{{\"decode\":{core_decode:.0},\"encode\":{core_encode:.0}}},\
         \"times_pyiso8583\":{times:.1},\"times_iso8583_core\":{beside:.2}}}",
        bytes.len()
    );
    if times < 30.0 || beside < 1.0 {
        eprintln!("slower than promised: at least 30 times pyiso8583, and no slower than iso8583-core");
        std::process::exit(1);
    }
}
