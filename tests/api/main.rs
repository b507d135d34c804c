//! The local API as programs meet it: raw HTTP over a real Unix socket and over loopback, against a desk that records what it is asked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod commands;
mod desk;
mod guard;
mod payments;
mod people;
mod rest;
mod statements;
mod wire;
