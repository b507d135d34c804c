//! Readers at the counter: a terminal is armed for a payment, and the next card or code that its reader gives is handed to it.
//!
//! What is read while nobody waits is wiped: a card is never kept for later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::config::{ReaderConfig, ReaderKind};
use crate::core::acquirer::Instrument;
use crate::core::device::msr::{MsrDecoder, SwipeEvent};
use crate::core::device::scanner::{IDLE_MS, ScanEvent, ScannerDecoder};
use crate::core::domain::{Entry, Method, Refusal, TerminalId};
use crate::core::ports::{PortStatus, Presented, Respond};
use crate::io::clock::Clock;
use crate::io::serial::{PortConfig, PortEvent, PortHandle, PortState, SerialError};

/// How long a terminal stays armed.
pub const ARMED_FOR: Duration = Duration::from_secs(60);

struct Armed {
    method: Method,
    number: u64,
    respond: Respond<Presented>,
}

#[derive(Default)]
struct Table {
    armed: HashMap<TerminalId, Armed>,
    last: u64,
}

/// The readers of the store.
#[derive(Clone)]
pub struct Readers {
    table: Arc<Mutex<Table>>,
    ports: Arc<Mutex<Vec<(ReaderConfig, PortHandle)>>>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

impl Readers {
    /// Opens every configured reader; each has a thread of its own.
    pub fn start(configs: &[ReaderConfig], clock: Clock) -> Result<Readers, SerialError> {
        let table: Arc<Mutex<Table>> = Arc::default();
        let mut ports = Vec::new();
        for config in configs {
            let port = PortConfig::new(&config.port, config.baud);
            let handler = handler(config, Arc::clone(&table));
            let now: crate::io::serial::MonoMs = Arc::new(move || clock.now().mono.0);
            ports.push((config.clone(), PortHandle::start(port, now, handler)?));
        }
        Ok(Readers { table, ports: Arc::new(Mutex::new(ports)) })
    }

    /// Waits for a card or code at a terminal. A terminal is armed for one payment at a time: the younger one takes over.
    pub fn present(&self, device: &TerminalId, method: Method, respond: Respond<Presented>) {
        let fits = |kind: ReaderKind| match method {
            Method::Card => kind != ReaderKind::Scanner,
            _ => kind == ReaderKind::Scanner,
        };
        if !self.ports().iter().any(|(config, _)| config.terminal == *device && fits(config.kind)) {
            respond(Err(Refusal::NoReader.with("device", device)));
            return;
        }
        let mut table = self.lock();
        table.last += 1;
        let number = table.last;
        let before = table.armed.insert(device.clone(), Armed { method, number, respond });
        drop(table);
        if let Some(before) = before {
            (before.respond)(Err(Refusal::NoCard.into()));
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
        let mut table = self.lock();
        let still = table.armed.get(device).is_some_and(|armed| armed.number == number);
        let armed = if still { table.armed.remove(device) } else { None };
        drop(table);
        if let Some(armed) = armed {
            (armed.respond)(Err(Refusal::NoCard.into()));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ports(&self) -> std::sync::MutexGuard<'_, Vec<(ReaderConfig, PortHandle)>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every reader's thread and lets its port go. Whoever waits for a card waits in vain.
    pub fn stop(&self) {
        let ports = std::mem::take(&mut *self.ports());
        for (_, port) in ports {
            port.stop();
        }
        let armed = std::mem::take(&mut self.lock().armed);
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
                state: if port.state() == PortState::Open { "open".into() } else { "lost".into() },
                attention: None,
                queued: 0,
            })
            .collect()
    }
}

fn kind_word(kind: ReaderKind) -> &'static str {
    match kind {
        ReaderKind::Scanner => "scanner",
        ReaderKind::Msr => "msr",
        ReaderKind::Bridge => "bridge",
    }
}

/// What a reader's thread does with what its port tells.
fn handler(config: &ReaderConfig, table: Arc<Mutex<Table>>) -> impl FnMut(PortEvent) + Send + 'static {
    let terminal = config.terminal.clone();
    let mut decoder = match config.kind {
        ReaderKind::Scanner => Decoder::Scanner(ScannerDecoder::new(IDLE_MS)),
        ReaderKind::Msr | ReaderKind::Bridge => Decoder::Msr(MsrDecoder::default()),
    };
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
fn offer(table: &Mutex<Table>, terminal: &TerminalId, presented: Result<Presented, Refusal>) {
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = |armed: &Armed| match &presented {
        Ok(p) => (p.entry == Entry::Scan) == (armed.method == Method::Qr),
        Err(_) => armed.method == Method::Card,
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
