//! Printing over a real line: spool, supervisor and a printer on a pty, in real time; ours, and a stranger's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod line;
mod rate;
#[path = "../paper/sample.rs"]
mod sample;
mod stand_in;
mod stranger;
