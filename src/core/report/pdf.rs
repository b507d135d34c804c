//! The paper as PDF: the raster's dots on pages of 80 mm (58 mm for up to 35 columns), each as long as what stands on it.
//!
//! The same lines make the same bytes: there is no date and no random name in it. A page ends after at most 3,276 mm, the
//! longest that receipt printers' drivers know, between two lines.

use pdf_writer::types::Predictor;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

use super::PaperError;
use super::image::encode;
use super::layout::{Line, Page};
use super::raster::{self, Bitmap, CELL_WIDTH};

/// White above and below the print, in dots: 4 mm.
const MARGIN: usize = 32;
/// Rows of dots a page at most: 3,276 mm at 203 dpi.
const PAGE_ROWS: usize = 26_000;
/// Points (1/72 inch) across the paper.
const WIDE_PAPER: u16 = 227;
const NARROW_PAPER: u16 = 164;
const NARROW_COLUMNS: usize = 35;

/// The page as a PDF.
pub fn pdf(paper: &Page) -> Result<Vec<u8>, PaperError> {
    let columns = paper.columns;
    let pages = paginated(&paper.lines, columns);
    let mut pdf = Pdf::new();
    let mut next = 1;
    let mut reference = || {
        let this = Ref::new(next);
        next += 1;
        this
    };
    let (catalog, tree) = (reference(), reference());
    let kids: Vec<[Ref; 3]> = pages.iter().map(|_| [reference(), reference(), reference()]).collect();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids(kids.iter().map(|kid| kid[0])).count(i32::try_from(kids.len()).unwrap_or(i32::MAX));
    for (lines, kid) in pages.iter().zip(&kids) {
        page(&mut pdf, lines, columns, tree, *kid)?;
    }
    Ok(pdf.finish())
}

/// The lines a page; always at least one page.
fn paginated(lines: &[Line], columns: usize) -> Vec<&[Line]> {
    let mut pages = Vec::new();
    let (mut start, mut rows) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        let more = raster::height(line, columns);
        if at > start && rows + more > PAGE_ROWS - 2 * MARGIN {
            pages.push(&lines[start..at]);
            (start, rows) = (at, 0);
        }
        rows += more;
    }
    pages.push(&lines[start..]);
    pages
}

fn page(pdf: &mut Pdf, lines: &[Line], columns: usize, tree: Ref, kid: [Ref; 3]) -> Result<(), PaperError> {
    let [page_id, content_id, image_id] = kid;
    let name = Name(b"P");
    let margin = Bitmap::new(columns * CELL_WIDTH, MARGIN);
    let rows = 2 * MARGIN + lines.iter().map(|line| raster::height(line, columns)).sum::<usize>();
    let strips = lines.iter().map(|line| raster::strip(line, columns));
    let strips = std::iter::once(margin.clone()).chain(strips).chain(std::iter::once(margin));
    let data = image_data(&encode(strips, columns, rows, 0)?);

    let dots = columns * CELL_WIDTH;
    let paper = if columns <= NARROW_COLUMNS { NARROW_PAPER } else { WIDE_PAPER };
    // 203 dots are 72 points; print wider than the paper is made narrower.
    let across = points(dots * 72 / 203).min(paper - 8);
    let down = points(rows * usize::from(across) / dots.max(1));
    let left = (paper - across) / 2;

    let mut page = pdf.page(page_id);
    page.media_box(Rect::new(0u8.into(), 0u8.into(), paper.into(), down.into()));
    page.parent(tree);
    page.contents(content_id);
    page.resources().x_objects().pair(name, image_id);
    page.finish();

    let mut image = pdf.image_xobject(image_id, &data);
    image.filter(Filter::FlateDecode);
    image.width(i32::try_from(dots).unwrap_or(i32::MAX));
    image.height(i32::try_from(rows).unwrap_or(i32::MAX));
    image.color_space().device_gray();
    image.bits_per_component(1);
    image
        .decode_parms()
        .predictor(Predictor::PngOptimum)
        .colors(1)
        .bits_per_component(1)
        .columns(i32::try_from(dots).unwrap_or(i32::MAX));
    image.finish();

    let mut content = Content::new();
    content.save_state();
    content.transform([across.into(), 0u8.into(), 0u8.into(), down.into(), left.into(), 0u8.into()]);
    content.x_object(name);
    content.restore_state();
    pdf.stream(content_id, &content.finish());
    Ok(())
}

fn points(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX).max(1)
}

/// The compressed rows of a PNG, which are what PDF calls Flate with PNG's predictors (ISO 32000-1, 7.4.4.4).
fn image_data(png: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(png.len());
    let mut rest = png.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((chunk, after)) = after.split_first_chunk::<4>() else { break };
        let Some(body) = after.get(..length) else { break };
        if chunk == b"IDAT" {
            data.extend_from_slice(body);
        }
        rest = after.get(length + 4..).unwrap_or_default();
    }
    data
}
