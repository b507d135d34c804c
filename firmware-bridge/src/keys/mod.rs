//! The PIN-pad role: a terminal's keys. Keys go in, never out; nothing here prints, and everything wipes itself.
//!
//! * `cipher`: DES and triple DES by the key's length.
//! * `mac`: the MAC over data that comes in pieces.
//! * `pad`: which keys there are, how they get in, what is done with them, and how often.

mod cipher;
mod mac;
mod pad;
mod pin;

pub use cipher::Cipher;
pub use mac::MacRun;
pub use pad::{Limits, Pad};
pub use pin::{Entry, Typed, pin_block};

#[cfg(test)]
pub(crate) use pad::tests;
