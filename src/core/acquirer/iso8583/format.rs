//! How one field lies on the wire, in the notation of the field's own specifications: `n6`, `n..19`, `z..37`, `ans...163`, `b8`.
//! Data only: what a field means is nobody's business here.

use std::str::FromStr;

use serde::Deserialize;

/// What a field's content is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `n`: digits, two a byte.
    Digits,
    /// `z`: digits and `=` (nibble D), two a byte.
    Track,
    /// `a`, `an`, `ans`: one byte a character. Any byte is let through: hosts put GBK text and NULs there.
    Text,
    /// `b`: bytes.
    Binary,
}

/// How long a field is, in its units: digits for `n` and `z`, bytes for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Always this long.
    Fixed(u16),
    /// One BCD byte of length before it, and at most this long.
    Ll(u16),
    /// Two BCD bytes of length before it, and at most this long.
    Lll(u16),
}

/// Where the filling nibble of an odd number of digits lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Content first, filling last (`021` → `0210`).
    Left,
    /// Filling first, content last (`001` → `0001`).
    Right,
}

/// The filling nibbles of an odd number of digits: one is sent, two may be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pad {
    /// What we send.
    pub send: u8,
    /// What we accept besides it.
    pub also: Option<u8>,
}

/// One field's format. Written as text: content letters, length (`6`, `..19`, `...322`), then where the number of digits can
/// be odd `left` or `right` (variable fields are `left` by themselves) and `pad` with the nibble sent and the ones accepted: `z..37 pad 0F`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FieldFormat {
    /// What it is made of.
    pub content: Content,
    /// How long it is.
    pub length: Length,
    /// Where the filling nibble lies.
    pub align: Align,
    /// What the filling nibble is.
    pub pad: Pad,
}

impl FieldFormat {
    /// Bytes of the length before the content: 0, 1 or 2.
    #[must_use]
    pub fn prefix_bytes(self) -> usize {
        match self.length {
            Length::Fixed(_) => 0,
            Length::Ll(_) => 1,
            Length::Lll(_) => 2,
        }
    }

    /// The longest content, in units.
    #[must_use]
    pub fn max_units(self) -> usize {
        match self.length {
            Length::Fixed(n) | Length::Ll(n) | Length::Lll(n) => usize::from(n),
        }
    }

    /// Whether two units share a byte.
    #[must_use]
    pub fn packed(self) -> bool {
        matches!(self.content, Content::Digits | Content::Track)
    }

    /// Bytes on the wire of a content of `units`.
    #[must_use]
    pub fn bytes_of(self, units: usize) -> usize {
        if self.packed() { units.div_ceil(2) } else { units }
    }
}

impl TryFrom<String> for FieldFormat {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for FieldFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<FieldFormat, String> {
        let wrong = |why: &str| {
            format!("{text:?} is no field format ({why}): they look like n6, n..19, ans...163, n3 left, z..37 pad 0F")
        };
        let mut words = text.split_ascii_whitespace();
        let first = words.next().ok_or_else(|| wrong("it is empty"))?;
        let letters = first.len() - first.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let content = match &first[..letters] {
            "n" => Content::Digits,
            "z" => Content::Track,
            "a" | "an" | "ans" => Content::Text,
            "b" => Content::Binary,
            _ => return Err(wrong("content must be n, z, a, an, ans or b")),
        };
        let length = parse_length(&first[letters..]).ok_or_else(|| wrong("its length cannot be read"))?;
        let (mut align, mut pad) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "left" => align = Some(Align::Left),
                "right" => align = Some(Align::Right),
                "pad" => {
                    pad =
                        Some(words.next().and_then(parse_pad).ok_or_else(|| wrong("pad wants one or two hex digits"))?)
                }
                _ => return Err(wrong("an unknown word")),
            }
        }
        let packed = matches!(content, Content::Digits | Content::Track);
        if !packed && (align.is_some() || pad.is_some()) {
            return Err(wrong("only n and z are filled"));
        }
        if packed && align.is_none() && matches!(length, Length::Fixed(n) if n % 2 == 1) {
            return Err(wrong("an odd fixed number of digits must say left or right"));
        }
        let pad = pad.unwrap_or(Pad { send: 0, also: None });
        Ok(FieldFormat { content, length, align: align.unwrap_or(Align::Left), pad })
    }
}

fn parse_length(text: &str) -> Option<Length> {
    let dots = text.len() - text.trim_start_matches('.').len();
    let number: u16 = text[dots..].parse().ok().filter(|n| *n > 0)?;
    match dots {
        0 if number <= 999 => Some(Length::Fixed(number)),
        2 if number <= 99 => Some(Length::Ll(number)),
        3 if number <= 999 => Some(Length::Lll(number)),
        _ => None,
    }
}

fn parse_pad(word: &str) -> Option<Pad> {
    let nibbles = word.bytes().map(super::bcd::nibble_of).collect::<Option<Vec<u8>>>()?;
    match nibbles[..] {
        [send] => Some(Pad { send, also: None }),
        [send, also] => Some(Pad { send, also: Some(also) }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn formats_are_read_from_the_fields_own_notation() {
        let n6: FieldFormat = "n6".parse().unwrap();
        assert_eq!((n6.content, n6.length, n6.bytes_of(6)), (Content::Digits, Length::Fixed(6), 3));
        let track: FieldFormat = "z..37 pad 0F".parse().unwrap();
        assert_eq!((track.content, track.length), (Content::Track, Length::Ll(37)));
        assert_eq!(track.pad, Pad { send: 0, also: Some(15) });
        let f22: FieldFormat = "n3 left".parse().unwrap();
        assert_eq!((f22.align, f22.bytes_of(3), f22.prefix_bytes()), (Align::Left, 2, 0));
        let f63: FieldFormat = "ans...163".parse().unwrap();
        assert_eq!((f63.prefix_bytes(), f63.max_units(), f63.bytes_of(163)), (2, 163, 163));
    }

    #[test]
    fn a_format_that_leaves_something_open_is_refused() {
        for bad in [
            "",
            "6",
            "q6",
            "n",
            "n0",
            "n3",
            "n.5",
            "n..100",
            "n...1000",
            "b8 left",
            "n6 pad",
            "n6 pad 0FE",
            "n6 centre",
            "数6",
        ] {
            assert!(bad.parse::<FieldFormat>().is_err(), "{bad}");
        }
    }
}
