//! Draws the day report of the README: `cargo run --example day_report` writes `docs/images/day-report.png`.
//!
//! Arguments: where to write, the language (`zh`, `en`) and the paper's columns, e.g.
//! `cargo run --example day_report -- /tmp/z.png en 32`.

#[allow(dead_code)]
#[path = "../tests/papers/day.rs"]
mod day;

use std::error::Error;

use tilld::core::domain::Lang;
use tilld::core::report::image;
use tilld::core::report::layout::layout;
use tilld::core::report::papers::{DayReportKind, day_report};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/day-report.png");
    let path = arguments.next().unwrap_or_else(|| readme.to_owned());
    let lang = arguments.next().map_or(Some(Lang::Zh), |text| Lang::parse(&text)).ok_or("the language is zh or en")?;
    let columns = arguments.next().map_or(Ok(48), |text| text.parse())?;
    let paper = day_report(&day::day(false), DayReportKind::Z, lang, 0, "2026-03-15 03:00:06");
    std::fs::write(path, image::png(&layout(&paper, columns))?)?;
    Ok(())
}
