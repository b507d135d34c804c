//! A till without lines or printers: the writer over a store, and an acquirer that approves.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tilld::core::acquirer::{Answer, AnswerClass, Instrument, MessageName, Order, Outgoing, Report, Verdict, Verdicts};
use tilld::core::day::{ClockPair, CutSchedule};
use tilld::core::domain::*;
use tilld::core::journal::Original;
use tilld::core::ledger::{ChannelRules, OfflineRules, Rules, TerminalRules, Writer, WriterOptions};
use tilld::core::ports::{Command, Output, Pay, Presented, Reply, Store, Ticket};
use tilld::io::store::{Durability, Reader, SqliteStore, StoreOptions, Verified, VerifyWith, verify, verify_open_day};
use tilld::io::vault::{DataKey, Vault};

/// A directory of its own, gone at the end.
#[derive(Debug)]
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Dir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tilld-store-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    pub fn db(&self) -> PathBuf {
        self.0.join("tilld.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Till {
    pub writer: Writer<SqliteStore, Vault>,
    pub now: i64,
    next: u64,
    /// Answers to batch ends are kept back, in `held`.
    pub hold_ends: bool,
    pub held: Vec<Command>,
}

pub fn store_id() -> StoreId {
    StoreId::new("S001").unwrap()
}

pub fn pos(n: u32) -> TerminalId {
    TerminalId::new(&format!("POS{n}")).unwrap()
}

pub fn cashier(name: &str) -> CashierId {
    CashierId::new(name).unwrap()
}

pub fn first_day() -> BusinessDate {
    BusinessDate::parse("2026-11-20").unwrap()
}

pub fn rules() -> Rules {
    let printer = PrinterId::new("front").unwrap();
    let terminal = TerminalRules { printer: Some(printer.clone()), receipts: true, ..TerminalRules::default() };
    Rules {
        store: store_id(),
        store_name: "望京店".into(),
        zone: "Asia/Shanghai".parse().unwrap(),
        currency: Currency::CNY,
        lang: Lang::Zh,
        cut: CutSchedule::Manual,
        require_shift: false,
        shift_idle_ms: 16 * 3_600_000,
        max_amount: Minor(100_000_000),
        guards: Default::default(),
        offline: Some(OfflineRules {
            max_amount: Minor(50_000),
            max_total: Minor(2_000_000),
            max_count: 500,
            max_age_ms: 72 * 3_600_000,
        }),
        terminals: BTreeMap::from([(pos(1), terminal.clone()), (pos(2), terminal)]),
        endings: tilld::core::suspense::EndingRules { write_off_limit: tilld::core::domain::Minor(10_000) },
        report_printer: Some(printer),
        channel: ChannelRules {
            reversible: vec![MessageName::Sale],
            supported: vec![MessageName::Sale, MessageName::Void, MessageName::Refund, MessageName::OfflineSale],
            reversal_done: vec!["00".into()],
            reversal_tries: 3,
            duplicate: vec!["94".into()],
            advice_tries: 3,
            refund_same_batch: true,
            repeats_recognized: false,
            net_totals: false,
            end_when_balanced: true,
            completion_as_advice: false,
            completion_percent: 115,
            adjust_percent: 120,
            query: Default::default(),
            sign_off: false,
            preauth_days: 30,
            upload: tilld::core::ledger::UploadPlan::default(),
            domestic: vec!["CUP".into()],
            batch_limits: Default::default(),
            outage_ms: 5_000,
            exhausted: tilld::core::acquirer::profile::Exhausted::Exception,
            reversals_of_the_day: false,
            requests: BTreeMap::new(),
            refund_refused: BTreeMap::new(),
            sentences: BTreeMap::new(),
            wait_ms: 60_000,
            settle_wait_ms: 30_000,
            retry_first_ms: 1_000,
            retry_longest_ms: 60_000,
        },
        money: tilld::core::ledger::MoneyRules::default(),
    }
}

/// A test's data key: the same wherever a store is opened again.
pub fn data_key(dir: &Path) -> DataKey {
    let path = dir.join("data.key");
    if !path.exists() {
        DataKey::random().unwrap().write_new(&path).unwrap();
    }
    DataKey::read(&path).unwrap()
}

impl Till {
    /// Opens the store of a directory.
    pub fn open(dir: &Dir) -> Till {
        Till::with(&StoreOptions::at(dir.db()), &data_key(&dir.0))
    }

    pub fn with(options: &StoreOptions, key: &DataKey) -> Till {
        let store = SqliteStore::open(options).unwrap();
        let sealed = store.day_keys().unwrap();
        let vault = Vault::open(key, &store_id(), sealed.as_deref()).unwrap();
        let wall = WallMs(1_795_000_000_000);
        let options =
            WriterOptions { rules: rules(), first_date: first_day(), start: ClockPair { wall, mono: MonoMs(0) } };
        let now = Now { wall, mono: MonoMs(0) };
        Till {
            writer: Writer::open(store, vault, options, now).unwrap(),
            now: 0,
            next: 0,
            hold_ends: false,
            held: Vec::new(),
        }
    }

    fn moment(&mut self) -> Now {
        self.now += 50;
        Now { wall: WallMs(1_795_000_000_000 + self.now), mono: MonoMs(self.now.unsigned_abs()) }
    }

    /// One command, and whatever the acquirer answers to what it sends. The refusal, where it is refused.
    pub fn run(&mut self, command: Command) -> Result<Reply, Reject> {
        self.next += 1;
        let ticket = Ticket(self.next);
        let mut answer = Ok(Reply::Done);
        let mut waiting = vec![(ticket, command)];
        while !waiting.is_empty() {
            let now = self.moment();
            for output in self.writer.step(std::mem::take(&mut waiting), now) {
                match output {
                    Output::Answer(t, result) if t == ticket => answer = result,
                    Output::Send(terminal, order) => {
                        let report = approve(&order, self.now);
                        let command = Command::Lane { terminal, report };
                        if self.hold_ends && matches!(order.message, Outgoing::End { .. }) {
                            self.held.push(command);
                        } else {
                            waiting.push((Ticket(0), command));
                        }
                    }
                    Output::Failed(why) | Output::Refused(why) => panic!("{why}"),
                    _ => {}
                }
            }
        }
        answer
    }

    /// Commands that the writer takes in one step, and so in one commit; nothing may fail.
    pub fn at_once(&mut self, commands: Vec<Command>) {
        let now = self.moment();
        let commands = commands.into_iter().map(|command| (Ticket(0), command)).collect();
        for output in self.writer.step(commands, now) {
            if let Output::Failed(why) = output {
                panic!("{why}");
            }
        }
    }

    pub fn line_up(&mut self, n: u32) {
        self.run(Command::Lane { terminal: pos(n), report: Report::LineUp }).unwrap();
    }

    pub fn pay(&mut self, kind: Kind, method: Method, amount: i64, original: Option<PaymentId>) -> PaymentId {
        self.pay_at(1, kind, method, amount, original)
    }

    pub fn pay_at(
        &mut self,
        n: u32,
        kind: Kind,
        method: Method,
        amount: i64,
        original: Option<PaymentId>,
    ) -> PaymentId {
        match self.asks(n, kind, method, amount, original) {
            Ok(Reply::Payment(payment)) => payment.id,
            other => panic!("{other:?}"),
        }
    }

    /// A payment that may be refused.
    pub fn asks(
        &mut self,
        n: u32,
        kind: Kind,
        method: Method,
        amount: i64,
        original: Option<PaymentId>,
    ) -> Result<Reply, Reject> {
        let request = format!("r{}-{}", self.next, self.writer.ledger().head);
        let presented = (method == Method::Card).then(|| Presented {
            instrument: Instrument::Track2(Track2::new("6222021234567890128=30121010000012300".into())),
            entry: Entry::Magstripe,
            pin_block: None,
        });
        let pay = Pay {
            request: RequestId::new(&request).unwrap(),
            kind,
            method,
            device: pos(n),
            cashier: cashier("1001"),
            amount: Minor(amount),
            currency: Currency::CNY,
            original: original.map(Original::Payment),
            presented,
            approved_by: (kind != Kind::Sale).then(|| cashier("9001")),
            confirm_amount: (kind == Kind::Refund).then_some(Minor(amount)),
            extra: Default::default(),
        };
        self.run(Command::Pay(Box::new(pay)))
    }

    pub fn staff(&mut self) {
        for (id, role) in [("1001", Role::Cashier), ("9001", Role::Manager)] {
            let pin_hash = vec![1; 53];
            self.run(Command::AddCashier {
                cashier: cashier(id),
                name: "王芳".into(),
                role,
                pin_hash,
                lang: None,
                by: None,
            })
            .unwrap();
        }
    }

    /// Closes the open day. A second close of an evening on which nothing happened is refused: then something is sold first.
    pub fn cut(&mut self) -> BusinessDate {
        let close = || Command::CutDay { by: Some(cashier("9001")) };
        let closed = self.run(close()).or_else(|_| {
            self.pay(Kind::Sale, Method::Cash, 100, None);
            self.run(close())
        });
        match closed {
            Ok(Reply::Cut { date, .. }) => date,
            other => panic!("{other:?}"),
        }
    }

    /// Two days: cash, cards, a void, a refund, a stored sale, a cut, a settlement, and a second day that is open.
    pub fn two_days(&mut self) {
        self.staff();
        self.run(Command::Lane { terminal: pos(2), report: Report::LineDown { why: "no route".into() } }).unwrap();
        let stored = self.pay_at(2, Kind::Sale, Method::Card, 4_200, None);
        self.line_up(1);
        let sale = self.pay(Kind::Sale, Method::Card, 12_345, None);
        let cash = self.pay(Kind::Sale, Method::Cash, 1_000, None);
        self.pay(Kind::Refund, Method::Cash, 400, Some(cash));
        self.pay(Kind::Void, Method::Card, 12_345, Some(sale));
        self.pay(Kind::Sale, Method::Card, 999, None);
        self.pay(Kind::Sale, Method::Voucher, 500, None);
        self.cut();
        self.line_up(2);
        self.pay(Kind::Sale, Method::Cash, 77, None);
        self.pay(Kind::Sale, Method::Card, 3_000, None);
        assert_eq!(self.writer.store().reader().unwrap().payment_state(stored), "forwarded");
    }

    pub fn reader(&self) -> Reader {
        self.writer.store().reader().unwrap()
    }
}

/// A word for a payment's state, for tests.
pub trait StateOf {
    fn payment_state(&self, id: PaymentId) -> String;
}

impl StateOf for Reader {
    fn payment_state(&self, id: PaymentId) -> String {
        use tilld::core::ports::Archive;
        self.payment(id).unwrap().unwrap().state.to_string()
    }
}

fn approve(order: &Order, now: i64) -> Report {
    let settle = matches!(order.message, Outgoing::Settle(_));
    let answer = Answer {
        class: AnswerClass::Approved,
        doubt: None,
        code: (!settle).then(|| "00".into()),
        host_time: Some("120000".into()),
        host_date: Some("1120".into()),
        settle_date: Some("1120".into()),
        rrn: Some(format!("{:012}", now)),
        approval_code: Some("A1B2C3".into()),
        batch: Some(order.batch),
        organisation: Some("CUP".into()),
        verdict: settle.then_some(Verdicts { domestic: Verdict::Balanced, foreign: Verdict::Balanced }),
        processing_request: 0,
        balance: None,
        masked_frame: "60****".into(),
    };
    Report::Answered { stan: order.stan, answer: Box::new(answer) }
}

/// Checks a store that nobody has open, with its own keys.
pub fn check(dir: &Dir) -> Verified {
    // Nothing of it must survive a power cut: many of these are opened.
    let options = StoreOptions { durability: Durability::Off, ..StoreOptions::at(dir.db()) };
    let store = SqliteStore::open(&options).unwrap();
    let mut vault = Vault::open(&data_key(&dir.0), &store_id(), store.day_keys().unwrap().as_deref()).unwrap();
    let reader = store.reader().unwrap();
    let mut whole = verify(&reader, VerifyWith { sealer: Some(&mut vault), thorough: true, ..VerifyWith::default() });
    // What the check at a start finds, the whole finds too.
    let first = verify_open_day(&reader, VerifyWith { sealer: Some(&mut vault), ..VerifyWith::default() });
    if whole.clean() {
        whole.findings.extend(first.findings);
    }
    whole
}
