//! Reconciles a statement's file with the store: finds its format, reads it twice (its days, then its rows), gathers ours, judges. Writes nothing: noting it
//! is the writer's, asked by whoever called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use chrono::Days;
use ring::digest::{Context, SHA256};
use thiserror::Error;

use super::config::Config;
use crate::core::domain::{BatchNo, BusinessDate, Stan, TerminalId, WallMs};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, FileHash, StatementNote, StoreError};
use crate::core::reconcile::{
    Book, Decoder, Format, FormatError, Line, MAX_LINE, Matcher, Ours, Outcome, Period, Row, formats,
};
use crate::io::store::{DaysOf, Known, Reader};

/// Spoiled lines that are listed; beyond, they are counted.
const SPOILED_LISTED: usize = 1_000;
/// No statement speaks for more days.
const MAX_DAYS: usize = 400;
/// No more different days are looked at.
const DAYS_SEEN: usize = 4_000;
/// Days without rows within a statement: the longest holiday.
const LONGEST_GAP: i64 = 8;
/// So many bytes tell the format.
const HEAD: usize = 64 * 1024;
/// A format file is not larger.
const MAX_FORMAT: u64 = 256 * 1024;
/// Ours settles at most so many days after it was made, offline sales and repeats included; what lies beyond is looked up one by one.
const BEFORE_DAYS: u64 = 8;

/// Why a statement cannot be judged.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The file does not read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The store does not read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A format's text is wrong.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It is of no known format, or of another than was said.
    #[error("{file}: is no {wanted}; known are {known}")]
    Unknown {
        /// Which.
        file: PathBuf,
        /// What it should be.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// No row can be used.
    #[error("{0}: has no row that can be used ({1} lines are spoiled)")]
    Empty(PathBuf, u64),
    /// It speaks for too long a time.
    #[error("{0}: speaks for {1} days, from {2} to {3}; at most 400 can be judged at once")]
    TooLong(PathBuf, usize, BusinessDate, BusinessDate),
}

/// A line that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Spoiled {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// A statement, judged.
#[derive(Debug)]
pub struct Judged {
    /// Its format.
    pub format: Format,
    /// For the writer.
    pub note: StatementNote,
    /// What it came to.
    pub outcome: Outcome,
    /// Lines that could not be used, at most 1,000.
    pub spoiled: Vec<Spoiled>,
    /// The same file was reconciled before.
    pub known: Option<Known>,
    /// Days of earlier statements that this one takes over.
    pub supersedes: DaysOf,
}

/// How to judge.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The file.
    pub file: &'a Path,
    /// A shipped format's name, or a format's file; without it the file tells.
    pub format: Option<&'a str>,
    /// How long to wait for the other side of the cut.
    pub wait_days: u32,
    /// Now.
    pub now: WallMs,
}

/// Reads and judges.
pub fn reconcile(config: &Config, reader: &Reader, asked: &Asked<'_>) -> Result<Judged, ReconcileError> {
    let today = today(config, asked.now);
    let format = find_format(asked, today)?;
    let mut survey = Survey::default();
    let hash = each_row(asked.file, &format, today, Some(&mut survey.spoiled), |row| {
        survey.rows += 1;
        if let Some(day) = row.day.or(row.made)
            && (survey.days.len() < DAYS_SEEN || survey.days.contains_key(&day))
        {
            *survey.days.entry(day).or_default() += 1;
        }
    })?;
    let own = spoken_for(&survey.days);
    let (Some(first), Some(last)) = (own.first().copied(), own.last().copied()) else {
        return Err(ReconcileError::Empty(asked.file.to_owned(), survey.spoiled.count));
    };
    if own.len() > MAX_DAYS {
        return Err(ReconcileError::TooLong(asked.file.to_owned(), own.len(), first, last));
    }
    let known = reader.statement(&hash)?;
    let far = |d: BusinessDate, n: u64| BusinessDate(d.0.checked_add_days(Days::new(n)).unwrap_or(d.0));
    let live = reader.statement_days(&format.name, first, far(last, 40))?;
    let supersedes: DaysOf =
        live.iter().filter(|(d, _)| known.is_none() && own.contains(d)).map(|(d, by)| (*d, by.clone())).collect();
    let elsewhere = live.keys().filter(|d| !own.contains(d)).copied().collect();
    let period = Period { days: own.clone(), elsewhere, today, wait_days: asked.wait_days };
    let outcome = judge(config, reader, asked, &format, today, period)?;
    let name = asked.file.file_name().unwrap_or_default().to_string_lossy();
    let note = StatementNote {
        hash: FileHash(hash),
        format: format.name.clone(),
        name: name.chars().take(60).collect(),
        days: own.into_iter().collect(),
        lines: survey.spoiled.lines,
        spoiled: survey.spoiled.count,
        imported_at: asked.now,
        matched: outcome.matched_count,
        counts: outcome.counts,
    };
    Ok(Judged { format, note, outcome, spoiled: survey.spoiled.listed, known, supersedes })
}

/// What the first reading gives.
#[derive(Debug, Default)]
struct Survey {
    rows: u64,
    days: BTreeMap<BusinessDate, u64>,
    spoiled: Quarantine,
}

/// The days that a statement speaks for: those of its rows and what lies between them. A few rows from far away (a correction of an old day) do
/// not make it speak for that day: what is missing from such a day is not missing.
fn spoken_for(rows: &BTreeMap<BusinessDate, u64>) -> BTreeSet<BusinessDate> {
    let total: u64 = rows.values().sum();
    let mut runs: Vec<(BusinessDate, BusinessDate, u64)> = Vec::new();
    for (day, n) in rows {
        match runs.last_mut() {
            Some((_, last, sum)) if (day.0 - last.0).num_days() <= LONGEST_GAP => (*last, *sum) = (*day, *sum + n),
            _ => runs.push((*day, *day, *n)),
        }
    }
    let whole = runs.into_iter().filter(|(_, _, n)| n.saturating_mul(100) >= total);
    let days = whole.flat_map(|(first, last, _)| first.0.iter_days().take_while(move |d| *d <= last.0));
    days.take(MAX_DAYS + 1).map(BusinessDate).collect()
}

/// Lines that could not be used.
#[derive(Debug, Default)]
struct Quarantine {
    lines: u64,
    count: u64,
    listed: Vec<Spoiled>,
}

fn judge(
    config: &Config,
    reader: &Reader,
    asked: &Asked<'_>,
    format: &Format,
    today: BusinessDate,
    period: Period,
) -> Result<Outcome, ReconcileError> {
    let tids: BTreeMap<&str, &str> = config.terminals.iter().map(|t| (t.id.as_str(), t.tid.as_str())).collect();
    let devices: BTreeMap<&str, &TerminalId> = config.terminals.iter().map(|t| (t.tid.as_str(), &t.id)).collect();
    let tid = |device: &TerminalId| tids.get(device.as_str()).copied().unwrap_or_default();
    let (Some(first), Some(last)) = (period.days.first().copied(), period.days.last().copied()) else {
        // It speaks for no day.
        return Ok(Matcher::new(&mut Book::new(0, false), period).finish());
    };
    let from = BusinessDate(first.0.checked_sub_days(Days::new(BEFORE_DAYS)).unwrap_or(first.0));
    let to = BusinessDate(last.0.checked_add_days(Days::new(u64::from(asked.wait_days) + 1)).unwrap_or(last.0));
    let room = usize::try_from(reader.count_sent(from, to)?).unwrap_or(0);
    let mut book = Book::new(room, format.has_orders());
    reader.sent(from, to, &mut |payment| {
        if format.expects(payment.method, payment.masked.as_deref())
            && let Some(ours) = Ours::of(payment, tid(&payment.device))
        {
            book.add(&ours);
        }
    })?;
    book.seal();
    let mut matcher = Matcher::new(&mut book, period);
    let mut trouble = None;
    each_row(asked.file, format, today, None, |row| {
        if trouble.is_some() {
            return;
        }
        let found = if matcher.knows(row) { Ok(None) } else { look_further(reader, &devices, row) };
        match found {
            Ok(found) => matcher.row(row, found.as_ref().and_then(|p| Ours::of(p, tid(&p.device))).as_ref()),
            Err(error) => trouble = Some(error),
        }
    })?;
    match trouble {
        Some(error) => Err(error.into()),
        None => Ok(matcher.finish()),
    }
}

/// A payment of any day: by terminal, batch and STAN, or by its order id.
fn look_further(
    reader: &Reader,
    devices: &BTreeMap<&str, &TerminalId>,
    row: &Row,
) -> Result<Option<Payment>, StoreError> {
    if let (Some(device), Some(batch), Some(stan)) = (devices.get(row.terminal.as_str()), row.batch, row.stan)
        && let Some(id) = reader.by_stan(device, BatchNo(batch), Stan(stan))?
    {
        return reader.payment(id);
    }
    let request = crate::core::domain::RequestId::new(&row.order).ok();
    match request.map(|r| reader.by_request(&r)).transpose()?.flatten() {
        Some(id) => reader.payment(id),
        None => Ok(None),
    }
}

/// The store's calendar day.
fn today(config: &Config, now: WallMs) -> BusinessDate {
    let utc = chrono::DateTime::from_timestamp_millis(now.0).unwrap_or_default();
    BusinessDate(utc.with_timezone(&config.store.timezone).date_naive())
}

/// The format by name or file, or the first shipped one that the file's head fits.
fn find_format(asked: &Asked<'_>, today: BusinessDate) -> Result<Format, ReconcileError> {
    let shipped = formats()?;
    let file = |e| ReconcileError::File(asked.file.to_owned(), e);
    let candidates = match asked.format {
        Some(name) if name.ends_with(".toml") => {
            let path = PathBuf::from(name);
            let mut text = String::new();
            let read = File::open(&path).and_then(|f| f.take(MAX_FORMAT).read_to_string(&mut text));
            read.map_err(|e| ReconcileError::File(path, e))?;
            vec![Format::parse(&text)?]
        }
        Some(name) => shipped.iter().filter(|f| f.name == name).cloned().collect(),
        None => shipped.clone(),
    };
    let mut head = Vec::with_capacity(HEAD);
    File::open(asked.file).and_then(|f| f.take(HEAD as u64).read_to_end(&mut head)).map_err(file)?;
    let fits = |format: &Format| {
        let (mut decoder, mut row, mut rows) = (Decoder::new(format, today), Row::default(), 0);
        for line in head.split(|b| *b == b'\n').take(200) {
            rows += u32::from(decoder.line(line, &mut row) == Line::Row);
        }
        // A header that has every column is enough; where there is none, a row must read.
        decoder.knows_columns() && (rows > 0 || !format.is_fixed())
    };
    let found = candidates.into_iter().find(|format| fits(format));
    found.ok_or_else(|| ReconcileError::Unknown {
        file: asked.file.to_owned(),
        wanted: asked.format.unwrap_or("statement of a known format").to_owned(),
        known: shipped.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// Gives each row of the file; the file's hash.
fn each_row(
    path: &Path,
    format: &Format,
    today: BusinessDate,
    mut quarantine: Option<&mut Quarantine>,
    mut each: impl FnMut(&Row),
) -> Result<[u8; 32], ReconcileError> {
    let failed = |e| ReconcileError::File(path.to_owned(), e);
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path).map_err(failed)?);
    let (mut hash, mut line, mut row) = (Context::new(&SHA256), Vec::with_capacity(1024), Row::default());
    let mut decoder = Decoder::new(format, today);
    while next_line(&mut file, &mut line, &mut hash).map_err(failed)? {
        let read = decoder.line(&line, &mut row);
        if read == Line::Row {
            each(&row);
        }
        let Some(quarantine) = quarantine.as_deref_mut() else { continue };
        quarantine.lines += 1;
        if let Line::Spoiled(why) = read {
            quarantine.count += 1;
            if quarantine.listed.len() < SPOILED_LISTED {
                quarantine.listed.push(Spoiled { line: quarantine.lines, why });
            }
        }
    }
    Ok(hash.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

/// The next line without its end, at most a little more than [`MAX_LINE`] of it: the rest of a longer one is hashed and dropped.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>, hash: &mut Context) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|b| *b == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(buffer.len(), |n| n + 1);
        hash.update(&buffer[..used]);
        file.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}
