//! Who is told of commits: the API's events. The writer's thread calls them, so each returns at once, and there are few.

use std::sync::{Arc, Mutex, PoisonError};

use crate::core::ports::{Committed, Listener};

/// Listeners at once. The API has one, however many clients it serves.
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
    /// Takes one more, if there is room.
    pub fn add(&self, listener: Listener) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(listener);
        } else {
            log::warn!("{MOST} listeners hear of commits already; one more is not taken");
        }
    }

    /// Tells all, and forgets those that want no more.
    pub fn tell(&self, committed: &Committed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|listener| listener(committed));
    }
}
