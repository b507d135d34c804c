//! Shifts, the day, reports, exceptions, people, printers, metrics.

use serde_json::json;

use crate::wire::House;

fn last(house: &House) -> String {
    house.desk.asked().last().cloned().unwrap_or_default()
}

#[test]
fn shifts_from_open_to_close() {
    let house = House::open();
    let open = house.post("/v1/shifts/open", json!({"cashier": "C1", "device": "POS1", "float": 20000}));
    assert_eq!((open.status, open.json()["shift"].as_u64()), (200, Some(7)));
    assert!(last(&house).contains("OpenShift") && last(&house).contains("Minor(20000)"), "{}", last(&house));
    let cash = json!({"cashier": "C1", "device": "POS1", "amount": 500, "reason": "零钱"});
    assert_eq!(house.post("/v1/shifts/pay-in", &cash).status, 200);
    assert!(last(&house).contains("amount: Minor(500), reason: \"零钱\""), "{}", last(&house));
    assert_eq!(house.post("/v1/shifts/pay-out", &cash).status, 200);
    assert!(last(&house).contains("amount: Minor(-500)"), "{}", last(&house));
    let count = house.post("/v1/shifts/count", json!({"cashier": "C1", "device": "POS1", "counted": 0}));
    assert_eq!(count.json(), json!({"done": true}), "a blind count does not say what was expected");
    assert_eq!(house.post("/v1/shifts/hand-over", json!({"to": "C2", "device": "POS1", "counted": 10})).status, 200);
    assert!(last(&house).contains("HandOver"), "{}", last(&house));
    let close = house.post("/v1/shifts/close", json!({"cashier": "C1"}));
    assert_eq!(close.json()["shift"]["shift"], 7);
    assert_eq!(house.post("/v1/drawers/open", json!({"device": "POS1", "cashier": "C1"})).status, 200);
    assert!(last(&house).contains("OpenDrawer"), "{}", last(&house));
}

#[test]
fn shifts_refuse_what_makes_no_sense() {
    let house = House::open();
    let moved = |amount| json!({"cashier": "C1", "device": "POS1", "amount": amount, "reason": "x"});
    for amount in [0, -5] {
        house.post("/v1/shifts/pay-in", moved(amount)).is(422, "amount_invalid");
        house.post("/v1/shifts/pay-out", moved(amount)).is(422, "amount_invalid");
    }
    house.post("/v1/shifts/pay-in", moved(i64::MAX)).is(422, "amount_too_large");
    house.post("/v1/shifts/count", json!({"cashier": "C1", "device": "POS1", "counted": -1})).is(422, "amount_invalid");
    house.post("/v1/shifts/open", json!({"cashier": "C1", "float": 5})).is(400, "bad_request");
    house.post("/v1/shifts/open", json!({"cashier": "C1", "flaot": 5})).is(400, "bad_request");
    for reason in ["", "  ", "a\nb", &"x".repeat(201)] {
        let body = json!({"cashier": "C1", "device": "POS1", "amount": 5, "reason": reason});
        house.post("/v1/shifts/pay-in", body).is(400, "bad_request");
    }
    assert_eq!(house.desk.asked(), Vec::<String>::new());
}

#[test]
fn somebody_elses_shift_is_closed_by_a_manager() {
    let house = House::open();
    house.post("/v1/shifts/close", json!({"cashier": "C1", "by": "M1"})).is(403, "manager_required");
    let with = |pin: &str| json!({"cashier": "C1", "approval": {"manager": "M1", "pin": pin}});
    house.post("/v1/shifts/close", with("0000")).is(403, "wrong_pin");
    assert_eq!(house.post("/v1/shifts/close", with("8888")).status, 200);
    let closed = house.desk.asked().into_iter().find(|a| a.contains("CloseShift")).unwrap();
    assert!(closed.contains("by: CashierId(\"M1\")"), "{closed}");
}

#[test]
fn the_day_now_and_at_a_row() {
    let house = House::open();
    let day = house.get("/v1/day").json();
    for key in [
        "business_date",
        "z_number",
        "state",
        "by_cashier",
        "by_device",
        "by_method",
        "matrix",
        "cross_foot",
        "bridge",
        "offline",
        "settlement",
        "pending",
        "journal",
    ] {
        assert!(day.get(key).is_some(), "{key} is part of the contract");
    }
    house.get("/v1/day?at=17");
    assert_eq!(last(&house), "day At(Seq(17))");
    for bad in ["at=-1", "at=x", "on=17"] {
        house.get(&format!("/v1/day?{bad}")).is(400, "bad_request");
    }
}

#[test]
fn the_day_is_closed_and_waited_for() {
    let house = House::open();
    house.desk.with(|i| i.settled_after = 1000);
    let sealed = house.post("/v1/day/close", "");
    assert_eq!((sealed.status, sealed.json()["state"].as_str()), (200, Some("asked")), "sealed, not waited for");
    assert_eq!(house.desk.asked(), ["CutDay { by: None }", "day Date(BusinessDate(2026-11-20))"]);
    house.desk.with(|i| i.settled_after = 3);
    let settled = house.post("/v1/day/close", json!({"by": "M1", "wait": 60}));
    assert_eq!(settled.json()["state"], "balanced");
    house.post("/v1/day/close", json!({"wait": 601})).is(400, "bad_request");
    house.post("/v1/day/close", json!({"approval": {"manager": "C1", "pin": "1111"}})).is(403, "manager_required");
}

#[test]
fn reports_in_every_form() {
    let house = House::open();
    for (format, kind) in [
        ("text", "text/plain; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("png", "image/png"),
        ("pdf", "application/pdf"),
        ("escpos", "application/octet-stream"),
    ] {
        let answer = house.get(&format!("/v1/reports/2026-11-20?format={format}&lang=en"));
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{}", answer.head);
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.to_lowercase().starts_with(format) && body.ends_with("en 2026-11-20"), "{body}");
    }
    assert!(String::from_utf8(house.get("/v1/reports/3?format=text").body).unwrap().contains(" zh "));
    assert_eq!(house.get("/v1/reports/Z3").json()["z_number"], 3);
    assert_eq!(house.get("/v1/reports/open").status, 200);
    house.get("/v1/reports/99").is(404, "unknown_day");
    house.get("/v1/reports/2026-02-30").is(404, "unknown_day");
    house.get("/v1/reports/3?format=doc").is(400, "bad_request");
    house.get("/v1/reports/3?lang=fr").is(400, "bad_request");
}

#[test]
fn exceptions_are_resolved_by_somebody_with_a_name() {
    let house = House::open();
    let list = house.get("/v1/exceptions").json();
    assert_eq!((list["items"][0]["id"].as_u64(), list.get("next_cursor").is_some()), (Some(4), true));
    let with = |by: &str, pin: &str| json!({"by": by, "pin": pin, "how": "noted", "note": "seen"});
    house.post("/v1/exceptions/4/resolve", with("M1", "0000")).is(403, "wrong_pin");
    house.post("/v1/exceptions/4/resolve", with("C1", "1111")).is(403, "manager_required");
    house.post("/v1/exceptions/x/resolve", with("M1", "8888")).is(404, "unknown_exception");
    let answer = house.post("/v1/exceptions/4/resolve", with("M1", "8888"));
    assert_eq!(answer.json(), json!({"id": 4, "state": "resolved"}));
    assert!(last(&house).contains("how: Noted, note: \"seen\""), "{}", last(&house));
    house.post("/v1/exceptions/4/resolve", json!({"by": "M1", "pin": "8888", "how": "noted"})).is(400, "bad_request");
    house.post("/v1/exceptions/4/resolve", json!({"by": "M1", "pin": "8888"})).is(400, "bad_request");
    house
        .post("/v1/exceptions/4/resolve", json!({"by": "M1", "pin": "8888", "how": "magic", "note": "x"}))
        .is(400, "bad_request");
    house.post("/v1/exceptions/4/resolve", json!({"by": "M1", "pin": "8888", "batch": 12})).is(403, "manager_required");
    let batch = house.post("/v1/exceptions/4/resolve", json!({"by": "T1", "pin": "7777", "batch": 12}));
    assert_eq!(batch.status, 200);
    assert!(last(&house).contains("DecideBatch { exception: ExceptionNo(4), batch: BatchNo(12)"), "{}", last(&house));
    house.post("/v1/exceptions/4/resolve", json!({"by": "T1", "pin": "7777", "batch": 0})).is(400, "bad_request");
}

#[test]
fn people_are_added_by_whoever_may() {
    let house = House::open();
    let body = json!({"id": "C9", "name": "小王", "role": "cashier", "pin": "4321"});
    assert_eq!(house.post("/v1/cashiers", &body).status, 200);
    assert_eq!(last(&house), "add C9 小王 cashier [4]", "the hash, never the PIN");
    let text = body.to_string();
    let n = text.len();
    let tcp = |text: &str| {
        let (host, bearer, n) = (house.host(), house.bearer(), text.len());
        house.raw_tcp(&format!(
            "POST /v1/cashiers HTTP/1.1\r\n{host}\r\n{bearer}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {n}\r\n\r\n{text}"
        ))
    };
    assert!(n > 0);
    tcp(&text).is(403, "manager_required");
    let mut approved = body.clone();
    approved["approval"] = json!({"manager": "M1", "pin": "8888"});
    assert_eq!(tcp(&approved.to_string()).status, 200);
    for (key, value) in [
        ("pin", json!("12")),
        ("pin", json!("abcd")),
        ("role", json!("boss")),
        ("id", json!("")),
        ("name", json!("")),
        ("name", json!("王".repeat(61))),
        ("name", json!("\u{200B}")),
        ("name", json!("王\u{202E}芳")),
    ] {
        let mut bad = body.clone();
        bad[key] = value;
        house.post("/v1/cashiers", bad).is(400, "bad_request");
    }
}

#[test]
fn printing_again_and_going_on() {
    let house = House::open();
    assert_eq!(house.post("/v1/print", json!({"what": "receipt", "payment": "P00000001"})).status, 200);
    assert_eq!(last(&house), "Reprint { what: Receipt { payment: PaymentId(1) }, by: None }");
    assert_eq!(house.post("/v1/print", json!({"what": "x_report"})).status, 200);
    assert_eq!(house.post("/v1/print", json!({"what": "day_report", "date": "2026-11-20"})).status, 200);
    house.post("/v1/print", json!({"what": "poster"})).is(400, "bad_request");
    house.post("/v1/print", json!({"what": "drawer", "device": "POS1"})).is(400, "bad_request");
    assert_eq!(house.post("/v1/printers/resume", json!({"printer": "front"})).status, 200);
    assert_eq!(last(&house), "resume Some(\"front\")");
    assert_eq!(house.post("/v1/printers/resume", "").status, 200);
    house.post("/v1/printers/resume", json!({"printer": "back"})).is(422, "unknown_device");
    assert_eq!(house.post("/v1/terminals/POS1/settle", "").status, 200);
    assert_eq!(last(&house), "Settle(TerminalId(\"POS1\"))");
}

#[test]
fn health_and_metrics() {
    let house = House::open();
    let health = house.get("/healthz");
    assert_eq!((health.status, health.json()["journal"]["rows"].as_u64()), (200, Some(9)));
    house.get("/nowhere");
    let metrics = String::from_utf8(house.get("/metrics").body).unwrap();
    for line in [
        "tilld_healthy 1",
        "tilld_offline_waiting_count 2",
        "tilld_offline_oldest_expires_seconds 60",
        "tilld_terminal_line_up{terminal=\"POS1\"} 1",
        "tilld_terminal_reversals_owed{terminal=\"POS1\"} 1",
        "tilld_print_jobs_waiting{port=\"front\"} 4",
        "tilld_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1",
        "tilld_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in {metrics}");
    }
    house.desk.with(|i| i.health = Some("damaged".into()));
    assert_eq!(house.get("/healthz").status, 503);
}
