//! The high-water mark: a small file, best on another medium, that knows how far the store had come.
//!
//! The chain does not see a cut-off tail, a flipped bit in the WAL (SQLite drops what follows it without a word) or an older disk image put back. This
//! does. It is written after each commit without a sync of its own and synced once a second and at each rung of the ladder; so after a power cut it may be a
//! little behind the store, which is normal, and the store must never be behind it.
//!
//! Two slots with checksums. Between two syncs only the slot that is not the last synced one is written: a torn write never takes both.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::core::domain::{BatchNo, Seq, Stan, StoreId, TerminalId};
use crate::core::journal::Link;
use crate::core::ports::StoreError;

const MAGIC: &[u8; 8] = b"tilldmk1";
const SLOT: usize = 4_096;
/// Magic, counter, length of the state.
const HEAD: usize = 8 + 8 + 4;
const CHECKSUM: usize = 32;

/// How far a store had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkState {
    /// Whose mark it is.
    pub store: StoreId,
    /// The last journal row.
    pub head: Seq,
    /// Its link: a store that went back and then on again has another one there.
    pub link: Link,
    /// Batch and last STAN of each terminal.
    pub terminals: Vec<(TerminalId, BatchNo, Stan)>,
}

/// What a mark says about a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkVerdict {
    /// There was no mark yet: nothing can be said about what was before.
    New,
    /// The store has all that the mark saw.
    Agrees,
    /// No slot can be read: nothing can be said.
    Unreadable,
    /// The store has lost rows, or an older copy was put back.
    Behind {
        /// The last row that the mark saw.
        mark: Seq,
        /// The store's last row.
        store: Seq,
    },
    /// The store has as many rows, but others.
    Forked {
        /// The row that the mark saw differently.
        at: Seq,
    },
    /// A terminal's numbers are behind those that the mark saw: they would be used twice.
    TerminalBehind {
        /// Which.
        terminal: TerminalId,
    },
    /// It is another store's.
    OtherStore(StoreId),
}

impl MarkVerdict {
    /// Card sales must stop until a technician has looked.
    #[must_use]
    pub fn stops_cards(&self) -> bool {
        !matches!(self, MarkVerdict::New | MarkVerdict::Agrees | MarkVerdict::Unreadable)
    }
}

impl std::fmt::Display for MarkVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MarkVerdict::New => f.write_str("there was no mark yet; it begins now"),
            MarkVerdict::Agrees => f.write_str("the store has all that the mark saw"),
            MarkVerdict::Unreadable => f.write_str(
                "the mark cannot be read: whether the store has lost rows cannot be said; check that medium",
            ),
            MarkVerdict::Behind { mark, store } => write!(
                f,
                "the store ends with row {store}, and the mark saw row {mark}: rows were lost, or an older copy was put back; \
                 card sales stop until a technician has compared with the acquirer"
            ),
            MarkVerdict::Forked { at } => write!(
                f,
                "row {at} is not the one that the mark saw: an older copy was put back and used; \
                 card sales stop until a technician has compared with the acquirer"
            ),
            MarkVerdict::TerminalBehind { terminal } => write!(
                f,
                "the mark saw higher numbers of terminal {terminal} than the store knows: they would be used twice; \
                 card sales stop until a technician has compared with the acquirer"
            ),
            MarkVerdict::OtherStore(store) => write!(f, "the mark is store {store}'s: check [data] mark_file"),
        }
    }
}

/// The mark's file, open.
#[derive(Debug)]
pub struct Mark {
    file: File,
    path: PathBuf,
    counter: u64,
    /// The slot that is durable and must not be touched before the other one is.
    safe: usize,
    unsynced: bool,
    found: Found,
}

/// What lay in the file when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Nothing,
    State(MarkState),
    Spoiled,
}

impl Mark {
    /// Opens the mark, or begins one. Syncs what it finds, so that no later write can spoil it.
    pub fn open(path: &Path) -> Result<Mark, StoreError> {
        let failed = |e| at(path, e);
        let new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        if new {
            let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(dir).and_then(|d| d.sync_all()).map_err(failed)?;
        }
        let slots = [read_slot(&file, 0).map_err(failed)?, read_slot(&file, 1).map_err(failed)?];
        let empty = file.metadata().map_err(failed)?.len() == 0;
        let newest =
            slots.into_iter().enumerate().filter_map(|(i, s)| s.map(|(n, state)| (n, i, state))).max_by_key(|s| s.0);
        file.sync_data().map_err(failed)?;
        let (counter, safe, found) = match newest {
            Some((counter, slot, state)) => (counter, slot, Found::State(state)),
            None if empty => (0, 1, Found::Nothing),
            None => (0, 1, Found::Spoiled),
        };
        Ok(Mark { file, path: path.to_owned(), counter, safe, unsynced: false, found })
    }

    /// What it said when it was opened.
    #[must_use]
    pub fn found(&self) -> Option<&MarkState> {
        match &self.found {
            Found::State(state) => Some(state),
            Found::Nothing | Found::Spoiled => None,
        }
    }

    /// Compares what it said when it was opened with the store as it is: `link_there` is the store's link at the mark's row, if it has that row.
    #[must_use]
    pub fn compare(&self, store: &MarkState, link_there: Option<&Link>) -> MarkVerdict {
        match &self.found {
            Found::Nothing => MarkVerdict::New,
            Found::Spoiled => MarkVerdict::Unreadable,
            Found::State(mark) => mark.compare(store, link_there),
        }
    }

    /// Notes how far the store has come. Not synced.
    pub fn write(&mut self, state: &MarkState) -> Result<(), StoreError> {
        let counter = self.counter + 1;
        let slot = to_slot(counter, state).ok_or_else(|| {
            StoreError::Unusable(format!("{}: a mark has room for about 150 terminals", self.path.display()))
        })?;
        let offset = ((1 - self.safe) * SLOT) as u64;
        self.file.write_all_at(&slot, offset).map_err(|e| at(&self.path, e))?;
        self.counter = counter;
        self.unsynced = true;
        Ok(())
    }

    /// Makes the last [`Mark::write`] durable. Cheap where there is nothing new.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        if self.unsynced {
            self.file.sync_data().map_err(|e| at(&self.path, e))?;
            self.safe = 1 - self.safe;
            self.unsynced = false;
        }
        Ok(())
    }
}

impl MarkState {
    /// What this mark says about a store that is where `store` says; `link_there` is the store's link at this mark's row, if it has that row.
    #[must_use]
    pub fn compare(&self, store: &MarkState, link_there: Option<&Link>) -> MarkVerdict {
        if self.store != store.store {
            return MarkVerdict::OtherStore(self.store.clone());
        }
        if store.head < self.head {
            return MarkVerdict::Behind { mark: self.head, store: store.head };
        }
        match link_there {
            // The store goes on from exactly what the mark saw. Batch numbers may have been adopted or decided since.
            Some(link) if *link == self.link => MarkVerdict::Agrees,
            Some(_) => MarkVerdict::Forked { at: self.head },
            None => {
                let known = |t: &TerminalId| store.terminals.iter().find(|(s, ..)| s == t);
                let behind = self.terminals.iter().find(|(terminal, batch, stan)| {
                    known(terminal).is_some_and(|(_, b, s)| before(b.0, batch.0) || (b == batch && before(s.0, stan.0)))
                });
                behind.map_or(MarkVerdict::Agrees, |(t, ..)| MarkVerdict::TerminalBehind { terminal: t.clone() })
            }
        }
    }
}

/// Whether a six-digit number that begins again at 1 comes before another: by less than half the way round.
fn before(ours: u32, mark: u32) -> bool {
    let ahead = (i64::from(mark) - i64::from(ours)).rem_euclid(999_999);
    ahead > 0 && ahead < 500_000
}

fn to_slot(counter: u64, state: &MarkState) -> Option<Vec<u8>> {
    let body = postcard::to_stdvec(state).ok()?;
    if HEAD + body.len() + CHECKSUM > SLOT {
        return None;
    }
    let mut slot = Vec::with_capacity(SLOT);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&counter.to_be_bytes());
    slot.extend_from_slice(&u32::try_from(body.len()).ok()?.to_be_bytes());
    slot.extend_from_slice(&body);
    let sum = digest(&SHA256, &slot);
    slot.extend_from_slice(sum.as_ref());
    slot.resize(SLOT, 0);
    Some(slot)
}

fn from_slot(slot: &[u8]) -> Option<(u64, MarkState)> {
    let (head, rest) = slot.split_at_checked(HEAD)?;
    let (magic, numbers) = head.split_at(8);
    if magic != MAGIC {
        return None;
    }
    let counter = u64::from_be_bytes(numbers[..8].try_into().ok()?);
    let length = u32::from_be_bytes(numbers[8..].try_into().ok()?);
    let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let sum = rest.get(..CHECKSUM)?;
    let whole = digest(&SHA256, &slot[..HEAD + body.len()]);
    if whole.as_ref() != sum {
        return None;
    }
    let state: MarkState = postcard::from_bytes(body).ok()?;
    // No store has such a row, and no mark was written so often.
    let possible = i64::try_from(state.head.0).is_ok() && counter < u64::MAX;
    possible.then_some((counter, state))
}

fn read_slot(file: &File, slot: usize) -> std::io::Result<Option<(u64, MarkState)>> {
    let mut bytes = vec![0; SLOT];
    let mut filled = 0;
    while filled < SLOT {
        match file.read_at(&mut bytes[filled..], (slot * SLOT + filled) as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(from_slot(&bytes))
}

fn at(path: &Path, e: std::io::Error) -> StoreError {
    let text = format!("the mark {}: {e}", path.display());
    if e.kind() == std::io::ErrorKind::StorageFull { StoreError::Full(text) } else { StoreError::Io(text) }
}

#[cfg(test)]
mod tests;
