//! The wire between the daemon and its hardware bridge, and what runs on either end of it.
//!
//! * [`wire`]: bytes ↔ frames (COBS, CRC-16) and frames ↔ messages (postcard), with their versions. Frozen: see `tests/`.
//! * [`link`]: one end of a session: sequence numbers, acknowledgement, repetition, resynchronisation.
//! * [`host`]: the daemon's end, sans I/O: push bytes, poll events, send requests; time is handed in.
//!
//! Nothing here knows a clock, a port, an allocator or a thread. Every buffer has a size, every retry an end.
#![no_std]

pub mod host;
pub mod link;
pub mod wire;

/// A moment, in milliseconds since any fixed start; only differences count. Handed in by the caller, never read here.
pub type Millis = u64;
