//! The daemon and a firmware bridge: keys, reader, PIN, drawer, over a pty and over a spoiled one.
#![allow(clippy::unwrap_used, clippy::panic)]

mod doctor;
mod firmware;
mod keys;
mod rig;
mod sale;
mod trips;
