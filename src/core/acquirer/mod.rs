//! The conversation with the acquirer: ISO 8583 codec, profiles, MAC, one terminal's lane as a sans-I/O state machine.

mod accept;
pub mod chip;
mod compose;
pub mod iso8583;
mod lane;
mod order;
pub mod profile;
#[cfg(test)]
mod samples;

pub use accept::{Accepted, Mismatch, accept, read_unasked};
pub use compose::{ComposeError, Composed, LaneIdentity, Pending, Purpose, compose, compose_echo};
pub use lane::{Lane, LaneTimes};
pub use order::*;
pub use profile::{Profile, ProfileError};
