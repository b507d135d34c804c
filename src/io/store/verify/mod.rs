//! What `tilld verify` and the slow check after a start find out from the store alone.
//!
//! The journal is the evidence: chain, seals and typed columns are recomputed from its bytes. Everything else is compared with the journal. Reads are short
//! and of bounded size, so that a daemon goes on beside it. What only the ledger knows (does each row follow from the rows before it?) is asked
//! through [`VerifyWith::each`].

mod journal;
mod payments;
mod rest;

use std::ops::ControlFlow;

use crate::core::domain::{PaymentId, Seq};
use crate::core::journal::{Link, Record};
use crate::core::ports::{Sealer, StoreError};

use super::mark::MarkVerdict;
use super::reader::Reader;

/// So many are kept; a store with more is not helped by a longer list.
const MOST_FINDINGS: usize = 200;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: `row 12`, `payment P00000012`, `day 2026-11-20`, `the file`, …
    pub place: String,
    /// What is wrong, in a sentence.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Called for each row that reads, in order; gives what is wrong with it, if anything.
pub type EachRow<'a> = dyn FnMut(&Record, &Link) -> Option<String> + 'a;

/// What the store is checked with, beside itself.
#[derive(Default)]
pub struct VerifyWith<'a> {
    /// The vault, for the open day's HMACs. Without it they are not looked at. Only where nobody writes meanwhile: a cut would change the key.
    pub sealer: Option<&'a mut dyn Sealer>,
    /// What the mark says.
    pub mark: Option<MarkVerdict>,
    /// Compare every index with its table too (`integrity_check`): slower by some times.
    pub thorough: bool,
    /// The ledger's own comparison.
    pub each: Option<&'a mut EachRow<'a>>,
    /// Called between reads with how far it is: to let others work, to show progress, to stop.
    pub between: Option<&'a mut dyn FnMut(Seq) -> ControlFlow<()>>,
}

impl std::fmt::Debug for VerifyWith<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyWith").field("mark", &self.mark).field("thorough", &self.thorough).finish_non_exhaustive()
    }
}

/// What was looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Journal rows.
    pub rows: u64,
    /// Closed days.
    pub days: u64,
    /// Payments.
    pub payments: u64,
    /// The last row and its link.
    pub head: Option<(Seq, Link)>,
    /// What is wrong, at most 200.
    pub findings: Vec<Finding>,
    /// It was stopped, or there is more wrong than is listed.
    pub incomplete: bool,
}

impl Verified {
    /// Nothing is wrong, and all was looked at.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.findings.is_empty() && !self.incomplete
    }

    fn find(&mut self, place: impl std::fmt::Display, what: impl Into<String>) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { place: place.to_string(), what: what.into() });
        } else {
            self.incomplete = true;
        }
    }

    /// A part that could not be read at all is a finding too, and the other parts are still looked at.
    fn part(&mut self, place: &str, result: Result<(), StoreError>) {
        if let Err(e) = result {
            self.find(place, e.to_string());
        }
    }
}

/// A row's place in a finding.
fn row(seq: u64) -> String {
    format!("row {seq}")
}

/// A payment's place in a finding.
fn payment(id: u64) -> String {
    format!("payment {}", PaymentId(id))
}

/// Checks the store. Whatever is wrong is a finding; this itself does not fail.
#[must_use]
pub fn verify(reader: &Reader, mut with: VerifyWith<'_>) -> Verified {
    let mut found = Verified::default();
    about_mark(&with, &mut found);
    let file = rest::file(reader, with.thorough, &mut found);
    found.part("the file", file);
    about_head(reader, &mut found);
    let journal = journal::walk(reader, &mut with, false, &mut found);
    found.part("the journal", journal);
    let payments = payments::walk(reader, &mut with, &mut found);
    found.part("the payments", payments);
    let rest = rest::archive(reader, &mut found);
    found.part("the archive", rest);
    found
}

/// What a start looks at before it serves: schema, mark, the last signed root, the open day's rows. The rest can follow with [`verify`].
#[must_use]
pub fn verify_open_day(reader: &Reader, mut with: VerifyWith<'_>) -> Verified {
    let mut found = Verified::default();
    about_mark(&with, &mut found);
    let schema = reader.with(|conn| rest::schema(conn, &mut found));
    found.part("the schema", schema);
    about_head(reader, &mut found);
    let journal = journal::walk(reader, &mut with, true, &mut found);
    found.part("the journal", journal);
    found
}

fn about_mark(with: &VerifyWith<'_>, found: &mut Verified) {
    if let Some(mark) = &with.mark
        && (mark.stops_cards() || *mark == MarkVerdict::Unreadable)
    {
        found.find("the mark", mark.to_string());
    }
}

fn about_head(reader: &Reader, found: &mut Verified) {
    match reader.head() {
        Ok(None) => found.find("the journal", "it is empty: a store has its first row from its first start on"),
        Ok(head) => found.head = head,
        Err(e) => found.find("the journal", e.to_string()),
    }
}
