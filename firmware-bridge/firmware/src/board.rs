//! The devices of this board: drawer (coil PD4, switch PD5), buzzer PG1, lamp PF0, by the crate's drivers. What it does not have
//! is a desk's, with the feature `desk`: a test card is swiped when the reader is armed, a test PIN typed when asked for.

use tilld_bridge::Millis;
#[cfg(feature = "desk")]
use tilld_bridge::bridge::Bench;
use tilld_bridge::bridge::{Act, Devices, Sense};
use tilld_bridge::drivers::{Buzzer, Drawer, Fault, Leds, Sensor};
use tilld_bridge::wire::{
    CAP_BUZZER, CAP_DISPLAY, CAP_DRAWER, CAP_KEYPAD, CAP_KEYS, CAP_LEDS, CAP_MARK, CAP_SWIPE, Capabilities, Device,
    Refusal,
};

use crate::chip::{Pin, Port};

const OWN: Capabilities = CAP_DRAWER | CAP_BUZZER | CAP_LEDS | CAP_MARK | CAP_KEYS;
/// What this program has.
pub const CAPABILITIES: Capabilities =
    if cfg!(feature = "desk") { OWN | CAP_DISPLAY | CAP_KEYPAD | CAP_SWIPE } else { OWN };

pub struct Board {
    drawer: Drawer<Pin>,
    switch: Sensor<Pin>,
    buzzer: Buzzer<Pin>,
    lamps: Leds<Pin, 1>,
    #[cfg(feature = "desk")]
    desk: Bench,
}

impl Board {
    pub fn new() -> Result<Self, Fault> {
        Ok(Self {
            drawer: Drawer::new(Pin::output(Port::D, 4))?,
            switch: Sensor::new(Pin::input(Port::D, 5)),
            buzzer: Buzzer::new(Pin::output(Port::G, 1))?,
            lamps: Leds::new([Pin::output(Port::F, 0)])?,
            #[cfg(feature = "desk")]
            desk: Bench::new(
                tilld_bridge::wire::Secret::new(b"6222021234567890128=30121010000012300"),
                tilld_bridge::wire::Secret::new(b"123456"),
            ),
        })
    }

    #[cfg(feature = "desk")]
    fn other(&mut self, act: Act, now: Millis) -> Result<(), Refusal> {
        self.desk.act(act, now)
    }

    #[cfg(not(feature = "desk"))]
    fn other(&mut self, _act: Act, _now: Millis) -> Result<(), Refusal> {
        Err(Refusal::NotHere)
    }

    /// The pins' own devices go on; which of them stopped working, if one did.
    fn tick(&mut self, now: Millis) -> Result<Option<bool>, Device> {
        self.drawer.tick(now).map_err(|_| Device::Drawer)?;
        self.buzzer.tick(now).map_err(|_| Device::Buzzer)?;
        self.switch.tick(now).map_err(|_| Device::Drawer)
    }
}

impl Devices for Board {
    fn act(&mut self, act: Act, now: Millis) -> Result<(), Refusal> {
        match act {
            Act::Drawer { drawer: 0, pulse_ms } => self.drawer.pulse(pulse_ms, now).map_err(Refusal::from),
            Act::Drawer { .. } => Err(Refusal::NotHere),
            Act::Beep { times, on_ms, off_ms } if Buzzer::<Pin>::allows(times, on_ms, off_ms) => {
                self.buzzer.beep(times, on_ms, off_ms, now).map_err(|_| Refusal::Fault(Device::Buzzer))
            }
            Act::Beep { .. } => Err(Refusal::OutOfRange),
            Act::Leds { mask, on } => self.lamps.set(mask, on).map_err(|_| Refusal::Fault(Device::Leds)),
            other => self.other(other, now),
        }
    }

    fn sense(&mut self, now: Millis) -> Option<Sense> {
        match self.tick(now) {
            Ok(Some(open)) => return Some(Sense::DrawerOpen { drawer: 0, open }),
            Ok(None) => {}
            Err(device) => return Some(Sense::Fault(device)),
        }
        #[cfg(feature = "desk")]
        return self.desk.sense(now);
        #[cfg(not(feature = "desk"))]
        None
    }
}
