//! Shifts and drawers: the formula line by line, what was counted, and what that makes. The same block stands on the day
//! report and on the shift slip.

use super::{Pen, words};
use crate::core::domain::Minor;
use crate::core::ports::{DrawerView, ShiftView};
use crate::core::report::doc::{Document, Style, Table};

/// Whether lines of nothing are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// Every line of the formula: the slip that two people sign.
    All,
    /// Those that say something.
    Telling,
}

/// One drawer: float + sales − refunds + in − out = expected; counted; the difference with its formula.
pub(super) fn drawer(paper: &mut Document, pen: Pen, drawer: &DrawerView, lines: Lines) {
    let sums = &drawer.sums;
    paper.pair(format!("  {}", pen.say(words::FLOAT)), pen.money(sums.float));
    paper.pair(format!("+ {}", pen.say(words::CASH_SALES)), pen.money(sums.sales));
    let parts = [
        ("-", words::CASH_REFUNDS, sums.refunds),
        ("+", words::PAID_IN, sums.paid_in),
        ("-", words::PAID_OUT, sums.paid_out),
    ];
    for (sign, word, amount) in parts {
        if lines == Lines::All || amount != Minor::ZERO {
            paper.pair(format!("{sign} {}", pen.say(word)), pen.money(amount));
        }
    }
    paper.pair(format!("= {}", pen.say(words::EXPECTED)), pen.money(sums.expected));
    match drawer.counted {
        Some(counted) => paper.pair(format!("  {}", pen.say(words::COUNTED)), pen.money(counted)),
        None => paper.pair(format!("  {}", pen.say(words::COUNTED)), pen.say(words::NOT_COUNTED)),
    };
    if let Some(difference) = drawer.difference {
        let word = match difference.0 {
            0 => words::EVEN,
            1.. => words::OVER,
            _ => words::SHORT,
        };
        let label = format!("  {} = {}", pen.say(word), pen.say(words::COUNT_FORMULA));
        paper.styled_pair(label, pen.money(difference), Style::BOLD);
    }
}

/// The notes and coins behind a count: value, how many, what they make.
pub(super) fn notes(paper: &mut Document, pen: Pen, drawer: &DrawerView) {
    if drawer.denominations.is_empty() {
        return;
    }
    let mut table = Table::of_figures([pen.say(words::NOTES), "", ""]);
    for note in &drawer.denominations {
        table.row([pen.money(note.value), format!("x {}", note.count), pen.money_or(note.total())]);
    }
    paper.text("").table(table);
}

/// What the counted drawers of closed shifts make together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// How many drawers.
    pub drawers: usize,
    /// Σ counted − float: what goes to the safe while the floats stay. A drawer that was handed over is counted as the next
    /// one's float, so that the sum holds over hand-overs. `None` where it does not fit.
    pub to_hand_in: Option<Minor>,
    /// Σ over and short.
    pub over_short: Option<Minor>,
}

/// Sums over the closed shifts' drawers; over and short of the others is booked when they close.
pub(super) fn counted(shifts: &[ShiftView]) -> Counted {
    let nothing = Counted { drawers: 0, to_hand_in: Some(Minor::ZERO), over_short: Some(Minor::ZERO) };
    let drawers = shifts.iter().filter(|shift| shift.closed).flat_map(|shift| &shift.drawers);
    drawers.fold(nothing, |so_far, drawer| {
        let Some(counted) = drawer.counted else { return so_far };
        let add = |sum: Option<Minor>, more: Option<Minor>| sum?.checked_add(more?);
        Counted {
            drawers: so_far.drawers + 1,
            to_hand_in: add(so_far.to_hand_in, counted.checked_sub(drawer.sums.float)),
            over_short: add(so_far.over_short, Some(drawer.difference.unwrap_or_default())),
        }
    })
}
