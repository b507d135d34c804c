//! Lamps, a pin each, lit by a high level.

use embedded_hal::digital::OutputPin;

use super::Fault;

/// Up to eight lamps.
#[derive(Debug)]
pub struct Leds<P, const N: usize>([P; N]);

impl<P: OutputPin, const N: usize> Leds<P, N> {
    /// Takes the pins; all lamps go out.
    pub fn new(pins: [P; N]) -> Result<Self, Fault> {
        const { assert!(N <= 8) };
        let mut leds = Self(pins);
        leds.set(0xFF, 0)?;
        Ok(leds)
    }

    /// Sets the lamps of `mask` as the same bits of `on` say. Bits without a lamp mean nothing.
    pub fn set(&mut self, mask: u8, on: u8) -> Result<(), Fault> {
        for (n, pin) in self.0.iter_mut().enumerate() {
            if mask >> n & 1 == 1 {
                pin.set_state((on >> n & 1 == 1).into()).map_err(|_| Fault::Bus)?;
            }
        }
        Ok(())
    }

    /// The pins back.
    pub fn free(self) -> [P; N] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    #[test]
    fn only_what_the_mask_names_changes() {
        let pin =
            |levels: &[State]| Mock::new(&levels.iter().map(|l| Transaction::set(*l)).collect::<std::vec::Vec<_>>());
        let pins = [pin(&[State::Low, State::High]), pin(&[State::Low]), pin(&[State::Low, State::Low])];
        let mut leds = Leds::new(pins).unwrap();
        leds.set(0b1111_0101, 0b0000_0011).unwrap();
        leds.free().each_mut().iter_mut().for_each(|p| p.done());
    }
}
