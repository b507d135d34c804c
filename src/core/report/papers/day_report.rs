//! The day report: what a store manager signs at the end of a day (Z), or looks at in the middle of one (X).
//!
//! From the top: whose day it is; its net; the tables; the line that proves them equal; drawers; settlement; then everything
//! that is not plain takings, one by one; the check code, and a line to sign on.

use super::cross_foot::{self, group_columns};
use super::{Pen, acts, cases, day_lists, drawers, money, refused, reversals, unsettled, words};
use crate::core::domain::{Lang, Method};
use crate::core::journal::Columns;
use crate::core::ports::{DayView, GroupView};
use crate::core::report::doc::{Document, Element, Rule, Style, Table};
use crate::core::totals;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayReportKind {
    /// 班中报表: the day so far. Closes nothing.
    X,
    /// 日结单: a day that is cut.
    Z,
}

/// The report of a day. `reprint` is 0 for the first print, else the how-manyeth reprint it is; `printed_at` is local time,
/// ready to print.
#[must_use]
pub fn day_report(day: &DayView, kind: DayReportKind, lang: Lang, reprint: u32, printed_at: &str) -> Document {
    let pen = Pen { lang, currency: day.currency };
    let vouchers = cross_foot::has_vouchers(day);
    let mut paper = Document::new(lang);
    head(&mut paper, pen, day, kind, reprint, printed_at);
    summary(&mut paper, pen, day, vouchers);
    groups(&mut paper, pen, words::BY_CASHIER, &day.by_cashier, vouchers);
    groups(&mut paper, pen, words::BY_DEVICE, &day.by_device, vouchers);
    methods(&mut paper, pen, day, vouchers);
    channels(&mut paper, pen, day, vouchers);
    part(&mut paper, pen, words::MATRIX, cross_foot::matrix(pen, day));
    cross_foot::proof(&mut paper, pen, day);
    part(&mut paper, pen, words::BRIDGE, cross_foot::bridge(pen, day, vouchers));
    day_lists::drawers(&mut paper, pen, day, kind);
    day_lists::settlement(&mut paper, pen, day);
    unsettled::unsettled(&mut paper, pen, day);
    money::fees(&mut paper, pen, day);
    money::coupons(&mut paper, pen, day);
    money::transfers(&mut paper, pen, day);
    day_lists::offline(&mut paper, pen, day);
    refused::refused(&mut paper, pen, day);
    day_lists::pending(&mut paper, pen, day);
    reversals::reversals(&mut paper, pen, day);
    day_lists::returns(&mut paper, pen, day);
    day_lists::vouchers(&mut paper, pen, day);
    cases::cases(&mut paper, pen, day);
    acts::acts(&mut paper, pen, day);
    day_lists::exceptions(&mut paper, pen, day);
    foot(&mut paper, pen, day, kind, reprint);
    paper
}

/// What the QR code of a sealed day says: `tilld:1:STORE:Z:CODE`. `None` until the day is sealed.
#[must_use]
pub fn check_text(day: &DayView) -> Option<String> {
    day.check_code.as_ref().map(|code| format!("tilld:1:{}:{}:{code}", day.store, day.z_number))
}

fn head(paper: &mut Document, pen: Pen, day: &DayView, kind: DayReportKind, reprint: u32, printed_at: &str) {
    paper.title(match kind {
        DayReportKind::Z => format!("{} {:04}", pen.say(words::Z_TITLE), day.z_number),
        DayReportKind::X => pen.say(words::X_TITLE).to_owned(),
    });
    paper.centred(&day.store_name, Style::TALL);
    pen.reprint(paper, reprint);
    if kind == DayReportKind::X {
        paper.centred(pen.say(words::X_NOTE), Style::BOLD);
    }
    paper.push(Element::Feed(1));
    paper.pair(pen.say(words::STORE), &day.store);
    paper.pair(pen.say(words::DAY), day.business_date.to_string());
    paper.pair(pen.say(words::SEQUENCE), format!("{} - {}", day.first_seq, day.last_seq));
    paper.pair(pen.say(words::STATE), pen.say_or(words::rung(&day.state), &day.state));
    paper.pair(pen.say(words::PRINTED), printed_at);
}

/// The figure that the paper is for, what it is made of, the cash that goes to the safe.
fn summary(paper: &mut Document, pen: Pen, day: &DayView, vouchers: bool) {
    paper.rule(Rule::Double);
    paper.centred(format!("{} {}", pen.say(words::NET_OF_DAY), day.currency.alpha()), Style::PLAIN);
    paper.title(pen.money(day.net));
    paper.rule(Rule::Double);
    let mut table = Table::of_figures(["", "", ""]);
    let all = &day.totals;
    let lines = [
        (words::SALE, all.sale, false, true),
        (words::REFUND, all.refund, true, true),
        (words::VOID, all.void, true, true),
        (words::VOUCHERS, all.vouchers, false, vouchers),
    ];
    for (word, tally, minus, _) in lines.into_iter().filter(|(.., shown)| *shown) {
        let amount = if minus { pen.minus(tally.amount) } else { pen.money(tally.amount) };
        table.row([pen.say(word).to_owned(), pen.times(tally.count), amount]);
    }
    paper.table(table);
    let cash = drawers::counted(&day.shifts);
    if cash.drawers > 0 {
        paper.rule(Rule::Single);
        paper.styled_pair(pen.say(words::CASH_TO_HAND_IN), pen.money_or(cash.to_hand_in), Style::TALL);
        paper.text(pen.say(words::CASH_FORMULA));
    }
    paper.rule(Rule::Single);
    paper.pair(pen.say(words::GRAND_TOTAL), pen.money(day.grand_total));
}

/// A table under its heading; nothing where it has no rows but its sum.
fn part(paper: &mut Document, pen: Pen, heading: words::Word, table: Table) {
    if table.rows.iter().any(|row| !row.total) {
        paper.heading(pen.say(heading)).table(table);
    }
}

fn groups(paper: &mut Document, pen: Pen, heading: words::Word, groups: &[GroupView], vouchers: bool) {
    let named = |group: &GroupView| match group.name.is_empty() {
        true => group.id.clone(),
        false => format!("{}\n{}", group.id, group.name),
    };
    part(paper, pen, heading, group_table(pen, groups, vouchers, named));
}

fn methods(paper: &mut Document, pen: Pen, day: &DayView, vouchers: bool) {
    let named = |group: &GroupView| {
        let method = Method::parse(&group.id).map(words::method);
        pen.say_or(method, &group.id).to_owned()
    };
    part(paper, pen, words::BY_METHOD, group_table(pen, &day.by_method, vouchers, named));
}

/// Where every payment of a method has one channel the table says nothing that the methods do not.
fn channels(paper: &mut Document, pen: Pen, day: &DayView, vouchers: bool) {
    if day.by_channel.len() <= day.by_method.len() {
        return;
    }
    let named = |group: &GroupView| pen.say_or(words::channel(&group.id), &group.id).to_owned();
    part(paper, pen, words::BY_CHANNEL, group_table(pen, &day.by_channel, vouchers, named));
}

fn group_table(pen: Pen, groups: &[GroupView], vouchers: bool, named: impl Fn(&GroupView) -> String) -> Table {
    let mut table = Table::of_figures(pen.headers("", vouchers));
    for group in groups {
        table.row(pen.cells(named(group), &group_columns(group), Some(group.net), vouchers));
    }
    let sum: Option<Columns> = totals::sum(groups.iter().map(group_columns));
    let net = sum.and_then(|sum| sum.net());
    table.total(pen.cells(pen.say(words::TOTAL).to_owned(), &sum.unwrap_or_default(), net, vouchers));
    table
}

fn foot(paper: &mut Document, pen: Pen, day: &DayView, kind: DayReportKind, reprint: u32) {
    paper.push(Element::Feed(1)).rule(Rule::Double);
    if kind == DayReportKind::X {
        paper.centred(pen.say(words::X_NOTE), Style::PLAIN);
    } else if let (Some(code), Some(text)) = (&day.check_code, check_text(day)) {
        paper.push(Element::Feed(1)).push(Element::Qr(text));
        paper.centred(pen.say(words::CHECK_CODE), Style::PLAIN);
        paper.centred(code, Style::BOLD);
    } else {
        paper.centred(pen.say(words::NOT_SEALED), Style::PLAIN);
    }
    if kind == DayReportKind::Z {
        pen.sign(paper, words::MANAGER_SIGNS);
    }
    if reprint > 0 {
        paper.push(Element::Feed(1));
        pen.reprint(paper, reprint);
    }
    paper.push(Element::Feed(1)).push(Element::Cut);
}
