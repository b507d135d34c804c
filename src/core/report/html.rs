//! The paper as one HTML page: the same lines as every other output, set in the browser's own fixed-width font, nothing loaded from elsewhere.
//!
//! A letter of the printer is one cell of a grid: half-width `1ch`, full-width `2ch`, so that columns stand under each other whatever font the
//! browser picks for Chinese. Sizes and rules are classes; QR codes and bars are inline pictures made of rectangles (SVG).

use std::fmt::Write;

use super::doc::{Rule, Size, Style};
use super::layout::{Line, Page, Run};
use super::symbol;
use crate::core::domain::Lang;
use crate::core::font;

/// What every page looks like; prints on A4 as on the screen.
const CSS: &str = "\
:root{color-scheme:light}body{margin:0;background:#f2f2ee;color:#111}\
main{width:max-content;max-width:100%;overflow-x:auto;margin:1rem auto;padding:1.5rem;background:#fff;box-shadow:0 1px 6px #0003;\
box-sizing:border-box;font:15px/1.35 ui-monospace,'Noto Sans Mono CJK SC','Sarasa Mono SC',Menlo,Consolas,monospace}\
p{margin:0;white-space:pre;min-height:1.35em}p.tall{transform:scaleY(1.5);transform-origin:0 0;margin-bottom:.7em}p.large{font-size:2em}\
i{display:inline-block;width:2ch;text-align:center;font-style:normal}\
p.centred{text-align:center}hr{border:0;border-top:1px solid #111;margin:.3em 0}hr.double{border-top:3px double #111}\
svg{display:block;margin:.6em auto;shape-rendering:crispEdges}hr.cut{border-top:1px dashed #999;margin:1.2em 0}\
@media print{body{background:#fff}main{box-shadow:none;margin:0;padding:0}}";

/// The page as HTML, with this title.
#[must_use]
pub fn html(page: &Page, title: &str, lang: Lang) -> String {
    let mut out = String::new();
    let lang = if lang == Lang::Zh { "zh-CN" } else { "en" };
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title><style>{CSS}</style></head><body><main>\n",
        escaped(title)
    );
    for line in &page.lines {
        element(&mut out, line);
    }
    out.push_str("</main></body></html>\n");
    out
}

fn element(out: &mut String, line: &Line) {
    match line {
        Line::Text(runs) => text(out, runs),
        Line::Rule(Rule::Single) => out.push_str("<hr>\n"),
        Line::Rule(Rule::Double) => out.push_str("<hr class=\"double\">\n"),
        Line::Feed(count) => (0..*count).for_each(|_| out.push_str("<p></p>\n")),
        Line::Cut => out.push_str("<hr class=\"cut\">\n"),
        Line::Qr(text) => {
            if let Some(cells) = symbol::qr(text) {
                squares(out, &cells, text);
            }
        }
        // A barcode's text follows in a line of its own; the logo is the printer's.
        Line::Barcode(_) | Line::Logo => {}
    }
}

/// Runs of one size are one paragraph; a line of the layout never mixes sizes with different widths.
fn text(out: &mut String, runs: &[Run]) {
    let size = runs.iter().find(|run| !run.text.trim().is_empty()).map_or(Size::Normal, |run| run.style.size);
    let class = match size {
        Size::Normal => "",
        Size::Tall => " class=\"tall\"",
        Size::Double => " class=\"large\"",
    };
    let _ = write!(out, "<p{class}>");
    let last = runs.iter().rposition(|run| !run.text.trim_end().is_empty()).map_or(0, |last| last + 1);
    for run in &runs[..last] {
        // Spaces before a larger line were made for the larger letters, or are there to centre it.
        let scale = if run.style.size == size { 1 } else { size.across() };
        if scale > 1 && run.text.trim().is_empty() {
            out.push_str(&" ".repeat(run.text.len() / scale));
            continue;
        }
        letters(out, &run.text, run.style);
    }
    out.push_str("</p>\n");
}

fn letters(out: &mut String, text: &str, style: Style) {
    out.push_str(if style.bold { "<b>" } else { "" });
    for letter in text.chars() {
        if font::columns(letter) == 2 {
            let _ = write!(out, "<i>{letter}</i>");
        } else {
            push_escaped(out, letter);
        }
    }
    out.push_str(if style.bold { "</b>" } else { "" });
}

fn squares(out: &mut String, cells: &symbol::Cells, text: &str) {
    let (side, text) = (cells.side + 8, escaped(text));
    let dots = side * 4;
    let _ = write!(
        out,
        "<svg role=\"img\" aria-label=\"{text}\" width=\"{dots}\" height=\"{dots}\" viewBox=\"0 0 {side} {side}\"><path d=\""
    );
    for (at, _) in cells.dark.iter().enumerate().filter(|(_, dark)| **dark) {
        let _ = write!(out, "M{} {}h1v1h-1z", at % cells.side + 4, at / cells.side + 4);
    }
    out.push_str("\"/></svg>\n");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|letter| push_escaped(&mut out, letter));
    out
}

fn push_escaped(out: &mut String, letter: char) {
    match letter {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        letter => out.push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::doc::{Document, Element, Table};
    use crate::core::report::layout::layout;

    #[test]
    fn every_letter_stands_on_the_grid_and_nothing_breaks_out() {
        let mut paper = Document::new(Lang::Zh);
        paper.title("望京店 <script>").pair("现金 & 其他", "1,234.00");
        let mut table = Table::of_figures(["", "\"借记\""]);
        table.row(["POS1", "12.00"]);
        paper.table(table).push(Element::Qr("tilld:1:S001:1:7A40-9C2E-4DB3-51F8".into())).push(Element::Cut);
        let page = html(&layout(&paper, 48), "Z <1>", Lang::Zh);
        assert!(page.contains("<title>Z &lt;1&gt;</title>") && page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("<i>现</i><i>金</i> &amp; "), "{page}");
        assert!(
            page.contains("aria-label=\"tilld:1:S001:1:7A40-9C2E-4DB3-51F8\"") && page.contains("<path d=\"M4 4h1")
        );
        assert_eq!((page.matches("<p").count(), page.matches("</p>").count()), (4 + 1, 4), "a path is no paragraph");
    }
}
