//! What keeps a running till and its data safe, shown on the built program: damage that is found, a disk that fills up, copies and back, new keys, what a
//! process's memory holds, the unit that systemd runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod books;
#[path = "../kills/http.rs"]
mod http;
mod keeping;
mod other_routes;
mod rig;
mod running;
mod stuck;
mod unit;
