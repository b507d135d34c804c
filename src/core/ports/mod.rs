//! The messages and traits by which the outside meets the core.

mod acts_view;
mod cases;
mod command;
mod desk;
mod keys;
mod money;
mod schema;
mod shift_view;
mod statement;
mod store;
mod view;

pub use acts_view::*;
pub use cases::*;
pub use command::*;
pub use desk::*;
pub use keys::*;
pub use money::*;
pub use shift_view::*;
pub use statement::*;
pub use store::*;
pub use view::*;
