//! The tables that a store is given as data, read from the files that the configuration names, else as shipped.
//!
//! Reads files; what stands in them is understood in `core`.

use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::config::Config;
use crate::core::calendar::Calendar;
use crate::core::ledger::MoneyRules;

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

/// Everything that becomes of money afterwards.
pub fn money(config: &Config) -> Result<MoneyRules, TableError> {
    Ok(MoneyRules { calendar: calendar(config)? })
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
