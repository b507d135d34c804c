//! The thread of one port.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::termios::QueueSelector;

use super::heard::{Heard, MOST};
use super::{MonoMs, PortConfig, PortEvent, PortState, Shared, count, open};

/// Bytes a read.
const READ: usize = 4096;
/// Bytes a write: small, so that what is dropped at a stop or a loss is little.
const WRITE: usize = 1024;
/// Writes in one turn, before reading again.
const WRITES_A_TURN: usize = 16;

/// Why the loop over an open port ended.
enum End {
    Stop,
    Lost(String),
}

pub(super) struct Supervisor {
    config: PortConfig,
    now: MonoMs,
    shared: Arc<Shared>,
    on_event: Box<dyn FnMut(PortEvent) + Send>,
    epoch: u64,
}

/// What is being written.
#[derive(Default)]
struct Writing {
    bytes: Vec<u8>,
    at: usize,
    /// When it last went forward; `None` while there is nothing.
    since: Option<u64>,
    stalled: bool,
}

impl Supervisor {
    pub(super) fn new(
        config: PortConfig,
        now: MonoMs,
        shared: Arc<Shared>,
        on_event: Box<dyn FnMut(PortEvent) + Send>,
    ) -> Self {
        Self { config, now, shared, on_event, epoch: 0 }
    }

    pub(super) fn run(mut self) {
        let mut wait = self.config.reopen_min;
        loop {
            match open::open(&self.config) {
                Ok(fd) => {
                    wait = self.config.reopen_min;
                    if !self.serve(fd) {
                        return;
                    }
                }
                Err(why) => {
                    count(&self.shared.counts.open_failed, 1);
                    self.closed(why);
                }
            }
            if !self.pause(wait) {
                return;
            }
            wait = (wait * 2).min(self.config.reopen_max);
        }
    }

    /// From opened to lost. False: stop.
    fn serve(&mut self, fd: OwnedFd) -> bool {
        self.epoch += 1;
        count(&self.shared.counts.opened, 1);
        {
            let mut desk = self.shared.desk();
            desk.epoch = Some(self.epoch);
            desk.state = PortState::Open;
        }
        log::info!("{}: open", self.config.path.display());
        (self.on_event)(PortEvent::Opened { epoch: self.epoch });
        let end = self.watch(&fd);
        {
            let mut desk = self.shared.desk();
            desk.epoch = None;
            desk.queue.clear();
            desk.bytes = 0;
            desk.discard = false;
        }
        // Closing waits for the output of some drivers, up to 30 s: there must be none.
        let _ = rustix::termios::tcflush(&fd, QueueSelector::OFlush);
        drop(fd);
        let End::Lost(why) = end else { return false };
        count(&self.shared.counts.lost, 1);
        self.closed(why.clone());
        (self.on_event)(PortEvent::Lost { why });
        true
    }

    fn closed(&self, why: String) {
        let state = PortState::Closed(why);
        let mut desk = self.shared.desk();
        if desk.state != state {
            if let PortState::Closed(why) = &state {
                log::warn!("{why}");
            }
            desk.state = state;
        }
    }

    /// Sleeps before the next try. False: stop.
    fn pause(&self, wait: Duration) -> bool {
        let until = (self.now)().saturating_add(millis(wait));
        loop {
            if self.shared.desk().stop {
                return false;
            }
            let now = (self.now)();
            if now >= until {
                return true;
            }
            let mut fds = [PollFd::new(&self.shared.wake, PollFlags::IN)];
            let _ = rustix::event::poll(&mut fds, Some(&timespec(until - now)));
            self.woken();
        }
    }

    fn woken(&self) {
        count(&self.shared.counts.wakeups, 1);
        let _ = rustix::io::read(&self.shared.wake, &mut [0u8; 8]);
    }

    fn watch(&mut self, fd: &OwnedFd) -> End {
        let mut writing = Writing::default();
        loop {
            if let Some(end) = self.desk_work(fd, &mut writing) {
                return end;
            }
            let flags = match self.sleep(fd, &writing) {
                Ok(flags) => flags,
                Err(why) => return End::Lost(why),
            };
            let gone = flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
            let held = self.shared.unheard.load(Ordering::Acquire) >= MOST;
            if held && gone {
                // It flooded and went: nobody waits for the rest of that.
                return End::Lost("hang-up: unplugged or switched off".into());
            }
            if (flags.contains(PollFlags::IN) || gone) && !held {
                // What was said before it went is still to be heard: HUP ends it only when nothing is left.
                match self.read(fd) {
                    Ok(true) => {}
                    Ok(false) if gone => return End::Lost("hang-up: unplugged or switched off".into()),
                    Ok(false) => {}
                    Err(why) => return End::Lost(why),
                }
            }
            if let Err(why) = self.write(fd, &mut writing) {
                return End::Lost(why);
            }
        }
    }

    /// Looks at what the handle left: stop, discard, new bytes.
    fn desk_work(&mut self, fd: &OwnedFd, writing: &mut Writing) -> Option<End> {
        let mut desk = self.shared.desk();
        if desk.stop {
            return Some(End::Stop);
        }
        if std::mem::take(&mut desk.discard) {
            desk.queue.clear();
            desk.bytes = 0;
            *writing = Writing::default();
            let _ = rustix::termios::tcflush(fd, QueueSelector::OFlush);
        }
        if writing.since.is_none()
            && let Some(next) = desk.queue.pop_front()
        {
            *writing = Writing { bytes: next, at: 0, since: Some((self.now)()), stalled: false };
        }
        None
    }

    fn sleep(&self, fd: &OwnedFd, writing: &Writing) -> Result<PollFlags, String> {
        let mut want = PollFlags::empty();
        let held = self.shared.unheard.load(Ordering::Acquire) >= MOST;
        want.set(PollFlags::IN, !held);
        if held {
            count(&self.shared.counts.held, 1);
        }
        let mut timeout = None;
        if let Some(since) = writing.since {
            want |= PollFlags::OUT;
            if !writing.stalled {
                let limit = since.saturating_add(millis(self.config.write_timeout));
                timeout = Some(timespec(limit.saturating_sub((self.now)()).max(1)));
            }
        }
        let mut fds = [PollFd::new(fd, want), PollFd::new(&self.shared.wake, PollFlags::IN)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(e.to_string()),
        }
        let flags = fds[0].revents();
        self.woken();
        Ok(flags)
    }

    /// One read. True: something was read.
    fn read(&mut self, fd: &OwnedFd) -> Result<bool, String> {
        let mut buffer = [0u8; READ];
        let result = match rustix::io::read(fd, &mut buffer) {
            Ok(0) => Err("hang-up: unplugged or switched off".into()),
            Ok(n) => {
                count(&self.shared.counts.bytes_in, n as u64);
                let event =
                    PortEvent::Bytes { at_mono: (self.now)(), data: Heard::new(buffer[..n].to_vec(), &self.shared) };
                (self.on_event)(event);
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(e) => Err(format!("{e}: unplugged or switched off")),
        };
        // It may have been a card or a payment code.
        zeroize::Zeroize::zeroize(&mut buffer);
        result
    }

    fn write(&mut self, fd: &OwnedFd, writing: &mut Writing) -> Result<(), String> {
        let Some(since) = writing.since else { return Ok(()) };
        let mut went = false;
        for _ in 0..WRITES_A_TURN {
            let rest = &writing.bytes[writing.at..];
            if rest.is_empty() {
                break;
            }
            match rustix::io::write(fd, &rest[..rest.len().min(WRITE)]) {
                Ok(n) => {
                    count(&self.shared.counts.bytes_out, n as u64);
                    writing.at += n;
                    went |= n > 0;
                }
                Err(Errno::AGAIN | Errno::INTR) => break,
                Err(e) => return Err(format!("{e}: unplugged or switched off")),
            }
        }
        let now = (self.now)();
        if writing.at == writing.bytes.len() {
            let len = writing.bytes.len();
            *writing = Writing::default();
            let mut desk = self.shared.desk();
            desk.bytes = desk.bytes.saturating_sub(len);
            drop(desk);
            (self.on_event)(PortEvent::Written { len });
        } else if went {
            writing.since = Some(now);
            writing.stalled = false;
        } else if !writing.stalled && now >= since.saturating_add(millis(self.config.write_timeout)) {
            writing.stalled = true;
            count(&self.shared.counts.stalls, 1);
            let pending = self.shared.desk().bytes.saturating_sub(writing.at);
            (self.on_event)(PortEvent::WriteStalled { pending });
        }
        Ok(())
    }
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

fn timespec(ms: u64) -> Timespec {
    // A day at most: poll takes no more everywhere.
    let ms = ms.min(86_400_000);
    Timespec { tv_sec: (ms / 1000) as _, tv_nsec: (ms % 1000 * 1_000_000) as _ }
}
