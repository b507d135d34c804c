//! One end of a session, the same for both: a message is repeated until acknowledged, delivered once and in order, one at a
//! time in each direction. Sans I/O: bytes and the time come in, frames go out. Knows frames, not what messages mean.
//!
//! Sequence numbers begin at 0 with each session and wrap. The receiver takes only the number it expects, acknowledges again what it
//! has had, and asks again for what was spoiled, but only once between two sound frames, so that two ends never quarrel about garbage.

use heapless::{Deque, Vec};
use zeroize::Zeroize;

use crate::Millis;
use crate::wire::{Decoder, Frame, FrameError, Hello, Kind, MAX_BODY, MAX_WIRE, NakReason, Stats, Welcome};

/// The body of a frame.
pub type Body = Vec<u8, MAX_BODY>;

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// An unacknowledged message is sent again after this, in milliseconds; then after twice, four times, and always eight times as long.
    pub ack_ms: u64,
    /// A message is sent at most so often; then the session is over.
    pub tries: u8,
    /// A heartbeat so often, in milliseconds.
    pub beat_ms: u64,
    /// Nothing heard for so long: the session is over, in milliseconds.
    pub silence_ms: u64,
}

impl Timing {
    /// For a line of 115,200 baud: the longest frame takes 22 ms.
    pub const USUAL: Self = Self { ack_ms: 80, tries: 12, beat_ms: 1000, silence_ms: 3500 };
}

impl Default for Timing {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Something for the layer above.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The other end (a host) wants this session.
    Hello {
        /// The session's number.
        session: u16,
        /// What it speaks.
        hello: Hello,
    },
    /// The other end (a bridge) agrees to the session, or not.
    Welcome {
        /// The session's number.
        session: u16,
        /// What it speaks and has.
        welcome: Welcome,
    },
    /// A message, for the first time and in order.
    Message(&'a [u8]),
    /// An aside, at most once.
    Aside(&'a [u8]),
    /// The other end knows of no session.
    NoSession,
}

struct Flight {
    seq: u16,
    body: Body,
    tries: u8,
    due: Millis,
}

#[derive(Clone, Copy)]
enum Control {
    Ack(u16),
    Nak(NakReason),
}

enum Verdict {
    Nothing,
    Hello(Hello),
    Welcome(Welcome),
    Message,
    Aside,
    NoSession,
}

/// One end of the line. `Q` messages wait at most.
pub struct Link<const Q: usize> {
    decoder: Decoder,
    session: Session<Q>,
}

struct Session<const Q: usize> {
    timing: Timing,
    /// (session number, version) once agreed.
    agreed: Option<(u16, u8)>,
    expect: u16,
    next: u16,
    flight: Option<Flight>,
    queue: Deque<Body, Q>,
    asides: Deque<Body, 4>,
    aside_next: u16,
    aside_seen: Option<u16>,
    control: Option<Control>,
    greeting: Option<(Kind, u16, Vec<u8, 16>)>,
    may_nak: bool,
    heard: Millis,
    stats: Stats,
}

impl<const Q: usize> core::fmt::Debug for Link<Q> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let s = &self.session;
        f.debug_struct("Link")
            .field("agreed", &s.agreed)
            .field("expect", &s.expect)
            .field("next", &s.next)
            .finish_non_exhaustive()
    }
}

impl<const Q: usize> Link<Q> {
    /// An end without a session.
    #[must_use]
    pub const fn new(timing: Timing) -> Self {
        let session = Session {
            timing,
            agreed: None,
            expect: 0,
            next: 0,
            flight: None,
            queue: Deque::new(),
            asides: Deque::new(),
            aside_next: 0,
            aside_seen: None,
            control: None,
            greeting: None,
            may_nak: true,
            heard: 0,
            stats: Stats::ZERO,
        };
        Self { decoder: Decoder::new(), session }
    }

    /// Begins a session; whatever was left of the last one is forgotten.
    pub fn begin(&mut self, session: u16, version: u8, now: Millis) {
        self.end();
        self.session.agreed = Some((session, version));
        self.session.heard = now;
    }

    /// Ends the session and forgets what waited in it.
    pub fn end(&mut self) {
        let s = &mut self.session;
        s.agreed = None;
        (s.expect, s.next, s.aside_next, s.aside_seen) = (0, 0, 0, None);
        if let Some(mut flight) = s.flight.take() {
            flight.body.zeroize();
        }
        while let Some(mut body) = s.queue.pop_front() {
            body.zeroize();
        }
        s.asides.clear();
        s.control = None;
        s.may_nak = true;
    }

    /// The session and its version.
    #[must_use]
    pub fn agreed(&self) -> Option<(u16, u8)> {
        self.session.agreed
    }

    /// Counters of this end.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.session.stats
    }

    /// Counts a body that the layer above could not read.
    pub fn count_not_understood(&mut self) {
        bump(&mut self.session.stats.not_understood);
    }

    /// Counts something that found no room.
    pub fn count_lost(&mut self) {
        bump(&mut self.session.stats.lost);
    }

    /// How many messages could be queued now.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.session.agreed.is_none() { 0 } else { Q - self.session.queue.len() }
    }

    /// How many messages of this session have been sent at least once (wraps): the sequence number of the next one.
    #[must_use]
    pub fn started(&self) -> u16 {
        self.session.next
    }

    /// Whether everything queued has been acknowledged.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.session.flight.is_none() && self.session.queue.is_empty()
    }

    /// Queues a message; false, and nothing queued, where there is no session or no room ([`Link::room`]).
    #[must_use]
    pub fn send(&mut self, body: Body) -> bool {
        self.session.agreed.is_some() && self.session.queue.push_back(body).is_ok()
    }

    /// Queues an aside; where there is no room it is dropped, counted, and the answer is false.
    pub fn aside(&mut self, body: Body) -> bool {
        let taken = self.session.agreed.is_some() && self.session.asides.push_back(body).is_ok();
        if !taken {
            bump(&mut self.session.stats.lost);
        }
        taken
    }

    /// Queues a hello or a welcome (the only one that waits).
    pub fn greet(&mut self, kind: Kind, session: u16, body: &[u8]) {
        self.session.greeting = Vec::from_slice(body).ok().map(|body| (kind, session, body));
    }

    /// Takes one byte. `room`: whether the layer above can take a message now; if not, the other end is asked to repeat it.
    pub fn feed(&mut self, byte: u8, now: Millis, room: bool) -> Option<Incoming<'_>> {
        let Self { decoder, session } = self;
        let frame = match decoder.feed(byte)? {
            Ok(frame) => frame,
            Err(error) => {
                session.on_spoiled(error);
                return None;
            }
        };
        let number = frame.session;
        match session.on_frame(&frame, now, room) {
            Verdict::Nothing => None,
            Verdict::Hello(hello) => Some(Incoming::Hello { session: number, hello }),
            Verdict::Welcome(welcome) => Some(Incoming::Welcome { session: number, welcome }),
            Verdict::Message => Some(Incoming::Message(frame.body)),
            Verdict::Aside => Some(Incoming::Aside(frame.body)),
            Verdict::NoSession => Some(Incoming::NoSession),
        }
    }

    /// Overwrites what the last frame left in the buffer, if it has been given out: it may have carried a key.
    pub fn forget_given(&mut self) {
        self.decoder.forget_given();
    }

    /// Writes the next frame that is due to the front of `out` and gives its length; 0 if none is due, or `out` is shorter than
    /// [`MAX_WIRE`].
    pub fn transmit(&mut self, now: Millis, out: &mut [u8]) -> usize {
        if out.len() < MAX_WIRE { 0 } else { self.session.transmit(now, out).unwrap_or(0) }
    }

    /// Why the session is over, if it is: the other end is silent or acknowledges nothing. The caller then ends it.
    #[must_use]
    pub fn is_over(&self, now: Millis) -> bool {
        let s = &self.session;
        let tired = s.flight.as_ref().is_some_and(|f| f.tries >= s.timing.tries && now >= f.due);
        s.agreed.is_some() && (tired || now.saturating_sub(s.heard) >= s.timing.silence_ms)
    }

    /// When [`Link::transmit`] or [`Link::is_over`] may next say something new; `None` without a session.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let s = &self.session;
        s.agreed?;
        let silent = s.heard.saturating_add(s.timing.silence_ms);
        Some(s.flight.as_ref().map_or(silent, |f| f.due.min(silent)))
    }
}

impl<const Q: usize> Session<Q> {
    fn on_spoiled(&mut self, _error: FrameError) {
        bump(&mut self.stats.spoiled);
        if self.may_nak && self.agreed.is_some() && self.control.is_none() {
            self.may_nak = false;
            self.control = Some(Control::Nak(NakReason::Spoiled));
        }
    }

    fn on_frame(&mut self, frame: &Frame<'_>, now: Millis, room: bool) -> Verdict {
        bump(&mut self.stats.frames);
        match frame.kind {
            Kind::Hello => return read(frame.body).map_or(Verdict::Nothing, Verdict::Hello),
            Kind::Welcome => return read(frame.body).map_or(Verdict::Nothing, Verdict::Welcome),
            Kind::Nak if NakReason::of(frame.body) == Some(NakReason::NoSession) => {
                return if self.is_ours(frame) { Verdict::NoSession } else { Verdict::Nothing };
            }
            Kind::Data | Kind::Ack | Kind::Nak | Kind::Aside => {}
        }
        if !self.is_ours(frame) {
            if matches!(frame.kind, Kind::Data | Kind::Aside) {
                self.deny(frame.session, frame.version);
            }
            return Verdict::Nothing;
        }
        self.heard = now;
        self.may_nak = true;
        match frame.kind {
            Kind::Data => self.on_data(frame.seq, room),
            Kind::Ack => self.on_ack(frame.seq),
            Kind::Nak => self.on_nak(frame.seq, NakReason::of(frame.body), now),
            _ => self.on_aside(frame.seq),
        }
    }

    fn is_ours(&self, frame: &Frame<'_>) -> bool {
        self.agreed == Some((frame.session, frame.version))
    }

    /// A frame of a session that this end does not know (it was restarted): said in that session's own number.
    fn deny(&mut self, session: u16, version: u8) {
        if self.greeting.is_none() {
            let body = [NakReason::NoSession as u8, version];
            self.greeting = Vec::from_slice(&body).ok().map(|body| (Kind::Nak, session, body));
        }
    }

    fn on_data(&mut self, seq: u16, room: bool) -> Verdict {
        if seq.wrapping_add(1) == self.expect {
            bump(&mut self.stats.repeated);
            self.control = Some(Control::Ack(seq));
            return Verdict::Nothing;
        }
        if seq != self.expect {
            self.control = Some(Control::Nak(NakReason::Unexpected));
            return Verdict::Nothing;
        }
        if !room {
            self.control = Some(Control::Nak(NakReason::Busy));
            return Verdict::Nothing;
        }
        self.expect = self.expect.wrapping_add(1);
        self.control = Some(Control::Ack(seq));
        Verdict::Message
    }

    fn on_ack(&mut self, seq: u16) -> Verdict {
        if self.flight.as_ref().is_some_and(|f| f.seq == seq)
            && let Some(mut flight) = self.flight.take()
        {
            flight.body.zeroize();
        }
        Verdict::Nothing
    }

    fn on_nak(&mut self, expected: u16, reason: Option<NakReason>, now: Millis) -> Verdict {
        let delivered = self.flight.as_ref().is_some_and(|f| f.seq.wrapping_add(1) == expected);
        if delivered {
            self.on_ack(expected.wrapping_sub(1));
        } else if let Some(flight) = &mut self.flight
            && flight.seq == expected
            && flight.tries > 0
        {
            if reason == Some(NakReason::Busy) {
                // Heard but not taken: patience is not a try.
                flight.tries = 1;
                flight.due = now.saturating_add(self.timing.ack_ms);
            } else {
                flight.due = now;
            }
        }
        // What was spoiled may have been our acknowledgement.
        if reason == Some(NakReason::Spoiled) && self.expect != 0 && self.control.is_none() {
            self.control = Some(Control::Ack(self.expect.wrapping_sub(1)));
        }
        Verdict::Nothing
    }

    fn on_aside(&mut self, seq: u16) -> Verdict {
        let newer = self.aside_seen.is_none_or(|seen| seq.wrapping_sub(seen) as i16 > 0);
        if !newer {
            return Verdict::Nothing;
        }
        self.aside_seen = Some(seq);
        Verdict::Aside
    }

    fn transmit(&mut self, now: Millis, out: &mut [u8]) -> Option<usize> {
        if let Some((kind, session, body)) = self.greeting.take() {
            let version = if kind == Kind::Nak { body.get(1).copied().unwrap_or(0) } else { 0 };
            let body = if kind == Kind::Nak { body.get(..1)? } else { &body };
            return Frame { kind, version, session, seq: 0, body }.emit(out);
        }
        let (session, version) = self.agreed?;
        let frame = |kind, seq, body| Frame { kind, version, session, seq, body };
        if let Some(control) = self.control.take() {
            return match control {
                Control::Ack(seq) => frame(Kind::Ack, seq, &[]).emit(out),
                Control::Nak(reason) => frame(Kind::Nak, self.expect, &[reason as u8]).emit(out),
            };
        }
        if self.flight.is_none()
            && let Some(body) = self.queue.pop_front()
        {
            self.flight = Some(Flight { seq: self.next, body, tries: 0, due: now });
            self.next = self.next.wrapping_add(1);
        }
        if let Some(flight) = &mut self.flight
            && now >= flight.due
            && flight.tries < self.timing.tries
        {
            if flight.tries > 0 {
                bump(&mut self.stats.resent);
            }
            // Each next wait is longer, up to eight times: a host under load may not run for a second, and is not gone for that.
            let wait = self.timing.ack_ms << flight.tries.min(3);
            flight.tries += 1;
            flight.due = now.saturating_add(wait);
            return frame(Kind::Data, flight.seq, &flight.body).emit(out);
        }
        let aside = self.asides.pop_front()?;
        let seq = self.aside_next;
        self.aside_next = seq.wrapping_add(1);
        frame(Kind::Aside, seq, &aside).emit(out)
    }
}

fn bump(counter: &mut u32) {
    *counter = counter.wrapping_add(1);
}

fn read<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    postcard::take_from_bytes(body).ok().map(|(value, _)| value)
}

/// A message as a body; `None` if it is too long for one frame.
#[must_use]
pub fn body_of<T: serde::Serialize>(message: &T) -> Option<Body> {
    let mut buf = [0; MAX_BODY];
    let body = postcard::to_slice(message, &mut buf).ok().and_then(|used| Body::from_slice(used).ok());
    buf.zeroize();
    body
}
