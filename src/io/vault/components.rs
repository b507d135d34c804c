//! A master key as its custodians bring it: one text, or components that are combined by XOR so that none of them knows the key.

use zeroize::Zeroizing;

use super::VaultError;
use super::key_file::parse_hex;

/// A key being put together.
#[derive(Default)]
pub struct KeyComponents(Option<Zeroizing<[u8; 16]>>);

impl std::fmt::Debug for KeyComponents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyComponents(…)")
    }
}

impl KeyComponents {
    /// Adds one: 32 hex digits, spaces between them allowed.
    ///
    /// # Errors
    /// Anything else.
    pub fn add(&mut self, digits: &str) -> Result<(), VaultError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(digits.len()));
        plain.extend(digits.bytes().filter(|b| !b.is_ascii_whitespace()));
        let mut part = Zeroizing::new([0; 16]);
        if !parse_hex(&plain, &mut *part) {
            let why = "a key component is 32 hex digits".to_owned();
            return Err(VaultError::KeyFile { path: "standard input".into(), why });
        }
        match &mut self.0 {
            None => self.0 = Some(part),
            Some(key) => key.iter_mut().zip(part.iter()).for_each(|(k, p)| *k ^= p),
        }
        Ok(())
    }

    /// The key; `None` where nothing was added.
    #[must_use]
    pub fn key(self) -> Option<Zeroizing<[u8; 16]>> {
        self.0
    }
}

/// A double-length key's check value: eight zeros enciphered with it, the first four bytes.
#[must_use]
pub fn check_value(key: &[u8; 16]) -> [u8; 4] {
    super::soft_keys::check_value(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn components_make_the_key_and_its_check_value() {
        let mut parts = KeyComponents::default();
        parts.add("70F2A84CCBC2AE86 25CBB0F2C22AB923").unwrap();
        assert_eq!(check_value(&parts.key().unwrap()), [0x47, 0xF8, 0x16, 0x83]);
        let mut parts = KeyComponents::default();
        for part in ["FFFFFFFFFFFFFFFF0000000000000000", "8F0D57B3343D517925CBB0F2C22AB923"] {
            parts.add(part).unwrap();
        }
        assert_eq!(check_value(&parts.key().unwrap()), [0x47, 0xF8, 0x16, 0x83]);
        assert!(KeyComponents::default().add("70F2").is_err());
    }
}
