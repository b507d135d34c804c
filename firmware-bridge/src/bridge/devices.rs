//! What lies between the bridge's pure step and its devices: actions out, results and senses in, and the loop over both.

use heapless::Vec;

use super::Bridge;
use crate::Millis;
use crate::store::Store;
use crate::wire::{Device, Key, MAX_WIRE, Refusal, Secret, Text};

/// What a device shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Drive a drawer's coil.
    Drawer {
        /// From 0.
        drawer: u8,
        /// Milliseconds.
        pulse_ms: u16,
    },
    /// Sound the buzzer.
    Beep {
        /// How often.
        times: u8,
        /// Milliseconds of sound.
        on_ms: u16,
        /// Milliseconds between.
        off_ms: u16,
    },
    /// Set lamps.
    Leds {
        /// Which are meant.
        mask: u8,
        /// Which of them are on.
        on: u8,
    },
    /// Write a row of the customer display.
    Display {
        /// From 0.
        row: u8,
        /// GB18030.
        text: Text,
    },
    /// Look for cards, or stop.
    Reader(bool),
    /// Scan the keypad, or stop.
    Keypad(bool),
}

/// Whose request an action carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub(super) session: u16,
    pub(super) id: u16,
}

/// An action, and whom its result is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// To be handed to [`Bridge::done`] with the result.
    pub ticket: Option<Ticket>,
    /// What to do.
    pub act: Act,
}

/// What one step asks of the devices.
pub type Actions = Vec<Action, 8>;

/// What a device saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sense {
    /// A key was pressed.
    Key(Key),
    /// A card lies on the reader.
    Card {
        /// 4, 7 or 10 bytes.
        uid: Vec<u8, 10>,
        /// SENS_RES.
        atqa: u16,
        /// SEL_RES.
        sak: u8,
    },
    /// A card was swiped.
    Swipe {
        /// Track 2 without sentinels, ASCII.
        track2: Secret<40>,
    },
    /// A drawer was opened or shut.
    DrawerOpen {
        /// From 0.
        drawer: u8,
        /// Whether it is open now.
        open: bool,
    },
    /// A device stopped working.
    Fault(Device),
}

/// The devices of a board.
pub trait Devices {
    /// Does it, or begins to; must not wait. What the board has not is [`Refusal::NotHere`].
    fn act(&mut self, act: Act, now: Millis) -> Result<(), Refusal>;
    /// Lets the devices go on, and gives the next thing that one of them saw.
    fn sense(&mut self, now: Millis) -> Option<Sense>;
}

/// At most so many senses and frames a turn: the loop comes round whatever a device does.
const SENSES: usize = 4;
const FRAMES: usize = 12;

/// One turn of the loop: bytes in, devices act and sense, bytes out through `send`. To be called when bytes have come, and
/// every few milliseconds.
pub fn turn<S: Store, D: Devices>(
    bridge: &mut Bridge<S>,
    devices: &mut D,
    input: &[u8],
    now: Millis,
    mut send: impl FnMut(&[u8]),
) {
    carry_out(bridge, devices, input, now);
    for _ in 0..SENSES {
        let Some(sense) = devices.sense(now) else { break };
        bridge.sense(sense, now);
        carry_out(bridge, devices, &[], now);
    }
    let mut out = [0; MAX_WIRE];
    for _ in 0..FRAMES {
        let n = bridge.transmit(now, &mut out);
        match out.get(..n) {
            Some(frame) if n > 0 => send(frame),
            _ => break,
        }
    }
}

#[inline(never)] // One set of actions on the stack, not one for each place of the loop.
fn carry_out<S: Store, D: Devices>(bridge: &mut Bridge<S>, devices: &mut D, input: &[u8], now: Millis) {
    for Action { ticket, act } in bridge.step(input, now) {
        let result = devices.act(act, now);
        bridge.done(ticket, result);
    }
}
