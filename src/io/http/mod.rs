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

/// Every route of the contract, one line each: the router, and in tests the description that they make together.
macro_rules! routes {
    ($($method:ident $path:literal => $part:ident::$handler:ident,)*) => {
        fn contract() -> Router<Arc<Api>> {
            Router::new()$(.route($path, axum::routing::$method($part::$handler)))*
        }

        #[cfg(test)]
        const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        #[cfg(test)]
        fn described() -> utoipa::openapi::OpenApi {
            utoipa_axum::router::OpenApiRouter::<Arc<Api>>::new()$(.routes(utoipa_axum::routes!($part::$handler)))*.into_openapi()
        }
    };
}

routes! {
    post "/v1/payments" => pay::make,
    get "/v1/payments" => payments::list,
    get "/v1/payments/{id}" => payments::one,
    get "/v1/payments/{id}/story" => payments::story,
    post "/v1/payments/{id}/cancel" => payments::cancel,
    post "/v1/shifts/open" => shifts::open,
    post "/v1/shifts/pay-in" => shifts::pay_in,
    post "/v1/shifts/pay-out" => shifts::pay_out,
    post "/v1/shifts/count" => shifts::count,
    post "/v1/shifts/hand-over" => shifts::hand_over,
    post "/v1/shifts/close" => shifts::close,
    post "/v1/drawers/open" => shifts::open_drawer,
    get "/v1/day" => days::now,
    post "/v1/day/close" => days::close,
    get "/v1/day/checklist" => days::checklist,
    get "/v1/days" => days::list,
    get "/v1/hours/{day}" => days::by_hour,
    get "/v1/reports/{day}" => days::report,
    post "/v1/terminals/{id}/settle" => days::settle,
    get "/v1/exceptions" => exceptions::list,
    post "/v1/exceptions/{id}/resolve" => exceptions::resolve,
    post "/v1/cashiers" => people::add,
    get "/v1/cashiers" => people::list,
    post "/v1/cashiers/{id}" => people::change,
    post "/v1/statements" => statements::upload,
    get "/v1/statements" => statements::list,
    get "/v1/cases" => cases::list,
    get "/v1/cases/{id}" => cases::one,
    post "/v1/cases/{id}/take" => cases::take,
    post "/v1/cases/{id}/note" => cases::note,
    post "/v1/cases/{id}/resolve" => cases::resolve,
    post "/v1/cases/{id}/reopen" => cases::reopen,
    get "/v1/transfers" => transfers::list,
    post "/v1/payments/{id}/transfer" => transfers::step,
    post "/v1/transfers/send" => transfers::send,
    post "/v1/transfers/answers" => transfers::answers,
    post "/v1/cards" => cards::take,
    post "/v1/print" => machine::print,
    post "/v1/printers/resume" => machine::resume,
    post "/v1/session" => session::log_in,
    get "/v1/session" => session::who,
    post "/v1/session/end" => session::log_out,
    get "/v1/events" => events::stream,
    get "/v1/openapi.json" => openapi::document,
    get "/healthz" => machine::health,
    get "/metrics" => metrics::text,
}

/// All of it: the contract, the console, and what stands before both.
fn router(api: Arc<Api>) -> Router {
    let routes = contract().route("/v1/statements/judged", axum::routing::post(statements::judged));
    console::pages(routes)
        .fallback(async || Problem::from(Refusal::NotFound))
        .method_not_allowed_fallback(async |method: axum::http::Method| {
            Problem::from(Refusal::MethodNotAllowed.with("method", method))
        })
        .layer(axum::middleware::from_fn_with_state(api.clone(), guard::guard))
        .layer(axum::middleware::from_fn(body::unread))
        .with_state(api)
}
