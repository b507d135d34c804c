//! A store: a simulated acquirer, a daemon, and whatever devices a test plugs in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tilld::daemon::config::Config;
use tilld::daemon::start;
use tilld::io::http::client::{Client, ClientError};
use tilld::sim::acquirer::keys::Key;
use tilld::sim::acquirer::{self, Handle, HostConfig, Scenario, SimConfig, TerminalConfig};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const MASTER: &str = "70F2A84CCBC2AE8625CBB0F2C22AB923";
pub const MASTER_CHECK: &str = "47F81683";
/// POS1's keys are in its bridge where it has one; POS2's are in a file.
const TIDS: [&str; 2] = ["10000001", "10000002"];
const MID: &str = "898100000000001";

/// A folder of its own for a test.
pub fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hw-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// The built program; what it printed, good or bad.
pub fn tilld(words: &[&str], input: &str) -> (Option<i32>, String) {
    tilld_in("C.UTF-8", words, input)
}

/// The same in another language.
pub fn tilld_in(lang: &str, words: &[&str], input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tilld"))
        .args(words)
        .env_remove("TILLD_LOG")
        .env("LC_ALL", lang)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Injects the master key as a technician does, and compares what is shown with the key letter.
pub fn load_key(port: &Path) {
    let port = port.to_str().unwrap();
    let input = format!("{MASTER}\n\n2468\n");
    let (code, said) = tilld(&["bridge", "load-key", "--port", port, "--check-value", MASTER_CHECK], &input);
    assert_eq!((code, said.as_str()), (Some(0), "the master key is in, check value 47F81683\n"));
}

pub struct Rig {
    pub acquirer: Handle,
    pub client: Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), start::StartError>>,
}

impl Rig {
    /// A daemon whose only reader is the bridge at `port`.
    pub async fn start(dir: &Path, port: &Path) -> Rig {
        let bridge = format!("[[reader]]\nterminal = \"POS1\"\nkind = \"bridge\"\nport = \"{}\"\n", port.display());
        Rig::with(dir, &(terminal(0, false) + &bridge)).await
    }

    /// A daemon with these terminals and devices; paths begin at `dir`.
    pub async fn with(dir: &Path, devices: &str) -> Rig {
        write_key(dir);
        let terminals = TIDS.map(|tid| {
            let master_key = Key::from_hex(MASTER).unwrap();
            (tid.to_owned(), TerminalConfig { master_key, mid: Some(MID.to_owned()) })
        });
        let scenario = Scenario::parse("terminal_timeout_ms = 3000\n").unwrap();
        let host =
            HostConfig { terminals: terminals.into(), any_terminal: None, seed: 4, utc_offset_s: 28_800, scenario };
        let acquirer = acquirer::start(SimConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            books: dir.join("books.jsonl"),
            statement: Some(dir.join("statement.csv")),
            host,
            clock: Arc::new(tilld::io::clock::wall),
        })
        .await
        .unwrap();
        std::fs::create_dir_all(dir.join("mark")).unwrap();
        let path = dir.join("tilld.toml");
        std::fs::write(&path, configuration(acquirer.addr.port()) + devices).unwrap();
        let config = Config::load(&path).unwrap().0;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move { start::run(&config, async move { drop(stopped.await) }).await });
        let client = Client::socket(&dir.join("tilld.sock")).patient(Duration::from_secs(90));
        let rig = Rig { acquirer, client, stop, task };
        rig.until("the API answers", async || rig.client.get("/healthz").await.is_ok()).await;
        for (id, role) in [("1001", "cashier"), ("9001", "manager")] {
            let told = rig.ask("/v1/cashiers", json!({"id": id, "name": "小李", "role": role, "pin": "246810"})).await;
            // A store that was started before has them.
            assert!(told.is_ok() || told == Err("cashier_exists".to_owned()), "{told:?}");
        }
        rig
    }

    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap().unwrap();
        self.acquirer.stop().await.unwrap();
    }

    /// Waits for something, 20 s at most.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        for _ in 0..800 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("not within 20 s: {what}; {:#}", self.status().await);
    }

    pub async fn status(&self) -> Value {
        self.client.get_json("/healthz").await.unwrap_or_default()
    }

    pub async fn signed_on(&self) {
        self.until("signed on", async || {
            let status = self.status().await;
            status["terminals"][0]["signed_on"] == true && status["terminals"][0]["line"] == "up"
        })
        .await;
    }

    pub async fn ask(&self, path: &str, body: Value) -> Result<Value, String> {
        match self.client.post_json::<Value>(path, &body).await {
            Ok(value) => Ok(value),
            Err(ClientError::Refused(problem)) => Err(problem.code),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    pub async fn must(&self, path: &str, body: Value) -> Value {
        self.ask(path, body).await.unwrap()
    }

    pub async fn pay(&self, request: &str, method: &str, amount: i64) -> Result<Value, String> {
        self.pay_at("POS1", request, method, amount).await
    }

    pub async fn pay_at(&self, device: &str, request: &str, method: &str, amount: i64) -> Result<Value, String> {
        let body = json!({"request_id": request, "kind": "sale", "device": device, "cashier": "1001",
            "method": method, "amount": amount, "currency": "CNY"});
        self.ask("/v1/payments", body).await
    }

    /// What `status` says of a port.
    pub async fn port(&self, id: &str) -> Value {
        let status = self.status().await;
        let ports = status["ports"].as_array().cloned().unwrap_or_default();
        ports.into_iter().find(|p| p["id"] == id).unwrap_or_else(|| panic!("no port {id}: {status:#}"))
    }

    /// Waits until a port is open.
    pub async fn open(&self, id: &str) {
        self.until(&format!("{id} is open"), async || self.port(id).await["state"] == "open").await;
    }

    /// What the acquirer found wrong with what it got.
    pub fn findings(&self) -> Vec<String> {
        self.acquirer.judgement().findings.iter().map(|f| format!("{f:?}")).collect()
    }
}

/// The master key of terminals without a bridge.
pub fn write_key(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let key = dir.join("master.key");
    std::fs::write(&key, MASTER).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A terminal's section.
pub fn terminal(at: usize, key_file: bool) -> String {
    let key = if key_file { "master_key_file = \"master.key\"\n" } else { "" };
    let (n, tid) = (at + 1, TIDS[at]);
    format!("[[terminal]]\nid = \"POS{n}\"\ntid = \"{tid}\"\nmid = \"{MID}\"\nserial_number = \"0000320{n}\"\n{key}")
}

pub fn configuration(acquirer: u16) -> String {
    format!(
        r#"[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "data"
mark_file = "mark/tilld.mark"
[api]
socket = "tilld.sock"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:{acquirer}"
tpdu = "6000030000"
header = "602200000000"
timeout_ms = 3000
"#
    )
}
