//! A checked view of a message's bytes: once it stands, every field's place and length are known and its content is legal.
//! It reads untrusted bytes: no length is believed before it is checked, and nothing here can panic.

use std::ops::Range;

use thiserror::Error;

use super::bcd::{bcd_number, nibble_at};
use super::format::{Align, Content, FieldFormat, Length};
use super::message::{Message, Mti};
use super::spec::Spec;

/// What is wrong with the bytes of a message, and where.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("{} at byte {offset}: {fault}", place(*field))]
pub struct DecodeError {
    /// The field, or `None` in type and bitmap or behind the last field.
    pub field: Option<u8>,
    /// Bytes before it, counted from the message type.
    pub offset: usize,
    /// What is wrong.
    pub fault: Fault,
}

fn place(field: Option<u8>) -> String {
    field.map_or_else(|| "message".to_owned(), |n| format!("field {n}"))
}

/// What can be wrong with the bytes of a message.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end too early.
    #[error("{need} bytes are needed and {have} are left")]
    Truncated {
        /// Bytes needed from here.
        need: usize,
        /// Bytes left.
        have: usize,
    },
    /// A nibble that is no digit (nor the separator, in track data).
    #[error("nibble {0:X} where a digit belongs")]
    NotADigit(u8),
    /// A filling nibble that is not the profile's.
    #[error("nibble {0:X} where the filling belongs")]
    BadPad(u8),
    /// A length beyond the field's.
    #[error("length {units} is over {max}")]
    TooLong {
        /// As the bytes say.
        units: usize,
        /// As the profile says.
        max: usize,
    },
    /// The bitmap names a field that the profile does not know.
    #[error("the profile has no such field")]
    NoFormat,
    /// A second bitmap that names nothing.
    #[error("the second bitmap is empty")]
    EmptyBitmap,
    /// Bytes behind the last field.
    #[error("{0} bytes too many")]
    Trailing(usize),
}

/// One field's place in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpan {
    /// Its number, 2 to 128.
    pub number: u8,
    /// Its format.
    pub format: FieldFormat,
    /// Where its length (or, where it is fixed, its content) begins.
    pub start: usize,
    /// Where its content lies.
    pub content: Range<usize>,
    /// How long its content is, in its units.
    pub units: usize,
}

impl FieldSpan {
    /// The nibble index, within the content, of its first unit.
    pub(super) fn first_nibble(&self) -> usize {
        usize::from(self.format.packed() && self.format.align == Align::Right && self.units % 2 == 1)
    }
}

/// A message's bytes with every field found and checked.
#[derive(Clone)]
pub struct View<'a> {
    body: &'a [u8],
    mti: Mti,
    fields: Vec<FieldSpan>,
}

impl<'a> View<'a> {
    /// Checks a whole message, from its type to its last field.
    pub fn check(spec: &Spec, body: &'a [u8]) -> Result<View<'a>, DecodeError> {
        match View::as_far_as_possible(spec, body) {
            (Some(view), None) => Ok(view),
            (_, Some(error)) => Err(error),
            (None, None) => Err(DecodeError { field: None, offset: 0, fault: Fault::Truncated { need: 2, have: 0 } }),
        }
    }

    /// What can be read before the first fault, and that fault. No view where not even the type can be read.
    #[must_use]
    pub fn as_far_as_possible(spec: &Spec, body: &'a [u8]) -> (Option<View<'a>>, Option<DecodeError>) {
        let mut walk = Walk { body, at: 0, field: None };
        let mti = match walk.mti() {
            Ok(mti) => mti,
            Err(error) => return (None, Some(error)),
        };
        let mut view = View { body, mti, fields: Vec::with_capacity(16) };
        let fault = view.fill(spec, &mut walk).err();
        (Some(view), fault)
    }

    fn fill(&mut self, spec: &Spec, walk: &mut Walk<'a>) -> Result<(), DecodeError> {
        let mut bits = u128::from(walk.bitmap()?) << 64;
        if bits >> 127 == 1 {
            let second = walk.bitmap()?;
            if second == 0 {
                return Err(DecodeError { field: None, offset: walk.at - 8, fault: Fault::EmptyBitmap });
            }
            bits |= u128::from(second);
        }
        for number in 2..=128u8 {
            if bits >> (128 - u32::from(number)) & 1 == 1 {
                walk.field = Some(number);
                self.fields.push(walk.field(spec, number)?);
            }
        }
        walk.field = None;
        match walk.body.len() - walk.at {
            0 => Ok(()),
            more => Err(walk.fault(Fault::Trailing(more))),
        }
    }

    /// The message's type.
    #[must_use]
    pub fn mti(&self) -> Mti {
        self.mti
    }

    /// The fields, in order.
    #[must_use]
    pub fn fields(&self) -> &[FieldSpan] {
        &self.fields
    }

    /// One field's content, unpacked: ASCII for digits and track data.
    #[must_use]
    pub fn content(&self, span: &FieldSpan) -> Vec<u8> {
        let raw = self.body.get(span.content.clone()).unwrap_or_default();
        if !span.format.packed() {
            return raw.to_vec();
        }
        let first = span.first_nibble();
        let unit = |nibble| if nibble == 13 { b'=' } else { b'0' + nibble };
        (first..first + span.units).map(|index| unit(nibble_at(raw, index))).collect()
    }

    /// The bytes that the MAC covers (type to the last field before 64) and the MAC, where there is one.
    #[must_use]
    pub fn mac_parts(&self) -> Option<(&'a [u8], [u8; 8])> {
        let span = self.fields.iter().find(|span| span.number == 64)?;
        let mac = self.body.get(span.content.clone())?.try_into().ok()?;
        Some((self.body.get(..span.start)?, mac))
    }

    /// The message's meaning.
    #[must_use]
    pub fn message(&self) -> Message {
        let mut message = Message::new(self.mti);
        for span in &self.fields {
            message.set_bytes(span.number, &self.content(span));
        }
        message
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.message().fmt(f)
    }
}

struct Walk<'a> {
    body: &'a [u8],
    at: usize,
    field: Option<u8>,
}

impl<'a> Walk<'a> {
    fn fault(&self, fault: Fault) -> DecodeError {
        DecodeError { field: self.field, offset: self.at, fault }
    }

    fn take(&mut self, need: usize) -> Result<&'a [u8], DecodeError> {
        let left = self.body.get(self.at..).unwrap_or_default();
        let taken = left.get(..need).ok_or_else(|| self.fault(Fault::Truncated { need, have: left.len() }))?;
        self.at += need;
        Ok(taken)
    }

    fn mti(&mut self) -> Result<Mti, DecodeError> {
        let raw = self.take(2)?;
        let number = bcd_number(raw).map_err(|nibble| DecodeError {
            field: None,
            offset: 0,
            fault: Fault::NotADigit(nibble),
        })?;
        let mti = u16::try_from(number).ok().and_then(Mti::new);
        mti.ok_or(DecodeError { field: None, offset: 0, fault: Fault::NotADigit(15) })
    }

    fn bitmap(&mut self) -> Result<u64, DecodeError> {
        let raw = self.take(8)?;
        Ok(raw.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    fn field(&mut self, spec: &Spec, number: u8) -> Result<FieldSpan, DecodeError> {
        let format = spec.format(number).ok_or_else(|| self.fault(Fault::NoFormat))?;
        let start = self.at;
        let units = match format.length {
            Length::Fixed(n) => usize::from(n),
            Length::Ll(_) | Length::Lll(_) => self.length(format)?,
        };
        let at = self.at;
        let raw = self.take(format.bytes_of(units))?;
        let span = FieldSpan { number, format, start, content: at..self.at, units };
        if format.packed() {
            check_nibbles(&span, raw).map_err(|(index, fault)| DecodeError {
                field: Some(number),
                offset: at + index / 2,
                fault,
            })?;
        }
        Ok(span)
    }

    fn length(&mut self, format: FieldFormat) -> Result<usize, DecodeError> {
        let start = self.at;
        let raw = self.take(format.prefix_bytes())?;
        let at_length = |fault| DecodeError { field: self.field, offset: start, fault };
        let units = bcd_number(raw).map_err(|nibble| at_length(Fault::NotADigit(nibble)))?;
        let (units, max) = (usize::try_from(units).unwrap_or(usize::MAX), format.max_units());
        if units > max { Err(at_length(Fault::TooLong { units, max })) } else { Ok(units) }
    }
}

/// Every nibble of a packed field, or the index of the first that is wrong.
fn check_nibbles(span: &FieldSpan, raw: &[u8]) -> Result<(), (usize, Fault)> {
    let (first, track) = (span.first_nibble(), span.format.content == Content::Track);
    for index in 0..raw.len() * 2 {
        let nibble = nibble_at(raw, index);
        if (first..first + span.units).contains(&index) {
            if nibble > 9 && !(track && nibble == 13) {
                return Err((index, Fault::NotADigit(nibble)));
            }
        } else if nibble != span.format.pad.send && Some(nibble) != span.format.pad.also {
            return Err((index, Fault::BadPad(nibble)));
        }
    }
    Ok(())
}
