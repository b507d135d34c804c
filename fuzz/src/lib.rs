//! What each fuzz target does with its bytes: one function a parser that meets the outside. None may panic, hang or hold more than its bound, and what
//! is read and written again must read the same.
//!
//! A new target is a function here, a line in [`ALL`], a folder in `corpus`, a file in `targets` and its `[[bin]]`. `tests/fuzz_corpus.rs` runs the
//! corpus through all of them without a fuzzer, and mutations of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, missing_docs)]

use std::path::Path;
use std::sync::OnceLock;

use tilld::core::acquirer::iso8583::{Deframer, Spec, View, dump, tlv};
use tilld::core::acquirer::{Profile, read_unasked};
use tilld::core::device::card::read_track2;
use tilld::core::device::escpos_status::StatusDecoder;
use tilld::core::device::escpos_walk::next_piece;
use tilld::core::device::msr::MsrDecoder;
use tilld::core::device::scanner::{ScannerDecoder, classify};
use tilld::core::domain::BusinessDate;
use tilld::core::journal::Record;
use tilld::core::ledger::Ledger;
use tilld::core::reconcile::{Decoder, Format, Line, Row, formats};
use tilld::daemon::config::Config;
use tilld_bridge::wire;

/// A parser with its bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const ALL: &[(&str, Target)] = &[
    ("acquirer_frame", acquirer_frame),
    ("bridge_frame", bridge_frame),
    ("bridge_session", bridge_session),
    ("config", config),
    ("journal_row", journal_row),
    ("logo", logo),
    ("mag_stripe", mag_stripe),
    ("neo2", neo2),
    ("payment_body", payment_body),
    ("pn532", pn532),
    ("print_job", print_job),
    ("printer_status", printer_status),
    ("profile", profile),
    ("scanner_line", scanner_line),
    ("statement", statement),
    ("tlv", tlv_objects),
    ("track2", track2),
];

fn profiles() -> &'static [Profile] {
    static PROFILES: OnceLock<Vec<Profile>> = OnceLock::new();
    PROFILES.get_or_init(|| ["unionpay-pos", "nii-pos"].map(|name| Profile::builtin(name).unwrap()).into())
}

/// Bytes from the acquirer's line, torn anywhere: frames, fields, and the dump that shows no card.
pub fn acquirer_frame(data: &[u8]) {
    for profile in profiles() {
        let mut deframer = Deframer::new(profile.frame);
        for piece in data.chunks(1 + data.len() / 3) {
            deframer.push(piece);
            while let Ok(Some(frame)) = deframer.next_frame() {
                decoded(&profile.spec, &frame.body);
                let _ = dump::masked_frame(&profile.spec, &frame);
                let _ = read_unasked(profile, &frame);
                assert!(frame.to_bytes().is_some());
            }
        }
        decoded(&profile.spec, data);
    }
}

fn decoded(spec: &Spec, body: &[u8]) {
    let (partly, _) = View::as_far_as_possible(spec, body);
    let _ = partly.map(|view| view.message());
    let _ = dump::text(spec, body);
    let Ok(message) = spec.decode(body) else { return };
    // What cannot be written as we write it (a lenient reading) is refused; what can reads the same again.
    if let Ok(again) = spec.encode(&message) {
        assert_eq!(spec.decode(&again).as_ref(), Ok(&message));
    }
}

/// Bytes from the hardware bridge's line.
pub fn bridge_frame(data: &[u8]) {
    let mut decoder = wire::Decoder::new();
    for byte in data {
        if let Some(Ok(frame)) = decoder.feed(*byte) {
            bridge_body(frame.body);
            let mut out = [0; wire::MAX_WIRE];
            assert!(frame.emit(&mut out).is_some());
        }
    }
    bridge_body(data);
}

fn bridge_body(body: &[u8]) {
    let _ = postcard::from_bytes::<wire::ToHost>(body);
    let _ = postcard::from_bytes::<wire::ToBridge>(body);
    let _ = postcard::from_bytes::<wire::Hello>(body);
    let _ = postcard::from_bytes::<wire::Welcome>(body);
}

/// A whole bridge with its devices and its keys, and the daemon's end of the line, both at what comes. Each piece (its length, a kind, a
/// sequence number, the body) comes in a frame with a right check sum, else nothing would get past it, and every fifth one as it is.
pub fn bridge_session(data: &[u8]) {
    use tilld_bridge::bridge::{About, Bench, Bridge, turn};
    use tilld_bridge::keys::Limits;
    use tilld_bridge::link::Timing;
    use tilld_bridge::store::Ram;
    let about = About { name: "fuzz", version: "0", serial: "0", capabilities: u32::MAX };
    let mut bridge = Bridge::new(about, Timing::USUAL, Limits::USUAL, Ram::new());
    let mut bench = Bench::new(wire::Secret::new(b"4111111111111111=30121010000012300"), wire::Secret::new(b"123456"));
    let mut host = tilld_bridge::host::Host::new(Timing::USUAL, 7);
    let (mut rest, mut now) = (data, 0);
    while let [len, kind, seq, more @ ..] = rest {
        let (body, after) = more.split_at(usize::from(*len).min(more.len()));
        rest = after;
        now += u64::from(*seq);
        let kinds = [wire::Kind::Hello, wire::Kind::Welcome, wire::Kind::Data, wire::Kind::Ack, wire::Kind::Nak];
        let kind = kinds.get(usize::from(*kind) % 6).copied().unwrap_or(wire::Kind::Aside);
        let frame = wire::Frame { kind, version: 1 + seq % 3, session: 7, seq: u16::from(seq / 8), body };
        let mut out = [0; wire::MAX_WIRE];
        let framed = frame.emit(&mut out).map_or(body, |n| &out[..n]);
        let bytes = if seq % 5 == 4 { body } else { framed };
        let mut said = Vec::new();
        turn(&mut bridge, &mut bench, bytes, now, |frame| said.extend_from_slice(frame));
        assert!(said.len() <= 12 * wire::MAX_WIRE, "more than a turn may say");
        host.push(bytes, now);
        host.tick(now);
        while host.event().is_some() {}
        let mut out = [0; wire::MAX_WIRE];
        while host.transmit(now, &mut out) > 0 {}
    }
}

/// A reader on a line of its own, armed, disarmed, lost and silent between the pieces.
fn reader(name: &str, data: &[u8]) {
    let kind = tilld::core::device::reader::named(name).unwrap();
    let mut codec = (kind.codec)(Default::default());
    let mut now = 0;
    codec.opened(now);
    for piece in data.split_inclusive(|byte| *byte == 0x0A) {
        match piece[0] % 8 {
            0 | 1 => codec.arm(now),
            2 => codec.disarm(now),
            3 => codec.lost(),
            4 => now += 60_000,
            _ => now += 20,
        }
        let seen = codec.feed(now, piece);
        assert!(seen.len() <= piece.len());
        codec.tick(now);
        assert!(codec.take_output().len() <= 4_096);
        assert!(codec.wake_at().is_none_or(|at| at > now));
    }
}

/// A PN532's answers.
pub fn pn532(data: &[u8]) {
    let mut decoder = tilld::core::device::reader::pn532::FrameDecoder::default();
    decoder.feed(0, data);
    reader("pn532", data);
}

/// An ID TECH NEO 2's answers.
pub fn neo2(data: &[u8]) {
    let mut decoder = tilld::core::device::reader::neo2::AnswerDecoder::default();
    for answer in decoder.feed(0, data) {
        assert!(answer.data.len() <= tilld::core::device::reader::neo2::MAX_DATA);
    }
    reader("neo2", data);
}

/// A picture that a store wants above its receipts.
pub fn logo(data: &[u8]) {
    if let Ok(dots) = tilld::core::report::logo::from_png(data) {
        assert_eq!(dots.bytes().len(), dots.row_bytes() * dots.height());
    }
}

/// A configuration that somebody wrote.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(findings) = Config::parse(text, Path::new("/etc/tilld/tilld.toml")) {
        assert!(!findings.is_empty(), "refused, and nothing is said");
    }
}

/// What lies on a disk that may be damaged: rows, and snapshots.
pub fn journal_row(data: &[u8]) {
    if let Ok(record) = Record::from_bytes(data) {
        assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
    }
    let _ = Ledger::from_bytes(data);
}

/// A stripe reader's line, in two pieces.
pub fn mag_stripe(data: &[u8]) {
    let mut decoder = MsrDecoder::new(300);
    for (now, piece) in (0u64..).zip(data.chunks(1 + data.len() / 2)) {
        decoder.feed(now * 10, piece);
    }
    decoder.tick(10_000);
}

/// The body of `POST /v1/payments`.
pub fn payment_body(data: &[u8]) {
    let _ = tilld::io::http::read_payment(data);
}

/// Where one printer command ends: every byte is handed out once, in order, however small the pieces.
pub fn print_job(data: &[u8]) {
    let limit = usize::from(data.first().copied().unwrap_or(1));
    let (mut at, mut inside) = (0, 0);
    while let Some((piece, left)) = next_piece(&data[at..], inside, limit) {
        assert!(piece.len > 0 && piece.len <= limit.max(1));
        (at, inside) = (at + piece.len, left);
    }
    assert_eq!(at, data.len());
}

/// What a printer answers.
pub fn printer_status(data: &[u8]) {
    let mut decoder = StatusDecoder::new();
    for n in 1..=4 {
        decoder.asked(n);
    }
    let answers: usize =
        (0u64..).zip(data.chunks(1 + data.len() / 2)).map(|(now, piece)| decoder.feed(now, piece).len()).sum();
    assert!(answers <= data.len());
}

/// A dialect, a statement's format, and a printer's model, that a technician wrote.
pub fn profile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Profile::parse("fuzz", text);
    let _ = Format::parse(text);
    let _ = tilld::core::device::profile::Profile::parse("fuzz", text);
}

/// A scanner's line, in two pieces.
pub fn scanner_line(data: &[u8]) {
    let mut decoder = ScannerDecoder::new(50);
    for (now, piece) in (0u64..).zip(data.chunks(1 + data.len() / 2)) {
        decoder.feed(now * 10, piece);
    }
    decoder.tick(10_000);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = classify(text);
    }
}

/// A statement's file, in every format that is shipped.
pub fn statement(data: &[u8]) {
    static FORMATS: OnceLock<Vec<Format>> = OnceLock::new();
    let today = BusinessDate::parse("2026-11-25").unwrap();
    for format in FORMATS.get_or_init(|| formats().unwrap()) {
        let (mut decoder, mut row) = (Decoder::new(format, today), Row::default());
        for line in data.split(|byte| *byte == b'\n') {
            if decoder.line(line, &mut row) == Line::Row {
                assert!(row.amount >= 0);
            }
        }
    }
}

/// Field 55.
pub fn tlv_objects(data: &[u8]) {
    let Ok(items) = tlv::read(data) else { return };
    let mut again = Vec::new();
    for item in &items {
        tlv::write(&mut again, item.tag, &data[item.span.clone()]).unwrap();
    }
    let values = |bytes: &[u8]| -> Vec<(u32, Vec<u8>)> {
        tlv::read(bytes).unwrap().into_iter().map(|item| (item.tag, bytes[item.span].to_vec())).collect()
    };
    assert_eq!(values(&again), values(data));
}

/// Track 2 from a reader or a POS.
pub fn track2(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = read_track2(text);
    }
}
