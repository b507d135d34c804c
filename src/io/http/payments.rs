//! Payments: one, many, their stories, and taking one back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answer::{Json, List};
use super::api::Api;
use super::body::{Asked, Name, Params};
use super::problem::Problem;
use crate::core::domain::{BusinessDate, CashierId, PaymentId, Refusal, Reject, State as PayState, TerminalId};
use crate::core::ports::{Command, Page, PaymentFilter, PaymentView, Reply, StoryLine};

/// A body without fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    day: Option<BusinessDate>,
    device: Option<TerminalId>,
    cashier: Option<CashierId>,
    state: Option<PayState>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /v1/payments?day&device&cashier&state&cursor&limit`
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Params(params): Params<ListParams>,
) -> Result<Json<Page<PaymentView>>, Problem> {
    let limit = params.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad("limit must be 1 to 500"));
    }
    let after = match params.cursor.as_deref() {
        None | Some("") => None,
        Some(text) => Some(PaymentId::parse(text).ok_or_else(|| Problem::bad("cursor is not one that a list gave"))?),
    };
    let filter = PaymentFilter {
        day: params.day,
        device: params.device,
        cashier: params.cashier,
        state: params.state,
        after,
        limit,
    };
    Ok(Json(api.blocking(move |desk| desk.payments(&filter)).await?))
}

fn id(Name(name): Name) -> Result<PaymentId, Reject> {
    PaymentId::parse(&name).ok_or_else(|| Refusal::UnknownPayment.with("payment", name))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneParams {
    story: Option<u8>,
}

#[derive(Debug, Serialize)]
struct WithStory {
    #[serde(flatten)]
    payment: PaymentView,
    story: Vec<StoryLine>,
}

/// `GET /v1/payments/{id}`, with `?story=1` and its story.
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    name: Name,
    Params(params): Params<OneParams>,
) -> Result<Response, Problem> {
    let id = id(name)?;
    let with_story = params.story.is_some_and(|n| n > 0);
    let (payment, story) = api
        .blocking(move |desk| Ok((desk.payment(id)?, if with_story { Some(desk.story(id)?) } else { None })))
        .await?;
    Ok(match story {
        Some(story) => Json(WithStory { payment, story }).into_response(),
        None => Json(payment).into_response(),
    })
}

/// `GET /v1/payments/{id}/story`
pub(super) async fn story(State(api): State<Arc<Api>>, name: Name) -> Result<Json<List<StoryLine>>, Problem> {
    let id = id(name)?;
    Ok(Json(List::whole(api.blocking(move |desk| desk.story(id)).await?)))
}

/// `POST /v1/payments/{id}/cancel`
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    name: Name,
    Asked(Nothing {}): Asked<Nothing>,
) -> Result<Json<PaymentView>, Problem> {
    let id = id(name)?;
    match api.submit(Command::Cancel(id)).await? {
        Reply::Payment(_) | Reply::Done => {}
        other => log::error!("the writer answered a cancellation with {other:?}"),
    }
    Ok(Json(api.blocking(move |desk| desk.payment(id)).await.map_err(|_| Refusal::Busy)?))
}
