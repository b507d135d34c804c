//! The only place that asks the time.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::core::domain::{MonoMs, Now, WallMs};

/// The system's clocks. Monotonic time counts from the clock's making and goes on while the machine sleeps (`CLOCK_BOOTTIME`): a terminal that slept
/// through the night has let its time-outs and expiries run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: u64,
}

impl Clock {
    /// Starts to count.
    #[must_use]
    pub fn start() -> Clock {
        Clock { started: boot_ms() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { wall: wall(), mono: MonoMs(boot_ms().saturating_sub(self.started)) }
    }
}

/// What the wall clock says. A clock before 1970 says 1970.
#[must_use]
pub fn wall() -> WallMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn boot_ms() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let ms = i128::from(time.tv_sec) * 1_000 + i128::from(time.tv_nsec) / 1_000_000;
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_begins_at_the_start_and_does_not_go_back() {
        let clock = Clock::start();
        let mut last = clock.now().mono;
        for _ in 0..100 {
            let now = clock.now();
            assert!(now.mono >= last && now.wall > WallMs(1_600_000_000_000));
            last = now.mono;
        }
    }
}
