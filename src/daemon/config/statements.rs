//! `[statements]`: how the other side's statements come in, how long the other side of the cut is waited for, who may write off how much.

use std::path::{Path, PathBuf};

use super::section::Section;
use crate::core::domain::{Minor, Sentence};

/// `[statements]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementsConfig {
    /// `watch`: a folder; whatever statement is put there is judged, and moved to `done` or `quarantine` below it. Absent: none is watched.
    pub watch: Option<PathBuf>,
    /// `watch_s`: how often the folder is looked at, and for how long a file must have stood still. Default 5.
    pub watch_s: u32,
    /// `wait_days`: how long the other side of the cut is waited for. Default 3.
    pub wait_days: u32,
    /// `max_mb`: no statement is larger, in MiB. Default 256.
    pub max_mb: u32,
    /// `write_off_limit`: above it a write-off needs a second person, minor units. Default 10,000.
    pub write_off_limit: Minor,
}

impl Default for StatementsConfig {
    fn default() -> StatementsConfig {
        StatementsConfig { watch: None, watch_s: 5, wait_days: 3, max_mb: 256, write_off_limit: Minor(10_000) }
    }
}

impl StatementsConfig {
    /// No statement has more bytes.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_mb) * 1024 * 1024
    }
}

/// Reads the section. Relative paths begin at `base`.
pub(super) fn read(mut s: Section<'_, '_>, base: &Path) -> Option<StatementsConfig> {
    let watch = s.text("watch", "\"/var/lib/tilld/statements\"", |t| match t.is_empty() || t.contains('\0') {
        true => Err(Sentence::new("路径不能为空", "the path must not be empty")),
        false => Ok(base.join(t)),
    });
    let watch_s = s.number("watch_s", 5, 1..=3_600);
    let wait_days = s.number("wait_days", 3, 0..=31);
    let max_mb = s.number("max_mb", 256, 1..=4_096);
    let write_off_limit = s.number("write_off_limit", 10_000, 0..=999_999_999_999);
    s.finish();
    Some(StatementsConfig {
        watch: watch.map(|v| v.0),
        watch_s: u32::try_from(watch_s?).ok()?,
        wait_days: u32::try_from(wait_days?).ok()?,
        max_mb: u32::try_from(max_mb?).ok()?,
        write_off_limit: Minor(write_off_limit?),
    })
}
