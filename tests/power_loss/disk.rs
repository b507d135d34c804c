//! A disk in memory: files, locks, the shared memory of the WAL index; a log of everything that was written, and faults on demand.
//!
//! Knows nothing of SQLite but its result codes and lock levels.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::ffi;

/// What happened to the disk, in order.
#[derive(Debug, Clone)]
pub enum Op {
    Write {
        file: Arc<str>,
        at: usize,
        bytes: Arc<[u8]>,
    },
    Truncate {
        file: Arc<str>,
        size: usize,
    },
    Sync {
        file: Arc<str>,
    },
    /// The folder: names made and deleted are durable.
    SyncFolder,
    Delete {
        file: Arc<str>,
        durable: bool,
    },
    /// Not the disk's: the story says where it is.
    Mark(u64),
}

/// The files of a disk that is off.
pub type Image = HashMap<Arc<str>, Vec<u8>>;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The device answers with an error.
    Io,
    /// No space: writes fail, reads and syncs work.
    Full,
    /// Half of what was to be written is written, then there is no space.
    Short,
}

/// When: from this operation on, so many times (`u64::MAX`: for ever).
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub at: u64,
    pub times: u64,
    pub trouble: Trouble,
}

/// The regions that connections share, and who holds which slot.
#[derive(Debug, Default)]
pub struct Shared {
    pub regions: Vec<Box<[u64]>>,
    slots: [Slot; 8],
}

#[derive(Debug, Default, Clone)]
struct Slot {
    shared: Vec<u64>,
    exclusive: Option<u64>,
}

#[derive(Debug, Default)]
struct Locks {
    shared: Vec<u64>,
    reserved: Option<u64>,
    exclusive: Option<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    files: HashMap<Arc<str>, Vec<u8>>,
    locks: HashMap<Arc<str>, Locks>,
    shared: HashMap<Arc<str>, Shared>,
    log: Option<Vec<Op>>,
    /// Operations so far that can fail: reads, writes, truncations, syncs, deletions.
    ops: u64,
    fault: Option<Fault>,
    struck: u64,
    syncs: u64,
    /// What a sync takes.
    flush: std::time::Duration,
}

#[derive(Debug)]
pub struct Disk {
    name: String,
    inner: Mutex<Inner>,
}

static DISKS: Mutex<Option<HashMap<String, Arc<Disk>>>> = Mutex::new(None);

/// Splits `/disk/file`.
pub fn disk_of(path: &str) -> Option<(Arc<Disk>, String)> {
    let (disk, file) = path.strip_prefix('/')?.split_once('/')?;
    let disks = DISKS.lock().unwrap();
    Some((Arc::clone(disks.as_ref()?.get(disk)?), file.to_owned()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Read,
    Write,
    Other,
}

impl Inner {
    /// Whether this operation fails, and how.
    fn strikes(&mut self, what: What) -> Option<Trouble> {
        self.ops += 1;
        let fault = self.fault?;
        if self.ops < fault.at || self.struck >= fault.times {
            return None;
        }
        if fault.trouble != Trouble::Io && what != What::Write {
            return None;
        }
        self.struck += 1;
        Some(fault.trouble)
    }

    fn note(&mut self, op: Op) {
        if let Some(log) = &mut self.log {
            log.push(op);
        }
    }
}

impl Disk {
    /// A disk with these files.
    pub fn with(files: Image) -> Arc<Disk> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let inner = Mutex::new(Inner { files, ..Inner::default() });
        let disk = Arc::new(Disk { name: name.clone(), inner });
        DISKS.lock().unwrap().get_or_insert_default().insert(name, Arc::clone(&disk));
        disk
    }

    /// A disk that writes down what happens to it.
    pub fn recording(files: Image) -> Arc<Disk> {
        let disk = Disk::with(files);
        disk.lock().log = Some(Vec::new());
        disk
    }

    /// Where the store lies on it.
    pub fn path(&self) -> String {
        format!("/{}/till.db", self.name)
    }

    /// Nobody will open it any more.
    pub fn remove(&self) {
        DISKS.lock().unwrap().get_or_insert_default().remove(&self.name);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn mark(&self, n: u64) {
        self.lock().note(Op::Mark(n));
    }

    pub fn log(&self) -> Vec<Op> {
        self.lock().log.clone().unwrap_or_default()
    }

    pub fn log_len(&self) -> usize {
        self.lock().log.as_ref().map_or(0, Vec::len)
    }

    /// Operations so far.
    pub fn ops(&self) -> u64 {
        self.lock().ops
    }

    /// Syncs so far.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// From now on a sync takes this long, and holds nobody else up.
    pub fn flush_takes(&self, time: std::time::Duration) {
        self.lock().flush = time;
    }

    /// From now on; `at` counts from here.
    pub fn will_fail(&self, mut fault: Fault) {
        let mut inner = self.lock();
        fault.at = fault.at.saturating_add(inner.ops);
        inner.struck = 0;
        inner.fault = Some(fault);
    }

    /// The disk is good again. How often it failed.
    pub fn repaired(&self) -> u64 {
        let mut inner = self.lock();
        inner.fault = None;
        std::mem::take(&mut inner.struck)
    }

    pub fn image(&self) -> Image {
        self.lock().files.clone()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.lock().files.contains_key(name)
    }

    pub fn delete(&self, name: &str, durable: bool) -> i32 {
        let mut inner = self.lock();
        if inner.strikes(What::Other).is_some() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        if inner.files.remove(name).is_none() {
            return ffi::SQLITE_IOERR_DELETE_NOENT;
        }
        inner.note(Op::Delete { file: name.into(), durable });
        ffi::SQLITE_OK
    }

    pub fn open(self: &Arc<Disk>, name: &str, create: bool) -> Result<Handle, i32> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let file: Arc<str> = name.into();
        let mut inner = self.lock();
        let fresh = !inner.files.contains_key(name);
        if fresh {
            if !create {
                return Err(ffi::SQLITE_CANTOPEN);
            }
            if inner.strikes(What::Write).is_some() {
                return Err(ffi::SQLITE_CANTOPEN);
            }
            inner.files.insert(Arc::clone(&file), Vec::new());
        }
        drop(inner);
        // As SQLite's Unix VFS: the first sync of a new journal or WAL syncs its folder too.
        let new_name = AtomicBool::new(fresh && name.contains('-'));
        Ok(Handle { disk: Arc::clone(self), file, id: NEXT.fetch_add(1, Ordering::Relaxed), level: 0, new_name })
    }
}

/// An open file.
#[derive(Debug)]
pub struct Handle {
    disk: Arc<Disk>,
    file: Arc<str>,
    id: u64,
    level: i32,
    new_name: AtomicBool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.unlock(ffi::SQLITE_LOCK_NONE);
        let (file, id) = (Arc::clone(&self.file), self.id);
        if let Some(shared) = self.disk.lock().shared.get_mut(&file) {
            for slot in &mut shared.slots {
                slot.shared.retain(|h| *h != id);
                slot.exclusive.take_if(|h| *h == id);
            }
        }
    }
}

impl Handle {
    pub fn read(&self, to: &mut [u8], at: usize) -> i32 {
        let mut inner = self.disk.lock();
        if inner.strikes(What::Read).is_some() {
            return ffi::SQLITE_IOERR_READ;
        }
        let bytes = inner.files.get(&self.file).map_or(&[][..], Vec::as_slice);
        let there = bytes.len().saturating_sub(at).min(to.len());
        if there > 0 {
            to[..there].copy_from_slice(&bytes[at..at + there]);
        }
        to[there..].fill(0);
        if there == to.len() { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
    }

    pub fn write(&self, from: &[u8], at: usize) -> i32 {
        let mut inner = self.disk.lock();
        let trouble = inner.strikes(What::Write);
        let (from, code) = match trouble {
            None => (from, ffi::SQLITE_OK),
            Some(Trouble::Io) => return ffi::SQLITE_IOERR_WRITE,
            Some(Trouble::Full) => return ffi::SQLITE_FULL,
            Some(Trouble::Short) => (&from[..from.len() / 2], ffi::SQLITE_FULL),
        };
        // A file that was deleted while open has no name and needs no contents.
        if let Some(bytes) = inner.files.get_mut(&self.file) {
            apply_write(bytes, at, from);
            inner.note(Op::Write { file: Arc::clone(&self.file), at, bytes: from.into() });
        }
        code
    }

    pub fn truncate(&self, size: usize) -> i32 {
        let mut inner = self.disk.lock();
        if inner.strikes(What::Other).is_some() {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        if let Some(bytes) = inner.files.get_mut(&self.file) {
            bytes.resize(size, 0);
            inner.note(Op::Truncate { file: Arc::clone(&self.file), size });
        }
        ffi::SQLITE_OK
    }

    pub fn sync(&self) -> i32 {
        let mut inner = self.disk.lock();
        if inner.strikes(What::Other).is_some() {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        inner.note(Op::Sync { file: Arc::clone(&self.file) });
        if self.new_name.swap(false, Ordering::Relaxed) {
            inner.note(Op::SyncFolder);
        }
        inner.syncs += 1;
        let flush = inner.flush;
        drop(inner);
        if !flush.is_zero() {
            std::thread::sleep(flush);
        }
        ffi::SQLITE_OK
    }

    pub fn size(&self) -> usize {
        self.disk.lock().files.get(&self.file).map_or(0, Vec::len)
    }

    pub fn lock(&mut self, level: i32) -> i32 {
        let (id, mut inner) = (self.id, self.disk.lock());
        let locks = inner.locks.entry(Arc::clone(&self.file)).or_default();
        let others = |holder: Option<u64>| holder.is_some_and(|h| h != id);
        let free = match level {
            ffi::SQLITE_LOCK_SHARED => !others(locks.exclusive),
            ffi::SQLITE_LOCK_RESERVED => !others(locks.reserved) && !others(locks.exclusive),
            _ => !others(locks.reserved) && !others(locks.exclusive) && locks.shared.iter().all(|h| *h == id),
        };
        if !free {
            return ffi::SQLITE_BUSY;
        }
        match level {
            ffi::SQLITE_LOCK_SHARED if !locks.shared.contains(&id) => locks.shared.push(id),
            ffi::SQLITE_LOCK_RESERVED => locks.reserved = Some(id),
            ffi::SQLITE_LOCK_PENDING | ffi::SQLITE_LOCK_EXCLUSIVE => locks.exclusive = Some(id),
            _ => {}
        }
        drop(inner);
        self.level = self.level.max(level);
        ffi::SQLITE_OK
    }

    pub fn unlock(&mut self, level: i32) {
        let mut inner = self.disk.lock();
        if let Some(locks) = inner.locks.get_mut(&self.file) {
            locks.reserved.take_if(|h| *h == self.id);
            locks.exclusive.take_if(|h| *h == self.id);
            if level == ffi::SQLITE_LOCK_NONE {
                locks.shared.retain(|h| *h != self.id);
            }
        }
        drop(inner);
        self.level = level;
    }

    pub fn reserved(&self) -> bool {
        self.disk.lock().locks.get(&self.file).is_some_and(|l| l.reserved.is_some() || l.exclusive.is_some())
    }

    /// Works on the shared memory that belongs to this file.
    pub fn shared<T>(&self, work: impl FnOnce(&mut Shared) -> T) -> T {
        work(self.disk.lock().shared.entry(Arc::clone(&self.file)).or_default())
    }

    pub fn shm_lock(&self, slots: Range<usize>, exclusive: bool, take: bool) -> i32 {
        let id = self.id;
        self.shared(|shm| {
            let slots = &mut shm.slots[slots];
            if !take {
                for slot in slots {
                    slot.shared.retain(|h| *h != id);
                    slot.exclusive.take_if(|h| *h == id);
                }
                return ffi::SQLITE_OK;
            }
            let others = |slot: &Slot| {
                slot.exclusive.is_some_and(|h| h != id) || exclusive && slot.shared.iter().any(|h| *h != id)
            };
            if slots.iter().any(others) {
                return ffi::SQLITE_BUSY;
            }
            for slot in slots {
                if exclusive {
                    slot.exclusive = Some(id);
                } else if !slot.shared.contains(&id) {
                    slot.shared.push(id);
                }
            }
            ffi::SQLITE_OK
        })
    }
}

pub fn apply_write(bytes: &mut Vec<u8>, at: usize, from: &[u8]) {
    if bytes.len() < at + from.len() {
        bytes.resize(at + from.len(), 0);
    }
    bytes[at..at + from.len()].copy_from_slice(from);
}
