//! One thread a bridge: a thin shell that carries bytes between its port and the host's end of the wire, asks what others want asked, and
//! hands on what happens.
//!
//! Every ask ends, in an answer or in an [`AskError`], within its time; nothing waits for a bridge that is not there. What is asked and
//! answered may be secret: it is never logged.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tilld_bridge::host::{Event, Failure, Host, SendError};
use tilld_bridge::link::Timing;
use tilld_bridge::wire::{Aside, CAP_KEYS, Capabilities, KeyState, Level, MAX_WIRE, Notice, Reply, Request, Stats};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::core::domain::Sentence;
use crate::io::clock::Clock;
use crate::io::serial::{PortConfig, PortCounters, PortEvent, PortHandle, SerialError};
use crate::io::work;

/// At most so many requests in one ask: the link holds twice as many.
const MAX_REQUESTS: usize = 8;
/// An answer that needs no person comes within this.
pub const ANSWER_MS: u64 = 2_000;
/// How long a bridge on the bench may take to be there: it says hello within two seconds.
const UP: Duration = Duration::from_secs(5);

/// Why an ask has no answer.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum AskError {
    /// The bridge is not there, or speaks an older version; nothing was sent.
    #[error("{0}")]
    Away(String),
    /// It was sent, and may have been carried out.
    #[error("the bridge does not answer; it may have done what it was asked")]
    Unanswered,
}

/// Why there is no session on the bench.
#[derive(Debug, Error)]
pub enum NotOnBench {
    /// The system gives no thread.
    #[error(transparent)]
    Port(#[from] SerialError),
    /// Nobody answers there: the port does not open, nothing is behind it, or it speaks only these versions.
    #[error("no bridge answers (port open: {open}, speaks only versions: {incompatible:?})")]
    Silent {
        /// Its oldest and newest version, none of them ours.
        incompatible: Option<(u8, u8)>,
        /// Whether the port could be opened.
        open: bool,
    },
}

/// Called once, on the bridge's thread; must be quick and not wait.
pub type Done = Box<dyn FnOnce(Result<Reply, AskError>) + Send>;

/// Who hears what a bridge tells; runs on its thread.
type Listener = Box<dyn FnMut(&BridgeLine, Told) + Send>;

/// What a bridge tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// There is a session, and its keys have been looked at.
    Up,
    /// There is none any more.
    Down(String),
    /// Something happened there.
    Notice(Notice),
    /// It logged a line.
    Log(Level, String),
}

/// Whether its keys can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PadState {
    /// No session.
    Away,
    /// A session, and no master key in it (or no place for one).
    NoMaster,
    /// Sign-on is possible.
    Ready,
}

impl PadState {
    /// What is wrong, for the log and the status.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            PadState::Away => "the PIN pad does not answer",
            PadState::NoMaster => "the PIN pad has no master key: stop tilld and run `tilld bridge load-key`",
            PadState::Ready => "",
        }
    }
}

/// What is shown of a bridge.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Whether the port is open.
    pub open: bool,
    /// Protocol version and capabilities, where there is a session.
    pub session: Option<(u8, Capabilities)>,
    /// Its keys, as last asked.
    pub keys: KeyState,
    /// Why its drawer did not open when it was last asked to.
    pub drawer: Option<Sentence>,
    /// The bridge speaks only these versions, none of them ours.
    pub incompatible: Option<(u8, u8)>,
    /// How often that was said.
    pub greeted_in_vain: u64,
    /// Counters of this end of the line.
    pub stats: Stats,
    /// Counters of the port.
    pub port: PortCounters,
}

impl Shown {
    /// Port and line, by name.
    #[must_use]
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let line = [
            ("frames", self.stats.frames),
            ("spoiled", self.stats.spoiled),
            ("repeated", self.stats.repeated),
            ("resent", self.stats.resent),
            ("not_understood", self.stats.not_understood),
        ];
        let line = line.map(|(name, n)| (name, u64::from(n)));
        self.port.named().into_iter().chain(line).chain([("other_version", self.greeted_in_vain)]).collect()
    }
}

enum Message {
    Port(PortEvent),
    Ask(Ask),
    Stop,
}

struct Ask {
    requests: Vec<Request>,
    within_ms: u64,
    done: Done,
}

/// A hold on a bridge's thread.
#[derive(Clone)]
pub struct BridgeLine {
    mailbox: Sender<Message>,
    shown: Arc<Mutex<Shown>>,
    pad: watch::Receiver<PadState>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl std::fmt::Debug for BridgeLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BridgeLine({:?})", *self.pad.borrow())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain data: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BridgeLine {
    /// Opens a bridge's port. `told` runs on its thread, must be quick and not wait; it may ask.
    pub fn start(
        port: PortConfig,
        clock: Clock,
        told: impl FnMut(&BridgeLine, Told) + Send + 'static,
    ) -> Result<BridgeLine, SerialError> {
        let (mailbox, messages) = mpsc::channel();
        let (pad_sender, pad) = watch::channel(PadState::Away);
        let line = BridgeLine { mailbox, shown: Arc::default(), pad, thread: Arc::default() };
        let (path, events) = (port.path.clone(), line.mailbox.clone());
        let now: crate::io::serial::MonoMs = Arc::new(move || clock.now().mono.0);
        let port = PortHandle::start(port, now, move |event| {
            // The bridge's thread ends after its port.
            let _ = events.send(Message::Port(event));
        })?;
        let mut seed = [0; 2];
        if crate::io::vault::fill(&mut seed).is_err() {
            seed.copy_from_slice(&clock.now().wall.0.to_le_bytes()[..2]);
        }
        let host = Host::new(Timing::USUAL, u16::from_le_bytes(seed));
        let own = line.clone();
        let shell = Shell {
            host,
            port,
            epoch: None,
            clock,
            line: own,
            pad: pad_sender,
            jobs: Vec::new(),
            keys_asked: None,
            told: Box::new(told),
        };
        let thread = work::thread("bridge", move || shell.run(&messages));
        *lock(&line.thread) = Some(thread.map_err(|why| SerialError::Start { path, why })?);
        Ok(line)
    }

    /// Opens a port that no daemon holds, and waits until there is a session: for the bench.
    pub fn on_bench(port: PortConfig) -> Result<(BridgeLine, Receiver<Told>), NotOnBench> {
        let (sender, told) = mpsc::channel();
        let line = BridgeLine::start(port, Clock::start(), move |_, told| {
            // The bench may be cleared.
            let _ = sender.send(told);
        })?;
        match told.recv_timeout(UP) {
            Ok(Told::Up) => Ok((line, told)),
            // A log line may come before.
            Ok(_) if line.shown().session.is_some() => Ok((line, told)),
            _ => {
                let shown = line.shown();
                line.stop();
                Err(NotOnBench::Silent { incompatible: shown.incompatible, open: shown.open })
            }
        }
    }

    /// Asks; `done` gets the answer to the last of the requests, or the first that is not [`Reply::Done`]. They go out together, and nothing
    /// else is asked between them.
    pub fn ask_all(&self, requests: Vec<Request>, within_ms: u64, done: Done) {
        let ask = Message::Ask(Ask { requests, within_ms, done });
        if let Err(mpsc::SendError(Message::Ask(ask))) = self.mailbox.send(ask) {
            (ask.done)(Err(AskError::Away("stopped".into())));
        }
    }

    /// Asks one thing.
    pub fn ask(&self, request: Request, within_ms: u64, done: Done) {
        self.ask_all(vec![request], within_ms, done);
    }

    /// Asks and waits for the answer, at most a little longer than `within_ms`. Not on the bridge's own thread.
    pub fn wait(&self, requests: Vec<Request>, within_ms: u64) -> Result<Reply, AskError> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.ask_all(requests, within_ms, Box::new(move |reply| drop(sender.send(reply))));
        let patience = Duration::from_millis(within_ms.saturating_add(500));
        // Others of the runtime go on while this thread waits.
        match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => {
                tokio::task::block_in_place(|| answer.recv_timeout(patience)).unwrap_or(Err(AskError::Unanswered))
            }
            _ => answer.recv_timeout(patience).unwrap_or(Err(AskError::Unanswered)),
        }
    }

    /// As it stands.
    #[must_use]
    pub fn shown(&self) -> Shown {
        lock(&self.shown).clone()
    }

    /// Whether there is a session whose bridge has all of this.
    #[must_use]
    pub fn has(&self, capabilities: Capabilities) -> bool {
        lock(&self.shown).session.is_some_and(|(_, has)| has & capabilities == capabilities)
    }

    /// Follows the state of its keys.
    #[must_use]
    pub fn pad(&self) -> watch::Receiver<PadState> {
        self.pad.clone()
    }

    /// Notes whether work keys are loaded.
    pub(super) fn note_work_keys(&self, loaded: bool) {
        lock(&self.shown).keys.work = loaded;
    }

    /// Notes why its drawer did not open, or that it did.
    pub(super) fn note_drawer(&self, trouble: Option<Sentence>) {
        lock(&self.shown).drawer = trouble;
    }

    /// Ends the thread and waits for it.
    pub fn stop(&self) {
        let _ = self.mailbox.send(Message::Stop);
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// An ask that is under way.
struct Job {
    /// Without an answer so far, in order.
    ids: Vec<u16>,
    done: Done,
}

struct Shell {
    host: Host,
    port: PortHandle,
    epoch: Option<u64>,
    clock: Clock,
    line: BridgeLine,
    pad: watch::Sender<PadState>,
    jobs: Vec<Job>,
    /// The request for its keys that is under way.
    keys_asked: Option<u16>,
    told: Listener,
}

impl Shell {
    fn run(mut self, mailbox: &Receiver<Message>) {
        let mut running = true;
        while running {
            self.transmit();
            let due = self.host.deadline().saturating_sub(self.now());
            let wait = if self.epoch.is_some() { due.clamp(1, 1_000) } else { 1_000 };
            match mailbox.recv_timeout(Duration::from_millis(wait)) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.message(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            // Everything that has come is heard before the clock is asked: a thread that did not run for a time must not take what lies before it for
            // silence.
            while let Ok(message) = mailbox.try_recv() {
                running &= !matches!(message, Message::Stop);
                self.message(message);
            }
            self.host.tick(self.now());
            while let Some(event) = self.host.event() {
                self.event(event);
            }
            let mut shown = lock(&self.line.shown);
            (shown.stats, shown.port) = (self.host.stats(), self.port.counters());
        }
        for job in self.jobs {
            (job.done)(Err(AskError::Unanswered));
        }
        self.port.stop();
    }

    fn now(&self) -> u64 {
        self.clock.now().mono.0
    }

    fn transmit(&mut self) {
        let Some(epoch) = self.epoch else { return };
        let mut out = Zeroizing::new([0; MAX_WIRE]);
        loop {
            let n = self.host.transmit(self.now(), &mut *out);
            if n == 0 {
                return;
            }
            // A port that takes nothing is seen as silence: the wire repeats what is lost.
            let _ = self.port.send_in(epoch, out[..n].to_vec());
        }
    }

    fn message(&mut self, message: Message) {
        let now = self.now();
        match message {
            Message::Port(PortEvent::Bytes { data, .. }) => self.host.push(&data, now),
            Message::Port(PortEvent::Opened { epoch }) => {
                self.host.hang_up(now);
                self.epoch = Some(epoch);
                lock(&self.line.shown).open = true;
            }
            Message::Port(PortEvent::Lost { why }) => {
                log::warn!("the bridge's port is gone: {why}");
                self.host.hang_up(now);
                self.epoch = None;
                lock(&self.line.shown).open = false;
            }
            Message::Port(PortEvent::Written { .. } | PortEvent::WriteStalled { .. }) | Message::Stop => {}
            Message::Ask(ask) => self.ask(ask, now),
        }
    }

    fn ask(&mut self, ask: Ask, now: u64) {
        let room = self.jobs.iter().map(|job| job.ids.len()).sum::<usize>() + ask.requests.len() <= 2 * MAX_REQUESTS;
        if ask.requests.is_empty() || ask.requests.len() > MAX_REQUESTS || !room {
            return (ask.done)(Err(AskError::Away("too much is asked at once".into())));
        }
        let mut ids = Vec::with_capacity(ask.requests.len());
        for request in ask.requests {
            match self.host.send(request, ask.within_ms, now) {
                Ok(id) => ids.push(id),
                // What went out before it is answered to nobody.
                Err(error) => {
                    let why = match error {
                        SendError::Down => PadState::Away.why().to_owned(),
                        other => other.to_string(),
                    };
                    return (ask.done)(Err(AskError::Away(why)));
                }
            }
        }
        self.jobs.push(Job { ids, done: ask.done });
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Up { version, capabilities } => self.up(version, capabilities),
            Event::Down(why) => self.down(&why.to_string()),
            Event::Incompatible { min, current } => {
                log::error!("the bridge speaks versions {min} to {current} of the protocol, none of them ours");
                let mut shown = lock(&self.line.shown);
                shown.incompatible = Some((min, current));
                shown.greeted_in_vain += 1;
            }
            Event::Answer { id, reply } => self.answered(id, Ok(reply)),
            Event::Failed { id, failure: Failure::NotSent } => {
                self.answered(id, Err(AskError::Away(PadState::Away.why().into())));
            }
            Event::Failed { id, failure: Failure::Unanswered } => self.answered(id, Err(AskError::Unanswered)),
            // Its keys are as it says, however late: without them it is *away*, and no terminal of it connects.
            Event::Late { id, reply: reply @ Reply::Keys(_) } => self.answered(id, Ok(reply)),
            Event::Late { .. } => log::warn!("the bridge answered too late"),
            Event::Notice(notice) => (self.told)(&self.line, Told::Notice(notice)),
            Event::Aside(Aside::Log { level, line, .. }) => {
                log::info!("bridge: {line}");
                (self.told)(&self.line, Told::Log(level, line.as_str().to_owned()));
            }
            Event::Aside(Aside::Beat { .. }) => {
                if *self.pad.borrow() == PadState::Away && self.keys_asked.is_none() {
                    self.ask_keys();
                }
            }
        }
    }

    fn up(&mut self, version: u8, capabilities: Capabilities) {
        log::info!("the bridge is there (protocol {version})");
        {
            let mut shown = lock(&self.line.shown);
            (shown.session, shown.incompatible) = (Some((version, capabilities)), None);
            shown.keys = KeyState::default();
        }
        if capabilities & CAP_KEYS == 0 || version < Request::KeyState.since() {
            let _ = self.pad.send(PadState::NoMaster);
            return (self.told)(&self.line, Told::Up);
        }
        self.ask_keys();
    }

    /// The answer is told as `Up`: see `answered`. Without one it is asked again, at the bridge's next heartbeat.
    fn ask_keys(&mut self) {
        match self.host.send(Request::KeyState, ANSWER_MS, self.now()) {
            Ok(id) => {
                self.keys_asked = Some(id);
                self.jobs.push(Job { ids: vec![id], done: Box::new(|_| {}) });
            }
            Err(error) => log::error!("the bridge's keys could not be asked for: {error}"),
        }
    }

    fn down(&mut self, why: &str) {
        log::warn!("{why}");
        {
            let mut shown = lock(&self.line.shown);
            (shown.session, shown.keys) = (None, KeyState::default());
        }
        let _ = self.pad.send(PadState::Away);
        (self.told)(&self.line, Told::Down(why.to_owned()));
    }

    fn answered(&mut self, id: u16, reply: Result<Reply, AskError>) {
        self.keys_asked.take_if(|asked| *asked == id);
        if let Ok(Reply::Keys(keys)) = &reply {
            lock(&self.line.shown).keys = *keys;
            let was = *self.pad.borrow();
            let state = if keys.master_len > 0 { PadState::Ready } else { PadState::NoMaster };
            let _ = self.pad.send(state);
            if was == PadState::Away {
                (self.told)(&self.line, Told::Up);
            }
        }
        // Not found: its ask has ended already, at an earlier piece.
        let Some(at) = self.jobs.iter().position(|job| job.ids.contains(&id)) else { return };
        self.jobs[at].ids.retain(|waiting| *waiting != id);
        if self.jobs[at].ids.is_empty() || reply != Ok(Reply::Done) {
            (self.jobs.swap_remove(at).done)(reply);
        }
    }
}
