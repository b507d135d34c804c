//! Wires io to core: configuration, start-up, lanes, printers, readers, shutdown, exit codes.
//!
//! Nothing is decided here: what comes in becomes a command, what the writer lets out is carried out.

pub mod ballast;
mod bridge_marks;
pub mod bridging;
pub mod config;
pub mod drawers;
pub mod exit;
pub mod hearing;
pub mod hours;
pub mod inbox;
pub mod keeping;
pub mod lanes;
pub mod marking;
pub mod notify;
pub mod pad;
pub mod papers;
pub mod payees;
pub mod presenting;
pub mod printing;
pub mod qualify;
pub mod reading;
pub mod reconciling;
pub mod rules;
pub mod shared;
pub mod start;
pub mod status;
mod swiping;
pub mod tables;
pub mod till;
pub mod verifying;
mod waiting;
pub mod writing;
