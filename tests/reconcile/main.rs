//! Statements against the journal: formats, judgements, a generated month, and the command on a real store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod files;
mod judgements;
mod million;
mod month;
mod store;
mod ways_in;
