//! Pictures to look at, in `target/tmp`.

use super::{day, slips};
use tilld::core::domain::Lang;
use tilld::core::report::doc::Document;
use tilld::core::report::image;
use tilld::core::report::layout::{Page, layout};
use tilld::core::report::papers::{DayReportKind, day_report};

fn picture(name: &str, paper: &Document, columns: usize) {
    let page = layout(paper, columns);
    for (part, lines) in page.lines.chunks(62).enumerate() {
        let page = Page { columns: page.columns, lines: lines.to_vec() };
        let path = format!("{}/{name}.{part}.png", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(path, image::png(&page).unwrap()).unwrap();
    }
}

#[test]
fn pictures_of_the_day_report() {
    for (name, lang) in [("zh", Lang::Zh), ("en", Lang::En)] {
        for columns in [32, 35, 42, 48] {
            for with_voucher in [false, true] {
                let view = day::day(with_voucher);
                let paper = day_report(&view, DayReportKind::Z, lang, 0, "2026-03-15 03:00:06");
                let mark = if with_voucher { "v" } else { "" };
                picture(&format!("z{columns}{mark}.{name}"), &paper, columns);
            }
        }
    }
}

#[test]
fn pictures_of_the_slips() {
    for (name, lang) in [("zh", Lang::Zh), ("en", Lang::En)] {
        for columns in [32, 48] {
            for (slip, paper) in slips::all(lang) {
                picture(&format!("{slip}{columns}.{name}"), &paper, columns);
            }
        }
    }
}
