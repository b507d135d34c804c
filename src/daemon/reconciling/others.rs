//! What other statements of the same format have with money, beside the one that is judged: a payment settled in both came twice.

use std::collections::BTreeSet;

use crate::core::domain::{BusinessDate, PaymentId};
use crate::core::ports::StoreError;
use crate::io::store::{Known, Reader};

/// The statements beside one.
pub(super) struct Others {
    format: String,
    /// The days of the one that is judged: whatever another says of them, this one says anew.
    days: BTreeSet<BusinessDate>,
    /// The number under which the same file was noted.
    same: Option<u64>,
}

/// Payments and the days on which others have them, one for each row; ascending.
#[derive(Default)]
pub(super) struct BookedElsewhere {
    payments: Vec<u64>,
    days: Vec<BusinessDate>,
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
                all.extend(has.payments.iter().filter(|id| (first..=last).contains(id)).map(|id| (id.0, has.day)));
            }
        }
        all.sort_unstable();
        let (payments, days) = all.into_iter().unzip();
        Ok(BookedElsewhere { payments, days })
    }
}

impl BookedElsewhere {
    /// The days on which they have a payment.
    pub(super) fn days_of(&self, id: PaymentId) -> &[BusinessDate] {
        let from = self.payments.partition_point(|other| *other < id.0);
        let to = self.payments.partition_point(|other| *other <= id.0);
        &self.days[from..to]
    }
}
