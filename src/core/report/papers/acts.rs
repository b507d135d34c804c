//! What people did on the day that is no payment of its own: drawers opened without a sale, what managers let pass, what was printed again.

use super::{Pen, words};
use crate::core::domain::read_json;
use crate::core::ports::{ActView, DayView};
use crate::core::report::doc::Document;

/// Most of each printed one by one; CSV and JSON have them all.
const LONGEST_LIST: usize = 200;

/// The three lists; one with nothing in it is left out.
pub(super) fn acts(paper: &mut Document, pen: Pen, day: &DayView) {
    list(paper, pen, words::OPENINGS, &day.drawer_openings, |act| {
        act.device.as_ref().map_or_else(String::new, ToString::to_string)
    });
    list(paper, pen, words::OVERRIDES, &day.overrides, |act| override_text(pen, act));
    list(paper, pen, words::REPRINTS, &day.reprints, |act| reprint_text(pen, act));
}

fn list(paper: &mut Document, pen: Pen, heading: words::Word, acts: &[ActView], text: impl Fn(&ActView) -> String) {
    if acts.is_empty() {
        return;
    }
    paper.heading(format!("{} {}", pen.say(heading), pen.times(acts.len() as u64)));
    for act in acts.iter().take(LONGEST_LIST) {
        let who = act.by.as_ref().map_or(pen.say(words::BY_NOBODY), |by| by.as_str());
        let line = format!("#{} {who}  {}", act.seq, text(act));
        match act.amount {
            Some(amount) => paper.pair(line.trim_end(), pen.money(amount)),
            None => paper.text(line.trim_end()),
        };
    }
    if let Some(more) = acts.len().checked_sub(LONGEST_LIST).filter(|more| *more > 0) {
        paper.text(words::more(pen.lang, more));
    }
}

fn override_text(pen: Pen, act: &ActView) -> String {
    let what = match act.what.as_str() {
        "approved" => pen.say(words::ACT_APPROVED),
        "shift_closed" => pen.say(words::ACT_SHIFT_CLOSED),
        "resolved" => pen.say(words::ACT_RESOLVED),
        other => other,
    };
    let parts = [
        Some(what),
        act.about.as_deref(),
        act.payment.as_deref(),
        act.cashier.as_ref().map(|cashier| cashier.as_str()),
        act.device.as_ref().map(|device| device.as_str()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The journal has the print job as it was asked for: its kind in the reader's language, then what it was about.
fn reprint_text(pen: Pen, act: &ActView) -> String {
    let job: serde_json::Value =
        act.about.as_deref().and_then(|about| read_json(about.as_bytes()).ok()).unwrap_or_default();
    let kind = job["what"].as_str().unwrap_or_default();
    let mut parts = vec![pen.say_or(words::paper(kind), kind).to_owned()];
    for name in ["payment", "date", "terminal", "batch", "shift"] {
        match &job[name] {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => parts.push(text.clone()),
            other => parts.push(other.to_string()),
        }
    }
    parts.push(format!("x{}", act.times.unwrap_or(1)));
    parts.join(" ")
}
