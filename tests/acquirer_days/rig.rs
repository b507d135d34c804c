//! A store whose acquirer is the simulated host, one round trip away. Nothing sleeps: time is moved to the next thing that is due.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use tilld::core::acquirer::iso8583::bcd::unhex;
use tilld::core::acquirer::{Instrument, Lane, LaneIdentity, LaneInput, LaneOutput, LaneTimes, Profile};
use tilld::core::day::ClockPair;
use tilld::core::domain::{
    BusinessDate, CashierId, Currency, Entry, Kind, Method, Mid, Minor, MonoMs, Now, Pan, PaymentCode, PaymentId,
    PinBlock, Reject, RequestId, Role, State, TerminalId, Tid, Track2, WallMs,
};
use tilld::core::journal::Original;
use tilld::core::ledger::{Ledger, LineState, Rules, Writer, WriterOptions, replay};
use tilld::core::payment::Payment;
use tilld::core::ports::{Archive, Command, Output, Pay, Presented, Reply, Store, TerminalKeys, Ticket};
use tilld::daemon::config::Config;
use tilld::io::store::{Reader, SqliteStore, StoreOptions};
use tilld::io::vault::{DataKey, SoftKeys, Vault};

/// 2026-03-07 09:00:00 in Shanghai.
pub const MORNING: i64 = 1_772_845_200_000;
pub const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";
pub const MID: &str = "123456789012345";
pub const HOME: &str = "6222021234567890128=30121010000012300";
pub const ABROAD: &str = "4111111111111111=30121010000012300";
const HEADER: &str = "602200000000";
const ANSWER_MS: u64 = 5_000;

/// The other side: bytes in, bytes out after so many milliseconds, or `None` where the connection goes.
pub trait Bank {
    fn bytes(&mut self, now: WallMs, connection: (&str, u64), bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)>;
    /// What no terminal should have done.
    fn findings(&self) -> Vec<String>;
}

/// The host of the `unionpay-pos` kind.
pub struct UnionPay {
    pub host: tilld::sim::acquirer::Host,
    sessions: BTreeMap<(String, u64), tilld::sim::acquirer::Session>,
}

impl UnionPay {
    pub fn new(scenario: &str) -> UnionPay {
        use tilld::sim::acquirer::{Host, HostConfig, Scenario, keys::Key};
        let config = HostConfig {
            any_terminal: Some(Key::from_hex(MASTER).unwrap()),
            seed: 1,
            utc_offset_s: 28_800,
            scenario: Scenario::parse(&format!("terminal_timeout_ms = {ANSWER_MS}\n{scenario}")).unwrap(),
            ..HostConfig::default()
        };
        UnionPay { host: Host::new(config, &[], WallMs(MORNING)), sessions: BTreeMap::new() }
    }
}

impl Bank for UnionPay {
    fn bytes(&mut self, now: WallMs, connection: (&str, u64), bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        use tilld::sim::acquirer::Action;
        let session = self.sessions.entry((connection.0.to_owned(), connection.1)).or_default();
        let mut out = Vec::new();
        for action in session.bytes(&mut self.host, now, bytes) {
            match action {
                Action::Book(_) => {}
                Action::Reply { after_ms, bytes, .. } => out.push((after_ms, Some(bytes))),
                Action::Disconnect { after_ms } => out.push((after_ms, None)),
            }
        }
        out
    }

    fn findings(&self) -> Vec<String> {
        let judgement = self.host.judgement();
        let duplicates = judgement.duplicate_list.iter().map(|d| format!("{d:?}"));
        judgement.findings.iter().map(|f| format!("{f:?}")).chain(duplicates).collect()
    }
}

enum Due {
    Connected(TerminalId, u64),
    AtBank(TerminalId, u64, Vec<u8>),
    AtTill(TerminalId, u64, Option<Vec<u8>>),
    Wake(TerminalId),
}

struct Till {
    tid: String,
    lane: Lane,
    keys: SoftKeys,
    /// The number of its connection: what belongs to an older one is lost.
    connection: u64,
    up: bool,
    wake: u64,
}

pub struct Shop<B> {
    pub bank: B,
    pub round_trip_ms: u64,
    pub mono: u64,
    profile: Arc<Profile>,
    config: Config,
    rules: Rules,
    options: StoreOptions,
    /// Keeps the store in memory alive while no writer has it.
    _reader: Reader,
    data_key: DataKey,
    writer: Option<Writer<SqliteStore, Vault>>,
    tills: BTreeMap<TerminalId, Till>,
    due: BTreeMap<(u64, u64), Due>,
    posted: u64,
    last_tick: u64,
    tickets: u64,
    answers: BTreeMap<u64, Result<Reply, Reject>>,
    pub notes: Vec<String>,
    /// Whether terminals can reach the bank.
    line: bool,
}

fn config(profile: &str, header: &str, tills: usize) -> Config {
    let mut text = format!(
        r#"
[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "/nowhere/data"
[api]
socket = "/nowhere/tilld.sock"
[acquirer]
profile = "{profile}"
endpoint = "tcp://127.0.0.1:9583"
tpdu = "6000030000"
header = "{header}"
timeout_ms = {ANSWER_MS}
[offline]
max_amount = 50000
max_total = 200000000
max_count = 5000
max_age_hours = 72
"#
    );
    for n in 1..=tills {
        text += &format!(
            "[[terminal]]\nid = \"POS{n}\"\ntid = \"1000000{n}\"\nmid = \"{MID}\"\nmaster_key_file = \"POS{n}.tmk\"\nserial_number = \"0000320{n}\"\n"
        );
    }
    Config::parse(&text, Path::new("/nowhere/tilld.toml")).unwrap().0
}

pub fn pos(n: usize) -> TerminalId {
    TerminalId::new(&format!("POS{n}")).unwrap()
}

pub fn stripe(track: &str) -> Presented {
    Presented { instrument: Instrument::Track2(Track2::new(track.into())), entry: Entry::Magstripe, pin_block: None }
}

pub fn keyed(pan: &str) -> Presented {
    let instrument = Instrument::Card { pan: Pan::new(pan.into()), expiry: Some("3012".into()) };
    Presented { instrument, entry: Entry::Manual, pin_block: None }
}

pub fn code(digits: &str) -> Presented {
    Presented { instrument: Instrument::Code(PaymentCode::new(digits.into())), entry: Entry::Scan, pin_block: None }
}

impl<B: Bank> Shop<B> {
    pub fn open(profile: &str, bank: B, tills: usize) -> Shop<B> {
        Shop::with(Profile::builtin(profile).unwrap(), bank, tills)
    }

    pub fn with(profile: Profile, bank: B, tills: usize) -> Shop<B> {
        let header = &HEADER[..2 * profile.frame.header];
        let config = config(&profile.name, if header.is_empty() { HEADER } else { header }, tills);
        let rules = tilld::daemon::rules::rules(&config, &profile);
        let options = StoreOptions::in_memory();
        let store = SqliteStore::open(&options).unwrap();
        let reader = store.reader().unwrap();
        let mut shop = Shop {
            bank,
            round_trip_ms: 100,
            mono: 0,
            profile: Arc::new(profile),
            config,
            rules,
            options,
            _reader: reader,
            data_key: DataKey::random().unwrap(),
            writer: None,
            tills: BTreeMap::new(),
            due: BTreeMap::new(),
            posted: 0,
            last_tick: 0,
            tickets: 0,
            answers: BTreeMap::new(),
            notes: Vec::new(),
            line: true,
        };
        shop.start(store);
        for (id, role) in [("1001", Role::Cashier), ("M1", Role::Manager), ("T1", Role::Technician)] {
            let cashier = CashierId::new(id).unwrap();
            let command = Command::AddCashier {
                cashier,
                name: id.into(),
                role,
                pin_hash: b"hash".to_vec(),
                lang: None,
                by: None,
            };
            shop.ask(command).unwrap();
        }
        shop.pass(2_000);
        shop
    }

    fn now(&self) -> Now {
        Now { wall: WallMs(MORNING + i64::try_from(self.mono).unwrap()), mono: MonoMs(self.mono) }
    }

    fn start(&mut self, store: SqliteStore) {
        let vault = Vault::open(&self.data_key, &self.rules.store, store.day_keys().unwrap().as_deref()).unwrap();
        let now = self.now();
        let first_date = BusinessDate::parse("2026-03-07").unwrap();
        let start = ClockPair { wall: now.wall, mono: now.mono };
        let options = WriterOptions { rules: self.rules.clone(), first_date, start };
        self.writer = Some(Writer::open(store, vault, options, now).unwrap());
        for (n, terminal) in self.config.terminals.iter().enumerate() {
            let identity = LaneIdentity {
                tid: Tid::new(terminal.tid.as_str()).unwrap(),
                mid: Mid::new(MID).unwrap(),
                tpdu: unhex("6000030000").unwrap(),
                header: unhex(&HEADER[..2 * self.profile.frame.header]).unwrap(),
                serial_number: terminal.serial_number.clone().unwrap_or_default(),
                operator: "01 ".into(),
                currency: Currency::CNY,
            };
            let times = LaneTimes { answer_ms: ANSWER_MS, ..LaneTimes::default() };
            let till = Till {
                tid: terminal.tid.to_string(),
                lane: Lane::new(Arc::clone(&self.profile), identity, times, n as u64),
                keys: SoftKeys::new(unhex(MASTER).unwrap().try_into().unwrap()),
                connection: self.tills.get(&terminal.id).map_or(0, |t| t.connection + 1),
                up: false,
                wake: 0,
            };
            self.tills.insert(terminal.id.clone(), till);
        }
        self.send(Command::Resume);
        for id in self.tills.keys().cloned().collect::<Vec<_>>() {
            self.lane(&id, |_| LaneInput::Tick);
        }
    }

    /// The process dies and is started again.
    pub fn crash(&mut self) {
        self.writer = None;
        self.due.retain(|_, due| matches!(due, Due::AtBank(..)));
        let store = SqliteStore::open(&self.options).unwrap();
        self.start(store);
    }

    /// Started again with a schedule of fees.
    pub fn set_fees(&mut self, schedule: &str) {
        self.rules.money.fees = tilld::core::fees::FeeSchedule::parse(schedule).unwrap();
        self.crash();
        self.pass(2_000);
    }

    pub fn ledger(&self) -> &Ledger {
        self.writer.as_ref().unwrap().ledger()
    }

    /// Commands and what follows from them at once.
    pub fn send(&mut self, command: Command) -> u64 {
        self.tickets += 1;
        let mut waiting = VecDeque::from([(Ticket(self.tickets), command)]);
        let ticket = self.tickets;
        while let Some((ticket, command)) = waiting.pop_front() {
            let now = self.now();
            for output in self.writer.as_mut().unwrap().step(vec![(ticket, command)], now) {
                match output {
                    Output::Answer(ticket, answer) => {
                        self.answers.insert(ticket.0, answer);
                    }
                    Output::Send(terminal, order) => {
                        let reports = self.lane_reports(&terminal, LaneInput::Order(order));
                        waiting.extend(self.tickets_for(reports));
                    }
                    Output::Failed(why) | Output::Refused(why) => panic!("{why}"),
                    Output::Print | Output::Committed(_) => {}
                }
            }
        }
        for day in self.ledger().days.values() {
            assert_eq!(day.totals.gaps(), [], "{} does not foot", day.date);
        }
        ticket
    }

    fn tickets_for(&mut self, commands: Vec<Command>) -> Vec<(Ticket, Command)> {
        let number = |command| {
            self.tickets += 1;
            (Ticket(self.tickets), command)
        };
        commands.into_iter().map(number).collect()
    }

    fn lane(&mut self, terminal: &TerminalId, input: impl FnOnce(&Till) -> LaneInput<'static>) {
        let input = input(&self.tills[terminal]);
        for command in self.lane_reports(terminal, input) {
            self.send(command);
        }
    }

    fn lane_reports(&mut self, terminal: &TerminalId, input: LaneInput<'_>) -> Vec<Command> {
        let now = MonoMs(self.mono);
        let till = self.tills.get_mut(terminal).unwrap();
        let outputs = till.lane.step(now, input, &mut till.keys);
        let mut reports = Vec::new();
        for output in outputs {
            let till = self.tills.get_mut(terminal).unwrap();
            match output {
                LaneOutput::Connect => {
                    till.connection += 1;
                    till.up = false;
                    let connection = till.connection;
                    self.post(1, Due::Connected(terminal.clone(), connection));
                }
                LaneOutput::Disconnect => (till.connection, till.up) = (till.connection + 1, false),
                LaneOutput::Write(bytes) => {
                    let connection = till.connection;
                    self.post(self.round_trip_ms / 2, Due::AtBank(terminal.clone(), connection, bytes));
                }
                LaneOutput::Report(report) => reports.push(Command::Lane { terminal: terminal.clone(), report }),
                LaneOutput::Note(note) => self.notes.push(format!("{terminal}: {note}")),
                LaneOutput::WakeAt(at) => {
                    till.wake = at.0;
                    if at.0 < u64::MAX {
                        let wait = at.0.saturating_sub(self.mono);
                        self.post(wait, Due::Wake(terminal.clone()));
                    }
                }
            }
        }
        reports
    }

    fn post(&mut self, after: u64, due: Due) {
        self.posted += 1;
        self.due.insert((self.mono + after, self.posted), due);
    }

    /// Time passes; what falls due happens.
    pub fn pass(&mut self, ms: u64) {
        let until = self.mono + ms;
        loop {
            let tick = self.last_tick + 1_000;
            let next = self.due.keys().next().map_or(tick, |(at, _)| (*at).min(tick));
            if next > until {
                break;
            }
            self.mono = self.mono.max(next);
            match self.due.first_key_value().is_some_and(|((at, _), _)| *at == next) {
                true => {
                    let (_, due) = self.due.pop_first().unwrap();
                    self.happen(due);
                }
                false => {
                    self.last_tick = next;
                    self.send(Command::Tick);
                }
            }
        }
        self.mono = until;
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Connected(terminal, connection) if self.tills[&terminal].connection == connection => {
                let line = self.line;
                self.tills.get_mut(&terminal).unwrap().up = line;
                let input = if line { LaneInput::Connected } else { LaneInput::Disconnected("the cable is out") };
                self.lane(&terminal, |_| input);
            }
            Due::AtBank(terminal, connection, bytes) if self.line => {
                let wall = self.now().wall;
                let tid = self.tills[&terminal].tid.clone();
                let half = self.round_trip_ms - self.round_trip_ms / 2;
                for (after, bytes) in self.bank.bytes(wall, (&tid, connection), &bytes) {
                    self.post(after + half, Due::AtTill(terminal.clone(), connection, bytes));
                }
            }
            Due::AtTill(terminal, connection, bytes) if self.tills[&terminal].connection == connection => {
                let reports = match bytes {
                    Some(bytes) => self.lane_reports(&terminal, LaneInput::Bytes(&bytes)),
                    None => {
                        let till = self.tills.get_mut(&terminal).unwrap();
                        (till.connection, till.up) = (till.connection + 1, false);
                        self.lane_reports(&terminal, LaneInput::Disconnected("closed by the acquirer"))
                    }
                };
                for command in reports {
                    self.send(command);
                }
            }
            Due::Wake(terminal) if self.tills[&terminal].wake <= self.mono => self.lane(&terminal, |_| LaneInput::Tick),
            _ => {}
        }
    }

    /// The cable is pulled out or put back.
    pub fn set_line(&mut self, up: bool) {
        self.line = up;
        if !up {
            for id in self.tills.keys().cloned().collect::<Vec<_>>() {
                let till = self.tills.get_mut(&id).unwrap();
                till.connection += 1;
                if std::mem::take(&mut till.up) {
                    self.lane(&id, |_| LaneInput::Disconnected("the cable is out"));
                }
            }
        }
    }

    pub fn ask(&mut self, command: Command) -> Result<Reply, Reject> {
        let ticket = self.send(command);
        for _ in 0..2_000 {
            if let Some(answer) = self.answers.get(&ticket) {
                return answer.clone();
            }
            self.pass(10);
        }
        panic!("nobody answered in 20 s");
    }

    /// What a payment of this request asks for; change it before [`Shop::pay`].
    pub fn asks(&self, request: &str, terminal: usize, kind: Kind, amount: i64) -> Pay {
        Pay {
            request: RequestId::new(request).unwrap(),
            kind,
            method: Method::Card,
            device: pos(terminal),
            cashier: CashierId::new("1001").unwrap(),
            amount: Minor(amount),
            currency: Currency::CNY,
            original: None,
            presented: None,
            approved_by: None,
            confirm_amount: (kind == Kind::Refund).then_some(Minor(amount)),
            extra: Default::default(),
        }
    }

    pub fn pay(&mut self, pay: Pay) -> Result<Payment, Reject> {
        match self.ask(Command::Pay(Box::new(pay)))? {
            Reply::Payment(payment) => Ok(*payment),
            other => panic!("{other:?}"),
        }
    }

    pub fn sale(&mut self, request: &str, terminal: usize, amount: i64, presented: Presented) -> Payment {
        let mut pay = self.asks(request, terminal, Kind::Sale, amount);
        if matches!(presented.instrument, Instrument::Code(_)) {
            pay.method = Method::Qr;
        }
        pay.presented = Some(presented);
        self.pay(pay).unwrap()
    }

    /// Something that refers to an earlier payment, without a card.
    pub fn refer(&mut self, request: &str, kind: Kind, original: &Payment, amount: i64) -> Result<Payment, Reject> {
        let number = original.device.as_str().trim_start_matches("POS").parse().unwrap();
        let mut pay = self.asks(request, number, kind, amount);
        pay.original = Some(Original::Payment(original.id));
        self.pay(pay)
    }

    pub fn store(&self) -> &SqliteStore {
        self.writer.as_ref().unwrap().store()
    }

    pub fn payment(&self, id: PaymentId) -> Payment {
        let live = self.ledger().payments.get(&id).cloned();
        live.unwrap_or_else(|| self.writer.as_ref().unwrap().store().payment(id).unwrap().unwrap())
    }

    /// Whether a command has its answer.
    pub fn answered(&self, ticket: u64) -> bool {
        self.answers.contains_key(&ticket)
    }

    /// What the terminal's ended batch may differ by.
    pub fn differs(&self, terminal: usize) -> Vec<tilld::core::ports::DifferView> {
        let writer = self.writer.as_ref().unwrap();
        let batch = self.ledger().ended.iter().rev().find(|((id, _), _)| *id == pos(terminal)).unwrap().1;
        self.ledger().differences(&pos(terminal), batch, &self.rules, writer.store()).unwrap()
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A payment can go online.
    pub fn is_up(&self, terminal: usize) -> bool {
        let line = self.writer.as_ref().unwrap().lines().get(&pos(terminal));
        line.signed_on && line.state == LineState::Up
    }

    pub fn state(&self, payment: &Payment) -> State {
        self.payment(payment.id).state
    }

    pub fn has_card(&self, payment: &Payment) -> bool {
        self.writer.as_ref().unwrap().store().sealed_card(payment.id).unwrap().is_some()
    }

    pub fn cut(&mut self) {
        self.ask(Command::CutDay { by: Some(CashierId::new("M1").unwrap()) }).unwrap();
    }

    /// An enciphered PIN under the terminal's own key.
    pub fn pin(&mut self, terminal: usize, pin: &str, pan: &str) -> PinBlock {
        let block = self.tills.get_mut(&pos(terminal)).unwrap().keys.pin_block(pin, pan).unwrap();
        PinBlock::new(block.iter().map(|b| format!("{b:02X}")).collect())
    }

    /// The bank has nothing to say, and the state is what its rows say.
    pub fn check(&self) {
        assert_eq!(self.bank.findings(), Vec::<String>::new());
        let mut again = Ledger::new(BusinessDate::parse("2026-03-07").unwrap());
        replay(&mut again, self.writer.as_ref().unwrap().store(), None).unwrap();
        again.evict();
        assert_eq!(&again, self.ledger());
    }
}

impl<B: Bank> Shop<B> {
    pub fn payment_of(&self, request: &str) -> Payment {
        let store = self.writer.as_ref().unwrap().store();
        let id = store.by_request(&RequestId::new(request).unwrap()).unwrap().unwrap();
        self.payment(id)
    }
}
