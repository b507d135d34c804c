//! The bridge's end of the line, pure: [`Bridge::step`] takes bytes and the time and gives what the devices shall do; [`turn`] runs it
//! over [`Devices`] (drivers on a board, [`Bench`] on a desk). The same loop runs on a Cortex-M and in a process of the host.
//!
//! Knows no pin and no port. Keys and marks lie in the [`Store`] that is handed in.

mod bench;
mod devices;

pub use bench::Bench;
pub use devices::{Act, Action, Actions, Devices, Sense, Ticket, turn};

use heapless::Deque;

use crate::Millis;
use crate::keys::{Entry, Limits, Pad, Typed};
use crate::link::{Body, Incoming, Link, Timing, body_of};
use crate::store::{Marks, Store};
use crate::wire::{
    Aside, CAP_BUZZER, CAP_CARD, CAP_DISPLAY, CAP_DRAWER, CAP_HOST_PIN, CAP_KEYPAD, CAP_KEYS, CAP_LEDS, CAP_MARK,
    CAP_SWIPE, Capabilities, Hello, Info, Kind, Level, Notice, Refusal, Reply, Request, Stats, Text, ToBridge, ToHost,
    Welcome, agree, clip,
};

/// Messages that wait for the line at most.
const QUEUE: usize = 6;
/// The row of the customer display that shows a star for each digit of a PIN.
const PIN_ROW: u8 = 3;

/// What a bridge says of itself. [`CAP_HOST_PIN`] follows from its limits and need not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The board or program: at most 24 bytes are said.
    pub name: &'static str,
    /// Its version: 16 bytes.
    pub version: &'static str,
    /// Its serial number: 16 bytes.
    pub serial: &'static str,
    /// What it has.
    pub capabilities: Capabilities,
}

/// A bridge.
#[derive(Debug)]
pub struct Bridge<S> {
    about: About,
    speaks: Hello,
    timing: Timing,
    link: Link<QUEUE>,
    store: S,
    pad: Pad,
    marks: Marks,
    actions: Actions,
    /// Requests taken and not yet answered.
    owed: u8,
    entry: Option<(u16, Entry)>,
    armed_until: Option<Millis>,
    reports_keys: bool,
    beat: Millis,
    early: Deque<Body, 4>,
    lines: u32,
    started: Option<Millis>,
    stack_peak: u32,
}

impl<S: Store> Bridge<S> {
    /// A bridge that takes the keys and marks of `store` at its first step. Constant, so that a board has it in a static: it is too
    /// large to be built on a small stack.
    pub const fn new(about: About, timing: Timing, limits: Limits, store: S) -> Self {
        Self::speaking(about, timing, limits, store, Hello::ours())
    }

    /// A bridge that speaks other versions than this crate's own; for tests of other versions.
    pub const fn speaking(mut about: About, timing: Timing, limits: Limits, store: S, speaks: Hello) -> Self {
        about.capabilities &= !CAP_HOST_PIN;
        if limits.host_pin && about.capabilities & CAP_KEYS != 0 {
            about.capabilities |= CAP_HOST_PIN;
        }
        Self {
            about,
            speaks,
            timing,
            link: Link::new(timing),
            pad: Pad::new(limits),
            marks: Marks::empty(),
            store,
            actions: Actions::new(),
            owed: 0,
            entry: None,
            armed_until: None,
            reports_keys: false,
            beat: 0,
            early: Deque::new(),
            lines: 0,
            started: None,
            stack_peak: 0,
        }
    }

    /// Whether a host is there.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.link.agreed().is_some()
    }

    /// The mark that it keeps of a terminal, for whoever has it on the bench.
    #[must_use]
    pub fn mark(&self, tid: [u8; 8]) -> Option<crate::wire::Mark> {
        self.marks.get(tid)
    }

    /// Notes how deep the stack has been, in bytes, for [`Request::Stats`].
    pub fn note_stack(&mut self, peak: u32) {
        self.stack_peak = peak;
    }

    /// Takes bytes and the time; gives what the devices shall do. Each action is answered by [`Bridge::done`].
    #[must_use]
    pub fn step(&mut self, input: &[u8], now: Millis) -> Actions {
        if self.started.is_none() {
            self.started = Some(now);
            self.pad.restore(&mut self.store);
            self.marks = Marks::load(&mut self.store);
        }
        for byte in input {
            self.take(*byte, now);
        }
        self.link.forget_given();
        if self.link.is_over(now) {
            self.end_session();
        }
        self.pass_time(now);
        core::mem::take(&mut self.actions)
    }

    #[inline(never)] // Its messages must not stand on the stack of a step that has none.
    fn take(&mut self, byte: u8, now: Millis) {
        // A message is taken only if its answer, and the actions that it may cause, will have room.
        let room = self.link.room() > usize::from(self.owed) + 1 && self.actions.len() + 4 <= self.actions.capacity();
        let message = match self.link.feed(byte, now, room) {
            None | Some(Incoming::Welcome { .. } | Incoming::NoSession | Incoming::Aside(_)) => return,
            Some(Incoming::Hello { session, hello }) => return self.on_hello(session, hello, now),
            Some(Incoming::Message(body)) => read_request(body),
        };
        let version = self.link.agreed().map_or(0, |(_, version)| version);
        match message {
            Some((id, Some(request))) if request.since() <= version => {
                self.owed = self.owed.saturating_add(1);
                if let Some(reply) = self.on_request(id, request, now) {
                    self.answer(id, reply);
                }
            }
            Some((id, _)) => {
                self.link.count_not_understood();
                self.owed = self.owed.saturating_add(1);
                self.answer(id, Reply::Refused(Refusal::NotUnderstood));
            }
            None => self.link.count_not_understood(),
        }
    }

    fn on_hello(&mut self, session: u16, hello: Hello, now: Millis) {
        let version = agree(self.speaks, hello);
        match version {
            // Our welcome was lost, and the host asks again: nothing of the session has happened yet.
            Some(v) if self.link.agreed() == Some((session, v)) => {}
            Some(v) => {
                self.end_session();
                self.link.begin(session, v, now);
                self.beat = now;
                while let Some(line) = self.early.pop_front() {
                    self.link.aside(line);
                }
            }
            None => self.end_session(),
        }
        let welcome = Welcome {
            min: self.speaks.min,
            current: self.speaks.current,
            chosen: version.unwrap_or(0),
            capabilities: self.about.capabilities,
        };
        if let Some(body) = body_of(&welcome) {
            self.link.greet(Kind::Welcome, session, &body);
        }
    }

    /// Whatever was under way for a host that is gone ends: no reader stays armed, no half-typed PIN stays in memory.
    fn end_session(&mut self) {
        self.link.end();
        self.owed = 0;
        if self.entry.take().is_some() || self.reports_keys {
            self.reports_keys = false;
            self.do_unasked(Act::Keypad(false));
        }
        if self.armed_until.take().is_some() {
            self.do_unasked(Act::Reader(false));
        }
    }

    #[inline(never)]
    fn pass_time(&mut self, now: Millis) {
        if self.armed_until.is_some_and(|until| now >= until) {
            self.disarm();
            self.tell(Notice::NoCard);
        }
        if self.entry.as_ref().is_some_and(|(_, entry)| now >= entry.until()) {
            self.end_entry(Reply::Refused(Refusal::TimedOut));
        }
        if self.is_up() && now >= self.beat {
            self.beat = now.saturating_add(self.timing.beat_ms);
            let uptime_ms = now.saturating_sub(self.started.unwrap_or(now));
            if let Some(body) = body_of(&Aside::Beat { uptime_ms }) {
                self.link.aside(body);
            }
        }
    }

    /// The answer, if it is known at once; else it comes by [`Bridge::done`] or by a key.
    fn on_request(&mut self, id: u16, request: Request, now: Millis) -> Option<Reply> {
        if let Some(needs) = needs(&request)
            && self.about.capabilities & needs == 0
        {
            return Some(Reply::Refused(Refusal::NotHere));
        }
        Some(match request {
            Request::Ping(data) => Reply::Pong(data),
            Request::Info => Reply::Info(self.info()),
            Request::Stats => Reply::Stats(self.stats(now)),
            Request::Drawer { drawer, pulse_ms } => return self.ask_device(id, Act::Drawer { drawer, pulse_ms }),
            Request::Beep { times, on_ms, off_ms } => return self.ask_device(id, Act::Beep { times, on_ms, off_ms }),
            Request::Leds { mask, on } => return self.ask_device(id, Act::Leds { mask, on }),
            Request::Display { row, text } => return self.ask_device(id, Act::Display { row, text }),
            Request::ArmReader { seconds } => {
                // A card is looked for by a younger payment: whoever types for the last one types in vain.
                if seconds > 0 {
                    self.end_entry(Reply::Refused(Refusal::Cancelled));
                }
                let until = now.saturating_add(u64::from(seconds) * 1000);
                self.armed_until = (seconds > 0).then_some(until);
                return self.ask_device(id, Act::Reader(seconds > 0));
            }
            Request::Keypad { report } => {
                self.reports_keys = report;
                return self.ask_device(id, Act::Keypad(report || self.entry.is_some()));
            }
            Request::ReadMark { tid } => Reply::Mark(self.marks.get(tid)),
            Request::PutMark(mark) => done(self.marks.put(mark, &mut self.store)),
            Request::KeyState => Reply::Keys(self.pad.state()),
            Request::LoadMaster { key, check, code } => {
                done(self.pad.load_master(key.expose(), check, code.expose(), &mut self.store))
            }
            Request::LoadWork { block } => done(self.pad.load_work(&block, now)),
            Request::ClearWork => {
                self.pad.clear_work();
                Reply::Done
            }
            Request::Mac { method, offset, last, data } => match self.pad.mac(method, offset, last, &data) {
                Ok(Some(mac)) => Reply::Mac(mac),
                Ok(None) => Reply::Done,
                Err(refusal) => Reply::Refused(refusal),
            },
            Request::EnterPin { pan, seconds } => {
                // The younger payment takes over.
                self.end_entry(Reply::Refused(Refusal::Cancelled));
                if let Err(refusal) = self.pad.may_make_pin_block(now) {
                    return Some(Reply::Refused(refusal));
                }
                let until = now.saturating_add(u64::from(seconds) * 1000);
                self.entry = Some((id, Entry::new(pan, until)));
                self.do_unasked(Act::Keypad(true));
                return None;
            }
            Request::PinBlock { pin, pan } => match self.pad.pin_block(pin.expose(), pan.expose(), now) {
                Ok(block) => Reply::PinBlock(block),
                Err(refusal) => Reply::Refused(refusal),
            },
            Request::Track { data } => match self.pad.track(data.expose()) {
                Ok(cipher) => Reply::Cipher(cipher),
                Err(refusal) => Reply::Refused(refusal),
            },
        })
    }

    fn info(&self) -> Info {
        let About { name, version, serial, capabilities } = self.about;
        Info { name: clip(name), version: clip(version), serial: clip(serial), capabilities }
    }

    fn stats(&self, now: Millis) -> Stats {
        let uptime_ms = now.saturating_sub(self.started.unwrap_or(now));
        Stats { uptime_ms, stack_peak: self.stack_peak, ..self.link.stats() }
    }

    fn ask_device(&mut self, id: u16, act: Act) -> Option<Reply> {
        let (session, _) = self.link.agreed()?;
        let ticket = Some(Ticket { session, id });
        self.actions.push(Action { ticket, act }).err().map(|_| Reply::Refused(Refusal::Busy))
    }

    fn do_unasked(&mut self, act: Act) {
        if self.actions.push(Action { ticket: None, act }).is_err() {
            self.link.count_lost();
        }
    }

    /// What became of an action.
    pub fn done(&mut self, ticket: Option<Ticket>, result: Result<(), Refusal>) {
        match (ticket, result) {
            (Some(Ticket { session, id }), result) => {
                // The answer to a host that has gone meanwhile is not for the next one.
                if self.link.agreed().is_some_and(|(now, _)| now == session) {
                    self.answer(id, done(result));
                }
            }
            (None, Err(Refusal::Fault(device))) => self.tell(Notice::Fault(device)),
            (None, _) => {}
        }
    }

    /// What a device saw.
    pub fn sense(&mut self, sense: Sense, now: Millis) {
        match sense {
            Sense::Key(key) if self.entry.is_some() => self.on_pin_key(key, now),
            Sense::Key(key) if self.reports_keys => self.tell(Notice::Key(key)),
            Sense::Key(_) => {}
            Sense::Card { uid, atqa, sak } if self.armed_until.is_some() => {
                self.disarm();
                self.tell(Notice::Card { uid, atqa, sak });
            }
            Sense::Swipe { track2 } if self.armed_until.is_some() => {
                let notice = Notice::Swipe { track2 };
                if self.may_tell(&notice) {
                    self.disarm();
                    self.tell(notice);
                }
            }
            Sense::Card { .. } | Sense::Swipe { .. } => {}
            Sense::DrawerOpen { drawer, open } => self.tell(Notice::DrawerOpen { drawer, open }),
            Sense::Fault(device) => self.tell(Notice::Fault(device)),
        }
    }

    fn on_pin_key(&mut self, key: crate::wire::Key, now: Millis) {
        let Some((_, entry)) = &mut self.entry else { return };
        match entry.key(key) {
            Typed::Digits(n) => self.show_stars(n),
            Typed::TooShort => {
                self.show_stars(0);
                if self.about.capabilities & CAP_BUZZER != 0 {
                    self.do_unasked(Act::Beep { times: 2, on_ms: 80, off_ms: 80 });
                }
            }
            Typed::Nothing => self.end_entry(Reply::NoPin),
            Typed::Cancelled => self.end_entry(Reply::Refused(Refusal::Cancelled)),
            Typed::Complete => {
                let (pin, pan) = entry.typed();
                let reply = match self.pad.pin_block(pin, pan, now) {
                    Ok(block) => Reply::PinBlock(block),
                    Err(refusal) => Reply::Refused(refusal),
                };
                self.end_entry(reply);
            }
        }
    }

    fn show_stars(&mut self, n: usize) {
        if self.about.capabilities & CAP_DISPLAY != 0
            && let Some(text) = b"************".get(..n.min(12)).and_then(|stars| Text::from_slice(stars).ok())
        {
            self.do_unasked(Act::Display { row: PIN_ROW, text });
        }
    }

    fn end_entry(&mut self, reply: Reply) {
        let Some((id, entry)) = self.entry.take() else { return };
        drop(entry);
        self.show_stars(0);
        if !self.reports_keys {
            self.do_unasked(Act::Keypad(false));
        }
        self.answer(id, reply);
    }

    fn disarm(&mut self) {
        self.armed_until = None;
        self.do_unasked(Act::Reader(false));
    }

    fn may_tell(&self, notice: &Notice) -> bool {
        self.link.agreed().is_some_and(|(_, version)| notice.since() <= version)
    }

    /// A notice must leave room for the answers that are owed; what finds none is counted.
    fn tell(&mut self, notice: Notice) {
        if !self.may_tell(&notice) {
            return;
        }
        let room = self.link.room() > usize::from(self.owed);
        let told = room && body_of(&ToHost::Notice(notice)).is_some_and(|body| self.link.send(body));
        if !told {
            self.link.count_lost();
        }
    }

    fn answer(&mut self, id: u16, reply: Reply) {
        self.owed = self.owed.saturating_sub(1);
        let sent = body_of(&ToHost::Answer { id, reply }).is_some_and(|body| self.link.send(body));
        if !sent {
            self.link.count_lost();
        }
    }

    /// Logs a line: sent as an aside; what is logged before there is a host waits, the first four lines of it.
    pub fn log(&mut self, level: Level, line: &str) {
        let number = self.lines;
        self.lines = self.lines.wrapping_add(1);
        let Some(body) = body_of(&Aside::Log { level, number, line: clip(line) }) else { return };
        if self.is_up() {
            self.link.aside(body);
        } else if self.early.push_back(body).is_err() {
            self.link.count_lost();
        }
    }

    /// Writes the next frame that is due to the front of `out` (at least [`crate::wire::MAX_WIRE`] long) and gives its length; 0 if none.
    pub fn transmit(&mut self, now: Millis, out: &mut [u8]) -> usize {
        self.link.transmit(now, out)
    }
}

/// Which capability a request needs.
fn needs(request: &Request) -> Option<Capabilities> {
    Some(match request {
        Request::Ping(_) | Request::Info | Request::Stats => return None,
        Request::Drawer { .. } => CAP_DRAWER,
        Request::Beep { .. } => CAP_BUZZER,
        Request::Leds { .. } => CAP_LEDS,
        Request::Display { .. } => CAP_DISPLAY,
        Request::ArmReader { .. } => CAP_CARD | CAP_SWIPE,
        Request::Keypad { .. } | Request::EnterPin { .. } => CAP_KEYPAD,
        Request::ReadMark { .. } | Request::PutMark(_) => CAP_MARK,
        Request::PinBlock { .. } => CAP_HOST_PIN,
        Request::KeyState
        | Request::LoadMaster { .. }
        | Request::LoadWork { .. }
        | Request::ClearWork
        | Request::Mac { .. }
        | Request::Track { .. } => CAP_KEYS,
    })
}

fn done(result: Result<(), Refusal>) -> Reply {
    result.map_or_else(Reply::Refused, |()| Reply::Done)
}

/// The number of a request, and the request if it can be read: one of a newer version still has a number to refuse.
fn read_request(body: &[u8]) -> Option<(u16, Option<Request>)> {
    if let Ok(ToBridge { id, request }) = postcard::from_bytes(body) {
        return Some((id, Some(request)));
    }
    postcard::take_from_bytes::<u16>(body).ok().map(|(id, _)| (id, None))
}
