//! `GET /v1/openapi.json`: the API's description (OpenAPI 3.1).
//!
//! It is made from the routes and their types, but not while the daemon runs: `assets/openapi.json` is compiled in (packed), and the test in `describe`
//! fails where it is not what the routes say (and says how to write it again). The program on a till carries the text, not what makes it.

use axum::response::Response;

use super::answer::file;
use crate::core::packed::{Packed, packed};

#[cfg(test)]
mod describe;

/// The description as it is sent.
const DESCRIPTION: Packed = packed!("openapi.json");

/// `GET /v1/openapi.json`
#[utoipa::path(get, path = "/v1/openapi.json", operation_id = "getOpenApi", tag = "machine", responses((status = 200, description = "this description", body = serde_json::Value)))]
pub(super) async fn document() -> Response {
    file(DESCRIPTION.content(), "application/json")
}
