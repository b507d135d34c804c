//! The conversation with the acquirer: ISO 8583 codec, profiles, MAC, one terminal's lane as a sans-I/O state machine.

pub mod iso8583;
mod order;
pub mod profile;

pub use order::*;
pub use profile::{Profile, ProfileError};
