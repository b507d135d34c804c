//! Judging one message by itself: the fields it must and may carry, and contents that contradict it.
//!
//! Pure: message in, objections out. Knows no books and no keys.

use super::dialect::{Field61, Kind};
use super::judge::Rule;
use crate::core::acquirer::iso8583::{Message, tlv};

/// Fields that must not outlive authorization: PIN and its data, both tracks.
const CARD_DATA: &[u8] = &[26, 35, 36, 52, 53];

/// What is wrong with a message, as rule and words.
#[must_use]
pub fn objections(message: &Message, kind: Kind) -> Vec<(Rule, String)> {
    let mut found = fields(message, kind);
    let mut wrong = |is: bool, what: &str| {
        if is {
            found.push((Rule::BadValue, what.to_owned()));
        }
    };
    let text = |field| message.text(field).unwrap_or_default();
    wrong(text(11).parse() == Ok(0u32), "F11 is zero");
    wrong(message.has(49) && text(49) != "156", "F49 is not 156");
    if kind.is_payment() || kind == Kind::Reversal {
        let amount = text(4).parse::<u64>().unwrap_or(0);
        wrong(amount == 0 && kind != Kind::Balance, "F4 is zero");
        wrong(message.has(14) && !expiry(text(14)), "F14 is no YYMM");
    }
    match kind {
        Kind::Reversal => wrong(!["98", "A0", "06"].contains(&text(39)), "F39 of a reversal is none of 98, A0, 06"),
        Kind::SignOn => {
            wrong(
                !message.bytes(62).unwrap_or_default().starts_with(b"Sequence No"),
                "F62 does not begin with Sequence No",
            );
            wrong(text(63).len() < 3, "F63 is no operator");
        }
        Kind::Settle => wrong(text(48).len() != 62, "F48 of 0500 has not 62 digits"),
        Kind::End => wrong(text(48).len() != 4, "F48 of the end has not 4 digits"),
        _ => {}
    }
    if let Some(data) = message.bytes(55) {
        found.extend(chip(data, kind == Kind::Reversal || kind.is_advice()));
    }
    if kind.is_payment() {
        found.extend(payer(message, kind).into_iter().map(|what| (Rule::BadValue, what.to_owned())));
        found.extend(reference(message, kind).into_iter().map(|what| (Rule::BadValue, what.to_owned())));
    }
    found
}

/// F55: whole data objects; the chip's image of the stripe (57, 9F20) only where it is needed to authorize.
fn chip(data: &[u8], after: bool) -> Option<(Rule, String)> {
    match tlv::read(data) {
        Err(error) => Some((Rule::BadValue, format!("F55: {error}"))),
        Ok(items) => {
            let track = items.iter().find(|item| after && [0x57, 0x9F20].contains(&item.tag))?;
            Some((Rule::CardData, format!("F55 holds tag {:X}", track.tag)))
        }
    }
}

/// The table: what must be there, what may be there.
fn fields(message: &Message, kind: Kind) -> Vec<(Rule, String)> {
    let Some(row) = kind.row() else { return Vec::new() };
    let mut found = Vec::new();
    for field in row.required.iter().filter(|field| !message.has(**field)) {
        found.push((Rule::MissingField, format!("F{field} is absent")));
    }
    if row.mac && !message.has(64) {
        found.push((Rule::MissingMac, "F64 is absent".to_owned()));
    }
    for (field, _) in message.iter() {
        if row.required.contains(&field) || row.optional.contains(&field) || (field == 64 && row.mac) {
            continue;
        }
        let rule = if CARD_DATA.contains(&field) { Rule::CardData } else { Rule::UnexpectedField };
        found.push((rule, format!("F{field} must not be there")));
    }
    found
}

fn expiry(text: &str) -> bool {
    text.len() == 4 && text.get(2..).and_then(|month| month.parse::<u8>().ok()).is_some_and(|m| (1..=12).contains(&m))
}

/// F22 against what it says is there.
fn payer(message: &Message, kind: Kind) -> Vec<&'static str> {
    let entry = message.text(22).unwrap_or_default();
    let (how, pin) = (entry.get(..2).unwrap_or_default(), entry.get(2..).unwrap_or_default());
    let refers =
        matches!(kind, Kind::Void | Kind::Refund | Kind::PreauthVoid | Kind::Completion | Kind::CompletionVoid);
    let first = !refers && !kind.is_advice();
    let has_pin = message.has(52);
    let mut wrong = Vec::new();
    let mut check = |is: bool, what: &'static str| {
        if is {
            wrong.push(what);
        }
    };
    check(!["01", "02", "03", "05", "07", "80", "90", "91", "95", "98"].contains(&how), "F22 names no way of reading");
    check(has_pin != (pin == "1") && !kind.is_advice(), "the third digit of F22 contradicts F52");
    check(has_pin && message.text(26) != Some("12"), "F26 is not 12 beside a PIN");
    check(
        has_pin && !message.text(53).is_some_and(|t| t.starts_with("26") || t.starts_with("16")),
        "F53 does not say 3DES",
    );
    check(!has_pin && message.has(26), "F26 without a PIN");
    check(first && how == "02" && !message.has(35), "a stripe was read and F35 is absent");
    check(first && how == "01" && !(message.has(2) && message.has(14)), "a keyed card needs F2 and F14");
    check(first && how == "05" && !(message.has(55) && message.has(23)), "a chip was read and F23 or F55 is absent");
    check(
        how == "03" && first && !scanned_code_is_whole(message),
        "F59 is not A3, three digits of length and the code",
    );
    check(kind.is_advice() && !message.has(2), "an advice needs F2");
    wrong
}

fn scanned_code_is_whole(message: &Message) -> bool {
    scanned_code(message).is_some_and(|code| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()))
}

/// The code in field 59: `A3`, three digits of length, the code.
#[must_use]
pub fn scanned_code(message: &Message) -> Option<&str> {
    let rest = message.text(59)?.strip_prefix("A3")?;
    let length = rest.get(..3)?.parse::<usize>().ok()?;
    rest.get(3..).filter(|code| code.len() == length)
}

/// F61 and F63 by kind.
fn reference(message: &Message, kind: Kind) -> Vec<&'static str> {
    let digits = message.text(61).unwrap_or_default().len();
    let reference = Field61::of(message).unwrap_or_default();
    let organisation = message.text(63).unwrap_or_default();
    let mut wrong = Vec::new();
    let mut check = |is: bool, what: &'static str| {
        if is {
            wrong.push(what);
        }
    };
    match kind {
        Kind::Void => check(digits != 12, "F61 of a void is 12 digits"),
        Kind::Refund => {
            check(
                digits != 16 || reference.batch != 0 || reference.stan != 0,
                "F61 of a refund is twelve zeros and MMDD",
            );
            check(organisation.len() < 3, "F63 of a refund is the card organisation");
        }
        Kind::PreauthVoid | Kind::Completion | Kind::CompletionVoid | Kind::CompletionAdvice => {
            check(digits < 16, "F61 of the pre-authorization class is 16 digits");
        }
        Kind::OfflineSale => {
            let mode = reference.mode.as_deref().unwrap_or_default();
            let rest = message.text(61).unwrap_or_default().get(..16).unwrap_or_default();
            check(rest != "0000000000000000", "F61 of a stored sale begins with sixteen zeros");
            check(!["00", "01", "02"].contains(&mode), "F61 of a stored sale names no mode 00, 01 or 02");
            check((mode == "02") == message.has(38), "F38 goes with modes 00 and 01 and not with 02");
            check(mode == "01" && digits != 29, "mode 01 needs the organisation that was telephoned");
            check(organisation.len() < 3, "F63 of a stored sale is the card organisation");
        }
        Kind::Adjust | Kind::Tip => check(reference.stan == 0, "F61 names no original"),
        _ => {}
    }
    wrong
}
