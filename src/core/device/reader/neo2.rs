//! An ID TECH reader of the NEO 2 family (ViVOpay): framing with its two byte orders, ping, and the pass-through poll that tells whether a
//! card is there and which. Its developer's guide: header `ViVOtech2` and a zero, command, sub-command (or status in an answer), length
//! (high byte first), data, CRC-16 (1021, FFFF).
//!
//! The CRC stands high byte first in all that comes from the reader and in pass-through commands (2C), else low byte first.

use tilld_bridge::wire::crc16;

use super::{Codec, Kind, PROBE_MS, PROBE_SILENT_MS, Reads, Seen, Uid, silent};
use crate::core::domain::Sentence;

pub(super) const KIND: Kind =
    Kind { name: "neo2", reads: Reads::Cards, baud: 115_200, answers: true, codec: |_| Box::new(Neo2::default()) };

const HEADER: [u8; 10] = *b"ViVOtech2\0";
/// Header, command, status, length.
const FIXED: usize = 14;
/// Data of one answer; longer ones are garbage. A poll's answer is at most 11.
pub const MAX_DATA: usize = 2_048;
/// Half a frame that stands still for this long is torn.
const TORN_MS: u64 = 200;
/// An answer to what needs no card.
const ANSWER_MS: u64 = 1_000;
/// How long one poll looks for a card.
const POLL_S: u8 = 1;

const PING: (u8, u8) = (0x18, 0x01);
const PASS_THROUGH: (u8, u8) = (0x2C, 0x01);
const POLL: (u8, u8) = (0x2C, 0x02);
const OK: u8 = 0x00;
/// Nothing came within the time that was given.
const TIMED_OUT: u8 = 0x08;

/// A command for the reader.
#[must_use]
pub fn command((command, sub): (u8, u8), data: &[u8]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    out.extend([command, sub]);
    out.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(data);
    let crc = crc16(&out);
    out.extend(if command == 0x2C { crc.to_be_bytes() } else { crc.to_le_bytes() });
    out
}

/// An answer of the reader.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The command it answers.
    pub command: u8,
    /// 00: done.
    pub status: u8,
    /// What it has to say.
    pub data: Vec<u8>,
}

// It may hold a card's number.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({:02X} {:02X}, {} bytes)", self.command, self.status, self.data.len())
    }
}

/// Splits the reader's byte stream into answers. Holds at most one frame.
#[derive(Debug, Default)]
pub struct AnswerDecoder {
    held: Vec<u8>,
    last_ms: u64,
    /// Bytes that were no frame.
    pub garbage: u64,
    /// Frames with a wrong sum or an impossible length.
    pub spoiled: u64,
}

impl AnswerDecoder {
    /// Takes bytes as they came.
    pub fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Answer> {
        if now.saturating_sub(self.last_ms) > TORN_MS {
            self.garbage += self.held.len() as u64;
            self.held.clear();
        }
        self.last_ms = now;
        let mut out = Vec::new();
        for &byte in bytes {
            self.held.push(byte);
            self.align();
            if let Some(result) = self.whole() {
                match result {
                    Ok((answer, len)) => {
                        self.held.drain(..len);
                        out.push(answer);
                    }
                    Err(()) => {
                        self.spoiled += 1;
                        // A frame may begin within the spoiled one: only its first byte is surely none.
                        self.drop_one();
                        self.align();
                        while self.whole().is_some_and(|again| again.is_err()) {
                            self.drop_one();
                            self.align();
                        }
                    }
                }
            }
        }
        out
    }

    /// The port was lost.
    pub fn reset(&mut self) {
        self.held.clear();
    }

    fn drop_one(&mut self) {
        self.held.drain(..1.min(self.held.len()));
        self.garbage += 1;
    }

    /// Drops what no frame can begin with.
    fn align(&mut self) {
        let fits = |rest: &[u8]| {
            let n = rest.len().min(HEADER.len());
            rest[..n] == HEADER[..n]
        };
        let at = (0..self.held.len()).find(|at| fits(&self.held[*at..])).unwrap_or(self.held.len());
        self.held.drain(..at);
        self.garbage += at as u64;
    }

    /// A whole frame at the head and its length; `Err`: it is spoiled.
    fn whole(&self) -> Option<Result<(Answer, usize), ()>> {
        let [command, status, high, low] = self.held.get(HEADER.len()..FIXED)?.try_into().ok()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len > MAX_DATA {
            return Some(Err(()));
        }
        let end = FIXED + len;
        let crc = self.held.get(end..end + 2)?;
        if crc16(&self.held[..end]).to_be_bytes() != crc {
            return Some(Err(()));
        }
        Some(Ok((Answer { command, status, data: self.held[FIXED..end].to_vec() }, end + 2)))
    }
}

/// What was asked last, and by when an answer must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Rest,
    Ping(u64),
    /// Pass-through mode on.
    Enter(u64),
    Poll(u64),
    /// Pass-through mode off.
    Leave(u64),
}

/// The reader.
#[derive(Debug)]
struct Neo2 {
    decoder: AnswerDecoder,
    at: At,
    armed: bool,
    silent: bool,
    probe_at: Option<u64>,
    output: Vec<u8>,
    cards: u64,
    unanswered: u64,
    refused: u64,
}

impl Default for Neo2 {
    fn default() -> Self {
        Self {
            decoder: AnswerDecoder::default(),
            at: At::Rest,
            armed: false,
            silent: false,
            probe_at: None,
            output: Vec::new(),
            cards: 0,
            unanswered: 0,
            refused: 0,
        }
    }
}

impl Neo2 {
    fn send(&mut self, what: (u8, u8), data: &[u8]) {
        self.output = command(what, data);
        self.probe_at = None;
    }

    fn ping(&mut self, now: u64) {
        self.send(PING, &[]);
        self.at = At::Ping(now.saturating_add(ANSWER_MS));
    }

    fn enter(&mut self, now: u64) {
        self.send(PASS_THROUGH, &[1]);
        self.at = At::Enter(now.saturating_add(ANSWER_MS));
    }

    fn poll(&mut self, now: u64) {
        self.send(POLL, &[POLL_S, 0]);
        self.at = At::Poll(now.saturating_add(u64::from(POLL_S) * 1_000 + ANSWER_MS));
    }

    fn leave(&mut self, now: u64) {
        self.send(PASS_THROUGH, &[0]);
        self.at = At::Leave(now.saturating_add(ANSWER_MS));
    }

    fn rest(&mut self, now: u64) {
        self.at = At::Rest;
        // One that refuses is not asked again at once, though somebody waits: it would go round and round.
        let soon = self.silent || self.armed;
        self.probe_at = Some(now.saturating_add(if soon { PROBE_SILENT_MS } else { PROBE_MS }));
    }

    fn answered(&mut self, now: u64, answer: &Answer) -> Option<Seen> {
        let ok = answer.status == OK;
        let expected = match self.at {
            At::Rest => return None,
            At::Ping(_) => PING.0,
            At::Enter(_) | At::Poll(_) | At::Leave(_) => PASS_THROUGH.0,
        };
        if answer.command != expected {
            // An answer to what has been given up.
            return None;
        }
        self.silent = false;
        let timed_out = matches!(self.at, At::Poll(_)) && answer.status == TIMED_OUT;
        if !ok && !timed_out {
            self.refused += 1;
            self.rest(now);
            return None;
        }
        match self.at {
            At::Enter(_) if self.armed => self.poll(now),
            At::Poll(_) if self.armed => match answer.data.split_first() {
                Some((kind, uid)) if ok && *kind != 0 && (4..=10).contains(&uid.len()) => {
                    self.cards += 1;
                    self.armed = false;
                    self.leave(now);
                    return Some(Seen::Tap(Uid(uid.to_vec())));
                }
                _ => self.poll(now),
            },
            At::Enter(_) | At::Poll(_) => self.leave(now),
            At::Ping(_) | At::Leave(_) if self.armed => self.enter(now),
            At::Rest | At::Ping(_) | At::Leave(_) => self.rest(now),
        }
        None
    }

    fn due(&self) -> Option<u64> {
        match self.at {
            At::Rest => self.probe_at,
            At::Ping(by) | At::Enter(by) | At::Poll(by) | At::Leave(by) => Some(by),
        }
    }
}

impl Codec for Neo2 {
    fn opened(&mut self, now: u64) {
        self.lost();
        self.ping(now);
    }

    fn lost(&mut self) {
        self.decoder.reset();
        (self.at, self.armed, self.silent, self.probe_at) = (At::Rest, false, false, None);
        self.output.clear();
    }

    fn arm(&mut self, now: u64) {
        self.armed = true;
        if self.at == At::Rest {
            self.enter(now);
        }
    }

    fn disarm(&mut self, _now: u64) {
        // A poll ends within a second by itself; the reader takes nothing in the middle of it.
        self.armed = false;
    }

    fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Seen> {
        let answers = self.decoder.feed(now, bytes);
        let seen = answers.iter().filter_map(|answer| self.answered(now, answer)).collect();
        self.tick(now);
        seen
    }

    fn tick(&mut self, now: u64) -> Vec<Seen> {
        if self.due().is_none_or(|at| now < at) {
            return Vec::new();
        }
        if self.at == At::Rest {
            self.ping(now);
        } else {
            self.unanswered += 1;
            self.silent = true;
            self.rest(now);
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

    /// As a reader sends it: high byte of the CRC first.
    fn answer(command: u8, status: u8, data: &[u8]) -> Vec<u8> {
        let mut out = HEADER.to_vec();
        out.extend([command, status, 0, data.len() as u8]);
        out.extend(data);
        let crc = crc16(&out);
        out.extend(crc.to_be_bytes());
        out
    }

    #[test]
    fn the_ping_is_the_known_one_and_so_is_its_answer() {
        let ping = [0x56, 0x69, 0x56, 0x4F, 0x74, 0x65, 0x63, 0x68, 0x32, 0, 0x18, 1, 0, 0, 0xB3, 0xCD];
        assert_eq!(command(PING, &[]), ping);
        let pong = [0x56, 0x69, 0x56, 0x4F, 0x74, 0x65, 0x63, 0x68, 0x32, 0, 0x18, 0, 0, 0, 0xFA, 0x83];
        assert_eq!(answer(0x18, 0, &[]), pong);
        let mut decoder = AnswerDecoder::default();
        assert_eq!(decoder.feed(0, &pong), [Answer { command: 0x18, status: 0, data: vec![] }]);
        // An example of the guide with data: a light sensor's.
        let light = [0x56, 0x69, 0x56, 0x4F, 0x74, 0x65, 0x63, 0x68, 0x32, 0, 0x83, 0, 0, 2, 0xE1, 1, 0x0D, 0x25];
        assert_eq!(decoder.feed(0, &light), [Answer { command: 0x83, status: 0, data: vec![0xE1, 1] }]);
        assert_eq!((decoder.garbage, decoder.spoiled), (0, 0));
    }

    fn at_rest() -> Neo2 {
        let mut reader = Neo2::default();
        reader.opened(0);
        assert_eq!(reader.take_output(), command(PING, &[]));
        reader.feed(5, &answer(0x18, 0, &[]));
        reader
    }

    #[test]
    fn armed_it_polls_until_there_is_a_card_and_leaves_the_mode() {
        let mut reader = at_rest();
        reader.arm(10);
        assert_eq!(reader.take_output(), command(PASS_THROUGH, &[1]));
        reader.feed(20, &answer(0x2C, 0, &[]));
        assert_eq!(reader.take_output(), command(POLL, &[1, 0]));
        // Its time is over: 08.
        assert!(reader.feed(1_020, &answer(0x2C, 8, &[])).is_empty());
        assert_eq!(reader.take_output(), command(POLL, &[1, 0]));
        let seen = reader.feed(1_500, &answer(0x2C, 0, &[1, 4, 0x5B, 0x7A, 0x12, 0x99, 0x31, 0x80]));
        let [Seen::Tap(uid)] = &seen[..] else { unreachable!("{seen:?}") };
        assert_eq!(uid.0, [4, 0x5B, 0x7A, 0x12, 0x99, 0x31, 0x80]);
        assert_eq!(reader.take_output(), command(PASS_THROUGH, &[0]));
        reader.feed(1_510, &answer(0x2C, 0, &[]));
        assert_eq!((reader.at, reader.take_output()), (At::Rest, vec![]));
    }

    #[test]
    fn disarmed_in_the_middle_of_a_poll_its_card_is_nobodys() {
        let mut reader = at_rest();
        reader.arm(10);
        reader.feed(20, &answer(0x2C, 0, &[]));
        reader.disarm(30);
        assert!(reader.feed(40, &answer(0x2C, 0, &[3, 1, 2, 3, 4])).is_empty());
        assert_eq!(reader.at, At::Leave(40 + ANSWER_MS));
    }

    #[test]
    fn silence_is_said_and_asked_about_again() {
        let mut reader = Neo2::default();
        reader.opened(0);
        reader.arm(1);
        reader.tick(ANSWER_MS);
        assert!(reader.attention().is_some());
        reader.take_output();
        reader.tick(ANSWER_MS + PROBE_SILENT_MS);
        assert_eq!(reader.take_output(), command(PING, &[]));
        reader.feed(9_000, &answer(0x18, 0, &[]));
        assert!(reader.attention().is_none());
        assert_eq!(reader.take_output(), command(PASS_THROUGH, &[1]), "who waits is not forgotten");
    }

    proptest! {
        #[test]
        fn a_frame_behind_garbage_is_found_however_it_is_cut(
            noise in prop::collection::vec(any::<u8>(), 0..60), cut in 1usize..40, spoil in any::<bool>(), at in 0usize..17,
        ) {
            let mut first = answer(0x2C, 0, &[1]);
            if spoil {
                // Not the length: a longer one swallows the next frame, which is then found after a pause only.
                let at = if (12..14).contains(&at) { 10 } else { at };
                first[at] ^= 0x40;
            }
            let wanted = answer(0x18, 0, &[7, 7]);
            let stream = [noise, first, wanted].concat();
            let mut decoder = AnswerDecoder::default();
            let got: Vec<Answer> = stream.chunks(cut).flat_map(|piece| decoder.feed(0, piece)).collect();
            prop_assert_eq!(got.last(), Some(&Answer { command: 0x18, status: 0, data: vec![7, 7] }));
            prop_assert_eq!(got.len(), 2 - usize::from(spoil));
        }
    }
}
