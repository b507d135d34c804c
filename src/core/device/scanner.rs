//! Barcode scanners on a serial line: one code a line, CR or LF at its end; trigger bytes; what kind of code it is.
//!
//! A code may be money (a payment code is single use), so the line buffer is wiped and the code leaves as a
//! [`PaymentCode`]. Time is handed in; a line that stops in the middle is dropped after an idle time, and counted.

use zeroize::Zeroizing;

use crate::core::domain::PaymentCode;

/// Longest code taken; longer lines are dropped whole. A QR code of a payment is at most some 24 digits, of a
/// coupon a few hundred bytes.
pub const MAX_LINE: usize = 1024;

/// A line that stands still for this long in the middle is torn: at 1200 baud a byte takes 8 ms.
pub const IDLE_MS: u64 = 300;

/// How a scanner is told to light up and to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// It scans by itself, or by its own button.
    #[default]
    None,
    /// Honeywell: `SYN T CR` and `SYN U CR`.
    Honeywell,
    /// Newland: `~ SOH 0000 # SCNTRG1 ; ETX`; `#` is temporary, `@` would wear its flash.
    Newland,
}

impl Trigger {
    /// By its name in the configuration.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "honeywell" => Some(Self::Honeywell),
            "newland" => Some(Self::Newland),
            _ => None,
        }
    }

    /// The bytes that start a scan; empty where there are none.
    pub fn on(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Honeywell => b"\x16T\r",
            Self::Newland => b"~\x010000#SCNTRG1;\x03",
        }
    }

    /// The bytes that stop it.
    pub fn off(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Honeywell => b"\x16U\r",
            Self::Newland => b"~\x010000#SCNTRG0;\x03",
        }
    }
}

/// Whose payment code it is, by its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// 微信支付: 18 digits from 10–15.
    WeChat,
    /// 支付宝: 16–24 digits from 25–30.
    Alipay,
    /// 银联云闪付: 19 digits from 62.
    UnionPay,
    /// Anything else: goods, coupons, text.
    Other,
}

/// Tells payment codes apart by their published prefixes and lengths (UnionPay's is the weakest source).
pub fn classify(code: &str) -> CodeKind {
    if !code.bytes().all(|b| b.is_ascii_digit()) || code.len() < 16 {
        return CodeKind::Other;
    }
    match (&code[..2], code.len()) {
        ("10" | "11" | "12" | "13" | "14" | "15", 18) => CodeKind::WeChat,
        ("25" | "26" | "27" | "28" | "29" | "30", 16..=24) => CodeKind::Alipay,
        ("62", 19) => CodeKind::UnionPay,
        _ => CodeKind::Other,
    }
}

/// One scanned code.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The text, without line end and AIM id.
    pub code: PaymentCode,
    /// What kind of payment code it is.
    pub kind: CodeKind,
    /// The two characters after `]` of an AIM symbology id, where the scanner sends one (`Q1` = QR, `C0` = Code 128).
    pub symbology: Option<[u8; 2]>,
}

/// What came of the bytes.
#[derive(Debug, Clone)]
pub enum ScanEvent {
    /// A whole code.
    Code(Scan),
    /// A line stopped in the middle and was dropped; its length in bytes.
    Torn(usize),
    /// A line was longer than [`MAX_LINE`] and was dropped.
    TooLong,
    /// A line was not text (wrong baud rate, noise); its length in bytes.
    NotText(usize),
}

/// What was seen since the start, for `status` and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScannerCounters {
    /// Whole codes.
    pub codes: u64,
    /// Torn lines.
    pub torn: u64,
    /// Lines that were too long.
    pub too_long: u64,
    /// Lines that were not text.
    pub not_text: u64,
    /// Answers to trigger commands, skipped.
    pub answers: u64,
}

/// Where in a line the decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Line,
    /// Beyond the bound: skip to the line's end.
    Skipping,
    /// After STX at a line's start: `STX SOH …  ETX` is Newland's answer to a command, not a code.
    AfterStx,
    Answer,
}

/// The decoder of one scanner's byte stream; holds at most [`MAX_LINE`] bytes.
pub struct ScannerDecoder {
    line: Zeroizing<Vec<u8>>,
    place: Place,
    framed: bool,
    last_ms: u64,
    idle_ms: u64,
    counters: ScannerCounters,
}

impl std::fmt::Debug for ScannerDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScannerDecoder({} held, {:?})", self.line.len(), self.counters)
    }
}

impl Default for ScannerDecoder {
    fn default() -> Self {
        Self::new(IDLE_MS)
    }
}

impl ScannerDecoder {
    /// A decoder that drops a line after it stood still for `idle_ms`.
    pub fn new(idle_ms: u64) -> Self {
        Self {
            // Full size at once: a growing buffer would leave unwiped copies of a code behind.
            line: Zeroizing::new(Vec::with_capacity(MAX_LINE)),
            place: Place::Line,
            framed: false,
            last_ms: 0,
            idle_ms,
            counters: ScannerCounters::default(),
        }
    }

    /// What was seen so far.
    pub fn counters(&self) -> ScannerCounters {
        self.counters
    }

    /// When [`ScannerDecoder::tick`] wants to be called, in the same milliseconds; `None` while nothing is half read.
    pub fn deadline(&self) -> Option<u64> {
        (self.place != Place::Line || !self.line.is_empty()).then(|| self.last_ms.saturating_add(self.idle_ms))
    }

    /// Drops a line that stood still too long.
    pub fn tick(&mut self, now_ms: u64) -> Option<ScanEvent> {
        if self.deadline().is_none_or(|at| now_ms < at) {
            return None;
        }
        let held = self.line.len();
        let place = self.place;
        self.reset();
        (held > 0 && place != Place::Skipping).then(|| {
            self.counters.torn += 1;
            ScanEvent::Torn(held)
        })
    }

    /// The port was lost: what was half read is gone.
    pub fn reset(&mut self) {
        wipe(&mut self.line);
        self.place = Place::Line;
        self.framed = false;
    }

    /// Takes bytes as they came at `now_ms`; gives at most one event a byte.
    pub fn feed(&mut self, now_ms: u64, bytes: &[u8]) -> Vec<ScanEvent> {
        let mut out: Vec<ScanEvent> = self.tick(now_ms).into_iter().collect();
        if !bytes.is_empty() {
            self.last_ms = now_ms;
        }
        out.extend(bytes.iter().filter_map(|&b| self.byte(b)));
        out
    }

    fn byte(&mut self, b: u8) -> Option<ScanEvent> {
        match (self.place, b) {
            (Place::AfterStx, 0x01) => self.place = Place::Answer,
            (Place::AfterStx, _) => {
                self.place = Place::Line;
                self.framed = true;
                return self.byte(b);
            }
            (Place::Answer, 0x03) => {
                self.counters.answers += 1;
                self.reset();
            }
            // An answer is short; one without its end must not swallow codes for ever.
            (Place::Answer, b'\r' | b'\n') => self.reset(),
            (Place::Answer, _) => {}
            (Place::Line, 0x02) if self.line.is_empty() => self.place = Place::AfterStx,
            (_, b'\r' | b'\n') => return self.end_of_line(),
            (_, 0x03) if self.framed => return self.end_of_line(),
            (Place::Skipping, _) => {}
            (Place::Line, _) if self.line.len() == MAX_LINE => {
                wipe(&mut self.line);
                self.place = Place::Skipping;
            }
            (Place::Line, _) => self.line.push(b),
        }
        None
    }

    fn end_of_line(&mut self) -> Option<ScanEvent> {
        let event = if self.place == Place::Skipping {
            self.counters.too_long += 1;
            Some(ScanEvent::TooLong)
        } else {
            self.line_event()
        };
        self.reset();
        event
    }

    fn line_event(&mut self) -> Option<ScanEvent> {
        if self.line.is_empty() {
            return None;
        }
        let text = std::str::from_utf8(&self.line).ok().filter(|t| !t.chars().any(char::is_control));
        let Some(text) = text else {
            self.counters.not_text += 1;
            return Some(ScanEvent::NotText(self.line.len()));
        };
        let (symbology, code) = strip_aim(text);
        if code.is_empty() {
            return None;
        }
        self.counters.codes += 1;
        Some(ScanEvent::Code(Scan { code: PaymentCode::new(code.to_owned()), kind: classify(code), symbology }))
    }
}

/// `]cm` at the start is an AIM symbology id (ISO/IEC 15424): a letter and a modifier.
fn strip_aim(text: &str) -> (Option<[u8; 2]>, &str) {
    match text.as_bytes() {
        [b']', c, m, ..] if c.is_ascii_alphabetic() && m.is_ascii_alphanumeric() => (Some([*c, *m]), &text[3..]),
        _ => (None, text),
    }
}

/// Overwrites a buffer and empties it, keeping its room.
pub(super) fn wipe(buffer: &mut Vec<u8>) {
    use zeroize::Zeroize;
    buffer.as_mut_slice().zeroize();
    buffer.clear();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn codes(events: &[ScanEvent]) -> Vec<(String, CodeKind)> {
        events
            .iter()
            .filter_map(|e| match e {
                ScanEvent::Code(s) => Some((s.code.expose().to_owned(), s.kind)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_four_kinds() {
        assert_eq!(classify("134567890123456789"), CodeKind::WeChat);
        assert_eq!(classify("164567890123456789"), CodeKind::Other);
        assert_eq!(classify("13456789012345678"), CodeKind::Other);
        assert_eq!(classify("281234567890123456"), CodeKind::Alipay);
        assert_eq!(classify("301234567890123456789012"), CodeKind::Alipay);
        assert_eq!(classify("3012345678901234567890123"), CodeKind::Other);
        assert_eq!(classify("6212345678901234567"), CodeKind::UnionPay);
        assert_eq!(classify("6901234567892"), CodeKind::Other);
        assert_eq!(classify("１３4567890123456789"), CodeKind::Other);
    }

    #[test]
    fn lines_end_in_cr_lf_or_both_and_come_in_any_pieces() {
        let mut d = ScannerDecoder::default();
        let stream = b"]Q1134567890123456789\r\n]C0690123\n281234567890123456\r";
        let mut all = Vec::new();
        for (i, b) in stream.iter().enumerate() {
            all.extend(d.feed(i as u64, &[*b]));
        }
        assert_eq!(
            codes(&all),
            [
                ("134567890123456789".to_owned(), CodeKind::WeChat),
                ("690123".to_owned(), CodeKind::Other),
                ("281234567890123456".to_owned(), CodeKind::Alipay)
            ]
        );
        assert_eq!(d.deadline(), None);
    }

    #[test]
    fn a_torn_line_does_not_stick_to_the_next() {
        let mut d = ScannerDecoder::default();
        assert!(d.feed(1000, b"1345678").is_empty());
        assert_eq!(d.deadline(), Some(1300));
        assert!(d.tick(1299).is_none());
        let events = d.feed(5000, b"281234567890123456\r");
        assert!(matches!(events[0], ScanEvent::Torn(7)));
        assert_eq!(codes(&events).len(), 1);
        assert_eq!(d.counters().torn, 1);
    }

    #[test]
    fn an_over_long_line_is_dropped_whole_and_counted() {
        let mut d = ScannerDecoder::default();
        assert!(d.feed(0, &vec![b'7'; MAX_LINE * 20]).is_empty());
        let events = d.feed(1, b"7777\r1234\r");
        assert!(matches!(events[0], ScanEvent::TooLong));
        assert_eq!(codes(&events), [("1234".to_owned(), CodeKind::Other)]);
    }

    #[test]
    fn a_triggers_answer_is_no_code_and_stx_etx_frames_are_read() {
        let mut d = ScannerDecoder::default();
        let events = d.feed(0, b"\x02\x010000@SCNTRG1\x06;\x03134567890123456789\r\x02ABC\x03\x02D\r");
        let got: Vec<_> = codes(&events).into_iter().map(|(c, _)| c).collect();
        assert_eq!(got, ["134567890123456789", "ABC", "D"]);
        assert_eq!(d.counters().answers, 1);
    }

    #[test]
    fn a_code_is_never_printed_whole() {
        let mut d = ScannerDecoder::default();
        let events = d.feed(0, b"134567890123456789\r");
        d.feed(0, b"134567890123456789");
        assert!(!format!("{events:?}{d:?}").contains("4567890"));
    }

    #[test]
    fn noise_is_counted() {
        let mut d = ScannerDecoder::default();
        assert!(matches!(d.feed(0, b"\xff\xfe\x00\r")[..], [ScanEvent::NotText(3)]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_bounded(parts in prop::collection::vec((0u64..2000, prop::collection::vec(any::<u8>(), 0..600)), 0..40)) {
            let mut d = ScannerDecoder::default();
            let mut now = 0;
            for (wait, bytes) in parts {
                now += wait;
                prop_assert!(d.feed(now, &bytes).len() <= bytes.len() + 1);
                prop_assert!(d.line.len() <= MAX_LINE && d.line.capacity() == MAX_LINE);
                d.tick(now);
            }
        }

        #[test]
        fn however_cut_the_codes_are_the_same(lines in prop::collection::vec("[0-9A-Za-z ]{1,40}", 1..8), cut in 1usize..50) {
            let stream: Vec<u8> = lines.iter().flat_map(|l| format!("{l}\r\n").into_bytes()).collect();
            let mut d = ScannerDecoder::default();
            let got: Vec<String> = stream.chunks(cut).flat_map(|c| codes(&d.feed(0, c))).map(|(c, _)| c).collect();
            prop_assert_eq!(got, lines);
        }
    }
}
