//! The paper, end to end: a day report on three widths against what it should be, and as picture, PDF and printer bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod decode;
mod properties;
mod sample;

use tilld::core::domain::Lang;
use tilld::core::report::doc::{Document, Element, Rule, Style};
use tilld::core::report::escpos::{self, Encoding, Profile};
use tilld::core::report::layout::{Line, layout};
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
        for encoding in [Encoding::Gb18030, Encoding::Raster] {
            let bytes = escpos::render(&page, &Profile::new(columns, encoding));
            std::fs::write(format!("{path}.{encoding:?}.escpos").to_lowercase(), bytes).unwrap();
        }
    }
}

/// Every value of sets B and C, to be read with a scanner: `zbarimg target/tmp/bars.png`.
#[test]
fn all_bars_are_drawn() {
    let letters: String = (' '..='~').collect();
    let digits: String = (0..100).map(|pair| format!("{pair:02}")).collect();
    let mut paper = Document::new(Lang::En);
    for part in letters.as_bytes().chunks(12).chain(digits.as_bytes().chunks(26)) {
        paper.push(Element::Barcode(String::from_utf8(part.to_vec()).unwrap())).push(Element::Feed(2));
    }
    let page = layout(&paper, 48);
    assert_eq!(page.lines.iter().filter(|line| matches!(line, Line::Barcode(_))).count(), 8 + 8);
    std::fs::write(format!("{}/bars.png", env!("CARGO_TARGET_TMPDIR")), image::png(&page).unwrap()).unwrap();
}

/// The whole paper as one known printer takes it, command by command.
#[test]
fn a_small_slip_is_these_bytes() {
    let mut paper = Document::new(Lang::Zh);
    paper.styled_pair("合计", "¥1.00", Style::LARGE).rule(Rule::Double);
    paper.push(Element::Qr("A1".into())).push(Element::Barcode("12".into())).push(Element::Cut);
    let bytes = escpos::render(&layout(&paper, 32), &Profile::new(32, Encoding::Gb18030));
    let wanted = [
        &b"\x1ba\0\x1d!\0\x1bE\0\x1b2\x1c&"[..],
        b"\x1d!\x11\x1bE\x01\xba\xcf\xbc\xc6\x1d!\0\x1bE\0            \x1d!\x11\x1bE\x01\xa3\xa41.00\n",
        b"\x1d!\0\x1bE\0================================\n",
        b"\x1ba\x01\x1d(k\x04\x001A2\0\x1d(k\x03\x001C\x05\x1d(k\x03\x001E1\x1d(k\x05\x001P0A1\x1d(k\x03\x001Q0\x1ba\0",
        b"\x1ba\x01\x1dh\x40\x1dw\x02\x1dH\0\x1dkI\x03{C\x0c\x1ba\0",
        b"               12\n\x1dVB\0\x1c.",
    ];
    assert_eq!(bytes.escape_ascii().to_string(), wanted.concat().escape_ascii().to_string());
}
