//! A case for the outside.

use super::{Case, Trace};
use crate::core::domain::{BusinessDate, Sentence, WallMs};
use crate::core::journal::{CaseBooks, CaseStep};
use crate::core::ledger::rfc3339;
use crate::core::ports::{CaseDetail, CaseEnd, CaseLine, CaseTrace, CaseView, OurSide, StoryLine, TheirSide};
use crate::core::reconcile::Direction;

/// A case as it is now.
#[must_use]
pub fn case_view(case: &Case, today: BusinessDate) -> CaseView {
    let finding = &case.finding;
    CaseView {
        id: case.no.0,
        state: case.state,
        class: finding.reason.class(),
        reason: finding.reason,
        difference: finding.difference,
        direction: Direction::of(finding.difference.0),
        action: action(case),
        ways: case.ways().to_vec(),
        method: finding.method,
        payment: finding.payment.map(|p| p.to_string()),
        cashier: finding.cashier.clone(),
        device: finding.device.clone(),
        shift: finding.shift.map(|s| s.0),
        attributed: finding.attributed,
        terminal: finding.terminal.clone(),
        batch: finding.batch.map(|b| b.to_string()),
        stan: finding.stan.map(|s| s.to_string()),
        rrn: finding.rrn.clone(),
        order: finding.order.clone(),
        theirs: finding.theirs.as_ref().map(|t| TheirSide {
            kind: t.kind,
            amount: t.amount,
            state: t.state,
            day: t.day,
            fee: t.fee,
        }),
        ours: finding.ours.as_ref().map(|o| OurSide {
            kind: o.kind,
            amount: o.amount,
            state: o.state,
            day: o.day,
            fee: o.fee,
        }),
        format: finding.format.clone(),
        day: finding.day,
        statement: case.statement.map(|s| s.0),
        line: finding.line,
        opened: case.opened,
        opened_at: moment(case.opened_at),
        age_days: case.age(today),
        taken_by: case.taken_by.clone(),
        agreed: case.agreed.map(|s| s.0),
        reopened: case.reopened,
        end: end(case),
    }
}

/// A case in a day's list.
#[must_use]
pub fn case_line(case: &Case, today: BusinessDate) -> CaseLine {
    let finding = &case.finding;
    CaseLine {
        id: case.no.0,
        state: case.state,
        class: finding.reason.class(),
        difference: finding.difference,
        action: action(case),
        payment: finding.payment.map(|p| p.to_string()),
        cashier: finding.cashier.clone(),
        device: finding.device.clone(),
        day: finding.day,
        age_days: case.age(today),
        how: case.end.as_ref().map(|end| end.how),
        by: case.end.as_ref().map(|end| end.by.clone()).or_else(|| case.taken_by.clone()),
    }
}

/// What to do.
fn action(case: &Case) -> Sentence {
    match case.agreed {
        None => case.finding.reason.action(),
        Some(_) => Sentence::new(
            "后来的对账单已无差异：由店长确认",
            "A later statement shows no difference any more: the manager confirms it",
        ),
    }
}

/// A case with its trail; `story` is its payment's.
#[must_use]
pub fn case_detail(case: &Case, today: BusinessDate, story: Vec<StoryLine>) -> CaseDetail {
    CaseDetail { case: case_view(case, today), trail: case.trail.iter().map(trace).collect(), story }
}

fn end(case: &Case) -> Option<CaseEnd> {
    let end = case.end.as_ref()?;
    let row = case.trail.iter().rev().find(|trace| matches!(trace.step, CaseStep::Resolved(_)));
    let (books, voucher) = match &end.books {
        CaseBooks::Nothing => ("nothing", None),
        CaseBooks::Counts => ("counts", None),
        CaseBooks::NotDone => ("not_done", None),
        CaseBooks::Voucher { amount, .. } => ("voucher", Some(*amount)),
    };
    Some(CaseEnd {
        how: end.how,
        by: end.by.clone(),
        second: end.second.clone(),
        reason: end.reason.clone(),
        reference: Some(end.reference.clone()).filter(|t| !t.is_empty()),
        consent: end.consent.clone(),
        refund: end.refund.map(|p| p.to_string()),
        books: books.to_owned(),
        voucher,
        business_date: row.map(|r| r.date),
        seq: row.map(|r| r.seq.0),
        at: row.map(|r| moment(r.at)),
    })
}

fn trace(trace: &Trace) -> CaseTrace {
    let said = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let (what, by, statement, note) = match &trace.step {
        CaseStep::Taken { by, note } => ("taken", Some(by), None, said(note)),
        CaseStep::Noted { by, note } => ("noted", Some(by), None, said(note)),
        CaseStep::Restated { statement, .. } => ("restated", None, *statement, None),
        CaseStep::Agreed { statement } => ("agreed", None, Some(*statement), None),
        CaseStep::Resolved(end) => ("resolved", Some(&end.by), None, said(&end.reason)),
        CaseStep::Reopened { by, statement, reason, .. } => ("reopened", by.as_ref(), *statement, said(reason)),
    };
    CaseTrace {
        seq: trace.seq.0,
        at: moment(trace.at),
        business_date: trace.date,
        what: what.to_owned(),
        by: by.cloned(),
        statement: statement.map(|s| s.0),
        note,
    }
}

fn moment(at: WallMs) -> String {
    rfc3339(at.0)
}
