//! Statement rows against our payments: matched, long, short, differs, timing.
//!
//! Pure: lines and payments come in, judgements come out. A format is data ([`Format`], `formats/*.toml`), a line becomes a [`Row`] ([`Decoder`]), our
//! side stands in a [`Book`], and a [`Matcher`] judges row by row, so that a statement of any length is read in bounded memory. Nothing here
//! knows files, tables or clocks.
//!
//! These are the long and short of the *books* (statement − journal). The drawer's (counted − expected) are another thing.

mod book;
mod decode;
mod difference;
mod format;
mod matcher;

pub use book::{Book, Ours, RowElsewhere};
pub use decode::{Decoder, Line, MAX_LINE, Row};
pub use difference::{Class, Difference, Direction, Reason, Side};
pub use format::{Encoding, Format, FormatError, RowKind, RowState, formats};
pub use matcher::{LISTED, Matcher, Outcome, Period, Sums};
