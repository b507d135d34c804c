//! The journal: versioned events, canonical bytes, the chain.
//!
//! A [`Record`] is what is hashed and kept for ever. New events and new fields come only at the end of their list, or as a new
//! event: `journal/frozen.rs` holds the bytes of every released version and fails where an old row would read differently.
//! Nothing here knows SQLite; nothing here decides.

mod chain;
mod event;
mod matters;
mod money;
mod record;
mod suspense;

pub use chain::*;
pub use event::*;
pub use matters::*;
pub use money::*;
pub use record::*;
pub use suspense::*;
