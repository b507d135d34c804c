//! Keys, sealing, PIN hashes, random numbers.

mod soft_keys;

pub use soft_keys::SoftKeys;
