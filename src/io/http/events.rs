//! `GET /v1/events`: what happens, as server-sent events.
//!
//! One hub a daemon, started by the first listener and ended with the last: it hears of commits, reads the payments that changed, looks at the
//! lines and printers once a second, and tells all. Every queue is bounded; whoever falls behind gets `resync` and asks for what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, watch};

use super::api::Api;
use super::problem::Problem;
use crate::core::domain::{PaymentId, Refusal};
use crate::core::ports::{PaymentView, StatusView};
use crate::io::work;

/// Clients at once.
const SEATS: usize = 32;
/// Events that a slow client may be behind.
const BEHIND: usize = 256;
/// Commits that the hub may be behind.
const COMMITS: usize = 1024;
/// Payments that are read for one telling; with more, everybody is told to look for themselves.
const READ: usize = 200;
/// How often the lines and printers are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A sign of life, and the longest that a client may take for an event.
const ALIVE: Duration = Duration::from_secs(15);

/// One event, written once for all.
type Told = Arc<str>;

fn told(name: &str, data: &Value) -> Told {
    // JSON without line breaks: one data line.
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// Where events come from.
pub(super) struct Hub {
    seats: Arc<Semaphore>,
    running: Mutex<Option<Running>>,
}

/// What a listener takes from the hub.
struct Running {
    events: broadcast::Sender<Told>,
    /// True once commits are heard and the lines have been looked at: what a `hello` says after that, later events go on from.
    ready: watch::Receiver<bool>,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub { seats: Arc::new(Semaphore::new(SEATS)), running: Mutex::default() }
    }
}

impl Hub {
    fn join(&self, api: &Arc<Api>) -> (broadcast::Receiver<Told>, watch::Receiver<bool>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = &*running {
            return (hub.events.subscribe(), hub.ready.clone());
        }
        let ((events, receiver), (is_ready, ready)) = (broadcast::channel(BEHIND), watch::channel(false));
        work::task(run(api.clone(), events.clone(), is_ready));
        *running = Some(Running { events, ready: ready.clone() });
        (receiver, ready)
    }

    fn forget(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Nobody listens: the next one starts a hub of its own.
    fn left(&self) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let alone = running.as_ref().is_none_or(|hub| hub.events.receiver_count() == 0);
        if alone {
            *running = None;
        }
        alone
    }
}

/// Ends when the API closes; never where nobody can close it.
async fn ended(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What was committed, as the writer's thread tells it.
struct Heard {
    head: u64,
    payments: Vec<PaymentId>,
}

async fn run(api: Arc<Api>, sender: broadcast::Sender<Told>, ready: watch::Sender<bool>) {
    let (commits, mut heard) = mpsc::channel(COMMITS);
    let missed = Arc::new(AtomicBool::new(false));
    let lost = missed.clone();
    api.desk.listen(Box::new(move |committed| {
        let heard = Heard { head: committed.head.0, payments: committed.payments.clone() };
        match commits.try_send(heard) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                lost.store(true, Ordering::Relaxed);
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }));
    let mut stopped = api.stopped.clone();
    let mut clock = tokio::time::interval(LOOK);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    if let Ok(status) = api.ask_soon(|desk, respond| desk.status(respond)).await {
        seen.changes(&status);
    }
    let _ = ready.send(true);
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = ended(&mut stopped) => return,
            n = heard.recv_many(&mut batch, COMMITS) => {
                if n == 0 {
                    // Nothing more would be heard: whoever listens comes again, to a hub that does.
                    return api.hub.forget();
                }
                tell_commits(&api, &sender, &mut batch).await;
                // A burst of commits makes one telling, not a hundred reads of the same payment.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            _ = clock.tick() => {
                if api.hub.left() {
                    return;
                }
                if missed.swap(false, Ordering::Relaxed) {
                    let _ = sender.send(told("resync", &json!({"why": "too many commits at once"})));
                }
                if let Ok(status) = api.ask_soon(|desk, respond| desk.status(respond)).await {
                    for event in seen.changes(&status) {
                        let _ = sender.send(event);
                    }
                }
            }
        }
    }
}

async fn tell_commits(api: &Api, sender: &broadcast::Sender<Told>, batch: &mut Vec<Heard>) {
    let head = batch.iter().map(|h| h.head).max().unwrap_or(0);
    let changed: BTreeSet<PaymentId> = batch.drain(..).flat_map(|h| h.payments).collect();
    if changed.len() > READ {
        let _ = sender.send(told("resync", &json!({"why": "too many payments at once"})));
    } else if !changed.is_empty() {
        let read = api.blocking(move |desk| Ok(changed.into_iter().filter_map(|id| desk.payment(id).ok()).collect()));
        let payments: Vec<PaymentView> = read.await.unwrap_or_default();
        for payment in payments {
            let _ = sender.send(told("payment", &json!(payment)));
        }
    }
    let _ = sender.send(told("commit", &json!({"head": head})));
}

/// What was told of lines and ports.
#[derive(Default)]
struct Seen {
    told: Option<BTreeMap<String, Value>>,
}

impl Seen {
    /// Events for what is not as it was; at first, nothing is news.
    fn changes(&mut self, status: &StatusView) -> Vec<Told> {
        let mut now = BTreeMap::new();
        now.insert("health".to_owned(), json!({"health": status.health, "exceptions": status.exceptions}));
        for t in &status.terminals {
            now.insert(format!("line {}", t.terminal), json!(t));
        }
        for p in &status.ports {
            now.insert(format!("port {}", p.id), json!(p));
        }
        let before = self.told.replace(now.clone());
        let Some(before) = before else { return Vec::new() };
        let news = now.iter().filter(|(key, value)| before.get(*key) != Some(value));
        news.map(|(key, value)| told(key.split(' ').next().unwrap_or_default(), value)).collect()
    }
}

/// `GET /v1/events`: `hello`, then `commit` `{"head"}`, `payment` (the whole payment), `line`, `port` and `health` as they change, and `resync`
/// where something may have been missed.
#[utoipa::path(get, path = "/v1/events", operation_id = "listen", tag = "machine", responses((status = 200, description = "server-sent events, without end", content((String = "text/event-stream")))))]
pub(super) async fn stream(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let seat = api.hub.seats.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let (events, mut ready) = api.hub.join(&api);
    // A hub that ended meanwhile was told to: its events end too.
    let _ = ready.wait_for(|ready| *ready).await;
    let status = api.ask_soon(|desk, respond| desk.status(respond)).await?;
    let hello = json!({"head": status.journal.rows, "business_date": status.business_date, "health": status.health});
    let (sender, body) = mpsc::channel(16);
    let _ = sender.try_send(Bytes::from(told("hello", &hello).as_bytes().to_vec()));
    work::task(serve(api.clone(), events, sender, seat));
    let mut response = Response::new(Body::new(Stream(body)));
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// From the hub to one client, until it hangs up, stalls, or the API closes.
async fn serve(
    api: Arc<Api>,
    mut events: broadcast::Receiver<Told>,
    body: mpsc::Sender<Bytes>,
    seat: OwnedSemaphorePermit,
) {
    let _seat = seat;
    let mut stopped = api.stopped.clone();
    loop {
        let text = tokio::select! {
            () = ended(&mut stopped) => return,
            () = body.closed() => return,
            event = tokio::time::timeout(ALIVE, events.recv()) => match event {
                Ok(Ok(event)) => event,
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => told("resync", &json!({"why": "you were too slow"})),
                Ok(Err(broadcast::error::RecvError::Closed)) => return,
                Err(_) => ": here\n\n".into(),
            },
        };
        let sent = body.send_timeout(Bytes::from(text.as_bytes().to_vec()), ALIVE);
        if sent.await.is_err() {
            return;
        }
    }
}

/// A body that ends when its sender does.
struct Stream(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
