//! The control line (law 4): the tables are added up here, from what is printed, and compared in every column. The report
//! does not take the ledger's word for it.

use std::collections::BTreeMap;

use super::{Pen, words};
use crate::core::domain::{Lang, Minor};
use crate::core::journal::{Columns, Tally};
use crate::core::ports::{BridgeLine, CellView, DayView, GroupView};
use crate::core::report::doc::{Document, Style, Table};
use crate::core::totals;

/// One of the sums that must be equal.
#[derive(Debug, Clone, Copy)]
struct Sum {
    word: words::Word,
    columns: Option<Columns>,
}

/// A group's four columns.
pub(super) fn group_columns(group: &GroupView) -> Columns {
    Columns { sale: group.sale, refund: group.refund, void: group.void, vouchers: group.vouchers }
}

/// A cell's four columns.
pub(super) fn cell_columns(cell: &CellView) -> Columns {
    Columns { sale: cell.sale, refund: cell.refund, void: cell.void, vouchers: cell.vouchers }
}

fn sums(day: &DayView) -> [Sum; 5] {
    let of = |groups: &[GroupView]| totals::sum(groups.iter().map(group_columns));
    [
        Sum { word: words::SUM_CASHIERS, columns: of(&day.by_cashier) },
        Sum { word: words::SUM_DEVICES, columns: of(&day.by_device) },
        Sum { word: words::SUM_METHODS, columns: of(&day.by_method) },
        Sum { word: words::SUM_MATRIX, columns: totals::sum(day.matrix.iter().map(cell_columns)) },
        Sum { word: words::SUM_BRIDGE, columns: totals::sum(day.bridge.iter().map(|line| line.columns)) },
    ]
}

/// Every row of every table with its net, which must be that of its columns.
fn rows(day: &DayView) -> impl Iterator<Item = (&str, Columns, Minor)> {
    let groups = day.by_cashier.iter().chain(&day.by_device).chain(&day.by_method);
    let groups = groups.map(|group| (group.id.as_str(), group_columns(group), group.net));
    let cells = day.matrix.iter().map(|cell| (cell.cashier.as_str(), cell_columns(cell), cell.net));
    let lines = day.bridge.iter().map(|line| (line.line.as_str(), line.columns, line.net));
    groups.chain(cells).chain(lines).chain([("", day.totals, day.net)])
}

/// The equal sums, what differs, and the verdict.
pub(super) fn proof(paper: &mut Document, pen: Pen, day: &DayView) {
    paper.heading(pen.say(words::CROSS_FOOT));
    let mut equal = true;
    for (index, sum) in sums(day).iter().enumerate() {
        let sign = if index == 0 { " " } else { "=" };
        let net = sum.columns.and_then(|columns| columns.net());
        paper.pair(format!("{sign} {}", pen.say(sum.word)), pen.money_or(net));
        if sum.columns != Some(day.totals) {
            equal = false;
            sum.columns.iter().for_each(|columns| differences(paper, pen, columns, &day.totals));
        }
    }
    for (id, columns, net) in rows(day).filter(|(_, columns, net)| columns.net() != Some(*net)) {
        equal = false;
        let label = format!("    {} {} {id}", pen.say(words::DIFFERENCE), pen.say(words::NET));
        let difference = columns.net().and_then(|right| net.checked_sub(right));
        paper.styled_pair(label, pen.money_or(difference), Style::BOLD);
    }
    let verdict = match (equal, day.cross_foot) {
        (true, true) => words::FOOTS,
        (true, false) => words::FOOTS_NOT_ELSEWHERE,
        (false, _) => words::FOOTS_NOT,
    };
    paper.text("").centred(pen.say(verdict), if verdict == words::FOOTS { Style::BOLD } else { Style::TALL });
}

/// What a sum has more (or less) than the day, column by column.
fn differences(paper: &mut Document, pen: Pen, sum: &Columns, day: &Columns) {
    let columns = [
        (words::SALE, sum.sale, day.sale),
        (words::REFUND, sum.refund, day.refund),
        (words::VOID, sum.void, day.void),
        (words::VOUCHERS, sum.vouchers, day.vouchers),
    ];
    for (word, sum, day) in columns.into_iter().filter(|(_, sum, day)| sum != day) {
        let count = i128::from(sum.count) - i128::from(day.count);
        let unit = if pen.lang == Lang::Zh { "笔" } else { "" };
        let label = format!("    {} {} {count:+}{unit}", pen.say(words::DIFFERENCE), pen.say(word));
        paper.styled_pair(label, pen.money_or(sum.amount.checked_sub(day.amount)), Style::BOLD);
    }
}

/// Every line between the tables and the batches, and what they make.
pub(super) fn bridge(pen: Pen, day: &DayView, vouchers: bool) -> Table {
    let mut table = Table::of_figures(pen.headers("", vouchers));
    for line in &day.bridge {
        table.row(pen.cells(name(pen, line), &line.columns, Some(line.net), vouchers));
    }
    let sum = totals::sum(day.bridge.iter().map(|line| line.columns));
    let net = sum.and_then(|sum| sum.net());
    table.total(pen.cells(pen.say(words::TOTAL).to_owned(), &sum.unwrap_or_default(), net, vouchers));
    table
}

/// The line's name, short enough to stand beside four figures; one that is not known here has its own label.
fn name(pen: Pen, line: &BridgeLine) -> String {
    if let Some((terminal, batch)) = line.line.strip_prefix("batch:").and_then(|rest| rest.rsplit_once(':')) {
        return format!("{terminal}\n{batch}");
    }
    let word = match line.line.as_str() {
        "cash" => words::CASH,
        "coupon" => words::COUPONS,
        "waiting" => words::WAITING,
        "voided_before_sending" => words::VOIDED_BEFORE,
        "refused_offline" => words::REFUSED_OFFLINE,
        "vouchers" => words::VOUCHERS,
        _ => return line.label.in_lang(pen.lang).to_owned(),
    };
    pen.say(word).to_owned()
}

/// Whether the day has vouchers anywhere: else their column is left out.
pub(super) fn has_vouchers(day: &DayView) -> bool {
    let nothing = Tally::default();
    let groups = day.by_cashier.iter().chain(&day.by_device).chain(&day.by_method).map(|group| group.vouchers);
    let cells = day.matrix.iter().map(|cell| cell.vouchers);
    let lines = day.bridge.iter().map(|line| line.columns.vouchers);
    groups.chain(cells).chain(lines).chain([day.totals.vouchers]).any(|tally| tally != nothing)
}

/// Net by cashier and device, nothing where a cashier never worked at a device.
pub(super) fn matrix(pen: Pen, day: &DayView) -> Table {
    let mut cells: BTreeMap<(&str, &str), Option<Minor>> = BTreeMap::new();
    let mut by_cashier: BTreeMap<&str, Option<Minor>> = BTreeMap::new();
    let mut by_device: BTreeMap<&str, Option<Minor>> = BTreeMap::new();
    let mut all = Some(Minor::ZERO);
    let add = |sum: &mut Option<Minor>, net: Minor| *sum = sum.and_then(|sum| sum.checked_add(net));
    for cell in &day.matrix {
        let (cashier, device) = (cell.cashier.as_str(), cell.device.as_str());
        add(cells.entry((cashier, device)).or_insert(Some(Minor::ZERO)), cell.net);
        add(by_cashier.entry(cashier).or_insert(Some(Minor::ZERO)), cell.net);
        add(by_device.entry(device).or_insert(Some(Minor::ZERO)), cell.net);
        add(&mut all, cell.net);
    }
    let sum = pen.say(words::SUM);
    let mut table = Table::of_figures([""].into_iter().chain(by_device.keys().copied()).chain([sum]));
    for (cashier, sum) in &by_cashier {
        let at =
            |device: &&str| cells.get(&(*cashier, *device)).map_or_else(|| "-".to_owned(), |net| pen.money_or(*net));
        let row = by_device.keys().map(at).chain([pen.money_or(*sum)]);
        table.row([(*cashier).to_owned()].into_iter().chain(row));
    }
    let below = by_device.values().chain([&all]).map(|sum| pen.money_or(*sum));
    table.total([pen.say(words::TOTAL).to_owned()].into_iter().chain(below));
    table
}
