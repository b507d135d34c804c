//! How many requests a second are answered: buckets that fill again, one a kind of caller. They keep a page that loops or a program that hangs in a retry
//! from taking the till's cores; no store's payments come near them.
//!
//! Knows nothing of routes or of who the callers are.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::guard::Caller;

/// POS software on the socket: 64 lanes that pay without a pause reach 2,400 on two quick cores; this is four times that.
const SOCKET: (u32, u32) = (10_000, 20_000);
/// Whoever has shown a token or a log-in, on loopback.
const KNOWN: (u32, u32) = (500, 1_000);
/// Everybody else there, whoever is refused included. The console's first page loads some fifty files.
const STRANGERS: (u32, u32) = (50, 300);

/// What is left of one kind of caller's requests.
struct Bucket {
    per_second: u32,
    burst: u32,
    /// When it was looked at last, and how many thousandths of a request were left then.
    left: Mutex<(Instant, u64)>,
}

impl Bucket {
    fn new((per_second, burst): (u32, u32), now: Instant) -> Bucket {
        Bucket { per_second, burst, left: Mutex::new((now, u64::from(burst) * 1_000)) }
    }

    /// Takes one request out; false where there is none.
    fn take(&self, now: Instant) -> bool {
        let mut left = self.left.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let passed = now.saturating_duration_since(left.0).min(Duration::from_secs(3_600));
        let filled = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX) * u64::from(self.per_second) / 1_000;
        // What is too little to count stays with the time that was looked at last.
        if filled > 0 {
            *left = (now, (left.1 + filled).min(u64::from(self.burst) * 1_000));
        }
        let one = left.1 >= 1_000;
        left.1 -= if one { 1_000 } else { 0 };
        one
    }
}

/// The buckets of one API.
pub(super) struct Rates {
    socket: Bucket,
    known: Bucket,
    strangers: Bucket,
}

impl Rates {
    pub fn new(now: Instant) -> Rates {
        let bucket = |rate| Bucket::new(rate, now);
        Rates { socket: bucket(SOCKET), known: bucket(KNOWN), strangers: bucket(STRANGERS) }
    }

    /// Whether one more request of this caller is answered; `None` is somebody who was refused.
    pub fn take(&self, caller: Option<&Caller>, now: Instant) -> bool {
        match caller {
            Some(Caller::Owner | Caller::Group) => self.socket.take(now),
            Some(Caller::Token | Caller::Person(..)) => self.known.take(now),
            Some(Caller::Stranger) | None => self.strangers.take(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_as_many_as_the_rate_allows_and_an_idle_hour_saves_up_no_more_than_a_burst() {
        let start = Instant::now();
        let bucket = Bucket::new((50, 300), start);
        let passed = |at: Instant, asked: u32| (0..asked).filter(|_| bucket.take(at)).count();
        assert_eq!(passed(start, 1_000), 300);
        assert_eq!(passed(start + Duration::from_millis(19), 10), 0);
        assert_eq!(passed(start + Duration::from_millis(100), 10), 5);
        // Asked all the time, a second gives fifty: looking does not reset what has been waited for.
        let slow: usize = (101..=1_100).map(|ms| passed(start + Duration::from_millis(ms), 1)).sum();
        assert_eq!(slow, 50);
        assert_eq!(passed(start + Duration::from_secs(9_000), 1_000), 300);
    }

    #[test]
    fn a_flood_of_strangers_takes_nothing_from_the_others() {
        let now = Instant::now();
        let rates = Rates::new(now);
        while rates.take(None, now) {}
        assert!(!rates.take(Some(&Caller::Stranger), now));
        assert!(rates.take(Some(&Caller::Token), now) && rates.take(Some(&Caller::Owner), now));
    }
}
