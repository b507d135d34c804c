//! The day: its figures at any moment, its close, its reports.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::Instant;

use super::answer::{Json, List, file};
use super::api::Api;
use super::body::{Asked, Name, Params};
use super::guard::Caller;
use super::payments::Nothing;
use super::problem::Problem;
use super::secrets::Approval;
use super::shifts::Done;
use crate::core::domain::{BusinessDate, CashierId, Lang, Refusal, Reject, Role, Sentence, Seq, TerminalId};
use crate::core::ports::{
    CheckView, ChecklistView, Command, DaySummary, DayView, HoursView, Reply, ReportFormat, StatusView, WhichDay,
};

/// The longest wait for a settlement.
const MAX_WAIT_S: u64 = 600;
/// How often a settlement is looked at while somebody waits for it.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct NowParams {
    /// The figures as they were after this row of the journal.
    #[param(minimum = 1)]
    at: Option<u64>,
}

async fn day(api: &Api, which: WhichDay) -> Result<DayView, Reject> {
    api.ask_soon(|desk, respond| desk.day(which, respond)).await
}

/// `GET /v1/day`, with `?at=SEQ` as it was after that row.
#[utoipa::path(get, path = "/v1/day", operation_id = "getDay", tag = "day", params(NowParams), responses((status = 200, description = "as asked", body = DayView)))]
pub(super) async fn now(
    State(api): State<Arc<Api>>,
    Params(params): Params<NowParams>,
) -> Result<Json<DayView>, Problem> {
    let which = params.at.map_or(WhichDay::Open, |seq| WhichDay::At(Seq(seq)));
    Ok(Json(day(&api, which).await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CloseDayBody)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseBody {
    by: Option<CashierId>,
    approval: Option<Approval>,
    /// Seconds to wait for the settlement.
    #[schema(maximum = 600)]
    wait: Option<u64>,
}

/// `POST /v1/day/close` with `{"by"?,"wait"?,"approval"?}`: answers with the day when its cut is sealed, or settled if `wait` (seconds) allows.
#[utoipa::path(post, path = "/v1/day/close", operation_id = "closeDay", tag = "day", request_body = Option<CloseBody>, responses((status = 200, description = "as asked", body = DayView)))]
pub(super) async fn close(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Asked(body): Asked<CloseBody>,
) -> Result<Json<DayView>, Problem> {
    let wait = body.wait.unwrap_or(0);
    if wait > MAX_WAIT_S {
        return Err(Problem::bad(format!("wait must be 0 to {MAX_WAIT_S} seconds")));
    }
    let by = match (body.approval, caller) {
        (Some(approval), _) => Some(api.approve(approval.manager, approval.pin, &[Role::Manager]).await?),
        (None, Caller::Person(person, _)) => Some(person),
        (None, _) => body.by,
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

/// `GET /v1/day/checklist`: what stands in the way of a close, and what would go on behind it. Looks only.
#[utoipa::path(get, path = "/v1/day/checklist", operation_id = "getChecklist", tag = "day", responses((status = 200, description = "line by line", body = ChecklistView)))]
pub(super) async fn checklist(State(api): State<Arc<Api>>) -> Result<Json<ChecklistView>, Problem> {
    let mut list = api.ask_soon(|desk, respond| desk.checklist(respond)).await?;
    let status = api.ask_soon(|desk, respond| desk.status(respond)).await?;
    list.checks.extend(till_lines(&status));
    Ok(Json(list))
}

/// How the store, its terminals and what is plugged in are. None of it stops a close: the cut is local.
fn till_lines(status: &StatusView) -> [CheckView; 3] {
    let line = |code: &str, message: Sentence, items: Vec<String>| CheckView {
        code: code.into(),
        level: if items.is_empty() { "ok" } else { "look" }.into(),
        message,
        count: u64::try_from(items.len()).unwrap_or(u64::MAX),
        items,
    };
    let unwell = if status.health == "ok" { Vec::new() } else { vec![status.health.clone()] };
    let store = match status.health.as_str() {
        "ok" => Sentence::new("数据可以保存", "Everything can be saved"),
        "verifying" => Sentence::new("正在校验数据，销售不受影响", "The data are being verified: sales go on"),
        _ => Sentence::new("数据不能保存：请联系技术员", "Not everything can be saved: call the technician"),
    };
    let stopped: Vec<String> =
        status.terminals.iter().filter(|t| t.stopped.is_some()).map(|t| t.terminal.to_string()).collect();
    let cards = match stopped.is_empty() {
        true => Sentence::new("所有终端可以刷卡", "Cards work on every terminal"),
        false => Sentence::new(
            "终端停止刷卡：技术员核实批次后恢复",
            "Cards are stopped: a technician decides about the batch",
        ),
    };
    let troubled: Vec<_> = status.ports.iter().filter(|port| port.attention.is_some()).collect();
    let attention = troubled.first().and_then(|port| port.attention.clone());
    let ports = attention.unwrap_or_else(|| Sentence::new("打印机与读卡设备正常", "Printers and readers are in order"));
    [
        line("store", store, unwell),
        line("cards_stopped", cards, stopped),
        line("printer", ports, troubled.iter().map(|port| port.id.clone()).collect()),
    ]
}

/// Every batch of this day has ended, and no stored sale of it waits. The word of the state alone does not say so: `balanced` is also the
/// verdict of a batch whose end is not yet answered.
fn settled(day: &DayView) -> bool {
    !matches!(day.state.as_str(), "open" | "cut") && day.settlement.iter().all(|s| s.rung == "ended")
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysParams {
    /// Days below this Z number: what the last page gave as its cursor.
    #[param(minimum = 1)]
    cursor: Option<u32>,
    /// At most this many.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// `GET /v1/days?cursor&limit`: days, the newest first, beginning with the open one.
#[utoipa::path(get, path = "/v1/days", operation_id = "listDays", tag = "day", params(DaysParams), responses((status = 200, description = "days", body = List<DaySummary>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Params(params): Params<DaysParams>,
) -> Result<Json<List<DaySummary>>, Problem> {
    let limit = params.limit.unwrap_or(31);
    if !(1..=100).contains(&limit) {
        return Err(Problem::bad("limit must be 1 to 100"));
    }
    let open = day(&api, WhichDay::Open).await?;
    let mut next = params.cursor.unwrap_or(open.z_number.saturating_add(1)).min(open.z_number.saturating_add(1));
    let mut items = Vec::new();
    while next > 1 && items.len() < limit as usize {
        next -= 1;
        if next == open.z_number {
            items.push(DaySummary::from(&open));
            continue;
        }
        match day(&api, WhichDay::Z(next)).await {
            Ok(view) => items.push(DaySummary::from(&view)),
            // Older than the store's first day.
            Err(reject) if reject.refusal == Refusal::UnknownDay => break,
            Err(reject) => return Err(reject.into()),
        }
    }
    let next_cursor = (items.len() == limit as usize && next > 1).then(|| next.to_string());
    Ok(Json(List { items, next_cursor }))
}

/// `GET /v1/hours/{day}`: a day's takings by hour, by the store's own clock.
#[utoipa::path(get, path = "/v1/hours/{day}", operation_id = "getHours", tag = "day", params(("day" = String, Path, description = "`2026-11-20`, a Z number such as `Z17`, or `open`", example = "open")), responses((status = 200, description = "its hours", body = HoursView)))]
pub(super) async fn by_hour(State(api): State<Arc<Api>>, Name(name): Name) -> Result<Json<HoursView>, Problem> {
    let date = day(&api, which(&name)?).await?.business_date;
    Ok(Json(api.blocking(move |desk| desk.hours(date)).await?))
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

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportParams {
    /// `text`, `json`, `csv`, `png`, `pdf`, `escpos` or `html`; without it `json`.
    #[param(pattern = "^(text|json|csv|png|pdf|escpos|html)$")]
    format: Option<String>,
    /// Without it that of whoever has logged in, else the store's.
    lang: Option<Lang>,
    /// Characters across; without it 48.
    #[param(minimum = 24, maximum = 80)]
    columns: Option<u8>,
}

fn format(word: &str) -> Option<(ReportFormat, &'static str)> {
    Some(match word {
        "text" => (ReportFormat::Text, "text/plain; charset=utf-8"),
        "json" => (ReportFormat::Json, "application/json"),
        "csv" => (ReportFormat::Csv, "text/csv; charset=utf-8"),
        "png" => (ReportFormat::Png, "image/png"),
        "pdf" => (ReportFormat::Pdf, "application/pdf"),
        "escpos" => (ReportFormat::Escpos, "application/octet-stream"),
        "html" => (ReportFormat::Html, "text/html; charset=utf-8"),
        _ => return None,
    })
}

/// `GET /v1/reports/{day}?format=text|json|csv|png|pdf|escpos|html&lang=zh|en&columns=48`
#[utoipa::path(get, path = "/v1/reports/{day}", operation_id = "getReport", tag = "day", params(("day" = String, Path, description = "`2026-11-20`, a Z number such as `Z17`, or `open`", example = "open"), ReportParams), responses((status = 200, description = "the report in the form asked for", content((DayView = "application/json"), (String = "text/plain"), (String = "text/csv"), (String = "text/html"), (Vec<u8> = "image/png"), (Vec<u8> = "application/pdf"), (Vec<u8> = "application/octet-stream")))))]
pub(super) async fn report(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Params(params): Params<ReportParams>,
) -> Result<Response, Problem> {
    let (format, kind) = format(params.format.as_deref().unwrap_or("json"))
        .ok_or_else(|| Problem::bad("format must be one of text, json, csv, png, pdf, escpos, html"))?;
    let columns = params.columns.unwrap_or(48);
    if !(24..=80).contains(&columns) {
        return Err(Problem::bad("columns must be 24 to 80"));
    }
    let view = day(&api, which(&name)?).await?;
    if format == ReportFormat::Json {
        return Ok(Json(view).into_response());
    }
    let lang = match (params.lang, &caller) {
        (Some(lang), _) => lang,
        (None, Caller::Person(person, _)) => api.lang_of(person).await,
        (None, _) => api.lang,
    };
    let bytes = api.blocking(move |desk| desk.report(&view, format, lang, columns)).await?;
    let mut response = file(bytes, kind);
    if format == ReportFormat::Html {
        // Its own style stands in it; nothing else may be loaded or run.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    Ok(response)
}

/// `POST /v1/terminals/{id}/settle`: settles this terminal's batch now.
#[utoipa::path(post, path = "/v1/terminals/{id}/settle", operation_id = "settleTerminal", tag = "day", params(("id" = String, Path, description = "the terminal: `POS1`", example = "POS1")), request_body = Option<Nothing>, responses((status = 200, description = "as asked", body = Done)))]
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
