//! Statements of the other side: taken in as a file, or as `tilld reconcile` has judged one; and which there are.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::answer::Json;
use super::api::Api;
use super::body::{Params, bounded};
use super::guard::Caller;
use super::problem::Problem;
use crate::core::domain::{Refusal, Role, read_json};
use crate::core::ports::{
    Command, Page, Reply, StatementJudged, StatementNoted, StatementRow, StatementUpload, StatementView,
};

/// No statement speaks for more days.
const MAX_DAYS: usize = 400;
/// Findings have some 600 bytes, and there are at most [`crate::core::suspense::MOST_OF_A_STATEMENT`]; what waits has some 130, what it has with money
/// some four: a million rows.
const MAX_JUDGED: usize = 8 * 1024 * 1024;
/// How long the next part of an upload may take.
const PART_TIME: Duration = Duration::from_secs(30);
/// How long all of them may: the largest statement that a store takes, on a slow line.
const WHOLE_TIME: Duration = Duration::from_secs(300);
/// So many parts wait between the socket and the disk.
const PARTS: usize = 8;

/// `POST /v1/statements/judged`: `tilld reconcile` notes a statement that it has judged. Only whoever may open the store's files has judged one.
pub(super) async fn judged(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<StatementNoted>, Problem> {
    if caller != Caller::Owner {
        return Err(Refusal::Unauthorized.into());
    }
    let (parts, body) = request.into_parts();
    let bytes = bounded(&parts, body, MAX_JUDGED).await?;
    let judged: StatementJudged = read_json(&bytes).map_err(Problem::bad)?;
    let note = &judged.note;
    if note.days.is_empty() || note.days.len() > MAX_DAYS || note.name.len() > 255 || note.format.len() > 64 {
        return Err(Problem::bad("a statement has 1 to 400 days, and names of at most 255 and 64 bytes"));
    }
    match api.submit(Command::Statement(Box::new(judged))).await? {
        Reply::Statement(noted) => Ok(Json(*noted)),
        _ => Err(Refusal::Busy.into()),
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadParams {
    /// The file's name, for people.
    #[param(max_length = 255)]
    name: Option<String>,
    /// tilld-acquirer, wechat-pay, alipay, unionpay-zm; without it the file itself tells.
    #[param(max_length = 64)]
    format: Option<String>,
}

/// `POST /v1/statements?name&format`: the file is the body, as it is. It is taken in whole, judged, and its cases are opened; the same file again
/// changes nothing.
#[utoipa::path(post, path = "/v1/statements", operation_id = "takeStatement", tag = "cases", params(UploadParams), request_body(content = String, content_type = "application/octet-stream", description = "the statement's bytes"), responses((status = 200, description = "as asked", body = StatementView)))]
pub(super) async fn upload(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<UploadParams>,
    request: Request,
) -> Result<Json<StatementView>, Problem> {
    if let Caller::Person(_, role) = &caller
        && *role == Role::Cashier
    {
        return Err(Refusal::ManagerRequired.into());
    }
    let name = params.name.unwrap_or_else(|| "upload".to_owned());
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return Err(Problem::bad("name must be 1 to 255 bytes without control characters"));
    }
    // A page of another site can send a form, and a form only; who posts a statement says what it is.
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "application/octet-stream" | "text/csv") {
        return Err(Problem::bad("Content-Type must be application/octet-stream or text/csv"));
    }
    let (sender, receiver) = mpsc::channel(PARTS);
    let format = params.format;
    let judge = api.take_in(move |desk| {
        let mut body = Parts { receiver, part: Bytes::new(), ended: false };
        desk.take_statement(StatementUpload { name: &name, format: format.as_deref(), body: &mut body })
    });
    let (view, ()) = tokio::join!(judge, pump(request.into_body(), sender));
    Ok(Json(view?))
}

/// From the socket to whoever reads, a few parts ahead; ends where either side does, and in time. An empty part says that the body was whole: where this is broken off,
/// as when the daemon stops, nobody says so.
async fn pump(mut body: Body, sender: mpsc::Sender<Result<Bytes, String>>) {
    let ends = Instant::now() + WHOLE_TIME;
    loop {
        let part = match tokio::time::timeout_at(ends.min(Instant::now() + PART_TIME), body.frame()).await {
            Ok(None) => {
                let _ = sender.send(Ok(Bytes::new())).await;
                return;
            }
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if !data.is_empty() => Ok(data),
                _ => continue,
            },
            Ok(Some(Err(_))) => Err("the body ended early".to_owned()),
            Err(_) => Err("the body did not arrive in time".to_owned()),
        };
        let broken = part.is_err();
        if sender.send(part).await.is_err() || broken {
            return;
        }
    }
}

/// The parts of a body, as something to read from a thread of its own.
struct Parts {
    receiver: mpsc::Receiver<Result<Bytes, String>>,
    part: Bytes,
    ended: bool,
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.part.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Ok(part)) => (self.ended, self.part) = (part.is_empty(), part),
                Some(Err(why)) => return Err(std::io::Error::other(why)),
                None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let n = self.part.len().min(into.len());
        into[..n].copy_from_slice(&self.part.split_to(n));
        Ok(n)
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementParams {
    /// What the last page gave as `next_cursor`.
    #[param(minimum = 1)]
    cursor: Option<u32>,
    /// At most this many, 1 to 500; 100 without it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// `GET /v1/statements`: those that were judged, newest first.
#[utoipa::path(get, path = "/v1/statements", operation_id = "listStatements", tag = "cases", params(StatementParams), responses((status = 200, description = "as asked", body = Page<StatementRow>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Params(params): Params<StatementParams>,
) -> Result<Json<Page<StatementRow>>, Problem> {
    let limit = params.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad("limit must be 1 to 500"));
    }
    Ok(Json(api.blocking(move |desk| desk.statements(params.cursor, limit)).await?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(parts: Vec<Result<Bytes, String>>) -> std::io::Result<String> {
        let (sender, receiver) = mpsc::channel(PARTS);
        parts.into_iter().for_each(|part| sender.try_send(part).unwrap());
        drop(sender);
        let mut text = String::new();
        Parts { receiver, part: Bytes::new(), ended: false }.read_to_string(&mut text).map(|_| text)
    }

    /// The daemon stops while a statement is taken: what was read so far is no statement.
    #[test]
    fn a_body_that_is_broken_off_is_not_taken_for_a_whole_one() {
        let part = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        assert_eq!(read(vec![part("a,b\n"), part("c\n"), part("")]).unwrap(), "a,b\nc\n");
        assert_eq!(read(vec![part("a,b\n"), part("c\n")]).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        assert_eq!(read(vec![]).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        assert!(read(vec![part("a"), Err("the body ended early".into())]).is_err());
    }
    /// A byte whenever the next part is nearly late.
    struct Drip(tokio::time::Interval);

    impl axum::body::HttpBody for Drip {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<std::io::Result<hyper::body::Frame<Bytes>>>> {
            self.0.poll_tick(cx).map(|_| Some(Ok(hyper::body::Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_ends_in_time() {
        let (sender, mut receiver) = mpsc::channel(PARTS);
        let begun = Instant::now();
        let drip = Body::new(Drip(tokio::time::interval(PART_TIME - Duration::from_secs(1))));
        let read = async {
            let mut last = None;
            while let Some(part) = receiver.recv().await {
                last = Some(part);
            }
            last
        };
        let ((), last) = tokio::join!(pump(drip, sender), read);
        assert_eq!(last, Some(Err("the body did not arrive in time".to_owned())));
        assert_eq!(begun.elapsed(), WHOLE_TIME);
    }
}
