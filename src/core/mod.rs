//! The pure heart: words, journal, payment life, day, totals, paper, protocols.
//!
//! Nothing here knows a clock, a thread, a socket, a file, a float or a random number: they come in as arguments.

pub mod acquirer;
pub mod calendar;
pub mod cards;
pub mod day;
pub mod device;
pub mod domain;
pub mod fees;
pub mod font;
pub mod gb18030;
pub mod journal;
pub mod ledger;
pub mod packed;
pub mod payment;
pub mod ports;
pub mod reconcile;
pub mod report;
pub mod suspense;
pub mod totals;
pub mod transfer;
