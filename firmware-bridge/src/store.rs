//! What a bridge keeps across power-off: the keys and the mark, each a small record. [`Store`] is what the bridge asks for;
//! [`Ram`] forgets at power-off; [`TwoSlots`] keeps each record twice on any [`Medium`] (FRAM, EEPROM, flash), so that a torn write
//! leaves the one before.

use heapless::Vec;
use thiserror::Error;
use zeroize::Zeroize;

use crate::wire::{Mark, Refusal, crc16};

/// The records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// The master key and its code.
    Keys,
    /// The marks of the terminals.
    Marks,
}

impl Record {
    /// The longest record, in bytes.
    pub const LONGEST: usize = 232;
}

/// What storage cannot do.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// There is no such record, or none that is whole.
    #[error("no record")]
    None,
    /// Longer than the room for it.
    #[error("too long for its place")]
    TooLong,
    /// The medium failed.
    #[error("the medium failed")]
    Medium,
}

/// Storage of whole records. A record that was saved is there after power-off, or the one before it is; never a mixture.
pub trait Store {
    /// Copies the record to the front of `buf` and gives its length.
    fn load(&mut self, record: Record, buf: &mut [u8]) -> Result<usize, StoreError>;
    /// Replaces the record; when this returns, it is kept.
    fn save(&mut self, record: Record, bytes: &[u8]) -> Result<(), StoreError>;
}

/// A store that forgets at power-off: for stand-ins, tests, and boards without storage.
pub struct Ram {
    keys: Vec<u8, { Record::LONGEST }>,
    marks: Vec<u8, { Record::LONGEST }>,
}

impl Ram {
    /// Nothing kept yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: Vec::new(), marks: Vec::new() }
    }
}

impl Default for Ram {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Ram {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ram").field("keys", &self.keys.len()).field("marks", &self.marks.len()).finish()
    }
}

impl Drop for Ram {
    fn drop(&mut self) {
        self.keys.zeroize();
    }
}

impl Store for Ram {
    fn load(&mut self, record: Record, buf: &mut [u8]) -> Result<usize, StoreError> {
        let kept = if record == Record::Keys { &self.keys } else { &self.marks };
        if kept.is_empty() {
            return Err(StoreError::None);
        }
        buf.get_mut(..kept.len()).ok_or(StoreError::TooLong)?.copy_from_slice(kept);
        Ok(kept.len())
    }

    fn save(&mut self, record: Record, bytes: &[u8]) -> Result<(), StoreError> {
        let kept = if record == Record::Keys { &mut self.keys } else { &mut self.marks };
        kept.zeroize();
        kept.extend_from_slice(bytes).map_err(|_| StoreError::TooLong)
    }
}

/// A medium of four areas of [`AREA`] bytes. A write may be torn by power-off; what lies in another area stays.
pub trait Medium {
    /// Reads `buf.len()` bytes from the start of an area (0 to 3).
    fn read(&mut self, area: u8, buf: &mut [u8]) -> Result<(), StoreError>;
    /// Writes to the start of an area, and returns when it is kept.
    fn write(&mut self, area: u8, bytes: &[u8]) -> Result<(), StoreError>;
}

const HEAD: usize = 7;
/// The size of an area of a [`Medium`]: generation (u32), length (u8), check sum (u16), record.
pub const AREA: usize = HEAD + Record::LONGEST;

/// Each record in two areas, written in turn: generation, length and check sum tell which is the newest whole one.
#[derive(Debug)]
pub struct TwoSlots<M>(M);

impl<M: Medium> TwoSlots<M> {
    /// Over a medium, whatever lies on it.
    pub const fn new(medium: M) -> Self {
        Self(medium)
    }

    /// The medium back.
    pub fn free(self) -> M {
        self.0
    }

    /// The generation and length of the record in an area, if it is whole; `buf` then holds the area.
    fn whole(&mut self, area: u8, buf: &mut [u8; AREA]) -> Result<Option<(u32, usize)>, StoreError> {
        self.0.read(area, buf)?;
        let [g0, g1, g2, g3, len, c0, c1, record @ ..] = &*buf;
        let generation = u32::from_le_bytes([*g0, *g1, *g2, *g3]);
        let Some(record) = record.get(..usize::from(*len)) else {
            return Ok(None);
        };
        let sound = check(generation, record) == u16::from_le_bytes([*c0, *c1]) && !record.is_empty();
        Ok(sound.then_some((generation, record.len())))
    }

    /// The area with the newest whole record, and its generation.
    fn newest(&mut self, record: Record, buf: &mut [u8; AREA]) -> Result<Option<(u8, u32)>, StoreError> {
        let first = if record == Record::Keys { 0 } else { 2 };
        let a = self.whole(first, buf)?.map(|(generation, _)| (first, generation));
        let b = self.whole(first + 1, buf)?.map(|(generation, _)| (first + 1, generation));
        Ok(match (a, b) {
            (Some(a), Some(b)) => Some(if b.1.wrapping_sub(a.1) as i32 > 0 { b } else { a }),
            (a, b) => a.or(b),
        })
    }
}

fn check(generation: u32, record: &[u8]) -> u16 {
    // The sum of an area of zeros or ones must not be sound.
    crc16(record) ^ crc16(&generation.to_le_bytes()) ^ 0x7117
}

impl<M: Medium> Store for TwoSlots<M> {
    fn load(&mut self, record: Record, buf: &mut [u8]) -> Result<usize, StoreError> {
        let mut area = [0; AREA];
        let (newest, _) = self.newest(record, &mut area)?.ok_or(StoreError::None)?;
        let found = self.whole(newest, &mut area)?.ok_or(StoreError::None);
        let copied = found.and_then(|(_, len)| {
            let from = area.get(HEAD..HEAD + len).ok_or(StoreError::None)?;
            buf.get_mut(..len).ok_or(StoreError::TooLong)?.copy_from_slice(from);
            Ok(len)
        });
        area.zeroize();
        copied
    }

    fn save(&mut self, record: Record, bytes: &[u8]) -> Result<(), StoreError> {
        let mut area = [0; AREA];
        let first = if record == Record::Keys { 0 } else { 2 };
        let (to, generation) = match self.newest(record, &mut area)? {
            Some((newest, generation)) => (first + (1 - (newest - first)), generation.wrapping_add(1)),
            None => (first, 1),
        };
        area.zeroize();
        let len = u8::try_from(bytes.len()).map_err(|_| StoreError::TooLong)?;
        let place = area.get_mut(HEAD..HEAD + bytes.len()).ok_or(StoreError::TooLong)?;
        place.copy_from_slice(bytes);
        let [g0, g1, g2, g3] = generation.to_le_bytes();
        let [c0, c1] = check(generation, bytes).to_le_bytes();
        area[..HEAD].copy_from_slice(&[g0, g1, g2, g3, len, c0, c1]);
        let written = self.0.write(to, area.get(..HEAD + bytes.len()).ok_or(StoreError::TooLong)?);
        area.zeroize();
        written?;
        // Keys do not stay behind in the older copy.
        if record == Record::Keys {
            self.0.write(first + (1 - (to - first)), &[0; AREA])?;
        }
        Ok(())
    }
}

const TERMINALS: usize = 8;

/// The marks of up to eight terminals. A mark only rises.
#[derive(Debug, Default)]
pub struct Marks(Vec<Mark, TERMINALS>);

impl Marks {
    /// No marks.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// What the store holds; nothing if it holds nothing whole.
    pub fn load(store: &mut impl Store) -> Self {
        let mut buf = [0; Record::LONGEST];
        let marks = store.load(Record::Marks, &mut buf).ok().and_then(|n| postcard::from_bytes(buf.get(..n)?).ok());
        Self(marks.unwrap_or_default())
    }

    /// The mark of a terminal.
    #[must_use]
    pub fn get(&self, tid: [u8; 8]) -> Option<Mark> {
        self.0.iter().find(|m| m.tid == tid).copied()
    }

    /// Raises a terminal's mark and keeps it. A sequence below the stored one is refused with it; the same one again is fine.
    pub fn put(&mut self, mark: Mark, store: &mut impl Store) -> Result<(), Refusal> {
        let mut new = self.0.clone();
        match new.iter_mut().find(|m| m.tid == mark.tid) {
            Some(old) if mark.sequence < old.sequence => return Err(Refusal::MarkBehind { stored: old.sequence }),
            Some(old) if *old == mark => return Ok(()),
            Some(old) => *old = mark,
            None => new.push(mark).map_err(|_| Refusal::Storage)?,
        }
        let mut buf = [0; Record::LONGEST];
        let used = postcard::to_slice(&new, &mut buf).map_err(|_| Refusal::Storage)?;
        store.save(Record::Marks, used).map_err(|_| Refusal::Storage)?;
        self.0 = new;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec as StdVec;

    /// Four areas in memory; a write is torn after so many bytes, once.
    struct Torn {
        areas: [[u8; AREA]; 4],
        tear_after: Option<usize>,
    }

    impl Medium for Torn {
        fn read(&mut self, area: u8, buf: &mut [u8]) -> Result<(), StoreError> {
            buf.copy_from_slice(&self.areas[usize::from(area)][..buf.len()]);
            Ok(())
        }

        fn write(&mut self, area: u8, bytes: &[u8]) -> Result<(), StoreError> {
            let kept = self.tear_after.map_or(bytes.len(), |n| n.min(bytes.len()));
            self.areas[usize::from(area)][..kept].copy_from_slice(&bytes[..kept]);
            match &mut self.tear_after {
                Some(n) if *n < bytes.len() => Err(StoreError::Medium),
                Some(n) => {
                    *n -= bytes.len();
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }

    fn load(store: &mut impl Store, record: Record) -> Option<StdVec<u8>> {
        let mut buf = [0; Record::LONGEST];
        store.load(record, &mut buf).ok().map(|n| buf[..n].to_vec())
    }

    fn mark(tid: u8, sequence: u64) -> Mark {
        Mark { tid: [tid; 8], sequence, batch: 1, stan: 2 }
    }

    proptest! {
        #[test]
        fn a_torn_write_leaves_the_record_before_it_or_the_new_one(
            fill: u8, saves in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..=Record::LONGEST), 1..6), tear in 0..2 * AREA, keys: bool
        ) {
            let record = if keys { Record::Keys } else { Record::Marks };
            let mut store = TwoSlots::new(Torn { areas: [[fill; AREA]; 4], tear_after: None });
            let (last, before) = saves.split_last().unwrap();
            for bytes in before {
                store.save(record, bytes).unwrap();
                let found = load(&mut store, record);
                prop_assert_eq!(found.as_ref(), Some(bytes));
            }
            store.0.tear_after = Some(tear);
            let saved = store.save(record, last);
            store.0.tear_after = None;
            let found = load(&mut store, record);
            let new = found.as_ref() == Some(last);
            prop_assert!(new || (saved.is_err() && found.as_ref() == before.last()));
            store.save(record, b"and on").unwrap();
            prop_assert_eq!(load(&mut store, record), Some(b"and on".to_vec()));
        }
    }

    #[test]
    fn an_empty_medium_of_any_colour_holds_nothing() {
        for fill in [0, 0xFF] {
            let mut store = TwoSlots::new(Torn { areas: [[fill; AREA]; 4], tear_after: None });
            assert_eq!((load(&mut store, Record::Keys), load(&mut store, Record::Marks)), (None, None));
        }
    }

    #[test]
    fn an_old_key_does_not_stay_behind() {
        let mut store = TwoSlots::new(Torn { areas: [[0; AREA]; 4], tear_after: None });
        store.save(Record::Keys, b"OLDOLDOLD").unwrap();
        store.save(Record::Keys, b"NEWNEWNEW").unwrap();
        let medium = store.free();
        assert!(!medium.areas.iter().any(|a| a.windows(3).any(|w| w == b"OLD")));
    }

    #[test]
    fn a_mark_only_rises_and_survives() {
        let mut store = Ram::default();
        let mut marks = Marks::load(&mut store);
        marks.put(mark(1, 10), &mut store).unwrap();
        marks.put(mark(1, 10), &mut store).unwrap();
        marks.put(mark(1, 11), &mut store).unwrap();
        assert_eq!(marks.put(mark(1, 10), &mut store), Err(Refusal::MarkBehind { stored: 11 }));
        let marks = Marks::load(&mut store);
        assert_eq!((marks.get([1; 8]), marks.get([2; 8])), (Some(mark(1, 11)), None));
    }

    #[test]
    fn eight_terminals_fit_with_the_largest_numbers_and_a_ninth_is_refused() {
        let mut store = Ram::default();
        let mut marks = Marks::default();
        for tid in 0..8 {
            marks.put(Mark { tid: [tid; 8], sequence: u64::MAX, batch: u32::MAX, stan: u32::MAX }, &mut store).unwrap();
        }
        assert_eq!(marks.put(mark(9, 1), &mut store), Err(Refusal::Storage));
        assert_eq!(Marks::load(&mut store).get([7; 8]).unwrap().sequence, u64::MAX);
    }
}
