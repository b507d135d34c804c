//! The simulated acquirer: an ISO 8583 host with books of its own, that judges what it gets.
//!
//! The other side of the wire. It may use `core::domain`, the pure codec in `core::acquirer::iso8583` and external crates; never the daemon's
//! profile, composer, MAC or lane, so that its agreeing with the daemon proves something. [`Host`] is a pure step on handed-in time; `server`
//! is the thin shell of sockets and disk around it.

mod answer;
pub mod bookfile;
pub mod books;
mod checks;
pub mod config;
mod connection;
pub mod dialect;
pub mod faults;
mod host;
pub mod judge;
pub mod keys;
mod original;
mod payments;
mod reversal;
mod run;
mod server;
mod settle;
mod statement;
pub mod totals;

#[cfg(test)]
mod tests;

pub use config::{HostConfig, Scenario, TerminalConfig};
pub use faults::{Fault, FaultRule, Spoil};
pub use host::{Action, Host, LAYOUT, Session};
pub use judge::{Finding, Judgement, Rule};
pub use run::{Dialect, SimArgs, run};
pub use server::{Clock, Handle, HostControl, SimConfig, SimError, start};
