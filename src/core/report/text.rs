//! The paper as UTF-8 text, a line a line, spaces at the ends cut.
//!
//! Sizes cannot be shown: letters of double width stand as single ones at the same edge (or in the same middle), and spaces
//! make up for the rest, so that the columns remain the paper's.
//! Widths are right where Chinese takes two columns and everything else that GB18030 writes in two bytes does, too.

use super::doc::Rule;
use super::layout::{Line, Page, Run};
use super::wrap::{clean, wrap};
use crate::core::font;

/// The page as text.
#[must_use]
pub fn render(page: &Page) -> String {
    let columns = page.columns;
    let mut out = String::new();
    for line in &page.lines {
        match line {
            Line::Text(runs) => push(&mut out, &text(runs)),
            Line::Rule(Rule::Single) => push(&mut out, &"-".repeat(columns)),
            Line::Rule(Rule::Double) => push(&mut out, &"=".repeat(columns)),
            Line::Barcode(_) | Line::Cut => push(&mut out, ""),
            Line::Qr(text) => {
                wrap(&format!("[QR] {}", clean(text)), columns).iter().for_each(|part| push(&mut out, part))
            }
            // Nothing stands for it: it is the printer's.
            Line::Logo => {}
            Line::Feed(count) => (0..*count).for_each(|_| push(&mut out, "")),
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end_matches(' '));
    out.push('\n');
}

fn text(runs: &[Run]) -> String {
    let mut out = String::new();
    for (at, run) in runs.iter().enumerate() {
        let spare = run.columns() - font::text_columns(&run.text);
        let before = match (at, at + 1 == runs.len()) {
            (0, _) => 0,
            (_, true) => spare,
            _ => spare / 2,
        };
        out.extend(std::iter::repeat_n(' ', before));
        out.push_str(&run.text);
        out.extend(std::iter::repeat_n(' ', spare - before));
    }
    out
}
