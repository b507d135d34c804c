//! The writer's queue: bounded for whoever asks from outside, open for what lanes report, so that a flood at the counter cannot
//! keep an answer of the acquirer out.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::core::acquirer::Report;
use crate::core::domain::{Refusal, TerminalId};
use crate::core::ports::{Command, Reply, Respond};
use crate::io::store::SqliteStore;
use crate::io::vault::Vault;

/// The writer over the store and the vault that a till uses.
pub type TillWriter = crate::core::ledger::Writer<SqliteStore, Vault>;

/// How many commands wait at most (then 503 `busy`).
pub const QUEUE: usize = 1024;
/// How many are decided in one commit at most.
pub const GROUP: usize = 256;

/// One thing for the writer's thread.
pub enum Ask {
    /// Decide this, and give the answer.
    Command(Box<Command>, Respond<Reply>),
    /// What a lane reports; nobody waits for it.
    Report(TerminalId, Box<Report>),
    /// Look at the state, or write a side row, between two steps.
    Look(Box<dyn FnOnce(&mut TillWriter) + Send>),
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Ask::Command(..) => "Command",
            Ask::Report(..) => "Report",
            Ask::Look(..) => "Look",
        })
    }
}

/// What is worth waiting for before a commit. Those that were answered a moment ago are about to ask again: without a pause two halves of a crowd
/// would take turns, and each pay for a flush of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crowd {
    /// No more than so many can come.
    pub size: usize,
    /// No longer than this.
    pub pause: Duration,
}

impl Crowd {
    /// A flush that is quicker than this is not worth waiting beside.
    const SLOW: Duration = Duration::from_millis(2);
    /// A disk that stalls is no reason to wait longer.
    const LONGEST: Duration = Duration::from_millis(5);

    /// After a commit that took so long: a sixteenth of it, where more than one is at the counter.
    #[must_use]
    pub fn after(commit: Duration, asked: usize) -> Crowd {
        if asked < 2 || commit < Crowd::SLOW {
            return Crowd::default();
        }
        Crowd { size: asked, pause: (commit / 16).min(Crowd::LONGEST) }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Ask>,
    stopped: bool,
}

/// The queue, shared.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<(Mutex<Queue>, Condvar)>);

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while it was held left a queue that is still a queue.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the writer; refused at once where the queue is full or the daemon stops.
    pub fn command(&self, command: Command, respond: Respond<Reply>) {
        let mut queue = self.lock();
        let refusal = if queue.stopped {
            Some(Refusal::Stopping)
        } else if queue.waiting.len() >= QUEUE {
            Some(Refusal::Busy)
        } else {
            None
        };
        match refusal {
            Some(refusal) => {
                drop(queue);
                respond(Err(refusal.into()));
            }
            None => {
                queue.waiting.push_back(Ask::Command(Box::new(command), respond));
                self.0.1.notify_one();
            }
        }
    }

    /// Hands over what a lane reports. Its number is bounded by the lanes: each has one order under way.
    pub fn report(&self, terminal: TerminalId, report: Report) {
        self.lock().waiting.push_back(Ask::Report(terminal, Box::new(report)));
        self.0.1.notify_one();
    }

    /// Runs something on the writer's thread. After a stop it is dropped, with whatever it would have answered.
    pub fn look(&self, look: impl FnOnce(&mut TillWriter) + Send + 'static) {
        let mut queue = self.lock();
        if !queue.stopped {
            queue.waiting.push_back(Ask::Look(Box::new(look)));
            self.0.1.notify_one();
        }
    }

    /// Takes at most [`GROUP`], after waiting at most `patience` for the first, and for the rest of a crowd as [`Crowd`] says. `None` once stopped and
    /// empty.
    pub fn take(&self, patience: Duration, crowd: Crowd) -> Option<Vec<Ask>> {
        let mut queue = self.lock();
        if queue.waiting.is_empty() && !queue.stopped {
            queue = self.0.1.wait_timeout(queue, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        let begun = Instant::now();
        while !queue.stopped && (1..crowd.size).contains(&queue.waiting.len()) {
            let Some(left) = crowd.pause.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else { break };
            queue = self.0.1.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if queue.waiting.is_empty() && queue.stopped {
            return None;
        }
        let n = queue.waiting.len().min(GROUP);
        Some(queue.waiting.drain(..n).collect())
    }

    /// How many wait now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Whether none waits now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No more is taken; what waits is still done.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.0.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_crowd_at_a_slow_disk_is_waited_for_and_never_for_long() {
        let ms = Duration::from_millis;
        assert_eq!(Crowd::after(ms(20), 1).size, 0, "one alone");
        assert_eq!(Crowd::after(ms(1), 64).size, 0, "a quick disk");
        assert_eq!((Crowd::after(ms(20), 64).size, Crowd::after(ms(20), 64).pause), (64, Duration::from_micros(1250)));
        assert_eq!(Crowd::after(ms(900), 64).pause, ms(5), "a disk that stalls");
    }

    #[test]
    fn a_crowd_that_is_all_there_and_a_stop_are_not_waited_for() {
        let inbox = Inbox::default();
        let crowd = Crowd { size: 2, pause: Duration::from_secs(3_600) };
        inbox.look(|_| {});
        inbox.look(|_| {});
        assert_eq!(inbox.take(Duration::ZERO, crowd).unwrap().len(), 2);
        inbox.look(|_| {});
        let waiting = std::thread::spawn({
            let inbox = inbox.clone();
            move || inbox.take(Duration::ZERO, crowd).map(|asks| asks.len())
        });
        inbox.stop();
        assert_eq!(waiting.join().unwrap(), Some(1));
        assert!(inbox.take(Duration::ZERO, crowd).is_none());
    }
}
