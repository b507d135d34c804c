//! The local API: HTTP and JSON on a Unix socket and on loopback.
//!
//! Owns its two listeners and nothing else. Talks to the daemon through [`Desk`] alone: it decides nothing, stores nothing, and never
//! learns how a payment is made. Card data pass through it in the secret types, and stand in no answer, log line or error text.
//!
//! What keeps it safe: on the socket, file permissions and peer credentials; on loopback, a bearer token, an exact list of Hosts, Origin
//! and Sec-Fetch-Site. Nothing is changed by a GET. Connections, headers, bodies and waiting times have bounds.

mod answer;
mod api;
mod body;
pub mod client;
mod days;
mod door;
mod exceptions;
mod guard;
mod machine;
mod metrics;
mod pay;
mod pay_body;
mod payments;
mod people;
mod problem;
mod secrets;
mod shifts;
mod statements;
mod token;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::core::domain::{Lang, Refusal};
use crate::core::ports::Desk;

use api::Api;
pub use door::{Door, DoorError};
pub use problem::Problem;

/// What the API is started with.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The Unix socket; made with mode 0660.
    pub socket: Option<PathBuf>,
    /// A loopback address; port 0 takes a free one (see [`Door::tcp_address`]).
    pub listen: Option<SocketAddr>,
    /// The bearer token's file; needed with `listen`, made with mode 0600 where absent.
    pub token_file: Option<PathBuf>,
    /// How long the acquirer may take to answer; a payment is answered at most five seconds later.
    pub timeout_ms: u64,
    /// The store's language: reports come in it where the request names none.
    pub lang: Lang,
}

/// Serves the API until `shutdown` ends, then lets requests under way finish (at most ten seconds).
/// Binds first: fails where the socket or the port is taken or the token cannot be read.
pub async fn serve(
    desk: Arc<dyn Desk>,
    options: ApiOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), DoorError> {
    Door::bind(&options)?.serve(desk, shutdown).await;
    Ok(())
}

/// Every route of the contract, one line each.
fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/payments", post(pay::make).get(payments::list))
        .route("/v1/payments/{id}", get(payments::one))
        .route("/v1/payments/{id}/story", get(payments::story))
        .route("/v1/payments/{id}/cancel", post(payments::cancel))
        .route("/v1/shifts/open", post(shifts::open))
        .route("/v1/shifts/pay-in", post(shifts::pay_in))
        .route("/v1/shifts/pay-out", post(shifts::pay_out))
        .route("/v1/shifts/count", post(shifts::count))
        .route("/v1/shifts/hand-over", post(shifts::hand_over))
        .route("/v1/shifts/close", post(shifts::close))
        .route("/v1/drawers/open", post(shifts::open_drawer))
        .route("/v1/day", get(days::now))
        .route("/v1/day/close", post(days::close))
        .route("/v1/reports/{day}", get(days::report))
        .route("/v1/terminals/{id}/settle", post(days::settle))
        .route("/v1/exceptions", get(exceptions::list))
        .route("/v1/exceptions/{id}/resolve", post(exceptions::resolve))
        .route("/v1/cashiers", post(people::add))
        .route("/v1/statements", post(statements::note))
        .route("/v1/print", post(machine::print))
        .route("/v1/printers/resume", post(machine::resume))
        .route("/healthz", get(machine::health))
        .route("/metrics", get(metrics::text))
        .fallback(async || Problem::from(Refusal::NotFound))
        .method_not_allowed_fallback(async |method: axum::http::Method| {
            Problem::from(Refusal::MethodNotAllowed.with("method", method))
        })
        .layer(axum::middleware::from_fn_with_state(api.clone(), guard::guard))
        .with_state(api)
}
