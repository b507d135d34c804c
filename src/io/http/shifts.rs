//! Shifts and drawers. A count is blind: its answer never says what was expected.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::answer::Json;
use super::api::Api;
use super::body::Asked;
use super::guard::Caller;
use super::pay_body::Amount;
use super::problem::Problem;
use super::secrets::Approval;
use crate::core::domain::{
    CashierId, Denomination, LONGEST_WORDS, Minor, Refusal, Reject, Role, TerminalId, shown_words,
};
use crate::core::ports::{Command, PrintWhat, Reply, ShiftView, WhichDay};

/// What a shift command answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Done {
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<u32>,
}

async fn run(api: &Api, command: Command) -> Result<Json<Done>, Problem> {
    let shift = match api.submit(command).await? {
        Reply::Shift(number) => Some(number.0),
        _ => None,
    };
    Ok(Json(Done { done: true, shift }))
}

/// Cash that was put in, taken out or counted: never negative; zero where `zero` allows it.
fn cash(Amount(amount): Amount, zero: bool) -> Result<Minor, Reject> {
    match amount.0 {
        0 if zero => Ok(amount),
        n if n <= 0 => Err(Refusal::AmountInvalid.into()),
        n if n > Minor::MAX_ISO.0 => Err(Refusal::AmountTooLarge.with("limit", Minor::MAX_ISO)),
        _ => Ok(amount),
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = OpenShiftBody)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenBody {
    cashier: CashierId,
    device: Option<TerminalId>,
    float: Option<Amount>,
}

/// `POST /v1/shifts/open` with `{"cashier","device"?,"float"?}`
#[utoipa::path(post, path = "/v1/shifts/open", operation_id = "openShift", tag = "shifts", request_body = OpenBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn open(State(api): State<Arc<Api>>, Asked(body): Asked<OpenBody>) -> Result<Json<Done>, Problem> {
    let float = cash(body.float.unwrap_or(Amount(Minor::ZERO)), true)?;
    if body.device.is_none() && float != Minor::ZERO {
        return Err(Problem::bad("a float needs the device whose drawer it lies in"));
    }
    run(&api, Command::OpenShift { cashier: body.cashier, device: body.device, float }).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CashBody {
    cashier: CashierId,
    device: TerminalId,
    amount: Amount,
    reason: String,
}

/// `POST /v1/shifts/pay-in` with `{"cashier","device","amount","reason"}`
#[utoipa::path(post, path = "/v1/shifts/pay-in", operation_id = "payIn", tag = "shifts", request_body = CashBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn pay_in(State(api): State<Arc<Api>>, Asked(body): Asked<CashBody>) -> Result<Json<Done>, Problem> {
    move_cash(&api, body, false).await
}

/// `POST /v1/shifts/pay-out` with the same body; the amount is positive here too.
#[utoipa::path(post, path = "/v1/shifts/pay-out", operation_id = "payOut", tag = "shifts", request_body = CashBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn pay_out(State(api): State<Arc<Api>>, Asked(body): Asked<CashBody>) -> Result<Json<Done>, Problem> {
    move_cash(&api, body, true).await
}

async fn move_cash(api: &Api, body: CashBody, out: bool) -> Result<Json<Done>, Problem> {
    let amount = cash(body.amount, false)?;
    let reason = shown_words("reason", &body.reason, LONGEST_WORDS)?;
    let amount = if out { Minor(-amount.0) } else { amount };
    run(api, Command::MoveCash { cashier: body.cashier, device: body.device, amount, reason }).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CountBody {
    cashier: CashierId,
    device: TerminalId,
    /// The sum; with `denominations` it may be left out, and must be theirs where it is not.
    counted: Option<Amount>,
    /// Notes and coins, each value once.
    #[schema(max_items = 40)]
    #[serde(default)]
    denominations: Vec<Denomination>,
    /// A manager who counts for somebody who has gone home; with their approval where the caller is no person.
    by: Option<CashierId>,
    approval: Option<Approval>,
}

/// The sum of a count, given or made of its notes.
fn counted(sum: Option<Amount>, notes: &[Denomination]) -> Result<Minor, Problem> {
    let made = || Denomination::sum(notes).ok_or(Refusal::AmountInvalid);
    match (sum, notes.is_empty()) {
        (None, true) => Err(Problem::bad("give counted, denominations, or both")),
        (None, false) => Ok(cash(Amount(made()?), true)?),
        (Some(sum), _) => Ok(cash(sum, true)?),
    }
}

/// `POST /v1/shifts/count` with `{"cashier","device","counted"}`, or `"denominations":[{"value":10000,"count":3},…]`. Blind: the answer does not
/// say what was expected.
#[utoipa::path(post, path = "/v1/shifts/count", operation_id = "countDrawer", tag = "shifts", request_body = CountBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn count(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Asked(body): Asked<CountBody>,
) -> Result<Json<Done>, Problem> {
    let counted = counted(body.counted, &body.denominations)?;
    let by = acting(&api, &caller, &body.cashier, body.by, body.approval).await?;
    let (cashier, device, notes) = (body.cashier, body.device, body.denominations);
    run(&api, Command::Count { cashier, device, counted, notes, by }).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOverBody {
    to: CashierId,
    device: TerminalId,
    /// As both count it; with `denominations` it may be left out.
    counted: Option<Amount>,
    /// Notes and coins, each value once.
    #[schema(max_items = 40)]
    #[serde(default)]
    denominations: Vec<Denomination>,
}

/// `POST /v1/shifts/hand-over` with `{"to","device","counted"}`
#[utoipa::path(post, path = "/v1/shifts/hand-over", operation_id = "handOver", tag = "shifts", request_body = HandOverBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn hand_over(
    State(api): State<Arc<Api>>,
    Asked(body): Asked<HandOverBody>,
) -> Result<Json<Done>, Problem> {
    let counted = counted(body.counted, &body.denominations)?;
    let (to, device, notes) = (body.to, body.device, body.denominations);
    run(&api, Command::HandOver { to, device, counted, notes }).await
}

/// Who acts on this cashier's shift: a manager who approves or has logged in, else the cashier.
async fn acting(
    api: &Api,
    caller: &Caller,
    cashier: &CashierId,
    by: Option<CashierId>,
    approval: Option<Approval>,
) -> Result<CashierId, Problem> {
    match (by, approval) {
        (by, Some(approval)) => {
            if by.is_some_and(|by| by != approval.manager && by != *cashier) {
                return Err(Problem::bad("by must be the cashier, or the manager who approves"));
            }
            Ok(api.approve(approval.manager, approval.pin, &[Role::Manager]).await?)
        }
        (by, None) => match caller {
            // With a name of their own people act under it alone.
            Caller::Person(person, Role::Manager) if by.as_ref().is_none_or(|by| by == person) => Ok(person.clone()),
            Caller::Person(..) => Err(Refusal::ManagerRequired.into()),
            _ if by.as_ref().is_none_or(|by| by == cashier) => Ok(cashier.clone()),
            _ => Err(Refusal::ManagerRequired.into()),
        },
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CloseShiftBody)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseBody {
    cashier: CashierId,
    by: Option<CashierId>,
    approval: Option<Approval>,
}

/// What closing a shift answers: its drawers with the formula and the over/short.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Closed {
    done: bool,
    /// The shift as it stands in the day; null where it is not there any more.
    shift: Option<ShiftView>,
}

/// `POST /v1/shifts/close` with `{"cashier"}`; somebody else's shift with `"approval":{"manager","pin"}`.
#[utoipa::path(post, path = "/v1/shifts/close", operation_id = "closeShift", tag = "shifts", request_body = CloseBody, responses((status = 200, description = "as asked", body = Closed)))]
pub(super) async fn close(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Asked(body): Asked<CloseBody>,
) -> Result<Json<Closed>, Problem> {
    let by = acting(&api, &caller, &body.cashier, body.by, body.approval).await?;
    let cashier = body.cashier.clone();
    let number = match api.submit(Command::CloseShift { cashier: body.cashier, by }).await? {
        Reply::Shift(number) => Some(number.0),
        _ => None,
    };
    let day = api.ask_soon(|desk, respond| desk.day(WhichDay::Open, respond)).await.ok();
    let mine = |s: &ShiftView| s.closed && s.cashier == cashier && number.is_none_or(|n| n == s.shift);
    let shift = day.and_then(|day| day.shifts.into_iter().rfind(mine));
    Ok(Json(Closed { done: true, shift }))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DrawerBody {
    device: TerminalId,
    cashier: CashierId,
}

/// `POST /v1/drawers/open` with `{"device","cashier"}`: opens a drawer without a payment; journaled.
#[utoipa::path(post, path = "/v1/drawers/open", operation_id = "openDrawer", tag = "shifts", request_body = DrawerBody, responses((status = 200, description = "as asked", body = Done)))]
pub(super) async fn open_drawer(
    State(api): State<Arc<Api>>,
    Asked(body): Asked<DrawerBody>,
) -> Result<Json<Done>, Problem> {
    run(&api, Command::OpenDrawer { device: body.device, by: body.cashier }).await
}

/// Something printed again is journaled, too.
pub(super) async fn reprint(api: &Api, what: PrintWhat, caller: &Caller) -> Result<Json<Done>, Problem> {
    let by = match caller {
        Caller::Person(person, _) => Some(person.clone()),
        _ => None,
    };
    run(api, Command::Reprint { what, by }).await
}
