//! A store's logo: a PNG, as the dots of a receipt printer.

use super::raster::Bitmap;

/// The largest file.
pub const MAX_FILE: usize = 1 << 20;
/// The tallest logo in dots: some seven centimetres.
const MAX_HEIGHT: u32 = 576;
/// The widest paper in dots.
const MAX_WIDTH: u32 = 1440;

/// Why a picture is not taken.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// Not a PNG, or a broken one.
    #[error("is no PNG that can be read: {0}")]
    Form(#[from] ::png::DecodingError),
    /// More dots than a receipt has.
    #[error(
        "has {0} × {1} dots; a logo has at most {MAX_WIDTH} × {MAX_HEIGHT}, 384 across on 58 mm paper and 576 on 80 mm"
    )]
    Size(u32, u32),
    /// Nothing of it would be printed.
    #[error("is all white")]
    Blank,
}

/// Reads a PNG of any colours: what is darker than the middle is black, what is transparent is white.
///
/// # Errors
/// [`LogoError`].
pub fn from_png(bytes: &[u8]) -> Result<Bitmap, LogoError> {
    let mut decoder = ::png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(::png::Transformations::EXPAND | ::png::Transformations::STRIP_16);
    let mut reader = decoder.read_info()?;
    let (width, height) = reader.info().size();
    if width == 0 || height == 0 || width > MAX_WIDTH || height > MAX_HEIGHT {
        return Err(LogoError::Size(width, height));
    }
    let samples = reader.output_color_type().0.samples();
    let mut dots = Bitmap::new(width as usize, height as usize);
    let mut blank = true;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let frame = reader.next_frame(&mut pixels)?;
    for (y, row) in pixels.chunks_exact(frame.line_size.max(1)).enumerate() {
        for (x, pixel) in row.chunks_exact(samples).enumerate() {
            if is_dark(pixel) {
                dots.fill(x, y, 1, 1);
                blank = false;
            }
        }
    }
    if blank { Err(LogoError::Blank) } else { Ok(dots) }
}

/// Grey, grey and alpha, RGB, or RGB and alpha, a byte each; laid on white.
fn is_dark(pixel: &[u8]) -> bool {
    let (colours, alpha) = match pixel {
        [grey] => ([*grey; 3], 255),
        [grey, alpha] => ([*grey; 3], *alpha),
        [r, g, b] => ([*r, *g, *b], 255),
        [r, g, b, alpha] => ([*r, *g, *b], *alpha),
        _ => return false,
    };
    // Luminance in thousandths, as the eye has it.
    let [r, g, b] = colours.map(u32::from);
    let light = (r * 299 + g * 587 + b * 114) / 1_000;
    let on_white = (light * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255;
    on_white < 128
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn png(width: u32, height: u32, colour: ::png::ColorType, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut out, width, height);
        encoder.set_color(colour);
        encoder.set_depth(::png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        out
    }

    #[test]
    fn dark_is_black_and_transparent_is_white() {
        let rgba = [0, 0, 0, 255, 0, 0, 0, 0, 255, 255, 255, 255, 200, 30, 30, 255];
        let dots = from_png(&png(2, 2, ::png::ColorType::Rgba, &rgba)).unwrap();
        let at = |x, y| dots.is_black(x, y);
        assert_eq!([at(0, 0), at(1, 0), at(0, 1), at(1, 1)], [true, false, false, true]);
        let grey = from_png(&png(3, 1, ::png::ColorType::Grayscale, &[0, 128, 255])).unwrap();
        assert_eq!([grey.is_black(0, 0), grey.is_black(1, 0), grey.is_black(2, 0)], [true, false, false]);
    }

    #[test]
    fn what_is_none_is_said() {
        assert!(matches!(from_png(b"GIF89a"), Err(LogoError::Form(_))));
        let wide = png(2_000, 1, ::png::ColorType::Grayscale, &[0; 2_000]);
        assert!(matches!(from_png(&wide), Err(LogoError::Size(2_000, 1))));
        let good = png(8, 8, ::png::ColorType::Grayscale, &[0; 64]);
        assert!(from_png(&good).is_ok());
        assert!(from_png(&good[..good.len() - 20]).is_err(), "half a file");
        assert!(matches!(from_png(&png(1, 1, ::png::ColorType::Grayscale, &[255])), Err(LogoError::Blank)));
    }
}
