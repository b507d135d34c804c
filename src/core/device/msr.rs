//! Magnetic-stripe readers on a serial line: `%T1? ;T2? +T3?` and CR, STX and ETX optional, a bad track as `E`.
//!
//! Only track 2 leaves this module, as a [`Track2`]; tracks 1 and 3 are looked at only for having been read. The frame
//! buffer is wiped. What to tell the cashier about a bad read is decided elsewhere.

use zeroize::Zeroizing;

use super::card::{CardFacts, Track2Error, read_track2};
use super::scanner::wipe;
use crate::core::domain::Track2;

/// Longest frame: 79 + 40 + 107 characters, sentinels, STX, ETX, and some room.
pub const MAX_FRAME: usize = 256;

/// A frame that stands still for this long is torn.
pub const IDLE_MS: u64 = 300;

/// How one track came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackRead {
    /// The reader sent nothing for it.
    Absent,
    /// Read.
    Read,
    /// The reader says that it could not read it.
    Bad,
}

/// A card was swiped and its track 2 is whole.
#[derive(Debug, Clone)]
pub struct Swipe {
    /// Track 2 without sentinels, separator as read (`=` or `D`).
    pub track2: Track2,
    /// What it says: number, expiry, service code, check digit.
    pub card: CardFacts,
    /// How track 1 came.
    pub track1: TrackRead,
    /// How track 3 came.
    pub track3: TrackRead,
}

/// Why a swipe gave no card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSwipe {
    /// The reader could not read track 2 (`;E?`).
    Unreadable,
    /// The frame has no track 2, or an empty one.
    NoTrack2,
    /// Track 2 was sent, and is not one.
    Track2(Track2Error),
    /// The line is not a swipe at all.
    NotAFrame,
    /// The frame stopped in the middle.
    Torn,
    /// The frame was longer than any card; dropped.
    TooLong,
}

/// What came of the bytes.
#[derive(Debug, Clone)]
pub enum SwipeEvent {
    /// A readable card.
    Card(Swipe),
    /// Ask for another swipe.
    Bad(BadSwipe),
}

/// What was seen since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MsrCounters {
    /// Cards read.
    pub cards: u64,
    /// Bad reads of any kind.
    pub bad: u64,
}

/// The decoder of one reader's byte stream; holds at most [`MAX_FRAME`] bytes.
pub struct MsrDecoder {
    frame: Zeroizing<Vec<u8>>,
    skipping: bool,
    last_ms: u64,
    idle_ms: u64,
    counters: MsrCounters,
}

impl std::fmt::Debug for MsrDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MsrDecoder({} held, {:?})", self.frame.len(), self.counters)
    }
}

impl Default for MsrDecoder {
    fn default() -> Self {
        Self::new(IDLE_MS)
    }
}

impl MsrDecoder {
    /// A decoder that drops a frame after it stood still for `idle_ms`.
    pub fn new(idle_ms: u64) -> Self {
        Self {
            frame: Zeroizing::new(Vec::with_capacity(MAX_FRAME)),
            skipping: false,
            last_ms: 0,
            idle_ms,
            counters: MsrCounters::default(),
        }
    }

    /// What was seen so far.
    pub fn counters(&self) -> MsrCounters {
        self.counters
    }

    /// When [`MsrDecoder::tick`] wants to be called; `None` while nothing is half read.
    pub fn deadline(&self) -> Option<u64> {
        (self.skipping || !self.frame.is_empty()).then(|| self.last_ms.saturating_add(self.idle_ms))
    }

    /// The port was lost: what was half read is gone.
    pub fn reset(&mut self) {
        wipe(&mut self.frame);
        self.skipping = false;
    }

    /// Drops a frame that stood still too long.
    pub fn tick(&mut self, now_ms: u64) -> Option<SwipeEvent> {
        if self.deadline().is_none_or(|at| now_ms < at) {
            return None;
        }
        let why = if self.skipping { BadSwipe::TooLong } else { BadSwipe::Torn };
        self.reset();
        self.counters.bad += 1;
        Some(SwipeEvent::Bad(why))
    }

    /// Takes bytes as they came at `now_ms`; gives at most one event a byte.
    pub fn feed(&mut self, now_ms: u64, bytes: &[u8]) -> Vec<SwipeEvent> {
        let mut out: Vec<SwipeEvent> = self.tick(now_ms).into_iter().collect();
        if !bytes.is_empty() {
            self.last_ms = now_ms;
        }
        out.extend(bytes.iter().filter_map(|&b| self.byte(b)));
        out
    }

    fn byte(&mut self, b: u8) -> Option<SwipeEvent> {
        match b {
            // STX, and what some readers put around it, carry nothing.
            0x02 | b'\n' => None,
            b'\r' | 0x03 => self.end_of_frame(),
            _ if self.skipping => None,
            _ if self.frame.len() == MAX_FRAME => {
                wipe(&mut self.frame);
                self.skipping = true;
                None
            }
            _ => {
                self.frame.push(b);
                None
            }
        }
    }

    fn end_of_frame(&mut self) -> Option<SwipeEvent> {
        if self.frame.is_empty() && !self.skipping {
            return None;
        }
        let result = if self.skipping { Err(BadSwipe::TooLong) } else { parse(&self.frame) };
        self.reset();
        Some(match result {
            Ok(swipe) => {
                self.counters.cards += 1;
                SwipeEvent::Card(swipe)
            }
            Err(why) => {
                self.counters.bad += 1;
                SwipeEvent::Bad(why)
            }
        })
    }
}

/// One frame without STX, ETX and CR.
fn parse(frame: &[u8]) -> Result<Swipe, BadSwipe> {
    let text = std::str::from_utf8(frame).map_err(|_| BadSwipe::NotAFrame)?;
    let (mut track1, mut track2, mut track3) = (TrackRead::Absent, None, TrackRead::Absent);
    let mut found = false;
    for (i, mut piece) in text.split_inclusive('?').enumerate() {
        // Some readers send the LRC character behind each `?`, and it may look like a sentinel.
        if i > 0 && (piece.len() == 1 || matches!(piece.as_bytes(), [_, b'%' | b';' | b'+', ..])) {
            piece = piece.get(1..).unwrap_or_default();
        }
        let Some(start) = piece.find(['%', ';', '+']) else { continue };
        let Some(body) = piece[start + 1..].strip_suffix('?') else { return Err(BadSwipe::Torn) };
        found = true;
        match piece.as_bytes()[start] {
            b'%' => track1 = how(body),
            b';' if track2.is_none() => track2 = Some(body),
            // A second `;` is track 3 of readers that use the ISO sentinel for it.
            _ => track3 = how(body),
        }
    }
    if !found {
        return Err(BadSwipe::NotAFrame);
    }
    let body = track2.unwrap_or_default();
    match how(body) {
        TrackRead::Absent => Err(BadSwipe::NoTrack2),
        TrackRead::Bad => Err(BadSwipe::Unreadable),
        TrackRead::Read => {
            let card = read_track2(body).map_err(BadSwipe::Track2)?;
            Ok(Swipe { track2: Track2::new(body.to_owned()), card, track1, track3 })
        }
    }
}

fn how(body: &str) -> TrackRead {
    match body {
        "" => TrackRead::Absent,
        "E" | "e" => TrackRead::Bad,
        _ => TrackRead::Read,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    const T2: &str = "4111111111111111=30122010000012300000";

    fn one(bytes: &[u8]) -> SwipeEvent {
        let mut events = MsrDecoder::default().feed(0, bytes);
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    #[test]
    fn frames_with_and_without_stx_blanks_and_lrc() {
        for frame in [
            format!("%B4111111111111111^ZHANG/SAN^30122010000000?;{T2}?+0123?\r"),
            format!("\x02%B4111111111111111^ZHANG/SAN^30122010000000? ;{T2}? +0123?\r\n\x03"),
            format!("%Bx?1;{T2}?4+0123?\r"),
            format!("%Bx?;{T2}?;9901?\r"),
            format!("%Bx?;;{T2}?++0123?%\r"),
        ] {
            let SwipeEvent::Card(s) = one(frame.as_bytes()) else { panic!("{frame}") };
            assert_eq!(s.track2.expose(), T2);
            assert_eq!((s.track1, s.track3, s.card.luhn_ok), (TrackRead::Read, TrackRead::Read, true));
            assert!(s.card.service.unwrap().has_chip());
        }
    }

    #[test]
    fn bad_reads_say_why() {
        for (frame, why) in [
            ("%E?;E?+E?\r", BadSwipe::Unreadable),
            ("%Bx?\r", BadSwipe::NoTrack2),
            ("%Bx?;?\r", BadSwipe::NoTrack2),
            (";41111111=2512?\r", BadSwipe::Track2(Track2Error::Number)),
            (";4111111111111111=2512\r", BadSwipe::Torn),
            ("hello\r", BadSwipe::NotAFrame),
        ] {
            assert!(matches!(one(frame.as_bytes()), SwipeEvent::Bad(w) if w == why), "{frame}");
        }
    }

    #[test]
    fn only_track_2_is_needed() {
        let SwipeEvent::Card(s) = one(format!("%E?;{T2}?\r").as_bytes()) else { panic!() };
        assert_eq!((s.track1, s.track3), (TrackRead::Bad, TrackRead::Absent));
    }

    #[test]
    fn a_torn_swipe_is_an_event_and_does_not_stick() {
        let mut d = MsrDecoder::default();
        assert!(d.feed(10, b"%Bx?;4111111").is_empty());
        assert!(matches!(d.tick(d.deadline().unwrap()), Some(SwipeEvent::Bad(BadSwipe::Torn))));
        assert!(matches!(d.feed(999, format!(";{T2}?\r").as_bytes())[..], [SwipeEvent::Card(_)]));
        assert_eq!(d.counters(), MsrCounters { cards: 1, bad: 1 });
    }

    #[test]
    fn a_flood_is_one_bad_read() {
        let mut d = MsrDecoder::default();
        let mut flood = vec![b'9'; 100_000];
        flood.push(b'\r');
        assert!(matches!(d.feed(0, &flood)[..], [SwipeEvent::Bad(BadSwipe::TooLong)]));
    }

    #[test]
    fn nothing_of_a_card_is_printed() {
        let event = one(format!(";{T2}?\r").as_bytes());
        let printed = format!("{event:?}");
        assert!(!printed.contains("11111111") && !printed.contains("3012"), "{printed}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_bounded(parts in prop::collection::vec((0u64..1000, prop::collection::vec(any::<u8>(), 0..400)), 0..30)) {
            let mut d = MsrDecoder::default();
            let mut now = 0;
            for (wait, bytes) in parts {
                now += wait;
                prop_assert!(d.feed(now, &bytes).len() <= bytes.len() + 1);
                prop_assert!(d.frame.len() <= MAX_FRAME && d.frame.capacity() == MAX_FRAME);
            }
        }

        #[test]
        fn frames_of_likely_characters_are_survived(s in "[%;+?=E0-9 \\r]{0,300}") {
            MsrDecoder::default().feed(0, s.as_bytes());
        }
    }
}
