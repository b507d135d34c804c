//! The tables that a store is given as data, read from the files that the configuration names, else as shipped.
//!
//! Reads files; what stands in them is understood in `core`.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::config::Config;
use super::payees;
use crate::core::calendar::Calendar;
use crate::core::cards::CardTable;
use crate::core::domain::{Refusal, Reject};
use crate::core::fees::FeeSchedule;
use crate::core::ledger::{MoneyRules, RouteRules};

/// A table is a few pages; what is larger is something else.
const MAX_BYTES: u64 = 1024 * 1024;

/// A table that cannot be used.
#[derive(Debug, Error)]
#[error("{path}: {what}")]
pub struct TableError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it, and where.
    pub what: String,
}

/// The card table's name in the data folder.
pub const CARDS: &str = "cards.csv";

/// Where tables lie that are read while the daemon runs.
#[derive(Debug, Clone)]
pub struct Tables {
    dir: PathBuf,
    payees: Option<PathBuf>,
}

impl Tables {
    /// As the configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Tables {
        Tables { dir: config.data.dir.clone(), payees: config.refunds.payees_file.clone() }
    }

    /// The allow-list of transfers, as it is now.
    pub fn payees(&self) -> Result<Vec<payees::Listed>, Reject> {
        let path = self.payees.as_deref().ok_or_else(|| Refusal::NotSupported.with("what", "transfer"))?;
        payees::read(path).map_err(|e| Refusal::BadRequest.with("what", e))
    }

    /// The card table, as it lies in the data folder; empty where there is none.
    pub fn cards(&self) -> Result<CardTable, TableError> {
        cards(&self.dir)
    }

    /// Puts a card table into the data folder: whole, or not at all. It must have been read before.
    pub fn put_cards(&self, bytes: &[u8]) -> std::io::Result<()> {
        let (path, fresh) = (self.dir.join(CARDS), self.dir.join("cards.csv.new"));
        let mut file = std::fs::File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        std::fs::File::open(&self.dir)?.sync_all()
    }
}

/// Everything that becomes of money afterwards.
pub fn money(config: &Config) -> Result<MoneyRules, TableError> {
    let refunds = &config.refunds;
    Ok(MoneyRules {
        calendar: calendar(config)?,
        fees: fees(config)?,
        cards: Arc::new(cards(&config.data.dir)?),
        routes: RouteRules {
            cash: refunds.cash,
            transfer: refunds.transfer,
            // Without a key that lies apart there is no keyed hash, and the cap cannot be kept (law 7).
            cap_per_card: refunds.cap_per_card.filter(|_| card_key(config).is_some()),
            cap_days: refunds.cap_days,
        },
    })
}

/// The fee schedule; without a file there are no fees to expect.
pub fn fees(config: &Config) -> Result<FeeSchedule, TableError> {
    config.fees.file.as_deref().map_or_else(|| Ok(FeeSchedule::default()), |path| read(path, FeeSchedule::parse))
}

/// The card table in the data folder; empty where there is none.
pub fn cards(dir: &Path) -> Result<CardTable, TableError> {
    let path = dir.join(CARDS);
    match std::fs::read(&path) {
        Ok(bytes) => crate::core::cards::read(&bytes).map_err(|e| TableError { path, what: e.to_string() }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(CardTable::default()),
        Err(e) => Err(TableError { path, what: format!("cannot be read: {e}") }),
    }
}

/// The key of card hashes, only where it lies on another file system than the data (law 7).
#[must_use]
pub fn card_key(config: &Config) -> Option<&Path> {
    let path = config.refunds.card_key_file.as_deref()?;
    let device = |p: &Path| p.ancestors().find(|p| p.exists()).and_then(|p| std::fs::metadata(p).ok()).map(|m| m.dev());
    (path.is_file() && device(path) != device(&config.data.dir)).then_some(path)
}

/// The holiday calendar.
pub fn calendar(config: &Config) -> Result<Calendar, TableError> {
    config.calendar.file.as_deref().map_or_else(|| Ok(Calendar::cn()), |path| read(path, Calendar::parse))
}

fn read<T, E: ToString>(path: &Path, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, TableError> {
    let wrong = |what: String| TableError { path: path.to_owned(), what };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|e| wrong(format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong("is too large to be a table".into()));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8: convert it".into()))?;
    parse(&text).map_err(|e| wrong(e.to_string()))
}
