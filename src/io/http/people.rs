//! People who may use the till.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::answer::Json;
use super::api::Api;
use super::body::Asked;
use super::guard::Caller;
use super::problem::Problem;
use super::secrets::{self, Approval};
use super::shifts::words;
use crate::core::domain::{CashierId, Pin, Refusal, Role};
use crate::core::ports::Command;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddBody {
    id: CashierId,
    name: String,
    role: Role,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    approval: Option<Approval>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Added {
    id: CashierId,
    name: String,
    role: Role,
}

/// `POST /v1/cashiers` with `{"id","name","role","pin"}`. Whoever may open the store's files may add people; everybody else needs
/// `"approval":{"manager","pin"}` of a manager or technician: the bearer token may pay and close, not appoint managers.
#[utoipa::path(post, path = "/v1/cashiers", operation_id = "addCashier", tag = "people", request_body = AddBody, responses((status = 200, description = "as asked", body = Added)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Asked(body): Asked<AddBody>,
) -> Result<Json<Added>, Problem> {
    let name = words("name", &body.name)?;
    match body.approval {
        Some(approval) => {
            api.approve(approval.manager, approval.pin, &[Role::Manager, Role::Technician]).await?;
        }
        None if caller != Caller::Owner => return Err(Refusal::ManagerRequired.into()),
        None => {}
    }
    let pin_hash = api.hash_pin(body.pin).await?;
    let command = Command::AddCashier { cashier: body.id.clone(), name: name.clone(), role: body.role, pin_hash };
    api.submit(command).await?;
    Ok(Json(Added { id: body.id, name, role: body.role }))
}
