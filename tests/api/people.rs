//! People at the console: the log-in, what its cookie may do, the pages, the description, the events.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use tilld::core::domain::{PaymentId, Seq};
use tilld::core::ports::Committed;

use crate::wire::{Answer, House};

fn post(house: &House, path: &str, body: &serde_json::Value, more: &[String]) -> Answer {
    let body = body.to_string();
    let more: String = more.iter().map(|h| format!("{h}\r\n")).collect();
    house.raw_tcp(&format!(
        "POST {path} HTTP/1.1\r\n{}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n{body}",
        house.host(),
        body.len()
    ))
}

fn log_in(house: &House, person: &str, pin: &str) -> Answer {
    post(house, "/v1/session", &json!({"person": person, "pin": pin}), &[])
}

fn cookie(answer: &Answer) -> String {
    let line = answer.head.lines().find(|l| l.starts_with("set-cookie: ")).unwrap();
    assert!(line.contains("; httponly") && line.contains("; samesite=strict") && line.contains("path=/"), "{line}");
    format!("Cookie: {}", line["set-cookie: ".len()..].split(';').next().unwrap())
}

#[test]
fn a_manager_logs_in_and_out() {
    let house = House::open();
    house.tcp("GET /v1/day", &[house.host()]).is(401, "unauthorized");
    log_in(&house, "M1", "0000").is(403, "wrong_pin");
    log_in(&house, "nobody", "8888").is(403, "wrong_pin");
    log_in(&house, "C1", "1111").is(403, "manager_required");
    let answer = log_in(&house, "M1", "8888");
    assert_eq!((answer.status, answer.json()["role"].as_str()), (200, Some("manager")));
    let ours = cookie(&answer);
    let who = house.tcp("GET /v1/session", &[house.host(), ours.clone()]).json();
    assert_eq!((who["person"].as_str(), who["exponent"].as_u64()), (Some("M1"), Some(2)));
    assert_eq!(house.tcp("GET /v1/day", &[house.host(), ours.clone()]).status, 200);
    house.tcp("GET /v1/day", &[house.host(), "Cookie: tilld_session=0".into()]).is(401, "unauthorized");
    let origin = format!("Origin: http://{}", house.tcp);
    assert_eq!(post(&house, "/v1/session/end", &json!({}), &[ours.clone(), origin]).status, 200);
    house.tcp("GET /v1/day", &[house.host(), ours]).is(401, "unauthorized");
}

#[test]
fn a_cookie_changes_things_only_from_our_own_page_and_never_pays() {
    let house = House::open();
    let ours = cookie(&log_in(&house, "M1", "8888"));
    let shift = json!({"cashier": "C1", "device": "POS1", "float": 0});
    post(&house, "/v1/shifts/open", &shift, std::slice::from_ref(&ours)).is(403, "origin_not_allowed");
    let foreign = [ours.clone(), "Origin: http://evil.example".into()];
    post(&house, "/v1/shifts/open", &shift, &foreign).is(403, "origin_not_allowed");
    let page = [ours, "Sec-Fetch-Site: same-origin".into()];
    assert_eq!(post(&house, "/v1/shifts/open", &shift, &page).status, 200);
    post(&house, "/v1/payments", &json!({}), &page).is(401, "unauthorized");
    assert_eq!(post(&house, "/v1/day/close", &json!({"by": "somebody"}), &page).status, 200);
    assert!(house.desk.asked().iter().any(|a| a.contains("CutDay") && a.contains("M1")), "{:?}", house.desk.asked());
    let technician = [cookie(&log_in(&house, "T1", "7777")), "Sec-Fetch-Site: same-origin".into()];
    post(&house, "/v1/day/close", &json!({}), &technician).is(403, "manager_required");
}

#[test]
fn the_pages_come_from_here_and_bring_a_strict_policy() {
    let house = House::open();
    let page = house.tcp("GET /", &[house.host()]);
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{}", page.head);
    let text = String::from_utf8(page.body).unwrap();
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<script>"), "{text}");
    for part in text.split('"').filter(|part| part.starts_with("/console/")) {
        assert_eq!(house.tcp(&format!("GET {part}"), &[house.host()]).status, 200, "{part}");
    }
    house.tcp("GET /", &["Host: evil.example".into()]).is(403, "host_not_allowed");
}

#[test]
fn the_description_has_every_route_and_its_refusals() {
    let house = House::open();
    let api = house.get("/v1/openapi.json").json();
    assert_eq!(api["openapi"], "3.1.0");
    let pay = &api["paths"]["/v1/payments"]["post"];
    for status in ["200", "400", "401", "403", "404", "408", "409", "413", "415", "422", "429", "503"] {
        assert!(pay["responses"].get(status).is_some(), "{status}");
    }
    let ids: Vec<_> = api["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|op| op["operationId"].as_str())
        .collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (46, 46), "{ids:?}");
    let wanted = api["components"]["schemas"]["PayBody"]["required"].as_array().unwrap();
    assert!(wanted.iter().any(|w| w == "request_id") && !wanted.iter().any(|w| w == "card"), "{wanted:?}");
}

#[test]
fn whatever_the_description_refers_to_stands_in_it() {
    let house = House::open();
    let api = house.get("/v1/openapi.json").json();
    let (mut left, mut dangling, mut found) = (vec![&api], Vec::new(), 0);
    while let Some(value) = left.pop() {
        if let Some(place) = value.get("$ref").and_then(|r| r.as_str()) {
            found += 1;
            if api.pointer(place.trim_start_matches('#')).is_none() {
                dangling.push(place.to_owned());
            }
        }
        match value {
            serde_json::Value::Object(map) => left.extend(map.values()),
            serde_json::Value::Array(list) => left.extend(list),
            _ => {}
        }
    }
    assert!(found > 20, "{found}");
    assert_eq!(dangling, Vec::<String>::new());
}

#[test]
fn commits_are_told_to_whoever_listens() {
    let mut house = House::open();
    let mut stream = TcpStream::connect(house.tcp).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (host, bearer) = (house.host(), house.bearer());
    write!(stream, "GET /v1/events HTTP/1.1\r\n{host}\r\n{bearer}\r\n\r\n").unwrap();
    let mut seen = String::new();
    let mut until = |stream: &mut TcpStream, text: &str| {
        let mut chunk = [0u8; 4096];
        while !seen.contains(text) {
            let n = stream.read(&mut chunk).unwrap();
            assert!(n > 0, "ended without {text}: {seen}");
            seen.push_str(&String::from_utf8_lossy(&chunk[..n]));
        }
    };
    until(&mut stream, "event: hello");
    let sale = json!({"request_id": "r1", "kind": "sale", "device": "POS1", "cashier": "C1", "method": "cash", "amount": 5, "currency": "CNY"});
    assert_eq!(house.post("/v1/payments", sale).status, 200);
    let committed = Committed {
        head: Seq(41),
        link: Default::default(),
        terminals: vec![],
        rung: false,
        payments: vec![PaymentId(1)],
    };
    house.desk.with(|i| i.listeners.retain(|listener| listener(&committed)));
    until(&mut stream, "event: commit");
    until(&mut stream, "\"head\":41");
    until(&mut stream, "\"request_id\":\"r1\"");
    house.desk.with(|i| i.health = Some("damaged".into()));
    until(&mut stream, "event: health");
    // The API closes although somebody listens.
    house.close();
}
