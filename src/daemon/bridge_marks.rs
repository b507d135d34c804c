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
use crate::core::domain::{Seq, TerminalId, read_json};
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

/// What is kept of it beside the mark file, by TID: sequences in bridges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Noted {
    /// The store was found behind these: it stays so, however many rows it writes since, until a technician begins a new mark file.
    ahead: BTreeMap<String, u64>,
    /// These a technician's new mark file let pass.
    passed: BTreeMap<String, u64>,
}

/// The marks in the bridges of a store.
#[derive(Debug)]
pub struct BridgeMarks {
    homes: Vec<Home>,
    inbox: Inbox,
    noted_files: Vec<PathBuf>,
    /// The mark file was begun on its own medium at this start: a technician has looked, or it is a new store.
    fresh: bool,
    last: Option<Committed>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain data: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BridgeMarks {
    /// Of these bridges. `began`: the store's last row at the start; `fresh`: there was no mark file on its medium.
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
        // Beside the mark file, and beside the data for when the mark's medium is away.
        let noted = |path: PathBuf| {
            let mut name = path.into_os_string();
            name.push(".bridges");
            PathBuf::from(name)
        };
        let mut noted_files = vec![noted(marking::path(config)), noted(config.data.dir.join(marking::BESIDE))];
        noted_files.dedup();
        BridgeMarks { homes: bridges.filter_map(home).collect(), inbox, noted_files, fresh, last: None }
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
        let (noted_files, fresh) = (self.noted_files.clone(), self.fresh);
        home.line.ask(
            Request::ReadMark { tid: home.tid },
            ANSWER_MS,
            Box::new(move |reply| match reply {
                Ok(Reply::Mark(mark)) => inbox.look(move |writer| {
                    let most = *lock(&asked.most);
                    let Some(mark) = mark else {
                        *lock(&asked.seen) = Seen::Agrees(Seq(0));
                        return;
                    };
                    let ahead = mark.sequence > most.0;
                    *lock(&asked.seen) = if ahead { Seen::Ahead } else { Seen::Agrees(Seq(0)) };
                    if found_behind(&noted_files, &asked.terminal, &mark, (ahead, fresh)) {
                        log::error!(
                            "cards are stopped: the bridge at {} saw row {}, the store ended with row {most}",
                            asked.terminal,
                            mark.sequence
                        );
                        *lock(&asked.seen) = Seen::Ahead;
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

/// Whether the store is behind what a bridge saw, now or since an earlier start; noted, or let pass where the mark file was begun anew.
fn found_behind(files: &[PathBuf], terminal: &TerminalId, mark: &Mark, (ahead, fresh): (bool, bool)) -> bool {
    let mut noted = Noted::default();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let here: Noted = read_json(text.as_bytes()).unwrap_or_default();
        for (all, of) in [(&mut noted.ahead, here.ahead), (&mut noted.passed, here.passed)] {
            for (tid, sequence) in of {
                let known = all.entry(tid).or_default();
                *known = sequence.max(*known);
            }
        }
    }
    let before = noted.clone();
    let tid = String::from_utf8_lossy(&mark.tid).into_owned();
    let is = |list: &BTreeMap<String, u64>| list.get(&tid) == Some(&mark.sequence);
    let behind = if is(&noted.passed) || !(ahead || is(&noted.ahead)) {
        false
    } else if fresh {
        log::warn!("the bridge at {terminal} saw row {}; a technician has begun a new mark since", mark.sequence);
        noted.ahead.remove(&tid);
        noted.passed.insert(tid, mark.sequence);
        false
    } else {
        noted.ahead.insert(tid, mark.sequence);
        true
    };
    for file in files.iter().filter(|_| noted != before) {
        if let Err(error) = replace(file, &serde_json::to_string(&noted).unwrap_or_default()) {
            log::error!("{}: {error}", file.display());
        }
    }
    behind
}

/// The whole text or the old one, whenever the power goes.
pub(super) fn replace(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    let mut next = file.as_os_str().to_owned();
    next.push(".next");
    let mut written = std::fs::File::create(&next)?;
    std::io::Write::write_all(&mut written, text.as_bytes())?;
    written.sync_all()?;
    std::fs::rename(&next, file)?;
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The stick with the mark file is not plugged in: the store is behind at the first start, and at the next, though it has come past that row by then.
    #[test]
    fn a_store_that_was_found_behind_stays_so_also_where_the_marks_medium_is_away() {
        let dir = std::env::temp_dir().join(format!("tilld-noted-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (stick, beside) = (dir.join("stick/tilld.mark.bridges"), dir.join("tilld.mark.bridges"));
        let files = [stick.clone(), beside];
        let terminal = TerminalId::new("POS1").unwrap();
        let mark = Mark { tid: *b"10000001", sequence: 5_000, batch: 1, stan: 9 };
        let behind = |ahead, fresh| found_behind(&files, &terminal, &mark, (ahead, fresh));
        assert!(!behind(false, false));
        assert!(behind(true, false));
        assert!(behind(false, false), "it is forgotten");
        // The stick is back; a technician has looked and begins a new mark: for good.
        std::fs::create_dir(stick.parent().unwrap()).unwrap();
        assert!(behind(false, false));
        assert!(!behind(false, true));
        assert!(!behind(true, false));
        std::fs::remove_dir_all(dir.join("stick")).unwrap();
        assert!(!behind(true, false));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
