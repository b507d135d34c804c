//! The devices of a bridge, each over the traits of embedded-hal 1.0 and nothing else. None of them waits: what takes time has a
//! `tick(now)`. Limits that protect hardware lie here, not in the host: a coil must survive any host.

mod buzzer;
mod display;
mod drawer;
mod fram;
mod keypad;
mod leds;
pub mod pn532;

pub use buzzer::Buzzer;
pub use display::{Display, ROWS};
pub use drawer::{Drawer, PulseError, Sensor};
pub use fram::Fram;
pub use keypad::Keypad;
pub use leds::Leds;
pub use pn532::{I2cPort, Pn532, Port, Seen, SpiPort, Target};

/// A pin, bus or chip did not do what it was told.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bus or pin reports an error.
    #[error("the bus reports an error")]
    Bus,
    /// It answers something that it should not.
    #[error("an answer that makes no sense")]
    Answer,
    /// It does not answer in time.
    #[error("no answer")]
    Silent,
}
