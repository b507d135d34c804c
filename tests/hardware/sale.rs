//! A whole sale with keys that only the bridge holds, and what happens when it goes away in the middle.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tilld::io::clock::Clock;
use tilld::sim::bridge::{BridgeSettings, BridgeStand, TRACK2};

use crate::rig::{MASTER, Rig, folder, load_key, tilld};

const PIN: &str = "907531";

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub fn stand(link: &Path, settings: &BridgeSettings) -> BridgeStand {
    let clock = Clock::start();
    BridgeStand::start(link, settings, Arc::new(move || clock.now().mono.0)).unwrap()
}

/// Signs on, sells by card and in cash, closes the day, settles: the acquirer has nothing to complain about.
pub async fn day(rig: &Rig) {
    rig.signed_on().await;
    let paid = rig.pay("r-1", "card", 1_234).await.unwrap();
    assert_eq!((paid["state"].as_str(), paid["response_code"].as_str()), (Some("approved"), Some("00")), "{paid:#}");
    assert_eq!(paid["masked_pan"], "622202*********0128");
    let again = rig.pay("r-1", "card", 1_234).await.unwrap();
    assert_eq!(again["id"], paid["id"]);
    assert_eq!(rig.pay("r-2", "cash", 500).await.unwrap()["state"], "approved");
    let day = rig.must("/v1/day/close", json!({"by": "9001", "wait": 30})).await;
    assert_eq!(day["cross_foot"], true);
    assert_eq!(day["settlement"][0]["result"], "balanced", "{day:#}");
    assert_eq!(rig.findings(), Vec::<String>::new());
    let statement = rig.acquirer.statement();
    let approved = statement.lines().filter(|l| l.contains("approved")).count();
    assert_eq!(approved, 1, "{statement}");
}

#[test]
fn a_whole_sale_with_keys_that_only_the_bridge_holds() {
    let dir = folder("sale");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    stand.record();
    // Not a part of the card's number.
    stand.pin(Some(PIN));
    let port_text = port.to_str().unwrap();
    let (code, said) = tilld(&["bridge", "info", "--port", port_text], "");
    assert!(code == Some(0) && said.contains("master key none") && said.contains("keypad"), "{said}");
    load_key(&port);
    let (code, said) = tilld(&["bridge", "ping", "--port", port_text, "--count", "20"], "");
    assert!(code == Some(0) && said.starts_with("20 round trips in"), "{said}");
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        day(&rig).await;
        // The drawer sprang open for the cash, and only for it.
        rig.until("the drawer", async || stand.drawer_openings() == 1).await;
        let status = rig.status().await;
        assert_eq!(
            (status["ports"][0]["id"].as_str(), status["ports"][0]["state"].as_str()),
            (Some("POS1 bridge"), Some("open"))
        );
        assert!(status["ports"][0]["attention"].is_null(), "{status:#}");
        let (code, said) = tilld(&["bridge", "info", "--port", port_text], "");
        assert!(code == Some(69) && said.contains("does tilld hold it?"), "{said}");
        rig.stop().await;
    });
    // Neither a key nor the PIN ever left the bridge, nor lies in any file.
    let key: Vec<u8> = (0..16).map(|i| u8::from_str_radix(&MASTER[2 * i..2 * i + 2], 16).unwrap()).collect();
    let said = stand.said();
    assert!(!said.is_empty());
    for secret in [key.as_slice(), PIN.as_bytes()] {
        assert!(!said.windows(secret.len()).any(|w| w == secret));
    }
    for file in std::fs::read_dir(dir.join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [MASTER.as_bytes(), TRACK2.as_bytes(), &key] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret));
        }
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Two customers pay in cash at once, at a board whose clock goes by four fifths: what it calls the end of the coil's rest comes late, and the drawer opens
/// for the second all the same.
#[test]
fn a_drawer_opens_for_the_next_customer_by_the_boards_clock() {
    let dir = folder("slow-clock");
    let port = dir.join("bridge");
    let clock = Clock::start();
    let stand =
        BridgeStand::start(&port, &BridgeSettings::default(), Arc::new(move || clock.now().mono.0 * 4 / 5)).unwrap();
    load_key(&port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        for request in ["r-1", "r-2"] {
            assert_eq!(rig.pay(request, "cash", 500).await.unwrap()["state"], "approved");
        }
        rig.until("the drawer", async || stand.drawer_openings() == 2).await;
        assert!(rig.status().await["ports"][0]["attention"].is_null());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A dozen sales in cash within one rest of the coil: every one of them sees the drawer spring open after it, and nobody is called to open it with a key.
#[test]
fn however_many_pay_in_cash_at_once_the_drawer_opens_after_the_last() {
    let dir = folder("rush");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    load_key(&port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        let mut before = 0;
        for n in 0..12 {
            before = stand.drawer_openings();
            assert_eq!(rig.pay(&format!("r-{n}"), "cash", 500).await.unwrap()["state"], "approved");
        }
        rig.until("the last one's drawer", async || stand.drawer_openings() > before).await;
        // Longer than anybody waits for a coil.
        for _ in 0..40 {
            let status = rig.status().await;
            assert!(status["ports"][0]["attention"].is_null(), "{status:#}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!((2..=12).contains(&stand.drawer_openings()), "{}", stand.drawer_openings());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_bridge_that_goes_away_stops_cards_and_comes_back() {
    let dir = folder("away");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    load_key(&port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        assert_eq!(rig.pay("r-1", "card", 100).await.unwrap()["state"], "approved");
        // The cable: keys are kept, the reader is not there.
        stand.unplug();
        rig.until("the line is down", async || rig.status().await["terminals"][0]["line"] == "down").await;
        assert_eq!(rig.status().await["terminals"][0]["line_why"], "the PIN pad does not answer");
        assert_eq!(rig.pay("r-2", "card", 200).await, Err("no_reader".into()));
        assert_eq!(rig.pay("r-3", "cash", 300).await.unwrap()["state"], "approved");
        stand.plug().unwrap();
        rig.until("the line is up", async || rig.status().await["terminals"][0]["line"] == "up").await;
        assert_eq!(rig.pay("r-4", "card", 400).await.unwrap()["state"], "approved");
        // Pulled while a customer stands there with the card in hand: armed again as soon as it is back.
        stand.card(None);
        let (paid, ()) = tokio::join!(rig.pay("r-5", "card", 500), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            stand.unplug();
            rig.until("the line is down", async || rig.status().await["terminals"][0]["line"] == "down").await;
            stand.card(Some(TRACK2));
            stand.plug().unwrap();
        });
        // The reader may be back a moment before the line is: then the sale is refused and nothing is journaled.
        let state = paid.as_ref().map(|p| p["state"].as_str().unwrap_or_default()).map_err(String::as_str);
        assert!(matches!(state, Ok("approved" | "cancelled") | Err("needs_line")), "{paid:?}");
        // Power off and on: the keys are gone, and it says so.
        stand.restart();
        rig.until("it asks for its key", async || {
            let status = rig.status().await;
            let attention = status["ports"][0]["attention"]["en"].as_str().unwrap_or_default();
            attention.contains("load-key") && status["terminals"][0]["line"] == "down"
        })
        .await;
        assert_eq!(rig.findings(), Vec::<String>::new());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

/// The customer looks for his PIN, and the cashier starts over: the pad takes the second payment's PIN at once.
#[test]
fn a_cashier_who_starts_over_finds_the_pin_pad_free() {
    let dir = folder("over");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    load_key(&port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        stand.pin(None);
        let swiped = std::time::Duration::from_millis(800);
        let (first, second) = tokio::join!(rig.pay("r-1", "card", 100), async {
            tokio::time::sleep(swiped).await;
            let typed = async {
                tokio::time::sleep(swiped).await;
                stand.pin(Some(PIN));
            };
            tokio::join!(rig.pay("r-2", "card", 100), typed).0
        });
        assert_eq!(first, Err("no_card".into()));
        assert_eq!(second.unwrap()["state"], "approved");
        assert_eq!(rig.findings(), Vec::<String>::new());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_pin_may_be_left_out_and_a_card_must_be_one() {
    let dir = folder("no-pin");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    load_key(&port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        stand.pin(Some(""));
        let free = rig.pay("r-1", "card", 100).await.unwrap();
        assert_eq!(free["state"], "approved", "confirmed without a PIN {free:#}");
        stand.card(Some("no card at all"));
        assert_eq!(rig.pay("r-3", "card", 100).await, Err("bad_card".into()));
        assert_eq!(rig.findings(), Vec::<String>::new());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}
