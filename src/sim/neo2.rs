//! An ID TECH NEO 2 reader on a pty: ping, pass-through mode, poll for a card.
//!
//! Written from its developer's guide, with a CRC of its own; knows nothing of how the daemon speaks to it.

use std::io::{BufRead, Write};
use std::path::Path;

use super::pn532::uid;
use super::pty::{Device, Stand};

const MAGIC: &[u8] = b"ViVOtech2\0";
const DONE: u8 = 0x00;
const BAD_CRC: u8 = 0x02;
const UNKNOWN: u8 = 0x0A;
const NOT_ALLOWED: u8 = 0x0B;
const TIMED_OUT: u8 = 0x08;

/// CRC-16 with polynomial 1021, from FFFF.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |mut crc: u16, byte| {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
        crc
    })
}

/// The reader.
#[derive(Debug, Default)]
pub struct Neo2 {
    heard: Vec<u8>,
    output: Vec<u8>,
    pass_through: bool,
    /// Milliseconds that it still looks.
    polling: Option<u64>,
    card: Option<Vec<u8>>,
    mute: bool,
    spoil: u32,
    pings: u64,
    polls: u64,
    wrong: u64,
}

impl Neo2 {
    fn answer(&mut self, command: u8, status: u8, data: &[u8]) {
        let mut out = MAGIC.to_vec();
        out.extend([command, status, (data.len() >> 8) as u8, data.len() as u8]);
        out.extend(data);
        let sum = crc(&out);
        out.extend([(sum >> 8) as u8, sum as u8]);
        if self.spoil > 0 {
            self.spoil -= 1;
            out[11] ^= 0x80;
        }
        if !self.mute {
            self.output.extend(out);
        }
    }

    fn found(&mut self) {
        let Some(uid) = self.card.clone() else { return };
        self.polling = None;
        let kind = if uid.len() == 4 { 0x03 } else { 0x01 };
        self.answer(0x2C, DONE, &[&[kind], &uid[..]].concat());
    }

    fn command(&mut self, command: u8, sub: u8, data: &[u8]) {
        match (command, sub, data) {
            (0x18, 0x01, []) => {
                self.pings += 1;
                self.answer(0x18, DONE, &[]);
            }
            (0x2C, 0x01, [on @ (0 | 1)]) => {
                self.pass_through = *on == 1;
                self.polling = None;
                self.answer(0x2C, DONE, &[]);
            }
            (0x2C, 0x02, [0, 0]) => self.answer(0x2C, 0x05, &[]),
            (0x2C, 0x02, _) if !self.pass_through => self.answer(0x2C, NOT_ALLOWED, &[]),
            (0x2C, 0x02, [seconds, tens]) => {
                self.polls += 1;
                self.polling = Some(u64::from(*seconds) * 1_000 + u64::from(*tens) * 10);
                self.found();
            }
            _ => {
                self.wrong += 1;
                self.answer(command, UNKNOWN, &[]);
            }
        }
    }

    fn next(&mut self) -> bool {
        let at = self.heard.windows(MAGIC.len()).position(|w| w == MAGIC);
        let Some(at) = at else { return false };
        self.heard.drain(..at);
        let Some(&[command, sub, high, low]) = self.heard.get(10..14) else { return false };
        let end = 14 + (usize::from(high) << 8) + usize::from(low);
        let Some(&[first, second]) = self.heard.get(end..end + 2) else { return false };
        let (sum, data) = (crc(&self.heard[..end]), self.heard[14..end].to_vec());
        self.heard.drain(..end + 2);
        // Pass-through frames have the high byte first, the others the low one.
        let sent = if command == 0x2C { [first, second] } else { [second, first] };
        if u16::from_be_bytes(sent) == sum {
            self.command(command, sub, &data);
        } else {
            self.wrong += 1;
            self.answer(command, BAD_CRC, &[]);
        }
        true
    }
}

impl Device for Neo2 {
    fn receive(&mut self, bytes: &[u8]) {
        self.heard.extend(bytes);
        while self.next() {}
        if self.heard.len() > 4_096 {
            self.heard.clear();
        }
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn working(&self) -> bool {
        self.polling.is_some()
    }

    fn elapse(&mut self, ms: u64) {
        let Some(left) = self.polling else { return };
        self.polling = left.checked_sub(ms).filter(|left| *left > 0);
        if self.polling.is_none() {
            self.answer(0x2C, TIMED_OUT, &[]);
        }
    }

    fn unplugged(&mut self) {
        let (card, mute) = (self.card.take(), self.mute);
        *self = Self { card, mute, pings: self.pings, polls: self.polls, wrong: self.wrong, ..Self::default() };
    }
}

/// A running reader.
#[derive(Debug)]
pub struct Neo2Stand(Stand<Neo2>);

impl Neo2Stand {
    /// Plugs one in under `link`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(link: &Path) -> std::io::Result<Self> {
        Stand::start(Neo2::default(), link).map(Self)
    }

    /// Lays a card on it, or takes it away.
    pub fn card(&self, uid: Option<&[u8]>) {
        self.0.with(|reader| {
            reader.card = uid.map(<[u8]>::to_vec);
            if reader.polling.is_some() {
                reader.found();
            }
        });
    }

    /// Whether it looks for a card.
    #[must_use]
    pub fn polling(&self) -> bool {
        self.0.with(|reader| reader.polling.is_some())
    }

    /// Whether it is in pass-through mode.
    #[must_use]
    pub fn in_pass_through(&self) -> bool {
        self.0.with(|reader| reader.pass_through)
    }

    /// It says nothing any more, or again.
    pub fn mute(&self, on: bool) {
        self.0.with(|reader| reader.mute = on);
    }

    /// So many of its next answers have a wrong byte.
    pub fn spoil(&self, answers: u32) {
        self.0.with(|reader| reader.spoil = answers);
    }

    /// Sends bytes as they are: noise, half an answer, a flood.
    pub fn send_raw(&self, bytes: &[u8]) {
        self.0.with(|reader| reader.output.extend(bytes));
    }

    /// Pings, polls, and what was no command.
    #[must_use]
    pub fn seen(&self) -> (u64, u64, u64) {
        self.0.with(|reader| (reader.pings, reader.polls, reader.wrong))
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

/// `tilld sim neo2`: commands a line, until the end or `quit`.
///
/// # Errors
/// No pty, or the terminal is gone.
pub fn run(link: &Path, input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    let stand = Neo2Stand::start(link)?;
    writeln!(output, "NEO 2 at {}: card UID | nocard | mute | speak | spoil | unplug | plug | quit", link.display())?;
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
