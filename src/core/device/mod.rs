//! Codecs of printers, readers and scanners: bytes in, typed events out; and the print spool's step machine.
//!
//! Everything here is pure and bounded: time is handed in as monotonic milliseconds, no input panics, what cannot be
//! understood is counted. Never knows: ports, threads, files, the daemon.

pub mod bridge;
pub mod card;
pub mod drawer;
pub mod escpos_status;
pub mod escpos_walk;
pub mod msr;
pub mod profile;
pub mod reader;
pub mod scanner;
pub mod spool;
