//! Devices of a desk: a stand-in for what a board (or a process without any) does not have. It swipes its card when the reader is
//! armed, types its PIN when the keypad is asked, keeps what the display shows, and holds a drawer's coil to the driver's limits.

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, OutputPin};

use super::{Act, Devices, Sense};
use crate::Millis;
use crate::drivers::{Drawer, ROWS};
use crate::wire::{Key, Refusal, Secret, Text};

const CARD_MS: u64 = 200;
const KEY_MS: u64 = 20;
const DRAWERS: usize = 2;

/// A pin that nobody looks at.
#[derive(Debug)]
struct NoPin;

impl ErrorType for NoPin {
    type Error = Infallible;
}

impl OutputPin for NoPin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A desk's devices.
#[derive(Debug)]
pub struct Bench {
    /// The track that is swiped 0.2 s after the reader is armed; none: no card comes.
    pub track2: Option<Secret<40>>,
    /// The PIN that is typed, and confirmed, when the keypad is asked; none: nobody types.
    pub pin: Option<Secret<12>>,
    /// What the customer display shows, GB18030.
    pub rows: [Text; ROWS as usize],
    /// Which lamps are lit.
    pub lamps: u8,
    /// How often the buzzer was asked to sound.
    pub beeps: u32,
    /// How often a drawer was opened.
    pub opened: u32,
    drawers: [Drawer<NoPin>; DRAWERS],
    told_open: [Option<bool>; DRAWERS],
    swipe_at: Option<Millis>,
    typing: Option<(usize, Millis)>,
}

impl Bench {
    /// A desk with a card and a PIN.
    #[must_use]
    pub fn new(track2: Option<Secret<40>>, pin: Option<Secret<12>>) -> Self {
        Self {
            track2,
            pin,
            rows: core::array::from_fn(|_| Text::new()),
            lamps: 0,
            beeps: 0,
            opened: 0,
            drawers: core::array::from_fn(|_| Drawer::at_rest(NoPin)),
            told_open: [None; DRAWERS],
            swipe_at: None,
            typing: None,
        }
    }

    fn open(&mut self, drawer: u8, ms: u16, now: Millis) -> Result<(), Refusal> {
        let which = usize::from(drawer);
        let Some(coil) = self.drawers.get_mut(which) else { return Err(Refusal::NotHere) };
        coil.pulse(ms, now).map_err(Refusal::from)?;
        self.opened = self.opened.wrapping_add(1);
        if let Some(told) = self.told_open.get_mut(which) {
            *told = Some(false);
        }
        Ok(())
    }

    fn next_key(&mut self, now: Millis) -> Option<Key> {
        let (at, due) = self.typing?;
        if now < due {
            return None;
        }
        let pin = self.pin.as_ref()?;
        let digit = pin.expose().get(at).filter(|d| d.is_ascii_digit());
        self.typing = digit.map(|_| (at + 1, now + KEY_MS));
        Some(digit.map_or(Key::Enter, |d| Key::Digit(d - b'0')))
    }
}

impl Devices for Bench {
    fn act(&mut self, act: Act, now: Millis) -> Result<(), Refusal> {
        match act {
            Act::Drawer { drawer, pulse_ms } => self.open(drawer, pulse_ms, now)?,
            Act::Beep { .. } => self.beeps = self.beeps.wrapping_add(1),
            Act::Leds { mask, on } => self.lamps = self.lamps & !mask | on & mask,
            Act::Display { row, text } => *self.rows.get_mut(usize::from(row)).ok_or(Refusal::OutOfRange)? = text,
            Act::Reader(on) => self.swipe_at = on.then_some(now + CARD_MS),
            Act::Keypad(on) => self.typing = on.then_some((0, now + KEY_MS)),
        }
        Ok(())
    }

    fn sense(&mut self, now: Millis) -> Option<Sense> {
        for (n, coil) in self.drawers.iter_mut().enumerate() {
            let _ = coil.tick(now);
            // The drawer of a desk springs open, and stays so until it is asked again.
            if let Some(told @ Some(false)) = self.told_open.get_mut(n) {
                *told = Some(true);
                return Some(Sense::DrawerOpen { drawer: u8::try_from(n).unwrap_or(0), open: true });
            }
        }
        if let Some(key) = self.next_key(now) {
            return Some(Sense::Key(key));
        }
        if self.swipe_at.is_some_and(|at| now >= at) {
            self.swipe_at = None;
            return self.track2.clone().map(|track2| Sense::Swipe { track2 });
        }
        None
    }
}
