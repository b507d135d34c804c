//! The two programs and the folder that they live in.

use std::fmt::Write as _;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

/// The program: the one that was built for the tests, or `TILLD`.
fn tilld() -> PathBuf {
    std::env::var_os("TILLD").map_or_else(|| env!("CARGO_BIN_EXE_tilld").into(), PathBuf::from)
}

/// Name and TID of the n-th terminal, from 1.
pub fn terminal(n: usize) -> (String, String) {
    (format!("POS{n}"), format!("{}", 10_000_000 + n))
}

const MID: &str = "898100000000001";
/// The acquirer loses a few answers by itself: a kill then meets reversals and repeats.
pub const LOSSY: &str = r#"
terminal_timeout_ms = 1000
latency_ms = 5

[[decline]]
ending = 51
code = "51"

[[fault]]
on = ["sale", "scan_sale", "void"]
per_mille = 30
do = "drop_answer"

[[fault]]
on = ["settle", "end", "offline_sale"]
per_mille = 20
do = "drop_answer"
"#;

/// What our side says at the end.
#[derive(Debug)]
pub struct Books {
    /// Every payment, as `GET /v1/payments` gives it.
    pub payments: Vec<Value>,
    /// The report of every closed day.
    pub days: Vec<Value>,
    /// Open exceptions.
    pub exceptions: Vec<Value>,
}

#[derive(Debug)]
pub struct Rig {
    pub dir: PathBuf,
    pub socket: PathBuf,
    /// How many there are.
    pub terminals: usize,
    log: &'static str,
    port: u16,
    daemon: Option<Child>,
    host: Option<Child>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in [self.daemon.take(), self.host.take()].into_iter().flatten() {
            kill(child);
        }
    }
}

fn kill(mut child: Child) {
    // SIGKILL; and the process is gone before anything else happens.
    child.kill().unwrap();
    child.wait().unwrap();
}

impl Rig {
    /// So many terminals, the acquirer's behaviour, and what is logged.
    pub fn build(terminals: usize, scenario: &str, log: &'static str) -> Rig {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Short: a socket's path has at most 107 bytes.
        let dir = std::env::temp_dir().join(format!("tilld-kills-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let rig = Rig { socket: dir.join("s"), dir, terminals, log, port, daemon: None, host: None };
        std::fs::write(rig.dir.join("scenario.toml"), scenario).unwrap();
        for number in 1..=terminals {
            let (name, _) = terminal(number);
            let path = rig.dir.join(format!("{name}.tmk"));
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
            std::io::Write::write_all(&mut file, format!("{number:02X}").repeat(16).as_bytes()).unwrap();
        }
        std::fs::write(rig.dir.join("tilld.toml"), rig.configuration()).unwrap();
        rig
    }

    fn configuration(&self) -> String {
        let mut text = format!(
            r#"[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "data"
mark_file = "tilld.mark"
[api]
socket = "s"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:{}"
tpdu = "6000030000"
header = "602200000000"
timeout_ms = 1000
[offline]
max_amount = 50000
max_total = 20000000
max_count = 5000
max_age_hours = 72
"#,
            self.port
        );
        for (name, tid) in (1..=self.terminals).map(terminal) {
            writeln!(
                text,
                "[[terminal]]\nid = \"{name}\"\ntid = \"{tid}\"\nmid = \"{MID}\"\nmaster_key_file = \"{name}.tmk\"\nserial_number = \"{tid}\""
            )
            .unwrap();
        }
        text
    }

    fn program(&self, log: &str) -> Command {
        let mut command = Command::new(tilld());
        let log = File::options().create(true).append(true).open(self.dir.join(log)).unwrap();
        command.current_dir(&self.dir).stdin(Stdio::null()).stderr(log).env("TILLD_LOG", self.log);
        command
    }

    pub fn start_host(&mut self) {
        let mut command = self.program("host.log");
        let listen = format!("127.0.0.1:{}", self.port);
        command.args(["sim", "acquirer", "--listen", &listen, "--books", "books.jsonl"]);
        command.args(["--statement", "statement.csv", "--scenario", "scenario.toml"]);
        for (name, tid) in (1..=self.terminals).map(terminal) {
            command.arg("--terminal").arg(format!("{tid}=@{name}.tmk={MID}"));
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "the host ended:\n{}", self.log("host.log"));
            std::thread::sleep(Duration::from_millis(5));
        }
        self.host = Some(child);
    }

    /// Starts the daemon and waits until it answers.
    pub fn start_daemon(&mut self) {
        let mut command = self.program("daemon.log");
        let mut child = command.args(["run", "--config", "tilld.toml"]).stdout(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while self.get("/healthz").is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("tilld run ended with {status}:\n{}", self.log("daemon.log"));
            }
            assert!(began.elapsed() < Duration::from_secs(30), "no answer in 30 s:\n{}", self.log("daemon.log"));
            std::thread::sleep(Duration::from_millis(10));
        }
        self.daemon = Some(child);
    }

    /// Starts the daemon and kills it before it is ready: its recovery is interrupted.
    pub fn start_briefly(&self, ms: u64) {
        let mut command = self.program("daemon.log");
        let child = command.args(["run", "--config", "tilld.toml"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        kill(child);
    }

    fn log(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        text.lines().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The running daemon's process.
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    pub fn kill_daemon(&mut self) {
        if let Some(child) = self.daemon.take() {
            kill(child);
        }
    }

    pub fn kill_host(&mut self) {
        if let Some(child) = self.host.take() {
            kill(child);
        }
    }

    pub fn stop_daemon(&mut self) {
        let child = self.daemon.take().unwrap();
        let status = terminate(child).0;
        assert!(status.success(), "tilld run ended with {status}:\n{}", self.log("daemon.log"));
    }

    /// Stops the host; what it says last is its judgement.
    pub fn stop_host(&mut self) -> Value {
        let (status, out) = terminate(self.host.take().unwrap());
        assert!(status.success(), "the host ended with {status}:\n{}", self.log("host.log"));
        serde_json::from_str(&out).unwrap()
    }

    /// `tilld verify`; what it found where it does not end with 0.
    pub fn verify(&self) -> Result<(), String> {
        let mut command = Command::new(tilld());
        let done = command.current_dir(&self.dir).args(["verify", "--config", "tilld.toml"]).output().unwrap();
        if done.status.success() {
            return Ok(());
        }
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        Err(format!("tilld verify ended with {}: {out}{err}", done.status))
    }

    fn get(&self, path: &str) -> std::io::Result<http::Answer> {
        http::ask(&self.socket, "GET", path, None, Duration::from_secs(30))
    }

    fn must_get(&self, path: &str) -> Value {
        let (status, body) = self.get(path).unwrap_or_else(|e| panic!("GET {path}: {e}\n{}", self.log("daemon.log")));
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    fn must_post(&self, path: &str, body: &Value) -> Value {
        let answer = http::ask(&self.socket, "POST", path, Some(body), Duration::from_secs(150));
        let (status, answer) = answer.unwrap_or_else(|e| panic!("POST {path}: {e}\n{}", self.log("daemon.log")));
        assert_eq!(status, 200, "POST {path} {body}: {answer}");
        answer
    }

    pub fn hire(&self) {
        let people = [("1001", "cashier"), ("1002", "cashier"), ("1003", "cashier"), ("9001", "manager")];
        for (id, role) in people {
            let body = json!({"id": id, "name": format!("收银 {id}"), "role": role, "pin": "246810"});
            let (path, patience) = ("/v1/cashiers", Duration::from_secs(30));
            let (status, answer) = http::ask(&self.socket, "POST", path, Some(&body), patience).unwrap();
            assert!(status < 300, "{answer}");
        }
    }

    fn pages(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.must_get(&format!("{path}?limit=500{cursor}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The line is good: everything is forwarded, reversed, closed and settled; then our books.
    pub fn end_of_day(&self) -> Books {
        let began = Instant::now();
        self.must_post("/v1/day/close", &json!({"by": "9001", "wait": 90}));
        loop {
            let payments = self.pages("/v1/payments");
            let mut dates: Vec<&str> = payments.iter().map(|p| p["business_date"].as_str().unwrap()).collect();
            dates.sort_unstable();
            dates.dedup();
            let days: Vec<Value> = dates.iter().map(|d| self.must_get(&format!("/v1/reports/{d}"))).collect();
            if days.iter().all(|day| day["state"] == "balanced") || began.elapsed() > Duration::from_secs(120) {
                // Read again: what was still under way a moment ago has settled since, or the days would not say so.
                let payments = self.pages("/v1/payments");
                let exceptions = self.pages("/v1/exceptions");
                return Books { payments, days, exceptions };
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// SIGTERM, and what it printed before it ended.
fn terminate(child: Child) -> (std::process::ExitStatus, String) {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let done = child.wait_with_output().unwrap();
    (done.status, String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Whether a daemon's socket is there at all.
pub fn is_up(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}
