//! DES, two-key and three-key triple DES, chosen by the key's length. Blocks of eight bytes; no modes.

use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2, TdesEde3};
use heapless::Vec;
use zeroize::Zeroize;

/// A key and what it enciphers. The schedule is made anew for each run: it would be three times the key's size to keep.
pub struct Cipher {
    key: Vec<u8, 24>,
}

impl core::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Cipher(…)")
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

enum Schedule {
    One(Des),
    Two(TdesEde2),
    Three(TdesEde3),
}

impl Cipher {
    /// A key of 8, 16 or 24 bytes; `None` for any other length. Parity bits are not looked at.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        matches!(key.len(), 8 | 16 | 24).then(|| Vec::from_slice(key).ok().map(|key| Self { key }))?
    }

    /// The key's length in bytes.
    #[must_use]
    pub fn key_len(&self) -> usize {
        self.key.len()
    }

    /// The key itself, for the storage of this device and for nothing else.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(match self.key.len() {
            8 => Schedule::One(Des::new_from_slice(&self.key).ok()?),
            16 => Schedule::Two(TdesEde2::new_from_slice(&self.key).ok()?),
            _ => Schedule::Three(TdesEde3::new_from_slice(&self.key).ok()?),
        })
    }

    /// Enciphers each block of eight bytes in place; what is left over at the end stays as it is.
    pub fn encipher(&self, data: &mut [u8]) {
        let Some(schedule) = self.schedule() else { return };
        for block in data.as_chunks_mut::<8>().0 {
            let block = block.into();
            match &schedule {
                Schedule::One(des) => des.encrypt_block(block),
                Schedule::Two(des) => des.encrypt_block(block),
                Schedule::Three(des) => des.encrypt_block(block),
            }
        }
    }

    /// Deciphers each block of eight bytes in place; what is left over at the end stays as it is.
    pub fn decipher(&self, data: &mut [u8]) {
        let Some(schedule) = self.schedule() else { return };
        for block in data.as_chunks_mut::<8>().0 {
            let block = block.into();
            match &schedule {
                Schedule::One(des) => des.decrypt_block(block),
                Schedule::Two(des) => des.decrypt_block(block),
                Schedule::Three(des) => des.decrypt_block(block),
            }
        }
    }

    /// The check value: the first four bytes of eight zeros enciphered.
    #[must_use]
    pub fn check_value(&self) -> [u8; 4] {
        let mut block = [0; 8];
        self.encipher(&mut block);
        let [a, b, c, d, ..] = block;
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::pad::tests::hex;

    #[test]
    fn known_keys_give_their_check_values() {
        assert_eq!(
            Cipher::new(&hex("d931648f3de313a4a22c15dca4f4299e")).unwrap().check_value(),
            [0x90, 0x0E, 0xCC, 0xE3]
        );
        assert_eq!(Cipher::new(&hex("ab7c577cc7a18045")).unwrap().check_value(), [0xCF, 0xF1, 0x59, 0x2A]);
    }

    #[test]
    fn a_known_master_key_deciphers_a_known_work_key() {
        let master = Cipher::new(&hex("70F2A84CCBC2AE8625CBB0F2C22AB923")).unwrap();
        let mut key = [0; 8];
        key.copy_from_slice(&hex("96D605EA176B7E9E"));
        master.decipher(&mut key);
        assert_eq!(key[..], hex("C24A8FB57AA20123")[..]);
        master.encipher(&mut key);
        assert_eq!(key[..], hex("96D605EA176B7E9E")[..]);
    }

    #[test]
    fn three_keys_that_are_equal_are_one() {
        let one = [7, 6, 5, 4, 3, 2, 1, 0];
        let three: Vec<u8, 24> = one.iter().cycle().take(24).copied().collect();
        assert_eq!(Cipher::new(&one).unwrap().check_value(), Cipher::new(&three).unwrap().check_value());
        assert!([0, 7, 9, 15, 17, 32].iter().all(|n| Cipher::new(&[0; 32][..*n]).is_none()));
    }
}
