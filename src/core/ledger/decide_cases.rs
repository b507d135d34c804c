//! Statements and the cases they open 挂账: what a judged statement makes happen, what a named person may do to a case, and what a wait that has
//! run out becomes.

use std::collections::{BTreeMap, BTreeSet};

use super::decide_pay::{Stop, known};
use super::decide_shift::known_device;
use super::{Ledger, Rules};
use crate::core::day::DayBook;
use crate::core::domain::{CaseNo, CashierId, Minor, PaymentId, Refusal, Reject, Role, State, StatementNo};
use crate::core::journal::{
    Attribution, Awaited, CaseBooks, CaseResolved, CaseStep, Column, Event, Finding, OursSide, StatementBooked,
    StatementTaken, Tally,
};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, Booked, CaseAct, CasesView, StatementJudged, StatementNoted, StoreError};
use crate::core::reconcile::{Ours, Reason};
use crate::core::suspense::{Case, CaseState, Ending, LONGEST_TRAIL, MOST_OF_A_STATEMENT, MOST_OPEN, case_line};

/// So many of a day's cases are listed one by one, of each sort.
const MOST_LISTED: usize = 200;
/// No text of a person is longer, in bytes.
const LONGEST_TEXT: usize = 500;
/// So many waits that have run out become cases in one step; the next follows at once.
const OVERDUE_AT_ONCE: usize = 200;

/// A statement's events, and what they come to.
type Taken = (Vec<Event>, StatementNoted);

impl Ledger {
    /// What a judged statement makes happen. The same file again: nothing.
    pub fn decide_statement(&self, judged: &StatementJudged, archive: &dyn Archive) -> Result<Taken, Stop> {
        let (same, last) = archive.statement_of(&judged.note.hash.0)?;
        if let Some(same) = same {
            return Ok((Vec::new(), noted(same, false)));
        }
        if judged.beside.is_some_and(|beside| beside != last) {
            return Err(Refusal::Busy.into());
        }
        let (findings, days) = (&judged.findings, &judged.note.days);
        let keys: BTreeSet<&str> = findings.iter().map(|finding| finding.key.as_str()).collect();
        let apart: BTreeSet<_> = days.iter().collect();
        if keys.len() < findings.len() || apart.len() < days.len() {
            return Err(Refusal::BadRequest.with("what", "a day or a difference stands there twice").into());
        }
        let statement = StatementNo(last.0 + 1);
        let mut done = (Vec::new(), noted(statement, true));
        self.statement_row(statement, judged, &mut done, archive)?;
        let earlier = self.earlier_cases(judged, archive)?;
        let mut seen = BTreeSet::new();
        let mut opened = 0;
        for finding in &judged.findings {
            let known = earlier.get(finding.key.as_str()).copied().map(Ok).or_else(|| {
                // Of another day: a payment whose row has come late.
                archive.case_of(&finding.format, &finding.key).transpose()
            });
            match known.transpose()? {
                Some(no) => {
                    seen.insert(no);
                    let Some(case) = self.case(no, archive)? else { continue };
                    found_again(&case, statement, finding, &mut done);
                }
                None => {
                    opened += 1;
                    let case = CaseNo(self.last_case.0 + opened);
                    done.1.opened.push(case.0);
                    let finding = Box::new(finding.clone());
                    done.0.push(Event::CaseOpened { case, statement: Some(statement), finding });
                }
            }
        }
        self.bounds(judged.findings.len(), done.1.opened.len() + done.1.reopened.len())?;
        let clean: BTreeSet<PaymentId> = judged.clean.iter().copied().collect();
        let came: BTreeSet<PaymentId> = judged.came.iter().copied().collect();
        for no in earlier.values().filter(|no| !seen.contains(no)) {
            let Some(case) = self.case(*no, archive)? else { continue };
            // A payment's case: the statement has judged it. One without: its row is gone from its day.
            let day = judged.note.days.contains(&case.finding.day);
            let gone = match (case.finding.payment, case.finding.reason) {
                // Of two rows the case is about one: whoever speaks for its day says whether it is there.
                (_, Reason::Duplicate) | (None, _) => day,
                // It came, if only once too often.
                (Some(id), Reason::Missing | Reason::Overdue) if came.contains(&id) => true,
                (Some(id), _) => clean.contains(&id),
            };
            if gone {
                found_no_more(&case, statement, &mut done);
            }
        }
        let noted = &mut done.1;
        [&mut noted.reopened, &mut noted.restated, &mut noted.agreed].into_iter().for_each(|ids| ids.sort_unstable());
        Ok(done)
    }

    fn statement_row(
        &self,
        statement: StatementNo,
        judged: &StatementJudged,
        done: &mut Taken,
        archive: &dyn Archive,
    ) -> Result<(), StoreError> {
        let note = &judged.note;
        let found = judged.findings.iter().filter_map(|f| f.payment).chain(judged.clean.iter().copied());
        let mut arrived: Vec<PaymentId> = found.filter(|id| self.awaited.contains_key(id)).collect();
        let returned = judged.clean.iter().filter(|id| !self.awaited.contains_key(id) && self.awaits_return(**id));
        arrived.extend(returned);
        let news = |a: &&Awaited| self.awaited.get(&a.payment) != Some(*a);
        let awaited: Vec<Awaited> = judged.awaited.iter().filter(news).cloned().collect();
        done.1.arrived = u64::try_from(arrived.len()).unwrap_or(u64::MAX);
        // What has meanwhile been decided otherwise is not waited for any more either.
        for over in self.awaited.values().filter(|a| a.format == note.format && a.until < self.open) {
            if !arrived.contains(&over.payment) && self.still_awaited(over, archive)?.is_none() {
                arrived.push(over.payment);
            }
        }
        done.1.awaited = u64::try_from(judged.awaited.len()).unwrap_or(u64::MAX);
        done.0.push(Event::StatementTaken(Box::new(StatementTaken {
            statement,
            hash: note.hash.0,
            format: note.format.clone(),
            name: note.name.clone(),
            days: note.days.clone(),
            lines: note.lines,
            spoiled: note.spoiled,
            matched: note.matched,
            counts: note.counts,
            awaited,
            arrived,
        })));
        for Booked { day, payments } in &judged.booked {
            let (day, payments) = (*day, payments.clone());
            done.0.push(Event::StatementBooked(Box::new(StatementBooked { statement, day, payments })));
        }
        Ok(())
    }

    /// The cases that this statement may speak of, by the key of their difference: of its days, and open ones of the payments that it has rightly.
    fn earlier_cases(
        &self,
        judged: &StatementJudged,
        archive: &dyn Archive,
    ) -> Result<BTreeMap<String, CaseNo>, StoreError> {
        let note = &judged.note;
        let mut cases = BTreeMap::new();
        if let (Some(first), Some(last)) = (note.days.first(), note.days.last()) {
            for no in archive.cases_on(&note.format, *first, *last)? {
                if let Some(case) = self.case(no, archive)? {
                    cases.insert(case.finding.key.clone(), no);
                }
            }
        }
        let clean: BTreeSet<PaymentId> = judged.clean.iter().chain(&judged.came).copied().collect();
        let here = self.cases.values().filter(|c| c.finding.format == note.format);
        let open = here.filter(|c| c.finding.payment.is_some_and(|id| clean.contains(&id)));
        cases.extend(open.map(|c| (c.finding.key.clone(), c.no)));
        Ok(cases)
    }

    /// A case as it is now.
    fn case(&self, no: CaseNo, archive: &dyn Archive) -> Result<Option<Case>, StoreError> {
        match self.cases.get(&no) {
            Some(case) => Ok(Some(case.clone())),
            None => archive.case(no),
        }
    }

    fn bounds(&self, found: usize, more: usize) -> Result<(), Reject> {
        if found > MOST_OF_A_STATEMENT {
            return Err(Refusal::TooManyDifferences.with("count", found).with("limit", MOST_OF_A_STATEMENT));
        }
        if self.cases.len() + more > MOST_OPEN {
            return Err(Refusal::CasesFull.with("limit", MOST_OPEN));
        }
        Ok(())
    }

    /// What somebody does to a case.
    pub fn decide_case(&self, no: CaseNo, act: &CaseAct, rules: &Rules, archive: &dyn Archive) -> Result<Event, Stop> {
        let case = self.case(no, archive)?.ok_or_else(|| Refusal::UnknownCase.with("case", no))?;
        let resolved = case.state == CaseState::Resolved;
        let text = |text: &str| {
            let long = text.len() > LONGEST_TEXT;
            if long { Err(Refusal::BadRequest.with("what", "at most 500 bytes")) } else { Ok(text.trim().to_owned()) }
        };
        let step = match act {
            CaseAct::Take { .. } | CaseAct::Note { .. } if resolved => {
                return Err(Refusal::CaseResolved.with("case", no).into());
            }
            CaseAct::Take { .. } | CaseAct::Note { .. } if case.trail.len() + 10 > LONGEST_TRAIL => {
                return Err(Refusal::CaseTrail.with("case", no).into());
            }
            CaseAct::Take { by, note } => {
                self.may_handle(by)?;
                CaseStep::Taken { by: by.clone(), note: text(note)? }
            }
            CaseAct::Note { by, note } => {
                self.may_handle(by)?;
                if note.trim().is_empty() {
                    return Err(Refusal::CaseFacts.with("what", "note").into());
                }
                CaseStep::Noted { by: by.clone(), note: text(note)? }
            }
            CaseAct::Resolve(ending) => {
                let end = self.end_of(&case, ending, rules, archive)?;
                self.voucher_fits(&end.books)?;
                CaseStep::Resolved(Box::new(end))
            }
            CaseAct::Reopen { .. } if !resolved => return Err(Refusal::CaseNotResolved.with("case", no).into()),
            CaseAct::Reopen { by, reason } => {
                self.manager(by)?;
                if reason.trim().is_empty() {
                    return Err(Refusal::CaseFacts.with("what", "reason").into());
                }
                let books = case.take_back();
                self.voucher_fits(&books)?;
                let (by, reason) = (Some(by.clone()), text(reason)?);
                CaseStep::Reopened { by, statement: None, finding: None, reason, books }
            }
        };
        Ok(Event::CaseMoved { case: no, payment: case.finding.payment, step: Box::new(step) })
    }

    fn end_of(&self, case: &Case, ending: &Ending, rules: &Rules, archive: &dyn Archive) -> Result<CaseResolved, Stop> {
        self.manager(&ending.by)?;
        if let Some(second) = &ending.second {
            self.may_handle(second)?;
        }
        if let Some(cashier) = &ending.cashier {
            known(self, cashier)?;
        }
        if let Some(device) = &ending.device {
            known_device(rules, device)?;
        }
        let payment = |id: Option<PaymentId>| match id.map(|id| (id, self.payments.get(&id))) {
            None => Ok(None),
            Some((_, Some(payment))) => Ok(Some(payment.clone())),
            Some((id, None)) => archive.payment(id),
        };
        let (ours, refund) = (payment(case.finding.payment)?, payment(ending.refund)?);
        if let Some(id) = ending.refund {
            if refund.is_none() {
                return Err(Refusal::UnknownPayment.with("payment", id).into());
            }
            if let Some(other) = archive.case_refunded_by(id)?.filter(|other| *other != case.no) {
                let what = format!("it has ended case {other}");
                return Err(Refusal::CaseRefund.with("refund", id).with("what", what).into());
            }
        }
        Ok(case.resolve(ending, rules.endings, ours.as_ref(), refund.as_ref())?)
    }

    fn voucher_fits(&self, books: &CaseBooks) -> Result<(), Reject> {
        match books {
            CaseBooks::Voucher { amount, .. } if !self.today().totals.fits(Column::Voucher, *amount) => {
                Err(Refusal::AmountTooLarge.with("limit", "—"))
            }
            _ => Ok(()),
        }
    }

    fn may_handle(&self, by: &CashierId) -> Result<(), Reject> {
        known(self, by)?;
        let role = self.people.get(by).map(|p| p.role);
        if role == Some(Role::Cashier) { Err(Refusal::ManagerRequired.into()) } else { Ok(()) }
    }

    fn manager(&self, by: &CashierId) -> Result<(), Reject> {
        known(self, by)?;
        let role = self.people.get(by).map(|p| p.role);
        if role == Some(Role::Manager) { Ok(()) } else { Err(Refusal::ManagerRequired.into()) }
    }

    /// Waits that have run out: what should have come with a statement and has not is a case now.
    pub fn decide_overdue(&self, rules: &Rules, archive: &dyn Archive) -> Result<Vec<Event>, StoreError> {
        let room = MOST_OPEN.saturating_sub(self.cases.len()).min(OVERDUE_AT_ONCE);
        let mut events = Vec::new();
        for awaited in self.awaited.values().filter(|a| a.until < self.open) {
            if events.len() >= room {
                break;
            }
            let Some(finding) = self.overdue(awaited, rules, archive)? else { continue };
            let known = archive.case_of(&finding.format, &finding.key)?;
            let case = known.map(|no| self.case(no, archive)).transpose()?.flatten();
            let (payment, finding) = (finding.payment, Box::new(finding));
            events.push(match case {
                None => {
                    let opened = events.iter().filter(|e| matches!(e, Event::CaseOpened { .. })).count();
                    let case = CaseNo(self.last_case.0 + 1 + u32::try_from(opened).unwrap_or(0));
                    Event::CaseOpened { case, statement: None, finding }
                }
                Some(case) if case.state == CaseState::Resolved => {
                    let (books, reason) = (case.take_back(), String::new());
                    let step = CaseStep::Reopened { by: None, statement: None, finding: Some(finding), reason, books };
                    Event::CaseMoved { case: case.no, payment, step: Box::new(step) }
                }
                Some(case) => {
                    let step = CaseStep::Restated { statement: None, finding };
                    Event::CaseMoved { case: case.no, payment, step: Box::new(step) }
                }
            });
        }
        Ok(events)
    }

    /// What a payment that has not come is; nothing where it is not counted and not in doubt any more.
    fn overdue(&self, awaited: &Awaited, rules: &Rules, archive: &dyn Archive) -> Result<Option<Finding>, StoreError> {
        let Some(payment) = self.still_awaited(awaited, archive)? else { return Ok(None) };
        let tid = rules.terminals.get(&payment.device).map_or("", |t| t.tid.as_str());
        let Some(ours) = Ours::of(&payment, tid) else { return Ok(None) };
        let reason = if payment.state == State::Unknown { Reason::UnknownSilent } else { Reason::Overdue };
        let counted = matches!(payment.state, State::Approved | State::Forwarded);
        let difference = if counted { -ours.kind.signed(ours.amount) } else { 0 };
        let text = |t: &str| Some(t.to_owned()).filter(|t| !t.is_empty());
        Ok(Some(Finding {
            key: format!("{}|{}", payment.id, reason.facet()),
            format: awaited.format.clone(),
            reason,
            difference: Minor(i64::try_from(difference).unwrap_or(0)),
            line: None,
            day: awaited.day,
            method: payment.method,
            payment: Some(payment.id),
            cashier: Some(payment.cashier.clone()),
            device: Some(payment.device.clone()),
            shift: Some(payment.shift),
            attributed: Attribution::Payment,
            terminal: text(tid),
            batch: payment.batch,
            stan: payment.stan,
            rrn: payment.rrn.clone(),
            order: text(payment.request.as_str()),
            theirs: None,
            ours: Some(OursSide {
                kind: ours.kind,
                // As it stands: the difference is of that amount.
                amount: Minor(ours.amount),
                state: payment.state,
                day: ours.settles,
                fee: None,
            }),
        }))
    }

    /// The payment that is waited for, while it counts or nobody knows whether it does.
    fn still_awaited(&self, awaited: &Awaited, archive: &dyn Archive) -> Result<Option<Payment>, StoreError> {
        let payment = match self.payments.get(&awaited.payment) {
            Some(payment) => Some(payment.clone()),
            None => archive.payment(awaited.payment)?,
        };
        Ok(payment.filter(|p| matches!(p.state, State::Approved | State::Forwarded | State::Unknown)))
    }

    /// A day's cases: what is not resolved, and what was resolved on it.
    pub(super) fn cases_view(&self, day: &DayBook, archive: &dyn Archive) -> Result<CasesView, StoreError> {
        let mut view = CasesView::default();
        for case in self.open_cases() {
            let sum = view.unresolved.amount.checked_add(case.finding.difference);
            view.unresolved = Tally { count: view.unresolved.count + 1, amount: sum.unwrap_or(view.unresolved.amount) };
            if view.items.len() < MOST_LISTED {
                view.items.push(case_line(case, day.date));
            }
        }
        for no in &day.resolved_cases {
            // One that was opened again stands among the unresolved.
            let Some(case) = self.case(*no, archive)?.filter(|c| c.state == CaseState::Resolved) else { continue };
            view.resolved += 1;
            if view.resolved <= MOST_LISTED as u64 {
                view.items.push(case_line(&case, day.date));
            }
        }
        Ok(view)
    }

    /// Open cases, oldest first.
    pub fn open_cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().filter(|case| case.state != CaseState::Resolved)
    }
}

fn noted(statement: StatementNo, new: bool) -> StatementNoted {
    StatementNoted {
        id: statement.0,
        new,
        superseded_days: 0,
        opened: Vec::new(),
        reopened: Vec::new(),
        restated: Vec::new(),
        agreed: Vec::new(),
        arrived: 0,
        awaited: 0,
    }
}

/// The statement shows a difference that has its case already.
fn found_again(case: &Case, statement: StatementNo, finding: &Finding, done: &mut Taken) {
    let (payment, boxed) = (case.finding.payment, Box::new(finding.clone()));
    let step = match case.state {
        CaseState::Resolved if case.end_goes_with(Some(finding)) => return,
        CaseState::Resolved => {
            done.1.reopened.push(case.no.0);
            CaseStep::Reopened {
                by: None,
                statement: Some(statement),
                finding: Some(boxed),
                reason: String::new(),
                books: case.take_back(),
            }
        }
        _ if case.agreed.is_none() && case.finding.says_the_same(finding) => return,
        _ => {
            done.1.restated.push(case.no.0);
            CaseStep::Restated { statement: Some(statement), finding: boxed }
        }
    };
    done.0.push(Event::CaseMoved { case: case.no, payment, step: Box::new(step) });
}

/// The statement shows no difference where there is a case.
fn found_no_more(case: &Case, statement: StatementNo, done: &mut Taken) {
    let step = match case.state {
        CaseState::Resolved if case.end_goes_with(None) => return,
        CaseState::Resolved => {
            done.1.reopened.push(case.no.0);
            CaseStep::Reopened {
                by: None,
                statement: Some(statement),
                finding: None,
                reason: String::new(),
                books: case.take_back(),
            }
        }
        _ if case.agreed.is_some() => return,
        _ => {
            done.1.agreed.push(case.no.0);
            CaseStep::Agreed { statement }
        }
    };
    done.0.push(Event::CaseMoved { case: case.no, payment: case.finding.payment, step: Box::new(step) });
}
