//! Refusals as `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::core::domain::{Refusal, Reject};

/// A refusal on its way out.
#[derive(Debug, Clone)]
pub struct Problem(pub Reject);

impl Problem {
    /// Something in the request is not as it must be; `what` says what and where.
    #[must_use]
    pub fn bad(what: impl ToString) -> Problem {
        Problem(Refusal::BadRequest.with("what", what))
    }

    /// The JSON object.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let sentence = self.0.sentence();
        let code = self.0.refusal.code();
        let facts: serde_json::Map<_, _> =
            self.0.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "type": format!("urn:tilld:problem:{code}"),
            "title": code.replace('_', " "),
            "status": self.0.refusal.status(),
            "code": code,
            "detail": sentence.en,
            "detail_zh": sentence.zh,
            "facts": facts,
        })
    }
}

impl From<Reject> for Problem {
    fn from(reject: Reject) -> Problem {
        Problem(reject)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem(refusal.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.json().to_string()).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        match self.0.refusal {
            Refusal::Unauthorized => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Refusal::Busy | Refusal::TooMany | Refusal::Verifying => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
