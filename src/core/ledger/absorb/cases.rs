//! What statements and cases change: what is waited for, where a case stands, and what its end does to the books.

use super::super::Ledger;
use crate::core::day::{Voucher, VoucherReason};
use crate::core::domain::{CaseNo, PaymentId, Seq, State, StatementNo, WallMs};
use crate::core::journal::{CaseBooks, CaseStep, Column, Effect, ExceptionKind, Finding, StatementTaken};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, StoreError};
use crate::core::suspense::Case;

impl Ledger {
    /// Brings a case back into memory if it rests in the archive.
    pub fn fetch_case(&mut self, no: CaseNo, archive: &dyn Archive) -> Result<Option<&Case>, StoreError> {
        if !self.cases.contains_key(&no)
            && let Some(case) = archive.case(no)?
        {
            self.cases.insert(no, case);
        }
        Ok(self.cases.get(&no))
    }

    pub(super) fn statement_taken(&mut self, taken: &StatementTaken) {
        for payment in &taken.arrived {
            self.awaited.remove(payment);
            self.returning.remove(payment);
        }
        // It was said to be overdue, and has come after all: the question has its answer.
        self.exceptions.retain(|_, exception| {
            exception.kind != ExceptionKind::ReturnOverdue
                || !exception.payment.is_some_and(|payment| taken.arrived.contains(&payment))
        });
        for awaited in &taken.awaited {
            self.awaited.insert(awaited.payment, awaited.clone());
        }
    }

    pub(super) fn case_opened(&mut self, no: CaseNo, statement: Option<StatementNo>, finding: &Finding, at: WallMs) {
        self.last_case = no;
        if let Some(payment) = finding.payment {
            self.awaited.remove(&payment);
            self.returning.remove(&payment);
        }
        self.cases.insert(no, Case::opened(no, statement, finding.clone(), self.open, at));
    }

    pub(super) fn case_moved(&mut self, no: CaseNo, step: &CaseStep, seq: Seq, at: WallMs) -> Option<Effect> {
        let open = self.open;
        let case = self.cases.get_mut(&no)?;
        case.moved(step, seq, open, at);
        let payment = case.finding.payment;
        if let (CaseStep::Restated { .. } | CaseStep::Reopened { .. }, Some(payment)) = (step, payment) {
            self.awaited.remove(&payment);
        }
        let books = match step {
            CaseStep::Resolved(end) => {
                // Ended, opened again and ended on one day: once.
                let resolved = &mut self.today_mut().resolved_cases;
                if !resolved.contains(&no) {
                    resolved.push(no);
                }
                &end.books
            }
            CaseStep::Reopened { books, .. } => books,
            _ => return None,
        };
        match books {
            CaseBooks::Nothing => None,
            CaseBooks::Counts => self.decided_by_statement(payment?, |p| {
                p.state = if p.stored_at.is_some() { State::Forwarded } else { State::Approved };
                p.in_host_totals = crate::core::payment::counts(p.kind);
            }),
            CaseBooks::NotDone => self.decided_by_statement(payment?, |p| {
                p.state = if p.state == State::SetAside { State::Rejected } else { State::Declined };
            }),
            CaseBooks::Voucher { amount, cashier, device, method } => {
                // Where there is no payment of ours the voucher is its own paper: it is named by its row.
                let named = payment.unwrap_or(PaymentId(seq.0));
                let of = payment.and_then(|id| self.payments.get(&id)).map_or(open, |p| p.date);
                self.today_mut().vouchers.push(Voucher {
                    payment: named,
                    date: of,
                    amount: *amount,
                    why: VoucherReason::Case,
                    cashier: cashier.clone(),
                    device: device.clone(),
                    case: Some(no),
                });
                Some(Effect {
                    column: Column::Voucher,
                    amount: *amount,
                    payment: named,
                    cashier: cashier.clone(),
                    device: device.clone(),
                    method: *method,
                })
            }
        }
    }

    /// A payment whose end nobody knew: the statement knows it. Whatever exception was open about it has its answer.
    fn decided_by_statement(&mut self, id: PaymentId, change: impl FnOnce(&mut Payment)) -> Option<Effect> {
        if !self.payments.get(&id).is_some_and(|p| matches!(p.state, State::Unknown | State::SetAside)) {
            return None;
        }
        let effect = self.change(id, change);
        self.acknowledge_by_hand(id);
        self.exceptions.retain(|_, exception| exception.payment != Some(id));
        self.tie_to_original(id);
        effect
    }
}
