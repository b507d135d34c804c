//! The cut 日切 and what time brings: refused where the day does not foot.

use std::collections::BTreeMap;

use chrono::NaiveTime;

use super::decide_lane::Scene;
use super::decide_pay::Stop;
use super::{Index, Ledger, Lines, Rules};
use crate::core::day::{CutSchedule, CutVerdict, Rung, cut_due};
use crate::core::domain::{
    BatchNo, BusinessDate, CashierId, ExceptionNo, Now, PaymentId, Refusal, Reject, Role, TerminalId,
};
use crate::core::journal::{Columns, Event, ExceptionKind, Resolution, SettleReason, Silence};
use crate::core::ports::{Archive, StoreError};

impl Ledger {
    /// Closes the open day. Local and atomic: it needs no line and stops no sale.
    pub fn decide_cut(
        &self,
        by: Option<&CashierId>,
        now: Now,
        rules: &Rules,
        archive: &dyn Archive,
    ) -> Result<Vec<Event>, Stop> {
        if let Some(by) = by {
            super::decide_pay::known(self, by)?;
            if self.role_of(by) != Some(Role::Manager) {
                return Err(Refusal::ManagerRequired.into());
            }
        }
        if self.closed_already(now, rules) {
            let closed = self.days.range(..self.open).next_back().map_or(self.open, |(date, _)| *date);
            return Err(Refusal::DayClosed.with("day", closed).into());
        }
        self.cut_to(self.open.next(), by, rules, archive)
    }

    fn cut_to(
        &self,
        next: BusinessDate,
        by: Option<&CashierId>,
        rules: &Rules,
        archive: &dyn Archive,
    ) -> Result<Vec<Event>, Stop> {
        self.must_foot(archive)?;
        let day = self.today();
        let mut events =
            vec![Event::DayCut { z: day.z, next, by: by.cloned(), first: day.first, grand_total: day.grand_total() }];
        for terminal in rules.terminals.keys().filter(|t| self.has_something_to_settle(t)) {
            events.push(Event::SettlementWanted { terminal: terminal.clone(), why: SettleReason::Cut });
        }
        Ok(events)
    }

    /// The open day has not begun yet by the clock, and nothing has happened on it: this is the evening's close a second time.
    pub(super) fn closed_already(&self, now: Now, rules: &Rules) -> bool {
        let begins = match rules.cut {
            CutSchedule::At(time) => self.open.0.and_time(time),
            CutSchedule::Manual => self.open.0.and_time(NaiveTime::MIN),
        };
        let ahead = rules.zone.local(now.wall).is_some_and(|local| local < begins);
        ahead && self.today().is_untouched() && !self.payments.values().any(|p| p.date == self.open)
    }

    fn has_something_to_settle(&self, id: &TerminalId) -> bool {
        let stored = Index::first(&self.index.stored, id).is_some();
        self.terminals.get(id).is_some_and(|t| !t.batch.is_empty() && !t.batch.settling()) || stored
    }

    /// Law 4: every table equals every other, and what the store counts from its rows equals what was added up as it happened.
    pub(super) fn must_foot(&self, archive: &dyn Archive) -> Result<(), Stop> {
        let totals = &self.today().totals;
        let recount = archive.recount(self.open)?;
        let live = |pairs: Vec<(String, Columns)>| pairs.into_iter().collect::<BTreeMap<_, _>>();
        let equal = |stored: &[(String, Columns)], ours: Vec<(String, Columns)>| {
            let stored: BTreeMap<_, _> =
                stored.iter().filter(|(_, columns)| *columns != Columns::default()).cloned().collect();
            stored == live(ours)
        };
        let text = |(id, columns): (&dyn ToString, &Columns)| (id.to_string(), *columns);
        let foots = totals.gaps().is_empty()
            && equal(&recount.by_cashier, totals.by_cashier.iter().map(|(k, v)| text((k, v))).collect())
            && equal(&recount.by_device, totals.by_device.iter().map(|(k, v)| text((k, v))).collect())
            && equal(&recount.by_method, totals.by_method.iter().map(|(k, v)| text((k, v))).collect())
            && equal(&recount.by_slot, totals.slots.iter().map(|(k, v)| (k.as_text(), *v)).collect());
        if foots {
            return Ok(());
        }
        let suspects: Vec<PaymentId> = archive.suspects(self.open)?;
        let named = suspects.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Err(Refusal::DayNotFooting.with("payments", if named.is_empty() { "—".into() } else { named }).into())
    }

    /// After a start: what was under way when the daemon stopped is unknown now.
    pub fn decide_resume(&self, lines: &mut Lines, scene: Scene<'_>) -> Option<Vec<Event>> {
        let under_way = |t: &super::Terminal| {
            t.in_flight.as_ref().map(|flight| flight.stan).or(t.errand.as_ref().map(|errand| errand.stan))
        };
        let (id, stan) = self.terminals.iter().find_map(|(id, t)| Some((id.clone(), under_way(t)?)))?;
        let events = self.no_answer(&id, stan, Silence::Restart, lines, scene);
        // The line's state is not known yet; a silence from before the stop says nothing about it.
        lines.lines.remove(&id);
        Some(events)
    }

    /// The automatic cut, where it is due and the clocks agree; an exception, once, where they do not.
    pub fn decide_auto_cut(
        &self,
        now: Now,
        lines: &Lines,
        rules: &Rules,
        archive: &dyn Archive,
    ) -> Result<Vec<Event>, StoreError> {
        match cut_due(rules.cut, &rules.zone, self.open, now, &lines.clocks) {
            CutVerdict::NotDue => Ok(Vec::new()),
            _ if lines.may_soon_hear(rules.terminals.keys(), now.mono) => Ok(Vec::new()),
            CutVerdict::Hold => Ok(self.clock_exception().into_iter().collect()),
            CutVerdict::Due(next) => match self.cut_to(next, None, rules, archive) {
                Ok(events) => Ok(events),
                Err(Stop::Store(error)) => Err(error),
                // A day that does not foot stays open: `status` and the manager's own close name the payments.
                Err(Stop::Refused(_)) => Ok(Vec::new()),
            },
        }
    }

    /// That the clocks cannot be believed: once a day.
    pub(super) fn clock_exception(&self) -> Option<Event> {
        let kind = ExceptionKind::ClockDisagrees;
        let told = self.exceptions.values().any(|e| e.kind == kind && e.opened == self.open);
        let exception = ExceptionNo(self.last_exception.0 + 1);
        (!told).then_some(Event::ExceptionOpened { exception, kind, payment: None, terminal: None })
    }

    /// Settles a terminal's batch before the day is cut.
    pub fn decide_settle(&self, id: &TerminalId, rules: &Rules) -> Result<Vec<Event>, Reject> {
        super::decide_shift::known_device(rules, id)?;
        let terminal = self.terminal(id);
        if terminal.batch.is_empty() || terminal.batch.settling() || terminal.settle.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![Event::SettlementWanted { terminal: id.clone(), why: SettleReason::Asked }])
    }

    /// A technician says which batch is current at a terminal that was stopped for it. That answers the exception.
    pub fn decide_batch_number(
        &self,
        exception: ExceptionNo,
        batch: BatchNo,
        by: &CashierId,
    ) -> Result<Vec<Event>, Reject> {
        let open = self.exceptions.get(&exception);
        let open = open.ok_or_else(|| Refusal::UnknownException.with("exception", exception.0))?;
        super::decide_pay::known(self, by)?;
        if self.role_of(by) != Some(Role::Technician) {
            return Err(Refusal::ManagerRequired.into());
        }
        let id = open.terminal.as_ref().filter(|_| open.kind == ExceptionKind::BatchDisagrees);
        let Some(id) = id.filter(|id| self.terminal(id).stopped.is_some()) else {
            let what = "batch: only where a terminal is stopped for its batch number";
            return Err(Refusal::BadRequest.with("what", what));
        };
        if !(1..=999_999).contains(&batch.0) {
            return Err(Refusal::BadRequest.with("what", "batch: 1 to 999999"));
        }
        let (terminal, by) = (id.clone(), by.clone());
        let left = self.ended.get(&(terminal.clone(), batch)).map(|left| left.rung);
        let decided = match left.filter(|_| self.terminal(id).batch.number != batch) {
            None => Event::BatchDecided { terminal, batch, by: by.clone() },
            Some(Rung::Open) => Event::BatchRetaken { terminal, batch, by: by.clone() },
            Some(_) => return Err(Refusal::BatchSettled.with("device", id).with("batch", batch)),
        };
        let (how, note) = (Resolution::Noted, format!("batch {batch}"));
        Ok(vec![decided, Event::ExceptionResolved { exception, by, how, note }])
    }

    /// Days that are cut and still have something to settle, oldest first.
    pub fn unfinished(&self) -> impl Iterator<Item = BusinessDate> + '_ {
        self.days.keys().copied().filter(|date| *date < self.open)
    }
}
