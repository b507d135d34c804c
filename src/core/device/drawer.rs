//! The cash drawer's pulse, with its times. A pulse without its times swallows the next two bytes.

/// Which of the two pins of the drawer connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// Connector pin 2 (`m` = 0), the usual one.
    Two,
    /// Connector pin 5 (`m` = 1), a second drawer.
    Five,
}

/// `ESC p m t1 t2` (`1B 70`): on and off time in milliseconds, in steps of 2 ms; clamped to 2–510 ms, since a coil that
/// is held longer burns. Usual: 50 ms on, 500 ms off (`1B 70 00 19 FA`).
pub fn pulse(pin: Pin, on_ms: u16, off_ms: u16) -> [u8; 5] {
    let units = |ms: u16| (ms / 2).clamp(1, 255) as u8;
    // The specification asks t1 <= t2.
    let on = units(on_ms);
    [0x1B, 0x70, pin_byte(pin), on, units(off_ms).max(on)]
}

/// `DLE DC4 1 m t` (`10 14 01`): the real-time pulse, which the printer does before what waits in its buffer; `on_ms` in
/// steps of 100 ms, 100–800. For models whose profile has it.
pub fn realtime_pulse(pin: Pin, on_ms: u16) -> [u8; 5] {
    [0x10, 0x14, 0x01, pin_byte(pin), (on_ms / 100).clamp(1, 8) as u8]
}

fn pin_byte(pin: Pin) -> u8 {
    match pin {
        Pin::Two => 0,
        Pin::Five => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_pulse() {
        assert_eq!(pulse(Pin::Two, 50, 500), [0x1B, 0x70, 0, 0x19, 0xFA]);
    }

    #[test]
    fn times_have_bounds() {
        assert_eq!(pulse(Pin::Five, 60_000, 0), [0x1B, 0x70, 1, 255, 255]);
        assert_eq!(pulse(Pin::Two, 0, 0), [0x1B, 0x70, 0, 1, 1]);
        assert_eq!(realtime_pulse(Pin::Two, 9_000), [0x10, 0x14, 1, 0, 8]);
    }
}
