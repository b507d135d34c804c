//! The mark's second home: the bridge at a terminal keeps how far the store had come, outside its disk. An image of the whole disk that is put back, mark
//! file and all, is found out by it.
//!
//! Compared whenever a session begins; written at each rung of the ladder, and once a second where something was committed. Nothing waits for it: a
//! bridge that is away costs evidence, not money. A mark in a bridge only rises. Where a technician has looked and begun a new mark file, what the
//! bridge had seen is noted beside that file, and is no finding again until the store has passed it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tilld_bridge::wire::{CAP_MARK, Mark, Refusal, Reply, Request};

use super::bridging::{ANSWER_MS, BridgeLine};
use super::config::Config;
use super::inbox::Inbox;
use super::marking;
use crate::core::domain::{Seq, TerminalId};
use crate::core::ports::Committed;

/// What is known of the mark in one bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// There is no session, or its bridge keeps no marks.
    Away,
    /// It was asked, and has not answered.
    Asked,
    /// The store has all that it saw; it has this row now.
    Agrees(Seq),
    /// It saw more than the store has: it stays as it is, as evidence.
    Ahead,
}

/// The bridge at one terminal.
#[derive(Debug, Clone)]
struct Home {
    terminal: TerminalId,
    tid: [u8; 8],
    line: BridgeLine,
    seen: Arc<Mutex<Seen>>,
    /// What a mark in it may be at most: the store's last row at the start, until one was written since.
    most: Arc<Mutex<Seq>>,
}

/// What a technician's new mark file let pass: the sequence in the bridge of each terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Passed(BTreeMap<String, u64>);

/// The marks in the bridges of a store.
#[derive(Debug)]
pub struct BridgeMarks {
    homes: Vec<Home>,
    inbox: Inbox,
    passed_file: PathBuf,
    /// The mark file was begun at this start: a technician has looked, or it is a new store.
    fresh: bool,
    last: Option<Committed>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain data: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BridgeMarks {
    /// Of these bridges. `began`: the store's last row at the start; `fresh`: there was no mark file.
    pub fn new(
        config: &Config,
        bridges: impl Iterator<Item = (TerminalId, BridgeLine)>,
        inbox: Inbox,
        (began, fresh): (Seq, bool),
    ) -> BridgeMarks {
        let tid = |id: &TerminalId| {
            let terminal = config.terminals.iter().find(|t| t.id == *id)?;
            <[u8; 8]>::try_from(terminal.tid.as_str().as_bytes()).ok()
        };
        let home = |(terminal, line): (TerminalId, BridgeLine)| {
            let tid = tid(&terminal)?;
            let (seen, most) = (Arc::new(Mutex::new(Seen::Away)), Arc::new(Mutex::new(began)));
            Some(Home { terminal, tid, line, seen, most })
        };
        let mut passed_file = marking::path(config).into_os_string();
        passed_file.push(".passed");
        BridgeMarks {
            homes: bridges.filter_map(home).collect(),
            inbox,
            passed_file: passed_file.into(),
            fresh,
            last: None,
        }
    }

    /// Notes a commit; a rung of the ladder is written at once.
    pub fn note(&mut self, committed: &Committed) {
        if self.homes.is_empty() {
            return;
        }
        self.last = Some(committed.clone());
        if committed.rung {
            self.look();
        }
    }

    /// Asks bridges that have come, writes to those that agree.
    pub fn look(&mut self) {
        for home in &self.homes {
            let seen = *lock(&home.seen);
            match seen {
                _ if !home.line.has(CAP_MARK) => *lock(&home.seen) = Seen::Away,
                Seen::Away => self.compare(home),
                Seen::Agrees(head) => {
                    if let Some(committed) = self.last.as_ref().filter(|c| c.head > head) {
                        put(home, committed);
                    }
                }
                Seen::Asked | Seen::Ahead => {}
            }
        }
    }

    fn compare(&self, home: &Home) {
        *lock(&home.seen) = Seen::Asked;
        let (asked, inbox) = (home.clone(), self.inbox.clone());
        let (passed_file, fresh) = (self.passed_file.clone(), self.fresh);
        home.line.ask(
            Request::ReadMark { tid: home.tid },
            ANSWER_MS,
            Box::new(move |reply| match reply {
                Ok(Reply::Mark(mark)) => inbox.look(move |writer| {
                    let most = *lock(&asked.most);
                    let Some(mark) = mark.filter(|mark| mark.sequence > most.0) else {
                        *lock(&asked.seen) = Seen::Agrees(Seq(0));
                        return;
                    };
                    *lock(&asked.seen) = Seen::Ahead;
                    if let_pass(&passed_file, &asked, &mark, fresh) {
                        log::warn!(
                            "the bridge at {} saw row {}; a technician has begun a new mark since",
                            asked.terminal,
                            mark.sequence
                        );
                    } else {
                        log::error!(
                            "cards are stopped: the bridge at {} saw row {}, and the store ended with row {most}",
                            asked.terminal,
                            mark.sequence
                        );
                        writer.set_mark_behind(true);
                    }
                }),
                other => {
                    log::warn!("the bridge at {} does not say its mark: {other:?}", asked.terminal);
                    *lock(&asked.seen) = Seen::Away;
                }
            }),
        );
    }
}

fn put(home: &Home, committed: &Committed) {
    let Some((_, batch, stan)) = committed.terminals.iter().find(|(id, ..)| *id == home.terminal) else { return };
    let mark = Mark { tid: home.tid, sequence: committed.head.0, batch: batch.0, stan: stan.0 };
    *lock(&home.seen) = Seen::Agrees(committed.head);
    *lock(&home.most) = committed.head;
    let asked = home.clone();
    home.line.ask(
        Request::PutMark(mark),
        ANSWER_MS,
        Box::new(move |reply| match reply {
            Ok(Reply::Done) => {}
            // Compared again: it holds a higher one.
            Ok(Reply::Refused(Refusal::MarkBehind { .. })) => *lock(&asked.seen) = Seen::Away,
            other => {
                log::warn!("the mark was not written into the bridge at {}: {other:?}", asked.terminal);
                *lock(&asked.seen) = Seen::Agrees(Seq(0));
            }
        }),
    );
}

/// Whether what the bridge saw was let pass by whoever began the mark file anew; noted now if that was at this start.
fn let_pass(file: &std::path::Path, home: &Home, mark: &Mark, fresh: bool) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut passed: Passed = serde_json::from_str(&text).unwrap_or_default();
    let tid = String::from_utf8_lossy(&home.tid).into_owned();
    if fresh {
        passed.0.insert(tid, mark.sequence);
        let text = serde_json::to_string(&passed).unwrap_or_default();
        if let Err(error) = std::fs::write(file, text) {
            log::error!("{}: {error}: cards will be stopped at the next start", file.display());
        }
        return true;
    }
    passed.0.get(&tid) == Some(&mark.sequence)
}
