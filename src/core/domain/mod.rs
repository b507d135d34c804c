//! The words: money, ids, dates, payment kinds and states, refusals, secrets.
//!
//! The lowest floor: everything may import this, and this imports nothing of ours.

mod data;
mod ids;
mod lines;
mod money;
mod payment_set;
mod reject;
mod secret;
mod shown;
mod text;
mod time;
mod words;
mod zone;

pub use data::*;
pub use ids::*;
pub use lines::*;
pub use money::*;
pub use payment_set::*;
pub use reject::*;
pub use secret::*;
pub use shown::*;
pub use time::*;
pub use words::*;
pub use zone::*;
