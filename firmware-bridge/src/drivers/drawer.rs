//! Cash drawer 钱箱: one pulse to a coil, and the switch that says whether it is open.
//!
//! The limits are the coil's: a pulse of 20 to 500 ms, and four times its length of rest after it (a duty of at most 20 %, as Epson's
//! TM manuals ask of the drawer port).

use embedded_hal::digital::{InputPin, OutputPin};

use super::Fault;
use crate::Millis;
use crate::wire::{Device, Refusal};

const SHORTEST_MS: u16 = 20;
const LONGEST_MS: u16 = 500;
const REST: u64 = 4;
const BOUNCE_MS: u64 = 50;

/// Why a drawer is not opened.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum PulseError {
    /// Outside 20 to 500 ms.
    #[error("a pulse of {0} ms: allowed are 20 to 500")]
    Length(u16),
    /// The coil is driven or rests.
    #[error("the coil rests for {0} ms more")]
    Resting(u64),
    /// The pin failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<PulseError> for Refusal {
    fn from(error: PulseError) -> Self {
        match error {
            PulseError::Length(_) => Self::OutOfRange,
            PulseError::Resting(ms) => Self::TooSoon { wait_ms: u32::try_from(ms).unwrap_or(u32::MAX) },
            PulseError::Fault(_) => Self::Fault(Device::Drawer),
        }
    }
}

/// A drawer's coil; the pin's high level drives it.
#[derive(Debug)]
pub struct Drawer<P> {
    pin: P,
    off_at: Option<Millis>,
    ready_at: Millis,
}

impl<P: OutputPin> Drawer<P> {
    /// Takes the pin and lets go of the coil.
    pub fn new(mut pin: P) -> Result<Self, Fault> {
        pin.set_low().map_err(|_| Fault::Bus)?;
        Ok(Self::at_rest(pin))
    }

    /// Takes a pin that is low already.
    pub const fn at_rest(pin: P) -> Self {
        Self { pin, off_at: None, ready_at: 0 }
    }

    /// Begins a pulse; [`Drawer::tick`] ends it.
    pub fn pulse(&mut self, ms: u16, now: Millis) -> Result<(), PulseError> {
        if !(SHORTEST_MS..=LONGEST_MS).contains(&ms) {
            return Err(PulseError::Length(ms));
        }
        if now < self.ready_at {
            return Err(PulseError::Resting(self.ready_at - now));
        }
        let ms = u64::from(ms);
        // Also if the pin reports an error: whether it went high is then not known, and low is set at the end all the same.
        self.off_at = Some(now + ms);
        self.ready_at = now + ms + REST * ms;
        self.pin.set_high().map_err(|_| Fault::Bus)?;
        Ok(())
    }

    /// Ends a pulse whose time is over. An error is reported and tried again at the next tick.
    pub fn tick(&mut self, now: Millis) -> Result<(), Fault> {
        if self.off_at.is_some_and(|at| now >= at) {
            self.pin.set_low().map_err(|_| Fault::Bus)?;
            self.off_at = None;
        }
        Ok(())
    }

    /// The pin back.
    pub fn free(self) -> P {
        self.pin
    }
}

/// The switch of a drawer: a low level is open. A change counts after 50 ms.
#[derive(Debug)]
pub struct Sensor<P> {
    pin: P,
    open: Option<bool>,
    changing: Option<(bool, Millis)>,
}

impl<P: InputPin> Sensor<P> {
    /// Takes the pin.
    pub const fn new(pin: P) -> Self {
        Self { pin, open: None, changing: None }
    }

    /// Whether the drawer is open, when that has changed (or is first known).
    pub fn tick(&mut self, now: Millis) -> Result<Option<bool>, Fault> {
        let seen = self.pin.is_low().map_err(|_| Fault::Bus)?;
        if self.open == Some(seen) {
            self.changing = None;
            return Ok(None);
        }
        match self.changing {
            Some((to, since)) if to == seen && now.saturating_sub(since) >= BOUNCE_MS => {
                self.changing = None;
                self.open = Some(seen);
                Ok(Some(seen))
            }
            Some((to, _)) if to == seen => Ok(None),
            _ => {
                self.changing = Some((seen, now));
                Ok(None)
            }
        }
    }

    /// The pin back.
    pub fn free(self) -> P {
        self.pin
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    extern crate std;
    use super::*;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::io::ErrorKind;

    #[test]
    fn a_pulse_has_its_length_and_the_coil_its_rest() {
        let pin = Mock::new(&[State::Low, State::High, State::Low, State::High, State::Low].map(Transaction::set));
        let mut drawer = Drawer::new(pin).unwrap();
        drawer.pulse(100, 1000).unwrap();
        for now in [1000, 1050, 1099, 1100, 1101, 1300] {
            drawer.tick(now).unwrap();
        }
        assert_eq!(drawer.pulse(100, 1100), Err(PulseError::Resting(400)));
        assert_eq!(drawer.pulse(100, 1499), Err(PulseError::Resting(1)));
        drawer.pulse(20, 1500).unwrap();
        drawer.tick(1520).unwrap();
        drawer.free().done();
    }

    #[test]
    fn a_pulse_outside_the_limits_never_reaches_the_pin() {
        let mut drawer = Drawer::new(Mock::new(&[Transaction::set(State::Low)])).unwrap();
        for ms in [0, 19, 501, u16::MAX] {
            assert_eq!(drawer.pulse(ms, 0), Err(PulseError::Length(ms)));
        }
        drawer.tick(1_000_000).unwrap();
        drawer.free().done();
    }

    #[test]
    fn a_pin_that_fails_to_go_low_is_told_again() {
        let fails = || MockError::Io(ErrorKind::Other);
        let pin = Mock::new(&[
            Transaction::set(State::Low),
            Transaction::set(State::High),
            Transaction::set(State::Low).with_error(fails()),
            Transaction::set(State::Low),
        ]);
        let mut drawer = Drawer::new(pin).unwrap();
        drawer.pulse(50, 0).unwrap();
        assert_eq!(drawer.tick(50), Err(Fault::Bus));
        assert_eq!(drawer.tick(51), Ok(()));
        drawer.tick(52).unwrap();
        drawer.free().done();
    }

    #[test]
    fn a_switch_that_bounces_is_told_once() {
        let levels = [State::High, State::High, State::Low, State::High, State::Low, State::Low, State::Low];
        let mut sensor = Sensor::new(Mock::new(&levels.map(Transaction::get)));
        let told: std::vec::Vec<_> =
            [0, 60, 100, 110, 120, 160, 170].iter().map(|now| sensor.tick(*now).unwrap()).collect();
        assert_eq!(told, [None, Some(false), None, None, None, None, Some(true)]);
        sensor.free().done();
    }
}
