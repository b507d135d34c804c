//! A buzzer that sounds while its pin is high: so many times, so long, with so much silence between.

use embedded_hal::digital::OutputPin;

use super::Fault;
use crate::Millis;

const LONGEST_MS: u16 = 2000;
const MOST: u8 = 10;

/// A buzzer.
#[derive(Debug)]
pub struct Buzzer<P> {
    pin: P,
    left: u8,
    sounding: bool,
    change_at: Millis,
    on_ms: u64,
    off_ms: u64,
}

impl<P: OutputPin> Buzzer<P> {
    /// Takes the pin and is silent.
    pub fn new(mut pin: P) -> Result<Self, Fault> {
        pin.set_low().map_err(|_| Fault::Bus)?;
        Ok(Self { pin, left: 0, sounding: false, change_at: 0, on_ms: 0, off_ms: 0 })
    }

    /// Whether this can be asked of it: at most ten sounds of at most two seconds.
    #[must_use]
    pub const fn allows(times: u8, on_ms: u16, off_ms: u16) -> bool {
        times <= MOST && on_ms > 0 && on_ms <= LONGEST_MS && off_ms <= LONGEST_MS
    }

    /// Begins a pattern in place of the one that sounds; zero times is silence. What is not allowed changes nothing.
    pub fn beep(&mut self, times: u8, on_ms: u16, off_ms: u16, now: Millis) -> Result<(), Fault> {
        if !Self::allows(times, on_ms, off_ms) {
            return Ok(());
        }
        (self.left, self.on_ms, self.off_ms) = (times, u64::from(on_ms), u64::from(off_ms));
        self.change_at = now;
        if self.sounding {
            self.set(false)?;
        }
        self.tick(now)
    }

    /// Goes on with the pattern.
    pub fn tick(&mut self, now: Millis) -> Result<(), Fault> {
        if now < self.change_at {
            return Ok(());
        }
        if self.sounding {
            self.set(false)?;
            self.change_at = now + self.off_ms;
        } else if self.left > 0 {
            self.set(true)?;
            self.left -= 1;
            self.change_at = now + self.on_ms;
        }
        Ok(())
    }

    fn set(&mut self, on: bool) -> Result<(), Fault> {
        self.pin.set_state(on.into()).map_err(|_| Fault::Bus)?;
        self.sounding = on;
        Ok(())
    }

    /// The pin back.
    pub fn free(self) -> P {
        self.pin
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    #[test]
    fn two_beeps_and_then_silence() {
        let levels = [State::Low, State::High, State::Low, State::High, State::Low];
        let mut buzzer = Buzzer::new(Mock::new(&levels.map(Transaction::set))).unwrap();
        buzzer.beep(2, 100, 50, 0).unwrap();
        for now in (0..1000).step_by(10) {
            buzzer.tick(now).unwrap();
        }
        buzzer.free().done();
    }

    #[test]
    fn a_new_pattern_replaces_the_old_and_none_is_silence() {
        let levels = [State::Low, State::High, State::Low, State::High, State::Low];
        let mut buzzer = Buzzer::new(Mock::new(&levels.map(Transaction::set))).unwrap();
        buzzer.beep(10, 2000, 2000, 0).unwrap();
        buzzer.beep(3, 10, 10, 5).unwrap();
        buzzer.beep(0, 10, 10, 7).unwrap();
        buzzer.tick(5000).unwrap();
        buzzer.beep(11, 10, 10, 5000).unwrap();
        buzzer.beep(1, 0, 10, 5000).unwrap();
        buzzer.free().done();
    }
}
