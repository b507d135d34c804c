//! The journal is what happened; payments' bodies, shifts, batches, days' later figures and snapshots are folds of it, in the shape of the program that
//! wrote them. A store of another fold is made again from its journal here, in one transaction: all of it, or nothing.
//!
//! What was sealed at a cut stays as it was sealed. Side rows (sealed cards, keys, PINs, print jobs) are no folds and are not touched, but for a card
//! whose batch has ended: that is erased.

use std::collections::BTreeSet;

use super::archived::to_json;
use super::{Ledger, Rules};
use crate::core::domain::{BusinessDate, PaymentId, Seq, TerminalId, read_json};
use crate::core::journal::{Event, Record};
use crate::core::ports::{DayView, Refold, StoreError};

/// The shape of `Payment`, `Ledger` and everything in them, and of the bodies of shifts and batches. Add one whenever any of it changes: a store then
/// makes its look-ups and snapshots again at its next start. A test holds the number against the shape.
pub const FOLD_VERSION: u32 = 7;

/// Rows, and payments, that are in memory at a time.
const CHUNK: u32 = 512;

/// Makes look-ups and snapshots again where another fold wrote them. Money must be the same before and after, or nothing is changed.
pub fn refold<S: Refold>(store: &mut S, first_date: BusinessDate, rules: &Rules) -> Result<(), StoreError> {
    let wrote = store.fold()?;
    if wrote == FOLD_VERSION {
        return Ok(());
    }
    if wrote > FOLD_VERSION {
        return Err(StoreError::Unusable(format!(
            "a newer tilld wrote it (fold {wrote}, this one knows {FOLD_VERSION}): install that one again"
        )));
    }
    let before = store.money()?;
    store.begin()?;
    let done = remake(store, first_date, rules)
        .and_then(|()| store.money())
        .and_then(|after| if after == before { Ok(()) } else { Err(moved(&before, &after)) })
        .and_then(|()| store.set_fold(FOLD_VERSION))
        .and_then(|()| store.commit());
    if done.is_err() {
        store.rollback();
    }
    done
}

fn moved(before: &[(String, i64, i64)], after: &[(String, i64, i64)]) -> StoreError {
    let differs =
        before.iter().find(|line| !after.contains(line)).or_else(|| after.iter().find(|l| !before.contains(l)));
    let which = differs.map_or_else(String::new, |(name, count, sum)| format!(" ({name}: {count}, {sum})"));
    StoreError::Damaged(format!(
        "reading the journal again gives other figures than the store has{which}; it is as it was: call the technician"
    ))
}

fn remake<S: Refold>(store: &mut S, first_date: BusinessDate, rules: &Rules) -> Result<(), StoreError> {
    let mut ledger = Ledger::new(first_date);
    store.drop_snapshots()?;
    let mut touched = BTreeSet::new();
    loop {
        let rows = store.rows(ledger.head, CHUNK)?;
        if rows.is_empty() {
            break;
        }
        for (record, link) in rows {
            if matches!(record.event, Event::DayCut { .. }) {
                // A cut forgets what is finished: its last word is now.
                put_ended(store, &ledger, &mut touched)?;
                put_outcomes(store, &ledger)?;
            }
            ledger.follow(&record, &link, &*store)?;
            touched.extend(terminal(&record).cloned());
            if let Event::ShiftClosed { shift, .. } = &record.event
                && let Some(row) = ledger.shift_row(*shift)
            {
                store.put_shift(&row)?;
            }
            if matches!(record.event, Event::DaySealed { .. }) || record.seq == Seq(1) {
                rest(store, &mut ledger)?;
                store.put_snapshot(ledger.head, &ledger.to_bytes())?;
            }
        }
        put_ended(store, &ledger, &mut touched)?;
        rest(store, &mut ledger)?;
    }
    ledger.payments.values().try_for_each(|payment| store.put_body(payment))?;
    columns(store)?;
    for terminal in ledger.terminals.keys() {
        ledger.batch_rows(terminal).try_for_each(|row| store.put_batch(&row))?;
    }
    let days = ledger.day_rows(rules, &*store)?;
    days.iter().try_for_each(|row| store.put_day(row))?;
    erase_cards(store)
}

/// What became of the days that a cut lets go of. An earlier program could leave an older word than the last: 0.1.0, where a batch ended in the commit
/// of a later cut. The rest of a day's later figures is as that program saw it.
fn put_outcomes<S: Refold>(store: &mut S, ledger: &Ledger) -> Result<(), StoreError> {
    for date in ledger.unfinished() {
        let (Some(outcome), Some(mut row)) = (ledger.outcome(date), store.day(date)?) else { continue };
        // What does not read is left as it lies: `verify` says it.
        let Ok(mut view) = read_json::<DayView>(&row.tail) else { continue };
        if !outcome.stands_in(&view) {
            outcome.put_into(&mut view);
            row.tail = to_json(&view);
            store.put_day(&row)?;
        }
    }
    Ok(())
}

/// Cards that outlived their batch, for the same reason.
fn erase_cards<S: Refold>(store: &mut S) -> Result<(), StoreError> {
    loop {
        let late = store.cards_too_long()?;
        if late.is_empty() {
            return Ok(());
        }
        store.erase_cards(&late)?;
    }
}

/// Writes what is at rest and lets memory go of it; what a later row touches is read back in the new shape.
fn rest<S: Refold>(store: &mut S, ledger: &mut Ledger) -> Result<(), StoreError> {
    ledger.payments.values().filter(|p| p.at_rest()).try_for_each(|payment| store.put_body(payment))?;
    ledger.cases.values().try_for_each(|case| store.put_case(case))?;
    ledger.evict();
    Ok(())
}

/// A batch that has ended never begins again, so that only its last state may be written over what lies there.
fn put_ended<S: Refold>(store: &mut S, ledger: &Ledger, touched: &mut BTreeSet<TerminalId>) -> Result<(), StoreError> {
    for terminal in std::mem::take(touched) {
        let current = ledger.terminals.get(&terminal).and_then(|t| t.batch.first);
        let mut ended = ledger.batch_rows(&terminal).filter(|row| Some(row.first) != current);
        ended.try_for_each(|row| store.put_batch(&row))?;
    }
    Ok(())
}

/// The terminal whose batches a row may move.
fn terminal(record: &Record) -> Option<&TerminalId> {
    match &record.event {
        Event::Sending { terminal, .. }
        | Event::Answered { terminal, .. }
        | Event::BatchEndSeen { terminal, .. }
        | Event::BatchDecided { terminal, .. }
        | Event::BatchRetaken { terminal, .. } => Some(terminal),
        _ => None,
    }
}

/// The columns once more from the bodies, in their last state.
fn columns<S: Refold>(store: &mut S) -> Result<(), StoreError> {
    let mut after = PaymentId(0);
    loop {
        let payments = store.payments(after, CHUNK)?;
        let Some(last) = payments.last() else { return Ok(()) };
        after = last.id;
        payments.iter().try_for_each(|payment| store.put_payment(payment, payment.slot().as_ref()))?;
    }
}
