//! Statements that were reconciled.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;

use super::answer::Json;
use super::api::Api;
use super::body::Asked;
use super::guard::Caller;
use super::problem::Problem;
use crate::core::domain::Refusal;
use crate::core::ports::{StatementNote, StatementNoted};

/// No statement speaks for more days.
const MAX_DAYS: usize = 400;

/// `POST /v1/statements`: `tilld reconcile` notes a statement that it has judged. Only whoever may open the store's files has judged one.
pub(super) async fn note(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Asked(body): Asked<StatementNote>,
) -> Result<Json<StatementNoted>, Problem> {
    if caller != Caller::Owner {
        return Err(Refusal::Unauthorized.into());
    }
    if body.days.is_empty() || body.days.len() > MAX_DAYS || body.name.len() > 255 || body.format.len() > 64 {
        return Err(Problem::bad("a statement has 1 to 400 days, and names of at most 255 and 64 bytes"));
    }
    Ok(Json(api.blocking(move |desk| desk.note_statement(body)).await?))
}
