//! Requests: JSON bodies, query parameters and path parts, each strict and within bounds. What is wrong is said with its place.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::core::domain::{Refusal, read_json};

/// The largest body. A payment has some 500 bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);
/// So much of one that is not wanted is taken off the line, and for so long.
const MAX_UNREAD: u64 = 1024 * 1024;
const UNREAD_TIME: Duration = Duration::from_secs(2);

/// A JSON body; an empty one is `{}`.
pub(super) struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts, body).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Asked);
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::NotJson.into());
        }
        parse(&bytes).map(Asked)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    read_json(bytes).map_err(Problem::bad)
}

async fn read(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    bounded(parts, body, MAX_BODY).await
}

/// A body of at most so many bytes.
pub(super) async fn bounded(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::from(Refusal::TooLarge.with("limit", limit));
    let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(e)) if announced.is_none() => {
            log::debug!("a body was not taken: {e}");
            Err(too_large())
        }
        Ok(Err(_)) => Err(Problem::bad("the body ended early")),
        Err(_) => Err(Problem::bad("the body did not arrive in time")),
    }
}

/// Stands around every route: what a refused request still has on the line is taken off it, where it is small. Over unread bytes the connection would be
/// reset, and the answer with it.
pub(super) async fn unread(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let rest = Shared(Arc::new(Mutex::new(body)));
    let response = next.run(Request::from_parts(parts, Body::new(rest.clone()))).await;
    if response.status().is_client_error() && rest.size_hint().lower() <= MAX_UNREAD {
        let _ = tokio::time::timeout(UNREAD_TIME, drop_rest(rest)).await;
    }
    response
}

async fn drop_rest(mut rest: Shared) {
    let mut more = MAX_UNREAD;
    while let Some(Ok(frame)) = rest.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = more.checked_sub(length) else { return };
        more = left;
    }
}

/// A body of which somebody else may read the rest.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}

/// Query parameters; unknown ones are refused.
pub(super) struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Params(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(e)) => {
                use std::error::Error;
                let inner = e.source().map(ToString::to_string).unwrap_or_default();
                Err(Problem::bad(format!("in the address after '?': {inner}")))
            }
            Err(e) => Err(Problem::bad(e)),
        }
    }
}

/// The one variable part of a path.
pub(super) struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::bad("the address is not UTF-8"))?;
        if name.len() > 64 || name.chars().any(char::is_control) {
            return Err(Problem::bad("a part of the address is longer than 64 bytes or has control characters"));
        }
        Ok(Name(name))
    }
}
