//! The wire between the daemon and its hardware bridge.
#![no_std]
