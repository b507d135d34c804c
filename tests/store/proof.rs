//! The journal alone proves itself: a rewritten one, with a chain as good as the real one, does not follow from its own rows.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::ops::ControlFlow;

use tilld::core::acquirer::Report;
use tilld::core::domain::{Kind, Method, Minor, Seq};
use tilld::core::journal::{Event, GENESIS, Link, Record, link};
use tilld::core::ledger::Proof;
use tilld::core::ports::{Archive, Command};
use tilld::daemon::verifying::whole;
use tilld::io::store::PaymentFilter;

use super::till::{Dir, StateOf, Till, pos};

fn two_days() -> (Dir, Till, Vec<Record>) {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    let mut records = Vec::new();
    let mut keep = |record: Record, _: Link| {
        records.push(record);
        Ok(())
    };
    till.reader().records(Seq(1), Seq(u64::MAX), &mut keep).unwrap();
    (dir, till, records)
}

/// The first row that does not follow, under links that are right for these rows.
fn first_wrong(records: &[Record]) -> Option<(Seq, String)> {
    let mut proof = Proof::default();
    let mut last = GENESIS;
    records.iter().find_map(|record| {
        last = link(&last, &record.to_bytes());
        proof.row(record, &last).map(|what| (record.seq, what))
    })
}

#[test]
fn a_real_journal_follows_and_gives_every_payment_as_it_is_stored() {
    let (_dir, till, records) = two_days();
    let reader = till.reader();
    // Beside the store it keeps only what the store has otherwise, and finds the same.
    let mut beside = Proof::beside(&reader);
    let mut proof = Proof::default();
    let mut last = GENESIS;
    for record in &records {
        last = link(&last, &record.to_bytes());
        assert_eq!(proof.row(record, &last), None, "row {}", record.seq);
        assert_eq!(beside.row(record, &last), None, "row {}", record.seq);
    }
    let page = till.reader().payments(&PaymentFilter { limit: 500, ..PaymentFilter::default() }).unwrap();
    assert!(page.items.len() >= 8);
    for payment in &page.items {
        assert_eq!(proof.payment(payment), None, "{}", payment.id);
        assert_eq!(beside.payment(payment), None, "{}", payment.id);
        let mut other = payment.clone();
        other.rrn = Some("999999999999".into());
        assert!(proof.payment(&other).is_some(), "{}", payment.id);
        other.id.0 += 100_000;
        assert!(proof.payment(&other).is_some());
    }
    let some = page.items[0].id;
    assert!(till.reader().payment(some).unwrap().is_some());
}

#[test]
fn every_rewriting_with_a_good_chain_is_found_at_its_row_or_the_next() {
    let (_dir, _till, records) = two_days();
    assert_eq!(first_wrong(&records), None);
    let mut found = 0;
    for index in 0..records.len() {
        let mut forged = records.clone();
        let record = &mut forged[index];
        match &mut record.event {
            Event::PaymentMade(made) => made.amount = Minor(made.amount.0 + 1),
            Event::DayCut { grand_total, .. } => *grand_total = Minor(grand_total.0 + 1),
            _ => match &mut record.effect {
                Some(effect) => effect.amount = Minor(effect.amount.0 + 1),
                None => record.running.sale.count += 1,
            },
        }
        let seq = record.seq;
        // A cut's own facts are signed, not derived: the seal finds those.
        if matches!(record.event, Event::DayCut { .. }) {
            continue;
        }
        let wrong = first_wrong(&forged).unwrap_or_else(|| panic!("row {seq} was changed and nothing found"));
        assert!(wrong.0 >= seq, "{wrong:?} before {seq}");
        found += 1;
    }
    assert!(found > 30, "{found}");
}

#[test]
fn a_row_left_out_or_moved_does_not_follow() {
    let (_dir, _till, records) = two_days();
    for index in 1..records.len() - 1 {
        let mut without = records.clone();
        without.remove(index);
        assert!(first_wrong(&without).is_some(), "row {} left out", index + 1);
        let mut moved = records.clone();
        moved.swap(index, index + 1);
        assert!(first_wrong(&moved).is_some(), "row {} moved", index + 1);
    }
}

#[test]
fn a_payment_that_moves_while_the_store_is_checked_is_no_damage() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    till.run(Command::Lane { terminal: pos(2), report: Report::LineDown { why: "no route".into() } }).unwrap();
    let stored = till.pay_at(2, Kind::Sale, Method::Card, 4_200, None);
    let reader = till.reader();
    let head = reader.head().unwrap().unwrap().0;
    // The journal has been read up to here when the line comes back; the payments have not.
    let mut moved = false;
    let mut between = |seq: Seq| {
        if seq == head && !moved {
            moved = true;
            till.line_up(2);
        }
        ControlFlow::Continue(())
    };
    let found = whole(&reader, None, false, Some(&mut between)).unwrap();
    assert!(moved && reader.head().unwrap().unwrap().0 > head);
    assert_eq!(reader.payment_state(stored), "forwarded");
    assert!(found.clean(), "{:#?}", found.findings);
}
