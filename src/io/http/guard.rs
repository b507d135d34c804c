//! Who may come in: what stands before every route.
//!
//! Loopback is no boundary: any web page that a till's browser shows can send requests to it. Hence the exact Host (DNS rebinding), Origin and
//! Sec-Fetch-Site (cross-site requests), and the token. facts: local API safety.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::api::Api;
use super::console;
use super::problem::Problem;
use super::session;
use super::token::Token;
use crate::core::domain::{CashierId, Refusal, Role};

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// On the socket: the daemon's own user, or root. May open the store's files anyway.
    Owner,
    /// On the socket: the socket's group.
    Group,
    /// On loopback with the token.
    Token,
    /// On loopback with the cookie of a log-in: somebody with a name.
    Person(CashierId, Role),
    /// On loopback without either: health, the console's pages and the log-in alone.
    Stranger,
}

/// By which way a connection came; put into each request by the door.
#[derive(Clone)]
pub(super) enum Wire {
    /// The socket; who is at the other end was checked when it was accepted.
    Socket(Caller),
    /// Loopback.
    Tcp(Arc<TcpRules>),
}

/// What a request on loopback must show.
pub(super) struct TcpRules {
    token: Token,
    hosts: Vec<String>,
}

impl TcpRules {
    /// For a listener at this address.
    pub fn new(address: SocketAddr, token: Token) -> TcpRules {
        let port = address.port();
        let mut hosts = vec![address.to_string(), format!("localhost:{port}")];
        if port == 80 {
            hosts.push(address.ip().to_string());
            hosts.push("localhost".to_owned());
        }
        TcpRules { token, hosts }
    }

    fn host_is_ours(&self, request: &Request) -> bool {
        let ours = |host: &str| self.hosts.iter().any(|h| h.eq_ignore_ascii_case(host));
        if request.uri().authority().is_some_and(|a| !ours(a.as_str())) {
            return false;
        }
        let mut hosts = request.headers().get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().is_ok_and(ours),
            _ => false,
        }
    }

    fn origin_is_ours(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().unwrap_or_default();
        origin.strip_prefix("http://").is_some_and(|host| self.hosts.iter().any(|h| h.eq_ignore_ascii_case(host)))
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Some((scheme, token)) = value.to_str().ok().and_then(|v| v.split_once(' ')) else { return false };
        scheme.eq_ignore_ascii_case("bearer") && bool::from(token.trim().as_bytes().ct_eq(self.token.as_bytes()))
    }
}

/// Lets a request in or refuses it; puts the headers on every answer; counts.
pub(super) async fn guard(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_owned());
    let admitted = admit(&api, &request);
    let in_time = api.rates.take(admitted.as_ref().ok(), std::time::Instant::now());
    let mut response = match if in_time { admitted } else { Err(Refusal::TooMany) } {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => {
            // A flood does not fill the log: that it is refused stands in the counters.
            let level = if in_time { log::Level::Warn } else { log::Level::Debug };
            log::log!(
                level,
                "refused {method} {}: {}",
                route.as_deref().unwrap_or("(no such address)"),
                refusal.code()
            );
            Problem::from(refusal).into_response()
        }
    };
    api.counters.count(&method, route.as_deref(), response.status().as_u16());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // The console's page alone brings its own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

fn admit(api: &Api, request: &Request) -> Result<Caller, Refusal> {
    let headers = request.headers();
    let fetch_site = headers.get("sec-fetch-site").map(|v| v.as_bytes());
    if fetch_site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return Err(Refusal::OriginNotAllowed);
    }
    match request.extensions().get::<Wire>() {
        Some(Wire::Socket(caller)) => {
            // No browser speaks to a Unix socket by itself: an Origin here is a proxy's doing.
            if headers.contains_key(header::ORIGIN) { Err(Refusal::OriginNotAllowed) } else { Ok(caller.clone()) }
        }
        Some(Wire::Tcp(rules)) => {
            if !rules.host_is_ours(request) {
                return Err(Refusal::HostNotAllowed);
            }
            if headers.get_all(header::ORIGIN).iter().any(|origin| !rules.origin_is_ours(origin)) {
                return Err(Refusal::OriginNotAllowed);
            }
            if headers.contains_key(header::AUTHORIZATION) {
                return if rules.knows(headers) { Ok(Caller::Token) } else { Err(Refusal::Unauthorized) };
            }
            if let Some((person, role)) = api.sessions.whose(headers) {
                return person_may(request, role).map(|()| Caller::Person(person, role));
            }
            if open_to_strangers(request) { Ok(Caller::Stranger) } else { Err(Refusal::Unauthorized) }
        }
        None => Err(Refusal::Unauthorized),
    }
}

/// What is shown to whoever asks: no figures, no names.
fn open_to_strangers(request: &Request) -> bool {
    let path = request.uri().path();
    if request.method() == Method::POST {
        return path == session::PATH;
    }
    path == "/healthz" || console::serves(path)
}

/// A cookie comes along with every request, so a change must also show that our own page asks for it. Payments are made by POS software;
/// whoever logs in looks, counts, closes and decides.
fn person_may(request: &Request, role: Role) -> Result<(), Refusal> {
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return Ok(());
    }
    let headers = request.headers();
    let our_page = headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin")
        // Checked before: an Origin that is here is ours.
        || headers.contains_key(header::ORIGIN);
    if !our_page {
        return Err(Refusal::OriginNotAllowed);
    }
    match (request.uri().path(), role) {
        ("/v1/payments", _) => Err(Refusal::Unauthorized),
        ("/v1/day/close", Role::Technician) => Err(Refusal::ManagerRequired),
        _ => Ok(()),
    }
}
