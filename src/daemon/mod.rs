//! Wires io to core: configuration, start-up, lanes, spool, shutdown.

pub mod config;
pub mod exit;
