//! The bytes of protocol version 1, frozen.
//!
//! DO NOT CHANGE what stands here, neither bytes nor values: bridges in stores speak it. If one of these tests fails, the change
//! under test breaks them. What is new gets a new version and a file of its own.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde::{Serialize, de::DeserializeOwned};
use tilld_bridge::wire::{
    Aside, Blob, Decoder, Device, Frame, Hello, Info, Key, Kind, Level, MAX_WIRE, Mark, NakReason, Notice, Refusal,
    Reply, Request, Stats, Text, ToBridge, ToHost, Welcome,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[track_caller]
fn frozen<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, bytes: &str) {
    let mut buf = [0; 240];
    let written = postcard::to_slice(value, &mut buf).unwrap();
    assert_eq!(hex(written), bytes, "{value:?}");
    assert_eq!(&postcard::from_bytes::<T>(written).unwrap(), value);
}

#[track_caller]
fn frozen_frame(frame: &Frame<'_>, bytes: &str) {
    let mut out = [0; MAX_WIRE];
    let n = frame.emit(&mut out).unwrap();
    assert_eq!(hex(&out[..n]), bytes);
    let mut decoder = Decoder::new();
    let (last, front) = out[..n].split_last().unwrap();
    assert!(front.iter().all(|b| decoder.feed(*b).is_none()));
    assert_eq!(decoder.feed(*last).unwrap().unwrap(), *frame);
}

const TID: [u8; 8] = *b"12345678";

#[test]
fn frames() {
    let frame = |kind, version, seq, body| Frame { kind, version, session: 0x1234, seq, body };
    frozen_frame(&frame(Kind::Hello, 0, 0, &[1, 1]), "0002010334120106020101AEB700");
    frozen_frame(&frame(Kind::Welcome, 0, 0, &[1, 1, 1, 0x7F]), "0002020334120108040101017F88DA00");
    frozen_frame(&frame(Kind::Data, 1, 0x0102, &[0, 1, 2, 0, 3]), "0008030134120201050301020403699000");
    frozen_frame(&frame(Kind::Ack, 1, 0x0102, &[]), "000704013412020103DE5B00");
    frozen_frame(&frame(Kind::Nak, 1, 0x0103, &[NakReason::Spoiled as u8]), "000B0501341203010101E92700");
    frozen_frame(&frame(Kind::Nak, 1, 0x0103, &[NakReason::Busy as u8]), "000B05013412030101028A1700");
    frozen_frame(&frame(Kind::Nak, 1, 0x0103, &[NakReason::NoSession as u8]), "000B0501341203010103AB0700");
    frozen_frame(&frame(Kind::Nak, 1, 0x0103, &[NakReason::Unexpected as u8]), "000B05013412030101044C7700");
    frozen_frame(&frame(Kind::Aside, 1, 5, &[0, 1]), "0006060134120502020401B05100");
}

#[test]
fn greetings() {
    frozen(&Hello { min: 1, current: 1 }, "0101");
    frozen(&Welcome { min: 1, current: 2, chosen: 1, capabilities: 0x7F }, "0102017F");
    frozen(&Welcome { min: 1, current: 2, chosen: 0, capabilities: 0xFFFF_FFFF }, "010200FFFFFFFF0F");
}

#[test]
fn requests() {
    let ask = |id, request| ToBridge { id, request };
    frozen(&ask(0, Request::Ping(Blob::from_slice(b"abc").unwrap())), "000003616263");
    frozen(&ask(127, Request::Info), "7F01");
    frozen(&ask(128, Request::Stats), "800102");
    frozen(&ask(65535, Request::Drawer { drawer: 1, pulse_ms: 120 }), "FFFF03030178");
    frozen(&ask(1, Request::Beep { times: 2, on_ms: 100, off_ms: 300 }), "01040264AC02");
    frozen(&ask(1, Request::Leds { mask: 0x0F, on: 0x05 }), "01050F05");
    frozen(
        &ask(1, Request::Display { row: 1, text: Text::from_slice(&[0xBA, 0xCF, 0xBC, 0xC6]).unwrap() }),
        "01060104BACFBCC6",
    );
    frozen(&ask(1, Request::ArmReader { seconds: 60 }), "01073C");
    frozen(&ask(1, Request::Keypad { report: true }), "010801");
    frozen(&ask(1, Request::ReadMark { tid: TID }), "01093132333435363738");
    frozen(
        &ask(1, Request::PutMark(Mark { tid: TID, sequence: 1_000_000, batch: 999_999, stan: 1 })),
        "010A3132333435363738C0843DBF843D01",
    );
}

#[test]
fn answers() {
    let answer = |reply| ToHost::Answer { id: 300, reply };
    frozen(&answer(Reply::Done), "00AC0200");
    frozen(&answer(Reply::Pong(Blob::from_slice(&[0, 255]).unwrap())), "00AC02010200FF");
    let info = Info {
        name: "tilld-bridge".try_into().unwrap(),
        version: "0.1.0".try_into().unwrap(),
        serial: "00003202".try_into().unwrap(),
        capabilities: 0x41,
    };
    frozen(&answer(Reply::Info(info)), "00AC02020C74696C6C642D62726964676505302E312E3008303030303332303241");
    let stats = Stats {
        uptime_ms: 1 << 40,
        frames: 1,
        spoiled: 2,
        repeated: 3,
        resent: 4,
        not_understood: 5,
        lost: 6,
        stack_peak: 4096,
    };
    frozen(&answer(Reply::Stats(stats)), "00AC02038080808080200102030405068020");
    frozen(&answer(Reply::Mark(None)), "00AC020400");
    frozen(
        &answer(Reply::Mark(Some(Mark { tid: TID, sequence: 77, batch: 1, stan: 2 }))),
        "00AC02040131323334353637384D0102",
    );
}

#[test]
fn refusals() {
    frozen(&Reply::Refused(Refusal::NotUnderstood), "0500");
    frozen(&Reply::Refused(Refusal::NotHere), "0501");
    frozen(&Reply::Refused(Refusal::Busy), "0502");
    frozen(&Reply::Refused(Refusal::OutOfRange), "0503");
    frozen(&Reply::Refused(Refusal::TooSoon { wait_ms: 1500 }), "0504DC0B");
    frozen(&Reply::Refused(Refusal::MarkBehind { stored: 78 }), "05064E");
    frozen(&Reply::Refused(Refusal::Storage), "0507");
    let devices =
        [Device::Drawer, Device::Buzzer, Device::Leds, Device::Display, Device::Card, Device::Keypad, Device::Storage];
    frozen(&devices.map(Refusal::Fault), "0500050105020503050405050506");
}

#[test]
fn notices() {
    let say = ToHost::Notice;
    frozen(
        &[Key::Digit(7), Key::Enter, Key::Clear, Key::Cancel, Key::Function(2)].map(|k| say(Notice::Key(k))),
        "0100000701000101000201000301000402",
    );
    let uid = heapless::Vec::from_slice(&[0xFB, 0x0E, 0xE2, 0x0B]).unwrap();
    frozen(&say(Notice::Card { uid, atqa: 4, sak: 8 }), "010104FB0EE20B0408");
    frozen(&say(Notice::NoCard), "0102");
    frozen(&say(Notice::DrawerOpen { drawer: 0, open: true }), "01030001");
    frozen(&say(Notice::Fault(Device::Card)), "010404");
}

#[test]
fn asides() {
    frozen(&Aside::Beat { uptime_ms: 300 }, "00AC02");
    let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug];
    frozen(
        &levels.map(|level| Aside::Log { level, number: 9, line: "钱箱 open".try_into().unwrap() }),
        "0100090BE992B1E7AEB1206F70656E0101090BE992B1E7AEB1206F70656E0102090BE992B1E7AEB1206F70656E0103090BE992B1E7AEB1206F70656E",
    );
}
