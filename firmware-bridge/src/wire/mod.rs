//! What goes over the line. May be used by both ends; knows nothing of time, sessions or hardware.
//!
//! A change here is a change of the protocol: messages are only ever appended, [`CURRENT`] goes up, and a new file of frozen
//! bytes joins `tests/`; the old ones stay as they are.

mod frame;
mod hello;
mod message;
mod secret;
mod text;

pub use frame::{Decoder, Frame, FrameError, Kind, MAX_BODY, MAX_WIRE, crc16};
pub use hello::{Hello, Welcome, agree};
pub use message::{
    Aside, Blob, CAP_BUZZER, CAP_CARD, CAP_DISPLAY, CAP_DRAWER, CAP_HOST_PIN, CAP_KEYPAD, CAP_KEYS, CAP_LEDS, CAP_MARK,
    CAP_SWIPE, Capabilities, Device, Info, Key, KeyState, Level, MAX_CHUNK, MacMethod, Mark, NakReason, Notice,
    Refusal, Reply, Request, Stats, Text, ToBridge, ToHost, WorkKey,
};
pub use secret::Secret;
pub use text::{clip, line};

/// The oldest protocol version this crate still speaks.
pub const MIN: u8 = 1;
/// The protocol version this crate speaks by preference.
pub const CURRENT: u8 = 2;
