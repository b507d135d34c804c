//! When the automatic day cut 日切 falls due (law 8): sequence decides, not the clock.
//!
//! The cut of day D is due at the store's cut time on the calendar day after D. It fires only where the wall clock agrees with the
//! monotonic clock and with what the acquirer's last answer said, and shows a day that is not too long after the open one; otherwise it waits for a
//! person.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, MonoMs, Now, WallMs, Zone};

/// How far two clocks may be apart and still agree.
pub const CLOCK_TOLERANCE_MS: i64 = 10 * 60 * 1000;

/// So many missed days are cut by themselves: the longest holidays, and a weekend. A clock that shows more is wrong more often than not.
pub const LONGEST_ABSENCE_DAYS: i64 = 10;

/// No store begins before 2024-01-01: a clock that shows less was never set.
pub const CLOCK_NEVER_SET_BEFORE: WallMs = WallMs(1_704_067_200_000);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

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

/// The acquirer's clock, as an answer gave it (F13 MMDD, F12 hhmmss; it carries no year).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostClock {
    /// MMDD
    pub date: String,
    /// hhmmss
    pub time: String,
    /// When the answer came.
    pub mono: MonoMs,
}

/// What is known of the clocks since the start. Nothing of it is journaled: a wrong clock is found wrong again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clocks {
    /// When wall clock and monotonic clock were last taken to belong together: at the start, when the acquirer agreed, when a person had looked.
    pub paired: Option<ClockPair>,
    /// The acquirer's clock, as last heard of any terminal.
    pub host: Option<HostClock>,
    /// A person has looked at it since the start: it is right, however far it is from the open day.
    pub checked: bool,
}

impl Clocks {
    /// Those of a start.
    #[must_use]
    pub fn started(start: ClockPair) -> Clocks {
        Clocks { paired: Some(start), ..Clocks::default() }
    }

    /// An answer brought the acquirer's clock. Where ours agrees with it, the steps it made before (a wrong start, set right by the network) are over.
    pub fn hear(&mut self, host: HostClock, zone: &Zone, open: BusinessDate, now: Now) {
        if zone
            .local(now.wall)
            .is_some_and(|local| agrees_with_host(local, now.mono, self.year_near(local, open), &host))
        {
            self.paired = Some(ClockPair { wall: now.wall, mono: now.mono });
        }
        self.host = Some(host);
    }

    /// A person says that the wall clock is right.
    pub fn check(&mut self, now: Now) {
        (self.paired, self.checked) = (Some(ClockPair { wall: now.wall, mono: now.mono }), true);
    }

    /// The wall clock agrees with the monotonic one, and with the acquirer's last word where there is one and no person knows better: an acquirer's clock
    /// may be wrong, or another zone's.
    #[must_use]
    pub fn agree(&self, zone: &Zone, open: BusinessDate, now: Now) -> bool {
        let Some(local) = zone.local(now.wall) else { return false };
        let steady = self.steady(now).0.abs_diff(now.wall.0) <= CLOCK_TOLERANCE_MS.unsigned_abs();
        let year = self.year_near(local, open);
        steady && (self.checked || self.host.as_ref().is_none_or(|host| agrees_with_host(local, now.mono, year, host)))
    }

    /// What the wall clock would show, had it moved as the monotonic one did.
    #[must_use]
    pub fn steady(&self, now: Now) -> WallMs {
        let Some(paired) = self.paired else { return now.wall };
        let passed = i64::try_from(now.mono.0.saturating_sub(paired.mono.0)).unwrap_or(i64::MAX);
        WallMs(paired.wall.0.saturating_add(passed))
    }

    /// The acquirer names no year. The journal does: a clock that is wrong by a year would find itself confirmed if it named it.
    fn year_near(&self, local: NaiveDateTime, open: BusinessDate) -> NaiveDateTime {
        if self.checked { local } else { open.0.and_time(NaiveTime::MIN) }
    }
}

/// What to do about the cut now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutVerdict {
    /// Nothing.
    NotDue,
    /// Cut, and open this day.
    Due(BusinessDate),
    /// It would be due, but the clocks disagree, or show a day too long after the open one: a person must look.
    Hold,
}

/// Whether the open day is to be cut now. Missed days are cut in order; of a longer absence, which somebody has confirmed, the days of which
/// nothing is known are none.
#[must_use]
pub fn cut_due(schedule: CutSchedule, zone: &Zone, open: BusinessDate, now: Now, clocks: &Clocks) -> CutVerdict {
    let CutSchedule::At(time) = schedule else { return CutVerdict::NotDue };
    let Some(local) = zone.local(now.wall) else { return CutVerdict::Hold };
    if local < open.next().0.and_time(time) {
        return CutVerdict::NotDue;
    }
    let today = first_date(schedule, zone, now.wall).unwrap_or(open.next());
    let missed_many = (today.0 - open.0).num_days() > LONGEST_ABSENCE_DAYS;
    match (clocks.agree(zone, open, now), missed_many) {
        (true, false) => CutVerdict::Due(open.next()),
        (true, true) if clocks.checked => CutVerdict::Due(today),
        _ => CutVerdict::Hold,
    }
}

/// Whether what was stored at a moment, on a day, has waited for longer than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// No.
    Within,
    /// Yes.
    TooLong,
    /// By one clock it has, and the clocks disagree or show a day too long after: it is neither sent nor set aside.
    Doubtful,
}

/// How long something has waited. A moment that lies ahead of a clock says nothing about it: then the business days do (law 8).
#[must_use]
pub fn waited(
    since: (WallMs, BusinessDate),
    max_ms: i64,
    zone: &Zone,
    open: BusinessDate,
    now: Now,
    clocks: &Clocks,
) -> Waited {
    let age = |clock: WallMs| match clock.0.saturating_sub(since.0.0) {
        ahead if ahead < -CLOCK_TOLERANCE_MS => (open.0 - since.1.0).num_milliseconds(),
        age => age,
    };
    let longest = age(now.wall).max(age(clocks.steady(now)));
    if longest <= max_ms {
        return Waited::Within;
    }
    let credible = clocks.checked || longest <= max_ms.saturating_add(LONGEST_ABSENCE_DAYS * DAY_MS);
    if credible && clocks.agree(zone, open, now) { Waited::TooLong } else { Waited::Doubtful }
}

/// The acquirer's time, moved on by what has passed since, is near ours. Its clock may run in the store's zone only.
fn agrees_with_host(local: NaiveDateTime, mono: MonoMs, year_near: NaiveDateTime, host: &HostClock) -> bool {
    let Some(then) = host_time(year_near, host) else { return false };
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

    fn open() -> BusinessDate {
        BusinessDate::parse("2026-03-07").unwrap()
    }

    const NEXT: CutVerdict = CutVerdict::Due(BusinessDate(NaiveDate::from_ymd_opt(2026, 3, 8).unwrap()));

    fn clocks(start: Now, host: Option<HostClock>) -> Clocks {
        Clocks { host, ..Clocks::started(ClockPair { wall: start.wall, mono: start.mono }) }
    }

    fn host(date: &str, time: &str, mono: u64) -> HostClock {
        HostClock { date: date.into(), time: time.into(), mono: MonoMs(mono) }
    }

    fn verdict(now: Now, start: Now, host: Option<HostClock>) -> CutVerdict {
        cut_due(three(), &zone(), open(), now, &clocks(start, host))
    }

    #[test]
    fn the_cut_falls_due_at_the_cut_time_of_the_day_after() {
        let start = at("2026-03-07 09:00:00", 0);
        let hours = 3_600_000;
        assert_eq!(verdict(at("2026-03-08 02:59:59", 18 * hours), start, None), CutVerdict::NotDue);
        assert_eq!(verdict(at("2026-03-08 03:00:00", 18 * hours), start, None), NEXT);
    }

    #[test]
    fn a_clock_that_jumps_a_day_ahead_cuts_nothing() {
        let start = at("2026-03-07 09:00:00", 0);
        assert_eq!(verdict(at("2026-03-08 10:00:00", 3_600_000), start, None), CutVerdict::Hold);
    }

    #[test]
    fn a_clock_that_the_acquirer_contradicts_cuts_nothing() {
        let start = at("2026-03-08 04:00:00", 0);
        let host = |date: &str| host(date, "040000", 0);
        assert_eq!(verdict(at("2026-03-08 04:00:30", 30_000), start, Some(host("0308"))), NEXT);
        assert_eq!(verdict(at("2026-03-08 04:00:30", 30_000), start, Some(host("0307"))), CutVerdict::Hold);
        assert_eq!(verdict(at("2026-03-08 04:00:30", 30_000), start, Some(host("9999"))), CutVerdict::Hold);
    }

    #[test]
    fn the_acquirers_new_year_is_ours() {
        let host = host("1231", "235959", 0);
        let local = NaiveDate::from_ymd_opt(2027, 1, 1).unwrap().and_hms_opt(0, 0, 5).unwrap();
        for open in ["2026-12-31", "2027-01-01"] {
            let open = BusinessDate::parse(open).unwrap().0.and_time(NaiveTime::MIN);
            assert!(agrees_with_host(local, MonoMs(6_000), open, &host));
        }
    }

    #[test]
    fn a_clock_that_is_wrong_by_years_is_not_confirmed_by_an_acquirer_that_names_none() {
        for wrong in ["2027-03-08 04:00:00", "2028-03-08 04:00:00", "2036-03-08 04:00:00"] {
            let start = at(wrong, 0);
            let mut clocks = clocks(start, None);
            assert_eq!(cut_due(three(), &zone(), open(), start, &clocks), CutVerdict::Hold);
            clocks.hear(host("0308", "040000", 0), &zone(), open(), start);
            assert!(!clocks.agree(&zone(), open(), start));
        }
        assert_eq!(verdict(at("2026-03-08 04:00:00", 0), at("2026-03-08 04:00:00", 0), None), NEXT);
    }

    #[test]
    fn a_holiday_is_caught_up_with_and_a_longer_absence_is_a_persons_word() {
        let back = at("2026-03-17 08:00:00", 0);
        assert_eq!(verdict(back, back, Some(host("0317", "080000", 0))), NEXT);
        let back = at("2026-03-18 08:00:00", 0);
        assert_eq!(verdict(back, back, Some(host("0318", "080000", 0))), CutVerdict::Hold);
        let mut clocks = clocks(back, None);
        clocks.check(back);
        let today = BusinessDate::parse("2026-03-18").unwrap();
        assert_eq!(cut_due(three(), &zone(), open(), back, &clocks), CutVerdict::Due(today));
    }

    #[test]
    fn a_clock_set_right_after_the_start_is_right_once_the_acquirer_agrees() {
        let mut clocks = clocks(at("2026-03-01 00:00:00", 0), None);
        let later = at("2026-03-08 04:00:00", 60_000);
        assert_eq!(cut_due(three(), &zone(), open(), later, &clocks), CutVerdict::Hold);
        clocks.hear(host("0308", "040000", 60_000), &zone(), open(), later);
        assert_eq!(cut_due(three(), &zone(), open(), later, &clocks), NEXT);
    }

    #[test]
    fn what_waits_is_too_old_only_by_clocks_that_agree() {
        let hours = 3_600_000;
        let start = at("2026-03-07 09:00:00", 0);
        let by = |now: Now, clocks: &Clocks| waited((start.wall, open()), 72 * hours, &zone(), open(), now, clocks);
        let steady = clocks(start, None);
        let mono = |h: u64| h * 3_600_000;
        assert_eq!(by(at("2026-03-10 09:00:00", mono(72)), &steady), Waited::Within);
        assert_eq!(by(at("2026-03-10 10:00:00", mono(73)), &steady), Waited::TooLong);
        // Jumped ahead; set back.
        assert_eq!(by(at("2026-03-12 09:00:00", mono(1)), &steady), Waited::Doubtful);
        assert_eq!(by(at("2026-03-05 09:00:00", mono(1)), &steady), Waited::Within);
        assert_eq!(by(at("2026-03-05 09:00:00", mono(73)), &steady), Waited::Doubtful);
        // A start after five days, and after a year.
        let after = |text| {
            let now = at(text, 5);
            by(now, &clocks(now, None))
        };
        assert_eq!(after("2026-03-12 09:00:00"), Waited::TooLong);
        assert_eq!(after("2027-03-07 09:30:00"), Waited::Doubtful);
        let mut contradicted = clocks(at("2026-03-12 09:00:00", 0), Some(host("0307", "093000", 0)));
        assert_eq!(by(at("2026-03-12 09:00:00", 0), &contradicted), Waited::Doubtful);
        // The acquirer's clock is another zone's: a person's word goes before it.
        contradicted.check(at("2026-03-12 09:00:00", 0));
        assert_eq!(by(at("2026-03-12 09:00:00", 0), &contradicted), Waited::TooLong);
    }

    #[test]
    fn a_store_that_opens_before_its_cut_begins_with_yesterday() {
        let date = |text| first_date(three(), &zone(), at(text, 0).wall).unwrap().to_string();
        assert_eq!(date("2026-03-07 02:00:00"), "2026-03-06");
        assert_eq!(date("2026-03-07 03:00:00"), "2026-03-07");
    }
}
