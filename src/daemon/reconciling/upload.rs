//! A statement as it comes in from the API or the watched folder: judged, and handed to the writer.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{Asked, Books, Judged, ReconcileError};
use crate::core::domain::{Refusal, Reject, WallMs};
use crate::core::ports::{Command, Reply, StatementNoted, StatementUpload, StatementView};
use crate::daemon::inbox::Inbox;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;
/// So many uploads lie in the data's folder at once, each of at most `max_mb`.
const AT_ONCE: u32 = 2;

/// Where uploads lie while they are judged; each has a number.
#[derive(Debug)]
pub struct Intake {
    books: Books,
    inbox: Inbox,
    spool: PathBuf,
    number: AtomicU64,
    lying: AtomicU32,
}

/// Removes its file when it goes, and makes room for another.
struct Spooled<'a>(PathBuf, &'a AtomicU32);

impl Drop for Spooled<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Intake {
    /// Uploads are spooled below this folder, which the daemon owns. What an earlier run left there goes.
    pub fn new(books: Books, inbox: Inbox, data: &Path) -> std::io::Result<Intake> {
        let spool = data.join("incoming");
        match std::fs::remove_dir_all(&spool) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        Ok(Intake { books, inbox, spool, number: AtomicU64::new(1), lying: AtomicU32::new(0) })
    }

    /// Takes an upload in, whole and within its bound, before anything of it is judged.
    pub fn upload(&self, upload: StatementUpload<'_>, now: WallMs) -> Result<StatementView, Reject> {
        // A file of this machine is nobody's to name from outside: a format of one's own is for the command line.
        let shipped = crate::core::reconcile::formats().map_err(|e| refused(e.into(), &self.spool))?;
        if upload.format.is_some_and(|name| shipped.iter().all(|format| format.name != name)) {
            let names = shipped.iter().map(|format| format.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Refusal::BadRequest.with("what", format!("format: one of {names}")));
        }
        let more = |lying: u32| (lying < AT_ONCE).then_some(lying + 1);
        self.lying.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Refusal::Busy)?;
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let spooled = Spooled(self.spool.join(format!("{number}.part")), &self.lying);
        let failed = |e: std::io::Error| {
            log::error!("an uploaded statement could not be kept: {}: {e}", spooled.0.display());
            Reject::from(Refusal::StorageFailed)
        };
        crate::daemon::start::make_private(&self.spool).map_err(failed)?;
        let mut file = File::create(&spooled.0).map_err(failed)?;
        let (limit, mut taken, mut chunk) = (self.books.settings.max_bytes(), 0u64, vec![0; CHUNK]);
        loop {
            // A body that ends early is no statement: nothing of it is used.
            let n = upload.body.read(&mut chunk).map_err(|e| Refusal::BadRequest.with("what", e))?;
            if n == 0 {
                break;
            }
            taken = taken.saturating_add(n as u64);
            if taken > limit {
                return Err(Refusal::TooLarge.with("limit", limit));
            }
            file.write_all(&chunk[..n]).map_err(failed)?;
        }
        drop(file);
        let asked = Asked { file: &spooled.0, name: upload.name, format: upload.format, wait_days: None, now };
        let judged = self.books.judge(&asked).map_err(|e| refused(e, &spooled.0))?;
        let noted = self.note(&judged)?;
        self.books.view(judged, Some(noted)).map_err(crate::daemon::papers::unreadable)
    }

    /// Judges a file where it lies, and hands it to the writer.
    pub(super) fn take(&self, file: &Path, name: &str, now: WallMs) -> Result<(Judged, StatementNoted), Refused> {
        let asked = Asked { file, name, format: None, wait_days: None, now };
        let judged = self.books.judge(&asked).map_err(Refused::Judging)?;
        let noted = self.note(&judged).map_err(Refused::Writer)?;
        Ok((judged, noted))
    }

    /// Waits for the writer.
    fn note(&self, judged: &Judged) -> Result<StatementNoted, Reject> {
        let judged = judged.for_the_writer()?;
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let respond = Box::new(move |answer| {
            let _ = sender.send(answer);
        });
        self.inbox.command(Command::Statement(Box::new(judged)), respond);
        match receiver.recv() {
            Ok(Ok(Reply::Statement(noted))) => Ok(*noted),
            Ok(Err(reject)) => Err(reject),
            Ok(Ok(_)) | Err(_) => Err(Refusal::Stopping.into()),
        }
    }
}

/// Why a file was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// It cannot be judged.
    Judging(ReconcileError),
    /// The writer says no.
    Writer(Reject),
}

/// A statement that cannot be judged, as a refusal. The spool's path is nobody's business.
fn refused(error: ReconcileError, spooled: &Path) -> Reject {
    match error {
        ReconcileError::Store(e) => crate::daemon::papers::unreadable(e),
        other => {
            let text = other.to_string().replace(&format!("{}: ", spooled.display()), "");
            Refusal::NotAStatement.with("why", text)
        }
    }
}
