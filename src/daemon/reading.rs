//! One thread a reader on a serial line: a thin shell that carries bytes between its port and its codec, wakes it, and arms it while
//! somebody waits.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::core::device::reader::{Codec, Seen};
use crate::core::domain::Sentence;
use crate::io::clock::Clock;
use crate::io::serial::{MonoMs, PortConfig, PortEvent, PortHandle, SerialError};
use crate::io::work;

enum Message {
    Port(PortEvent),
    /// Somebody waits, or nobody does.
    Arm(bool),
    Stop,
}

/// What is shown of a reader.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Whether the port is open.
    pub open: bool,
    /// What a person should do.
    pub attention: Option<Sentence>,
    /// Port and codec, by name.
    pub counters: Vec<(&'static str, u64)>,
}

/// A reader's thread.
#[derive(Debug)]
pub struct ReaderLine {
    mailbox: Sender<Message>,
    shown: Arc<Mutex<Shown>>,
    thread: Option<JoinHandle<()>>,
}

/// The end at which a reader is told that somebody waits.
#[derive(Debug, Clone)]
pub struct Arming(Sender<Message>);

impl Arming {
    /// Somebody waits, or nobody does. Returns at once.
    pub fn set(&self, on: bool) {
        // A reader whose thread has ended reads nothing more.
        let _ = self.0.send(Message::Arm(on));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain data: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReaderLine {
    /// Opens a reader's port. `seen` runs on its thread, must be quick and not wait.
    pub fn start(
        port: PortConfig,
        codec: Box<dyn Codec>,
        clock: Clock,
        seen: impl FnMut(Seen) + Send + 'static,
    ) -> Result<ReaderLine, SerialError> {
        let (mailbox, messages) = mpsc::channel();
        let (path, events) = (port.path.clone(), mailbox.clone());
        let now: MonoMs = Arc::new(move || clock.now().mono.0);
        let port = PortHandle::start(port, now, move |event| {
            // The reader's thread ends after its port.
            let _ = events.send(Message::Port(event));
        })?;
        let shown = Arc::<Mutex<Shown>>::default();
        let shell =
            Shell { codec, port, clock, epoch: None, armed: false, shown: Arc::clone(&shown), seen: Box::new(seen) };
        let thread = work::thread("reader", move || shell.run(&messages));
        Ok(ReaderLine { mailbox, shown, thread: Some(thread.map_err(|why| SerialError::Start { path, why })?) })
    }

    /// Where it is told that somebody waits.
    #[must_use]
    pub fn arming(&self) -> Arming {
        Arming(self.mailbox.clone())
    }

    /// As it stands.
    #[must_use]
    pub fn shown(&self) -> Shown {
        lock(&self.shown).clone()
    }

    /// Ends the thread and waits for it.
    pub fn stop(mut self) {
        let _ = self.mailbox.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Shell {
    codec: Box<dyn Codec>,
    port: PortHandle,
    clock: Clock,
    epoch: Option<u64>,
    armed: bool,
    shown: Arc<Mutex<Shown>>,
    seen: Box<dyn FnMut(Seen) + Send>,
}

impl Shell {
    fn run(mut self, mailbox: &Receiver<Message>) {
        loop {
            let message = match self.codec.wake_at() {
                Some(at) => mailbox.recv_timeout(Duration::from_millis(at.saturating_sub(self.now()))),
                None => mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let now = self.now();
            let seen = match message {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Message::Port(event)) => self.port_event(event, now),
                Ok(Message::Arm(on)) => {
                    self.arm(on, now);
                    Vec::new()
                }
                Err(RecvTimeoutError::Timeout) => self.codec.tick(now),
            };
            seen.into_iter().for_each(&mut self.seen);
            self.tell();
            self.show();
        }
        self.port.stop();
    }

    fn now(&self) -> u64 {
        self.clock.now().mono.0
    }

    fn arm(&mut self, on: bool, now: u64) {
        self.armed = on;
        match (on, self.epoch) {
            // Armed when it is there again.
            (_, None) => {}
            (true, Some(_)) => self.codec.arm(now),
            (false, Some(_)) => self.codec.disarm(now),
        }
    }

    fn port_event(&mut self, event: PortEvent, now: u64) -> Vec<Seen> {
        match event {
            PortEvent::Opened { epoch } => {
                self.epoch = Some(epoch);
                self.codec.opened(now);
                if self.armed {
                    self.codec.arm(now);
                }
            }
            PortEvent::Lost { .. } => {
                self.epoch = None;
                self.codec.lost();
            }
            PortEvent::Bytes { at_mono, data } => return self.codec.feed(at_mono, &data),
            PortEvent::Written { .. } | PortEvent::WriteStalled { .. } => {}
        }
        Vec::new()
    }

    /// What the codec has to say goes out; one that takes nothing is silent, and is asked again.
    fn tell(&mut self) {
        let output = self.codec.take_output();
        if let (false, Some(epoch)) = (output.is_empty(), self.epoch) {
            let _ = self.port.send_in(epoch, output);
        }
    }

    fn show(&self) {
        let counters = self.port.counters().named().into_iter().chain(self.codec.counters()).collect();
        let open = self.epoch.is_some();
        let attention = if open { self.codec.attention() } else { None };
        *lock(&self.shown) = Shown { open, attention, counters };
    }
}
