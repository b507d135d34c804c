//! Text of a bounded length, cut where a character ends.

use core::fmt::{self, Write};

use heapless::String;

/// `text` cut to what fits.
#[must_use]
pub fn clip<const N: usize>(text: &str) -> String<N> {
    let mut clipped = Clip(String::new());
    let _ = clipped.write_str(text);
    clipped.0
}

/// A formatted line cut to what fits: `line(format_args!(…))`.
#[must_use]
pub fn line<const N: usize>(args: fmt::Arguments<'_>) -> String<N> {
    let mut clipped = Clip(String::new());
    let _ = clipped.write_fmt(args);
    clipped.0
}

struct Clip<const N: usize>(String<N>);

impl<const N: usize> Write for Clip<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.0.push(c).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut_in_half() {
        assert_eq!(clip::<5>("钱箱").as_str(), "钱");
        assert_eq!(clip::<6>("钱箱").as_str(), "钱箱");
        assert_eq!(line::<4>(format_args!("{}-{}", 12, 345)).as_str(), "12-3");
    }
}
