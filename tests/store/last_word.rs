//! What a closed day shows of its batches is what became of them, whatever else happened in the commit that ended the last of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use rusqlite::{Connection, params};
use tilld::core::domain::{BusinessDate, Kind, Method};
use tilld::core::ports::{Command, DayView};
use tilld::io::store::{Reader, StoreOptions};

use super::till::{Dir, Till, cashier, check};

fn state(reader: &Reader, date: BusinessDate) -> (String, Vec<(String, String)>) {
    let day = reader.day(date).unwrap().unwrap();
    let view: DayView = serde_json::from_slice(&day.tail).unwrap();
    (view.state.clone(), view.settlement.iter().map(|s| (s.rung.clone(), s.result.clone())).collect())
}

#[test]
fn a_batch_that_ends_in_the_commit_of_a_later_cut_is_ended_in_the_days_that_it_lies_in() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    till.line_up(1);
    till.pay(Kind::Sale, Method::Card, 1_234, None);
    till.hold_ends = true;
    let first = till.cut();
    assert_eq!(state(&till.reader(), first).0, "uploaded", "its end is on the way");
    // Two more evenings come before the answer, and the second is cut in the same commit as the answer.
    till.pay(Kind::Sale, Method::Cash, 500, None);
    let second = till.cut();
    till.pay(Kind::Sale, Method::Cash, 600, None);
    let answers = std::mem::take(&mut till.held);
    assert_eq!(answers.len(), 1);
    till.at_once(answers.into_iter().chain([Command::CutDay { by: Some(cashier("9001")) }]).collect());
    let ended = vec![("ended".to_owned(), "balanced".to_owned())];
    assert_eq!(state(&till.reader(), first), ("balanced".into(), ended));
    assert_ne!(state(&till.reader(), second).0, "uploaded");
    drop(till);
    let found = check(&dir);
    assert!(found.clean(), "{:?}", found.findings);
}

/// A day that settled, with the later figures of the evening before put back: what an earlier program could leave, or a hand with a copy of the row.
fn a_stale_day(dir: &Dir) -> BusinessDate {
    let mut till = Till::open(dir);
    till.staff();
    till.line_up(1);
    till.pay(Kind::Sale, Method::Card, 1_234, None);
    till.hold_ends = true;
    let first = till.cut();
    let body = |conn: &Connection| -> Vec<u8> {
        conn.query_row("SELECT body FROM day WHERE date = ?1", [first.to_string()], |r| r.get(0)).unwrap()
    };
    let before = body(&Connection::open(dir.db()).unwrap());
    let answers = std::mem::take(&mut till.held);
    till.at_once(answers);
    till.pay(Kind::Sale, Method::Cash, 500, None);
    till.cut();
    assert_eq!(state(&till.reader(), first).0, "balanced");
    drop(till);
    let conn = Connection::open(dir.db()).unwrap();
    assert_ne!(body(&conn), before);
    conn.execute("UPDATE day SET body = ?1 WHERE date = ?2", params![before, first.to_string()]).unwrap();
    first
}

fn whole(dir: &Dir) -> Vec<String> {
    let reader = Reader::open(&StoreOptions::at(dir.db())).unwrap();
    let found = tilld::daemon::verifying::whole(&reader, None, true, None).unwrap();
    found.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_became_of_a_days_batches_is_compared_with_the_journal() {
    let dir = Dir::new();
    let first = a_stale_day(&dir);
    assert_eq!(whole(&dir), [format!("day {first}: what became of its batches is not what the journal says")]);
}

#[test]
fn a_new_fold_gives_closed_days_their_last_word() {
    let dir = Dir::new();
    let first = a_stale_day(&dir);
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute("UPDATE meta SET value = '5' WHERE name = 'fold'", []).unwrap();
    drop(conn);
    let till = Till::open(&dir);
    let ended = vec![("ended".to_owned(), "balanced".to_owned())];
    assert_eq!(state(&till.reader(), first), ("balanced".into(), ended));
    drop(till);
    assert_eq!(whole(&dir), [""; 0]);
}
