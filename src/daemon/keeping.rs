//! Copies of a store and back, what is left of a damaged one, and new keys. All of it by a technician, at the machine; only the backup beside
//! a running daemon.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use thiserror::Error;

use super::config::Config;
use super::marking;
use super::start::{DATABASE, writer_options};
use super::verifying::whole;
use crate::core::domain::{Seq, StoreId};
use crate::core::journal::{Event, GENESIS, Link, Record, link};
use crate::core::ledger::{hex, refold};
use crate::core::ports::{Store, StoreError};
use crate::io::clock::Clock;
use crate::io::store::{Mark, Ownership, Reader, SqliteStore, StoreOptions, copy_to, readable_rows};
use crate::io::vault::{DataKey, KeySource, Reseal, VaultError, load_data_key};

/// Why it was not done.
#[derive(Debug, Error)]
pub enum KeepError {
    /// The store, or the copy.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A file.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// It would do harm, and nobody has said that it may.
    #[error("{0}")]
    Refused(String),
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> KeepError {
    let path = path.to_owned();
    move |e| KeepError::File(path, e)
}

/// Makes a name durable.
fn sync_folder(path: &Path) -> Result<(), KeepError> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|d| d.sync_all()).map_err(file(dir))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Writes one moment of the store to a file, checks it, and gives its last row.
pub fn backup(config: &Config, to: &Path) -> Result<Seq, KeepError> {
    let part = beside(to, ".part");
    let _ = std::fs::remove_file(&part);
    if to.exists() {
        return Err(KeepError::Refused(format!("{} is there already: name another file", to.display())));
    }
    copy_to(&StoreOptions::at(config.data.dir.join(DATABASE)), &part)?;
    let checked = sound(&part, &part);
    let head = match checked {
        Ok(head) => head,
        Err(e) => {
            let _ = std::fs::remove_file(&part);
            return Err(e);
        }
    };
    std::fs::rename(&part, to).map_err(file(to))?;
    sync_folder(to)?;
    Ok(head)
}

/// The last row of a copy that is in order; `named` is the file that people know.
fn sound(copy: &Path, named: &Path) -> Result<Seq, KeepError> {
    let reader = Reader::open(&StoreOptions::at(copy))?;
    let found = whole(&reader, None, true, None)?;
    if let Some(finding) = found.findings.first() {
        return Err(KeepError::Refused(format!("{} is not in order: {finding}", named.display())));
    }
    Ok(found.head.map_or(Seq(0), |(seq, _)| seq))
}

/// What a restored copy would undo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Rows that are newer than the copy's last.
    pub rows: u64,
    /// Batches that the acquirer was asked to settle, or has ended, of which the copy does not know: `POS1 000002 ended`.
    pub settled: Vec<String>,
    /// What could not be compared.
    pub unknown: Option<String>,
}

impl Undone {
    /// Nothing would be lost.
    #[must_use]
    pub fn nothing(&self) -> bool {
        *self == Undone::default()
    }
}

/// Compares a copy with the store that it would replace, and with the mark.
pub fn would_undo(config: &Config, copy: &Path) -> Result<Undone, KeepError> {
    let theirs = Reader::open(&StoreOptions::at(copy))?;
    let (head, _) = theirs.head()?.unwrap_or((Seq(0), GENESIS));
    let mut undone = Undone::default();
    let database = config.data.dir.join(DATABASE);
    if database.exists()
        && let Err(error) = compare(&database, &theirs, head, &mut undone)
    {
        undone.unknown = Some(format!("the store that is there cannot be read ({error})"));
    }
    let mark = marking::path(config);
    if mark.exists()
        && let Some(seen) = Mark::open(&mark)?.found()
    {
        let there = theirs.link_at(seen.head)?;
        if seen.head > head {
            undone.rows = undone.rows.max(seen.head.0 - head.0);
        } else if there != Some(seen.link) {
            undone.unknown = Some(format!("row {} is not the one that the mark saw", seen.head));
        }
    }
    Ok(undone)
}

fn compare(database: &Path, theirs: &Reader, head: Seq, undone: &mut Undone) -> Result<(), StoreError> {
    let ours = Reader::open(&StoreOptions::at(database))?;
    if let Some((last, _)) = ours.head()? {
        undone.rows = last.0.saturating_sub(head.0);
        let both = last.min(head);
        if ours.link_at(both)? != theirs.link_at(both)? {
            undone.unknown = Some(format!("row {both} of the two is not the same"));
        }
    }
    let known = theirs.asked_batches()?;
    for batch in ours.asked_batches()? {
        if !known.contains(&batch) {
            let (terminal, number, _, rung) = batch;
            undone.settled.push(format!("{terminal} {number} {rung}"));
        }
    }
    Ok(())
}

fn belongs(reader: &Reader, store: &StoreId, copy: &Path) -> Result<(), KeepError> {
    let mut whose = None;
    reader.records(Seq(1), Seq(1), &mut |record: Record, _| {
        if let Event::StoreOpened { store, .. } = record.event {
            whose = Some(store);
        }
        Ok(())
    })?;
    match whose {
        Some(id) if id == *store => Ok(()),
        Some(id) => {
            Err(KeepError::Refused(format!("{} belongs to store {id}, the configuration says {store}", copy.display())))
        }
        None => Err(KeepError::Refused(format!("{} has no first row: it is no copy of a store", copy.display()))),
    }
}

/// Puts a copy in the place of the store. Refuses what would roll anything back unless `roll_back` says that a technician has looked; the mark stays as it
/// is, so that cards are stopped until they have. Gives where the old store was kept.
pub fn restore(config: &Config, copy: &Path, roll_back: bool) -> Result<Option<PathBuf>, KeepError> {
    let database = config.data.dir.join(DATABASE);
    // The daemon must not run: this takes its lock, and with it the write-ahead log goes into the file. A store too damaged for that is moved as it is.
    let owner = if database.exists() {
        SqliteStore::open(&StoreOptions::at(&database))
    } else {
        Ok(SqliteStore::open(&StoreOptions::in_memory())?)
    };
    if let Err(error @ StoreError::Unusable(_)) = owner {
        return Err(error.into());
    }
    let fresh = beside(&database, ".restoring");
    let ready = fresh_copy(config, copy, &fresh).and_then(|head| {
        let undone = would_undo(config, &fresh)?;
        if undone.nothing() || roll_back { Ok((head, undone)) } else { Err(KeepError::Refused(refusal(&undone))) }
    });
    let (head, undone) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            remove(&fresh);
            return Err(error);
        }
    };
    drop(owner);
    let mut kept = None;
    if database.exists() {
        let old = free_name(&database);
        let log = beside(&database, "-wal");
        if log.exists() {
            // Too damaged for its log to go into the file: both are evidence, and neither may be touched under another name.
            std::fs::rename(&log, beside(&old, "-wal")).map_err(file(&log))?;
            std::fs::rename(&database, &old).map_err(file(&database))?;
        } else if std::fs::hard_link(&database, &old).is_ok() {
            // Two names for a moment: a power cut leaves the old store or the new one in its place, never none.
            sync_folder(&database)?;
        } else {
            std::fs::rename(&database, &old).map_err(file(&database))?;
        }
        let _ = std::fs::remove_file(beside(&database, "-shm"));
        kept = Some(old);
    }
    std::fs::rename(&fresh, &database).map_err(file(&database))?;
    sync_folder(&database)?;
    remove(&fresh);
    log::warn!("the store was restored from {} as of row {head}: {undone:?}", copy.display());
    Ok(kept)
}

/// The copy, beside the store that it will replace, as this program would have it, and checked. Its last row.
fn fresh_copy(config: &Config, copy: &Path, fresh: &Path) -> Result<Seq, KeepError> {
    remove(fresh);
    private(fresh, b"")?;
    owned_as(&config.data.dir, fresh)?;
    std::io::copy(
        &mut File::open(copy).map_err(file(copy))?,
        &mut std::fs::OpenOptions::new().append(true).open(fresh).map_err(file(fresh))?,
    )
    .map_err(file(fresh))?;
    belongs(&Reader::open(&StoreOptions::at(fresh))?, &config.store.id, copy)?;
    // One that an older tilld wrote gets this one's shape first, as at a start.
    let mut store = SqliteStore::open(&StoreOptions::at(fresh))?;
    let options = writer_options(config, &config.acquirer.profile, Clock::start().now());
    let options = options.map_err(|e| KeepError::Refused(e.to_string()))?;
    refold(&mut store, options.first_date, &options.rules)?;
    if let Some(sealed) = store.day_keys()?
        && let Ok((key, source)) = known_key(config)
        && !key.opens(&config.store.id, &sealed)
    {
        return Err(KeepError::Refused(format!(
            "{} is sealed under another data key than {source:?}: put that one in its place first",
            copy.display()
        )));
    }
    drop(store);
    let head = sound(fresh, copy)?;
    File::open(fresh).and_then(|f| f.sync_all()).map_err(file(fresh))?;
    Ok(head)
}

/// It is read by whoever reads what is there: the service, though a technician works as root.
fn owned_as(there: &Path, new: &Path) -> Result<(), KeepError> {
    match there.metadata() {
        Ok(was) => std::os::unix::fs::chown(new, Some(was.uid()), Some(was.gid())).map_err(file(new)),
        Err(_) => Ok(()),
    }
}

/// A database that nobody will open, and what lies beside it.
fn remove(database: &Path) {
    for ending in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(beside(database, ending));
    }
}

fn known_key(config: &Config) -> Result<(DataKey, KeySource), VaultError> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    load_data_key(config.data.key_file.as_deref(), credentials.as_deref(), &config.data.dir, false)
}

fn refusal(undone: &Undone) -> String {
    let mut text = format!("it would roll back {} rows that were told to people", undone.rows);
    if !undone.settled.is_empty() {
        text.push_str(&format!("; batches that were settled would be settled again: {}", undone.settled.join(", ")));
    }
    if let Some(unknown) = &undone.unknown {
        text.push_str(&format!("; {unknown}"));
    }
    text.push_str(". A technician who has compared with the acquirer may say --roll-back; cards then stay stopped until the mark file is removed");
    text
}

fn free_name(database: &Path) -> PathBuf {
    (1u32..).map(|n| beside(database, &format!(".before-restore-{n}"))).find(|p| !p.exists()).unwrap_or_default()
}

/// What was saved of a damaged store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// Files that were kept as they lay there.
    pub files: usize,
    /// Rows that read.
    pub rows: u64,
    /// Rows that do not read, or are missing.
    pub lost: u64,
    /// The last row up to which the chain is whole.
    pub whole_until: Seq,
}

/// Keeps every file of the store as it lies there, with its SHA-256, and writes down every row that still reads. Changes nothing of the store; the daemon
/// must not run.
pub fn salvage(config: &Config, to: &Path) -> Result<Saved, KeepError> {
    use std::os::unix::fs::DirBuilderExt;
    let database = config.data.dir.join(DATABASE);
    // Database and log are copied one after the other: what a daemon moved from one to the other between the two would be in neither.
    let _held = Ownership::hold(&database)?;
    std::fs::DirBuilder::new().mode(0o700).create(to).map_err(file(to))?;
    let mut saved = Saved::default();
    let mut sums = String::new();
    let evidence = ["", "-wal", "-shm"].map(|ending| beside(&database, ending));
    for path in evidence.into_iter().chain([marking::path(config), marking::found_path(config)]).filter(|p| p.exists())
    {
        let bytes = std::fs::read(&path).map_err(file(&path))?;
        let name = path.file_name().unwrap_or_default();
        private(&to.join(name), &bytes)?;
        let mut context = Context::new(&SHA256);
        context.update(&bytes);
        let sum: String = context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect();
        sums.push_str(&format!("{sum}  {}\n", name.to_string_lossy()));
        saved.files += 1;
    }
    private(&to.join("SHA256SUMS"), sums.as_bytes())?;
    // Read from a copy of the copy: SQLite recovers its write-ahead log where it opens one.
    let scratch = to.join("read");
    std::fs::DirBuilder::new().mode(0o700).create(&scratch).map_err(file(&scratch))?;
    for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
        if to.join(&name).exists() {
            std::fs::copy(to.join(&name), scratch.join(&name)).map_err(file(&scratch))?;
        }
    }
    let mut lines = Vec::new();
    let (mut before, mut broken) = (GENESIS, false);
    let read = readable_rows(&scratch.join(DATABASE), |seq, row| {
        let record = row.as_ref().and_then(|(bytes, _)| Record::from_bytes(bytes).ok()).filter(|r| r.seq == seq);
        let stored = row.as_ref().and_then(|(_, link)| Link::try_from(link.as_slice()).ok());
        let follows = matches!((&row, stored), (Some((bytes, _)), Some(stored)) if link(&before, bytes) == stored);
        broken |= !(follows && record.is_some());
        if !broken {
            saved.whole_until = seq;
        }
        if let Some(stored) = stored {
            before = stored;
        }
        match record {
            Some(record) => {
                saved.rows += 1;
                let link = stored.map(|l| hex(&l));
                let line = serde_json::json!({"seq": seq.0, "chained": follows, "link": link, "record": record});
                lines.push(line.to_string());
            }
            None => saved.lost += 1,
        }
    });
    private(&to.join("journal.jsonl"), (lines.join("\n") + "\n").as_bytes())?;
    let _ = std::fs::remove_dir_all(&scratch);
    read?;
    Ok(saved)
}

fn private(path: &Path, bytes: &[u8]) -> Result<(), KeepError> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all())).map_err(file(path))
}

/// The name of a new key until everything is sealed under it.
const NEXT: &str = ".next";

/// Makes a new data key and seals everything under it. A power cut in between leaves one of the two in use, whole. How many cards were sealed again.
pub fn rotate_keys(config: &Config, out: Option<&Path>) -> Result<(usize, PathBuf), KeepError> {
    let database = config.data.dir.join(DATABASE);
    let mut store = SqliteStore::open(&StoreOptions::at(&database))?;
    let (old, source) = data_key(config, &mut store, false)?;
    let place = match (&source, out) {
        (KeySource::File(path) | KeySource::BesideData(path), None) => path.clone(),
        (KeySource::Credential(_), Some(out)) => out.to_owned(),
        (KeySource::Credential(_), None) => {
            return Err(KeepError::Refused("the data key is a systemd credential: say with --out where the new one goes, and install it as data.key".into()));
        }
        (_, Some(_)) => return Err(KeepError::Refused("--out is for a data key that is a systemd credential".into())),
    };
    let next = beside(&place, NEXT);
    let _ = std::fs::remove_file(&next);
    let new = DataKey::random()?;
    new.write_new(&next)?;
    owned_as(&place, &next)?;
    let reseal = Reseal::new(&config.store.id, &old, &new);
    let cards = store.reseal(&mut |id, sealed| Ok(reseal.card(id, sealed)?), &|sealed| Ok(reseal.day_keys(sealed)?))?;
    store.tidy()?;
    take_over(&next, &place)?;
    Ok((cards, place))
}

fn take_over(next: &Path, place: &Path) -> Result<(), KeepError> {
    // The old key is overwritten where it lay, as far as the medium does that, before its name goes.
    if let Ok(metadata) = place.metadata() {
        let zeros = vec![0; usize::try_from(metadata.len()).unwrap_or(0)];
        let wiped = std::fs::OpenOptions::new()
            .write(true)
            .open(place)
            .and_then(|mut f| f.write_all(&zeros).and_then(|()| f.sync_all()));
        wiped.map_err(file(place))?;
    }
    std::fs::rename(next, place).map_err(file(place))?;
    sync_folder(place)
}

/// The data key of the store; a rotation that a power cut interrupted is ended first, whichever way it had gone.
pub fn data_key(config: &Config, store: &mut SqliteStore, fresh: bool) -> Result<(DataKey, KeySource), KeepError> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let load = || load_data_key(config.data.key_file.as_deref(), credentials.as_deref(), &config.data.dir, fresh);
    let place = config.data.key_file.clone().unwrap_or_else(|| config.data.dir.join("data.key"));
    let next = beside(&place, NEXT);
    if next.exists()
        && let Some(sealed) = store.day_keys()?
    {
        let new_one = DataKey::read(&next).is_ok_and(|key| key.opens(&config.store.id, &sealed));
        if new_one {
            take_over(&next, &place)?;
            log::warn!("new data keys were taken into use: a rotation had been interrupted");
        } else if load().is_ok_and(|(key, _)| key.opens(&config.store.id, &sealed)) {
            std::fs::remove_file(&next).map_err(file(&next))?;
        }
    }
    Ok(load()?)
}
