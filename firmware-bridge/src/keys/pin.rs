//! PIN entry on the bridge's own keypad, and the PIN block (ISO 9564 format 0).

use zeroize::Zeroize;

use super::Cipher;
use crate::Millis;
use crate::wire::{Key, Secret};

const SHORTEST: usize = 4;
const LONGEST: usize = 12;
/// How often a PIN that is too short may be confirmed before the entry ends.
const SHORT_TRIES: u8 = 3;

/// The clear PIN block XOR the card number block, enciphered. `None` unless the PIN has 4 to 12 digits and the card number 12 to 19.
#[must_use]
pub fn pin_block(key: &Cipher, pin: &[u8], pan: &[u8]) -> Option<[u8; 8]> {
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let sound =
        (SHORTEST..=LONGEST).contains(&pin.len()) && (12..=19).contains(&pan.len()) && digits(pin) && digits(pan);
    if !sound {
        return None;
    }
    let mut nibbles = [0xF_u8; 16];
    nibbles[0] = 0;
    nibbles[1] = u8::try_from(pin.len()).ok()?;
    for (nibble, digit) in nibbles.iter_mut().skip(2).zip(pin) {
        *nibble = digit - b'0';
    }
    // The twelve digits before the check digit, right-aligned after four zeros; a card number of twelve digits has eleven before it.
    let (_, before) = pan.split_last()?;
    for (nibble, digit) in nibbles.iter_mut().rev().zip(before.iter().rev().take(12)) {
        *nibble ^= digit - b'0';
    }
    let mut block = [0; 8];
    for (byte, [high, low]) in block.iter_mut().zip(nibbles.as_chunks::<2>().0) {
        *byte = high << 4 | low;
    }
    nibbles.zeroize();
    key.encipher(&mut block);
    Some(block)
}

/// What a key did to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// So many digits now stand there.
    Digits(usize),
    /// Confirmed: the PIN is complete.
    Complete,
    /// Confirmed without a digit.
    Nothing,
    /// Confirmed too short: begin again.
    TooShort,
    /// Given up.
    Cancelled,
}

/// A PIN entry under way.
#[derive(Debug)]
pub struct Entry {
    digits: Secret<LONGEST>,
    pan: Secret<19>,
    until: Millis,
    short: u8,
}

impl Entry {
    /// Nothing typed yet.
    #[must_use]
    pub fn new(pan: Secret<19>, until: Millis) -> Self {
        Self { digits: Secret::default(), pan, until, short: 0 }
    }

    /// When it ends by itself.
    #[must_use]
    pub fn until(&self) -> Millis {
        self.until
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Typed {
        match key {
            Key::Digit(d @ 0..=9) => {
                // A thirteenth digit is not taken; the stars show it.
                let _ = self.digits.push(b'0' + d);
                Typed::Digits(self.digits.len())
            }
            Key::Digit(_) | Key::Function(_) => Typed::Digits(self.digits.len()),
            Key::Clear => {
                self.digits.wipe();
                Typed::Digits(0)
            }
            Key::Cancel => Typed::Cancelled,
            Key::Enter if self.digits.is_empty() => Typed::Nothing,
            Key::Enter if self.digits.len() >= SHORTEST => Typed::Complete,
            Key::Enter => {
                self.digits.wipe();
                self.short += 1;
                if self.short >= SHORT_TRIES { Typed::Cancelled } else { Typed::TooShort }
            }
        }
    }

    /// The PIN and the card number.
    pub(crate) fn typed(&self) -> (&[u8], &[u8]) {
        (self.digits.expose(), self.pan.expose())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::pad::tests::hex;

    #[test]
    fn the_block_is_format_0() {
        // Computed with OpenSSL: 06 12 34 56 FF… XOR 0000 + 202123456789 + 012 of the card number.
        let key = Cipher::new(&hex("d931648f3de313a4a22c15dca4f4299e")).unwrap();
        let block = pin_block(&key, b"123456", b"6222021234567890128").unwrap();
        assert_eq!(block[..], hex("99F69947A3431A9F")[..]);
        let mut clear = block;
        key.decipher(&mut clear);
        assert_eq!(clear[..], hex("06122662a9876fed")[..]);
    }

    #[test]
    fn a_pin_or_card_number_of_a_wrong_form_has_no_block() {
        let key = Cipher::new(&[1; 16]).unwrap();
        let pan = b"4111111111111111";
        for pin in [&b"123"[..], b"1234567890123", b"12a4", b""] {
            assert_eq!(pin_block(&key, pin, pan), None);
        }
        for pan in [&b"41111111111"[..], b"41111111111111111111", b"4111 11111111"] {
            assert_eq!(pin_block(&key, b"1234", pan), None);
        }
        assert!(pin_block(&key, b"123456789012", pan).is_some());
    }

    #[test]
    fn an_entry_ends_after_three_short_ones() {
        let mut entry = Entry::new(Secret::new(b"4111111111111111").unwrap(), 60_000);
        assert_eq!(entry.key(Key::Digit(1)), Typed::Digits(1));
        assert_eq!(entry.key(Key::Clear), Typed::Digits(0));
        assert_eq!(entry.key(Key::Enter), Typed::Nothing);
        for end in [Typed::TooShort, Typed::TooShort, Typed::Cancelled] {
            assert_eq!(entry.key(Key::Digit(1)), Typed::Digits(1));
            assert_eq!(entry.key(Key::Enter), end);
        }
    }

    #[test]
    fn what_is_typed_beyond_twelve_digits_is_not_taken() {
        let mut entry = Entry::new(Secret::new(b"4111111111111111").unwrap(), 60_000);
        for d in 0..20 {
            let _ = entry.key(Key::Digit(d % 10));
        }
        assert_eq!(entry.key(Key::Enter), Typed::Complete);
        assert_eq!(entry.typed().0, b"012345678901");
        assert_eq!(entry.key(Key::Cancel), Typed::Cancelled);
    }
}
