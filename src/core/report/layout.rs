//! A document set on a paper of so many columns: lines of styled runs that fill the columns exactly.
//!
//! All renderers draw these lines and decide nothing about where things stand.

use super::doc::{Align, Document, Element, Rule, Size, Style};
use super::wrap::{clean, wrap};
use super::{raster, symbol, table};
use crate::core::font;

/// The fewest columns that a paper is set for; fewer are taken as these.
pub const MIN_COLUMNS: usize = 16;
/// The most columns that a paper is set for; more are taken as these.
pub const MAX_COLUMNS: usize = 120;

/// Letters of one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Only what the printer has ([`font::printable`]).
    pub text: String,
    /// How they are printed.
    pub style: Style,
}

impl Run {
    /// Columns that it takes on paper, its size counted.
    #[must_use]
    pub fn columns(&self) -> usize {
        font::text_columns(&self.text) * self.style.size.across()
    }
}

/// One line of the paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Runs whose columns sum up to exactly the paper's.
    Text(Vec<Run>),
    /// A line across.
    Rule(Rule),
    /// Code128 of this text; it can be encoded and fits. Its text follows as a line of its own.
    Barcode(String),
    /// A QR code of this text; it can be encoded and fits.
    Qr(String),
    /// Empty lines.
    Feed(u8),
    /// The printer's logo.
    Logo,
    /// The end of a slip.
    Cut,
}

impl Line {
    /// Whether nothing is printed in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self, Line::Text(runs) if runs.iter().all(|run| run.text.chars().all(|character| character == ' ')))
    }
}

/// A document as it stands on a paper: what all renderers draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Columns across.
    pub columns: usize,
    /// From the top.
    pub lines: Vec<Line>,
}

/// The document on a paper of `columns` columns ([`MIN_COLUMNS`] to [`MAX_COLUMNS`]).
#[must_use]
pub fn layout(document: &Document, columns: usize) -> Page {
    let mut page = Page { columns: columns.clamp(MIN_COLUMNS, MAX_COLUMNS), lines: Vec::new() };
    for element in &document.elements {
        page.element(element);
    }
    page
}

impl Page {
    fn element(&mut self, element: &Element) {
        match element {
            Element::Title(text) => self.title(&clean(text)),
            Element::Heading(text) => self.heading(&clean(text)),
            Element::Text { text, align, style } => self.paragraph(&clean(text), *align, *style),
            Element::Pair { label, value, style } => self.pair(&clean(label), &clean(value), *style),
            Element::Table(table) => table::set(self, table),
            Element::Rule(rule) => self.lines.push(Line::Rule(*rule)),
            Element::Barcode(text) => self.barcode(text),
            Element::Qr(text) => self.qr(text),
            Element::Feed(lines) => self.lines.push(Line::Feed(*lines)),
            Element::Logo => self.lines.push(Line::Logo),
            Element::Cut => self.lines.push(Line::Cut),
        }
    }

    fn title(&mut self, text: &str) {
        for line in text.split('\n') {
            let columns = font::text_columns(line);
            let fits_tall_only = columns * 2 > self.columns && columns <= self.columns;
            let style = if fits_tall_only { Style::TALL } else { Style::LARGE };
            self.paragraph(line, Align::Centre, style);
        }
    }

    fn heading(&mut self, text: &str) {
        if self.lines.last().is_some_and(|line| !line.is_blank() && !matches!(line, Line::Feed(_) | Line::Cut)) {
            self.paragraph("", Align::Left, Style::PLAIN);
        }
        self.paragraph(text, Align::Left, Style::BOLD);
        self.lines.push(Line::Rule(Rule::Single));
    }

    pub(super) fn paragraph(&mut self, text: &str, align: Align, style: Style) {
        for part in wrap(text, self.columns / style.size.across()) {
            let mut line = LineBuilder::new();
            line.put(&part, self.columns, align, style);
            self.lines.push(line.finish(self.columns));
        }
    }

    pub(super) fn pair(&mut self, label: &str, value: &str, style: Style) {
        let across = style.size.across();
        let value_columns = font::text_columns(value) * across;
        let broken = label.contains('\n') || value.contains('\n');
        if !broken && font::text_columns(label) * across + 1 + value_columns <= self.columns {
            let mut line = LineBuilder::new();
            line.put(label, self.columns - value_columns, Align::Left, style);
            line.put(value, value_columns, Align::Right, style);
            self.lines.push(line.finish(self.columns));
        } else if style.size == Size::Double {
            self.pair(label, value, Style { size: Size::Tall, ..style });
        } else {
            self.long_pair(label, value, style);
        }
    }

    /// The value stands on the label's last line where it fits, else under it.
    fn long_pair(&mut self, label: &str, value: &str, style: Style) {
        let mut labels = wrap(label, self.columns);
        let mut values = wrap(value, self.columns);
        let shared = match (labels.last(), values.first()) {
            (Some(left), Some(right)) => font::text_columns(left) + 1 + font::text_columns(right) <= self.columns,
            _ => false,
        };
        let meeting = if shared { labels.pop().zip(Some(values.remove(0))) } else { None };
        for label in labels {
            self.paragraph(&label, Align::Left, style);
        }
        if let Some((left, right)) = meeting {
            let width = font::text_columns(&right);
            let mut line = LineBuilder::new();
            line.put(&left, self.columns - width, Align::Left, style);
            line.put(&right, width, Align::Right, style);
            self.lines.push(line.finish(self.columns));
        }
        for value in values {
            self.paragraph(&value, Align::Right, style);
        }
    }

    fn barcode(&mut self, text: &str) {
        let dots = self.columns * raster::CELL_WIDTH;
        if symbol::code128(text).is_some_and(|bars| bars.dots() <= dots) {
            self.lines.push(Line::Barcode(text.to_owned()));
        }
        self.paragraph(&clean(text), Align::Centre, Style::PLAIN);
    }

    fn qr(&mut self, text: &str) {
        let dots = self.columns * raster::CELL_WIDTH;
        if symbol::qr(text).is_some_and(|code| code.cell(dots).is_some()) {
            self.lines.push(Line::Qr(text.to_owned()));
        } else {
            self.paragraph(&clean(text), Align::Centre, Style::PLAIN);
        }
    }
}

/// A line put together from the left.
#[derive(Debug, Default)]
pub(super) struct LineBuilder {
    runs: Vec<Run>,
    used: usize,
}

impl LineBuilder {
    pub(super) fn new() -> LineBuilder {
        LineBuilder::default()
    }

    /// Puts a text into the next `width` columns. What is wider is cut; callers wrap before.
    pub(super) fn put(&mut self, text: &str, width: usize, align: Align, style: Style) {
        let (text, taken) = clipped(text, width, style.size.across());
        let free = width - taken;
        let before = match align {
            Align::Left => 0,
            Align::Centre => free / 2,
            Align::Right => free,
        };
        self.space(before);
        self.push(text, style);
        self.used += taken;
        self.space(free - before);
    }

    /// Leaves columns free.
    pub(super) fn space(&mut self, columns: usize) {
        self.push(&" ".repeat(columns), Style::PLAIN);
        self.used += columns;
    }

    /// The line, filled up to the paper's width.
    pub(super) fn finish(mut self, columns: usize) -> Line {
        self.space(columns.saturating_sub(self.used));
        Line::Text(self.runs)
    }

    fn push(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        match self.runs.last_mut() {
            Some(last) if last.style == style => last.text.push_str(text),
            _ => self.runs.push(Run { text: text.to_owned(), style }),
        }
    }
}

/// As much of the text as fits, and the columns that takes.
fn clipped(text: &str, width: usize, across: usize) -> (&str, usize) {
    let mut taken = 0;
    for (at, character) in text.char_indices() {
        let columns = font::columns(character) * across;
        if taken + columns > width {
            return (&text[..at], taken);
        }
        taken += columns;
    }
    (text, taken)
}
