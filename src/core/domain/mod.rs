//! The words: money, ids, dates, payment kinds and states, refusals, secrets.
//!
//! The lowest floor: everything may import this, and this imports nothing of ours.

mod data_file;
mod ids;
mod lines;
mod money;
mod reject;
mod secret;
mod time;
mod words;
mod zone;

pub use data_file::*;
pub use ids::*;
pub use lines::*;
pub use money::*;
pub use reject::*;
pub use secret::*;
pub use time::*;
pub use words::*;
pub use zone::*;
