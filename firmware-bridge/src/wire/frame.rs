//! Bytes ↔ frames: `00 COBS(header body crc) 00`. The decoder has one fixed buffer, takes any bytes, and never panics.
//!
//! Header: kind, version, session (u16 LE), sequence (u16 LE), length of the body. CRC-16/IBM-3740 (1021, FFFF, not reflected) over
//! header and body, LE. The length is there because serial lines lose bytes rather than turn them: a loss is then seen for certain, and not
//! only in 65,535 of 65,536 cases. The leading 00 cuts off whatever garbage stands before the frame; empty frames are nothing.
//! A frame is at most 249 bytes before COBS, so that it has exactly one code byte more.

use crc::{CRC_16_IBM_3740, Crc};
use heapless::Vec;
use thiserror::Error;
use zeroize::Zeroize;

/// The longest body of a frame, in bytes.
pub const MAX_BODY: usize = 240;
const HEADER: usize = 7;
const TRAILER: usize = 2;
const MAX_RAW: usize = HEADER + MAX_BODY + TRAILER;
const MAX_COBS: usize = MAX_RAW + 1;
/// The longest frame on the line, both delimiters included, in bytes.
pub const MAX_WIRE: usize = MAX_COBS + 2;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

/// The check sum of the wire (and of stored records): CRC-16/IBM-3740.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    CRC.checksum(bytes)
}

/// What a frame is for. The numbers are the wire's, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Host → bridge: let us begin a session. Its layout is the same in every version.
    Hello = 1,
    /// Bridge → host: the answer. Its layout is the same in every version.
    Welcome = 2,
    /// A message, delivered once and in order, repeated until acknowledged.
    Data = 3,
    /// The data frame with this sequence number has been delivered.
    Ack = 4,
    /// Something was not taken; the sequence number is the next one expected; the body is one reason byte.
    Nak = 5,
    /// A log line or heartbeat: not repeated, may be lost, never delivered twice.
    Aside = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Hello,
            2 => Self::Welcome,
            3 => Self::Data,
            4 => Self::Ack,
            5 => Self::Nak,
            6 => Self::Aside,
            _ => return None,
        })
    }
}

/// Why bytes between two delimiters are no frame.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// Not COBS.
    #[error("not COBS")]
    Cobs,
    /// Shorter than header and check sum.
    #[error("shorter than a header")]
    Short,
    /// Longer than any frame: the bytes were thrown away up to the next delimiter.
    #[error("longer than any frame")]
    Long,
    /// The check sum is wrong.
    #[error("wrong check sum")]
    Crc,
    /// The body is not as long as the header says.
    #[error("the body is not as long as its header says")]
    Length,
    /// A sound frame of a kind that this version does not know.
    #[error("unknown kind {0}")]
    Kind(u8),
}

/// One frame; the body lies in the buffer it was decoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is for.
    pub kind: Kind,
    /// The protocol version its body is written in.
    pub version: u8,
    /// The session it belongs to, chosen by the host at hello.
    pub session: u16,
    /// Sequence number; its meaning depends on the kind.
    pub seq: u16,
    /// At most [`MAX_BODY`] bytes.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Writes the frame to the front of `out` and gives its length; `None` if the body is longer than [`MAX_BODY`] or `out`
    /// shorter than [`MAX_WIRE`].
    #[must_use]
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut raw = Vec::<u8, MAX_RAW>::new();
        let out = out.get_mut(..MAX_WIRE)?;
        let [s0, s1] = self.session.to_le_bytes();
        let [q0, q1] = self.seq.to_le_bytes();
        let len = u8::try_from(self.body.len()).ok().filter(|len| usize::from(*len) <= MAX_BODY)?;
        raw.extend_from_slice(&[self.kind as u8, self.version, s0, s1, q0, q1, len]).ok()?;
        raw.extend_from_slice(self.body).ok()?;
        let crc = crc16(&raw).to_le_bytes();
        raw.extend_from_slice(&crc).ok()?;
        let (first, rest) = out.split_first_mut()?;
        *first = 0;
        let n = cobs::try_encode(&raw, rest).ok();
        raw.as_mut_slice().zeroize();
        let n = n?;
        *rest.get_mut(n)? = 0;
        Some(n + 2)
    }

    fn parse(raw: &'a [u8]) -> Result<Self, FrameError> {
        let at = raw.len().checked_sub(TRAILER).ok_or(FrameError::Short)?;
        let (content, crc) = raw.split_at(at);
        let [kind, version, s0, s1, q0, q1, len, body @ ..] = content else {
            return Err(FrameError::Short);
        };
        if crc16(content).to_le_bytes() != crc {
            return Err(FrameError::Crc);
        }
        if body.len() != usize::from(*len) {
            return Err(FrameError::Length);
        }
        let kind = Kind::of(*kind).ok_or(FrameError::Kind(*kind))?;
        Ok(Self {
            kind,
            version: *version,
            session: u16::from_le_bytes([*s0, *s1]),
            seq: u16::from_le_bytes([*q0, *q1]),
            body,
        })
    }
}

/// Finds frames in a stream of any bytes, in any splits.
#[derive(Default)]
pub struct Decoder {
    buf: Vec<u8, MAX_COBS>,
    /// Too long already: everything up to the next delimiter is thrown away.
    skipping: bool,
    /// The frame that was given out still lies in `buf`.
    given: bool,
}

impl core::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decoder").field("held", &self.buf.len()).field("skipping", &self.skipping).finish()
    }
}

impl Decoder {
    /// An empty decoder.
    #[must_use]
    pub const fn new() -> Self {
        Self { buf: Vec::new(), skipping: false, given: false }
    }

    /// Takes one byte; gives a frame, or what was wrong with it, at a delimiter that ends something.
    pub fn feed(&mut self, byte: u8) -> Option<Result<Frame<'_>, FrameError>> {
        self.forget_given();
        if byte != 0 {
            if !self.skipping && self.buf.push(byte).is_err() {
                self.wipe();
                self.skipping = true;
            }
            return None;
        }
        if self.skipping {
            self.skipping = false;
            return Some(Err(FrameError::Long));
        }
        if self.buf.is_empty() {
            return None;
        }
        self.given = true;
        let Ok(n) = cobs::decode_in_place(&mut self.buf) else {
            return Some(Err(FrameError::Cobs));
        };
        Some(self.buf.get(..n).map_or(Err(FrameError::Cobs), Frame::parse))
    }

    /// Overwrites the frame that was given out last, if nothing has been fed since.
    pub fn forget_given(&mut self) {
        if self.given {
            self.wipe();
        }
    }

    /// Forgets what was fed, and overwrites it: frames may carry keys.
    pub fn wipe(&mut self) {
        self.buf.as_mut_slice().zeroize();
        self.buf.clear();
        self.given = false;
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec as StdVec;

    fn wire(frame: &Frame<'_>) -> StdVec<u8> {
        let mut out = [0; MAX_WIRE];
        let n = frame.emit(&mut out).unwrap();
        out[..n].to_vec()
    }

    /// Where the COBS code bytes of one frame stand.
    fn code_bytes(wire: &[u8]) -> StdVec<usize> {
        let mut at = 1;
        let mut found = StdVec::new();
        while at < wire.len() - 1 {
            found.push(at);
            at += usize::from(wire[at]);
        }
        found
    }

    type Held = (Kind, u8, u16, u16, StdVec<u8>);

    fn read(decoder: &mut Decoder, bytes: &[u8]) -> StdVec<Result<Held, FrameError>> {
        let mut found = StdVec::new();
        for b in bytes {
            if let Some(frame) = decoder.feed(*b) {
                found.push(frame.map(|f| (f.kind, f.version, f.session, f.seq, f.body.to_vec())));
            }
        }
        found
    }

    #[test]
    fn the_check_sum_is_the_catalogue_s() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn the_longest_body_fits_and_one_more_does_not() {
        for fill in [0, 0xFF] {
            let body = [fill; MAX_BODY];
            let frame = Frame { kind: Kind::Data, version: 1, session: 7, seq: 9, body: &body };
            let bytes = wire(&frame);
            assert_eq!(bytes.len(), MAX_WIRE);
            let found = read(&mut Decoder::new(), &bytes);
            assert_eq!(found, [Ok((Kind::Data, 1, 7, 9, body.to_vec()))]);
        }
        let long = [1; MAX_BODY + 1];
        let frame = Frame { kind: Kind::Data, version: 1, session: 7, seq: 9, body: &long };
        assert_eq!(frame.emit(&mut [0; 2 * MAX_WIRE]), None);
    }

    #[test]
    fn what_is_too_long_is_thrown_away_up_to_the_next_delimiter() {
        let mut decoder = Decoder::new();
        let mut flood = StdVec::from([0x55; 5000]);
        let sound = Frame { kind: Kind::Ack, version: 1, session: 1, seq: 2, body: &[] };
        flood.extend(wire(&sound));
        let found = read(&mut decoder, &flood);
        assert_eq!(found, [Err(FrameError::Long), Ok((Kind::Ack, 1, 1, 2, StdVec::new()))]);
    }

    proptest! {
        #[test]
        fn every_frame_comes_back(kind in 1u8..=6, version: u8, session: u16, seq: u16, body in proptest::collection::vec(any::<u8>(), 0..=MAX_BODY)) {
            let frame = Frame { kind: Kind::of(kind).unwrap(), version, session, seq, body: &body };
            let bytes = wire(&frame);
            prop_assert!(!bytes[1..bytes.len() - 1].contains(&0));
            prop_assert_eq!(read(&mut Decoder::new(), &bytes), [Ok((frame.kind, version, session, seq, body))]);
        }

        #[test]
        fn garbage_does_no_harm_and_the_next_frame_is_read(garbage in proptest::collection::vec(any::<u8>(), 0..2000), body in proptest::collection::vec(any::<u8>(), 0..=MAX_BODY)) {
            let mut decoder = Decoder::new();
            let _ = read(&mut decoder, &garbage);
            let frame = Frame { kind: Kind::Data, version: 1, session: 3, seq: 4, body: &body };
            let found = read(&mut decoder, &wire(&frame));
            prop_assert_eq!(found.last(), Some(&Ok((Kind::Data, 1, 3, 4, body))));
        }

        #[test]
        fn a_lost_end_is_seen(body in proptest::collection::vec(any::<u8>(), 0..=MAX_BODY), keep: prop::sample::Index) {
            let mut bytes = wire(&Frame { kind: Kind::Data, version: 1, session: 3, seq: 4, body: &body });
            bytes.truncate(keep.index(bytes.len() - 1));
            bytes.push(0);
            prop_assert!(read(&mut Decoder::new(), &bytes).iter().all(Result::is_err));
        }

        #[test]
        fn one_spoiled_byte_is_seen(body in proptest::collection::vec(any::<u8>(), 0..=MAX_BODY), at: prop::sample::Index, flip in 1u8..) {
            let mut bytes = wire(&Frame { kind: Kind::Data, version: 1, session: 3, seq: 4, body: &body });
            let at = 1 + at.index(bytes.len() - 2);
            // A spoiled COBS code byte is outside the bursts that the sum sees for certain: one in 65,536 of those passes.
            prop_assume!(!code_bytes(&bytes).contains(&at));
            bytes[at] ^= flip;
            let found = read(&mut Decoder::new(), &bytes);
            prop_assert!(found.iter().all(Result::is_err), "{found:?}");
        }
    }
}
