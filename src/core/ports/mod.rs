//! The messages and traits by which the outside meets the core.

mod keys;

pub use keys::*;
