//! The paper as one PNG: 1 bit a dot, a margin of white around, one dot of the printer a dot of the picture.

use std::io::Write;

use super::PaperError;
use super::layout::Page;
use super::raster::{self, Bitmap, CELL_WIDTH};

/// White around the paper's print, in dots.
pub const MARGIN: usize = 32;
/// The longest picture: 200,000 rows of dots are 25 m of paper.
const MAX_ROWS: usize = 200_000;
/// Dots a metre at 203 dpi.
const DOTS_A_METRE: u32 = 7992;

/// The page as a PNG. [`PaperError::TooLong`] beyond 25 m of paper.
pub fn png(page: &Page) -> Result<Vec<u8>, PaperError> {
    let (lines, columns) = (&page.lines, page.columns);
    let rows = 2 * MARGIN + lines.iter().map(|line| raster::height(line, columns)).sum::<usize>();
    if rows > MAX_ROWS {
        return Err(PaperError::TooLong { rows });
    }
    let margin = Bitmap::new(columns * CELL_WIDTH, MARGIN);
    let strips = lines.iter().map(|line| raster::strip(line, columns));
    encode(std::iter::once(margin.clone()).chain(strips).chain(std::iter::once(margin)), columns, rows, MARGIN)
}

/// Strips of `columns` columns as a PNG of `rows` rows, with white at the left and the right.
pub(super) fn encode(
    strips: impl Iterator<Item = Bitmap>,
    columns: usize,
    rows: usize,
    margin: usize,
) -> Result<Vec<u8>, PaperError> {
    let width = columns * CELL_WIDTH + 2 * margin;
    let too_long = || PaperError::TooLong { rows };
    let (across, down) = (u32::try_from(width), u32::try_from(rows));
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, across.map_err(|_| too_long())?, down.map_err(|_| too_long())?);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.set_depth(::png::BitDepth::One);
    encoder.set_compression(::png::Compression::Balanced);
    encoder.set_filter(::png::Filter::NoFilter);
    encoder.set_pixel_dims(Some(::png::PixelDimensions {
        xppu: DOTS_A_METRE,
        yppu: DOTS_A_METRE,
        unit: ::png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer()?;
    for strip in strips {
        for row in strip.bytes().chunks(strip.row_bytes()) {
            stream.write_all(&shifted(row, width, margin)).map_err(::png::EncodingError::from)?;
        }
    }
    stream.finish()?;
    drop(writer);
    Ok(out)
}

/// A row moved right by the margin, in PNG's colours: white is 1.
fn shifted(row: &[u8], width: usize, margin: usize) -> Vec<u8> {
    let mut out = vec![0xFF; width.div_ceil(8)];
    let (bytes, bits) = (margin / 8, margin % 8);
    for (at, byte) in row.iter().enumerate() {
        let [high, low] = (u16::from(*byte) << (8 - bits)).to_be_bytes();
        if let Some(first) = out.get_mut(bytes + at) {
            *first &= !high;
        }
        if let Some(second) = out.get_mut(bytes + at + 1) {
            *second &= !low;
        }
    }
    out
}
