//! The host on TCP: a listener that can be out of reach, a task a connection, and one thread that keeps the books.
//!
//! The thread takes what waits (at most 256 messages), lets the pure host decide each, syncs the books once, and only then releases the answers.
//! Wall-clock time is handed in; delays run on tokio's clock.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::bookfile::{BookError, BookFile};
use super::books::Entry;
use super::config::{ForcedVerdict, HostConfig, LineDown};
use super::connection::serve;
use super::faults::{Fault, FaultRule};
use super::host::{Action, Host};
use super::judge::Judgement;
use crate::core::domain::WallMs;
use crate::io::work;

/// Messages decided before one sync.
const GROUP: usize = 256;
/// Connections served at once.
const MAX_CONNECTIONS: usize = 1024;

/// Tells the wall-clock time.
pub type Clock = Arc<dyn Fn() -> WallMs + Send + Sync>;

/// A host on a port, with its books on disk.
#[derive(Clone)]
pub struct SimConfig {
    /// Port 0 takes a free one; it is kept when the line goes down and comes back.
    pub listen: SocketAddr,
    /// Read at start, appended to while it runs.
    pub books: PathBuf,
    /// Written at the start, whenever a batch has ended, and at the stop.
    pub statement: Option<PathBuf>,
    /// Terminals, keys, scenario.
    pub host: HostConfig,
    /// Tells the time.
    pub clock: Clock,
}

impl std::fmt::Debug for SimConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimConfig").field("listen", &self.listen).field("books", &self.books).finish_non_exhaustive()
    }
}

/// What keeps the host from running.
#[derive(Debug, Error)]
pub enum SimError {
    /// The books.
    #[error("books: {0}")]
    Books(#[from] BookError),
    /// The listener.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The statement's or the scenario's file.
    #[error("{path}: {why}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A command line that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The books could not be written any more: nothing was answered since.
    #[error("the books' thread has stopped; see the log")]
    Stopped,
}

/// What the host shall do.
type Task = Box<dyn FnOnce(&mut Host, WallMs) -> Vec<Action> + Send>;

/// Something for the thread that keeps the books.
pub(super) struct Job {
    run: Task,
    /// Gets the actions once their entries are durable.
    reply: Option<oneshot::Sender<Vec<Action>>>,
}

/// Whether connections are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    manual_up: bool,
    window_up: bool,
    stopping: bool,
}

impl Line {
    pub fn is_up(self) -> bool {
        self.manual_up && self.window_up && !self.stopping
    }
}

/// What every task shares.
#[derive(Clone)]
pub(super) struct Shared {
    host: Arc<Mutex<Host>>,
    jobs: mpsc::Sender<Job>,
    line: watch::Sender<Line>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the host do something; gives what is left to do once it is in the books. `None`: the books are closed.
    pub async fn ask(
        &self,
        run: impl FnOnce(&mut Host, WallMs) -> Vec<Action> + Send + 'static,
    ) -> Option<Vec<Action>> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { run: Box::new(run), reply: Some(reply) }).await.ok()?;
        answer.await.ok()
    }

    pub fn line(&self) -> watch::Receiver<Line> {
        self.line.subscribe()
    }
}

/// Steers a running host. Clones steer the same.
#[derive(Clone)]
pub struct HostControl {
    shared: Shared,
}

impl std::fmt::Debug for HostControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostControl")
    }
}

impl HostControl {
    /// Down: the port refuses connections and the ones there are go. Up: the same port listens again.
    pub fn set_line(&self, up: bool) {
        self.shared.line.send_modify(|line| line.manual_up = up);
    }

    /// A fault for the next payment that comes, from whichever terminal.
    pub fn next_answer(&self, fault: Fault) {
        self.shared.lock().next_answer(fault);
    }

    /// A rule of faults more.
    pub fn add_rule(&self, rule: FaultRule) {
        self.shared.lock().add_rule(rule);
    }

    /// No faults any more.
    pub fn clear_faults(&self) {
        self.shared.lock().clear_faults();
    }

    /// Milliseconds before every answer.
    pub fn set_latency(&self, ms: u64) {
        self.shared.lock().set_latency(ms);
    }

    /// Tell this terminal in every answer's header to sign on again, until it does.
    pub fn demand_sign_on(&self, tid: &str) {
        self.shared.lock().demand_sign_on(tid);
    }

    /// Lose this terminal's work keys: A0 until it signs on.
    pub fn forget_keys(&self, tid: &str) {
        self.shared.lock().forget_keys(tid);
    }

    /// Answer settlements so, whatever the books say.
    pub fn force_verdict(&self, verdict: ForcedVerdict) {
        self.shared.lock().force_verdict(verdict);
    }

    /// Take a batch number of the host's own for a terminal; returns when it is in the books.
    pub async fn set_batch(&self, tid: &str, batch: u32) {
        let tid = tid.to_owned();
        let _ = self.shared.ask(move |host, _| host.set_batch(&tid, batch)).await;
    }

    /// Looks at the host as it is.
    pub fn look<T>(&self, look: impl FnOnce(&Host) -> T) -> T {
        look(&self.shared.lock())
    }
}

/// A running host.
pub struct Handle {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Steers it.
    pub control: HostControl,
    statement: Option<PathBuf>,
    acceptor: JoinHandle<()>,
    keeper: JoinHandle<()>,
    books: std::thread::JoinHandle<Result<(), BookError>>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Handle {
    /// The statement as CSV, as of now.
    #[must_use]
    pub fn statement(&self) -> String {
        self.control.look(Host::statement)
    }

    /// The judgement, as of now.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        self.control.look(Host::judgement)
    }

    /// Closes the port and all connections, finishes the books and writes the statement. Gives the judgement.
    pub async fn stop(self) -> Result<Judgement, SimError> {
        let Handle { control, statement, acceptor, keeper, books, .. } = self;
        control.shared.line.send_modify(|line| line.stopping = true);
        keeper.abort();
        let _ = acceptor.await;
        // One more turn of the books' thread: everything before it is on disk.
        if control.shared.ask(|_, _| Vec::new()).await.is_none() {
            return match tokio::task::spawn_blocking(move || books.join()).await {
                Ok(Ok(Err(error))) => Err(error.into()),
                _ => Err(SimError::Stopped),
            };
        }
        let (judgement, text) = control.look(|host| (host.judgement(), host.statement()));
        if let Some(path) = statement {
            write_statement(&path, &text)?;
        }
        Ok(judgement)
    }
}

/// Reads the books, listens, and serves until [`Handle::stop`]. Needs a tokio runtime with I/O and time.
pub async fn start(config: SimConfig) -> Result<Handle, SimError> {
    let SimConfig { listen, books, statement, host, clock } = config;
    let windows = host.scenario.line_down.clone();
    let (file, entries) = BookFile::open(&books)?;
    let host = Host::new(host, &entries, clock());
    drop(entries);
    if let Some(path) = &statement {
        write_statement(path, &host.statement())?;
    }
    let host = Arc::new(Mutex::new(host));
    let (jobs, queue) = mpsc::channel(1024);
    let window_up = !windows.iter().any(|window| window.from_ms == 0);
    let (line, _) = watch::channel(Line { manual_up: true, window_up, stopping: false });
    let shared = Shared { host: host.clone(), jobs, line };
    let first = listener(listen).map_err(|source| SimError::Listen { listen, source })?;
    let addr = first.local_addr().map_err(|source| SimError::Listen { listen, source })?;
    let keeper = Bookkeeper { host, file, clock, statement: statement.clone(), broken: None };
    let books = std::thread::Builder::new().name("sim-books".into()).spawn(move || keeper.run(queue));
    let books = books.map_err(|source| SimError::Listen { listen, source })?;
    let acceptor = work::task(accept(addr, first, shared.clone()));
    let keeper = work::task(keep_windows(windows, shared.line.clone()));
    Ok(Handle { addr, control: HostControl { shared }, statement, acceptor, keeper, books })
}

/// Writes the statement whole or not at all.
pub(super) fn write_statement(path: &Path, text: &str) -> Result<(), SimError> {
    let file = |error: std::io::Error| SimError::File { path: path.to_owned(), why: error.to_string() };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    std::fs::write(&new, text).map_err(file)?;
    std::fs::rename(&new, path).map_err(file)
}

struct Bookkeeper {
    host: Arc<Mutex<Host>>,
    file: BookFile,
    clock: Clock,
    statement: Option<PathBuf>,
    broken: Option<SimError>,
}

impl Bookkeeper {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) -> Result<(), BookError> {
        let mut group = Vec::with_capacity(GROUP);
        while queue.blocking_recv_many(&mut group, GROUP) > 0 {
            let (mut entries, mut replies) = (Vec::new(), Vec::new());
            let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
            for job in group.drain(..) {
                let now = (self.clock)();
                let mut actions = (job.run)(&mut host, now);
                entries.extend(actions.extract_if(.., |action| matches!(action, Action::Book(_))));
                replies.push((job.reply, actions));
            }
            drop(host);
            let entries: Vec<Entry> = entries.into_iter().filter_map(entry_of).collect();
            let ended = entries.iter().any(|entry| matches!(entry, Entry::Ended { .. }));
            if let Err(error) = self.file.append(&entries) {
                // Nothing is answered that is not in the books: the connections see a host that fell silent.
                log::error!("simulated acquirer: {error}");
                return Err(error);
            }
            for (reply, actions) in replies {
                if let Some(reply) = reply {
                    let _ = reply.send(actions);
                }
            }
            if ended {
                self.refresh_statement();
            }
        }
        Ok(())
    }

    fn refresh_statement(&mut self) {
        let Some(path) = &self.statement else { return };
        let text = self.host.lock().unwrap_or_else(PoisonError::into_inner).statement();
        if let Err(error) = write_statement(path, &text)
            && self.broken.is_none()
        {
            log::warn!("simulated acquirer: statement: {error}");
            self.broken = Some(error);
        }
    }
}

fn entry_of(action: Action) -> Option<Entry> {
    match action {
        Action::Book(entry) => Some(entry),
        _ => None,
    }
}

fn listener(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(128)
}

/// Takes connections while the line is up; while it is down the port is closed and no connection lives.
async fn accept(addr: SocketAddr, first: TcpListener, shared: Shared) {
    let mut line = shared.line();
    let mut open = Some(first);
    let mut tasks = JoinSet::new();
    loop {
        let state = *line.borrow_and_update();
        if state.stopping {
            break;
        }
        if !state.is_up() {
            open = None;
            see_off(&mut tasks).await;
            if line.changed().await.is_err() {
                break;
            }
            continue;
        }
        let listening = match open.take().map_or_else(|| listener(addr), Ok) {
            Ok(listening) => listening,
            Err(error) => {
                log::warn!("simulated acquirer: {addr}: {error}; trying again");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        tokio::select! {
            changed = line.changed() => if changed.is_err() { break },
            accepted = listening.accept() => match accepted {
                Ok((stream, _)) if tasks.len() < MAX_CONNECTIONS => { tasks.spawn(work::boxed(serve(stream, shared.clone()))); }
                Ok(_) => log::warn!("simulated acquirer: more than {MAX_CONNECTIONS} connections: one is refused"),
                Err(error) => log::warn!("simulated acquirer: accept: {error}"),
            },
            Some(_) = tasks.join_next() => {}
        }
        open = Some(listening);
    }
    drop(open);
    see_off(&mut tasks).await;
}

/// Waits for the connections to notice; they tell the host what they could not write. One that hangs in a write is cut.
async fn see_off(tasks: &mut JoinSet<()>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = timeout(Duration::from_secs(2), all).await;
    tasks.shutdown().await;
}

/// Follows the scenario's `[[line_down]]` windows.
async fn keep_windows(windows: Vec<LineDown>, line: watch::Sender<Line>) {
    let start = Instant::now();
    let mut edges: Vec<u64> = windows.iter().flat_map(|window| [window.from_ms, window.to_ms]).collect();
    edges.sort_unstable();
    for edge in edges {
        sleep_until(start + Duration::from_millis(edge)).await;
        let up = !windows.iter().any(|window| (window.from_ms..window.to_ms).contains(&edge));
        line.send_modify(|line| line.window_up = up);
    }
}
