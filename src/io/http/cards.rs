//! The card table: taken over whole, or not at all.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::Serialize;

use super::answer::Json;
use super::api::Api;
use super::guard::Caller;
use super::problem::Problem;
use crate::core::domain::Refusal;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Taken {
    /// Rows in use now.
    rows: usize,
    /// The same table was in use before.
    unchanged: bool,
}

/// `POST /v1/cards`: the card table that was put into the data folder (`tilld cards import`) is in use from here on. For whoever may open the
/// store's files.
#[utoipa::path(post, path = "/v1/cards", operation_id = "useCards", tag = "machine", responses((status = 200, description = "in use", body = Taken)))]
pub(super) async fn take(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Taken>, Problem> {
    if caller != Caller::Owner {
        return Err(Refusal::Unauthorized.into());
    }
    let (rows, unchanged) = api.blocking(|desk| desk.use_cards()).await?;
    Ok(Json(Taken { rows, unchanged }))
}
