//! Who is told of commits: the API's events. The writer's thread calls them, so each returns at once, and there are few.

use std::sync::{Arc, Mutex, PoisonError};

use crate::core::ports::{Committed, Listener};

/// Listeners at once. The API has one, however many clients it serves; of those before it what wants no more goes at the next commit.
const MOST: usize = 8;

/// A list that the writer's outlet and the desk share.
#[derive(Clone, Default)]
pub struct Listeners(Arc<Mutex<Vec<Listener>>>);

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listeners")
    }
}

impl Listeners {
    /// Takes one more; the oldest of too many goes.
    pub fn add(&self, listener: Listener) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            drop(all.remove(0));
        }
        all.push(listener);
    }

    /// Tells all, and forgets those that want no more.
    pub fn tell(&self, committed: &Committed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|listener| listener(committed));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::core::domain::Seq;

    /// In a quiet hour nobody is told anything, and nobody is forgotten.
    #[test]
    fn whoever_comes_last_is_told_however_many_came_and_went_before_the_first_commit() {
        let (listeners, told) = (Listeners::default(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..50 {
            listeners.add(Box::new(|_| false));
        }
        let heard = Arc::clone(&told);
        listeners.add(Box::new(move |_| heard.fetch_add(1, Ordering::Relaxed) < 5));
        let committed =
            Committed { head: Seq(1), link: [0; 32], terminals: Vec::new(), rung: false, payments: Vec::new() };
        for _ in 0..3 {
            listeners.tell(&committed);
        }
        assert_eq!(told.load(Ordering::Relaxed), 3);
    }
}
