//! What the program carries packed and seldom looks at: pictures of letters, pages, descriptions, time zones. `build.rs` packs it.
//!
//! Knows nothing of what is in it.

use std::io::Read;

use lzma_rust2::LzmaReader;

/// A packed file: LZMA, with the length of its content before it.
#[derive(Debug, Clone, Copy)]
pub struct Packed(&'static [u8]);

/// The packed file of this name: below one of the folders that `build.rs` names, or what it makes itself (`zones`, `gb18030`).
macro_rules! packed {
    ($name:expr) => {
        $crate::core::packed::Packed::new(include_bytes!(concat!(env!("OUT_DIR"), "/", $name)))
    };
}
pub(crate) use packed;

impl Packed {
    /// Of the file's bytes; see `packed!`.
    #[must_use]
    pub const fn new(file: &'static [u8]) -> Packed {
        Packed(file)
    }

    /// The content. Opened each time: who needs it again and again keeps it.
    ///
    /// # Panics
    ///
    /// Never: `build.rs` wrote the file, and a test opens each.
    #[must_use]
    pub fn content(self) -> Vec<u8> {
        let mut content = Vec::new();
        let mut packed = LzmaReader::new_mem_limit(self.0, u32::MAX, None).expect("build.rs put the length before it");
        packed.read_to_end(&mut content).expect("build.rs packed it");
        content
    }

    /// The content as text.
    ///
    /// # Panics
    ///
    /// Where it is none; a test opens each.
    #[must_use]
    pub fn text(self) -> String {
        String::from_utf8(self.content()).expect("it is text in this repository")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_packed_comes_out_again() {
        let (description, glyphs) = (packed!("openapi.json"), packed!("font/glyphs.bin"));
        assert_eq!(description.text(), include_str!("../../assets/openapi.json"));
        assert_eq!(glyphs.content(), include_bytes!("../../assets/font/glyphs.bin"));
        assert!(glyphs.0.len() < glyphs.content().len() / 3 && description.0.len() < 20_000);
    }
}
