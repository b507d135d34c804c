//! A store to measure: its configuration, its writer, and an acquirer that approves at once.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tilld::core::acquirer::{Answer, AnswerClass, Instrument, Order, Outgoing, Report, Verdict, Verdicts};
use tilld::core::day::{ClockPair, first_date};
use tilld::core::domain::*;
use tilld::core::ledger::{Writer, WriterOptions};
use tilld::core::ports::{Command, Pay, Presented, Store};
use tilld::daemon::config::Config;
use tilld::daemon::inbox::TillWriter;
use tilld::daemon::rules::{cut_schedule, rules};
use tilld::io::store::{SqliteStore, StoreOptions};
use tilld::io::vault::{DataKey, Vault};

/// Like [`configure`], with a printer that gives every sale a receipt.
pub fn configure_printing(dir: &Path, terminals: u32) -> Config {
    configure(dir, terminals, 9);
    let path = dir.join("tilld.toml");
    let text = std::fs::read_to_string(&path).unwrap() + "[[printer]]\nid = \"front\"\nport = \"printer\"\n";
    std::fs::write(&path, text).unwrap();
    Config::load(&path).unwrap_or_else(|e| panic!("{e}")).0
}

/// Writes a store's configuration with its keys into a folder, and reads it.
pub fn configure(dir: &Path, terminals: u32, port: u16) -> Config {
    std::fs::create_dir_all(dir).unwrap();
    let mut text = format!(
        "[store]\nid = \"BENCH\"\nname = \"望京店\"\ntimezone = \"Asia/Shanghai\"\ncurrency = \"CNY\"\nday_cut = \"manual\"\n\
         [data]\ndir = \"data\"\nkey_file = \"data.key\"\nmark_file = \"tilld.mark\"\n[api]\nsocket = \"tilld.sock\"\n\
         [acquirer]\nprofile = \"unionpay-pos\"\nendpoint = \"tcp://127.0.0.1:{port}\"\ntpdu = \"6000030000\"\nheader = \"602200000000\"\ntimeout_ms = 5000\n\
         [offline]\nmax_amount = 50000\nmax_total = 100000000\nmax_count = 5000\nmax_age_hours = 72\n"
    );
    private(&dir.join("bench.tmk"), b"0123456789ABCDEFFEDCBA9876543210");
    for n in 1..=terminals {
        let _ = write!(
            text,
            "[[terminal]]\nid = \"POS{n}\"\ntid = \"1{n:07}\"\nmid = \"898100000000001\"\nmaster_key_file = \"bench.tmk\"\nserial_number = \"0001{n:04}\"\n"
        );
    }
    let path = dir.join("tilld.toml");
    std::fs::write(&path, text).unwrap();
    let _ = DataKey::random().unwrap().write_new(&dir.join("data.key"));
    std::fs::create_dir_all(dir.join("data")).unwrap();
    Config::load(&path).unwrap_or_else(|e| panic!("{e}")).0
}

/// A port nobody listens on now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn private(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.unwrap().write_all(bytes).unwrap();
}

/// Where the store of a folder lies.
pub fn database(config: &Config) -> PathBuf {
    config.data.dir.join(tilld::daemon::start::DATABASE)
}

/// The writer over a store.
pub fn writer(config: &Config, options: &StoreOptions, now: Now) -> TillWriter {
    let profile = config.acquirer.profile.clone();
    let key = DataKey::read(config.data.key_file.as_ref().unwrap()).unwrap();
    let store = SqliteStore::open(options).unwrap();
    let vault = Vault::open(&key, &config.store.id, store.day_keys().unwrap().as_deref()).unwrap();
    let date = first_date(cut_schedule(config.store.day_cut), &config.store.timezone, now.wall).unwrap();
    let start = ClockPair { wall: now.wall, mono: now.mono };
    let options = WriterOptions { rules: rules(config, &profile), first_date: date, start };
    Writer::open(store, vault, options, now).unwrap()
}

/// A person.
pub fn person(id: &str, role: Role) -> Command {
    Command::AddCashier {
        cashier: CashierId::new(id).unwrap(),
        name: "王芳".into(),
        role,
        pin_hash: vec![1; 53],
        lang: None,
        by: None,
    }
}

/// The n-th terminal.
pub fn pos(n: u32) -> TerminalId {
    TerminalId::new(&format!("POS{n}")).unwrap()
}

/// A sale.
pub fn sale(n: u64, terminal: u32, cashier: &str, method: Method) -> Command {
    let presented = (method == Method::Card).then(|| Presented {
        instrument: Instrument::Track2(Track2::new("6222021234567890128=30121010000012300".into())),
        entry: Entry::Magstripe,
        pin_block: None,
    });
    Command::Pay(Box::new(Pay {
        request: RequestId::new(&format!("bench-{n}")).unwrap(),
        kind: Kind::Sale,
        method,
        device: pos(terminal),
        cashier: CashierId::new(cashier).unwrap(),
        amount: Minor(100 + i64::try_from(n % 9_973).unwrap()),
        currency: Currency::CNY,
        original: None,
        presented,
        approved_by: None,
        confirm_amount: None,
        extra: Default::default(),
    }))
}

/// What an acquirer that likes everything says.
pub fn approve(order: &Order) -> Report {
    let settle = matches!(order.message, Outgoing::Settle(_));
    let answer = Answer {
        class: AnswerClass::Approved,
        doubt: None,
        code: (!settle).then(|| "00".into()),
        host_time: Some("120000".into()),
        host_date: Some("1120".into()),
        settle_date: Some("1120".into()),
        rrn: Some(format!("{:012}", order.stan.0)),
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
