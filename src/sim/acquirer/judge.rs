//! The judgement: what a terminal did wrong, payments that had two effects, and the figures at the end.
//!
//! Looks at the books only. Findings are entries of the books, so that they outlive a kill.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::books::{Books, Key, Payment, Settlement, Status};
use super::dialect::{Kind, Side};
use super::totals::Totals;

/// Findings kept; what comes after is counted only.
pub const MAX_FINDINGS: usize = 10_000;

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Bytes that are no message.
    Undecodable,
    /// Encoding the message again gives other bytes.
    NonCanonical,
    /// TPDU or header is not as it should be.
    BadFrame,
    /// In no table.
    UnknownMessage,
    /// A TID that the host does not serve.
    UnknownTerminal,
    /// Another merchant than before.
    WrongMerchant,
    /// A field that the message needs is absent.
    MissingField,
    /// A field that the message must not carry.
    UnexpectedField,
    /// A field's content contradicts the message.
    BadValue,
    /// PIN, track or verification data where they must not be.
    CardData,
    /// Field 64 is wrong.
    BadMac,
    /// No field 64 where one is needed.
    MissingMac,
    /// A message with a MAC before any sign-on.
    NotSignedOn,
    /// Field 60.2 is not the terminal's batch.
    WrongBatch,
    /// A STAN of this batch used for something else.
    StanReused,
    /// An online payment while a reversal was owed.
    PaymentBeforeReversal,
    /// A settlement while a reversal was owed.
    SettleBeforeReversal,
    /// A financial message between 0500 and the answered end.
    FinancialInSettlement,
    /// A reversal that says something else than its original.
    ReversalDiffers,
    /// A reversal of what may not be reversed.
    NotReversible,
    /// Field 48 of 0500 is not what the host answered.
    TotalsWrong,
    /// A second settlement of the same batch.
    SettledAgain,
    /// Records uploaded without a settlement, or after its end.
    UploadWithoutSettlement,
    /// A row that differs from the host's own record.
    UploadDiffers,
    /// Fewer or other records than the unbalanced halves claim.
    UploadIncomplete,
    /// End without a settlement.
    EndWithoutSettlement,
    /// 207 where 202 was due, or the reverse.
    WrongEnd,
    /// Field 48 of the end is not the number of records uploaded.
    EndCount,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub rule: Rule,
    /// Field 41, as far as it could be read.
    pub tid: String,
    /// Field 60.2, as far as it could be read.
    pub batch: u32,
    /// Field 11, as far as it could be read.
    pub stan: u32,
    /// In words, without card data.
    pub what: String,
}

/// Count and sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Effect {
    /// How many.
    pub count: u64,
    /// Minor units.
    pub amount: i64,
}

/// One settlement in the judgement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settled {
    /// Field 41.
    pub terminal: String,
    /// Field 60.2.
    pub batch: u32,
    /// As answered, for each half: 1 balanced, 2 unbalanced, 3 error.
    pub verdicts: [u8; 2],
    /// What the terminal said.
    pub claimed: Totals,
    /// What the books said.
    pub own: Totals,
    /// Records uploaded.
    pub uploaded: usize,
    /// STANs that count in the books' unbalanced halves and were not uploaded.
    pub host_only: Vec<u32>,
    /// STANs that were uploaded and that the books do not have in force.
    pub terminal_only: Vec<u32>,
    /// The end was answered.
    pub ended: bool,
}

/// Two effects that are one payment as far as the host can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The earlier.
    pub first: Key,
    /// The later.
    pub second: Key,
    /// How the host sees it.
    pub why: &'static str,
}

/// The host's last word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What was done wrong, in order.
    pub findings: Vec<Finding>,
    /// Payments decided, approved or not.
    pub payments: usize,
    /// Effects in force.
    pub effects: Effects,
    /// Number of duplicates.
    pub duplicates: usize,
    /// Which.
    pub duplicate_list: Vec<Duplicate>,
    /// Repeats of messages, which had no second effect.
    pub repeats: u64,
    /// Payments undone by 0400.
    pub reversed: usize,
    /// Payments declined.
    pub declined: usize,
    /// Reversals that are owed and never came.
    pub owed: Vec<Key>,
    /// Every 0500, by terminal and batch.
    pub settlements: Vec<Settled>,
}

/// Effects in force by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Effects {
    /// 消费
    pub sale: Effect,
    /// 撤销
    pub void: Effect,
    /// 退货
    pub refund: Effect,
}

/// Judges the books as they are.
#[must_use]
pub fn judge(books: &Books) -> Judgement {
    let duplicate_list = duplicates(books);
    let with = |status| books.payments.iter().filter(|p| p.status == status).count();
    Judgement {
        findings: books.findings.clone(),
        payments: books.payments.len(),
        effects: effects(books),
        duplicates: duplicate_list.len(),
        duplicate_list,
        repeats: books.repeats,
        reversed: with(Status::Reversed),
        declined: with(Status::Declined),
        owed: owed(books),
        settlements: books.settlements.values().map(|settlement| settled(books, settlement)).collect(),
    }
}

fn effects(books: &Books) -> Effects {
    let effects = books.effects();
    let of = |word| {
        let (count, amount) = effects.get(word).copied().unwrap_or_default();
        Effect { count, amount }
    };
    Effects { sale: of("sale"), void: of("void"), refund: of("refund") }
}

fn owed(books: &Books) -> Vec<Key> {
    let keys = books
        .terminals
        .iter()
        .flat_map(|(tid, terminal)| terminal.owed.keys().map(|&(batch, stan)| Key { tid: tid.clone(), batch, stan }));
    keys.collect()
}

fn settled(books: &Books, settlement: &Settlement) -> Settled {
    let Key { tid, batch, .. } = &settlement.key;
    let uploaded: BTreeSet<u32> = settlement.uploaded.iter().map(|row| row.stan).collect();
    let counts = |p: &&Payment| p.in_force() && p.kind.side() != Side::Neither;
    let booked: BTreeSet<u32> = books.batch(tid, *batch).filter(counts).map(|p| p.key.stan).collect();
    let due = |p: &&Payment| settlement.verdicts[usize::from(p.foreign)] != 1;
    let due = books.batch(tid, *batch).filter(counts).filter(due).map(|p| p.key.stan);
    Settled {
        terminal: tid.clone(),
        batch: *batch,
        verdicts: settlement.verdicts,
        claimed: settlement.claimed,
        own: settlement.own,
        uploaded: settlement.uploaded.len(),
        host_only: due.filter(|stan| !uploaded.contains(stan)).collect(),
        terminal_only: uploaded.difference(&booked).copied().collect(),
        ended: settlement.end.is_some(),
    }
}

/// Pairs of effects in force that stand for one payment: a scanned code (good once) charged twice; a message under a second batch; a payment whose
/// answer was lost and that was never reversed, followed by the same card and amount at the same terminal.
#[must_use]
pub fn duplicates(books: &Books) -> Vec<Duplicate> {
    let mut codes: HashMap<&str, &Payment> = HashMap::new();
    let mut stans: HashMap<(&str, u32, &str, i64, Option<&str>), &Payment> = HashMap::new();
    let mut lost: HashMap<(&str, &str, i64, Option<&str>), &Payment> = HashMap::new();
    let mut found = Vec::new();
    let in_force = |p: &&Payment| p.in_force() && p.kind.side() != Side::Neither && p.taken_by.is_none();
    for payment in books.payments.iter().filter(in_force) {
        let word = payment.kind.statement_word();
        let (tid, token, amount) = (payment.key.tid.as_str(), payment.token.as_str(), payment.amount);
        let code = (payment.kind == Kind::ScanSale).then(|| codes.insert(token, payment)).flatten();
        let batch = stans.insert((tid, payment.key.stan, token, amount, word), payment);
        let reversal = lost.get(&(tid, token, amount, word)).copied();
        let first = [
            (code, "a scanned code is good for one payment"),
            (batch, "the same STAN, card and amount in another batch"),
            (reversal, "its answer was lost and it was never reversed; then the same card and amount"),
        ];
        if let Some((first, why)) = first.into_iter().find_map(|(first, why)| Some((first?, why))) {
            found.push(Duplicate { first: first.key.clone(), second: payment.key.clone(), why });
        }
        if payment.undelivered && payment.kind != Kind::Void {
            lost.insert((tid, token, amount, word), payment);
        }
    }
    found
}
