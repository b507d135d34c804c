//! FRAM on I2C (MB85RC and alike: two address bytes, no pages, no waiting, 10^12 writes): what a mark that is written every
//! second needs. Flash would be worn out in days.

use embedded_hal::i2c::I2c;
use zeroize::Zeroize;

use crate::store::{AREA, Medium, StoreError};

const PIECE: usize = 32;

/// The chip; its four areas lie one after the other from address 0 (1,024 bytes).
#[derive(Debug)]
pub struct Fram<I> {
    i2c: I,
    address: u8,
}

impl<I: I2c> Fram<I> {
    /// The chip at a bus address (0x50 with its address pins low).
    pub const fn new(i2c: I, address: u8) -> Self {
        Self { i2c, address }
    }

    /// The bus back.
    pub fn free(self) -> I {
        self.i2c
    }
}

fn place(area: u8, offset: usize) -> Result<[u8; 2], StoreError> {
    // Areas of 256 bytes: the area is the high byte, the offset the low one.
    const { assert!(AREA <= 256) };
    let low = u8::try_from(offset).map_err(|_| StoreError::TooLong)?;
    if area > 3 { Err(StoreError::TooLong) } else { Ok([area, low]) }
}

impl<I: I2c> Medium for Fram<I> {
    fn read(&mut self, area: u8, buf: &mut [u8]) -> Result<(), StoreError> {
        if buf.len() > AREA {
            return Err(StoreError::TooLong);
        }
        self.i2c.write_read(self.address, &place(area, 0)?, buf).map_err(|_| StoreError::Medium)
    }

    fn write(&mut self, area: u8, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() > AREA {
            return Err(StoreError::TooLong);
        }
        for (n, piece) in bytes.chunks(PIECE).enumerate() {
            let [high, low] = place(area, n * PIECE)?;
            let mut frame = heapless::Vec::<u8, { PIECE + 2 }>::new();
            let built = frame.extend_from_slice(&[high, low]).and_then(|()| frame.extend_from_slice(piece));
            built.map_err(|_| StoreError::TooLong)?;
            let written = self.i2c.write(self.address, &frame);
            frame.zeroize();
            written.map_err(|_| StoreError::Medium)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use super::*;
    use crate::store::{Record, Store, TwoSlots};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use std::vec;

    #[test]
    fn a_record_goes_to_the_older_area_in_pieces_and_comes_back() {
        let record: vec::Vec<u8> = (0..40).collect();
        let sum = crate::wire::crc16(&record) ^ crate::wire::crc16(&1_u32.to_le_bytes()) ^ 0x7117;
        let mut area = vec![1, 0, 0, 0, 40];
        area.extend(sum.to_le_bytes());
        area.extend(&record);
        let first = [&[2, 0][..], &area[..32]].concat();
        let second = [&[2, 32][..], &area[32..]].concat();
        let mut whole = area.clone();
        whole.resize(AREA, 0xFF);
        let blank = || vec![0xFF; AREA];
        let i2c = Mock::new(&[
            Transaction::write_read(0x50, vec![2, 0], blank()),
            Transaction::write_read(0x50, vec![3, 0], blank()),
            Transaction::write(0x50, first),
            Transaction::write(0x50, second),
            Transaction::write_read(0x50, vec![2, 0], whole.clone()),
            Transaction::write_read(0x50, vec![3, 0], blank()),
            Transaction::write_read(0x50, vec![2, 0], whole),
        ]);
        let mut store = TwoSlots::new(Fram::new(i2c, 0x50));
        store.save(Record::Marks, &record).unwrap();
        let mut buf = [0; Record::LONGEST];
        assert_eq!(store.load(Record::Marks, &mut buf), Ok(40));
        assert_eq!(buf[..40], record);
        store.free().free().done();
    }

    #[test]
    fn nothing_is_written_beyond_the_four_areas() {
        let mut fram = Fram::new(Mock::new(&[]), 0x50);
        assert_eq!(fram.write(4, &[1]), Err(StoreError::TooLong));
        assert_eq!(fram.write(0, &[0; AREA + 1]), Err(StoreError::TooLong));
        fram.free().done();
    }
}
