//! A serial line without hardware: a pty under a stable name, and the thread that serves a stand-in on it.
//!
//! The stable name is a symbolic link, as udev makes them: unplugging takes link and pty away, plugging in makes a new pty
//! under the same name.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::io::work;
use nix::sys::termios;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;

/// One pty; the stand-in holds the master, the daemon opens the link.
#[derive(Debug)]
pub struct Pty {
    master: OwnedFd,
    /// Held open: a master whose slave nobody holds is in hang-up, and a poll on it spins.
    _slave: OwnedFd,
    name: PathBuf,
    link: PathBuf,
}

impl Pty {
    /// A new pty in raw mode, with `link` leading to it; an old link there is replaced.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(link: &Path) -> std::io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let name = PathBuf::from(name.to_string_lossy().into_owned());
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&name, flags, Mode::empty())?;
        // The old calls of the C library: they also work where TCGETS2 is missing.
        let mut t = termios::tcgetattr(slave.as_raw_fd())?;
        termios::cfmakeraw(&mut t);
        termios::tcsetattr(slave.as_raw_fd(), termios::SetArg::TCSANOW, &t)?;
        let fresh = link.with_extension("new-pty");
        let _ = std::fs::remove_file(&fresh);
        std::os::unix::fs::symlink(&name, &fresh)?;
        std::fs::rename(&fresh, link)?;
        Ok(Self { master, _slave: slave, name, link: link.to_owned() })
    }

    /// The stable name.
    pub fn link(&self) -> &Path {
        &self.link
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if std::fs::read_link(&self.link).is_ok_and(|to| to == self.name) {
            let _ = std::fs::remove_file(&self.link);
        }
    }
}

/// What stands behind a pty.
pub trait Device: Send + 'static {
    /// How many bytes it takes now; 0 = it holds its handshake line. The line then fills up behind it.
    fn room(&self) -> usize {
        4096
    }
    /// Bytes from the host.
    fn receive(&mut self, bytes: &[u8]);
    /// Bytes for the host.
    fn take_output(&mut self) -> Vec<u8>;
    /// Whether it works on with time; then [`Device::elapse`] is called.
    fn working(&self) -> bool {
        false
    }
    /// About so many ms passed.
    fn elapse(&mut self, _ms: u64) {}
    /// The cable was pulled.
    fn unplugged(&mut self) {}
}

/// A stand-in served by a thread of its own.
#[derive(Debug)]
pub struct Stand<D> {
    device: Arc<Mutex<D>>,
    line: Arc<Line>,
    link: PathBuf,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Line {
    wake: OwnedFd,
    state: Mutex<LineState>,
}

#[derive(Debug)]
struct LineState {
    pty: Option<Arc<Pty>>,
    stop: bool,
}

/// Plain data behind these locks: a panic elsewhere leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Device> Stand<D> {
    /// Plugs a stand-in in under `link`.
    ///
    /// # Errors
    /// What the system says (no pty, the link's folder is missing).
    pub fn start(device: D, link: &Path) -> std::io::Result<Self> {
        let pty = Some(Arc::new(Pty::open(link)?));
        let wake = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let line = Arc::new(Line { wake, state: Mutex::new(LineState { pty, stop: false }) });
        let device = Arc::new(Mutex::new(device));
        let (d, l) = (Arc::clone(&device), Arc::clone(&line));
        let thread = work::thread("stand-in", move || serve(&d, &l))?;
        Ok(Self { device, line, link: link.to_owned(), thread: Some(thread) })
    }

    /// The stable name for the configuration.
    pub fn link(&self) -> &Path {
        &self.link
    }

    /// Looks at or changes the stand-in; what it then has to say goes out.
    pub fn with<R>(&self, f: impl FnOnce(&mut D) -> R) -> R {
        let result = f(&mut lock(&self.device));
        self.wake();
        result
    }

    /// Pulls the cable: the link is gone, the daemon sees a hang-up.
    pub fn unplug(&self) {
        let pty = lock(&self.line.state).pty.take();
        if let Some(pty) = &pty {
            let _ = std::fs::remove_file(pty.link());
        }
        lock(&self.device).unplugged();
        self.wake();
    }

    /// Plugs it in again, as another pty under the same name.
    ///
    /// # Errors
    /// What the system says.
    pub fn plug(&self) -> std::io::Result<()> {
        let pty = Arc::new(Pty::open(&self.link)?);
        lock(&self.line.state).pty = Some(pty);
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.line.wake, &1u64.to_ne_bytes());
    }
}

impl<D> Drop for Stand<D> {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.line.state);
            state.stop = true;
            state.pty = None;
        }
        let _ = rustix::io::write(&self.line.wake, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Time between two turns of a stand-in that works.
const TURN_MS: u64 = 10;

fn serve<D: Device>(device: &Mutex<D>, line: &Line) {
    let mut pending: Vec<u8> = Vec::new();
    let mut served: Option<Arc<Pty>> = None;
    loop {
        let pty = {
            let state = lock(&line.state);
            if state.stop {
                return;
            }
            state.pty.clone()
        };
        if !same(&served, &pty) {
            pending.clear();
            served.clone_from(&pty);
        }
        let (room, working) = {
            let mut d = lock(device);
            pending.extend(d.take_output());
            (d.room(), d.working())
        };
        if pty.is_none() {
            pending.clear();
        }
        let ready = wait(line, pty.as_deref(), room > 0, !pending.is_empty(), working);
        if let Some(pty) = pty.as_deref() {
            exchange(device, pty, ready, room, &mut pending);
        }
        if working {
            lock(device).elapse(TURN_MS);
        }
    }
}

fn same(a: &Option<Arc<Pty>>, b: &Option<Arc<Pty>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn wait(line: &Line, pty: Option<&Pty>, read: bool, write: bool, working: bool) -> PollFlags {
    let mut want = PollFlags::empty();
    want.set(PollFlags::IN, read);
    want.set(PollFlags::OUT, write);
    let turn = Duration::from_millis(TURN_MS);
    let timeout = working.then(|| Timespec { tv_sec: 0, tv_nsec: turn.subsec_nanos() as _ });
    let mut fds = vec![PollFd::new(&line.wake, PollFlags::IN)];
    if let Some(pty) = pty {
        fds.push(PollFd::new(&pty.master, want));
    }
    let _ = rustix::event::poll(&mut fds, timeout.as_ref());
    let ready = fds.get(1).map_or(PollFlags::empty(), |f| f.revents());
    let _ = rustix::io::read(&line.wake, &mut [0u8; 8]);
    ready
}

fn exchange<D: Device>(device: &Mutex<D>, pty: &Pty, ready: PollFlags, room: usize, pending: &mut Vec<u8>) {
    if ready.contains(PollFlags::IN) && room > 0 {
        let mut buffer = [0u8; 4096];
        let end = room.min(buffer.len());
        match rustix::io::read(&pty.master, &mut buffer[..end]) {
            Ok(n) => lock(device).receive(&buffer[..n]),
            Err(Errno::AGAIN | Errno::INTR | Errno::IO) => {}
            Err(e) => log::warn!("stand-in at {}: {e}", pty.link.display()),
        }
    }
    if ready.contains(PollFlags::OUT)
        && let Ok(n) = rustix::io::write(&pty.master, pending)
    {
        pending.drain(..n);
    }
}
