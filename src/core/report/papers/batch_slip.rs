//! The slip of a settled batch: what both sides say of it, half by half (domestic and foreign cards).

use super::{Pen, SlipHead, words};
use crate::core::acquirer::{HostHalf, HostTotals, Verdict, Verdicts};
use crate::core::day::Batch;
use crate::core::domain::{BusinessDate, Lang, Minor};
use crate::core::journal::Tally;
use crate::core::ports::SettlementView;
use crate::core::report::doc::{Document, Element, Rule, Style, Table};

/// What the slip says beyond the day's view of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFacts {
    /// The merchant at the acquirer.
    pub mid: String,
    /// The terminal at the acquirer.
    pub tid: String,
    /// The totals that were asked about.
    pub totals: HostTotals,
    /// The acquirer's verdict on each half.
    pub verdicts: Option<Verdicts>,
    /// The acquirer's settlement date (F15), MMDD.
    pub settle_date: Option<String>,
    /// Records uploaded.
    pub uploaded: u16,
    /// Each business day's net in it.
    pub days: Vec<(BusinessDate, Option<Minor>)>,
}

impl BatchFacts {
    /// The facts of a batch of the terminal `tid` under the merchant `mid`.
    #[must_use]
    pub fn of(batch: &Batch, mid: &str, tid: &str) -> BatchFacts {
        BatchFacts {
            mid: mid.to_owned(),
            tid: tid.to_owned(),
            totals: batch.asked.map_or(batch.totals, |(_, totals)| totals),
            verdicts: batch.verdicts,
            settle_date: batch.settle_date.clone(),
            uploaded: batch.records,
            days: batch.parts.iter().map(|(date, part)| (*date, part.net())).collect(),
        }
    }
}

/// The slip of a batch. `reprint` is 0 for the first print, else the how-manyeth reprint it is.
#[must_use]
pub fn batch_slip(head: &SlipHead, batch: &SettlementView, facts: &BatchFacts, lang: Lang, reprint: u32) -> Document {
    let pen = Pen { lang, currency: head.currency };
    let mut paper = Document::new(lang);
    paper.title(head.store_name).centred(pen.say(words::BATCH_SLIP), Style::TALL);
    pen.reprint(&mut paper, reprint);
    paper.rule(Rule::Single);
    paper.pair(pen.say(words::MERCHANT), &facts.mid).pair(pen.say(words::TERMINAL), &facts.tid);
    paper.pair(pen.say(words::DEVICE), batch.terminal.as_str());
    paper.styled_pair(pen.say(words::BATCH_NUMBER), &batch.batch, Style::BOLD);
    if let Some(date) = &facts.settle_date {
        paper.pair(pen.say(words::SETTLE_DATE), month_and_day(date));
    }
    paper.pair(pen.say(words::RUNG), pen.say_or(words::batch_rung(&batch.rung), &batch.rung));
    paper.pair(pen.say(words::PRINTED), head.printed_at);
    paper.rule(Rule::Double);
    paper.title(match batch.result.as_str() {
        "balanced" => pen.say(words::AGREES),
        "unbalanced" => pen.say(words::AGREES_NOT),
        other => pen.say_or(words::result(other), other),
    });
    paper.rule(Rule::Double);
    half(&mut paper, pen, words::DOMESTIC, &facts.totals.domestic, facts.verdicts.map(|v| v.domestic));
    half(&mut paper, pen, words::FOREIGN, &facts.totals.foreign, facts.verdicts.map(|v| v.foreign));
    let mut table = Table::of_figures([""; 3]);
    line(pen, &mut table, words::DEBIT, batch.debit, false);
    line(pen, &mut table, words::CREDIT, batch.credit, true);
    let net = batch.debit.amount.checked_sub(batch.credit.amount);
    table.total([pen.say(words::NET).to_owned(), String::new(), pen.money_or(net)]);
    paper.heading(pen.say(words::TOTAL)).table(table);
    if !facts.days.is_empty() {
        paper.heading(pen.say(words::DAYS_IN_BATCH));
        for (date, net) in &facts.days {
            paper.pair(date.to_string(), pen.money_or(*net));
        }
    }
    if facts.uploaded > 0 {
        paper.text("").pair(pen.say(words::UPLOADED), pen.times(facts.uploaded.into()));
    }
    paper.push(Element::Feed(1)).push(Element::Cut);
    paper
}

/// `0315` as `03-15`.
fn month_and_day(date: &str) -> String {
    date.split_at_checked(2).map_or_else(|| date.to_owned(), |(month, day)| format!("{month}-{day}"))
}

fn half(paper: &mut Document, pen: Pen, word: words::Word, half: &HostHalf, verdict: Option<Verdict>) {
    if *half == HostHalf::default() && verdict.is_none_or(|verdict| verdict == Verdict::Balanced) {
        return;
    }
    paper.heading(pen.say(word));
    let mut table = Table::of_figures([""; 3]);
    line(pen, &mut table, words::DEBIT, Tally { count: half.debit_count.into(), amount: half.debit }, false);
    line(pen, &mut table, words::CREDIT, Tally { count: half.credit_count.into(), amount: half.credit }, true);
    paper.table(table);
    let verdict = pen.say(verdict.map_or(words::UNCONFIRMED, words::verdict));
    paper.styled_pair(pen.say(words::RESULT), verdict, Style::BOLD);
}

fn line(pen: Pen, table: &mut Table, word: words::Word, tally: Tally, minus: bool) {
    let amount = if minus { pen.minus(tally.amount) } else { pen.money(tally.amount) };
    table.row([pen.say(word).to_owned(), pen.times(tally.count), amount]);
}
