//! What other statements of the same format have with money, beside the one that is judged: a payment settled in both came twice.

use std::collections::BTreeSet;

use crate::core::domain::{BusinessDate, PaymentId};
use crate::core::ports::StoreError;
use crate::core::reconcile::RowElsewhere;
use crate::io::store::{Known, Reader};

/// The statements beside one.
pub(super) struct Others {
    format: String,
    /// The days of the one that is judged: whatever another says of them, this one says anew.
    days: BTreeSet<BusinessDate>,
    /// The number under which the same file was noted.
    same: Option<u64>,
}

/// Payments and the rows that others have for them, ascending.
#[derive(Default)]
pub(super) struct BookedElsewhere {
    payments: Vec<u64>,
    rows: Vec<RowElsewhere>,
}

impl Others {
    /// Than one of these days, which may have been noted before.
    pub(super) fn than(format: &str, days: BTreeSet<BusinessDate>, known: Option<&Known>) -> Others {
        Others { format: format.to_owned(), days, same: known.map(|known| known.id) }
    }

    /// What they have of the payments between two.
    pub(super) fn have(
        &self,
        reader: &Reader,
        first: PaymentId,
        last: PaymentId,
    ) -> Result<BookedElsewhere, StoreError> {
        let mut all = Vec::new();
        for has in reader.booked(&self.format, first, last)? {
            if !self.days.contains(&has.day) && self.same != Some(has.statement) {
                let row = RowElsewhere { day: has.day, too_many: 0 };
                all.extend(has.payments.iter().filter(|id| (first..=last).contains(id)).map(|id| (id.0, row)));
            }
        }
        all.sort_unstable();
        let (payments, rows) = all.into_iter().unzip();
        let mut booked = BookedElsewhere { payments, rows };
        if !booked.payments.is_empty() {
            // Which row is one too many was said once, and stays said while it is there.
            for case in reader.cases_twice(&self.format, first, last)?.iter().filter(|case| case.agreed.is_none()) {
                let Some(payment) = case.finding.payment else { continue };
                let of = booked.range_of(payment);
                let row = booked.rows[of].iter_mut().find(|r| r.day == case.finding.day && r.too_many == 0);
                if let Some(row) = row {
                    row.too_many = case.finding.row_too_many();
                }
            }
        }
        Ok(booked)
    }
}

impl BookedElsewhere {
    /// The rows that they have for a payment.
    pub(super) fn rows_of(&self, id: PaymentId) -> &[RowElsewhere] {
        &self.rows[self.range_of(id)]
    }

    fn range_of(&self, id: PaymentId) -> std::ops::Range<usize> {
        let from = self.payments.partition_point(|other| *other < id.0);
        from..self.payments.partition_point(|other| *other <= id.0)
    }
}
