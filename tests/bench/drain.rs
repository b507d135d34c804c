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

/// What the round trips alone take, from a terminal's first answer to its last: each lane's share of the sales, one after another.
const ROUND_TRIPS_S: f64 = ((STORED.div_ceil(TILLS) - 1) as u64 * ROUND_TRIP_MS) as f64 / 1e3;

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
    // The lines come back by themselves, each after a pause of its own that is spread by a second: each is timed from its own first answer.
    let patience = Instant::now();
    while waiting(&daemon).iter().sum::<usize>() == STORED {
        assert!(patience.elapsed() < Duration::from_secs(90), "no line came back");
        std::thread::sleep(Duration::from_millis(5));
    }
    let began = Instant::now();
    let (mut asked, mut slowest) = (0usize, Duration::ZERO);
    let mut lanes = [(None, None); TILLS];
    loop {
        let (left, now) = (waiting(&daemon), Instant::now());
        for (n, (lane, left)) in lanes.iter_mut().zip(&left).enumerate() {
            let had = STORED / TILLS + usize::from(n < STORED % TILLS);
            if *left < had {
                lane.0.get_or_insert(now);
            }
            if *left == 0 {
                lane.1.get_or_insert(now);
            }
        }
        if left.iter().all(|left| *left == 0) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{left:?} still wait");
        if began.elapsed() >= Duration::from_secs(1 + asked as u64) {
            let at = Instant::now();
            let told = sale(&daemon, &format!("s{asked}"), asked % TILLS + 1, 10_000 + asked);
            asked += 1;
            if told.contains("\"state\":\"approved\"") {
                slowest = slowest.max(at.elapsed());
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let spans = lanes.iter().map(|(first, last)| last.unwrap().duration_since(first.unwrap()));
    let took = spans.max().unwrap().as_secs_f64();
    daemon.stop();
    drop(host);
    let slowest = slowest.as_secs_f64() * 1e3;
    let limit = 2.0 * ROUND_TRIP_MS as f64;
    vec![
        Figure::of(format!("{STORED} stored sales at {TILLS} terminals, {ROUND_TRIP_MS} ms there and back"), took, "s")
            .beside("its round trips", ROUND_TRIPS_S)
            .target("≤ 1.1", took <= 1.1 * ROUND_TRIPS_S)
            .note(
                "the slowest terminal, from its first answer to its last; where a sync takes over 2 ms it takes longer",
            ),
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

/// Stored sales that the acquirer does not have yet, of each terminal.
fn waiting(daemon: &Daemon) -> Vec<usize> {
    let answer = daemon.ask("GET", "/healthz", "");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or("{}");
    let status: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let count = |terminal: &serde_json::Value| terminal["waiting"]["count"].as_u64().unwrap();
    status["terminals"].as_array().unwrap().iter().map(|t| usize::try_from(count(t)).unwrap()).collect()
}
