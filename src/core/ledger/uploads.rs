//! 批上送: which records of an unbalanced batch go up next, in the profile's order, each once. What is sent and when is the schedule's
//! affair; the sent-flags are the batch's own, so that a crash resumes at the record where it was.

use super::decide_lane::{Scene, message_name};
use super::{Ledger, Rules, Terminal};
use crate::core::acquirer::{Verdict, Verdicts};
use crate::core::domain::{PaymentId, Stan, TerminalId};
use crate::core::journal::{Column, Event, Subject};
use crate::core::payment::Payment;
use crate::core::ports::StoreError;

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
        let subject = match due.first() {
            None => Subject::End { balanced: false, records: batch.records },
            Some(Due { single: true, payment, stan, .. }) => {
                let subject = Subject::UploadOne(*payment);
                return Ok(Event::Sending { terminal: id.clone(), stan: *stan, batch: batch.number, subject });
            }
            Some(_) => {
                let rows = due.iter().take_while(|due| !due.single).map(|due| due.payment);
                Subject::Upload(rows.take(scene.rules.channel.upload.rows_per_message.clamp(1, 8)).collect())
            }
        };
        Ok(self.fresh(id, terminal, subject))
    }

    fn due(&self, id: &TerminalId, terminal: &Terminal, scene: Scene<'_>) -> Result<Vec<Due>, StoreError> {
        let batch = &terminal.batch;
        let Some(first) = batch.first else { return Ok(Vec::new()) };
        let mut due = Vec::new();
        for member in scene.archive.batch_members(id, batch.number, first)? {
            if batch.uploaded.contains(&member) {
                continue;
            }
            due.extend(match self.payments.get(&member) {
                Some(payment) => record(payment, batch.verdicts, scene.rules),
                None => scene.archive.payment(member)?.and_then(|p| record(&p, batch.verdicts, scene.rules)),
            });
        }
        due.sort();
        Ok(due)
    }
}

/// A payment as a record, where the acquirer asks for it.
fn record(payment: &Payment, verdicts: Option<Verdicts>, rules: &Rules) -> Option<Due> {
    let plan = &rules.channel.upload;
    let halves = verdicts.map_or([Verdict::Error; 2], |v| [v.domestic, v.foreign]);
    let foreign = rules.channel.is_foreign(payment.organisation.as_deref());
    let own = if foreign { halves[1] } else { halves[0] };
    let everything = plan.all_on_error && halves.contains(&Verdict::Error);
    if !payment.in_host_totals || (own == Verdict::Balanced && !everything) {
        return None;
    }
    if rules.channel.net_totals && (payment.voided_by.is_some() || payment.column() == Column::Void) {
        return None;
    }
    let (place, single) = plan.place(message_name(payment, payment.stored_at.is_some())?)?;
    Some(Due { place, payment: payment.id, single, stan: payment.stan? })
}
