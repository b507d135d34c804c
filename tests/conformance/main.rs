//! Strangers judge the wire: every message that is composed is decoded by pyiso8583 to exactly what was meant and encoded again byte for byte,
//! its MAC is computed again by pycryptodome, and frames that pyiso8583 builds field by field are read here.
//!
//! `tests/conformance/run.sh` makes the Python environment and runs this. Without it every test here says loudly that it was skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod capture;
mod host;
mod messages;
mod nii;
mod peer;
mod table;

use std::collections::BTreeMap;

use peer::Peer;
use tilld::core::acquirer::iso8583::{Content, Deframer, Frame, Layout, Length, Message, Mti, Spec, bcd};

const LAYOUT: Layout = Layout { tpdu: 5, header: 6, max: 4096 };

/// A message as the stranger sees it: type under `t`, fields by number; binary as hex.
type Meaning = BTreeMap<String, String>;

fn meaning(spec: &Spec, message: &Message) -> Meaning {
    let mut meaning = Meaning::from([("t".to_owned(), message.mti().to_string())]);
    for (field, content) in message.iter() {
        let value = match spec.format(field).unwrap().content {
            Content::Binary => bcd::hex(content),
            _ => String::from_utf8(content.to_vec()).unwrap().replace('=', "D"),
        };
        meaning.insert(field.to_string(), value);
    }
    meaning
}

fn message(spec: &Spec, meaning: &Meaning) -> Message {
    let mut message = Message::new(Mti::new(meaning["t"].parse().unwrap()).unwrap());
    for (field, value) in meaning.iter().filter(|(key, _)| *key != "t") {
        let field = field.parse().unwrap();
        match spec.format(field).unwrap().content {
            Content::Binary => message.set_bytes(field, &bcd::unhex(value).unwrap()),
            Content::Track => message.set_text(field, &value.replace('D', "=")),
            Content::Digits | Content::Text => message.set_text(field, value),
        };
    }
    message
}

fn unframed(wire: &[u8]) -> Frame {
    let mut deframer = Deframer::new(LAYOUT);
    deframer.push(wire);
    deframer.next_frame().unwrap().unwrap()
}

fn without_length(frame: &Frame) -> String {
    bcd::hex(&frame.to_bytes().unwrap()[2..])
}

#[test]
fn every_composed_message_is_read_as_it_was_meant() {
    let Some(mut peer) = Peer::start("every_composed_message_is_read_as_it_was_meant") else { return };
    let cases = messages::all();
    for case in &cases {
        let wire = messages::composed(case);
        peer.check(case.name, &wire[2..], &case.meant, case.mac.then_some(messages::MAK));
    }
    eprintln!("pyiso8583 read {} composed messages as they were meant and gave the same bytes", cases.len());
}

#[test]
fn frames_that_a_stranger_builds_are_read() {
    let Some(mut peer) = Peer::start("frames_that_a_stranger_builds_are_read") else { return };
    let spec = Spec::unionpay_pos();
    let answers = messages::answers();
    for (name, meant) in &answers {
        let body = peer.build(name, meant)[11..].to_vec();
        let read = spec.decode(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(meaning(&spec, &read), *meant, "{name}");
        assert_eq!(bcd::hex(&spec.encode(&read).unwrap()), bcd::hex(&body), "{name}");
    }
    eprintln!("{} frames built by pyiso8583 were read and written byte for byte", answers.len());
}

#[test]
fn random_messages_mean_the_same_on_both_sides() {
    const SEED: u64 = 0x5EED_2026_1120_0001;
    let Some(mut peer) = Peer::start("random_messages_mean_the_same_on_both_sides") else { return };
    let (spec, mut random) = (Spec::unionpay_pos(), SEED);
    for round in 0..500 {
        let meant = random_meaning(&spec, &mut random);
        let body = spec.encode(&message(&spec, &meant)).unwrap();
        let frame = Frame { tpdu: vec![0x60, 0, 3, 0, 0], header: vec![0x60, 0x22, 0, 0, 0, 0], body };
        peer.check(&format!("seed {SEED:#x}, round {round}"), &frame.to_bytes().unwrap()[2..], &meant, None);
        assert_eq!(
            bcd::hex(&peer.build("random", &meant)[11..]),
            bcd::hex(&frame.body),
            "seed {SEED:#x}, round {round}"
        );
    }
}

fn next(random: &mut u64, bound: usize) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    (*random % bound as u64) as usize
}

fn random_meaning(spec: &Spec, random: &mut u64) -> Meaning {
    let mut meaning = Meaning::from([("t".to_owned(), format!("{:04}", next(random, 10_000)))]);
    for field in (2..64u8).filter(|field| spec.format(*field).is_some()) {
        if next(random, 3) == 0 {
            continue;
        }
        let format = spec.format(field).unwrap();
        let max = format.max_units();
        // the stranger refuses an empty field of variable length
        let units = if matches!(format.length, Length::Fixed(_)) { max } else { 1 + next(random, max) };
        let alphabet = match format.content {
            Content::Digits | Content::Track => "0123456789",
            Content::Binary => "0123456789ABCDEF",
            Content::Text => "ABCXYZabcxyz0189 -+/=.",
        };
        let chars = if format.content == Content::Binary { units * 2 } else { units };
        let value = (0..chars).map(|_| char::from(alphabet.as_bytes()[next(random, alphabet.len())])).collect();
        meaning.insert(field.to_string(), value);
    }
    meaning
}

#[test]
fn frames_of_other_peoples_terminals_mean_the_same_on_both_sides() {
    let Some(mut peer) = Peer::start("frames_of_other_peoples_terminals_mean_the_same_on_both_sides") else { return };
    let spec = Spec::unionpay_pos();
    for (name, wire, mak) in messages::FOREIGN {
        let frame = unframed(&bcd::unhex(wire).unwrap());
        let mut meant = meaning(&spec, &spec.decode(&frame.body).unwrap());
        meant.remove("64");
        peer.check(name, &bcd::unhex(&without_length(&frame)).unwrap(), &meant, *mak);
    }
}
