//! The mark, written, read back, and compared with a store that fell behind.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;

/// A file name of its own; the file is gone at the end.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Temp {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        Temp(std::env::temp_dir().join(format!("tilld-mark-{}-{n}", std::process::id())))
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn state(head: u64) -> MarkState {
    let terminal = TerminalId::new("POS1").unwrap();
    MarkState {
        store: StoreId::new("S001").unwrap(),
        head: Seq(head),
        link: [u8::try_from(head % 251).unwrap(); 32],
        terminals: vec![(terminal, BatchNo(3), Stan(40))],
    }
}

#[test]
fn a_mark_is_read_as_it_was_written_and_the_newest_slot_wins() {
    let temp = Temp::new();
    let mut mark = Mark::open(&temp.0).unwrap();
    assert_eq!((mark.found(), mark.compare(&state(9), None)), (None, MarkVerdict::New));
    for head in 1..=5 {
        mark.write(&state(head)).unwrap();
        if head % 2 == 0 {
            mark.sync().unwrap();
        }
    }
    let mark = Mark::open(&temp.0).unwrap();
    assert_eq!(mark.found(), Some(&state(5)));
}

#[test]
fn a_store_behind_its_mark_is_seen_and_one_that_is_ahead_is_normal() {
    let mark = state(100);
    let link = mark.link;
    assert_eq!(mark.compare(&state(100), Some(&link)), MarkVerdict::Agrees);
    assert_eq!(mark.compare(&state(140), Some(&link)), MarkVerdict::Agrees);
    assert_eq!(mark.compare(&state(99), None), MarkVerdict::Behind { mark: Seq(100), store: Seq(99) });
    assert_eq!(mark.compare(&state(140), Some(&[0; 32])), MarkVerdict::Forked { at: Seq(100) });
    let mut other = state(140);
    other.store = StoreId::new("S002").unwrap();
    assert!(mark.compare(&other, Some(&link)).stops_cards());
}

#[test]
fn without_links_numbers_are_compared_round_the_corner() {
    let with = |batch, stan| {
        let mut s = state(100);
        s.terminals[0].1 = BatchNo(batch);
        s.terminals[0].2 = Stan(stan);
        s
    };
    let agrees = |mark: &MarkState, store: &MarkState| mark.compare(store, None) == MarkVerdict::Agrees;
    assert!(
        agrees(&with(3, 40), &with(3, 40))
            && agrees(&with(3, 40), &with(4, 1))
            && agrees(&with(3, 999_999), &with(3, 1))
    );
    assert!(
        !agrees(&with(3, 40), &with(3, 39))
            && !agrees(&with(4, 1), &with(3, 40))
            && !agrees(&with(1, 1), &with(999_999, 1))
    );
}

#[test]
fn a_spoiled_mark_is_said_and_stops_nothing() {
    let temp = Temp::new();
    std::fs::write(&temp.0, b"not a mark").unwrap();
    let mut mark = Mark::open(&temp.0).unwrap();
    let verdict = mark.compare(&state(9), None);
    assert_eq!(verdict, MarkVerdict::Unreadable);
    assert!(!verdict.stops_cards());
    mark.write(&state(10)).unwrap();
    assert_eq!(Mark::open(&temp.0).unwrap().found(), Some(&state(10)));
}

#[test]
fn a_mark_that_saw_a_row_that_no_store_can_have_is_spoiled() {
    let temp = Temp::new();
    let mut mark = Mark::open(&temp.0).unwrap();
    mark.write(&state(10)).unwrap();
    mark.sync().unwrap();
    mark.write(&MarkState { head: Seq(u64::MAX), ..state(10) }).unwrap();
    assert_eq!(Mark::open(&temp.0).unwrap().found(), Some(&state(10)));
}

#[test]
fn more_terminals_than_a_slot_holds_are_refused() {
    let mut mark = Mark::open(&Temp::new().0).unwrap();
    let mut many = state(1);
    many.terminals = (0..120)
        .map(|n| (TerminalId::new(&format!("TERMINAL-{n:07}")).unwrap(), BatchNo(999_999), Stan(999_999)))
        .collect();
    mark.write(&many).unwrap();
    many.terminals.extend(many.terminals.clone());
    assert!(mark.write(&many).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Writes and syncs in any order, then a power cut that tears whatever was not synced, at any byte: what was last synced is never lost.
    #[test]
    fn what_was_synced_survives_a_write_torn_at_any_byte(
        steps in proptest::collection::vec((1u64..5, any::<bool>()), 1..12),
        tear in 0usize..SLOT,
        keep_end in any::<bool>(),
        reopened_after in 0usize..12,
    ) {
        let temp = Temp::new();
        let mut mark = Mark::open(&temp.0).unwrap();
        let (mut head, mut synced, mut durable) = (0, None, std::fs::read(&temp.0).unwrap());
        for (n, (by, sync)) in steps.into_iter().enumerate() {
            head += by;
            mark.write(&state(head)).unwrap();
            if sync {
                mark.sync().unwrap();
            }
            if n == reopened_after {
                // A process that was killed and started again: the page cache lives on.
                mark = Mark::open(&temp.0).unwrap();
            }
            if sync || n == reopened_after {
                synced = Some(head);
                durable = std::fs::read(&temp.0).unwrap();
            }
        }
        // Of each slot, bytes before or after the tear reached the disk; the rest are as they were when it was last synced.
        let mut cut = std::fs::read(&temp.0).unwrap();
        durable.resize(cut.len(), 0);
        for (slot, old) in cut.chunks_mut(SLOT).zip(durable.chunks(SLOT)) {
            let tear = tear.min(slot.len());
            let lost = if keep_end { 0..tear } else { tear..slot.len() };
            slot[lost.clone()].copy_from_slice(&old[lost]);
        }
        std::fs::write(&temp.0, &cut).unwrap();
        let after = Mark::open(&temp.0).unwrap();
        let found = after.found().map(|s| s.head.0);
        prop_assert!(found >= synced, "synced {:?}, found {:?}", synced, found);
        prop_assert!(found.is_none_or(|f| f <= head && *after.found().unwrap() == state(f)));
    }

    /// No single changed byte of a slot reads as another state.
    #[test]
    fn a_changed_byte_is_seen(at in 0usize..200, by in 1u8..=255) {
        let mut slot = to_slot(7, &state(9)).unwrap();
        let used = slot.iter().rposition(|b| *b != 0).unwrap();
        slot[at % (used + 1)] ^= by;
        prop_assert_eq!(from_slot(&slot), None);
    }
}
