//! Room that is kept for the end of the day: a file beside the data. Where the disk fills up, new sales are refused while there is still this much;
//! where even that is eaten by others, it is given back, so that the day can be closed and uploaded.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

/// The file's name in the data folder.
pub const BALLAST: &str = "ballast";

/// What the writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is room for sales.
    Enough,
    /// Only for closing and uploading.
    Little,
}

/// The room of a data folder.
#[derive(Debug)]
pub struct Ballast {
    dir: PathBuf,
    /// Its size, and how much must be free beside it; 0 keeps none.
    bytes: u64,
    held: bool,
    /// Why it cannot be made though there is room: what is free decides alone then.
    unmade: bool,
    said: bool,
}

impl Ballast {
    /// Makes it where there is room for it.
    #[must_use]
    pub fn keep(dir: &Path, bytes: u64) -> Ballast {
        let mut ballast = Ballast { dir: dir.to_owned(), bytes, held: false, unmade: false, said: false };
        ballast.held = bytes > 0 && ballast.make();
        ballast
    }

    fn path(&self) -> PathBuf {
        self.dir.join(BALLAST)
    }

    fn make(&mut self) -> bool {
        let path = self.path();
        let there = path.metadata().is_ok_and(|m| m.len() == self.bytes);
        if there || self.unmade {
            return there;
        }
        let made = free(&self.dir).is_some_and(|free| free > 2 * self.bytes).then(|| allocate(&path, self.bytes));
        if !matches!(made, Some(Ok(()))) {
            let _ = std::fs::remove_file(&path);
        }
        if let Some(Err(error)) = &made
            && error.kind() != ErrorKind::StorageFull
        {
            log::error!("no room is kept for closing the day: {}: {error}", path.display());
            self.unmade = true;
        }
        matches!(made, Some(Ok(())))
    }

    /// To be asked about once a second. Refuses early, gives the ballast back late, and takes it again when there is room.
    pub fn look(&mut self) -> Room {
        let Some(free) = free(&self.dir).filter(|_| self.bytes > 0) else { return Room::Enough };
        if self.held && free < self.bytes / 4 {
            log::error!("the disk is full: the room kept for closing the day is given back");
            match std::fs::remove_file(self.path()) {
                Ok(()) => self.held = false,
                Err(error) => log::error!("{}: {error}", self.path().display()),
            }
            return Room::Little;
        }
        if !self.held && free > 3 * self.bytes {
            self.held = self.make();
        }
        // Without a ballast the same room has to be free.
        let enough = if self.unmade { free >= 2 * self.bytes } else { self.held && free >= self.bytes };
        let room = if enough { Room::Enough } else { Room::Little };
        if room == Room::Little && !self.said {
            log::error!("the disk is nearly full ({free} bytes): free some space");
        }
        self.said = room == Room::Little;
        room
    }
}

/// Bytes that an ordinary process may still write.
fn free(dir: &Path) -> Option<u64> {
    let stat = statvfs(dir).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

fn allocate(path: &Path, bytes: u64) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        // Some file systems of small devices (UBIFS) can only be written to; what they would compress away keeps no room.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(&file, bytes)?,
        done => done?,
    }
    file.sync_all()
}

fn fill(mut file: &File, bytes: u64) -> std::io::Result<()> {
    let mut block = [0; 4096];
    SystemRandom::new().fill(&mut block).map_err(|_| std::io::Error::other("the system gives no random numbers"))?;
    let mut left = bytes;
    while left > 0 {
        let part = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
        file.write_all(&block[..part])?;
        left -= part as u64;
    }
    Ok(())
}
