//! A line that spoils: what two ends deliver over it is delivered once and in order, whatever the line does.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use tilld_bridge::link::{Body, Incoming, Link, Timing};
use tilld_bridge::wire::{Decoder, MAX_WIRE};

/// A small seeded generator, so that a failing case is replayed from its number alone.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What a line does to each hundred frames.
#[derive(Debug, Clone, Copy)]
struct Faults {
    spoil: u64,
    lose: u64,
    tear: u64,
    garbage: u64,
}

impl Faults {
    /// Spoils a frame: one byte changed (the sum sees it), all of it lost, its end lost, or garbage before it.
    fn pass(self, dice: &mut Dice, frame: &[u8]) -> Vec<u8> {
        let mut bytes = frame.to_vec();
        if dice.roll(100) < self.lose {
            bytes.clear();
        }
        if dice.roll(100) < self.spoil && bytes.len() > 2 {
            bytes = spoil(dice, &bytes);
        }
        if dice.roll(100) < self.tear && !bytes.is_empty() {
            bytes.truncate(dice.roll(bytes.len() as u64) as usize);
        }
        if dice.roll(100) < self.garbage {
            let garbage: Vec<u8> = (0..dice.roll(600)).map(|_| dice.roll(256) as u8).collect();
            bytes.splice(0..0, garbage);
        }
        bytes
    }
}

/// Changes one byte, so that the check sum sees it: of the changes to a COBS code byte it misses one in 65,536, which no
/// protocol above it can mend.
fn spoil(dice: &mut Dice, frame: &[u8]) -> Vec<u8> {
    loop {
        let mut bytes = frame.to_vec();
        let at = 1 + dice.roll(bytes.len() as u64 - 2) as usize;
        bytes[at] ^= 1 + dice.roll(255) as u8;
        let mut decoder = Decoder::new();
        if !bytes.iter().any(|b| matches!(decoder.feed(*b), Some(Ok(_)))) {
            return bytes;
        }
    }
}

struct End {
    link: Link<4>,
    heard: Vec<Vec<u8>>,
    asides: Vec<Vec<u8>>,
    to_send: Vec<Vec<u8>>,
}

impl End {
    fn new(to_send: Vec<Vec<u8>>) -> Self {
        // Patient: this test is about order, not about giving up.
        let timing = Timing { tries: 255, silence_ms: u64::MAX, ..Timing::default() };
        let mut link = Link::new(timing);
        link.begin(0x1234, 1, 0);
        Self { link, heard: Vec::new(), asides: Vec::new(), to_send }
    }

    fn speak(&mut self, now: u64, next: &mut usize, dice: &mut Dice, faults: Faults) -> Vec<u8> {
        while *next < self.to_send.len() && self.link.room() > 0 {
            assert!(self.link.send(Body::from_slice(&self.to_send[*next]).unwrap()));
            if next.is_multiple_of(7) {
                self.link.aside(Body::from_slice(&self.to_send[*next]).unwrap());
            }
            *next += 1;
        }
        let mut line = Vec::new();
        let mut out = [0; MAX_WIRE];
        loop {
            let n = self.link.transmit(now, &mut out);
            if n == 0 {
                return line;
            }
            line.extend(faults.pass(dice, &out[..n]));
        }
    }

    fn listen(&mut self, bytes: &[u8], now: u64, dice: &mut Dice) {
        for byte in bytes {
            let room = dice.roll(20) != 0;
            match self.link.feed(*byte, now, room) {
                None => {}
                Some(Incoming::Message(body)) => self.heard.push(body.to_vec()),
                Some(Incoming::Aside(body)) => self.asides.push(body.to_vec()),
                Some(other) => panic!("{other:?}"),
            }
        }
    }
}

fn messages(tag: u8, count: usize, dice: &mut Dice) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| {
            let mut body = vec![tag];
            body.extend((n as u32).to_le_bytes());
            body.extend((0..dice.roll(200)).map(|_| dice.roll(256) as u8));
            body
        })
        .collect()
}

fn is_subsequence(part: &[Vec<u8>], whole: &[Vec<u8>]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|p| rest.any(|w| w == p))
}

fn converse(seed: u64, count: usize, faults: Faults) -> (End, End, u64) {
    let mut dice = Dice(seed | 1);
    let (to_b, to_a) = (messages(b'a', count, &mut dice), messages(b'b', count, &mut dice));
    let (mut a, mut b) = (End::new(to_b), End::new(to_a));
    let (mut a_next, mut b_next, mut now) = (0, 0, 0);
    let (mut a_line, mut b_line) = (Vec::new(), Vec::new());
    while a.heard.len() < count || b.heard.len() < count || !a.link.is_idle() || !b.link.is_idle() {
        a_line.extend(a.speak(now, &mut a_next, &mut dice, faults));
        b_line.extend(b.speak(now, &mut b_next, &mut dice, faults));
        // Any split: what arrives at once has nothing to do with frames.
        let n = dice.roll(a_line.len() as u64 + 1) as usize;
        b.listen(&a_line.drain(..n).collect::<Vec<_>>(), now, &mut dice);
        let n = dice.roll(b_line.len() as u64 + 1) as usize;
        a.listen(&b_line.drain(..n).collect::<Vec<_>>(), now, &mut dice);
        now += dice.roll(30);
        assert!(now < 100_000_000, "no end in sight: {} and {} of {count}", a.heard.len(), b.heard.len());
    }
    (a, b, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn delivered_once_and_in_order(seed: u64, spoil in 0u64..20, lose in 0u64..20, tear in 0u64..20, garbage in 0u64..20) {
        let (a, b, _) = converse(seed, 40, Faults { spoil, lose, tear, garbage });
        prop_assert_eq!(&a.heard, &b.to_send);
        prop_assert_eq!(&b.heard, &a.to_send);
        prop_assert!(is_subsequence(&a.asides, &b.to_send));
        prop_assert!(is_subsequence(&b.asides, &a.to_send));
    }

    #[test]
    fn any_bytes_leave_a_link_unharmed(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let mut link = Link::<4>::new(Timing::default());
        link.begin(1, 1, 0);
        for b in &bytes {
            let _ = link.feed(*b, 0, true);
        }
        let mut out = [0; MAX_WIRE];
        let mut frames = 0;
        while link.transmit(0, &mut out) > 0 {
            frames += 1;
            prop_assert!(frames < 4, "garbage is answered at most once");
        }
    }
}

#[test]
fn ten_thousand_messages_with_one_in_a_hundred_spoiled() {
    let (a, b, now) = converse(0x5EED, 10_000, Faults { spoil: 1, lose: 0, tear: 0, garbage: 0 });
    assert!(a.heard == b.to_send && b.heard == a.to_send);
    let (sent_again, seen) =
        (a.link.stats().resent + b.link.stats().resent, a.link.stats().spoiled + b.link.stats().spoiled);
    assert!(seen > 200, "the line spoiled only {seen}");
    assert!(sent_again > 50 && now > 0, "{sent_again} sent again");
}

#[test]
fn a_fault_free_line_repeats_nothing_but_what_had_no_room() {
    let mut a = Link::<4>::new(Timing::default());
    let mut b = Link::<4>::new(Timing::default());
    a.begin(9, 1, 0);
    b.begin(9, 1, 0);
    let mut out = [0; MAX_WIRE];
    for n in 0..70_000_u32 {
        // Past 65,536: the sequence wraps.
        assert!(a.send(Body::from_slice(&n.to_le_bytes()).unwrap()));
        let len = a.transmit(u64::from(n), &mut out);
        let got: Vec<Vec<u8>> = out[..len].iter().filter_map(|x| message(b.feed(*x, u64::from(n), true))).collect();
        assert_eq!(got, [n.to_le_bytes().to_vec()]);
        let len = b.transmit(u64::from(n), &mut out);
        assert!(out[..len].iter().all(|x| a.feed(*x, u64::from(n), true).is_none()));
        assert!(a.is_idle());
    }
    assert_eq!((a.stats().resent, b.stats().repeated, b.stats().spoiled), (0, 0, 0));
}

fn message(incoming: Option<Incoming<'_>>) -> Option<Vec<u8>> {
    match incoming {
        Some(Incoming::Message(body)) => Some(body.to_vec()),
        _ => None,
    }
}

#[test]
fn a_frame_of_another_session_is_answered_by_no_session_and_not_delivered() {
    let mut old = Link::<4>::new(Timing::default());
    let mut fresh = Link::<4>::new(Timing::default());
    old.begin(7, 1, 0);
    fresh.begin(8, 1, 0);
    assert!(old.send(Body::from_slice(b"left over").unwrap()));
    let mut out = [0; MAX_WIRE];
    let n = old.transmit(0, &mut out);
    assert!(out[..n].iter().all(|b| fresh.feed(*b, 0, true).is_none()));
    let n = fresh.transmit(0, &mut out);
    let said = out[..n].iter().any(|b| old.feed(*b, 0, true) == Some(Incoming::NoSession));
    assert!(said);
}

#[test]
fn an_end_that_acknowledges_nothing_is_given_up_after_its_tries() {
    let timing = Timing { ack_ms: 10, tries: 3, beat_ms: 1000, silence_ms: 3500 };
    let mut link = Link::<4>::new(timing);
    link.begin(1, 1, 0);
    assert!(link.send(Body::from_slice(b"x").unwrap()));
    let mut out = [0; MAX_WIRE];
    let sent: Vec<u64> = (0..100).filter(|now| link.transmit(*now, &mut out) > 0).collect();
    assert_eq!(sent, [0, 10, 30], "each wait is longer than the one before");
    assert!(!link.is_over(69) && link.is_over(70));
}

#[test]
fn a_decoder_holds_one_frame_whatever_comes() {
    assert!(size_of::<Decoder>() < MAX_WIRE + 64, "{}", size_of::<Decoder>());
}

#[test]
fn a_buffer_that_is_too_short_costs_no_frame() {
    let mut link = Link::<4>::new(Timing::default());
    link.begin(1, 1, 0);
    assert!(link.send(Body::from_slice(b"x").unwrap()));
    assert_eq!(link.transmit(0, &mut []), 0);
    assert_eq!(link.transmit(0, &mut [0; MAX_WIRE - 1]), 0);
    assert!(link.transmit(0, &mut [0; MAX_WIRE]) > 0);
}
