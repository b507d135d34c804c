//! A PN532 contactless chip on a pty, at its serial interface: sleeps until it hears its preamble, acknowledges, answers.
//!
//! Written from the chip's manual, byte by byte; knows nothing of how the daemon speaks to it.

use std::io::{BufRead, Write};
use std::path::Path;

use super::pty::{Device, Stand};

const ACKNOWLEDGED: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];
const SYNTAX_ERROR: [u8; 8] = [0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00];

/// The chip.
#[derive(Debug, Default)]
pub struct Pn532 {
    heard: Vec<u8>,
    output: Vec<u8>,
    awake: bool,
    /// The host waits for a card.
    looking: bool,
    card: Option<Vec<u8>>,
    /// The last answer, for a host that asks for it again.
    last: Vec<u8>,
    mute: bool,
    /// So many of the next answers have a wrong byte.
    spoil: u32,
    commands: u64,
    broken_off: u64,
    repeated: u64,
    unknown: u64,
}

impl Pn532 {
    fn send(&mut self, bytes: &[u8]) {
        if !self.mute {
            self.output.extend(bytes);
        }
    }

    fn answer(&mut self, content: &[u8]) {
        let len = content.len() as u8 + 1;
        let mut out = vec![0x00, 0x00, 0xFF, len, 0u8.wrapping_sub(len), 0xD5];
        out.extend(content);
        let sum = content.iter().fold(0xD5u8, |s, b| s.wrapping_add(*b));
        out.extend([0u8.wrapping_sub(sum), 0x00]);
        self.last.clone_from(&out);
        if self.spoil > 0 {
            self.spoil -= 1;
            let middle = out.len() - 3;
            out[middle] ^= 0x04;
        }
        self.send(&out);
    }

    fn card_answer(&mut self) {
        let Some(uid) = self.card.clone() else { return };
        self.looking = false;
        // Seven bytes and more: SENS_RES says so, and SEL_RES of such a card.
        let (sens, sel) = if uid.len() == 4 { (0x04, 0x08) } else { (0x44, 0x00) };
        let mut content = vec![0x4B, 0x01, 0x01, 0x00, sens, sel, uid.len() as u8];
        content.extend(uid);
        self.answer(&content);
    }

    fn command(&mut self, data: &[u8]) {
        self.commands += 1;
        self.looking = false;
        match data {
            [0x02] => {
                self.send(&ACKNOWLEDGED);
                self.answer(&[0x03, 0x32, 0x01, 0x06, 0x07]);
            }
            [0x14, 0x01, ..] => {
                self.send(&ACKNOWLEDGED);
                self.answer(&[0x15]);
            }
            [0x4A, 0x01, 0x00] => {
                self.send(&ACKNOWLEDGED);
                self.looking = true;
                self.card_answer();
            }
            _ => {
                self.unknown += 1;
                self.send(&SYNTAX_ERROR);
            }
        }
    }

    /// Takes one frame off the head of what was heard. False: nothing whole is there.
    fn next(&mut self) -> bool {
        let Some(at) = self.heard.windows(3).position(|w| w == [0x00, 0x00, 0xFF]) else { return false };
        self.awake |= self.heard[..at].contains(&0x55);
        self.heard.drain(..at);
        let Some(&[len, lcs]) = self.heard.get(3..5) else { return false };
        if [len, lcs] == [0x00, 0xFF] {
            self.heard.drain(..5);
            self.broken_off += u64::from(self.looking);
            self.looking = false;
            return true;
        }
        if [len, lcs] == [0xFF, 0x00] {
            self.heard.drain(..5);
            self.repeated += 1;
            let last = self.last.clone();
            self.send(&last);
            return true;
        }
        let end = 5 + usize::from(len);
        if len.wrapping_add(lcs) != 0 || len < 2 {
            self.heard.drain(..3);
            return true;
        }
        let Some(sum) = self.heard.get(5..=end).map(|b| b.iter().fold(0u8, |s, b| s.wrapping_add(*b))) else {
            return false;
        };
        let content: Vec<u8> = self.heard[5..end].to_vec();
        self.heard.drain(..=end);
        if sum == 0 && content[0] == 0xD4 && self.awake {
            self.command(&content[1..]);
        } else {
            self.unknown += 1;
        }
        true
    }
}

impl Device for Pn532 {
    fn receive(&mut self, bytes: &[u8]) {
        self.heard.extend(bytes);
        while self.next() {}
        // What is longer than any command was none.
        if self.heard.len() > 600 {
            self.heard.clear();
        }
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn unplugged(&mut self) {
        let (card, mute) = (self.card.take(), self.mute);
        *self = Self { card, mute, commands: self.commands, ..Self::default() };
    }
}

/// A running chip.
#[derive(Debug)]
pub struct Pn532Stand(Stand<Pn532>);

impl Pn532Stand {
    /// Plugs one in under `link`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(link: &Path) -> std::io::Result<Self> {
        Stand::start(Pn532::default(), link).map(Self)
    }

    /// Lays a card on it, or takes it away.
    pub fn card(&self, uid: Option<&[u8]>) {
        self.0.with(|chip| {
            chip.card = uid.map(<[u8]>::to_vec);
            if chip.looking {
                chip.card_answer();
            }
        });
    }

    /// Whether it looks for a card.
    #[must_use]
    pub fn looking(&self) -> bool {
        self.0.with(|chip| chip.looking)
    }

    /// It says nothing any more, or again.
    pub fn mute(&self, on: bool) {
        self.0.with(|chip| chip.mute = on);
    }

    /// So many of its next answers have a wrong byte.
    pub fn spoil(&self, answers: u32) {
        self.0.with(|chip| chip.spoil = answers);
    }

    /// Sends bytes as they are: noise, half an answer, a flood.
    pub fn send_raw(&self, bytes: &[u8]) {
        self.0.with(|chip| chip.output.extend(bytes));
    }

    /// How often looking was broken off, an answer was asked for again, and something was no command.
    #[must_use]
    pub fn seen(&self) -> (u64, u64, u64) {
        self.0.with(|chip| (chip.broken_off, chip.repeated, chip.unknown))
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.0.unplug();
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// What the system says.
    pub fn plug(&self) -> std::io::Result<()> {
        self.0.plug()
    }
}

/// A card's number from hex digits.
pub(super) fn uid(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let bytes: Option<Vec<u8>> =
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes.filter(|uid| matches!(uid.len(), 4 | 7 | 10))
}

/// `tilld sim pn532`: commands a line, until the end or `quit`.
///
/// # Errors
/// No pty, or the terminal is gone.
pub fn run(link: &Path, input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    let stand = Pn532Stand::start(link)?;
    writeln!(output, "PN532 at {}: card UID | nocard | mute | speak | spoil | unplug | plug | quit", link.display())?;
    for line in input.lines() {
        let line = line?;
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match (word, uid(rest)) {
            ("", _) => {}
            ("quit", _) => break,
            ("card", Some(uid)) => stand.card(Some(&uid)),
            ("card", None) => writeln!(output, "a card's number is 8, 14 or 20 hex digits")?,
            ("nocard", _) => stand.card(None),
            ("mute", _) => stand.mute(true),
            ("speak", _) => stand.mute(false),
            ("spoil", _) => stand.spoil(1),
            ("unplug", _) => stand.unplug(),
            ("plug", _) => stand.plug()?,
            _ => writeln!(output, "what is `{word}`?")?,
        }
    }
    Ok(())
}
