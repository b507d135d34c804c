//! A code scanner, lit while somebody waits, where it can be told to.

use super::super::scanner::{IDLE_MS, ScanEvent, ScannerDecoder, Trigger};
use super::{Codec, Kind, Options, Reads, Seen};

pub(super) const KIND: Kind = Kind {
    name: "scanner",
    reads: Reads::Codes,
    baud: 9600,
    answers: false,
    codec: |options| Box::new(Scanner::new(options)),
};

/// A trigger by command goes out by itself, after 30 s as shipped: lit anew before that.
const RELIGHT_MS: u64 = 20_000;

/// The scanner.
#[derive(Debug)]
struct Scanner {
    decoder: ScannerDecoder,
    trigger: Trigger,
    /// Lit: when to light it anew.
    lit: Option<u64>,
    output: Vec<u8>,
    triggered: u64,
}

impl Scanner {
    fn new(options: Options) -> Self {
        let decoder = ScannerDecoder::new(IDLE_MS);
        Self { decoder, trigger: options.trigger, lit: None, output: Vec::new(), triggered: 0 }
    }

    fn seen(event: ScanEvent) -> Option<Seen> {
        match event {
            ScanEvent::Code(scan) => Some(Seen::Code(scan)),
            // Half a line is noise on the wire: the cashier scans again.
            ScanEvent::Torn(_) | ScanEvent::TooLong | ScanEvent::NotText(_) => None,
        }
    }
}

impl Codec for Scanner {
    fn opened(&mut self, _now: u64) {
        self.lost();
    }

    fn lost(&mut self) {
        self.decoder.reset();
        self.lit = None;
        self.output.clear();
    }

    fn arm(&mut self, now: u64) {
        if self.trigger != Trigger::None {
            self.lit = Some(now.saturating_add(RELIGHT_MS));
            self.output = self.trigger.on().to_vec();
            self.triggered += 1;
        }
    }

    fn disarm(&mut self, _now: u64) {
        if self.lit.take().is_some() {
            self.output = self.trigger.off().to_vec();
        }
    }

    fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Seen> {
        self.decoder.feed(now, bytes).into_iter().filter_map(Self::seen).collect()
    }

    fn tick(&mut self, now: u64) -> Vec<Seen> {
        if self.lit.is_some_and(|at| now >= at) {
            self.arm(now);
        }
        self.decoder.tick(now).into_iter().filter_map(Self::seen).collect()
    }

    fn wake_at(&self) -> Option<u64> {
        [self.decoder.deadline(), self.lit].into_iter().flatten().min()
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let c = self.decoder.counters();
        vec![
            ("codes", c.codes),
            ("torn", c.torn),
            ("too_long", c.too_long),
            ("not_text", c.not_text),
            ("answers", c.answers),
            ("triggered", self.triggered),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_lit_while_somebody_waits_and_lit_anew_before_it_goes_out() {
        let mut scanner = Scanner::new(Options { trigger: Trigger::Honeywell });
        scanner.opened(0);
        scanner.arm(1_000);
        assert_eq!(scanner.take_output(), b"\x16T\r");
        assert_eq!(scanner.wake_at(), Some(21_000));
        scanner.tick(20_999);
        assert_eq!(scanner.take_output(), b"");
        scanner.tick(21_000);
        assert_eq!(scanner.take_output(), b"\x16T\r");
        assert!(matches!(scanner.feed(22_000, b"134567890123456789\r")[..], [Seen::Code(_)]));
        scanner.disarm(22_000);
        assert_eq!(scanner.take_output(), b"\x16U\r");
        scanner.disarm(22_001);
        assert_eq!((scanner.take_output(), scanner.wake_at()), (vec![], None));
        // One without a trigger is left alone.
        let mut plain = Scanner::new(Options::default());
        plain.arm(0);
        assert_eq!((plain.take_output(), plain.wake_at()), (vec![], None));
    }
}
