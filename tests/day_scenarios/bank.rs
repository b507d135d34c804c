//! The acquirer at the level of orders, with books of its own: it approves, declines, loses answers and requests, answers late or in
//! doubt, settles by its own books, and notes what no terminal should have done.

use std::collections::{BTreeMap, VecDeque};

use tilld::core::acquirer::{
    Answer, AnswerClass, Doubt, HostHalf, HostTotals, Instrument, MessageName, Order, Outgoing, PaymentMessage, Report,
    Verdict, Verdicts,
};
use tilld::core::domain::{BatchNo, Minor, Stan, TerminalId};

/// What happens to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It arrives, the answer does not.
    LoseAnswer,
    /// It does not arrive.
    LoseRequest,
    /// It arrives, is not done, and this code is answered.
    Code(String),
    /// It is done, and this code is answered.
    DoneButCode(String),
    /// It is done, and the answer has a wrong MAC.
    BadMac,
    /// It is done; the answer comes after this many milliseconds.
    Late(u64),
    /// No byte of it leaves: no line.
    NoLine,
    /// It cannot be built.
    NotBuilt,
}

/// What the bank does about an order.
#[derive(Debug)]
pub struct Reaction {
    /// What the terminal hears, and after how many milliseconds; `None` is silence.
    pub answer: Option<(u64, Answer)>,
    /// No byte of it was handed over.
    pub not_sent: Option<tilld::core::acquirer::NotSent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Approved,
    Reversed,
}

/// A line of the bank's books.
#[derive(Debug, Clone)]
pub struct Entry {
    pub batch: BatchNo,
    pub stan: Stan,
    pub name: MessageName,
    pub amount: Minor,
    pub foreign: bool,
    /// By a scanned code, which has no card number: its record carries zeros in that place.
    pub by_code: bool,
    pub status: Status,
    /// A void has undone it.
    pub voided: bool,
}

impl Entry {
    pub fn debit(&self) -> bool {
        matches!(self.name, MessageName::Sale | MessageName::ScanSale | MessageName::OfflineSale)
    }
}

#[derive(Debug)]
pub struct Account {
    pub batch: BatchNo,
    pub books: Vec<Entry>,
    /// Between 0500 and the answer to the end: the verdicts that were given.
    settling: Option<(Stan, HostTotals, Verdicts)>,
    /// STANs of the card records uploaded in this settlement.
    pub uploaded: Vec<Stan>,
    /// STANs of the messages that carried them.
    uploads: Vec<Stan>,
    /// Batches that have ended: number, verdicts, records that the end named.
    pub ended: Vec<(BatchNo, Verdicts, u16)>,
    /// A reversible request that the terminal has no answer to, and how often its reversal came.
    unanswered: Option<(BatchNo, Stan, u32)>,
    faults: VecDeque<Fault>,
    always: Option<Fault>,
    /// Every message that arrived, in a word: `sale 000001/000002`.
    pub heard: Vec<String>,
}

/// The bank.
#[derive(Debug)]
pub struct Bank {
    pub accounts: BTreeMap<TerminalId, Account>,
    /// What no terminal should have done.
    pub findings: Vec<String>,
    /// How often a reversal may be tried before the terminal goes on without it.
    pub reversal_tries: u32,
    /// F60.2 of the next sign-on answers, where the bank's own number is not to be told.
    pub says_batch: BTreeMap<TerminalId, BatchNo>,
    next_rrn: u64,
    /// F12 and F13 of every answer.
    pub clock: Option<(String, String)>,
    /// F63.1 is in no answer.
    pub names_no_organisation: bool,
    /// What it answers to an upload or an end that it has had before.
    pub again: &'static str,
}

impl Bank {
    pub fn new(terminals: &[TerminalId], reversal_tries: u32) -> Bank {
        let account = |_: &TerminalId| Account {
            batch: BatchNo(1),
            books: Vec::new(),
            settling: None,
            uploaded: Vec::new(),
            uploads: Vec::new(),
            ended: Vec::new(),
            unanswered: None,
            faults: VecDeque::new(),
            always: None,
            heard: Vec::new(),
        };
        Bank {
            accounts: terminals.iter().map(|t| (t.clone(), account(t))).collect(),
            findings: Vec::new(),
            reversal_tries,
            says_batch: BTreeMap::new(),
            next_rrn: 1,
            clock: None,
            names_no_organisation: false,
            again: "00",
        }
    }

    pub fn account(&self, terminal: &TerminalId) -> &Account {
        &self.accounts[terminal]
    }

    pub fn account_mut(&mut self, terminal: &TerminalId) -> &mut Account {
        self.accounts.get_mut(terminal).unwrap()
    }

    /// The next message of this terminal meets this.
    pub fn next(&mut self, terminal: &TerminalId, fault: Fault) {
        self.account_mut(terminal).faults.push_back(fault);
    }

    /// Every message of this terminal meets this, until told otherwise.
    pub fn always(&mut self, terminal: &TerminalId, fault: Option<Fault>) {
        self.account_mut(terminal).always = fault;
    }

    /// Takes an order as a terminal's lane hands it over.
    pub fn take(&mut self, terminal: &TerminalId, order: &Order) -> Reaction {
        use tilld::core::acquirer::NotSent;
        let account = self.account_mut(terminal);
        if let (Outgoing::Reversal(..), Some((b, s, n))) = (&order.message, &mut account.unanswered)
            && (*b, *s) == (order.batch, order.stan)
        {
            // A try is a try, whether we hear of it or not.
            *n += 1;
        }
        let fault = account.faults.pop_front().or_else(|| account.always.clone());
        let silent = Reaction { answer: None, not_sent: None };
        let after = |ms, answer| Reaction { answer: Some((ms, answer)), not_sent: None };
        match fault {
            None => {
                let answer = self.done(terminal, order);
                after(100, answer)
            }
            Some(Fault::LoseAnswer) => {
                self.done(terminal, order);
                self.note_unanswered(terminal, order);
                silent
            }
            Some(Fault::LoseRequest) => {
                self.note_unanswered(terminal, order);
                silent
            }
            Some(Fault::Late(ms)) => {
                let answer = self.done(terminal, order);
                if ms > crate::shop::TIMEOUT {
                    self.note_unanswered(terminal, order);
                }
                after(ms, answer)
            }
            Some(Fault::Code(code)) => {
                let answer = self.answer(&code, order);
                if answer.class == AnswerClass::Unknown {
                    self.note_unanswered(terminal, order);
                }
                after(100, answer)
            }
            Some(Fault::DoneButCode(code)) => {
                self.done(terminal, order);
                self.note_unanswered(terminal, order);
                after(100, self.answer(&code, order))
            }
            Some(Fault::BadMac) => {
                let mut answer = self.done(terminal, order);
                self.note_unanswered(terminal, order);
                (answer.class, answer.doubt) = (AnswerClass::Unknown, Some(Doubt::BadMac));
                after(100, answer)
            }
            Some(Fault::NoLine) => Reaction { answer: None, not_sent: Some(NotSent::NoLine) },
            Some(Fault::NotBuilt) => {
                // A reversal that cannot be built never comes: it is an exception, and the lane goes on.
                if let (Outgoing::Reversal(..), Some((b, s, _))) = (&order.message, account.unanswered)
                    && (b, s) == (order.batch, order.stan)
                {
                    account.unanswered = None;
                }
                Reaction { answer: None, not_sent: Some(NotSent::NotBuilt) }
            }
        }
    }

    fn note_unanswered(&mut self, terminal: &TerminalId, order: &Order) {
        if let Outgoing::Payment(message) = &order.message
            && matches!(message.name, MessageName::Sale | MessageName::ScanSale | MessageName::Void)
        {
            self.account_mut(terminal).unanswered = Some((order.batch, order.stan, 0));
        }
    }

    fn find(&mut self, terminal: &TerminalId, what: impl Into<String>) {
        self.findings.push(format!("{terminal}: {}", what.into()));
    }

    /// Does what the order asks, and answers it.
    fn done(&mut self, terminal: &TerminalId, order: &Order) -> Answer {
        let word = match &order.message {
            Outgoing::SignOn => "sign-on".to_owned(),
            Outgoing::SignOff => "sign-off".to_owned(),
            Outgoing::Query(_) => "query".to_owned(),
            Outgoing::Payment(m) => format!("{:?}", m.name).to_lowercase(),
            Outgoing::Reversal(..) => "reversal".to_owned(),
            Outgoing::Settle(_) => "settle".to_owned(),
            Outgoing::Upload(rows) => format!("upload-{}", rows.len()),
            Outgoing::UploadOne(_) => "upload-one".to_owned(),
            Outgoing::UploadChip(..) => "upload-chip".to_owned(),
            Outgoing::End { balanced, records, .. } => {
                format!("end-{}-{records}", if *balanced { "207" } else { "202" })
            }
        };
        self.account_mut(terminal).heard.push(format!("{word} {}/{}", order.batch, order.stan));
        match &order.message {
            Outgoing::SignOn => {
                let mut answer = self.answer("00", order);
                answer.batch = self.says_batch.get(terminal).copied().or(Some(self.account(terminal).batch));
                answer
            }
            Outgoing::SignOff | Outgoing::Query(_) => self.answer("00", order),
            Outgoing::Payment(message) => self.payment(terminal, order, message),
            Outgoing::Reversal(message, _) => self.reversal(terminal, order, message),
            Outgoing::Settle(totals) => self.settle(terminal, order, totals),
            Outgoing::Upload(rows) => {
                if rows.is_empty() || rows.len() > 8 {
                    self.find(terminal, format!("an upload of {} records", rows.len()));
                }
                if self.account(terminal).uploads.contains(&order.stan) {
                    // The same message again: its answer was lost.
                    return self.answer(self.again, order);
                }
                self.account_mut(terminal).uploads.push(order.stan);
                for row in rows {
                    if self.account(terminal).uploaded.contains(&row.stan) {
                        self.find(terminal, format!("record {} was uploaded twice", row.stan));
                    }
                    let entry =
                        self.account(terminal).books.iter().find(|e| (e.batch, e.stan) == (order.batch, row.stan));
                    match (&row.pan, entry.is_some_and(|e| e.by_code)) {
                        (None, false) => {
                            self.find(terminal, format!("record {} was uploaded without its card", row.stan));
                        }
                        (Some(_), true) => {
                            self.find(
                                terminal,
                                format!("record {} is of a code and was uploaded with a card", row.stan),
                            );
                        }
                        _ => {}
                    }
                    self.account_mut(terminal).uploaded.push(row.stan);
                }
                self.answer("00", order)
            }
            Outgoing::UploadOne(_) | Outgoing::UploadChip(..) => {
                // Under its record's own number: a repeat is known by it.
                let account = self.account_mut(terminal);
                if !account.uploaded.contains(&order.stan) {
                    account.uploaded.push(order.stan);
                }
                self.answer("00", order)
            }
            Outgoing::End { balanced, records, .. } => self.end(terminal, order, *balanced, *records),
        }
    }

    fn payment(&mut self, terminal: &TerminalId, order: &Order, message: &PaymentMessage) -> Answer {
        let foreign = is_foreign(message.instrument.as_ref());
        let offline = message.name == MessageName::OfflineSale;
        let tries = self.reversal_tries;
        let account = self.account_mut(terminal);
        let settling = account.settling.is_some();
        let (batch, unanswered) = (account.batch, account.unanswered);
        let booked = account.books.iter().find(|e| (e.batch, e.stan) == (order.batch, order.stan)).cloned();
        if settling {
            self.find(terminal, format!("{:?} {} while the batch is being settled", message.name, order.stan));
        }
        if message.instrument.is_none() {
            self.find(terminal, format!("{:?} {} without a card", message.name, order.stan));
        }
        if let Some(entry) = booked {
            if !offline {
                self.find(terminal, format!("{:?} {} was sent twice", message.name, order.stan));
            } else if entry.amount != message.amount {
                self.find(terminal, format!("advice {} came again with another amount", order.stan));
            }
            return self.answer("94", order);
        }
        if order.batch != batch {
            self.find(terminal, format!("{:?} {} in batch {}, ours is {batch}", message.name, order.stan, order.batch));
        }
        if let Some((b, s, n)) = unanswered
            && !offline
            && n < tries
        {
            self.find(terminal, format!("{:?} {} before the reversal of {b}/{s}", message.name, order.stan));
        }
        if message.name == MessageName::Void {
            let original = message.original.as_ref().map(|o| (o.batch, o.stan));
            let account = self.account_mut(terminal);
            let entry = account.books.iter_mut().find(|e| Some((e.batch, e.stan)) == original);
            match entry {
                Some(e) if e.status == Status::Approved && !e.voided && e.amount == message.amount => e.voided = true,
                _ => return self.answer("25", order),
            }
        }
        let rrn = format!("{:012}", self.next_rrn);
        self.next_rrn += 1;
        let entry = Entry {
            batch: order.batch,
            stan: order.stan,
            name: message.name,
            amount: message.amount,
            foreign,
            by_code: matches!(message.instrument, Some(Instrument::Code(_))),
            status: Status::Approved,
            voided: false,
        };
        self.account_mut(terminal).books.push(entry);
        let mut answer = self.answer("00", order);
        answer.rrn = Some(rrn);
        answer.approval_code = Some(format!("{:06}", order.stan.0));
        answer.organisation = (!self.names_no_organisation).then(|| if foreign { "VIS" } else { "CUP" }.into());
        answer
    }

    fn reversal(&mut self, terminal: &TerminalId, order: &Order, message: &PaymentMessage) -> Answer {
        let account = self.account_mut(terminal);
        if account.settling.is_some() {
            self.find(terminal, format!("reversal {} while the batch is being settled", order.stan));
        }
        let account = self.account_mut(terminal);
        let entry = account.books.iter_mut().find(|e| (e.batch, e.stan) == (order.batch, order.stan));
        let code = match entry {
            None => "25",
            Some(entry) => {
                let amount = entry.amount;
                entry.status = Status::Reversed;
                let original = message.original.as_ref().map(|o| (o.batch, o.stan));
                if message.name == MessageName::Void
                    && let Some(original) = account.books.iter_mut().find(|e| Some((e.batch, e.stan)) == original)
                {
                    original.voided = false;
                }
                if amount != message.amount {
                    self.find(terminal, format!("reversal {} of another amount", order.stan));
                }
                "00"
            }
        };
        self.account_mut(terminal).unanswered = None;
        self.answer(code, order)
    }

    /// What the bank's own books say of a batch, gross.
    pub fn totals(&self, terminal: &TerminalId, batch: BatchNo) -> HostTotals {
        let mut totals = HostTotals::default();
        for entry in self.account(terminal).books.iter().filter(|e| e.batch == batch && e.status == Status::Approved) {
            let half: &mut HostHalf = if entry.foreign { &mut totals.foreign } else { &mut totals.domestic };
            if entry.debit() {
                half.debit.0 += entry.amount.0;
                half.debit_count += 1;
            } else {
                half.credit.0 += entry.amount.0;
                half.credit_count += 1;
            }
        }
        totals
    }

    fn settle(&mut self, terminal: &TerminalId, order: &Order, totals: &HostTotals) -> Answer {
        let ours = self.totals(terminal, order.batch);
        let account = self.account(terminal);
        if order.batch != account.batch {
            self.find(terminal, format!("0500 for batch {}, ours is {}", order.batch, account.batch));
        }
        if let Some((stan, asked, _)) = self.account(terminal).settling
            && (stan, asked) != (order.stan, *totals)
        {
            self.find(terminal, "0500 came again and was not the same message");
        }
        let half = |a: HostHalf, b: HostHalf| if a == b { Verdict::Balanced } else { Verdict::Unbalanced };
        let verdicts =
            Verdicts { domestic: half(ours.domestic, totals.domestic), foreign: half(ours.foreign, totals.foreign) };
        self.account_mut(terminal).settling = Some((order.stan, *totals, verdicts));
        let mut answer = self.answer("00", order);
        answer.code = None;
        answer.verdict = Some(verdicts);
        answer.settle_date = Some("0307".into());
        answer
    }

    fn end(&mut self, terminal: &TerminalId, order: &Order, balanced: bool, records: u16) -> Answer {
        let account = self.account_mut(terminal);
        let Some((_, _, verdicts)) = account.settling else {
            if account.ended.iter().any(|(batch, ..)| *batch == order.batch) {
                // The end was answered, and the answer lost: the same again.
                return self.answer(self.again, order);
            }
            self.find(terminal, "an end without a settlement");
            return self.answer("12", order);
        };
        if balanced != verdicts.balanced() {
            self.find(terminal, "the end says balanced where the verdict does not, or the other way round");
        }
        let account = self.account_mut(terminal);
        account.uploads.clear();
        let uploaded = std::mem::take(&mut account.uploaded).len();
        account.ended.push((order.batch, verdicts, records));
        account.settling = None;
        account.batch = order.batch.next();
        if uploaded != usize::from(records) {
            self.find(terminal, format!("the end names {records} records, {uploaded} came"));
        }
        self.answer("00", order)
    }

    fn answer(&self, code: &str, order: &Order) -> Answer {
        let advice = matches!(&order.message, Outgoing::Payment(m) if m.name == MessageName::OfflineSale);
        let reversal = matches!(&order.message, Outgoing::Reversal(..));
        let class = match code {
            "00" => AnswerClass::Approved,
            "94" if advice => AnswerClass::Approved,
            "12" | "25" if reversal => AnswerClass::Approved,
            "99" | "A0" => AnswerClass::SignOnAgain,
            "12" | "14" | "22" | "25" | "51" | "54" | "94" | "96" => AnswerClass::Declined,
            _ => AnswerClass::Unknown,
        };
        let (time, date) = self.clock.clone().unzip();
        Answer {
            class,
            doubt: (class == AnswerClass::Unknown).then_some(Doubt::UndocumentedCode),
            code: Some(code.into()),
            host_time: time,
            host_date: date,
            settle_date: None,
            rrn: None,
            approval_code: None,
            batch: Some(order.batch),
            organisation: None,
            verdict: None,
            processing_request: 0,
            balance: None,
            masked_frame: String::new(),
        }
    }
}

/// The bank knows its cards: those that begin with 4 are another organisation's.
fn is_foreign(instrument: Option<&Instrument>) -> bool {
    match instrument {
        Some(Instrument::Track2(track)) => track.expose().starts_with('4'),
        Some(Instrument::Card { pan, .. }) => pan.expose().starts_with('4'),
        _ => false,
    }
}

/// What a lane tells the writer of an answer.
pub fn answered(stan: Stan, answer: Answer) -> Report {
    Report::Answered { stan, answer: Box::new(answer) }
}
