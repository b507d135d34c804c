//! Customer display 顾显: an ST7920 (four rows of eight Chinese or sixteen Latin characters, GB2312 in its ROM) on SPI.
//!
//! A byte goes as three: F8 (command) or FA (data), high nibble, low nibble. A cell holds two bytes and a Chinese character must begin
//! at a cell: before one that would not, a blank is put. What its ROM does not have becomes `?`.

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::SpiDevice;

use super::Fault;

/// Rows of the display.
pub const ROWS: u8 = 4;
const WIDTH: usize = 16;
const ROW_ADDRESS: [u8; 4] = [0x80, 0x90, 0x88, 0x98];
const COMMAND_US: u32 = 72;
const CLEAR_US: u32 = 1600;

/// The display. Chip select is the bus's matter (it is high-active on this chip).
#[derive(Debug)]
pub struct Display<S, D> {
    spi: S,
    delay: D,
}

impl<S: SpiDevice, D: DelayNs> Display<S, D> {
    /// Takes the bus, and makes the display ready and blank. Takes about 2 ms, once.
    pub fn new(spi: S, delay: D) -> Result<Self, Fault> {
        let mut display = Self { spi, delay };
        // Basic instructions twice (the first may find it in the middle of a byte), display on, clear, write to the right.
        for command in [0x30, 0x30, 0x0C] {
            display.byte(0xF8, command)?;
        }
        display.byte(0xF8, 0x01)?;
        display.delay.delay_us(CLEAR_US);
        display.byte(0xF8, 0x06)?;
        Ok(display)
    }

    /// Writes a row, GB18030 text; the rest becomes blank, what is too long is cut where a character ends. Takes about 1.5 ms.
    pub fn row(&mut self, row: u8, text: &[u8]) -> Result<(), Fault> {
        let Some(address) = ROW_ADDRESS.get(usize::from(row)) else { return Ok(()) };
        self.byte(0xF8, *address)?;
        for byte in cells(text) {
            self.byte(0xFA, byte)?;
        }
        Ok(())
    }

    fn byte(&mut self, kind: u8, byte: u8) -> Result<(), Fault> {
        self.spi.write(&[kind, byte & 0xF0, byte << 4]).map_err(|_| Fault::Bus)?;
        self.delay.delay_us(COMMAND_US);
        Ok(())
    }

    /// The bus and the delay back.
    pub fn free(self) -> (S, D) {
        (self.spi, self.delay)
    }
}

/// Sixteen bytes for a row.
fn cells(text: &[u8]) -> [u8; WIDTH] {
    let mut row = [b' '; WIDTH];
    let mut at = 0;
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let (glyph, len): (&[u8], usize) = match (first, after) {
            (0x20..=0x7E, _) => (&rest[..1], 1),
            (0xA1..=0xF7, [0xA1..=0xFE, ..]) => (&rest[..2], 2),
            // GB18030 of two bytes that GB2312 does not have, and of four; then anything else.
            (0x81..=0xFE, [0x40..=0x7E | 0x80..=0xFE, ..]) => (b"?", 2),
            (0x81..=0xFE, [0x30..=0x39, 0x81..=0xFE, 0x30..=0x39, ..]) => (b"?", 4),
            _ => (b"?", 1),
        };
        if glyph.len() == 2 && at % 2 == 1 {
            at += 1;
        }
        let Some(place) = row.get_mut(at..at + glyph.len()) else { break };
        place.copy_from_slice(glyph);
        at += glyph.len();
        rest = &rest[len..];
    }
    row
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use super::*;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn sent(kind: u8, bytes: &[u8]) -> Vec<Transaction<u8>> {
        let one = |b: &u8| {
            let bytes = std::vec![kind, b & 0xF0, b << 4];
            [Transaction::transaction_start(), Transaction::write_vec(bytes), Transaction::transaction_end()]
        };
        bytes.iter().flat_map(one).collect()
    }

    #[test]
    fn a_row_goes_out_nibble_by_nibble() {
        let mut expect = sent(0xF8, &[0x30, 0x30, 0x0C, 0x01, 0x06, 0x90]);
        expect.extend(sent(0xFA, b"\xBA\xCF\xBC\xC6 12.30      "));
        let mut display = Display::new(Mock::new(&expect), NoopDelay::new()).unwrap();
        display.row(1, b"\xBA\xCF\xBC\xC6 12.30").unwrap();
        display.row(4, b"no such row").unwrap();
        display.free().0.done();
    }

    #[test]
    fn a_chinese_character_begins_at_a_cell() {
        assert_eq!(&cells(b"1\xD4\xAA2\xD4\xAA"), b"1 \xD4\xAA2 \xD4\xAA        ");
        assert_eq!(&cells(b"123456789012345\xD4\xAA"), b"123456789012345 ");
        assert_eq!(&cells(b"12345678901234\xD4\xAAX"), b"12345678901234\xD4\xAA");
    }

    #[test]
    fn what_the_rom_does_not_have_is_a_question_mark() {
        // Two bytes outside GB2312, four bytes of GB18030, half a character, a control byte.
        assert_eq!(&cells(b"\x81\x40a\x81\x30\x81\x30b\xD4"), b"?a?b?           ");
        assert_eq!(&cells(b"\x07\x80"), b"??              ");
    }

    proptest! {
        #[test]
        fn any_text_fills_a_row(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let row = cells(&text);
            prop_assert!(row.as_chunks::<2>().0.iter().all(|[a, b]| *a >= 0x20 && (*a < 0x80) == (*b < 0x80)));
        }
    }
}
