//! A bar for what takes longer than a second: on standard error, only where that is a terminal, and gone when the work is done.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is shown only once the work has taken so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// One piece of work.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    shown: bool,
}

impl Progress {
    /// Of so many steps.
    pub fn over(steps: u64, what: &str) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(steps.max(1)), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {percent:>3}% {human_pos}/{human_len} {eta}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        Progress { bar, shown: false }
    }

    /// So far.
    pub fn at(&mut self, step: u64) {
        if !self.shown && self.bar.elapsed() >= PATIENCE {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
        }
        self.bar.set_position(step);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows that something goes on, and for how long already, while it is waited for.
pub(super) async fn waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    tokio::pin!(work);
    let done = tokio::select! {
        done = &mut work => Some(done),
        () = tokio::time::sleep(PATIENCE) => None,
    };
    let done = match done {
        Some(done) => done,
        None => {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(250));
            work.await
        }
    };
    bar.finish_and_clear();
    done
}

/// The same for work that keeps its thread busy: the bar is drawn by a thread of its own.
pub(super) async fn shown<T>(what: &str, work: impl Future<Output = T>) -> T {
    let bar = ticking(what);
    let done = work.await;
    bar.finish_and_clear();
    done
}

/// The same for work that waits for nothing.
pub(super) fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let bar = ticking(what);
    let done = work();
    bar.finish_and_clear();
    done
}

fn ticking(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // Its first picture comes after the first tick.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(PATIENCE);
    bar
}
