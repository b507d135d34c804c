//! A screen that a command may leave open: the terminal's other page, one picture after the other, keys without Enter. Whatever ends it, the
//! terminal is put back as it was.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use super::failure::Failure;
use crate::daemon::exit::Exit;

/// What a person did while a picture stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Nothing, until the time was over.
    None,
    /// Any key: look again at once.
    Refresh,
    /// q, Esc, Ctrl-C, or the terminal went away.
    Quit,
}

/// The terminal while it shows the other page.
#[derive(Debug)]
pub(super) struct Screen {
    before: Termios,
}

impl Screen {
    /// Turns the page. Both standard input and output must be a terminal.
    pub fn open() -> Result<Screen, Failure> {
        let no_terminal = |_| Failure::new(Exit::Usage, "--watch needs a terminal; without one use --json in a loop");
        termios::tcgetwinsize(rustix::stdio::stdout()).map_err(no_terminal)?;
        let before = termios::tcgetattr(rustix::stdio::stdin()).map_err(no_terminal)?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw).map_err(no_terminal)?;
        let screen = Screen { before };
        // No wrapping: a line that is too long is cut by the terminal.
        screen.write("\x1b[?1049h\x1b[?25l\x1b[?7l")?;
        Ok(screen)
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        let size = termios::tcgetwinsize(rustix::stdio::stdout());
        size.map_or((80, 24), |size| (usize::from(size.ws_col).max(20), usize::from(size.ws_row).max(5)))
    }

    /// Draws a picture: lines that do not fit are cut at the bottom, and nothing of the last one is left.
    pub fn draw(&self, picture: &str) -> Result<(), Failure> {
        let (_, rows) = self.size();
        let mut out = String::from("\x1b[H");
        for (index, line) in picture.lines().take(rows).enumerate() {
            if index > 0 {
                out.push_str("\r\n");
            }
            out.push_str(line);
            out.push_str("\x1b[0m\x1b[K");
        }
        out.push_str("\x1b[J");
        self.write(&out)
    }

    /// Waits for a key, at most so long.
    pub fn key(&self, wait: Duration) -> Key {
        let timeout =
            Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(1), tv_nsec: wait.subsec_nanos().into() };
        let stdin = rustix::stdio::stdin();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => Key::None,
            // The window changed its size.
            Err(rustix::io::Errno::INTR) => Key::Refresh,
            Err(_) => Key::Quit,
            Ok(_) => {
                let mut bytes = [0; 16];
                match rustix::io::read(stdin, &mut bytes) {
                    Ok(1..) if !matches!(bytes[..2], [b'q' | b'Q' | 3 | 4, _] | [27, 0]) => Key::Refresh,
                    _ => Key::Quit,
                }
            }
        }
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| match e.kind() {
            ErrorKind::BrokenPipe => Failure::quiet(),
            _ => Failure::new(Exit::Io, e.to_string()),
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The terminal may be gone: there is nobody to tell.
        let _ = self.write("\x1b[?7h\x1b[?25h\x1b[?1049l");
        let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}
