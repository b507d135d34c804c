//! The table of field formats of one dialect, and what it does: bytes to messages and back.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use thiserror::Error;

use super::bcd::{nibble_of, push_bcd_number};
use super::format::{Align, Content, FieldFormat, Length};
use super::message::Message;
use super::view::{DecodeError, View};
use crate::core::domain::read_data;
use crate::core::packed::packed;

/// Field formats by number. Comes from the `[fields]` table of a profile; see [`FieldFormat`] for the notation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, FieldFormat>")]
pub struct Spec {
    formats: Vec<Option<FieldFormat>>,
}

/// What keeps a message from being encoded.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("field {field} cannot be encoded: {fault}")]
pub struct EncodeError {
    /// The field.
    pub field: u8,
    /// What is wrong with its content.
    pub fault: EncodeFault,
}

/// What is wrong with a field's content.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum EncodeFault {
    /// The profile does not know the field.
    #[error("the profile has no such field")]
    NoFormat,
    /// Its length is not the field's.
    #[error("its length is {units}, and the profile has {max}")]
    Length {
        /// As given.
        units: usize,
        /// Exactly this where the field is fixed, at most this where it varies.
        max: usize,
    },
    /// A character that is no digit (nor `=`, in track data).
    #[error("it holds something else than digits")]
    NotADigit,
}

#[derive(Deserialize)]
struct FieldsOnly {
    fields: Spec,
}

impl Spec {
    /// Reads the `[fields]` table of a profile and leaves its other tables alone.
    pub fn from_profile(toml: &str) -> Result<Spec, String> {
        read_data::<FieldsOnly>(toml).map(|profile| profile.fields).map_err(|error| error.to_string())
    }

    /// The formats of the profile that ships as `unionpay-pos`.
    #[must_use]
    pub fn unionpay_pos() -> Spec {
        static SPEC: LazyLock<Spec> = LazyLock::new(|| {
            Spec::from_profile(&packed!("profiles/unionpay-pos.toml").text())
                .expect("the shipped profile is read by a test")
        });
        SPEC.clone()
    }

    /// One field's format.
    #[must_use]
    pub fn format(&self, field: u8) -> Option<FieldFormat> {
        self.formats.get(usize::from(field)).copied().flatten()
    }

    /// The message that `body` (type to last field, without length, TPDU and header) says.
    pub fn decode(&self, body: &[u8]) -> Result<Message, DecodeError> {
        View::check(self, body).map(|view| view.message())
    }

    /// The bytes of a message, from its type to its last field.
    pub fn encode(&self, message: &Message) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(256);
        push_bcd_number(&mut out, usize::from(message.mti().number()), 2);
        let mut bits = 0u128;
        for (field, _) in message.iter() {
            if !(2..=128).contains(&field) {
                return Err(EncodeError { field, fault: EncodeFault::NoFormat });
            }
            bits |= 1 << (128 - u32::from(field));
        }
        if bits << 64 != 0 {
            bits |= 1 << 127;
            out.extend_from_slice(&bits.to_be_bytes());
        } else {
            out.extend_from_slice(&bits.to_be_bytes()[..8]);
        }
        for (field, content) in message.iter() {
            self.push_field(&mut out, field, content).map_err(|fault| EncodeError { field, fault })?;
        }
        Ok(out)
    }

    fn push_field(&self, out: &mut Vec<u8>, field: u8, content: &[u8]) -> Result<(), EncodeFault> {
        let format = self.format(field).ok_or(EncodeFault::NoFormat)?;
        let (units, max) = (content.len(), format.max_units());
        let fits = if matches!(format.length, Length::Fixed(_)) { units == max } else { units <= max };
        if !fits {
            return Err(EncodeFault::Length { units, max });
        }
        push_bcd_number(out, units, format.prefix_bytes());
        if format.packed() { push_packed(out, format, content) } else { push_plain(out, content) }
    }
}

fn push_plain(out: &mut Vec<u8>, content: &[u8]) -> Result<(), EncodeFault> {
    out.extend_from_slice(content);
    Ok(())
}

fn push_packed(out: &mut Vec<u8>, format: FieldFormat, content: &[u8]) -> Result<(), EncodeFault> {
    let nibble = |unit: u8| match unit {
        b'0'..=b'9' => nibble_of(unit).ok_or(EncodeFault::NotADigit),
        b'=' if format.content == Content::Track => Ok(13),
        _ => Err(EncodeFault::NotADigit),
    };
    let (lead, rest) = match format.align {
        Align::Right if content.len() % 2 == 1 => content.split_at(1),
        _ => content.split_at(0),
    };
    if let [unit] = lead {
        out.push(format.pad.send << 4 | nibble(*unit)?);
    }
    for pair in rest.chunks(2) {
        let low = pair.get(1).map_or(Ok(format.pad.send), |unit| nibble(*unit))?;
        out.push(nibble(pair[0])? << 4 | low);
    }
    Ok(())
}

impl TryFrom<BTreeMap<String, FieldFormat>> for Spec {
    type Error = String;

    fn try_from(table: BTreeMap<String, FieldFormat>) -> Result<Spec, String> {
        let mut formats = vec![None; 129];
        for (key, format) in table {
            let number = key.parse::<u8>().ok().filter(|n| (2..=128).contains(n) && *n != 65);
            let number = number.ok_or_else(|| format!("{key:?} is no field number: 2 to 128, without 65"))?;
            if number == 64 && (format.content != Content::Binary || format.length != Length::Fixed(8)) {
                return Err("field 64 is the MAC and must be b8".to_owned());
            }
            formats[usize::from(number)] = Some(format);
        }
        Ok(Spec { formats })
    }
}
