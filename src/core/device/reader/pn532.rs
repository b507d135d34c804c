//! A PN532 on a serial line (its "high speed UART", 115,200 baud 8N1): is a card there, and which. Frames: see the bridge's driver, which
//! speaks to the same chip over SPI and I2C.
//!
//! The chip sleeps until it hears a long preamble; each command is acknowledged within 15 ms, an answer to "look for a card" comes when
//! there is one. What is spoiled on the line is asked for again; a chip that says nothing is asked anew, and people are told.

use tilld_bridge::drivers::pn532::{ACK, frame, parse, target};

use super::{Codec, Kind, PROBE_MS, PROBE_SILENT_MS, Reads, Seen, Uid, silent};
use crate::core::domain::Sentence;

pub(super) const KIND: Kind =
    Kind { name: "pn532", reads: Reads::Cards, baud: 115_200, answers: true, codec: |_| Box::new(Pn532::default()) };

/// Asks for the last answer again.
pub const NACK: [u8; 6] = [0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00];
/// Wakes the chip: two bytes that it may miss, and time in zeros.
const WAKE: [u8; 16] = [0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// GetFirmwareVersion.
const VERSION: [u8; 1] = [0x02];
/// SAMConfiguration: normal mode, no SAM.
const SAM: [u8; 2] = [0x14, 0x01];
/// InListPassiveTarget: one card, 106 kbit/s type A.
const LIST: [u8; 3] = [0x4A, 0x01, 0x00];
/// An answer to what needs no card.
const ANSWER_MS: u64 = 200;
/// Half a frame that stands still for this long is torn.
const TORN_MS: u64 = 100;
/// Bytes held: no answer used here is longer than 40.
pub const MAX_HELD: usize = 300;
/// Times that a spoiled answer is asked for again before the command is.
const MAX_NACKS: u8 = 3;

/// What comes from the chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// It has the command.
    Ack,
    /// It did not understand the command's frame.
    Nack,
    /// An answer: code and data, without D5.
    Answer(Vec<u8>),
    /// It does not take the command.
    Error,
}

/// Splits the chip's byte stream into frames. Holds at most [`MAX_HELD`] bytes.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    held: Vec<u8>,
    last_ms: u64,
    /// Bytes that were no frame.
    pub garbage: u64,
    /// Frames with a wrong sum or length.
    pub spoiled: u64,
}

/// What stands at the head of the held bytes.
enum Head {
    /// So many bytes that are a frame, or a spoiled one.
    Frame(usize, Option<Frame>),
    /// More is needed.
    Incomplete,
    /// So many bytes before which no frame can begin.
    Skip(usize),
}

impl FrameDecoder {
    /// Takes bytes as they came; a spoiled frame is `None`.
    pub fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Option<Frame>> {
        if now.saturating_sub(self.last_ms) > TORN_MS && !self.held.is_empty() {
            self.garbage += self.held.len() as u64;
            self.held.clear();
        }
        self.last_ms = now;
        let mut out = Vec::new();
        for &byte in bytes {
            self.held.push(byte);
            // More than one step only where a wrong length swallowed the next frame's begin.
            loop {
                match head(&self.held) {
                    Head::Incomplete if self.held.len() < MAX_HELD => break,
                    Head::Incomplete => self.skip(1),
                    Head::Skip(0) => break,
                    Head::Skip(n) => self.skip(n),
                    Head::Frame(n, frame) => {
                        self.held.drain(..n);
                        self.spoiled += u64::from(frame.is_none());
                        out.push(frame);
                    }
                }
            }
        }
        out
    }

    fn skip(&mut self, n: usize) {
        // Zeros between frames are the protocol's own.
        self.garbage += self.held.drain(..n).filter(|b| *b != 0).count() as u64;
    }

    /// The port was lost.
    pub fn reset(&mut self) {
        self.held.clear();
    }
}

/// Looks at what is held: `00 FF LEN LCS …`; the first zero of the preamble is optional (a chip that was asleep drops it).
fn head(held: &[u8]) -> Head {
    let Some(start) = held.windows(2).position(|w| w == [0x00, 0xFF]) else {
        let keep = usize::from(held.last() == Some(&0));
        return Head::Skip(held.len() - keep);
    };
    if start > 0 {
        return Head::Skip(start);
    }
    let Some(&[len, lcs]) = held.get(2..4) else { return Head::Incomplete };
    match (len, lcs) {
        (0x00, 0xFF) => return Head::Frame(4, Some(Frame::Ack)),
        (0xFF, 0x00) => return Head::Frame(4, Some(Frame::Nack)),
        _ if len.wrapping_add(lcs) != 0 => return Head::Frame(2, None),
        _ => {}
    }
    let end = 4 + usize::from(len) + 1;
    if held.len() < end {
        return Head::Incomplete;
    }
    // The start code again, as the shared reader of frames wants it.
    let mut whole = vec![0x00];
    whole.extend_from_slice(&held[..end]);
    match (len, held[4], parse(&whole)) {
        (1, 0x7F, _) if held[4].wrapping_add(held[5]) == 0 => Head::Frame(end, Some(Frame::Error)),
        (_, _, Some(data)) => Head::Frame(end, Some(Frame::Answer(data.to_vec()))),
        _ => Head::Frame(end, None),
    }
}

/// What the chip was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing.
    Rest,
    /// Asked who it is; an answer by then.
    Version(u64),
    /// Woken to look for a card.
    Sam(u64),
    /// Told to look; acknowledged by then, or already.
    Looking(Option<u64>),
}

/// The reader.
#[derive(Debug)]
struct Pn532 {
    decoder: FrameDecoder,
    at: At,
    armed: bool,
    /// It has answered since the port was opened, and has not fallen silent since.
    alive: bool,
    /// It did not answer.
    silent: bool,
    probe_at: Option<u64>,
    nacks: u8,
    output: Vec<u8>,
    cards: u64,
    unanswered: u64,
    refused: u64,
}

impl Default for Pn532 {
    fn default() -> Self {
        Self {
            decoder: FrameDecoder::default(),
            at: At::Rest,
            armed: false,
            alive: false,
            silent: false,
            probe_at: None,
            nacks: 0,
            output: Vec::new(),
            cards: 0,
            unanswered: 0,
            refused: 0,
        }
    }
}

impl Pn532 {
    fn command(&mut self, data: &[u8]) {
        self.nacks = 0;
        // A constant of a few bytes: it always fits.
        if let Some(frame) = frame(data) {
            self.output.extend_from_slice(&frame);
        }
    }

    fn probe(&mut self, now: u64) {
        self.output.clear();
        self.output.extend(WAKE);
        self.command(&VERSION);
        self.at = At::Version(now.saturating_add(ANSWER_MS));
        self.probe_at = None;
    }

    fn look(&mut self, now: u64) {
        self.output.clear();
        self.output.extend(WAKE);
        self.command(&SAM);
        self.at = At::Sam(now.saturating_add(ANSWER_MS));
        self.probe_at = None;
    }

    /// Nothing is under way: ask again some time, or go on looking.
    fn rest(&mut self, now: u64) {
        self.at = At::Rest;
        self.probe_at = Some(now.saturating_add(if self.silent { PROBE_SILENT_MS } else { PROBE_MS }));
    }

    fn answered(&mut self, now: u64, answer: &[u8]) -> Option<Seen> {
        (self.alive, self.silent) = (true, false);
        match (self.at, answer.split_first()) {
            (At::Version(_), Some((0x03, _))) => {
                self.rest(now);
                if self.armed {
                    self.look(now);
                }
                None
            }
            (At::Sam(_), Some((0x15, _))) => {
                self.command(&LIST);
                self.at = At::Looking(Some(now.saturating_add(ANSWER_MS)));
                None
            }
            (At::Looking(_), Some((0x4B, list))) => {
                let Ok(card) = target(list) else {
                    // Nothing there, or no card of type A: on with it.
                    self.look(now);
                    return None;
                };
                self.cards += 1;
                self.armed = false;
                self.rest(now);
                Some(Seen::Tap(Uid(card.uid.to_vec())))
            }
            // An answer to what has been given up.
            _ => None,
        }
    }

    fn spoiled(&mut self) {
        if self.at != At::Rest && self.nacks < MAX_NACKS {
            self.nacks += 1;
            self.output.extend(NACK);
        }
    }

    fn due(&self) -> Option<u64> {
        match self.at {
            At::Rest => self.probe_at,
            At::Version(by) | At::Sam(by) | At::Looking(Some(by)) => Some(by),
            At::Looking(None) => None,
        }
    }
}

impl Codec for Pn532 {
    fn opened(&mut self, now: u64) {
        self.lost();
        self.probe(now);
    }

    fn lost(&mut self) {
        self.decoder.reset();
        (self.at, self.armed, self.alive, self.silent, self.probe_at) = (At::Rest, false, false, false, None);
        self.output.clear();
    }

    fn arm(&mut self, now: u64) {
        self.armed = true;
        // While it is asked who it is, it is told when it has answered.
        if !matches!(self.at, At::Version(_)) {
            self.look(now);
        }
    }

    fn disarm(&mut self, now: u64) {
        if !std::mem::take(&mut self.armed) {
            return;
        }
        if matches!(self.at, At::Sam(_) | At::Looking(_)) {
            self.output.extend(ACK);
            self.rest(now);
        }
    }

    fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        for frame in self.decoder.feed(now, bytes) {
            match frame {
                Some(Frame::Ack) => {
                    if let At::Looking(by) = &mut self.at {
                        *by = None;
                    }
                }
                Some(Frame::Answer(answer)) => seen.extend(self.answered(now, &answer)),
                Some(Frame::Error | Frame::Nack) => self.refused += 1,
                None => self.spoiled(),
            }
        }
        self.tick(now);
        // A flood of spoiled frames is answered by so many bytes at most.
        self.output.truncate(512);
        seen
    }

    fn tick(&mut self, now: u64) -> Vec<Seen> {
        if self.due().is_none_or(|at| now < at) {
            return Vec::new();
        }
        match self.at {
            At::Rest => self.probe(now),
            At::Version(_) | At::Sam(_) | At::Looking(_) => {
                self.unanswered += 1;
                self.silent = true;
                self.alive = false;
                self.rest(now);
            }
        }
        Vec::new()
    }

    fn wake_at(&self) -> Option<u64> {
        self.due()
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("cards", self.cards),
            ("garbage", self.decoder.garbage),
            ("spoiled", self.decoder.spoiled),
            ("unanswered", self.unanswered),
            ("rejected", self.refused),
        ]
    }

    fn attention(&self) -> Option<Sentence> {
        self.silent.then(silent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    // As recorded from a chip, or as its manual has them.
    const ACKED: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];
    const VERSION_ANSWER: [u8; 13] = [0, 0, 0xFF, 0x06, 0xFA, 0xD5, 0x03, 0x32, 0x01, 0x06, 0x07, 0xE8, 0];
    const SAM_ANSWER: [u8; 9] = [0, 0, 0xFF, 0x02, 0xFE, 0xD5, 0x15, 0x16, 0];
    const CARD: [u8; 19] = [0, 0, 0xFF, 0x0C, 0xF4, 0xD5, 0x4B, 1, 1, 0, 4, 8, 4, 0xFB, 0x0E, 0xE2, 0x0B, 0xD8, 0];

    fn awake() -> Pn532 {
        let mut chip = Pn532::default();
        chip.opened(0);
        let hello = chip.take_output();
        assert_eq!(hello, [&WAKE[..], &[0, 0, 0xFF, 0x02, 0xFE, 0xD4, 0x02, 0x2A, 0]].concat());
        chip.feed(10, &[&ACKED[..], &VERSION_ANSWER].concat());
        chip
    }

    fn looking() -> Pn532 {
        let mut chip = awake();
        chip.arm(1_000);
        let wake = [&WAKE[..], &[0, 0, 0xFF, 3, 0xFD, 0xD4, 0x14, 1, 0x17, 0]].concat();
        assert_eq!(chip.take_output(), wake);
        assert!(chip.feed(1_010, &[&ACKED[..], &SAM_ANSWER].concat()).is_empty());
        assert_eq!(chip.take_output(), [0, 0, 0xFF, 4, 0xFC, 0xD4, 0x4A, 1, 0, 0xE1, 0]);
        assert!(chip.feed(1_020, &ACKED).is_empty());
        assert_eq!(chip.wake_at(), None, "a card may take its time");
        chip
    }

    #[test]
    fn a_card_is_found_however_its_answer_is_cut() {
        for cut in 1..CARD.len() {
            let mut chip = looking();
            let mut seen = Vec::new();
            for piece in CARD.chunks(cut) {
                seen.extend(chip.feed(9_000, piece));
            }
            let [Seen::Tap(uid)] = &seen[..] else { unreachable!("{seen:?}") };
            assert_eq!(uid.0, [0xFB, 0x0E, 0xE2, 0x0B]);
            assert!(!format!("{seen:?}").contains("FB"), "never in a log");
        }
    }

    #[test]
    fn looking_is_broken_off_by_an_acknowledgement() {
        let mut chip = looking();
        chip.disarm(5_000);
        assert_eq!(chip.take_output(), ACK);
        // A card that comes a moment too late is nobody's.
        assert!(chip.feed(5_001, &CARD).is_empty());
    }

    #[test]
    fn a_spoiled_answer_is_asked_for_again() {
        let mut chip = looking();
        let mut spoiled = CARD;
        spoiled[13] ^= 0x10;
        assert!(chip.feed(2_000, &spoiled).is_empty());
        assert_eq!(chip.take_output(), NACK);
        assert_eq!(chip.feed(2_010, &CARD).len(), 1);
        assert_eq!(chip.counters()[2], ("spoiled", 1));
    }

    #[test]
    fn a_silent_chip_is_said_and_asked_again_until_it_answers() {
        let mut chip = Pn532::default();
        chip.opened(0);
        assert!(chip.attention().is_none());
        chip.tick(chip.wake_at().unwrap());
        assert!(chip.attention().is_some());
        chip.take_output();
        chip.arm(400);
        let at = chip.wake_at().unwrap();
        chip.tick(at);
        chip.tick(chip.wake_at().unwrap());
        assert!(!chip.take_output().is_empty());
        chip.feed(at + PROBE_SILENT_MS + 10, &VERSION_ANSWER);
        assert!(chip.attention().is_none());
        assert_eq!(chip.at, At::Sam(at + PROBE_SILENT_MS + 10 + ANSWER_MS), "who waits is not forgotten");
    }

    proptest! {
        #[test]
        fn garbage_before_a_frame_costs_at_most_that_and_the_next(noise in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut decoder = FrameDecoder::default();
            decoder.feed(0, &noise);
            prop_assert!(decoder.held.len() <= MAX_HELD);
            // After a pause the line is clean again.
            let frames = decoder.feed(1_000, &CARD);
            prop_assert!(matches!(frames[..], [Some(Frame::Answer(_))]), "{frames:?}");
        }
    }
}
