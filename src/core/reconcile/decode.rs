//! From a line to a [`Row`]. A line that cannot be read is spoiled, with the reason; the next one is read all the same.

use chrono::{Datelike, NaiveDate};

use super::format::{DateForm, Field, Format, Lines, RowKind, RowState, Signs, Unit};
use crate::core::domain::{BusinessDate, Minor};

/// No line is longer, in bytes; a longer one is spoiled.
pub const MAX_LINE: usize = 16 * 1024;

/// The columns of a row, in the order of [`Field`].
const FIELDS: usize = 11;
/// No line has more values.
const MAX_VALUES: usize = 256;
/// No row's day lies further ahead, of a clock that is set right or not.
const AHEAD_DAYS: i64 = 1_100;
/// None lies further back.
const BACK_DAYS: i64 = 1_100;

/// One line of a statement. Texts are empty where the statement does not have them. Reused from line to line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line, from 1.
    pub line: u64,
    /// TID.
    pub terminal: String,
    /// Batch.
    pub batch: Option<u32>,
    /// STAN.
    pub stan: Option<u32>,
    /// Field 37.
    pub rrn: String,
    /// The merchant's order id.
    pub order: String,
    /// What it does.
    pub kind: RowKind,
    /// How much, minor units, never negative.
    pub amount: i64,
    /// What became of it.
    pub state: RowState,
    /// The settlement's day.
    pub day: Option<BusinessDate>,
    /// The day on which it was made.
    pub made: Option<BusinessDate>,
    /// Its fee in minor units, never negative; nothing where the statement has none, or one that is no whole minor unit.
    pub fee: Option<i64>,
}

impl Default for Row {
    fn default() -> Row {
        Row {
            line: 0,
            terminal: String::new(),
            batch: None,
            stan: None,
            rrn: String::new(),
            order: String::new(),
            kind: RowKind::Sale,
            amount: 0,
            state: RowState::Approved,
            day: None,
            made: None,
            fee: None,
        }
    }
}

/// What a line was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A row: it stands in the [`Row`] that was handed in.
    Row,
    /// A header, a comment, a summary, an empty line.
    Other,
    /// It should be a row and cannot be read: why.
    Spoiled(String),
}

/// Where the columns of one kind of row stand.
type Places = [Option<usize>; FIELDS];

/// Reads a statement line by line.
#[derive(Debug)]
pub struct Decoder<'f> {
    format: &'f Format,
    today: NaiveDate,
    line: u64,
    /// By kind: sale, void, refund. Absent until the header was read.
    places: Option<[Places; 3]>,
    ended: bool,
    /// Begin and end of each value of the line.
    cut: Vec<(usize, usize)>,
}

impl<'f> Decoder<'f> {
    /// `today` gives dates without a year theirs: the latest such day that is not later than a week from it.
    #[must_use]
    pub fn new(format: &'f Format, today: BusinessDate) -> Decoder<'f> {
        let mut decoder =
            Decoder { format, today: today.0, line: 0, places: None, ended: false, cut: Vec::with_capacity(64) };
        if let Lines::Fixed { fields, .. } = &format.lines {
            let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            decoder.places = places(format, &names);
        }
        decoder
    }

    /// Whether the columns are known: false at a file's end means that it is of another format.
    #[must_use]
    pub fn knows_columns(&self) -> bool {
        self.places.is_some()
    }

    /// Reads the next line, without its line end.
    pub fn line(&mut self, bytes: &[u8], row: &mut Row) -> Line {
        self.line += 1;
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let bytes = if self.line == 1 { bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes) } else { bytes };
        if self.ended || bytes.iter().all(u8::is_ascii_whitespace) {
            return Line::Other;
        }
        if bytes.len() > MAX_LINE {
            return Line::Spoiled(format!("longer than {MAX_LINE} bytes"));
        }
        if let Lines::Separated { comment, end, .. } = &self.format.lines {
            let begins = |mark: &Option<String>| {
                mark.as_ref().is_some_and(|m| {
                    let front = &bytes[..bytes.len().min(m.len() * 2)];
                    self.format.encoding.text(front).trim_start().starts_with(m.as_str())
                })
            };
            if begins(comment) {
                return Line::Other;
            }
            if begins(end) {
                self.ended = true;
                return Line::Other;
            }
        }
        let Some(all) = self.places else {
            self.header(bytes);
            return Line::Other;
        };
        row.line = self.line;
        match self.cut_line(bytes).and_then(|()| self.read(bytes, &all, row)) {
            Ok(()) => Line::Row,
            Err(why) => Line::Spoiled(why),
        }
    }

    /// Takes the line as the header if it has every column.
    fn header(&mut self, bytes: &[u8]) {
        let Lines::Separated { separator, header_separator, strip, .. } = &self.format.lines else { return };
        let text = self.format.encoding.text(bytes);
        let between = header_separator.as_ref().unwrap_or(separator);
        // Some editions write the same names with narrow brackets.
        let clean = |name: &str| {
            let name = name.trim().trim_matches(|c| strip.contains(c) || c == '"');
            name.replace('(', "（").replace(')', "）")
        };
        let names: Vec<String> = text.split(between.as_str()).take(MAX_VALUES).map(clean).collect();
        self.places = places(self.format, &names.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn cut_line(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.cut.clear();
        match &self.format.lines {
            Lines::Separated { separator, quote, .. } => cut(bytes, separator.as_bytes(), *quote, &mut self.cut),
            Lines::Fixed { gap, tail, fields, .. } => {
                let mut at = 0;
                for (_, width) in fields {
                    self.cut.push((at, at + width));
                    at += width + gap;
                }
                let shortest = at - gap;
                // Blanks between the fields of the tail count as well.
                if bytes.len() < shortest || bytes.len() > shortest + tail + 16 {
                    return Err(format!("{} bytes long, not {shortest} to {}", bytes.len(), shortest + tail + 16));
                }
                let mut ends = self.cut.iter().take(fields.len() - 1).map(|(_, end)| *end);
                match ends.find(|end| !bytes[*end..end + gap].iter().all(|b| *b == b' ')) {
                    Some(end) => Err(format!("no blank behind byte {end}: the fields have slipped")),
                    None => Ok(()),
                }
            }
        }
    }

    /// A value, stripped, as text.
    fn value<'b>(&self, bytes: &'b [u8], place: Option<usize>) -> Result<std::borrow::Cow<'b, str>, String> {
        let Some(place) = place else { return Ok("".into()) };
        let (from, to) = *self.cut.get(place).ok_or_else(|| format!("has only {} values", self.cut.len()))?;
        let (Lines::Separated { strip, .. } | Lines::Fixed { strip, .. }) = &self.format.lines;
        let mut value = &bytes[from..to];
        let strips = |b: u8| b == b' ' || b == b'"' || strip.as_bytes().contains(&b);
        while let [first, rest @ ..] = value
            && strips(*first)
        {
            value = rest;
        }
        while let [rest @ .., last] = value
            && strips(*last)
        {
            value = rest;
        }
        Ok(match std::str::from_utf8(value) {
            Ok(text) if value.is_ascii() => text.into(),
            _ => self.format.encoding.text(value),
        })
    }

    fn read(&self, bytes: &[u8], all: &[Places; 3], row: &mut Row) -> Result<(), String> {
        let format = self.format;
        let word = self.value(bytes, all[0][Field::Kind as usize])?;
        row.kind = *format.kinds.get(word.as_ref()).ok_or_else(|| format!("{word:?} is no kind that is known"))?;
        let places = &all[row.kind as usize];
        let value = |field: Field| self.value(bytes, places[field as usize]);
        row.state = match places[Field::State as usize] {
            None => RowState::Approved,
            Some(_) => {
                let word = value(Field::State)?;
                *format.states.get(word.as_ref()).ok_or_else(|| format!("{word:?} is no state that is known"))?
            }
        };
        row.amount = amount(&value(Field::Amount)?, format, row.kind)?;
        row.batch = number(&value(Field::Batch)?, "batch")?;
        row.stan = number(&value(Field::Stan)?, "stan")?;
        for (text, field) in
            [(&mut row.terminal, Field::Terminal), (&mut row.rrn, Field::Rrn), (&mut row.order, Field::Order)]
        {
            let value = value(field)?;
            if value.len() > 64 {
                return Err(format!("{field:?} is longer than 64 bytes"));
            }
            text.clear();
            text.push_str(&value);
        }
        let named = row.stan.is_some() && row.batch.is_some() && !row.terminal.is_empty();
        if row.rrn.is_empty() && row.order.is_empty() && !named {
            return Err("names no payment: neither RRN nor terminal, batch and STAN nor order".into());
        }
        row.day = self.date(&value(Field::Day)?)?;
        row.made = self.date(&value(Field::Made)?)?;
        row.fee = fee(&value(Field::Fee)?, format);
        Ok(())
    }

    fn date(&self, text: &str) -> Result<Option<BusinessDate>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut digits = text.bytes().filter(u8::is_ascii_digit).map(|b| u32::from(b - b'0'));
        let mut take = |n: usize| -> Option<u32> { (0..n).try_fold(0, |sum, _| Some(sum * 10 + digits.next()?)) };
        // A full date with dashes says itself what it is.
        let form = if text.as_bytes().get(4) == Some(&b'-') { DateForm::Yyyymmdd } else { self.format.date };
        let date = match form {
            DateForm::Yyyymmdd => (|| {
                let (y, m, d) = (take(4)?, take(2)?, take(2)?);
                NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d)
            })(),
            DateForm::Mmdd => (|| latest(take(2)?, take(2)?, self.today))(),
        };
        let date = date.ok_or_else(|| format!("{text:?} is no date"))?;
        // 9999-12-31 stands for no day at all in some files, and one digit wrong makes a year: such a day would be waited for, or closed over.
        let apart = (date - self.today).num_days();
        if apart > AHEAD_DAYS || -apart > BACK_DAYS {
            return Err(format!("{text:?} is too far from today: no statement speaks of it"));
        }
        Ok(Some(BusinessDate(date)))
    }
}

/// The latest such day that is at most a week after `today`: a bank's clock may be ahead, a statement is never a year old.
fn latest(month: u32, day: u32, today: NaiveDate) -> Option<NaiveDate> {
    let limit = today.checked_add_days(chrono::Days::new(7))?;
    let first = limit.checked_sub_months(chrono::Months::new(12))?;
    // A 29 February is in one of two years at most.
    let mut dates = (0..2).filter_map(|back| NaiveDate::from_ymd_opt(limit.year() - back, month, day));
    dates.find(|d| first < *d && *d <= limit)
}

/// Where each kind's columns stand; `None` where a column is missing.
fn places(format: &Format, names: &[&str]) -> Option<[Places; 3]> {
    let place = |name: &String| names.iter().position(|n| n == name);
    let mut usual: Places = [None; FIELDS];
    for (field, name) in &format.columns {
        usual[*field as usize] = Some(place(name)?);
    }
    for (field, name) in &format.extras {
        usual[*field as usize] = usual[*field as usize].or(place(name));
    }
    let mut all = [usual; 3];
    for (kind, columns) in &format.columns_of {
        for (field, name) in columns {
            all[*kind as usize][*field as usize] = Some(place(name)?);
        }
    }
    Some(all)
}

/// Cuts a line. A quoted value may hold the separator; a value that holds a quote is as it stands there, which no column of ours does.
fn cut(bytes: &[u8], separator: &[u8], quote: bool, out: &mut Vec<(usize, usize)>) -> Result<(), String> {
    let (mut from, mut at, mut quoted) = (0, 0, false);
    while at < bytes.len() {
        if quote && bytes[at] == b'"' {
            quoted = !quoted;
        } else if !quoted && bytes[at] == separator[0] && bytes[at..].starts_with(separator) {
            out.push((from, at));
            if out.len() == MAX_VALUES {
                return Err(format!("more than {MAX_VALUES} values"));
            }
            from = at + separator.len();
            at = from;
            continue;
        }
        at += 1;
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    out.push((from, bytes.len()));
    Ok(())
}

fn number(text: &str, what: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<u32>() {
        Ok(n) if n <= 999_999 && !text.starts_with('+') => Ok(Some(n)),
        _ => Err(format!("{text:?} is no {what}")),
    }
}

/// What is kept of a payment. Its sign says in which direction it goes, in each house another way: only the size is compared. Fixed-width files write
/// the direction as C or D.
fn fee(text: &str, format: &Format) -> Option<i64> {
    let size = text.trim_start_matches(['-', '+', 'C', 'D']);
    if size.is_empty() { None } else { amount(size, format, RowKind::Sale).ok() }
}

fn amount(text: &str, format: &Format, kind: RowKind) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no amount");
    let (minus, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if minus && !(format.signs == Signs::ByKind && kind != RowKind::Sale) {
        return Err(format!("{text:?} is negative, and its kind has no minus"));
    }
    let (whole, part) = match format.amount {
        Unit::Minor => (digits, "00"),
        Unit::Major => digits.split_once('.').unwrap_or((digits, "00")),
    };
    let plain = |t: &str| !t.is_empty() && t.len() <= 15 && t.bytes().all(|b| b.is_ascii_digit());
    let cents = part.trim_end_matches('0');
    if !plain(whole) || !plain(part) || cents.len() > 2 {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let cents: i64 = format!("{cents:0<2}").parse().map_err(|_| wrong())?;
    let minor = match format.amount {
        Unit::Minor => Some(whole),
        Unit::Major => whole.checked_mul(100).and_then(|w| w.checked_add(cents)),
    };
    // No payment has more than the twelve digits of field 4.
    minor.filter(|minor| *minor <= Minor::MAX_ISO.0).ok_or_else(wrong)
}
