//! The day report's lists: shifts and drawers, batches, and everything that is not plain takings, one by one.
//!
//! A part with nothing in it is left out; only "pending" says so, because a manager looks for it. Refunds, voids and sales
//! that wait are bounded: beyond the bound one line says how many there are and what they make, so that the list still adds
//! up. What is undecided or explains a difference is never shortened.

use super::{DayReportKind, Pen, drawers, refused, words};
use crate::core::domain::{CashierId, Minor, State, TerminalId};
use crate::core::journal::Column;
use crate::core::ports::{DayView, OfflineView, PendingView, ReturnView, SettlementView, ShiftView, VoucherView};
use crate::core::report::doc::{Document, Rule, Style, Table};

/// Most refunds, voids or waiting sales printed one by one: some 3 m of paper. CSV and JSON have them all.
const LONGEST_LIST: usize = 400;
/// Most exceptions printed: they stand open until somebody decides, and say nothing of this day's money.
const MOST_EXCEPTIONS: usize = 30;

/// Every shift that was open on the day, with its drawers.
pub(super) fn drawers(paper: &mut Document, pen: Pen, day: &DayView, kind: DayReportKind) {
    if day.shifts.is_empty() {
        return;
    }
    paper.heading(pen.say(words::DRAWERS));
    for (index, shift) in day.shifts.iter().enumerate() {
        if index > 0 {
            paper.text("");
        }
        paper.styled_pair(shift_name(pen, day, shift), open_mark(pen, shift, kind), Style::BOLD);
        if shift.forgotten {
            pen.bold(paper, format!("  {}", pen.say(words::FORGOTTEN)));
        }
        if let Some(by) = shift.closed_by.as_ref().filter(|by| **by != shift.cashier) {
            paper.text(format!("  {} {by}", pen.say(words::CLOSED_BY)));
        }
        if shift.to_sign {
            pen.bold(paper, format!("  {}", pen.say(words::TO_SIGN)));
        }
        if shift.drawers.is_empty() {
            paper.text(format!("  {}", pen.say(words::NO_DRAWER)));
        }
        for drawer in &shift.drawers {
            paper.text(format!("  {}", drawer.sums.device));
            drawers::drawer(paper, pen, drawer, drawers::Lines::Telling);
            if !shift.closed && drawer.counted.is_some() {
                paper.text(format!("  {}", pen.say(words::BOOKED_AT_CLOSE)));
            }
        }
    }
    let sums = drawers::counted(&day.shifts);
    if sums.drawers > 1 {
        paper.text("");
        paper.styled_pair(pen.say(words::OVER_SHORT), pen.money_or(sums.over_short), Style::BOLD);
    }
}

fn shift_name(pen: Pen, day: &DayView, shift: &ShiftView) -> String {
    let id = shift.cashier.as_str();
    let name = day.by_cashier.iter().find(|group| group.id == id).map_or("", |group| group.name.as_str());
    format!("{} {}  {id} {name}", pen.say(words::SHIFT), shift.shift).trim_end().to_owned()
}

fn open_mark(pen: Pen, shift: &ShiftView, kind: DayReportKind) -> &'static str {
    match (shift.closed, kind) {
        (true, _) => "",
        (false, DayReportKind::Z) => pen.say(words::CARRIED),
        (false, DayReportKind::X) => pen.say(words::STILL_OPEN),
    }
}

/// Each batch: what was sent as its totals, the acquirer's result, and what of it belongs to this day.
pub(super) fn settlement(paper: &mut Document, pen: Pen, day: &DayView) {
    if day.settlement.is_empty() {
        return;
    }
    let headers = [words::DEBIT, words::CREDIT, words::PART].map(|word| pen.say(word));
    let mut table = Table::of_figures([""].into_iter().chain(headers));
    for batch in &day.settlement {
        let part = &batch.part;
        let count = [part.sale, part.refund, part.void].iter().map(|tally| u128::from(tally.count)).sum::<u128>();
        let count = pen.times(u64::try_from(count).unwrap_or(u64::MAX));
        let result = pen.say_or(words::result(&batch.result), &batch.result);
        table.row([
            format!("{}\n{}\n{result}", batch.terminal, batch.batch),
            pen.figure(batch.debit, false),
            pen.figure(batch.credit, true),
            format!("{}\n{count}", pen.money_or(part.net())),
        ]);
    }
    paper.heading(pen.say(words::SETTLEMENT)).table(table);
    for batch in &day.settlement {
        notes(paper, pen, batch);
    }
}

fn notes(paper: &mut Document, pen: Pen, batch: &SettlementView) {
    let note = match batch.result.as_str() {
        "unbalanced" => words::UNBALANCED_NOTE,
        "error" => words::ERROR_NOTE,
        "unconfirmed" => words::UNCONFIRMED_NOTE,
        _ => return,
    };
    let text = format!("{} {}: {}", batch.terminal, batch.batch, pen.say(note));
    pen.bold(paper, text);
    for differ in batch.differs.iter().take(LONGEST_LIST) {
        let (kind, state) = (pen.say(words::kind(differ.kind)), pen.say(words::state(differ.state)));
        paper.pair(format!("{} {kind} {state}", differ.stan), pen.money(differ.amount));
    }
}

/// What became of the sales taken offline, and those that wait.
pub(super) fn offline(paper: &mut Document, pen: Pen, day: &DayView) {
    let counts = &day.offline;
    if *counts != OfflineView::default() {
        paper.heading(pen.say(words::OFFLINE));
        let elsewhere = [counts.forwarded, counts.rejected, counts.waiting];
        let voided = elsewhere.into_iter().fold(counts.stored, u64::saturating_sub);
        let lines = [
            (words::OFFLINE_STORED, counts.stored, true),
            (words::OFFLINE_FORWARDED, counts.forwarded, true),
            (words::OFFLINE_REJECTED, counts.rejected, true),
            (words::OFFLINE_VOIDED, voided, voided > 0),
            (words::OFFLINE_WAITING, counts.waiting, true),
        ];
        for (word, count, _) in lines.into_iter().filter(|(.., shown)| *shown) {
            paper.pair(pen.say(word), pen.many(count));
        }
    }
    let waiting: Vec<&PendingView> = day.pending.iter().filter(|p| is_stored(p)).collect();
    if !waiting.is_empty() {
        paper.heading(pen.say(words::OFFLINE_LIST));
        undecided(paper, pen, &waiting, LONGEST_LIST);
    }
}

fn is_stored(pending: &PendingView) -> bool {
    matches!(pending.state, State::Stored | State::SetAside)
}

/// 待定: what is in no total because nobody knows yet.
pub(super) fn pending(paper: &mut Document, pen: Pen, day: &DayView) {
    let unknown: Vec<&PendingView> = day.pending.iter().filter(|p| !is_stored(p)).collect();
    paper.heading(pen.say(words::PENDING));
    if unknown.is_empty() {
        paper.text(pen.say(words::NONE));
    } else {
        undecided(paper, pen, &unknown, usize::MAX);
        paper.text(pen.say(words::PENDING_NOTE));
    }
}

fn undecided(paper: &mut Document, pen: Pen, list: &[&PendingView], bound: usize) {
    for item in list.iter().take(bound) {
        let (method, kind) = (words::method(item.method), words::kind(item.kind));
        let what = match item.state {
            State::Stored | State::SetAside => pen.say(words::state(item.state)).to_owned(),
            state => format!("{} {}", pen.what(method, kind), pen.say(words::state(state))),
        };
        let card = item.masked_pan.as_deref().unwrap_or("");
        entry(paper, (&item.payment, &what, pen.money(item.amount)), (&item.cashier, &item.device, card));
    }
    let amounts: Vec<Minor> = list.iter().map(|item| item.amount).collect();
    sums(paper, pen, &amounts, bound, false);
}

/// Refunds and voids.
pub(super) fn returns(paper: &mut Document, pen: Pen, day: &DayView) {
    for (column, heading) in [(Column::Refund, words::REFUNDS), (Column::Void, words::VOIDS)] {
        let list: Vec<&ReturnView> = day.returns.iter().filter(|item| item.column == column).collect();
        if list.is_empty() {
            continue;
        }
        paper.heading(pen.say(heading));
        for item in list.iter().take(LONGEST_LIST) {
            let original = item.original.as_ref().map(|original| format!("{} {original}", pen.say(words::ORIGINAL)));
            let method = pen.say(words::method(item.method));
            let first = (item.payment.as_str(), method, pen.minus(item.amount));
            let more = [original.as_deref(), item.masked_pan.as_deref()].into_iter().flatten().collect::<Vec<_>>();
            entry(paper, first, (&item.cashier, &item.device, &more.join(" ")));
        }
        let amounts: Vec<Minor> = list.iter().map(|item| item.amount).collect();
        sums(paper, pen, &amounts, LONGEST_LIST, true);
    }
}

/// Vouchers, each with the day of the payment it corrects; refused stored sales have a list of their own.
pub(super) fn vouchers(paper: &mut Document, pen: Pen, day: &DayView) {
    let list: Vec<&VoucherView> = day.vouchers.iter().filter(|item| !refused::is_refused(item)).collect();
    if list.is_empty() {
        return;
    }
    paper.heading(pen.say(words::VOUCHER_LIST));
    for item in &list {
        let why = pen.say_or(words::voucher(&item.why), &item.why);
        let of = format!("{} {}", pen.say(words::OF_DAY), item.business_date);
        entry(paper, (&item.payment, why, pen.money(item.amount)), (&item.cashier, &item.device, &of));
    }
    let amounts: Vec<Minor> = list.iter().map(|item| item.amount).collect();
    sums(paper, pen, &amounts, usize::MAX, false);
}

/// What waits for a named person.
pub(super) fn exceptions(paper: &mut Document, pen: Pen, day: &DayView) {
    if day.exceptions.is_empty() {
        return;
    }
    paper.heading(pen.say(words::EXCEPTIONS));
    for exception in day.exceptions.iter().take(MOST_EXCEPTIONS) {
        paper.text(exception.message.in_lang(pen.lang));
        let payment = exception.payment.as_deref().unwrap_or("");
        paper.text(format!("    {} {payment}", exception.opened));
    }
    if let Some(more) = day.exceptions.len().checked_sub(MOST_EXCEPTIONS).filter(|more| *more > 0) {
        paper.text(words::more(pen.lang, more));
    }
}

/// One payment in two lines: what and how much; under it who, where, and what else is to say.
pub(super) fn entry(paper: &mut Document, first: (&str, &str, String), second: (&CashierId, &TerminalId, &str)) {
    let (payment, what, amount) = first;
    let (cashier, device, more) = second;
    paper.pair(format!("{payment}  {what}"), amount);
    paper.text(format!("  {cashier} {device}  {more}").trim_end());
}

/// The lines below a list: what was left out, and what all of it makes.
pub(super) fn sums(paper: &mut Document, pen: Pen, amounts: &[Minor], bound: usize, minus: bool) {
    let sum = |amounts: &[Minor]| amounts.iter().try_fold(Minor::ZERO, |sum, amount| sum.checked_add(*amount));
    let text = |sum: Option<Minor>| match sum {
        Some(sum) if minus => pen.minus(sum),
        sum => pen.money_or(sum),
    };
    if let Some(rest) = amounts.get(bound..).filter(|rest| !rest.is_empty()) {
        paper.pair(words::more(pen.lang, rest.len()), text(sum(rest)));
    }
    paper.rule(Rule::Single);
    let label = format!("{} {}", pen.say(words::TOTAL), pen.times(amounts.len() as u64));
    paper.styled_pair(label, text(sum(amounts)), Style::BOLD);
}
