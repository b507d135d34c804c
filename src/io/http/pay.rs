//! `POST /v1/payments`: from the body to the answer, with the joining of repeats while one is in flight.
//!
//! A payment goes on when its caller hangs up: it runs in a task of its own, and whoever asks with the same request id waits for that task.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use tokio::sync::watch;
use tokio::time::Instant;

use super::answer::Json;
use super::api::Api;
use super::body::Asked;
use super::pay_body::{Order, PayBody};
use super::problem::Problem;
use crate::core::domain::{CashierId, Currency, Kind, Method, Minor, Refusal, Reject, RequestId, Role, TerminalId};
use crate::core::journal::Original;
use crate::core::ports::{Command, Pay, PaymentView, Presented, Reply};
use crate::io::work;

/// Payments that the door holds at once; the writer's own queue is as long.
const MAX_FLIGHTS: usize = 1024;
/// The desk arms a reader for 60 s, and a PIN may take half a minute more; this is for a desk that does not answer.
const ARMED: Duration = Duration::from_secs(100);
/// What the contract grants beyond the acquirer's timeout.
const GRACE_MS: u64 = 5_000;

/// How far a payment has come.
#[derive(Clone)]
enum Phase {
    /// A PIN is checked, a card is waited for.
    Arming,
    /// The writer was asked at this moment.
    Asked(Instant),
    /// This is the answer.
    Done(Result<Box<PaymentView>, Reject>),
}

/// What must be equal for a repeat to be the same request. Card, code and PIN are no part of it.
#[derive(Clone, PartialEq, Eq)]
struct Facts {
    kind: Kind,
    device: TerminalId,
    cashier: CashierId,
    method: Method,
    amount: Minor,
    currency: Currency,
    original: Option<Original>,
}

impl Facts {
    fn of(pay: &Pay) -> Facts {
        Facts {
            kind: pay.kind,
            device: pay.device.clone(),
            cashier: pay.cashier.clone(),
            method: pay.method,
            amount: pay.amount,
            currency: pay.currency,
            original: pay.original.clone(),
        }
    }
}

struct Flight {
    facts: Facts,
    phase: watch::Receiver<Phase>,
}

/// The payments under way, by request id.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<RequestId, Flight>>);

impl Flights {
    /// Joins the flight of this request, or starts one: then the sender is the caller's to run with.
    fn join(&self, pay: &Pay) -> Result<(watch::Receiver<Phase>, Option<watch::Sender<Phase>>), Reject> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = flights.len() >= MAX_FLIGHTS;
        match flights.entry(pay.request.clone()) {
            Slot::Occupied(flight) if flight.get().facts == Facts::of(pay) => Ok((flight.get().phase.clone(), None)),
            Slot::Occupied(_) => Err(Refusal::RequestConflict.with("request_id", &pay.request)),
            Slot::Vacant(_) if full => Err(Refusal::Busy.into()),
            Slot::Vacant(slot) => {
                let (sender, receiver) = watch::channel(Phase::Arming);
                slot.insert(Flight { facts: Facts::of(pay), phase: receiver.clone() });
                Ok((receiver, Some(sender)))
            }
        }
    }

    fn landed(&self, request: &RequestId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(request);
    }
}

/// Removes the flight even where its task panics.
struct Landing(Arc<Api>, RequestId);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.flights.landed(&self.1);
    }
}

/// `POST /v1/payments`
#[utoipa::path(post, path = "/v1/payments", operation_id = "makePayment", tag = "payments", request_body = PayBody, responses((status = 200, description = "the payment, whatever became of it", body = PaymentView)))]
pub(super) async fn make(
    State(api): State<Arc<Api>>,
    Asked(body): Asked<PayBody>,
) -> Result<Json<Box<PaymentView>>, Problem> {
    let order = body.order()?;
    let request = order.pay.request.clone();
    let (phase, sender) = api.flights.join(&order.pay)?;
    if let Some(sender) = sender {
        let landing = Landing(api.clone(), request.clone());
        work::task(async move {
            let answer = run(&landing.0, order, &sender).await;
            sender.send_replace(Phase::Done(answer));
            drop(landing);
        });
    }
    Ok(Json(wait(&api, phase, &request).await?))
}

/// Waits for the answer, at most as long as the contract says; then gives the payment as it is.
async fn wait(
    api: &Arc<Api>,
    mut phase: watch::Receiver<Phase>,
    request: &RequestId,
) -> Result<Box<PaymentView>, Reject> {
    let armed_until = Instant::now() + ARMED;
    loop {
        let now = phase.borrow_and_update().clone();
        let until = match now {
            Phase::Done(answer) => return answer,
            Phase::Arming => armed_until,
            Phase::Asked(at) => at + Duration::from_millis(api.timeout_ms.saturating_add(GRACE_MS)),
        };
        match tokio::time::timeout_at(until, phase.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return as_it_is(api, request).await,
        }
    }
}

/// The payment as it is now. Where there is none, nothing was journaled so far: the caller repeats with the same id.
async fn as_it_is(api: &Arc<Api>, request: &RequestId) -> Result<Box<PaymentView>, Reject> {
    let request = request.clone();
    let found = api.read_back(move |desk| desk.by_request(&request)).await?;
    found.map(Box::new).ok_or_else(|| Refusal::Busy.into())
}

async fn run(api: &Arc<Api>, order: Order, phase: &watch::Sender<Phase>) -> Result<Box<PaymentView>, Reject> {
    let can_present = order.can_present();
    let wants_card = order.wants_card();
    let Order { mut pay, approval, payee } = order;
    // A request that is known already is answered as it is: neither a card nor a PIN is asked for again.
    let known = (wants_card || approval.is_some() || payee.is_some()) && {
        let request = pay.request.clone();
        api.read_back(move |desk| desk.by_request(&request)).await?.is_some()
    };
    if !known {
        if let Some(approval) = approval {
            pay.approved_by = Some(api.approve(approval.manager, approval.pin, &[Role::Manager]).await?);
        }
        if let Some(id) = payee {
            let list = api.read_back(|desk| desk.payees()).await?;
            let listed = list.into_iter().find(|payee| payee.id == id);
            pay.extra.payee = Some(listed.ok_or_else(|| Refusal::PayeeNotListed.with("payee", &id))?);
        }
        if wants_card {
            pay.presented = Some(present(api, &pay).await?);
        }
    }
    phase.send_replace(Phase::Asked(Instant::now()));
    let request = pay.request.clone();
    let again = (can_present && pay.presented.is_none() && !known).then(|| pay.clone());
    let mut reply = submit(api, pay).await;
    if let (Some(mut pay), Some(Err(reject))) = (again, &reply)
        && reject.refusal == Refusal::NoCard
    {
        // The writer needs the card for this one (a refund whose sealed card is erased).
        phase.send_replace(Phase::Arming);
        pay.presented = Some(present(api, &pay).await?);
        phase.send_replace(Phase::Asked(Instant::now()));
        reply = submit(api, pay).await;
    }
    match reply {
        Some(Ok(Reply::Payment(payment))) => {
            let id = payment.id;
            drop(payment);
            // Journaled already: whatever keeps us from reading it back is no refusal, the caller may ask again.
            let view = api.read_back(move |desk| desk.payment(id)).await.map_err(|_| Refusal::Busy)?;
            Ok(Box::new(view))
        }
        Some(Ok(other)) => {
            log::error!("the writer answered a payment with {other:?}");
            as_it_is(api, &request).await
        }
        Some(Err(reject)) => Err(reject),
        None => as_it_is(api, &request).await,
    }
}

async fn submit(api: &Arc<Api>, pay: Pay) -> Option<Result<Reply, Reject>> {
    api.ask(|desk, respond| desk.submit(Command::Pay(Box::new(pay)), respond)).await
}

async fn present(api: &Arc<Api>, pay: &Pay) -> Result<Presented, Reject> {
    let armed = api.ask(|desk, respond| desk.present(&pay.device, pay.method, respond));
    match tokio::time::timeout(ARMED, armed).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Err(Refusal::Stopping.into()),
        Err(_) => Err(Refusal::NoCard.into()),
    }
}
