//! Tills that pay without end, whatever happens to the daemon: a request whose answer was lost is sent again under the same id, or given
//! up, as cashiers do. They write down every answer that they saw.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::http;
use crate::rig::{Rig, is_up, terminal};

/// The well-known test cards.
pub const TRACKS: [&str; 3] = [
    "6222021234567890128=49121010000000000",
    "4111111111111111=49121010000000000000",
    "5555555555554444=49121010000000000000",
];

/// How often and how long a till waits where its terminal settles a batch that is full.
const SETTLING_WAITS: u32 = 100;
const SETTLING_WAIT: Duration = Duration::from_millis(50);

/// What the tills were told.
#[derive(Debug, Default)]
pub struct Told {
    /// The request, and every answer to it that arrived, in order.
    pub answers: Mutex<Vec<(Value, Vec<Value>)>>,
    /// Requests that were given up without an answer.
    pub given_up: Mutex<Vec<Value>>,
    /// Refusals by code, those of `settled` left out.
    pub refused: Mutex<Vec<String>>,
    /// Sales whose void was refused because their batch was settled: full, or of a day that was closed.
    pub settled: Mutex<Vec<Value>>,
    /// What no answer should have been.
    pub wrong: Mutex<Vec<String>>,
    /// How long each first answer to a cash payment took: a commit, seen from the till.
    pub commits: Mutex<Vec<Duration>>,
}

#[derive(Debug)]
pub struct Tills {
    pub stop: Arc<AtomicBool>,
    told: Arc<Told>,
    socket: PathBuf,
    threads: Vec<JoinHandle<()>>,
}

impl Tills {
    /// One on each terminal. Between two customers a till rests for less than so many milliseconds.
    pub fn start(rig: &Rig, seed: u64, rest_ms: u64) -> Tills {
        let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Told::default()));
        let threads = (0..rig.terminals).map(|n| {
            let till = Till {
                n,
                rest_ms,
                chance: Chance(seed.wrapping_add(n as u64)),
                requests: 0,
                sales: Vec::new(),
                original: None,
                socket: rig.socket.clone(),
                told: Arc::clone(&told),
                stop: Arc::clone(&stop),
            };
            std::thread::spawn(move || till.work())
        });
        Tills { threads: threads.collect(), stop, told, socket: rig.socket.clone() }
    }

    /// The manager closes the day; whether that is heard is the kill's affair.
    pub fn somebody_closes_the_day(&self) {
        let (socket, told) = (self.socket.clone(), Arc::clone(&self.told));
        std::thread::spawn(move || {
            let body = json!({"by": "9001", "wait": 0});
            if let Ok((status, answer)) =
                http::ask(&socket, "POST", "/v1/day/close", Some(&body), Duration::from_secs(30))
                && (status != 200 || answer["cross_foot"] != true)
            {
                told.wrong.lock().unwrap().push(format!("the close: {status} {answer}"));
            }
        });
    }

    /// How many were answered so far.
    pub fn payments(&self) -> usize {
        self.told.answers.lock().unwrap().len()
    }

    pub fn join(self) -> Arc<Told> {
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.told
    }
}

struct Till {
    n: usize,
    rest_ms: u64,
    chance: Chance,
    requests: u64,
    /// Approved sales that may be voided or refunded.
    sales: Vec<Value>,
    /// The sale that the request under way voids or refunds.
    original: Option<Value>,
    socket: PathBuf,
    told: Arc<Told>,
    stop: Arc<AtomicBool>,
}

impl Till {
    fn work(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let request = self.request();
            self.pay(&request);
            // A customer puts the card away. Without it an outage of two seconds stores more sales than a line of this day forwards in a minute.
            std::thread::sleep(Duration::from_millis(self.chance.below(self.rest_ms)));
        }
    }

    fn request(&mut self) -> Value {
        self.requests += 1;
        self.original = None;
        let (device, _) = terminal(self.n + 1);
        let mut body = json!({
            "request_id": format!("{device}-{:05}", self.requests), "kind": "sale", "device": device,
            "cashier": format!("100{}", self.n % 3 + 1), "currency": "CNY",
            "amount": i64::try_from(100 + self.chance.below(9_000)).unwrap(),
        });
        match self.chance.below(10) {
            0..=4 => {
                body["method"] = json!("card");
                body["card"] = json!({"track2": self.chance.of(&TRACKS), "entry": "magstripe"});
            }
            5 => {
                body["method"] = json!("qr");
                body["auth_code"] = json!(format!("13{:016}", self.chance.below(10_000_000_000_000_000)));
            }
            6 if !self.sales.is_empty() => {
                let sale = self.sales.swap_remove(usize::try_from(self.chance.below(self.sales.len() as u64)).unwrap());
                let kind = if sale["method"] == "cash" { "refund" } else { "void" };
                for (key, value) in [("kind", json!(kind)), ("original", sale["id"].clone())] {
                    body[key] = value;
                }
                for key in ["method", "amount"] {
                    body[key] = sale[key].clone();
                }
                if kind == "refund" {
                    body["confirm_amount"] = sale["amount"].clone();
                }
                self.original = Some(sale);
            }
            _ => body["method"] = json!("cash"),
        }
        body
    }

    /// Pays, and pays again where no answer came. Now and then an answered request is sent again: it must be the same payment.
    fn pay(&mut self, request: &Value) {
        let mut answers = Vec::new();
        let (mut waits, mut refused) = (0, false);
        loop {
            let began = Instant::now();
            match http::ask(&self.socket, "POST", "/v1/payments", Some(request), Duration::from_secs(20)) {
                Ok((200, payment)) => {
                    if answers.is_empty() && payment["method"] == "cash" {
                        self.told.commits.lock().unwrap().push(began.elapsed());
                    }
                    answers.push(payment);
                    if !self.chance.one_in(12) {
                        break;
                    }
                }
                Ok((status, problem)) => {
                    let code = problem["code"].as_str().unwrap_or("?").to_owned();
                    if !(400..500).contains(&status) && !matches!(code.as_str(), "stopping" | "busy") {
                        self.told.wrong.lock().unwrap().push(format!("{request}: {status} {problem}"));
                    }
                    // As it says: wait a moment.
                    if code == "settling" && waits < SETTLING_WAITS && !self.stop.load(Ordering::Relaxed) {
                        waits += 1;
                        std::thread::sleep(SETTLING_WAIT);
                        continue;
                    }
                    match self.original.take() {
                        Some(sale) if code == "use_refund" => self.told.settled.lock().unwrap().push(sale),
                        _ => self.told.refused.lock().unwrap().push(code),
                    }
                    refused = true;
                    break;
                }
                Err(_) => {
                    wait_until_up(&self.socket, &self.stop);
                    if self.chance.one_in(3) || self.stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
        }
        if answers.is_empty() {
            if !refused {
                self.told.given_up.lock().unwrap().push(request.clone());
            }
            return;
        }
        if let Some(last) = answers.last()
            && last["kind"] == "sale"
            && matches!(last["state"].as_str(), Some("approved" | "stored"))
            && last["method"] != "qr"
        {
            self.sales.push(last.clone());
        }
        self.told.answers.lock().unwrap().push((request.clone(), answers));
    }
}

fn wait_until_up(socket: &Path, stop: &AtomicBool) {
    while !is_up(socket) && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
}
