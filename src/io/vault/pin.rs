//! PIN hashes: PBKDF2-HMAC-SHA-256 (Argon2's memory does not fit a terminal).
//!
//! A hash's bytes: version 1, iterations (4, big-endian), salt (16), hash (32). The iterations are data, so that they can grow with the machines.

use std::num::NonZeroU32;

use ring::pbkdf2;

use super::{VaultError, random};
use crate::core::domain::Pin;

/// Iterations of new hashes. A four-digit PIN is protected by the lock-out and the file's permissions, not by this alone.
pub const PIN_ITERATIONS: NonZeroU32 = NonZeroU32::new(120_000).expect("it is not zero");

/// More would let a changed hash stop the door for minutes.
const MOST_ITERATIONS: u32 = 10_000_000;

const VERSION: u8 = 1;
const SALT: usize = 16;
const HASH: usize = 32;

/// Hashes a PIN with a new salt.
pub fn hash_pin(pin: &Pin, iterations: NonZeroU32) -> Result<Vec<u8>, VaultError> {
    let mut salt = [0; SALT];
    random::fill(&mut salt)?;
    let mut hash = [0; HASH];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, pin.expose().as_bytes(), &mut hash);
    let mut out = vec![VERSION];
    out.extend_from_slice(&iterations.get().to_be_bytes());
    out.extend_from_slice(&salt);
    out.extend_from_slice(&hash);
    Ok(out)
}

/// Whether this is the PIN that was hashed; compared in constant time.
pub fn verify_pin(pin: &Pin, stored: &[u8]) -> Result<bool, VaultError> {
    if stored.len() != 5 + SALT + HASH || stored[0] != VERSION {
        return Err(VaultError::PinHash);
    }
    let iterations = stored[1..5].try_into().map(u32::from_be_bytes).map_err(|_| VaultError::PinHash)?;
    let iterations = NonZeroU32::new(iterations).filter(|n| n.get() <= MOST_ITERATIONS).ok_or(VaultError::PinHash)?;
    let (salt, hash) = stored[5..].split_at(SALT);
    Ok(pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, pin.expose().as_bytes(), hash).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FEW: NonZeroU32 = NonZeroU32::new(10).unwrap();

    #[test]
    fn only_the_pin_that_was_hashed_is_right() {
        let hash = hash_pin(&Pin::new("1234".into()), FEW).unwrap();
        assert!(verify_pin(&Pin::new("1234".into()), &hash).unwrap());
        for wrong in ["", "1235", "12345", "123"] {
            assert!(!verify_pin(&Pin::new(wrong.into()), &hash).unwrap(), "{wrong}");
        }
    }

    #[test]
    fn the_same_pin_has_another_hash_each_time() {
        let pin = Pin::new("1234".into());
        assert_ne!(hash_pin(&pin, FEW).unwrap(), hash_pin(&pin, FEW).unwrap());
    }

    #[test]
    fn a_known_vector_verifies() {
        // RFC 7914, section 11: P="passwd", S="salt", c=1, the first 32 bytes. Its salt is shorter than ours, so it checks the primitive.
        let expected = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc";
        let mut out = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, NonZeroU32::MIN, b"salt", b"passwd", &mut out);
        assert_eq!(out.iter().map(|b| format!("{b:02x}")).collect::<String>(), expected);
    }

    #[test]
    fn a_spoiled_hash_is_an_error_and_takes_no_time() {
        let hash = hash_pin(&Pin::new("1234".into()), FEW).unwrap();
        let pin = Pin::new("1234".into());
        assert_eq!(verify_pin(&pin, &hash[1..]), Err(VaultError::PinHash));
        let mut endless = hash.clone();
        endless[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(verify_pin(&pin, &endless), Err(VaultError::PinHash));
        let mut flipped = hash;
        flipped[30] ^= 1;
        assert_eq!(verify_pin(&pin, &flipped), Ok(false));
    }
}
