//! The mark: what the store had reached, kept outside it, so that an older image put back is seen (law 3).
//!
//! Written after each commit without a sync, synced once a second and at each rung of the ladder. A mark that the store is behind is
//! left as it is: it is the evidence, and cards stay stopped until a technician has looked.
//!
//! What it said is kept beside the data too, for a start without its medium: no mark, or the other one that begins in an empty mount point, is no
//! technician's word. That is the mark file removed from the medium itself, which is known by a sign beside it.

use std::path::{Path, PathBuf};

use super::bridge_marks::replace;
use super::config::Config;
use super::inbox::TillWriter;
use crate::core::domain::{Sentence, StoreId};
use crate::core::ports::{Committed, StoreError};
use crate::io::store::{Mark, MarkState, MarkVerdict, Reader};

/// The file beside the data where none is configured.
pub(super) const BESIDE: &str = "tilld.mark";
/// Beside the data: the mark that the store was found behind.
const FOUND: &str = "tilld.mark.found";
/// Beside the mark, and beside the data: a mark of this store was kept there.
const SIGN: &str = ".medium";

/// The mark of a running store.
#[derive(Debug)]
pub struct Marker {
    mark: Option<Mark>,
    store: StoreId,
    failing: bool,
    /// It begins with this start: a technician has removed the one before, or there never was one.
    fresh: bool,
}

/// Where the mark lies.
#[must_use]
pub fn path(config: &Config) -> PathBuf {
    config.data.mark_file.clone().unwrap_or_else(|| config.data.dir.join(BESIDE))
}

/// Where the mark that the store was found behind is kept.
#[must_use]
pub fn found_path(config: &Config) -> PathBuf {
    config.data.dir.join(FOUND)
}

/// The sign beside the mark and the one beside the data; none where that is one place.
fn signs(config: &Config) -> Option<[PathBuf; 2]> {
    let sign = |path: PathBuf| {
        let mut name = path.into_os_string();
        name.push(SIGN);
        PathBuf::from(name)
    };
    let both = [sign(path(config)), sign(config.data.dir.join(BESIDE))];
    (both[0] != both[1]).then_some(both)
}

/// The mark's medium is there, as far as one was ever seen.
#[must_use]
pub fn medium_is_there(config: &Config) -> bool {
    let ours = |sign: &Path| std::fs::read_to_string(sign).is_ok_and(|text| text.trim() == config.store.id.as_str());
    signs(config).is_none_or(|[there, here]| ours(&there) || !ours(&here))
}

/// It is known from now on. The one beside the data comes last: alone it would say that the medium is away.
fn sign(config: &Config) {
    let text = config.store.id.as_str();
    for sign in signs(config).into_iter().flatten() {
        let done = std::fs::read_to_string(&sign).is_ok_and(|there| there.trim() == text);
        if !done && let Err(error) = replace(&sign, text) {
            log::error!("{}: {error}", sign.display());
            return;
        }
    }
}

/// What the store was found behind at an earlier start, where it still is.
pub fn found(config: &Config, reader: &Reader, state: &MarkState) -> Result<Option<MarkVerdict>, StoreError> {
    let path = found_path(config);
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(judge(&Mark::open(&path)?, reader, state)?).filter(MarkVerdict::stops_cards))
}

fn keep_found(config: &Config, mark: &MarkState) {
    let kept = Mark::open(&found_path(config)).and_then(|mut kept| kept.write(mark).and_then(|()| kept.sync()));
    if let Err(error) = kept {
        log::error!("what the mark says could not be kept beside the data: {error}");
    }
}

fn forget_found(config: &Config) {
    let path = found_path(config);
    if path.exists()
        && let Err(error) = std::fs::remove_file(&path)
    {
        log::error!("{}: {error}", path.display());
    }
}

/// What a mark is compared with, or written as.
#[must_use]
pub fn state(writer: &TillWriter) -> MarkState {
    let ledger = writer.ledger();
    MarkState {
        store: writer.rules().store.clone(),
        head: ledger.head,
        link: ledger.link,
        terminals: ledger.terminals.iter().map(|(id, t)| (id.clone(), t.batch.number, t.last_stan)).collect(),
    }
}

/// What the mark says of the store.
pub fn judge(mark: &Mark, reader: &Reader, state: &MarkState) -> Result<MarkVerdict, StoreError> {
    let link = match mark.found() {
        Some(found) => reader.link_at(found.head)?,
        None => None,
    };
    Ok(mark.compare(state, link.as_ref()))
}

impl Marker {
    /// Opens the mark, compares, and stops cards where the store is behind it, or was found behind it and no technician has looked since. Gives what
    /// people should know.
    pub fn open(config: &Config, writer: &mut TillWriter) -> Result<(Marker, Vec<Sentence>), StoreError> {
        let now = state(writer);
        let (store, reader) = (now.store.clone(), writer.store().reader()?);
        let before = found(config, &reader, &now)?;
        let opened = Mark::open(&path(config));
        let verdict = opened.as_ref().ok().map(|mark| judge(mark, &reader, &now)).transpose()?;
        let (began, there) = (verdict == Some(MarkVerdict::New), medium_is_there(config));
        let fresh = began && there;
        if let Some(found) = before.as_ref().filter(|_| !fresh) {
            log::error!("cards are stopped: {found}");
            writer.set_mark_behind(true);
        } else if before.is_some() {
            log::warn!("a technician has begun a new mark: what the store was found behind is settled");
        }
        if fresh || before.is_none() {
            forget_found(config);
        }
        let mut mark = match opened {
            Ok(mark) => mark,
            Err(error) => return Marker::none(store, error),
        };
        if let Some(verdict) = verdict.as_ref().filter(|verdict| verdict.stops_cards()) {
            log::error!("cards are stopped: the mark says {verdict:?}");
            writer.set_mark_behind(true);
            if let Some(state) = mark.found().filter(|state| state.store == store) {
                if before.is_none() {
                    keep_found(config, state);
                }
                sign(config);
            }
            return Ok((Marker { mark: None, store, failing: false, fresh: false }, Vec::new()));
        }
        if let Err(error) = mark.write(&now).and_then(|()| mark.sync()) {
            return Marker::none(store, error);
        }
        sign(config);
        let mut warnings = Vec::new();
        if began && !there {
            log::error!("the mark was begun anew on a medium that never held one of this store");
            warnings.push(Sentence::new(
                "标记已在另一介质上重新开始：原介质未挂载或已更换，此前是否丢失数据无从得知；请检查挂载",
                "The mark was begun anew on another medium: its own is not mounted, or was replaced. Whether rows were lost before cannot be said; check its mount",
            ));
        }
        if verdict == Some(MarkVerdict::Unreadable) {
            log::error!("{}", MarkVerdict::Unreadable);
            warnings.push(Sentence::new(
                "标记文件读不出，已重新开始：此前是否丢失数据无从得知；请检查该介质",
                "The mark could not be read and was begun anew: whether rows were lost before cannot be said. Check its medium",
            ));
        }
        if config.data.mark_file.is_none() {
            warnings.push(Sentence::new(
                "标记文件与数据放在一起：整盘恢复旧镜像时无法发现；请用 [data] mark_file 放到别的介质",
                "The mark lies beside the data: an older image of the whole disk would not be seen. Put it elsewhere with [data] mark_file",
            ));
        }
        Ok((Marker { mark: Some(mark), store, failing: false, fresh }, warnings))
    }

    /// A medium that is missing or broken costs evidence; a till that did not start for it would cost the day.
    fn none(store: StoreId, error: StoreError) -> Result<(Marker, Vec<Sentence>), StoreError> {
        if !matches!(error, StoreError::Io(_) | StoreError::Full(_)) {
            return Err(error);
        }
        log::error!("no mark is kept until the next start: {error}");
        let warning = Sentence::new(
            format!("本次启动没有标记：还原旧镜像将无法察觉。请检查其介质后重启 tilld（{error}）"),
            format!(
                "No mark is kept: an older image put back would not be seen. Check its medium, then restart tilld ({error})"
            ),
        );
        Ok((Marker { mark: None, store, failing: false, fresh: false }, vec![warning]))
    }

    /// There was no mark before this start: a technician has removed it, or it is a new store.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Notes a commit.
    pub fn note(&mut self, committed: &Committed) {
        let Some(mark) = &mut self.mark else { return };
        let state = MarkState {
            store: self.store.clone(),
            head: committed.head,
            link: committed.link,
            terminals: committed.terminals.clone(),
        };
        let done = mark.write(&state).and_then(|()| if committed.rung { mark.sync() } else { Ok(()) });
        self.said(done);
    }

    /// Once a second.
    pub fn sync(&mut self) {
        if let Some(mark) = &mut self.mark {
            let done = mark.sync();
            self.said(done);
        }
    }

    /// A mark that cannot be written costs evidence, not money: said once, and tried again.
    fn said(&mut self, done: Result<(), StoreError>) {
        match done {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                log::error!("the mark could not be written: {error}");
            }
            Err(_) => {}
        }
    }
}
