//! The paper: what was printed, strip by strip; as text, and (in `picture.rs`) as a picture.

/// Strips kept; the oldest go first.
const MAX_STRIPS: usize = 200_000;

/// One character on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub(super) c: char,
    pub(super) wide: bool,
    pub(super) w: u8,
    pub(super) h: u8,
    pub(super) bold: bool,
    pub(super) underline: bool,
    pub(super) reverse: bool,
}

impl Cell {
    /// Half-width columns that it takes.
    pub(super) fn columns(&self) -> usize {
        usize::from(self.w) * if self.wide { 2 } else { 1 }
    }
}

/// Dots, a bit each, rows padded to bytes, highest bit leftmost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    pub(super) width: usize,
    pub(super) stride: usize,
    pub(super) bits: Vec<u8>,
}

impl Bitmap {
    pub(super) fn from_rows<'a>(width: usize, rows: impl Iterator<Item = &'a [bool]>) -> Self {
        let stride = width.div_ceil(8);
        let mut bits = Vec::new();
        for row in rows {
            let start = bits.len();
            bits.resize(start + stride, 0);
            for (x, _) in row.iter().enumerate().filter(|(_, on)| **on) {
                bits[start + x / 8] |= 0x80 >> (x % 8);
            }
        }
        Self { width, stride, bits }
    }

    pub(super) fn height(&self) -> usize {
        self.bits.len().checked_div(self.stride).unwrap_or(0)
    }

    pub(super) fn dot(&self, x: usize, y: usize) -> bool {
        self.bits.get(y * self.stride + x / 8).is_some_and(|b| b & (0x80 >> (x % 8)) != 0)
    }
}

/// A piece of paper, in the order it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strip {
    /// A line of text.
    Text {
        /// Characters from the left.
        cells: Vec<Cell>,
        /// 0 left, 1 middle, 2 right.
        align: u8,
        /// Height.
        dots: u32,
    },
    /// A picture or code.
    Image {
        /// Its dots.
        bitmap: Bitmap,
        /// 0 left, 1 middle, 2 right.
        align: u8,
        /// What stands for it in the text.
        caption: String,
    },
    /// Blank paper, dots.
    Feed(u32),
    /// Cut off here.
    Cut,
}

/// What came out of a printer.
#[derive(Debug, Clone)]
pub struct Paper {
    pub(super) columns: u16,
    pub(super) strips: Vec<Strip>,
    lines: u64,
    lost: u64,
}

impl Paper {
    pub(super) fn new(columns: u16) -> Self {
        Self { columns, strips: Vec::new(), lines: 0, lost: 0 }
    }

    pub(super) fn add(&mut self, strip: Strip) {
        if self.strips.len() >= MAX_STRIPS {
            self.strips.drain(..MAX_STRIPS / 2);
            self.lost += (MAX_STRIPS / 2) as u64;
        }
        self.lines += u64::from(matches!(strip, Strip::Text { .. }));
        self.strips.push(strip);
    }

    /// Lines of text printed since the start.
    pub fn lines_printed(&self) -> u64 {
        self.lines
    }

    /// All that is on it as text: lines without blanks at their ends, aligned with blanks, `[cut]`, `[qr …]`, `[code128 …]`,
    /// `[raster WxH]`. Feeding by less than a line is not seen.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for strip in &self.strips {
            match strip {
                Strip::Text { cells, align, .. } => self.text_line(cells, *align, &mut out),
                Strip::Image { caption, .. } => out.push_str(caption),
                Strip::Feed(_) => continue,
                Strip::Cut => out.push_str("[cut]"),
            }
            out.push('\n');
        }
        out
    }

    /// The same, one text a piece that was cut off; what is not cut yet is the last.
    pub fn sheets(&self) -> Vec<String> {
        self.text().split("[cut]\n").filter(|s| !s.trim().is_empty()).map(str::to_owned).collect()
    }

    fn text_line(&self, cells: &[Cell], align: u8, out: &mut String) {
        let used: usize = cells.iter().map(Cell::columns).sum();
        let free = usize::from(self.columns).saturating_sub(used);
        let lead = match align {
            1 => free / 2,
            2 => free,
            _ => 0,
        };
        let text: String = cells.iter().map(|c| c.c).collect();
        let text = text.trim_end();
        if !text.is_empty() {
            out.extend(std::iter::repeat_n(' ', lead));
            out.push_str(text);
        }
    }
}
