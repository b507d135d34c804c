//! Data files, as TOML says them: profiles, printers' models, statement formats, calendars, fees, scenarios. What is wrong says its line.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Form, Key, Value};
use crate::core::domain::line_of;

/// The value that a data file describes.
///
/// # Errors
/// What is no TOML, or does not fit the type, and on which line.
pub fn read_data<T: DeserializeOwned>(text: &str) -> Result<T, DataError> {
    let whole = parse(text)?;
    T::deserialize(&whole).map_err(|wrong| at_line(text, wrong.0.at, wrong.0.what))
}

/// A data file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DataError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what could stand there.
    pub what: String,
}

fn at_line(text: &str, at: Option<usize>, what: String) -> DataError {
    DataError { line: line_of(text, at.unwrap_or(0)), what }
}

fn parse(text: &str) -> Result<Value<'_>, DataError> {
    let parsed = DeTable::parse(text);
    let table = parsed.map_err(|e| at_line(text, e.span().map(|span| span.start), e.message().to_owned()))?;
    let at = table.span().start;
    let form = form(DeValue::Table(table.into_inner())).map_err(|(at, what)| at_line(text, at, what))?;
    Ok(Value { at, form })
}

fn value(spanned: Spanned<DeValue<'_>>) -> Result<Value<'_>, (Option<usize>, String)> {
    let at = spanned.span().start;
    form(spanned.into_inner()).map(|form| Value { at, form }).map_err(|(inner, what)| (inner.or(Some(at)), what))
}

/// What is too large says where, once it is known.
fn form(of: DeValue<'_>) -> Result<Form<'_>, (Option<usize>, String)> {
    Ok(match of {
        DeValue::String(text) => Form::Text(text),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Form::Whole(number),
            Err(_) => return Err((None, format!("the number {} is too large", number.as_str()))),
        },
        DeValue::Float(number) => Form::Odd(number.as_str().to_owned().into()),
        DeValue::Boolean(yes) => Form::Flag(yes),
        DeValue::Datetime(_) => Form::Odd("a date".into()),
        DeValue::Array(values) => Form::List(values.into_iter().map(value).collect::<Result<_, _>>()?),
        DeValue::Table(entries) => {
            let entries = entries
                .into_iter()
                .map(|(name, entry)| Ok((Key { at: name.span().start, name: name.into_inner() }, value(entry)?)));
            Form::Table(entries.collect::<Result<_, _>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::At;
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Rung {
        Once,
        Every(u8),
        Within { from: i64, to: i64 },
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Route {
        Card,
        Bank,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "shape", rename_all = "snake_case", deny_unknown_fields)]
    enum Shape {
        Csv { quote: bool },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        name: String,
        port: u16,
        least: Option<i64>,
        #[serde(default)]
        rungs: Vec<Rung>,
        #[serde(default)]
        by: BTreeMap<Route, Vec<String>>,
        pair: Option<(u8, u8)>,
        shape: Option<Shape>,
    }

    const ALL: &str = "name = 'a'\nport = 0x1_F4\nleast = -9_000\nrungs = ['once', { every = 3 }, { within = { from = 1, to = 2 } }]\npair = [1, 2]\n\
        [by]\ncard = ['x', 'y']\nbank = []\n[shape]\nshape = 'csv'\nquote = true\n";

    #[test]
    fn a_data_file_is_read_as_the_library_itself_reads_it() {
        for text in [ALL, "name = '''\nz'''\nport = 1\n"] {
            assert_eq!(read_data::<All>(text).unwrap(), toml::from_str::<All>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_says_its_line() {
        let cases = [
            ("port = 0x1_F4", "port = 70_000", "line 2: invalid value: integer `70000`, expected u16"),
            ("port = 0x1_F4", "port = 1.5", "line 2: invalid type: 1.5, expected u16"),
            ("port = 0x1_F4", "port = 2026-11-01", "line 2: invalid type: a date, expected u16"),
            (
                "port = 0x1_F4",
                "port = 99_999_999_999_999_999_999",
                "line 2: the number 99999999999999999999 is too large",
            ),
            ("port = 0x1_F4", "port = true", "line 2: invalid type: boolean `true`, expected u16"),
            ("port = 0x1_F4", "part = 1", "line 2: unknown field `part`"),
            ("port = 0x1_F4\n", "", "line 1: missing field `port`"),
            ("'once'", "'twice'", "line 4: unknown variant `twice`"),
            ("'once'", "'every'", "line 4: a word where a table"),
            ("'once'", "{ once = 1 }", "line 4: a table where a word"),
            ("'once'", "7", "line 4: invalid type: integer `7`, expected a word"),
            ("to = 2", "till = 2", "line 4: missing field `to`"),
            ("[1, 2]", "[1, 2, 3]", "line 5: 3 elements, 1 too many"),
            ("[1, 2]", "[1]", "line 5: invalid length 1"),
            ("card = ", "cash = ", "line 7: unknown variant `cash`"),
            ("quote = true", "quote = true\nx = 1", "line 9: unknown field `x`"),
            ("name = 'a'", "name = 'a", "line 1: "),
            ("[shape]", "[by]", "line 9: "),
        ];
        for (from, to, told) in cases {
            assert!(ALL.contains(from), "{from}");
            let wrong = read_data::<All>(&ALL.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(wrong.starts_with(told), "{to}: {wrong}");
            assert!(wrong.len() > told.len() || !told.ends_with(": "), "{to}: {wrong}");
        }
    }

    #[test]
    fn a_value_knows_where_it_stands() {
        let text = "# first\nrungs = [1,\n 22]\n";
        let read: BTreeMap<String, Vec<At<u8>>> = read_data(text).unwrap();
        let places: Vec<_> = read["rungs"].iter().map(|at| (at.value, line_of(text, at.offset))).collect();
        assert_eq!(places, [(1, 2), (22, 3)]);
    }
}
