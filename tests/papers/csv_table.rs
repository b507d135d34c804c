//! The day as CSV: its exact text, and that a reader who knows only the header can add it up.

use std::collections::BTreeMap;

use tilld::core::report::papers::{CSV_HEADER, day_csv};

use super::{day, expect};

#[test]
fn the_whole_day_is_this_csv() {
    expect("day.csv", &day_csv(&day::day(true)), include_str!("day.csv"));
}

#[test]
fn each_table_adds_up_to_the_day_by_the_header_alone() {
    let view = day::day(true);
    let text = day_csv(&view);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, CSV_HEADER);
    let column = |name: &str| header.iter().position(|known| known == name).unwrap();
    let mut sums: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        let cell = |name: &str| row.get(column(name)).unwrap();
        let minor: i64 = cell("minor").parse().unwrap_or(0);
        if !cell("amount").is_empty() {
            assert_eq!(cell("amount").replace('.', "").parse::<i64>().unwrap(), minor, "{row:?}");
        }
        let sum = sums.entry((cell("table").into(), cell("measure").into())).or_default();
        *sum = (sum.0 + cell("count").parse().unwrap_or(0), sum.1 + minor);
    }
    for measure in ["sale", "refund", "void", "vouchers", "net"] {
        let of = |table: &str| sums[&(table.to_owned(), measure.to_owned())];
        for table in ["by_cashier", "by_device", "by_method", "matrix", "bridge"] {
            assert_eq!(of(table), of("day"), "{table} {measure}");
        }
    }
    let of = |table: &str, measure: &str| sums[&(table.to_owned(), measure.to_owned())];
    assert_eq!(of("refunds", "refund"), of("day", "refund"));
    assert_eq!(of("voids", "void"), of("day", "void"));
    assert_eq!(of("vouchers", "voucher"), of("day", "vouchers"));
    let drawer = |measure| of("drawer", measure).1;
    let expected = drawer("float") + drawer("sales") - drawer("refunds") + drawer("paid_in") - drawer("paid_out");
    assert_eq!(expected, drawer("expected"));
}

/// A cashier took a spreadsheet's formula for a name, before names were looked at. Whoever opens the day sees its text, and all of it.
#[test]
fn no_text_is_a_formula_and_none_hides() {
    let formulas = ["=HYPERLINK(\"http://x\",\"1\")", "+1+1", "@SUM(A1:A9)", "-2+3"];
    for name in formulas.into_iter().chain(["王\u{202E}芳", "\u{200B}王", "王\u{FEFF}"]) {
        let mut view = day::day(true);
        view.by_cashier[0].name = name.to_owned();
        view.by_cashier[0].id = name.to_owned();
        view.store_name = name.to_owned();
        view.store = name.to_owned();
        let text = day_csv(&view);
        assert!(!text.contains(['\u{202E}', '\u{200B}', '\u{FEFF}']), "{name:?}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let mut seen = 0;
        for row in reader.records() {
            let row = row.unwrap();
            for (column, cell) in header.iter().zip(row.iter()) {
                let figure = matches!(column, "count" | "minor" | "amount");
                assert!(figure || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{column}: {cell}");
                seen += usize::from(formulas.contains(&name) && cell == format!("'{name}"));
            }
        }
        assert!(seen > 20 || !formulas.contains(&name), "{name}: {seen}");
    }
}
