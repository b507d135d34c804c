//! Reconciles a statement's file with the store: finds its format, reads it twice (its days, then its rows), gathers ours, judges. Writes nothing: noting it
//! and opening its cases is the writer's, asked by whoever called.

mod others;
mod reading;
pub mod upload;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::Days;
use thiserror::Error;

use super::config::{Config, StatementsConfig};
use crate::core::domain::{
    BatchNo, BusinessDate, Funder, Kind, PaymentId, PaymentSet, Refusal, Reject, Stan, State, StatementNo, TerminalId,
    WallMs, Zone,
};
use crate::core::journal::Awaited;
use crate::core::payment::Payment;
use crate::core::ports::{
    Archive, Booked, FileHash, StatementJudged, StatementNote, StatementNoted, StatementView, StoreError,
};
use crate::core::ports::{SpoiledLine, StatementDay, StatementFacts, StatementSpoiled};
use crate::core::reconcile::{Book, Difference, Format, FormatError, Matcher, Ours, Outcome, Period, Reason, Row};
use crate::core::suspense::MOST_OF_A_STATEMENT;
use crate::io::store::{DaysOf, Has, Known, Reader};
use others::{BookedElsewhere, Others};
use reading::{Quarantine, each_row, find_format};

/// No statement speaks for more days.
const MAX_DAYS: usize = 400;
/// No more different days are looked at.
const DAYS_SEEN: usize = 4_000;
/// Days without rows within a statement: the longest holiday.
const LONGEST_GAP: i64 = 8;
/// Days further away are the statement's own only with so many rows: fewer are corrections.
const FAR_ROWS: u64 = 10;
/// Ours settles at most so many days after it was made, offline sales and repeats included; what lies beyond is looked up one by one.
const BEFORE_DAYS: u64 = 8;
/// So many payments stand in one journal row about what a statement has.
const BOOKED_PART: usize = 16_384;
/// So many differences carry their payment's story.
const STORIES: usize = 4_000;

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
    /// It is larger than a statement may be.
    #[error("{0}: has more than {1} MiB ([statements] max_mb)")]
    TooLarge(PathBuf, u32),
    /// Somebody is writing it.
    #[error("{0}: changed while it was read; try again when it is whole")]
    Changing(PathBuf),
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
    pub spoiled: Vec<SpoiledLine>,
    /// The same file was reconciled before.
    pub known: Option<Known>,
    /// Days of earlier statements that this one takes over.
    pub supersedes: DaysOf,
    wait_days: u32,
    beside: StatementNo,
}

/// How to judge.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The file.
    pub file: &'a Path,
    /// The file's name, for people.
    pub name: &'a str,
    /// A shipped format's name, or a format's file; without it the file tells.
    pub format: Option<&'a str>,
    /// How long to wait for the other side of the cut; absent: as the configuration says.
    pub wait_days: Option<u32>,
    /// Now.
    pub now: WallMs,
}

/// Our side: what of the configuration and the store a statement is judged by.
#[derive(Debug, Clone)]
pub struct Books {
    reader: Reader,
    zone: Zone,
    terminals: Vec<(TerminalId, String)>,
    settings: StatementsConfig,
}

impl Books {
    /// Of a configured store.
    #[must_use]
    pub fn of(config: &Config, reader: Reader) -> Books {
        let terminals = config.terminals.iter().map(|t| (t.id.clone(), t.tid.to_string())).collect();
        Books::new(reader, config.store.timezone.clone(), terminals, config.statements.clone())
    }

    /// Of a store's parts: its terminals with their numbers at the acquirer.
    #[must_use]
    pub fn new(reader: Reader, zone: Zone, terminals: Vec<(TerminalId, String)>, settings: StatementsConfig) -> Books {
        Books { reader, zone, terminals, settings }
    }

    /// Reads and judges.
    pub fn judge(&self, asked: &Asked<'_>) -> Result<Judged, ReconcileError> {
        let failed = |e| ReconcileError::File(asked.file.to_owned(), e);
        if std::fs::metadata(asked.file).map_err(failed)?.len() > self.settings.max_bytes() {
            return Err(ReconcileError::TooLarge(asked.file.to_owned(), self.settings.max_mb));
        }
        let today = self.today(asked.now);
        let format = find_format(asked, today)?;
        let mut survey = Survey::default();
        let Survey { days, spoiled } = &mut survey;
        let hash = each_row(asked.file, &format, today, Some(spoiled), |row| count_day(days, row))?;
        let own = spoken_for(&survey.days, &DaysOf::new());
        let (Some(first), Some(last)) = (own.first().copied(), own.last().copied()) else {
            return Err(ReconcileError::Empty(asked.file.to_owned(), survey.spoiled.count));
        };
        if own.len() > MAX_DAYS {
            return Err(ReconcileError::TooLong(asked.file.to_owned(), own.len(), first, last));
        }
        let known = self.reader.statement(&hash)?;
        let (_, beside) = self.reader.statement_of(&hash)?;
        let live = self.reader.statement_days(&format.name, first, later(last, 40))?;
        let own = spoken_for(&survey.days, &live);
        let supersedes: DaysOf =
            live.iter().filter(|(d, _)| known.is_none() && own.contains(d)).map(|(d, by)| (*d, by.clone())).collect();
        let elsewhere = live.keys().filter(|d| !own.contains(d)).copied().collect();
        let others = Others::than(&format.name, own.clone(), known.as_ref());
        let wait_days = asked.wait_days.unwrap_or(self.settings.wait_days);
        let period = Period { days: own.clone(), elsewhere, today, wait_days };
        let (mut outcome, again) = self.match_rows(asked, &format, today, period, &others)?;
        if again != hash {
            return Err(ReconcileError::Changing(asked.file.to_owned()));
        }
        tell_duplicates_apart(&mut outcome);
        let note = StatementNote {
            hash: FileHash(hash),
            format: format.name.clone(),
            name: asked.name.chars().take(60).collect(),
            days: own.into_iter().collect(),
            lines: survey.spoiled.lines,
            spoiled: survey.spoiled.count,
            imported_at: asked.now,
            matched: outcome.matched_count,
            counts: outcome.counts,
        };
        Ok(Judged { format, note, outcome, spoiled: survey.spoiled.listed, known, supersedes, wait_days, beside })
    }

    fn match_rows(
        &self,
        asked: &Asked<'_>,
        format: &Format,
        today: BusinessDate,
        period: Period,
        others: &Others,
    ) -> Result<(Outcome, [u8; 32]), ReconcileError> {
        let tids: BTreeMap<&str, &str> = self.terminals.iter().map(|(id, tid)| (id.as_str(), tid.as_str())).collect();
        let devices: BTreeMap<&str, &TerminalId> = self.terminals.iter().map(|(id, tid)| (tid.as_str(), id)).collect();
        let tid = |device: &TerminalId| tids.get(device.as_str()).copied().unwrap_or_default();
        let (first, last) = match (period.days.first().copied(), period.days.last().copied()) {
            (Some(first), Some(last)) => (first, last),
            _ => (today, today),
        };
        let from = BusinessDate(first.0.checked_sub_days(Days::new(BEFORE_DAYS)).unwrap_or(first.0));
        let to = later(last, u64::from(period.wait_days) + 1);
        let room = usize::try_from(self.reader.count_sent(from, to)?).unwrap_or(0);
        let coupons = self.platform_coupons(from, to)?;
        let (lowest, highest) = self.reader.payments_between(from, to)?;
        let booked = others.have(&self.reader, lowest, highest)?;
        let mut book = Book::new(room, format.has_orders());
        self.reader.sent(from, to, &mut |payment| {
            if format.expects(payment.method, payment.masked.as_deref())
                && let Some(ours) = Ours::of(payment, tid(&payment.device))
            {
                let coupons = coupons.get(&ours.id).copied().unwrap_or(0);
                book.add(&Ours { coupons, booked: booked.rows_of(ours.id), ..ours });
            }
        })?;
        book.seal();
        let watched = self.reader.watched(&format.name, first, last)?.into_iter().collect();
        let mut matcher = Matcher::new(&mut book, period).watching(watched);
        let mut trouble = None;
        let hash = each_row(asked.file, format, today, None, |row| {
            if trouble.is_some() {
                return;
            }
            let found = if matcher.knows(row) { Ok(None) } else { self.look_further(&devices, row, others) };
            match found {
                Ok(found) => {
                    let ours = found.as_ref().and_then(|(p, booked)| {
                        Ours::of(p, tid(&p.device)).map(|ours| Ours { booked: booked.rows_of(p.id), ..ours })
                    });
                    matcher.row(row, ours.as_ref());
                }
                Err(error) => trouble = Some(error),
            }
        })?;
        match trouble {
            Some(error) => Err(error.into()),
            None => Ok((matcher.finish(), hash)),
        }
    }

    /// What platforms' coupons paid of an order, by the payment that paid the rest: some statements have it in the amount.
    fn platform_coupons(&self, from: BusinessDate, to: BusinessDate) -> Result<BTreeMap<PaymentId, i64>, StoreError> {
        let mut sums: BTreeMap<PaymentId, i64> = BTreeMap::new();
        self.reader.coupons(from, to, &mut |coupon| {
            let facts = coupon.coupon.as_ref().filter(|c| c.funder == Funder::Platform);
            let counts = coupon.kind == Kind::Sale && coupon.state == State::Approved && coupon.voided_by.is_none();
            if let (Some(with), true) = (facts.and_then(|c| c.with), counts) {
                let sum = sums.entry(with).or_default();
                *sum = sum.saturating_add(coupon.amount.0);
            }
        })?;
        Ok(sums)
    }

    /// A payment of any day, by terminal, batch and STAN, or by its order id; and where other statements have it.
    fn look_further(
        &self,
        devices: &BTreeMap<&str, &TerminalId>,
        row: &Row,
        others: &Others,
    ) -> Result<Option<(Payment, BookedElsewhere)>, StoreError> {
        let mut id = None;
        if let (Some(device), Some(batch), Some(stan)) = (devices.get(row.terminal.as_str()), row.batch, row.stan) {
            id = self.reader.by_stan(device, BatchNo(batch), Stan(stan))?;
        }
        if let (None, Ok(request)) = (id, crate::core::domain::RequestId::new(&row.order)) {
            id = self.reader.by_request(&request)?;
        }
        let Some(payment) = id.map(|id| self.reader.payment(id)).transpose()?.flatten() else { return Ok(None) };
        let booked = others.have(&self.reader, payment.id, payment.id)?;
        Ok(Some((payment, booked)))
    }

    /// Where statements have a payment's money on other days than this.
    fn also_in(&self, format: &str, id: PaymentId, day: Option<BusinessDate>) -> Result<Vec<StatementDay>, StoreError> {
        let mut others = self.reader.booked(format, id, id)?;
        others.retain(|has| Some(has.day) != day && has.payments.iter().any(|other| other == id));
        let day = |has: Has| StatementDay { day: has.day, statement: has.statement, file: has.name };
        Ok(others.into_iter().map(day).collect())
    }

    /// The store's calendar day.
    fn today(&self, now: WallMs) -> BusinessDate {
        BusinessDate(self.zone.local(now).unwrap_or_default().date())
    }

    /// The contract's object: the differences with their payments' stories and, where they were noted, their cases.
    pub fn view(&self, judged: Judged, noted: Option<StatementNoted>) -> Result<StatementView, StoreError> {
        let Judged { format, note, mut outcome, spoiled, known, supersedes, .. } = judged;
        let by = |days: &DaysOf| -> Vec<StatementDay> {
            let day = |(day, (id, name)): (&BusinessDate, &(u64, String))| StatementDay {
                day: *day,
                statement: *id,
                file: name.clone(),
            };
            days.iter().map(day).collect()
        };
        let lists = [&mut outcome.long, &mut outcome.short, &mut outcome.differs, &mut outcome.timing];
        for difference in lists.into_iter().flatten().take(STORIES) {
            if let Some(id) = difference.payment {
                difference.story = self.reader.story(id)?;
                if difference.reason == Reason::Duplicate {
                    difference.also_in = self.also_in(&format.name, id, difference.day())?;
                }
            }
            difference.case = self.reader.case_of(&format.name, &difference.key)?.map(|no| no.0);
        }
        let [long, short, differs, timing] = outcome.counts;
        Ok(StatementView {
            agrees: outcome.agrees(),
            counts: BTreeMap::from([("long", long), ("short", short), ("differs", differs), ("timing", timing)]),
            matched_count: outcome.matched_count,
            agreed_without_money: outcome.agreed_without_money,
            formula: Outcome::formula(),
            statement: StatementFacts {
                id: noted.as_ref().map(|n| n.id),
                file: note.name,
                format: note.format,
                hash: note.hash,
                lines: note.lines,
                days: note.days,
                new: noted.as_ref().map(|n| n.new),
            },
            spoiled: StatementSpoiled { count: note.spoiled, lines: spoiled },
            supersedes: by(&supersedes),
            superseded_by: known.map(|k| by(&k.superseded)).unwrap_or_default(),
            cases: noted,
            sums: outcome.sums,
            long: outcome.long,
            short: outcome.short,
            differs: outcome.differs,
            timing: outcome.timing,
        })
    }
}

impl Judged {
    /// What the writer is told of it.
    ///
    /// # Errors
    /// It has more differences than the writer takes of one: it is another store's, most likely.
    pub fn for_the_writer(&self) -> Result<StatementJudged, Reject> {
        let method = self.format.methods.first().copied().unwrap_or(crate::core::domain::Method::Card);
        let last = self.note.days.last().copied().unwrap_or(BusinessDate(chrono::NaiveDate::MIN));
        let out = &self.outcome;
        let found = out.long.len() + out.short.len() + out.differs.len();
        if found > MOST_OF_A_STATEMENT {
            return Err(Refusal::TooManyDifferences.with("count", found).with("limit", MOST_OF_A_STATEMENT));
        }
        let cases = out.long.iter().chain(&out.short).chain(&out.differs);
        let waits = out.timing.iter().filter(|d| d.reason.is_awaited());
        Ok(StatementJudged {
            note: self.note.clone(),
            findings: cases.map(|d| d.finding(&self.format.name, method, last)).collect(),
            awaited: waits.filter_map(|d| self.awaited(d, last)).collect(),
            clean: out.clean.clone(),
            came: out.came.clone(),
            beside: Some(self.beside),
            booked: out.booked.iter().flat_map(|(day, payments)| booked_on(*day, payments)).collect(),
        })
    }

    fn awaited(&self, difference: &Difference, last: BusinessDate) -> Option<Awaited> {
        let payment: PaymentId = difference.payment?;
        let settles = difference.ours.as_ref().and_then(|o| o.day).or(difference.business_date).unwrap_or(last);
        // Accepted and not paid: it is waited for from the statement on.
        let day = if difference.reason == Reason::Accepted { last } else { settles };
        let until = later(day, u64::from(self.wait_days));
        Some(Awaited { payment, format: self.format.name.clone(), day, until })
    }
}

/// Payments of one day's rows, in parts of a bounded size.
fn booked_on(day: BusinessDate, payments: &[u64]) -> impl Iterator<Item = Booked> {
    payments.chunks(BOOKED_PART).map(move |part| Booked { day, payments: PaymentSet::of(part) })
}

/// Two differences of one name are two: each further one has a number, the first that no other has as its name.
fn tell_duplicates_apart(outcome: &mut Outcome) {
    let all = || [&outcome.long, &outcome.short, &outcome.differs].into_iter().flatten();
    let names: BTreeSet<String> = all().map(|difference| difference.key.clone()).collect();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for difference in [&mut outcome.long, &mut outcome.short, &mut outcome.differs].into_iter().flatten() {
        let Some(n) = seen.get_mut(&difference.key) else {
            seen.insert(difference.key.clone(), 1);
            continue;
        };
        let numbered = loop {
            *n += 1;
            let numbered = format!("{}#{n}", difference.key);
            if !names.contains(&numbered) {
                break numbered;
            }
        };
        difference.key = numbered;
    }
}

/// So many days later, as far as years have four digits.
fn later(day: BusinessDate, days: u64) -> BusinessDate {
    let later = day.0.checked_add_days(Days::new(days)).map(BusinessDate);
    later.filter(|later| later.is_written()).unwrap_or(day)
}

/// What the first reading gives.
#[derive(Debug, Default)]
struct Survey {
    days: BTreeMap<BusinessDate, u64>,
    spoiled: Quarantine,
}

fn count_day(days: &mut BTreeMap<BusinessDate, u64>, row: &Row) {
    if let Some(day) = row.day.or(row.made)
        && (days.len() < DAYS_SEEN || days.contains_key(&day))
    {
        *days.entry(day).or_default() += 1;
    }
}

/// The days that a statement speaks for: those whose rows carry weight, and what lies between them. A few rows of another day (a correction, a cut at
/// another hour) do not make it speak for that day: what is missing from such a day is not missing. `live`: which statements speak for which days.
fn spoken_for(rows: &BTreeMap<BusinessDate, u64>, live: &DaysOf) -> BTreeSet<BusinessDate> {
    let total: u64 = rows.values().sum();
    let mut sizes: Vec<(u64, BusinessDate)> = rows.iter().map(|(day, n)| (*n, *day)).collect();
    sizes.sort_unstable();
    // The usual day is the one of the middle row: neither many corrections nor one great day move it.
    let mut so_far = 0;
    let middle = sizes.into_iter().find(|(n, _)| {
        so_far += n;
        so_far * 2 >= total
    });
    let Some((usual, middle)) = middle else { return BTreeSet::new() };
    let weighs = |(day, n): &(&BusinessDate, &u64)| {
        // A day that another statement has stays with it, unless this one is that statement issued again, or has most of a day of it.
        let others = live.get(day).filter(|by| Some(*by) != live.get(&middle));
        if others.is_some() { *n * 2 > usual } else { *n * 10 >= usual }
    };
    let mut runs: Vec<(BusinessDate, BusinessDate, u64)> = Vec::new();
    for (day, n) in rows.iter().filter(weighs) {
        match runs.last_mut() {
            Some((_, last, sum)) if (day.0 - last.0).num_days() <= LONGEST_GAP => (*last, *sum) = (*day, *sum + n),
            _ => runs.push((*day, *day, *n)),
        }
    }
    let most = runs.iter().map(|(_, _, n)| *n).max();
    let whole = runs.into_iter().filter(|(_, _, n)| Some(*n) == most || (*n >= FAR_ROWS && n * 100 >= total));
    let days = whole.flat_map(|(first, last, _)| first.0.iter_days().take_while(move |d| *d <= last.0));
    days.take(MAX_DAYS + 1).map(BusinessDate).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Days of November with their rows, and those of which the statement of a number has the word; gives the days spoken for.
    fn spoken(rows: &[(u32, u64)], live: &[(u32, u64)]) -> String {
        let day = |n: u32| BusinessDate(chrono::NaiveDate::from_ymd_opt(2026, 11, n).unwrap());
        let live = live.iter().map(|(d, by)| (day(*d), (*by, String::new()))).collect();
        let days = spoken_for(&rows.iter().map(|(d, n)| (day(*d), *n)).collect(), &live);
        days.iter().map(|d| d.0.format("%-d").to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_days_file_does_not_speak_for_the_days_of_which_it_has_a_few_rows() {
        assert_eq!(spoken(&[(19, 1), (20, 40)], &[]), "20");
        assert_eq!(spoken(&[(3, 1), (12, 1), (19, 1), (20, 40), (21, 2)], &[]), "20");
        // A shop that is open until midnight, cut at eleven: the day before has its own statement.
        assert_eq!(spoken(&[(19, 9), (20, 40)], &[(19, 1)]), "20");
        assert_eq!(spoken(&[(19, 9), (20, 40)], &[(19, 1), (20, 2)]), "20");
        // Three sales a day: so it is there as well, and an old day is one even before it has a statement.
        assert_eq!(spoken(&[(19, 1), (20, 3)], &[(19, 1)]), "20");
        assert_eq!(spoken(&[(2, 1), (19, 3), (20, 3)], &[]), "19 20");
    }

    #[test]
    fn a_statement_over_several_days_speaks_for_the_quiet_ones_too() {
        assert_eq!(spoken(&[(19, 1), (20, 3), (21, 2)], &[]), "19 20 21");
        // Sundays: one with hardly a sale, one with none; and a holiday.
        assert_eq!(
            spoken(&[(6, 40), (7, 35), (8, 1), (9, 50), (14, 38), (16, 20)], &[]),
            "6 7 8 9 10 11 12 13 14 15 16"
        );
        // Two weeks closed.
        assert_eq!(spoken(&[(1, 30), (2, 40), (20, 40)], &[]), "1 2 20");
        // A festival does not make the other days small ones.
        assert_eq!(spoken(&[(1, 20), (2, 30), (3, 30), (4, 30), (5, 70)], &[]), "1 2 3 4 5");
        // Issued again: it is the same days'. A week's, after each day's own: those with most of a day.
        assert_eq!(spoken(&[(19, 1), (20, 3)], &[(19, 7), (20, 7)]), "19 20");
        assert_eq!(spoken(&[(19, 30), (20, 40), (21, 35)], &[(19, 1), (20, 2), (21, 3)]), "19 20 21");
    }
}
