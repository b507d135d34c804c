//! The slip of a shift 交班单: what should be in each drawer, what was counted, what that makes; signed by two people.

use super::{Pen, SlipHead, drawers, words};
use crate::core::domain::Lang;
use crate::core::ports::ShiftView;
use crate::core::report::doc::{Document, Element, Rule, Style};

/// What the slip says beyond the day's view of the shift.
#[derive(Debug, Clone, Copy)]
pub struct ShiftFacts<'a> {
    /// The cashier's name; empty where it is not known.
    pub cashier_name: &'a str,
    /// When it began, local time.
    pub opened_at: Option<&'a str>,
    /// When it ended, local time.
    pub closed_at: Option<&'a str>,
}

/// The slip of a shift. `reprint` is 0 for the first print, else the how-manyeth reprint it is.
#[must_use]
pub fn shift_slip(head: &SlipHead, shift: &ShiftView, facts: &ShiftFacts, lang: Lang, reprint: u32) -> Document {
    let pen = Pen { lang, currency: head.currency };
    let mut paper = Document::new(lang);
    paper.title(pen.say(words::SHIFT_SLIP)).centred(head.store_name, Style::TALL);
    pen.reprint(&mut paper, reprint);
    paper.rule(Rule::Single);
    paper.styled_pair(pen.say(words::SHIFT), shift.shift.to_string(), Style::BOLD);
    paper.pair(pen.say(words::CASHIER), format!("{} {}", shift.cashier, facts.cashier_name).trim_end());
    for (word, time) in [(words::OPENED, facts.opened_at), (words::CLOSED, facts.closed_at)] {
        if let Some(time) = time {
            paper.pair(pen.say(word), time);
        }
    }
    if let Some(by) = shift.closed_by.as_ref().filter(|by| **by != shift.cashier) {
        paper.pair(pen.say(words::CLOSED_BY), by.as_str());
    }
    paper.pair(pen.say(words::PRINTED), head.printed_at);
    if !shift.closed {
        paper.centred(pen.say(words::STILL_OPEN), Style::TALL);
    }
    for drawer in &shift.drawers {
        paper.heading(format!("{} {}", pen.say(words::DEVICE), drawer.sums.device));
        drawers::drawer(&mut paper, pen, drawer, drawers::Lines::All);
        drawers::notes(&mut paper, pen, drawer);
    }
    if shift.drawers.is_empty() {
        paper.text("").text(pen.say(words::NO_DRAWER));
    } else {
        paper.text("").text(pen.say(words::FORMULA));
    }
    let sums = drawers::counted(std::slice::from_ref(shift));
    if sums.drawers > 0 {
        paper.rule(Rule::Double);
        paper.styled_pair(pen.say(words::CASH_TO_HAND_IN), pen.money_or(sums.to_hand_in), Style::TALL);
        paper.text(pen.say(words::CASH_FORMULA));
        paper.styled_pair(pen.say(words::OVER_SHORT), pen.money_or(sums.over_short), Style::TALL);
        paper.rule(Rule::Double);
    }
    if shift.to_sign {
        paper.centred(pen.say(words::TO_SIGN), Style::BOLD);
    }
    pen.sign(&mut paper, words::CASHIER_SIGNS);
    pen.sign(&mut paper, words::MANAGER_SIGNS);
    paper.push(Element::Feed(1)).push(Element::Cut);
    paper
}
