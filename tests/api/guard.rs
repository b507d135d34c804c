//! Who comes in and who does not.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::Command;

use tilld::core::domain::Lang;
use tilld::io::http::{ApiOptions, Door, DoorError};

use crate::wire::{House, folder};

const DAY: &str = "GET /v1/day";

#[test]
fn loopback_needs_the_token() {
    let house = House::open();
    let ok = house.tcp(DAY, &[house.host(), house.bearer()]);
    assert_eq!(ok.status, 200, "{}", String::from_utf8_lossy(&ok.body));
    let without = house.tcp(DAY, &[house.host()]);
    without.is(401, "unauthorized");
    assert!(without.head.contains("www-authenticate: bearer"));
    for wrong in [
        "Authorization: Bearer wrong".to_owned(),
        format!("Authorization: Basic {}", house.token),
        format!("Authorization: {}", house.token),
        format!("Authorization: Bearer {}x", house.token),
        format!("Authorization: Bearer {}", &house.token[1..]),
        "Authorization: Bearer ".to_owned(),
    ] {
        house.tcp(DAY, &[house.host(), wrong]).is(401, "unauthorized");
    }
    house.tcp(DAY, &[house.host(), house.bearer(), house.bearer()]).is(401, "unauthorized");
    assert_eq!(house.desk.asked(), ["day Open"], "only the first came through");
}

#[test]
fn a_stranger_on_loopback_sees_health_alone() {
    let house = House::open();
    let answer = house.tcp("GET /healthz", &[house.host()]);
    assert_eq!(
        (answer.status, answer.json()),
        (200, serde_json::json!({"health": "ok", "version": env!("CARGO_PKG_VERSION")}))
    );
    house.tcp("GET /metrics", &[house.host()]).is(401, "unauthorized");
    house.tcp("GET /healthz", &[house.host(), "Authorization: Bearer wrong".into()]).is(401, "unauthorized");
    let full = house.tcp("GET /healthz", &[house.host(), house.bearer()]);
    assert_eq!(full.json()["terminals"][0]["terminal"], "POS1");
}

#[test]
fn a_page_that_floods_loopback_is_told_to_wait_and_keeps_nobody_else_out() {
    let house = House::open();
    // Faster than the bucket of strangers fills, however slow this machine: many at once, until one is told to wait.
    let told = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    if told.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    let answer = house.tcp(DAY, &[house.host()]);
                    if answer.status != 401 {
                        answer.is(429, "too_many");
                        assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
                        told.store(true, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(told.into_inner(), "nobody was ever told to wait");
    assert_eq!(house.tcp(DAY, &[house.host(), house.bearer()]).status, 200);
    assert_eq!(house.get("/v1/day").status, 200);
}

#[test]
fn another_host_is_refused_whoever_asks() {
    let house = House::open();
    let port = house.tcp.port();
    assert_eq!(house.tcp(DAY, &[format!("Host: localhost:{port}"), house.bearer()]).status, 200);
    for host in
        ["evil.example".to_owned(), format!("evil.example:{port}"), "127.0.0.1".to_owned(), "127.0.0.1:1".into()]
    {
        house.tcp(DAY, &[format!("Host: {host}"), house.bearer()]).is(403, "host_not_allowed");
    }
    house.tcp(DAY, &[house.host(), house.host(), house.bearer()]).is(403, "host_not_allowed");
    house.tcp("GET http://evil.example/v1/day", &[house.host(), house.bearer()]).is(403, "host_not_allowed");
    house.tcp("GET /healthz", &["Host: evil.example".into()]).is(403, "host_not_allowed");
}

#[test]
fn other_sites_are_refused() {
    let house = House::open();
    let with = |header: &str| house.tcp(DAY, &[house.host(), house.bearer(), header.to_owned()]);
    for header in
        ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"]
    {
        with(header).is(403, "origin_not_allowed");
    }
    assert_eq!(with(&format!("Origin: http://{}", house.tcp)).status, 200);
    assert_eq!(with("Sec-Fetch-Site: same-origin").status, 200);
    let proxied = house.raw("GET /v1/day HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\nConnection: close\r\n\r\n");
    proxied.is(403, "origin_not_allowed");
}

#[test]
fn nothing_is_done_on_get() {
    let house = House::open();
    for path in [
        "/v1/payments/P00000001/cancel",
        "/v1/shifts/open",
        "/v1/shifts/close",
        "/v1/shifts/pay-in",
        "/v1/day/close",
        "/v1/print",
        "/v1/printers/resume",
        "/v1/cashiers/1001",
        "/v1/drawers/open",
        "/v1/exceptions/4/resolve",
        "/v1/terminals/POS1/settle",
    ] {
        let answer = house.get(path);
        answer.is(405, "method_not_allowed");
        assert!(answer.head.contains("allow: post"), "{}", answer.head);
    }
    assert_eq!(house.desk.asked(), Vec::<String>::new());
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let house = House::open();
    for answer in [house.get("/healthz"), house.get("/nowhere"), house.tcp(DAY, &[house.host()])] {
        for header in [
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.head.contains(header), "{header} in {}", answer.head);
        }
    }
}

#[test]
fn addresses_that_do_not_exist_are_told_so() {
    let house = House::open();
    house.get("/v1/nowhere").is(404, "not_found");
    house.get("/v1/payments/%FF").is(400, "bad_request");
    house.raw("DELETE /v1/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").is(405, "method_not_allowed");
}

#[test]
fn the_socket_is_closed_to_others_and_goes_with_the_daemon() {
    let mut house = House::open();
    let meta = std::fs::metadata(&house.socket).unwrap();
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o777, 0o660);
    let token = std::fs::metadata(house.folder.join("token")).unwrap();
    assert_eq!(token.permissions().mode() & 0o777, 0o600);
    assert_eq!(house.token.len(), 64);
    house.close();
    assert!(!house.socket.exists());
}

fn options(folder: &std::path::Path) -> ApiOptions {
    ApiOptions {
        socket: Some(folder.join("s")),
        listen: None,
        token_file: Some(folder.join("token")),
        timeout_ms: 1000,
        lang: Lang::Zh,
    }
}

#[tokio::test]
async fn a_door_that_cannot_be_opened_says_why() {
    let folder = folder();
    let first = Door::bind(&options(&folder)).unwrap();
    let error = Door::bind(&options(&folder)).unwrap_err();
    assert!(matches!(error, DoorError::Taken(_)), "{error}");
    drop(first);
    assert!(!folder.join("s").exists());
    // What a killed daemon leaves behind is taken over.
    drop(std::os::unix::net::UnixListener::bind(folder.join("s")).unwrap());
    assert!(folder.join("s").exists());
    drop(Door::bind(&options(&folder)).unwrap());

    std::fs::write(folder.join("s"), "a letter").unwrap();
    let error = Door::bind(&options(&folder)).unwrap_err();
    assert!(matches!(error, DoorError::NotASocket(_)), "{error}");
    assert_eq!(std::fs::read_to_string(folder.join("s")).unwrap(), "a letter");

    let tcp = |listen: &str| ApiOptions { socket: None, listen: Some(listen.parse().unwrap()), ..options(&folder) };
    let error = Door::bind(&tcp("0.0.0.0:0")).unwrap_err();
    assert!(matches!(error, DoorError::NotLoopback(_)), "{error}");
    std::fs::write(folder.join("token"), "0123456789abcdef").unwrap();
    std::fs::set_permissions(folder.join("token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Door::bind(&tcp("127.0.0.1:0")).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
    std::fs::set_permissions(folder.join("token"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(folder.join("token"), "short").unwrap();
    assert!(Door::bind(&tcp("127.0.0.1:0")).unwrap_err().to_string().contains("at least 16"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// A stranger's program: curl over both ways.
#[test]
fn curl_pays() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no curl here");
        return;
    }
    let house = House::open();
    let body = r#"{"request_id":"curl-1","kind":"sale","device":"POS1","cashier":"C1","method":"cash","amount":1234,"currency":"CNY"}"#;
    let json = "Content-Type: application/json";
    let curl = |args: &[&str]| {
        let out = Command::new("curl").args(["-sS", "--max-time", "20"]).args(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()
    };
    let socket = house.socket.to_str().unwrap();
    let paid = curl(&["--unix-socket", socket, "-H", json, "-d", body, "http://localhost/v1/payments"]);
    assert_eq!((paid["id"].as_str(), paid["state"].as_str()), (Some("P00000001"), Some("approved")));
    let url = format!("http://{}/v1/payments", house.tcp);
    let again = curl(&["-H", &house.bearer(), "-H", json, "-d", body, &url]);
    assert_eq!(again["id"], "P00000001");
    let form = curl(&["-H", &house.bearer(), "-d", body, &url]);
    assert_eq!(form["code"], "not_json");
}
