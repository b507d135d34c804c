//! The conversation of one terminal with its acquirer, without a socket and without a clock: inputs and the time go in, outputs come out.
//!
//! It keeps the connection, sends one order at a time, waits for its answer, and reports. It repeats nothing: what is to be sent again is the
//! ledger's decision. It never decides what a payment is.
//!
//! The shell that runs it keeps this contract: outputs are done in their order before the next input; after `Connect` comes exactly one
//! `Connected` or `Disconnected`, unless the lane says `Disconnect` first; after `Disconnect` nothing of that connection comes any more.

use std::collections::VecDeque;
use std::sync::Arc;

use super::iso8583::{Deframer, Frame, dump};
use super::{
    Accepted, Answer, ComposeError, Composed, LaneIdentity, LaneInput, LaneOutput, Mismatch, NotSent, Order, Pending,
    Profile, Report, accept, compose, compose_echo, read_unasked,
};
use crate::core::domain::{BatchNo, MonoMs, Stan};
use crate::core::ports::{KeyError, TerminalKeys};

/// Answered and given-up requests that a late or repeated answer is still held against.
const RECENT: usize = 32;
/// Strays in a row after which a connection is not believed any more.
const MAX_STRAYS: u32 = 32;
/// Messages in a row without any sign of life after which a connection is taken for dead: the first may be the host's fault alone, and its
/// late answer is worth having.
const MAX_SILENT: u32 = 2;

/// How long things may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneTimes {
    /// Making a connection; and how long an order waits for one.
    pub connect_ms: u64,
    /// From the bytes handed to the line to the answer.
    pub answer_ms: u64,
    /// The first pause after a connection was lost or refused; it doubles.
    pub retry_first_ms: u64,
    /// The longest pause.
    pub retry_max_ms: u64,
    /// Quiet time after which an echo is sent; 0 for never. The profile must have the message.
    pub echo_ms: u64,
}

impl Default for LaneTimes {
    fn default() -> LaneTimes {
        LaneTimes { connect_ms: 5_000, answer_ms: 60_000, retry_first_ms: 500, retry_max_ms: 30_000, echo_ms: 0 }
    }
}

/// One terminal's conversation.
#[derive(Debug)]
pub struct Lane {
    profile: Arc<Profile>,
    identity: LaneIdentity,
    times: LaneTimes,
    jitter: Jitter,
    line: Line,
    /// What was last told of the line.
    told_up: Option<bool>,
    /// Connections lost or refused since one was of use.
    failures: u32,
    deframer: Deframer,
    job: Option<Job>,
    echo: Option<Sent>,
    /// Whether anything came since the last echo went out.
    heard: bool,
    recent: VecDeque<Pending>,
    batch: BatchNo,
    last_heard_or_said: MonoMs,
    strays: u32,
    silent: u32,
}

#[derive(Debug, Clone, Copy)]
enum Line {
    Down { retry: MonoMs },
    Connecting { until: MonoMs },
    Up { since: MonoMs },
}

/// The order under way.
#[derive(Debug)]
enum Job {
    /// Built, and nothing of it was handed to the line.
    Waiting {
        stan: Stan,
        composed: Composed,
        until: MonoMs,
        /// Whether an attempt to connect was begun for it.
        tried: bool,
    },
    /// Handed to the line.
    Sent(Stan, Sent),
}

#[derive(Debug)]
struct Sent {
    pending: Pending,
    until: MonoMs,
}

impl Lane {
    /// A lane without a connection; its first step asks for one. `seed` makes the pauses of different terminals differ.
    #[must_use]
    pub fn new(profile: Arc<Profile>, identity: LaneIdentity, times: LaneTimes, seed: u64) -> Lane {
        Lane {
            deframer: Deframer::new(profile.frame),
            profile,
            identity,
            times,
            jitter: Jitter(seed),
            line: Line::Down { retry: MonoMs(0) },
            told_up: None,
            failures: 0,
            job: None,
            echo: None,
            heard: false,
            recent: VecDeque::with_capacity(RECENT),
            batch: BatchNo(1),
            last_heard_or_said: MonoMs(0),
            strays: 0,
            silent: 0,
        }
    }

    /// Whether an order is under way.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.job.is_some()
    }

    /// Whether a connection stands.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.line, Line::Up { .. })
    }

    /// Takes one input at one moment; gives what is to be done, in order. The last output is `WakeAt`.
    pub fn step(&mut self, now: MonoMs, input: LaneInput<'_>, keys: &mut dyn TerminalKeys) -> Vec<LaneOutput> {
        let mut out = Vec::new();
        match input {
            LaneInput::Order(order) => self.order(now, &order, keys, &mut out),
            LaneInput::Connected => self.connected(now, &mut out),
            LaneInput::Disconnected(why) => {
                // of a connection that we dropped ourselves nothing more is said
                if !matches!(self.line, Line::Down { .. }) {
                    self.lost(now, why, &mut out);
                }
            }
            LaneInput::Bytes(bytes) => self.bytes(now, bytes, keys, &mut out),
            LaneInput::Tick => {}
        }
        self.due(now, keys, &mut out);
        out.push(LaneOutput::WakeAt(self.next_due()));
        out
    }

    fn order(&mut self, now: MonoMs, order: &Order, keys: &mut dyn TerminalKeys, out: &mut Vec<LaneOutput>) {
        let stan = order.stan;
        if self.job.is_some() {
            out.push(LaneOutput::Note(format!("order {stan} came while another was under way: not sent")));
            return out.push(LaneOutput::Report(Report::NotSent { stan, why: NotSent::NoLine }));
        }
        let composed = match compose(&self.profile, &self.identity, order, keys) {
            Ok(composed) => composed,
            Err(error) => {
                out.push(LaneOutput::Note(format!("order {stan} could not be built: {error}")));
                let why = match error {
                    ComposeError::Keys(KeyError::NoWorkKeys | KeyError::Device(_)) => NotSent::NoKeys,
                    _ => NotSent::NotBuilt,
                };
                return out.push(LaneOutput::Report(Report::NotSent { stan, why }));
            }
        };
        self.batch = order.batch;
        let tried = !matches!(self.line, Line::Connecting { .. });
        match self.line {
            Line::Up { .. } => return self.send(now, stan, composed, out),
            Line::Connecting { .. } => {}
            Line::Down { .. } => self.connect(now, out),
        }
        self.job = Some(Job::Waiting { stan, composed, until: now.after(self.times.connect_ms), tried });
    }

    fn send(&mut self, now: MonoMs, stan: Stan, composed: Composed, out: &mut Vec<LaneOutput>) {
        out.push(LaneOutput::Write(composed.wire));
        self.last_heard_or_said = now;
        self.job = Some(Job::Sent(stan, Sent { pending: composed.pending, until: now.after(self.times.answer_ms) }));
    }

    fn connect(&mut self, now: MonoMs, out: &mut Vec<LaneOutput>) {
        self.line = Line::Connecting { until: now.after(self.times.connect_ms) };
        out.push(LaneOutput::Connect);
    }

    fn connected(&mut self, now: MonoMs, out: &mut Vec<LaneOutput>) {
        if !matches!(self.line, Line::Connecting { .. }) {
            return out.push(LaneOutput::Note("a connection came that nobody asked for".to_owned()));
        }
        self.line = Line::Up { since: now };
        (self.strays, self.silent, self.last_heard_or_said) = (0, 0, now);
        self.deframer.clear();
        self.tell(true, "", out);
        match self.job.take() {
            Some(Job::Waiting { stan, composed, .. }) => self.send(now, stan, composed, out),
            other => self.job = other,
        }
    }

    /// The connection went, or could not be made. What was handed to it is *sent*, and stays without an answer.
    fn lost(&mut self, now: MonoMs, why: &str, out: &mut Vec<LaneOutput>) {
        if matches!(self.line, Line::Up { since } if now.0.saturating_sub(since.0) >= self.times.retry_max_ms) {
            self.failures = 0;
        }
        let pause = self.jitter.spread(backoff(&self.times, self.failures));
        self.failures = self.failures.saturating_add(1);
        self.line = Line::Down { retry: now.after(pause) };
        self.echo = None;
        self.deframer.clear();
        self.tell(false, why, out);
        match self.job.take() {
            Some(Job::Sent(stan, sent)) => self.unanswered(stan, sent, out),
            Some(Job::Waiting { stan, composed, until, tried: false }) if now < until => {
                self.connect(now, out);
                self.job = Some(Job::Waiting { stan, composed, until, tried: true });
            }
            Some(Job::Waiting { stan, .. }) => {
                out.push(LaneOutput::Report(Report::NotSent { stan, why: NotSent::NoLine }))
            }
            None => {}
        }
    }

    fn drop_line(&mut self, now: MonoMs, why: &str, out: &mut Vec<LaneOutput>) {
        out.push(LaneOutput::Disconnect);
        self.lost(now, why, out);
    }

    /// On change only.
    fn tell(&mut self, up: bool, why: &str, out: &mut Vec<LaneOutput>) {
        if self.told_up != Some(up) {
            self.told_up = Some(up);
            out.push(LaneOutput::Report(if up { Report::LineUp } else { Report::LineDown { why: why.to_owned() } }));
        }
    }

    fn unanswered(&mut self, stan: Stan, sent: Sent, out: &mut Vec<LaneOutput>) {
        self.remember(sent.pending);
        out.push(LaneOutput::Report(Report::NoAnswer { stan }));
    }

    fn remember(&mut self, pending: Pending) {
        self.recent.retain(|known| *known != pending);
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(pending);
    }

    fn bytes(&mut self, now: MonoMs, bytes: &[u8], keys: &mut dyn TerminalKeys, out: &mut Vec<LaneOutput>) {
        if !self.is_up() {
            return;
        }
        self.deframer.push(bytes);
        while self.is_up() {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => self.frame(now, &frame, keys, out),
                Ok(None) => break,
                Err(error) => {
                    // where a frame begins is not known any more: nothing that follows can be trusted
                    let masked_frame = format!("{} bytes not shown: {error}", self.deframer.held());
                    out.push(LaneOutput::Report(Report::Stray { stan: None, answer: None, masked_frame }));
                    self.drop_line(now, "the acquirer sent what is no frame", out);
                }
            }
        }
    }

    fn frame(&mut self, now: MonoMs, frame: &Frame, keys: &mut dyn TerminalKeys, out: &mut Vec<LaneOutput>) {
        (self.last_heard_or_said, self.silent, self.heard) = (now, 0, true);
        let mismatch = match self.job.take() {
            Some(Job::Sent(stan, sent)) => match accept(&self.profile, &sent.pending, frame, keys, true) {
                Ok(accepted) => return self.answered(stan, sent.pending, accepted, out),
                Err(mismatch) => {
                    self.job = Some(Job::Sent(stan, sent));
                    Some(mismatch)
                }
            },
            other => {
                self.job = other;
                None
            }
        };
        if let Some(echo) = &self.echo
            && accept(&self.profile, &echo.pending, frame, keys, false).is_ok()
        {
            (self.echo, self.failures, self.strays) = (None, 0, 0);
            return;
        }
        self.stray(frame, mismatch, keys, out);
        if self.strays >= MAX_STRAYS {
            self.drop_line(now, "the acquirer sends answers to nothing that was asked", out);
        }
    }

    fn answered(&mut self, stan: Stan, pending: Pending, accepted: Accepted, out: &mut Vec<LaneOutput>) {
        (self.failures, self.strays) = (0, 0);
        self.remember(pending);
        if let Some(error) = accepted.keys {
            out.push(LaneOutput::Note(format!("the work keys of sign-on {stan} were not taken: {error}")));
        }
        out.push(LaneOutput::Report(Report::Answered { stan, answer: Box::new(accepted.answer) }));
    }

    /// Kept aside; held against what was lately asked, so that a late answer says what it means.
    fn stray(
        &mut self,
        frame: &Frame,
        mismatch: Option<Mismatch>,
        keys: &mut dyn TerminalKeys,
        out: &mut Vec<LaneOutput>,
    ) {
        self.strays += 1;
        let late = self.recent.iter().rev().find_map(|pending| {
            let accepted = accept(&self.profile, pending, frame, keys, false).ok()?;
            Some((pending.stan, Some(accepted.answer)))
        });
        let (stan, answer): (Option<Stan>, Option<Answer>) = match late {
            Some(late) => late,
            None => read_unasked(&self.profile, frame),
        };
        let why = match (mismatch, self.profile.spec.decode(&frame.body)) {
            (_, Err(error)) => error.to_string(),
            (Some(mismatch), Ok(_)) => mismatch.to_string(),
            (None, Ok(_)) => "nothing was asked".to_owned(),
        };
        let masked_frame = format!("{} ({why})", dump::masked_frame(&self.profile.spec, frame));
        out.push(LaneOutput::Report(Report::Stray { stan, answer: answer.map(Box::new), masked_frame }));
    }

    /// Does what time has come for.
    fn due(&mut self, now: MonoMs, keys: &mut dyn TerminalKeys, out: &mut Vec<LaneOutput>) {
        if matches!(self.line, Line::Connecting { until } if now >= until) {
            self.drop_line(now, "no connection in time", out);
        }
        match self.job.take() {
            Some(Job::Waiting { stan, until, .. }) if now >= until => {
                out.push(LaneOutput::Report(Report::NotSent { stan, why: NotSent::NoLine }));
            }
            Some(Job::Sent(stan, sent)) if now >= sent.until => {
                self.silent += 1;
                self.unanswered(stan, sent, out);
                if self.silent >= MAX_SILENT {
                    self.drop_line(now, "the line is dead: nothing was answered", out);
                }
            }
            other => self.job = other,
        }
        if self.echo.as_ref().is_some_and(|echo| now >= echo.until) {
            // A host that answers sales and no echo is there all the same.
            if self.heard {
                self.echo = None;
            } else {
                self.drop_line(now, "the line is dead: the echo was not answered", out);
            }
        }
        if self.echo_due().is_some_and(|at| now >= at) {
            self.send_echo(now, keys, out);
        }
        if matches!(self.line, Line::Down { retry } if now >= retry) {
            self.connect(now, out);
        }
    }

    fn send_echo(&mut self, now: MonoMs, keys: &mut dyn TerminalKeys, out: &mut Vec<LaneOutput>) {
        (self.last_heard_or_said, self.heard) = (now, false);
        match compose_echo(&self.profile, &self.identity, self.batch, keys) {
            Ok(composed) => {
                out.push(LaneOutput::Write(composed.wire));
                self.echo = Some(Sent { pending: composed.pending, until: now.after(self.times.answer_ms) });
            }
            Err(error) => out.push(LaneOutput::Note(format!("no echo: {error}"))),
        }
    }

    fn echo_due(&self) -> Option<MonoMs> {
        let idle = self.times.echo_ms > 0 && self.is_up() && self.job.is_none() && self.echo.is_none();
        idle.then(|| self.last_heard_or_said.after(self.times.echo_ms))
    }

    fn next_due(&self) -> MonoMs {
        let line = match self.line {
            Line::Down { retry } => Some(retry),
            Line::Connecting { until } => Some(until),
            Line::Up { .. } => None,
        };
        let job = self.job.as_ref().map(|job| match job {
            Job::Waiting { until, .. } | Job::Sent(_, Sent { until, .. }) => *until,
        });
        let echo = self.echo.as_ref().map(|echo| echo.until).or_else(|| self.echo_due());
        [line, job, echo].into_iter().flatten().min().unwrap_or(MonoMs(u64::MAX))
    }
}

/// The pause after so many failures: doubling, bounded.
fn backoff(times: &LaneTimes, failures: u32) -> u64 {
    let doubled = times.retry_first_ms.saturating_mul(1 << failures.min(20));
    doubled.min(times.retry_max_ms).max(1)
}

/// SplitMix64: spreads the pauses of a store's terminals, the same for the same seed.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    /// Between three and five quarters of `pause`.
    fn spread(&mut self, pause: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        pause - pause / 4 + (mixed ^ (mixed >> 31)) % (pause / 2 + 1)
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
