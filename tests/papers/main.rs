//! The store's papers, from views to what is printed: exact texts, amounts in their columns, nothing left out, and any day at all.
#![allow(clippy::unwrap_used, clippy::panic)]

mod any_day;
mod columns;
mod csv_table;
mod day;
mod looks;
mod slips;

use tilld::core::domain::{Lang, Minor};
use tilld::core::ports::DayView;
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

fn report(view: &DayView, kind: DayReportKind, lang: Lang, reprint: u32, columns: usize) -> String {
    text::render(&layout(&day_report(view, kind, lang, reprint, "2026-03-15 03:00:06"), columns))
}

fn z(with_voucher: bool, lang: Lang, columns: usize) -> String {
    report(&day::day(with_voucher), DayReportKind::Z, lang, 0, columns)
}

#[test]
fn a_z_report_in_both_languages_on_paper_of_every_width() {
    expect("z48.zh.txt", &z(false, Lang::Zh, 48), include_str!("z48.zh.txt"));
    expect("z48.en.txt", &z(false, Lang::En, 48), include_str!("z48.en.txt"));
    for (columns, zh, en) in [
        (42, include_str!("z42.zh.txt"), include_str!("z42.en.txt")),
        (35, include_str!("z35.zh.txt"), include_str!("z35.en.txt")),
    ] {
        expect(&format!("z{columns}.zh.txt"), &z(true, Lang::Zh, columns), zh);
        expect(&format!("z{columns}.en.txt"), &z(true, Lang::En, columns), en);
    }
    expect("z32.zh.txt", &z(true, Lang::Zh, 32), include_str!("z32.zh.txt"));
    expect("z32.en.txt", &z(true, Lang::En, 32), include_str!("z32.en.txt"));
}

#[test]
fn an_x_report_says_that_it_closes_nothing_and_carries_neither_code_nor_signature() {
    for (lang, note) in [(Lang::Zh, "不结账、不封存"), (Lang::En, "closes nothing")] {
        let text = report(&day::day(false), DayReportKind::X, lang, 0, 48);
        assert_eq!(text.matches(note).count(), 2, "{text}");
        for absent in ["Z 0128", "7A40", "[QR]", "____", "转入次日", "carried"] {
            assert!(!text.contains(absent), "{absent} in {text}");
        }
    }
    assert!(report(&day::day(false), DayReportKind::X, Lang::Zh, 0, 48).contains("班次未结"));
}

#[test]
fn a_reprint_is_marked_at_both_ends_and_says_the_same() {
    let view = day::day(true);
    for (lang, mark) in [(Lang::Zh, "重打印 第3次"), (Lang::En, "REPRINT No. 3")] {
        let first = report(&view, DayReportKind::Z, lang, 0, 48);
        let again = report(&view, DayReportKind::Z, lang, 3, 48);
        assert!(!first.contains(mark));
        assert_eq!(again.matches(mark).count(), 2);
        let solid = |text: &str| {
            text.lines().filter(|line| !line.is_empty() && !line.contains(mark)).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(solid(&first), solid(&again));
    }
}

#[test]
fn a_day_that_does_not_foot_says_by_how_much_and_where() {
    let mut view = day::day(false);
    view.by_device[1].sale.amount = view.by_device[1].sale.amount.checked_add(Minor(1_000)).unwrap();
    view.by_device[1].sale.count += 1;
    view.by_device[1].net = view.by_device[1].net.checked_add(Minor(1_000)).unwrap();
    let zh = report(&view, DayReportKind::Z, Lang::Zh, 0, 48);
    assert!(zh.contains("不平！请联系技术员") && !zh.contains("【平】"), "{zh}");
    let line = zh.lines().find(|line| line.contains("差额")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["差额", "消费", "+1笔", "10.00"]);
    assert_eq!(zh.matches("差额").count(), 1);
    // A row whose net is not that of its columns.
    let mut view = day::day(false);
    view.matrix[0].net = view.matrix[0].net.checked_sub(Minor(7)).unwrap();
    let en = report(&view, DayReportKind::Z, Lang::En, 0, 48);
    let line = en.lines().find(|line| line.contains("Difference")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["Difference", "Net", "1001", "-0.07"]);
    assert!(en.contains("DOES NOT FOOT"));
    // The ledger found a gap that the view does not show.
    let mut view = day::day(false);
    view.cross_foot = false;
    assert!(report(&view, DayReportKind::Z, Lang::En, 0, 48).contains("The ledger does not foot"));
}

#[test]
fn a_day_without_anything_is_a_short_report() {
    let full = day::day(false);
    let none = |groups: &[tilld::core::ports::GroupView]| -> Vec<tilld::core::ports::GroupView> {
        groups.iter().take(0).cloned().collect()
    };
    let view = DayView {
        by_cashier: none(&full.by_cashier),
        by_device: none(&full.by_device),
        by_method: none(&full.by_method),
        matrix: Vec::new(),
        totals: Default::default(),
        net: Minor::ZERO,
        bridge: Vec::new(),
        offline: Default::default(),
        settlement: Vec::new(),
        pending: Vec::new(),
        reversed: Default::default(),
        returns: Vec::new(),
        vouchers: Vec::new(),
        shifts: Vec::new(),
        exceptions: Vec::new(),
        cases: Default::default(),
        by_channel: Vec::new(),
        reversals: Vec::new(),
        unsettled: Vec::new(),
        drawer_openings: Vec::new(),
        overrides: Vec::new(),
        reprints: Vec::new(),
        check_code: None,
        ..full
    };
    let text = report(&view, DayReportKind::Z, Lang::Zh, 0, 48);
    for absent in ["按收银员", "按终端", "× 终端（", "明细", "钱箱", "批结算", "异常", "冲正", "应缴现金", "不平"]
    {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    for present in ["0.00", "【平】", "待定", "尚未封存，无校验码"] {
        assert!(text.contains(present), "{present} not in {text}");
    }
}

#[test]
fn a_long_list_of_refunds_is_bounded_and_still_adds_up() {
    let mut view = day::day(false);
    let one = view.returns.iter().find(|item| item.amount == Minor(5_775)).unwrap().clone();
    view.returns = vec![one; 1_000];
    let text = report(&view, DayReportKind::Z, Lang::En, 0, 32);
    assert_eq!(
        text.matches("-57.75").count(),
        400 + 2,
        "the entries, and the cashier and the wallet that have but one"
    );
    assert!(text.lines().any(|line| line.starts_with("... and 600 more") && line.ends_with("-34,650.00")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("Total (1000)") && line.ends_with("-57,750.00")));
    // What is undecided is never shortened.
    view.pending = vec![view.pending.last().unwrap().clone(); 1_000];
    let text = report(&view, DayReportKind::Z, Lang::Zh, 0, 48);
    assert_eq!(text.matches("13********9012").count(), 1_000);
}
