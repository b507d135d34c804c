//! How the machine does, and its printers.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::answer::Json;
use super::api::Api;
use super::body::Asked;
use super::guard::Caller;
use super::problem::Problem;
use super::schema::{Health, PrintBody};
use super::shifts::{Done, reprint};
use crate::core::domain::{PrinterId, Refusal};
use crate::core::ports::{PrintWhat, StatusView};

/// `GET /healthz`: 200 where sales are possible, else 503; the body is the status. A stranger on loopback sees health and version alone.
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "machine", responses((status = 200, description = "sales are possible", body = Health), (status = 503, description = "sales are not possible", body = Health)))]
pub(super) async fn health(State(api): State<Arc<Api>>, Extension(caller): Extension<Caller>) -> Response {
    let status: StatusView = match api.ask_soon(|desk, respond| desk.status(respond)).await {
        Ok(status) => status,
        Err(reject) => return Problem::from(reject).into_response(),
    };
    let code = if status.sells() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if caller == Caller::Stranger {
        return (code, Json(serde_json::json!({"health": status.health, "version": status.version}))).into_response();
    }
    (code, Json(status)).into_response()
}

/// `POST /v1/print`: prints something again, with the mark. `{"what":"receipt","payment":"P…"}`, `{"what":"day_report","date":"…"}`,
/// `{"what":"x_report"}`, `{"what":"batch_slip","terminal","batch"}`, `{"what":"shift_slip","shift"}`.
#[utoipa::path(post, path = "/v1/print", operation_id = "print", tag = "printing", request_body = PrintBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn print(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Asked(what): Asked<PrintWhat>,
) -> Result<Json<Done>, Problem> {
    if matches!(what, PrintWhat::Drawer { .. }) {
        return Err(Problem::bad("a drawer is opened by POST /v1/drawers/open"));
    }
    reprint(&api, what, &caller).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeBody {
    printer: Option<PrinterId>,
}

/// `POST /v1/printers/resume` with `{"printer"?}`: paper is in again, go on.
#[utoipa::path(post, path = "/v1/printers/resume", operation_id = "resumePrinting", tag = "printing", request_body = Option<ResumeBody>, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn resume(
    State(api): State<Arc<Api>>,
    Asked(body): Asked<ResumeBody>,
) -> Result<Json<serde_json::Value>, Problem> {
    if let Some(printer) = &body.printer {
        let status = api.ask_soon(|desk, respond| desk.status(respond)).await?;
        if !status.ports.iter().any(|port| port.id == printer.as_str()) {
            return Err(Refusal::UnknownDevice.with("device", printer).into());
        }
    }
    let printer = body.printer;
    api.blocking(move |desk| {
        desk.resume_printing(printer.as_ref().map(PrinterId::as_str));
        Ok(())
    })
    .await?;
    Ok(Json(serde_json::json!({"done": true})))
}
