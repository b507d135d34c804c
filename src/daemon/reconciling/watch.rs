//! The watched folder: whatever statement is put there is judged once, then lies in `done`, or in `quarantine` with the reason beside it.
//!
//! A file is taken only when it has stood still from one look to the next, so that one that is still being written, or copied, is not half read.
//! Begin its name with a dot, or end it with `.part` or `.tmp`, and rename it when it is whole: then there is nothing to wait for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::upload::{Intake, Refused};
use super::{Judged, ReconcileError};
use crate::core::domain::{Lang, Refusal, WallMs};
use crate::core::ports::StatementNoted;

/// So many files are taken in one look; the next comes soon.
const AT_ONCE: usize = 100;
/// So many files are remembered.
const REMEMBERED: usize = 10_000;

/// Looks at a folder.
#[derive(Debug)]
pub struct Watch {
    folder: PathBuf,
    lang: Lang,
    /// Each file's size and time at the last look.
    seen: BTreeMap<PathBuf, (u64, SystemTime)>,
}

impl Watch {
    /// Makes the folders where they are missing.
    pub fn new(folder: &Path, lang: Lang) -> std::io::Result<Watch> {
        for dir in [folder.to_owned(), folder.join("done"), folder.join("quarantine")] {
            crate::daemon::start::make_private(&dir)?;
        }
        Ok(Watch { folder: folder.to_owned(), lang, seen: BTreeMap::new() })
    }

    /// Looks once, and takes what has stood still since the last look. How many files were taken.
    pub fn look(&mut self, intake: &Intake, now: WallMs) -> usize {
        let mut taken = 0;
        for file in self.ready() {
            if self.one(intake, &file, now) {
                taken += 1;
                self.seen.remove(&file);
            }
        }
        taken
    }

    /// Files that are as they were at the last look.
    fn ready(&mut self) -> Vec<PathBuf> {
        let listed = match std::fs::read_dir(&self.folder) {
            Ok(listed) => listed,
            Err(e) => {
                log::warn!("the folder for statements cannot be read: {}: {e}", self.folder.display());
                return Vec::new();
            }
        };
        let mut here = BTreeMap::new();
        for entry in listed.flatten().take(REMEMBERED) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let unfinished = name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp");
            // A link's own kind: what it points to is not ours to move.
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_file() && !unfinished {
                here.insert(entry.path(), (facts.len(), facts.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
            }
        }
        let still = here.iter().filter(|(path, facts)| self.seen.get(*path) == Some(facts));
        let ready = still.map(|(path, _)| path.clone()).take(AT_ONCE).collect();
        self.seen = here;
        ready
    }

    /// Whether the file has found its place.
    fn one(&self, intake: &Intake, file: &Path, now: WallMs) -> bool {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match intake.take(file, &name, now) {
            Ok((judged, noted)) => {
                self.say(&name, &judged, &noted);
                if !judged.spoiled.is_empty() {
                    let lines = judged.spoiled.iter().map(|s| format!("{}\t{}\n", s.line, s.why)).collect::<String>();
                    self.put("quarantine", &format!("{name}.lines.txt"), &lines);
                }
                self.move_to("done", file, &name)
            }
            // It is judged again at a later look.
            Err(Refused::Judging(ReconcileError::Changing(_) | ReconcileError::Store(_))) => false,
            Err(Refused::Judging(error)) => {
                let why = error.to_string().replace(&format!("{}: ", file.display()), "");
                let reject = Refusal::NotAStatement.with("why", why);
                self.set_aside(file, &name, reject.sentence().in_lang(self.lang))
            }
            Err(Refused::Writer(reject)) if reject.refusal.status() < 500 && reject.refusal != Refusal::CasesFull => {
                self.set_aside(file, &name, reject.sentence().in_lang(self.lang))
            }
            Err(Refused::Writer(reject)) => {
                log::warn!("the statement {name} waits: {}", reject.sentence().en);
                false
            }
        }
    }

    fn say(&self, name: &str, judged: &Judged, noted: &StatementNoted) {
        let [long, short, differs, timing] = judged.outcome.counts;
        log::info!(
            "statement {name} ({}): matched {}, long {long}, short {short}, differs {differs}, timing {timing}, spoiled {}; {}",
            judged.format.name,
            judged.outcome.matched_count,
            judged.note.spoiled,
            if noted.new {
                format!("cases opened {}", noted.opened.len())
            } else {
                "known, nothing changed".to_owned()
            }
        );
    }

    fn set_aside(&self, file: &Path, name: &str, why: &str) -> bool {
        log::warn!("the statement {name} is set aside: {why}");
        self.put("quarantine", &format!("{name}.why.txt"), &format!("{why}\n"));
        self.move_to("quarantine", file, name)
    }

    fn put(&self, folder: &str, name: &str, text: &str) {
        let path = self.folder.join(folder).join(name);
        if let Err(e) = std::fs::write(&path, text) {
            log::warn!("{}: {e}", path.display());
        }
    }

    /// Under its name, or the first free number behind it: nothing is written over.
    fn move_to(&self, folder: &str, file: &Path, name: &str) -> bool {
        let folder = self.folder.join(folder);
        let numbered = (2..1_000).map(|n| folder.join(format!("{name}.{n}")));
        let free = std::iter::once(folder.join(name)).chain(numbered).find(|path| !path.exists());
        let moved = match free {
            Some(to) => std::fs::rename(file, &to),
            None => Err(std::io::Error::other("there is no free name")),
        };
        match moved {
            Ok(()) => true,
            Err(e) => {
                log::warn!("{} could not be moved to {}: {e}", file.display(), folder.display());
                false
            }
        }
    }
}

/// Looks again and again until `stopped` says so, at most half a second late.
pub fn watch_on(
    mut watch: Watch,
    intake: &Intake,
    every: Duration,
    now: impl Fn() -> WallMs,
    stopped: impl Fn() -> bool,
) {
    const NAP: Duration = Duration::from_millis(500);
    loop {
        watch.look(intake, now());
        let mut left = every;
        while !left.is_zero() {
            if stopped() {
                return;
            }
            let nap = left.min(NAP);
            std::thread::sleep(nap);
            left -= nap;
        }
    }
}
