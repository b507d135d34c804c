//! A store's fees, and what a bad schedule is told. The arithmetic is compared with Python's fractions in `tests/fees`.
#![allow(clippy::unwrap_used)]

use super::*;

const EXAMPLE: &str = include_str!("../../../cross/fees.toml");

fn card(card: CardKind, foreign: Option<bool>, amount: i64) -> Case<'static> {
    Case { channel: Method::Card, card, brand: None, foreign, amount: Minor(amount) }
}

fn cost(case: Case<'_>) -> (String, i64) {
    let schedule = FeeSchedule::parse(EXAMPLE).unwrap();
    let line = schedule.line(&case).unwrap();
    (line.name.clone(), line.fee(case.amount).unwrap().0)
}

#[test]
fn debit_has_a_cap_credit_has_none_and_an_unknown_card_has_its_own_line() {
    assert_eq!(cost(card(CardKind::Debit, Some(false), 100_000)), ("借记卡 debit".into(), 500));
    assert_eq!(cost(card(CardKind::Debit, None, 1_000_000)), ("借记卡 debit".into(), 2_000));
    assert_eq!(cost(card(CardKind::Credit, Some(false), 1_000_000)), ("贷记卡 credit".into(), 6_000));
    assert_eq!(cost(card(CardKind::Unknown, None, 12_345)), ("卡种未知 unknown".into(), 74));
    assert_eq!(cost(card(CardKind::Debit, Some(true), 10_000)), ("境外卡 foreign".into(), 180));
    let code = Case { channel: Method::Qr, brand: Some("alipay"), ..card(CardKind::Unknown, None, 10_000) };
    assert_eq!(cost(code), ("扫码 wallet".into(), 38));
}

#[test]
fn halves_are_rounded_as_the_contract_says() {
    let fee = |rounding, amount| {
        let mut line = FeeSchedule::parse(EXAMPLE).unwrap().lines()[2].clone();
        (line.rate, line.rounding) = (500, rounding);
        line.fee(Minor(amount)).unwrap().0
    };
    // 0.5 % of 1.00 is half a fen; of 3.00 one and a half.
    let of = |rounding| [100, 300, 301, 299].map(|amount| fee(rounding, amount));
    assert_eq!(of(Rounding::HalfUp), [1, 2, 2, 1]);
    assert_eq!(of(Rounding::HalfEven), [0, 2, 2, 1]);
    assert_eq!(of(Rounding::Up), [1, 2, 2, 2]);
    assert_eq!(of(Rounding::Down), [0, 1, 1, 1]);
}

#[test]
fn refunds_in_parts_give_back_exactly_what_the_sale_cost() {
    // 33.33 in three parts of a sale that cost 7 fen.
    let (fee, amount) = (Minor(7), Minor(9_999));
    let mut before = Minor::ZERO;
    let mut back = 0;
    for _ in 0..3 {
        back += given_back(fee, amount, before, Minor(3_333)).unwrap().0;
        before = Minor(before.0 + 3_333);
    }
    assert_eq!(back, 7);
    assert_eq!(given_back(fee, Minor::ZERO, Minor::ZERO, Minor(1)), None);
}

#[test]
fn the_largest_amount_and_the_dearest_line_do_not_overflow() {
    let text = "[[fee]]\nname=\"x\"\nchannel=\"card\"\nrate=100000\non_refund=\"kept\"\narrives=\"T+0\"\n";
    let line = FeeSchedule::parse(text).unwrap().lines()[0].clone();
    assert_eq!(line.fee(Minor::MAX_ISO), Some(Minor::MAX_ISO));
    assert_eq!(line.fee(Minor(i64::MAX)), Some(Minor::MAX_ISO));
    assert_eq!(line.fee(Minor(-1)), None);
}

#[test]
fn a_statements_fee_is_compared_by_its_size() {
    assert_eq!(compare(Some(Minor(74)), Some(Minor(-74))), Compared::Agrees);
    assert_eq!(compare(Some(Minor(74)), Some(Minor(75))), Compared::Differs(Minor(74), Minor(75)));
    assert_eq!(compare(None, Some(Minor(75))), Compared::Unknown);
}

#[test]
fn a_bad_schedule_is_told_its_line() {
    let told = |from: &str, to: &str| {
        assert!(EXAMPLE.contains(from), "{from}");
        FeeSchedule::parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert!(told("rate = 1800", "rate = 0.018").contains("invalid type"));
    assert!(told("rate = 1800", "rate = 180000").contains("0.6 % is 600"));
    assert!(told("\"T+3\"", "\"3\"").contains("is no wait"));
    assert!(told("channel = \"card\"", "channel = \"cash\"").contains("must be card or qr"));
    assert!(told("max = 2000", "mix = 2000").contains("unknown field"));
    assert!(told("max = 2000", "max = 10\nmin = 20").contains("min not above max"));
    // The debit line's band swallows nothing of the credit line; without its cards it would swallow both that follow.
    assert!(told("cards = [\"debit\"]\n", "").contains("never decides: \"借记卡 debit\" above it fits all of it"));
    let line: usize = told("rate = 1800", "rate = -1").split([' ', ':']).nth(1).unwrap().parse().unwrap();
    assert_eq!(EXAMPLE.lines().nth(line - 1), Some("[[fee]]"));
}
