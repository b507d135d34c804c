//! Readers at the counter: a terminal is armed for a payment, and the next card or code that its reader gives is handed to it.
//!
//! What is read while nobody waits is wiped: a card is never kept for later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bridging::{BridgeLine, PadState};
use super::config::{ReaderConfig, ReaderKind};
use super::swiping;
use crate::core::acquirer::Instrument;
use crate::core::device::msr::{MsrDecoder, SwipeEvent};
use crate::core::device::scanner::{IDLE_MS, ScanEvent, ScannerDecoder};
use crate::core::domain::{Entry, Method, Refusal, Reject, Sentence, TerminalId};
use crate::core::ports::{PortStatus, Presented, Respond};
use crate::io::clock::Clock;
use crate::io::serial::{PortConfig, PortEvent, PortHandle, PortState, SerialError};

/// How long a terminal stays armed.
pub const ARMED_FOR: Duration = Duration::from_secs(60);

struct Armed {
    method: Method,
    number: u64,
    /// The card is there, and the customer types: nothing else is taken, and the PIN pad's own time counts.
    typing: bool,
    respond: Respond<Presented>,
}

/// Who waits for a card or code, by terminal.
#[derive(Default)]
pub(super) struct Table {
    armed: HashMap<TerminalId, Armed>,
    last: u64,
}

/// The table, shared by all readers.
pub(super) type Waiting = Arc<Mutex<Table>>;

impl Table {
    /// Marks whoever waits for a card as waiting for its PIN; gives the number to answer to. `None` where nobody waits.
    pub(super) fn type_pin(&mut self, terminal: &TerminalId) -> Option<u64> {
        let armed = self.armed.get_mut(terminal).filter(|a| a.method == Method::Card && !a.typing)?;
        armed.typing = true;
        Some(armed.number)
    }

    /// Takes whoever has this number, if he waits still.
    fn take(&mut self, terminal: &TerminalId, number: u64) -> Option<Armed> {
        let still = self.armed.get(terminal).is_some_and(|armed| armed.number == number);
        if still { self.armed.remove(terminal) } else { None }
    }
}

/// Locks the table: plain data, whole whatever panicked elsewhere.
pub(super) fn lock(table: &Mutex<Table>) -> std::sync::MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers whoever has this number, if he waits still.
pub(super) fn answer(table: &Mutex<Table>, terminal: &TerminalId, number: u64, with: Result<Presented, Reject>) {
    let armed = lock(table).take(terminal, number);
    if let Some(armed) = armed {
        (armed.respond)(with);
    }
}

enum Port {
    Serial(PortHandle),
    Bridge(BridgeLine),
}

/// The readers of the store.
#[derive(Clone)]
pub struct Readers {
    table: Waiting,
    ports: Arc<Mutex<Vec<(ReaderConfig, Port)>>>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

impl Readers {
    /// Opens every configured reader; each has a thread of its own.
    pub fn start(configs: &[ReaderConfig], clock: Clock) -> Result<Readers, SerialError> {
        let table = Waiting::default();
        let mut ports = Vec::new();
        for config in configs {
            let port = PortConfig::new(&config.port, config.baud);
            let decoder = match config.kind {
                ReaderKind::Scanner => Decoder::Scanner(ScannerDecoder::new(IDLE_MS)),
                ReaderKind::Msr => Decoder::Msr(MsrDecoder::default()),
                ReaderKind::Bridge => {
                    let told = swiping::told(config.terminal.clone(), Arc::clone(&table));
                    ports.push((config.clone(), Port::Bridge(BridgeLine::start(port, clock, told)?)));
                    continue;
                }
            };
            let handler = handler(config.terminal.clone(), decoder, Arc::clone(&table));
            let now: crate::io::serial::MonoMs = Arc::new(move || clock.now().mono.0);
            ports.push((config.clone(), Port::Serial(PortHandle::start(port, now, handler)?)));
        }
        Ok(Readers { table, ports: Arc::new(Mutex::new(ports)) })
    }

    /// Waits for a card or code at a terminal. A terminal is armed for one payment at a time: the younger one takes over.
    pub fn present(&self, device: &TerminalId, method: Method, respond: Respond<Presented>) {
        let fits = |kind: ReaderKind| match method {
            Method::Card => kind != ReaderKind::Scanner,
            _ => kind == ReaderKind::Scanner,
        };
        let fitting = self.ports().iter().filter(|(c, _)| c.terminal == *device && fits(c.kind)).count();
        if fitting == 0 {
            respond(Err(Refusal::NoReader.with("device", device)));
            return;
        }
        let mut table = lock(&self.table);
        table.last += 1;
        let number = table.last;
        let before = table.armed.insert(device.clone(), Armed { method, number, typing: false, respond });
        drop(table);
        if let Some(before) = before {
            (before.respond)(Err(Refusal::NoCard.into()));
        }
        if method == Method::Card
            && let Some(bridge) = self.bridge(device)
        {
            swiping::arm(&bridge, device, number, fitting == 1, &self.table);
        }
        let (readers, device) = (self.clone(), device.clone());
        // Desk calls come from the API's runtime; a command without one has no readers.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(ARMED_FOR).await;
                readers.disarm(&device, number);
            });
        }
    }

    fn disarm(&self, device: &TerminalId, number: u64) {
        let typing = lock(&self.table).armed.get(device).is_some_and(|a| a.number == number && a.typing);
        if !typing {
            answer(&self.table, device, number, Err(Refusal::NoCard.into()));
        }
    }

    /// The bridge at a terminal.
    #[must_use]
    pub fn bridge(&self, terminal: &TerminalId) -> Option<BridgeLine> {
        self.bridges().into_iter().find(|(at, _)| at == terminal).map(|(_, line)| line)
    }

    /// All bridges, by terminal.
    #[must_use]
    pub fn bridges(&self) -> Vec<(TerminalId, BridgeLine)> {
        let bridge = |(config, port): &(ReaderConfig, Port)| match port {
            Port::Bridge(line) => Some((config.terminal.clone(), line.clone())),
            Port::Serial(_) => None,
        };
        self.ports().iter().filter_map(bridge).collect()
    }

    fn ports(&self) -> std::sync::MutexGuard<'_, Vec<(ReaderConfig, Port)>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every reader's thread and lets its port go. Whoever waits for a card waits in vain.
    pub fn stop(&self) {
        let ports = std::mem::take(&mut *self.ports());
        for (_, port) in ports {
            match port {
                Port::Serial(port) => port.stop(),
                Port::Bridge(line) => line.stop(),
            }
        }
        let armed = std::mem::take(&mut lock(&self.table).armed);
        for armed in armed.into_values() {
            (armed.respond)(Err(Refusal::Stopping.into()));
        }
    }

    /// For `status`.
    #[must_use]
    pub fn status(&self) -> Vec<PortStatus> {
        self.ports()
            .iter()
            .map(|(config, port)| PortStatus {
                id: format!("{} {}", config.terminal, kind_word(config.kind)),
                port: config.port.display().to_string(),
                state: if is_open(port) { "open".into() } else { "lost".into() },
                attention: attention(port),
                queued: 0,
            })
            .collect()
    }
}

fn is_open(port: &Port) -> bool {
    match port {
        Port::Serial(port) => port.state() == PortState::Open,
        Port::Bridge(line) => line.shown().session.is_some(),
    }
}

/// What is to be done about a bridge, if anything.
fn attention(port: &Port) -> Option<Sentence> {
    let Port::Bridge(line) = port else { return None };
    let shown = line.shown();
    if let Some((min, current)) = shown.incompatible {
        return Some(Sentence::new(
            format!("设备固件的协议版本为 {min} 到 {current}，请升级"),
            format!("Its firmware speaks protocol versions {min} to {current}: update it"),
        ));
    }
    if shown.open && shown.session.is_none() {
        return Some(Sentence::new("端口已开，设备无应答", "The port is open, and the device does not answer"));
    }
    let no_master = *line.pad().borrow() == PadState::NoMaster && line.has(tilld_bridge::wire::CAP_KEYS);
    no_master.then(|| {
        Sentence::new(
            "密码键盘无主密钥：停止 tilld 后执行 tilld bridge load-key",
            "The PIN pad has no master key: stop tilld and run `tilld bridge load-key`",
        )
    })
}

fn kind_word(kind: ReaderKind) -> &'static str {
    match kind {
        ReaderKind::Scanner => "scanner",
        ReaderKind::Msr => "msr",
        ReaderKind::Bridge => "bridge",
    }
}

/// What a reader's thread does with what its port tells.
fn handler(terminal: TerminalId, mut decoder: Decoder, table: Waiting) -> impl FnMut(PortEvent) + Send + 'static {
    move |event| match event {
        PortEvent::Bytes { at_mono, data } => {
            let data = zeroize::Zeroizing::new(data);
            for presented in decoder.feed(at_mono, &data) {
                offer(&table, &terminal, presented);
            }
        }
        PortEvent::Lost { why } => {
            log::warn!("the reader at {terminal} is gone: {why}");
            decoder.reset();
        }
        PortEvent::Opened { .. } => log::info!("the reader at {terminal} is there"),
        PortEvent::Written { .. } | PortEvent::WriteStalled { .. } => {}
    }
}

enum Decoder {
    Scanner(ScannerDecoder),
    Msr(MsrDecoder),
}

impl Decoder {
    fn feed(&mut self, at: u64, data: &[u8]) -> Vec<Result<Presented, Refusal>> {
        match self {
            Decoder::Scanner(decoder) => decoder.feed(at, data).into_iter().filter_map(scanned).collect(),
            Decoder::Msr(decoder) => decoder.feed(at, data).into_iter().map(swiped).collect(),
        }
    }

    fn reset(&mut self) {
        match self {
            Decoder::Scanner(decoder) => decoder.reset(),
            Decoder::Msr(decoder) => decoder.reset(),
        }
    }
}

fn scanned(event: ScanEvent) -> Option<Result<Presented, Refusal>> {
    match event {
        ScanEvent::Code(scan) => {
            Some(Ok(Presented { instrument: Instrument::Code(scan.code), entry: Entry::Scan, pin_block: None }))
        }
        // Half a line is noise on the wire: the cashier scans again.
        ScanEvent::Torn(_) | ScanEvent::TooLong | ScanEvent::NotText(_) => None,
    }
}

fn swiped(event: SwipeEvent) -> Result<Presented, Refusal> {
    match event {
        SwipeEvent::Card(swipe) => {
            Ok(Presented { instrument: Instrument::Track2(swipe.track2), entry: Entry::Magstripe, pin_block: None })
        }
        SwipeEvent::Bad(_) => Err(Refusal::BadCard),
    }
}

/// Hands what was read to whoever waits for it; a bad swipe ends the wait with a clear refusal, so that the cashier tries again.
pub(super) fn offer(table: &Mutex<Table>, terminal: &TerminalId, presented: Result<Presented, Refusal>) {
    let mut table = lock(table);
    let wanted = |armed: &Armed| match &presented {
        Ok(p) => !armed.typing && (p.entry == Entry::Scan) == (armed.method == Method::Qr),
        Err(_) => !armed.typing && armed.method == Method::Card,
    };
    if !table.armed.get(terminal).is_some_and(wanted) {
        return;
    }
    let armed = table.armed.remove(terminal);
    drop(table);
    if let Some(armed) = armed {
        (armed.respond)(presented.map_err(Into::into));
    }
}
