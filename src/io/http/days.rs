//! The day: its figures at any moment, its close, its reports.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::Instant;

use super::answer::{Json, file};
use super::api::Api;
use super::body::{Asked, Name, Params};
use super::payments::Nothing;
use super::problem::Problem;
use super::secrets::Approval;
use crate::core::domain::{BusinessDate, CashierId, Lang, Refusal, Reject, Role, Seq, TerminalId};
use crate::core::ports::{Command, DayView, Reply, ReportFormat, WhichDay};

/// The longest wait for a settlement.
const MAX_WAIT_S: u64 = 600;
/// How often a settlement is looked at while somebody waits for it.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NowParams {
    at: Option<u64>,
}

async fn day(api: &Api, which: WhichDay) -> Result<DayView, Reject> {
    api.ask_soon(|desk, respond| desk.day(which, respond)).await
}

/// `GET /v1/day`, with `?at=SEQ` as it was after that row.
pub(super) async fn now(
    State(api): State<Arc<Api>>,
    Params(params): Params<NowParams>,
) -> Result<Json<DayView>, Problem> {
    let which = params.at.map_or(WhichDay::Open, |seq| WhichDay::At(Seq(seq)));
    Ok(Json(day(&api, which).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseBody {
    by: Option<CashierId>,
    approval: Option<Approval>,
    wait: Option<u64>,
}

/// `POST /v1/day/close` with `{"by"?,"wait"?,"approval"?}`: answers with the day when its cut is sealed, or settled if `wait` (seconds) allows.
pub(super) async fn close(
    State(api): State<Arc<Api>>,
    Asked(body): Asked<CloseBody>,
) -> Result<Json<DayView>, Problem> {
    let wait = body.wait.unwrap_or(0);
    if wait > MAX_WAIT_S {
        return Err(Problem::bad(format!("wait must be 0 to {MAX_WAIT_S} seconds")));
    }
    let by = match body.approval {
        Some(approval) => Some(api.approve(approval.manager, approval.pin, &[Role::Manager]).await?),
        None => body.by,
    };
    let Reply::Cut { date, .. } = api.submit(Command::CutDay { by }).await? else {
        return Err(Refusal::Busy.into());
    };
    let until = Instant::now() + Duration::from_secs(wait);
    loop {
        let view = day(&api, WhichDay::Date(date)).await?;
        if settled(&view) || Instant::now() >= until {
            return Ok(Json(view));
        }
        tokio::time::sleep_until(until.min(Instant::now() + LOOK)).await;
    }
}

/// Every batch of this day has ended, and no stored sale of it waits. The word of the state alone does not say so: `balanced` is also the
/// verdict of a batch whose end is not yet answered.
fn settled(day: &DayView) -> bool {
    !matches!(day.state.as_str(), "open" | "cut") && day.settlement.iter().all(|s| s.rung == "ended")
}

/// `2026-11-20`, a Z number, or `open`.
fn which(name: &str) -> Result<WhichDay, Reject> {
    if name == "open" {
        return Ok(WhichDay::Open);
    }
    if let Ok(date) = BusinessDate::parse(name) {
        return Ok(WhichDay::Date(date));
    }
    let number = name.strip_prefix(['Z', 'z']).unwrap_or(name);
    match number.parse::<u32>() {
        Ok(z) if number.bytes().all(|b| b.is_ascii_digit()) => Ok(WhichDay::Z(z)),
        _ => Err(Refusal::UnknownDay.with("day", name)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportParams {
    format: Option<String>,
    lang: Option<Lang>,
}

fn format(word: &str) -> Option<(ReportFormat, &'static str)> {
    Some(match word {
        "text" => (ReportFormat::Text, "text/plain; charset=utf-8"),
        "json" => (ReportFormat::Json, "application/json"),
        "csv" => (ReportFormat::Csv, "text/csv; charset=utf-8"),
        "png" => (ReportFormat::Png, "image/png"),
        "pdf" => (ReportFormat::Pdf, "application/pdf"),
        "escpos" => (ReportFormat::Escpos, "application/octet-stream"),
        _ => return None,
    })
}

/// `GET /v1/reports/{day}?format=text|json|csv|png|pdf|escpos&lang=zh|en`
pub(super) async fn report(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Params(params): Params<ReportParams>,
) -> Result<Response, Problem> {
    let (format, kind) = format(params.format.as_deref().unwrap_or("json"))
        .ok_or_else(|| Problem::bad("format must be one of text, json, csv, png, pdf, escpos"))?;
    let view = day(&api, which(&name)?).await?;
    if format == ReportFormat::Json {
        return Ok(Json(view).into_response());
    }
    let lang = params.lang.unwrap_or(api.lang);
    let bytes = api.blocking(move |desk| desk.report(&view, format, lang)).await?;
    Ok(file(bytes, kind))
}

/// `POST /v1/terminals/{id}/settle`: settles this terminal's batch now.
pub(super) async fn settle(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(Nothing {}): Asked<Nothing>,
) -> Result<Json<serde_json::Value>, Problem> {
    let terminal = TerminalId::new(&name).map_err(|_| Refusal::UnknownDevice.with("device", &name))?;
    api.submit(Command::Settle(terminal)).await?;
    Ok(Json(serde_json::json!({"done": true})))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_is_named_by_date_or_by_number() {
        assert_eq!(which("open"), Ok(WhichDay::Open));
        assert_eq!(which("2026-11-20"), Ok(WhichDay::Date(BusinessDate::parse("2026-11-20").unwrap())));
        assert_eq!(which("17"), Ok(WhichDay::Z(17)));
        assert_eq!(which("Z17"), Ok(WhichDay::Z(17)));
        for bad in ["", "2026-13-01", "Z", "-1", "+1", "99999999999", "yesterday"] {
            assert!(which(bad).is_err(), "{bad}");
        }
    }
}
