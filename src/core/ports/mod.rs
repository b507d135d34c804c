//! The messages and traits by which the outside meets the core.

mod cases;
mod command;
mod desk;
mod keys;
mod money;
mod schema;
mod statement;
mod store;
mod view;

pub use cases::*;
pub use command::*;
pub use desk::*;
pub use keys::*;
pub use money::*;
pub use statement::*;
pub use store::*;
pub use view::*;
