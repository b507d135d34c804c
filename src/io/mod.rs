//! One resource, one owner each. No sibling imports a sibling.

pub mod clock;
pub mod http;
pub mod link;
pub mod serial;
pub mod store;
pub mod vault;
pub mod work;
