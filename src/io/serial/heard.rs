//! Bytes from a port on their way to whoever decodes them, counted until he has done with them.
//!
//! A device that floods must fill its own line, not this program's memory: while [`MOST`] bytes are unheard the port's thread reads no
//! more, and the kernel's buffer pushes back.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;

/// Bytes of one port that may be under way; a stripe or a status is some hundred.
pub(super) const MOST: usize = 64 * 1024;

/// Bytes that a port gave. They are wiped when dropped (they may have been a card), and only then count as heard.
pub struct Heard {
    bytes: Vec<u8>,
    shared: Arc<Shared>,
}

impl Heard {
    pub(super) fn new(bytes: Vec<u8>, shared: &Arc<Shared>) -> Self {
        shared.unheard.fetch_add(bytes.len(), Ordering::AcqRel);
        Self { bytes, shared: Arc::clone(shared) }
    }
}

impl Deref for Heard {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let len = self.bytes.len();
        zeroize::Zeroize::zeroize(&mut self.bytes);
        let before = self.shared.unheard.fetch_sub(len, Ordering::AcqRel);
        if before >= MOST && before - len < MOST {
            self.shared.wake();
        }
    }
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Heard({} bytes)", self.bytes.len())
    }
}

impl PartialEq for Heard {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Heard {}
