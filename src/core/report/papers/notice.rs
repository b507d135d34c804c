//! A notice to whoever stands at the printer: sales are stopped, and what to do.

use super::words;
use crate::core::domain::{Lang, Sentence};
use crate::core::report::doc::{Document, Element, Rule, Style};

/// The sentence in both languages, large, with the time.
#[must_use]
pub fn notice(store_name: &str, sentence: &Sentence, printed_at: &str, lang: Lang) -> Document {
    let mut paper = Document::new(lang);
    paper.title(words::SALES_STOPPED.of(lang)).centred(store_name, Style::TALL).rule(Rule::Double);
    for text in [&sentence.zh, &sentence.en] {
        paper.push(Element::Text {
            text: text.clone(),
            align: crate::core::report::doc::Align::Left,
            style: Style::TALL,
        });
        paper.push(Element::Feed(1));
    }
    paper.rule(Rule::Double).pair(words::PRINTED.of(lang), printed_at);
    paper.push(Element::Feed(1)).push(Element::Cut);
    paper
}
