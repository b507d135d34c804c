//! Transfer orders: refunds that find another way, because the channel refused the original one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::answer::{Json, List, file};
use super::api::Api;
use super::body::{Asked, Name};
use super::problem::Problem;
use super::secrets;
use crate::core::domain::{CashierId, LONGEST_WORDS, PaymentId, Pin, Refusal, Role, TransferStep, shown_words};
use crate::core::journal::TransferAnswer;
use crate::core::ports::{Command, PaymentView, TransferLineView, TransferMove};
use crate::core::transfer::file::{BankLine, Said};

/// `GET /v1/transfers`: those that are not ended, and those of the open day.
#[utoipa::path(get, path = "/v1/transfers", operation_id = "listTransfers", tag = "transfers", responses((status = 200, description = "as asked", body = List<TransferLineView>)))]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<List<TransferLineView>>, Problem> {
    Ok(Json(List::whole(api.ask_soon(|desk, respond| desk.transfers(respond)).await?)))
}

/// Where an order goes, or that its money came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goes {
    Approved,
    Withdrawn,
    Accepted,
    Succeeded,
    Failed,
    Unknown,
    Returned,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TransferStepBody)]
#[serde(deny_unknown_fields)]
pub(super) struct StepBody {
    to: Goes,
    /// A manager: to approve, another one than who asked for it.
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    /// The bank's own number.
    #[serde(default)]
    reference: String,
    /// The bank's code.
    #[serde(default)]
    code: String,
    /// What it rests on, in words.
    #[serde(default)]
    note: String,
}

impl Goes {
    /// `None`: its money came back.
    fn step(self) -> Option<TransferStep> {
        Some(match self {
            Goes::Approved => TransferStep::Approved,
            Goes::Withdrawn => TransferStep::Withdrawn,
            Goes::Accepted => TransferStep::Accepted,
            Goes::Succeeded => TransferStep::Succeeded,
            Goes::Failed => TransferStep::Failed,
            Goes::Unknown => TransferStep::Unknown,
            Goes::Returned => return None,
        })
    }
}

/// Words that may be absent.
fn perhaps(name: &str, text: &str) -> Result<String, Problem> {
    if text.trim().is_empty() { Ok(String::new()) } else { Ok(shown_words(name, text, LONGEST_WORDS)?) }
}

/// `POST /v1/payments/{id}/transfer` with `{"to","by","pin","reference"?,"code"?,"note"?}`: a manager moves a transfer order.
#[utoipa::path(post, path = "/v1/payments/{id}/transfer", operation_id = "moveTransfer", tag = "transfers", params(("id" = PaymentId, Path, description = "the order")), request_body = StepBody, responses((status = 200, description = "the order as it is now", body = PaymentView)))]
pub(super) async fn step(
    State(api): State<Arc<Api>>,
    Name(name): Name,
    Asked(body): Asked<StepBody>,
) -> Result<Json<Box<PaymentView>>, Problem> {
    let payment = PaymentId::parse(&name).ok_or_else(|| Refusal::UnknownPayment.with("payment", &name))?;
    let answer = TransferAnswer {
        reference: perhaps("reference", &body.reference)?,
        code: perhaps("code", &body.code)?,
        text: perhaps("note", &body.note)?,
    };
    let by = Some(api.approve(body.by, body.pin, &[Role::Manager]).await?);
    let said = !(answer.reference.is_empty() && answer.code.is_empty() && answer.text.is_empty());
    let command = match body.to.step() {
        Some(to) => Command::MoveTransfer(TransferMove { payment, to, by, answer: said.then_some(answer) }),
        None => Command::ReturnTransfer { payment, by, answer },
    };
    api.submit(command).await?;
    Ok(Json(Box::new(api.read_back(move |desk| desk.payment(payment)).await?)))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SendTransfersBody)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
}

/// `POST /v1/transfers/send` with `{"by","pin"}`: the file for the bank (CSV). What is approved is journaled as sent before it stands in the file;
/// what was sent and never answered stands in it again, under its number.
#[utoipa::path(post, path = "/v1/transfers/send", operation_id = "sendTransfers", tag = "transfers", request_body = SendBody, responses((status = 200, description = "the file for the bank", body = String, content_type = "text/csv")))]
pub(super) async fn send(State(api): State<Arc<Api>>, Asked(body): Asked<SendBody>) -> Result<Response, Problem> {
    api.approve(body.by, body.pin, &[Role::Manager]).await?;
    let listed = api.blocking(|desk| desk.payees()).await?.into_iter().map(|payee| payee.id).collect();
    api.submit(Command::SendTransfers { listed }).await?;
    Ok(file(api.blocking(|desk| desk.transfer_file()).await?, "text/csv; charset=utf-8"))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TransferAnswersBody)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswersBody {
    by: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
    /// The bank's file: `order_no,status,reference[,amount,code,text]`.
    csv: String,
}

/// What became of one line of the bank's file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct AnswerResult {
    /// The line in the file.
    line: u64,
    /// The order.
    payment: String,
    /// Where it stands now.
    step: Option<TransferStep>,
    /// The refusal's code, where the line was not taken.
    refused: Option<String>,
    /// Why, for people.
    why: Option<String>,
}

/// `POST /v1/transfers/answers` with `{"by","pin","csv"}`: the bank's answers. The same file again changes nothing.
#[utoipa::path(post, path = "/v1/transfers/answers", operation_id = "answerTransfers", tag = "transfers", request_body = AnswersBody, responses((status = 200, description = "line by line", body = List<AnswerResult>)))]
pub(super) async fn answers(
    State(api): State<Arc<Api>>,
    Asked(body): Asked<AnswersBody>,
) -> Result<Json<List<AnswerResult>>, Problem> {
    api.approve(body.by, body.pin, &[Role::Manager]).await?;
    let text = body.csv;
    let lines = api.blocking(move |desk| desk.read_transfer_answers(text.as_bytes())).await?;
    let mut results = Vec::with_capacity(lines.len());
    for line in lines {
        results.push(one(&api, line).await?);
    }
    Ok(Json(List::whole(results)))
}

async fn one(api: &Arc<Api>, line: BankLine) -> Result<AnswerResult, Problem> {
    let payment = line.payment;
    let mut result =
        AnswerResult { line: line.line, payment: payment.to_string(), step: None, refused: None, why: None };
    let known = api.read_back(move |desk| desk.payment(payment)).await;
    let taken = match known {
        Err(reject) => Err(reject),
        // Another sum than ours is no answer to our order.
        Ok(view) if line.amount.is_some_and(|amount| amount != view.amount) => Err(Refusal::BadRequest
            .with("what", format!("the file says {}, the order {}", line.amount.unwrap_or_default(), view.amount))),
        Ok(_) => {
            let (by, answer) = (None, line.answer);
            let command = match line.said {
                Said::Step(to) => Command::MoveTransfer(TransferMove { payment, to, by, answer: Some(answer) }),
                Said::Returned => Command::ReturnTransfer { payment, by, answer },
            };
            api.submit(command).await.map(drop)
        }
    };
    if let Err(reject) = taken {
        result.refused = Some(reject.refusal.code().to_owned());
        result.why = Some(reject.sentence().in_lang(api.lang).to_owned());
    }
    if let Ok(view) = api.read_back(move |desk| desk.payment(payment)).await {
        result.step = view.transfer.map(|transfer| transfer.step);
    }
    Ok(result)
}
