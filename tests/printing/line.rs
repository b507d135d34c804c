//! A shell as thin as it can be: the spool's outputs to a port, the port's events to the spool.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tilld::core::device::profile::Profile;
use tilld::core::device::spool::{Attention, Input, Job, JobId, Output, Proof, Spool};
use tilld::io::serial::{MonoMs, PortConfig, PortEvent, PortHandle};

pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("tilld-printing-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Line {
    spool: Spool,
    port: PortHandle,
    events: Receiver<PortEvent>,
    now: MonoMs,
    epoch: u64,
    wake_at: Option<u64>,
    pub writes: u64,
    pub done: Vec<(u64, Proof, bool)>,
    pub raised: Vec<Attention>,
    pub shown: Vec<Attention>,
    pub repeats: u64,
}

impl Line {
    pub fn new(profile: &str, port: &Path, baud: u32) -> Self {
        let start = Instant::now();
        let now: MonoMs = Arc::new(move || u64::try_from(start.elapsed().as_millis()).unwrap());
        let mut config = PortConfig::new(port, baud);
        config.reopen_min = Duration::from_millis(10);
        config.reopen_max = Duration::from_millis(50);
        let (tell, events) = channel();
        let handle = PortHandle::start(config, Arc::clone(&now), move |e| drop(tell.send(e))).unwrap();
        Self {
            spool: Spool::new(Profile::named(profile).unwrap(), now()),
            port: handle,
            events,
            now,
            epoch: 0,
            wake_at: None,
            writes: 0,
            done: vec![],
            raised: vec![],
            shown: vec![],
            repeats: 0,
        }
    }

    pub fn input(&mut self, input: Input) {
        let mut todo = VecDeque::from([input]);
        while let Some(input) = todo.pop_front() {
            self.wake_at = None;
            for output in self.spool.step((self.now)(), input) {
                match output {
                    Output::Write(bytes) => {
                        self.writes += 1;
                        // Refused only where the port was lost; that event is on its way.
                        let _ = self.port.send_in(self.epoch, bytes);
                    }
                    Output::Started(id) => todo.push_back(Input::StartedDurable(id)),
                    Output::Done { id, proof, reprint } => self.done.push((id.0, proof, reprint)),
                    Output::Repeating { .. } => self.repeats += 1,
                    Output::Attention(a) => {
                        self.raised.push(a);
                        self.shown.push(a);
                    }
                    Output::Clear(a) => self.shown.retain(|b| *b != a),
                    Output::WakeAt(at) => self.wake_at = Some(at),
                    Output::Doubtful(_) | Output::Expired(_) | Output::Refused { .. } => panic!("{output:?}"),
                }
            }
        }
    }

    /// Runs until `fits`, or fails after `limit`.
    pub fn until(&mut self, what: &str, limit: Duration, fits: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !fits(self) {
            assert!(Instant::now() < end, "{what} never came: {:#?}", self.spool.view());
            let now = (self.now)();
            let wait = self.wake_at.map_or(100, |at| at.saturating_sub(now).min(100));
            match self.events.recv_timeout(Duration::from_millis(wait)) {
                Ok(PortEvent::Opened { epoch }) => {
                    self.epoch = epoch;
                    self.input(Input::PortOpened);
                }
                Ok(PortEvent::Lost { .. }) => self.input(Input::PortLost),
                Ok(PortEvent::Bytes { data, .. }) => self.input(Input::Bytes(data.to_vec())),
                Ok(PortEvent::Written { len }) => self.input(Input::Written(len)),
                Ok(PortEvent::WriteStalled { .. }) | Err(_) => self.input(Input::Tick),
            }
        }
    }

    pub fn view(&self) -> tilld::core::device::spool::SpoolView {
        self.spool.view()
    }
}

pub fn report(lines: usize, mark: &str) -> Vec<String> {
    let mut all = vec![format!("日结单 望京店{mark}")];
    all.extend((0..lines).map(|i| format!("{i:03} 收银员{:02} 消费 退货 撤销 净额  {:>10}.00", i % 7, i * 131)));
    all.push("长款/短款 = 实点 - 应有".into());
    all
}

pub fn escpos(lines: &[String]) -> Vec<u8> {
    let mut out = b"\x1b@\x1c&".to_vec();
    for line in lines {
        out.extend(encoding_rs::GB18030.encode(line).0.iter());
        out.push(b'\n');
    }
    out.extend(b"\x1dVB\x00");
    out
}

pub fn job(id: u64, lines: usize) -> Job {
    Job {
        id: JobId(id),
        title: "日结单".into(),
        bytes: escpos(&report(lines, "")),
        reprint_bytes: Some(escpos(&report(lines, " 重打印"))),
        started_before: false,
        deadline: None,
    }
}
