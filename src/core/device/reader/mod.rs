//! Readers on a serial line of their own, all by the same few calls: bytes, time and "somebody waits" in; bytes and what was read out.
//!
//! A new kind of reader is one file here and one line in [`KINDS`]. Never knows: ports, threads, who waits and for what.

mod msr;
pub mod neo2;
pub mod pn532;
mod scanner;

use super::msr::{BadSwipe, Swipe};
use super::scanner::{Scan, Trigger};
use crate::core::domain::Sentence;

/// What a reader gives.
#[derive(Debug, Clone)]
pub enum Seen {
    /// A code was scanned.
    Code(Scan),
    /// A stripe was read.
    Card(Swipe),
    /// A stripe that could not be read.
    Unreadable(BadSwipe),
    /// A contactless card lies there.
    Tap(Uid),
}

/// A contactless card's number: 4, 7 or 10 bytes. It pays for nothing; never in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Uid(pub Vec<u8>);

impl std::fmt::Debug for Uid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Uid({} bytes)", self.0.len())
    }
}

/// The codec of one reader. Times are monotonic milliseconds.
pub trait Codec: Send + std::fmt::Debug {
    /// The port was opened: nothing of before counts.
    fn opened(&mut self, now: u64);
    /// The port is gone.
    fn lost(&mut self);
    /// Somebody waits; said again after each opening.
    fn arm(&mut self, _now: u64) {}
    /// Nobody waits any more.
    fn disarm(&mut self, _now: u64) {}
    /// Takes bytes as they came.
    fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Seen>;
    /// Time has passed.
    fn tick(&mut self, now: u64) -> Vec<Seen>;
    /// When [`Codec::tick`] wants to be called.
    fn wake_at(&self) -> Option<u64>;
    /// What the reader is to be told.
    fn take_output(&mut self) -> Vec<u8> {
        Vec::new()
    }
    /// What was seen since the start, by name.
    fn counters(&self) -> Vec<(&'static str, u64)>;
    /// What a person should do about it, if anything.
    fn attention(&self) -> Option<Sentence> {
        None
    }
}

/// What a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Payment codes.
    Codes,
    /// Cards.
    Cards,
}

/// What the configuration may say of a reader beside its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How a scanner is told to light up.
    pub trigger: Trigger,
}

/// A kind of reader.
#[derive(Debug)]
pub struct Kind {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it reads.
    pub reads: Reads,
    /// The usual rate.
    pub baud: u32,
    /// Whether it answers when it is asked how it is.
    pub answers: bool,
    /// A codec for one of them.
    pub codec: fn(Options) -> Box<dyn Codec>,
}

// By name: each is there once.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

/// All kinds.
pub static KINDS: &[Kind] = &[scanner::KIND, msr::KIND, pn532::KIND, neo2::KIND];

/// The kind of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// How long between two questions how it is, where nothing else is said.
const PROBE_MS: u64 = 30_000;
/// The same, while it does not answer.
const PROBE_SILENT_MS: u64 = 5_000;

fn silent() -> Sentence {
    Sentence::new(
        "端口已开，读卡器无应答，请检查电源、连线和波特率",
        "The port is open and the reader does not answer: check its power, cable and rate",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_unique() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert_eq!(named(kind.name), Some(kind));
            assert!(KINDS[..i].iter().all(|k| k.name != kind.name), "{}", kind.name);
        }
    }

    proptest! {
        /// Garbage, torn and endless input, arming, loss and silence, in any order: no panic, answers bounded, never a time that has passed.
        #[test]
        fn any_reader_survives_anything(
            steps in prop::collection::vec((0u8..8, 0u64..40_000, prop::collection::vec(any::<u8>(), 0..700)), 0..40),
        ) {
            for kind in KINDS {
                let mut codec = (kind.codec)(Options { trigger: Trigger::Newland });
                let mut now = 0;
                codec.opened(now);
                for (what, wait, bytes) in &steps {
                    now += wait;
                    let seen = match what {
                        0 => { codec.arm(now); vec![] }
                        1 => { codec.disarm(now); vec![] }
                        2 => { codec.lost(); codec.opened(now); vec![] }
                        3 => codec.tick(now),
                        _ => codec.feed(now, bytes),
                    };
                    prop_assert!(seen.len() <= bytes.len() + 1, "{}", kind.name);
                    prop_assert!(codec.take_output().len() <= 4_096, "{}", kind.name);
                    codec.tick(now);
                    prop_assert!(codec.wake_at().is_none_or(|at| at > now), "{}: {:?} at {now}", kind.name, codec.wake_at());
                }
            }
        }
    }
}
