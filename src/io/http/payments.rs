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
use crate::core::ports::{Command, Desk, Page, PaymentFilter, PaymentView, Reply, StoryLine};

/// A body without fields.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    day: Option<BusinessDate>,
    device: Option<TerminalId>,
    cashier: Option<CashierId>,
    state: Option<PayState>,
    /// What the last page gave as `next_cursor`.
    #[param(pattern = "^(P[0-9]{8,19})?$")]
    cursor: Option<String>,
    /// At most this many, 1 to 500; 100 without it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Only those in which this text stands: a part of the id, the client's id, the card, the RRN, the STAN, the approval code, or the whole
    /// amount in minor units. A page may then be short, even empty, and still have a cursor.
    #[param(max_length = 64)]
    q: Option<String>,
}

/// `GET /v1/payments?day&device&cashier&state&cursor&limit`
#[utoipa::path(get, path = "/v1/payments", operation_id = "listPayments", tag = "payments", params(ListParams), responses((status = 200, description = "as asked", body = Page<PaymentView>)))]
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
    let Some(text) = params.q.map(|q| q.trim().to_ascii_lowercase()).filter(|q| !q.is_empty()) else {
        return Ok(Json(api.blocking(move |desk| desk.payments(&filter)).await?));
    };
    if text.len() > 64 {
        return Err(Problem::bad("q must be at most 64 bytes"));
    }
    Ok(Json(api.blocking(move |desk| search(desk, filter, &text)).await?))
}

/// Pages of 500 that one search looks through; the cursor goes on from there.
const SEARCHED: usize = 20;

fn search(desk: &dyn Desk, mut filter: PaymentFilter, text: &str) -> Result<Page<PaymentView>, Reject> {
    let limit = filter.limit as usize;
    filter.limit = 500;
    let mut found: Page<PaymentView> = Page { items: Vec::new(), next_cursor: None };
    for _ in 0..SEARCHED {
        let page = desk.payments(&filter)?;
        for payment in page.items.into_iter().filter(|p| fits(p, text)) {
            if found.items.len() == limit {
                found.next_cursor = found.items.last().map(|p| p.id.clone());
                return Ok(found);
            }
            found.items.push(payment);
        }
        found.next_cursor = page.next_cursor;
        filter.after = found.next_cursor.as_deref().and_then(PaymentId::parse);
        if filter.after.is_none() {
            break;
        }
    }
    Ok(found)
}

fn fits(payment: &PaymentView, text: &str) -> bool {
    let has = |field: &str| field.to_ascii_lowercase().contains(text);
    let maybe = |field: &Option<String>| field.as_deref().is_some_and(has);
    has(&payment.id)
        || has(&payment.request_id)
        || payment.amount.to_string() == text
        || [&payment.masked_pan, &payment.rrn, &payment.stan, &payment.approval_code].into_iter().any(maybe)
}

fn id(Name(name): Name) -> Result<PaymentId, Reject> {
    PaymentId::parse(&name).ok_or_else(|| Refusal::UnknownPayment.with("payment", name))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OneParams {
    story: Option<u8>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct WithStory {
    #[serde(flatten)]
    payment: PaymentView,
    /// With `?story=1` only.
    #[schema(required = false)]
    story: Vec<StoryLine>,
}

/// `GET /v1/payments/{id}`, with `?story=1` and its story.
#[utoipa::path(get, path = "/v1/payments/{id}", operation_id = "getPayment", tag = "payments", params(("id" = String, Path, description = "its id: `P00000042`", example = "P00000042"), OneParams), responses((status = 200, description = "as asked", body = WithStory)))]
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
#[utoipa::path(get, path = "/v1/payments/{id}/story", operation_id = "getStory", tag = "payments", params(("id" = String, Path, description = "its id: `P00000042`", example = "P00000042")), responses((status = 200, description = "as asked", body = List<StoryLine>)))]
pub(super) async fn story(State(api): State<Arc<Api>>, name: Name) -> Result<Json<List<StoryLine>>, Problem> {
    let id = id(name)?;
    Ok(Json(List::whole(api.blocking(move |desk| desk.story(id)).await?)))
}

/// `POST /v1/payments/{id}/cancel`
#[utoipa::path(post, path = "/v1/payments/{id}/cancel", operation_id = "cancelPayment", tag = "payments", params(("id" = String, Path, description = "its id: `P00000042`", example = "P00000042")), request_body = Option<Nothing>, responses((status = 200, description = "as asked", body = PaymentView)))]
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
    Ok(Json(api.read_back(move |desk| desk.payment(id)).await.map_err(|_| Refusal::Busy)?))
}
