//! Receipts and slips of a few payments, a batch and a shift: what must stand on them, and what must not.

use tilld::core::acquirer::{HostHalf, HostTotals, Verdict, Verdicts};
use tilld::core::domain::{Currency, Kind, Lang, Method, Minor, RequestId, Sentence, State};
use tilld::core::ports::PaymentView;
use tilld::core::report::doc::Document;
use tilld::core::report::layout::layout;
use tilld::core::report::papers::{
    BatchFacts, Copy, ReceiptHead, ShiftFacts, SlipHead, batch_slip, receipt, shift_slip, words,
};
use tilld::core::report::text;

use super::{day, expect};

const HEAD: ReceiptHead = ReceiptHead {
    store_name: "望京店",
    mid: "123456789012345",
    tid: "12345678",
    cashier_name: "王芳",
    made_at: "2026-03-14 21:14:05",
    with_pin: false,
    original_stan: None,
};

const SLIP: SlipHead = SlipHead { store_name: "望京店", currency: Currency::CNY, printed_at: "2026-03-15 03:01:17" };

fn payment(kind: Kind, method: Method, state: State) -> PaymentView {
    let sent = method == Method::Card || method == Method::Qr;
    let approved = sent && !matches!(state, State::Stored | State::Waiting | State::Cancelled);
    let when_sent = |text: &str| approved.then(|| text.to_owned());
    PaymentView {
        fee: None,
        coupon: None,
        route: None,
        transfer: None,
        id: "P00048310".into(),
        request_id: RequestId::new("till-1-20260314-0042").unwrap().to_string(),
        kind,
        state,
        response_code: when_sent("00"),
        message: "交易成功".into(),
        message_i18n: Sentence::new("收单方的话", "What the acquirer says"),
        rrn: when_sent("260314211405"),
        approval_code: when_sent("042137"),
        masked_pan: sent.then(|| "621234******1111".to_owned()),
        stan: when_sent("000042"),
        batch: when_sent("000117"),
        business_date: day::date("2026-03-14"),
        device: day::terminal("POS1"),
        cashier: day::cashier("1001"),
        method,
        amount: Minor(18_600),
        currency: Currency::CNY,
        original: None,
        voided_by: None,
        completed_by: None,
        balance: None,
        refunded: Minor::ZERO,
        made_at: "2026-03-14T13:14:05.000Z".into(),
        reversal: None,
        alarm: None,
        watched_until: None,
        adjusted: None,
    }
}

fn void() -> PaymentView {
    PaymentView { original: Some("P00048221".into()), ..payment(Kind::Void, Method::Card, State::Approved) }
}

fn facts() -> BatchFacts {
    let half = |debit, debit_count, credit, credit_count| HostHalf {
        debit: Minor(debit),
        debit_count,
        credit: Minor(credit),
        credit_count,
    };
    BatchFacts {
        mid: "123456789012345".into(),
        tid: "12345678".into(),
        totals: HostTotals { domestic: half(2_700_000, 92, 73_155, 5), foreign: half(42_000, 2, 0, 0) },
        verdicts: Some(Verdicts { domestic: Verdict::Balanced, foreign: Verdict::Balanced }),
        settle_date: Some("0315".into()),
        uploaded: 2,
        days: vec![(day::date("2026-03-14"), Some(Minor(2_668_845)))],
    }
}

/// Every kind of slip, by name.
pub fn all(lang: Lang) -> Vec<(&'static str, Document)> {
    let view = day::day(true);
    let of = |payment: &PaymentView, copy, reprint| receipt(payment, &HEAD, copy, lang, reprint);
    let refund = PaymentView {
        original: Some(serde_json::json!({"rrn": "260310190000", "date": "2026-03-10", "amount": 18_600})),
        ..payment(Kind::Refund, Method::Card, State::Approved)
    };
    let voided =
        PaymentView { voided_by: Some("P00048340".into()), ..payment(Kind::Sale, Method::Card, State::Approved) };
    let shift = ShiftFacts {
        cashier_name: "Anna",
        opened_at: Some("2026-03-14 15:00:12"),
        closed_at: Some("2026-03-14 22:31:40"),
    };
    vec![
        ("sale", of(&payment(Kind::Sale, Method::Card, State::Approved), Copy::Merchant, 0)),
        ("void", of(&void(), Copy::Merchant, 0)),
        ("refund", of(&refund, Copy::Customer, 0)),
        ("voided", of(&voided, Copy::Merchant, 2)),
        ("stored", of(&payment(Kind::Sale, Method::Card, State::Stored), Copy::Customer, 0)),
        ("code", of(&payment(Kind::Sale, Method::Qr, State::Approved), Copy::Customer, 0)),
        ("cash", of(&payment(Kind::Sale, Method::Cash, State::Approved), Copy::Customer, 0)),
        ("declined", of(&payment(Kind::Sale, Method::Card, State::Declined), Copy::Merchant, 1)),
        ("unknown", of(&payment(Kind::Sale, Method::Card, State::Unknown), Copy::Merchant, 1)),
        ("batch", batch_slip(&SLIP, &view.settlement[0], &facts(), lang, 0)),
        ("shift", shift_slip(&SLIP, &view.shifts[1], &shift, lang, 0)),
    ]
}

fn printed(document: &Document, columns: usize) -> String {
    text::render(&layout(document, columns))
}

#[test]
fn all_slips_in_both_languages() {
    let every = |lang, columns| -> String {
        all(lang).iter().map(|(name, slip)| format!("[{name}]\n{}", printed(slip, columns))).collect()
    };
    expect("slips32.zh.txt", &every(Lang::Zh, 32), include_str!("slips32.zh.txt"));
    expect("slips48.en.txt", &every(Lang::En, 48), include_str!("slips48.en.txt"));
}

/// Law 2 on paper: "not charged" is printed where an explicit answer says so, and nowhere else.
#[test]
fn what_is_not_certain_is_never_called_not_charged() {
    for lang in Lang::ALL {
        for state in State::ALL {
            let slip =
                printed(&receipt(&payment(Kind::Sale, Method::Card, *state), &HEAD, Copy::Merchant, *lang, 0), 32);
            let certain = matches!(state, State::Cancelled | State::Declined | State::Reversed | State::Rejected);
            let taken = matches!(state, State::Approved | State::Stored | State::Forwarded | State::SetAside);
            let says = |word: words::Word| slip.contains(word.of(*lang));
            assert_eq!(says(words::NOT_CHARGED), certain, "{state}\n{slip}");
            assert_eq!(!says(words::NOT_A_RECEIPT), taken, "{state}\n{slip}");
            assert_eq!(says(words::SIGNATURE), taken, "{state}\n{slip}");
            assert_eq!(says(words::DO_NOT_REPEAT), matches!(state, State::Waiting | State::Sent | State::Unknown));
        }
    }
}

#[test]
fn a_refund_that_was_declined_is_not_refunded_rather_than_not_charged() {
    let slip =
        |kind| printed(&receipt(&payment(kind, Method::Card, State::Declined), &HEAD, Copy::Customer, Lang::Zh, 1), 48);
    assert!(slip(Kind::Refund).contains("未退款") && !slip(Kind::Refund).contains("未扣款"));
    assert!(slip(Kind::Void).contains("未撤销") && !slip(Kind::Void).contains("未扣款"));
}

#[test]
fn only_the_stores_copy_of_a_card_payment_without_pin_is_signed() {
    let slip = |method, copy, with_pin| {
        let head = ReceiptHead { with_pin, ..HEAD };
        printed(&receipt(&payment(Kind::Sale, method, State::Approved), &head, copy, Lang::Zh, 0), 48)
    };
    let signed = |slip: &str| slip.contains("持卡人签名: ____");
    assert!(signed(&slip(Method::Card, Copy::Merchant, false)));
    for (method, copy, with_pin) in [
        (Method::Card, Copy::Merchant, true),
        (Method::Card, Copy::Customer, false),
        (Method::Qr, Copy::Merchant, false),
        (Method::Cash, Copy::Merchant, false),
    ] {
        assert!(!signed(&slip(method, copy, with_pin)), "{method} {copy:?}");
    }
    assert!(slip(Method::Card, Copy::Merchant, true).contains("免签名"));
}

#[test]
fn what_undoes_a_payment_names_it() {
    let head = ReceiptHead { original_stan: Some("000007"), ..HEAD };
    let slip = printed(&receipt(&void(), &head, Copy::Customer, Lang::Zh, 0), 32);
    assert!(slip.contains("P00048221") && slip.contains("000007") && slip.contains("-186.00"), "{slip}");
}
