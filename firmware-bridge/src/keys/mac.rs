//! The MAC of field 64, over data that comes in pieces of any size. Methods as the acquirers' terminals have them: see
//! [`MacMethod`].

use zeroize::Zeroize;

use super::Cipher;
use crate::wire::MacMethod;

/// A MAC under way.
#[derive(Debug)]
pub struct MacRun {
    method: MacMethod,
    chain: [u8; 8],
    block: [u8; 8],
    filled: usize,
    taken: u32,
}

impl Drop for MacRun {
    fn drop(&mut self) {
        self.chain.zeroize();
        self.block.zeroize();
    }
}

impl MacRun {
    /// Nothing taken yet.
    #[must_use]
    pub const fn new(method: MacMethod) -> Self {
        Self { method, chain: [0; 8], block: [0; 8], filled: 0, taken: 0 }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> MacMethod {
        self.method
    }

    /// How many bytes have been taken.
    #[must_use]
    pub const fn taken(&self) -> u32 {
        self.taken
    }

    /// Takes the next piece.
    pub fn update(&mut self, key: &Cipher, data: &[u8]) {
        for byte in data {
            if let Some(place) = self.block.get_mut(self.filled) {
                *place = *byte;
            }
            self.filled += 1;
            if self.filled == 8 {
                self.close_block(key);
            }
            self.taken = self.taken.saturating_add(1);
        }
    }

    fn close_block(&mut self, key: &Cipher) {
        xor(&mut self.chain, &self.block);
        self.block = [0; 8];
        self.filled = 0;
        if self.method == MacMethod::Cbc {
            key.encipher(&mut self.chain);
        }
    }

    /// Pads with zeros and gives the MAC.
    #[must_use]
    pub fn finish(mut self, key: &Cipher) -> [u8; 8] {
        if self.filled > 0 {
            self.close_block(key);
        }
        match self.method {
            MacMethod::Cbc => self.chain,
            MacMethod::Ecb => {
                let (first, last) = hex(self.chain);
                let mut block = first;
                key.encipher(&mut block);
                xor(&mut block, &last);
                key.encipher(&mut block);
                hex(block).0
            }
        }
    }
}

fn xor(into: &mut [u8; 8], with: &[u8; 8]) {
    for (a, b) in into.iter_mut().zip(with) {
        *a ^= b;
    }
}

/// Upper-case hex: the first four bytes and the last four.
fn hex(block: [u8; 8]) -> ([u8; 8], [u8; 8]) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 };
    let half = |bytes: [u8; 4]| {
        let [a, b, c, d] = bytes.map(|b| [digit(b >> 4), digit(b & 15)]);
        [a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]]
    };
    let [a, b, c, d, e, f, g, h] = block;
    (half([a, b, c, d]), half([e, f, g, h]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::pad::tests::{FRAME, hex};
    use proptest::prelude::*;

    fn mac(key: &str, method: MacMethod, data: &[u8], split: usize) -> [u8; 8] {
        let key = Cipher::new(&hex(key)).unwrap();
        let mut run = MacRun::new(method);
        for piece in data.chunks(split) {
            run.update(&key, piece);
        }
        run.finish(&key)
    }

    /// A terminal's frame from MTI to field 63, known with its MAC; the other values were computed with OpenSSL.
    #[test]
    fn the_known_frame_has_its_known_macs() {
        let frame = hex(FRAME);
        let ecb = |key| mac(key, MacMethod::Ecb, &frame, 1000);
        assert_eq!(&ecb("0723C80DB5F4CD3D"), b"B3A092AE");
        assert_eq!(&ecb("0723C80DB5F4CD3D0723C80DB5F4CD3D"), b"B3A092AE");
        assert_eq!(&ecb("70F2A84CCBC2AE8625CBB0F2C22AB923"), b"91DB9903");
        let cbc = |key| mac(key, MacMethod::Cbc, &frame, 1000)[..] == hex("D3CED7612E78B38C")[..];
        assert!(cbc("0723C80DB5F4CD3D0723C80DB5F4CD3D"));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(data in proptest::collection::vec(any::<u8>(), 0..400), split in 1usize..50) {
            for method in [MacMethod::Ecb, MacMethod::Cbc] {
                let whole = mac("0723C80DB5F4CD3D0723C80DB5F4CD3D", method, &data, 1000);
                prop_assert_eq!(mac("0723C80DB5F4CD3D0723C80DB5F4CD3D", method, &data, split), whole);
            }
        }
    }
}
