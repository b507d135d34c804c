//! What a disk may hold after the power went: everything synced, and of what was not synced any sectors at all, in any order, torn at 512 bytes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chance::Chance;
use crate::disk::{Image, Op, apply_write};

/// A device writes a sector whole or not at all.
const SECTOR: usize = 512;

/// Follows a log and says what would be left.
#[derive(Debug, Default)]
pub struct Replayer {
    durable: Image,
    /// Since each file's last sync, in order.
    pending: HashMap<Arc<str>, Vec<Op>>,
    /// Deleted, and the folder not synced: the name may come back.
    limbo: Image,
}

/// How the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing that was not synced is left.
    AllLost,
    /// Everything is left: the cache was written out just in time.
    AllKept,
    /// All is left but the end of the last write.
    LastTorn,
    /// Each sector with this chance in eight; those that lie beyond the old end may hold anything.
    Sectors(u64),
    /// Only the last writes are left, the earlier ones are not.
    LateOnes,
}

impl Cut {
    /// The n-th way to lose power at one moment.
    pub fn nth(n: u64, chance: &mut Chance) -> Cut {
        match n {
            0 => Cut::AllLost,
            1 => Cut::AllKept,
            2 => Cut::LastTorn,
            3 => Cut::LateOnes,
            _ => Cut::Sectors(1 + chance.below(7)),
        }
    }
}

impl Replayer {
    /// From a disk that holds this.
    pub fn over(durable: Image) -> Replayer {
        Replayer { durable, ..Replayer::default() }
    }

    pub fn follow(&mut self, op: &Op) {
        match op {
            Op::Write { file, .. } | Op::Truncate { file, .. } => {
                self.limbo.remove(file);
                self.pending.entry(Arc::clone(file)).or_default().push(op.clone());
            }
            Op::Sync { file } => {
                let bytes = self.durable.entry(Arc::clone(file)).or_default();
                for op in self.pending.remove(file).unwrap_or_default() {
                    whole(bytes, &op);
                }
            }
            Op::Delete { file, durable } => {
                self.pending.remove(file);
                if let Some(bytes) = self.durable.remove(file)
                    && !durable
                {
                    self.limbo.insert(Arc::clone(file), bytes);
                }
            }
            Op::SyncFolder => self.limbo.clear(),
            Op::Mark(_) => {}
        }
    }

    /// Whether there is anything to lose here.
    pub fn at_rest(&self) -> bool {
        self.pending.is_empty() && self.limbo.is_empty()
    }

    /// What is left of it.
    pub fn cut(&self, cut: Cut, chance: &mut Chance) -> Image {
        let mut image = self.durable.clone();
        for (file, bytes) in &self.limbo {
            if cut != Cut::AllKept && !image.contains_key(file) && chance.one_in(2) {
                image.insert(Arc::clone(file), bytes.clone());
            }
        }
        for (file, ops) in &self.pending {
            if cut == Cut::AllLost {
                // A file that was never synced is not even there.
                continue;
            }
            let bytes = image.entry(Arc::clone(file)).or_default();
            let first_kept = if cut == Cut::LateOnes { chance.below(ops.len() as u64 + 1) } else { 0 };
            for (n, op) in (0u64..).zip(ops) {
                let last = n + 1 == ops.len() as u64;
                match cut {
                    Cut::AllLost => {}
                    Cut::AllKept => whole(bytes, op),
                    Cut::LastTorn if last => torn(bytes, op, chance),
                    Cut::LastTorn => whole(bytes, op),
                    Cut::LateOnes if n < first_kept => {}
                    Cut::LateOnes => whole(bytes, op),
                    Cut::Sectors(eighths) => sectors(bytes, op, eighths, chance),
                }
            }
        }
        image
    }
}

fn whole(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { at, bytes: new, .. } => apply_write(bytes, *at, new),
        Op::Truncate { size, .. } => bytes.resize(*size, 0),
        _ => {}
    }
}

/// The first sectors of it.
fn torn(bytes: &mut Vec<u8>, op: &Op, chance: &mut Chance) {
    let Op::Write { at, bytes: new, .. } = op else { return };
    let cuts: Vec<usize> = (1..new.len()).filter(|n| (at + n).is_multiple_of(SECTOR)).collect();
    let end = if cuts.is_empty() { 0 } else { *chance.of(&cuts) };
    if end > 0 {
        apply_write(bytes, *at, &new[..end]);
    }
}

/// Some sectors of it. A lost one beyond the old end reads as zeros, or as whatever lay there before: the file's size was written, its contents
/// were not.
fn sectors(bytes: &mut Vec<u8>, op: &Op, eighths: u64, chance: &mut Chance) {
    let Op::Write { at, bytes: new, .. } = op else {
        if chance.below(8) < eighths {
            whole(bytes, op);
        }
        return;
    };
    let mut from = 0;
    while from < new.len() {
        let to = ((at + from) / SECTOR * SECTOR + SECTOR - at).min(new.len());
        if chance.below(8) < eighths {
            apply_write(bytes, at + from, &new[from..to]);
        } else if bytes.len() <= at + from && chance.one_in(4) {
            let old: Vec<u8> = (from..to).map(|_| chance.next().to_le_bytes()[0]).collect();
            apply_write(bytes, at + from, &old);
        }
        from = to;
    }
}
