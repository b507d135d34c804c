//! Cases 挂账: what differs between statements and the journal, and what named persons do about it.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;

use super::answer::Json;
use super::api::Api;
use super::body::{Asked, Name, Params};
use super::problem::Problem;
use super::secrets::{self, Approval};
use crate::core::domain::{BusinessDate, CaseNo, CashierId, PaymentId, Pin, Refusal, Role, TerminalId};
use crate::core::journal::CaseHow;
use crate::core::ports::{CaseAct, CaseDetail, CaseFilter, CaseStates, CaseView, Command, Page};
use crate::core::reconcile::Class;
use crate::core::suspense::Ending;

/// Who may look into a case and write down what they found.
const HANDLERS: &[Role] = &[Role::Manager, Role::Technician];
/// Who may end one, and open it again.
const DECIDERS: &[Role] = &[Role::Manager];

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseParams {
    /// Without it the unresolved ones.
    state: Option<CaseStates>,
    class: Option<Class>,
    cashier: Option<CashierId>,
    device: Option<TerminalId>,
    /// The statement's day.
    day: Option<BusinessDate>,
    #[param(pattern = "^(P[0-9]{8,19})?$")]
    payment: Option<String>,
    /// What the last page gave as `next_cursor`.
    #[param(minimum = 1)]
    cursor: Option<u32>,
    /// At most this many, 1 to 500; 100 without it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// `GET /v1/cases?state&class&cashier&device&day&payment&cursor&limit`: newest first.
#[utoipa::path(get, path = "/v1/cases", operation_id = "listCases", tag = "cases", params(CaseParams), responses((status = 200, description = "as asked", body = Page<CaseView>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Params(params): Params<CaseParams>,
) -> Result<Json<Page<CaseView>>, Problem> {
    let limit = params.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad("limit must be 1 to 500"));
    }
    let payment = match params.payment.as_deref() {
        None | Some("") => None,
        Some(text) => Some(PaymentId::parse(text).ok_or_else(|| Problem::bad("payment must look like P00000042"))?),
    };
    let filter = CaseFilter {
        state: Some(params.state.unwrap_or(CaseStates::Unresolved)),
        class: params.class,
        cashier: params.cashier,
        device: params.device,
        day: params.day,
        payment,
        before: params.cursor.map(CaseNo),
        limit,
    };
    Ok(Json(api.blocking(move |desk| desk.cases(&filter)).await?))
}

fn number(name: &str) -> Result<CaseNo, Problem> {
    let unknown = || Refusal::UnknownCase.with("case", name);
    Ok(name.parse::<u32>().map(CaseNo).map_err(|_| unknown())?)
}

/// `GET /v1/cases/{id}`: with its trail and its payment's story.
#[utoipa::path(get, path = "/v1/cases/{id}", operation_id = "getCase", tag = "cases", params(("id" = String, Path, description = "its number", example = "1")), responses((status = 200, description = "as asked", body = CaseDetail)))]
pub(super) async fn one(State(api): State<Arc<Api>>, Name(name): Name) -> Result<Json<CaseDetail>, Problem> {
    let no = number(&name)?;
    Ok(Json(api.blocking(move |desk| desk.case(no)).await?))
}

async fn act(api: &Api, case: CaseNo, act: CaseAct) -> Result<Json<CaseDetail>, Problem> {
    api.submit(Command::Case { case, act: Box::new(act) }).await?;
    Ok(Json(api.blocking(move |desk| desk.case(case)).await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseNoteBody {
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    /// At most 500 bytes.
    #[serde(default)]
    note: Option<String>,
}

/// `POST /v1/cases/{id}/take` with `{"by","pin","note"}` 处理中: a manager or technician works on it.
#[utoipa::path(post, path = "/v1/cases/{id}/take", operation_id = "takeCase", tag = "cases", params(("id" = String, Path, description = "its number", example = "1")), request_body = CaseNoteBody, responses((status = 200, description = "as asked", body = CaseDetail)))]
pub(super) async fn take(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(body): Asked<CaseNoteBody>,
) -> Result<Json<CaseDetail>, Problem> {
    let no = number(&name)?;
    let by = api.approve(body.by, body.pin, HANDLERS).await?;
    act(&api, no, CaseAct::Take { by, note: body.note.unwrap_or_default() }).await
}

/// `POST /v1/cases/{id}/note` with `{"by","pin","note"}`: something worth keeping.
#[utoipa::path(post, path = "/v1/cases/{id}/note", operation_id = "noteCase", tag = "cases", params(("id" = String, Path, description = "its number", example = "1")), request_body = CaseNoteBody, responses((status = 200, description = "as asked", body = CaseDetail)))]
pub(super) async fn note(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(body): Asked<CaseNoteBody>,
) -> Result<Json<CaseDetail>, Problem> {
    let no = number(&name)?;
    let by = api.approve(body.by, body.pin, HANDLERS).await?;
    act(&api, no, CaseAct::Note { by, note: body.note.unwrap_or_default() }).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseReopenBody {
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    /// 1 to 500 bytes.
    reason: String,
}

/// `POST /v1/cases/{id}/reopen` with `{"by","pin","reason"}`: what its end did to the books is taken back in the open day.
#[utoipa::path(post, path = "/v1/cases/{id}/reopen", operation_id = "reopenCase", tag = "cases", params(("id" = String, Path, description = "its number", example = "1")), request_body = CaseReopenBody, responses((status = 200, description = "as asked", body = CaseDetail)))]
pub(super) async fn reopen(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(body): Asked<CaseReopenBody>,
) -> Result<Json<CaseDetail>, Problem> {
    let no = number(&name)?;
    let by = api.approve(body.by, body.pin, DECIDERS).await?;
    act(&api, no, CaseAct::Reopen { by, reason: body.reason }).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseResolveBody {
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    how: CaseHow,
    /// Why, in the manager's words: 1 to 500 bytes.
    reason: String,
    /// The number of the other side's adjustment or transfer; needed for `make_up`.
    #[serde(default)]
    reference: Option<String>,
    /// Who agreed to give it back, and how; needed for `recovery`: nothing is clawed back.
    #[serde(default)]
    consent: Option<String>,
    /// The refund by which the customer has got it back; needed for `refund`.
    #[serde(default)]
    refund: Option<PaymentId>,
    /// Who answers for it, where no payment of ours says so.
    #[serde(default)]
    cashier: Option<CashierId>,
    /// Where it was, where no payment of ours says so.
    #[serde(default)]
    device: Option<TerminalId>,
    /// The second person: for a write-off above the store's limit, or of one's own.
    #[serde(default)]
    approval: Option<Approval>,
}

/// `POST /v1/cases/{id}/resolve` with `{"by","pin","how","reason"}` and what that way needs. What it does to the books is a voucher in the open day.
#[utoipa::path(post, path = "/v1/cases/{id}/resolve", operation_id = "resolveCase", tag = "cases", params(("id" = String, Path, description = "its number", example = "1")), request_body = CaseResolveBody, responses((status = 200, description = "as asked", body = CaseDetail)))]
pub(super) async fn resolve(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(body): Asked<CaseResolveBody>,
) -> Result<Json<CaseDetail>, Problem> {
    let no = number(&name)?;
    let by = api.approve(body.by, body.pin, DECIDERS).await?;
    let second = match body.approval {
        Some(approval) => Some(api.approve(approval.manager, approval.pin, HANDLERS).await?),
        None => None,
    };
    let ending = Ending {
        how: body.how,
        by,
        second,
        reason: body.reason,
        reference: body.reference.unwrap_or_default(),
        consent: body.consent,
        refund: body.refund,
        cashier: body.cashier,
        device: body.device,
    };
    act(&api, no, CaseAct::Resolve(ending)).await
}
