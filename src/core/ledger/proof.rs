//! The journal read again from its first row, without any help from what else the store keeps: does each row follow from the rows
//! before it, and is every payment what its rows say? What `tilld verify` asks.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Ledger;
use crate::core::domain::{BatchNo, BusinessDate, CaseNo, PaymentId, RequestId, Seq, Stan, StatementNo, TerminalId};
use crate::core::journal::{Link, Record};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, PrintWhat, Recount, StoreError};
use crate::core::suspense::Case;

/// A replay under way. Payments at rest are kept packed, some 200 bytes each.
#[derive(Debug, Default)]
pub struct Proof {
    ledger: Option<Ledger>,
    rested: Rested,
    broken: bool,
}

impl Proof {
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
            None => self.rested.payment(stored.id).ok().flatten(),
        };
        match ours {
            Some(ours) if ours == *stored => None,
            Some(_) => Some("it is not what its journal rows say".into()),
            None => Some("no journal row made it".into()),
        }
    }
}

impl Proof {
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

    /// How many cases the rows have opened.
    #[must_use]
    pub fn cases(&self) -> Option<u32> {
        self.ledger.as_ref().filter(|_| !self.broken).map(|ledger| ledger.last_case.0)
    }
}

/// Payments at rest, by what the replay itself has made of them.
#[derive(Debug, Default)]
struct Rested(RefCell<BTreeMap<PaymentId, Vec<u8>>>);

impl Rested {
    fn take_over(&self, ledger: &mut Ledger) {
        let mut rested = self.0.borrow_mut();
        ledger.payments.retain(|id, payment| {
            let rests = payment.at_rest();
            if rests {
                let bytes = postcard::to_stdvec(payment).expect("a payment has no type that postcard cannot write");
                rested.insert(*id, bytes);
            }
            !rests
        });
    }
}

impl Archive for Rested {
    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let decode = |bytes: &Vec<u8>| postcard::from_bytes(bytes).map_err(|e| StoreError::Damaged(e.to_string()));
        self.0.borrow().get(&id).map(decode).transpose()
    }

    fn by_request(&self, _request: &RequestId) -> Result<Option<PaymentId>, StoreError> {
        Ok(None)
    }

    fn by_stan(&self, _terminal: &TerminalId, _batch: BatchNo, _stan: Stan) -> Result<Option<PaymentId>, StoreError> {
        Ok(None)
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
