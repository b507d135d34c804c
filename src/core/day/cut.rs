//! When the automatic day cut 日切 falls due (law 8): sequence decides, not the clock.
//!
//! The cut of day D is due at the store's cut time on the calendar day after D. It fires only where the wall clock agrees with the
//! monotonic clock and with what the acquirer's last answer said; otherwise it waits for a manager.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, MonoMs, Now, WallMs, Zone};

/// How far two clocks may be apart and still agree.
pub const CLOCK_TOLERANCE_MS: i64 = 10 * 60 * 1000;

/// When the store cuts its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutSchedule {
    /// Only when a manager says so.
    Manual,
    /// At this local time on the day after.
    At(NaiveTime),
}

/// What the clocks said together, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockPair {
    /// The wall clock.
    pub wall: WallMs,
    /// The monotonic clock, at the same moment.
    pub mono: MonoMs,
}

/// The acquirer's clock, as the last answer of any terminal gave it (F13 MMDD, F12 hhmmss; it carries no year).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostClock {
    /// MMDD
    pub date: String,
    /// hhmmss
    pub time: String,
    /// When the answer came.
    pub mono: MonoMs,
}

/// What to do about the cut now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutVerdict {
    /// Nothing.
    NotDue,
    /// Cut.
    Due,
    /// It would be due, but the clocks disagree: a manager must look.
    Hold,
}

/// Whether the open day is to be cut now.
#[must_use]
pub fn cut_due(
    schedule: CutSchedule,
    zone: &Zone,
    open: BusinessDate,
    now: Now,
    start: ClockPair,
    host: Option<&HostClock>,
) -> CutVerdict {
    let CutSchedule::At(time) = schedule else { return CutVerdict::NotDue };
    let Some(local) = zone.local(now.wall) else { return CutVerdict::Hold };
    if local < open.next().0.and_time(time) {
        return CutVerdict::NotDue;
    }
    if agrees_with_monotonic(now, start) && host.is_none_or(|host| agrees_with_host(local, now.mono, host)) {
        CutVerdict::Due
    } else {
        CutVerdict::Hold
    }
}

/// The wall clock has moved by as much as the monotonic clock has since both were read together.
fn agrees_with_monotonic(now: Now, start: ClockPair) -> bool {
    let wall = now.wall.0.saturating_sub(start.wall.0);
    let mono = i64::try_from(now.mono.0.saturating_sub(start.mono.0)).unwrap_or(i64::MAX);
    wall.abs_diff(mono) <= CLOCK_TOLERANCE_MS.unsigned_abs()
}

/// The acquirer's last time, moved on by what has passed since, is near ours. Its clock may run in the store's zone only.
fn agrees_with_host(local: NaiveDateTime, mono: MonoMs, host: &HostClock) -> bool {
    let Some(then) = host_time(local, host) else { return false };
    let passed = TimeDelta::milliseconds(i64::try_from(mono.0.saturating_sub(host.mono.0)).unwrap_or(i64::MAX / 2));
    let difference = local.signed_duration_since(then + passed);
    difference.num_milliseconds().unsigned_abs() <= CLOCK_TOLERANCE_MS.unsigned_abs()
}

/// F13 and F12 as a date and time of the year that lies nearest to `near`.
fn host_time(near: NaiveDateTime, host: &HostClock) -> Option<NaiveDateTime> {
    let number = |text: &str, from: usize| text.get(from..from + 2)?.parse::<u32>().ok();
    let (month, day) = (number(&host.date, 0)?, number(&host.date, 2)?);
    let time = NaiveTime::from_hms_opt(number(&host.time, 0)?, number(&host.time, 2)?, number(&host.time, 4)?)?;
    (near.year() - 1..=near.year() + 1)
        .filter_map(|year| Some(NaiveDate::from_ymd_opt(year, month, day)?.and_time(time)))
        .min_by_key(|candidate| candidate.signed_duration_since(near).num_milliseconds().unsigned_abs())
}

/// The business day that a new store begins with: yesterday's, while the clock has not reached today's cut.
#[must_use]
pub fn first_date(schedule: CutSchedule, zone: &Zone, wall: WallMs) -> Option<BusinessDate> {
    let local = zone.local(wall)?;
    match schedule {
        CutSchedule::At(time) if local.time() < time => local.date().pred_opt().map(BusinessDate),
        _ => Some(BusinessDate(local.date())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Without summer time since 1991.
    const OFFSET_MS: i64 = 8 * 3_600_000;

    fn zone() -> Zone {
        "Asia/Shanghai".parse().unwrap()
    }

    fn at(text: &str, mono: u64) -> Now {
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
        let wall = local.and_utc().timestamp_millis() - OFFSET_MS;
        Now { wall: WallMs(wall), mono: MonoMs(mono) }
    }

    fn three() -> CutSchedule {
        CutSchedule::At(NaiveTime::from_hms_opt(3, 0, 0).unwrap())
    }

    fn verdict(now: Now, start: Now, host: Option<HostClock>) -> CutVerdict {
        let open = BusinessDate::parse("2026-03-07").unwrap();
        cut_due(three(), &zone(), open, now, ClockPair { wall: start.wall, mono: start.mono }, host.as_ref())
    }

    #[test]
    fn the_cut_falls_due_at_the_cut_time_of_the_day_after() {
        let start = at("2026-03-07 09:00:00", 0);
        let hours = 3_600_000;
        assert_eq!(verdict(at("2026-03-08 02:59:59", 18 * hours), start, None), CutVerdict::NotDue);
        assert_eq!(verdict(at("2026-03-08 03:00:00", 18 * hours), start, None), CutVerdict::Due);
    }

    #[test]
    fn a_clock_that_jumps_a_day_ahead_cuts_nothing() {
        let start = at("2026-03-07 09:00:00", 0);
        assert_eq!(verdict(at("2026-03-08 10:00:00", 3_600_000), start, None), CutVerdict::Hold);
    }

    #[test]
    fn a_clock_that_the_acquirer_contradicts_cuts_nothing() {
        let start = at("2026-03-08 04:00:00", 0);
        let host = |date: &str| HostClock { date: date.into(), time: "040000".into(), mono: MonoMs(0) };
        assert_eq!(verdict(at("2026-03-08 04:00:30", 30_000), start, Some(host("0308"))), CutVerdict::Due);
        assert_eq!(verdict(at("2026-03-08 04:00:30", 30_000), start, Some(host("0307"))), CutVerdict::Hold);
        assert_eq!(verdict(at("2026-03-08 04:00:30", 30_000), start, Some(host("9999"))), CutVerdict::Hold);
    }

    #[test]
    fn the_acquirers_new_year_is_ours() {
        let host = HostClock { date: "1231".into(), time: "235959".into(), mono: MonoMs(0) };
        let local = NaiveDate::from_ymd_opt(2027, 1, 1).unwrap().and_hms_opt(0, 0, 5).unwrap();
        assert!(agrees_with_host(local, MonoMs(6_000), &host));
    }

    #[test]
    fn a_store_that_opens_before_its_cut_begins_with_yesterday() {
        let date = |text| first_date(three(), &zone(), at(text, 0).wall).unwrap().to_string();
        assert_eq!(date("2026-03-07 02:00:00"), "2026-03-06");
        assert_eq!(date("2026-03-07 03:00:00"), "2026-03-07");
    }
}
