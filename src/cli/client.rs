//! The client of the local API. It lies with the API, so that the demo may use it, too.

pub use crate::io::http::client::{Answer, Client, ClientError, ProblemView};
