//! An ESC/POS printer that reads the bytes by itself and keeps its paper.
//!
//! It knows only what a printer knows: no code of ours that writes such bytes is used, so that what it shows proves
//! something. What it does not understand is a fault in its list, not silence. It has a receive buffer that throws away
//! when full, paper that ends, a cover, a cutter that can jam, a drawer, and speaks `DLE EOT`, ASB, `GS r` and process ids.
//!
//! [`Printer`] is pure (`feed(bytes) -> replies`); [`PrinterStand`] puts it on a pty.

mod codes;
mod command;
mod paper;
mod picture;
mod stand;
mod status;
#[cfg(test)]
mod tests;

pub use paper::{Paper, Strip};
pub use stand::{PrinterStand, run};

use paper::Cell;

/// Faults kept; more are only counted.
const MAX_FAULTS: usize = 100;
/// Longest command: a raster of some metres.
const MAX_COMMAND: usize = 1 << 20;
/// Below this many dots the paper is near its end.
const NEAR_END_DOTS: u32 = 600;
/// Dots of one line at the default spacing (1/6 inch at 180 dpi).
pub const LINE_DOTS: u32 = 30;

/// What kind of printer it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterSettings {
    /// Half-width characters a line, 12 dots each.
    pub columns: u16,
    /// Receive buffer in bytes.
    pub buffer: usize,
    /// It holds its handshake line while its buffer is nearly full. Without, it throws away.
    pub handshake: bool,
    /// Paper in dots a second; `None` prints at once. 150 mm/s are 1,200.
    pub speed: Option<u32>,
    /// Answers process ids.
    pub process_id: bool,
    /// Pushes its status (ASB).
    pub asb: bool,
}

impl Default for PrinterSettings {
    /// 48 columns, 4 KiB, no handshake, prints at once, knows everything.
    fn default() -> Self {
        Self { columns: 48, buffer: 4096, handshake: false, speed: None, process_id: true, asb: true }
    }
}

/// Modes that `ESC @` resets.
#[derive(Debug, Clone)]
struct Modes {
    chinese: bool,
    bold: bool,
    underline: bool,
    reverse: bool,
    width: u8,
    height: u8,
    align: u8,
    spacing: u32,
    bar_height: u8,
    bar_module: u8,
    bar_text: u8,
    qr: codes::QrSettings,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            chinese: false,
            bold: false,
            underline: false,
            reverse: false,
            width: 1,
            height: 1,
            align: 0,
            spacing: LINE_DOTS,
            bar_height: 162,
            bar_module: 3,
            bar_text: 0,
            qr: codes::QrSettings::default(),
        }
    }
}

/// The printer.
#[derive(Debug)]
pub struct Printer {
    settings: PrinterSettings,
    /// Bytes not yet worked off.
    buffer: Vec<u8>,
    /// For each, whether it is part of a real-time command: those were acted on as they came and take no room.
    realtime: Vec<bool>,
    realtime_held: usize,
    /// The command at the head waits for the rest of its data: what comes is taken in, however long it is.
    hungry: bool,
    /// The last bytes that came, to see real-time commands.
    tail: [u8; 3],
    modes: Modes,
    line: Vec<Cell>,
    paper: Paper,
    left: Option<u32>,
    /// Dots of credit from passed time, where it has a speed.
    credit: u32,
    cover_open: bool,
    paper_out: bool,
    jammed: bool,
    waits_recovery: bool,
    asb_on: bool,
    asb_last: [u8; 4],
    output: Vec<u8>,
    drawer: Vec<[u8; 3]>,
    drawer_count: u64,
    thrown_away: u64,
    faults: Vec<String>,
    fault_count: u64,
}

impl Printer {
    /// Switched on, with endless paper.
    pub fn new(settings: PrinterSettings) -> Self {
        let paper = Paper::new(settings.columns);
        Self {
            settings,
            buffer: Vec::new(),
            realtime: Vec::new(),
            realtime_held: 0,
            hungry: false,
            tail: [0; 3],
            modes: Modes::default(),
            line: Vec::new(),
            paper,
            left: None,
            credit: 0,
            cover_open: false,
            paper_out: false,
            jammed: false,
            waits_recovery: false,
            asb_on: false,
            asb_last: [0; 4],
            output: Vec::new(),
            drawer: Vec::new(),
            drawer_count: 0,
            thrown_away: 0,
            faults: Vec::new(),
            fault_count: 0,
        }
    }

    /// Bytes from the host; what it has to say comes back.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        for &b in bytes {
            self.arrive(b);
            // A buffer is worked off while it fills; without this a long write would overflow a fast printer.
            if !self.hungry && self.buffer.len() >= self.settings.buffer / 2 {
                self.work();
            }
        }
        self.work();
        std::mem::take(&mut self.output)
    }

    /// Time passes for a printer that has a speed.
    pub fn elapse(&mut self, ms: u64) -> Vec<u8> {
        if let Some(speed) = self.settings.speed {
            let dots = u64::from(speed) * ms / 1000;
            self.credit = self.credit.saturating_add(u32::try_from(dots).unwrap_or(u32::MAX)).min(speed.max(1));
        }
        self.work();
        std::mem::take(&mut self.output)
    }

    fn arrive(&mut self, b: u8) {
        self.tail.rotate_left(1);
        self.tail[2] = b;
        let full = self.held() >= self.settings.buffer && !self.hungry;
        if full || self.buffer.len() >= MAX_COMMAND {
            self.thrown_away += 1;
            if self.thrown_away == 1 {
                self.fault("receive buffer full: bytes are thrown away".into());
            }
        } else {
            self.buffer.push(b);
            self.realtime.push(false);
        }
        if self.act_at_once() {
            for flag in self.realtime.iter_mut().rev().take(3) {
                *flag = true;
                self.realtime_held += 1;
            }
            self.tail = [0; 3];
        }
    }

    /// Bytes that take room.
    fn held(&self) -> usize {
        self.buffer.len() - self.realtime_held
    }

    fn drop_buffer(&mut self) {
        self.buffer.clear();
        self.realtime.clear();
        self.realtime_held = 0;
        self.hungry = false;
        self.line.clear();
    }

    /// Acts at once on `DLE EOT n` and `DLE ENQ n`, whatever else is going on.
    fn act_at_once(&mut self) -> bool {
        match self.tail {
            [0x10, 4, n @ 1..=4] => {
                let answer = self.realtime_status(n);
                self.output.push(answer);
            }
            [0x10, 5, 1] => self.recover(false),
            [0x10, 5, 2] => self.recover(true),
            _ => return false,
        }
        true
    }

    fn recover(&mut self, clear: bool) {
        if self.waits_recovery && !self.jammed {
            self.waits_recovery = false;
            if clear {
                self.drop_buffer();
            }
        }
        self.push_status();
    }

    fn fault(&mut self, what: String) {
        self.fault_count += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(what);
        }
    }

    /// Bytes it can take before it is busy (128 left) — or any number, where it has no handshake.
    pub fn room(&self) -> usize {
        if !self.settings.handshake {
            return 4096;
        }
        if self.hungry {
            return 4096;
        }
        self.settings.buffer.saturating_sub(self.held() + 128)
    }

    /// A new, endless roll.
    pub fn refill(&mut self) {
        self.left = None;
        self.paper_out = false;
        self.changed();
    }

    /// So many lines are left on the roll; 0 = out now.
    pub fn set_paper_lines(&mut self, lines: u32) {
        self.left = Some(lines.saturating_mul(LINE_DOTS));
        self.paper_out = lines == 0;
        self.changed();
    }

    /// Opens or closes the cover.
    pub fn set_cover(&mut self, open: bool) {
        self.cover_open = open;
        self.changed();
    }

    /// Jams the cutter; after it is freed the printer waits for `DLE ENQ`.
    pub fn set_jam(&mut self, jammed: bool) {
        self.jammed = jammed;
        self.waits_recovery |= jammed;
        self.changed();
    }

    /// Off and on: what was in its buffers is gone, and so is ASB.
    pub fn power_cycle(&mut self) {
        self.drop_buffer();
        self.output.clear();
        self.modes = Modes::default();
        self.asb_on = false;
        self.waits_recovery = false;
        self.tail = [0; 3];
    }

    fn changed(&mut self) {
        self.push_status();
        self.work();
    }

    /// What waits to be said to the host.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// The paper.
    pub fn paper(&self) -> &Paper {
        &self.paper
    }

    /// Tears the paper off: text and picture begin anew.
    pub fn take_paper(&mut self) -> Paper {
        std::mem::replace(&mut self.paper, Paper::new(self.settings.columns))
    }

    /// How often the drawer was opened.
    pub fn drawer_openings(&self) -> u64 {
        self.drawer_count
    }

    /// The last pulses: pin, on and off time in 2 ms.
    pub fn drawer_pulses(&self) -> &[[u8; 3]] {
        &self.drawer
    }

    /// What it did not understand or could not do, the first hundred.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Bytes thrown away for want of room.
    pub fn thrown_away(&self) -> u64 {
        self.thrown_away
    }

    /// Bytes in its receive buffer.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }
}
