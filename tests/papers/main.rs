//! The store's papers, from views to what is printed: exact texts, amounts in their columns, nothing left out, and any day at all.
#![allow(clippy::unwrap_used, clippy::panic)]

mod day;
mod looks;

use tilld::core::domain::Lang;
use tilld::core::report::layout::layout;
use tilld::core::report::papers::{DayReportKind, day_report};
use tilld::core::report::text;

/// Set `TILLD_BLESS=1` to write what is made as what is expected; look at the difference before it is committed.
fn expect(name: &str, made: &str, expected: &str) {
    if std::env::var_os("TILLD_BLESS").is_some() {
        std::fs::write(format!("{}/tests/papers/{name}", env!("CARGO_MANIFEST_DIR")), made).unwrap();
        return;
    }
    assert_eq!(made, expected, "{name}");
}

fn z(with_voucher: bool, lang: Lang, columns: usize) -> String {
    let document = day_report(&day::day(with_voucher), DayReportKind::Z, lang, 0, "2026-03-15 03:00:06");
    text::render(&layout(&document, columns))
}

#[test]
fn a_z_report_in_both_languages_on_wide_and_narrow_paper() {
    expect("z48.zh.txt", &z(false, Lang::Zh, 48), include_str!("z48.zh.txt"));
    expect("z48.en.txt", &z(false, Lang::En, 48), include_str!("z48.en.txt"));
    expect("z32.zh.txt", &z(true, Lang::Zh, 32), include_str!("z32.zh.txt"));
    expect("z32.en.txt", &z(true, Lang::En, 32), include_str!("z32.en.txt"));
}
