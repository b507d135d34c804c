//! A terminal's batch 批次 and the rungs of its ladder.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::acquirer::{HostHalf, HostTotals, Verdicts};
use crate::core::domain::{BatchNo, BusinessDate, Minor, PaymentId, Seq, Stan, TerminalId};
use crate::core::journal::{Column, Columns};

/// Where a batch stands. The order is the ladder's: a day stands on the lowest rung of its batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rung {
    /// Taking payments.
    Open,
    /// 0500 is journaled and has no verdict yet: repeated unchanged.
    Asked,
    /// The verdict: at least one half is an error.
    Error,
    /// The verdict: at least one half differs.
    Unbalanced,
    /// The verdict: both halves agree.
    Balanced,
    /// Every record that the verdict asks for is uploaded; the end is journaled and repeated unchanged until answered.
    Uploaded,
    /// The end is answered: it takes nothing more, for ever.
    Ended,
}

impl Rung {
    /// The word of the rung.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Open => "open",
            Rung::Asked => "asked",
            Rung::Error => "error",
            Rung::Unbalanced => "unbalanced",
            Rung::Balanced => "balanced",
            Rung::Uploaded => "uploaded",
            Rung::Ended => "ended",
        }
    }
}

/// What a batch must not outgrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Each count of field 48.
    pub count: u32,
    /// Each sum of field 48.
    pub sum: Minor,
    /// Records that would go up.
    pub records: u32,
}

impl Default for BatchLimits {
    /// Field 48 has three digits for a count and twelve for a sum, and the end message four for the records.
    fn default() -> BatchLimits {
        BatchLimits { count: 900, sum: Minor(Minor::MAX_ISO.0 / 10 * 9), records: 9_000 }
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its number at the acquirer.
    pub number: BatchNo,
    /// Where it stands.
    pub rung: Rung,
    /// The row of its first sending. With terminal and number, unique for ever (law 3).
    pub first: Option<Seq>,
    /// The row of its last sending.
    pub last: Option<Seq>,
    /// What the acquirer has acknowledged, gross.
    pub totals: HostTotals,
    /// Of these, what was voided in it, as debit: what net totals leave out on both sides.
    pub voided: HostTotals,
    /// Each day's part of it, by the day of the payments; vouchers for late answers stand in none.
    pub parts: BTreeMap<BusinessDate, Columns>,
    /// The totals that were asked about, and the STAN of that message.
    pub asked: Option<(Stan, HostTotals)>,
    /// What the acquirer said.
    pub verdicts: Option<Verdicts>,
    /// The upload that is not answered yet: repeated unchanged but for what is skipped, so that its records are not counted twice.
    pub uploading: Option<(Stan, Vec<PaymentId>)>,
    /// The payments that are uploaded, or skipped: what is not in here goes up after a crash.
    pub uploaded: BTreeSet<PaymentId>,
    /// Records uploaded.
    pub records: u16,
    /// The STAN of the end message.
    pub end: Option<Stan>,
    /// The acquirer's settlement date (F15 of its answers), MMDD.
    pub settle_date: Option<String>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new(number: BatchNo) -> Batch {
        Batch {
            number,
            rung: Rung::Open,
            first: None,
            last: None,
            totals: HostTotals::default(),
            voided: HostTotals::default(),
            parts: BTreeMap::new(),
            asked: None,
            verdicts: None,
            uploading: None,
            uploaded: BTreeSet::new(),
            records: 0,
            end: None,
            settle_date: None,
        }
    }

    /// Nothing was ever sent in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// No financial message may leave the terminal: from 0500 until the end is answered.
    #[must_use]
    pub fn settling(&self) -> bool {
        !matches!(self.rung, Rung::Open | Rung::Ended)
    }

    /// The contract's word for its settlement.
    #[must_use]
    pub fn result(&self) -> &'static str {
        match (self.rung, self.verdicts) {
            (Rung::Open, _) => "pending",
            (_, None) => "unconfirmed",
            (_, Some(v)) if v.balanced() => "balanced",
            (Rung::Error, _) => "error",
            (_, Some(v)) => {
                use crate::core::acquirer::Verdict::Error;
                if v.domestic == Error || v.foreign == Error { "error" } else { "unbalanced" }
            }
        }
    }

    /// The acquirer has a payment: it stands in field 48 from now on. `false` where a sum or count would not fit its digits.
    #[must_use]
    pub fn acknowledge(&mut self, foreign: bool, column: Column, amount: Minor) -> bool {
        let half = if foreign { &mut self.totals.foreign } else { &mut self.totals.domestic };
        let (sum, count) = match column {
            Column::Sale => (&mut half.debit, &mut half.debit_count),
            Column::Refund | Column::Void => (&mut half.credit, &mut half.credit_count),
            Column::Voucher => return true,
        };
        match sum.checked_add(amount) {
            Some(more) if more <= Minor::MAX_ISO => {
                *sum = more;
                *count = count.saturating_add(1);
                if column == Column::Void {
                    let voided = if foreign { &mut self.voided.foreign } else { &mut self.voided.domestic };
                    voided.debit = voided.debit.checked_add(amount).unwrap_or(voided.debit);
                    voided.debit_count = voided.debit_count.saturating_add(1);
                }
                true
            }
            _ => false,
        }
    }

    /// The acquirer has an adjustment: the sale's amount is replaced, its count stays. `false` where the sum would not fit its digits.
    #[must_use]
    pub fn adjust(&mut self, foreign: bool, by: Minor) -> bool {
        let half = if foreign { &mut self.totals.foreign } else { &mut self.totals.domestic };
        match half.debit.checked_add(by) {
            Some(sum) if (Minor::ZERO..=Minor::MAX_ISO).contains(&sum) => {
                half.debit = sum;
                true
            }
            _ => false,
        }
    }

    /// The totals without what was voided, and without the voids.
    #[must_use]
    pub fn net_totals(&self) -> HostTotals {
        let net = |gross: HostHalf, voided: HostHalf| {
            let less = |sum: Minor| sum.checked_sub(voided.debit).unwrap_or(sum);
            HostHalf {
                debit: less(gross.debit),
                debit_count: gross.debit_count.saturating_sub(voided.debit_count),
                credit: less(gross.credit),
                credit_count: gross.credit_count.saturating_sub(voided.debit_count),
            }
        };
        HostTotals {
            domestic: net(self.totals.domestic, self.voided.domestic),
            foreign: net(self.totals.foreign, self.voided.foreign),
        }
    }

    /// The acquirer has these records.
    pub fn went_up(&mut self, records: &[PaymentId]) {
        let new = records.iter().filter(|record| self.uploaded.insert(**record)).count();
        self.records = self.records.saturating_add(u16::try_from(new).unwrap_or(u16::MAX));
    }

    /// The upload goes on without this record.
    ///
    /// A message that is not answered yet may have carried it: silence is *unknown*. It is repeated with the rest under its own STAN, and not as it was
    /// (that would put zeros in a card's place) and not under a new one: who has the first recognizes the STAN and keeps what it has, who has not gets
    /// the rest, and no record arrives twice. A repeat that says less changes nothing of what was said. Whether the record itself had arrived is for the
    /// statement to say: it is not counted, and a person is told.
    pub fn skip(&mut self, record: PaymentId) {
        self.uploaded.insert(record);
        if let Some((_, rows)) = &mut self.uploading {
            rows.retain(|row| *row != record);
            if rows.is_empty() {
                self.uploading = None;
            }
        }
    }

    /// Whether field 48 can take another such entry, whichever half its card belongs to: nobody knows before the answer. An empty side takes what is
    /// above the limit by itself: no other batch would have more room for it.
    #[must_use]
    pub fn has_room(&self, column: Column, amount: Minor, limits: BatchLimits) -> bool {
        let sums = [&self.totals.domestic, &self.totals.foreign].map(|half| match column {
            Column::Refund | Column::Void => half.credit,
            Column::Sale | Column::Voucher => half.debit,
        });
        let fits = |more: Minor, sum: Minor| more <= Minor::MAX_ISO && (more <= limits.sum || sum == Minor::ZERO);
        sums.into_iter().all(|sum| sum.checked_add(amount).is_some_and(|more| fits(more, sum)))
    }

    /// It should be settled by itself: a count, a sum, or the records that an upload would have reach their limit.
    #[must_use]
    pub fn nearly_full(&self, limits: BatchLimits) -> bool {
        let near = |half: &HostHalf| {
            half.debit_count.max(half.credit_count) >= limits.count || half.debit.max(half.credit) >= limits.sum
        };
        let counts = |half: &HostHalf| half.debit_count.saturating_add(half.credit_count);
        let records = counts(&self.totals.domestic).saturating_add(counts(&self.totals.foreign));
        near(&self.totals.domestic) || near(&self.totals.foreign) || records >= limits.records
    }

    /// Debits and credits of both halves together: (count, sum) each. Sums of two 12-digit numbers fit.
    #[must_use]
    pub fn debit_credit(&self) -> ((u64, Minor), (u64, Minor)) {
        let totals = self.asked.as_ref().map_or(&self.totals, |(_, totals)| totals);
        let (d, f) = (&totals.domestic, &totals.foreign);
        let add = |a: Minor, b: Minor| a.checked_add(b).unwrap_or(a);
        (
            (u64::from(d.debit_count) + u64::from(f.debit_count), add(d.debit, f.debit)),
            (u64::from(d.credit_count) + u64::from(f.credit_count), add(d.credit, f.credit)),
        )
    }
}

/// A terminal's batch by name.
pub type BatchKey = (TerminalId, BatchNo);
