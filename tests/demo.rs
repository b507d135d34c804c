//! The demo, as a test: a store's day over the real paths, judged from the acquirer's own books.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tilld::core::domain::Lang;
use tilld::demo::{DemoOptions, DemoResult, play};
use tilld::io::clock::Clock;
use tilld::sim::bridge::{BridgeSettings, BridgeStand};

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

fn played(dir: &Path, bridge: Option<PathBuf>) -> DemoResult {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = DemoOptions { dir: Some(dir.to_owned()), bridge, lang: Lang::En };
    let result = runtime.block_on(play(options, Box::new(|line| eprintln!("{line}")))).unwrap();
    eprintln!("{}", result.report);
    assert!(result.good, "{:#}", result.json);
    result
}

#[test]
fn a_day_is_played_and_both_sides_agree() {
    let dir = folder("plain");
    let result = played(&dir, None);
    assert_eq!((result.json["duplicates"].as_u64(), result.json["lost"].as_u64()), (Some(0), Some(0)));
    let reconciled = &result.json["demo"]["reconciled"];
    assert_eq!(reconciled["matched_count"], result.json["demo"]["agreed_with_acquirer"], "{reconciled:#}");
    for class in ["long", "short", "differs", "timing"] {
        assert_eq!(reconciled[class], 0, "{reconciled:#}");
    }
    let cases = result.json["demo"]["cases"]["items"].as_array().unwrap();
    let mut reasons: Vec<_> = cases.iter().map(|case| case["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["absent", "amount", "duplicate", "missing"], "{cases:#?}");
    for column in ["sale", "refund", "void", "vouchers"] {
        let sum = |table: &str, part: &str| -> i64 {
            result.json[table].as_array().unwrap().iter().map(|g| g[column][part].as_i64().unwrap()).sum()
        };
        assert_eq!(sum("by_cashier", "amount"), sum("by_device", "amount"), "{column}");
        assert_eq!(sum("by_cashier", "count"), sum("by_device", "count"), "{column}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn the_same_day_with_a_pin_pad_that_alone_holds_its_keys() {
    let dir = folder("pad");
    let port = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-pad-port-{}", std::process::id()));
    let clock = Clock::start();
    let stand = BridgeStand::start(&port, &BridgeSettings::default(), Arc::new(move || clock.now().mono.0)).unwrap();
    stand.record();
    let result = played(&dir, Some(port.clone()));
    assert_eq!(result.json["demo"]["bridge"], true);
    // Three cash sales for that, and those of the busy hours at POS3.
    assert!(stand.drawer_openings() > 3, "{}", stand.drawer_openings());
    let letter = std::fs::read_to_string(dir.join("POS3.tmk")).unwrap();
    let key: Vec<u8> = (0..16).map(|i| u8::from_str_radix(&letter[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert!(!stand.said().is_empty() && !stand.said().windows(16).any(|w| w == key));
    let config = std::fs::read_to_string(dir.join("tilld.toml")).unwrap();
    assert!(!config.contains("POS3.tmk") && config.contains("POS1.tmk"), "{config}");
    std::fs::remove_dir_all(&dir).unwrap();
}
