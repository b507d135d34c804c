//! A store's days, a line an event, with what is expected at its end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod asks;
mod bank;
mod chance;
mod cost;
mod crashes;
mod cuts;
mod doubts;
mod drawers;
mod flaky;
mod guards;
mod laws;
mod money;
mod outages;
mod peers;
mod plain_days;
mod rig;
mod seeds;
mod settlements;
mod shop;
mod statements;
mod transfers;
mod undoings;
mod words;
