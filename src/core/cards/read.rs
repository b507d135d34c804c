//! A card table from CSV, read strictly: everything that is wrong is told with its line, and then nothing is taken.
//!
//! Columns by the first line's names, in any order: `prefix`, `brand`, `kind` (debit | credit | unknown), `origin` (domestic | foreign |
//! unknown); optional `length` (of the whole number) and `issuer` (passed over). Lines that begin with `#` are comments.

use thiserror::Error;

use super::{Card, CardTable};
use crate::core::domain::CardKind;

/// A table has at most so many rows: the world's prefixes are some hundred thousand.
pub const MAX_ROWS: usize = 1_000_000;
/// So many wrong lines are told.
const MAX_TOLD: usize = 20;
/// Digits of a prefix (ISO/IEC 7812 has 8; longer ones tell an issuer's products apart, and never half a number).
const PREFIX: std::ops::RangeInclusive<usize> = 1..=11;

/// One wrong line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// From 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A table that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", told(lines))]
pub struct CardTableError {
    /// The first wrong lines.
    pub lines: Vec<LineError>,
    /// How many there are in all.
    pub count: u64,
}

fn told(lines: &[LineError]) -> String {
    lines.iter().map(|e| format!("line {}: {}", e.line, e.what)).collect::<Vec<_>>().join("; ")
}

struct Columns {
    prefix: usize,
    brand: usize,
    kind: usize,
    origin: usize,
    length: Option<usize>,
}

impl Columns {
    fn of(names: &csv::StringRecord) -> Result<Columns, String> {
        let find = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
        let must = |name: &str| {
            find(name).ok_or_else(|| format!("the first line must name a column {name}: prefix,brand,kind,origin"))
        };
        Ok(Columns {
            prefix: must("prefix")?,
            brand: must("brand")?,
            kind: must("kind")?,
            origin: must("origin")?,
            length: find("length"),
        })
    }
}

/// Reads a whole table.
pub fn read(bytes: &[u8]) -> Result<CardTable, CardTableError> {
    let mut wrong = Wrong::default();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
    let columns = match reader.headers().map_err(|e| e.to_string()).and_then(Columns::of) {
        Ok(columns) => columns,
        Err(what) => return Err(CardTableError { lines: vec![LineError { line: 1, what }], count: 1 }),
    };
    let mut table = CardTable::default();
    let mut row = csv::StringRecord::new();
    loop {
        let read = reader.read_record(&mut row);
        let line = row.position().map_or(0, csv::Position::line);
        match read {
            Ok(false) => break,
            Ok(true) => {}
            Err(e) => {
                let line = e.position().map_or(line, csv::Position::line);
                wrong.add(line, plain(&e));
                if !e.is_io_error() && wrong.count < MAX_ROWS as u64 {
                    continue;
                }
                break;
            }
        }
        match entry(&row, &columns) {
            Err(what) => wrong.add(line, what),
            Ok((prefix, length, card)) => {
                if table.add(prefix, length, card).is_err() {
                    wrong.add(line, format!("the prefix {prefix} stood before and said something else"));
                }
            }
        }
        if table.count > MAX_ROWS {
            wrong.add(line, format!("more than {MAX_ROWS} rows"));
            break;
        }
    }
    if table.is_empty() && wrong.count == 0 {
        wrong.add(1, "the table has no rows".into());
    }
    if wrong.count == 0 { Ok(table) } else { Err(CardTableError { lines: wrong.lines, count: wrong.count }) }
}

/// Never a line's text: a file that was taken for a card table may hold whole numbers.
fn plain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8: convert the file".into(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns, the first line has {expected_len}")
        }
        _ => "cannot be read".into(),
    }
}

#[derive(Default)]
struct Wrong {
    lines: Vec<LineError>,
    count: u64,
}

impl Wrong {
    fn add(&mut self, line: u64, what: String) {
        self.count += 1;
        if self.lines.len() < MAX_TOLD {
            self.lines.push(LineError { line, what });
        }
    }
}

fn entry<'r>(row: &'r csv::StringRecord, columns: &Columns) -> Result<(&'r str, Option<u8>, Card), String> {
    let cell = |n: usize| row.get(n).unwrap_or_default();
    let prefix = cell(columns.prefix);
    if !PREFIX.contains(&prefix.len()) || !prefix.bytes().all(|b| b.is_ascii_digit()) {
        // Its length, never its digits: it may be somebody's whole number.
        return Err(format!(
            "the prefix must have {} to {} digits, not {} characters",
            PREFIX.start(),
            PREFIX.end(),
            prefix.chars().count()
        ));
    }
    let brand = cell(columns.brand).to_ascii_lowercase();
    if brand.len() > 24 || !brand.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_ ".contains(&b)) {
        return Err("a brand has at most 24 letters and digits".into());
    }
    let kind = match cell(columns.kind).to_ascii_lowercase().as_str() {
        "" => CardKind::Unknown,
        word => CardKind::parse(word).ok_or("kind must be debit, credit or unknown")?,
    };
    let foreign = match cell(columns.origin).to_ascii_lowercase().as_str() {
        "domestic" => Some(false),
        "foreign" => Some(true),
        "" | "unknown" => None,
        _ => return Err("origin must be domestic, foreign or unknown".into()),
    };
    let length = match columns.length.map(cell).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let length: Option<u8> = text.parse().ok().filter(|n| (12..=19).contains(n));
            Some(length.ok_or("length is of the whole number, 12 to 19, or empty")?)
        }
    };
    Ok((prefix, length, Card { kind, brand: (!brand.is_empty()).then(|| brand.into()), foreign }))
}
