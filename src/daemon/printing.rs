//! One thread a printer: a thin shell around its spool. Jobs come from the store, one at a time; a job is durable as *begun* before
//! its first byte goes out, and *done* only when the printer said so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::config::PrinterConfig;
use super::drawers::Young;
use super::papers::Papers;
use crate::core::device::spool::{self, Attention, Input, JobId, Output, Spool, SpoolView};
use crate::core::domain::{PrinterId, Refusal, Reject, Sentence};
use crate::core::ports::{PortStatus, PrintWhat, StoreError};
use crate::core::report::doc::Document;
use crate::core::report::escpos;
use crate::core::report::layout::layout;
use crate::core::report::raster::Bitmap;
use crate::io::serial::{PortConfig, PortEvent, PortHandle, SendError, SerialError};
use crate::io::store::Job;
use crate::io::work;

/// A notice is no job of the store's: no row has this number.
const NOTICE: u64 = u64::MAX;
/// Notices that wait at most.
const MOST_NOTICES: usize = 4;
/// How long a store that failed is left alone before it is asked again: twice as long each time, up to the longest (ms).
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 30_000;

enum Message {
    Port(PortEvent),
    /// There may be jobs.
    Look,
    /// What the store had, once it knows that `told` is done; or why it neither took nor gave anything.
    Claimed {
        told: Option<u64>,
        got: Result<Option<Job>, StoreError>,
    },
    Resume,
    /// To be said at once, whatever the store can do.
    Notice(Sentence),
    Stop,
}

/// What is shown of a printer.
#[derive(Debug, Clone, Default)]
struct Shown {
    open: bool,
    attention: Option<Sentence>,
    queued: u64,
    counters: BTreeMap<String, u64>,
}

/// The printers of the store.
#[derive(Debug)]
pub struct Printers {
    senders: BTreeMap<PrinterId, Sender<Message>>,
    shown: Arc<Mutex<BTreeMap<PrinterId, (String, Shown)>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Printers {
    /// Starts a thread for every configured printer.
    pub fn start(configs: &[PrinterConfig], papers: &Papers, young: &Young) -> Result<Printers, SerialError> {
        let shown: Arc<Mutex<BTreeMap<PrinterId, (String, Shown)>>> = Arc::default();
        let mut senders = BTreeMap::new();
        let mut threads = Vec::new();
        for config in configs {
            let (sender, receiver) = mpsc::channel();
            let clock = papers.clock;
            let now: crate::io::serial::MonoMs = Arc::new(move || clock.now().mono.0);
            let events = sender.clone();
            let line = PortConfig { flow: config.flow, ..PortConfig::new(&config.port, config.baud) };
            let port = PortHandle::start(line, now, move |event| {
                // The printer's thread ends after its port.
                let _ = events.send(Message::Port(event));
            })?;
            let shell = Shell {
                config: config.clone(),
                papers: papers.clone(),
                young: young.clone(),
                logo: config.logo().unwrap_or_else(|what| {
                    log::warn!("printer {} prints without its logo: {}", config.id, what.en);
                    None
                }),
                spool: Spool::new(config.profile.clone(), clock.now().mono.0),
                port,
                epoch: 0,
                mailbox: sender.clone(),
                claimed: None,
                notices: VecDeque::new(),
                behind: None,
                done: None,
                asked: false,
                pause: 0,
                again: None,
                store_failed: 0,
                unprintable: 0,
                too_late: 0,
                waiting: 0,
                wake: None,
                shown: Arc::clone(&shown),
            };
            let port_name = config.port.display().to_string();
            lock(&shown).insert(config.id.clone(), (port_name, Shown::default()));
            let name = format!("print-{}", config.id);
            let body = move || shell.run(&receiver);
            let thread = work::thread(&name, body);
            threads.push(thread.map_err(|why| SerialError::Start { path: config.port.clone(), why })?);
            senders.insert(config.id.clone(), sender);
        }
        Ok(Printers { senders, shown, threads: Mutex::new(threads) })
    }

    /// There is something to print: every printer looks.
    pub fn look(&self) {
        for sender in self.senders.values() {
            // A printer whose thread has ended prints nothing more before the next start.
            let _ = sender.send(Message::Look);
        }
    }

    /// The cashier says: go on.
    pub fn resume(&self, printer: Option<&str>) {
        for (id, sender) in &self.senders {
            if printer.is_none_or(|name| name == id.as_str()) {
                let _ = sender.send(Message::Resume);
            }
        }
    }

    /// Prints a notice on every printer, after what is being printed. It needs nothing of the store.
    pub fn notice(&self, sentence: &Sentence) {
        for sender in self.senders.values() {
            let _ = sender.send(Message::Notice(sentence.clone()));
        }
    }

    /// For `status`.
    #[must_use]
    pub fn status(&self) -> Vec<PortStatus> {
        lock(&self.shown)
            .iter()
            .map(|(id, (port, shown))| PortStatus {
                id: id.to_string(),
                port: port.clone(),
                state: if shown.open { "open".into() } else { "lost".into() },
                attention: shown.attention.clone(),
                queued: shown.queued,
                counters: shown.counters.clone(),
            })
            .collect()
    }

    /// Ends every printer's thread. A job that is half out is told apart at the next start.
    pub fn stop(&self) {
        for sender in self.senders.values() {
            let _ = sender.send(Message::Stop);
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// A refusal that says nothing of the paper itself: the store had no time, or failed.
fn passes(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Busy | Refusal::StorageFailed | Refusal::Stopping)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Shell {
    config: PrinterConfig,
    papers: Papers,
    young: Young,
    logo: Option<Bitmap>,
    spool: Spool,
    port: PortHandle,
    epoch: u64,
    mailbox: Sender<Message>,
    /// The job at hand, by the store's number.
    claimed: Option<u64>,
    /// Notices that wait for the job at hand.
    notices: VecDeque<Sentence>,
    /// The store's job that came while a notice was printed, or whose paper could not be made yet.
    behind: Option<Job>,
    /// The store's job that is done and that the store has not heard of: it is told with every claim until one goes through, or the job would be
    /// printed once more after the next start. There is never a second: no job is given out before this is heard.
    done: Option<u64>,
    /// The store was asked and has not answered.
    asked: bool,
    /// How long the store was last left alone after it failed; 0: it works.
    pause: u64,
    /// When it is asked again.
    again: Option<u64>,
    store_failed: u64,
    /// Jobs of which no paper can ever be made.
    unprintable: u64,
    /// Drawers that were not opened because it was too late when their job came up.
    too_late: u64,
    /// Jobs that are not done, the one at hand among them, when they were last counted.
    waiting: u64,
    wake: Option<u64>,
    shown: Arc<Mutex<BTreeMap<PrinterId, (String, Shown)>>>,
}

impl Shell {
    fn run(mut self, mailbox: &mpsc::Receiver<Message>) {
        self.claim();
        loop {
            let message = match self.wake.into_iter().chain(self.again).min() {
                Some(at) => mailbox.recv_timeout(Duration::from_millis(at.saturating_sub(self.now()))),
                None => mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.due(),
                Ok(Message::Look) if self.claimed.is_none() && self.behind.is_none() => self.claim(),
                Ok(Message::Look) => self.count(),
                Ok(Message::Resume) => self.step(Input::Resume),
                Ok(Message::Notice(sentence)) => {
                    // A printer that is away keeps the last ones.
                    self.notices.truncate(MOST_NOTICES - 1);
                    self.notices.push_back(sentence);
                    if self.claimed.is_none() {
                        self.next_notice();
                    }
                }
                Ok(Message::Claimed { told, got }) => self.answered(told, got),
                Ok(Message::Port(event)) => self.port_event(event),
            }
            self.show();
        }
        self.port.stop();
    }

    fn now(&self) -> u64 {
        self.papers.clock.now().mono.0
    }

    /// Some time is over that was waited for.
    fn due(&mut self) {
        let now = self.now();
        if self.again.is_some_and(|at| now >= at) {
            self.again = None;
            self.go_on();
        }
        if self.wake.is_some_and(|at| now >= at) {
            self.wake = None;
            self.step(Input::Tick);
        }
    }

    /// Asks the store for the next job; what is done is told in the same commit.
    fn claim(&mut self) {
        if self.asked {
            return;
        }
        self.asked = true;
        self.again = None;
        let (printer, mailbox, told) = (self.config.id.clone(), self.mailbox.clone(), self.done);
        self.papers.inbox.look(move |writer| {
            let got = writer.store_mut().finish_and_claim(&printer, told);
            // Who has ended asks again at the next start.
            let _ = mailbox.send(Message::Claimed { told, got });
        });
    }

    /// Counted beside the writer, and only where it may have changed.
    fn count(&mut self) {
        match self.papers.reader.jobs_waiting(&self.config.id) {
            Ok(waiting) => self.waiting = waiting,
            Err(error) => log::warn!("printer {}: what waits could not be counted: {error}", self.config.id),
        }
    }

    fn answered(&mut self, told: Option<u64>, got: Result<Option<Job>, StoreError>) {
        self.asked = false;
        let job = match got {
            Ok(job) => job,
            Err(error) => {
                log::error!("printer {}: the next print job could not be had: {error}", self.config.id);
                return self.ask_later();
            }
        };
        self.pause = 0;
        if self.done == told {
            self.done = None;
        }
        self.count();
        match job {
            // A notice began meanwhile: the store's job waits behind it.
            Some(job) if self.claimed.is_some() => self.behind = Some(job),
            Some(job) => self.begin(job),
            None => {}
        }
    }

    /// The store failed or had no time: it is asked again after a while, and whoever looks sees it until then.
    fn ask_later(&mut self) {
        self.store_failed += 1;
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
        self.again = Some(self.now().saturating_add(self.pause));
    }

    /// Prints a job, as soon as its paper can be made: until then it waits, and those behind it.
    fn begin(&mut self, job: Job) {
        self.again = None;
        let deadline = match job.what {
            PrintWhat::Drawer { .. } => self.young.until(self.now(), job.created),
            _ => None,
        };
        if deadline.is_none() && matches!(job.what, PrintWhat::Drawer { .. }) {
            log::warn!("drawer job {} is not done: it comes too late", job.id);
            self.too_late += 1;
            return self.finished(job.id);
        }
        let (bytes, reprint_bytes) = match self.both(&job) {
            Ok(both) => both,
            Err(reject) if passes(reject.refusal) => {
                log::warn!("print job {} waits for the store: {}", job.id, reject.sentence().en);
                self.behind = Some(job);
                return self.ask_later();
            }
            Err(reject) => {
                log::error!("print job {} can never be printed: {}", job.id, reject.sentence().en);
                self.unprintable += 1;
                return self.finished(job.id);
            }
        };
        self.pause = 0;
        self.claimed = Some(job.id);
        // Begun before this run, and never done: it may be on paper.
        let started_before = job.tries > 1;
        let title = serde_json::to_string(&job.what).unwrap_or_default();
        let id = JobId(job.id);
        self.step(Input::Job(spool::Job { id, title, bytes, reprint_bytes, started_before, deadline }));
    }

    /// A job's bytes, and those with the mark for where it may be on paper already. Nothing is begun without the second: a cable that is pulled in the
    /// middle would end it in doubt.
    fn both(&self, job: &Job) -> Result<(Vec<u8>, Option<Vec<u8>>), Reject> {
        let first = self.bytes(&job.what, job.reprint)?;
        let again = match job.what {
            PrintWhat::Drawer { .. } => None,
            _ => Some(self.bytes(&job.what, job.reprint + 1)?),
        };
        Ok((first, again))
    }

    fn bytes(&self, what: &PrintWhat, reprint: u32) -> Result<Vec<u8>, Reject> {
        let document = self.papers.document(what, reprint, self.config.language)?;
        Ok(match document {
            None => self.config.profile.drawer.bytes().to_vec(),
            Some(document) => self.rendered(&document),
        })
    }

    fn rendered(&self, document: &Document) -> Vec<u8> {
        let paper = escpos::Profile { logo: self.logo.clone(), ..self.config.profile.paper() };
        escpos::render(&layout(document, paper.columns), &paper)
    }

    fn finished(&mut self, id: u64) {
        self.claimed = None;
        if id != NOTICE {
            self.done = Some(id);
        }
        self.go_on();
    }

    /// Whatever comes next: a notice, the job that waits, the store's next one.
    fn go_on(&mut self) {
        let noticing = self.claimed.is_some() || self.next_notice();
        match self.behind.take() {
            Some(job) if !noticing => self.begin(job),
            Some(job) => self.behind = Some(job),
            // A notice may wait for paper for days: the store hears of what is done at once, and its next job waits behind the notice.
            None if !noticing || self.done.is_some() => self.claim(),
            None => {}
        }
    }

    /// Prints the oldest notice that waits; whether there was one.
    fn next_notice(&mut self) -> bool {
        let Some(sentence) = self.notices.pop_front() else { return false };
        let document = self.papers.notice(&sentence, self.config.language);
        let bytes = self.rendered(&document);
        self.claimed = Some(NOTICE);
        let title = "notice".to_owned();
        self.step(Input::Job(spool::Job {
            id: JobId(NOTICE),
            title,
            bytes,
            reprint_bytes: None,
            started_before: false,
            deadline: None,
        }));
        true
    }

    fn port_event(&mut self, event: PortEvent) {
        match event {
            PortEvent::Opened { epoch } => {
                self.epoch = epoch;
                self.step(Input::PortOpened);
            }
            PortEvent::Lost { why } => {
                log::warn!("printer {} is gone: {why}", self.config.id);
                self.step(Input::PortLost);
            }
            PortEvent::Bytes { data, .. } => self.step(Input::Bytes(data.to_vec())),
            PortEvent::Written { len } => self.step(Input::Written(len)),
            PortEvent::WriteStalled { .. } => {}
        }
    }

    fn step(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let now = self.now();
            for output in self.spool.step(now, input) {
                match output {
                    Output::Write(bytes) => {
                        match self.port.send_in(self.epoch, bytes) {
                            Ok(()) => {}
                            Err(SendError::NotOpen) => inputs.push(Input::PortLost),
                            // One write is out at a time, and is smaller than the port's queue.
                            Err(SendError::Full) => log::error!("printer {}: its queue is full", self.config.id),
                        }
                    }
                    // The store's row says `printing` since the job was claimed.
                    Output::Started(id) => inputs.push(Input::StartedDurable(id)),
                    Output::Done { id, .. } => self.finished(id.0),
                    Output::Doubtful(id) => {
                        log::warn!("print job {} may or may not be on paper", id.0);
                        self.finished(id.0);
                    }
                    Output::Expired(id) => {
                        log::warn!("drawer job {} is not done: the printer was not ready in time", id.0);
                        self.finished(id.0);
                    }
                    Output::Refused { id, why } => {
                        log::error!("print job {} was not taken: {why:?}", id.0);
                        self.finished(id.0);
                    }
                    Output::Repeating { id, attempt } => {
                        log::warn!("print job {} is printed again with the mark ({attempt})", id.0);
                    }
                    Output::Attention(attention) => log::warn!("printer {}: {}", self.config.id, attention.en()),
                    Output::Clear(attention) => log::info!("printer {}: no longer: {}", self.config.id, attention.en()),
                    Output::WakeAt(at) => self.wake = Some(at),
                }
            }
        }
    }

    fn counters(&self, view: &SpoolView) -> BTreeMap<String, u64> {
        let c = view.counters;
        let spool = [
            ("jobs_done", c.done),
            ("jobs_repeated", c.repeats),
            ("jobs_doubtful", c.doubtful),
            ("jobs_refused", c.refused),
            ("jobs_too_late", c.expired + self.too_late),
            ("flushes", c.flushes),
            ("strays", c.strays),
            ("garbage", view.garbage),
            ("jobs_unprintable", self.unprintable),
            ("store_failed", self.store_failed),
        ];
        self.port.counters().named().into_iter().chain(spool).map(|(name, n)| (name.to_owned(), n)).collect()
    }

    fn show(&self) {
        let view = self.spool.view();
        let of_printer = view.attentions.first().copied();
        let of_store = (self.pause > 0).then(|| {
            Sentence::new(
                "存储暂时不可用，稍后自动继续打印",
                "The store fails for now: printing goes on by itself when it works again",
            )
        });
        let attention = match of_printer {
            Some(attention) if attention.blocks() => Some(attention.sentence()),
            other => of_store.or(other.map(Attention::sentence)),
        };
        let shown = Shown { open: view.port_open, attention, queued: self.waiting, counters: self.counters(&view) };
        if let Some((_, slot)) = lock(&self.shown).get_mut(&self.config.id) {
            *slot = shown;
        }
    }
}
