//! The day report's cases 挂账: what differs between the other side's statements and the journal and is not resolved, and what was resolved on this
//! day. These are the long and short of the books, not of the drawers: the formula stands beside them.

use super::{Pen, words};
use crate::core::ports::{CaseLine, DayView};
use crate::core::report::doc::{Document, Rule, Style};
use crate::core::suspense::CaseState;

/// So many cases are printed one by one, of each sort; the sum is over all.
const PRINTED: usize = 60;

/// Nothing where there are none.
pub(super) fn cases(paper: &mut Document, pen: Pen, day: &DayView) {
    let cases = &day.cases;
    let (done, open): (Vec<&CaseLine>, Vec<&CaseLine>) =
        cases.items.iter().partition(|case| case.state == CaseState::Resolved);
    if cases.unresolved.count > 0 {
        paper.heading(pen.say(words::CASES));
        paper.text(pen.say(words::CASES_FORMULA));
        list(paper, pen, &open, cases.unresolved.count);
        paper.rule(Rule::Single);
        let label = format!("{} {}", pen.say(words::TOTAL), pen.times(cases.unresolved.count));
        paper.styled_pair(label, pen.money(cases.unresolved.amount), Style::BOLD);
    }
    if cases.resolved > 0 {
        paper.heading(pen.say(words::CASES_RESOLVED));
        list(paper, pen, &done, cases.resolved);
    }
}

fn list(paper: &mut Document, pen: Pen, list: &[&CaseLine], all: u64) {
    for case in list.iter().take(PRINTED) {
        let class = pen.say(words::class(case.class));
        let what = format!("#{} {class} {}", case.id, case.payment.as_deref().unwrap_or("-"));
        paper.pair(what, pen.money(case.difference));
        let how = case.how.map_or_else(|| pen.say(words::case_state(case.state)), |how| pen.say(words::case_how(how)));
        let by = case.by.as_ref().map_or("", |by| by.as_str());
        let who = case.cashier.as_ref().map_or("-", |c| c.as_str());
        let device = case.device.as_ref().map_or("-", |d| d.as_str());
        let age = format!("{}{}", case.age_days, pen.say(words::CASE_DAYS));
        paper.text(format!("  {who} {device}  {}  {age}  {how} {by}", case.day).trim_end());
    }
    let more = usize::try_from(all).unwrap_or(usize::MAX).saturating_sub(list.len().min(PRINTED));
    if more > 0 {
        paper.text(words::more(pen.lang, more));
    }
}
