//! The paper as ESC/POS bytes, for a printer described by a [`Profile`].
//!
//! The bytes set every mode that they rely on and leave the printer in its plain state, but hold no `ESC @` (it would also
//! undo what the one who drives the printer asked it to report), no status request and no drawer pulse: those are the
//! driver's. Commands: Epson's ESC/POS reference; bytes as tried on paper stand-ins.

use serde::Deserialize;

use super::doc::{Rule, Size, Style};
use super::layout::{Line, Page, Run};
use super::raster::{self, Bitmap};
use super::symbol;
use crate::core::font;
use crate::core::gb18030::pair_of;

/// What letters a printer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Chinese in two bytes (GBK, GB18030's two-byte area) after `FS &`.
    Gb18030,
    /// ASCII only; what is none is printed as `?` over the same columns.
    Ascii,
    /// No letters at all: every line is sent as dots, Chinese included.
    Raster,
}

/// How a printer cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Leaves a bridge of paper.
    Partial,
    /// All through.
    Full,
    /// No cutter: paper is fed for tearing off.
    None,
}

/// Who draws bars and QR codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Symbols {
    /// The printer, by its own commands.
    Native,
    /// We, as dots.
    Raster,
}

/// What one model of printer can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Letters across, in the printer's normal size (48 or 42 on 80 mm paper, 32 or 35 on 58 mm).
    pub columns: usize,
    /// Its letters.
    pub encoding: Encoding,
    /// Its cutter.
    pub cut: Cut,
    /// Its bars and QR codes.
    pub symbols: Symbols,
    /// The store's logo, at most as wide as its paper.
    pub logo: Option<Bitmap>,
}

impl Profile {
    /// A printer with a partial cut that knows the symbol commands.
    #[must_use]
    pub fn new(columns: usize, encoding: Encoding) -> Profile {
        let symbols = if encoding == Encoding::Raster { Symbols::Raster } else { Symbols::Native };
        Profile { columns, encoding, cut: Cut::Partial, symbols, logo: None }
    }
}

const LF: u8 = 0x0A;
/// Empty lines that bring the last printed one above the tear bar, where there is no cutter.
const TEAR_LINES: u8 = 4;
/// Rows of dots a raster command holds at most: 48 rows of 72 bytes stay below a receive buffer of 4 KB.
const BAND_ROWS: usize = 48;

/// The page as bytes for the printer; it should have been laid out for the profile's columns.
#[must_use]
pub fn render(page: &Page, profile: &Profile) -> Vec<u8> {
    let mut out = Writer { bytes: Vec::new(), profile, columns: page.columns, style: Style::PLAIN };
    out.start();
    for line in &page.lines {
        out.line(line);
    }
    out.end();
    out.bytes
}

/// A text in the printer's bytes, without any command: two bytes where GB18030 has two, else ASCII, else `?`.
#[must_use]
pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        match encoding {
            Encoding::Gb18030 => gb18030(font::printable(character), &mut out),
            Encoding::Ascii | Encoding::Raster => ascii(font::printable(character), &mut out),
        }
    }
    out
}

fn gb18030(character: char, out: &mut Vec<u8>) {
    match character {
        ' '..='~' => out.push(character as u8),
        _ => match pair_of(character) {
            Some(pair) => out.extend(pair),
            None => out.push(b'?'),
        },
    }
}

/// Fullwidth forms have an ASCII letter of their own; the column that it leaves is filled.
fn ascii(character: char, out: &mut Vec<u8>) {
    match character {
        ' '..='~' => out.push(character as u8),
        '\u{3000}' => out.extend(b"  "),
        '—' => out.extend(b"--"),
        '×' => out.extend(b"x "),
        '\u{FF01}'..='\u{FF5E}' => out.extend([(u32::from(character) - 0xFEE0) as u8, b' ']),
        _ => out.extend(std::iter::repeat_n(b'?', font::columns(character))),
    }
}

struct Writer<'a> {
    bytes: Vec<u8>,
    profile: &'a Profile,
    columns: usize,
    style: Style,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Left, normal size, not bold, default line spacing; Chinese on, or off with code table 0.
    fn start(&mut self) {
        self.put(&[0x1B, 0x61, 0x00, 0x1D, 0x21, 0x00, 0x1B, 0x45, 0x00, 0x1B, 0x32]);
        match self.profile.encoding {
            Encoding::Gb18030 => self.put(&[0x1C, 0x26]),
            Encoding::Ascii => self.put(&[0x1C, 0x2E, 0x1B, 0x74, 0x00]),
            Encoding::Raster => {}
        }
    }

    fn end(&mut self) {
        self.set(Style::PLAIN);
        if self.profile.encoding == Encoding::Gb18030 {
            self.put(&[0x1C, 0x2E]);
        }
    }

    fn line(&mut self, line: &Line) {
        match line {
            Line::Feed(count) => self.put(&vec![LF; usize::from(*count)]),
            Line::Cut => self.cut(),
            Line::Logo => self.logo(),
            Line::Barcode(text) if self.profile.symbols == Symbols::Native => self.barcode(text),
            Line::Qr(text) if self.profile.symbols == Symbols::Native => self.qr(text),
            Line::Barcode(_) | Line::Qr(_) => self.dots(line),
            _ if self.profile.encoding == Encoding::Raster => self.dots(line),
            Line::Text(runs) => self.text(runs),
            Line::Rule(rule) => {
                self.set(Style::PLAIN);
                let dash = if *rule == Rule::Single { b'-' } else { b'=' };
                self.put(&vec![dash; self.columns]);
                self.put(&[LF]);
            }
        }
    }

    /// Spaces at the end are not sent: a line that is exactly full makes some printers feed twice.
    fn text(&mut self, runs: &[Run]) {
        let last = runs.iter().rposition(|run| !run.text.trim_end_matches(' ').is_empty());
        let printed = last.map_or(0, |last| last + 1);
        for (index, run) in runs[..printed].iter().enumerate() {
            self.set(run.style);
            let text = if index + 1 == printed { run.text.trim_end_matches(' ') } else { &run.text };
            self.put(&encode(text, self.profile.encoding));
        }
        self.put(&[LF]);
    }

    fn set(&mut self, style: Style) {
        if style.size != self.style.size {
            let size = match style.size {
                Size::Normal => 0x00,
                Size::Tall => 0x01,
                Size::Double => 0x11,
            };
            self.put(&[0x1D, 0x21, size]);
        }
        if style.bold != self.style.bold {
            self.put(&[0x1B, 0x45, u8::from(style.bold)]);
        }
        self.style = style;
    }

    fn cut(&mut self) {
        self.set(Style::PLAIN);
        match self.profile.cut {
            Cut::Partial => self.put(&[0x1D, 0x56, 0x42, 0x00]),
            Cut::Full => self.put(&[0x1D, 0x56, 0x41, 0x00]),
            Cut::None => self.put(&[LF; TEAR_LINES as usize]),
        }
    }

    /// Height, width of the narrowest bar, no text of the printer's own (the line after has it), then the bars.
    fn barcode(&mut self, text: &str) {
        let Some(bars) = symbol::code128(text) else { return };
        let Ok(length) = u8::try_from(bars.command.len()) else { return };
        self.set(Style::PLAIN);
        self.put(&[0x1B, 0x61, 0x01, 0x1D, 0x68, symbol::BAR_HEIGHT as u8]);
        self.put(&[0x1D, 0x77, symbol::BAR_DOTS as u8, 0x1D, 0x48, 0x00, 0x1D, 0x6B, 0x49, length]);
        self.put(&bars.command);
        // No line feed: the command prints by itself, and a feed would leave an empty line.
        self.put(&[0x1B, 0x61, 0x00]);
    }

    /// Model 2, cell size, level M, store, print.
    fn qr(&mut self, text: &str) {
        let dots = self.columns * raster::CELL_WIDTH;
        let Some(cell) = symbol::qr(text).and_then(|code| code.cell(dots)) else { return };
        let [low, high] = u16::try_from(text.len() + 3).unwrap_or(u16::MAX).to_le_bytes();
        self.set(Style::PLAIN);
        self.put(&[0x1B, 0x61, 0x01]);
        self.put(&[0x1D, 0x28, 0x6B, 0x04, 0x00, 0x31, 0x41, 0x32, 0x00]);
        self.put(&[0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x43, cell as u8]);
        self.put(&[0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x45, 0x31]);
        self.put(&[0x1D, 0x28, 0x6B, low, high, 0x31, 0x50, 0x30]);
        self.put(text.as_bytes());
        self.put(&[0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x51, 0x30]);
        self.put(&[0x1B, 0x61, 0x00]);
    }

    /// Centred, in bands like every picture.
    fn logo(&mut self) {
        let Some(logo) = &self.profile.logo else { return };
        self.put(&[0x1B, 0x61, 0x01]);
        for band in logo.bands(BAND_ROWS) {
            self.bytes.extend(raster_command(&band));
        }
        self.put(&[0x1B, 0x61, 0x00]);
    }

    fn dots(&mut self, line: &Line) {
        self.set(Style::PLAIN);
        let strip = raster::strip(line, self.columns);
        for band in strip.bands(BAND_ROWS) {
            self.bytes.extend(raster_command(&band));
        }
    }
}

/// `GS v 0`: bytes across and rows down, low byte first, then the dots.
fn raster_command(band: &Bitmap) -> Vec<u8> {
    let across = u16::try_from(band.row_bytes()).unwrap_or(u16::MAX).to_le_bytes();
    let down = u16::try_from(band.height()).unwrap_or(u16::MAX).to_le_bytes();
    let mut out = vec![0x1D, 0x76, 0x30, 0x00, across[0], across[1], down[0], down[1]];
    out.extend_from_slice(band.bytes());
    out
}
