//! What an ESC/POS printer says: four kinds of answers in one byte stream, told apart by their fixed bits.
//!
//! | answer | form |
//! |---|---|
//! | `DLE EOT n` | one byte, `b & 0x93 == 0x12`; says nothing of its `n`: answers come in the order of the questions |
//! | ASB | four bytes, first `& 0x93 == 0x10`, the others `& 0x90 == 0` |
//! | process id | `37 22 d1 d2 d3 d4 00` |
//! | `GS r n` | one byte, `& 0x90 == 0`, outside the above |
//!
//! Anything else is counted as garbage. Holds at most seven bytes and sixteen questions.

use std::collections::VecDeque;

/// Half an answer that stands still for this long is garbage.
const TORN_MS: u64 = 250;
/// Questions remembered; more than any caller asks at once.
const MAX_ASKED: usize = 16;

/// What is wrong or near with a printer, as last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// The cover is open.
    pub cover: bool,
    /// No paper.
    pub paper_out: bool,
    /// Paper near its end: it still prints.
    pub near_end: bool,
    /// The cutter is stuck.
    pub cutter: bool,
    /// Any other error, recoverable or not.
    pub error: bool,
    /// It does not take data, for one of these or for another reason (feed button).
    pub offline: bool,
    /// It waits for `DLE ENQ` after an error.
    pub waits_recovery: bool,
    /// The drawer's switch (pin 3) is high.
    pub drawer: bool,
}

impl Health {
    /// Whether it will print now.
    pub fn ready(&self) -> bool {
        !(self.cover || self.paper_out || self.cutter || self.error || self.offline || self.waits_recovery)
    }

    /// Takes in the answer to `DLE EOT n`; each `n` knows a part.
    pub fn apply_realtime(&mut self, n: u8, b: u8) {
        let bit = |mask: u8| b & mask != 0;
        match n {
            1 => {
                self.drawer = bit(0x04);
                self.offline = bit(0x08);
                self.waits_recovery = bit(0x20);
            }
            2 => {
                self.cover = bit(0x04);
                // "Stopped by paper end" stays until it prints again; whether there is paper says n = 4.
                self.error = bit(0x40) && !self.cutter;
            }
            3 => {
                self.cutter = bit(0x08);
                self.error = bit(0x04) || bit(0x20) || bit(0x40);
            }
            4 => {
                self.near_end = bit(0x0C);
                self.paper_out = bit(0x60);
            }
            _ => {}
        }
    }

    /// The whole state as ASB gives it.
    pub fn from_asb(asb: [u8; 4]) -> Self {
        let bit = |i: usize, mask: u8| asb[i] & mask != 0;
        Self {
            drawer: bit(0, 0x04),
            offline: bit(0, 0x08),
            cover: bit(0, 0x20),
            waits_recovery: bit(1, 0x01),
            cutter: bit(1, 0x08),
            error: bit(1, 0x04) || bit(1, 0x20) || bit(1, 0x40),
            near_end: bit(2, 0x03),
            paper_out: bit(2, 0x0C),
        }
    }
}

/// One thing a printer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// To `DLE EOT n`: the question's `n` and the byte.
    Realtime {
        /// Which question.
        n: u8,
        /// The byte as it came.
        byte: u8,
    },
    /// Automatic status, four bytes.
    Asb([u8; 4]),
    /// A process id is done: all before it is on paper.
    ProcessDone([u8; 4]),
    /// `GS r`: what was before it in the buffer is processed. Bits of `GS r 1`: 03 near end, 0C out.
    Processed(u8),
}

/// Splits the printer's byte stream into answers.
#[derive(Debug, Default)]
pub struct StatusDecoder {
    held: Vec<u8>,
    asked: VecDeque<u8>,
    last_ms: u64,
    garbage: u64,
}

impl StatusDecoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// A `DLE EOT n` was sent: its answer is awaited behind those asked before.
    pub fn asked(&mut self, n: u8) {
        if self.asked.len() < MAX_ASKED {
            self.asked.push_back(n);
        }
    }

    /// Whether all `DLE EOT` questions are answered.
    pub fn all_answered(&self) -> bool {
        self.asked.is_empty()
    }

    /// Gives up on unanswered questions (their turn is over): a late answer is then garbage, not taken for another's.
    pub fn forget_questions(&mut self) {
        self.asked.clear();
    }

    /// Bytes that fitted nothing, since the start.
    pub fn garbage(&self) -> u64 {
        self.garbage
    }

    /// The port was lost: half answers and questions are gone.
    pub fn reset(&mut self) {
        self.held.clear();
        self.asked.clear();
    }

    /// Takes bytes as they came at `now_ms`; at most one answer a byte.
    pub fn feed(&mut self, now_ms: u64, bytes: &[u8]) -> Vec<Answer> {
        if now_ms.saturating_sub(self.last_ms) > TORN_MS {
            self.drop_held();
        }
        self.last_ms = now_ms;
        bytes.iter().filter_map(|&b| self.byte(b)).collect()
    }

    fn drop_held(&mut self) {
        self.garbage += self.held.len() as u64;
        self.held.clear();
    }

    fn byte(&mut self, b: u8) -> Option<Answer> {
        match self.held.first() {
            None => self.first(b),
            Some(0x37) => self.in_process_id(b),
            Some(_) => self.in_asb(b),
        }
    }

    fn first(&mut self, b: u8) -> Option<Answer> {
        if b & 0x93 == 0x12 {
            let Some(n) = self.asked.pop_front() else {
                self.garbage += 1;
                return None;
            };
            return Some(Answer::Realtime { n, byte: b });
        }
        if b == 0x37 || b & 0x93 == 0x10 {
            self.held.push(b);
            return None;
        }
        if b & 0x90 == 0 {
            return Some(Answer::Processed(b));
        }
        self.garbage += 1;
        None
    }

    fn in_asb(&mut self, b: u8) -> Option<Answer> {
        if b & 0x90 != 0 {
            self.drop_held();
            return self.first(b);
        }
        self.held.push(b);
        let asb = <[u8; 4]>::try_from(self.held.as_slice()).ok()?;
        self.held.clear();
        Some(Answer::Asb(asb))
    }

    fn in_process_id(&mut self, b: u8) -> Option<Answer> {
        let fits = match self.held.len() {
            1 => b == 0x22,
            6 => b == 0,
            _ => (0x20..=0x7E).contains(&b),
        };
        if !fits {
            self.drop_held();
            return self.first(b);
        }
        self.held.push(b);
        if let [_, _, d1, d2, d3, d4, _] = self.held[..] {
            self.held.clear();
            return Some(Answer::ProcessDone([d1, d2, d3, d4]));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_four_kinds_in_one_stream() {
        let mut d = StatusDecoder::new();
        d.asked(1);
        d.asked(4);
        let bytes = [0x16, 0x18, 0x00, 0x0C, 0x0F, 0x72, 0x00, 0x37, 0x22, b'a', b'b', b'0', b'~', 0x00, 0x0F];
        assert_eq!(
            d.feed(0, &bytes),
            [
                Answer::Realtime { n: 1, byte: 0x16 },
                Answer::Asb([0x18, 0, 0x0C, 0x0F]),
                Answer::Realtime { n: 4, byte: 0x72 },
                Answer::Processed(0),
                Answer::ProcessDone(*b"ab0~"),
                Answer::Processed(0x0F),
            ]
        );
        assert_eq!((d.garbage(), d.all_answered()), (0, true));
    }

    #[test]
    fn torn_answers_and_unasked_bytes_are_garbage_and_do_not_shift_what_follows() {
        let mut d = StatusDecoder::new();
        assert_eq!(d.feed(0, &[0x10, 0x00]), []);
        assert_eq!(d.feed(1000, &[0x10, 0, 0, 0]), [Answer::Asb([0x10, 0, 0, 0])]);
        assert_eq!(d.garbage(), 2);
        // An ASB that begins in the middle of another one.
        assert_eq!(d.feed(1000, &[0x10, 0, 0x18, 0, 0x0C, 0]), [Answer::Asb([0x18, 0, 0x0C, 0])]);
        assert_eq!(d.garbage(), 4);
        assert_eq!(d.feed(1000, &[0x12, 0xFF, 0x91]), []);
        assert_eq!(d.garbage(), 7);
        assert_eq!(d.feed(1000, &[0x37, 0x22, 0x01]), [Answer::Processed(1)]);
    }

    #[test]
    fn health_from_both_ways_agrees() {
        let asb = Health::from_asb([0x38, 0x00, 0x0F, 0x00]);
        let mut h = Health::default();
        h.apply_realtime(1, 0x1A);
        h.apply_realtime(2, 0x16);
        h.apply_realtime(4, 0x7E);
        assert_eq!(h, asb);
        assert!(!h.ready() && h.cover && h.paper_out && h.near_end);
        let mut near = Health::default();
        near.apply_realtime(4, 0x1E);
        assert!(near.ready() && near.near_end);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_bounded(parts in prop::collection::vec((0u64..400, prop::collection::vec(any::<u8>(), 0..64), any::<u8>()), 0..60)) {
            let mut d = StatusDecoder::new();
            let (mut now, mut fed, mut used) = (0, 0u64, 0u64);
            for (wait, bytes, n) in parts {
                now += wait;
                fed += bytes.len() as u64;
                d.asked(n);
                for a in d.feed(now, &bytes) {
                    used += match a { Answer::Asb(_) => 4, Answer::ProcessDone(_) => 7, _ => 1 };
                }
                prop_assert!(d.held.len() < 7 && d.asked.len() <= MAX_ASKED);
                // Every byte is an answer's, garbage, or still held.
                prop_assert_eq!(fed, used + d.garbage() + d.held.len() as u64);
            }
        }
    }
}
