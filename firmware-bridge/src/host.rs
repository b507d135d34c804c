//! The daemon's end of the line, sans I/O. Feed it what the port gave ([`Host::push`]), write what it wants sent ([`Host::transmit`],
//! until 0), take what happened ([`Host::event`], until `None`), and come back at [`Host::deadline`] at the latest.
//!
//! Every request ends in exactly one [`Event::Answer`] or [`Event::Failed`]. A failure says whether the bridge can have acted
//! on the request: a silent bridge has not refused. Knows no port, no clock and no key.

use heapless::{Deque, Vec};
use thiserror::Error;

use crate::Millis;
use crate::link::{Incoming, Link, Timing, body_of};
use crate::wire::{
    Aside, Blob, Capabilities, Hello, Kind, MAX_CHUNK, MacMethod, Notice, Reply, Request, Stats, ToBridge, ToHost,
    Welcome, agree,
};

const REQUESTS: usize = 16;
const EVENTS: usize = 24;
const EVENTS_FOR_MESSAGES: usize = 16;
const EVENTS_FOR_ASIDES: usize = 20;
const HELLO_FIRST_MS: u64 = 200;
const HELLO_LAST_MS: u64 = 2000;
const HELLO_INCOMPATIBLE_MS: u64 = 10_000;

/// What the daemon hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The bridge is there.
    Up {
        /// The protocol version of this session.
        version: u8,
        /// What it has.
        capabilities: Capabilities,
    },
    /// The bridge is gone (for now: hello goes on by itself). The requests under way fail, each by its own event.
    Down(Gone),
    /// A bridge that speaks none of our versions. Hello is repeated every ten seconds.
    Incompatible {
        /// The oldest version it speaks.
        min: u8,
        /// The newest version it speaks.
        current: u8,
    },
    /// The answer to a request.
    Answer {
        /// What [`Host::send`] gave.
        id: u16,
        /// The answer; a refusal is one.
        reply: Reply,
    },
    /// A request that will get no answer.
    Failed {
        /// What [`Host::send`] gave.
        id: u16,
        /// What is known of it.
        failure: Failure,
    },
    /// An answer after its request had been given up.
    Late {
        /// What [`Host::send`] gave.
        id: u16,
        /// The answer.
        reply: Reply,
    },
    /// Something happened at the bridge.
    Notice(Notice),
    /// A log line or heartbeat.
    Aside(Aside),
}

/// Why a session is over.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It says nothing, or acknowledges nothing.
    #[error("the bridge is silent")]
    Silent,
    /// It knows nothing of the session: it was restarted.
    #[error("the bridge was restarted")]
    Restarted,
    /// The port was closed here ([`Host::hang_up`]).
    #[error("the port was closed")]
    HungUp,
}

/// What is known of a request without an answer.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing of it was ever sent.
    #[error("never sent")]
    NotSent,
    /// It may have been carried out.
    #[error("sent, no answer: it may have been carried out")]
    Unanswered,
}

/// Why a request was not taken.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// No session.
    #[error("the bridge is not there")]
    Down,
    /// Too many requests under way: take events first.
    #[error("too many requests under way")]
    Full,
    /// The bridge speaks an older protocol version than the request needs.
    #[error("the bridge speaks protocol version {bridge}, this needs {needs}")]
    Version {
        /// The session's version.
        bridge: u8,
        /// The request's first version.
        needs: u8,
    },
    /// The request does not fit a frame.
    #[error("longer than a frame")]
    TooLong,
}

struct Pending {
    id: u16,
    /// The sequence number that the link gives to it.
    seq: u16,
    due: Millis,
    failed: Option<Failure>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Hello goes out at `due`, then after `pause`.
    Down {
        due: Millis,
        pause: u64,
    },
    Up {
        capabilities: Capabilities,
        beat: Millis,
    },
}

/// The daemon's end of a bridge.
pub struct Host {
    link: Link<REQUESTS>,
    timing: Timing,
    speaks: Hello,
    session: u16,
    state: State,
    pending: Vec<Pending, REQUESTS>,
    events: Deque<Event, EVENTS>,
    next_id: u16,
    queued: u16,
    lost: u32,
    started: Option<Millis>,
}

impl core::fmt::Debug for Host {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Host").field("link", &self.link).field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

impl Host {
    /// A host without a session; it begins to say hello at its first [`Host::transmit`]. `seed` should differ from start to start (a
    /// random number): sessions are numbered from it, so that what an earlier run left in the line is not taken for ours.
    #[must_use]
    pub fn new(timing: Timing, seed: u16) -> Self {
        Self::speaking(timing, seed, Hello::ours())
    }

    /// A host that speaks other versions than this crate's own; for tests of other versions.
    #[must_use]
    pub fn speaking(timing: Timing, seed: u16, speaks: Hello) -> Self {
        Self {
            link: Link::new(timing),
            timing,
            speaks,
            session: seed,
            state: State::Down { due: 0, pause: HELLO_FIRST_MS },
            pending: Vec::new(),
            events: Deque::new(),
            next_id: 0,
            queued: 0,
            lost: 0,
            started: None,
        }
    }

    /// Whether there is a session, and what the bridge has.
    #[must_use]
    pub fn capabilities(&self) -> Option<Capabilities> {
        match self.state {
            State::Up { capabilities, .. } => Some(capabilities),
            State::Down { .. } => None,
        }
    }

    /// The protocol version of the session.
    #[must_use]
    pub fn version(&self) -> Option<u8> {
        self.capabilities().and_then(|_| self.link.agreed()).map(|(_, version)| version)
    }

    /// Counters of this end; `lost` are events that nobody took in time (asides and changes of state, never answers).
    #[must_use]
    pub fn stats(&self) -> Stats {
        let stats = self.link.stats();
        Stats { lost: stats.lost.wrapping_add(self.lost), ..stats }
    }

    /// Asks something of the bridge, to be answered within `within_ms`; gives the number that its one answer or failure will carry.
    pub fn send(&mut self, request: Request, within_ms: u64, now: Millis) -> Result<u16, SendError> {
        let Some(version) = self.version() else {
            return Err(SendError::Down);
        };
        if request.since() > version {
            return Err(SendError::Version { bridge: version, needs: request.since() });
        }
        if self.pending.is_full() || self.link.room() == 0 {
            return Err(SendError::Full);
        }
        while self.pending.iter().any(|p| p.id == self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        let body = body_of(&ToBridge { id, request }).ok_or(SendError::TooLong)?;
        if !self.link.send(body) {
            return Err(SendError::Full);
        }
        let pending = Pending { id, seq: self.queued, due: now.saturating_add(within_ms), failed: None };
        self.pending.push(pending).map_err(|_| SendError::Full)?;
        self.next_id = id.wrapping_add(1);
        self.queued = self.queued.wrapping_add(1);
        Ok(id)
    }

    /// Takes what the port gave, all of it.
    pub fn push(&mut self, bytes: &[u8], now: Millis) {
        for byte in bytes {
            self.push_byte(*byte, now);
        }
    }

    fn push_byte(&mut self, byte: u8, now: Millis) {
        let room = self.events.len() < EVENTS_FOR_MESSAGES;
        let (welcome, event, not_understood, gone) = match self.link.feed(byte, now, room) {
            None | Some(Incoming::Hello { .. }) => return,
            Some(Incoming::Welcome { session, welcome }) => (Some((session, welcome)), None, false, false),
            Some(Incoming::NoSession) => (None, None, false, true),
            Some(Incoming::Message(body)) => match postcard::from_bytes::<ToHost>(body) {
                Ok(ToHost::Answer { id, reply }) => (None, Some(Event::Answer { id, reply }), false, false),
                Ok(ToHost::Notice(notice)) => (None, Some(Event::Notice(notice)), false, false),
                Err(_) => (None, None, true, false),
            },
            Some(Incoming::Aside(body)) => match postcard::from_bytes::<Aside>(body) {
                Ok(aside) => (None, Some(Event::Aside(aside)), false, false),
                Err(_) => (None, None, true, false),
            },
        };
        if let Some((session, welcome)) = welcome {
            self.on_welcome(session, welcome, now);
        }
        if gone {
            self.go_down(Gone::Restarted, now);
        }
        if not_understood {
            self.link.count_not_understood();
        }
        if let Some(event) = event {
            self.on_event(event);
        }
    }

    fn on_welcome(&mut self, session: u16, welcome: Welcome, now: Millis) {
        if session != self.session || matches!(self.state, State::Up { .. }) {
            return;
        }
        let theirs = Hello { min: welcome.min, current: welcome.current };
        match agree(self.speaks, theirs) {
            Some(version) if version == welcome.chosen => {
                self.link.begin(session, version, now);
                self.queued = 0;
                self.state = State::Up { capabilities: welcome.capabilities, beat: now };
                self.tell(Event::Up { version, capabilities: welcome.capabilities });
            }
            _ => {
                self.state =
                    State::Down { due: now.saturating_add(HELLO_INCOMPATIBLE_MS), pause: HELLO_INCOMPATIBLE_MS };
                self.tell(Event::Incompatible { min: welcome.min, current: welcome.current });
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        let event = match event {
            Event::Answer { id, reply } => match self.pending.iter().position(|p| p.id == id) {
                Some(at) => {
                    self.pending.swap_remove(at);
                    Event::Answer { id, reply }
                }
                None => Event::Late { id, reply },
            },
            Event::Aside(aside) if self.events.len() >= EVENTS_FOR_ASIDES => {
                drop(aside);
                self.lost = self.lost.wrapping_add(1);
                return;
            }
            other => other,
        };
        self.tell(event);
    }

    fn tell(&mut self, event: Event) {
        if self.events.push_back(event).is_err() {
            self.lost = self.lost.wrapping_add(1);
        }
    }

    /// The port is closed or gone: what is under way fails, and hello begins anew at the next [`Host::transmit`].
    pub fn hang_up(&mut self, now: Millis) {
        self.go_down(Gone::HungUp, now);
    }

    fn go_down(&mut self, why: Gone, now: Millis) {
        let was_up = matches!(self.state, State::Up { .. });
        let started = self.link.started();
        for p in &mut self.pending {
            let untouched = p.seq.wrapping_sub(started) < 0x8000;
            p.failed = p.failed.or(Some(if untouched { Failure::NotSent } else { Failure::Unanswered }));
        }
        self.link.end();
        self.session = self.session.wrapping_add(1);
        self.state = State::Down { due: now, pause: HELLO_FIRST_MS };
        if was_up {
            self.tell(Event::Down(why));
        }
    }

    /// The next event.
    pub fn event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let at = self.pending.iter().position(|p| p.failed.is_some())?;
        let gone = self.pending.swap_remove(at);
        gone.failed.map(|failure| Event::Failed { id: gone.id, failure })
    }

    /// Writes the next frame that is due to the front of `out` (at least [`crate::wire::MAX_WIRE`] long) and gives its length; 0 if
    /// nothing is due. Also notices what time has brought: requests without answers, a silent bridge.
    pub fn transmit(&mut self, now: Millis, out: &mut [u8]) -> usize {
        self.tick(now);
        self.link.transmit(now, out)
    }

    /// Notices what time has brought, as [`Host::transmit`] does: worth a call before taking events after a wait.
    pub fn tick(&mut self, now: Millis) {
        let started = *self.started.get_or_insert(now);
        for p in &mut self.pending {
            if now >= p.due && p.failed.is_none() {
                // It may still stand in the link's queue and go out later: never "not sent".
                p.failed = Some(Failure::Unanswered);
            }
        }
        if self.link.is_over(now) {
            self.go_down(Gone::Silent, now);
        }
        match self.state {
            State::Down { due, pause } if now >= due => {
                if let Some(body) = body_of(&self.speaks) {
                    self.link.greet(Kind::Hello, self.session, &body);
                }
                let longer = if pause >= HELLO_LAST_MS { pause } else { (pause * 2).min(HELLO_LAST_MS) };
                self.state = State::Down { due: now.saturating_add(pause), pause: longer };
            }
            State::Up { capabilities, beat } if now >= beat => {
                if let Some(body) = body_of(&Aside::Beat { uptime_ms: now.saturating_sub(started) }) {
                    self.link.aside(body);
                }
                self.state = State::Up { capabilities, beat: now.saturating_add(self.timing.beat_ms) };
            }
            State::Down { .. } | State::Up { .. } => {}
        }
    }

    /// When [`Host::transmit`] must be called at the latest, even if nothing was received.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        let own = match self.state {
            State::Down { due, .. } => due,
            State::Up { beat, .. } => beat,
        };
        let link = self.link.deadline().unwrap_or(own);
        let requests = self.pending.iter().filter(|p| p.failed.is_none()).map(|p| p.due).min().unwrap_or(own);
        own.min(link).min(requests)
    }
}

/// The requests that give the MAC of `data` together, in order; all but the last are answered by [`Reply::Done`], the last by
/// [`Reply::Mac`]. Nothing else may ask for a MAC between them.
pub fn mac_requests(method: MacMethod, data: &[u8]) -> impl Iterator<Item = Request> {
    let pieces = data.len().div_ceil(MAX_CHUNK).max(1);
    (0..pieces).map(move |n| {
        let from = n * MAX_CHUNK;
        let piece = data.get(from..data.len().min(from + MAX_CHUNK)).unwrap_or_default();
        Request::Mac {
            method,
            offset: u32::try_from(from).unwrap_or(u32::MAX),
            last: n + 1 == pieces,
            data: Blob::from_slice(piece).unwrap_or_default(),
        }
    })
}
