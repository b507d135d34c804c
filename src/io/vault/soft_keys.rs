//! The keys of one terminal in software: DES and triple DES. Keys live in memory only and are wiped; they go in and never out.
//! Where a key comes from (a file, a credential) is not known here.

use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2, TdesEde3};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::core::acquirer::iso8583::mac;
use crate::core::ports::{KeyError, MacMethod, TerminalKeys};

/// Key, check value, key, check value…: bytes of the PIN, MAC and track key in each known form of the key block.
const FORMS: &[(usize, [usize; 3])] =
    &[(24, [8, 8, 0]), (40, [16, 16, 0]), (56, [24, 24, 0]), (60, [16, 16, 16]), (84, [24, 24, 24])];

/// One terminal's master key and, after a sign-on, its work keys.
pub struct SoftKeys {
    master: Key,
    work: Option<WorkKeys>,
}

struct WorkKeys {
    pin: Key,
    mac: Key,
    track: Option<Key>,
}

/// 8 bytes: DES. 16 and 24: triple DES.
struct Key(Zeroizing<Vec<u8>>);

impl SoftKeys {
    /// From a master key of 16 bytes, as it stands in the clear.
    #[must_use]
    pub fn new(master_key: [u8; 16]) -> SoftKeys {
        let master_key = Zeroizing::new(master_key);
        SoftKeys { master: Key(Zeroizing::new(master_key.to_vec())), work: None }
    }

    fn work(&self) -> Result<&WorkKeys, KeyError> {
        self.work.as_ref().ok_or(KeyError::NoWorkKeys)
    }

    /// Deciphers one key and compares its check value.
    fn unwrap_key(&self, name: &'static str, enciphered: &[u8], check: &[u8]) -> Result<Key, KeyError> {
        // an 8-byte key in a 16-byte place is followed by zeros (form 003)
        let enciphered = match enciphered.split_at_checked(8) {
            Some((single, rest)) if !rest.is_empty() && rest.iter().all(|b| *b == 0) => single,
            _ => enciphered,
        };
        let mut clear = Zeroizing::new(Vec::with_capacity(enciphered.len()));
        for block in enciphered.as_chunks::<8>().0 {
            clear.extend_from_slice(&*Zeroizing::new(self.master.decipher(*block)));
        }
        let key = Key(clear);
        let right: bool = key.encipher([0; 8])[..4].ct_eq(check).into();
        if right { Ok(key) } else { Err(KeyError::CheckValue(name)) }
    }
}

/// A double-length key's check value.
pub(super) fn check_value(key: &[u8; 16]) -> [u8; 4] {
    let zeros = Key(Zeroizing::new(key.to_vec())).encipher([0; 8]);
    [zeros[0], zeros[1], zeros[2], zeros[3]]
}

impl Key {
    fn encipher(&self, block: [u8; 8]) -> [u8; 8] {
        let mut out = block.into();
        match self.0.len() {
            8 => Des::new_from_slice(&self.0).expect("8 bytes").encrypt_block(&mut out),
            16 => TdesEde2::new_from_slice(&self.0).expect("16 bytes").encrypt_block(&mut out),
            _ => TdesEde3::new_from_slice(&self.0).expect("FORMS has 8, 16, 24").encrypt_block(&mut out),
        }
        out.into()
    }

    fn decipher(&self, block: [u8; 8]) -> [u8; 8] {
        let mut out = block.into();
        match self.0.len() {
            8 => Des::new_from_slice(&self.0).expect("8 bytes").decrypt_block(&mut out),
            16 => TdesEde2::new_from_slice(&self.0).expect("16 bytes").decrypt_block(&mut out),
            _ => TdesEde3::new_from_slice(&self.0).expect("FORMS has 8, 16, 24").decrypt_block(&mut out),
        }
        out.into()
    }
}

impl TerminalKeys for SoftKeys {
    fn load_work_keys(&mut self, block: &[u8]) -> Result<(), KeyError> {
        let form = FORMS.iter().find(|(length, _)| *length == block.len());
        let (_, sizes) = form.ok_or(KeyError::BlockLength(block.len()))?;
        let mut rest = block;
        let mut next = |name, size: usize| -> Result<Option<Key>, KeyError> {
            if size == 0 {
                return Ok(None);
            }
            let (enciphered, after) = rest.split_at_checked(size).ok_or(KeyError::BlockLength(block.len()))?;
            let (check, after) = after.split_at_checked(4).ok_or(KeyError::BlockLength(block.len()))?;
            rest = after;
            self.unwrap_key(name, enciphered, check).map(Some)
        };
        let (pin, mac, track) = (next("PIN key", sizes[0])?, next("MAC key", sizes[1])?, next("track key", sizes[2])?);
        if let (Some(pin), Some(mac)) = (pin, mac) {
            self.work = Some(WorkKeys { pin, mac, track });
        }
        Ok(())
    }

    fn ready(&self) -> bool {
        self.work.is_some()
    }

    fn clear(&mut self) {
        self.work = None;
    }

    fn mac(&mut self, method: MacMethod, data: &[u8]) -> Result<[u8; 8], KeyError> {
        let key = &self.work()?.mac;
        Ok(match method {
            MacMethod::Ecb => mac::ecb(data, |block| key.encipher(block)),
            MacMethod::Cbc => mac::cbc(data, |block| key.encipher(block)),
        })
    }

    fn verify_mac(&mut self, method: MacMethod, data: &[u8], mac: &[u8; 8]) -> Result<bool, KeyError> {
        Ok(self.mac(method, data)?.ct_eq(mac).into())
    }

    fn pin_block(&mut self, pin: &str, pan: &str) -> Result<[u8; 8], KeyError> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !(4..=12).contains(&pin.len()) || !digits(pin) {
            return Err(KeyError::Data("a PIN has 4 to 12 digits"));
        }
        if !(13..=19).contains(&pan.len()) || !digits(pan) {
            return Err(KeyError::Data("a card number has 13 to 19 digits"));
        }
        // ISO 9564 format 0: 0, length, PIN, filled with F; XOR the last twelve digits of the PAN without its check digit
        let mut nibbles = Zeroizing::new([0xF_u8; 16]);
        nibbles[0] = 0;
        nibbles[1] = u8::try_from(pin.len()).unwrap_or(0);
        for (place, digit) in nibbles[2..].iter_mut().zip(pin.bytes()) {
            *place = digit - b'0';
        }
        let last_twelve = &pan.as_bytes()[pan.len() - 13..pan.len() - 1];
        for (place, digit) in nibbles[4..].iter_mut().zip(last_twelve) {
            *place ^= digit - b'0';
        }
        let clear: Zeroizing<[u8; 8]> =
            Zeroizing::new(std::array::from_fn(|i| nibbles[2 * i] << 4 | nibbles[2 * i + 1]));
        Ok(self.work()?.pin.encipher(*clear))
    }

    fn encrypt_track(&mut self, block: &[u8]) -> Result<Vec<u8>, KeyError> {
        let key = self.work()?.track.as_ref().ok_or(KeyError::Data("the acquirer gave no track key"))?;
        let (chunks, rest) = block.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(KeyError::Data("track data must be a multiple of eight bytes"));
        }
        Ok(chunks.iter().flat_map(|chunk| key.encipher(*chunk)).collect())
    }

    fn master_key_len(&self) -> usize {
        self.master.0.len()
    }
}

impl std::fmt::Debug for SoftKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftKeys").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::core::acquirer::iso8583::bcd::{hex, unhex};

    fn key(text: &str) -> Key {
        Key(Zeroizing::new(unhex(text).unwrap()))
    }

    fn block(text: &str) -> [u8; 8] {
        unhex(text).unwrap().try_into().unwrap()
    }

    fn ready(pin: &str, mac: &str, track: Option<&str>) -> SoftKeys {
        let work = WorkKeys { pin: key(pin), mac: key(mac), track: track.map(key) };
        SoftKeys { master: key("0123456789ABCDEFFEDCBA9876543210"), work: Some(work) }
    }

    /// Facts page, "Vectors, recomputed".
    #[test]
    fn known_keys_give_the_known_values() {
        let master = key("70F2A84CCBC2AE8625CBB0F2C22AB923");
        assert_eq!(hex(&master.decipher(block("96D605EA176B7E9E"))), "C24A8FB57AA20123");
        assert_eq!(hex(&key("d931648f3de313a4a22c15dca4f4299e").encipher([0; 8])[..4]), "900ECCE3");
        assert_eq!(hex(&key("ab7c577cc7a18045").encipher([0; 8])[..4]), "CFF1592A");
    }

    #[test]
    fn a_known_sale_has_the_known_mac_with_the_key_once_or_twice() {
        let covered = "020030200480 00 C08015000000000000001234000002030099 3030303030303031393532373138313832323137383735 313536 \
            001926000001000600000000 00435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031";
        let covered = unhex(&covered.replace(' ', "")).unwrap();
        for mak in ["0723C80DB5F4CD3D", "0723C80DB5F4CD3D0723C80DB5F4CD3D"] {
            let mut keys = ready("0123456789ABCDEF", mak, None);
            assert_eq!(&keys.mac(MacMethod::Ecb, &covered).unwrap(), b"B3A092AE");
            assert!(keys.verify_mac(MacMethod::Ecb, &covered, b"B3A092AE").unwrap());
            assert!(!keys.verify_mac(MacMethod::Ecb, &covered, b"B3A092AF").unwrap());
            assert!(!keys.verify_mac(MacMethod::Ecb, &covered[1..], b"B3A092AE").unwrap());
        }
    }

    /// FIPS 113 (DES-CBC MAC), its published example: key 0123456789ABCDEF over "7654321 Now is the time for ".
    #[test]
    fn the_cbc_mac_is_that_of_fips_113() {
        let mut keys = ready("0123456789ABCDEF", "0123456789ABCDEF", None);
        assert_eq!(hex(&keys.mac(MacMethod::Cbc, b"7654321 Now is the time for ").unwrap()), "F1D30F6849312CA4");
    }

    fn wrapped(master: &Key, clear: &Key) -> Vec<u8> {
        let mut out: Vec<u8> = clear.0.as_chunks::<8>().0.iter().flat_map(|b| master.encipher(*b)).collect();
        out.extend_from_slice(&clear.encipher([0; 8])[..4]);
        out
    }

    #[test]
    fn work_keys_are_taken_by_the_length_of_their_block() {
        let master = key("0123456789ABCDEFFEDCBA9876543210");
        let (eight, sixteen) = ("ab7c577cc7a18045", "d931648f3de313a4a22c15dca4f4299e");
        let short: Vec<u8> = [wrapped(&master, &key(eight)), wrapped(&master, &key(eight))].concat();
        let mut mac = wrapped(&master, &key(eight));
        mac.splice(8..8, [0; 8]);
        let long: Vec<u8> = [wrapped(&master, &key(sixteen)), mac].concat();
        let full: Vec<u8> = [wrapped(&master, &key(sixteen)), wrapped(&master, &key(sixteen))].concat();
        let with_track: Vec<u8> = [long.clone(), wrapped(&master, &key(sixteen))].concat();
        for (block, mak, track) in
            [(short, eight, false), (long, eight, false), (full, sixteen, false), (with_track, eight, true)]
        {
            let mut keys = SoftKeys::new(unhex("0123456789ABCDEFFEDCBA9876543210").unwrap().try_into().unwrap());
            assert_eq!(keys.mac(MacMethod::Ecb, b"x"), Err(KeyError::NoWorkKeys));
            keys.load_work_keys(&block).unwrap();
            assert!(keys.ready());
            assert_eq!(keys.work().unwrap().mac.0, key(mak).0, "{} bytes", block.len());
            assert_eq!(keys.encrypt_track(&[0; 16]).is_ok(), track);
            keys.clear();
            assert!(!keys.ready());
        }
    }

    #[test]
    fn keys_of_another_master_are_refused_and_leave_the_old_ones() {
        let master = key("0123456789ABCDEFFEDCBA9876543210");
        let good: Vec<u8> =
            [wrapped(&master, &key("ab7c577cc7a18045")), wrapped(&master, &key("ab7c577cc7a18045"))].concat();
        let mut keys = SoftKeys::new([7; 16]);
        assert_eq!(keys.load_work_keys(&good), Err(KeyError::CheckValue("PIN key")));
        let mut keys = ready("0123456789ABCDEF", "0123456789ABCDEF", None);
        let mut bad = good;
        bad[20] ^= 1;
        assert_eq!(keys.load_work_keys(&bad), Err(KeyError::CheckValue("MAC key")));
        assert_eq!(keys.load_work_keys(&bad[..23]), Err(KeyError::BlockLength(23)));
        assert!(keys.ready());
    }

    /// ISO 9564 format 0: PIN 1234, PAN 43219876543210987 → clear block 0412AC89ABCDEF67 (worked by hand).
    #[test]
    fn a_pin_block_is_of_format_0() {
        let mut keys = ready("0123456789ABCDEF", "0123456789ABCDEF", None);
        let block = keys.pin_block("1234", "43219876543210987").unwrap();
        assert_eq!(hex(&keys.work().unwrap().pin.decipher(block)), "0412AC89ABCDEF67");
        for (pin, pan) in [
            ("123", "4111111111111111"),
            ("12a4", "4111111111111111"),
            ("1234", "411111111111"),
            ("1234", "4111=1111111111"),
        ] {
            assert!(matches!(keys.pin_block(pin, pan), Err(KeyError::Data(_))), "{pin} {pan}");
        }
    }

    /// What decides about a MAC or a check value is asked through `subtle` alone: how long a comparison takes says nothing of where it failed.
    #[test]
    fn macs_and_check_values_are_compared_in_constant_time() {
        let code = include_str!("soft_keys.rs").split("#[cfg(test)]").next().unwrap();
        let pad = include_str!("../../daemon/pad.rs");
        assert_eq!((code.matches(".ct_eq(").count(), pad.matches(".ct_eq(").count()), (2, 1));
        for line in code.lines().chain(pad.lines()).filter(|line| line.contains("==") || line.contains("!=")) {
            assert!(!line.contains("mac") && !line.contains("check"), "{line}");
        }
    }

    #[test]
    fn work_keys_are_wiped_when_they_are_let_go() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let keys = ready("0123456789ABCDEF", "0123456789ABCDEF", None);
        wiped(&keys.master.0);
        wiped(&keys.work().unwrap().mac.0);
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", SoftKeys::new([7; 16])), "SoftKeys { ready: false, .. }");
    }
}
