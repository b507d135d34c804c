//! A store's days, a line an event, with what is expected at its end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod bank;
mod chance;
mod cost;
mod crashes;
mod cuts;
mod doubts;
mod drawers;
mod flaky;
mod laws;
mod outages;
mod plain_days;
mod rig;
mod seeds;
mod settlements;
mod shop;
mod statements;
mod undoings;
mod words;
