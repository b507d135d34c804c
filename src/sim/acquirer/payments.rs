//! Payments: what the host decides, once, and what a repeat is told.
//!
//! Everything that refers to an earlier payment is checked against the books, never against what the message claims of it.

use super::books::{Entry, Key, Payment, Status};
use super::checks::scanned_code;
use super::config::{Decline, Repeat};
use super::dialect::{Field61, Kind, Side, organisation};
use super::faults::Fault;
use super::host::{Host, Request};
use super::judge::Rule;
use super::keys::{hex_upper, token};
use super::original::{pin_of, refers_wrongly};
use crate::core::acquirer::iso8583::tlv;
use crate::core::domain::{mask_code, mask_pan};

/// Codes that approve and may be configured.
const APPROVING: &[&str] = &["00", "11", "A2", "A4", "A5", "A6"];

/// Who pays, as the message says.
pub(super) struct Payer {
    /// Card number or scanned code.
    pub number: String,
    masked: String,
    pub token: String,
    organisation: String,
}

/// What was decided, before it is booked.
struct Decision {
    code: String,
    original: Option<Key>,
}

impl Decision {
    fn refuse(code: &str) -> Decision {
        Decision { code: code.to_owned(), original: None }
    }
}

impl Host {
    pub(super) fn payment(&mut self, request: &Request, fault: Option<Fault>) {
        let fingerprint = self.fingerprint(request);
        if let Some(known) = self.books.payment(&request.key).cloned() {
            self.repeated(request, &known, &fingerprint, fault);
            return;
        }
        self.check_stan(request);
        self.check_reversal_owed(request, Rule::PaymentBeforeReversal);
        let payer = self.payer(request);
        let decision = self.decide(request, payer.as_ref(), fault.as_ref());
        let approved = APPROVING.contains(&decision.code.as_str());
        let payment = self.record(request, payer, decision, approved, fingerprint);
        let mut code = payment.code.clone();
        self.book(Entry::Decided(Box::new(payment.clone())));
        if let (Some(Fault::OddCode(odd)), true) = (&fault, approved) {
            code.clone_from(odd);
        }
        let undocumented = (!Host::is_documented(&code)).then_some("the answer's code is documented nowhere");
        if let Some(why) = self.is_lost(fault.as_ref(), approved).or(undocumented) {
            self.book(Entry::Owed { key: payment.key.clone(), kind: payment.kind, why: why.to_owned() });
        }
        self.answer_payment(request, &payment, &code, fault);
    }

    /// The same name again. Unchanged: the recorded answer and no second effect. Changed: a finding.
    fn repeated(&mut self, request: &Request, known: &Payment, fingerprint: &str, fault: Option<Fault>) {
        if known.fingerprint != fingerprint {
            let what = format!("STAN {:06} is a {:?} of {}", known.key.stan, known.kind, known.amount);
            self.find(&request.key, Rule::StanReused, what);
            self.reply_code(request, "94", fault);
            return;
        }
        let answered = self.is_lost(fault.as_ref(), known.in_force()).is_none();
        self.book(Entry::Repeated { key: known.key.clone(), answered });
        let code = match (known.status, self.config.scenario.repeat) {
            (Status::Reversed, _) => "12",
            (Status::Approved, Repeat::Duplicate) => "94",
            _ => known.code.as_str(),
        };
        self.answer_payment(request, known, code, fault);
    }

    /// A STAN that this batch has used for a settlement or an upload.
    fn check_stan(&mut self, request: &Request) {
        let Key { tid, batch, stan } = &request.key;
        let settlement = self.books.settlements.get(&(tid.clone(), *batch));
        let taken = settlement.is_some_and(|s| s.key.stan == *stan || s.end == Some(*stan))
            || self.books.uploads.contains(&request.key);
        if taken {
            self.find(&request.key, Rule::StanReused, "this STAN was a settlement or an upload");
        }
    }

    /// A reversal comes before the next online payment, unless it has been tried as often as terminals try.
    pub(super) fn check_reversal_owed(&mut self, request: &Request, rule: Rule) {
        if request.kind.is_advice() {
            return;
        }
        let tries = self.config.scenario.reversal_tries;
        let Some(terminal) = self.books.terminal(&request.key.tid) else { return };
        let name = (request.key.batch, request.key.stan);
        let owed = terminal.owed.iter().find(|(owed, tried)| **owed != name && **tried < tries);
        if let Some((&(batch, stan), tried)) = owed {
            let what = format!("the reversal of batch {batch:06} STAN {stan:06} is owed ({tried} tries)");
            self.find(&request.key, rule, what);
        }
    }

    /// What must hold of any financial message: a batch that is open, and the right one. Else the code to answer.
    fn check_batch(&mut self, request: &Request) -> Option<String> {
        let settling = self.books.terminal(&request.key.tid).and_then(|terminal| terminal.settling);
        if let Some(batch) = settling {
            let what = format!("batch {batch:06} was asked about and has not ended");
            self.find(&request.key, Rule::FinancialInSettlement, what);
            return Some("90".to_owned());
        }
        let current = self.batch_of(&request.key.tid);
        if request.key.batch != current {
            let what = format!("60.2 is {:06}, the terminal's batch is {current:06}", request.key.batch);
            self.find(&request.key, Rule::WrongBatch, what);
            return Some(self.config.scenario.wrong_batch_code.clone());
        }
        None
    }

    fn decide(&mut self, request: &Request, payer: Option<&Payer>, fault: Option<&Fault>) -> Decision {
        if let Some(code) = self.check_batch(request) {
            return Decision { code, original: None };
        }
        if self.books.reversed_unseen.contains(&request.key) {
            return Decision::refuse("12");
        }
        if let Some(Fault::Refuse(code)) = fault {
            return Decision::refuse(code);
        }
        if let Some(rule) = self.config.scenario.decline.iter().find(|rule| declines(rule, request, payer)) {
            return match APPROVING.contains(&rule.code.as_str()) {
                true => self.decide_original(request, payer, &rule.code.clone()),
                false => Decision::refuse(&rule.code),
            };
        }
        if let Some(code) = payer.and_then(|payer| self.check_pin(request, payer)) {
            return Decision::refuse(code);
        }
        self.decide_original(request, payer, "00")
    }

    /// The PIN block under the terminal's PIN key: ISO format 0 (F53 begins with 2) or without the card (1).
    fn check_pin(&mut self, request: &Request, payer: &Payer) -> Option<&'static str> {
        let block: [u8; 8] = request.message.bytes(52)?.try_into().ok()?;
        let master = self.config.terminals.get(&request.key.tid).map(|t| t.master_key.clone());
        let master = master.or_else(|| self.config.any_terminal.clone())?;
        let keys = self.work_keys(&request.key.tid, &master).0?;
        let clear = hex_upper(&keys.pik.decrypt(block));
        let with_card = request.text(53).starts_with('2');
        let pin = pin_of(&clear, if with_card { &payer.number } else { "" });
        if pin.is_none() {
            self.find(&request.key, Rule::BadValue, "F52 is no PIN block under the issued key");
            return Some("55");
        }
        let card = self.config.scenario.card.iter().find(|card| payer.number.starts_with(&card.pan));
        let wanted = card.and_then(|card| card.pin.clone());
        (wanted.is_some() && wanted != pin).then_some("55")
    }

    /// Checks the payment that this one refers to, where it does.
    fn decide_original(&self, request: &Request, payer: Option<&Payer>, approving: &str) -> Decision {
        let reference = Field61::of(&request.message).unwrap_or_default();
        let named = Key { tid: request.key.tid.clone(), batch: reference.batch, stan: reference.stan };
        let amount = request.amount().unwrap_or(0);
        let original = match request.kind {
            Kind::Refund => self.books.by_rrn(request.text(37)),
            Kind::Void | Kind::PreauthVoid | Kind::CompletionVoid | Kind::Adjust | Kind::Tip => {
                self.books.payment(&named)
            }
            Kind::Completion | Kind::CompletionAdvice => self.books.payment(&named),
            _ => return Decision { code: approving.to_owned(), original: None },
        };
        let Some(original) = original else {
            let accept = request.kind == Kind::Refund && self.config.scenario.refund_unknown_original;
            return Decision::refuse(if accept { approving } else { "25" });
        };
        let refusal = refers_wrongly(request, original, amount, payer, self.batch_of(&request.key.tid));
        match refusal {
            Some(code) => Decision::refuse(code),
            None => Decision { code: approving.to_owned(), original: Some(original.key.clone()) },
        }
    }

    fn payer(&self, request: &Request) -> Option<Payer> {
        let scanned = scanned_code(&request.message);
        let card = request.message.text(2).or_else(|| request.text(35).split(['=', 'D']).next());
        let number = card.filter(|n| !n.is_empty()).or(scanned)?.to_owned();
        let known = self.config.scenario.card.iter().find(|card| number.starts_with(&card.pan));
        let organisation = match known.and_then(|card| card.organisation.clone()) {
            Some(own) => own,
            None if request.kind == Kind::ScanSale => "CUP".to_owned(),
            None => organisation(&number).to_owned(),
        };
        let masked = if card.is_some_and(|c| !c.is_empty()) { mask_pan(&number) } else { mask_code(&number) };
        Some(Payer { token: token(self.config.seed, &number), masked, number, organisation })
    }

    /// The token of a card or code as the books hold it.
    pub(super) fn token_of(&self, number: &str) -> String {
        token(self.config.seed, number)
    }

    fn record(
        &self,
        request: &Request,
        payer: Option<Payer>,
        decision: Decision,
        approved: bool,
        fingerprint: String,
    ) -> Payment {
        let time = self.host_time();
        // Without a card of its own (the void of a scanned code) it is the original's.
        let original = decision.original.as_ref().and_then(|key| self.books.payment(key));
        let (masked, token, organisation) = match (payer, original) {
            (Some(payer), _) => (payer.masked, payer.token, payer.organisation),
            (None, Some(original)) => (original.payer.clone(), original.token.clone(), original.organisation.clone()),
            (None, None) => (String::new(), String::new(), "CUP".to_owned()),
        };
        Payment {
            key: request.key.clone(),
            mid: request.mid.clone(),
            kind: request.kind,
            amount: request.amount().unwrap_or(0),
            payer: masked,
            token,
            foreign: organisation != "CUP" && organisation != "000",
            organisation,
            status: if approved { Status::Approved } else { Status::Declined },
            rrn: self.next_rrn(request.kind),
            approval: approved.then(|| format!("{:06}", self.books.entries % 1_000_000)),
            at: self.now,
            host_time: time.format("%H%M%S").to_string(),
            host_date: time.format("%Y-%m-%d").to_string(),
            settle_date: self.settle_date(),
            code: decision.code,
            original: decision.original,
            fingerprint,
            undelivered: false,
            taken_by: None,
            refunded: 0,
            adjusted: None,
        }
    }

    fn answer_payment(&mut self, request: &Request, payment: &Payment, code: &str, fault: Option<Fault>) {
        let mut answer = self.answer(request, code);
        answer.set_text(12, &payment.host_time).set_text(15, &payment.settle_date).set_text(37, &payment.rrn);
        if let [_, _, _, _, _, m1, m2, _, d1, d2] = payment.host_date.as_bytes() {
            answer.set_bytes(13, &[*m1, *m2, *d1, *d2]);
        }
        if let Some(approval) = &payment.approval {
            answer.set_text(38, approval);
        }
        let card =
            request.message.text(2).or_else(|| request.text(35).split(['=', 'D']).next()).filter(|n| !n.is_empty());
        if let Some(card) = card.map(str::to_owned) {
            answer.set_text(2, &card);
            if payment.kind == Kind::Balance && payment.status == Status::Approved {
                let known = self.config.scenario.card.iter().find(|c| card.starts_with(&c.pan));
                let balance = known.and_then(|c| c.balance).unwrap_or(0).clamp(0, 999_999_999_999);
                answer.set_text(54, &format!("1002156C{balance:012}"));
            }
        }
        if request.message.has(55) && !payment.offline() {
            // Issuer authentication data: eight bytes of cryptogram, and the code.
            let mut data = Vec::with_capacity(12);
            let cryptogram = digest_8(&payment.rrn);
            if tlv::write(&mut data, 0x91, &[&cryptogram[..], code.as_bytes()].concat()).is_some() {
                answer.set_bytes(55, &data);
            }
        }
        let domestic_refund = payment.kind == Kind::Refund && !payment.foreign;
        let organisation = if domestic_refund { "000" } else { payment.organisation.as_str() };
        answer.set_text(63, &format!("{organisation:<3}{:60}", ""));
        self.send(request, answer, fault);
    }

    /// What became of a payment that field 61 names: its own code, 25 where the books have none, 12 where it was undone.
    pub(super) fn query(&mut self, request: &Request, fault: Option<Fault>) {
        let reference = Field61::of(&request.message).unwrap_or_default();
        let named = Key { tid: request.key.tid.clone(), batch: reference.batch, stan: reference.stan };
        let Some(known) = self.books.payment(&named).cloned() else {
            return self.reply_code(request, "25", fault);
        };
        let code = if known.status == Status::Reversed { "12" } else { known.code.as_str() };
        if self.is_lost(fault.as_ref(), known.in_force()).is_none() {
            self.book(Entry::Repeated { key: named, answered: true });
        }
        let mut answer = self.answer(request, code);
        answer.set_text(12, &known.host_time).set_text(15, &known.settle_date).set_text(37, &known.rrn);
        if let [_, _, _, _, _, m1, m2, _, d1, d2] = known.host_date.as_bytes() {
            answer.set_bytes(13, &[*m1, *m2, *d1, *d2]);
        }
        if let Some(approval) = &known.approval {
            answer.set_text(38, approval);
        }
        answer.set_text(63, &format!("{:<3}{:60}", known.organisation, ""));
        self.send(request, answer, fault);
    }

    /// Equal for repeats: everything but the MAC and the PIN block, which follow the work keys.
    pub(super) fn fingerprint(&self, request: &Request) -> String {
        let mut text = format!("{}", request.message.mti());
        for (field, bytes) in request.message.iter().filter(|(field, _)| ![52, 53, 64].contains(field)) {
            text.push_str(&format!("|{field}={}", hex_upper(bytes)));
        }
        token(self.config.seed, &text)
    }
}

fn declines(rule: &Decline, request: &Request, payer: Option<&Payer>) -> bool {
    let amount = request.amount().unwrap_or(0);
    let by_card = rule.pan.as_ref().is_none_or(|pan| payer.is_some_and(|p| p.number.starts_with(pan)));
    by_card
        && rule.amount.is_none_or(|exact| exact == amount)
        && rule.ending.is_none_or(|ending| ending == amount % 100)
        && rule.advice.is_none_or(|advice| advice == request.kind.is_advice())
        // Without a word on advices a rule is for first payments: a void of what was approved is not declined by its amount.
        && (rule.advice.is_some() || request.kind.side() != Side::Credit)
}

/// Stands for the issuer's cryptogram: nobody here can check it.
fn digest_8(text: &str) -> [u8; 8] {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    std::array::from_fn(|i| hash.as_ref().get(i).copied().unwrap_or(0))
}
