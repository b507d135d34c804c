//! The lines to the acquirer as they are at this moment. Nothing of it is journaled: after a restart it is learnt anew.

use std::collections::BTreeMap;

use crate::core::day::Clocks;
use crate::core::domain::{MonoMs, PaymentId, Refusal, TerminalId};

/// A start waits so long for the acquirer's clock before it cuts the days it missed. Sales go on meanwhile, on the open day: hence no longer.
const SOON_MS: u64 = 20_000;

/// All terminals' lines, and what stops card sales store-wide.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// Per terminal.
    pub lines: BTreeMap<TerminalId, Line>,
    /// Since when payments wait for their turn. By the monotonic clock: the wall clock may jump.
    pub waiting: BTreeMap<PaymentId, MonoMs>,
    /// The clocks.
    pub clocks: Clocks,
    /// The store is behind its mark: cards are stopped.
    pub mark_behind: bool,
    /// No new payment is taken, and why: the store is damaged, or has no room.
    pub sales_stopped: Option<Refusal>,
}

/// Whether a payment can go online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Not known yet: it is being tried.
    Connecting,
    /// There is a connection.
    Up,
    /// There is none, or the acquirer does not let us sign on.
    Down,
}

/// One terminal's line.
#[derive(Debug, Clone)]
pub struct Line {
    /// The connection.
    pub state: LineState,
    /// Why it is down.
    pub why: Option<String>,
    /// Work keys are loaded and the acquirer has not asked for new ones.
    pub signed_on: bool,
    /// Since when there is no connection.
    pub down_since: Option<MonoMs>,
    /// The last message stayed without an answer: whether the other side still knows us is not known.
    pub unanswered: bool,
    /// The acquirer does not answer, or refuses, the sign-on: as good as no line, until it lets us.
    pub sign_on_failed: bool,
    /// Of sign-on, advices and settlement.
    pub repeats: BackOff,
    /// Answers in a row that refuse a settlement.
    pub refusals: u32,
    /// Of reversals: one that is not done must not keep the stored sales waiting.
    pub reversals: BackOff,
    /// Whether an advice went out after the last online payment: they take turns.
    pub advice_had_its_turn: bool,
}

impl Default for Line {
    fn default() -> Line {
        Line {
            state: LineState::Connecting,
            why: None,
            signed_on: false,
            down_since: None,
            unanswered: false,
            sign_on_failed: false,
            repeats: BackOff::default(),
            refusals: 0,
            reversals: BackOff::default(),
            advice_had_its_turn: false,
        }
    }
}

/// The distance between the tries of something that is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackOff {
    /// Unanswered or refused tries in a row.
    pub failures: u32,
    /// The next goes out at this moment.
    pub until: MonoMs,
}

impl BackOff {
    /// It was not answered, or refused: the next waits, longer each time, at most `longest_ms`.
    pub fn failed(&mut self, now: MonoMs, first_ms: u64, longest_ms: u64) {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        self.until = now.after(first_ms.saturating_mul(1 << doublings).min(longest_ms));
    }

    /// Whether the next may go out.
    #[must_use]
    pub fn over(&self, now: MonoMs) -> bool {
        now >= self.until
    }
}

impl Line {
    /// The connection stands again. After an outage the terminal signs on first: the host may have been exchanged behind it, and its keys with it. A
    /// connection that was away for less than `outage_ms`, with nothing left unanswered, is none: hosts close idle ones.
    pub fn came_up(&mut self, now: MonoMs, outage_ms: u64) {
        let away = self.down_since.take().is_some_and(|since| now.0.saturating_sub(since.0) >= outage_ms);
        if away || std::mem::take(&mut self.unanswered) {
            self.signed_on = false;
        }
        (self.state, self.why, self.sign_on_failed) = (LineState::Up, None, false);
        (self.repeats, self.reversals) = (BackOff::default(), BackOff::default());
    }

    /// The connection went.
    pub fn went_down(&mut self, now: MonoMs, why: &str) {
        self.down_since.get_or_insert(now);
        (self.state, self.why) = (LineState::Down, Some(why.to_owned()));
    }

    /// A payment may go out at once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == LineState::Up && self.signed_on
    }
}

impl Lines {
    /// A terminal's line.
    #[must_use]
    pub fn get(&self, terminal: &TerminalId) -> Line {
        self.lines.get(terminal).cloned().unwrap_or_default()
    }

    /// A terminal's line, to be changed.
    pub fn line_mut(&mut self, terminal: &TerminalId) -> &mut Line {
        self.lines.entry(terminal.clone()).or_default()
    }

    /// The acquirer has not been heard since the start, and a line is still on its way to it: what hangs on its clock waits for a moment.
    #[must_use]
    pub fn may_soon_hear<'t>(&self, mut terminals: impl Iterator<Item = &'t TerminalId>, now: MonoMs) -> bool {
        let on_its_way = |line: &Line| match line.state {
            LineState::Connecting => true,
            LineState::Up => !line.signed_on && !line.sign_on_failed,
            LineState::Down => false,
        };
        now.0 < SOON_MS && self.clocks.host.is_none() && terminals.any(|id| on_its_way(&self.get(id)))
    }

    /// Whether a payment on this terminal can hope to go online.
    #[must_use]
    pub fn state(&self, terminal: &TerminalId) -> LineState {
        match self.lines.get(terminal) {
            None => LineState::Connecting,
            Some(line) if line.sign_on_failed => LineState::Down,
            Some(line) => line.state,
        }
    }
}
