//! What stands on the store's papers: pure functions from what outside programs see ([`crate::core::ports`]'s views) to a
//! [`Document`], and to CSV.
//!
//! Everything is said in one language, Chinese or English; amounts stand at the same place in both. Nothing here knows a
//! paper's width, a clock or a time zone: times come in as texts, ready to print. No figure is left out because it is
//! inconvenient: what explains a difference is always printed.

mod acts;
mod batch_slip;
mod cases;
mod cross_foot;
mod day_csv;
mod day_lists;
mod day_report;
mod drawers;
mod money;
mod notice;
mod receipt;
mod refused;
mod reversals;
mod shift_slip;
mod unsettled;
pub mod words;

pub use batch_slip::{BatchFacts, batch_slip};
pub use day_csv::{CSV_HEADER, day_csv};
pub use day_report::{DayReportKind, check_text, day_report};
pub use notice::notice;
pub use receipt::{Copy, ReceiptHead, receipt};
pub use shift_slip::{ShiftFacts, shift_slip};

use super::doc::{Align, Document, Element, Style};
use crate::core::domain::{Currency, Lang, Minor};
use crate::core::journal::{Columns, Tally};
use words::Word;

/// What stands at the head of a slip, and how its amounts are written.
#[derive(Debug, Clone, Copy)]
pub struct SlipHead<'a> {
    /// The store's name.
    pub store_name: &'a str,
    /// The currency of all amounts.
    pub currency: Currency,
    /// When it is printed, local time.
    pub printed_at: &'a str,
}

/// The language and the currency of a paper.
#[derive(Debug, Clone, Copy)]
struct Pen {
    lang: Lang,
    currency: Currency,
}

impl Pen {
    fn say(self, word: Word) -> &'static str {
        word.of(self.lang)
    }

    /// A word of the contracts in the reader's language, or as it is where it is not known here.
    fn say_or(self, word: Option<Word>, text: &str) -> &str {
        word.map_or(text, |word| word.of(self.lang))
    }

    fn money(self, amount: Minor) -> String {
        amount.grouped(self.currency.exponent())
    }

    /// A sum that is taken away: with a minus before it. Turned as text, so that no amount is out of range.
    fn minus(self, amount: Minor) -> String {
        let text = self.money(amount);
        match text.strip_prefix('-') {
            Some(rest) => rest.to_owned(),
            None if amount == Minor::ZERO => text,
            None => format!("-{text}"),
        }
    }

    /// A sum that may not have fitted.
    fn money_or(self, amount: Option<Minor>) -> String {
        amount.map_or_else(|| self.say(words::OUT_OF_RANGE).to_owned(), |amount| self.money(amount))
    }

    fn times(self, count: u64) -> String {
        words::times(self.lang, count)
    }

    /// How many, where no sum stands beside it.
    fn many(self, count: u64) -> String {
        match self.lang {
            Lang::Zh => self.times(count),
            Lang::En => count.to_string(),
        }
    }

    /// With what, and what: "扫码消费", "QR code sale".
    fn what(self, method: Word, kind: Word) -> String {
        match self.lang {
            Lang::Zh => format!("{}{}", method.zh, kind.zh),
            Lang::En => format!("{} {}", method.en, kind.en.to_ascii_lowercase()),
        }
    }

    /// A paragraph that must be seen.
    fn bold(self, paper: &mut Document, text: String) {
        paper.push(Element::Text { text, align: Align::Left, style: Style::BOLD });
    }

    /// A figure with its count under it; `-` for nothing.
    fn figure(self, tally: Tally, minus: bool) -> String {
        if tally == Tally::default() {
            return "-".to_owned();
        }
        let amount = if minus { self.minus(tally.amount) } else { self.money(tally.amount) };
        format!("{amount}\n{}", self.times(tally.count))
    }

    /// Sale, refund, void, vouchers where the day has any, and net: the columns of every table of the day.
    fn headers(self, first: &str, vouchers: bool) -> Vec<String> {
        let mut headers = vec![first.to_owned()];
        headers.extend([words::SALE, words::REFUND, words::VOID].map(|word| self.say(word).to_owned()));
        if vouchers {
            headers.push(self.say(words::VOUCHERS).to_owned());
        }
        headers.push(self.say(words::NET).to_owned());
        headers
    }

    /// The cells under [`Pen::headers`].
    fn cells(self, name: String, columns: &Columns, net: Option<Minor>, vouchers: bool) -> Vec<String> {
        let mut cells = vec![name];
        cells.extend([
            self.figure(columns.sale, false),
            self.figure(columns.refund, true),
            self.figure(columns.void, true),
        ]);
        if vouchers {
            cells.push(self.figure(columns.vouchers, false));
        }
        cells.push(self.money_or(net));
        cells
    }

    /// The mark of a reprint, where it is one.
    fn reprint(self, paper: &mut Document, reprint: u32) {
        if reprint > 0 {
            paper.centred(words::reprint(self.lang, reprint), Style::TALL);
        }
    }

    /// A line to sign on.
    fn sign(self, paper: &mut Document, who: Word) {
        paper.push(Element::Feed(1));
        paper.text(format!("{}: ________________", self.say(who)));
    }
}
