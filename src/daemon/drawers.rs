//! Drawers that hang on a bridge, at terminals without a printer. Opening one is a job like any print: durable before it is done, done once. And how
//! long any drawer may still be opened.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bridging::{ANSWER_MS, BridgeLine, Done};
use super::config::{Config, ReaderConfig, ReaderKind};
use super::papers::Papers;
use crate::core::device::bridge::sentence;
use crate::core::domain::{PrinterId, Sentence, Seq, TerminalId};
use crate::core::ports::PrintWhat;
use crate::io::store::Job;
use crate::io::work;
use tilld_bridge::wire::{CAP_DRAWER, Refusal, Reply, Request};

/// How long the coil is driven: what printers do.
const PULSE_MS: u16 = 100;
/// A coil that cools down no longer than this, in all, is waited for: the customer still stands there.
const COOLS_MS: u32 = 3_000;
/// The least that is waited: a board whose clock is a little slow says at the end of its time that some is left.
const LEAST_MS: u32 = 20;

/// How long a drawer may be opened after its row was committed: later nobody stands before it. A report of another terminal may be printed first.
pub const LIFE_MS: u64 = 30_000;
/// Commits within this time of each other are remembered as one.
const APART_MS: u64 = 300;

/// Which rows are so young that a drawer may be opened for them. It goes by monotonic time alone, so that no clock that is set makes an old row young; a
/// row from before this start is too old.
#[derive(Debug, Clone)]
pub struct Young(Arc<Mutex<Heads>>);

#[derive(Debug)]
struct Heads {
    /// Rows up to this one are too old.
    old: Seq,
    /// When the journal reached which row: at most [`LIFE_MS`] / [`APART_MS`] of them, and one.
    since: VecDeque<(u64, Seq)>,
}

impl Young {
    /// None of the rows up to this one.
    #[must_use]
    pub fn after(head: Seq) -> Young {
        Young(Arc::new(Mutex::new(Heads { old: head, since: VecDeque::new() })))
    }

    /// Rows up to this one are durable now (monotonic ms).
    pub fn note(&self, now: u64, head: Seq) {
        let mut heads = self.heads(now);
        match heads.since.back_mut() {
            Some((at, last)) if now < at.saturating_add(APART_MS) => *last = head,
            _ => heads.since.push_back((now, head)),
        }
    }

    /// Until when a drawer may be opened for this row; `None`: not any more.
    #[must_use]
    pub fn until(&self, now: u64, row: Seq) -> Option<u64> {
        let heads = self.heads(now);
        let at = heads.since.iter().find(|(_, head)| *head >= row).map_or(now, |(at, _)| *at);
        (row > heads.old).then(|| at.saturating_add(LIFE_MS))
    }

    fn heads(&self, now: u64) -> MutexGuard<'_, Heads> {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, head)) = heads.since.front().copied()
            && at.saturating_add(LIFE_MS) <= now
        {
            heads.old = head;
            heads.since.pop_front();
        }
        heads
    }
}

/// The name under which a bridge takes its jobs from the store, where its terminal has no printer.
#[must_use]
pub fn outlet(config: &Config, terminal: &TerminalId) -> Option<PrinterId> {
    let is_bridge = |r: &ReaderConfig| r.kind == ReaderKind::Bridge && r.terminal == *terminal;
    let place = config.terminals.iter().position(|t| t.id == *terminal)?;
    let printed = config.printers.iter().any(|p| p.serves(terminal));
    let has = !printed && config.readers.iter().any(is_bridge);
    has.then(|| PrinterId::new(&format!("@{}", place + 1)).ok()).flatten()
}

/// A drawer on a bridge.
#[derive(Debug, Clone)]
struct Drawer {
    outlet: PrinterId,
    line: BridgeLine,
    pulses: Arc<Pulses>,
    young: Young,
}

/// What a drawer's bridge was asked: each pulse has a number.
#[derive(Debug, Default)]
struct Pulses {
    /// The last one that was asked for.
    asked: AtomicU32,
    /// The last one that is known to have opened the drawer.
    opened: AtomicU32,
}

impl Pulses {
    fn ask(&self) -> u32 {
        self.asked.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn last_asked(&self) -> u32 {
        self.asked.load(Ordering::Acquire)
    }

    fn done(&self, number: u32) {
        self.opened.fetch_max(number, Ordering::AcqRel);
    }

    /// The drawer has sprung open since `last_asked` was this. A pulse that was under way then may have been over before.
    fn opened_since(&self, last_asked: u32) -> bool {
        self.opened.load(Ordering::Acquire) > last_asked
    }
}

/// The drawers of a store's bridges.
#[derive(Debug, Clone, Default)]
pub struct Drawers(Vec<Drawer>);

impl Drawers {
    /// Of these bridges; those of terminals with a printer are left out.
    #[must_use]
    pub fn new(config: &Config, bridges: impl Iterator<Item = (TerminalId, BridgeLine)>, young: &Young) -> Drawers {
        let drawer = |(terminal, line)| {
            let outlet = outlet(config, &terminal)?;
            Some(Drawer { outlet, line, pulses: Arc::default(), young: young.clone() })
        };
        Drawers(bridges.filter_map(drawer).collect())
    }

    /// There may be jobs.
    pub fn look(&self, papers: &Papers) {
        for drawer in &self.0 {
            claim(drawer.clone(), papers.clone(), None);
        }
    }
}

/// Takes the next job, after `finished` is done.
fn claim(drawer: Drawer, papers: Papers, finished: Option<u64>) {
    let again = papers.clone();
    papers.inbox.look(move |writer| match writer.store_mut().finish_and_claim(&drawer.outlet, finished) {
        Ok(Some(job)) => open(job, drawer, again),
        Ok(None) => {}
        Err(error) => log::error!("the next drawer job could not be had: {error}"),
    });
}

/// Opens the drawer if this is such a job, young, and has never been begun; a bridge has no paper for any other. A drawer that does not open now is
/// not opened later, when nobody stands before it.
fn open(job: Job, drawer: Drawer, papers: Papers) {
    let id = job.id;
    let young = drawer.young.until(papers.clock.now().mono.0, job.created).is_some();
    if matches!(job.what, PrintWhat::Drawer { .. }) && !young {
        // The bridge is well: there is nothing that a person should see to.
        log::warn!("drawer job {id} is not done: it comes too late");
        return claim(drawer, papers, Some(id));
    }
    if !matches!(job.what, PrintWhat::Drawer { .. }) || job.tries > 1 || !drawer.line.has(CAP_DRAWER) {
        if matches!(job.what, PrintWhat::Drawer { .. }) {
            log::warn!("drawer job {id} is not done: begun before, or no drawer at the bridge");
            drawer.line.note_drawer(Some(Sentence::new("设备不在或没有钱箱", "no bridge with a drawer was there")));
        }
        return claim(drawer, papers, Some(id));
    }
    let asked = Asked { id, after: drawer.pulses.last_asked() };
    pulse(asked, drawer, papers, COOLS_MS);
}

/// A job under way.
#[derive(Clone, Copy)]
struct Asked {
    id: u64,
    /// The last pulse before it: only a later one can have been seen by who stands there.
    after: u32,
}

/// Drives the coil. One that cools down was driven a moment ago. For the sale before: where that is over within `patience` milliseconds, it is driven then.
/// For one after this: then the drawer has sprung open since, and need not again.
fn pulse(job: Asked, drawer: Drawer, papers: Papers, patience: u32) {
    let line = drawer.line.clone();
    let number = drawer.pulses.ask();
    let done: Done = Box::new(move |reply| {
        let why = match reply {
            Ok(Reply::Done) => {
                drawer.pulses.done(number);
                None
            }
            Ok(Reply::Refused(Refusal::TooSoon { .. })) if drawer.pulses.opened_since(job.after) => None,
            Ok(Reply::Refused(Refusal::TooSoon { wait_ms })) if wait_ms.max(LEAST_MS) <= patience => {
                let wait_ms = wait_ms.max(LEAST_MS);
                let later = move || {
                    std::thread::sleep(Duration::from_millis(wait_ms.into()));
                    pulse(job, drawer, papers, patience - wait_ms);
                };
                // Without a thread the drawer stays as it is, and the job was begun: it is not done again by itself.
                if let Err(error) = work::thread("drawer", later) {
                    log::error!("drawer job {}: no thread to wait for the coil: {error}", job.id);
                }
                return;
            }
            Ok(Reply::Refused(refusal)) => Some(sentence(&refusal)),
            Ok(_) => Some(Sentence::new("设备答非所问", "it answered something else")),
            Err(error) => Some(Sentence::new("设备无应答", error.to_string())),
        };
        match &why {
            None => log::info!("drawer job {}: opened", job.id),
            Some(why) => log::warn!("drawer job {}: the drawer may not be open: {}", job.id, why.en),
        }
        drawer.line.note_drawer(why);
        claim(drawer, papers, Some(job.id));
    });
    line.ask(Request::Drawer { drawer: 0, pulse_ms: PULSE_MS }, ANSWER_MS, done);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawer_is_opened_for_a_row_of_the_last_half_minute_and_for_none_from_before_the_start() {
        let young = Young::after(Seq(10));
        young.note(1_000, Seq(12));
        young.note(1_050, Seq(13));
        young.note(5_000, Seq(20));
        assert_eq!(young.until(6_000, Seq(10)), None, "before the start");
        assert_eq!(young.until(6_000, Seq(11)), Some(31_000));
        assert_eq!(young.until(6_000, Seq(13)), Some(31_000), "as one with the commit a moment before");
        assert_eq!(young.until(6_000, Seq(14)), Some(35_000));
        assert_eq!(young.until(6_000, Seq(21)), Some(36_000), "heard of before its commit was noted");
        assert_eq!((young.until(31_000, Seq(13)), young.until(31_000, Seq(14))), (None, Some(35_000)));
        assert_eq!(young.until(35_000, Seq(20)), None);
    }

    #[test]
    fn what_is_remembered_of_commits_is_bounded() {
        let young = Young::after(Seq(0));
        (0..100_000).for_each(|n| young.note(n, Seq(n)));
        assert!(young.heads(99_999).since.len() <= 101);
        assert_eq!((young.until(99_999, Seq(60_000)), young.until(99_999, Seq(99_999)).is_some()), (None, true));
    }

    #[test]
    fn who_comes_while_the_coil_is_driven_is_not_served_by_that_pulse() {
        let pulses = Pulses::default();
        let before = pulses.last_asked();
        let first = pulses.ask();
        let meanwhile = pulses.last_asked();
        pulses.done(first);
        assert!(pulses.opened_since(before) && !pulses.opened_since(meanwhile));
        // The next one serves both; its answer may come before an older one's.
        let (second, third) = (pulses.ask(), pulses.ask());
        pulses.done(third);
        pulses.done(second);
        assert!(pulses.opened_since(meanwhile) && pulses.opened_since(second) && !pulses.opened_since(third));
    }
}
