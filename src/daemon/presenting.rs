//! Readers at the counter: a terminal is armed for a payment, and the next card or code that its reader gives is handed to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bridging::{BridgeLine, PadState};
use super::config::{ReaderConfig, ReaderKind};
use super::reading::ReaderLine;
use super::swiping;
use super::waiting::{Waiting, answer, dismiss_all, lock, offer, reads_for, wait};
use crate::core::acquirer::Instrument;
use crate::core::device::reader::{Options, Seen};
use crate::core::domain::{Entry, Method, Refusal, Sentence, TerminalId};
use crate::core::ports::{PortStatus, Presented, Respond};
use crate::io::clock::Clock;
use crate::io::serial::{PortConfig, SerialError};
use crate::io::work;

/// How long a terminal stays armed.
pub const ARMED_FOR: Duration = Duration::from_secs(60);

enum Port {
    Line(ReaderLine),
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
            let (terminal, waiting) = (config.terminal.clone(), Arc::clone(&table));
            let started = match config.kind {
                ReaderKind::Bridge => Port::Bridge(BridgeLine::start(port, clock, swiping::told(terminal, waiting))?),
                ReaderKind::Line(kind) => {
                    let codec = (kind.codec)(Options { trigger: config.trigger });
                    let seen = move |seen| offer(&waiting, &terminal, presented(seen));
                    let line = ReaderLine::start(port, codec, clock, seen)?;
                    lock(&table).tell(config.terminal.clone(), kind.reads, line.arming());
                    Port::Line(line)
                }
            };
            ports.push((config.clone(), started));
        }
        Ok(Readers { table, ports: Arc::new(Mutex::new(ports)) })
    }

    /// Waits for a card or code at a terminal. A terminal is armed for one payment at a time: the younger one takes over.
    pub fn present(&self, device: &TerminalId, method: Method, respond: Respond<Presented>) {
        let fits = |kind: ReaderKind| kind.reads() == reads_for(method);
        let fitting = self.ports().iter().filter(|(c, _)| c.terminal == *device && fits(c.kind)).count();
        if fitting == 0 {
            respond(Err(Refusal::NoReader.with("device", device)));
            return;
        }
        let number = wait(&self.table, device, method, respond);
        if method == Method::Card
            && let Some(bridge) = self.bridge(device)
        {
            swiping::arm(&bridge, device, number, fitting == 1, &self.table);
        }
        let (readers, device) = (self.clone(), device.clone());
        // Desk calls come from the API's runtime; a command without one has no readers.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(work::boxed(async move {
                tokio::time::sleep(ARMED_FOR).await;
                readers.disarm(&device, number);
            }));
        }
    }

    fn disarm(&self, device: &TerminalId, number: u64) {
        let typing = lock(&self.table).types(device, number);
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
            Port::Line(_) => None,
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
                Port::Line(line) => line.stop(),
                Port::Bridge(line) => line.stop(),
            }
        }
        dismiss_all(&self.table);
    }

    /// For `status`.
    #[must_use]
    pub fn status(&self) -> Vec<PortStatus> {
        self.ports()
            .iter()
            .map(|(config, port)| PortStatus {
                id: format!("{} {}", config.terminal, config.kind.name()),
                port: config.port.display().to_string(),
                state: if is_open(port) { "open".into() } else { "lost".into() },
                attention: attention(port),
                queued: 0,
                counters: counters(port),
            })
            .collect()
    }
}

fn is_open(port: &Port) -> bool {
    match port {
        Port::Line(line) => line.shown().open,
        Port::Bridge(line) => line.shown().session.is_some(),
    }
}

fn counters(port: &Port) -> BTreeMap<String, u64> {
    let named = match port {
        Port::Line(line) => line.shown().counters,
        Port::Bridge(line) => line.shown().counters(),
    };
    named.into_iter().map(|(name, n)| (name.to_owned(), n)).collect()
}

/// What is to be done about a reader, if anything.
fn attention(port: &Port) -> Option<Sentence> {
    let line = match port {
        Port::Line(line) => return line.shown().attention,
        Port::Bridge(line) => line,
    };
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
    if no_master {
        return Some(Sentence::new(
            "密码键盘无主密钥：停止 tilld 后执行 tilld bridge load-key",
            "The PIN pad has no master key: stop tilld and run `tilld bridge load-key`",
        ));
    }
    let why = shown.drawer?;
    Some(Sentence::new(
        format!("钱箱未能打开（{}），请用钥匙打开", why.zh),
        format!("The drawer did not open ({}): open it with its key", why.en),
    ))
}

/// What a reader saw, as what a payment takes. A contactless card's number alone pays for nothing: the cashier asks for the stripe.
fn presented(seen: Seen) -> Result<Presented, Refusal> {
    let present = |instrument, entry| Presented { instrument, entry, pin_block: None };
    match seen {
        Seen::Code(scan) => Ok(present(Instrument::Code(scan.code), Entry::Scan)),
        Seen::Card(swipe) => Ok(present(Instrument::Track2(swipe.track2), Entry::Magstripe)),
        Seen::Unreadable(_) | Seen::Tap(_) => Err(Refusal::BadCard),
    }
}
