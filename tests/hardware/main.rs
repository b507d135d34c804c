//! The daemon and its devices on ptys: a firmware bridge (keys, reader, PIN, drawer), scanners, contactless readers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod doctor;
mod firmware;
mod keys;
mod lost_answer;
mod marks;
mod printers;
mod prints;
mod readers;
mod replug;
mod rig;
mod sale;
mod trips;
