//! Every message that the shipped profile composes is served by the host without a finding, and its answer is accepted.

use tilld::core::acquirer::iso8583::Deframer;
use tilld::core::acquirer::iso8583::bcd::unhex;
use tilld::core::acquirer::*;
use tilld::core::domain::*;
use tilld::core::ports::TerminalKeys;
use tilld::io::vault::SoftKeys;
use tilld::sim::acquirer::keys::{Key, MakForm};
use tilld::sim::acquirer::{Action, Fault, Host, HostConfig, LAYOUT, Scenario, Session};

const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";
const NOON: WallMs = WallMs(1_795_147_200_000);

struct Pair {
    profile: Profile,
    identity: LaneIdentity,
    keys: SoftKeys,
    host: Host,
    session: Session,
    batch: u32,
    stan: u32,
}

impl Pair {
    fn new(scenario: &str) -> Pair {
        let scenario = Scenario::parse(scenario).unwrap();
        let any_terminal = Some(Key::from_hex(MASTER).unwrap());
        let config = HostConfig { any_terminal, utc_offset_s: 28_800, scenario, ..HostConfig::default() };
        let master: [u8; 16] = Key::from_hex(MASTER).unwrap().bytes().try_into().unwrap();
        let mut pair = Pair {
            profile: Profile::builtin("unionpay-pos").unwrap(),
            identity: LaneIdentity {
                tid: Tid::new("12345678").unwrap(),
                mid: Mid::new("123456789012345").unwrap(),
                tpdu: unhex("6000030000").unwrap(),
                header: unhex("602200000000").unwrap(),
                serial_number: "00003202".into(),
                operator: "01 ".into(),
                currency: Currency::CNY,
            },
            keys: SoftKeys::new(master),
            host: Host::new(config, &[], NOON),
            session: Session::default(),
            batch: 1,
            stan: 0,
        };
        let answer = pair.ask(Outgoing::SignOn);
        assert!(pair.keys.ready());
        assert_eq!(answer.batch, Some(BatchNo(1)));
        pair
    }

    fn send(&mut self, stan: u32, message: Outgoing) -> (Composed, Vec<Action>) {
        let order = Order { stan: Stan(stan), batch: BatchNo(self.batch), message };
        let composed = compose(&self.profile, &self.identity, &order, &mut self.keys).unwrap();
        let actions = self.session.bytes(&mut self.host, NOON, &composed.wire);
        (composed, actions)
    }

    fn read(&mut self, composed: &Composed, actions: &[Action]) -> Answer {
        let bytes = actions.iter().find_map(|action| match action {
            Action::Reply { bytes, .. } => Some(bytes),
            _ => None,
        });
        let mut deframer = Deframer::new(LAYOUT);
        deframer.push(bytes.expect("an answer"));
        let frame = deframer.next_frame().unwrap().unwrap();
        let accepted = accept(&self.profile, &composed.pending, &frame, &mut self.keys, true).unwrap();
        assert_eq!(accepted.keys, None);
        accepted.answer
    }

    fn ask(&mut self, message: Outgoing) -> Answer {
        self.stan += 1;
        let (composed, actions) = self.send(self.stan, message);
        let answer = self.read(&composed, &actions);
        assert_eq!(answer.class, AnswerClass::Approved, "{answer:?} {:#?}", self.host.books().findings);
        answer
    }

    fn pay(&mut self, payment: &PaymentMessage) -> (OriginalRef, Answer) {
        let answer = self.ask(Outgoing::Payment(Box::new(payment.clone())));
        let original = OriginalRef {
            batch: BatchNo(self.batch),
            stan: Stan(self.stan),
            date: answer.host_date.clone(),
            rrn: answer.rrn.clone(),
            approval_code: answer.approval_code.clone(),
            organisation: answer.organisation.clone(),
        };
        (original, answer)
    }

    /// The answer is lost, then the reversal is sent and answered.
    fn lose_and_reverse(&mut self, payment: &PaymentMessage) {
        self.host.next_answer(Fault::DropAnswer);
        self.stan += 1;
        let (_, actions) = self.send(self.stan, Outgoing::Payment(Box::new(payment.clone())));
        assert!(!actions.iter().any(|action| matches!(action, Action::Reply { .. })));
        let reversal = Outgoing::Reversal(Box::new(payment.clone()), ReversalReason::NoAnswer);
        let (composed, actions) = self.send(self.stan, reversal);
        assert_eq!(self.read(&composed, &actions).code.as_deref(), Some("00"));
    }

    fn clean(&self) {
        assert!(self.host.books().findings.is_empty(), "{:#?}", self.host.books().findings);
    }
}

fn payment(name: MessageName, amount: i64, entry: Entry, instrument: Instrument) -> PaymentMessage {
    PaymentMessage {
        name,
        amount: Minor(amount),
        currency: Currency::CNY,
        entry,
        instrument: Some(instrument),
        pin_block: None,
        with_pin: false,
        original: None,
        approval_code: None,
    }
}

fn stripe() -> Instrument {
    Instrument::Track2(Track2::new("6222021234567890128=30121010000012300".into()))
}

fn sealed() -> Instrument {
    Instrument::Card { pan: Pan::new("6222021234567890128".into()), expiry: Some("3012".into()) }
}

fn refers(name: MessageName, amount: i64, original: OriginalRef) -> PaymentMessage {
    PaymentMessage { original: Some(original), ..payment(name, amount, Entry::Magstripe, sealed()) }
}

fn totals(debit: &[i64], credit: &[i64]) -> HostTotals {
    let domestic = HostHalf {
        debit: Minor(debit.iter().sum()),
        debit_count: debit.len() as u32,
        credit: Minor(credit.iter().sum()),
        credit_count: credit.len() as u32,
    };
    HostTotals { domestic, foreign: HostHalf::default() }
}

#[test]
fn every_message_of_the_profile_is_served_and_accepted() {
    use MessageName::*;
    for mak in [MakForm::Eight, MakForm::Sixteen] {
        let form = if mak == MakForm::Eight { "eight" } else { "sixteen" };
        let mut pair = Pair::new(&format!("mak = \"{form}\""));
        let sale = payment(Sale, 10_000, Entry::Magstripe, stripe());
        let (sold, answer) = pair.pay(&sale);
        assert_eq!((answer.organisation.as_deref(), answer.settle_date.as_deref()), (Some("CUP"), Some("1120")));
        pair.lose_and_reverse(&sale);
        pair.lose_and_reverse(&payment(Sale, 7, Entry::Manual, sealed()));
        let code = || Instrument::Code(PaymentCode::new("134567890123456789".into()));
        pair.lose_and_reverse(&payment(ScanSale, 200, Entry::Scan, code()));
        pair.pay(&payment(ScanSale, 200, Entry::Scan, code()));
        let mut with_pin = payment(Sale, 11, Entry::Magstripe, stripe());
        let block = pair.keys.pin_block("123456", "6222021234567890128").unwrap();
        let hex: String = block.iter().map(|byte| format!("{byte:02X}")).collect();
        (with_pin.pin_block, with_pin.with_pin) = (Some(PinBlock::new(hex)), true);
        let (pinned, _) = pair.pay(&with_pin);
        pair.lose_and_reverse(&refers(Void, 10_000, sold.clone()));
        pair.pay(&refers(Void, 10_000, sold));
        pair.pay(&refers(Refund, 5, pinned));
        pair.pay(&payment(OfflineSale, 33, Entry::Magstripe, sealed()));
        pair.pay(&payment(Balance, 0, Entry::Magstripe, stripe()));
        let preauth = payment(Preauth, 500, Entry::Magstripe, stripe());
        pair.lose_and_reverse(&preauth);
        let (held, _) = pair.pay(&preauth);
        pair.lose_and_reverse(&refers(PreauthVoid, 500, held.clone()));
        pair.pay(&refers(PreauthVoid, 500, held));
        let (held, _) = pair.pay(&preauth);
        pair.lose_and_reverse(&refers(Completion, 450, held.clone()));
        let (completed, _) = pair.pay(&refers(Completion, 450, held));
        pair.lose_and_reverse(&refers(CompletionVoid, 450, completed.clone()));
        pair.pay(&refers(CompletionVoid, 450, completed));
        let (held, _) = pair.pay(&preauth);
        pair.pay(&refers(CompletionAdvice, 400, held));
        pair.ask(Outgoing::SignOn);
        let all = totals(&[10_000, 200, 11, 33, 450, 400], &[10_000, 5, 450]);
        pair.stan += 1;
        let (composed, actions) = pair.send(pair.stan, Outgoing::Settle(all));
        assert!(pair.read(&composed, &actions).verdict.unwrap().balanced());
        pair.ask(Outgoing::End { balanced: true, records: 0, totals: HostTotals::default() });
        pair.batch = 2;
        pair.pay(&sale);
        pair.ask(Outgoing::SignOff);
        pair.clean();
        assert_eq!(pair.host.judgement().duplicates, 0);
    }
}

#[test]
fn an_unbalanced_batch_is_uploaded() {
    let mut pair = Pair::new("[[verdict]]\ndomestic = 2");
    let mut rows = Vec::new();
    for amount in 1..=9 {
        pair.pay(&payment(MessageName::Sale, amount, Entry::Magstripe, stripe()));
        let pan = Some(Pan::new("6222021234567890128".into()));
        rows.push(UploadRow { foreign: false, stan: Stan(pair.stan), pan, amount: Minor(amount) });
    }
    let code = Instrument::Code(PaymentCode::new("134567890123456789".into()));
    pair.pay(&payment(MessageName::ScanSale, 10, Entry::Scan, code));
    rows.push(UploadRow { foreign: false, stan: Stan(pair.stan), pan: None, amount: Minor(10) });
    let stored = payment(MessageName::OfflineSale, 33, Entry::Magstripe, sealed());
    pair.pay(&stored);
    pair.stan += 1;
    let (composed, actions) = pair.send(pair.stan, Outgoing::Settle(totals(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 33], &[])));
    let verdict = pair.read(&composed, &actions).verdict.unwrap();
    assert_eq!((verdict.domestic, verdict.foreign), (Verdict::Unbalanced, Verdict::Balanced));
    pair.ask(Outgoing::UploadOne(Box::new(stored)));
    for eight in rows.chunks(8) {
        pair.ask(Outgoing::Upload(eight.to_vec()));
    }
    pair.ask(Outgoing::End { balanced: false, records: 11, totals: HostTotals::default() });
    pair.clean();
}

#[test]
fn an_echo_is_answered() {
    let mut pair = Pair::new("");
    let composed = compose_echo(&pair.profile, &pair.identity, BatchNo(1), &mut pair.keys).unwrap();
    let actions = pair.session.bytes(&mut pair.host, NOON, &composed.wire);
    assert_eq!(pair.read(&composed, &actions).class, AnswerClass::Approved);
    pair.clean();
}
