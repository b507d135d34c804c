//! The backlog of an outage over real sockets: 500 stored sales at eight terminals, an acquirer that is 100 ms away, and a sale a second at the
//! counter meanwhile. The number of round trips is a test (`tests/acquirer_days/drain.rs`); this is the wall clock's word on it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::figure::Figure;
use crate::process::{DAEMON, Daemon, Host};
use crate::shop;

const STORED: usize = 500;
const TILLS: usize = 8;
const ROUND_TRIP_MS: u64 = 100;

/// What the round trips alone take: each lane's share of the sales, one after another.
const ROUND_TRIPS_S: f64 = (STORED.div_ceil(TILLS) as u64 * ROUND_TRIP_MS) as f64 / 1e3;

/// Drained in hardly more than the round trips; every online sale within two of them.
pub fn a_backlog(dir: &Path) -> Vec<Figure> {
    std::fs::create_dir_all(dir).unwrap();
    let port = shop::free_port();
    shop::configure(dir, u32::try_from(TILLS).unwrap(), port);
    cashier(dir);
    let (mut daemon, _) = Daemon::start(dir, DAEMON.as_ref());
    for n in 0..STORED {
        let told = sale(&daemon, &format!("o{n}"), n % TILLS + 1, 100 + n);
        assert!(told.contains("\"state\":\"stored\""), "{told}");
    }
    let scenario = dir.join("scenario.toml");
    std::fs::write(&scenario, format!("latency_ms = {ROUND_TRIP_MS}\n")).unwrap();
    let host = Host::start(dir, port, Some(&scenario));
    // The lines come back by themselves, each after its own pause: the drain is timed from the first that does.
    let patience = Instant::now();
    while waiting(&daemon) == STORED {
        assert!(patience.elapsed() < Duration::from_secs(90), "no line came back");
        std::thread::sleep(Duration::from_millis(5));
    }
    let began = Instant::now();
    let (mut asked, mut slowest) = (0usize, Duration::ZERO);
    while waiting(&daemon) > 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "{} still wait", waiting(&daemon));
        if began.elapsed() >= Duration::from_secs(1 + asked as u64) {
            let at = Instant::now();
            let told = sale(&daemon, &format!("s{asked}"), asked % TILLS + 1, 10_000 + asked);
            asked += 1;
            if told.contains("\"state\":\"approved\"") {
                slowest = slowest.max(at.elapsed());
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = began.elapsed().as_secs_f64();
    daemon.stop();
    drop(host);
    let slowest = slowest.as_secs_f64() * 1e3;
    let limit = 2.0 * ROUND_TRIP_MS as f64;
    vec![
        Figure::of(format!("{STORED} stored sales at {TILLS} terminals, {ROUND_TRIP_MS} ms there and back"), took, "s")
            .beside("its round trips", ROUND_TRIPS_S)
            .target("≤ 1.1", took <= 1.1 * ROUND_TRIPS_S)
            .note("from the first line that came back; a machine whose sync takes over 2 ms takes longer"),
        Figure::of("an online sale meanwhile, the slowest", slowest, "ms")
            .target("two round trips and what a loaded machine adds", slowest < limit * 1.25)
            .note(format!("{asked} were asked, one a second")),
    ]
}

fn cashier(dir: &Path) {
    let mut child = Command::new(DAEMON)
        .args(["cashier", "add", "1001", "--name", "小王", "--role", "cashier", "--pin-stdin", "--config"])
        .arg(dir.join("tilld.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"246810\n").unwrap();
    assert!(child.wait().unwrap().success());
}

fn sale(daemon: &Daemon, request: &str, terminal: usize, amount: usize) -> String {
    let body = format!(
        "{{\"request_id\":\"{request}\",\"kind\":\"sale\",\"device\":\"POS{terminal}\",\"cashier\":\"1001\",\"method\":\"card\",\"amount\":{amount},\
         \"currency\":\"CNY\",\"card\":{{\"track2\":\"6222021234567890128=30121010000012300\"}}}}"
    );
    daemon.ask("POST", "/v1/payments", &body)
}

/// Stored sales that the acquirer does not have yet.
fn waiting(daemon: &Daemon) -> usize {
    let answer = daemon.ask("GET", "/healthz", "");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or("{}");
    let status: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    status["waiting"]["count"].as_u64().map_or(STORED, |n| usize::try_from(n).unwrap_or(STORED))
}
