//! The whole way on virtual time: the real writer, the real lanes, the wire, and the simulated acquirer as a pure step.
//!
//! The wire is here: it delays, cuts, and tells the host what it could not deliver. The process may die between any two steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use tilld::core::acquirer::iso8583::bcd::unhex;
use tilld::core::acquirer::{Lane, LaneIdentity, LaneInput, LaneOutput, LaneTimes, MessageName, Profile, Report};
use tilld::core::day::ClockPair;
use tilld::core::domain::{
    BusinessDate, Currency, Mid, Minor, MonoMs, Now, Refusal, Reject, Role, TerminalId, Tid, WallMs,
};
use tilld::core::ledger::{Ledger, OfflineRules, Rules, Writer, WriterOptions, replay};
use tilld::core::payment::Payment;
use tilld::core::ports::{Command, History, Output, Reply, Store, Ticket};
use tilld::io::store::{PaymentFilter, Reader, SqliteStore, StoreOptions};
use tilld::io::vault::{DataKey, SoftKeys, Vault};
use tilld::sim::acquirer::dialect::Kind as HostKind;
use tilld::sim::acquirer::{Action, Host, HostConfig, Scenario, Session, books::Key, keys};

use crate::chance::Chance;
use crate::shop::{MORNING, cashier, rules as usual_rules, terminal};

const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";

/// What the wire and fate do, in so many of a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fate {
    /// A message or answer is held back for up to half a minute.
    pub delay: u64,
    /// The connection goes when something is written to it.
    pub cut: u64,
    /// The process dies at a step.
    pub crash: u64,
    /// A commit fails.
    pub spoil: u64,
}

/// Something that will happen.
enum Due {
    Connected(TerminalId, u64),
    /// The last number tells the order of sending.
    ToHost(TerminalId, u64, Vec<u8>, u64),
    ToLane(TerminalId, u64, Vec<u8>, Option<(Key, HostKind)>),
    Cut(TerminalId, u64),
    Wake(TerminalId, u64),
    Start,
}

struct Till {
    lane: Lane,
    keys: SoftKeys,
    session: Session,
    /// The connection's number; 0 for none.
    connection: u64,
    /// When the last bytes of this connection arrive, each way: they do not overtake each other.
    arrives: [u64; 2],
    wake: u64,
    /// The cable is out.
    unplugged: bool,
}

pub struct Rig {
    writer: Option<Writer<crate::flaky::Flaky, Vault>>,
    trouble: crate::flaky::Trouble,
    rules: Rules,
    profile: Arc<Profile>,
    tills: BTreeMap<TerminalId, Till>,
    pub host: Host,
    pub now: Now,
    due: BTreeMap<(u64, u64), Due>,
    counter: u64,
    pub fate: Fate,
    pub chance: Chance,
    options: StoreOptions,
    reader: Reader,
    data_key: DataKey,
    pub answers: BTreeMap<u64, Option<Result<Reply, Reject>>>,
    /// The payment whose answer is being handed in at this moment.
    handing_in: Option<(Key, HostKind)>,
    /// Those that were handed in to a step whose commit failed.
    not_taken: Vec<(Key, HostKind)>,
    /// Findings about bytes of a process that had died: the host had forgotten its keys of that time.
    pub stale: Vec<usize>,
    pub crashes: u32,
    /// How often the acquirer got a message after one that another terminal had sent later.
    pub overtaken: u64,
    /// The youngest message that the acquirer has got.
    youngest: u64,
    /// How often the clock ticks where nothing happens, milliseconds.
    pub tick: u64,
    pub log: Vec<String>,
}

pub fn rules(profile: &Profile) -> Rules {
    let mut rules = usual_rules();
    let names =
        [MessageName::Sale, MessageName::ScanSale, MessageName::Void, MessageName::Refund, MessageName::OfflineSale];
    rules.offline = Some(OfflineRules {
        max_amount: Minor(10_000_000),
        max_total: Minor(1_000_000_000),
        max_count: 500,
        max_age_ms: 72 * 3_600_000,
    });
    rules.channel.reversible =
        names.into_iter().filter(|n| profile.payment(*n).is_some_and(|row| row.reversible)).collect();
    rules.channel.supported = names.into_iter().filter(|n| profile.payment(*n).is_some()).collect();
    rules.channel.reversal_done.clone_from(&profile.reversal.done);
    // So many that none is given up for the wire's faults alone: what the wire lost the host has not counted.
    rules.channel.reversal_tries = 30;
    rules.channel.duplicate.clone_from(&profile.advice.delivered);
    rules.channel.advice_tries = 30;
    rules.channel.domestic.clone_from(&profile.settlement.domestic);
    rules.channel.wait_ms = 60_000;
    rules
}

impl Rig {
    pub fn new(seed: u64, scenario: &str) -> Rig {
        let profile = Arc::new(Profile::builtin("unionpay-pos").unwrap());
        let any_terminal = Some(keys::Key::from_hex(MASTER).unwrap());
        let scenario = Scenario::parse(scenario).unwrap();
        let config = HostConfig { any_terminal, seed, utc_offset_s: 28_800, scenario, ..HostConfig::default() };
        let now = Now { wall: WallMs(MORNING), mono: MonoMs(0) };
        let options = StoreOptions::in_memory();
        let store = SqliteStore::open(&options).unwrap();
        let reader = store.reader().unwrap();
        let mut rig = Rig {
            writer: None,
            trouble: crate::flaky::Trouble::default(),
            rules: rules(&profile),
            profile,
            tills: BTreeMap::new(),
            host: Host::new(config, &[], now.wall),
            now,
            due: BTreeMap::new(),
            counter: 0,
            fate: Fate::default(),
            chance: Chance::new(seed),
            options,
            reader,
            data_key: crate::shop::data_key(),
            answers: BTreeMap::new(),
            handing_in: None,
            not_taken: Vec::new(),
            stale: Vec::new(),
            crashes: 0,
            overtaken: 0,
            youngest: 0,
            tick: 2_000,
            log: Vec::new(),
        };
        rig.start(store);
        for (id, role) in [("1001", Role::Cashier), ("1002", Role::Cashier), ("M1", Role::Manager)] {
            let (name, pin_hash) = (id.to_owned(), b"hash".to_vec());
            rig.ask(Command::AddCashier { cashier: cashier(id), name, role, pin_hash, lang: None, by: None });
        }
        rig
    }

    fn identity(&self, id: &TerminalId) -> LaneIdentity {
        LaneIdentity {
            tid: Tid::new(&self.rules.terminals[id].tid).unwrap(),
            mid: Mid::new("123456789012345").unwrap(),
            tpdu: unhex("6000030000").unwrap(),
            header: unhex("602200000000").unwrap(),
            serial_number: "00003202".into(),
            operator: "01 ".into(),
            currency: Currency::CNY,
        }
    }

    fn start(&mut self, store: SqliteStore) {
        let vault = Vault::open(&self.data_key, &self.rules.store, store.day_keys().unwrap().as_deref()).unwrap();
        let options = WriterOptions {
            rules: self.rules.clone(),
            first_date: BusinessDate::parse("2026-03-07").unwrap(),
            start: ClockPair { wall: self.now.wall, mono: self.now.mono },
        };
        let store = crate::flaky::Flaky { inner: store, trouble: self.trouble.clone() };
        self.writer = Some(Writer::open(store, vault, options, self.now).unwrap());
        let master: [u8; 16] = keys::Key::from_hex(MASTER).unwrap().bytes().try_into().unwrap();
        let terminals: Vec<TerminalId> = self.rules.terminals.keys().cloned().collect();
        let unplugged: Vec<bool> = terminals.iter().map(|t| self.tills.get(t).is_some_and(|t| t.unplugged)).collect();
        for (id, unplugged) in terminals.iter().zip(unplugged) {
            let seed = self.chance.next();
            let till = Till {
                lane: Lane::new(Arc::clone(&self.profile), self.identity(id), LaneTimes::default(), seed),
                keys: SoftKeys::new(master),
                session: Session::default(),
                connection: 0,
                arrives: [0; 2],
                wake: 0,
                unplugged,
            };
            self.tills.insert(id.clone(), till);
        }
        self.step(Command::Resume);
        for id in terminals {
            self.lane(&id, LaneInput::Tick);
        }
    }

    /// The process dies; connections go with it.
    fn crash(&mut self) {
        self.log.push(format!("{} crash", self.now.mono.0));
        self.crashes += 1;
        self.writer = None;
        self.undelivered_now();
        for till in self.tills.values_mut() {
            till.connection = 0;
        }
        for answer in self.answers.values_mut().filter(|a| a.is_none()) {
            *answer = Some(Err(Refusal::Stopping.into()));
        }
        let pause = self.chance.below(3_000);
        self.plan(pause, Due::Start);
    }

    /// What was being handed in when the process died was not taken.
    fn undelivered_now(&mut self) {
        for (key, kind) in std::mem::take(&mut self.not_taken).into_iter().chain(self.handing_in.take()) {
            self.host.undelivered(self.now.wall, &key, kind);
        }
    }

    fn plan(&mut self, after: u64, what: Due) {
        self.counter += 1;
        self.due.insert((self.now.mono.0 + after, self.counter), what);
    }

    pub fn running(&self) -> bool {
        self.writer.is_some()
    }

    pub fn ledger(&self) -> &Ledger {
        self.writer.as_ref().expect("it runs").ledger()
    }

    /// One command. `None` where the process is not there.
    pub fn step(&mut self, command: Command) -> Option<u64> {
        let ticket = self.answers.len() as u64;
        let now = self.now;
        self.writer.as_ref()?;
        self.answers.insert(ticket, None);
        if self.chance.of_thousand(self.fate.crash) {
            self.crash();
            return Some(ticket);
        }
        if self.chance.of_thousand(self.fate.spoil) {
            self.trouble.commits.store(0, std::sync::atomic::Ordering::Relaxed);
        }
        let outputs = self.writer.as_mut()?.step(vec![(Ticket(ticket), command)], now);
        self.trouble.commits.store(-1, std::sync::atomic::Ordering::Relaxed);
        if outputs.iter().any(|output| matches!(output, Output::Failed(_))) {
            self.not_taken.extend(self.handing_in.take());
        } else {
            self.not_taken.clear();
            self.handing_in = None;
        }
        if self.chance.of_thousand(self.fate.crash) {
            // Durable, and nobody was told.
            self.crash();
            return Some(ticket);
        }
        for output in outputs {
            match output {
                Output::Answer(ticket, answer) => {
                    let slot = self.answers.insert(ticket.0, Some(answer));
                    assert!(slot.is_some_and(|s| s.is_none()), "ticket {} was answered twice", ticket.0);
                }
                Output::Send(id, order) => self.lane(&id, LaneInput::Order(order)),
                Output::Print | Output::Committed(_) | Output::Failed(_) | Output::Refused(_) => {}
            }
            if self.writer.is_none() {
                break;
            }
        }
        Some(ticket)
    }

    fn lane(&mut self, id: &TerminalId, input: LaneInput<'_>) {
        let Some(till) = self.tills.get_mut(id) else { return };
        let outputs = till.lane.step(self.now.mono, input, &mut till.keys);
        // The writer hears of it when the lane's step is carried out, as over an inbox.
        let mut reports = Vec::new();
        for output in outputs {
            match output {
                LaneOutput::Connect => {
                    self.counter += 1;
                    let connection = self.counter;
                    let till = self.tills.get_mut(id).unwrap();
                    (till.connection, till.arrives) = (connection, [0; 2]);
                    till.session = Session::default();
                    if till.unplugged {
                        self.plan(20, Due::Cut(id.clone(), connection));
                    } else {
                        self.plan(10, Due::Connected(id.clone(), connection));
                    }
                }
                LaneOutput::Disconnect => self.tills.get_mut(id).unwrap().connection = 0,
                LaneOutput::Write(bytes) => {
                    let connection = self.tills[id].connection;
                    if self.chance.of_thousand(self.fate.cut) {
                        self.plan(15, Due::Cut(id.clone(), connection));
                    } else {
                        let after = self.travel(id, 0, 0);
                        self.plan(after, Due::ToHost(id.clone(), connection, bytes, self.counter));
                    }
                }
                LaneOutput::Report(report) => reports.push(report),
                LaneOutput::Note(note) => self.log.push(format!("{} {id}: {note}", self.now.mono.0)),
                LaneOutput::WakeAt(at) => {
                    self.counter += 1;
                    let number = self.counter;
                    self.tills.get_mut(id).unwrap().wake = number;
                    if at.0 < u64::MAX {
                        let after = at.0.saturating_sub(self.now.mono.0);
                        self.plan(after, Due::Wake(id.clone(), number));
                    }
                }
            }
        }
        for report in reports {
            if self.writer.is_none() {
                return;
            }
            self.report(id, report);
        }
    }

    /// How long bytes are on their way.
    fn travel(&mut self, id: &TerminalId, way: usize, after_ms: u64) -> u64 {
        let after = after_ms + 10 + self.chance.delay(self.fate.delay);
        let now = self.now.mono.0;
        let last = &mut self.tills.get_mut(id).unwrap().arrives[way];
        *last = (now + after).max(*last);
        *last - now
    }

    fn report(&mut self, id: &TerminalId, report: Report) {
        self.log.push(format!("{} {id} {}", self.now.mono.0, brief(&report)));
        self.step(Command::Lane { terminal: id.clone(), report });
    }

    fn happen(&mut self, what: Due) {
        match what {
            Due::Start => {
                self.now.mono.0 += 1;
                let store = SqliteStore::open(&self.options).unwrap();
                self.start(store);
            }
            Due::Connected(id, connection) if self.is(&id, connection) => self.lane(&id, LaneInput::Connected),
            Due::Cut(id, connection) if self.is(&id, connection) => {
                self.tills.get_mut(&id).unwrap().connection = 0;
                self.lane(&id, LaneInput::Disconnected("the connection went"));
            }
            Due::Wake(id, number) if self.writer.is_some() && self.tills[&id].wake == number => {
                self.lane(&id, LaneInput::Tick);
            }
            // Bytes on their way arrive although the sender has died since.
            Due::ToHost(id, connection, bytes, order) => {
                self.overtaken += u64::from(order < self.youngest);
                self.youngest = self.youngest.max(order);
                self.host_gets(&id, connection, &bytes);
            }
            Due::ToLane(id, connection, bytes, of) => {
                if !self.is(&id, connection) {
                    if let Some((key, kind)) = of {
                        self.host.undelivered(self.now.wall, &key, kind);
                    }
                    return;
                }
                self.handing_in = of;
                self.lane(&id, LaneInput::Bytes(&bytes));
                self.handing_in = None;
            }
            Due::Connected(..) | Due::Cut(..) | Due::Wake(..) => {}
        }
    }

    fn is(&self, id: &TerminalId, connection: u64) -> bool {
        self.writer.is_some() && connection != 0 && self.tills[id].connection == connection
    }

    /// Answers on their way to a connection that is gone: what the books say of them must not wait until they would have come.
    fn lose_answers(&mut self) {
        let gone = |due: &Due| matches!(due, Due::ToLane(id, connection, ..) if !self.is(id, *connection));
        let lost: Vec<(u64, u64)> = self.due.iter().filter(|(_, due)| gone(due)).map(|(at, _)| *at).collect();
        for at in lost {
            if let Some(Due::ToLane(.., Some((key, kind)))) = self.due.remove(&at) {
                self.host.undelivered(self.now.wall, &key, kind);
            }
        }
    }

    fn host_gets(&mut self, id: &TerminalId, connection: u64, bytes: &[u8]) {
        self.lose_answers();
        let mut session = std::mem::take(&mut self.tills.get_mut(id).unwrap().session);
        let before = self.host.books().findings.len();
        let actions = session.bytes(&mut self.host, self.now.wall, bytes);
        if !self.is(id, connection) {
            self.stale.extend(before..self.host.books().findings.len());
        }
        self.tills.get_mut(id).unwrap().session = session;
        for action in actions {
            match action {
                Action::Book(_) => {}
                Action::Reply { after_ms, bytes, of, .. } => {
                    if self.chance.of_thousand(self.fate.cut) {
                        if let Some((key, kind)) = of {
                            self.host.undelivered(self.now.wall, &key, kind);
                        }
                        self.plan(5, Due::Cut(id.clone(), connection));
                        continue;
                    }
                    let after = self.travel(id, 1, after_ms);
                    self.plan(after, Due::ToLane(id.clone(), connection, bytes, of));
                }
                Action::Disconnect { after_ms } => self.plan(after_ms + 5, Due::Cut(id.clone(), connection)),
            }
        }
    }

    /// The cable of a terminal is pulled or put back.
    pub fn plug(&mut self, id: &TerminalId, plugged: bool) {
        let till = self.tills.get_mut(id).unwrap();
        till.unplugged = !plugged;
        let connection = till.connection;
        if !plugged {
            self.plan(1, Due::Cut(id.clone(), connection));
        }
    }

    /// Time passes; what falls due happens, and the clock ticks where nothing does.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now.mono.0 + ms;
        loop {
            let next = self.due.keys().next().map(|(at, _)| *at);
            let tick = self.now.mono.0 + self.tick;
            match next {
                Some(at) if at <= until && at <= tick => {
                    self.move_to(at);
                    if let Some((_, what)) = self.due.pop_first() {
                        self.happen(what);
                    }
                }
                _ if tick <= until => {
                    self.move_to(tick);
                    self.step(Command::Tick);
                }
                _ => break,
            }
        }
        self.move_to(until);
    }

    fn move_to(&mut self, mono: u64) {
        let passed = mono.saturating_sub(self.now.mono.0);
        self.now.mono = MonoMs(self.now.mono.0.max(mono));
        self.now.wall.0 += i64::try_from(passed).unwrap();
    }

    pub fn ask(&mut self, command: Command) -> Option<Result<Reply, Reject>> {
        let ticket = self.step(command)?;
        self.answers[&ticket].clone()
    }

    pub fn payments(&self) -> Vec<Payment> {
        let mut all = Vec::new();
        let mut filter = PaymentFilter { limit: 500, ..PaymentFilter::default() };
        loop {
            let page = self.reader.payments(&filter).unwrap();
            all.extend(page.items);
            match page.next_cursor {
                Some(cursor) => filter.cursor = tilld::core::domain::PaymentId::parse(&cursor),
                None => break,
            }
        }
        all.sort_by_key(|p| p.id);
        all
    }

    pub fn store(&self) -> &crate::flaky::Flaky {
        self.writer.as_ref().expect("it runs").store()
    }

    /// From the first row, from the newest snapshot, and in memory: one state.
    pub fn replays_agree(&self) {
        let mut genesis = Ledger::new(BusinessDate::parse("2026-03-07").unwrap());
        replay(&mut genesis, self.store(), None).unwrap();
        genesis.evict();
        assert!(&genesis == self.ledger(), "the replay from the first row differs");
        let (_, body) = self.store().snapshot(None).unwrap().unwrap();
        let mut again = Ledger::from_bytes(&body).unwrap();
        replay(&mut again, self.store(), None).unwrap();
        again.evict();
        assert!(&again == self.ledger(), "the replay from the newest snapshot differs");
    }

    /// The terminal's name at the host.
    pub fn tid(&self, id: &TerminalId) -> String {
        self.rules.terminals[id].tid.clone()
    }

    pub fn terminals(&self) -> Vec<TerminalId> {
        ["POS1", "POS2", "POS3"].map(terminal).into()
    }
}

fn brief(report: &Report) -> String {
    match report {
        Report::Answered { stan, answer } => format!("answered {stan} {:?} {:?}", answer.code, answer.class),
        Report::Stray { stan, .. } => format!("stray {stan:?}"),
        other => format!("{other:?}"),
    }
}
