//! Field 55: BER-TLV as EMV uses it (tags of at most three bytes, definite lengths of at most two further bytes). Reads untrusted bytes.

use std::ops::Range;

use thiserror::Error;

/// Objects that carry the card's number, stripe, name or expiry: 57, 5A, 56, 5F20, 5F24, 9F1F, 9F20, 9F6B.
pub const CARD_TAGS: &[u32] = &[0x56, 0x57, 0x5A, 0x5F20, 0x5F24, 0x9F1F, 0x9F20, 0x9F6B];

/// One data object. Its value lies at `span` of the bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlv {
    /// The tag's bytes as a number: 0x9F26.
    pub tag: u32,
    /// Where the value lies.
    pub span: Range<usize>,
}

/// What is wrong with TLV data, and at which byte.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum TlvError {
    /// A tag that ends too early or has more than three bytes.
    #[error("byte {0}: no tag")]
    Tag(usize),
    /// A length that is indefinite, longer than needed, or too long to be true.
    #[error("byte {0}: no length")]
    Length(usize),
    /// A value that ends too early.
    #[error("byte {0}: the value of tag {1:X} ends too early")]
    Value(usize, u32),
}

/// The data objects in `bytes`, one after the other; constructed ones are not opened. `read(write(x)) == x`.
pub fn read(bytes: &[u8]) -> Result<Vec<Tlv>, TlvError> {
    let (mut items, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let (tag, after_tag) = read_tag(bytes, at).ok_or(TlvError::Tag(at))?;
        let (length, start) = read_length(bytes, after_tag).ok_or(TlvError::Length(after_tag))?;
        let end = start + length;
        if end > bytes.len() {
            return Err(TlvError::Value(start, tag));
        }
        items.push(Tlv { tag, span: start..end });
        at = end;
    }
    Ok(items)
}

/// Appends one data object with the shortest length; `None` where the tag is no tag or the value is over 65,535 bytes.
#[must_use]
pub fn write(out: &mut Vec<u8>, tag: u32, value: &[u8]) -> Option<()> {
    let raw = tag.to_be_bytes();
    let skip = raw.iter().position(|byte| *byte != 0)?;
    if read_tag(&raw[skip..], 0) != Some((tag, raw.len() - skip)) {
        return None;
    }
    let length = u16::try_from(value.len()).ok()?.to_be_bytes();
    out.extend_from_slice(&raw[skip..]);
    match length {
        [0, short @ 0..=0x7F] => out.push(short),
        [0, one] => out.extend_from_slice(&[0x81, one]),
        [high, low] => out.extend_from_slice(&[0x82, high, low]),
    }
    out.extend_from_slice(value);
    Some(())
}

/// Whether the value of this tag is itself a row of data objects.
#[must_use]
pub fn constructed(tag: u32) -> bool {
    tag.to_be_bytes().into_iter().find(|byte| *byte != 0).is_some_and(|first| first & 0x20 != 0)
}

fn read_tag(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let first = *bytes.get(at)?;
    if first == 0 {
        return None;
    }
    if first & 0x1F != 0x1F {
        return Some((u32::from(first), at + 1));
    }
    let second = *bytes.get(at + 1)?;
    let tag = u32::from(first) << 8 | u32::from(second);
    if second & 0x80 == 0 {
        return Some((tag, at + 2));
    }
    let third = *bytes.get(at + 2)?;
    (third & 0x80 == 0).then_some((tag << 8 | u32::from(third), at + 3))
}

fn read_length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    match *bytes.get(at)? {
        short @ 0..=0x7F => Some((usize::from(short), at + 1)),
        0x81 => Some((usize::from(*bytes.get(at + 1)?), at + 2)).filter(|(length, _)| *length > 0x7F),
        0x82 => {
            let (high, low) = (*bytes.get(at + 1)?, *bytes.get(at + 2)?);
            Some((usize::from(high) << 8 | usize::from(low), at + 3)).filter(|(length, _)| *length > 0xFF)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chip_data_is_read_object_by_object() {
        let bytes = super::super::bcd::unhex("9F2608112233445566778882027C005A086222021234567890").unwrap();
        let items = read(&bytes).unwrap();
        assert_eq!(items.iter().map(|item| item.tag).collect::<Vec<_>>(), [0x9F26, 0x82, 0x5A]);
        assert_eq!(&bytes[items[1].span.clone()], [0x7C, 0x00]);
        assert!(constructed(0x77) && constructed(0xBF0C) && !constructed(0x9F26));
    }

    #[test]
    fn what_ends_too_early_or_is_written_too_long_is_refused() {
        assert_eq!(read(&[0x9F]), Err(TlvError::Tag(0)));
        assert_eq!(read(&[0x00, 0x00]), Err(TlvError::Tag(0)));
        assert_eq!(read(&[0x82, 0x80]), Err(TlvError::Length(1)));
        assert_eq!(read(&[0x82, 0x81, 0x01, 0x00]), Err(TlvError::Length(1)));
        assert_eq!(read(&[0x82, 0x02, 0x00]), Err(TlvError::Value(2, 0x82)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_what_is_read_is_written_alike(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(items) = read(&bytes) {
                let mut out = Vec::new();
                for item in items {
                    write(&mut out, item.tag, &bytes[item.span]).unwrap();
                }
                prop_assert_eq!(out, bytes);
            }
        }
    }
}
