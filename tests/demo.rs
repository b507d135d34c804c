//! The demo, as a test: a store's day over the real paths, judged from the acquirer's own books.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use tilld::core::domain::Lang;
use tilld::demo::{DemoOptions, play};

#[test]
fn a_day_is_played_and_both_sides_agree() {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = DemoOptions { dir: Some(dir.clone()), lang: Lang::En };
    let result = runtime.block_on(play(options, Box::new(|line| eprintln!("{line}")))).unwrap();
    eprintln!("{}", result.report);
    assert!(result.good, "{:#}", result.json);
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
