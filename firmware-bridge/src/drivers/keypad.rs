//! Keypad matrix: rows are driven low one after the other, columns are read (pulled up). A key counts when three scans in a row
//! agree; it is told once, when pressed. Two keys at once are nobody's.

use embedded_hal::digital::{InputPin, OutputPin};

use super::Fault;
use crate::wire::Key;

const STEADY: u8 = 3;

/// A keypad of `R` rows and `C` columns.
#[derive(Debug)]
pub struct Keypad<O, I, const R: usize, const C: usize> {
    rows: [O; R],
    columns: [I; C],
    map: [[Key; C]; R],
    seen: Scan,
    steady: u8,
    told: Scan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    None,
    One(Key),
    Several,
}

impl<O: OutputPin, I: InputPin, const R: usize, const C: usize> Keypad<O, I, R, C> {
    /// Takes the pins and what each crossing means; no row is driven.
    pub fn new(mut rows: [O; R], columns: [I; C], map: [[Key; C]; R]) -> Result<Self, Fault> {
        for row in &mut rows {
            row.set_high().map_err(|_| Fault::Bus)?;
        }
        Ok(Self { rows, columns, map, seen: Scan::None, steady: 0, told: Scan::None })
    }

    /// Scans once; gives a key when it is pressed. To be called every 5 to 20 ms.
    pub fn tick(&mut self) -> Result<Option<Key>, Fault> {
        let scan = self.scan()?;
        if scan != self.seen {
            self.seen = scan;
            self.steady = 1;
            return Ok(None);
        }
        self.steady = self.steady.saturating_add(1).min(STEADY);
        if self.steady < STEADY || scan == self.told {
            return Ok(None);
        }
        // After two at once, the one that is left is not a new key.
        let fresh = self.told == Scan::None;
        self.told = if fresh || scan == Scan::None { scan } else { Scan::Several };
        Ok(match scan {
            Scan::One(key) if fresh => Some(key),
            _ => None,
        })
    }

    fn scan(&mut self) -> Result<Scan, Fault> {
        let mut found = Scan::None;
        for (row, keys) in self.rows.iter_mut().zip(&self.map) {
            row.set_low().map_err(|_| Fault::Bus)?;
            for (column, key) in self.columns.iter_mut().zip(keys) {
                if column.is_low().map_err(|_| Fault::Bus)? {
                    found = if found == Scan::None { Scan::One(*key) } else { Scan::Several };
                }
            }
            row.set_high().map_err(|_| Fault::Bus)?;
        }
        Ok(found)
    }

    /// The pins back.
    pub fn free(self) -> ([O; R], [I; C]) {
        (self.rows, self.columns)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::vec::Vec;

    const MAP: [[Key; 2]; 2] = [[Key::Digit(1), Key::Digit(2)], [Key::Clear, Key::Enter]];

    /// Scans in which these crossings (row, column) are pressed, and what is told after each.
    fn told(scans: &[&[(usize, usize)]]) -> Vec<Option<Key>> {
        let mut rows = [std::vec![Transaction::set(State::High)], std::vec![Transaction::set(State::High)]];
        let mut columns = [Vec::new(), Vec::new()];
        for pressed in scans {
            for (r, row) in rows.iter_mut().enumerate() {
                row.extend([Transaction::set(State::Low), Transaction::set(State::High)]);
                for (c, column) in columns.iter_mut().enumerate() {
                    column.push(Transaction::get(if pressed.contains(&(r, c)) { State::Low } else { State::High }));
                }
            }
        }
        let mut keypad = Keypad::new(rows.map(|t| Mock::new(&t)), columns.map(|t| Mock::new(&t)), MAP).unwrap();
        let told = scans.iter().map(|_| keypad.tick().unwrap()).collect();
        let (mut rows, mut columns) = keypad.free();
        rows.iter_mut().chain(&mut columns).for_each(|p| p.done());
        told
    }

    #[test]
    fn a_key_is_told_once_when_it_is_steady() {
        let down: &[_] = &[(0, 1)];
        let heard = told(&[down, &[], down, down, down, down, down, &[], &[], &[], down, down, down]);
        let presses: Vec<_> = heard.iter().enumerate().filter_map(|(n, k)| k.map(|k| (n, k))).collect();
        assert_eq!(presses, [(4, Key::Digit(2)), (12, Key::Digit(2))]);
    }

    #[test]
    fn two_keys_at_once_are_nobodys_and_so_is_the_one_that_is_left() {
        let (one, both): (&[_], &[_]) = (&[(1, 1)], &[(0, 0), (1, 1)]);
        assert!(told(&[both, both, both, both, one, one, one, one]).iter().all(Option::is_none));
        let heard = told(&[both, both, both, &[], &[], &[], one, one, one]);
        assert_eq!(heard.last(), Some(&Some(Key::Enter)));
    }
}
