//! What a named person must decide.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::answer::{Json, List};
use super::api::Api;
use super::body::{Asked, Name};
use super::problem::Problem;
use super::secrets;
use crate::core::domain::{BatchNo, CashierId, ExceptionNo, LONGEST_WORDS, Pin, Refusal, Role, shown_words};
use crate::core::journal::Resolution;
use crate::core::ports::{Command, ExceptionView};

/// `GET /v1/exceptions`: the open ones, oldest first.
#[utoipa::path(get, path = "/v1/exceptions", operation_id = "listExceptions", tag = "exceptions", responses((status = 200, description = "as asked", body = List<ExceptionView>)))]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<List<ExceptionView>>, Problem> {
    Ok(Json(List::whole(api.ask_soon(|desk, respond| desk.exceptions(respond)).await?)))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolveBody {
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    how: Option<Resolution>,
    #[serde(default)]
    note: Option<String>,
    /// For `batch_disagrees`: the batch that is current at the acquirer.
    #[schema(minimum = 1, maximum = 999_999)]
    batch: Option<u32>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Resolved {
    id: u32,
    state: &'static str,
}

/// `POST /v1/exceptions/{id}/resolve` with `{"by","pin","how","note"}`, or for a batch `{"by","pin","batch"}` by a technician.
#[utoipa::path(post, path = "/v1/exceptions/{id}/resolve", operation_id = "resolveException", tag = "exceptions", params(("id" = String, Path, description = "its number", example = "1")), request_body = ResolveBody, responses((status = 200, description = "as asked", body = Resolved)))]
pub(super) async fn resolve(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(body): Asked<ResolveBody>,
) -> Result<Json<Resolved>, Problem> {
    let unknown = || Refusal::UnknownException.with("exception", &name);
    let number = name.parse::<u32>().map(ExceptionNo).map_err(|_| unknown())?;
    match (body.batch, body.how) {
        (Some(batch), None) => {
            if !(1..=999_999).contains(&batch) {
                return Err(Problem::bad("batch must be 1 to 999999"));
            }
            let by = api.approve(body.by, body.pin, &[Role::Technician]).await?;
            api.submit(Command::DecideBatch { exception: number, batch: BatchNo(batch), by }).await?;
        }
        (None, Some(how)) => {
            let note = shown_words("note", body.note.as_deref().unwrap_or_default(), LONGEST_WORDS)?;
            let by = api.approve(body.by, body.pin, &[Role::Manager, Role::Technician]).await?;
            api.submit(Command::Resolve { exception: number, by, how, note }).await?;
        }
        _ => return Err(Problem::bad("give either how and note, or batch")),
    }
    Ok(Json(Resolved { id: number.0, state: "resolved" }))
}
