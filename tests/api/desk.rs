//! A desk that records what it is asked and answers as it was told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use serde_json::json;
use tilld::core::acquirer::Instrument;
use tilld::core::domain::*;
use tilld::core::journal::{Original, PaymentMade};
use tilld::core::payment::Payment;
use tilld::core::ports::*;

/// What the next payment gets.
pub enum Next {
    /// Journaled, in this state, answered at once.
    Becomes(State),
    /// Journaled and never answered.
    Hangs,
    /// Not even journaled, never answered.
    Stalls,
    /// Refused.
    Refused(Refusal),
}

#[derive(Default)]
pub struct Inner {
    /// Everything that was asked, in order, as text without secrets.
    pub asked: Vec<String>,
    pub next: VecDeque<Next>,
    pub payments: BTreeMap<u64, PaymentView>,
    pub by_request: BTreeMap<String, u64>,
    /// What a reader gives; none: `no_reader`.
    pub card: Option<Presented>,
    /// Answers that are kept waiting.
    pub held: Vec<Respond<Reply>>,
    pub settled_after: u32,
    pub health: Option<String>,
    /// Who wants to hear of commits.
    pub listeners: Vec<Listener>,
}

#[derive(Default)]
pub struct Fake(pub Mutex<Inner>);

impl Fake {
    pub fn with(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.lock().unwrap());
    }

    pub fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    pub fn next(&self, next: Next) {
        self.with(|i| i.next.push_back(next));
    }

    fn note(&self, text: impl Into<String>) {
        self.with(|i| i.asked.push(text.into()));
    }
}

fn view(id: u64, pay: &Pay, state: State) -> PaymentView {
    PaymentView {
        fee: None,
        coupon: None,
        route: None,
        transfer: None,
        id: PaymentId(id).to_string(),
        request_id: pay.request.as_str().into(),
        kind: pay.kind,
        state,
        response_code: None,
        message: state.as_str().into(),
        message_i18n: Sentence::new("……", state.as_str()),
        rrn: None,
        approval_code: None,
        masked_pan: None,
        stan: None,
        batch: None,
        business_date: BusinessDate::parse("2026-11-20").unwrap(),
        device: pay.device.clone(),
        cashier: pay.cashier.clone(),
        method: pay.method,
        amount: pay.amount,
        currency: pay.currency,
        original: None,
        voided_by: None,
        completed_by: None,
        balance: None,
        refunded: Minor(0),
        made_at: "2026-11-20T10:00:00+08:00".into(),
        reversal: None,
        alarm: None,
        watched_until: None,
        adjusted: None,
    }
}

fn core_payment(id: u64, pay: &Pay) -> Payment {
    let made = PaymentMade {
        request: pay.request.clone(),
        kind: pay.kind,
        method: pay.method,
        device: pay.device.clone(),
        cashier: pay.cashier.clone(),
        shift: ShiftNo(1),
        amount: pay.amount,
        original: pay.original.clone(),
        entry: None,
        masked: None,
        chip: false,
        pin: false,
        approved_by: None,
        final_here: true,
    };
    Payment::made(PaymentId(id), BusinessDate::parse("2026-11-20").unwrap(), WallMs(0), &made)
}

/// What reached the desk, told without any secret: the lengths prove that they arrived.
fn told(pay: &Pay) -> String {
    let card = match &pay.presented {
        None => "nothing".to_owned(),
        Some(p) => {
            let what = match &p.instrument {
                Instrument::Track2(t) => format!("track of {}", t.expose().len()),
                Instrument::Card { pan, expiry } => format!("pan of {} expiry {expiry:?}", pan.expose().len()),
                Instrument::Code(c) => format!("code of {}", c.expose().len()),
                Instrument::Chip(c) => format!("chip with {} bytes", c.data.expose().len()),
            };
            format!("{what} {} pin:{}", p.entry, p.pin_block.is_some())
        }
    };
    let original = match &pay.original {
        None => String::new(),
        Some(Original::Payment(id)) => format!(" of {id}"),
        Some(Original::Foreign { rrn, date, amount }) => format!(" of {rrn} {date} {amount}"),
    };
    let by = pay.approved_by.as_ref().map(|m| format!(" approved by {m}")).unwrap_or_default();
    let confirm = pay.confirm_amount.map(|a| format!(" confirmed {a}")).unwrap_or_default();
    format!(
        "pay {} {} {} {} {} {}{} with {card}{original}{by}{confirm}",
        pay.request,
        pay.kind,
        pay.method,
        pay.device,
        pay.cashier,
        pay.amount,
        pay.currency.alpha()
    )
}

impl Desk for Fake {
    fn submit(&self, command: Command, respond: Respond<Reply>) {
        let pay = match command {
            Command::Pay(pay) => pay,
            Command::Cancel(id) => {
                self.note(format!("cancel {id}"));
                return respond(Ok(Reply::Done));
            }
            Command::OpenShift { .. } | Command::CloseShift { .. } => {
                self.note(format!("{command:?}"));
                return respond(Ok(Reply::Shift(ShiftNo(7))));
            }
            Command::CutDay { .. } => {
                self.note(format!("{command:?}"));
                let date = BusinessDate::parse("2026-11-20").unwrap();
                return respond(Ok(Reply::Cut { date, z: ZNumber(3) }));
            }
            Command::AddCashier { cashier, name, role, pin_hash, .. } => {
                self.note(format!("add {cashier} {name} {role} {pin_hash:?}"));
                return respond(Ok(Reply::Done));
            }
            other => {
                self.note(format!("{other:?}"));
                return respond(Ok(Reply::Done));
            }
        };
        let mut inner = self.0.lock().unwrap();
        inner.asked.push(told(&pay));
        if let Some(id) = inner.by_request.get(pay.request.as_str()).copied() {
            return respond(Ok(Reply::Payment(Box::new(core_payment(id, &pay)))));
        }
        let id = inner.payments.len() as u64 + 1;
        match inner.next.pop_front().unwrap_or(Next::Becomes(State::Approved)) {
            Next::Becomes(state) => {
                inner.payments.insert(id, view(id, &pay, state));
                inner.by_request.insert(pay.request.as_str().into(), id);
                drop(inner);
                respond(Ok(Reply::Payment(Box::new(core_payment(id, &pay)))));
            }
            Next::Hangs => {
                inner.payments.insert(id, view(id, &pay, State::Sent));
                inner.by_request.insert(pay.request.as_str().into(), id);
                inner.held.push(respond);
            }
            Next::Stalls => inner.held.push(respond),
            Next::Refused(refusal) => {
                drop(inner);
                respond(Err(refusal.into()));
            }
        }
    }

    fn present(&self, device: &TerminalId, method: Method, respond: Respond<Presented>) {
        self.note(format!("present {device} {method}"));
        let card = self.0.lock().unwrap().card.clone();
        respond(card.ok_or_else(|| Refusal::NoReader.with("device", device)));
    }

    fn day(&self, which: WhichDay, respond: Respond<DayView>) {
        self.note(format!("day {which:?}"));
        let settled = {
            let mut inner = self.0.lock().unwrap();
            inner.settled_after = inner.settled_after.saturating_sub(1);
            inner.settled_after == 0
        };
        if which == WhichDay::Z(99) {
            return respond(Err(Refusal::UnknownDay.with("day", 99)));
        }
        respond(Ok(day_view(if settled { "balanced" } else { "asked" })));
    }

    fn status(&self, respond: Respond<StatusView>) {
        let health = self.0.lock().unwrap().health.clone().unwrap_or_else(|| "ok".into());
        respond(Ok(status_view(&health)));
    }

    fn exceptions(&self, respond: Respond<Vec<ExceptionView>>) {
        respond(Ok(vec![
            serde_json::from_value(json!({
                "id": 4, "kind": "batch_disagrees", "opened": "2026-11-20", "payment": null, "terminal": "POS1",
                "message": {"zh": "批次号不符", "en": "batches disagree"}, "state": "open"
            }))
            .unwrap(),
        ]));
    }

    fn payment(&self, id: PaymentId) -> Result<PaymentView, Reject> {
        let inner = self.0.lock().unwrap();
        inner.payments.get(&id.0).cloned().ok_or_else(|| Refusal::UnknownPayment.with("payment", id))
    }

    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentView>, Reject> {
        let inner = self.0.lock().unwrap();
        Ok(inner.by_request.get(request.as_str()).and_then(|id| inner.payments.get(id)).cloned())
    }

    fn payments(&self, filter: &PaymentFilter) -> Result<Page<PaymentView>, Reject> {
        self.note(format!("list {filter:?}"));
        let inner = self.0.lock().unwrap();
        let after = filter.after.map_or(0, |id| id.0);
        let mut items: Vec<_> = inner.payments.range(after + 1..).map(|(_, p)| p.clone()).collect();
        let more = items.len() > filter.limit as usize;
        items.truncate(filter.limit as usize);
        let next_cursor = if more { items.last().map(|p| p.id.clone()) } else { None };
        Ok(Page { items, next_cursor })
    }

    /// Reads the body to its end, and judges nothing.
    fn take_statement(&self, upload: StatementUpload<'_>) -> Result<StatementView, Reject> {
        let mut text = String::new();
        upload.body.read_to_string(&mut text).map_err(|e| Refusal::BadRequest.with("what", e))?;
        self.note(format!("statement {text}"));
        Err(Refusal::NotAStatement.with("why", "nobody judges here"))
    }

    fn story(&self, id: PaymentId) -> Result<Vec<StoryLine>, Reject> {
        self.payment(id)?;
        Ok(vec![StoryLine {
            seq: id.0,
            at: "2026-11-20T10:00:00+08:00".into(),
            event: json!({"PaymentMade": {}}),
            means: None,
        }])
    }

    fn report(&self, day: &DayView, format: ReportFormat, lang: Lang, columns: u8) -> Result<Vec<u8>, Reject> {
        let width = if columns == 48 { String::new() } else { format!(" {columns}") };
        Ok(format!("{format:?} {lang} {}{width}", day.business_date).into_bytes())
    }

    fn check_pin(&self, person: &CashierId, pin: &Pin) -> Result<Role, Reject> {
        self.note(format!("pin of {person}"));
        match (person.as_str(), pin.expose()) {
            ("M1", "8888") => Ok(Role::Manager),
            ("T1", "7777") => Ok(Role::Technician),
            ("C1", "1111") => Ok(Role::Cashier),
            _ => Err(Refusal::WrongPin.into()),
        }
    }

    fn hash_pin(&self, pin: &Pin) -> Result<Vec<u8>, Reject> {
        Ok(vec![pin.expose().len() as u8])
    }

    fn resume_printing(&self, printer: Option<&str>) {
        self.note(format!("resume {printer:?}"));
    }

    fn hours(&self, day: BusinessDate) -> Result<HoursView, Reject> {
        self.note(format!("hours {day}"));
        Ok(HoursView { hours: Vec::new(), complete: true })
    }

    fn listen(&self, listener: Listener) {
        self.with(|i| i.listeners.push(listener));
    }

    fn preview(&self, what: &PrintWhat) -> Result<String, Reject> {
        Ok(format!("{what:?}"))
    }
}

fn day_view(state: &str) -> DayView {
    let zero = json!({"count": 0, "amount": 0});
    let columns = json!({"sale": zero, "refund": zero, "void": zero, "vouchers": zero});
    serde_json::from_value(json!({
        "store": "S001", "store_name": "望京店", "currency": "CNY", "business_date": "2026-11-20", "z_number": 3,
        "state": state, "by_cashier": [], "by_device": [], "by_method": [], "matrix": [], "totals": columns, "net": 0,
        "cross_foot": true, "bridge": [], "offline": {"stored": 0, "forwarded": 0, "rejected": 0, "waiting": 0},
        "settlement": [{"terminal": "POS1", "batch": "000001", "result": "pending", "debit": zero, "credit": zero,
            "rung": if state == "asked" { "asked" } else { "ended" }, "part": columns}],
        "pending": [], "reversed": zero, "returns": [], "vouchers": [],
        "shifts": [{"shift": 7, "cashier": "C1", "closed": true, "drawers": []}],
        "exceptions": [], "first_seq": 1, "last_seq": 9, "grand_total": 0, "check_code": null,
        "journal": {"rows": 9, "head": "00"}
    }))
    .unwrap()
}

fn status_view(health: &str) -> StatusView {
    let waiting = json!({"count": 2, "amount": 300});
    serde_json::from_value(json!({
        "health": health, "version": env!("CARGO_PKG_VERSION"), "store": "S001", "business_date": "2026-11-20", "waiting": waiting,
        "oldest_expires_in_ms": 60000,
        "terminals": [{"terminal": "POS1", "line": "up", "line_why": null, "signed_on": true, "batch": "000001",
            "rung": "open", "waiting": waiting, "reversals": 1, "stopped": null}],
        "ports": [{"id": "front", "port": "/dev/x", "state": "open", "attention": null, "queued": 4}],
        "exceptions": 1, "journal": {"rows": 9, "head": "00"}, "warnings": []
    }))
    .unwrap()
}
