//! What the store keeps of a statement: the same file is known, a later one takes its days over.

use tilld::core::domain::{BusinessDate, PaymentId, PaymentSet, Seq, StatementNo, WallMs};
use tilld::core::journal::{StatementBooked, StatementTaken};
use tilld::core::ports::{Archive, Store};
use tilld::io::store::{Has, SqliteStore, StoreOptions};

fn day(n: u32) -> BusinessDate {
    BusinessDate::parse(&format!("2026-11-{n:02}")).unwrap()
}

/// Notes a statement as the writer does: how many days it took over.
fn note(store: &mut SqliteStore, hash: u8, format: &str, days: std::ops::RangeInclusive<u32>) -> u32 {
    let (_, last) = store.statement_of(&[hash; 32]).unwrap();
    let taken = StatementTaken {
        statement: StatementNo(last.0 + 1),
        hash: [hash; 32],
        format: format.into(),
        name: format!("file-{hash}"),
        days: days.map(day).collect(),
        lines: 10,
        spoiled: 1,
        matched: 8,
        counts: [1, 0, 0, 0],
        awaited: Vec::new(),
        arrived: Vec::new(),
    };
    store.begin().unwrap();
    let superseded = store.put_statement(&taken, WallMs(1_000 + i64::from(hash))).unwrap();
    store.commit().unwrap();
    superseded
}

#[test]
fn a_later_file_supersedes_day_by_day_and_the_same_file_is_known() {
    let mut store = SqliteStore::open(&StoreOptions::in_memory()).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(store.statement_of(&[1; 32]).unwrap(), (None, StatementNo(0)));
    assert_eq!(note(&mut store, 1, "a", 1..=3), 0);
    assert_eq!(store.statement_of(&[1; 32]).unwrap().0, Some(StatementNo(1)));
    // Another format speaks for other payments.
    assert_eq!(note(&mut store, 2, "b", 1..=3), 0);
    assert_eq!(note(&mut store, 3, "a", 3..=4), 1);
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
    assert_eq!(known.superseded.into_iter().collect::<Vec<_>>(), [(day(3), (3, "file-3".to_owned()))]);
    assert_eq!(reader.statement(&[9; 32]).unwrap(), None);
    let page = reader.statements(None, 2).unwrap();
    let seen: Vec<_> = page.items.iter().map(|s| (s.id, s.superseded_days, s.matched, s.long)).collect();
    assert_eq!(seen, [(3, 0, 8, 1), (2, 0, 8, 1)]);
    assert_eq!(page.next_cursor.as_deref(), Some("2"));
    assert_eq!(reader.statements(Some(2), 2).unwrap().items[0].superseded_days, 1);
}

#[test]
fn what_a_statement_has_holds_until_another_takes_its_day_over() {
    let mut store = SqliteStore::open(&StoreOptions::in_memory()).unwrap();
    let reader = store.reader().unwrap();
    // Days with their payments, as the writer keeps them: behind the statement's own row.
    let mut row = 100;
    let mut has = |store: &mut SqliteStore, statement: u32, on: u32, ids: &[u64]| {
        row += 1;
        let booked = StatementBooked { statement: StatementNo(statement), day: day(on), payments: PaymentSet::of(ids) };
        store.begin().unwrap();
        store.put_booked(&booked, Seq(row)).unwrap();
        store.commit().unwrap();
    };
    let all = |first: u64, last: u64| {
        let found = reader.booked("a", PaymentId(first), PaymentId(last)).unwrap();
        let line = |h: &Has| format!("{} {} {}", h.statement, h.day.to_string().split_off(8), h.payments.count());
        found.iter().map(line).collect::<Vec<_>>().join(", ")
    };
    note(&mut store, 1, "a", 1..=2);
    has(&mut store, 1, 1, &[5, 7, 9]);
    has(&mut store, 1, 2, &[20, 20, 30]);
    // A row of a day that it does not speak for, and nobody else.
    has(&mut store, 1, 3, &[40]);
    note(&mut store, 2, "b", 1..=9);
    has(&mut store, 2, 1, &[5]);
    assert_eq!(all(1, 99), "1 01 3, 1 02 3, 1 03 1");
    assert_eq!((all(9, 20), all(10, 19), all(41, 99)), ("1 01 3, 1 02 3".into(), String::new(), String::new()));
    note(&mut store, 3, "a", 2..=2);
    assert_eq!(all(1, 99), "1 01 3, 1 03 1");
    note(&mut store, 4, "a", 3..=3);
    assert_eq!(all(1, 99), "1 01 3");
    has(&mut store, 4, 8, &[50]);
    note(&mut store, 5, "a", 1..=3);
    // Nothing of the first is left, and of the fourth not even its stray row.
    assert_eq!(all(1, 99), "");
}
