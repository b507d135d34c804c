//! One payment's life: what it is, how an event changes it, what it then does to the day.
//!
//! Nothing here knows other payments, terminals or the day: `ledger` puts those together.

mod channel;
mod effect;
mod life;

pub use channel::channel;
pub use effect::*;
pub use life::*;
