//! Reads one table of the TOML key by key, remembers where each stood, and reports what is missing, wrong or unknown.
//!
//! Every trouble becomes a [`Finding`]; nothing here stops at the first. Knows nothing of what the keys mean.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Finding, Findings};
use crate::core::domain::{Sentence, line_of};

/// Where a value stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub line: usize,
}

/// One table, with what was already taken from it.
pub(super) struct Section<'t, 'f> {
    name: String,
    place: Place,
    values: BTreeMap<String, (Place, DeValue<'t>)>,
    known: RefCell<Vec<&'static str>>,
    text: &'t str,
    findings: &'f Findings,
}

impl<'t, 'f> Section<'t, 'f> {
    /// Takes a table over. `name` is what stands before the key in findings (`store`, `terminal[2]`, empty for the whole file).
    pub fn new(name: String, table: DeTable<'t>, span: Range<usize>, text: &'t str, findings: &'f Findings) -> Self {
        let mut values = BTreeMap::new();
        for (key, value) in table {
            let line = line_of(text, key.span().start);
            values.insert(key.into_inner().into_owned(), (Place { line }, value.into_inner()));
        }
        let place = Place { line: line_of(text, span.start) };
        Section { name, place, values, known: RefCell::default(), text, findings }
    }

    /// The key as findings write it: `store.id`.
    pub fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Where the table began.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Where findings go.
    pub fn findings(&self) -> &'f Findings {
        self.findings
    }

    /// Reports something about a key.
    pub fn wrong(&self, key: &str, place: Place, what: Sentence) {
        self.findings.add(Finding::error(Some(place.line), self.path(key), what));
    }

    /// Says something about a key that does not keep the daemon from starting.
    pub fn note(&self, key: &str, place: Place, what: Sentence) {
        self.findings.add(Finding::warning(Some(place.line), self.path(key), what));
    }

    fn take(&mut self, key: &'static str) -> Option<(Place, DeValue<'t>)> {
        self.known.borrow_mut().push(key);
        self.values.remove(key)
    }

    fn missing(&self, key: &str, example: &str) {
        self.findings.add(Finding::error(
            Some(self.place.line),
            self.path(key),
            Sentence::new(
                format!("缺少此项。请加一行：{key} = {example}"),
                format!("is missing. Add a line: {key} = {example}"),
            ),
        ));
    }

    fn mistyped(&self, key: &str, place: Place, is: &str, example: &str) {
        self.wrong(
            key,
            place,
            Sentence::new(
                format!("类型不对（现为 {is}）。请写成：{key} = {example}"),
                format!("has the wrong type ({is}). Write it as: {key} = {example}"),
            ),
        );
    }

    /// A text that may be absent, checked by `read`.
    pub fn text<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&str) -> Result<T, Sentence>,
    ) -> Option<(T, Place)> {
        let (place, value) = self.take(key)?;
        let DeValue::String(text) = &value else {
            self.mistyped(key, place, value.type_str(), example);
            return None;
        };
        match read(text) {
            Ok(value) => Some((value, place)),
            Err(what) => {
                self.wrong(key, place, what);
                None
            }
        }
    }

    /// A text that must be there.
    pub fn must<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&str) -> Result<T, Sentence>,
    ) -> Option<(T, Place)> {
        if !self.values.contains_key(key) {
            self.known.borrow_mut().push(key);
            self.missing(key, example);
            return None;
        }
        self.text(key, example, read)
    }

    /// An integer within a range, with a default.
    pub fn number(&mut self, key: &'static str, default: i64, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        self.number_if(key, &default.to_string(), range).map(|number| number.unwrap_or(default))
    }

    /// An integer within a range, or nothing. `None` where it is wrong, `Some(None)` where it is absent.
    pub fn number_if(
        &mut self,
        key: &'static str,
        example: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<Option<i64>> {
        let Some((place, value)) = self.take(key) else { return Some(None) };
        let DeValue::Integer(digits) = &value else {
            self.mistyped(key, place, value.type_str(), example);
            return None;
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            self.wrong(
                key,
                place,
                Sentence::new(
                    format!("必须是 {low} 到 {high} 之间的整数"),
                    format!("must be a whole number from {low} to {high}"),
                ),
            );
        }
        number.map(Some)
    }

    /// An integer out of a list, with a default.
    pub fn choice(&mut self, key: &'static str, default: i64, list: &[i64]) -> Option<i64> {
        let place = self.values.get(key).map(|(place, _)| *place);
        let number = self.number(key, default, i64::MIN..=i64::MAX)?;
        if list.contains(&number) {
            return Some(number);
        }
        let usable = list.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        self.wrong(
            key,
            place.unwrap_or(self.place),
            Sentence::new(
                format!("{number} 不可用，请从中选择：{usable}"),
                format!("{number} is not possible: use one of {usable}"),
            ),
        );
        None
    }

    /// Yes or no, with a default.
    pub fn flag(&mut self, key: &'static str, default: bool) -> Option<bool> {
        let Some((place, value)) = self.take(key) else { return Some(default) };
        if let DeValue::Boolean(flag) = value {
            return Some(flag);
        }
        self.mistyped(key, place, value.type_str(), &default.to_string());
        None
    }

    /// A list of texts; `None` where it is absent or wrong.
    pub fn texts(&mut self, key: &'static str, example: &str) -> Option<(Vec<String>, Place)> {
        let (place, value) = self.take(key)?;
        if let DeValue::Array(items) = &value {
            let texts: Option<Vec<String>> = items.iter().map(|i| i.get_ref().as_str().map(str::to_owned)).collect();
            if let Some(texts) = texts {
                return Some((texts, place));
            }
        }
        self.mistyped(key, place, value.type_str(), example);
        None
    }

    /// A table below this one.
    pub fn table(&mut self, key: &'static str) -> Option<Section<'t, 'f>> {
        let (place, value) = self.take(key)?;
        let DeValue::Table(table) = value else {
            self.mistyped(key, place, value.type_str(), "{ … }");
            return None;
        };
        let mut section = Section::new(self.path(key), table, 0..0, self.text, self.findings);
        section.place = place;
        Some(section)
    }

    /// A table that must be there.
    pub fn must_table(&mut self, key: &'static str) -> Option<Section<'t, 'f>> {
        if !self.values.contains_key(key) {
            self.known.borrow_mut().push(key);
            self.findings.add(Finding::error(
                None,
                format!("[{key}]"),
                Sentence::new(
                    format!("缺少 [{key}] 一节。请参照 tilld.toml 样例补上"),
                    format!("the section [{key}] is missing. Take it from the example tilld.toml"),
                ),
            ));
            return None;
        }
        self.table(key)
    }

    /// The tables of `[[key]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Section<'t, 'f>> {
        let Some((place, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            self.mistyped(key, place, value.type_str(), "[[…]]");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let span = Spanned::span(&item);
            match item.into_inner() {
                DeValue::Table(table) => {
                    let name = format!("{}[{}]", self.path(key), index + 1);
                    sections.push(Section::new(name, table, span, self.text, self.findings));
                }
                other => self.mistyped(key, place, other.type_str(), "[[…]]"),
            }
        }
        sections
    }

    /// What was never asked for is unknown.
    pub fn finish(self) {
        let known = self.known.borrow();
        for (key, (place, _)) in &self.values {
            let near = known.iter().min_by_key(|k| distance(k, key)).filter(|k| distance(k, key) <= 2);
            let (zh, en) = match near {
                Some(k) => (format!("，是否想写 {k}？"), format!(": did you mean {k}?")),
                None => {
                    let list = known.join(", ");
                    (format!("，可用的有：{list}"), format!("; known here: {list}"))
                }
            };
            self.wrong(key, *place, Sentence::new(format!("未知的配置项{zh}"), format!("is an unknown key{en}")));
        }
    }
}

/// Letters to change, add or drop between two words (Levenshtein), for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = before + usize::from(ca != *cb);
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        assert_eq!(distance("timezone", "timezone"), 0);
        assert_eq!(distance("timezone", "time_zone"), 1);
        assert_eq!(distance("baud", "bold"), 2);
    }
}
