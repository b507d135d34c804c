//! A store that can be told to fail: at a commit, or at the n-th row of a transaction. Everything else goes to SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tilld::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, PaymentId, RequestId, Seq, Stan, StatementNo, TerminalId, WallMs,
};
use tilld::core::journal::{Link, Record, StatementBooked, StatementTaken};
use tilld::core::payment::{Payment, Slot};
use tilld::core::ports::{
    Archive, BatchRow, DayRow, History, JobRow, PrintWhat, Recount, Refold, Row, ShiftRow, Store, StoreError,
};
use tilld::core::suspense::Case;
use tilld::io::store::SqliteStore;

/// What goes wrong, and when: each counts down and fails at zero; negative is never.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub commits: Arc<AtomicI64>,
    pub appends: Arc<AtomicI64>,
    pub reads: Arc<AtomicI64>,
    /// Rows that were read back.
    pub replayed: Arc<AtomicI64>,
}

impl Default for Trouble {
    fn default() -> Trouble {
        let never = || Arc::new(AtomicI64::new(-1));
        Trouble { commits: never(), appends: never(), reads: never(), replayed: Arc::default() }
    }
}

fn strikes(counter: &AtomicI64) -> Result<(), StoreError> {
    match counter.load(Ordering::Relaxed) {
        0 => {
            counter.store(-1, Ordering::Relaxed);
            Err(StoreError::Full("the test says so".into()))
        }
        n if n > 0 => {
            counter.store(n - 1, Ordering::Relaxed);
            Ok(())
        }
        _ => Ok(()),
    }
}

#[derive(Debug)]
pub struct Flaky {
    pub inner: SqliteStore,
    pub trouble: Trouble,
}

impl Archive for Flaky {
    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.inner.payment(id)
    }
    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentId>, StoreError> {
        self.inner.by_request(request)
    }
    fn by_stan(&self, terminal: &TerminalId, batch: BatchNo, stan: Stan) -> Result<Option<PaymentId>, StoreError> {
        self.inner.by_stan(terminal, batch, stan)
    }
    fn refunds_naming(&self, rrn: &str) -> Result<Vec<Payment>, StoreError> {
        self.inner.refunds_naming(rrn)
    }
    fn batch_members(&self, terminal: &TerminalId, batch: BatchNo, first: Seq) -> Result<Vec<PaymentId>, StoreError> {
        self.inner.batch_members(terminal, batch, first)
    }
    fn recount(&self, date: BusinessDate) -> Result<Recount, StoreError> {
        self.inner.recount(date)
    }
    fn suspects(&self, date: BusinessDate) -> Result<Vec<PaymentId>, StoreError> {
        self.inner.suspects(date)
    }
    fn sealed_card(&self, id: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.sealed_card(id)
    }
    fn times_printed(&self, what: &PrintWhat) -> Result<u32, StoreError> {
        self.inner.times_printed(what)
    }
    fn case(&self, no: CaseNo) -> Result<Option<Case>, StoreError> {
        self.inner.case(no)
    }
    fn case_of(&self, format: &str, key: &str) -> Result<Option<CaseNo>, StoreError> {
        self.inner.case_of(format, key)
    }
    fn case_refunded_by(&self, refund: PaymentId) -> Result<Option<CaseNo>, StoreError> {
        self.inner.case_refunded_by(refund)
    }
    fn cases_on(&self, format: &str, first: BusinessDate, last: BusinessDate) -> Result<Vec<CaseNo>, StoreError> {
        self.inner.cases_on(format, first, last)
    }
    fn statement_of(&self, hash: &[u8; 32]) -> Result<(Option<StatementNo>, StatementNo), StoreError> {
        self.inner.statement_of(hash)
    }
}

impl Store for Flaky {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.inner.begin()
    }
    fn append(&mut self, row: &Row) -> Result<(), StoreError> {
        strikes(&self.trouble.appends)?;
        self.inner.append(row)
    }
    fn put_payment(&mut self, payment: &Payment, slot: Option<&Slot>) -> Result<(), StoreError> {
        self.inner.put_payment(payment, slot)
    }
    fn put_card(&mut self, id: PaymentId, sealed: &[u8]) -> Result<(), StoreError> {
        self.inner.put_card(id, sealed)
    }
    fn erase_cards(&mut self, ids: &[PaymentId]) -> Result<(), StoreError> {
        self.inner.erase_cards(ids)
    }
    fn put_shift(&mut self, shift: &ShiftRow) -> Result<(), StoreError> {
        self.inner.put_shift(shift)
    }
    fn put_batch(&mut self, batch: &BatchRow) -> Result<(), StoreError> {
        self.inner.put_batch(batch)
    }
    fn put_day(&mut self, day: &DayRow) -> Result<(), StoreError> {
        self.inner.put_day(day)
    }
    fn put_job(&mut self, job: &JobRow) -> Result<(), StoreError> {
        self.inner.put_job(job)
    }
    fn put_case(&mut self, case: &Case) -> Result<(), StoreError> {
        self.inner.put_case(case)
    }
    fn put_statement(&mut self, taken: &StatementTaken, at: WallMs) -> Result<u32, StoreError> {
        self.inner.put_statement(taken, at)
    }
    fn put_booked(&mut self, booked: &StatementBooked, row: Seq) -> Result<(), StoreError> {
        self.inner.put_booked(booked, row)
    }
    fn forget_awaited(&mut self, payment: PaymentId) -> Result<(), StoreError> {
        self.inner.forget_awaited(payment)
    }
    fn put_pin(&mut self, cashier: &CashierId, hash: &[u8]) -> Result<(), StoreError> {
        self.inner.put_pin(cashier, hash)
    }
    fn put_day_keys(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        self.inner.put_day_keys(sealed)
    }
    fn put_snapshot(&mut self, at: Seq, body: &[u8]) -> Result<(), StoreError> {
        self.inner.put_snapshot(at, body)
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        match strikes(&self.trouble.commits) {
            Ok(()) => self.inner.commit(),
            Err(error) => {
                self.inner.rollback();
                Err(error)
            }
        }
    }
    fn rollback(&mut self) {
        self.inner.rollback();
    }
    fn day_keys(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.day_keys()
    }
}

impl History for Flaky {
    fn snapshot(&self, before: Option<Seq>) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
        strikes(&self.trouble.reads)?;
        self.inner.snapshot(before)
    }
    fn replay(
        &self,
        after: Seq,
        until: Option<Seq>,
        each: &mut dyn FnMut(Record, Link) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.inner.replay(after, until, &mut |record, link| {
            self.trouble.replayed.fetch_add(1, Ordering::Relaxed);
            each(record, link)
        })
    }
}

impl Refold for Flaky {
    fn fold(&self) -> Result<u32, StoreError> {
        self.inner.fold()
    }
    fn set_fold(&mut self, version: u32) -> Result<(), StoreError> {
        self.inner.set_fold(version)
    }
    fn money(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        self.inner.money()
    }
    fn rows(&self, after: Seq, most: u32) -> Result<Vec<(Record, Link)>, StoreError> {
        self.inner.rows(after, most)
    }
    fn put_body(&mut self, payment: &Payment) -> Result<(), StoreError> {
        self.inner.put_body(payment)
    }
    fn payments(&self, after: PaymentId, most: u32) -> Result<Vec<Payment>, StoreError> {
        self.inner.payments(after, most)
    }
    fn day(&self, date: BusinessDate) -> Result<Option<DayRow>, StoreError> {
        self.inner.day(date)
    }
    fn cards_too_long(&self) -> Result<Vec<PaymentId>, StoreError> {
        self.inner.cards_too_long()
    }
    fn drop_snapshots(&mut self) -> Result<(), StoreError> {
        self.inner.drop_snapshots()
    }
}
