//! Whatever stands in a document: lines are exactly as wide as the paper, and the printer's bytes say what the text says.

use proptest::prelude::*;
use tilld::core::domain::Lang;
use tilld::core::font;
use tilld::core::report::doc::{Align, Column, Document, Element, Row, Rule, Size, Style, Table};
use tilld::core::report::escpos::{self, Encoding, Profile, Symbols};
use tilld::core::report::layout::{Line, MAX_COLUMNS, MIN_COLUMNS, Page, layout};
use tilld::core::report::{image, pdf, raster, text};

use crate::decode::{Printed, decode};

fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,20}",
        "[一-龥]{0,20}",
        "[，。（）《》￥¥—…·×−]{0,4}",
        "\\PC{0,12}",
        any::<char>().prop_map(String::from),
        Just("😀👨‍👩‍👧e\u{301}\u{200f}".to_owned()),
        Just("\n".to_owned()),
        Just("    ".to_owned()),
        "-?[0-9]{1,3}(,[0-9]{3}){0,4}\\.[0-9]{2}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn align() -> impl Strategy<Value = Align> {
    prop_oneof![Just(Align::Left), Just(Align::Centre), Just(Align::Right)]
}

fn style() -> impl Strategy<Value = Style> {
    let size = prop_oneof![Just(Size::Normal), Just(Size::Tall), Just(Size::Double)];
    (any::<bool>(), size).prop_map(|(bold, size)| Style { bold, size })
}

fn table() -> impl Strategy<Value = Element> {
    let columns = proptest::collection::vec((words(), align()), 0..7);
    let rows = proptest::collection::vec((proptest::collection::vec(words(), 0..8), any::<bool>()), 0..5);
    (columns, rows).prop_map(|(columns, rows)| {
        Element::Table(Table {
            columns: columns.into_iter().map(|(header, align)| Column { header, align }).collect(),
            rows: rows.into_iter().map(|(cells, total)| Row { cells, total }).collect(),
        })
    })
}

fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        words().prop_map(Element::Title),
        words().prop_map(Element::Heading),
        (words(), align(), style()).prop_map(|(text, align, style)| Element::Text { text, align, style }),
        (words(), words(), style()).prop_map(|(label, value, style)| Element::Pair { label, value, style }),
        table(),
        prop_oneof![Just(Rule::Single), Just(Rule::Double)].prop_map(Element::Rule),
        prop_oneof!["[!-~]{1,12}", "[0-9]{1,14}", words()].prop_map(Element::Barcode),
        words().prop_map(Element::Qr),
        (0u8..4).prop_map(Element::Feed),
        Just(Element::Logo),
        Just(Element::Cut),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    proptest::collection::vec(element(), 0..8).prop_map(|elements| Document { lang: Lang::Zh, elements })
}

/// What a printer should have printed for the page, `?` over the columns of what it cannot print where it has ASCII only.
fn expected(page: &Page) -> Vec<Printed> {
    let mut out = Vec::new();
    for line in &page.lines {
        match line {
            Line::Text(runs) => {
                let mut printed: Vec<_> = runs
                    .iter()
                    .map(|run| {
                        let (across, down) = (run.style.size.across() as u8, run.style.size.down() as u8);
                        (run.text.clone(), run.style.bold, across, down)
                    })
                    .collect();
                while let Some(last) = printed.last_mut() {
                    last.0.truncate(last.0.trim_end_matches(' ').len());
                    if !last.0.is_empty() {
                        break;
                    }
                    printed.pop();
                }
                out.push(Printed::Line(printed));
            }
            Line::Rule(rule) => {
                let dash = if *rule == Rule::Single { "-" } else { "=" };
                out.push(Printed::Line(vec![(dash.repeat(page.columns), false, 1, 1)]));
            }
            Line::Feed(count) => out.extend((0..*count).map(|_| Printed::Line(Vec::new()))),
            Line::Cut => out.push(Printed::Cut),
            // Their own tests look closer.
            Line::Barcode(_) | Line::Qr(_) | Line::Logo => {}
        }
    }
    out
}

fn without_symbols(printed: Vec<Printed>) -> Vec<Printed> {
    printed.into_iter().filter(|printed| !matches!(printed, Printed::Bars(_) | Printed::Qr(..))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_exactly_as_wide_as_the_paper(document in document(), columns in 0usize..140) {
        let page = layout(&document, columns);
        prop_assert_eq!(page.columns, columns.clamp(MIN_COLUMNS, MAX_COLUMNS));
        for line in &page.lines {
            if let Line::Text(runs) = line {
                prop_assert_eq!(runs.iter().map(|run| run.columns()).sum::<usize>(), page.columns, "{:?}", runs);
                for character in runs.iter().flat_map(|run| run.text.chars()) {
                    prop_assert_eq!(font::printable(character), character);
                }
            }
        }
        for line in text::render(&page).lines() {
            prop_assert!(font::text_columns(line) <= page.columns, "{line:?}");
        }
    }

    #[test]
    fn nothing_but_spaces_is_lost_in_a_paragraph_or_a_pair(label in words(), value in words(), columns in 16usize..60) {
        let mut document = Document::new(Lang::En);
        document.text(label.as_str()).pair(label.as_str(), value.as_str());
        let solid = |text: &str| text.chars().map(font::printable).filter(|letter| *letter != ' ').collect::<String>();
        let kept = |text: &str| solid(&text.replace(['\n', '\r'], " "));
        let made = solid(&text::render(&layout(&document, columns)).replace('\n', " "));
        let mut all: Vec<char> = format!("{0}{0}{1}", kept(&label), kept(&value)).chars().collect();
        let mut got: Vec<char> = made.chars().collect();
        all.sort_unstable();
        got.sort_unstable();
        prop_assert_eq!(all, got);
    }

    #[test]
    fn the_printers_bytes_say_what_the_lines_say(document in document(), columns in 16usize..60) {
        let page = layout(&document, columns);
        let bytes = escpos::render(&page, &Profile::new(columns, Encoding::Gb18030));
        prop_assert_eq!(without_symbols(decode(&bytes)), expected(&page));
    }

    #[test]
    fn a_printer_of_ascii_prints_the_same_columns(document in document(), columns in 16usize..60) {
        let page = layout(&document, columns);
        let bytes = escpos::render(&page, &Profile::new(columns, Encoding::Ascii));
        let widths = |printed: Vec<Printed>| -> Vec<usize> {
            let width = |printed| match printed {
                Printed::Line(runs) => runs.iter().map(|run: &(String, bool, u8, u8)| font::text_columns(&run.0)).sum(),
                _ => 0,
            };
            printed.into_iter().map(width).collect()
        };
        let (made, wanted) = (widths(without_symbols(decode(&bytes))), widths(expected(&page)));
        // An ideographic space at the end is a space in ASCII, which the printer is sent.
        prop_assert_eq!(made, wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn dots_are_the_same_on_every_way(document in document(), columns in 16usize..60) {
        let page = layout(&document, columns);
        let profile = Profile { symbols: Symbols::Raster, ..Profile::new(columns, Encoding::Raster) };
        let mut sent = Vec::new();
        for printed in decode(&escpos::render(&page, &profile)) {
            if let Printed::Dots(across, dots) = printed {
                prop_assert_eq!(across, (columns * raster::CELL_WIDTH).div_ceil(8));
                sent.extend(dots);
            }
        }
        let drawn = page.lines.iter().filter(|line| !matches!(line, Line::Feed(_) | Line::Cut));
        let drawn: Vec<u8> = drawn.flat_map(|line| raster::strip(line, columns).bytes().to_vec()).collect();
        prop_assert_eq!(&sent, &drawn);
        let picture = png::Decoder::new(std::io::Cursor::new(image::png(&page).unwrap())).read_info().unwrap();
        prop_assert_eq!(picture.info().width as usize, columns * raster::CELL_WIDTH + 2 * image::MARGIN);
        prop_assert!(pdf::pdf(&page).unwrap().starts_with(b"%PDF-"));
    }
}
