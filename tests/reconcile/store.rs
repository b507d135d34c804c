//! What the store keeps of a statement: the same file changes nothing, a later one takes its days over.

use tilld::core::domain::{BusinessDate, WallMs};
use tilld::core::ports::{FileHash, StatementNote};
use tilld::io::store::{SqliteStore, StoreOptions};

fn day(n: u32) -> BusinessDate {
    BusinessDate::parse(&format!("2026-11-{n:02}")).unwrap()
}

fn note(hash: u8, format: &str, days: std::ops::RangeInclusive<u32>) -> StatementNote {
    StatementNote {
        hash: FileHash([hash; 32]),
        format: format.into(),
        name: format!("file-{hash}"),
        days: days.map(day).collect(),
        lines: 10,
        spoiled: 1,
        imported_at: WallMs(1_000 + i64::from(hash)),
        matched: 8,
        counts: [1, 0, 0, 0],
    }
}

#[test]
fn a_later_file_supersedes_day_by_day_and_the_same_file_changes_nothing() {
    let mut store = SqliteStore::open(&StoreOptions::in_memory()).unwrap();
    let reader = store.reader().unwrap();
    let first = store.note_statement(&note(1, "a", 1..=3)).unwrap();
    assert_eq!((first.new, first.superseded_days), (true, 0));
    let again = store.note_statement(&note(1, "a", 1..=3)).unwrap();
    assert_eq!((again.id, again.new, again.superseded_days), (first.id, false, 0));
    // Another format speaks for other payments.
    assert_eq!(store.note_statement(&note(2, "b", 1..=3)).unwrap().superseded_days, 0);
    let later = store.note_statement(&note(3, "a", 3..=4)).unwrap();
    assert_eq!((later.new, later.superseded_days), (true, 1));
    let live = reader.statement_days("a", day(1), day(30)).unwrap();
    let names: Vec<_> = live.iter().map(|(d, (_, name))| (d.to_string(), name.as_str())).collect();
    assert_eq!(
        names,
        [
            ("2026-11-01".to_owned(), "file-1"),
            ("2026-11-02".to_owned(), "file-1"),
            ("2026-11-03".to_owned(), "file-3"),
            ("2026-11-04".to_owned(), "file-3")
        ]
    );
    let known = reader.statement(&[1; 32]).unwrap().unwrap();
    assert_eq!(known.superseded.into_iter().collect::<Vec<_>>(), [(day(3), (later.id, "file-3".to_owned()))]);
    // The earlier file, sent again after the later one, does not come back to life.
    assert!(!store.note_statement(&note(1, "a", 1..=3)).unwrap().new);
    assert_eq!(reader.statement_days("a", day(1), day(30)).unwrap(), live);
    assert_eq!(reader.statement(&[9; 32]).unwrap(), None);
}
