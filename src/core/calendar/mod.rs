//! Business days 工作日 as data: weekends, public holidays, and the working days that are moved for them.
//!
//! A calendar knows the days of its range; outside it judges by weekends alone, and [`Calendar::knows`] says which it was.
//! Nothing here knows what is counted in days: arrival of money, a returned transfer, a query that is given up.

mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::Deserialize;

use crate::core::domain::BusinessDate;

pub use read::CalendarError;

/// The shipped calendar's name.
pub const BUILTIN: &str = "cn";

/// No wait in business days is longer than this: a year of them.
pub const MAX_DAYS: u32 = 260;

/// Which days banks work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    name: String,
    from: NaiveDate,
    to: NaiveDate,
    weekend: Vec<Weekday>,
    closed: BTreeMap<NaiveDate, String>,
    worked: BTreeSet<NaiveDate>,
}

/// A wait: so many business days (`T+1`) or so many days (`D+1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Wait {
    /// How many.
    pub days: u32,
    /// Only business days are counted.
    pub business: bool,
}

impl Calendar {
    /// The shipped calendar of mainland China.
    #[must_use]
    pub fn cn() -> Calendar {
        Calendar::parse(include_str!("cn.toml")).expect("the shipped calendar is read by this module's tests")
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first and the last day that it was made for.
    #[must_use]
    pub fn range(&self) -> (BusinessDate, BusinessDate) {
        (BusinessDate(self.from), BusinessDate(self.to))
    }

    /// Whether its holidays cover this day; else only weekends are judged.
    #[must_use]
    pub fn knows(&self, date: BusinessDate) -> bool {
        (self.from..=self.to).contains(&date.0)
    }

    /// Banks work on this day.
    #[must_use]
    pub fn is_business_day(&self, date: BusinessDate) -> bool {
        let day = date.0;
        self.worked.contains(&day) || !(self.closed.contains_key(&day) || self.weekend.contains(&day.weekday()))
    }

    /// The holiday that closes this day.
    #[must_use]
    pub fn holiday(&self, date: BusinessDate) -> Option<&str> {
        self.closed.get(&date.0).map(String::as_str)
    }

    /// T+n: the n-th business day after this one; T+0 is the day itself, or the next business day where it is none.
    /// Counts at most [`MAX_DAYS`].
    #[must_use]
    pub fn add_business_days(&self, date: BusinessDate, n: u32) -> BusinessDate {
        let mut day = date;
        let mut left = n.min(MAX_DAYS);
        while left > 0 || !self.is_business_day(day) {
            let next = day.next();
            if next == day {
                return day; // the last day that a date can name
            }
            day = next;
            if left > 0 && self.is_business_day(day) {
                left -= 1;
            }
        }
        day
    }

    /// The day on which a wait that begins on `date` ends.
    #[must_use]
    pub fn after(&self, date: BusinessDate, wait: Wait) -> BusinessDate {
        if wait.business {
            return self.add_business_days(date, wait.days);
        }
        BusinessDate(date.0.checked_add_days(Days::new(wait.days.into())).unwrap_or(date.0))
    }

    /// Business days after `from`, up to and with `to`; 0 where `to` is not later.
    #[must_use]
    pub fn business_days_between(&self, from: BusinessDate, to: BusinessDate) -> u32 {
        let mut count = 0u32;
        let mut day = from;
        while day < to && count < u32::MAX {
            day = day.next();
            count += u32::from(self.is_business_day(day));
        }
        count
    }
}

impl Default for Calendar {
    fn default() -> Calendar {
        Calendar::cn()
    }
}

impl Wait {
    /// Reads `T+1` (business days) or `D+1` (days).
    pub fn parse(text: &str) -> Result<Wait, String> {
        let wrong = || format!("{text:?} is no wait: write T+1 for business days, D+1 for days, at most {MAX_DAYS}");
        let (letter, digits) = text.split_once('+').ok_or_else(wrong)?;
        let days = digits.parse().ok().filter(|n| *n <= MAX_DAYS).ok_or_else(wrong)?;
        match letter {
            "T" => Ok(Wait { days, business: true }),
            "D" => Ok(Wait { days, business: false }),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Wait {
    type Error = String;
    fn try_from(text: String) -> Result<Wait, String> {
        Wait::parse(&text)
    }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}+{}", if self.business { 'T' } else { 'D' }, self.days))
    }
}
