//! The desk of a running till: what the API asks, given to the writer, the readers, the printers and the store.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::hearing::Listeners;
use super::hours::hours;
use super::papers::{Papers, unreadable};
use super::payees;
use super::presenting::Readers;
use super::printing::Printers;
use super::reconciling::upload::Intake;
use super::status::status_view;
use super::tables::Tables;
use crate::core::domain::{
    BusinessDate, CaseNo, CashierId, Lang, Method, PaymentId, Pin, Refusal, Reject, RequestId, Role, Sentence,
    TerminalId, WallMs,
};
use crate::core::ledger::payment_view;
use crate::core::ports::{
    Archive, CaseDetail, CaseFilter, CaseView, ChecklistView, Command, DayView, Desk, ExceptionView, HoursView,
    Listener, Page, Payee, PaymentFilter, PaymentView, PersonView, Presented, PrintWhat, Reply, ReportFormat, Respond,
    StatementRow, StatementUpload, StatementView, StatusView, StoryLine, TransferLineView, WhichDay,
};
use crate::core::suspense::{case_detail, case_view};
use crate::core::transfer;
use crate::io::store;
use crate::io::vault::{PIN_ITERATIONS, hash_pin, verify_pin};

/// Wrong PINs in a row before a person is locked out.
const PIN_TRIES: u32 = 5;
/// For how long, and twice as long for each further wrong one.
const LOCK_MS: i64 = 60_000;
const LOCK_LONGEST_MS: i64 = 3_600_000;

/// A running till.
#[derive(Debug)]
pub struct Till {
    /// Rules, store, writer.
    pub papers: Papers,
    /// Readers.
    pub readers: Readers,
    /// Printers.
    pub printers: Arc<Printers>,
    /// The store's trouble, if it has any.
    pub health: Arc<Mutex<Option<String>>>,
    /// The slow check is over.
    pub verified: Arc<AtomicBool>,
    /// What people should know of the configuration.
    pub warnings: Vec<Sentence>,
    /// Who is told of commits.
    pub listeners: Listeners,
    /// Where statements come in.
    pub intake: Arc<Intake>,
    /// Where tables and lists lie.
    pub tables: Tables,
}

impl Desk for Till {
    fn submit(&self, command: Command, respond: Respond<Reply>) {
        self.papers.inbox.command(command, respond);
    }

    fn present(&self, device: &TerminalId, method: Method, respond: Respond<Presented>) {
        self.readers.present(device, method, respond);
    }

    fn day(&self, which: WhichDay, respond: Respond<DayView>) {
        // A past state or an archived day is read from the store, which may take a while.
        let papers = self.papers.clone();
        off_thread(move || respond(papers.day(which)));
    }

    fn status(&self, respond: Respond<StatusView>) {
        let ports = [self.readers.status(), self.printers.status()].concat();
        let trouble = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (warnings, clock, verified) = (self.warnings.clone(), self.papers.clock, Arc::clone(&self.verified));
        self.papers.inbox.look(move |writer| {
            let verifying = !verified.load(Ordering::Acquire);
            respond(Ok(status_view(writer, ports, trouble, verifying, warnings, clock.now())));
        });
    }

    fn checklist(&self, respond: Respond<ChecklistView>) {
        let clock = self.papers.clock;
        self.papers.inbox.look(move |writer| {
            let (ledger, lines, rules) = (writer.ledger(), writer.lines(), writer.rules());
            respond(ledger.checklist(lines, clock.now(), rules, writer.store()).map_err(unreadable));
        });
    }

    fn people(&self, respond: Respond<Vec<PersonView>>) {
        self.papers.inbox.look(move |writer| respond(Ok(writer.ledger().person_views())));
    }

    fn exceptions(&self, respond: Respond<Vec<ExceptionView>>) {
        self.papers.inbox.look(move |writer| respond(Ok(writer.ledger().exception_views())));
    }

    fn payment(&self, id: PaymentId) -> Result<PaymentView, Reject> {
        self.papers.payment(id)
    }

    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentView>, Reject> {
        let id = self.papers.reader.by_request(request).map_err(unreadable)?;
        id.map(|id| self.papers.payment(id)).transpose()
    }

    fn payments(&self, filter: &PaymentFilter) -> Result<Page<PaymentView>, Reject> {
        let filter = store::PaymentFilter {
            day: filter.day,
            device: filter.device.clone(),
            cashier: filter.cashier.clone(),
            state: filter.state,
            cursor: filter.after,
            limit: filter.limit,
        };
        let page = self.papers.reader.payments(&filter).map_err(unreadable)?;
        Ok(Page {
            items: page.items.iter().map(|p| payment_view(p, &self.papers.rules)).collect(),
            next_cursor: page.next_cursor,
        })
    }

    fn story(&self, id: PaymentId) -> Result<Vec<StoryLine>, Reject> {
        let mut story = self.papers.reader.story(id).map_err(unreadable)?;
        for line in &mut story {
            let code = line.event.pointer("/Answered/answer/code").or(line.event.pointer("/LateAnswer/answer/code"));
            let code = code.and_then(serde_json::Value::as_str);
            line.means = code.and_then(|code| self.papers.rules.channel.sentences.get(code)).cloned();
        }
        Ok(story)
    }

    fn report(&self, day: &DayView, format: ReportFormat, lang: Lang, columns: u8) -> Result<Vec<u8>, Reject> {
        self.papers.report(day, format, lang, columns)
    }

    fn check_pin(&self, person: &CashierId, pin: &Pin) -> Result<Role, Reject> {
        let reader = &self.papers.reader;
        let unknown = || Refusal::UnknownCashier.with("cashier", person);
        let row = reader.pin(person).map_err(unreadable)?.ok_or_else(unknown)?;
        let now = self.papers.clock.now().wall;
        // A lock that ends later than any can was begun by a clock that was ahead: it is over.
        if now < row.locked_until && row.locked_until.0.saturating_sub(now.0) <= LOCK_LONGEST_MS {
            return Err(Refusal::Locked.into());
        }
        let right = verify_pin(pin, &row.hash).map_err(|e| unreadable(e.into()))?;
        let failures = if right { 0 } else { row.failures.saturating_add(1) };
        if failures != row.failures {
            self.note_pin(person.clone(), failures, now)?;
        }
        if !right {
            return Err(Refusal::WrongPin.into());
        }
        let person_id = person.clone();
        let role = self.papers.ask(move |writer| writer.ledger().role_of(&person_id))?;
        role.ok_or_else(|| Refusal::CashierInactive.with("cashier", person))
    }

    fn hash_pin(&self, pin: &Pin) -> Result<Vec<u8>, Reject> {
        let iterations = NonZeroU32::new(PIN_ITERATIONS.into()).unwrap_or(NonZeroU32::MIN);
        hash_pin(pin, iterations).map_err(|e| unreadable(e.into()))
    }

    fn take_statement(&self, upload: StatementUpload<'_>) -> Result<StatementView, Reject> {
        self.intake.upload(upload, self.papers.clock.now().wall)
    }

    fn statements(&self, before: Option<u32>, limit: u32) -> Result<Page<StatementRow>, Reject> {
        self.papers.reader.statements(before, limit).map_err(unreadable)
    }

    fn cases(&self, filter: &CaseFilter) -> Result<Page<CaseView>, Reject> {
        let today = self.papers.ask(|writer| writer.ledger().open)?;
        let page = self.papers.reader.cases(filter).map_err(unreadable)?;
        let items = page.items.iter().map(|case| case_view(case, today)).collect();
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    fn case(&self, no: CaseNo) -> Result<CaseDetail, Reject> {
        let today = self.papers.ask(|writer| writer.ledger().open)?;
        let case = self.papers.reader.case(no).map_err(unreadable)?;
        let case = case.ok_or_else(|| Refusal::UnknownCase.with("case", no))?;
        let story = match case.finding.payment {
            Some(payment) => self.story(payment)?,
            None => Vec::new(),
        };
        Ok(case_detail(&case, today, story))
    }

    fn transfers(&self, respond: Respond<Vec<TransferLineView>>) {
        self.papers.inbox.look(move |writer| {
            let ledger = writer.ledger();
            respond(Ok(ledger.transfer_lines(Some(ledger.open))));
        });
    }

    fn payees(&self) -> Result<Vec<Payee>, Reject> {
        Ok(self.tables.payees()?.iter().map(payees::Listed::shown).collect())
    }

    fn transfer_file(&self) -> Result<Vec<u8>, Reject> {
        let list = self.tables.payees()?;
        let sent = self.papers.ask(|writer| writer.ledger().unanswered_transfers())?;
        let rules = &self.papers.rules;
        let lines: Vec<_> = sent
            .iter()
            .filter_map(|(payment, payee, amount)| {
                let listed = list.iter().find(|listed| listed.id == *payee)?;
                Some(transfer::file::Line {
                    payment: *payment,
                    name: &listed.name,
                    account: &listed.account,
                    bank: &listed.bank,
                    amount: *amount,
                })
            })
            .collect();
        Ok(transfer::file::write(&lines, rules.currency, &format!("{} 退款", rules.store_name)))
    }

    fn read_transfer_answers(&self, csv: &[u8]) -> Result<Vec<transfer::file::BankLine>, Reject> {
        transfer::file::read(csv, self.papers.rules.currency.exponent())
            .map_err(|e| Refusal::BadRequest.with("what", e))
    }

    fn use_cards(&self) -> Result<(usize, bool), Reject> {
        let table = self.tables.cards().map_err(|e| Refusal::BadRequest.with("what", e))?;
        let (rows, table) = (table.len(), Arc::new(table));
        let again = Arc::clone(&table);
        let unchanged = self.papers.ask(move |writer| *writer.rules().money.cards == *again)?;
        if !unchanged {
            let (sender, receiver) = std::sync::mpsc::channel();
            self.papers.inbox.command(Command::UseCards(table), Box::new(move |reply| drop(sender.send(reply))));
            receiver.recv().map_err(|_| Refusal::Stopping)??;
        }
        Ok((rows, unchanged))
    }

    fn resume_printing(&self, printer: Option<&str>) {
        self.printers.resume(printer);
    }

    fn hours(&self, day: BusinessDate) -> Result<HoursView, Reject> {
        hours(&self.papers.reader, &self.papers.rules.zone, day).map_err(unreadable)
    }

    fn listen(&self, listener: Listener) {
        self.listeners.add(listener);
    }

    fn preview(&self, what: &PrintWhat) -> Result<String, Reject> {
        self.papers.preview(what)
    }
}

impl Till {
    /// Writes how many wrong PINs there were, and until when no more are looked at.
    fn note_pin(&self, person: CashierId, failures: u32, now: WallMs) -> Result<(), Reject> {
        let over = failures.saturating_sub(PIN_TRIES).min(10);
        let pause = if failures < PIN_TRIES { 0 } else { (LOCK_MS << over).min(LOCK_LONGEST_MS) };
        let until = WallMs(if pause == 0 { 0 } else { now.0.saturating_add(pause) });
        self.papers.ask(move |writer| writer.store_mut().set_pin_state(&person, failures, until))?.map_err(unreadable)
    }
}

/// Runs something that may block away from the async threads.
fn off_thread(work: impl FnOnce() + Send + 'static) {
    let work: Box<dyn FnOnce() + Send> = Box::new(work);
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => {
            runtime.spawn_blocking(work);
        }
        Err(_) => work(),
    }
}
