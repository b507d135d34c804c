//! The journal read again from its first row, without any help from what else the store keeps: does each row follow from the rows
//! before it, and is every payment what its rows say? What `tilld verify` asks.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Ledger;
use super::view::Outcome;
use crate::core::domain::{BatchNo, BusinessDate, CaseNo, PaymentId, RequestId, Seq, Stan, StatementNo, TerminalId};
use crate::core::journal::{Event, Link, Record};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, DayView, PrintWhat, Recount, StoreError};
use crate::core::suspense::Case;

/// A replay under way.
///
/// What it has made of a payment at rest is kept packed, some 200 bytes each; beside a store ([`Proof::beside`]) only where the store has it otherwise,
/// because a later row touches it or because it is wrong. So a month is checked in the memory of a day.
#[derive(Debug, Default)]
pub struct Proof<'a> {
    ledger: Option<Ledger>,
    rested: Rested<'a>,
    /// What became of each day that moves no more.
    outcomes: BTreeMap<BusinessDate, Outcome>,
    broken: bool,
}

impl<'a> Proof<'a> {
    /// Compares each payment with the store's as soon as it rests. Nothing is taken from the store that the rows have not made before.
    #[must_use]
    pub fn beside(store: &'a dyn Archive) -> Proof<'a> {
        Proof { rested: Rested { store: Some(store), ..Rested::default() }, ..Proof::default() }
    }

    /// The next row: gives what is wrong with it. After the first that does not follow nothing more is compared.
    pub fn row(&mut self, record: &Record, link: &Link) -> Option<String> {
        if self.broken {
            return None;
        }
        let wrong = self.follows(record, link).err();
        self.broken = wrong.is_some();
        wrong
    }

    fn follows(&mut self, record: &Record, link: &Link) -> Result<(), String> {
        let ledger = self.ledger.get_or_insert_with(|| Ledger::new(record.date));
        if record.seq != Seq(ledger.head.0 + 1) || record.date != ledger.open {
            return Err(format!(
                "it follows row {} of {}, and says that it is row {} of {}",
                ledger.head, ledger.open, record.seq, record.date
            ));
        }
        if matches!(record.event, Event::DayCut { .. }) {
            // The cut lets go of the days that are finished: this was the last word on them.
            let dates: Vec<BusinessDate> = ledger.unfinished().collect();
            self.outcomes.extend(dates.into_iter().filter_map(|date| Some((date, ledger.outcome(date)?))));
        }
        let again = ledger.absorb(record.event.clone(), record.at, &self.rested).map_err(|e| e.to_string())?;
        if again.effect != record.effect || again.running != record.running {
            return Err("its entry or the running totals do not follow from the rows before it".into());
        }
        if again != *record || ledger.link != *link {
            return Err("it does not follow from the rows before it".into());
        }
        let gaps = ledger.days.values().flat_map(|day| day.totals.gaps()).count();
        if gaps > 0 {
            return Err("from here on the day's tables do not foot".into());
        }
        self.rested.take_over(ledger);
        Ok(())
    }

    /// What is wrong with a payment as the store has it, against what its rows say. Ask after the last row.
    #[must_use]
    pub fn payment(&self, stored: &Payment) -> Option<String> {
        let ledger = self.ledger.as_ref().filter(|_| !self.broken)?;
        let ours = match ledger.payments.get(&stored.id) {
            Some(payment) => Some(payment.clone()),
            None if self.rested.agreed.borrow().has(stored.id) => return None,
            None => self.rested.payment(stored.id).ok().flatten(),
        };
        match ours {
            Some(ours) if ours == *stored => None,
            Some(_) => Some("it is not what its journal rows say".into()),
            None => Some("no journal row made it".into()),
        }
    }
}

impl Proof<'_> {
    /// What is wrong with a case as the store has it. Ask after the last row.
    #[must_use]
    pub fn case(&self, stored: &Case) -> Option<String> {
        let ledger = self.ledger.as_ref().filter(|_| !self.broken)?;
        match ledger.cases.get(&stored.no) {
            Some(ours) if ours == stored => None,
            Some(_) => Some("it is not what its journal rows say".into()),
            None => Some("no journal row opened it".into()),
        }
    }

    /// What is wrong with a closed day's later figures as the store has them. `quiet`: nobody has written since the last row, so that a day which
    /// still moves can be compared too. Ask after the last row.
    #[must_use]
    pub fn day(&self, stored: &DayView, quiet: bool) -> Option<String> {
        let ledger = self.ledger.as_ref().filter(|_| !self.broken)?;
        let date = stored.business_date;
        let moving = ledger.days.contains_key(&date);
        if moving && !quiet {
            return None;
        }
        let ours = if moving { ledger.outcome(date) } else { self.outcomes.get(&date).cloned() };
        match ours {
            Some(ours) if ours.stands_in(stored) => None,
            Some(_) => Some("what became of its batches is not what the journal says".into()),
            // Cut since, by a till that goes on.
            None if date >= ledger.open => None,
            None => Some("no journal row closed it".into()),
        }
    }

    /// How many cases the rows have opened.
    #[must_use]
    pub fn cases(&self) -> Option<u32> {
        self.ledger.as_ref().filter(|_| !self.broken).map(|ledger| ledger.last_case.0)
    }
}

/// Payments at rest, by what the replay itself has made of them.
#[derive(Debug, Default)]
struct Rested<'a> {
    store: Option<&'a dyn Archive>,
    kept: RefCell<BTreeMap<PaymentId, Vec<u8>>>,
    /// Those that the store had just so.
    agreed: RefCell<Ids>,
}

impl Rested<'_> {
    fn take_over(&self, ledger: &mut Ledger) {
        let (mut kept, mut agreed) = (self.kept.borrow_mut(), self.agreed.borrow_mut());
        ledger.payments.retain(|id, payment| {
            let rests = payment.at_rest();
            if rests {
                // One that does not read is found where the store's own payments are looked at.
                let stored = self.store.and_then(|store| store.payment(*id).ok().flatten());
                if stored.is_some_and(|stored| stored == *payment) {
                    agreed.insert(*id);
                    kept.remove(id);
                } else {
                    agreed.remove(*id);
                    let bytes = postcard::to_stdvec(payment).expect("a payment has no type that postcard cannot write");
                    kept.insert(*id, bytes);
                }
            }
            !rests
        });
    }
}

/// A set of payments, a bit each.
#[derive(Debug, Default)]
struct Ids(Vec<u64>);

impl Ids {
    /// Its word and bit. A number too large for this machine's memory stands in no word, and is in no set.
    fn place(id: PaymentId) -> (usize, u64) {
        (usize::try_from(id.0 / 64).unwrap_or(usize::MAX), 1 << (id.0 % 64))
    }

    fn insert(&mut self, id: PaymentId) {
        let (word, bit) = Ids::place(id);
        if word >= self.0.len() {
            // A payment's number is that of its row, and the rows are counted one by one: as many bits as rows.
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= bit;
        }
    }

    fn remove(&mut self, id: PaymentId) {
        let (word, bit) = Ids::place(id);
        if let Some(bits) = self.0.get_mut(word) {
            *bits &= !bit;
        }
    }

    fn has(&self, id: PaymentId) -> bool {
        let (word, bit) = Ids::place(id);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }
}

impl Archive for Rested<'_> {
    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        if self.agreed.borrow().has(id)
            && let Some(store) = self.store
        {
            return store.payment(id);
        }
        let decode = |bytes: &Vec<u8>| postcard::from_bytes(bytes).map_err(|e| StoreError::Damaged(e.to_string()));
        self.kept.borrow().get(&id).map(decode).transpose()
    }

    fn by_request(&self, _request: &RequestId) -> Result<Option<PaymentId>, StoreError> {
        Ok(None)
    }

    fn by_stan(&self, _terminal: &TerminalId, _batch: BatchNo, _stan: Stan) -> Result<Option<PaymentId>, StoreError> {
        Ok(None)
    }

    fn refunds_naming(&self, _rrn: &str) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    fn batch_members(&self, _t: &TerminalId, _batch: BatchNo, _first: Seq) -> Result<Vec<PaymentId>, StoreError> {
        Ok(Vec::new())
    }

    fn recount(&self, _date: BusinessDate) -> Result<Recount, StoreError> {
        Ok(Recount::default())
    }

    fn suspects(&self, _date: BusinessDate) -> Result<Vec<PaymentId>, StoreError> {
        Ok(Vec::new())
    }

    fn sealed_card(&self, _id: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn times_printed(&self, _what: &PrintWhat) -> Result<u32, StoreError> {
        Ok(0)
    }

    fn case(&self, _no: CaseNo) -> Result<Option<Case>, StoreError> {
        // The replay never lets go of one.
        Ok(None)
    }

    fn case_of(&self, _format: &str, _key: &str) -> Result<Option<CaseNo>, StoreError> {
        Ok(None)
    }

    fn case_refunded_by(&self, _refund: PaymentId) -> Result<Option<CaseNo>, StoreError> {
        Ok(None)
    }

    fn cases_on(&self, _f: &str, _first: BusinessDate, _last: BusinessDate) -> Result<Vec<CaseNo>, StoreError> {
        Ok(Vec::new())
    }

    fn statement_of(&self, _hash: &[u8; 32]) -> Result<(Option<StatementNo>, StatementNo), StoreError> {
        Ok((None, StatementNo(0)))
    }
}
