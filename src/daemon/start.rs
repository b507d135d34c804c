//! Start-up, in this order: log, configuration, store, writer, lanes, readers, printers, API, ready; and the way down again.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, watch};

use super::ballast::{Ballast, Room};
use super::bridge_marks::BridgeMarks;
use super::bridging::PadState;
use super::config::{Config, TerminalConfig};
use super::drawers::{Drawers, Young};
use super::hearing::Listeners;
use super::inbox::{Inbox, TillWriter};
use super::keeping::{KeepError, data_key};
use super::lanes::{LaneShell, Way};
use super::marking::Marker;
use super::notify;
use super::pad::BridgeKeys;
use super::papers::Papers;
use super::presenting::Readers;
use super::printing::Printers;
use super::reconciling::Books;
use super::reconciling::upload::Intake;
use super::reconciling::watch::{Watch, watch_on};
use super::rules::{cut_schedule, rules};
use super::shared::Shared;
use super::tables::{TableError, Tables, card_key, money};
use super::till::Till;
use super::verifying::{self, Verifying};
use super::writing::{Outlets, write_on};
use crate::core::acquirer::profile::Connection;
use crate::core::acquirer::{Lane, LaneIdentity, LaneTimes, Order, Profile};
use crate::core::day::{CLOCK_NEVER_SET_BEFORE, ClockPair, first_date};
use crate::core::domain::{Now, Refusal, Reject, Sentence, TerminalId, Zone};
use crate::core::ledger::{Rows, Rules, Writer, WriterOptions};
use crate::core::ports::{Committed, Store, StoreError, TerminalKeys};
use crate::io::clock::Clock;
use crate::io::http::{ApiOptions, Door, DoorError};
use crate::io::link::{Address, Tls};
use crate::io::serial::SerialError;
use crate::io::store::{SqliteStore, StoreOptions, Verified};
use crate::io::vault::{KeySource, SoftKeys, Vault, VaultError, read_card_key, read_master_key};
use crate::io::work;

/// Why the daemon does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data folder.
    #[error("{path}: {why}")]
    Folder {
        /// Which.
        path: String,
        /// What is wrong.
        why: std::io::Error,
    },
    /// A table that the configuration names.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key file.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A data key that is being changed.
    #[error(transparent)]
    Keys(#[from] KeepError),
    /// A serial port.
    #[error(transparent)]
    Serial(#[from] SerialError),
    /// The API.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// A new store would begin on a day that its clock makes up.
    #[error("{}", .0.en)]
    ClockNeverSet(Sentence),
    /// The system gives no thread, or the clock no date.
    #[error("{0}")]
    System(String),
}

/// The name of the database in the data folder.
pub const DATABASE: &str = "tilld.sqlite";

/// A daemon that runs: its desk, and the way to stop it.
#[derive(Debug)]
pub struct Running {
    /// What the API and commands ask.
    pub till: Arc<Till>,
    stop: watch::Sender<bool>,
    writer: Option<JoinHandle<()>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    verifying: Option<Verifying>,
}

/// The writer over the configured store, and what people should know. The open day is looked at where `looked_at` says so.
fn open_writer(
    config: &Config,
    profile: &Profile,
    clock: Clock,
    looked_at: bool,
) -> Result<(TillWriter, Vec<Sentence>), StartError> {
    let dir = &config.data.dir;
    make_private(dir).map_err(|why| StartError::Folder { path: dir.display().to_string(), why })?;
    let database = dir.join(DATABASE);
    let fresh = !database.exists();
    let now = clock.now();
    if fresh {
        clock_was_set(&config.store.timezone, now)?;
    }
    let mut store = SqliteStore::open(&StoreOptions::at(&database))?;
    let (key, source) = data_key(config, &mut store, fresh)?;
    // They are printed again, with the mark.
    store.requeue_begun()?;
    let mut vault = Vault::open(&key, &config.store.id, store.day_keys()?.as_deref())?;
    if let Some(path) = card_key(config) {
        vault.tag_cards(&*read_card_key(path)?);
    }
    let options = writer_options(config, profile, now)?;
    if !looked_at {
        return Ok((Writer::open(store, vault, options, now)?, key_warning(&source)));
    }
    let mut found = Verified::default();
    let look = |store: &SqliteStore, vault: &mut Vault, rows: &mut Rows<'_>| {
        found = verifying::open_day(&store.reader()?, vault, rows);
        Ok(())
    };
    let mut writer = Writer::open_looking(store, vault, options, now, look)?;
    if !found.clean() {
        writer.stop_sales(Refusal::Damaged);
    }
    Ok((writer, key_warning(&source)))
}

/// A new store is not begun by a clock that was never set: its first day would be in the journal for good. A technician is by; a store that has rows
/// starts with any clock.
fn clock_was_set(zone: &Zone, now: Now) -> Result<(), StartError> {
    if now.wall >= CLOCK_NEVER_SET_BEFORE {
        return Ok(());
    }
    let shows = zone.local(now.wall).map(|local| local.format("%Y-%m-%d %H:%M").to_string());
    let shows = shows.unwrap_or_default();
    Err(StartError::ClockNeverSet(Sentence::new(
        format!("本机时钟显示 {shows}，未曾校正；新门店不能从该日开始：请先校正时钟（timedatectl），再启动"),
        format!(
            "The clock shows {shows} and was never set; a new store does not begin on that day. Set it (timedatectl), then start"
        ),
    )))
}

/// What a writer of this store begins with.
pub(super) fn writer_options(config: &Config, profile: &Profile, now: Now) -> Result<WriterOptions, StartError> {
    let first_date = first_date(cut_schedule(config.store.day_cut), &config.store.timezone, now.wall)
        .ok_or_else(|| StartError::System("the clock shows a date that no calendar has".into()))?;
    let start = ClockPair { wall: now.wall, mono: now.mono };
    let rules = Rules { money: money(config)?, ..rules(config, profile) };
    Ok(WriterOptions { rules, first_date, start })
}

fn key_warning(source: &KeySource) -> Vec<Sentence> {
    let KeySource::BesideData(path) = source else { return Vec::new() };
    let path = path.display();
    vec![Sentence::new(
        format!("数据密钥与数据放在一起（{path}），拿到磁盘的人两样都有；请用 [data] key_file 放到别处"),
        format!(
            "The data key lies beside the data ({path}): whoever takes the disk has both. Put it elsewhere with [data] key_file"
        ),
    )]
}

/// A folder, and those above it, for the daemon alone.
pub(super) fn make_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Which wires are taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wires {
    /// All that are configured: the daemon.
    All,
    /// None: a command that opens the store because no daemon runs.
    None,
}

impl Running {
    /// Starts everything but the API. Needs a tokio runtime around it.
    pub fn start(config: &Config, wires: Wires) -> Result<Running, StartError> {
        let clock = Clock::start();
        let profile = config.acquirer.profile.clone();
        let all = wires == Wires::All;
        let (mut writer, mut warnings) = open_writer(config, &profile, clock, all)?;
        let (marker, more) = Marker::open(config, &mut writer)?;
        warnings.extend(more);
        let (reader, began) = (writer.store().reader()?, writer.ledger().head);
        let inbox = Inbox::default();
        let verifying = if all {
            Verifying::start(reader.clone(), inbox.clone())
                .map_err(|e| StartError::System(format!("no thread for the slow check: {e}")))?
        } else {
            Verifying::none()
        };
        let (stop, stopped) = watch::channel(false);
        let readers = Readers::start(if all { &config.readers } else { &[] }, clock)?;
        let (lanes, orders) =
            if all { lanes(config, &profile, &readers, &inbox, clock, &stopped)? } else { Default::default() };
        let papers = Papers {
            rules: Arc::new(writer.rules().clone()),
            reader,
            inbox: inbox.clone(),
            clock,
            past: Arc::default(),
        };
        let young = Young::after(began);
        let printers = Arc::new(Printers::start(if all { &config.printers } else { &[] }, &papers, &young)?);
        let drawers = Drawers::new(config, readers.bridges().into_iter(), &young);
        drawers.look(&papers);
        let bridge_marks =
            BridgeMarks::new(config, readers.bridges().into_iter(), inbox.clone(), (began, marker.is_fresh()));
        let health: Arc<Mutex<Option<String>>> = Arc::default();
        let listeners = Listeners::default();
        let outlets = Around {
            orders,
            printers: Arc::clone(&printers),
            drawers,
            young,
            papers: papers.clone(),
            health: Arc::clone(&health),
            marker,
            bridge_marks,
            listeners: listeners.clone(),
            ballast: Ballast::keep(&config.data.dir, if all { config.data.ballast_mb << 20 } else { 0 }),
        };
        let body = {
            let inbox = inbox.clone();
            move || drop(write_on(writer, &inbox, &clock, outlets))
        };
        let writer =
            work::thread("writer", body).map_err(|e| StartError::System(format!("no thread for the writer: {e}")))?;
        let tasks = lanes.into_iter().map(|lane| work::task(lane.run())).collect();
        let intake = Arc::new(intake(config, &papers)?);
        if all {
            watch_statements(config, &intake, clock, stop.subscribe())?;
        }
        let tables = Tables::of(config);
        let verified = verifying.done();
        let till = Arc::new(Till { papers, readers, printers, health, verified, warnings, listeners, intake, tables });
        Ok(Running { till, stop, writer: Some(writer), tasks, verifying: Some(verifying) })
    }

    /// Ends lanes, printers and writer, in this order: what was journaled is durable, what is under way is *unknown*.
    pub async fn stop(mut self) {
        // The lanes hold the other end until they have seen it.
        let _ = self.stop.send(true);
        for task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
                log::warn!("a lane did not end in time");
            }
        }
        let till = Arc::clone(&self.till);
        let (writer, verifying) = (self.writer.take(), self.verifying.take());
        let ended = work::blocking(move || {
            if let Some(verifying) = verifying {
                verifying.stop();
            }
            till.readers.stop();
            till.printers.stop();
            till.papers.inbox.stop();
            writer.map(JoinHandle::join)
        });
        match ended.await {
            Some(Some(Err(_))) | None => log::error!("the writer ended badly; what it had committed is durable"),
            Some(_) => {}
        }
    }
}

/// Where statements come in.
fn intake(config: &Config, papers: &Papers) -> Result<Intake, StartError> {
    let dir = &config.data.dir;
    let books = Books::of(config, papers.reader.clone());
    let failed = |why| StartError::Folder { path: dir.join("incoming").display().to_string(), why };
    Intake::new(books, papers.inbox.clone(), dir).map_err(failed)
}

/// A thread that looks at the folder for statements, where one is configured. It ends with the daemon; a file that it was at is judged
/// again by the next start, which changes nothing where it was noted.
fn watch_statements(
    config: &Config,
    intake: &Arc<Intake>,
    clock: Clock,
    stopped: watch::Receiver<bool>,
) -> Result<(), StartError> {
    let Some(folder) = &config.statements.watch else { return Ok(()) };
    let failed = |why| StartError::Folder { path: folder.display().to_string(), why };
    let watch = Watch::new(folder, config.store.lang).map_err(failed)?;
    let (intake, every) = (Arc::clone(intake), Duration::from_secs(config.statements.watch_s.into()));
    let body = move || watch_on(watch, &intake, every, || clock.now().wall, || *stopped.borrow());
    let thread = work::thread("statements", body);
    thread.map(drop).map_err(|e| StartError::System(format!("no thread for the statements: {e}")))
}

/// Where the acquirer is, with what its TLS needs.
pub fn acquirer_address(config: &Config) -> Result<Address, StartError> {
    let endpoint = &config.acquirer.endpoint;
    let tls = match (endpoint.tls, &config.acquirer.ca_file) {
        (false, _) => None,
        (true, None) => return Err(StartError::System("tls:// needs [acquirer] ca_file".into())),
        (true, Some(ca_file)) => {
            let name = config.acquirer.server_name.as_deref().unwrap_or(&endpoint.host);
            let client =
                config.acquirer.client.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
            Some(Tls::load(ca_file, name, client).map_err(|e| StartError::System(format!("[acquirer]: {e}")))?)
        }
    };
    Ok(Address { host: endpoint.host.clone(), port: endpoint.port, tls })
}

/// A conversation for every terminal, and where its orders go.
type Lanes = (Vec<LaneShell>, Vec<(TerminalId, mpsc::UnboundedSender<Box<Order>>)>);

fn lanes(
    config: &Config,
    profile: &Arc<Profile>,
    readers: &Readers,
    inbox: &Inbox,
    clock: Clock,
    stopped: &watch::Receiver<bool>,
) -> Result<Lanes, StartError> {
    let mut shells = Vec::new();
    let mut senders = Vec::new();
    let connect_ms = config.acquirer.timeout_ms.min(5_000);
    let address = acquirer_address(config)?;
    let answer_ms = config.acquirer.timeout_ms;
    let shared = (profile.link.connection == Connection::Shared)
        .then(|| Shared::start(address.clone(), Arc::clone(profile), connect_ms, answer_ms, stopped.clone()));
    for (number, terminal) in config.terminals.iter().enumerate() {
        let (keys, pad) = keys(terminal, readers)?;
        let identity = LaneIdentity {
            tid: terminal.tid.clone(),
            mid: terminal.mid.clone(),
            tpdu: config.acquirer.tpdu.clone(),
            header: config.acquirer.header.clone(),
            serial_number: terminal.serial_number.clone().unwrap_or_default(),
            operator: "01 ".into(),
            currency: config.store.currency,
        };
        let times = LaneTimes {
            connect_ms,
            answer_ms,
            echo_ms: u64::from(profile.link.echo_s) * 1_000,
            ..LaneTimes::default()
        };
        let seed = u64::try_from(number).unwrap_or(0) ^ clock.now().wall.0.unsigned_abs();
        let (sender, orders) = mpsc::unbounded_channel();
        senders.push((terminal.id.clone(), sender));
        shells.push(LaneShell {
            terminal: terminal.id.clone(),
            lane: Lane::new(Arc::clone(profile), identity, times, seed),
            keys,
            pad,
            way: match &shared {
                Some(shared) => Way::Share(shared.clone(), terminal.tid.to_string()),
                None => Way::Own(address.clone()),
            },
            connect_ms,
            orders,
            inbox: inbox.clone(),
            clock,
            stop: stopped.clone(),
        });
    }
    Ok((shells, senders))
}

/// A terminal's keys, from its file or inside the bridge at it; and how to follow the bridge.
fn keys(terminal: &TerminalConfig, readers: &Readers) -> Result<Keys, StartError> {
    if let Some(path) = &terminal.master_key_file {
        return Ok((Box::new(SoftKeys::new(*read_master_key(path)?)), None));
    }
    // The configuration's check has seen that there is one.
    let bridge = readers.bridge(&terminal.id).ok_or_else(|| {
        StartError::System(format!("[[terminal]] {}: neither master_key_file nor a bridge holds its keys", terminal.id))
    })?;
    let pad = bridge.pad();
    Ok((Box::new(BridgeKeys::new(bridge)), Some(pad)))
}

/// Keys, and the state of the pad that holds them.
type Keys = (Box<dyn TerminalKeys>, Option<watch::Receiver<PadState>>);

/// What the writer lets out, into the rest of the daemon.
struct Around {
    orders: Vec<(TerminalId, mpsc::UnboundedSender<Box<Order>>)>,
    printers: Arc<Printers>,
    drawers: Drawers,
    young: Young,
    papers: Papers,
    health: Arc<Mutex<Option<String>>>,
    marker: Marker,
    bridge_marks: BridgeMarks,
    listeners: Listeners,
    ballast: Ballast,
}

impl Outlets for Around {
    fn send(&self, terminal: &TerminalId, order: Box<Order>) {
        if let Some((_, sender)) = self.orders.iter().find(|(id, _)| id == terminal) {
            // A lane that has ended leaves its order unknown, as a stop does.
            let _ = sender.send(order);
        }
    }

    fn print(&self) {
        self.printers.look();
        self.drawers.look(&self.papers);
    }

    fn committed(&mut self, committed: &Committed) {
        self.young.note(self.papers.clock.now().mono.0, committed.head);
        self.marker.note(committed);
        self.bridge_marks.note(committed);
        self.listeners.tell(committed);
    }

    fn health(&self, trouble: Option<String>) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn sales_stopped(&self, why: Option<Refusal>) {
        match why {
            Some(refusal) => {
                let sentence = Reject::from(refusal).sentence();
                log::error!("{}", sentence.en);
                self.printers.notice(&sentence);
            }
            None => log::warn!("sales go on"),
        }
    }

    fn every_second(&mut self) -> Room {
        self.marker.sync();
        self.bridge_marks.look();
        self.ballast.look()
    }

    fn alive(&self) {
        notify::tell("WATCHDOG=1");
    }
}

/// Runs the daemon until `shutdown` ends.
pub async fn run(config: &Config, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    no_core_dumps();
    let door = Door::bind(&ApiOptions {
        socket: Some(config.api.socket.clone()),
        listen: config.api.listen,
        token_file: config.api.token_file.clone(),
        timeout_ms: config.acquirer.timeout_ms,
        lang: config.store.lang,
    })?;
    let running = Running::start(config, Wires::All)?;
    log::info!("tilld {} is ready", env!("CARGO_PKG_VERSION"));
    notify::tell("READY=1");
    let till = Arc::clone(&running.till);
    door.serve(till, shutdown).await;
    notify::tell("STOPPING=1");
    running.stop().await;
    log::info!("stopped");
    Ok(())
}

/// A dump would hold keys, and what a customer's card was a moment ago.
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        log::warn!("core dumps could not be ruled out: {error}");
    }
}

/// Ends when the system asks the daemon to stop.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).ok();
    let mut int = signal(SignalKind::interrupt()).ok();
    tokio::select! {
        () = received(&mut term) => {}
        () = received(&mut int) => {}
    }
}

async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::core::domain::{MonoMs, WallMs};

    #[test]
    fn no_store_begins_by_a_clock_that_was_never_set() {
        let zone = "Asia/Shanghai".parse().unwrap();
        let at = |wall| clock_was_set(&zone, Now { wall: WallMs(wall), mono: MonoMs(0) });
        let Err(StartError::ClockNeverSet(told)) = at(0) else { unreachable!("it is 1970") };
        assert!(told.en.contains("shows 1970-01-01 08:00") && told.zh.contains("显示 1970-01-01 08:00"));
        assert!(at(1_704_067_199_999).is_err());
        assert!(at(1_704_067_200_000).is_ok());
    }
}
