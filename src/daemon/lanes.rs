//! One task a terminal: a thin shell around its lane. Connects, reads, writes and wakes as the lane says, and reports to the writer.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::bridging::PadState;
use super::inbox::Inbox;
use super::shared::Shared;
use crate::core::acquirer::{Lane, LaneInput, LaneOutput, Order};
use crate::core::domain::{MonoMs, TerminalId};
use crate::core::ports::TerminalKeys;
use crate::io::clock::Clock;
use crate::io::link::{Address, Link};

/// What a lane's task needs.
pub struct LaneShell {
    /// Which terminal.
    pub terminal: TerminalId,
    /// Its conversation.
    pub lane: Lane,
    /// Its keys.
    pub keys: Box<dyn TerminalKeys>,
    /// The PIN pad that holds them, where one does. While it is away the line is down: without keys nothing can be said on it.
    pub pad: Option<watch::Receiver<PadState>>,
    /// How it reaches the acquirer.
    pub way: Way,
    /// How long a connection may take.
    pub connect_ms: u64,
    /// What it is told to send.
    pub orders: mpsc::UnboundedReceiver<Box<Order>>,
    /// Where it reports.
    pub inbox: Inbox,
    /// The clock.
    pub clock: Clock,
    /// Becomes true when the daemon stops.
    pub stop: watch::Receiver<bool>,
}

/// How a terminal reaches the acquirer: by a connection of its own, or by its share of the one.
#[derive(Debug, Clone)]
pub enum Way {
    /// Its own.
    Own(Address),
    /// A share, under its TID.
    Share(Shared, String),
}

impl std::fmt::Debug for LaneShell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LaneShell({})", self.terminal)
    }
}

/// What the task waits for, and what came.
enum Came {
    Order(Option<Box<Order>>),
    Connected(std::io::Result<Link>),
    Read(std::io::Result<usize>),
    Woken,
    PadLost,
    Stop,
}

impl LaneShell {
    /// Runs until the daemon stops. An order that is under way then is *unknown*: its row is durable.
    pub async fn run(mut self) {
        let mut link: Option<Link> = None;
        let mut connecting = None;
        let mut wake: Option<MonoMs> = None;
        let mut buffer = vec![0u8; 4096];
        let mut pending = self.step(LaneInput::Tick);
        loop {
            while !pending.is_empty() {
                let outputs = std::mem::take(&mut pending);
                pending = self.carry_out(outputs, &mut link, &mut connecting, &mut wake).await;
            }
            let line_up = link.is_some();
            let came = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => Came::Stop,
                result = finished(&mut connecting) => Came::Connected(result),
                result = read(&mut link, &mut buffer) => Came::Read(result),
                order = self.orders.recv() => Came::Order(order),
                () = sleep_until(&self.clock, wake) => Came::Woken,
                () = pad_lost(&mut self.pad, line_up) => Came::PadLost,
            };
            pending = match came {
                Came::Stop | Came::Order(None) => return,
                Came::Order(Some(order)) => self.step(LaneInput::Order(order)),
                Came::Connected(result) => {
                    connecting = None;
                    match result {
                        Ok(made) => {
                            link = Some(made);
                            self.step(LaneInput::Connected)
                        }
                        Err(error) => self.step(LaneInput::Disconnected(&error.to_string())),
                    }
                }
                Came::PadLost => {
                    (link, connecting) = (None, None);
                    self.step(LaneInput::Disconnected(PadState::Away.why()))
                }
                Came::Read(Ok(n)) if n > 0 => self.step(LaneInput::Bytes(&buffer[..n])),
                Came::Read(result) => {
                    link = None;
                    let why = result.err().map_or_else(|| "closed by the acquirer".to_owned(), |e| e.to_string());
                    self.step(LaneInput::Disconnected(&why))
                }
                Came::Woken => {
                    wake = None;
                    self.step(LaneInput::Tick)
                }
            };
        }
    }

    fn step(&mut self, input: LaneInput<'_>) -> Vec<LaneOutput> {
        self.lane.step(self.clock.now().mono, input, self.keys.as_mut())
    }

    /// Does what the lane wants; what that brings about at once (a write that fails) goes back in.
    async fn carry_out(
        &mut self,
        outputs: Vec<LaneOutput>,
        link: &mut Option<Link>,
        connecting: &mut Option<Connecting>,
        wake: &mut Option<MonoMs>,
    ) -> Vec<LaneOutput> {
        let mut more = Vec::new();
        for output in outputs {
            match output {
                LaneOutput::Connect => {
                    *link = None;
                    *connecting = Some(connect(self.way.clone(), self.connect_ms, self.pad.clone()));
                }
                LaneOutput::Disconnect => (*link, *connecting) = (None, None),
                LaneOutput::Write(bytes) => {
                    let result = match link {
                        Some(link) => within(WRITE_MS, link.write(&bytes)).await,
                        None => Err(std::io::ErrorKind::NotConnected.into()),
                    };
                    if let Err(error) = result {
                        *link = None;
                        more.extend(self.step(LaneInput::Disconnected(&error.to_string())));
                    }
                }
                LaneOutput::Report(report) => self.inbox.report(self.terminal.clone(), report),
                LaneOutput::Note(note) => log::info!("{}: {note}", self.terminal),
                LaneOutput::WakeAt(at) => *wake = Some(at),
            }
        }
        more
    }
}

type Connecting = std::pin::Pin<Box<dyn Future<Output = std::io::Result<Link>> + Send>>;

/// A full window must not hold the lane's own time-out back: a line that takes nothing for so long is gone.
const WRITE_MS: u64 = 2_000;

async fn within<T>(ms: u64, work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    match tokio::time::timeout(Duration::from_millis(ms), work).await {
        Ok(result) => result,
        Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "not in time")),
    }
}

fn connect(way: Way, within_ms: u64, pad: Option<watch::Receiver<PadState>>) -> Connecting {
    Box::pin(async move {
        if let Some(pad) = pad {
            pad_ready(pad, within_ms / 2).await?;
        }
        match way {
            Way::Own(address) => within(within_ms, Link::connect(&address)).await,
            Way::Share(shared, tid) => within(within_ms, shared.connect(&tid)).await,
        }
    })
}

/// Waits for the keys: a pad that has just been plugged in is there in a moment.
async fn pad_ready(mut pad: watch::Receiver<PadState>, within_ms: u64) -> std::io::Result<()> {
    let ready = pad.wait_for(|state| *state == PadState::Ready);
    let ended = tokio::time::timeout(Duration::from_millis(within_ms), ready).await.map(|done| done.is_ok());
    match ended {
        Ok(true) => Ok(()),
        _ => Err(std::io::Error::other(pad.borrow().why())),
    }
}

/// Ends when the pad of a line that is up goes away.
async fn pad_lost(pad: &mut Option<watch::Receiver<PadState>>, line_up: bool) {
    if let (Some(pad), true) = (pad, line_up)
        && pad.wait_for(|state| *state != PadState::Ready).await.is_ok()
    {
        return;
    }
    // No pad; or its thread has ended, and it will not come back before the daemon does.
    std::future::pending().await
}

async fn finished(connecting: &mut Option<Connecting>) -> std::io::Result<Link> {
    match connecting {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn read(link: &mut Option<Link>, buffer: &mut [u8]) -> std::io::Result<usize> {
    match link {
        Some(link) => link.read(buffer).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(clock: &Clock, wake: Option<MonoMs>) {
    match wake {
        Some(at) => {
            let wait = at.0.saturating_sub(clock.now().mono.0);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        None => std::future::pending().await,
    }
}
