//! The host's books in memory: what entries say, and the state that they add up to.
//!
//! One way in: [`Books::apply`], for a new entry and for one read back at start alike, so that a host that was killed goes on as it was. Knows no
//! file and no wire.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dialect::{Kind, Side};
use super::judge::Finding;
use super::totals::Totals;
use crate::core::domain::WallMs;

/// What names a message to the host: terminal, batch, STAN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Field 41.
    pub tid: String,
    /// Field 60.2.
    pub batch: u32,
    /// Field 11.
    pub stan: u32,
}

/// Where a payment stands at the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has its effect.
    Approved,
    /// It never had one.
    Declined,
    /// A 0400 undid it.
    Reversed,
}

impl Status {
    /// The statement's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Status::Approved => "approved",
            Status::Declined => "declined",
            Status::Reversed => "reversed",
        }
    }
}

/// A payment as the host decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its name.
    pub key: Key,
    /// Field 42.
    pub mid: String,
    /// What it is.
    pub kind: Kind,
    /// Minor units.
    pub amount: i64,
    /// Masked card, or masked scanned code.
    pub payer: String,
    /// Equal for equal cards or codes.
    pub token: String,
    /// Field 63.1 of the answer.
    pub organisation: String,
    /// The half of field 48 in which it counts.
    pub foreign: bool,
    /// Field 39 of the answer.
    pub code: String,
    /// Where it stands.
    pub status: Status,
    /// Field 37.
    pub rrn: String,
    /// Field 38, where it was approved.
    pub approval: Option<String>,
    /// When it was decided.
    pub at: WallMs,
    /// Field 12.
    pub host_time: String,
    /// Calendar date at the host, `2026-11-20`.
    pub host_date: String,
    /// Field 15.
    pub settle_date: String,
    /// The payment that it voids, refunds, completes or adjusts.
    pub original: Option<Key>,
    /// Equal for repeats of the same message.
    pub fingerprint: String,
    /// The answer never reached the terminal, as far as the host can see.
    #[serde(skip)]
    pub undelivered: bool,
    /// The void or completion that refers to it and is in force.
    #[serde(skip)]
    pub taken_by: Option<Key>,
    /// Refunds of it in force, minor units.
    #[serde(skip)]
    pub refunded: i64,
    /// The amount that an adjustment put in its place.
    #[serde(skip)]
    pub adjusted: Option<i64>,
}

impl Payment {
    /// It has its effect.
    #[must_use]
    pub fn in_force(&self) -> bool {
        self.status == Status::Approved
    }

    /// The amount that counts: as adjusted, else its own.
    #[must_use]
    pub fn effective_amount(&self) -> i64 {
        self.adjusted.unwrap_or(self.amount)
    }

    /// Kept offline at the terminal and sent as an advice.
    #[must_use]
    pub fn offline(&self) -> bool {
        self.kind.is_advice()
    }
}

/// One row of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedRow {
    /// Its STAN.
    pub stan: u32,
    /// Said to be a card of a foreign organisation.
    pub foreign: bool,
    /// Masked.
    pub payer: String,
    /// Minor units.
    pub amount: i64,
    /// What a chip gave for a payment that has no effect (204, 206): it counts in no total.
    #[serde(default)]
    pub failed: bool,
}

/// A settlement: 0500, its verdict, and what followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Its name; the STAN is that of 0500.
    pub key: Key,
    /// When it was asked.
    pub at: WallMs,
    /// What the terminal says.
    pub claimed: Totals,
    /// What the books say.
    pub own: Totals,
    /// As answered, for each half.
    pub verdicts: [u8; 2],
    /// Field 37.
    pub rrn: String,
    /// Field 15.
    pub settle_date: String,
    /// Equal for repeats of the same message.
    pub fingerprint: String,
    /// What was uploaded.
    #[serde(default)]
    pub uploaded: Vec<UploadedRow>,
    /// STAN of the end message, when it came.
    #[serde(default)]
    pub end: Option<u32>,
}

impl Settlement {
    /// Both halves agreed.
    #[must_use]
    pub fn balanced(&self) -> bool {
        self.verdicts == [1, 1]
    }
}

/// One line of the books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Work keys were issued.
    SignedOn {
        /// Terminal.
        tid: String,
        /// Merchant.
        mid: String,
        /// When.
        at: WallMs,
        /// Its batch, told in 60.2.
        batch: u32,
        /// Field 62: the keys under the terminal's master key, as hex.
        keys: String,
    },
    /// 签退
    SignedOff {
        /// Terminal.
        tid: String,
    },
    /// A payment was decided.
    Decided(Box<Payment>),
    /// The answer to a payment never reached its terminal, or its request never reached the books.
    Owed {
        /// The payment.
        key: Key,
        /// Of this kind: reversible ones must be reversed before the next online payment.
        kind: Kind,
        /// How it was lost.
        why: String,
    },
    /// A payment came again unchanged.
    Repeated {
        /// The payment.
        key: Key,
        /// The answer went out this time.
        answered: bool,
    },
    /// A 0400 came.
    Reversed {
        /// The payment that it names.
        key: Key,
        /// Field 39 of the answer.
        code: String,
        /// It undid an effect.
        undone: bool,
        /// The answer went out.
        answered: bool,
    },
    /// A 0400 was lost before the host had it.
    ReversalLost {
        /// The payment that it names.
        key: Key,
    },
    /// A 0500 came.
    Asked(Box<Settlement>),
    /// A 0320 with records came.
    Uploaded {
        /// Its name.
        key: Key,
        /// What it lists.
        rows: Vec<UploadedRow>,
    },
    /// The end of an upload came; the terminal's batch is now the next.
    Ended {
        /// Its name.
        key: Key,
        /// The terminal's batch from here.
        next: u32,
    },
    /// The host took a batch number of its own.
    BatchSet {
        /// Terminal.
        tid: String,
        /// From here.
        batch: u32,
    },
    /// The judgement found something.
    Found(Finding),
}

/// What the host knows of one terminal.
#[derive(Debug, Clone, Default)]
pub struct Terminal {
    /// Field 42, once seen.
    pub mid: Option<String>,
    /// The current batch.
    pub batch: u32,
    /// Signed on and not off.
    pub signed_on: bool,
    /// Sign-ons so far.
    pub sign_ons: u64,
    /// Field 62 of the last sign-on, hex.
    pub keys: Option<String>,
    /// Field 62 of the one before: its answer may have been lost.
    pub former_keys: Option<String>,
    /// Reversals owed, with the tries that were seen.
    pub owed: BTreeMap<(u32, u32), u32>,
    /// The batch that was asked about and has not ended.
    pub settling: Option<u32>,
}

/// Everything the books say.
#[derive(Debug, Default)]
pub struct Books {
    /// By TID.
    pub terminals: BTreeMap<String, Terminal>,
    /// In the order of decision.
    pub payments: Vec<Payment>,
    by_key: BTreeMap<Key, usize>,
    by_rrn: BTreeMap<String, usize>,
    /// 0400 for payments that the books do not have: one that comes later is refused.
    pub reversed_unseen: BTreeSet<Key>,
    /// By terminal and batch.
    pub settlements: BTreeMap<(String, u32), Settlement>,
    /// STANs of 0320 messages that were booked.
    pub uploads: BTreeSet<Key>,
    /// So far.
    pub findings: Vec<Finding>,
    /// Repeats of payments seen.
    pub repeats: u64,
    /// Entries so far; gives RRN and authorization codes their numbers.
    pub entries: u64,
}

impl Books {
    /// A terminal, if it was ever seen.
    #[must_use]
    pub fn terminal(&self, tid: &str) -> Option<&Terminal> {
        self.terminals.get(tid)
    }

    /// A payment by its name.
    #[must_use]
    pub fn payment(&self, key: &Key) -> Option<&Payment> {
        self.by_key.get(key).and_then(|index| self.payments.get(*index))
    }

    /// A payment by its field 37.
    #[must_use]
    pub fn by_rrn(&self, rrn: &str) -> Option<&Payment> {
        self.by_rrn.get(rrn).and_then(|index| self.payments.get(*index))
    }

    fn payment_mut(&mut self, key: &Key) -> Option<&mut Payment> {
        self.by_key.get(key).and_then(|index| self.payments.get_mut(*index))
    }

    /// Payments of one batch.
    pub fn batch<'a>(&'a self, tid: &'a str, batch: u32) -> impl Iterator<Item = &'a Payment> + 'a {
        let from = Key { tid: tid.to_owned(), batch, stan: 0 };
        let to = Key { tid: tid.to_owned(), batch, stan: u32::MAX };
        self.by_key.range(from..=to).filter_map(|(_, index)| self.payments.get(*index))
    }

    /// Gross totals of one batch: a voided sale stays in debit; a reversed or declined one counts nowhere. `unseen` leaves out those whose
    /// answer never reached the terminal, which cannot count them.
    #[must_use]
    pub fn totals(&self, tid: &str, batch: u32, without_undelivered: bool) -> Totals {
        let mut totals = Totals::default();
        for payment in self.batch(tid, batch).filter(|p| p.in_force() && !(without_undelivered && p.undelivered)) {
            totals.half_mut(payment.foreign).add(payment.kind.side(), payment.effective_amount());
        }
        totals
    }

    /// Takes an entry in. Cannot fail: an entry was checked before it was written.
    pub fn apply(&mut self, entry: &Entry) {
        self.entries += 1;
        match entry {
            Entry::SignedOn { tid, mid, batch, keys, .. } => self.signed_on(tid, mid, *batch, keys),
            Entry::SignedOff { tid } => self.terminal_mut(tid).signed_on = false,
            Entry::Decided(payment) => self.decided(payment),
            Entry::Owed { key, kind, .. } => self.owed(key, *kind),
            Entry::Repeated { key, answered } => self.repeated(key, *answered),
            Entry::Reversed { key, code, undone, answered } => self.reversed(key, code, *undone, *answered),
            Entry::ReversalLost { key } => self.tried(key),
            Entry::Asked(settlement) => {
                let Key { tid, batch, .. } = settlement.key.clone();
                self.terminal_mut(&tid).settling = Some(batch);
                self.settlements.insert((tid, batch), (**settlement).clone());
            }
            Entry::Uploaded { key, rows } => {
                self.uploads.insert(key.clone());
                if let Some(settlement) = self.settlements.get_mut(&(key.tid.clone(), key.batch)) {
                    settlement.uploaded.extend(rows.iter().cloned());
                }
            }
            Entry::Ended { key, next } => self.ended(key, *next),
            Entry::BatchSet { tid, batch } => self.terminal_mut(tid).batch = *batch,
            Entry::Found(finding) => self.findings.push(finding.clone()),
        }
    }

    fn terminal_mut(&mut self, tid: &str) -> &mut Terminal {
        self.terminals.entry(tid.to_owned()).or_default()
    }

    fn signed_on(&mut self, tid: &str, mid: &str, batch: u32, keys: &str) {
        let terminal = self.terminal_mut(tid);
        terminal.mid.get_or_insert_with(|| mid.to_owned());
        terminal.batch = batch;
        terminal.signed_on = true;
        terminal.sign_ons += 1;
        terminal.former_keys = terminal.keys.replace(keys.to_owned());
    }

    fn decided(&mut self, payment: &Payment) {
        let index = self.payments.len();
        self.by_key.insert(payment.key.clone(), index);
        self.by_rrn.insert(payment.rrn.clone(), index);
        self.payments.push(payment.clone());
        if payment.in_force() {
            self.bear_on_original(payment, true);
        }
    }

    /// What a payment in force does to the one that it refers to, or no longer does.
    fn bear_on_original(&mut self, payment: &Payment, in_force: bool) {
        let Some(original) = payment.original.as_ref().and_then(|key| self.payment_mut(key)) else { return };
        match payment.kind {
            Kind::Refund => {
                let change = if in_force { payment.amount } else { -payment.amount };
                original.refunded = original.refunded.saturating_add(change);
            }
            Kind::Adjust | Kind::Tip => original.adjusted = in_force.then_some(payment.amount),
            _ => original.taken_by = in_force.then(|| payment.key.clone()),
        }
    }

    fn owed(&mut self, key: &Key, kind: Kind) {
        if let Some(payment) = self.payment_mut(key) {
            payment.undelivered = true;
        }
        // A request that is lost after its reversal was done is owed nothing more.
        if kind.is_reversible() && !self.reversed_unseen.contains(key) {
            self.terminal_mut(&key.tid).owed.entry((key.batch, key.stan)).or_insert(0);
        }
    }

    fn repeated(&mut self, key: &Key, answered: bool) {
        self.repeats += 1;
        if !answered {
            return;
        }
        if let Some(payment) = self.payment_mut(key) {
            payment.undelivered = false;
        }
        self.terminal_mut(&key.tid).owed.remove(&(key.batch, key.stan));
    }

    fn reversed(&mut self, key: &Key, code: &str, undone: bool, answered: bool) {
        let known = self.payment_mut(key).map(|payment| {
            if undone {
                payment.status = Status::Reversed;
            }
            payment.clone()
        });
        match known {
            Some(payment) if undone => self.bear_on_original(&payment, false),
            Some(_) => {}
            None => {
                self.reversed_unseen.insert(key.clone());
            }
        }
        let owed = &mut self.terminal_mut(&key.tid).owed;
        if answered && ["00", "25", "12"].contains(&code) {
            owed.remove(&(key.batch, key.stan));
        } else {
            self.tried(key);
        }
    }

    fn tried(&mut self, key: &Key) {
        if let Some(tries) = self.terminal_mut(&key.tid).owed.get_mut(&(key.batch, key.stan)) {
            *tries += 1;
        }
    }

    fn ended(&mut self, key: &Key, next: u32) {
        let terminal = self.terminal_mut(&key.tid);
        terminal.batch = next;
        terminal.settling = None;
        // A new batch: what was owed in the old one can no longer be asked for.
        terminal.owed.retain(|(batch, _), _| *batch != key.batch);
        if let Some(settlement) = self.settlements.get_mut(&(key.tid.clone(), key.batch)) {
            settlement.end = Some(key.stan);
        }
    }

    /// Effects in force by the statement's word: count and sum.
    #[must_use]
    pub fn effects(&self) -> BTreeMap<&'static str, (u64, i64)> {
        let mut effects = BTreeMap::from([("sale", (0u64, 0i64)), ("void", (0, 0)), ("refund", (0, 0))]);
        for payment in self.payments.iter().filter(|p| p.in_force() && p.kind.side() != Side::Neither) {
            let Some(slot) = payment.kind.statement_word().and_then(|word| effects.get_mut(word)) else { continue };
            slot.0 += 1;
            slot.1 = slot.1.saturating_add(payment.effective_amount());
        }
        effects
    }
}
