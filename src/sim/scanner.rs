//! A barcode scanner on a pty: sends a code a line, honours trigger bytes.

use std::io::{BufRead, Write};
use std::path::Path;

use super::pty::{Device, Stand};

/// What a scanner sends around a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScannerSettings {
    /// Send AIM ids (`]Q1`, `]C0`).
    pub aim: bool,
    /// End lines with CR LF, not CR.
    pub crlf: bool,
    /// Send only while triggered; codes wait for the trigger.
    pub needs_trigger: bool,
}

/// The scanner itself.
#[derive(Debug, Default)]
pub struct Scanner {
    settings: ScannerSettings,
    heard: Vec<u8>,
    output: Vec<u8>,
    waiting: Vec<String>,
    lit: bool,
    on: u64,
    off: u64,
    unknown: u64,
}

/// Commands that it knows: bytes, and whether the light goes on.
const COMMANDS: [(&[u8], bool, bool); 4] = [
    (b"\x16T\r", true, false),
    (b"\x16U\r", false, false),
    (b"~\x010000#SCNTRG1;\x03", true, true),
    (b"~\x010000#SCNTRG0;\x03", false, true),
];

impl Scanner {
    /// With these settings.
    pub fn new(settings: ScannerSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    fn show(&mut self, code: &str) {
        if self.settings.needs_trigger && !self.lit {
            self.waiting.truncate(15);
            self.waiting.push(code.to_owned());
            return;
        }
        if self.settings.aim {
            let digits = code.bytes().all(|b| b.is_ascii_digit());
            self.output.extend(if digits && code.len() < 14 { b"]E0" } else { b"]Q1" });
        }
        self.output.extend(code.as_bytes());
        self.output.extend(if self.settings.crlf { &b"\r\n"[..] } else { b"\r" });
        // A scan that succeeded puts the light out.
        self.lit = false;
    }

    fn command(&mut self, light: bool, newland: bool) {
        self.lit = light;
        if light {
            self.on += 1;
        } else {
            self.off += 1;
        }
        if newland {
            self.output.extend(b"\x02\x010000#SCNTRG");
            self.output.extend([if light { b'1' } else { b'0' }, 0x06, b';', 0x03]);
        }
        if light && !self.waiting.is_empty() {
            let code = self.waiting.remove(0);
            self.show(&code);
        }
    }
}

impl Device for Scanner {
    fn receive(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.heard.push(b);
            if let Some((_, light, newland)) = COMMANDS.into_iter().find(|(c, ..)| *c == self.heard) {
                self.heard.clear();
                self.command(light, newland);
            } else if !COMMANDS.iter().any(|(c, ..)| c.starts_with(&self.heard)) {
                self.unknown += 1;
                self.heard.clear();
            }
        }
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn unplugged(&mut self) {
        self.output.clear();
        self.heard.clear();
        self.lit = false;
    }
}

/// A running scanner.
#[derive(Debug)]
pub struct ScannerStand(Stand<Scanner>);

impl ScannerStand {
    /// Plugs one in under `link`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(link: &Path, settings: ScannerSettings) -> std::io::Result<Self> {
        Stand::start(Scanner::new(settings), link).map(Self)
    }

    /// Holds a code before it.
    pub fn scan(&self, code: &str) {
        self.0.with(|s| s.show(code));
    }

    /// Sends bytes as they are: noise, half a line.
    pub fn send_raw(&self, bytes: &[u8]) {
        self.0.with(|s| s.output.extend(bytes));
    }

    /// How often it was triggered on and off.
    pub fn triggers(&self) -> (u64, u64) {
        self.0.with(|s| (s.on, s.off))
    }

    /// Whether its light is on.
    pub fn lit(&self) -> bool {
        self.0.with(|s| s.lit)
    }

    /// Bytes that were no command.
    pub fn unknown(&self) -> u64 {
        self.0.with(|s| s.unknown)
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

/// `tilld sim scanner`: a code a line from `input`, until its end or `quit`.
///
/// # Errors
/// No pty, or the terminal is gone.
pub fn run(link: &Path, settings: ScannerSettings, input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    let stand = ScannerStand::start(link, settings)?;
    writeln!(output, "scanner at {}: type a code a line; `quit` ends", link.display())?;
    for line in input.lines() {
        match line?.trim() {
            "" => {}
            "quit" => break,
            "unplug" => stand.unplug(),
            "plug" => stand.plug()?,
            "triggers" => writeln!(output, "{:?}", stand.triggers())?,
            code => stand.scan(code),
        }
    }
    Ok(())
}
