//! Wires io to core: configuration, start-up, lanes, printers, readers, shutdown, exit codes.
//!
//! Nothing is decided here: what comes in becomes a command, what the writer lets out is carried out.

pub mod config;
pub mod exit;
pub mod hearing;
pub mod hours;
pub mod inbox;
pub mod lanes;
pub mod marking;
pub mod papers;
pub mod presenting;
pub mod printing;
pub mod rules;
pub mod start;
pub mod status;
pub mod till;
pub mod writing;
