//! What is on a piece of paper: from what is durable to a document, and from a document to the bytes that are asked for.

use std::sync::{Mutex, TryLockError, mpsc};
use std::time::Duration;

use super::inbox::Inbox;
use crate::core::day::Batch;
use crate::core::domain::{
    BatchNo, CashierId, Lang, Method, PaymentId, Refusal, Reject, Sentence, Seq, TerminalId, WallMs, read_json,
};
use crate::core::journal::Original;
use crate::core::ledger::{Rules, closed_shift_view, payment_view, state_at};
use crate::core::ports::{Archive, DayView, PaymentView, PrintWhat, ReportFormat, StoreError, WhichDay};
use crate::core::report::doc::Document;
use crate::core::report::layout::layout;
use crate::core::report::papers::{
    BatchFacts, Copy, DayReportKind, ReceiptHead, ShiftFacts, SlipHead, batch_slip, day_csv, day_report, notice,
    receipt, shift_slip,
};
use crate::core::report::{escpos, html, image, pdf, text};
use crate::io::clock::Clock;
use crate::io::store::Reader;

/// How long the writer may take to answer a look.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that papers are made from.
#[derive(Debug, Clone)]
pub struct Papers {
    /// The rules.
    pub rules: std::sync::Arc<Rules>,
    /// What is durable.
    pub reader: Reader,
    /// The writer, for the open day.
    pub inbox: Inbox,
    /// The clock.
    pub clock: Clock,
    /// Held while a past state is made: one at a time.
    pub past: std::sync::Arc<Mutex<()>>,
}

/// A store that cannot be read, as the counter is told.
pub fn unreadable(error: StoreError) -> Reject {
    log::error!("{error}");
    match error {
        StoreError::Damaged(_) => Refusal::Damaged.into(),
        _ => Refusal::StorageFailed.into(),
    }
}

impl Papers {
    /// Asks the writer's thread, and waits.
    pub fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut super::inbox::TillWriter) -> T + Send + 'static,
    ) -> Result<T, Reject> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.inbox.look(move |writer| {
            // Whoever asked may have given up waiting.
            let _ = sender.send(look(writer));
        });
        receiver.recv_timeout(PATIENCE).map_err(|_| Refusal::Busy.into())
    }

    /// A day, wherever its figures lie.
    pub fn day(&self, which: WhichDay) -> Result<DayView, Reject> {
        let now = self.clock.now().wall;
        if let WhichDay::At(seq) = which {
            return self.day_as_of(seq, now);
        }
        let live = self.ask(move |writer| live_day(writer, which, now))??;
        if let Some(view) = live {
            return Ok(view);
        }
        let (row, named) = match which {
            WhichDay::Date(date) => (self.reader.day(date).map_err(unreadable)?, date.to_string()),
            WhichDay::Z(z) => (self.reader.day_by_z(z).map_err(unreadable)?, z.to_string()),
            WhichDay::At(_) | WhichDay::Open => (None, "—".into()),
        };
        let row = row.ok_or_else(|| Refusal::UnknownDay.with("day", named))?;
        read_json(&row.tail).map_err(|e| unreadable(StoreError::Damaged(e.to_string())))
    }

    /// The open day as it was after a row. Made beside the writer: it may take a while, and nobody at a counter waits for it.
    fn day_as_of(&self, seq: Seq, now: WallMs) -> Result<DayView, Reject> {
        let (head, open) = self.ask(|writer| (writer.ledger().head, writer.ledger().open))?;
        if seq.0 == 0 || seq > head {
            return Err(Refusal::BadRequest.with("what", format!("at: 1 to {head}")));
        }
        let _alone = match self.past.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Refusal::Busy.into()),
        };
        let past = state_at(&self.reader, seq, open).map_err(unreadable)?;
        let view = past.day_view(past.open, &self.rules, &self.reader, now).map_err(unreadable)?;
        view.ok_or_else(|| Refusal::UnknownDay.with("day", seq))
    }

    /// A payment.
    pub fn payment(&self, id: PaymentId) -> Result<PaymentView, Reject> {
        let payment = self.reader.payment(id).map_err(unreadable)?;
        let payment = payment.ok_or_else(|| Refusal::UnknownPayment.with("payment", id))?;
        Ok(payment_view(&payment, &self.rules))
    }

    /// A batch, wherever its figures lie.
    fn batch(&self, terminal: &TerminalId, number: BatchNo) -> Result<Batch, Reject> {
        let id = terminal.clone();
        if let Some(live) = self.ask(move |writer| writer.ledger().batch(&id, number).cloned())? {
            return Ok(live);
        }
        let row = self.reader.batch(terminal, number).map_err(unreadable)?;
        let row = row.ok_or_else(|| Refusal::NotFound.with("what", number))?;
        read_json(&row.body).map_err(|e| unreadable(StoreError::Damaged(e.to_string())))
    }

    /// The document of a thing to print; `None` for a bare drawer pulse.
    pub fn document(&self, what: &PrintWhat, reprint: u32, lang: Lang) -> Result<Option<Document>, Reject> {
        Ok(Some(match what {
            PrintWhat::Drawer { .. } => return Ok(None),
            PrintWhat::Receipt { payment } => self.receipts(*payment, lang, reprint)?,
            PrintWhat::DayReport { date } => {
                let view = self.day(WhichDay::Date(*date))?;
                day_report(&view, DayReportKind::Z, lang, reprint, &self.now_text())
            }
            PrintWhat::XReport => {
                let view = self.day(WhichDay::Open)?;
                day_report(&view, DayReportKind::X, lang, reprint, &self.now_text())
            }
            PrintWhat::BatchSlip { terminal, batch } => {
                let (terminal, batch) = (terminal.clone(), *batch);
                let batch = self.batch(&terminal, batch)?;
                let parts = crate::core::totals::sum(batch.parts.values().copied()).unwrap_or_default();
                let view = crate::core::ledger::settlement_view(&terminal, &batch, parts);
                let rules = self.rules.terminals.get(&terminal).cloned().unwrap_or_default();
                let facts = BatchFacts::of(&batch, &rules.mid, &rules.tid);
                batch_slip(&self.slip_head(&self.now_text()), &view, &facts, lang, reprint)
            }
            PrintWhat::ShiftSlip { shift } => {
                let row = self.reader.shift(*shift).map_err(unreadable)?;
                let row = row.ok_or_else(|| Refusal::NotFound.with("what", shift.0))?;
                let closed: crate::core::day::ClosedShift =
                    read_json(&row.body).map_err(|e| unreadable(StoreError::Damaged(e.to_string())))?;
                let view = closed_shift_view(&closed, &self.rules);
                let name = self.name_of(&closed.cashier)?;
                let time = |at: WallMs| (at.0 != 0).then(|| self.local_text(at));
                let (opened, ended) = (time(closed.opened_at), time(closed.closed_at));
                let facts =
                    ShiftFacts { cashier_name: &name, opened_at: opened.as_deref(), closed_at: ended.as_deref() };
                shift_slip(&self.slip_head(&self.now_text()), &view, &facts, lang, reprint)
            }
        }))
    }

    /// A notice that needs nothing of the store.
    pub fn notice(&self, sentence: &Sentence, lang: Lang) -> Document {
        notice(&self.rules.store_name, sentence, &self.now_text(), lang)
    }

    /// The receipts of a payment: a card's merchant copy to sign, and everybody's customer copy.
    fn receipts(&self, id: PaymentId, lang: Lang, reprint: u32) -> Result<Document, Reject> {
        let payment = self.reader.payment(id).map_err(unreadable)?;
        let payment = payment.ok_or_else(|| Refusal::UnknownPayment.with("payment", id))?;
        let view = payment_view(&payment, &self.rules);
        let original = match &payment.original {
            Some(Original::Payment(original)) => self.reader.payment(*original).map_err(unreadable)?,
            _ => None,
        };
        let original_stan = original.and_then(|p| p.stan).map(|stan| stan.to_string());
        let cashier_name = self.name_of(&payment.cashier)?;
        let terminal = self.rules.terminals.get(&payment.device).cloned().unwrap_or_default();
        let head = ReceiptHead {
            store_name: &self.rules.store_name,
            mid: &terminal.mid,
            tid: &terminal.tid,
            cashier_name: &cashier_name,
            made_at: &self.local_text(payment.made_at),
            with_pin: payment.pin,
            original_stan: original_stan.as_deref(),
        };
        let customer = receipt(&view, &head, Copy::Customer, lang, reprint);
        if payment.method != Method::Card {
            return Ok(customer);
        }
        let mut both = receipt(&view, &head, Copy::Merchant, lang, reprint);
        both.elements.extend(customer.elements);
        Ok(both)
    }

    fn name_of(&self, cashier: &CashierId) -> Result<String, Reject> {
        let cashier = cashier.clone();
        let name = self.ask(move |writer| writer.ledger().people.get(&cashier).map(|p| p.name.clone()))?;
        Ok(name.unwrap_or_default())
    }

    fn slip_head<'a>(&'a self, printed_at: &'a str) -> SlipHead<'a> {
        SlipHead { store_name: &self.rules.store_name, currency: self.rules.currency, printed_at }
    }

    fn now_text(&self) -> String {
        self.local_text(self.clock.now().wall)
    }

    fn local_text(&self, at: WallMs) -> String {
        self.rules.zone.local(at).map_or_else(String::new, |t| t.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// A day's report as a file.
    pub fn report(&self, day: &DayView, format: ReportFormat, lang: Lang, columns: u8) -> Result<Vec<u8>, Reject> {
        let kind = if day.state == "open" { DayReportKind::X } else { DayReportKind::Z };
        let columns = usize::from(columns);
        let page = || layout(&day_report(day, kind, lang, 0, &self.now_text()), columns);
        let profile = escpos::Profile::new(columns, escpos::Encoding::Gb18030);
        let paper = |e: crate::core::report::PaperError| {
            log::warn!("{e}");
            Refusal::NotSupported.with("what", e.to_string())
        };
        Ok(match format {
            ReportFormat::Text => text::render(&page()).into_bytes(),
            ReportFormat::Json => serde_json::to_vec_pretty(day).unwrap_or_default(),
            ReportFormat::Csv => day_csv(day).into_bytes(),
            ReportFormat::Png => image::png(&page()).map_err(paper)?,
            ReportFormat::Pdf => pdf::pdf(&page()).map_err(paper)?,
            ReportFormat::Escpos => escpos::render(&page(), &profile),
            ReportFormat::Html => {
                let title = format!("{} {} Z{}", day.store_name, day.business_date, day.z_number);
                html::html(&page(), &title, lang).into_bytes()
            }
        })
    }

    /// A thing to print, as text.
    pub fn preview(&self, what: &PrintWhat) -> Result<String, Reject> {
        let document = self.document(what, 0, self.rules.lang)?;
        Ok(document.map_or_else(String::new, |d| text::render(&layout(&d, 48))))
    }
}

/// A day that the ledger has.
fn live_day(writer: &mut super::inbox::TillWriter, which: WhichDay, now: WallMs) -> Result<Option<DayView>, Reject> {
    let ledger = writer.ledger();
    let date = match which {
        WhichDay::Open => ledger.open,
        WhichDay::Date(date) => date,
        WhichDay::Z(z) => match ledger.days.values().find(|day| day.z.0 == z) {
            Some(day) => day.date,
            None => return Ok(None),
        },
        WhichDay::At(_) => return Ok(None),
    };
    writer.ledger().day_view(date, writer.rules(), writer.store(), now).map_err(unreadable)
}
