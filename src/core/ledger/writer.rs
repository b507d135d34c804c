//! The writer's step: what waits is decided, applied and journaled, committed once, and only then let out (law 1).
//!
//! A step function: commands and the moment in, outputs out. The thread around it is the shell's.

mod cards;
mod commit;

use std::collections::{BTreeMap, BTreeSet};

use super::decide_lane::Scene;
use super::decide_pay::{Around, PayDecision, Stop};
use super::orders::Secrets;
use super::refold::refold;
use super::{Change, Count, Ledger, Lines, Rules};
use crate::core::day::{ClockPair, Clocks};
use crate::core::domain::{
    BusinessDate, CashierId, Kind, Method, Now, PaymentId, Refusal, Reject, Seq, State, TerminalId, ZNumber,
};
use crate::core::journal::{Event, Link, Record};
use crate::core::ports::{
    Command, History, JobRow, Output, Pay, PrintWhat, Refold, Reply, Sealer, Store, StoreError, Ticket,
};

/// How many reports are kept over steps that fail. A lane has one message under way, so this is ample.
const UNHEARD: usize = 1_024;

/// Who takes the journal's rows, in order.
pub type Rows<'r> = dyn FnMut(&Record, &Link) + 'r;

/// What a writer begins with.
#[derive(Debug)]
pub struct WriterOptions {
    /// The rules.
    pub rules: Rules,
    /// The day that a new store begins with.
    pub first_date: BusinessDate,
    /// The clocks at the start.
    pub start: ClockPair,
}

/// The one writer.
#[derive(Debug)]
pub struct Writer<S, K> {
    ledger: Ledger,
    lines: Lines,
    rules: Rules,
    store: S,
    sealer: K,
    secrets: Secrets,
    waiters: BTreeMap<PaymentId, Vec<Ticket>>,
    first_date: BusinessDate,
    /// What lanes reported, and the resumption after the start, in steps that failed: nobody will say it again.
    unheard: Vec<Command>,
    /// Memory could not be rebuilt after a failure.
    adrift: bool,
}

/// What one step has gathered for its commit and for after it.
#[derive(Default)]
struct Staged {
    rows: u64,
    outputs: Vec<Output>,
    /// Payments whose row must be written, and their state before this step.
    dirty: BTreeMap<PaymentId, Option<State>>,
    written: BTreeSet<PaymentId>,
    /// Who is answered by this step, once it is durable.
    answered: Vec<(PaymentId, Ticket)>,
    batches: BTreeSet<TerminalId>,
    ended: Vec<(TerminalId, crate::core::domain::BatchNo)>,
    days: bool,
    rung: bool,
    sealed: bool,
    print: bool,
    erase: Vec<PaymentId>,
    /// The clocks as they were before a person said that ours is right.
    unchecked: Option<Clocks>,
    /// Days that the statement of this command took over from earlier ones.
    superseded: u32,
}

impl<S: Refold, K: Sealer> Writer<S, K> {
    /// Opens the store: the newest snapshot, then every row after it; an empty one gets its first row. Look-ups and snapshots of another
    /// fold are made again first.
    pub fn open(store: S, sealer: K, options: WriterOptions, now: Now) -> Result<Self, StoreError> {
        Self::open_looking(store, sealer, options, now, |_, _, _| Ok(()))
    }

    /// The same, for a start that looks at the rows anyway: `look` reads them with the sealer at hand and gives them on, so that none after the
    /// snapshot is read twice. What it does not give is read here.
    pub fn open_looking(
        mut store: S,
        mut sealer: K,
        options: WriterOptions,
        now: Now,
        look: impl FnOnce(&S, &mut K, &mut Rows<'_>) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        refold(&mut store, options.first_date, &options.rules)?;
        let mut look = Some(look);
        let mut ledger = newest(&store, None, options.first_date)?;
        // A store without a row has nothing to look at yet.
        if ledger.head > Seq(0)
            && let Some(look) = look.take()
        {
            let mut followed = Ok(());
            look(&store, &mut sealer, &mut |record, link| {
                // Where a row is missing or does not read, the reading below says it.
                if followed.is_ok() && record.seq == Seq(ledger.head.0 + 1) {
                    followed = ledger.follow(record, link, &store);
                }
            })?;
            followed?;
        }
        replay(&mut ledger, &store, None)?;
        ledger.evict();
        if ledger.store.as_ref().is_some_and(|id| *id != options.rules.store) {
            let theirs = ledger.store.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(StoreError::Unusable(format!(
                "it belongs to store {theirs}, the configuration says {}",
                options.rules.store
            )));
        }
        let WriterOptions { rules, first_date, start } = options;
        let lines = Lines { clocks: Clocks::started(start), ..Lines::default() };
        let (secrets, waiters) = (Secrets::default(), BTreeMap::new());
        let (unheard, adrift) = (Vec::new(), false);
        let mut writer = Writer { ledger, lines, rules, store, sealer, secrets, waiters, first_date, unheard, adrift };
        if writer.ledger.store.is_none() {
            writer.first_row(now)?;
        }
        if let Some(look) = look {
            look(&writer.store, &mut writer.sealer, &mut |_, _| {})?;
        }
        Ok(writer)
    }
}

impl<S: Store, K: Sealer> Writer<S, K> {
    fn first_row(&mut self, now: Now) -> Result<(), StoreError> {
        let event = Event::StoreOpened {
            store: self.rules.store.clone(),
            currency: self.rules.currency,
            z: ZNumber(1),
            day_key: self.sealer.day_key(),
        };
        let mut staged = Staged::default();
        self.store.begin()?;
        self.store.put_day_keys(&self.sealer.sealed_keys())?;
        self.commit_event(event, now, &mut staged)?;
        self.finish(&mut staged)
    }

    /// The state, for whoever looks.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The lines, for whoever looks.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The store: for look-ups and for side rows between steps.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// The store, for look-ups.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The store is behind its mark, or no longer: cards are stopped while it is.
    pub fn set_mark_behind(&mut self, behind: bool) {
        self.lines.mark_behind = behind;
    }

    /// No new payment is taken from now on. A store that is damaged stays so.
    pub fn stop_sales(&mut self, why: Refusal) {
        if self.lines.sales_stopped != Some(Refusal::Damaged) {
            self.lines.sales_stopped = Some(why);
        }
    }

    /// There is room again.
    pub fn go_on_selling(&mut self) {
        if self.lines.sales_stopped == Some(Refusal::StorageFull) {
            self.lines.sales_stopped = None;
        }
    }

    /// Decides what waits, commits once, and gives what may be let out.
    pub fn step(&mut self, commands: Vec<(Ticket, Command)>, now: Now) -> Vec<Output> {
        let tickets: Vec<Ticket> = commands.iter().map(|(ticket, _)| *ticket).collect();
        let unheard = std::mem::take(&mut self.unheard);
        let again: Vec<Command> = unheard.iter().chain(commands.iter().map(|(_, c)| c)).filter_map(once_only).collect();
        let mut staged = Staged::default();
        let mut asked = None;
        let result = self.rebuild().and_then(|()| self.store.begin()).and_then(|()| {
            for command in unheard {
                self.one(None, command, now, &mut staged)?;
            }
            for (ticket, command) in commands {
                asked = is_asked(&command).then_some(ticket);
                self.one(Some(ticket), command, now, &mut staged)?;
            }
            asked = None;
            if staged.rows == 0 {
                self.store.rollback();
                self.secrets.committed();
                self.ledger.evict();
                Ok(())
            } else {
                self.finish(&mut staged)
            }
        });
        match result {
            Ok(()) => staged.outputs,
            Err(error) => {
                staged.unchecked.into_iter().for_each(|clocks| self.lines.clocks = clocks);
                self.failed(tickets, asked, staged.answered, again, &error)
            }
        }
    }

    /// Nothing of the step is durable: memory is rebuilt from the store, and whoever asked for something in it is told. Those who wait
    /// for a payment of an earlier step go on waiting: it is durable, and may be at the acquirer already. `asked` is who asked for what failed, if
    /// anybody did: where the store cannot hold that, it alone is refused, and nothing stops for it.
    fn failed(
        &mut self,
        tickets: Vec<Ticket>,
        asked: Option<Ticket>,
        answered: Vec<(PaymentId, Ticket)>,
        unheard: Vec<Command>,
        error: &StoreError,
    ) -> Vec<Output> {
        self.store.rollback();
        self.sealer.rolled_back();
        self.unheard = unheard;
        self.unheard.truncate(UNHEARD);
        self.adrift = true;
        let refused = asked.filter(|_| matches!(error, StoreError::Refused(_)));
        let mut outputs = match refused {
            Some(_) => vec![Output::Refused(error.to_string())],
            None => vec![Output::Failed(error.to_string())],
        };
        if let Err(again) = self.rebuild() {
            outputs.push(Output::Failed(format!("and memory could not be rebuilt: {again}")));
        }
        for (id, ticket) in answered {
            self.waiters.entry(id).or_default().push(ticket);
        }
        for waiting in self.waiters.values_mut() {
            waiting.retain(|ticket| !tickets.contains(ticket));
        }
        self.waiters.retain(|_, waiting| !waiting.is_empty());
        let refusal = match error {
            StoreError::Damaged(_) => Refusal::Damaged,
            // Nobody asked for it: what this till does by itself does not fit what it has.
            StoreError::Refused(_) if refused.is_none() => Refusal::Damaged,
            // Whoever stood beside it may try again at once.
            StoreError::Refused(_) => Refusal::Busy,
            StoreError::InDoubt(_) => Refusal::StorageDoubtful,
            _ => Refusal::StorageFailed,
        };
        if refusal == Refusal::Damaged {
            self.stop_sales(refusal);
        }
        let of = |ticket| if Some(ticket) == refused { Refusal::NotKept } else { refusal };
        outputs.extend(tickets.into_iter().map(|t| Output::Answer(t, Err(of(t).into()))));
        outputs
    }

    /// Memory as the store has it, where the last attempt to read it failed: nothing is decided on anything else.
    fn rebuild(&mut self) -> Result<(), StoreError> {
        if self.adrift {
            self.ledger = load(&self.store, self.first_date)?;
            self.secrets.rolled_back(self.ledger.head);
            let waiting = &self.ledger.index.waiting;
            self.lines.waiting.retain(|id, _| waiting.iter().any(|(_, w)| w == id));
            self.adrift = false;
        }
        Ok(())
    }

    fn one(
        &mut self,
        ticket: Option<Ticket>,
        command: Command,
        now: Now,
        staged: &mut Staged,
    ) -> Result<(), StoreError> {
        let terminals = self.concerned(&command);
        let answer = match self.execute(ticket, command, now, staged) {
            Ok(reply) => reply.map(Ok),
            Err(Stop::Refused(reject)) => Some(Err(reject)),
            Err(Stop::Store(error)) => return Err(error),
        };
        staged.outputs.extend(ticket.zip(answer).map(|(ticket, answer)| Output::Answer(ticket, answer)));
        for terminal in &terminals {
            self.run_schedule(terminal, now, staged)?;
        }
        let flushed = self.flush(staged)?;
        self.answer_waiters(&flushed, staged);
        Ok(())
    }

    fn concerned(&self, command: &Command) -> Vec<TerminalId> {
        let configured = |terminal: &TerminalId| self.rules.terminals.contains_key(terminal);
        match command {
            Command::Pay(pay) => Some(&pay.device).filter(|t| configured(t)).cloned().into_iter().collect(),
            Command::Lane { terminal, .. } | Command::Settle(terminal) => {
                Some(terminal).filter(|t| configured(t)).cloned().into_iter().collect()
            }
            Command::Resume
            | Command::Tick
            | Command::CutDay { .. }
            | Command::Resolve { .. }
            | Command::DecideBatch { .. } => self.rules.terminals.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn run_schedule(&mut self, terminal: &TerminalId, now: Now, staged: &mut Staged) -> Result<(), StoreError> {
        loop {
            let scene = Scene { rules: &self.rules, archive: &self.store, sealer: &self.sealer, now };
            let next = match self.ledger.schedule(terminal, &mut self.lines, scene)? {
                Some(event) => Some(event),
                None => {
                    let ledger = &self.ledger;
                    let over = || ledger.lapse(&self.rules).or_else(|| ledger.overdue_return(&self.rules));
                    ledger.missing_exception().or_else(|| ledger.alarm(now)).or_else(over)
                }
            };
            match next {
                Some(event) => self.commit_event(event, now, staged)?,
                None => return Ok(()),
            }
        }
    }

    fn execute(
        &mut self,
        ticket: Option<Ticket>,
        command: Command,
        now: Now,
        staged: &mut Staged,
    ) -> Result<Option<Reply>, Stop> {
        let rules = &self.rules;
        let events = match command {
            Command::Pay(pay) => return self.pay(ticket, *pay, now, staged),
            Command::Resume => {
                loop {
                    let scene = Scene { rules: &self.rules, archive: &self.store, sealer: &self.sealer, now };
                    let Some(events) = self.ledger.decide_resume(&mut self.lines, scene) else { break };
                    self.commit_events(events, now, staged)?;
                }
                self.take_back_unsent(now, staged)?;
                Vec::new()
            }
            Command::Tick => {
                let mut late = self.ledger.decide_late_transfers(rules);
                if late.is_empty() {
                    late = self.ledger.decide_overdue(rules, &self.store)?;
                    late.extend(self.ledger.decide_auto_cut(now, &self.lines, rules, &self.store)?);
                }
                late
            }
            Command::Cancel(id) => {
                let events = self.ledger.decide_cancel(id, &self.store)?;
                self.commit_events(events, now, staged)?;
                return Ok(self.ledger.payments.get(&id).cloned().map(|p| Reply::Payment(Box::new(p))));
            }
            Command::OpenShift { cashier, device, float } => {
                let events = self.ledger.decide_open_shift(&cashier, device.as_ref(), float, rules)?;
                self.commit_events(events, now, staged)?;
                return Ok(self.ledger.shift_of(&cashier).map(|shift| Reply::Shift(shift.no)));
            }
            Command::MoveCash { cashier, device, amount, reason } => {
                self.ledger.decide_move_cash(&cashier, &device, amount, &reason, rules)?
            }
            Command::Count { cashier, device, counted, notes, by } => {
                let count = Count { counted, notes: &notes, by: &by };
                self.ledger.decide_count(&cashier, &device, &count, rules)?
            }
            Command::HandOver { to, device, counted, notes } => {
                self.ledger.decide_hand_over(&to, &device, counted, &notes, rules)?
            }
            Command::CloseShift { cashier, by } => {
                let shift = self.ledger.shift_of(&cashier).map(|s| s.no);
                let events = self.ledger.decide_close_shift(&cashier, &by, rules)?;
                self.commit_events(events, now, staged)?;
                return Ok(shift.map(Reply::Shift));
            }
            Command::CutDay { by } => {
                let (date, z) = (self.ledger.open, self.ledger.today().z);
                let events = self.ledger.decide_cut(by.as_ref(), now, rules, &self.store)?;
                self.commit_events(events, now, staged)?;
                return Ok(Some(Reply::Cut { date, z }));
            }
            Command::Settle(terminal) => self.ledger.decide_settle(&terminal, rules)?,
            Command::Lane { terminal, report } => {
                let scene = Scene { rules, archive: &self.store, sealer: &self.sealer, now };
                let events = self.ledger.decide_report(&terminal, &report, &mut self.lines, scene)?;
                self.commit_events(events, now, staged)?;
                self.after_report(&report, now, staged)?;
                return Ok(None);
            }
            Command::AddCashier { cashier, name, role, pin_hash, lang, by } => {
                let events = self.ledger.decide_add_cashier(&cashier, &name, role, lang, by.as_ref())?;
                self.store.put_pin(&cashier, &pin_hash)?;
                events
            }
            Command::ChangeCashier { cashier, name, role, lang, active, pin_hash, by } => {
                let change = Change { name: name.as_deref(), role, lang, active };
                let events = self.ledger.decide_change_cashier(&cashier, &change, by.as_ref())?;
                if let Some(hash) = pin_hash {
                    self.store.put_pin(&cashier, &hash)?;
                }
                events
            }
            Command::Resolve { exception, by, how, note } => {
                let events = self.ledger.decide_resolve(exception, &by, how, &note)?;
                if self.ledger.says_clock_is_right(exception, how) {
                    staged.unchecked.get_or_insert(self.lines.clocks.clone());
                    self.lines.clocks.check(now);
                }
                events
            }
            Command::DecideBatch { exception, batch, by } => self.ledger.decide_batch_number(exception, batch, &by)?,
            Command::Statement(judged) => {
                let (events, mut noted) = self.ledger.decide_statement(&judged, &self.store)?;
                self.commit_events(events, now, staged)?;
                noted.superseded_days = std::mem::take(&mut staged.superseded);
                return Ok(Some(Reply::Statement(Box::new(noted))));
            }
            Command::Case { case, act } => {
                let event = self.ledger.decide_case(case, &act, rules, &self.store)?;
                self.commit_event(event, now, staged)?;
                return Ok(self.ledger.cases.get(&case).cloned().map(|c| Reply::Case(Box::new(c))));
            }
            Command::Reprint { what, by } => return self.reprint(what, by, now, staged),
            Command::MoveTransfer(step) => {
                let events = self.ledger.decide_transfer(&step, &self.store)?;
                self.commit_events(events, now, staged)?;
                return Ok(self.ledger.payments.get(&step.payment).cloned().map(|p| Reply::Payment(Box::new(p))));
            }
            Command::SendTransfers { listed } => self.ledger.decide_send_transfers(&listed),
            Command::ReturnTransfer { payment, by, answer } => {
                self.ledger.decide_transfer_return(payment, by.as_ref(), &answer, &self.store)?
            }
            Command::UseCards(table) => {
                self.rules.money.cards = table;
                Vec::new()
            }
            Command::OpenDrawer { device, by } => {
                super::decide_pay::known(&self.ledger, &by)?;
                super::decide_shift::known_device(rules, &device)?;
                vec![Event::DrawerOpened { device, by }]
            }
        };
        self.commit_events(events, now, staged)?;
        Ok(Some(Reply::Done))
    }

    fn pay(&mut self, ticket: Option<Ticket>, pay: Pay, now: Now, staged: &mut Staged) -> Result<Option<Reply>, Stop> {
        let around = Around { rules: &self.rules, lines: &self.lines, archive: &self.store };
        let id = match self.ledger.decide_pay(&pay, around)? {
            PayDecision::Joins(id) => id,
            PayDecision::Makes(events) => {
                let head = self.ledger.head.0;
                let offset = events.iter().position(|e| matches!(e, Event::PaymentMade(_))).unwrap_or(0);
                let id = PaymentId(head + 1 + u64::try_from(offset).unwrap_or(0));
                let goes_out = |e: &Event| matches!(e, Event::PaymentMade(made) if !made.final_here);
                let (by_card, original, sent) = (
                    pay.kind == Kind::Refund && pay.method == Method::Card,
                    pay.original,
                    events.get(offset).is_some_and(goes_out),
                );
                match pay.presented.filter(|_| sent) {
                    Some(presented) => self.keep_card(id, presented)?,
                    None if sent && by_card => self.keep_card_of(original.as_ref(), id)?,
                    None => {}
                }
                self.commit_events(events, now, staged)?;
                id
            }
        };
        // The answer is let out when the payment is answerable; that may be within this very step.
        self.waiters.entry(id).or_default().extend(ticket);
        staged.dirty.entry(id).or_insert(self.ledger.payments.get(&id).map(|p| p.state));
        Ok(None)
    }

    /// After a start: what was journaled but never sent has nobody waiting at the counter any more, and its card is gone.
    fn take_back_unsent(&mut self, now: Now, staged: &mut Staged) -> Result<(), StoreError> {
        let waiting: Vec<PaymentId> = self.ledger.index.waiting.iter().map(|(_, id)| *id).collect();
        let why = crate::core::journal::CancelReason::Restart;
        for payment in waiting {
            self.commit_event(Event::PaymentCancelled { payment, why }, now, staged)?;
        }
        Ok(())
    }

    fn reprint(
        &mut self,
        what: PrintWhat,
        by: Option<CashierId>,
        now: Now,
        staged: &mut Staged,
    ) -> Result<Option<Reply>, Stop> {
        by.as_ref().map_or(Ok(()), |by| super::decide_pay::known(&self.ledger, by))?;
        let printer = match &what {
            PrintWhat::Receipt { payment } => {
                let payment = self
                    .ledger
                    .fetch(*payment, &self.store)?
                    .ok_or_else(|| Refusal::UnknownPayment.with("payment", payment))?;
                self.rules.terminals.get(&payment.device).and_then(|t| t.printer.clone())
            }
            PrintWhat::BatchSlip { terminal, .. } => self.rules.terminals.get(terminal).and_then(|t| t.printer.clone()),
            _ => self.rules.report_printer.clone(),
        };
        let Some(printer) = printer else { return Err(Refusal::NotSupported.with("what", "no printer").into()) };
        // A first print on demand (an X report) is no reprint; a second is, and so is everything that prints by itself.
        let before = self.store.times_printed(&what)?;
        let first = matches!(what, PrintWhat::XReport);
        let reprint = if first { 0 } else { before + 1 };
        if !first {
            let name = serde_json::to_string(&what).unwrap_or_default();
            self.commit_event(Event::PrintedAgain { what: name, times: reprint, by }, now, staged)?;
        }
        self.store.put_job(&JobRow { printer, what, reprint })?;
        staged.print = true;
        staged.rows += u64::from(first);
        Ok(Some(Reply::Done))
    }
}

/// The state of the newest snapshot at or before a row; as it is before the first row, where there is none.
fn newest(store: &impl History, before: Option<Seq>, first_date: BusinessDate) -> Result<Ledger, StoreError> {
    match store.snapshot(before)? {
        Some((_, body)) => {
            Ledger::from_bytes(&body).map_err(|e| StoreError::Damaged(format!("the snapshot cannot be read: {e}")))
        }
        None => Ok(Ledger::new(first_date)),
    }
}

/// The state as it was after a row: the newest snapshot before it, and the rows from there. `any_date` stands for the store's first day until its first
/// row says which that was. Years of rows may follow: nobody who sells should wait for this.
pub fn state_at(store: &impl History, seq: Seq, any_date: BusinessDate) -> Result<Ledger, StoreError> {
    let mut ledger = newest(store, Some(seq), any_date)?;
    replay(&mut ledger, store, Some(seq))?;
    Ok(ledger)
}

/// The state from the newest snapshot and every row after it.
fn load(store: &impl History, first_date: BusinessDate) -> Result<Ledger, StoreError> {
    let mut ledger = newest(store, None, first_date)?;
    replay(&mut ledger, store, None)?;
    ledger.evict();
    Ok(ledger)
}

/// Absorbs the rows after the ledger's head, up to and including `until`; a row that does not follow is damage.
pub fn replay(ledger: &mut Ledger, store: &impl History, until: Option<Seq>) -> Result<(), StoreError> {
    let after = ledger.head;
    store.replay(after, until, &mut |record, link| ledger.follow(&record, &link, store))
}

/// Reports are let go of when they are given to the writer: after a step that failed nobody would say them again.
fn once_only(command: &Command) -> Option<Command> {
    match command {
        Command::Resume => Some(Command::Resume),
        Command::Lane { terminal, report } => {
            Some(Command::Lane { terminal: terminal.clone(), report: report.clone() })
        }
        _ => None,
    }
}

/// A person or a program asked for it. The rest is what the till does by itself, or what the acquirer answered: that must be kept, whatever it is.
fn is_asked(command: &Command) -> bool {
    !matches!(command, Command::Resume | Command::Tick | Command::Lane { .. })
}

/// The refusal that a full queue gives.
#[must_use]
pub fn busy() -> Reject {
    Refusal::Busy.into()
}
