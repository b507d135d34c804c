//! The host's keys: DES, the MAC, work keys and how they are wrapped under a terminal's master key.
//!
//! Written from the facts alone, never from the daemon's own: two hands that agree on a MAC prove something. Work keys come from the seed and
//! the number of the sign-on, so that a run can be repeated byte for byte.

use des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use ring::digest::{SHA256, digest};

/// A DES key of 8 bytes, or a two-key triple DES key of 16.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// Single DES.
    Single([u8; 8]),
    /// Two-key triple DES.
    Double([u8; 16]),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Key::Single(_) => "Key(8 bytes)",
            Key::Double(_) => "Key(16 bytes)",
        })
    }
}

impl Key {
    /// From 16 or 32 hex digits.
    pub fn from_hex(text: &str) -> Result<Key, String> {
        let bytes = unhex(text.trim()).ok_or("a key is written as 16 or 32 hex digits")?;
        Key::from_bytes(&bytes).ok_or_else(|| format!("a key has 8 or 16 bytes, this one has {}", bytes.len()))
    }

    /// From 8 or 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Key> {
        if let Ok(single) = bytes.try_into() {
            return Some(Key::Single(single));
        }
        bytes.try_into().ok().map(Key::Double)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Key::Single(bytes) => bytes,
            Key::Double(bytes) => bytes,
        }
    }

    /// Enciphers one block.
    #[must_use]
    pub fn encrypt(&self, block: [u8; 8]) -> [u8; 8] {
        let mut block = Array(block);
        match self {
            Key::Single(key) => Des::new(&Array(*key)).encrypt_block(&mut block),
            Key::Double(key) => TdesEde2::new(&Array(*key)).encrypt_block(&mut block),
        }
        block.0
    }

    /// Deciphers one block.
    #[must_use]
    pub fn decrypt(&self, block: [u8; 8]) -> [u8; 8] {
        let mut block = Array(block);
        match self {
            Key::Single(key) => Des::new(&Array(*key)).decrypt_block(&mut block),
            Key::Double(key) => TdesEde2::new(&Array(*key)).decrypt_block(&mut block),
        }
        block.0
    }

    /// Enciphers whole blocks, each by itself (ECB); a last partial block is filled with zeros.
    #[must_use]
    pub fn encrypt_blocks(&self, bytes: &[u8]) -> Vec<u8> {
        blocks(bytes).flat_map(|block| self.encrypt(block)).collect()
    }

    /// Deciphers whole blocks, each by itself (ECB).
    #[must_use]
    pub fn decrypt_blocks(&self, bytes: &[u8]) -> Vec<u8> {
        blocks(bytes).flat_map(|block| self.decrypt(block)).collect()
    }

    /// The check value: the first four bytes of eight zeros enciphered.
    #[must_use]
    pub fn check(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.encrypt([0; 8]);
        [a, b, c, d]
    }

    /// The MAC by the ECB method over MTI to F63: the XOR of all blocks as 16 upper-case hex characters; E(first 8), XOR the last 8, E again;
    /// the first 8 hex characters of that.
    #[must_use]
    pub fn mac(&self, bytes: &[u8]) -> [u8; 8] {
        let folded = blocks(bytes).fold([0u8; 8], xor);
        let [left, right] = halves(&hex_upper(&folded));
        let result = self.encrypt(xor(self.encrypt(left), right));
        halves(&hex_upper(&result))[0]
    }
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> + '_ {
    bytes.chunks(8).map(|chunk| {
        let mut block = [0u8; 8];
        block[..chunk.len()].copy_from_slice(chunk);
        block
    })
}

fn xor(a: [u8; 8], b: [u8; 8]) -> [u8; 8] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// The first and the second eight of sixteen characters.
fn halves(text: &str) -> [[u8; 8]; 2] {
    let bytes = text.as_bytes();
    [0, 8].map(|from| std::array::from_fn(|i| bytes.get(from + i).copied().unwrap_or(b'0')))
}

/// Bytes as upper-case hex.
#[must_use]
pub fn hex_upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Bytes of a hex text of even length.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

/// How long a MAC key the host issues: the first 8 bytes and eight zeros, or all 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakForm {
    /// 8 bytes, then eight 00.
    #[default]
    Eight,
    /// A full 16 bytes.
    Sixteen,
}

/// What one sign-on gave a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkKeys {
    /// PIN key.
    pub pik: Key,
    /// MAC key.
    pub mak: Key,
}

impl WorkKeys {
    /// The keys of the `count`-th sign-on of a terminal, from the seed.
    #[must_use]
    pub fn derive(seed: u64, tid: &str, count: u64, form: MakForm) -> WorkKeys {
        let pik = derived(seed, tid, count, "PIK");
        let mak = derived(seed, tid, count, "MAK");
        let mak = match form {
            MakForm::Eight => Key::Single(std::array::from_fn(|i| mak[i])),
            MakForm::Sixteen => Key::Double(mak),
        };
        WorkKeys { pik: Key::Double(pik), mak }
    }

    /// Field 62 of 0810, form 003: PIK 16, check 4, MAK 8 and eight 00 (or MAK 16), check 4. Each key ECB-enciphered under the master key; an
    /// 8-byte MAK alone, the eight 00 after it as they are.
    #[must_use]
    pub fn wrapped(&self, master: &Key) -> Vec<u8> {
        let mut out = master.encrypt_blocks(self.pik.bytes());
        out.extend(self.pik.check());
        let mut mak = master.encrypt_blocks(self.mak.bytes());
        mak.resize(16, 0);
        out.extend(mak);
        out.extend(self.mak.check());
        out
    }

    /// The reverse of [`WorkKeys::wrapped`]; `None` where a length or a check value is wrong.
    #[must_use]
    pub fn unwrap(bytes: &[u8], master: &Key) -> Option<WorkKeys> {
        if bytes.len() != 40 {
            return None;
        }
        let pik = Key::from_bytes(&master.decrypt_blocks(&bytes[..16]))?;
        let mak_bytes = if bytes[28..36] == [0; 8] { &bytes[20..28] } else { &bytes[20..36] };
        let mak = Key::from_bytes(&master.decrypt_blocks(mak_bytes))?;
        (pik.check()[..] == bytes[16..20] && mak.check()[..] == bytes[36..40]).then_some(WorkKeys { pik, mak })
    }
}

fn derived(seed: u64, tid: &str, count: u64, what: &str) -> [u8; 16] {
    let hash = digest(&SHA256, format!("tilld simulated acquirer {seed} {tid} {count} {what}").as_bytes());
    // Odd parity, as an HSM would have it; DES itself does not look at that bit.
    std::array::from_fn(|i| {
        let byte = hash.as_ref().get(i).copied().unwrap_or(0) & 0xFE;
        if byte.count_ones().is_multiple_of(2) { byte | 1 } else { byte }
    })
}

/// What stands for a card or code in the books: equal for equal ones, and not to be turned back without the seed.
#[must_use]
pub fn token(seed: u64, payer: &str) -> String {
    let hash = digest(&SHA256, format!("tilld simulated payer {seed} {payer}").as_bytes());
    hex_upper(hash.as_ref().get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn block(text: &str) -> [u8; 8] {
        unhex(text).unwrap().try_into().unwrap()
    }

    /// The facts page's recomputed vector: both with the key once (DES) and twice (3DES).
    #[test]
    fn the_mac_of_a_known_frame() {
        let frame = unhex(concat!(
            "02003020048000C08015000000000000001234000002030099",
            "303030303030303139353237313831383232313738373",
            "5313536001926000001000600000000",
            "00435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031",
            "4233413039324145",
        ))
        .unwrap();
        let (covered, mac) = frame.split_at(frame.len() - 8);
        assert_eq!(mac, b"B3A092AE");
        assert_eq!(Key::from_hex("0723C80DB5F4CD3D").unwrap().mac(covered), *b"B3A092AE");
        assert_eq!(Key::from_hex("0723C80DB5F4CD3D0723C80DB5F4CD3D").unwrap().mac(covered), *b"B3A092AE");
    }

    #[test]
    fn known_unwrapping_and_check_values() {
        let master = Key::from_hex("70F2A84CCBC2AE8625CBB0F2C22AB923").unwrap();
        assert_eq!(master.decrypt(block("96D605EA176B7E9E")), block("C24A8FB57AA20123"));
        assert_eq!(Key::from_hex("d931648f3de313a4a22c15dca4f4299e").unwrap().check(), [0x90, 0x0E, 0xCC, 0xE3]);
        assert_eq!(Key::from_hex("ab7c577cc7a18045").unwrap().check(), [0xCF, 0xF1, 0x59, 0x2A]);
    }

    #[test]
    fn work_keys_differ_by_terminal_and_sign_on_and_survive_wrapping() {
        let master = Key::from_hex("11111111111111112222222222222222").unwrap();
        for form in [MakForm::Eight, MakForm::Sixteen] {
            let keys = WorkKeys::derive(7, "12345678", 1, form);
            let wrapped = keys.wrapped(&master);
            assert_eq!(wrapped.len(), 40);
            assert_eq!(wrapped[28..36] == [0; 8], form == MakForm::Eight);
            assert_eq!(WorkKeys::unwrap(&wrapped, &master).unwrap(), keys);
            assert_ne!(keys, WorkKeys::derive(7, "12345678", 2, form));
            assert_ne!(keys, WorkKeys::derive(7, "12345679", 1, form));
            let mut spoiled = wrapped;
            spoiled[39] ^= 1;
            assert!(WorkKeys::unwrap(&spoiled, &master).is_none());
        }
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", Key::Single([7; 8])), "Key(8 bytes)");
        assert!(Key::from_hex("1234").is_err());
        assert!(Key::from_hex("xyz").is_err());
    }
}
