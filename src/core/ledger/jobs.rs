//! What is printed because of a row: queued in the same commit, so that nothing is printed of what is not durable (law 1).

use super::{Ledger, Rules};
use crate::core::acquirer::profile::Exhausted;
use crate::core::domain::{Kind, Method, PaymentId, State, TerminalId};
use crate::core::journal::{Event, Record};
use crate::core::ports::{JobRow, PrintWhat};

/// The jobs that a record makes. `state_before` is that of the payment it is about.
pub(super) fn jobs(
    record: &Record,
    ledger: &Ledger,
    rules: &Rules,
    changed: &[(PaymentId, Option<State>)],
) -> Vec<JobRow> {
    let mut jobs = Vec::new();
    let mut queue = |printer: Option<&crate::core::domain::PrinterId>, what: PrintWhat| {
        if let Some(printer) = printer {
            jobs.push(JobRow { printer: printer.clone(), what, reprint: 0 });
        }
    };
    for (id, before) in changed {
        let Some(payment) = ledger.payments.get(id) else { continue };
        let Some(terminal) = rules.terminals.get(&payment.device) else { continue };
        let receipt_due = match payment.state {
            State::Approved => *before != Some(State::Approved),
            // Not when it comes back into the queue: its receipt was printed when it was taken.
            State::Stored => *before == Some(State::Waiting),
            _ => false,
        };
        if !receipt_due || payment.kind == Kind::Balance {
            continue;
        }
        if payment.method == Method::Cash {
            queue(terminal.printer.as_ref(), PrintWhat::Drawer { device: payment.device.clone() });
        }
        if terminal.receipts {
            queue(terminal.printer.as_ref(), PrintWhat::Receipt { payment: *id });
        }
    }
    let at = |terminal: &TerminalId| rules.terminals.get(terminal).and_then(|t| t.printer.as_ref());
    match &record.event {
        Event::DaySealed { date, .. } => queue(rules.report_printer.as_ref(), PrintWhat::DayReport { date: *date }),
        Event::ShiftClosed { shift, .. } => {
            queue(rules.report_printer.as_ref(), PrintWhat::ShiftSlip { shift: *shift })
        }
        Event::ReversalGivenUp { payment } if rules.channel.exhausted == Exhausted::Slip => {
            let device = ledger.payments.get(payment).map(|p| &p.device);
            // A receipt of what did not succeed is its state slip: what whoever asks the acquirer has to name.
            queue(device.and_then(&at), PrintWhat::Receipt { payment: *payment });
        }
        Event::DrawerOpened { device, .. } => queue(at(device), PrintWhat::Drawer { device: device.clone() }),
        _ => {}
    }
    jobs
}

/// The slip of a batch that has just ended.
pub(super) fn slip(terminal: &TerminalId, batch: crate::core::domain::BatchNo, rules: &Rules) -> Option<JobRow> {
    let printer = rules.terminals.get(terminal)?.printer.clone()?;
    Some(JobRow { printer, what: PrintWhat::BatchSlip { terminal: terminal.clone(), batch }, reprint: 0 })
}
