//! The mark: what the store had reached, kept outside it, so that an older image put back is seen (law 3).
//!
//! Written after each commit without a sync, synced once a second and at each rung of the ladder. A mark that the store is behind is
//! left as it is: it is the evidence, and cards stay stopped until a technician has looked.

use std::path::PathBuf;

use super::config::Config;
use super::inbox::TillWriter;
use crate::core::domain::{Sentence, StoreId};
use crate::core::ports::{Committed, StoreError};
use crate::io::store::{Mark, MarkState, MarkVerdict, Reader};

/// The file beside the data where none is configured.
pub(super) const BESIDE: &str = "tilld.mark";

/// The mark of a running store.
#[derive(Debug)]
pub struct Marker {
    mark: Option<Mark>,
    store: StoreId,
    failing: bool,
    /// There was none yet: it begins with this start.
    fresh: bool,
}

/// Where the mark lies.
#[must_use]
pub fn path(config: &Config) -> PathBuf {
    config.data.mark_file.clone().unwrap_or_else(|| config.data.dir.join(BESIDE))
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
    /// Opens the mark, compares, and stops cards where the store is behind it. Gives what people should know.
    pub fn open(config: &Config, writer: &mut TillWriter) -> Result<(Marker, Vec<Sentence>), StoreError> {
        let now = state(writer);
        let mut mark = match Mark::open(&path(config)) {
            Ok(mark) => mark,
            Err(error) => return Marker::none(now.store, error),
        };
        let verdict = judge(&mark, &writer.store().reader()?, &now)?;
        let store = now.store.clone();
        if verdict.stops_cards() {
            log::error!("cards are stopped: the mark says {verdict:?}");
            writer.set_mark_behind(true);
            return Ok((Marker { mark: None, store, failing: false, fresh: false }, Vec::new()));
        }
        if let Err(error) = mark.write(&now).and_then(|()| mark.sync()) {
            return Marker::none(store, error);
        }
        let mut warnings = Vec::new();
        if verdict == MarkVerdict::Unreadable {
            log::error!("{verdict}");
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
        let fresh = verdict == MarkVerdict::New;
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

    /// There was no mark before this start.
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
