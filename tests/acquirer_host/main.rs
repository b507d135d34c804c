//! The daemon's conversation against the simulated acquirer: two hands, one dialect. And the host under kill -9.

#![allow(clippy::unwrap_used, clippy::panic)]

mod agree;
mod kill;
mod told_to_stop;
