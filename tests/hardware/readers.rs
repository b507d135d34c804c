//! Readers at the counter: lit and armed while somebody waits, said when they fall silent, and never in the way of a sale.

use std::path::Path;

use tilld::sim::msr::MsrStand;
use tilld::sim::neo2::Neo2Stand;
use tilld::sim::pn532::Pn532Stand;
use tilld::sim::scanner::{ScannerSettings, ScannerStand};

use crate::rig::{Rig, folder, terminal};
use crate::sale::runtime;

const TRACK2: &str = "6222021234567890128=30121010000012300";

fn reader(kind: &str, port: &Path, more: &str) -> String {
    format!("[[reader]]\nterminal = \"POS1\"\nkind = \"{kind}\"\nport = \"{}\"\n{more}\n", port.display())
}

#[test]
fn a_scanner_is_lit_while_a_customer_is_waited_for_and_only_then() {
    for trigger in ["honeywell", "newland"] {
        let dir = folder(&format!("scan-{trigger}"));
        let port = dir.join("scanner");
        let settings = ScannerSettings { aim: true, crlf: false, needs_trigger: true };
        let scanner = ScannerStand::start(&port, settings).unwrap();
        runtime().block_on(async {
            let more = format!("trigger = \"{trigger}\"");
            let rig = Rig::with(&dir, &(terminal(0, true) + &reader("scanner", &port, &more))).await;
            rig.signed_on().await;
            rig.open("POS1 scanner").await;
            assert!(!scanner.lit(), "nobody waits");
            let (paid, ()) = tokio::join!(rig.pay("r-1", "qr", 2_500), async {
                rig.until("the light", async || scanner.lit()).await;
                scanner.scan("134567890123456789");
            });
            assert_eq!(paid.unwrap()["state"], "approved");
            rig.until("the light is out", async || scanner.triggers() == (1, 1)).await;
            // Pulled while a customer holds his phone up: lit again as soon as it is back.
            let (paid, ()) = tokio::join!(rig.pay("r-2", "qr", 900), async {
                rig.until("the light", async || scanner.lit()).await;
                scanner.unplug();
                rig.until("the loss", async || rig.port("POS1 scanner").await["state"] == "lost").await;
                scanner.plug().unwrap();
                rig.until("the light again", async || scanner.lit()).await;
                scanner.scan("281234567890123456");
            });
            assert_eq!(paid.unwrap()["state"], "approved");
            let counters = rig.port("POS1 scanner").await["counters"].clone();
            assert_eq!((counters["codes"].as_u64(), counters["lost"].as_u64()), (Some(2), Some(1)), "{counters}");
            assert_eq!(scanner.unknown(), 0);
            assert_eq!(rig.findings(), Vec::<String>::new());
            rig.stop().await;
        });
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_tap_is_asked_to_be_swiped_and_a_swipe_ends_the_looking() {
    let dir = folder("tap");
    let (chip, neo2, msr) = (dir.join("pn532"), dir.join("neo2"), dir.join("msr"));
    let (pn532, id_tech) = (Pn532Stand::start(&chip).unwrap(), Neo2Stand::start(&neo2).unwrap());
    let stripe = MsrStand::start(&msr, true).unwrap();
    runtime().block_on(async {
        let readers = reader("pn532", &chip, "") + &reader("neo2", &neo2, "") + &reader("msr", &msr, "");
        let rig = Rig::with(&dir, &(terminal(0, true) + &readers)).await;
        rig.signed_on().await;
        for id in ["POS1 pn532", "POS1 neo2", "POS1 msr"] {
            rig.open(id).await;
        }
        assert!(!pn532.looking() && !id_tech.polling(), "nobody waits");
        let both = async || pn532.looking() && id_tech.polling();
        // A tap on the one, then on the other: the sale ends with a clear refusal, nothing is journaled.
        let (tapped, ()) = tokio::join!(rig.pay("r-1", "card", 100), async {
            rig.until("both look", both).await;
            pn532.card(Some(&[0xFB, 0x0E, 0xE2, 0x0B]));
        });
        assert_eq!(tapped, Err("bad_card".into()));
        pn532.card(None);
        let (tapped, ()) = tokio::join!(rig.pay("r-1", "card", 100), async {
            rig.until("both look again", both).await;
            id_tech.card(Some(&[4, 0x5B, 0x7A, 0x12, 0x99, 0x31, 0x80]));
        });
        assert_eq!(tapped, Err("bad_card".into()));
        id_tech.card(None);
        // A spoiled answer does not hide the card.
        pn532.spoil(1);
        let (tapped, ()) = tokio::join!(rig.pay("r-1", "card", 100), async {
            rig.until("both look once more", both).await;
            pn532.card(Some(&[1, 2, 3, 4]));
        });
        assert_eq!(tapped, Err("bad_card".into()));
        assert!(pn532.seen().1 > 0, "asked for again");
        pn532.card(None);
        // The same request, swiped now: both are told to stop looking.
        let (paid, ()) = tokio::join!(rig.pay("r-1", "card", 100), async {
            rig.until("both look a last time", both).await;
            stripe.swipe("B0^TEST^0", TRACK2);
        });
        assert_eq!(paid.unwrap()["state"], "approved");
        rig.until("nobody looks", async || !pn532.looking() && !id_tech.polling() && !id_tech.in_pass_through()).await;
        assert_eq!((pn532.seen().2, id_tech.seen().2), (0, 0), "every byte was understood");
        assert_eq!(rig.findings(), Vec::<String>::new());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_reader_that_says_nothing_is_shown_and_one_that_floods_stops_nothing() {
    let dir = folder("silent");
    let (chip, neo2, gun) = (dir.join("pn532"), dir.join("neo2"), dir.join("scanner"));
    let (pn532, id_tech) = (Pn532Stand::start(&chip).unwrap(), Neo2Stand::start(&neo2).unwrap());
    let scanner = ScannerStand::start(&gun, ScannerSettings::default()).unwrap();
    pn532.mute(true);
    id_tech.mute(true);
    runtime().block_on(async {
        let readers = reader("pn532", &chip, "") + &reader("neo2", &neo2, "") + &reader("scanner", &gun, "");
        let rig = Rig::with(&dir, &(terminal(0, true) + &readers)).await;
        rig.signed_on().await;
        for id in ["POS1 pn532", "POS1 neo2"] {
            rig.until("it is said", async || {
                let attention = rig.port(id).await["attention"]["zh"].as_str().unwrap_or_default().to_owned();
                attention.contains("读卡器无应答")
            })
            .await;
        }
        pn532.mute(false);
        id_tech.mute(false);
        for id in ["POS1 pn532", "POS1 neo2"] {
            rig.until("it answers again", async || rig.port(id).await["attention"].is_null()).await;
        }
        // Megabytes of noise on three lines, and in the middle of it a sale.
        let noise: Vec<u8> = (0..4_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        pn532.send_raw(&noise);
        id_tech.send_raw(&noise);
        scanner.send_raw(&noise);
        assert_eq!(rig.pay("r-1", "cash", 700).await.unwrap()["state"], "approved");
        let worked_off = async |id: &str| rig.port(id).await["counters"]["bytes_in"].as_u64() >= Some(4_000_000);
        for id in ["POS1 pn532", "POS1 neo2", "POS1 scanner"] {
            rig.until("the noise is worked off", async || worked_off(id).await).await;
        }
        let (paid, ()) = tokio::join!(rig.pay("r-2", "qr", 800), async {
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            scanner.send_raw(b"\r");
            scanner.scan("134567890123456789");
        });
        assert_eq!(paid.unwrap()["state"], "approved");
        let counters = rig.port("POS1 scanner").await["counters"].clone();
        assert!(counters["not_text"].as_u64() > Some(0), "{counters}");
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}
