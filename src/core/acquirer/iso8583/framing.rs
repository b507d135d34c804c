//! What lies around a message on the wire: two bytes of length, TPDU, header. Bytes may come split anywhere.

use thiserror::Error;

/// How long the parts around a message are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Bytes of TPDU (5).
    pub tpdu: usize,
    /// Bytes of header (6; a dialect may have none).
    pub header: usize,
    /// The longest frame that is believed, in bytes behind the length.
    pub max: usize,
}

/// One frame, its parts told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// As the layout says; hosts may swap source and destination.
    pub tpdu: Vec<u8>,
    /// As the layout says.
    pub header: Vec<u8>,
    /// The message, from its type on. Not checked yet.
    pub body: Vec<u8>,
}

impl Frame {
    /// The sixth digit of the header: what the acquirer asks the terminal to do (3 = sign on again); 0 where there is no such digit.
    #[must_use]
    pub fn processing_request(&self) -> u8 {
        self.header.get(2).map_or(0, |byte| byte & 15)
    }

    /// The bytes for the wire, length first; `None` where they are too many for two bytes of length.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let length = self.tpdu.len() + self.header.len() + self.body.len();
        let mut out = Vec::with_capacity(length + 2);
        out.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
        out.extend_from_slice(&self.tpdu);
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&self.body);
        Some(out)
    }
}

/// A length that no frame has: what follows cannot be trusted, so the connection must go.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a frame of {length} bytes: {least} to {most} are believed")]
pub struct FrameError {
    /// As the wire says.
    pub length: usize,
    /// TPDU, header, type and bitmap.
    pub least: usize,
    /// The layout's bound.
    pub most: usize,
}

/// Puts frames together from bytes that come split anywhere. Holds at most what was pushed since the last frame was taken.
#[derive(Debug, Clone)]
pub struct Deframer {
    layout: Layout,
    held: Vec<u8>,
    /// Bytes at the front of `held` that belong to frames already given out.
    taken: usize,
}

impl Deframer {
    /// An empty one.
    #[must_use]
    pub fn new(layout: Layout) -> Deframer {
        Deframer { layout, held: Vec::new(), taken: 0 }
    }

    /// Takes bytes in. Call [`Deframer::next_frame`] until it gives nothing more before pushing again: then what is held stays under one frame.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.taken);
        self.taken = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one. After an error nothing comes any more until [`Deframer::clear`].
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let held = self.held.get(self.taken..).unwrap_or_default();
        let Some((prefix, rest)) = held.split_first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*prefix));
        let least = self.layout.tpdu + self.layout.header + 10;
        if !(least..=self.layout.max).contains(&length) {
            return Err(FrameError { length, least, most: self.layout.max });
        }
        let Some(whole) = rest.get(..length) else { return Ok(None) };
        let (tpdu, rest) = whole.split_at(self.layout.tpdu);
        let (header, body) = rest.split_at(self.layout.header);
        let frame = Frame { tpdu: tpdu.to_vec(), header: header.to_vec(), body: body.to_vec() };
        self.taken += length + 2;
        Ok(Some(frame))
    }

    /// Bytes held that are not yet a frame.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len() - self.taken
    }

    /// Forgets everything: a new connection begins.
    pub fn clear(&mut self) {
        self.held.clear();
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const LAYOUT: Layout = Layout { tpdu: 5, header: 6, max: 2048 };

    fn frame(fill: u8, body: usize) -> Frame {
        Frame { tpdu: vec![0x60, 0, 0, 0, 0], header: vec![0x60, 0x22, 0x03, 0, 0, 0], body: vec![fill; body] }
    }

    #[test]
    fn a_header_commands_by_its_sixth_digit() {
        assert_eq!(frame(0, 10).processing_request(), 3);
    }

    #[test]
    fn an_absurd_length_is_an_error_and_stays_one() {
        for bytes in [[0x00, 0x00], [0x00, 0x14], [0x08, 0x01], [0xFF, 0xFF]] {
            let mut deframer = Deframer::new(LAYOUT);
            deframer.push(&bytes);
            assert!(deframer.next_frame().is_err());
            deframer.push(&frame(1, 20).to_bytes().unwrap());
            assert!(deframer.next_frame().is_err());
            deframer.clear();
            deframer.push(&frame(1, 20).to_bytes().unwrap());
            assert_eq!(deframer.next_frame().unwrap().unwrap(), frame(1, 20));
        }
    }

    proptest! {
        #[test]
        fn frames_come_out_whole_however_they_are_split(sizes in proptest::collection::vec(10usize..300, 1..6), cuts in proptest::collection::vec(1usize..50, 1..40)) {
            let frames: Vec<Frame> = sizes.iter().enumerate().map(|(n, size)| frame(n as u8, *size)).collect();
            let bytes: Vec<u8> = frames.iter().flat_map(|f| f.to_bytes().unwrap()).collect();
            let (mut deframer, mut got, mut rest) = (Deframer::new(LAYOUT), Vec::new(), bytes.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                deframer.push(now);
                while let Some(frame) = deframer.next_frame().unwrap() { got.push(frame); }
                rest = later;
            }
            prop_assert_eq!(got, frames);
            prop_assert_eq!(deframer.held(), 0);
        }

        #[test]
        fn any_bytes_give_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let mut deframer = Deframer::new(LAYOUT);
            deframer.push(&bytes);
            while let Ok(Some(frame)) = deframer.next_frame() {
                prop_assert!(frame.body.len() >= 10);
            }
        }
    }
}
