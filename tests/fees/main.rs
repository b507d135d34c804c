//! Fees, card classes and arrivals through a whole store; the arithmetic against Python's fractions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod arithmetic;
