//! People who may use the till.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::answer::{Json, List};
use super::api::Api;
use super::body::{Asked, Name};
use super::guard::Caller;
use super::problem::Problem;
use super::secrets::{self, Approval};
use crate::core::domain::{CashierId, Lang, Pin, Refusal, Reject, Role, shown_name};
use crate::core::ports::{Command, PersonView};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddBody {
    id: CashierId,
    name: String,
    role: Role,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    /// What is shown to them and printed for them; without it the store's language.
    lang: Option<Lang>,
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
    let name = shown_name("name", &body.name)?;
    let by = appoints(&api, &caller, body.approval).await?;
    let pin_hash = api.hash_pin(body.pin).await?;
    let (cashier, role, lang) = (body.id.clone(), body.role, body.lang);
    api.submit(Command::AddCashier { cashier, name: name.clone(), role, pin_hash, lang, by }).await?;
    Ok(Json(Added { id: body.id, name, role }))
}

/// Who appoints people: a manager or technician who approves or has logged in as a manager; nobody by name where the store's files are at hand.
async fn appoints(api: &Api, caller: &Caller, approval: Option<Approval>) -> Result<Option<CashierId>, Reject> {
    match (approval, caller) {
        (Some(approval), _) => {
            api.approve(approval.manager, approval.pin, &[Role::Manager, Role::Technician]).await.map(Some)
        }
        (None, Caller::Owner) => Ok(None),
        (None, _) => Err(Refusal::ManagerRequired.into()),
    }
}

/// `GET /v1/cashiers`: everybody who may use the till, and those who may not any more.
#[utoipa::path(get, path = "/v1/cashiers", operation_id = "listCashiers", tag = "people", responses((status = 200, description = "everybody, by id", body = List<PersonView>)))]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<List<PersonView>>, Problem> {
    Ok(Json(List::whole(api.ask_soon(|desk, respond| desk.people(respond)).await?)))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    name: Option<String>,
    role: Option<Role>,
    lang: Option<Lang>,
    /// False: they do not work here any more. Their id stays theirs.
    active: Option<bool>,
    #[serde(default, deserialize_with = "secrets::pin_if")]
    #[schema(value_type = Option<secrets::PinText>)]
    pin: Option<Pin>,
    approval: Option<Approval>,
}

/// `POST /v1/cashiers/{id}` with any of `{"name","role","lang","active","pin"}`: what is not named stays. A new PIN ends a lock-out.
#[utoipa::path(post, path = "/v1/cashiers/{id}", operation_id = "changeCashier", tag = "people", params(("id" = String, Path, description = "their id", example = "1001")), request_body = ChangeBody, responses((status = 200, description = "as they are now", body = PersonView)))]
pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Asked(body): Asked<ChangeBody>,
) -> Result<Json<PersonView>, Problem> {
    let cashier = CashierId::new(&name).map_err(|_| Refusal::UnknownCashier.with("cashier", &name))?;
    let name = body.name.as_deref().map(|name| shown_name("name", name)).transpose()?;
    let by = appoints(&api, &caller, body.approval).await?;
    let pin_hash = match body.pin {
        Some(pin) => Some(api.hash_pin(pin).await?),
        None => None,
    };
    let (role, lang, active, person) = (body.role, body.lang, body.active, cashier.clone());
    api.submit(Command::ChangeCashier { cashier, name, role, lang, active, pin_hash, by }).await?;
    let people = api.ask_soon(|desk, respond| desk.people(respond)).await?;
    let now = people.into_iter().find(|p| p.id == person);
    Ok(Json(now.ok_or_else(|| Refusal::UnknownCashier.with("cashier", person))?))
}
