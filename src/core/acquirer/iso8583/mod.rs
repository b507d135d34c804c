//! ISO 8583 on the wire: frames, field formats as data, a checked view, legal messages, MAC, and a dump that shows no card data.
//!
//! It knows bytes and fields, and must never know what a payment is. Nothing here panics on any bytes.

pub mod bcd;
pub mod dump;
mod format;
mod framing;
pub mod mac;
mod mask;
mod message;
mod spec;
pub mod tlv;
mod view;

#[cfg(test)]
mod tests;

pub use format::{Align, Content, FieldFormat, Length, Pad};
pub use framing::{Deframer, Frame, FrameError, Layout};
pub use message::{Message, Mti};
pub use spec::{EncodeError, EncodeFault, Spec};
pub use view::{DecodeError, Fault, FieldSpan, View};
