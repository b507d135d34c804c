//! The receipt of one payment: for the store, for the customer. A payment that was not taken gets no receipt, only a slip
//! that says how it stands: "not charged" where that is certain, and never where it is not (law 2).

use serde_json::Value;

use super::{Pen, words};
use crate::core::domain::{Kind, Lang, Method, State};
use crate::core::ports::PaymentView;
use crate::core::report::doc::{Document, Element, Rule, Style};

/// Whose copy a receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// 商户存根: the store's, signed where no PIN was taken.
    Merchant,
    /// 顾客存根: the customer's.
    Customer,
}

/// What a receipt says beyond its payment.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptHead<'a> {
    /// The store's name.
    pub store_name: &'a str,
    /// The merchant at the acquirer.
    pub mid: &'a str,
    /// The terminal at the acquirer.
    pub tid: &'a str,
    /// The cashier's name; empty where it is not known.
    pub cashier_name: &'a str,
    /// When the payment was made, local time.
    pub made_at: &'a str,
    /// The cardholder's PIN was taken: no signature.
    pub with_pin: bool,
    /// 凭证号 of the payment that this one undoes, where it is one of ours.
    pub original_stan: Option<&'a str>,
}

/// How a payment stands to its customer.
enum Standing {
    /// The money was taken, or will be. What to add to that.
    Taken(Option<words::Word>),
    /// No receipt: its state in large letters, and what to do.
    Not(words::Word, Option<words::Word>),
}

/// The receipt of a payment that is approved or stored; of any other a slip with its state. `reprint` is 0 for the first
/// print, else the how-manyeth reprint it is.
#[must_use]
pub fn receipt(payment: &PaymentView, head: &ReceiptHead, copy: Copy, lang: Lang, reprint: u32) -> Document {
    let pen = Pen { lang, currency: payment.currency };
    let mut paper = Document::new(lang);
    match standing(payment) {
        Standing::Taken(note) => taken(&mut paper, pen, payment, head, copy, reprint, note),
        Standing::Not(word, advice) => not_taken(&mut paper, pen, payment, head, reprint, (word, advice)),
    }
    paper.push(Element::Feed(1)).push(Element::Cut);
    paper
}

fn standing(payment: &PaymentView) -> Standing {
    match payment.state {
        State::Approved => Standing::Taken(None),
        State::Stored => Standing::Taken(Some(words::IS_OFFLINE_WAITING)),
        State::Forwarded => Standing::Taken(Some(words::IS_OFFLINE_SENT)),
        State::SetAside => Standing::Taken(Some(words::IS_OFFLINE_ASIDE)),
        State::Cancelled | State::Declined | State::Reversed | State::Rejected => {
            Standing::Not(not_done(payment.kind), None)
        }
        State::Waiting | State::Sent => Standing::Not(words::IN_PROGRESS, Some(words::DO_NOT_REPEAT)),
        State::Unknown => Standing::Not(words::NOT_KNOWN, Some(words::DO_NOT_REPEAT)),
        State::WrittenOff => Standing::Not(words::IS_WRITTEN_OFF, None),
        State::Promised => Standing::Not(words::IS_PROMISED, None),
    }
}

/// What certainly did not happen.
fn not_done(kind: Kind) -> words::Word {
    match kind {
        Kind::Refund => words::NOT_REFUNDED,
        Kind::Void | Kind::PreauthVoid | Kind::CompletionVoid => words::NOT_VOIDED,
        Kind::Sale | Kind::Preauth | Kind::Completion | Kind::Adjust | Kind::Balance | Kind::TransferReturn => {
            words::NOT_CHARGED
        }
    }
}

fn taken(
    paper: &mut Document,
    pen: Pen,
    payment: &PaymentView,
    head: &ReceiptHead,
    copy: Copy,
    reprint: u32,
    note: Option<words::Word>,
) {
    let is_card = payment.method == Method::Card;
    paper.push(Element::Logo);
    paper.title(head.store_name);
    paper.centred(pen.say(if is_card { words::RECEIPT } else { words::CASH_RECEIPT }), Style::TALL);
    let copy_word = if copy == Copy::Merchant { words::MERCHANT_COPY } else { words::CUSTOMER_COPY };
    paper.centred(pen.say(copy_word), Style::PLAIN);
    pen.reprint(paper, reprint);
    paper.rule(Rule::Single);
    facts(paper, pen, payment, head);
    paper.rule(Rule::Double);
    let amount = if takes_back(payment.kind) { pen.minus(payment.amount) } else { pen.money(payment.amount) };
    paper.centred(format!("{} {}", kind(pen, payment), payment.currency.alpha()), Style::BOLD);
    paper.title(amount);
    paper.rule(Rule::Double);
    if let Some(note) = note {
        paper.centred(pen.say(note), Style::TALL);
    }
    undone(paper, pen, payment);
    if is_card && copy == Copy::Merchant {
        signature(paper, pen, payment, head);
    }
    paper.push(Element::Feed(1)).push(Element::Barcode(payment.id.clone()));
    paper.centred(pen.say(words::KEEP), Style::PLAIN);
}

fn kind(pen: Pen, payment: &PaymentView) -> String {
    pen.what(words::method(payment.method), words::kind(payment.kind))
}

fn takes_back(kind: Kind) -> bool {
    matches!(kind, Kind::Void | Kind::Refund | Kind::PreauthVoid | Kind::CompletionVoid)
}

/// Who, where, what, when; the acquirer's numbers.
fn facts(paper: &mut Document, pen: Pen, payment: &PaymentView, head: &ReceiptHead) {
    if matches!(payment.method, Method::Card | Method::Qr) {
        paper.pair(pen.say(words::MERCHANT), head.mid);
        paper.pair(pen.say(words::TERMINAL), head.tid);
    }
    paper.pair(pen.say(words::DEVICE), payment.device.as_str());
    paper.pair(pen.say(words::CASHIER), format!("{} {}", payment.cashier, head.cashier_name).trim_end());
    let number = if payment.method == Method::Qr { words::CODE_NUMBER } else { words::CARD_NUMBER };
    let numbers = [
        (number, &payment.masked_pan),
        (words::BATCH_NUMBER, &payment.batch),
        (words::STAN, &payment.stan),
        (words::RRN, &payment.rrn),
        (words::APPROVAL, &payment.approval_code),
    ];
    for (word, value) in numbers {
        if let Some(value) = value {
            paper.pair(pen.say(word), value);
        }
    }
    paper.pair(pen.say(words::TIME), head.made_at);
    paper.pair(pen.say(words::DAY), payment.business_date.to_string());
    paper.pair(pen.say(words::PAYMENT), &payment.id);
    original(paper, pen, payment, head);
}

/// What a void or refund undoes.
fn original(paper: &mut Document, pen: Pen, payment: &PaymentView, head: &ReceiptHead) {
    match &payment.original {
        Some(Value::String(id)) => {
            paper.pair(pen.say(words::ORIGINAL_PAYMENT), id);
            if let Some(stan) = head.original_stan {
                paper.pair(pen.say(words::ORIGINAL_STAN), stan);
            }
        }
        Some(Value::Object(facts)) => {
            for (name, word) in [("rrn", words::ORIGINAL_RRN), ("date", words::ORIGINAL_DATE)] {
                if let Some(value) = facts.get(name).and_then(Value::as_str) {
                    paper.pair(pen.say(word), value);
                }
            }
        }
        _ => {}
    }
}

/// What happened to it since: only a reprint can say so.
fn undone(paper: &mut Document, pen: Pen, payment: &PaymentView) {
    if let Some(void) = &payment.voided_by {
        paper.styled_pair(pen.say(words::IS_VOIDED), void, Style::BOLD);
    }
    if payment.refunded.0 != 0 {
        paper.styled_pair(pen.say(words::IS_REFUNDED), pen.minus(payment.refunded), Style::BOLD);
    }
}

fn signature(paper: &mut Document, pen: Pen, payment: &PaymentView, head: &ReceiptHead) {
    if head.with_pin {
        paper.centred(pen.say(words::NO_SIGNATURE), Style::PLAIN);
        return;
    }
    pen.sign(paper, words::SIGNATURE);
    if !takes_back(payment.kind) {
        paper.text(pen.say(words::ACKNOWLEDGE));
    }
}

fn not_taken(
    paper: &mut Document,
    pen: Pen,
    payment: &PaymentView,
    head: &ReceiptHead,
    reprint: u32,
    (word, advice): (words::Word, Option<words::Word>),
) {
    paper.title(head.store_name);
    paper.centred(pen.say(words::STATE_SLIP), Style::TALL);
    pen.reprint(paper, reprint);
    paper.rule(Rule::Single);
    facts(paper, pen, payment, head);
    paper.styled_pair(pen.say(words::KIND), kind(pen, payment), Style::BOLD);
    paper.pair(format!("{} {}", pen.say(words::AMOUNT), payment.currency.alpha()), pen.money(payment.amount));
    paper.pair(pen.say(words::STATE), pen.say(words::state(payment.state)));
    paper.rule(Rule::Double);
    paper.title(pen.say(word));
    paper.rule(Rule::Double);
    if let Some(advice) = advice {
        paper.centred(pen.say(advice), Style::TALL);
    }
    paper.centred(payment.message_i18n.in_lang(pen.lang), Style::PLAIN);
    paper.centred(pen.say(words::NOT_A_RECEIPT), Style::PLAIN);
}
