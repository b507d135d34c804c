//! Lines as dots, at a receipt printer's own resolution: a column is 12 dots, a letter 24 dots high (203 dpi, its font A), so
//! that 48 columns are the 576 dots of 80 mm paper.
//!
//! A strip a line, so that a long paper never has to be in memory as a whole. Black is 1.

use super::doc::{Rule, Size, Style};
use super::layout::{Line, Run};
use super::symbol::{self, BAR_DOTS, BAR_HEIGHT, QR_QUIET};
use crate::core::font;

/// Dots across a column.
pub const CELL_WIDTH: usize = 12;
/// Dots down a letter of normal height.
pub const CELL_HEIGHT: usize = 24;
/// Dots between a line's letters and the next line's.
const LEADING: usize = 6;
/// Height of a line that carries nothing, of a rule, and of a cut's mark.
const BLANK_HEIGHT: usize = 18;
const FEED_HEIGHT: usize = CELL_HEIGHT + LEADING;
/// White above and below bars and QR codes (a QR code brings its own).
const SYMBOL_AIR: usize = 8;

/// Dots in rows of whole bytes, the highest bit leftmost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Bitmap {
    /// All white.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Bitmap {
        Bitmap { width, height, bytes: vec![0; width.div_ceil(8) * height] }
    }

    /// Dots across.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Dots down.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Bytes a row.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.width.div_ceil(8)
    }

    /// All rows, from the top.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the dot is black; outside nothing is.
    #[must_use]
    pub fn is_black(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.bytes[y * self.row_bytes() + x / 8] & (0x80 >> (x % 8)) != 0
    }

    /// Blackens a rectangle, as far as it lies inside.
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize) {
        let row_bytes = self.row_bytes();
        for y in y..(y + height).min(self.height) {
            for x in x..(x + width).min(self.width) {
                self.bytes[y * row_bytes + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }

    /// The bitmap in bands of at most `rows` rows.
    pub fn bands(&self, rows: usize) -> impl Iterator<Item = Bitmap> + '_ {
        let row_bytes = self.row_bytes().max(1);
        self.bytes.chunks(row_bytes * rows.max(1)).map(move |bytes| Bitmap {
            width: self.width,
            height: bytes.len() / row_bytes,
            bytes: bytes.to_vec(),
        })
    }
}

/// Rows of dots that [`strip`] makes of the line.
#[must_use]
pub fn height(line: &Line, columns: usize) -> usize {
    match line {
        Line::Text(_) if line.is_blank() => BLANK_HEIGHT,
        Line::Text(runs) => (CELL_HEIGHT + LEADING) * tallest(runs),
        Line::Rule(_) | Line::Cut => BLANK_HEIGHT,
        Line::Feed(count) => FEED_HEIGHT * usize::from(*count),
        Line::Logo => 0,
        Line::Barcode(_) => BAR_HEIGHT + 2 * SYMBOL_AIR,
        Line::Qr(text) => qr_geometry(text, columns).map_or(0, |(_, cell, side)| (side + 2 * QR_QUIET) * cell),
    }
}

/// The line as dots, `columns` × [`CELL_WIDTH`] across.
#[must_use]
pub fn strip(line: &Line, columns: usize) -> Bitmap {
    let mut strip = Bitmap::new(columns * CELL_WIDTH, height(line, columns));
    match line {
        Line::Text(runs) => text(&mut strip, runs),
        Line::Rule(rule) => draw_rule(&mut strip, *rule),
        Line::Cut => {
            for dash in (0..strip.width).step_by(2 * CELL_WIDTH) {
                strip.fill(dash, BLANK_HEIGHT / 2, CELL_WIDTH, 1);
            }
        }
        Line::Feed(_) | Line::Logo => {}
        Line::Barcode(payload) => draw_bars(&mut strip, payload),
        Line::Qr(payload) => draw_qr(&mut strip, payload, columns),
    }
    strip
}

fn tallest(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.style.size.down()).max().unwrap_or(1)
}

/// Letters of different heights stand on one foot.
fn text(strip: &mut Bitmap, runs: &[Run]) {
    let tallest = tallest(runs);
    let foot = (LEADING / 2 + CELL_HEIGHT) * tallest;
    let mut x = 0;
    for run in runs {
        let top = foot - CELL_HEIGHT * run.style.size.down();
        for character in run.text.chars() {
            letter(strip, x, top, character, run.style);
            x += font::columns(character) * run.style.size.across() * CELL_WIDTH;
        }
    }
}

fn letter(strip: &mut Bitmap, left: usize, top: usize, character: char, style: Style) {
    let Some(glyph) = font::glyph(character) else { return };
    let rows: Vec<u64> = match style.size {
        Size::Normal => glyph.rows.chunks_exact(2).flat_map(|pair| half_as_high_again(pair[0], pair[1])).collect(),
        Size::Tall => glyph.rows.iter().flat_map(|row| [half_as_wide_again(*row); 3]).collect(),
        Size::Double => glyph.rows.iter().flat_map(|row| [thrice_as_wide(*row); 3]).collect(),
    };
    let width = usize::from(glyph.width) * style.size.across() * CELL_WIDTH / 8;
    for (y, row) in rows.iter().enumerate() {
        let row = if style.bold { row | row >> style.size.across() } else { *row };
        for x in (0..width).filter(|x| row & (TOP >> x) != 0) {
            strip.fill(left + x, top + y, 1, 1);
        }
    }
}

/// The leftmost dot of a row.
const TOP: u64 = 1 << 63;

/// Of two rows three, the middle one black where either is: a stroke of one dot becomes one of two wherever it stands, and
/// a gap of one dot stays open.
fn half_as_high_again(upper: u16, lower: u16) -> [u64; 3] {
    let (upper, lower) = (half_as_wide_again(upper), half_as_wide_again(lower));
    [upper, upper | lower, lower]
}

/// Of two dots three, likewise.
fn half_as_wide_again(row: u16) -> u64 {
    (0..8).fold(0, |out, pair| {
        let three: u64 = match row << (2 * pair) >> 14 {
            0 => 0b000,
            1 => 0b011,
            2 => 0b110,
            _ => 0b111,
        };
        out | three << (61 - 3 * pair)
    })
}

fn thrice_as_wide(row: u16) -> u64 {
    (0..16).filter(|dot| row << dot & 0x8000 != 0).fold(0, |out, dot| out | 0b111 << (61 - 3 * dot))
}

fn draw_rule(strip: &mut Bitmap, rule: Rule) {
    let (width, middle) = (strip.width, BLANK_HEIGHT / 2);
    match rule {
        Rule::Single => strip.fill(0, middle - 1, width, 2),
        Rule::Double => {
            strip.fill(0, middle - 4, width, 3);
            strip.fill(0, middle + 3, width, 3);
        }
    }
}

fn draw_bars(strip: &mut Bitmap, payload: &str) {
    let Some(bars) = symbol::code128(payload) else { return };
    let left = strip.width.saturating_sub(bars.modules.len() * BAR_DOTS) / 2;
    for (at, _) in bars.modules.iter().enumerate().filter(|(_, black)| **black) {
        strip.fill(left + at * BAR_DOTS, SYMBOL_AIR, BAR_DOTS, BAR_HEIGHT);
    }
}

fn qr_geometry(payload: &str, columns: usize) -> Option<(symbol::Cells, usize, usize)> {
    let code = symbol::qr(payload)?;
    let cell = code.cell(columns * CELL_WIDTH)?;
    let side = code.side;
    Some((code, cell, side))
}

fn draw_qr(strip: &mut Bitmap, payload: &str, columns: usize) {
    let Some((code, cell, side)) = qr_geometry(payload, columns) else { return };
    let left = strip.width.saturating_sub(side * cell) / 2;
    for (at, _) in code.dark.iter().enumerate().filter(|(_, dark)| **dark) {
        strip.fill(left + at % side * cell, (at / side + QR_QUIET) * cell, cell, cell);
    }
}
