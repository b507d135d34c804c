//! Requests: JSON bodies, query parameters and path parts, each strict and within bounds. What is wrong is said with its place.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::core::domain::{Refusal, read_json, without_card_numbers};

/// The largest body. A payment has some 500 bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

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

async fn read(parts: &Parts, body: Body) -> Result<axum::body::Bytes, Problem> {
    bounded(parts, body, MAX_BODY).await
}

/// A body of at most so many bytes.
pub(super) async fn bounded(parts: &Parts, body: Body, limit: usize) -> Result<axum::body::Bytes, Problem> {
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

/// The refusal of a request whose body is not wanted. A small one is taken off the line all the same: over unread bytes the connection would be reset,
/// and the answer with it.
pub(super) async fn unread(request: Request, why: Problem) -> Problem {
    let (parts, body) = request.into_parts();
    let _ = read(&parts, body).await;
    why
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
                Err(Problem::bad(format!("in the address after '?': {}", without_card_numbers(&inner))))
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
