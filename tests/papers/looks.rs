//! Pictures to look at, in `target/tmp`.

use super::day;
use tilld::core::domain::Lang;
use tilld::core::report::doc::Document;
use tilld::core::report::image;
use tilld::core::report::layout::layout;
use tilld::core::report::papers::{DayReportKind, day_report};

fn picture(name: &str, paper: &Document, columns: usize) {
    let png = image::png(&layout(paper, columns)).unwrap();
    std::fs::write(format!("{}/{name}.png", env!("CARGO_TARGET_TMPDIR")), png).unwrap();
}

#[test]
fn pictures_of_the_day_report() {
    for (name, lang) in [("zh", Lang::Zh), ("en", Lang::En)] {
        for columns in [32, 42, 48] {
            for with_voucher in [false, true] {
                let view = day::day(with_voucher);
                let paper = day_report(&view, DayReportKind::Z, lang, 0, "2026-03-15 03:00:06");
                let mark = if with_voucher { "v" } else { "" };
                picture(&format!("z{columns}{mark}.{name}"), &paper, columns);
            }
        }
    }
}
