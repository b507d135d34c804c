//! The chain: link = SHA-256(previous link ‖ canonical bytes). The open day's links also carry an HMAC under the day's key.

use ring::{digest, hmac};

/// A link of the chain.
pub type Link = [u8; 32];

/// What the first row is linked to.
pub const GENESIS: Link = [0; 32];

/// The link of a row.
#[must_use]
pub fn link(previous: &Link, bytes: &[u8]) -> Link {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    context.update(bytes);
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// The open day's seal on a link.
#[must_use]
pub fn seal_link(key: &hmac::Key, link: &Link) -> [u8; 32] {
    hmac::sign(key, link).as_ref().try_into().expect("HMAC-SHA-256 gives 32 bytes")
}

/// What is signed at the close of a day: a fixed prefix, then each part with its length, so that no two days give the same text.
#[must_use]
pub fn seal_message(store: &str, date: &str, z: u32, root: &Link, next_key: &[u8]) -> Vec<u8> {
    let mut text = b"tilld day seal 1".to_vec();
    for part in [store.as_bytes(), date.as_bytes(), &z.to_be_bytes(), root, next_key] {
        let length = u32::try_from(part.len()).expect("ids, dates and keys are short");
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(part);
    }
    text
}
