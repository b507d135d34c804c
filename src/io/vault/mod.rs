//! Keys, sealing of cards, PIN hashes, random numbers. What is secret stays in here and is wiped when dropped.
//!
//! Nothing here knows the store or the acquirer: sealed bytes go out, the ledger keeps them.

mod aead;
mod components;
mod data_key;
mod key_file;
mod pin;
mod random;
mod rotate;
mod sealer;
mod soft_keys;

pub use components::{KeyComponents, check_value};
pub use data_key::{DataKey, KeySource, load_data_key};
pub use key_file::{read_card_key, read_master_key, read_private};
pub use pin::{PIN_ITERATIONS, hash_pin, verify_pin};
pub use random::{fill, token};
pub use rotate::Reseal;
pub use sealer::Vault;
pub use soft_keys::SoftKeys;

use thiserror::Error;

use crate::core::ports::StoreError;

/// What can go wrong with keys.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum VaultError {
    /// A key file is missing, open to others, or has other contents than it should.
    #[error("{path}: {why}")]
    KeyFile {
        /// The file.
        path: String,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: is /dev/urandom there?")]
    Random,
    /// Sealed bytes do not open: made under another data key, for another payment or store, or changed.
    #[error("{0} does not open: it was sealed under another data key, for something else, or was changed")]
    Sealed(&'static str),
    /// A PIN hash has an unknown form.
    #[error("the PIN hash has an unknown form")]
    PinHash,
    /// What is to be sealed is longer than any card or code.
    #[error("{0} is too long to be sealed")]
    TooLong(&'static str),
}

impl From<VaultError> for StoreError {
    fn from(e: VaultError) -> StoreError {
        match e {
            VaultError::Random => StoreError::Io(e.to_string()),
            VaultError::KeyFile { .. } => StoreError::Unusable(e.to_string()),
            VaultError::Sealed(_) | VaultError::PinHash | VaultError::TooLong(_) => StoreError::Damaged(e.to_string()),
        }
    }
}
