//! What the state gives to the archive: shifts, batches and days as rows. Written as they move, and all of them again by a refold.

use super::{Ledger, Rules};
use crate::core::day::{Batch, Rung};
use crate::core::domain::{BusinessDate, Seq, ShiftNo, TerminalId};
use crate::core::journal::{Link, Record};
use crate::core::ports::{Archive, BatchRow, DayRow, ShiftRow, StoreError};

impl Ledger {
    /// Absorbs a row of the store's journal: what it becomes again, and its link, must be what lies there.
    pub(super) fn follow(&mut self, record: &Record, link: &Link, archive: &dyn Archive) -> Result<(), StoreError> {
        if record.seq == Seq(1) {
            // The first row names the day that the store began with.
            *self = Ledger::new(record.date);
        }
        let again = self.absorb(record.event.clone(), record.at, archive).map_err(|error| match error {
            // What stands in the journal was taken once.
            StoreError::Refused(why) => StoreError::Damaged(why),
            error => error,
        })?;
        if again != *record {
            return Err(StoreError::Damaged(format!("row {} does not follow from the rows before it", record.seq)));
        }
        if self.link != *link {
            return Err(StoreError::Damaged(format!("row {} is not linked to the row before it", record.seq)));
        }
        Ok(())
    }

    /// A shift that was closed today.
    pub(super) fn shift_row(&self, shift: ShiftNo) -> Option<ShiftRow> {
        let today = self.today();
        let closed = today.closed_shifts.iter().find(|s| s.no == shift)?;
        Some(ShiftRow { shift, cashier: closed.cashier.clone(), closed: today.date, body: to_json(closed) })
    }

    /// A terminal's batches: the current one, and those ended that an unfinished day lies in. Of one that nobody has asked about yet there is only that it
    /// began: its figures move with every message, and the ledger has them.
    pub(super) fn batch_rows<'a>(&'a self, terminal: &'a TerminalId) -> impl Iterator<Item = BatchRow> + 'a {
        let ended = self.ended.iter().filter(move |((t, _), _)| t == terminal).map(|(_, batch)| batch);
        let current = self.terminals.get(terminal).map(|state| &state.batch);
        ended.chain(current).filter_map(move |batch| {
            let body = if batch.rung == Rung::Open {
                to_json(&Batch { first: batch.first, ..Batch::new(batch.number) })
            } else {
                to_json(batch)
            };
            let (batch, first, rung) = (batch.number, batch.first?, batch.rung.as_str());
            Some(BatchRow { terminal: terminal.clone(), batch, first, rung, body })
        })
    }

    /// The days that are cut and not finished, with their figures of this moment.
    pub(super) fn day_rows(&self, rules: &Rules, archive: &dyn Archive) -> Result<Vec<DayRow>, StoreError> {
        let mut rows = Vec::new();
        let dates: Vec<BusinessDate> = self.unfinished().collect();
        for date in dates {
            let Some(day) = self.days.get(&date) else { continue };
            let (Some((last, root)), Some(cut_at)) = (day.cut, day.cut_at) else { continue };
            let Some(view) = self.day_view(date, rules, archive, cut_at)? else { continue };
            let body = to_json(&view);
            rows.push(DayRow { date, z: day.z.0, first: day.first, last, root, tail: body.clone(), body });
        }
        Ok(rows)
    }
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("these types have string keys and no custom serializers that fail")
}
