//! One connection: bytes to frames, frames to the host, its answers back when they are due.
//!
//! Holds no state of the conversation; that is all in the books. What could not be written is told to the host.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::books::Key;
use super::dialect::Kind;
use super::host::{Action, Host, LAYOUT};
use super::server::Shared;
use crate::core::acquirer::iso8583::Deframer;

/// Answers that wait for their time on one connection; a client that asks for more is cut off.
const MAX_PENDING: usize = 1024;
/// How long a client may take to read an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Something to do on this connection at its time.
struct Due {
    at: Instant,
    bytes: Vec<u8>,
    split: bool,
    of: Option<(Key, Kind)>,
    then_close: bool,
}

/// Serves a connection until either side closes it, or the line goes down.
pub(super) async fn serve(mut stream: TcpStream, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let mut pending = Vec::new();
    converse(&mut stream, &shared, &mut pending).await;
    drop(stream);
    for due in pending {
        if let Some((key, kind)) = due.of {
            let _ = shared.ask(move |host, now| host.undelivered(now, &key, kind)).await;
        }
    }
}

async fn converse(stream: &mut TcpStream, shared: &Shared, pending: &mut Vec<Due>) {
    let mut line = shared.line();
    let mut deframer = Deframer::new(LAYOUT);
    let mut buffer = [0u8; 4096];
    loop {
        let next = pending.iter().map(|due| due.at).min();
        let wait = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = line.changed() => if changed.is_err() || !line.borrow_and_update().is_up() { return },
            () = wait => if !write_due(stream, pending).await { return },
            read = stream.read(&mut buffer) => match read {
                Ok(count) if count > 0 => {
                    deframer.push(buffer.get(..count).unwrap_or_default());
                    if !take_frames(&mut deframer, shared, pending).await { return }
                }
                _ => return,
            },
        }
    }
}

/// Every whole frame to the host. False: this connection must go.
async fn take_frames(deframer: &mut Deframer, shared: &Shared, pending: &mut Vec<Due>) -> bool {
    loop {
        let actions = match deframer.next_frame() {
            Ok(Some(frame)) => shared.ask(move |host, now| host.handle(now, &frame)).await,
            Ok(None) => return pending.len() <= MAX_PENDING,
            Err(error) => {
                let _ = shared.ask(move |host: &mut Host, now| host.unframed(now, &error)).await;
                return false;
            }
        };
        let Some(actions) = actions else { return false };
        let now = Instant::now();
        pending.extend(actions.into_iter().filter_map(|action| due(action, now)));
    }
}

fn due(action: Action, now: Instant) -> Option<Due> {
    match action {
        Action::Book(_) => None,
        Action::Reply { after_ms, bytes, split, of } => {
            Some(Due { at: now + Duration::from_millis(after_ms), bytes, split, of, then_close: false })
        }
        Action::Disconnect { after_ms } => {
            let at = now + Duration::from_millis(after_ms);
            Some(Due { at, bytes: Vec::new(), split: false, of: None, then_close: true })
        }
    }
}

/// Writes what is due, in order. False: this connection must go; what was not written stays in `pending`.
async fn write_due(stream: &mut TcpStream, pending: &mut Vec<Due>) -> bool {
    let now = Instant::now();
    while let Some(index) = pending.iter().position(|due| due.at <= now) {
        let Some(due) = pending.get(index) else { return false };
        let written = timeout(WRITE_TIMEOUT, write(stream, &due.bytes, due.split)).await;
        if !matches!(written, Ok(Ok(()))) {
            return false;
        }
        if pending.remove(index).then_close {
            return false;
        }
    }
    true
}

async fn write(stream: &mut TcpStream, bytes: &[u8], split: bool) -> std::io::Result<()> {
    if !split {
        return stream.write_all(bytes).await;
    }
    for piece in bytes.chunks(7) {
        stream.write_all(piece).await?;
        stream.flush().await?;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
