//! A running day while every port is pulled and put back, again and again: no payment lost or doubled, no print job lost or printed twice
//! without saying so.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tilld::sim::bridge::{BridgeSettings, TRACK2};
use tilld::sim::msr::MsrStand;
use tilld::sim::neo2::Neo2Stand;
use tilld::sim::pn532::Pn532Stand;
use tilld::sim::printer::{PrinterSettings, PrinterStand};
use tilld::sim::scanner::{ScannerSettings, ScannerStand};

use crate::rig::{Rig, folder, load_key, terminal};
use crate::sale::{runtime, stand};

/// How often each port is pulled; `TILLD_REPLUGS=100` for the whole proof.
fn rounds() -> u64 {
    std::env::var("TILLD_REPLUGS").ok().and_then(|n| n.parse().ok()).unwrap_or(25)
}

fn devices() -> String {
    let mut text = terminal(0, false) + &terminal(1, true);
    for (terminal, kind) in
        [("POS1", "bridge"), ("POS2", "scanner"), ("POS2", "msr"), ("POS2", "pn532"), ("POS2", "neo2")]
    {
        text += &format!("[[reader]]\nterminal = \"{terminal}\"\nkind = \"{kind}\"\nport = \"{kind}\"\n");
    }
    for (id, terminal) in [("front", "POS1"), ("side", "POS2")] {
        text += &format!("[[printer]]\nid = \"{id}\"\nport = \"{id}\"\ncolumns = 48\nterminals = [\"{terminal}\"]\n");
    }
    text
}

/// Pulls and plugs one port; each time the daemon has seen the loss before it is put back.
async fn pull(rig: &Rig, id: &str, unplug: impl Fn(), plug: impl Fn(), running: &AtomicUsize) {
    let lost = async || rig.port(id).await["counters"]["lost"].as_u64().unwrap_or(0);
    for round in 1..=rounds() {
        // Now and then it stays long enough for something to be sold and printed; otherwise it goes at any moment.
        if round % 10 == 0 {
            rig.open(id).await;
            tokio::time::sleep(Duration::from_millis(900)).await;
        } else {
            tokio::time::sleep(Duration::from_millis(round * 37 % 60)).await;
            rig.open(id).await;
        }
        unplug();
        rig.until(&format!("{id} is lost for the {round}th time"), async || lost().await >= round).await;
        plug();
    }
    running.fetch_sub(1, Ordering::AcqRel);
}

/// Sells until the pulling is over and then once more; every request is repeated until it is known what became of it.
async fn sell(rig: &Rig, device: &str, method: &str, next: &AtomicU64, running: &AtomicUsize) -> Vec<Value> {
    let mut sold = Vec::new();
    loop {
        let last = running.load(Ordering::Acquire) == 0;
        let n = next.fetch_add(1, Ordering::Relaxed);
        let request = format!("r-{n}");
        let paid = loop {
            match rig.pay_at(device, &request, method, 1_000 + i64::try_from(n).unwrap()).await {
                Ok(paid) => break Some(paid),
                // Nothing is journaled: the cashier tries again, or the customer pays otherwise.
                Err(code) if !last && matches!(code.as_str(), "no_reader" | "needs_line" | "bad_card" | "no_card") => {
                    tokio::time::sleep(Duration::from_millis(120)).await;
                    break None;
                }
                Err(code) => {
                    assert!(last && matches!(code.as_str(), "no_reader" | "needs_line"), "{device} {method}: {code}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        };
        sold.extend(paid);
        if last {
            return sold;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// One slip on a paper: whose copy, of which payment, marked as a reprint, whole.
#[derive(Debug, Default)]
struct Slip {
    copy: String,
    payment: String,
    marked: bool,
    whole: bool,
}

fn slips(paper: &str) -> Vec<Slip> {
    let mut slips: Vec<Slip> = Vec::new();
    for line in paper.lines().map(str::trim) {
        if line == "望京店" {
            slips.push(Slip::default());
        }
        let Some(slip) = slips.last_mut() else { continue };
        match line {
            "商户存根" | "顾客存根" => slip.copy = line.into(),
            _ if line.contains("重打印") => slip.marked = true,
            _ if line.starts_with("交易号") => slip.payment = line["交易号".len()..].trim().into(),
            "请妥善保管本单" => slip.whole = true,
            _ => {}
        }
    }
    slips
}

/// Every receipt is there, whole; and at most once without the mark.
fn judge_paper(papers: &[String], sold: &[&Value]) {
    let mut of: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
    let all: Vec<Slip> = papers.iter().flat_map(|paper| slips(paper)).collect();
    for slip in all.iter().filter(|slip| !slip.payment.is_empty()) {
        let (unmarked, whole) = of.entry((slip.payment.as_str(), slip.copy.as_str())).or_default();
        *unmarked += u32::from(!slip.marked);
        *whole += u32::from(slip.whole);
    }
    assert!(of.values().all(|(unmarked, _)| *unmarked <= 1), "printed twice without the mark: {of:?}");
    for payment in sold.iter().filter(|p| p["state"] == "approved") {
        let id = payment["id"].as_str().unwrap();
        let whole: Vec<_> = of.iter().filter(|((of, _), (_, whole))| *of == id && *whole > 0).collect();
        assert!(!whole.is_empty(), "no receipt of {payment:#}");
    }
}

#[test]
fn every_port_is_pulled_again_and_again_and_no_payment_or_print_is_lost_or_doubled() {
    let dir = folder("replug");
    let at = |name: &str| dir.join(name);
    let bridge = stand(&at("bridge"), &BridgeSettings::default());
    load_key(&at("bridge"));
    let scanner = ScannerStand::start(&at("scanner"), ScannerSettings::default()).unwrap();
    let msr = MsrStand::start(&at("msr"), true).unwrap();
    let (pn532, neo2) = (Pn532Stand::start(&at("pn532")).unwrap(), Neo2Stand::start(&at("neo2")).unwrap());
    let printer = |name: &str| {
        let settings = PrinterSettings { speed: Some(6_000), ..PrinterSettings::default() };
        PrinterStand::start(&at(name), settings).unwrap()
    };
    let (front, side) = (printer("front"), printer("side"));
    runtime().block_on(async {
        let rig = Rig::with(&dir, &devices()).await;
        rig.until("both are signed on", async || {
            let status = rig.status().await;
            (0..2).all(|i| status["terminals"][i]["signed_on"] == true && status["terminals"][i]["line"] == "up")
        })
        .await;
        let (next, running) = (AtomicU64::new(1), AtomicUsize::new(7));
        let (rig, next, running) = (&rig, &next, &running);
        let presents = async {
            // Customers: a code and a card are held up again and again, to whoever waits.
            while running.load(Ordering::Acquire) > 0 || next.load(Ordering::Acquire) > 0 {
                scanner.scan(&format!("1345678901{:08}", next.load(Ordering::Relaxed)));
                msr.swipe("B0^TEST^0", TRACK2);
                tokio::time::sleep(Duration::from_millis(70)).await;
            }
        };
        let selling = async {
            let (a, b, c, d) = tokio::join!(
                sell(rig, "POS1", "card", next, running),
                sell(rig, "POS1", "cash", next, running),
                async {
                    // One terminal waits for one payment at a time.
                    let mut sold = Vec::new();
                    while running.load(Ordering::Acquire) > 0 {
                        sold.extend(once(rig, "POS2", "qr", next).await);
                        sold.extend(once(rig, "POS2", "card", next).await);
                    }
                    sold
                },
                sell(rig, "POS2", "cash", next, running),
            );
            next.store(0, Ordering::Release);
            [a, b, c, d].concat()
        };
        let cashier = async {
            // Pulled in the middle of one slip again and again, a printer asks a person to look: he presses Continue.
            while next.load(Ordering::Acquire) > 0 {
                for id in ["front", "side"] {
                    let attention = rig.port(id).await["attention"]["en"].as_str().unwrap_or_default().to_owned();
                    if attention.contains("press Continue") {
                        rig.must("/v1/printers/resume", json!({"printer": id})).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let pulling = async {
            tokio::join!(
                pull(rig, "POS1 bridge", || bridge.unplug(), || bridge.plug().unwrap(), running),
                pull(rig, "POS2 scanner", || scanner.unplug(), || scanner.plug().unwrap(), running),
                pull(rig, "POS2 msr", || msr.unplug(), || msr.plug().unwrap(), running),
                pull(rig, "POS2 pn532", || pn532.unplug(), || pn532.plug().unwrap(), running),
                pull(rig, "POS2 neo2", || neo2.unplug(), || neo2.plug().unwrap(), running),
                pull(rig, "front", || front.unplug(), || front.plug().unwrap(), running),
                pull(rig, "side", || side.unplug(), || side.plug().unwrap(), running),
            );
        };
        let (sold, (), (), ()) = tokio::join!(selling, pulling, presents, cashier);
        settled(rig, &sold, &[&front, &side]).await;
        assert!(front.faults().iter().chain(&side.faults()).all(|fault| !fault.contains("thrown away")));
        for id in ["POS1 bridge", "POS2 scanner", "POS2 msr", "POS2 pn532", "POS2 neo2", "front", "side"] {
            let port = rig.port(id).await;
            assert_eq!(port["counters"]["lost"].as_u64(), Some(rounds()), "{port:#}");
        }
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

async fn once(rig: &Rig, device: &str, method: &str, next: &AtomicU64) -> Option<Value> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    let paid = rig.pay_at(device, &format!("r-{n}"), method, 1_000 + i64::try_from(n).unwrap()).await;
    if let Err(code) = &paid {
        assert!(
            matches!(code.as_str(), "no_reader" | "no_card" | "bad_card" | "needs_line"),
            "{device} {method}: {code}"
        );
    }
    paid.ok()
}

/// Waits until nothing is being printed and nothing was for a second; as long as jobs are done it takes what it takes.
async fn printed_out(rig: &Rig) {
    let (mut calm, mut still, mut before) = (0, 0, 0);
    while calm < 10 {
        let status = rig.status().await;
        let ports = status["ports"].as_array().unwrap();
        let done: u64 = ports.iter().filter_map(|p| p["counters"]["jobs_done"].as_u64()).sum();
        let idle = ports.iter().all(|p| p["queued"] == 0 && p["attention"].is_null());
        calm = if idle && done == before { calm + 1 } else { 0 };
        still = if done == before { still + 1 } else { 0 };
        before = done;
        assert!(still < 300, "nothing is printed for 30 s: {status:#}");
        if still % 30 == 29 {
            rig.must("/v1/printers/resume", json!({})).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The day is closed and settled; acquirer, journal and paper agree on what was sold.
async fn settled(rig: &Rig, sold: &[Value], printers: &[&PrinterStand]) {
    printed_out(rig).await;
    let day = rig.must("/v1/day/close", json!({"by": "9001", "wait": 60})).await;
    assert_eq!((&day["cross_foot"], &day["pending"]), (&json!(true), &json!([])), "{day:#}");
    assert_eq!(rig.findings(), Vec::<String>::new());
    // Exactly the approved ones stand in the acquirer's books, each once.
    let books = rig.acquirer.statement();
    let booked: Vec<&str> = books.lines().filter(|l| l.contains("approved") && l.contains("sale")).collect();
    let mut rrns: Vec<&str> = sold
        .iter()
        .filter(|p| p["state"] == "approved" && p["method"] != "cash")
        .map(|p| p["rrn"].as_str().unwrap())
        .collect();
    rrns.sort_unstable();
    assert_eq!(booked.len(), rrns.len(), "{books}");
    assert!(rrns.windows(2).all(|pair| pair[0] != pair[1]), "one number twice");
    assert!(rrns.iter().all(|rrn| booked.iter().any(|line| line.contains(rrn))));
    let kinds = |method: &str| sold.iter().filter(|p| p["method"] == method && p["state"] == "approved").count();
    for method in ["card", "qr", "cash"] {
        assert!(kinds(method) > 0, "nothing sold by {method}");
    }
    eprintln!("{} payments, {} of them by card or code", sold.len(), rrns.len());
    let papers: Vec<String> = printers.iter().map(|p| p.paper_text()).collect();
    judge_paper(&papers, &sold.iter().collect::<Vec<_>>());
}

#[test]
fn slips_are_told_apart_on_paper() {
    let paper = "望京店\n商户存根\n交易号   P1\n\n望京店\n商户存根\n 重打印 1\n交易号  P1\n请妥善保管本单\n";
    let slips = slips(paper);
    assert_eq!((slips[0].marked, slips[0].whole, slips[0].payment.as_str()), (false, false, "P1"));
    assert!(slips[1].marked && slips[1].whole);
}
