//! The paper, end to end: a day report on three widths against what it should be, and as picture, PDF and printer bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod sample;

use tilld::core::report::layout::layout;
use tilld::core::report::{image, pdf, text};

/// Set `TILLD_BLESS=1` to write what is made as what is expected; look at the difference before it is committed.
fn expect(name: &str, made: &str) {
    let path = format!("{}/tests/paper/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TILLD_BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    assert_eq!(made, std::fs::read_to_string(&path).unwrap(), "{name}");
}

#[test]
fn the_day_report_is_set_for_each_width_of_paper() {
    for columns in [32, 42, 48] {
        expect(&format!("z{columns}.txt"), &text::render(&layout(&sample::day_report(), columns)));
    }
}

/// Pictures to look at: `target/tmp/z48.png` and its like.
#[test]
fn the_day_report_as_picture_and_pdf_is_the_same_every_time() {
    for columns in [32, 42, 48] {
        let page = layout(&sample::day_report(), columns);
        let (png, pdf) = (image::png(&page).unwrap(), pdf::pdf(&page).unwrap());
        assert_eq!((&png, &pdf), (&image::png(&page).unwrap(), &pdf::pdf(&page).unwrap()));
        let path = format!("{}/z{columns}", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(format!("{path}.png"), png).unwrap();
        std::fs::write(format!("{path}.pdf"), pdf).unwrap();
    }
}
