//! The business day: shifts, drawers, the cut, the ladder of batches.
//!
//! Nothing here knows payments one by one, the line or the store.

mod acts;
mod batch;
mod book;
mod cut;
mod shift;

pub use acts::*;
pub use batch::*;
pub use book::*;
pub use cut::*;
pub use shift::*;
