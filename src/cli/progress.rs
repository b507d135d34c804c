//! A line for what takes longer than a second: on standard error, only where that is a terminal, and gone when the work is done.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is shown only once the work has taken so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a bar is drawn anew.
const REDRAW: Duration = Duration::from_millis(250);
const WIDTH: u64 = 40;

/// One piece of work of which it is known how far it is.
#[derive(Debug)]
pub(super) struct Progress {
    steps: u64,
    what: String,
    began: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// Of so many steps.
    pub fn over(steps: u64, what: &str) -> Progress {
        let shown = std::io::stderr().is_terminal();
        Progress { steps: steps.max(1), what: what.to_owned(), began: Instant::now(), drawn: None, shown }
    }

    /// So far.
    pub fn at(&mut self, step: u64) {
        let elapsed = self.began.elapsed();
        if !self.shown || elapsed < PATIENCE || self.drawn.is_some_and(|drawn| drawn.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        draw(&bar(&self.what, step.min(self.steps), self.steps, elapsed.as_secs()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            draw("");
        }
    }
}

/// `verifying [=====>     ] 42% 420000/1000000, 7 s left`
fn bar(what: &str, step: u64, steps: u64, seconds: u64) -> String {
    let part = |of: u64| u64::try_from(u128::from(step) * u128::from(of) / u128::from(steps)).unwrap_or(of);
    let (mut line, done) = (format!("{what} ["), part(WIDTH));
    for place in 0..WIDTH {
        line.push(if place < done {
            '='
        } else if place == done {
            '>'
        } else {
            ' '
        });
    }
    line.push_str(&format!("] {}% {step}/{steps}", part(100)));
    if step > 0 {
        let left = u128::from(seconds) * u128::from(steps - step) / u128::from(step);
        line.push_str(&format!(", {left} s"));
    }
    line
}

/// In the place of what stood in the line before. A terminal that is gone is no reason to stop the work.
fn draw(line: &str) {
    let _ = write!(std::io::stderr(), "\r\x1b[K{line}").and_then(|()| std::io::stderr().flush());
}

/// Shows that something goes on, and for how long already, by a thread of its own: until it is dropped.
struct Ticking {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Ticking {
    fn begin(what: &str) -> Ticking {
        let (stop, stopped) = channel();
        let what = what.to_owned();
        let thread = std::io::stderr().is_terminal().then(|| std::thread::spawn(move || tick(&what, &stopped)));
        Ticking { running: thread.map(|thread| (stop, thread)) }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn tick(what: &str, stopped: &Receiver<()>) {
    let began = Instant::now();
    while stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
        draw(&format!("{what} {} s", began.elapsed().as_secs()));
    }
    if began.elapsed() >= PATIENCE {
        draw("");
    }
}

/// Work that is waited for.
pub(super) async fn waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    let _line = Ticking::begin(what);
    work.await
}

/// Work that waits for nothing.
pub(super) fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let _line = Ticking::begin(what);
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is_and_how_long_it_will_take() {
        let half = format!("verifying [{}>{}] 50% 500/1000, 8 s", "=".repeat(20), " ".repeat(19));
        assert_eq!(bar("verifying", 500, 1000, 8), half);
        assert_eq!(bar("x", 0, 7, 1), format!("x [>{}] 0% 0/7", " ".repeat(39)));
        assert_eq!(bar("x", 7, 7, 3), format!("x [{}] 100% 7/7, 0 s", "=".repeat(40)));
        assert!(
            bar("x", u64::MAX, u64::MAX, u64::MAX).ends_with("100% 18446744073709551615/18446744073709551615, 0 s")
        );
    }
}
