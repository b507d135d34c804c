//! Payments that the acquirer confirmed as reversed: in no total, but every customer who comes back asks for one.

use super::day_lists::{entry, sums};
use super::{Pen, words};
use crate::core::domain::Minor;
use crate::core::journal::Tally;
use crate::core::ports::DayView;
use crate::core::report::doc::Document;

/// Most reversals printed one by one; CSV and JSON have them all.
const LONGEST_LIST: usize = 400;

/// One by one; of days from before they were kept so, the sum alone.
pub(super) fn reversals(paper: &mut Document, pen: Pen, day: &DayView) {
    if day.reversals.is_empty() {
        if day.reversed != Tally::default() {
            let label = format!("{} {}", pen.say(words::REVERSED), pen.times(day.reversed.count));
            paper.text("").pair(label, pen.money(day.reversed.amount));
        }
        return;
    }
    paper.heading(pen.say(words::REVERSAL_LIST));
    for item in day.reversals.iter().take(LONGEST_LIST) {
        let what = pen.what(words::method(item.method), words::kind(item.kind));
        let card = item.masked_pan.as_deref().unwrap_or_default();
        entry(paper, (&item.payment, &what, pen.money(item.amount)), (&item.cashier, &item.device, card));
    }
    let amounts: Vec<Minor> = day.reversals.iter().map(|item| item.amount).collect();
    sums(paper, pen, &amounts, LONGEST_LIST, false);
}
