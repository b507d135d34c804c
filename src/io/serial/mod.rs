//! One thread a serial port: open by its stable name, watch, write with a limit, lose, reopen.
//!
//! The thread owns the descriptor; everybody else has a [`PortHandle`] and gets [`PortEvent`]s. It sleeps in one `poll` on
//! the port and an eventfd, so that an idle port costs no wake-up at all. A printer that takes nothing stalls only itself:
//! writes never block, and stopping clears the output first (closing a full line can block for 30 s).
//!
//! Must never know: what the bytes mean. The clock is handed in.

mod heard;
mod list;
mod open;
mod supervisor;

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use heard::Heard;
pub use list::{PortListing, list_ports};
pub use serialport::{DataBits, FlowControl, Parity, StopBits};

/// Monotonic milliseconds; made by `io::clock`, by a counter in tests.
pub type MonoMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How a port is opened and watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortConfig {
    /// A stable name such as `/dev/serial/by-id/…`; links are followed anew at each open.
    pub path: PathBuf,
    /// Bits a second; one of the standard rates.
    pub baud: u32,
    /// Usually eight.
    pub data_bits: DataBits,
    /// Usually none.
    pub parity: Parity,
    /// Usually one.
    pub stop_bits: StopBits,
    /// Printers with a receive buffer want one unless the spool paces them.
    pub flow: FlowControl,
    /// No progress of a write for this long is a stall.
    pub write_timeout: Duration,
    /// Bytes that may wait to be written.
    pub queue_bytes: usize,
    /// First wait before reopening; doubles up to `reopen_max`.
    pub reopen_min: Duration,
    /// Longest wait before reopening.
    pub reopen_max: Duration,
}

impl PortConfig {
    /// 8N1 without handshake, stall after 5 s, 64 KiB waiting, reopened after 0.2 s to 3 s.
    pub fn new(path: impl Into<PathBuf>, baud: u32) -> Self {
        Self {
            path: path.into(),
            baud,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
            flow: FlowControl::None,
            write_timeout: Duration::from_secs(5),
            queue_bytes: 64 * 1024,
            reopen_min: Duration::from_millis(200),
            reopen_max: Duration::from_secs(3),
        }
    }
}

/// What a port's thread tells.
#[derive(Debug, PartialEq, Eq)]
pub enum PortEvent {
    /// It is open. The number tells openings apart; see [`PortHandle::send_in`].
    Opened {
        /// 1, 2, 3 …
        epoch: u64,
    },
    /// It is gone, what was not written is dropped; it will be reopened.
    Lost {
        /// For people and the log.
        why: String,
    },
    /// Bytes came in; at most 4,096 an event.
    Bytes {
        /// When they were read, monotonic ms.
        at_mono: u64,
        /// Themselves. While a bound of them is undropped nothing more is read.
        data: Heard,
    },
    /// So many bytes of one `send` are handed to the kernel: all of them.
    Written {
        /// Length of that `send`.
        len: usize,
    },
    /// Nothing could be written for the configured time. Said once a stall; it goes on trying.
    WriteStalled {
        /// Bytes waiting.
        pending: usize,
    },
}

/// Why a port could not be set up at all.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// Not a standard rate.
    #[error("baud rate {0} is not a standard rate (1200 to 4000000): set `baud` to what the device's manual says")]
    Baud(u32),
    /// No thread or no eventfd: the system is out of something.
    #[error("cannot start the thread of {path}: {why}")]
    Start {
        /// Which port.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
}

/// Why bytes were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The port is not open (or was opened anew since).
    #[error("the port is not open")]
    NotOpen,
    /// `queue_bytes` wait already.
    #[error("too much waits to be written")]
    Full,
}

/// Counters of one port since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortCounters {
    /// Times opened.
    pub opened: u64,
    /// Times lost.
    pub lost: u64,
    /// Failed tries to open.
    pub open_failed: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes handed to the kernel.
    pub bytes_out: u64,
    /// Stalls.
    pub stalls: u64,
    /// Times the thread woke up.
    pub wakeups: u64,
    /// Sends refused.
    pub refused: u64,
    /// Times it was not read for a while, because what it had said was not worked off.
    pub held: u64,
}

impl PortCounters {
    /// By name, for `status` and metrics.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("opened", self.opened),
            ("lost", self.lost),
            ("open_failed", self.open_failed),
            ("bytes_in", self.bytes_in),
            ("bytes_out", self.bytes_out),
            ("stalls", self.stalls),
            ("refused", self.refused),
            ("held", self.held),
        ]
    }
}

/// Whether a port is open, and if not why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortState {
    /// Open.
    Open,
    /// Not open; the last reason.
    Closed(String),
}

macro_rules! counters {
    ($($name:ident),+) => {
        #[derive(Debug, Default)]
        struct Counts { $($name: AtomicU64),+ }
        impl Counts {
            fn read(&self) -> PortCounters {
                PortCounters { $($name: self.$name.load(Ordering::Relaxed)),+ }
            }
        }
    };
}
counters!(opened, lost, open_failed, bytes_in, bytes_out, stalls, wakeups, refused, held);

fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// What handle and thread share.
#[derive(Debug)]
struct Shared {
    wake: OwnedFd,
    desk: Mutex<Desk>,
    counts: Counts,
    /// Bytes given out and not yet dropped.
    unheard: AtomicUsize,
}

#[derive(Debug)]
struct Desk {
    queue: VecDeque<Vec<u8>>,
    /// Bytes in `queue` and of the send being written.
    bytes: usize,
    /// The opening that is now; `None` while closed.
    epoch: Option<u64>,
    discard: bool,
    stop: bool,
    state: PortState,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Plain data: a panic elsewhere leaves it whole.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Fails only when the counter is full: then a wake-up is on its way already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// A hold on one port's thread. Dropping it tells the thread to end; [`PortHandle::stop`] also waits for that.
#[derive(Debug)]
pub struct PortHandle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    queue_bytes: usize,
}

impl PortHandle {
    /// Starts the thread of a port. `on_event` runs on it and must be quick and not wait (hand the event to a channel); the
    /// port need not exist yet.
    ///
    /// # Errors
    /// [`SerialError`] for a rate that does not exist, or where the system gives no thread.
    pub fn start(
        config: PortConfig,
        now: MonoMs,
        on_event: impl FnMut(PortEvent) + Send + 'static,
    ) -> Result<Self, SerialError> {
        open::baud_rate(config.baud)?;
        let start = |why| SerialError::Start { path: config.path.clone(), why };
        let flags = rustix::event::EventfdFlags::NONBLOCK | rustix::event::EventfdFlags::CLOEXEC;
        let wake = rustix::event::eventfd(0, flags).map_err(|e| start(e.into()))?;
        let desk = Desk {
            queue: VecDeque::new(),
            bytes: 0,
            epoch: None,
            discard: false,
            stop: false,
            state: PortState::Closed("not opened yet".into()),
        };
        let shared =
            Arc::new(Shared { wake, desk: Mutex::new(desk), counts: Counts::default(), unheard: AtomicUsize::new(0) });
        let queue_bytes = config.queue_bytes;
        let name = config.path.file_name().map_or_else(|| "port".into(), |n| n.to_string_lossy().into_owned());
        let body = supervisor::Supervisor::new(config.clone(), now, Arc::clone(&shared), Box::new(on_event));
        let thread = std::thread::Builder::new()
            .name(name.chars().take(15).collect())
            .stack_size(256 * 1024)
            .spawn(move || body.run())
            .map_err(start)?;
        Ok(Self { shared, thread: Some(thread), queue_bytes })
    }

    /// Hands bytes over for writing, in order; [`PortEvent::Written`] follows when the kernel has them all.
    ///
    /// # Errors
    /// [`SendError`]: nothing of it was taken.
    pub fn send(&self, bytes: Vec<u8>) -> Result<(), SendError> {
        self.put(None, bytes)
    }

    /// The same, but only into the opening `epoch`: what was meant for a port that was lost meanwhile must not come out of
    /// the one plugged in after it.
    ///
    /// # Errors
    /// [`SendError`]: nothing of it was taken.
    pub fn send_in(&self, epoch: u64, bytes: Vec<u8>) -> Result<(), SendError> {
        self.put(Some(epoch), bytes)
    }

    fn put(&self, epoch: Option<u64>, bytes: Vec<u8>) -> Result<(), SendError> {
        let result = {
            let mut desk = self.shared.desk();
            if desk.epoch.is_none() || epoch.is_some() && epoch != desk.epoch {
                Err(SendError::NotOpen)
            } else if desk.bytes + bytes.len() > self.queue_bytes {
                Err(SendError::Full)
            } else {
                desk.bytes += bytes.len();
                desk.queue.push_back(bytes);
                Ok(())
            }
        };
        match result {
            Ok(()) => self.shared.wake(),
            Err(_) => count(&self.shared.counts.refused, 1),
        }
        result
    }

    /// Drops everything that waits to be written, in the kernel too.
    pub fn discard(&self) {
        self.shared.desk().discard = true;
        self.shared.wake();
    }

    /// Open or not, and why not.
    pub fn state(&self) -> PortState {
        self.shared.desk().state.clone()
    }

    /// Counters since the start.
    pub fn counters(&self) -> PortCounters {
        self.shared.counts.read()
    }

    /// Ends the thread, dropping what is unwritten, and waits for it. Never waits for the device.
    pub fn stop(mut self) {
        self.tell_stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the event closure has been printed by its thread; there is nothing to save here.
            let _ = thread.join();
        }
    }

    fn tell_stop(&self) {
        self.shared.desk().stop = true;
        self.shared.wake();
    }
}

impl Drop for PortHandle {
    fn drop(&mut self) {
        self.tell_stop();
    }
}
