//! The counter's side of the daemon: what the API and the commands may ask of it.

use super::{
    Command, Committed, DayView, ExceptionView, HoursView, Page, PaymentView, PrintWhat, Reply, StatusView, StoryLine,
};
use crate::core::domain::{
    BusinessDate, CaseNo, CashierId, PaymentId, Pin, Refusal, Reject, RequestId, Role, Seq, TerminalId,
};

/// Called once with the answer; never blocks.
pub type Respond<T> = Box<dyn FnOnce(Result<T, Reject>) + Send>;

/// Told of each commit after it is durable; never blocks. Gives false when it wants to hear no more.
pub type Listener = Box<dyn Fn(&Committed) -> bool + Send>;

/// Which day is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichDay {
    /// The open one.
    Open,
    /// The open one, or any other, as it was after this row.
    At(Seq),
    /// By date.
    Date(BusinessDate),
    /// By Z number.
    Z(u32),
}

/// What a list of payments is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// The day.
    pub day: Option<BusinessDate>,
    /// The device.
    pub device: Option<TerminalId>,
    /// The cashier.
    pub cashier: Option<CashierId>,
    /// The state's word.
    pub state: Option<crate::core::domain::State>,
    /// Only ids above this one (what the last page gave as its cursor).
    pub after: Option<PaymentId>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// A report's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// UTF-8 text at the printer's width.
    Text,
    /// The day as JSON.
    Json,
    /// The tables as CSV.
    Csv,
    /// The paper as an image.
    Png,
    /// The paper as PDF.
    Pdf,
    /// The bytes that the printer gets.
    Escpos,
    /// The paper as a page for a browser.
    Html,
}

/// The running daemon, or a store opened by a command: one face for both.
pub trait Desk: Send + Sync + 'static {
    /// Asks the writer. The answer comes when it is durable; for a payment, when it is answerable.
    fn submit(&self, command: Command, respond: Respond<Reply>);

    /// Waits for a card or code at this device, at most 60 s (then `no_card`; `no_reader` where there is none).
    fn present(&self, device: &TerminalId, method: crate::core::domain::Method, respond: Respond<super::Presented>);

    /// A day's figures.
    fn day(&self, which: WhichDay, respond: Respond<DayView>);

    /// How things stand.
    fn status(&self, respond: Respond<StatusView>);

    /// What stands in the way of a close.
    fn checklist(&self, respond: Respond<super::ChecklistView>) {
        respond(Err(crate::core::domain::Refusal::NotSupported.with("what", "checklist")));
    }

    /// Who may use the till, by id.
    fn people(&self, respond: Respond<Vec<super::PersonView>>) {
        respond(Err(crate::core::domain::Refusal::NotSupported.with("what", "cashiers")));
    }

    /// Open exceptions, oldest first.
    fn exceptions(&self, respond: Respond<Vec<ExceptionView>>);

    /// One payment as it is now. Reads the store: call it off the async threads.
    fn payment(&self, id: PaymentId) -> Result<PaymentView, Reject>;

    /// The payment of a request id as it is now, if there is one. Reads the store.
    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentView>, Reject>;

    /// Payments in the order of their ids. Reads the store.
    fn payments(&self, filter: &PaymentFilter) -> Result<Page<PaymentView>, Reject>;

    /// Every journal row about a payment. Reads the store.
    fn story(&self, id: PaymentId) -> Result<Vec<StoryLine>, Reject>;

    /// A report of a day as a file's bytes, set for so many columns.
    fn report(
        &self,
        day: &DayView,
        format: ReportFormat,
        lang: crate::core::domain::Lang,
        columns: u8,
    ) -> Result<Vec<u8>, Reject>;

    /// Checks a person's PIN by the slow hash (call it off the async threads) and gives their role; wrong ones count towards a lock-out.
    fn check_pin(&self, person: &CashierId, pin: &Pin) -> Result<Role, Reject>;

    /// Hashes a new PIN.
    fn hash_pin(&self, pin: &Pin) -> Result<Vec<u8>, Reject>;

    /// Takes a statement in, judges it, and opens its cases. Reads the store, and waits for the writer: call it off the async threads.
    fn take_statement(&self, upload: super::StatementUpload<'_>) -> Result<super::StatementView, Reject> {
        let _ = upload;
        Err(Refusal::NotSupported.with("what", "statements"))
    }

    /// Statements that were judged, newest first, before a number. Reads the store.
    fn statements(&self, before: Option<u32>, limit: u32) -> Result<Page<super::StatementRow>, Reject> {
        let _ = (before, limit);
        Ok(Page { items: Vec::new(), next_cursor: None })
    }

    /// Cases, newest first. Reads the store.
    fn cases(&self, filter: &super::CaseFilter) -> Result<Page<super::CaseView>, Reject> {
        let _ = filter;
        Ok(Page { items: Vec::new(), next_cursor: None })
    }

    /// A case with everything that is known of it. Reads the store.
    fn case(&self, no: CaseNo) -> Result<super::CaseDetail, Reject> {
        Err(Refusal::UnknownCase.with("case", no))
    }

    /// Transfer orders that are not ended, and those of the open day.
    fn transfers(&self, respond: Respond<Vec<super::TransferLineView>>) {
        respond(Ok(Vec::new()));
    }

    /// Whom transfers may go to. Reads the allow-list anew.
    fn payees(&self) -> Result<Vec<super::Payee>, Reject> {
        Err(crate::core::domain::Refusal::NotSupported.with("what", "transfers"))
    }

    /// The file for the bank: what was sent and never answered. Reads the allow-list and the state.
    fn transfer_file(&self) -> Result<Vec<u8>, Reject> {
        Err(crate::core::domain::Refusal::NotSupported.with("what", "transfers"))
    }

    /// Reads a bank's answers, whole or not at all.
    fn read_transfer_answers(&self, csv: &[u8]) -> Result<Vec<crate::core::transfer::file::BankLine>, Reject> {
        let _ = csv;
        Err(crate::core::domain::Refusal::NotSupported.with("what", "transfers"))
    }

    /// Uses the card table that lies in the data folder: its rows, and whether it was in use before. Waits for the writer.
    fn use_cards(&self) -> Result<(usize, bool), Reject> {
        Err(crate::core::domain::Refusal::NotSupported.with("what", "cards"))
    }

    /// The cashier has put things right at a printer: go on.
    fn resume_printing(&self, printer: Option<&str>);

    /// A day's takings by hour. Reads the store.
    fn hours(&self, day: BusinessDate) -> Result<HoursView, Reject>;

    /// Tells of every commit from now on. One listener too many is not taken.
    fn listen(&self, listener: Listener);

    /// What a thing to print looks like now, as text (for screens and tests).
    fn preview(&self, what: &PrintWhat) -> Result<String, Reject>;
}
