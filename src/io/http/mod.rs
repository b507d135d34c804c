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
mod cards;
mod cases;
pub mod client;
mod console;
mod days;
mod door;
mod events;
mod exceptions;
mod guard;
mod machine;
mod metrics;
mod openapi;
mod pay;
mod pay_body;
mod payments;
mod people;
mod problem;
mod rate;
mod schema;
mod secrets;
mod session;
mod shifts;
mod statements;
mod token;
mod transfers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::domain::{Lang, Refusal};
use crate::core::ports::Desk;

use api::Api;
pub use door::{Door, DoorError};
pub use pay_body::read_payment;
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

/// Every route of the contract, one line each, and the description that they make together.
fn router(api: Arc<Api>) -> Router {
    let (routes, description) = OpenApiRouter::new()
        .routes(routes!(pay::make, payments::list))
        .routes(routes!(payments::one))
        .routes(routes!(payments::story))
        .routes(routes!(payments::cancel))
        .routes(routes!(shifts::open))
        .routes(routes!(shifts::pay_in))
        .routes(routes!(shifts::pay_out))
        .routes(routes!(shifts::count))
        .routes(routes!(shifts::hand_over))
        .routes(routes!(shifts::close))
        .routes(routes!(shifts::open_drawer))
        .routes(routes!(days::now))
        .routes(routes!(days::close))
        .routes(routes!(days::checklist))
        .routes(routes!(days::list))
        .routes(routes!(days::by_hour))
        .routes(routes!(days::report))
        .routes(routes!(days::settle))
        .routes(routes!(exceptions::list))
        .routes(routes!(exceptions::resolve))
        .routes(routes!(people::add, people::list))
        .routes(routes!(people::change))
        .route("/v1/statements/judged", axum::routing::post(statements::judged))
        .routes(routes!(statements::upload, statements::list))
        .routes(routes!(cases::list))
        .routes(routes!(cases::one))
        .routes(routes!(cases::take))
        .routes(routes!(cases::note))
        .routes(routes!(cases::resolve))
        .routes(routes!(cases::reopen))
        .routes(routes!(transfers::list))
        .routes(routes!(transfers::step))
        .routes(routes!(transfers::send))
        .routes(routes!(transfers::answers))
        .routes(routes!(cards::take))
        .routes(routes!(machine::print))
        .routes(routes!(machine::resume))
        .routes(routes!(session::log_in, session::who))
        .routes(routes!(session::log_out))
        .routes(routes!(events::stream))
        .routes(routes!(openapi::document))
        .routes(routes!(machine::health))
        .routes(routes!(metrics::text))
        .split_for_parts();
    console::pages(routes)
        .fallback(async || Problem::from(Refusal::NotFound))
        .method_not_allowed_fallback(async |method: axum::http::Method| {
            Problem::from(Refusal::MethodNotAllowed.with("method", method))
        })
        .layer(axum::Extension(openapi::describe(description)))
        .layer(axum::middleware::from_fn_with_state(api.clone(), guard::guard))
        .with_state(api)
}
