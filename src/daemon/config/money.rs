//! The sections about what becomes of the money afterwards, and a look at the tables that they name.

use chrono::Days;

use super::files::{error, warn};
use super::finding::Finding;
use super::read::Reader;
use super::section::Section;
use super::{CalendarConfig, Config};
use crate::core::calendar::Calendar;
use crate::core::domain::{BusinessDate, WallMs};
use crate::daemon::tables;

/// A calendar that ends sooner than this is worth a word: the next year's notice comes out in November.
const CALENDAR_NOTICE_DAYS: u64 = 45;

impl Reader<'_> {
    pub(super) fn calendar(&self, mut s: Section<'_, '_>) -> Option<CalendarConfig> {
        let file = s.text("file", "\"/etc/tilld/holidays.toml\"", |t| self.path(t));
        s.finish();
        Some(CalendarConfig { file: file.map(|v| v.0) })
    }
}

/// Reads the tables as the start will: what would fail then is said now.
pub(super) fn money(config: &Config, now: WallMs, out: &mut Vec<Finding>) {
    match tables::calendar(config) {
        Err(e) => out.push(error("calendar.file", format!("不可用：{e}"), format!("cannot be used: {e}"))),
        Ok(calendar) => {
            let today = chrono::DateTime::from_timestamp_millis(now.0)
                .map(|t| BusinessDate(t.with_timezone(&config.store.timezone).date_naive()));
            out.extend(today.and_then(|today| calendar_ends(&calendar, today)));
        }
    }
}

/// A calendar that ends soon, or has ended, knows no holidays from then on.
pub(super) fn calendar_ends(calendar: &Calendar, today: BusinessDate) -> Option<Finding> {
    let soon = BusinessDate(today.0.checked_add_days(Days::new(CALENDAR_NOTICE_DAYS))?);
    let (from, to) = calendar.range();
    if calendar.knows(soon) && today >= from {
        return None;
    }
    Some(warn(
        "calendar.file",
        format!(
            "节假日历“{}”只含 {from} 至 {to}；此外的日子只按周末判断。新一年的放假通知发布后请更新",
            calendar.name()
        ),
        format!(
            "the holiday calendar {:?} covers {from} to {to}: days outside are judged by weekends alone. Name a newer one when the year's notice is out",
            calendar.name()
        ),
    ))
}
