//! A day's takings by hour, for a chart. A view for people, not a total: nothing is closed or settled by it.

use std::collections::BTreeMap;

use crate::core::domain::{BusinessDate, Minor, PaymentId, Zone};
use crate::core::journal::{Column, Tally};
use crate::core::ports::{HourView, HoursView, StoreError};
use crate::io::store::{PaymentFilter, Reader};

/// Payments that are added up, in pages of 500; a day with more is cut off at its older end, and says so.
const PAGES: usize = 200;

/// Adds up.
pub fn hours(reader: &Reader, zone: &Zone, day: BusinessDate) -> Result<HoursView, StoreError> {
    let mut filter = PaymentFilter { day: Some(day), limit: 500, ..PaymentFilter::default() };
    let mut sums: BTreeMap<String, (Tally, Tally)> = BTreeMap::new();
    let mut complete = false;
    for _ in 0..PAGES {
        let page = reader.payments(&filter)?;
        for payment in page.items.iter().filter(|p| p.counted) {
            let Some(at) = zone.local(payment.made_at) else { continue };
            let (sale, returned) = sums.entry(at.format("%Y-%m-%dT%H").to_string()).or_default();
            add(if payment.column() == Column::Sale { sale } else { returned }, payment.amount);
        }
        filter.cursor = page.next_cursor.as_deref().and_then(PaymentId::parse);
        if filter.cursor.is_none() {
            complete = true;
            break;
        }
    }
    let hour = |(hour, (sale, returned)): (String, (Tally, Tally))| HourView {
        hour,
        sale,
        returned,
        net: sale.amount.checked_sub(returned.amount).unwrap_or(Minor::ZERO),
    };
    Ok(HoursView { hours: sums.into_iter().map(hour).collect(), complete })
}

fn add(tally: &mut Tally, amount: Minor) {
    tally.count = tally.count.saturating_add(1);
    tally.amount = tally.amount.checked_add(amount).unwrap_or(tally.amount);
}
