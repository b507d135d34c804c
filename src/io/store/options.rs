//! Where a store lies, how hard it is written, and who owns it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::ports::StoreError;

/// When a commit is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before it returns: `synchronous=FULL`. The only choice for money.
    Full,
    /// At the next checkpoint: `synchronous=NORMAL`. Loses acknowledged rows; exists so that a power-loss test can show that it finds them missing.
    Normal,
    /// Whenever the system likes. For tests that end before the lights do.
    Off,
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database file.
    pub path: PathBuf,
    /// An SQLite VFS by name; `None` is the system's own.
    pub vfs: Option<String>,
    /// When a commit is durable.
    pub durability: Durability,
    /// Take the lock file beside the database, and keep the file to its owner (0600). Off where the VFS has no real files.
    pub exclusive: bool,
    /// WAL pages above which an idle writer checkpoints; at four times as many a commit does.
    pub checkpoint_pages: u32,
    /// How long a statement waits for another connection, milliseconds.
    pub busy_ms: u32,
}

impl StoreOptions {
    /// A store in this file, as a till needs it.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> StoreOptions {
        StoreOptions {
            path: path.into(),
            vfs: None,
            durability: Durability::Full,
            exclusive: true,
            checkpoint_pages: 1_000,
            busy_ms: 5_000,
        }
    }

    /// A store in this process's memory, for tests: readers of the same options see it; it is gone when the last connection closes.
    #[must_use]
    pub fn in_memory() -> StoreOptions {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("/tilld-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        StoreOptions {
            vfs: Some("memdb".into()),
            durability: Durability::Off,
            exclusive: false,
            ..StoreOptions::at(name)
        }
    }

    /// SQLite's memory VFS has no WAL.
    pub(super) fn has_wal(&self) -> bool {
        self.vfs.as_deref() != Some("memdb")
    }
}

/// The lock file beside the database, held while this lives. The system drops it with the process, however that ends.
#[derive(Debug)]
pub struct Ownership {
    _file: File,
}

impl Ownership {
    /// Takes the store, or says in plain words who has it.
    pub fn take(database: &Path) -> Result<Ownership, StoreError> {
        let path = lock_path(database);
        let failed = |e: std::io::Error| StoreError::Io(format!("{}: {e}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        locked(&file, &path, database)?;
        // The number only helps whoever reads the refusal.
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Ownership { _file: file })
    }

    /// Holds a store that is only looked at, and writes nothing: its medium may take no byte any more. Whoever has opened it for writing has left its
    /// lock file; where there is none, nobody has it.
    pub fn hold(database: &Path) -> Result<Option<Ownership>, StoreError> {
        let path = lock_path(database);
        match File::open(&path) {
            Ok(file) => {
                locked(&file, &path, database)?;
                Ok(Some(Ownership { _file: file }))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::Io(format!("{}: {e}", path.display()))),
        }
    }
}

fn locked(file: &File, path: &Path, database: &Path) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(path).unwrap_or_default();
            let holder = holder.trim();
            let who = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
            Err(StoreError::Unusable(format!(
                "another tilld{who} has {} open; stop it, or ask it over its socket",
                database.display()
            )))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(StoreError::Io(format!("{}: {e}", path.display()))),
    }
}

/// `tilld.db` → `tilld.db.lock`.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Makes the database file, readable by its owner only; SQLite gives its WAL the same permissions.
pub(super) fn make_private(database: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(database)
        .map(drop)
        .map_err(|e| StoreError::Io(format!("{}: {e}", database.display())))
}
