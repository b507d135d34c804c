//! What the printer says of itself.

use super::{NEAR_END_DOTS, Printer};

impl Printer {
    pub(super) fn offline(&self) -> bool {
        self.cover_open || self.paper_out || self.waits_recovery || self.jammed
    }

    fn near_end(&self) -> bool {
        self.left.is_some_and(|dots| dots < NEAR_END_DOTS)
    }

    pub(super) fn realtime_status(&self, n: u8) -> u8 {
        let bit = |on: bool, mask: u8| if on { mask } else { 0 };
        0x12 | match n {
            1 => bit(self.offline(), 0x08) | bit(self.waits_recovery, 0x20),
            2 => bit(self.cover_open, 0x04) | bit(self.paper_out, 0x20) | bit(self.jammed, 0x40),
            3 => bit(self.jammed, 0x08),
            _ => bit(self.near_end() || self.paper_out, 0x0C) | bit(self.paper_out, 0x60),
        }
    }

    fn asb(&self) -> [u8; 4] {
        let bit = |on: bool, mask: u8| if on { mask } else { 0 };
        [
            0x10 | bit(self.offline(), 0x08) | bit(self.cover_open, 0x20),
            bit(self.waits_recovery, 0x01) | bit(self.jammed, 0x08),
            self.paper_sensor(),
            0x0F,
        ]
    }

    /// Also the answer to `GS r 1`.
    pub(super) fn paper_sensor(&self) -> u8 {
        let near = if self.near_end() || self.paper_out { 0x03 } else { 0 };
        near | if self.paper_out { 0x0C } else { 0 }
    }

    /// Switched on with `GS a n`: says at once how it is.
    pub(super) fn set_asb(&mut self, n: u8) {
        self.asb_on = n != 0 && self.settings.asb;
        if self.asb_on {
            self.asb_last = self.asb();
            self.output.extend(self.asb_last);
        }
    }

    /// Says how it is where that changed.
    pub(super) fn push_status(&mut self) {
        let now = self.asb();
        if self.asb_on && now != self.asb_last {
            self.asb_last = now;
            self.output.extend(now);
        }
    }
}
