//! Days of a store with its acquirer: the real writer, store, vault and lanes against the simulated host, over its wire, on virtual time.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::print_stderr)]

mod adjusts;
mod chips;
mod drain;
mod errands;
mod kinds;
mod nii;
mod rig;
mod third;
mod uploads;
