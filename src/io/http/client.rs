//! The API's own client: over the socket, over loopback, or straight to a desk in this process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ApiOptions;
use super::api::Api;
use super::door::{Stream, serve_in_process};
use super::router;
use crate::core::domain::{Lang, Sentence, read_json};
use crate::core::ports::Desk;
use crate::io::work;

/// The largest answer: a day's PDF has some hundred kilobytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// How long an answer may take where the caller names no time: a card that is waited for, and the acquirer.
const PATIENCE: Duration = Duration::from_secs(180);

/// Speaks to one daemon. A connection a request; cheap to clone.
#[derive(Clone)]
pub struct Client {
    target: Target,
    patience: Duration,
}

#[derive(Clone)]
enum Target {
    Socket(PathBuf),
    Tcp { address: SocketAddr, token: Arc<Zeroizing<String>> },
    Desk(Router),
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.target {
            Target::Socket(path) => write!(f, "Client({})", path.display()),
            Target::Tcp { address, .. } => write!(f, "Client({address})"),
            Target::Desk(_) => f.write_str("Client(this process)"),
        }
    }
}

/// Why there is no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens there.
    #[error("no tilld answers at {0}: {1}")]
    NotRunning(String, std::io::Error),
    /// The connection broke, or what came is not HTTP.
    #[error("the connection to tilld failed: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("tilld did not answer in time")]
    Timeout,
    /// A refusal.
    #[error("{}", .0.detail)]
    Refused(ProblemView),
    /// An answer of another shape than was expected.
    #[error("tilld answered {status} with something unexpected: {what}")]
    Shape {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
}

/// A problem+json, read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// English.
    pub detail: String,
    /// Chinese.
    #[serde(default)]
    pub detail_zh: String,
}

impl ProblemView {
    /// The sentence in one language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> String {
        Sentence::new(&self.detail_zh, &self.detail).in_lang(lang).to_owned()
    }
}

/// An answer of any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub body: Bytes,
}

impl Answer {
    /// The answer, or the refusal that it is.
    pub fn ok(self) -> Result<Answer, ClientError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(match read_json(&self.body) {
            Ok(problem) => ClientError::Refused(problem),
            Err(e) => ClientError::Shape { status: self.status, what: e.to_string() },
        })
    }

    /// Its JSON, whatever its status.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        read_json(&self.body).map_err(|e| ClientError::Shape { status: self.status, what: e.to_string() })
    }
}

impl Client {
    /// To the daemon that listens on this socket.
    #[must_use]
    pub fn socket(path: &Path) -> Client {
        Client { target: Target::Socket(path.to_owned()), patience: PATIENCE }
    }

    /// To the daemon that listens here, with its bearer token.
    #[must_use]
    pub fn tcp(address: SocketAddr, token: &str) -> Client {
        let token = Arc::new(Zeroizing::new(token.to_owned()));
        Client { target: Target::Tcp { address, token }, patience: PATIENCE }
    }

    /// To a desk in this process: the same routes, no listener. For commands where no daemon runs.
    #[must_use]
    pub fn desk(desk: Arc<dyn Desk>, options: &ApiOptions) -> Client {
        // Nobody stops this one: it ends with the command.
        let (_, never) = tokio::sync::watch::channel(false);
        Client { target: Target::Desk(router(Arc::new(Api::new(desk, options, never)))), patience: PATIENCE }
    }

    /// The same client, waiting this long for each answer.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Client {
        self.patience = patience;
        self
    }

    /// `GET`; any status is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.send("GET", path, None).await
    }

    /// `POST` with a JSON body; any status is an answer.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, ClientError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|e| ClientError::Broken(format!("the request cannot be written as JSON: {e}")))?;
        self.send("POST", path, Some(bytes)).await
    }

    /// `GET` of JSON; a refusal is an error.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.get(path).await?.ok()?.json()
    }

    /// `POST` and JSON back; a refusal is an error.
    pub async fn post_json<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.post(path, body).await?.ok()?.json()
    }

    async fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Answer, ClientError> {
        match tokio::time::timeout(self.patience, self.try_send(method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Timeout),
        }
    }

    async fn try_send(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Answer, ClientError> {
        let mut request = hyper::Request::builder().method(method).uri(path).header(header::CONNECTION, "close");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request = match &self.target {
            Target::Tcp { address, token } => request
                .header(header::HOST, address.to_string())
                .header(header::AUTHORIZATION, format!("Bearer {}", token.as_str())),
            Target::Socket(_) | Target::Desk(_) => request.header(header::HOST, "tilld"),
        };
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(broken)?;
        match &self.target {
            Target::Socket(path) => {
                let stream = tokio::net::UnixStream::connect(path)
                    .await
                    .map_err(|e| ClientError::NotRunning(path.display().to_string(), e))?;
                exchange(Box::new(stream), request).await
            }
            Target::Tcp { address, .. } => {
                let stream = tokio::net::TcpStream::connect(address)
                    .await
                    .map_err(|e| ClientError::NotRunning(address.to_string(), e))?;
                exchange(Box::new(stream), request).await
            }
            Target::Desk(router) => {
                let (near, far) = tokio::io::duplex(64 * 1024);
                work::task(serve_in_process(Box::new(far), router.clone()));
                exchange(Box::new(near), request).await
            }
        }
    }
}

fn broken(error: impl std::fmt::Display) -> ClientError {
    ClientError::Broken(error.to_string())
}

async fn exchange(stream: Stream, request: hyper::Request<Full<Bytes>>) -> Result<Answer, ClientError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driver = work::task(async move { drop(connection.await) });
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(broken)?.to_bytes();
    driver.abort();
    Ok(Answer { status, content_type, body })
}
