//! The rig: a folder with a configuration, a simulated acquirer on a TCP port, printers and readers on ptys, and a daemon over them, all
//! as tasks and threads of this process and over the real wires.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{DemoError, pad};
use crate::daemon::config::Config;
use crate::daemon::{start, tables};
use crate::io::http::client::{Client, ClientError};
use crate::sim::acquirer::keys::Key;
use crate::sim::acquirer::{self, Handle, HostConfig, Scenario, SimConfig, TerminalConfig};
use crate::sim::msr::MsrStand;
use crate::sim::printer::{PrinterSettings, PrinterStand};
use crate::sim::scanner::{ScannerSettings, ScannerStand};

/// The demo's terminals: name, TID.
pub const TERMINALS: [(&str, &str); 3] = [("POS1", "10000001"), ("POS2", "10000002"), ("POS3", "10000003")];
const MID: &str = "898100000000001";
/// How long the daemon waits for an answer: short, so that a lost one does not hold the demo up.
pub const TIMEOUT_MS: u64 = 1_500;

/// Everything that runs.
pub struct Rig {
    /// Where it all lies.
    pub dir: PathBuf,
    /// The acquirer.
    pub acquirer: Handle,
    /// The printer of reports.
    pub office: PrinterStand,
    /// The printer of receipts.
    pub front: PrinterStand,
    /// POS1's scanner.
    pub scanner: ScannerStand,
    /// POS2's stripe reader.
    pub msr: MsrStand,
    /// POS3's bridge.
    pub bridge: Option<PathBuf>,
    /// The API.
    pub client: Client,
    daemon: Option<Daemon>,
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rig({})", self.dir.display())
    }
}

struct Daemon {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), start::StartError>>,
}

impl Rig {
    /// Builds it in a folder, which is made; one that already holds a demo is refused.
    pub async fn build(dir: &Path, bridge: Option<PathBuf>) -> Result<Rig, DemoError> {
        let file = |path: &Path, e: std::io::Error| DemoError::Setup(format!("{}: {e}", path.display()));
        std::fs::create_dir_all(dir).map_err(|e| file(dir, e))?;
        let dir = std::path::absolute(dir).map_err(|e| file(dir, e))?;
        if dir.join("tilld.toml").exists() {
            return Err(DemoError::Setup(format!(
                "{} holds a demo already: choose an empty folder with --dir",
                dir.display()
            )));
        }
        let keys = write_keys(&dir).map_err(|e| file(&dir, e))?;
        if let (Some(port), Some(key)) = (&bridge, keys.last()) {
            pad::inject(port, key)?;
        }
        let acquirer = start_acquirer(&dir, &keys).await?;
        let text = configuration(acquirer.addr.port(), bridge.as_deref());
        let config_path = dir.join("tilld.toml");
        std::fs::write(&config_path, text).map_err(|e| file(&config_path, e))?;
        write_tables(&dir).map_err(|e| file(&dir, e))?;
        let stand = |e: std::io::Error| DemoError::Setup(format!("a pty could not be opened: {e}"));
        let settings = PrinterSettings::default();
        let office = PrinterStand::start(&dir.join("printer-office"), settings.clone()).map_err(stand)?;
        let front = PrinterStand::start(&dir.join("printer-front"), settings).map_err(stand)?;
        let scanner = ScannerStand::start(&dir.join("scanner-pos1"), ScannerSettings::default()).map_err(stand)?;
        let msr = MsrStand::start(&dir.join("msr-pos2"), true).map_err(stand)?;
        let client = Client::socket(&dir.join("tilld.sock")).patient(Duration::from_secs(90));
        let mut rig = Rig { dir, acquirer, office, front, scanner, msr, bridge, client, daemon: None };
        rig.start_daemon().await?;
        Ok(rig)
    }

    /// Starts the daemon, as `tilld run` does, and waits until its API answers.
    pub async fn start_daemon(&mut self) -> Result<(), DemoError> {
        let config = Config::load(&self.dir.join("tilld.toml")).map_err(|e| DemoError::Setup(e.to_string()))?.0;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            // Dropping the other end stops the daemon as well.
            let shutdown = async move { drop(stopped.await) };
            start::run(&config, shutdown).await
        });
        self.daemon = Some(Daemon { stop, task });
        for _ in 0..200 {
            if self.client.get("/healthz").await.is_ok() {
                return Ok(());
            }
            if self.daemon.as_ref().is_some_and(|d| d.task.is_finished()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        self.stop_daemon().await?;
        Err(DemoError::Setup("the daemon does not answer on its socket".into()))
    }

    /// Stops the daemon gracefully.
    pub async fn stop_daemon(&mut self) -> Result<(), DemoError> {
        let Some(daemon) = self.daemon.take() else { return Ok(()) };
        // It may have ended by itself: then its result says why.
        let _ = daemon.stop.send(());
        match daemon.task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(DemoError::Setup(error.to_string())),
            Err(error) => Err(DemoError::Setup(format!("the daemon ended badly: {error}"))),
        }
    }

    /// `POST`, and the JSON that comes back; a refusal is data.
    pub async fn ask(&self, path: &str, body: Value) -> Result<Result<Value, String>, DemoError> {
        match self.client.post_json::<Value>(path, &body).await {
            Ok(value) => Ok(Ok(value)),
            Err(ClientError::Refused(problem)) => Ok(Err(problem.code)),
            Err(error) => Err(DemoError::Api(format!("POST {path}: {error}"))),
        }
    }

    /// `POST` that must not be refused.
    pub async fn must(&self, path: &str, body: Value) -> Result<Value, DemoError> {
        let shown = body.to_string();
        self.ask(path, body).await?.map_err(|code| DemoError::Api(format!("POST {path} {shown}: refused with {code}")))
    }

    /// `POST` that must not be refused, and the text that comes back.
    pub async fn post_text(&self, path: &str, body: Value) -> Result<String, DemoError> {
        let answer = self.client.post(path, &body).await.and_then(|answer| answer.ok());
        let answer = answer.map_err(|error| DemoError::Api(format!("POST {path}: {error}")))?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.client.get_json(path).await.map_err(|e| DemoError::Api(format!("GET {path}: {e}")))
    }

    /// Adds the people of the store.
    pub async fn hire(&self, people: &[(&str, &str, &str)]) -> Result<(), DemoError> {
        for (id, name, role) in people {
            self.must("/v1/cashiers", json!({"id": id, "name": name, "role": role, "pin": PIN})).await?;
        }
        Ok(())
    }
}

/// Everybody's PIN in the demo.
pub const PIN: &str = "246810";

/// One master key a terminal, different in every demo.
fn write_keys(dir: &Path) -> std::io::Result<Vec<String>> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut keys = Vec::new();
    for (name, _) in TERMINALS {
        let mut bytes = [0u8; 16];
        crate::io::vault::fill(&mut bytes).map_err(std::io::Error::other)?;
        let key = bytes.iter().fold(String::new(), |mut text, b| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{b:02X}");
            text
        });
        let path = dir.join(format!("{name}.tmk"));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        std::io::Write::write_all(&mut file, key.as_bytes())?;
        keys.push(key);
    }
    Ok(keys)
}

async fn start_acquirer(dir: &Path, keys: &[String]) -> Result<Handle, DemoError> {
    let bad = |e: String| DemoError::Setup(format!("the simulated acquirer: {e}"));
    let mut terminals = std::collections::BTreeMap::new();
    for ((_, tid), key) in TERMINALS.iter().zip(keys) {
        let master_key = Key::from_hex(key).map_err(bad)?;
        terminals.insert((*tid).to_owned(), TerminalConfig { master_key, mid: Some(MID.to_owned()) });
    }
    let scenario = Scenario::parse(SCENARIO).map_err(bad)?;
    let host = HostConfig { terminals, any_terminal: None, seed: 20_260, utc_offset_s: 28_800, scenario };
    let listen = "127.0.0.1:0".parse().map_err(|_| bad("no address".into()))?;
    let clock: acquirer::Clock = Arc::new(crate::io::clock::wall);
    let config = SimConfig {
        listen,
        books: dir.join("acquirer-books.jsonl"),
        statement: Some(dir.join("acquirer-statement.csv")),
        host,
        clock,
    };
    acquirer::start(config).await.map_err(|e| bad(e.to_string()))
}

/// The acquirer's ways in the demo: some amounts are declined, and a PIN must be the card's.
const SCENARIO: &str = r#"
terminal_timeout_ms = 1500
latency_ms = 8

[[decline]]
ending = 51
code = "51"

[[decline]]
ending = 54
advice = false
code = "54"

[[card]]
pan = "6222021234567890128"
pin = "123456"
"#;

/// What payments cost, and what the demo's test cards are.
fn write_tables(dir: &Path) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    std::fs::write(dir.join("fees.toml"), include_str!("../../cross/fees.toml"))?;
    let mut payees =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(dir.join("payees.csv"))?;
    payees.write_all("id,name,account,bank\nguest,演示客人,020000010900123456,演示银行\n".as_bytes())?;
    let data = dir.join("data");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data)?;
    std::fs::write(data.join(tables::CARDS), include_str!("cards.csv"))
}

fn configuration(port: u16, bridge: Option<&Path>) -> String {
    // A terminal without a printer has its drawer at its bridge.
    let printed = if bridge.is_some() { r#"["POS1", "POS2"]"# } else { r#"["POS1", "POS2", "POS3"]"# };
    let mut text = format!(
        r#"# A demo store. `tilld run --config tilld.toml` goes on with it while `tilld sim acquirer` serves its books.
[store]
id = "DEMO"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"

[data]
dir = "data"
mark_file = "tilld.mark"

[api]
socket = "tilld.sock"

[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:{port}"
tpdu = "6000030000"
header = "602200000000"
timeout_ms = {TIMEOUT_MS}

[offline]
max_amount = 50000
max_total = 2000000
max_count = 500
max_age_hours = 72

[fees]
file = "fees.toml"

[refunds]
cash = true
transfer = true
payees_file = "payees.csv"
[statements]
watch = "statements"
watch_s = 1

[[printer]]
id = "office"
port = "printer-office"
columns = 48
terminals = []
receipts = false

[[printer]]
id = "front"
port = "printer-front"
columns = 48
terminals = {printed}

[[reader]]
terminal = "POS1"
kind = "scanner"
port = "scanner-pos1"

[[reader]]
terminal = "POS2"
kind = "msr"
port = "msr-pos2"
"#
    );
    if let Some(port) = bridge {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[[reader]]\nterminal = \"POS3\"\nkind = \"bridge\"\nport = \"{}\"\n", port.display());
    }
    for (name, tid) in TERMINALS {
        let _ = write!(
            text,
            "\n[[terminal]]\nid = \"{name}\"\ntid = \"{tid}\"\nmid = \"{MID}\"\nserial_number = \"0000{tid}\"\n"
        );
        if bridge.is_none() || name != "POS3" {
            let _ = writeln!(text, "master_key_file = \"{name}.tmk\"");
        }
    }
    text
}
