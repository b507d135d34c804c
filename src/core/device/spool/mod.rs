//! The print spool of one printer, as a pure step machine: `step(now, input) -> outputs`.
//!
//! What it keeps to:
//! - One job at a time, in order. Before each the printer is asked how it is; a half-eaten command is flushed with NULs.
//! - `Started(id)` must be durable before the first byte leaves: the machine waits for `StartedDurable(id)`.
//! - A job is done when the printer says so (process id, else `GS r` behind it), not when it was sent.
//! - While paper is out or the cover is open it waits; what was sent prints on from the printer's buffer, the rest follows.
//! - Where it cannot be known what is on paper (port lost, printer or daemon restarted in the middle) the job is printed
//!   again only as `reprint_bytes`, which carry the reprint mark; a job without them is never repeated.
//! - A job with a deadline (a drawer pulse) of which no byte has left by then ends without one.
//! - It judges slowly: 15 s. A printer that blinks for three seconds has printed.
//!
//! May be touched: timings and rules. Must never know: ports, threads, SQLite.

mod asking;
mod attention;
mod machine;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use attention::Attention;
use attention::Set;

use super::escpos_status::{Health, StatusDecoder};
use super::profile::Profile;

/// Jobs that may wait; the next is refused visibly.
pub const MAX_QUEUED: usize = 64;
/// Bytes of one job.
pub const MAX_JOB: usize = 1 << 20;
/// Repeats of one job without a person's word.
pub const MAX_REPEATS: u8 = 3;
/// How long to wait before judging that nothing comes (ms).
pub const PATIENCE_MS: u64 = 15_000;
/// How long an ASB may take after it was switched on (ms).
pub const ASK_MS: u64 = 2_000;
/// Between two rounds of asking a printer that has not answered (ms).
pub const ASK_AGAIN_MS: u64 = 5_000;
/// Between two status questions while something is going on (ms).
pub const POLL_MS: u64 = 3_000;
/// When an unanswered question is given up (ms): it may queue behind data on a slow line.
pub const GIVE_UP_MS: u64 = 10_000;

/// A print job's number, unique for this printer for ever (the store's row id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// One thing to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// For people: "日结单 2026-03-01".
    pub title: String,
    /// ESC/POS bytes of the first print, at most [`MAX_JOB`]. The spool sends `ESC @` itself; one at the start is taken
    /// away, one in the middle would switch the automatic status off.
    pub bytes: Vec<u8>,
    /// What to print where it may already be on paper: the same with the reprint mark (重打印). `None`: never repeat (a drawer
    /// pulse).
    pub reprint_bytes: Option<Vec<u8>>,
    /// `Started` was durable in an earlier run of the daemon and no end was: it may be on paper.
    pub started_before: bool,
    /// When it has no use any more (monotonic ms): if none of it has left by then, none does.
    pub deadline: Option<u64>,
}

/// What happens to a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A new job, or one left from before a restart.
    Job(Job),
    /// The row that says "started" is durable.
    StartedDurable(JobId),
    /// The port was opened; what was unwritten is void.
    PortOpened,
    /// The port is gone.
    PortLost,
    /// So many bytes of earlier `Write`s were handed to the kernel.
    Written(usize),
    /// The printer said something.
    Bytes(Vec<u8>),
    /// The cashier says: go on.
    Resume,
    /// Time has passed.
    Tick,
}

/// Why it counts as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The printer gave the process id back: it is on paper.
    ProcessId,
    /// The printer answered `GS r` behind the job: it is processed.
    Processed,
    /// All was sent, and the printer then said it is well; the model has no better proof.
    Status,
    /// All was sent; the model says nothing at all.
    Unproven,
}

/// Why a job is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// [`MAX_QUEUED`] jobs wait.
    QueueFull,
    /// More than [`MAX_JOB`] bytes.
    TooLarge,
    /// The number is already here.
    Duplicate,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Hand these bytes to the port; answer `Written` when the kernel has them. Only one is out at a time.
    Write(Vec<u8>),
    /// Make durable that this job starts, then answer `StartedDurable`.
    Started(JobId),
    /// It is printed.
    Done {
        /// Which.
        id: JobId,
        /// How that is known.
        proof: Proof,
        /// Whether it went out with the reprint mark.
        reprint: bool,
    },
    /// It may be on paper or not and has no reprint: it ends here, for a person to look at.
    Doubtful(JobId),
    /// Its deadline has passed and no byte of it has left: it ends here.
    Expired(JobId),
    /// It is printed again, with the mark.
    Repeating {
        /// Which.
        id: JobId,
        /// The how-manieth repeat.
        attempt: u8,
    },
    /// Not taken.
    Refused {
        /// Which.
        id: JobId,
        /// Why.
        why: Refusal,
    },
    /// Show this to the cashier.
    Attention(Attention),
    /// That is over.
    Clear(Attention),
    /// Send a `Tick` at this time; replaces the one before.
    WakeAt(u64),
}

/// Whether the shell has made the start durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    NotSaid,
    Said,
    Durable,
}

/// The job at hand.
#[derive(Debug)]
struct Current {
    job: Job,
    start: Start,
    /// It may be on paper: print `reprint_bytes`.
    doubt: bool,
    /// Bytes of it have left in this attempt.
    touched: bool,
    attempt: u8,
}

/// Where the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No port.
    Lost { since: u64 },
    /// Nothing to do.
    Idle,
    /// Asked how it is; waiting for the answers.
    Asking { since: u64, until: u64, asb: bool, heard: Option<u64> },
    /// It said that it cannot print now.
    Waiting,
    /// Waiting for `StartedDurable`.
    Starting,
    /// Writing the job: position, and how much of the current command is left.
    Sending { at: usize, inside: usize },
    /// All is sent; waiting for the proof.
    Finishing { probed: Option<u64> },
    /// In the middle of a job it fell silent, or it was repeated too often: a person or a sign of life is needed.
    Stuck { person: bool },
}

/// What was seen since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolCounters {
    /// Jobs done.
    pub done: u64,
    /// Repeats with the mark.
    pub repeats: u64,
    /// Jobs that ended in doubt.
    pub doubtful: u64,
    /// Jobs not taken.
    pub refused: u64,
    /// Jobs whose deadline passed.
    pub expired: u64,
    /// Bytes handed out.
    pub bytes: u64,
    /// Half-eaten commands flushed.
    pub flushes: u64,
    /// Answers to nothing we asked.
    pub strays: u64,
}

/// A look at a spool, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolView {
    /// The job at hand and its title.
    pub current: Option<(JobId, String)>,
    /// Jobs that wait behind it.
    pub queued: usize,
    /// Whether the port is open.
    pub port_open: bool,
    /// What it is doing, one word.
    pub phase: &'static str,
    /// What the cashier should see, most urgent first.
    pub attentions: Vec<Attention>,
    /// What the printer last said of itself.
    pub health: Health,
    /// Counters.
    pub counters: SpoolCounters,
    /// Bytes from the printer that fitted nothing.
    pub garbage: u64,
}

/// The spool of one printer.
#[derive(Debug)]
pub struct Spool {
    profile: Profile,
    queue: VecDeque<Job>,
    current: Option<Current>,
    phase: Phase,
    decoder: StatusDecoder,
    health: Health,
    /// Last ASB said ready; `None`: none since the port was opened.
    asb_ready: Option<bool>,
    /// Rounds in which `DLE EOT` said ready and ASB had not: its ASB is off, so it was switched off.
    asb_missing: u8,
    /// An ASB came since the port was opened.
    asb_seen: bool,
    /// Answers to `GS r` still to come that belong to no mark of the job at hand.
    unanswered: usize,
    /// The last job ended with all its answers: no others are under way.
    clean: bool,
    /// About to flush: asked once more whether it is well.
    flush_armed: bool,
    /// Flushed since the port was opened.
    flushed: bool,
    /// Bytes out that the kernel has not taken.
    unwritten: usize,
    /// Commands to send at the next boundary.
    commands: Vec<u8>,
    /// Bytes before each `GS r` not yet answered.
    marks: VecDeque<usize>,
    since_mark: usize,
    /// The process id of this attempt.
    process_id: Option<[u8; 4]>,
    last_life: u64,
    last_progress: u64,
    asked_at: Option<u64>,
    last_poll: u64,
    /// It said nothing for [`PATIENCE_MS`] though it was asked.
    silent: bool,
    /// It answers at once, but nothing that goes through its buffer.
    deaf: bool,
    /// `health` is a whole picture, not half an answer round.
    settled: bool,
    unplugged: bool,
    shown: Set,
    counters: SpoolCounters,
}

impl Spool {
    /// A spool without a port and without jobs.
    pub fn new(profile: Profile, now: u64) -> Self {
        Self {
            profile,
            queue: VecDeque::new(),
            current: None,
            phase: Phase::Lost { since: now },
            decoder: StatusDecoder::new(),
            health: Health::default(),
            asb_ready: None,
            asb_missing: 0,
            asb_seen: false,
            unanswered: 0,
            clean: false,
            flush_armed: false,
            flushed: false,
            unwritten: 0,
            commands: Vec::new(),
            marks: VecDeque::new(),
            since_mark: 0,
            process_id: None,
            last_life: now,
            last_progress: now,
            asked_at: None,
            last_poll: now,
            silent: false,
            deaf: false,
            settled: true,
            unplugged: false,
            shown: Set::default(),
            counters: SpoolCounters::default(),
        }
    }

    /// The profile it works by.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// How things stand.
    pub fn view(&self) -> SpoolView {
        SpoolView {
            current: self.current.as_ref().map(|c| (c.job.id, c.job.title.clone())),
            queued: self.queue.len(),
            port_open: !matches!(self.phase, Phase::Lost { .. }),
            phase: match self.phase {
                Phase::Lost { .. } => "lost",
                Phase::Idle => "idle",
                Phase::Asking { .. } => "asking",
                Phase::Waiting => "waiting",
                Phase::Starting => "starting",
                Phase::Sending { .. } => "sending",
                Phase::Finishing { .. } => "finishing",
                Phase::Stuck { .. } => "stuck",
            },
            attentions: Attention::ALL.into_iter().filter(|a| self.shown.has(*a)).collect(),
            health: self.health,
            counters: self.counters,
            garbage: self.decoder.garbage(),
        }
    }

    /// Takes what happened at `now` (monotonic ms), gives what is to be done. The last output is a `WakeAt` where
    /// time matters.
    pub fn step(&mut self, now: u64, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Job(job) => self.take_job(job, &mut out),
            Input::StartedDurable(id) => self.durable(id),
            Input::PortOpened => self.opened(now),
            Input::PortLost => self.lost(now),
            Input::Written(n) => {
                self.unwritten = self.unwritten.saturating_sub(n);
                // A mute printer's only sign of life.
                self.silent &= self.profile.speaks();
            }
            Input::Bytes(bytes) => self.heard(now, &bytes, &mut out),
            Input::Resume => self.resume(now),
            Input::Tick => {}
        }
        self.advance(now, &mut out);
        self.show(&mut out);
        // Never a time that has passed: a shell must not spin.
        out.extend(self.wake_at().map(|at| Output::WakeAt(at.max(now.saturating_add(10)))));
        out
    }

    fn take_job(&mut self, mut job: Job, out: &mut Vec<Output>) {
        // It would switch off the automatic status that the spool has just switched on.
        for bytes in [Some(&mut job.bytes), job.reprint_bytes.as_mut()].into_iter().flatten() {
            if bytes.starts_with(&[0x1B, 0x40]) {
                bytes.drain(..2);
            }
        }
        let longest = job.reprint_bytes.as_ref().map_or(0, Vec::len).max(job.bytes.len());
        let here =
            self.current.as_ref().is_some_and(|c| c.job.id == job.id) || self.queue.iter().any(|j| j.id == job.id);
        let why = if here {
            Refusal::Duplicate
        } else if longest > MAX_JOB {
            Refusal::TooLarge
        } else if self.queue.len() >= MAX_QUEUED {
            Refusal::QueueFull
        } else {
            self.queue.push_back(job);
            return;
        };
        self.counters.refused += 1;
        out.push(Output::Refused { id: job.id, why });
    }

    fn durable(&mut self, id: JobId) {
        if let Some(c) = self.current.as_mut().filter(|c| c.job.id == id && c.start == Start::Said) {
            c.start = Start::Durable;
        }
    }

    /// Compares what should be shown with what is.
    fn show(&mut self, out: &mut Vec<Output>) {
        let h = self.health;
        let caused = h.cover || h.paper_out || h.cutter || h.error;
        let wanted = [
            (Attention::PaperOut, h.paper_out),
            (Attention::PaperNearEnd, h.near_end && !h.paper_out),
            (Attention::CoverOpen, h.cover),
            (Attention::Cutter, h.cutter),
            (Attention::Error, h.error || h.waits_recovery && !h.cover && !h.paper_out && !h.cutter),
            (Attention::Offline, h.offline && !caused && !h.waits_recovery),
            (Attention::NoAnswer, self.silent || self.deaf),
            (Attention::Unplugged, self.unplugged),
            (Attention::Unproven, self.phase == Phase::Stuck { person: true }),
        ];
        // Half an answer round gives half a picture: an "offline" whose cause is still under way.
        for (a, on) in wanted {
            let ours = matches!(a, Attention::NoAnswer | Attention::Unplugged | Attention::Unproven);
            if self.shown.has(a) == on || !(self.settled || ours) {
                continue;
            }
            self.shown = self.shown.with(a, on);
            out.push(if on { Output::Attention(a) } else { Output::Clear(a) });
        }
    }
}
