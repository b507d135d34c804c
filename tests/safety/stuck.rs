//! An acquirer that takes connections and then does nothing, or half of something: the till stays quick, the day can be closed, and once it is well again
//! everything finds its end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::Rig;

/// What it does with whoever calls.
#[derive(Clone, Copy)]
enum Stuck {
    /// Takes the connection and never reads.
    Silent,
    /// Reads, and begins an answer that it never ends.
    HalfAnAnswer,
}

struct Acquirer {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl Acquirer {
    fn start(port: u16, how: Stuck) -> Acquirer {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut held: Vec<TcpStream> = Vec::new();
            for stream in listener.incoming() {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                let mut stream = stream.unwrap();
                if let Stuck::HalfAnAnswer = how {
                    let mut mine = stream.try_clone().unwrap();
                    std::thread::spawn(move || {
                        let mut bytes = [0; 4_096];
                        while mine.read(&mut bytes).is_ok_and(|n| n > 0) {
                            // A frame of 200 bytes is announced, and 40 come.
                            let mut half = vec![0, 200, 0x60];
                            half.resize(42, 0);
                            if mine.write_all(&half).is_err() {
                                break;
                            }
                        }
                    });
                } else {
                    stream.flush().unwrap();
                }
                held.push(stream);
            }
            held.len()
        });
        Acquirer { port, stop, thread: Some(thread) }
    }

    /// It goes away; how many had called.
    fn ends(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.take().unwrap().join().unwrap()
    }
}

fn a_day_beside(how: Stuck) {
    let mut rig = Rig::new();
    rig.start_host();
    rig.start();
    rig.hire();
    rig.line_up();
    rig.sells("before", "card", "approved");
    rig.stop_host();
    let stuck = Acquirer::start(rig.port(), how);
    // A card: the customer is told something within the time-out and its five seconds, and it is not "approved".
    let (status, answer) = rig.sale("stuck", "card", 1_234);
    let state = answer["state"].as_str().unwrap_or_default().to_owned();
    assert!(status == 200 && ["unknown", "stored", "waiting", "sent"].contains(&state.as_str()), "{status} {answer}");
    // Cash does not wait for anybody: thirty sales, and the acquirer has still said nothing.
    for n in 0..30 {
        rig.sells(&format!("cash-{n}"), "cash", "approved");
    }
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 3})));
    assert_eq!(day["cross_foot"], true, "{day}");
    assert_ne!(day["state"], "balanced", "{day}");
    let date = day["business_date"].as_str().unwrap().to_owned();
    let report = rig.must("GET", &format!("/v1/reports/{date}"), None);
    assert_ne!(report["state"], "balanced");
    assert!(stuck.ends() > 0, "nobody called the stuck acquirer");
    // It is well again: what was doubtful is undone or sent, and the evening before is settled, without anybody's hand.
    rig.start_host();
    let began = Instant::now();
    loop {
        let report = rig.must("GET", &format!("/v1/reports/{date}"), None);
        let payments = rig.must("GET", "/v1/payments?limit=500", None);
        let left = payments["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| !["approved", "forwarded", "reversed", "declined"].contains(&p["state"].as_str().unwrap()));
        let left: Vec<_> = left.cloned().collect();
        if report["state"] == "balanced" && left.is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{} {left:#?}\n{}", report["state"], rig.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    rig.sells("after", "card", "approved");
    rig.stop();
    rig.does(&["verify"]);
}

#[test]
fn an_acquirer_that_takes_connections_and_says_nothing_holds_up_cards_alone() {
    a_day_beside(Stuck::Silent);
}

#[test]
fn an_acquirer_that_begins_answers_and_never_ends_them_holds_up_cards_alone() {
    a_day_beside(Stuck::HalfAnAnswer);
}
