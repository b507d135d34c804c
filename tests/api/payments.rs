//! Paying: what is taken, what is refused, what repeats do, how long one waits.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tilld::core::acquirer::Instrument;
use tilld::core::domain::{Entry, Lang, Refusal, State, Track2};
use tilld::core::ports::Presented;
use tilld::io::http::ApiOptions;
use tilld::io::http::client::Client;

use crate::desk::{Fake, Next};
use crate::wire::House;

const TRACK: &str = "6222021234567890128=3012101000000123";
const PAN: &str = "4111111111111111";

fn sale(more: Value) -> Value {
    let mut body = json!({
        "request_id": "r-1", "kind": "sale", "device": "POS1", "cashier": "C1", "method": "cash", "amount": 12345, "currency": "CNY"
    });
    for (key, value) in more.as_object().unwrap() {
        if value == &json!("-") {
            body.as_object_mut().unwrap().remove(key);
        } else {
            body[key] = value.clone();
        }
    }
    body
}

fn pay(house: &House, more: Value) -> crate::wire::Answer {
    house.post("/v1/payments", sale(more))
}

#[test]
fn cash_is_paid() {
    let house = House::open();
    let answer = pay(&house, json!({}));
    assert_eq!(answer.status, 200);
    let payment = answer.json();
    for key in [
        "id",
        "request_id",
        "kind",
        "state",
        "response_code",
        "message",
        "rrn",
        "approval_code",
        "masked_pan",
        "stan",
        "batch",
        "business_date",
        "device",
        "cashier",
        "method",
        "amount",
        "currency",
        "original",
        "voided_by",
        "refunded",
    ] {
        assert!(payment.get(key).is_some(), "{key} is part of the contract");
    }
    assert_eq!((&payment["id"], &payment["amount"]), (&json!("P00000001"), &json!(12345)));
    assert_eq!(house.desk.asked(), ["pay r-1 sale cash POS1 C1 12345CNY with nothing"]);
}

#[test]
fn what_is_journaled_answers_200_whatever_became_of_it() {
    let house = House::open();
    for (n, state) in [State::Declined, State::Unknown, State::Stored, State::Cancelled].into_iter().enumerate() {
        house.desk.next(Next::Becomes(state));
        let answer = pay(&house, json!({"request_id": format!("r-{n}")}));
        assert_eq!((answer.status, answer.json()["state"].as_str()), (200, Some(state.as_str())));
    }
}

#[test]
fn cards_and_codes_reach_the_desk() {
    let house = House::open();
    let block = "0123456789ABCDEF";
    for (more, with) in [
        (
            json!({"method": "card", "card": {"track2": TRACK, "pin_block": block, "entry": "magstripe"}}),
            "track of 36 magstripe pin:true",
        ),
        (
            json!({"method": "card", "card": {"track2": format!(";{TRACK}?"), "entry": "contactless"}}),
            "track of 36 contactless pin:false",
        ),
        (json!({"method": "card", "card": {"track2": TRACK}}), "track of 36 magstripe pin:false"),
        (
            json!({"method": "card", "card": {"pan": PAN, "expiry": "3012", "entry": "manual"}}),
            "pan of 16 expiry Some(\"3012\") manual pin:false",
        ),
        (json!({"method": "qr", "auth_code": "134567890123456789"}), "code of 18 scan pin:false"),
    ] {
        let id = with.replace([' ', '"', '(', ')', ':'], "");
        let mut more = more;
        more["request_id"] = json!(id);
        let answer = pay(&house, more);
        assert_eq!(answer.status, 200, "{}", answer.json());
        assert!(house.desk.asked().last().unwrap().ends_with(&format!("with {with}")), "{:?}", house.desk.asked());
    }
}

#[test]
fn originals_and_confirmations_reach_the_desk() {
    let house = House::open();
    pay(&house, json!({"request_id": "v", "kind": "void", "original": "P00000042"}));
    assert!(house.desk.asked()[0].ends_with("with nothing of P00000042"), "{:?}", house.desk.asked());
    pay(
        &house,
        json!({"request_id": "f", "kind": "refund", "confirm_amount": 12345, "approval": {"manager": "M1", "pin": "8888"},
            "original": {"rrn": "123456789012", "date": "2026-11-01", "amount": 20000}}),
    );
    assert_eq!(house.desk.asked()[1], "pin of M1");
    assert!(
        house.desk.asked()[2].ends_with("of 123456789012 2026-11-01 20000 approved by M1 confirmed 12345"),
        "{:?}",
        house.desk.asked()
    );
}

#[test]
fn amounts_are_whole_numbers_above_zero() {
    let house = House::open();
    for amount in [json!(0), json!(-1), json!(i64::MIN)] {
        pay(&house, json!({"amount": amount})).is(422, "amount_invalid");
    }
    for amount in [json!(12.5), json!(12345.0), json!("12345"), json!(null), json!(true), json!([1]), json!({})] {
        pay(&house, json!({"amount": amount})).is(400, "bad_request");
    }
    for raw in ["1e2", "99999999999999999999", "0x10", "012", "+5", "NaN"] {
        let body = sale(json!({"amount": "AMOUNT"})).to_string().replace("\"AMOUNT\"", raw);
        house.post("/v1/payments", body).is(400, "bad_request");
    }
    let text = pay(&house, json!({"amount": "12345"})).detail();
    assert!(text.contains("amount: an amount must be a whole number of minor units"), "{text}");
    assert_eq!(house.desk.asked(), Vec::<String>::new(), "nothing reached the desk");
}

#[test]
fn what_is_malformed_is_refused_with_its_place() {
    let house = House::open();
    let cases: Vec<(Value, &str)> = vec![
        (json!({"amout": 5}), "unknown field `amout`"),
        (json!({"request_id": "-"}), "missing field `request_id`"),
        (json!({"amount": "-"}), "missing field `amount`"),
        (json!({"currency": "-"}), "missing field `currency`"),
        (json!({"currency": "RMB"}), "unknown currency"),
        (json!({"kind": "gift"}), "unknown variant `gift`"),
        (json!({"method": "cheque"}), "unknown variant `cheque`"),
        (json!({"device": ""}), "TerminalId must be 1 to 16"),
        (json!({"cashier": "a b"}), "CashierId must be 1 to 16"),
        (json!({"request_id": "x".repeat(65)}), "RequestId must be 1 to 64"),
        (json!({"request_id": "收银"}), "RequestId must be"),
        (json!({"original": "42"}), "is no payment id: they look like P00000042"),
        (json!({"original": 42}), "a payment id such as"),
        (json!({"original": {"rrn": "1", "date": "2026-11-01", "amount": 1}}), "rrn must have 12"),
        (json!({"original": {"rrn": "123456789012", "date": "1.11.2026", "amount": 1}}), "is no date"),
        (
            json!({"original": {"rrn": "123456789012", "date": "2026-11-01", "amount": 1, "x": 1}}),
            "original: unknown field `x`",
        ),
        (json!({"card": {"track2": TRACK}}), "card does not go with method cash"),
        (json!({"auth_code": "134567890123456789"}), "auth_code does not go with method cash"),
        (json!({"method": "qr", "card": {"track2": TRACK}}), "card does not go with method qr"),
        (json!({"method": "card", "card": {}}), "card must hold either"),
        (json!({"method": "card", "card": {"track2": TRACK, "pan": PAN}}), "card must hold either"),
        (json!({"method": "card", "card": {"track2": TRACK, "entry": "scan"}}), "card.entry must be one of"),
        (
            json!({"method": "card", "card": {"track2": TRACK, "pin_block": "12"}}),
            "card.pin_block must be 16 hex digits",
        ),
        (json!({"approval": {"manager": "M1", "pin": "12"}}), "pin must be a text of 4 to 12 digits"),
        (json!({"confirm_amount": 1.5}), "whole number of minor units"),
    ];
    for (more, part) in cases {
        let answer = pay(&house, more.clone());
        answer.is(400, "bad_request");
        assert!(answer.detail().contains(part), "{part:?} in {:?}", answer.detail());
    }
    for (raw, part) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("[]", "invalid type: sequence, expected"),
        ("{\"request_id\":\"a\",\"request_id\":\"b\"}", "duplicate field `request_id`"),
        ("{} {}", "at line 1"),
        ("", "missing field `request_id`"),
    ] {
        let answer = house.post("/v1/payments", raw);
        answer.is(400, "bad_request");
        assert!(answer.detail().contains(part), "{part:?} in {:?}", answer.detail());
    }
    house.post("/v1/payments", "[".repeat(10_000)).is(400, "bad_request");
    assert_eq!(house.desk.asked(), Vec::<String>::new(), "nothing reached the desk");
}

/// Law 7: what a till forgot to put in quotes is refused, and its digits stand in no answer.
#[test]
fn law_7_a_secret_given_as_a_number_is_not_quoted_back() {
    let house = House::open();
    let numbers = [
        "6222021234567890128",
        "62220212345678901280",
        "6222021234567890128.0",
        "6.222021234567890128e18",
        "-6222021234567890128",
        // A manager's PIN.
        "62220",
    ];
    for number in numbers {
        for body in [
            format!(r#""method":"card","card":{{"pan":{number},"expiry":"3012"}}"#),
            format!(r#""method":"card","card":{{"track2":{number}}}"#),
            format!(r#""method":"card","card":{number}"#),
            format!(r#""method":"card","card":[{number}]"#),
            format!(r#""method":"qr","auth_code":{number}"#),
            format!(r#""approval":{{"manager":"M1","pin":{number}}}"#),
            format!(r#""approval":{number}"#),
            format!(r#""approval":"{number}""#),
        ] {
            let whole = sale(json!({"method": "-"})).to_string();
            let method = if body.contains("method") { "" } else { r#""method":"cash","# };
            let answer = house.post("/v1/payments", whole.replacen('{', &format!("{{{method}{body},"), 1));
            answer.is(400, "bad_request");
            let text = String::from_utf8(answer.body.clone()).unwrap();
            assert!(!text.contains("62220") && !text.contains("6.222"), "{body}: {text}");
        }
    }
    assert_eq!(house.desk.asked(), Vec::<String>::new(), "nothing reached the desk");
}

/// Law 7: nor does a card's number come back from a field where nobody expects one, as a text, a name or a number, in one piece or in groups.
#[test]
fn law_7_a_card_number_in_any_field_is_not_quoted_back() {
    let house = House::open();
    let fields = [
        "request_id",
        "kind",
        "method",
        "device",
        "cashier",
        "amount",
        "currency",
        "original",
        "card",
        "auth_code",
        "confirm_amount",
        "approval",
        "coupon",
        "payee",
        "of_nobody",
    ];
    for number in [
        "6222021234567890128",
        "6222 0212 3456 7890 128",
        "6222-0212-3456-7890-128",
        "6222\u{a0}0212\u{3000}3456 7890\t128",
        "6222021234567890=30121011234",
    ] {
        for field in fields {
            let digits = number.parse::<u64>();
            let forms = [
                json!(number),
                json!([number]),
                json!({"rrn": number}),
                json!({number: 1}),
                digits.map_or(json!(null), |digits| json!(digits)),
            ];
            for form in forms {
                let body = sale(json!({field: form}));
                let answer = house.post("/v1/payments", body.to_string());
                let text = String::from_utf8(answer.body.clone()).unwrap();
                assert!(answer.status == 200 || !text.contains("6222") && !text.contains("3012101"), "{body}: {text}");
            }
        }
    }
    for path in [
        "payments?limit=6222021234567890128x",
        "payments?6222021234567890128=1",
        "payments?after=6222021234567890128",
        "payments/6222021234567890128",
        "reports/6222021234567890128",
        "hours/6222021234567890128",
        "cases/6222021234567890128",
    ] {
        let answer = house.get(&format!("/v1/{path}"));
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert!((400..500).contains(&answer.status) && !text.contains("6222"), "{path}: {text}");
    }
}

#[test]
fn spoiled_cards_and_codes_are_refused() {
    let house = House::open();
    for track in [
        "",
        "4111",
        "4111111111111111",
        "411111111111111a=3012101",
        "4111111111111111=30",
        "6222021234567890128=301210100000000000",
    ] {
        pay(&house, json!({"method": "card", "card": {"track2": track}})).is(422, "bad_card");
    }
    for (pan, expiry) in [("4111", "3012"), ("4111x11111111111", "3012"), (PAN, "12/30")] {
        pay(&house, json!({"method": "card", "card": {"pan": pan, "expiry": expiry}})).is(422, "bad_card");
    }
    for code in ["", "12", "13456789012345678x", &"1".repeat(33)] {
        pay(&house, json!({"method": "qr", "auth_code": code})).is(422, "bad_code");
    }
}

#[test]
fn no_answer_ever_quotes_a_card_a_code_or_a_pin() {
    let house = House::open();
    let digits = "6222021234567890128";
    for more in [
        json!({"method": "card", "card": 6_222_021_234_567_890_128_u64}),
        json!({"method": "card", "card": digits}),
        json!({"method": "card", "card": {"track2": 6_222_021_234_567_890_128_u64}}),
        json!({"method": "card", "card": {"pan": 6_222_021_234_567_890_128_u64, "expiry": 3012}}),
        json!({"method": "card", "card": {"track2": format!("{digits}=")}}),
        json!({"method": "card", "card": {"pan": [digits]}}),
        json!({"method": "card", "card": {"entry": digits}}),
        json!({"method": "card", "card": {digits: 1}}),
        json!({"method": "qr", "auth_code": 6_222_021_234_567_890_128_u64}),
        json!({"approval": {"manager": "M1", "pin": 6_222_021_234_567_890_128_u64}}),
        json!({"approval": {"manager": "M1", "pin": digits}}),
    ] {
        let answer = pay(&house, more.clone());
        assert!((400..500).contains(&answer.status));
        let text = String::from_utf8(answer.body).unwrap();
        assert!(!text.contains("6222021") && !text.contains("67890128"), "{text}");
    }
}

#[test]
fn bodies_have_a_bound_and_a_type() {
    let house = House::open();
    let large = sale(json!({"request_id": "x".repeat(70_000)}));
    house.post("/v1/payments", &large).is(413, "too_large");
    let chunk = "x".repeat(70_000);
    let chunked = format!(
        "POST /v1/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n0\r\n\r\n",
        chunk.len()
    );
    house.raw(&chunked).is(413, "too_large");
    let body = sale(json!({})).to_string();
    let n = body.len();
    for kind in ["Content-Type: text/plain\r\n", ""] {
        let request = format!(
            "POST /v1/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{kind}Content-Length: {n}\r\n\r\n{body}"
        );
        house.raw(&request).is(415, "not_json");
    }
    let many: String = (0..100).map(|n| format!("x-{n}: y\r\n")).collect();
    let head = house.raw(&format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n"));
    assert_eq!(head.status, 431);
    assert_eq!(house.desk.asked(), Vec::<String>::new());
}

/// Whatever is refused before its body was read: the answer comes all the same. Over unread bytes the connection would be reset.
#[test]
fn a_refusal_is_heard_though_its_body_was_not_wanted() {
    let house = House::open();
    let (host, bearer) = (house.host(), house.bearer());
    let body = "x".repeat(600_000);
    let n = body.len();
    for (line, headers, status) in [
        ("POST /v1/statements?nam=x", vec![host.clone(), bearer.clone()], 400),
        ("POST /v1/statements/judged", vec![host.clone(), bearer.clone()], 401),
        ("POST /v1/statements", vec![host.clone()], 401),
        ("POST /v1/statements", vec!["Host: elsewhere".to_owned(), bearer.clone()], 403),
        ("POST /v1/nowhere", vec![host.clone(), bearer.clone()], 404),
        ("PUT /v1/payments", vec![host, bearer], 405),
    ] {
        let headers: String = headers.iter().map(|h| format!("{h}\r\n")).collect();
        let request = format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {n}\r\n\r\n{body}");
        // As a client that writes piece by piece, and gives up where it cannot.
        let mut stream = std::net::TcpStream::connect(house.tcp).unwrap();
        for piece in request.as_bytes().chunks(200_000) {
            stream.write_all(piece).unwrap_or_else(|e| panic!("{line}: {e}"));
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(answer.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{line}");
    }
}

#[test]
fn managers_approve_by_pin() {
    let house = House::open();
    let by = |id: &str, manager: &str, pin: &str| {
        pay(&house, json!({"request_id": id, "approval": {"manager": manager, "pin": pin}}))
    };
    by("a", "M1", "9999").is(403, "wrong_pin");
    by("a", "C1", "1111").is(403, "manager_required");
    by("a", "T1", "7777").is(403, "manager_required");
    assert_eq!(by("a", "M1", "8888").status, 200, "a refusal frees its id");
    // A repeat of what is journaled asks for no PIN again, right or wrong.
    let before = house.desk.asked().len();
    assert_eq!(by("a", "M1", "9999").json()["id"], "P00000001");
    assert!(!house.desk.asked()[before..].iter().any(|a| a.starts_with("pin")), "{:?}", house.desk.asked());
}

fn swiped() -> Presented {
    Presented { instrument: Instrument::Track2(Track2::new(TRACK.into())), entry: Entry::Magstripe, pin_block: None }
}

#[test]
fn without_a_card_the_reader_is_armed() {
    let house = House::open();
    pay(&house, json!({"method": "card"})).is(422, "no_reader");
    house.desk.with(|i| i.card = Some(swiped()));
    let paid = pay(&house, json!({"method": "card"}));
    assert_eq!(paid.status, 200);
    assert_eq!(
        house.desk.asked()[1..],
        [
            "present POS1 card".to_owned(),
            "pay r-1 sale card POS1 C1 12345CNY with track of 36 magstripe pin:false".to_owned(),
        ]
    );
    // The repeat of a payment that is journaled does not ask the customer again.
    let again = pay(&house, json!({"method": "card"}));
    assert_eq!(again.json()["id"], paid.json()["id"]);
    assert_eq!(house.desk.asked().iter().filter(|a| a.starts_with("present")).count(), 2);
}

#[test]
fn a_void_or_refund_asks_for_the_card_only_where_the_writer_does() {
    let house = House::open();
    house.desk.with(|i| i.card = Some(swiped()));
    let void = json!({"request_id": "v", "kind": "void", "method": "card", "original": "P00000042"});
    assert_eq!(pay(&house, void).status, 200);
    assert!(!house.desk.asked().iter().any(|a| a.starts_with("present")), "{:?}", house.desk.asked());
    house.desk.next(Next::Refused(Refusal::NoCard));
    let refund = json!({"request_id": "f", "kind": "refund", "method": "card", "original": "P00000042"});
    assert_eq!(pay(&house, refund).status, 200);
    let asked = house.desk.asked();
    assert_eq!(asked[asked.len() - 2], "present POS1 card");
    assert!(asked[asked.len() - 1].contains("with track of 36"), "{asked:?}");
}

#[test]
fn refusals_of_the_writer_keep_their_code_and_free_the_id() {
    let house = House::open();
    house.desk.next(Next::Refused(Refusal::ShiftRequired));
    let answer = pay(&house, json!({}));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some("shift_required")));
    house.desk.next(Next::Refused(Refusal::StorageFailed));
    pay(&house, json!({})).is(503, "storage_failed");
    assert_eq!(pay(&house, json!({})).status, 200);
}

#[test]
fn payments_are_read_listed_told_and_taken_back() {
    let house = House::open();
    for n in 0..5 {
        pay(&house, json!({"request_id": format!("r-{n}")}));
    }
    assert_eq!(house.get("/v1/payments/P00000003").json()["request_id"], "r-2");
    assert_eq!(house.get("/v1/payments/P00000003?story=1").json()["story"][0]["seq"], 3);
    assert_eq!(house.get("/v1/payments/P00000003/story").json()["items"][0]["seq"], 3);
    // The fifth is one more than the database can count to: not there, and no damage either.
    for bad in ["P00000099", "42", "P1", "x", "P9223372036854775808", "P99999999999999999999"] {
        house.get(&format!("/v1/payments/{bad}")).is(404, "unknown_payment");
    }
    let first = house.get("/v1/payments?limit=2").json();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next_cursor"]), (2, &json!("P00000002")));
    let rest = house.get("/v1/payments?limit=100&cursor=P00000002").json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (3, &Value::Null));
    house.get("/v1/payments?day=2026-11-20&device=POS1&cashier=C1&state=approved");
    let asked = house.desk.asked();
    let last = asked.last().unwrap();
    for part in ["2026-11-20", "POS1", "C1", "Approved", "limit: 100"] {
        assert!(last.contains(part), "{part} in {last}");
    }
    for bad in ["limit=0", "limit=501", "limit=x", "cursor=x", "day=today", "state=gone", "colour=red", "device="] {
        house.get(&format!("/v1/payments?{bad}")).is(400, "bad_request");
    }
    for list in ["payments?cursor", "cases?payment"] {
        house.get(&format!("/v1/{list}=P9223372036854775808")).is(400, "bad_request");
    }
    assert_eq!(house.post("/v1/payments/P00000001/cancel", "").status, 200);
    assert_eq!(house.desk.asked().last().unwrap(), "cancel P00000001");
    house.post("/v1/payments/P00000001/cancel", json!({"why": "x"})).is(400, "bad_request");
    for bad in ["42", "P9223372036854775808"] {
        house.post(&format!("/v1/payments/{bad}/cancel"), "").is(404, "unknown_payment");
    }
}

// What follows runs on virtual time, in this process, over the same routes.

fn inside() -> (Arc<Fake>, Client) {
    let desk = Arc::new(Fake::default());
    let options = ApiOptions { socket: None, listen: None, token_file: None, timeout_ms: 60_000, lang: Lang::Zh };
    let client = Client::desk(desk.clone(), &options).patient(Duration::from_secs(600));
    (desk, client)
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_timeout_and_five_seconds() {
    let (desk, client) = inside();
    desk.next(Next::Hangs);
    let start = tokio::time::Instant::now();
    let answer = client.post("/v1/payments", &sale(json!({}))).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 65);
    let payment: Value = answer.json().unwrap();
    assert_eq!((answer.status, payment["state"].as_str()), (200, Some("sent")), "the payment as it is now");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_stalls_is_busy_and_the_id_stays_good() {
    let (desk, client) = inside();
    desk.next(Next::Stalls);
    let answer = client.post("/v1/payments", &sale(json!({}))).await.unwrap();
    let problem: Value = answer.json().unwrap();
    assert_eq!((answer.status, problem["code"].as_str()), (503, Some("busy")));
    desk.with(|i| i.held.clear());
    // The writer is gone: the flight ends, and the id can be used again.
    let again = client.post("/v1/payments", &sale(json!({}))).await.unwrap();
    assert!(matches!(again.status, 200 | 503));
    assert_eq!(client.post("/v1/payments", &sale(json!({}))).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn repeats_in_flight_join_and_make_one_payment() {
    let (desk, client) = inside();
    desk.next(Next::Hangs);
    let bodies = [sale(json!({})), sale(json!({})), sale(json!({}))];
    let waiting: Vec<_> = bodies
        .iter()
        .map(|body| {
            let (client, body) = (client.clone(), body.clone());
            tokio::spawn(async move { client.post("/v1/payments", &body).await.unwrap() })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (name, value) in [
        ("amount", json!(12346)),
        ("kind", json!("refund")),
        ("device", json!("POS2")),
        ("cashier", json!("C2")),
        ("method", json!("voucher")),
        ("currency", json!("USD")),
        ("original", json!("P00000042")),
    ] {
        let answer = client.post("/v1/payments", &sale(json!({name: value}))).await.unwrap();
        let problem: Value = answer.json().unwrap();
        assert_eq!((answer.status, problem["code"].as_str()), (409, Some("request_conflict")), "{name}");
    }
    assert_eq!(desk.asked().iter().filter(|a| a.starts_with("pay")).count(), 1, "{:?}", desk.asked());
    for answer in waiting {
        let payment: Value = answer.await.unwrap().json().unwrap();
        assert_eq!(payment["id"], "P00000001");
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_goes_on_when_its_caller_hangs_up() {
    let (desk, client) = inside();
    desk.with(|i| i.card = Some(swiped()));
    let body = sale(json!({"method": "card"}));
    let hasty = client.clone().patient(Duration::from_millis(1));
    desk.next(Next::Hangs);
    hasty.post("/v1/payments", &body).await.unwrap_err();
    let later = client.post("/v1/payments", &body).await.unwrap();
    let payment: Value = later.json().unwrap();
    assert_eq!(payment["id"], "P00000001");
    assert_eq!(desk.asked().iter().filter(|a| a.starts_with("pay")).count(), 1, "{:?}", desk.asked());
}
