//! Batches that are not settled yet, whatever their day, with their age: money that the acquirer does not owe the store yet.

use super::{Pen, words};
use crate::core::journal::Tally;
use crate::core::ports::DayView;
use crate::core::report::doc::{Document, Style};

/// A batch with its age, and its two sums under it; the oldest first.
pub(super) fn unsettled(paper: &mut Document, pen: Pen, day: &DayView) {
    if day.unsettled.is_empty() {
        return;
    }
    paper.heading(pen.say(words::UNSETTLED));
    for batch in &day.unsettled {
        let age = words::days_old(pen.lang, batch.days);
        paper.styled_pair(format!("{} {}", batch.terminal, batch.batch), format!("{} {age}", batch.since), Style::BOLD);
        let rung = pen.say_or(words::batch_rung(&batch.rung), &batch.rung);
        paper.text(format!("  {rung}"));
        for (word, tally, minus) in [(words::DEBIT, batch.debit, false), (words::CREDIT, batch.credit, true)] {
            if tally != Tally::default() {
                let amount = if minus { pen.minus(tally.amount) } else { pen.money(tally.amount) };
                paper.pair(format!("  {} {}", pen.say(word), pen.times(tally.count)), amount);
            }
        }
    }
}
