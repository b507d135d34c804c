//! Time as it is handed in. Nothing here asks a clock.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::text::read_text;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(pub NaiveDate);

impl BusinessDate {
    /// Reads `2026-11-20`: ten characters, with the zeros.
    pub fn parse(text: &str) -> Result<BusinessDate, String> {
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
        };
        let date = |text: &[u8; 10]| {
            let [.., b'-', _, _, b'-', _, _] = text else { return None };
            let year = i32::try_from(number(&text[..4])?).ok()?;
            NaiveDate::from_ymd_opt(year, number(&text[5..7])?, number(&text[8..])?)
        };
        let date = text.as_bytes().try_into().ok().and_then(date);
        date.map(BusinessDate).ok_or_else(|| format!("{text:?} is no date: write it as 2026-11-20"))
    }

    /// Its year has four digits: as it is written it is read again.
    #[must_use]
    pub fn is_written(self) -> bool {
        (0..=9999).contains(&self.0.year())
    }

    /// As text, for the years that have four digits. Written by hand: every row of the journal holds some.
    fn digits(self) -> Option<[u8; 10]> {
        let year = u32::try_from(self.0.year()).ok().filter(|year| *year <= 9999)?;
        let mut text = *b"0000-00-00";
        for (end, mut number) in [(4, year), (7, self.0.month()), (10, self.0.day())] {
            let mut at = end;
            while number > 0 {
                at -= 1;
                text[at] = b'0' + u8::try_from(number % 10).expect("a digit");
                number /= 10;
            }
        }
        Some(text)
    }

    /// The calendar day after this one; of the last day that can be written, itself.
    #[must_use]
    pub fn next(self) -> BusinessDate {
        self.0.succ_opt().map(BusinessDate).filter(|next| next.is_written()).unwrap_or(self)
    }
}

impl std::fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.digits() {
            Some(text) => f.pad(std::str::from_utf8(&text).expect("digits and dashes")),
            None => f.pad(&self.0.to_string()),
        }
    }
}

impl Serialize for BusinessDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.digits() {
            Some(text) => serializer.serialize_str(std::str::from_utf8(&text).expect("digits and dashes")),
            None => serializer.serialize_str(&self.0.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, BusinessDate::parse)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_business_date_is_written_and_read_as_the_library_does() {
        let first = NaiveDate::from_ymd_opt(0, 1, 1).unwrap();
        for day in first.iter_days().take_while(|day| day.year() <= 9999).step_by(29) {
            let (date, text) = (BusinessDate(day), day.format("%Y-%m-%d").to_string());
            assert_eq!((date.to_string(), serde_json::to_string(&date).unwrap()), (text.clone(), format!("{text:?}")));
            assert_eq!(BusinessDate::parse(&text), Ok(date));
        }
        let late = BusinessDate(NaiveDate::from_ymd_opt(12_345, 6, 7).unwrap());
        assert_eq!(late.to_string(), "+12345-06-07");
        for text in
            ["", "2026-11-2", "2026-11-020", "2026-02-30", "2026-13-01", "2026/11/20", "+026-11-20", "1.11.2026"]
        {
            assert!(BusinessDate::parse(text).is_err(), "{text}");
        }
        assert_eq!(format!("{:>12}|", BusinessDate::parse("2026-11-20").unwrap()), "  2026-11-20|");
    }
}
