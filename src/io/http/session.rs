//! People who have logged in to the console: a cookie each, kept in memory, so that a restart logs everybody out.
//!
//! The cookie is HttpOnly and SameSite=Strict; what the table holds is its hash. Nobody stays who has not been seen for half an hour, or is
//! here for twelve.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::answer::Json;
use super::api::Api;
use super::body::Asked;
use super::guard::Caller;
use super::payments::Nothing;
use super::problem::Problem;
use super::secrets;
use super::shifts::Done;
use crate::core::domain::{CashierId, Currency, Lang, Pin, Refusal, Role};
use crate::core::ports::WhichDay;

/// The cookie's name.
pub(super) const COOKIE: &str = "tilld_session";
/// Where one logs in.
pub(super) const PATH: &str = "/v1/session";
/// Fetched by a page's own clock or events: does not count as somebody being there.
const BY_ITSELF: &str = "x-tilld-by-itself";
/// Log-ins at once; one more takes the place of the one that was seen longest ago.
const MOST: usize = 64;
const UNSEEN: Duration = Duration::from_secs(30 * 60);
const LONGEST: Duration = Duration::from_secs(12 * 3600);

struct Session {
    person: CashierId,
    role: Role,
    since: Instant,
    seen: Instant,
}

impl Session {
    fn over(&self) -> bool {
        self.seen.elapsed() > UNSEEN || self.since.elapsed() > LONGEST
    }
}

type Hash = [u8; 32];

/// Who is logged in.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Hash, Session>>);

fn hash(token: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// The cookie's value, where there is exactly one.
fn token(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut ours = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = ours.by_ref().filter(|(name, _)| *name == COOKIE);
    match (ours.next(), ours.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

impl Sessions {
    /// Whose cookie this request carries.
    pub fn whose(&self, headers: &HeaderMap) -> Option<(CashierId, Role)> {
        let key = hash(token(headers)?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&key)?.over() {
            all.remove(&key);
            return None;
        }
        let session = all.get_mut(&key)?;
        if !headers.contains_key(BY_ITSELF) {
            session.seen = Instant::now();
        }
        Some((session.person.clone(), session.role))
    }

    fn begin(&self, person: CashierId, role: Role) -> Result<Zeroizing<String>, Refusal> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        ring::rand::SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| Refusal::Busy)?;
        let token: Zeroizing<String> = Zeroizing::new(bytes.iter().map(|b| format!("{b:02x}")).collect());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| !session.over());
        while all.len() >= MOST {
            let Some(oldest) = all.iter().min_by_key(|(_, s)| s.seen).map(|(key, _)| *key) else { break };
            all.remove(&oldest);
        }
        let now = Instant::now();
        all.insert(hash(&token), Session { person, role, since: now, seen: now });
        Ok(token)
    }

    fn end(&self, headers: &HeaderMap) {
        if let Some(token) = token(headers) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(token));
        }
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInBody {
    person: CashierId,
    #[serde(deserialize_with = "secrets::pin")]
    #[schema(value_type = secrets::PinText)]
    pin: Pin,
}

/// Who has logged in, and what their page must know.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Who {
    person: Option<CashierId>,
    role: Option<Role>,
    store: String,
    store_name: String,
    lang: Lang,
    currency: Currency,
    /// Digits after the point.
    exponent: u8,
}

/// `POST /v1/session` with `{"person","pin"}`: logs a manager or technician in to the console. Wrong PINs count towards the lock-out.
#[utoipa::path(post, path = "/v1/session", operation_id = "logIn", tag = "people", request_body = LogInBody, responses((status = 200, description = "in; the cookie is set", body = Who)))]
pub(super) async fn log_in(State(api): State<Arc<Api>>, Asked(body): Asked<LogInBody>) -> Result<Response, Problem> {
    let (person, role) = api.log_in(body.person, body.pin).await.map_err(|reject| match reject.refusal {
        // Strangers do not learn who works here.
        Refusal::UnknownCashier => Refusal::WrongPin.into(),
        _ => reject,
    })?;
    if role == Role::Cashier {
        return Err(Refusal::ManagerRequired.into());
    }
    let token = api.sessions.begin(person.clone(), role)?;
    let mut response = Json(who_is(&api, Some(person), Some(role)).await?).into_response();
    let cookie = Zeroizing::new(format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", *token));
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| Refusal::Busy)?;
    cookie.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn who_is(api: &Api, person: Option<CashierId>, role: Option<Role>) -> Result<Who, Problem> {
    let day = api.ask_soon(|desk, respond| desk.day(WhichDay::Open, respond)).await?;
    let lang = match &person {
        Some(person) => api.lang_of(person).await,
        None => api.lang,
    };
    Ok(Who {
        person,
        role,
        store: day.store,
        store_name: day.store_name,
        lang,
        exponent: day.currency.exponent(),
        currency: day.currency,
    })
}

/// `GET /v1/session`
#[utoipa::path(get, path = "/v1/session", operation_id = "whoAmI", tag = "people", responses((status = 200, description = "who asks; nobody in particular with the bearer token", body = Who)))]
pub(super) async fn who(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Who>, Problem> {
    let (person, role) = match caller {
        Caller::Person(person, role) => (Some(person), Some(role)),
        _ => (None, None),
    };
    Ok(Json(who_is(&api, person, role).await?))
}

/// `POST /v1/session/end`: logs out.
#[utoipa::path(post, path = "/v1/session/end", operation_id = "logOut", tag = "people", request_body = Option<Nothing>, responses((status = 200, description = "out", body = Done)))]
pub(super) async fn log_out(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Asked(Nothing {}): Asked<Nothing>,
) -> Result<Response, Problem> {
    api.sessions.end(&headers);
    let mut response = Json(serde_json::json!({"done": true})).into_response();
    let gone = HeaderValue::from_static("tilld_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(response)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cookie(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(text).unwrap());
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_not_seen_for_long_is_out() {
        let sessions = Sessions::default();
        let person = CashierId::new("M1").unwrap();
        let token = sessions.begin(person.clone(), Role::Manager).unwrap();
        let ours = cookie(&format!("a=b; {COOKIE}={}", *token));
        assert_eq!(sessions.whose(&ours), Some((person, Role::Manager)));
        assert_eq!(sessions.whose(&cookie(&format!("{COOKIE}=0"))), None);
        assert_eq!(sessions.whose(&cookie(&format!("{COOKIE}={0}; {COOKIE}={0}", *token))), None);
        let mut page = ours.clone();
        page.insert(BY_ITSELF, HeaderValue::from_static("1"));
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(9 * 60)).await;
            assert!(sessions.whose(&page).is_some());
        }
        tokio::time::advance(Duration::from_secs(4 * 60)).await;
        assert_eq!(sessions.whose(&ours), None, "a page that fetches by itself is nobody");
    }

    #[test]
    fn one_log_in_too_many_takes_the_oldest_place() {
        let sessions = Sessions::default();
        let first = sessions.begin(CashierId::new("M0").unwrap(), Role::Manager).unwrap();
        for n in 1..=MOST {
            sessions.begin(CashierId::new(&format!("M{n}")).unwrap(), Role::Manager).unwrap();
        }
        assert_eq!(sessions.0.lock().unwrap().len(), MOST);
        assert_eq!(sessions.whose(&cookie(&format!("{COOKIE}={}", *first))), None);
    }
}
