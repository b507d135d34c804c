//! Time as it is handed in. Nothing here asks a clock.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Wall-clock time, milliseconds since 1970-01-01T00:00:00Z. May jump; decides nothing by itself (law 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallMs(pub i64);

/// Monotonic time since the daemon started, milliseconds. Never jumps; means nothing after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MonoMs(pub u64);

impl MonoMs {
    /// This moment plus `ms` milliseconds.
    #[must_use]
    pub fn after(self, ms: u64) -> MonoMs {
        MonoMs(self.0.saturating_add(ms))
    }
}

/// The moment at which a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// What the wall clock says.
    pub wall: WallMs,
    /// What the monotonic clock says.
    pub mono: MonoMs,
}

/// A business day 营业日: the column that every payment is stamped with when it is journaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BusinessDate(pub NaiveDate);

impl BusinessDate {
    /// Reads `2026-11-20`.
    pub fn parse(text: &str) -> Result<BusinessDate, String> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(BusinessDate)
            .map_err(|_| format!("{text:?} is no date: write it as 2026-11-20"))
    }

    /// The calendar day after this one.
    #[must_use]
    pub fn next(self) -> BusinessDate {
        BusinessDate(self.0.succ_opt().unwrap_or(self.0))
    }
}

impl std::fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.format("%Y-%m-%d").to_string())
    }
}

impl TryFrom<String> for BusinessDate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        BusinessDate::parse(&text)
    }
}

impl From<BusinessDate> for String {
    fn from(date: BusinessDate) -> String {
        date.to_string()
    }
}
