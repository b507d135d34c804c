//! tilld, the till daemon.
//!
//! The floors, from the top: `main → cli → (daemon | demo) → io → core`. `sim` stands on the other side of the wires.
//! Nothing imports upwards; `tests/layers.rs` reads the imports and fails on the first that does.

pub mod cli;
pub mod core;
pub mod daemon;
pub mod demo;
pub mod io;
pub mod sim;
