//! A store on virtual time: the real writer over the real store and vault; terminals' lanes and the bank played by the harness.
//!
//! After every step the books must foot; [`Shop::check`] compares memory with every replay that there is.

#[path = "cards.rs"]
mod cards;
#[path = "folder.rs"]
mod folder;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tilld::core::acquirer::{MessageName, NotSent, Order, Outgoing, Report};
use tilld::core::day::{ClockPair, CutSchedule};
use tilld::core::domain::{
    BusinessDate, CashierId, Currency, Lang, Minor, MonoMs, Now, PaymentId, PrinterId, Reject, RequestId, Role, State,
    StoreId, TerminalId, WallMs,
};
use tilld::core::ledger::{ChannelRules, Ledger, OfflineRules, Rules, TerminalRules, Writer, WriterOptions, replay};
use tilld::core::payment::Payment;
use tilld::core::ports::{Archive, Command, Committed, History, Output, Reply, Store, Ticket};
use tilld::core::suspense::EndingRules;
use tilld::io::store::{Reader, SqliteStore, StoreOptions};
use tilld::io::vault::{DataKey, Vault};

use crate::bank::{Bank, answered};
use crate::flaky::{Flaky, Trouble};
pub use cards::instrument;
use folder::Folder;

/// 2026-03-07 09:00:00 in Shanghai.
pub const MORNING: i64 = 1_772_845_200_000;
/// How long a lane waits for an answer.
pub const TIMEOUT: u64 = 60_000;

pub fn terminal(id: &str) -> TerminalId {
    TerminalId::new(id).unwrap()
}

pub fn cashier(id: &str) -> CashierId {
    CashierId::new(id).unwrap()
}

/// What a test wants to know of each commit.
pub type OnCommit = Box<dyn FnMut(&Committed, &Ledger)>;

/// A store that has just opened, with what stands around it.
pub struct Shop {
    pub writer: Option<Writer<Flaky, Vault>>,
    pub rules: Rules,
    pub now: Now,
    pub bank: Bank,
    pub trouble: Trouble,
    pub answers: BTreeMap<u64, Option<Result<Reply, Reject>>>,
    /// A story's name for a payment: its ticket and, once known, its id.
    pub names: BTreeMap<String, u64>,
    pub failures: Vec<String>,
    pub prints: u64,
    /// The bank's books were spoilt on purpose.
    pub bank_may_differ: bool,
    /// Called at each commit, before anything else happens to the store.
    pub on_commit: Option<OnCommit>,
    /// What the bank finds is held against us.
    pub bank_findings_matter: bool,
    options: StoreOptions,
    _folder: Option<Folder>,
    /// Keeps a store in memory alive while no writer has it.
    reader: Reader,
    data_key: DataKey,
    /// Of card hashes, where it lies apart.
    card_key: Option<[u8; 32]>,
    lanes: BTreeMap<TerminalId, LanePlay>,
    mail: BTreeMap<(u64, u64), (TerminalId, Report)>,
    posted: u64,
    next_ticket: u64,
    last_tick: u64,
}

#[derive(Debug, Default)]
struct LanePlay {
    down: bool,
    /// The order under way.
    order: Option<Order>,
}

pub fn rules() -> Rules {
    let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let till = |n: u32| TerminalRules {
        tid: format!("1000000{n}"),
        mid: "123456789012345".into(),
        printer: Some(PrinterId::new("front").unwrap()),
        receipts: true,
    };
    Rules {
        store: StoreId::new("S001").unwrap(),
        store_name: "望京店".into(),
        zone: "Asia/Shanghai".parse().unwrap(),
        currency: Currency::CNY,
        lang: Lang::En,
        cut: CutSchedule::Manual,
        require_shift: false,
        shift_idle_ms: 16 * 3_600_000,
        max_amount: Minor(100_000_000),
        guards: Default::default(),
        offline: Some(OfflineRules {
            max_amount: Minor(50_000),
            max_total: Minor(200_000),
            max_count: 5,
            max_age_ms: 72 * 3_600_000,
        }),
        terminals: (1..=3).map(|n| (terminal(&format!("POS{n}")), till(n))).collect(),
        endings: EndingRules { write_off_limit: Minor(10_000) },
        report_printer: Some(PrinterId::new("front").unwrap()),
        channel: ChannelRules {
            reversible: vec![MessageName::Sale, MessageName::ScanSale, MessageName::Void],
            supported: vec![
                MessageName::Sale,
                MessageName::ScanSale,
                MessageName::Void,
                MessageName::Refund,
                MessageName::OfflineSale,
            ],
            reversal_done: words(&["00", "12", "25"]),
            reversal_tries: 3,
            duplicate: words(&["94"]),
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
            domestic: words(&["CUP"]),
            batch_limits: Default::default(),
            outage_ms: 5_000,
            exhausted: tilld::core::acquirer::profile::Exhausted::Exception,
            reversals_of_the_day: false,
            requests: BTreeMap::new(),
            refund_refused: BTreeMap::new(),
            sentences: BTreeMap::new(),
            wait_ms: 20_000,
            settle_wait_ms: 10_000,
            retry_first_ms: 1_000,
            retry_longest_ms: 60_000,
        },
        money: tilld::core::ledger::MoneyRules::default(),
    }
}

pub fn data_key() -> DataKey {
    DataKey::random().unwrap()
}

impl Shop {
    /// In memory.
    pub fn new(rules: Rules) -> Shop {
        Shop::at(rules, StoreOptions::in_memory(), None, data_key(), None)
    }

    /// Over any store, for those who pull its plug.
    #[allow(dead_code, reason = "the power-loss tests share this file")]
    pub fn over(rules: Rules, options: StoreOptions, data_key: DataKey, on_commit: Option<OnCommit>) -> Shop {
        Shop::at(rules, options, None, data_key, on_commit)
    }

    /// The store lies elsewhere from the next start on.
    #[allow(dead_code, reason = "the power-loss tests share this file")]
    pub fn lies_at(&mut self, options: StoreOptions) {
        self.options = options;
    }

    /// In a file.
    pub fn on_disk(rules: Rules) -> Shop {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tilld-day-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let options =
            StoreOptions { durability: tilld::io::store::Durability::Off, ..StoreOptions::at(path.join("tilld.db")) };
        Shop::at(rules, options, Some(Folder(path)), data_key(), None)
    }

    fn at(
        rules: Rules,
        options: StoreOptions,
        folder: Option<Folder>,
        data_key: DataKey,
        on_commit: Option<OnCommit>,
    ) -> Shop {
        let terminals: Vec<TerminalId> = rules.terminals.keys().cloned().collect();
        let tries = rules.channel.reversal_tries;
        let now = Now { wall: WallMs(MORNING), mono: MonoMs(0) };
        let trouble = Trouble::default();
        let store = SqliteStore::open(&options).unwrap();
        let reader = store.reader().unwrap();
        let mut shop = Shop {
            writer: None,
            bank: Bank::new(&terminals, tries),
            rules,
            now,
            trouble,
            answers: BTreeMap::new(),
            names: BTreeMap::new(),
            failures: Vec::new(),
            prints: 0,
            bank_may_differ: false,
            on_commit,
            bank_findings_matter: true,
            options,
            _folder: folder,
            reader,
            data_key,
            card_key: None,
            lanes: terminals.iter().map(|t| (t.clone(), LanePlay::default())).collect(),
            mail: BTreeMap::new(),
            posted: 0,
            next_ticket: 1,
            last_tick: 0,
        };
        shop.start(store);
        for (id, role) in
            [("1001", Role::Cashier), ("1002", Role::Cashier), ("M1", Role::Manager), ("T1", Role::Technician)]
        {
            let (name, pin_hash) = (format!("name of {id}"), b"hash".to_vec());
            let reply =
                shop.ask(Command::AddCashier { cashier: cashier(id), name, role, pin_hash, lang: None, by: None });
            assert_eq!(reply, Ok(Reply::Done));
        }
        shop
    }

    fn start(&mut self, store: SqliteStore) {
        let store_id = self.rules.store.clone();
        let mut vault = Vault::open(&self.data_key, &store_id, store.day_keys().unwrap().as_deref()).unwrap();
        if let Some(key) = &self.card_key {
            vault.tag_cards(key);
        }
        let first_date = BusinessDate::parse("2026-03-07").unwrap();
        let start = ClockPair { wall: self.now.wall, mono: self.now.mono };
        let options = WriterOptions { rules: self.rules.clone(), first_date, start };
        let store = Flaky { inner: store, trouble: self.trouble.clone() };
        self.writer = Some(Writer::open(store, vault, options, self.now).unwrap());
        self.step(Command::Resume);
        let up: Vec<TerminalId> = self.lanes.keys().cloned().collect();
        for terminal in up {
            let down = self.lanes[&terminal].down;
            let report = if down { Report::LineDown { why: "it is down".into() } } else { Report::LineUp };
            self.step(Command::Lane { terminal, report });
        }
    }

    /// From the next start on, which is now, the vault has a key of card hashes.
    #[allow(dead_code, reason = "the power-loss tests share this file")]
    pub fn tag_cards(&mut self, key: &[u8; 32]) {
        self.card_key = Some(*key);
        self.crash();
        self.open_again();
        self.pass(1_000);
    }

    pub fn writer(&self) -> &Writer<Flaky, Vault> {
        self.writer.as_ref().expect("the store is open")
    }

    pub fn ledger(&self) -> &Ledger {
        self.writer().ledger()
    }

    /// The process dies: what the lanes were doing is gone, what the bank has heard is not.
    pub fn crash(&mut self) {
        self.writer = None;
        self.mail.clear();
        for lane in self.lanes.values_mut() {
            lane.order = None;
        }
        for (_, answer) in self.answers.iter_mut().filter(|(_, a)| a.is_none()) {
            *answer = Some(Err(tilld::core::domain::Refusal::Stopping.into()));
        }
    }

    /// And is started again.
    pub fn open_again(&mut self) {
        // The monotonic clock begins anew.
        self.now.mono = MonoMs(5);
        self.last_tick = 5;
        let store = SqliteStore::open(&self.options).unwrap();
        self.reader = store.reader().unwrap();
        self.start(store);
    }

    pub fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.answers.insert(self.next_ticket - 1, None);
        self.next_ticket - 1
    }

    /// One command; gives its ticket.
    pub fn step(&mut self, command: Command) -> u64 {
        let ticket = self.ticket();
        self.steps(vec![(Ticket(ticket), command)]);
        ticket
    }

    /// Several commands in one step of the writer.
    pub fn steps(&mut self, commands: Vec<(Ticket, Command)>) {
        let now = self.now;
        let outputs = self.writer.as_mut().expect("the store is open").step(commands, now);
        let failed = outputs.iter().filter(|output| matches!(output, Output::Failed(_))).count();
        // Law 1: whatever is let out now, another connection sees its row. Of a step that failed nothing is let out but refusals; and where memory could
        // not be read back, which is said too, nothing is decided on it before it was.
        if failed > 0 {
            let harmless = |output: &Output| matches!(output, Output::Failed(_) | Output::Answer(_, Err(_)));
            assert!(outputs.iter().all(harmless), "a step that failed let out {outputs:?}");
        }
        if failed < 2 {
            let durable = self.reader.head().unwrap().map(|(seq, _)| seq);
            assert_eq!(durable, Some(self.ledger().head), "something was let out before it was durable");
        }
        for output in outputs {
            self.take(output);
        }
        self.must_foot();
    }

    pub fn take(&mut self, output: Output) {
        match output {
            Output::Answer(ticket, answer) => {
                let slot = self.answers.insert(ticket.0, Some(answer));
                assert!(slot.is_some_and(|s| s.is_none()), "ticket {} was answered twice", ticket.0);
            }
            Output::Send(terminal, order) => self.send(terminal, *order),
            Output::Print => self.prints += 1,
            Output::Committed(committed) => {
                assert_eq!(committed.head, self.ledger().head);
                if let Some(mut tell) = self.on_commit.take() {
                    tell(&committed, self.ledger());
                    self.on_commit = Some(tell);
                }
            }
            Output::Failed(why) => self.failures.push(why),
            Output::Refused(_) => {}
        }
    }

    fn post(&mut self, after: u64, terminal: &TerminalId, report: Report) {
        self.posted += 1;
        self.mail.insert((self.now.mono.0 + after, self.posted), (terminal.clone(), report));
    }

    fn send(&mut self, terminal: TerminalId, order: Order) {
        let announced = self.ledger().terminals[&terminal].in_flight.as_ref().map(|f| (f.stan, f.batch));
        assert_eq!(announced, Some((order.stan, order.batch)), "{terminal} was given what no row announces");
        let lane = &self.lanes[&terminal];
        assert!(lane.order.is_none(), "{terminal} was given {:?} while {:?} was under way", order.stan, lane.order);
        if lane.down {
            let report = Report::NotSent { stan: order.stan, why: NotSent::NoLine };
            return self.post(1, &terminal, report);
        }
        let stan = order.stan;
        if let Outgoing::Payment(message) | Outgoing::Reversal(message, _) = &order.message
            && message.instrument.is_none()
        {
            return self.post(1, &terminal, Report::NotSent { stan, why: NotSent::NotBuilt });
        }
        let reaction = self.bank.take(&terminal, &order);
        if let Some(why) = reaction.not_sent {
            return self.post(1, &terminal, Report::NotSent { stan, why });
        }
        self.lanes.get_mut(&terminal).unwrap().order = Some(order);
        match reaction.answer {
            Some((ms, answer)) if ms <= TIMEOUT => self.post(ms, &terminal, answered(stan, answer)),
            Some((ms, answer)) => {
                self.post(TIMEOUT, &terminal, Report::NoAnswer { stan });
                let answer = Some(Box::new(answer));
                self.post(ms, &terminal, Report::Stray { stan: Some(stan), answer, masked_frame: "late".into() });
            }
            None => self.post(TIMEOUT, &terminal, Report::NoAnswer { stan }),
        }
    }

    /// The connection of a terminal goes or comes back.
    pub fn line(&mut self, terminal: &TerminalId, up: bool) {
        let lane = self.lanes.get_mut(terminal).unwrap();
        if lane.down != up {
            return;
        }
        lane.down = !up;
        if up {
            self.step(Command::Lane { terminal: terminal.clone(), report: Report::LineUp });
            return;
        }
        // What was sent and not answered will not be: the lane says so at once.
        let under_way = lane.order.take().map(|o| o.stan);
        self.mail.retain(|_, (t, _)| t != terminal);
        let why = "the cable is out".to_owned();
        self.step(Command::Lane { terminal: terminal.clone(), report: Report::LineDown { why } });
        if let Some(stan) = under_way {
            self.step(Command::Lane { terminal: terminal.clone(), report: Report::NoAnswer { stan } });
        }
    }

    /// Time passes; what falls due happens.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now.mono.0 + ms;
        // Long waits are ticked more coarsely, so that three days do not take a quarter of a million steps.
        let every = if ms > 600_000 { 60_000 } else { 1_000 };
        loop {
            let tick = self.last_tick + every;
            let mail = self.mail.keys().next().map(|(at, _)| *at);
            let next = mail.map_or(tick, |at| at.min(tick));
            if next > until {
                break;
            }
            self.move_to(next);
            if mail == Some(next) {
                let (_, (terminal, report)) = self.mail.pop_first().unwrap();
                if matches!(report, Report::Answered { .. } | Report::NoAnswer { .. } | Report::NotSent { .. }) {
                    self.lanes.get_mut(&terminal).unwrap().order = None;
                }
                self.step(Command::Lane { terminal, report });
            } else {
                self.last_tick = next;
                self.step(Command::Tick);
            }
        }
        self.move_to(until);
    }

    fn move_to(&mut self, mono: u64) {
        let passed = mono.saturating_sub(self.now.mono.0);
        self.now.mono = MonoMs(mono);
        self.now.wall.0 += i64::try_from(passed).unwrap();
    }

    /// The wall clock jumps; the monotonic does not.
    pub fn jump(&mut self, ms: i64) {
        self.now.wall.0 += ms;
    }

    /// Asks and takes the answer, waiting up to 70 s.
    pub fn ask(&mut self, command: Command) -> Result<Reply, Reject> {
        let ticket = self.step(command);
        self.wait_for(ticket)
    }

    pub fn wait_for(&mut self, ticket: u64) -> Result<Reply, Reject> {
        for _ in 0..700 {
            if let Some(answer) = &self.answers[&ticket] {
                return answer.clone();
            }
            self.pass(100);
        }
        panic!("nobody answered ticket {ticket} in 70 s");
    }

    pub fn payment_of(&self, request: &str) -> Option<Payment> {
        let store = self.writer().store();
        let id = store.by_request(&RequestId::new(request).unwrap()).unwrap()?;
        self.payment(id)
    }

    pub fn payment(&self, id: PaymentId) -> Option<Payment> {
        let live = self.ledger().payments.get(&id).cloned();
        live.or_else(|| self.writer().store().payment(id).unwrap())
    }

    pub fn all_payments(&self) -> Vec<Payment> {
        let mut all = Vec::new();
        let mut filter = tilld::io::store::PaymentFilter { limit: 500, ..Default::default() };
        loop {
            let page = self.reader.payments(&filter).unwrap();
            all.extend(page.items);
            match page.next_cursor {
                Some(cursor) => filter.cursor = PaymentId::parse(&cursor),
                None => break,
            }
        }
        all.sort_by_key(|p| p.id);
        all
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    fn must_foot(&self) {
        for (date, day) in &self.ledger().days {
            assert_eq!(day.totals.gaps(), [], "{date} does not foot");
        }
    }

    /// Memory = the newest snapshot and what came after = everything from the first row; the store recounts the same; the bank
    /// has nothing to say; every payment of the bank is ours and the other way round.
    pub fn check(&mut self) {
        let store = self.writer().store();
        let open = self.ledger().open;
        let first = BusinessDate::parse("2026-03-07").unwrap();
        let mut genesis = Ledger::new(first);
        replay(&mut genesis, store, None).unwrap();
        genesis.evict();
        assert_eq!(&genesis, self.ledger(), "from the first row");
        let (_, body) = store.snapshot(None).unwrap().unwrap();
        let mut again = Ledger::from_bytes(&body).unwrap();
        replay(&mut again, store, None).unwrap();
        again.evict();
        assert_eq!(&again, self.ledger(), "from the newest snapshot");
        assert_eq!(&Ledger::from_bytes(&genesis.to_bytes()).unwrap(), self.ledger(), "as a snapshot of its own");
        let current = self.ledger().terminals.values().map(|t| &t.batch);
        for batch in current.chain(self.ledger().ended.values()) {
            let asked = batch.asked.as_ref().map(|(_, totals)| *totals);
            assert!(asked.is_none_or(|asked| asked == batch.totals), "{} took more after 0500", batch.number);
        }
        let recount = store.recount(open).unwrap();
        let totals = &self.ledger().today().totals;
        let ours: BTreeMap<String, _> = totals.slots.iter().map(|(k, v)| (k.as_text(), *v)).collect();
        assert_eq!(recount.by_slot.into_iter().collect::<BTreeMap<_, _>>(), ours, "the bridge recounted");
        let ours: BTreeMap<String, _> = totals.by_cashier.iter().map(|(k, v)| (k.to_string(), *v)).collect();
        assert_eq!(recount.by_cashier.into_iter().collect::<BTreeMap<_, _>>(), ours, "the cashiers recounted");
        assert_eq!(store.suspects(open).unwrap(), [], "suspects");
        assert!(
            !self.bank_findings_matter || self.bank.findings.is_empty(),
            "the bank says: {:#?}",
            self.bank.findings
        );
        if !self.bank_may_differ {
            self.compare_with_bank();
        }
    }

    /// No payment twice, none lost, none the other side knows nothing of.
    fn compare_with_bank(&self) {
        use crate::bank::Status;
        let mut ours = BTreeMap::new();
        for payment in self.all_payments() {
            if let (Some(batch), Some(stan)) = (payment.batch, payment.stan) {
                let before = ours.insert((payment.device.clone(), batch, stan), payment);
                assert!(before.is_none(), "two payments under one STAN: {before:?}");
            } else {
                assert!(
                    !matches!(payment.state, State::Forwarded | State::Sent | State::Unknown | State::Reversed),
                    "{payment:?} was never sent"
                );
            }
        }
        for (terminal, account) in &self.bank.accounts {
            for entry in &account.books {
                let payment = ours
                    .get(&(terminal.clone(), entry.batch, entry.stan))
                    .unwrap_or_else(|| panic!("the bank has {terminal} {entry:?}, we have nothing of it"));
                assert_eq!(payment.amount, entry.amount, "{payment:?}");
                let fits = match entry.status {
                    Status::Approved => {
                        !matches!(payment.state, State::Waiting | State::Cancelled | State::Declined | State::Reversed)
                    }
                    Status::Reversed => !matches!(payment.state, State::Approved | State::Forwarded),
                };
                assert!(fits, "the bank has {entry:?}, we have {payment:?}");
            }
        }
        for ((terminal, batch, stan), payment) in &ours {
            let at_bank = self.bank.account(terminal).books.iter().any(|e| (e.batch, e.stan) == (*batch, *stan));
            let claims = matches!(payment.state, State::Approved | State::Forwarded);
            assert!(at_bank || !claims, "we say {payment:?}, the bank has nothing of it");
        }
    }

    /// The database file.
    pub fn path(&self) -> &std::path::Path {
        &self.options.path
    }

    /// Every file of a store on disk.
    pub fn files(&self) -> Vec<PathBuf> {
        let folder = self.options.path.parent().unwrap();
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// How many print jobs of a kind there are.
    pub fn jobs(&self, what: &str) -> usize {
        let jobs = self.reader.jobs(None, 10_000).unwrap();
        let word = |job: &tilld::io::store::Job| serde_json::to_value(&job.what).unwrap()["what"].clone();
        jobs.iter().filter(|job| word(job) == what).count()
    }

    /// Whether the sealed card of a payment is still kept.
    pub fn has_card(&self, id: PaymentId) -> bool {
        self.writer().store().sealed_card(id).unwrap().is_some()
    }

    /// The message under way at a terminal.
    pub fn message(&self, terminal: &TerminalId) -> Option<&Outgoing> {
        self.lanes[terminal].order.as_ref().map(|order| &order.message)
    }
}
