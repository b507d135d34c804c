//! From TOML to a calendar: bad data are refused with their line.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};
use serde::Deserialize;
use thiserror::Error;

use super::Calendar;
use crate::core::domain::{At, DataError, line_of, read_data};

/// A calendar covers at most so many days: a century.
const MAX_SPAN: i64 = 36_600;

/// A calendar that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct CalendarError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: At<String>,
    from: At<String>,
    to: At<String>,
    weekend: Vec<At<String>>,
    #[serde(default)]
    closed: Vec<Closed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    name: At<String>,
    from: At<String>,
    to: At<String>,
    #[serde(default)]
    worked: Vec<At<String>>,
}

/// The text, for the lines of what is wrong.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn wrong<T>(&self, offset: usize, what: impl Into<String>) -> Result<T, CalendarError> {
        Err(CalendarError { line: line_of(self.0, offset), what: what.into() })
    }

    fn date(&self, text: &At<String>) -> Result<NaiveDate, CalendarError> {
        NaiveDate::parse_from_str(&text.value, "%Y-%m-%d")
            .or_else(|_| self.wrong(text.offset, format!("{:?} is no date: write it as 2026-10-01", text.value)))
    }

    /// Days that run on from one to another, within `bounds`.
    fn span(&self, from: &At<String>, to: &At<String>) -> Result<(NaiveDate, NaiveDate), CalendarError> {
        let (first, last) = (self.date(from)?, self.date(to)?);
        if last < first || (last - first).num_days() > MAX_SPAN {
            return self.wrong(to.offset, format!("{last} should follow {first} within a century"));
        }
        Ok((first, last))
    }
}

impl Calendar {
    /// Reads a calendar: `name`, `from`, `to`, `weekend`, and `[[closed]]` with `name`, `from`, `to` and the days `worked` for it.
    pub fn parse(text: &str) -> Result<Calendar, CalendarError> {
        let reader = Reader(text);
        let file: File = read_data(text).map_err(|DataError { line, what }| CalendarError { line, what })?;
        let (from, to) = reader.span(&file.from, &file.to)?;
        let mut weekend = Vec::new();
        for word in &file.weekend {
            match word.value.parse::<Weekday>() {
                Ok(day) => weekend.push(day),
                Err(_) => {
                    return reader.wrong(word.offset, format!("{:?} is no day of the week", word.value));
                }
            }
        }
        if weekend.len() > 6 {
            return reader.wrong(0, "a week without a business day would never end");
        }
        let (mut closed, mut worked) = (BTreeMap::new(), BTreeSet::new());
        for holiday in &file.closed {
            let (first, last) = reader.span(&holiday.from, &holiday.to)?;
            if first < from || last > to {
                return reader.wrong(holiday.from.offset, format!("{first} to {last} lies outside {from} to {to}"));
            }
            for day in first.iter_days().take_while(|day| *day <= last) {
                if closed.insert(day, holiday.name.value.clone()).is_some() {
                    return reader.wrong(holiday.from.offset, format!("{day} is closed twice"));
                }
            }
            for text in &holiday.worked {
                let day = reader.date(text)?;
                if !weekend.contains(&day.weekday()) || day < from || day > to {
                    return reader.wrong(text.offset, format!("{day} is worked anyway, or outside {from} to {to}"));
                }
                worked.insert(day);
            }
        }
        if let Some(day) = worked.iter().find(|day| closed.contains_key(day)) {
            return reader.wrong(0, format!("{day} is closed and worked"));
        }
        Ok(Calendar { name: file.name.value, from, to, weekend, closed, worked })
    }
}
