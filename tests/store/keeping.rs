//! What was committed is there, what was not is not; and each look-up finds it.

#![allow(clippy::unwrap_used, clippy::panic)]

use tilld::core::domain::*;
use tilld::core::ports::{Archive, JobRow, PrintWhat, Store, StoreError};
use tilld::io::store::{JobState, PaymentFilter, SqliteStore, StoreOptions};
use tilld::io::vault::DataKey;

use super::till::{Dir, Till, cashier, check, first_day, pos};

#[test]
fn a_day_is_there_after_a_restart_and_verifies() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    let (ledger, head) = (till.writer.ledger().clone(), till.writer.store().head());
    drop(till);
    let till = Till::open(&dir);
    let mut again = till.writer.ledger().clone();
    again.index = ledger.index.clone();
    assert_eq!(again, ledger);
    assert_eq!(till.writer.store().head(), head);
    drop(till);
    let verified = check(&dir);
    assert!(verified.clean(), "{:#?}", verified.findings);
    assert_eq!((verified.rows, verified.days), (head.0.0, 1));
}

#[test]
fn in_memory_it_works_as_on_disk_and_readers_see_it() {
    let options = StoreOptions::in_memory();
    let mut till = Till::with(&options, &DataKey::random().unwrap());
    till.two_days();
    let reader = till.reader();
    assert_eq!(reader.head().unwrap().unwrap(), till.writer.store().head());
    assert!(reader.day(first_day()).unwrap().is_some());
}

#[test]
fn what_is_rolled_back_leaves_nothing() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let store = till.writer.store_mut();
    let head = store.head();
    store.begin().unwrap();
    store.put_pin(&cashier("5555"), b"hash").unwrap();
    store.put_snapshot(Seq(1), b"another").unwrap();
    store.rollback();
    assert_eq!(store.head(), head);
    assert!(till.reader().pin(&cashier("5555")).unwrap().is_none());
}

#[test]
fn a_write_outside_of_a_transaction_is_refused_and_after_an_error_nothing_more_is_written() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let id = till.pay(Kind::Sale, Method::Cash, 100, None);
    let store = till.writer.store_mut();
    assert!(matches!(store.put_pin(&cashier("5555"), b"hash"), Err(StoreError::Unusable(_))));

    // The amount of a payment never changes: the put fails, and so does all that follows, commit included.
    let mut payment = store.payment(id).unwrap().unwrap();
    payment.amount = Minor(200);
    store.begin().unwrap();
    store.put_pin(&cashier("5555"), b"hash").unwrap();
    let slot = payment.slot();
    assert!(matches!(store.put_payment(&payment, slot.as_ref()), Err(StoreError::Damaged(_))));
    assert!(store.put_pin(&cashier("6666"), b"hash").is_err());
    assert!(store.commit().is_err());
    assert!(till.reader().pin(&cashier("5555")).unwrap().is_none());
    // And the next transaction is a new one.
    till.pay(Kind::Sale, Method::Cash, 100, None);
}

#[test]
fn payments_are_listed_newest_first_page_by_page() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let ids: Vec<PaymentId> = (1..=25).map(|n| till.pay(Kind::Sale, Method::Cash, n, None)).collect();
    let reader = till.reader();
    let (mut seen, mut cursor) = (Vec::new(), None);
    for page in 0.. {
        let filter = PaymentFilter { limit: 10, cursor, day: Some(first_day()), ..PaymentFilter::default() };
        let got = reader.payments(&filter).unwrap();
        assert!(got.items.len() <= 10 && page < 4);
        seen.extend(got.items.iter().map(|p| p.id));
        match got.next_cursor {
            Some(next) => cursor = PaymentId::parse(&next),
            None => break,
        }
    }
    assert_eq!(seen, ids.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_filter_shows_what_fits_it_and_nothing_else() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    let reader = till.reader();
    let count = |filter: PaymentFilter| reader.payments(&filter).unwrap().items.len();
    assert_eq!(count(PaymentFilter::default()), 9);
    assert_eq!(count(PaymentFilter { day: Some(first_day()), ..PaymentFilter::default() }), 7);
    assert_eq!(count(PaymentFilter { device: Some(pos(2)), ..PaymentFilter::default() }), 1);
    assert_eq!(count(PaymentFilter { cashier: Some(cashier("9001")), ..PaymentFilter::default() }), 0);
    assert_eq!(count(PaymentFilter { state: Some(State::Forwarded), ..PaymentFilter::default() }), 1);
    assert_eq!(count(PaymentFilter { state: Some(State::Unknown), ..PaymentFilter::default() }), 0);
    let both = PaymentFilter { day: Some(first_day()), state: Some(State::Approved), ..PaymentFilter::default() };
    assert_eq!(count(both), 6);
    till.pay_at(2, Kind::Sale, Method::Card, 100, None);
    assert!(reader.payments(&PaymentFilter { state: Some(State::Stored), ..PaymentFilter::default() }).is_ok());
}

#[test]
fn a_payments_story_a_days_rows_shifts_and_batches_are_found() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    let reader = till.reader();
    let card = reader
        .payments(&PaymentFilter { day: Some(first_day()), ..PaymentFilter::default() })
        .unwrap()
        .items
        .into_iter()
        .find(|p| p.amount == Minor(12_345) && p.kind == Kind::Sale)
        .unwrap();
    let story = reader.story(card.id).unwrap();
    let words: Vec<String> =
        story.iter().map(|line| line.event.as_object().unwrap().keys().next().unwrap().clone()).collect();
    assert_eq!(words, ["PaymentMade", "Sending", "Answered"]);
    assert!(story[0].at.starts_with("2026-11-") && story[0].at.ends_with('Z'), "{}", story[0].at);

    let day = reader.day(first_day()).unwrap().unwrap();
    let (mut rows, mut last) = (0, Seq(0));
    reader
        .records(day.first, day.last, &mut |record, link| {
            rows += 1;
            last = record.seq;
            assert_eq!(reader.link_at(record.seq).unwrap(), Some(link));
            Ok(())
        })
        .unwrap();
    assert_eq!((rows, last), (day.last.0, day.last));
    assert_eq!(reader.day_by_z(day.z).unwrap().unwrap().root, day.root);
    assert_eq!(reader.days(None, 10).unwrap().len(), 1);
    assert!(reader.days(Some(first_day()), 10).unwrap().is_empty());

    let batches = reader.batches_of(first_day()).unwrap();
    assert_eq!(batches.len(), 2, "{batches:?}");
    assert!(batches.iter().all(|b| b.rung == "ended"));
    let members = reader.batch_members(&pos(1), batches[0].batch, batches[0].first).unwrap();
    assert_eq!(members.len(), 3);
    let stan = card.stan.unwrap();
    assert_eq!(reader.by_stan(&pos(1), card.batch.unwrap(), stan).unwrap(), Some(card.id));
    assert_eq!(reader.by_request(&card.request).unwrap(), Some(card.id));
}

#[test]
fn a_print_job_is_printing_before_it_is_printed_and_goes_one_way() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let first = till.pay(Kind::Sale, Method::Cash, 100, None);
    let second = till.pay(Kind::Sale, Method::Cash, 200, None);
    let (reader, front) = (till.reader(), PrinterId::new("front").unwrap());
    let receipts = |id| PrintWhat::Receipt { payment: id };
    let store = till.writer.store_mut();
    let mut job = store.claim_job(&front).unwrap().unwrap();
    while job.what != receipts(first) {
        job = store.finish_and_claim(&front, Some(job.id)).unwrap().unwrap();
    }
    assert_eq!((job.state, job.tries, job.reprint), (JobState::Printing, 1, 0));
    assert_eq!(reader.job(job.id).unwrap().unwrap().state, JobState::Printing);
    store.requeue_job(job.id).unwrap();
    assert_eq!(store.claim_job(&front).unwrap().unwrap().tries, 2);
    store.requeue_as_reprint(job.id, 1).unwrap();
    let again = store.finish_and_claim(&front, None).unwrap().unwrap();
    assert_eq!((again.id, again.reprint), (job.id, 1));
    assert_eq!(reader.times_printed(&receipts(first)).unwrap(), 1);
    let mut next = store.finish_and_claim(&front, Some(job.id)).unwrap();
    while let Some(job) = &next
        && job.what != receipts(second)
    {
        next = store.finish_and_claim(&front, Some(job.id)).unwrap();
    }
    store.finish_job(next.unwrap().id).unwrap();
    while let Some(job) = store.claim_job(&front).unwrap() {
        store.finish_job(job.id).unwrap();
    }
    assert_eq!(reader.jobs_waiting(&front).unwrap(), 0);
    let all = Seq(u64::MAX >> 1);
    assert_eq!(store.prune_jobs(Seq(1), 10).unwrap(), 0, "none is as old as that");
    assert_eq!(store.prune_jobs(all, 1).unwrap(), 1, "no more at once than was asked for");
    assert!(store.prune_jobs(all, 10).unwrap() > 0);
    assert_eq!(store.prune_jobs(all, 10).unwrap(), 0);
    assert_eq!(reader.times_printed(&receipts(first)).unwrap(), 1, "a reprint's number is not forgotten");
}

#[test]
fn a_job_that_was_begun_goes_back_into_the_queue_however_many_wait_before_it() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    let (reader, store) = (till.reader(), till.writer.store_mut());
    let printer = |name| PrinterId::new(name).unwrap();
    let job = |name| JobRow { printer: printer(name), what: PrintWhat::XReport, reprint: 0 };
    store.begin().unwrap();
    for _ in 0..10_500 {
        store.put_job(&job("away")).unwrap();
    }
    store.put_job(&job("front")).unwrap();
    store.commit().unwrap();
    let begun = store.claim_job(&printer("front")).unwrap().unwrap();
    assert_eq!(
        (store.claim_job(&printer("front")).unwrap(), reader.jobs_waiting(&printer("front")).unwrap()),
        (None, 1)
    );
    assert_eq!(store.requeue_begun().unwrap(), 1);
    let again = store.claim_job(&printer("front")).unwrap().unwrap();
    assert_eq!((again.id, again.tries), (begun.id, 2), "it may be on paper: its tries are not forgotten");
    assert_eq!(reader.jobs_waiting(&printer("away")).unwrap(), 10_500);
}

#[test]
fn batch_numbers_and_stans_that_come_again_find_the_younger() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    till.line_up(1);
    let old = till.pay(Kind::Sale, Method::Card, 100, None);
    till.cut();
    let young = till.pay(Kind::Sale, Method::Card, 200, None);
    let store = till.writer.store_mut();
    let first = |p: &tilld::core::payment::Payment| (p.batch.unwrap(), p.stan.unwrap());
    let (batch, stan) = first(&store.payment(old).unwrap().unwrap());
    // As after 999,999 batches: the younger payment, stamped with the older one's numbers.
    let mut again = store.payment(young).unwrap().unwrap();
    (again.batch, again.stan) = (Some(batch), Some(stan));
    let archived = store.reader().unwrap().batch(&pos(1), batch).unwrap().unwrap();
    let head = store.head().0;
    store.begin().unwrap();
    store.put_payment(&again, again.slot().as_ref()).unwrap();
    let row = tilld::core::ports::BatchRow { terminal: pos(1), batch, first: head, rung: "open", body: b"{}".to_vec() };
    store.put_batch(&row).unwrap();
    store.commit().unwrap();
    assert_eq!(store.by_stan(&pos(1), batch, stan).unwrap(), Some(young));
    assert_eq!(store.batch_members(&pos(1), batch, archived.first).unwrap(), [old]);
    assert_eq!(store.batch_members(&pos(1), batch, head).unwrap(), [young]);
}

#[test]
fn erased_cards_are_in_no_file_once_the_writer_was_idle() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    till.line_up(1);
    let id = till.pay(Kind::Sale, Method::Card, 100, None);
    let sealed = till.writer.store().sealed_card(id).unwrap().unwrap();
    let files = || -> Vec<u8> {
        let names = ["tilld.db", "tilld.db-wal", "tilld.db-shm"];
        names.iter().flat_map(|name| std::fs::read(dir.0.join(name)).unwrap_or_default()).collect()
    };
    let holds = |bytes: &[u8]| bytes.windows(24).any(|w| w == &sealed[5..29]);
    assert!(holds(&files()));
    till.cut();
    assert!(till.writer.store().sealed_card(id).unwrap().is_none());
    // The power goes before it is idle: whoever opens the store next wipes it.
    let image = Dir::new();
    for name in ["tilld.db", "tilld.db-wal"] {
        std::fs::copy(dir.0.join(name), image.0.join(name)).unwrap();
    }
    let left = || -> Vec<u8> {
        let names = ["tilld.db", "tilld.db-wal"];
        names.iter().flat_map(|name| std::fs::read(image.0.join(name)).unwrap_or_default()).collect()
    };
    assert!(holds(&left()));
    let mut store = SqliteStore::open(&StoreOptions::at(image.db())).unwrap();
    store.tidy().unwrap();
    assert!(!holds(&left()));
    till.writer.store_mut().tidy().unwrap();
    assert!(!holds(&files()));
}

#[test]
fn the_write_ahead_log_stays_bounded_even_when_nobody_is_ever_idle() {
    let dir = Dir::new();
    let options = StoreOptions { checkpoint_pages: 50, ..StoreOptions::at(dir.db()) };
    let mut till = Till::with(&options, &super::till::data_key(&dir.0));
    till.staff();
    let mut most = 0;
    for n in 0..300 {
        till.pay(Kind::Sale, Method::Cash, n + 1, None);
        most = most.max(std::fs::metadata(dir.0.join("tilld.db-wal")).unwrap().len());
    }
    assert!(most < 2 * 4 * 50 * 4_200, "{most}");
    till.writer.store_mut().tidy().unwrap();
}

#[test]
fn a_graceful_end_leaves_no_log_behind() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.two_days();
    drop(till);
    assert!(!dir.0.join("tilld.db-wal").exists());
    assert!(SqliteStore::open(&StoreOptions::at(dir.db())).is_ok());
}
