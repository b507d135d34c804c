//! Random numbers, from the system.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::VaultError;

/// Fills a buffer.
pub fn fill(buffer: &mut [u8]) -> Result<(), VaultError> {
    SystemRandom::new().fill(buffer).map_err(|_| VaultError::Random)
}

/// A bearer token: 32 random bytes as 64 hex digits.
pub fn token() -> Result<Zeroizing<String>, VaultError> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill(&mut *bytes)?;
    Ok(hex(&*bytes))
}

/// Bytes as lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).expect("a nibble is below 16"));
        }
    }
    text
}
