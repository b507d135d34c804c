//! One connection to the acquirer for all terminals, where its profile wants that: frames go out as they come from the lanes, whole, and what comes
//! back goes to the terminal that field 41 names. A lane does not know that it shares: it sees a connection that stands, and goes when the one goes.
//!
//! What names no terminal is nobody's: among many it must not be matched by its STAN alone.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::core::acquirer::Profile;
use crate::core::acquirer::iso8583::{Deframer, Frame};
use crate::io::link::{Address, Link};
use crate::io::work;

/// A line that takes nothing for so long is gone.
const WRITE_MS: u64 = 2_000;
/// What may lie between the shared connection and a lane.
const BETWEEN: usize = 64 * 1024;

/// Where a lane asks for its share.
#[derive(Debug, Clone)]
pub struct Shared(mpsc::UnboundedSender<Said>);

/// What reaches the task.
#[derive(Debug)]
enum Said {
    Join { tid: String, answer: oneshot::Sender<io::Result<Link>> },
    Frame(Vec<u8>),
    Left { tid: String, share: u64 },
}

impl Shared {
    /// Starts the task that owns the connection; it is made when the first lane wants it.
    #[must_use]
    pub fn start(
        address: Address,
        profile: Arc<Profile>,
        connect_ms: u64,
        answer_ms: u64,
        stop: watch::Receiver<bool>,
    ) -> Shared {
        let (said, hears) = mpsc::unbounded_channel();
        let task = Task {
            address,
            deframer: Deframer::new(profile.frame),
            profile,
            connect_ms,
            // A terminal counts from a moment before its frame is written here.
            silence: Duration::from_millis(answer_ms - answer_ms / 8),
            young: Duration::from_millis(answer_ms / 8),
            link: None,
            unheard: None,
            shares: BTreeMap::new(),
            made: 0,
            said: said.clone(),
        };
        work::task(task.run(hears, stop));
        Shared(said)
    }

    /// A terminal's share of the connection, which is made if it does not stand.
    pub async fn connect(&self, tid: &str) -> io::Result<Link> {
        let (answer, waits) = oneshot::channel();
        let gone = || io::Error::other("the shared connection's task has ended");
        self.0.send(Said::Join { tid: tid.to_owned(), answer }).map_err(|_| gone())?;
        waits.await.map_err(|_| gone())?
    }
}

struct Task {
    address: Address,
    profile: Arc<Profile>,
    connect_ms: u64,
    /// Without anything heard for so long after a frame, a connection that a terminal gives up is dead.
    silence: Duration,
    /// Somebody else's frame that is so young may be answered yet, and lets it live on: for once as long.
    young: Duration,
    link: Option<Link>,
    /// When the first frame since the last bytes that came was written, and the last one.
    unheard: Option<(Instant, Instant)>,
    deframer: Deframer,
    /// By TID.
    shares: BTreeMap<String, Share>,
    made: u64,
    said: mpsc::UnboundedSender<Said>,
}

/// A terminal's end of the connection. The lane sees it go when both halves are gone: the one here, and the one that its pump reads.
struct Share {
    number: u64,
    to: WriteHalf<DuplexStream>,
    pump: tokio::task::JoinHandle<()>,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// What the task waits for, and what came.
enum Came {
    Said(Option<Said>),
    Read(io::Result<usize>),
}

impl Task {
    async fn run(mut self, mut hears: mpsc::UnboundedReceiver<Said>, mut stop: watch::Receiver<bool>) {
        let mut buffer = vec![0u8; 8192];
        loop {
            let came = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                said = hears.recv() => Came::Said(said),
                result = read(&mut self.link, &mut buffer) => Came::Read(result),
            };
            match came {
                Came::Said(Some(said)) => self.said(said).await,
                Came::Said(None) => return,
                Came::Read(Ok(n)) if n > 0 => self.heard(&buffer[..n]).await,
                Came::Read(_) => self.lost(),
            }
        }
    }

    async fn said(&mut self, said: Said) {
        match said {
            Said::Join { tid, answer } => {
                let joined = self.join(tid).await;
                let _ = answer.send(joined);
            }
            Said::Frame(bytes) => {
                let Some(link) = &mut self.link else { return };
                let written = tokio::time::timeout(Duration::from_millis(WRITE_MS), link.write(&bytes)).await;
                if !matches!(written, Ok(Ok(()))) {
                    return self.lost();
                }
                let now = Instant::now();
                self.unheard = Some((self.unheard.map_or(now, |(first, _)| first), now));
            }
            Said::Left { tid, share } => {
                if self.shares.get(&tid).is_some_and(|known| known.number == share) {
                    self.shares.remove(&tid);
                }
                // A dead connection may never be closed by the other side: the others must not hold it for the one that comes again.
                let dead = |(first, last): (Instant, Instant)| {
                    first.elapsed() >= self.silence
                        && (last.elapsed() >= self.young || first.elapsed() >= self.silence * 2)
                };
                if self.shares.is_empty() || self.unheard.is_some_and(dead) {
                    self.lost();
                }
            }
        }
    }

    async fn join(&mut self, tid: String) -> io::Result<Link> {
        if self.link.is_none() {
            let made = tokio::time::timeout(Duration::from_millis(self.connect_ms), Link::connect(&self.address)).await;
            let slow = |_| io::Error::new(io::ErrorKind::TimedOut, "not in time");
            self.link = Some(made.map_err(slow)??);
            self.deframer.clear();
        }
        self.made += 1;
        let (ours, theirs) = tokio::io::duplex(BETWEEN);
        let (from, to) = tokio::io::split(ours);
        let pump = pump(from, Deframer::new(self.profile.frame), tid.clone(), self.made, self.said.clone());
        self.shares.insert(tid, Share { number: self.made, to, pump: work::task(pump) });
        Ok(Link::of(theirs))
    }

    /// Whole frames, each to its terminal.
    async fn heard(&mut self, bytes: &[u8]) {
        self.unheard = None;
        self.deframer.push(bytes);
        loop {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => self.deliver(&frame).await,
                Ok(None) => return,
                Err(error) => {
                    log::warn!("the acquirer sent what is no frame on the shared connection: {error}");
                    return self.lost();
                }
            }
        }
    }

    async fn deliver(&mut self, frame: &Frame) {
        let message = self.profile.spec.decode(&frame.body).ok();
        let tid = message.as_ref().and_then(|message| message.text(41)).map(|tid| tid.trim_end().to_owned());
        let share = tid.as_ref().and_then(|tid| self.shares.get_mut(tid));
        match (share, frame.to_bytes()) {
            (Some(share), Some(bytes)) => {
                // A lane that has gone says so by itself.
                let _ = share.to.write_all(&bytes).await;
            }
            _ => log::warn!("a frame on the shared connection names no terminal of ours ({tid:?}): left aside"),
        }
    }

    /// The one connection goes, and with it every share.
    fn lost(&mut self) {
        (self.link, self.unheard) = (None, None);
        self.shares.clear();
        self.deframer.clear();
    }
}

/// A lane's bytes, as whole frames: two terminals' never lie in each other.
async fn pump(
    mut from: ReadHalf<DuplexStream>,
    mut deframer: Deframer,
    tid: String,
    share: u64,
    said: mpsc::UnboundedSender<Said>,
) {
    let mut buffer = vec![0u8; 8192];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        deframer.push(&buffer[..n]);
        while let Ok(Some(frame)) = deframer.next_frame() {
            if frame.to_bytes().is_none_or(|bytes| said.send(Said::Frame(bytes)).is_err()) {
                return;
            }
        }
    }
    let _ = said.send(Said::Left { tid, share });
}

async fn read(link: &mut Option<Link>, buffer: &mut [u8]) -> io::Result<usize> {
    match link {
        Some(link) => link.read(buffer).await,
        None => std::future::pending().await,
    }
}
