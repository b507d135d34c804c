//! The paper as a picture: two pixels a dot, three a dot of the font, so that a column of 12 × 24 dots is exactly a
//! glyph of 8 × 16.

use std::io::Write;

use super::LINE_DOTS;
use super::paper::{Bitmap, Cell, Paper, Strip};

/// Pixels a dot of the printer.
const DOT: usize = 2;
/// Pixels a dot of the font.
const FONT: usize = 3;
/// Paper left and right of what is printed, and around the paper, in pixels.
const MARGIN: usize = 48;
const AROUND: usize = 24;
/// Tallest picture; of a longer roll only the end is shown.
const MAX_ROWS: usize = 40_000;
/// Height of the torn edge.
const TEETH: usize = 10;

/// Colours by their number in the palette.
const DESK: u8 = 0;
const PAPER: u8 = 1;
const INK: u8 = 2;
const PALETTE: [u8; 9] = [0x8C, 0x92, 0x98, 0xFB, 0xFA, 0xF6, 0x24, 0x22, 0x28];

/// Rows of colour numbers, a byte a pixel; only one strip is held at a time.
struct Canvas {
    width: usize,
    rows: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        let mut rows = vec![PAPER; width * height];
        for row in rows.chunks_mut(width) {
            row[..AROUND].fill(DESK);
            row[width - AROUND..].fill(DESK);
        }
        Self { width, rows }
    }

    fn fill(&mut self, x: usize, y: usize, w: usize, h: usize, colour: u8) {
        for row in self.rows.chunks_mut(self.width).skip(y).take(h) {
            let end = (x + w).min(self.width - AROUND);
            if x < end {
                row[x..end].fill(colour);
            }
        }
    }

    fn cell(&mut self, x: usize, y: usize, cell: &Cell) {
        let (w, h) = (usize::from(cell.w) * FONT, usize::from(cell.h) * FONT);
        let (width, height) = (cell.columns() * 8 * FONT, usize::from(cell.h) * 16 * FONT);
        let ink = if cell.reverse { PAPER } else { INK };
        if cell.reverse {
            self.fill(x, y, width, height, INK);
        }
        match crate::core::font::glyph(cell.c) {
            Some(glyph) => {
                for (gy, row) in glyph.rows.iter().enumerate() {
                    for gx in (0..usize::from(glyph.width)).filter(|gx| row & (0x8000 >> gx) != 0) {
                        let thick = w + if cell.bold { FONT / 2 + 1 } else { 0 };
                        self.fill(x + gx * w, y + gy * h, thick, h, ink);
                    }
                }
            }
            // What has no picture is a box, as on the real thing.
            None => {
                self.fill(x + 3, y + 6, width - 6, height - 12, ink);
                self.fill(x + 6, y + 9, width - 12, height - 18, if cell.reverse { INK } else { PAPER });
            }
        }
        if cell.underline {
            self.fill(x, y + height - FONT, width, FONT, ink);
        }
    }

    fn image(&mut self, x: usize, bitmap: &Bitmap) {
        for y in 0..bitmap.height() {
            for dx in (0..bitmap.width).filter(|dx| bitmap.dot(*dx, y)) {
                self.fill(x + dx * DOT, y * DOT, DOT, DOT, INK);
            }
        }
    }

    /// The torn edge: paper ends in teeth; `down` where it hangs from above.
    fn teeth(width: usize, down: bool) -> Self {
        let mut canvas = Self::new(width, TEETH);
        for (y, row) in canvas.rows.chunks_mut(width).enumerate() {
            let depth = if down { y } else { TEETH - 1 - y };
            for (x, p) in row.iter_mut().enumerate() {
                let wave = (x % (2 * TEETH)).abs_diff(TEETH);
                if wave < depth {
                    *p = DESK;
                }
            }
        }
        canvas
    }

    fn desk(width: usize, height: usize) -> Self {
        Self { width, rows: vec![DESK; width * height] }
    }
}

impl Paper {
    /// Pixels across.
    fn picture_width(&self) -> usize {
        usize::from(self.columns) * 12 * DOT + 2 * (MARGIN + AROUND)
    }

    fn strip_rows(strip: &Strip) -> usize {
        match strip {
            Strip::Text { dots, .. } | Strip::Feed(dots) => *dots as usize * DOT,
            Strip::Image { bitmap, .. } => bitmap.height() * DOT,
            Strip::Cut => 2 * TEETH + AROUND,
        }
    }

    fn draw(&self, strip: &Strip) -> Vec<Canvas> {
        let width = self.picture_width();
        let inner = usize::from(self.columns) * 12 * DOT;
        let left = |used: usize, align: u8| {
            AROUND
                + MARGIN
                + match align {
                    1 => inner.saturating_sub(used) / 2,
                    2 => inner.saturating_sub(used),
                    _ => 0,
                }
        };
        if let Strip::Cut = strip {
            return vec![Canvas::teeth(width, true), Canvas::desk(width, AROUND), Canvas::teeth(width, false)];
        }
        let mut canvas = Canvas::new(width, Self::strip_rows(strip));
        match strip {
            Strip::Text { cells, align, .. } => {
                let tallest = cells.iter().map(|c| usize::from(c.h)).max().unwrap_or(1);
                let mut x = left(cells.iter().map(|c| c.columns() * 12 * DOT).sum(), *align);
                for cell in cells {
                    // Different heights stand on one base line.
                    canvas.cell(x, (tallest - usize::from(cell.h)) * 16 * FONT, cell);
                    x += cell.columns() * 12 * DOT;
                }
            }
            Strip::Image { bitmap, align, .. } => canvas.image(left(bitmap.width * DOT, *align), bitmap),
            Strip::Feed(_) | Strip::Cut => {}
        }
        vec![canvas]
    }

    /// Writes the paper as a PNG: text readable, cut edges torn. Of a very long roll the last 5 m.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_png(&self, out: impl Write) -> std::io::Result<()> {
        self.write_strips(&self.strips, out)
    }

    /// The same for the last `n` pieces that were cut off (and what hangs out uncut).
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_png_of_last(&self, n: usize, out: impl Write) -> std::io::Result<()> {
        let cuts: Vec<usize> =
            self.strips.iter().enumerate().filter(|(_, s)| **s == Strip::Cut).map(|(i, _)| i).collect();
        let ends_cut = self.strips.last() == Some(&Strip::Cut);
        let before = cuts.len().checked_sub(n + usize::from(ends_cut));
        let start = before.and_then(|i| cuts.get(i)).map_or(0, |i| i + 1);
        self.write_strips(&self.strips[start..], out)
    }

    fn write_strips(&self, strips: &[Strip], out: impl Write) -> std::io::Result<()> {
        let mut from = strips.len();
        let mut height = 0;
        while from > 0 && height + Self::strip_rows(&strips[from - 1]) <= MAX_ROWS {
            from -= 1;
            height += Self::strip_rows(&strips[from]);
        }
        let lead = Strip::Feed(LINE_DOTS);
        let parts = std::iter::once(&lead).chain(&strips[from..]).chain(std::iter::once(&lead));
        height += 2 * Self::strip_rows(&lead);
        let width = self.picture_width();
        let size = |n: usize| u32::try_from(n).map_err(|_| std::io::Error::other("the picture is too large"));
        let mut encoder = png::Encoder::new(out, size(width)?, size(height)?);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Two);
        encoder.set_palette(PALETTE.to_vec());
        let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
        let mut stream = writer.stream_writer().map_err(std::io::Error::other)?;
        for canvas in parts.flat_map(|s| self.draw(s)) {
            for row in canvas.rows.chunks(width) {
                let packed: Vec<u8> = row
                    .chunks(4)
                    .map(|p| p.iter().zip([6, 4, 2, 0]).fold(0, |byte, (colour, shift)| byte | colour << shift))
                    .collect();
                stream.write_all(&packed)?;
            }
        }
        stream.finish().map_err(std::io::Error::other)
    }
}
