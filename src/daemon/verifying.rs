//! The store checked against its own journal: what a start looks at before it is ready, and all the rest by a slow thread beside the running till.
//!
//! Only looks. What is found stops sales; that is the writer's, and this tells it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::inbox::Inbox;
use crate::core::domain::{PaymentId, Refusal, Seq, read_json};
use crate::core::journal::{Link, Record};
use crate::core::ledger::{Proof, Rows};
use crate::core::ports::{DayView, Sealer, StoreError};
use crate::io::store::{Finding, MarkVerdict, PaymentFilter, Reader, Verified, VerifyWith, verify, verify_open_day};
use crate::io::work;

/// Between two reads of a few thousand rows: the till comes first.
const BREATH: Duration = Duration::from_millis(20);

/// Called between reads with how far it is.
pub type Between<'a> = dyn FnMut(Seq) -> ControlFlow<()> + 'a;

/// What a start looks at before it is ready: schema, the last signed root, the open day's rows and their HMACs. The rows go on to the writer, which has
/// to read them, too.
pub fn open_day(reader: &Reader, sealer: &mut dyn Sealer, rows: &mut Rows<'_>) -> Verified {
    let mut each = |record: &Record, link: &Link| {
        rows(record, link);
        None
    };
    let found =
        verify_open_day(reader, VerifyWith { sealer: Some(sealer), each: Some(&mut each), ..VerifyWith::default() });
    say(&found);
    found
}

/// The store's own check, the journal replayed from its first row, and every payment at rest against that.
pub fn whole(
    reader: &Reader,
    mark: Option<MarkVerdict>,
    thorough: bool,
    mut between: Option<&mut Between<'_>>,
) -> Result<Verified, StoreError> {
    let mut proof = Proof::beside(reader);
    let mut each = |record: &Record, link: &Link| proof.row(record, link);
    let mut breath = |seq: Seq| between.as_mut().map_or(ControlFlow::Continue(()), |between| between(seq));
    let with =
        VerifyWith { thorough, mark, each: Some(&mut each), between: Some(&mut breath), ..VerifyWith::default() };
    let mut found = verify(reader, with);
    let head = found.head.map(|(seq, _)| seq);
    let mut filter = PaymentFilter { limit: 500, ..PaymentFilter::default() };
    while !found.incomplete {
        let page = reader.payments(&filter)?;
        for payment in &page.items {
            // A daemon that goes on meanwhile has changed only what is not at rest.
            let settled = payment.at_rest() && head.is_some_and(|head| payment.id.0 <= head.0);
            if settled
                && let Some(what) = proof.payment(payment)
                && !moved_since(reader, payment.id, head)?
            {
                found.findings.push(Finding { place: format!("payment {}", payment.id), what });
            }
        }
        if breath(Seq(0)).is_break() {
            found.incomplete = true;
        }
        match page.next_cursor.as_deref().and_then(PaymentId::parse) {
            Some(cursor) => filter.cursor = Some(cursor),
            None => break,
        }
    }
    if !found.incomplete {
        cases(reader, &proof, head, &mut found)?;
        days(reader, &proof, head, &mut found)?;
    }
    Ok(found)
}

/// Whether the till has written a payment since the replay's last row: a refund of an old sale, say.
fn moved_since(reader: &Reader, id: PaymentId, head: Option<Seq>) -> Result<bool, StoreError> {
    let written = reader.written_at(id)?;
    let now = reader.head()?.map(|(seq, _)| seq);
    // A number that no journal row has is no excuse.
    Ok(written > head && written <= now)
}

/// What became of every closed day, against the replay.
fn days(reader: &Reader, proof: &Proof<'_>, head: Option<Seq>, found: &mut Verified) -> Result<(), StoreError> {
    let mut before = None;
    loop {
        let page = reader.days(before, 64)?;
        let Some(oldest) = page.last() else { return Ok(()) };
        before = Some(oldest.date);
        let quiet = reader.head()?.map(|(seq, _)| seq) == head;
        for day in &page {
            let wrong = match read_json::<DayView>(&day.tail) {
                Ok(view) if view.business_date != day.date => {
                    Some(format!("it says that it is {}", view.business_date))
                }
                Ok(view) => proof.day(&view, quiet),
                Err(e) => Some(format!("its later figures do not read: {e}")),
            };
            found.findings.extend(wrong.map(|what| Finding { place: format!("day {}", day.date), what }));
        }
    }
}

/// Every case against the replay.
fn cases(reader: &Reader, proof: &Proof<'_>, head: Option<Seq>, found: &mut Verified) -> Result<(), StoreError> {
    let mut last = 0;
    reader.every_case(&mut |case| {
        // One that moved meanwhile has a younger row than the replay.
        let moved = case.trail.last().is_some_and(|t| head.is_none_or(|head| t.seq > head));
        last = case.no.0;
        if !moved && let Some(what) = proof.case(case) {
            found.findings.push(Finding { place: format!("case {}", case.no), what });
        }
    })?;
    if proof.cases().is_some_and(|opened| opened > last) {
        let what = "the journal has opened more than there are".to_owned();
        found.findings.push(Finding { place: "the cases".to_owned(), what });
    }
    Ok(())
}

fn say(found: &Verified) {
    for finding in &found.findings {
        log::error!("the store is damaged: {finding}");
    }
}

/// The slow check of a running till.
#[derive(Debug)]
pub struct Verifying {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Verifying {
    /// Begins it. What is found twice (the till goes on meanwhile) stops new sales.
    pub fn start(reader: Reader, inbox: Inbox) -> std::io::Result<Verifying> {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, finished) = (Arc::clone(&stop), Arc::clone(&done));
        let body = move || {
            let sound = twice(&reader, &stopped);
            if sound == Some(false) {
                // The writer says it; only then is the check over.
                let finished = Arc::clone(&finished);
                inbox.look(move |writer| {
                    writer.stop_sales(Refusal::Damaged);
                    finished.store(true, Ordering::Release);
                });
            } else if sound == Some(true) {
                finished.store(true, Ordering::Release);
            }
        };
        let thread = Some(work::thread("verify", body)?);
        Ok(Verifying { stop, done, thread })
    }

    /// Nothing to check: a command's till.
    #[must_use]
    pub fn none() -> Verifying {
        Verifying { stop: Arc::default(), done: Arc::new(AtomicBool::new(true)), thread: None }
    }

    /// Whether it is over; shared.
    #[must_use]
    pub fn done(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.done)
    }

    /// Ends it, wherever it is.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the slow check ended badly");
        }
    }
}

/// Whether the store is sound; `None` where the check was stopped.
fn twice(reader: &Reader, stop: &AtomicBool) -> Option<bool> {
    let mut first: Option<Vec<Finding>> = None;
    loop {
        let mut between = |_| {
            std::thread::sleep(BREATH);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let found = match whole(reader, None, false, Some(&mut between)) {
            Ok(found) => found,
            Err(error) => Verified {
                findings: vec![Finding { place: "the store".into(), what: error.to_string() }],
                ..Verified::default()
            },
        };
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        if found.findings.is_empty() {
            return Some(true);
        }
        match first {
            None => first = Some(found.findings),
            Some(before) => {
                let both: Vec<Finding> = found.findings.into_iter().filter(|f| before.contains(f)).collect();
                say(&Verified { findings: both.clone(), ..Verified::default() });
                return Some(both.is_empty());
            }
        }
    }
}
