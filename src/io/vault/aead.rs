//! AES-256-GCM with random nonces. Sealed bytes: version 1, four bytes that name the key, twelve of nonce, ciphertext, tag.
//!
//! The key's name makes a rotation possible (which key opens this?) and says plainly when the wrong data key is in place.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce};
use zeroize::{Zeroize, Zeroizing};

use super::{VaultError, random};

const VERSION: u8 = 1;
const ID: usize = 4;
const HEAD: usize = 1 + ID + NONCE_LEN;

/// A key that seals, derived from the data key for one purpose.
pub(super) struct SealingKey {
    pub key: LessSafeKey,
    pub id: [u8; ID],
}

impl SealingKey {
    /// Seals; `aad` is what the bytes are bound to.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce)?;
        // One allocation of the final size: no copy of the plain bytes stays behind in a buffer that was outgrown.
        let mut body = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(plain);
        let sealed = self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body);
        if sealed.is_err() {
            body.zeroize();
            return Err(VaultError::TooLong("it"));
        }
        let mut out = Vec::with_capacity(HEAD + body.len());
        out.push(VERSION);
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Opens what [`SealingKey::seal`] made with the same `aad`; `what` names it in the error.
    pub fn open(&self, aad: &[u8], sealed: &[u8], what: &'static str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let wrong = || VaultError::Sealed(what);
        let (head, body) = sealed.split_at_checked(HEAD).ok_or_else(wrong)?;
        if head[0] != VERSION || head[1..1 + ID] != self.id {
            return Err(wrong());
        }
        let nonce = Nonce::try_assume_unique_for_key(&head[1 + ID..]).map_err(|_| wrong())?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self.key.open_in_place(nonce, Aad::from(aad), &mut plain).map_err(|_| wrong())?.len();
        plain.truncate(length);
        Ok(plain)
    }
}
