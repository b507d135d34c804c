//! Printer profiles: what a model can say and how much it can hold. The models are data, in `printers.toml` beside this file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::drawer::{self, Pin};
use crate::core::domain::read_data;
use crate::core::report::escpos::{self, Cut, Encoding, Symbols};

/// The models that ship.
const MODELS: &str = include_str!("printers.toml");

/// What a printer model can do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Name in the configuration.
    #[serde(skip)]
    pub name: String,
    /// Half-width characters a line.
    pub columns: u16,
    /// What letters it has.
    pub encoding: Encoding,
    /// How it cuts.
    pub cut: Cut,
    /// Who draws bars and QR codes.
    pub symbols: Symbols,
    /// Answers `GS ( H` (process id): the strongest proof of a print.
    #[serde(rename = "process_id")]
    pub has_process_id: bool,
    /// Pushes its status by itself after `GS a` (ASB).
    #[serde(rename = "asb")]
    pub has_asb: bool,
    /// Answers `GS r` when the bytes before it are processed: the general proof of a print.
    #[serde(rename = "gs_r")]
    pub has_gs_r: bool,
    /// Answers `DLE EOT` at once. With neither this nor ASB the printer is mute: jobs end as `Unproven`.
    #[serde(rename = "dle_eot")]
    pub has_dle_eot: bool,
    /// Bytes in its receive buffer; at 0 left it throws away.
    #[serde(rename = "buffer")]
    pub receive_buffer: usize,
    /// Bytes that may be under way unconfirmed: `GS r` is strewn between commands and waited for, so that the buffer
    /// cannot overflow even on a three-wire line without handshake. 0 = no such marks (needs a handshake). One command
    /// longer than this (a tall raster) is not cut: print pictures in bands.
    pub window: usize,
    /// Bytes a write: status questions can go out between two writes.
    pub chunk: usize,
    /// NULs that end a half-eaten command (a raster of up to this size).
    pub flush_nuls: usize,
    /// How its drawer is opened.
    pub drawer: Pulse,
}

/// A drawer's pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pulse {
    /// Pin 2 or 5 of its connector.
    pub pin: u8,
    /// How long the coil is driven.
    pub on_ms: u16,
    /// How long it rests.
    pub off_ms: u16,
    /// Sent as `DLE DC4`: the printer does it before what waits in its buffer. Like any other it is sent only to a printer that is ready.
    pub realtime: bool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { pin: 2, on_ms: 50, off_ms: 500, realtime: false }
    }
}

impl Pulse {
    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 5] {
        let pin = if self.pin == 5 { Pin::Five } else { Pin::Two };
        if self.realtime {
            drawer::realtime_pulse(pin, self.on_ms)
        } else {
            drawer::pulse(pin, self.on_ms, self.off_ms)
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "generic-80".into(),
            columns: 48,
            encoding: Encoding::Gb18030,
            cut: Cut::Partial,
            symbols: Symbols::Native,
            has_process_id: false,
            has_asb: true,
            has_gs_r: true,
            has_dle_eot: true,
            receive_buffer: 4096,
            window: 3072,
            chunk: 512,
            flush_nuls: 8192,
            drawer: Pulse::default(),
        }
    }
}

/// Why a model is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not in the list of those that ship.
    #[error("no printer model {0:?}: use one of {1}, or name a file that ends in .toml")]
    Unknown(String, String),
    /// Not TOML, an unknown key, or a value of a wrong form.
    #[error("{0}")]
    Form(String),
    /// Well-formed, and contradicts itself.
    #[error("{0}")]
    Content(&'static str),
}

/// All models that ship, by name.
fn models() -> Result<BTreeMap<String, Profile>, ProfileError> {
    read_data(MODELS).map_err(|e| ProfileError::Form(e.to_string()))
}

impl Profile {
    /// Whether it says anything at all.
    pub fn speaks(&self) -> bool {
        self.has_dle_eot || self.has_asb
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`], with the names that there are.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let mut models = models()?;
        match models.remove(name) {
            Some(profile) => Ok(Self { name: name.to_owned(), ..profile }),
            None => {
                let names = models.into_keys().collect::<Vec<_>>().join(", ");
                Err(ProfileError::Unknown(name.to_owned(), names))
            }
        }
    }

    /// A model from a file's text.
    ///
    /// # Errors
    /// [`ProfileError`]: what is wrong with it.
    pub fn parse(name: &str, toml: &str) -> Result<Self, ProfileError> {
        let profile: Profile = read_data(toml).map_err(|e| ProfileError::Form(e.to_string()))?;
        profile.check()?;
        Ok(Self { name: name.to_owned(), ..profile })
    }

    /// The generic model of a paper width in columns, for a configuration that names none.
    pub fn generic(columns: u16) -> Self {
        let name = match columns {
            0..=32 => "generic-58",
            33..=35 => "generic-58-35",
            36..=42 => "generic-80-42",
            _ => "generic-80",
        };
        Self { columns, ..Self::named(name).unwrap_or_default() }
    }

    /// How papers are set for it.
    #[must_use]
    pub fn paper(&self) -> escpos::Profile {
        let symbols = if self.encoding == Encoding::Raster { Symbols::Raster } else { self.symbols };
        escpos::Profile { columns: self.columns.into(), encoding: self.encoding, cut: self.cut, symbols, logo: None }
    }

    fn check(&self) -> Result<(), ProfileError> {
        let wrong = |what| Err(ProfileError::Content(what));
        if !(16..=120).contains(&self.columns) {
            return wrong("columns must be 16 to 120");
        }
        if self.chunk == 0 || self.chunk > self.receive_buffer {
            return wrong("chunk must be 1 to buffer");
        }
        // Room for status questions beside the window: the printer is busy at 128 left.
        if self.window + 128 + 256 > self.receive_buffer && self.window > 0 {
            return wrong("window must be at least 384 below buffer, or 0");
        }
        if !self.has_gs_r && self.window > 0 {
            return wrong("window needs gs_r = true: set window = 0, and flow = \"hardware\" under [[printer]]");
        }
        if self.flush_nuls > 1 << 20 || self.receive_buffer > 1 << 24 {
            return wrong("buffer and flush_nuls are too large to be true");
        }
        if !matches!(self.drawer.pin, 2 | 5) || self.drawer.on_ms == 0 {
            return wrong("drawer.pin must be 2 or 5, drawer.on_ms above 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_model_that_ships_makes_sense() {
        let models = models().unwrap();
        assert!(models.len() > 8);
        for (name, profile) in &models {
            assert_eq!(profile.check(), Ok(()), "{name}");
            assert_eq!(&Profile::named(name).unwrap().name, name);
        }
        assert_eq!(models["generic-80"], Profile::default());
        for columns in [32, 35, 42, 48] {
            assert_eq!(Profile::generic(columns).columns, columns);
        }
    }

    #[test]
    fn a_model_of_ones_own_is_read_and_its_faults_are_named() {
        let own = "columns = 32\nencoding = \"raster\"\ndrawer = { pin = 5, on_ms = 200, realtime = true }\n";
        let own = Profile::parse("own", own).unwrap();
        assert_eq!((own.paper().symbols, own.drawer.bytes()), (Symbols::Raster, [0x10, 0x14, 1, 1, 2]));
        for (text, what) in [
            ("colums = 32", "colums"),
            ("columns = \"32\"", "invalid type"),
            ("gs_r = false", "window = 0"),
            ("buffer = 1024", "384 below"),
            ("columns = 4", "16 to 120"),
            ("drawer = { pin = 3 }", "2 or 5"),
        ] {
            let said = Profile::parse("own", text).unwrap_err().to_string();
            assert!(said.contains(what), "{text}: {said}");
        }
        let said = Profile::named("star").unwrap_err().to_string();
        assert!(said.contains("epson-tm") && said.contains(".toml"), "{said}");
    }
}
