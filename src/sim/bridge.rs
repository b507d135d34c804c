//! A bridge on a pty: the same loop and the same desk as the firmware's, in this process. Its keys and marks are gone when it ends.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use tilld_bridge::bridge::{About, Bench, Bridge, turn};
use tilld_bridge::keys::Limits;
use tilld_bridge::link::Timing;
use tilld_bridge::store::Ram;
use tilld_bridge::wire::{
    CAP_BUZZER, CAP_DISPLAY, CAP_DRAWER, CAP_KEYPAD, CAP_KEYS, CAP_LEDS, CAP_MARK, CAP_SWIPE, Secret,
};

use super::pty::{Device, Stand};

/// Milliseconds that only go forward.
pub type Ticks = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The card that is swiped unless another is given: a well-known test number.
pub const TRACK2: &str = "6222021234567890128=30121010000012300";
/// The PIN that is typed unless another is given.
pub const PIN: &str = "123456";

const ABOUT: About = About {
    name: "tilld sim bridge",
    version: env!("CARGO_PKG_VERSION"),
    serial: "0",
    capabilities: CAP_DRAWER | CAP_BUZZER | CAP_LEDS | CAP_DISPLAY | CAP_KEYPAD | CAP_MARK | CAP_KEYS | CAP_SWIPE,
};

/// How it behaves.
#[derive(Debug, Clone)]
pub struct BridgeSettings {
    /// The track that is swiped when the reader is armed; none: no card comes.
    pub track2: Option<String>,
    /// The PIN that is typed when it is asked for; none: nobody types.
    pub pin: Option<String>,
    /// So many frames in a hundred are spoiled, each way.
    pub spoil: u32,
}

impl Default for BridgeSettings {
    fn default() -> Self {
        Self { track2: Some(TRACK2.into()), pin: Some(PIN.into()), spoil: 0 }
    }
}

/// Spoils a byte of some frames; the same ones for the same start.
#[derive(Debug)]
struct Spoiler {
    in_100: u32,
    state: u64,
    spoiled: u64,
}

impl Spoiler {
    fn new(in_100: u32, seed: u64) -> Self {
        Self { in_100, state: seed | 1, spoiled: 0 }
    }

    /// The next of a row of numbers (xorshift).
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn pass(&mut self, frame: &mut [u8]) {
        if self.in_100 == 0 || frame.is_empty() || self.next() % 100 >= u64::from(self.in_100) {
            return;
        }
        self.spoiled += 1;
        let at = usize::try_from(self.next()).unwrap_or(0) % frame.len();
        frame[at] ^= 1 << (self.next() % 8);
    }
}

/// The bridge itself.
pub struct Pad {
    bridge: Box<Bridge<Ram>>,
    bench: Bench,
    ticks: Ticks,
    from_host: Spoiler,
    to_host: Spoiler,
    output: Vec<u8>,
    /// Everything it ever said, where a test wants to look for keys in it.
    said: Option<Vec<u8>>,
}

impl std::fmt::Debug for Pad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pad")
    }
}

impl Pad {
    fn new(settings: &BridgeSettings, ticks: Ticks) -> Self {
        Self {
            bridge: power_on(),
            bench: Bench::new(secret(settings.track2.as_deref()), secret(settings.pin.as_deref())),
            ticks,
            from_host: Spoiler::new(settings.spoil, 0x9E37_79B9_7F4A_7C15),
            to_host: Spoiler::new(settings.spoil, 0xD1B5_4A32_D192_ED03),
            output: Vec::new(),
            said: None,
        }
    }

    fn turn(&mut self, bytes: &[u8]) {
        let Self { bridge, bench, to_host, output, said, .. } = self;
        turn(bridge, bench, bytes, (self.ticks)(), |frame| {
            if let Some(said) = said {
                said.extend(frame);
            }
            let start = output.len();
            output.extend(frame);
            to_host.pass(&mut output[start..]);
        });
    }
}

fn power_on() -> Box<Bridge<Ram>> {
    Box::new(Bridge::new(ABOUT, Timing::USUAL, Limits::USUAL, Ram::new()))
}

fn secret<const N: usize>(text: Option<&str>) -> Option<Secret<N>> {
    text.and_then(|text| Secret::new(text.as_bytes()))
}

impl Device for Pad {
    fn receive(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        // A frame ends with a zero.
        for frame in bytes.split_inclusive_mut(|byte| *byte == 0) {
            self.from_host.pass(frame);
        }
        self.turn(&bytes);
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn working(&self) -> bool {
        true
    }

    fn elapse(&mut self, _ms: u64) {
        self.turn(&[]);
    }

    fn unplugged(&mut self) {
        self.output.clear();
    }
}

/// A running bridge.
#[derive(Debug)]
pub struct BridgeStand(Stand<Pad>);

impl BridgeStand {
    /// Plugs one in under `link`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(link: &Path, settings: &BridgeSettings, ticks: Ticks) -> std::io::Result<Self> {
        Stand::start(Pad::new(settings, ticks), link).map(Self)
    }

    /// The card that is swiped from now on when the reader is armed.
    pub fn card(&self, track2: Option<&str>) {
        self.0.with(|pad| pad.bench.track2 = secret(track2));
    }

    /// The PIN that is typed from now on.
    pub fn pin(&self, pin: Option<&str>) {
        self.0.with(|pad| pad.bench.pin = secret(pin));
    }

    /// How often a drawer was opened.
    #[must_use]
    pub fn drawer_openings(&self) -> u32 {
        self.0.with(|pad| pad.bench.opened)
    }

    /// The mark that it keeps of a terminal.
    #[must_use]
    pub fn mark(&self, tid: [u8; 8]) -> Option<tilld_bridge::wire::Mark> {
        self.0.with(|pad| pad.bridge.mark(tid))
    }

    /// Frames spoiled on the way in, and out.
    #[must_use]
    pub fn spoiled(&self) -> (u64, u64) {
        self.0.with(|pad| (pad.from_host.spoiled, pad.to_host.spoiled))
    }

    /// Keeps everything it says from now on.
    pub fn record(&self) {
        self.0.with(|pad| pad.said = Some(Vec::new()));
    }

    /// What it said since [`BridgeStand::record`].
    #[must_use]
    pub fn said(&self) -> Vec<u8> {
        self.0.with(|pad| pad.said.clone().unwrap_or_default())
    }

    /// Power off and on: keys and marks are gone, the cable stays.
    pub fn restart(&self) {
        self.0.with(|pad| pad.bridge = power_on());
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

/// `tilld sim bridge`: commands a line, until the end or `quit`.
///
/// # Errors
/// No pty, or the terminal is gone.
pub fn run(
    link: &Path,
    settings: &BridgeSettings,
    ticks: Ticks,
    input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<()> {
    let stand = BridgeStand::start(link, settings, ticks)?;
    writeln!(
        output,
        "bridge at {}: card TRACK2 | nocard | pin DIGITS | nopin | drawer | restart | unplug | plug | quit",
        link.display()
    )?;
    for line in input.lines() {
        let line = line?;
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word {
            "" => {}
            "quit" => break,
            "card" => stand.card(Some(rest)),
            "nocard" => stand.card(None),
            "pin" => stand.pin(Some(rest)),
            "nopin" => stand.pin(None),
            "drawer" => writeln!(output, "opened {} times", stand.drawer_openings())?,
            "restart" => stand.restart(),
            "unplug" => stand.unplug(),
            "plug" => stand.plug()?,
            _ => writeln!(output, "what is `{word}`?")?,
        }
    }
    Ok(())
}
