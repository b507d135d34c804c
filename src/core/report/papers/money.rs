//! What becomes of the day's money: expected fees and arrivals by batch, coupons by who bears them, transfers. Each figure with its
//! formula; figures are taken from the day, none is made here.

use super::{Pen, words};
use crate::core::domain::Minor;
use crate::core::ports::DayView;
use crate::core::report::doc::{Document, Style, Table};

/// Gross − fee = net, by batch and day of arrival.
pub(super) fn fees(paper: &mut Document, pen: Pen, day: &DayView) {
    let fees = &day.fees;
    if fees.lines.is_empty() {
        return;
    }
    let headers = [words::GROSS, words::FEE, words::ARRIVES_NET].map(|word| pen.say(word));
    let mut table = Table::of_figures([""].into_iter().chain(headers));
    for line in &fees.lines {
        let arrival = match (&line.wait, line.arrives) {
            (Some(wait), Some(day)) => format!("{wait} {day}"),
            _ => pen.say(words::NO_FEE_LINE).to_owned(),
        };
        table.row([
            format!("{}\n{arrival}", line.label.in_lang(pen.lang)),
            format!("{}\n{}", pen.money(line.gross), pen.times(line.count)),
            pen.minus(line.fee),
            pen.money(line.net),
        ]);
    }
    table.total([
        pen.say(words::TOTAL).to_owned(),
        format!("{}\n{}", pen.money(fees.gross), pen.times(fees.count)),
        pen.minus(fees.fee),
        pen.money(fees.net),
    ]);
    paper.heading(pen.say(words::FEES)).table(table);
    paper.text(pen.say(words::FEE_FORMULA));
    if fees.unpriced > 0 {
        let label = format!("{} {}", pen.say(words::UNPRICED), pen.times(fees.unpriced));
        pen.bold(paper, label);
    }
}

/// Coupons by who bears them.
pub(super) fn coupons(paper: &mut Document, pen: Pen, day: &DayView) {
    if day.coupons.iter().all(|line| line.funder == "unstated") {
        return;
    }
    paper.heading(pen.say(words::COUPONS_BY_BEARER));
    for line in &day.coupons {
        let count = line.columns.sale.count;
        let label = format!("{} {}", pen.say_or(words::funder(&line.funder), &line.funder), pen.times(count));
        paper.pair(label, pen.money(line.net));
    }
}

/// Transfers of the day and those that are not ended.
pub(super) fn transfers(paper: &mut Document, pen: Pen, day: &DayView) {
    if day.transfers.is_empty() {
        return;
    }
    paper.heading(pen.say(words::TRANSFERS));
    for line in &day.transfers {
        let step = words::step(line.step).of(pen.lang);
        paper.pair(format!("{} {} {}", line.payment, line.name, step), pen.money(line.amount));
    }
    if day.set_aside != Minor::ZERO {
        paper.styled_pair(pen.say(words::SET_ASIDE_FUNDS), pen.money(day.set_aside), Style::BOLD);
        paper.text(pen.say(words::SET_ASIDE_NOTE));
    }
}
