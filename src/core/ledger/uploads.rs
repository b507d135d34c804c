//! 批上送: which records of an unbalanced batch go up next, in the profile's order, each once. What is sent and when is the schedule's
//! affair; the sent-flags are the batch's own, so that a crash resumes at the record where it was.

use super::decide_lane::{Scene, message_name};
use super::orders::OrderSources;
use super::{Ledger, Rules, Terminal};
use crate::core::acquirer::{Verdict, Verdicts};
use crate::core::day::Rung;
use crate::core::domain::{BatchNo, Entry, PaymentId, Stan, State, TerminalId};
use crate::core::journal::{Column, Event, ExceptionKind, Subject};
use crate::core::payment::Payment;
use crate::core::ports::{KeptCard, StoreError};

/// A record that is still to go up. The order of its parts is the order of the upload.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    place: usize,
    payment: PaymentId,
    single: bool,
    stan: Stan,
}

impl Ledger {
    /// The next record, or up to eight of them, or the end of the upload: what the acquirer has acknowledged, of the halves that it asks for.
    pub(super) fn upload_on(
        &self,
        id: &TerminalId,
        terminal: &Terminal,
        scene: Scene<'_>,
    ) -> Result<Event, StoreError> {
        let batch = &terminal.batch;
        let due = self.due(id, terminal, scene)?;
        let balanced = batch.rung == Rung::Balanced;
        let subject = match due.first() {
            None => Subject::End { balanced, records: batch.records },
            Some(Due { single: true, payment, stan, .. }) => {
                let subject = Subject::UploadOne(*payment);
                return Ok(Event::Sending { terminal: id.clone(), stan: *stan, batch: batch.number, subject });
            }
            Some(_) => {
                let rows = due.iter().take_while(|due| !due.single).map(|due| due.payment);
                let rows = rows.take(scene.rules.channel.upload.rows_per_message.clamp(1, 8)).collect::<Vec<_>>();
                if let Some(row) = self.without_card(&rows, scene)? {
                    return Ok(self.skip(row, id, batch.number));
                }
                Subject::Upload(rows)
            }
        };
        Ok(self.fresh(id, terminal, subject))
    }

    /// The first of these records that would go up without the card that it was paid with.
    pub(super) fn without_card(&self, rows: &[PaymentId], scene: Scene<'_>) -> Result<Option<PaymentId>, StoreError> {
        let sources = OrderSources { ledger: self, rules: scene.rules, archive: scene.archive, sealer: scene.sealer };
        for row in rows {
            if !sources.has_card(*row)? {
                return Ok(Some(*row));
            }
        }
        Ok(None)
    }

    /// A record that no message can be built of is left out, or its terminal would never settle. A person is told first: a power cut in between leaves
    /// it due and told.
    pub(super) fn skip(&self, payment: PaymentId, terminal: &TerminalId, batch: BatchNo) -> Event {
        let told =
            self.exceptions.values().any(|e| e.kind == ExceptionKind::RecordSkipped && e.payment == Some(payment));
        if told {
            Event::RecordSkipped { terminal: terminal.clone(), batch, payment }
        } else {
            self.exception(ExceptionKind::RecordSkipped, Some(payment), terminal, 0)
        }
    }

    fn due(&self, id: &TerminalId, terminal: &Terminal, scene: Scene<'_>) -> Result<Vec<Due>, StoreError> {
        let batch = &terminal.batch;
        let Some(first) = batch.first else { return Ok(Vec::new()) };
        let mut due = Vec::new();
        for member in scene.archive.batch_members(id, batch.number, first)? {
            if batch.uploaded.contains(&member) {
                continue;
            }
            let payment = match self.payments.get(&member) {
                Some(payment) => Some(payment.clone()),
                None => scene.archive.payment(member)?,
            };
            let Some(payment) = payment else { continue };
            let by_chip = matches!(payment.entry, Some(Entry::Chip | Entry::Contactless));
            let objects = by_chip
                && scene.rules.channel.upload.chip
                && scene.archive.sealed_card(member)?.is_some_and(|sealed| sealed.len() >= KeptCard::WITH_CHIP);
            due.extend(record(&payment, objects, batch.verdicts, scene.rules));
        }
        due.sort();
        Ok(due)
    }
}

/// A payment as a record, where the acquirer asks for it.
fn record(payment: &Payment, objects: bool, verdicts: Option<Verdicts>, rules: &Rules) -> Option<Due> {
    let plan = &rules.channel.upload;
    let halves = verdicts.map_or([Verdict::Error; 2], |v| [v.domestic, v.foreign]);
    let foreign = rules.channel.is_of_foreign_half(payment);
    let own = if foreign { halves[1] } else { halves[0] };
    let everything = plan.all_on_error && halves.contains(&Verdict::Error);
    let name = message_name(payment, payment.stored_at.is_some())?;
    let chip = objects && plan.chip_record(name);
    let failed = matches!(payment.state, State::Declined | State::Reversed);
    // A chip's records go up after either verdict, and what it was declined too.
    if !chip && (!payment.in_host_totals || (own == Verdict::Balanced && !everything)) {
        return None;
    }
    if chip && !payment.in_host_totals && !failed {
        return None;
    }
    if rules.channel.net_totals && (payment.voided_by.is_some() || payment.column() == Column::Void) {
        return None;
    }
    // Its adjustment goes up in its place.
    if payment.adjusted.is_some_and(|adjusted| adjusted.told) {
        return None;
    }
    let (place, single) = if chip { (plan.chip_place(failed), true) } else { plan.place(name)? };
    Some(Due { place, payment: payment.id, single, stan: payment.stan? })
}
