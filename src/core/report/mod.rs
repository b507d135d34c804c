//! From totals to a document to text, ESC/POS, image and PDF.
//!
//! A [`doc::Document`] says what stands on the paper and knows nothing of payments; [`layout::layout`] turns it, once, into
//! lines that fill the paper's columns exactly; every renderer draws those same lines, so that all outputs agree line for
//! line. Widths are the printer's ([`crate::core::font`]). Bytes out; nothing here writes or asks anything.

pub mod doc;
pub mod escpos;
pub mod html;
pub mod image;
pub mod layout;
pub mod logo;
pub mod papers;
pub mod pdf;
pub mod raster;
pub mod symbol;
mod table;
pub mod text;
mod wrap;

/// Why a picture of the paper could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The PNG encoder refused.
    #[error("the picture of the paper could not be encoded: {0}")]
    Png(#[from] ::png::EncodingError),
    /// More dots than a picture holds.
    #[error("the paper is too long for one picture ({rows} rows of dots): ask for it as text, PDF or CSV")]
    TooLong {
        /// Rows of dots that it would take.
        rows: usize,
    },
}
