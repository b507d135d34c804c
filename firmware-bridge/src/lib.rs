//! The wire between the daemon and its hardware bridge, and what runs on either end of it.
//!
//! * [`wire`]: bytes ↔ frames (COBS, CRC-16) and frames ↔ messages (postcard), with their versions. Frozen: see `tests/`.
//! * [`link`]: one end of a session: sequence numbers, acknowledgement, repetition, resynchronisation.
//! * [`bridge`]: the bridge's end: a pure step, bytes and time in, bytes and actions out.
//! * [`keys`], [`store`]: what a bridge keeps: a terminal's keys (the PIN-pad role), and the mark.
//! * [`drivers`]: its devices, over embedded-hal 1.0.
//! * [`host`]: the daemon's end, sans I/O: push bytes, poll events, send requests; time is handed in.
//!
//! Nothing here knows a clock, a port, an allocator or a thread. Every buffer has a size, every retry an end.
#![no_std]

pub mod bridge;
pub mod drivers;
pub mod host;
pub mod keys;
pub mod link;
pub mod store;
pub mod wire;

/// A moment, in milliseconds since any fixed start; only differences count. Handed in by the caller, never read here.
pub type Millis = u64;
