//! One store with one terminal, its simulated acquirer and printer, as processes in a folder of their own.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

pub const TRACK: &str = "6222021234567890128=49121010000000000";

pub struct Rig {
    pub dir: PathBuf,
    port: u16,
    /// Of the programs that are started from now on.
    pub environment: Vec<(&'static str, PathBuf)>,
    daemon: Option<Child>,
    others: Vec<Child>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        for mut child in self.daemon.take().into_iter().chain(self.others.drain(..)) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub fn secret(path: &Path, text: &str) {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl Rig {
    /// The data lie in `data`, or below the folder of the store.
    pub fn at(data: Option<&Path>, ballast_mb: u64) -> Rig {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("tilld-safe-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        secret(&dir.join("POS1.tmk"), &"01".repeat(16));
        let data = data.map_or_else(|| dir.join("data"), Path::to_path_buf);
        let text = format!(
            "[store]\nid = \"S001\"\nname = \"望京店\"\ntimezone = \"Asia/Shanghai\"\ncurrency = \"CNY\"\nday_cut = \"manual\"\nlang = \"en\"\n\
             [data]\ndir = \"{}\"\nkey_file = \"data.key\"\nmark_file = \"tilld.mark\"\nballast_mb = {ballast_mb}\n[api]\nsocket = \"s\"\n\
             [acquirer]\nprofile = \"unionpay-pos\"\nendpoint = \"tcp://127.0.0.1:{port}\"\ntpdu = \"6000030000\"\nheader = \"602200000000\"\ntimeout_ms = 2000\n\
             [offline]\nmax_amount = 50000\nmax_total = 20000000\nmax_count = 5000\nmax_age_hours = 72\n\
             [[terminal]]\nid = \"POS1\"\ntid = \"10000001\"\nmid = \"898100000000001\"\nmaster_key_file = \"POS1.tmk\"\n\
             [[printer]]\nid = \"front\"\nport = \"printer\"\n",
            data.display()
        );
        std::fs::write(dir.join("tilld.toml"), text).unwrap();
        Rig { dir, port, environment: Vec::new(), daemon: None, others: Vec::new() }
    }

    pub fn new() -> Rig {
        Rig::at(None, 0)
    }

    pub fn database(&self) -> PathBuf {
        self.dir.join("data/tilld.sqlite")
    }

    fn program(&self, log: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilld"));
        let log = File::options().create(true).append(true).open(self.dir.join(log)).unwrap();
        command.current_dir(&self.dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn start_host(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = self.program("host.log");
        command.args(["sim", "acquirer", "--listen", &listen, "--books", "books.jsonl"]);
        if self.dir.join("scenario.toml").exists() {
            command.args(["--scenario", "scenario.toml"]);
        }
        command.args(["--statement", "statement.csv", "--terminal"]);
        self.others.push(command.arg("10000001=@POS1.tmk=898100000000001").spawn().unwrap());
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The acquirer's day is over: it writes its statement.
    pub fn ends_host(&mut self) -> String {
        for mut child in self.others.drain(..) {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            assert!(child.wait().unwrap().success());
        }
        std::fs::read_to_string(self.dir.join("statement.csv")).unwrap()
    }

    /// The acquirer goes away, with whatever it was doing.
    pub fn stop_host(&mut self) {
        for mut child in self.others.drain(..) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn start_printer(&mut self) {
        let mut command = self.program("printer.log");
        let paper = File::create(self.dir.join("paper.txt")).unwrap();
        command.args(["sim", "printer", "--port", "printer"]).stdout(paper).stdin(Stdio::piped());
        self.others.push(command.spawn().unwrap());
    }

    /// What lies on the paper: the printer is asked to show it.
    pub fn paper(&mut self) -> String {
        let printer = self.others.iter_mut().find_map(|child| child.stdin.as_mut()).unwrap();
        printer.write_all(b"text\n").unwrap();
        std::thread::sleep(Duration::from_millis(100));
        std::fs::read_to_string(self.dir.join("paper.txt")).unwrap_or_default()
    }

    pub fn start(&mut self) {
        let mut child = self.program("daemon.log").args(["run", "--config", "tilld.toml"]).spawn().unwrap();
        let began = Instant::now();
        while self.ask("GET", "/healthz", None).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "tilld run ended:\n{}", self.log());
            assert!(began.elapsed() < Duration::from_secs(60), "no answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.daemon = Some(child);
    }

    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    pub fn stop(&mut self) {
        let mut child = self.daemon.take().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("daemon.log")).unwrap_or_default()
    }

    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<http::Answer> {
        http::ask(&self.dir.join("s"), method, path, body, Duration::from_secs(100))
    }

    /// Whatever stands at an address, in its own format.
    pub fn reads(&self, path: &str) -> String {
        self.connection().gets(path)
    }

    /// A connection as POS software keeps it: open from one sale to the next.
    pub fn connection(&self) -> Kept {
        let stream = UnixStream::connect(self.dir.join("s")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Kept(stream)
    }

    pub fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub fn health(&self) -> String {
        self.ask("GET", "/healthz", None).unwrap().1["health"].as_str().unwrap().to_owned()
    }

    pub fn health_becomes(&self, word: &str) {
        let began = Instant::now();
        while self.health() != word {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it is {} and not {word}:\n{}",
                self.health(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn hire(&self) {
        for (id, role) in [("1001", "cashier"), ("9001", "manager"), ("9009", "technician")] {
            let body = json!({"id": id, "name": id, "role": role, "pin": "246810"});
            assert!(self.ask("POST", "/v1/cashiers", Some(&body)).unwrap().0 < 300);
        }
    }

    pub fn sale(&self, request: &str, method: &str, amount: i64) -> http::Answer {
        let mut body = json!({"request_id": request, "kind": "sale", "device": "POS1", "cashier": "1001", "method": method,
            "amount": amount, "currency": "CNY"});
        if method == "card" {
            body["card"] = json!({"track2": TRACK, "entry": "magstripe"});
        }
        self.ask("POST", "/v1/payments", Some(&body)).unwrap()
    }

    pub fn sells(&self, request: &str, method: &str, state: &str) {
        let (status, answer) = self.sale(request, method, 1_234);
        assert_eq!((status, answer["state"].as_str()), (200, Some(state)), "{answer}");
    }

    pub fn line_up(&self) {
        let began = Instant::now();
        loop {
            let status = self.ask("GET", "/healthz", None).unwrap().1;
            if status["terminals"][0]["line"] == "up" && status["terminals"][0]["signed_on"] == true {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "no line: {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn command(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilld"));
        command
            .current_dir(&self.dir)
            .args(words)
            .args(["--config", "tilld.toml"])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub fn does(&self, words: &[&str]) -> String {
        let done = self.command(words);
        assert!(done.status.success(), "{words:?}: {}{}", text(&done.stdout), text(&done.stderr));
        text(&done.stdout)
    }

    pub fn refuses(&self, words: &[&str]) -> (i32, String) {
        let done = self.command(words);
        assert!(!done.status.success(), "{words:?}: {}", text(&done.stdout));
        (done.status.code().unwrap(), text(&done.stdout) + &text(&done.stderr))
    }
}

pub struct Kept(UnixStream);

impl Kept {
    /// A body of any kind; the status and the answer.
    pub fn sends(mut self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: tilld\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes()).unwrap();
        self.0.write_all(body).unwrap();
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        let answer = text(&bytes);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// An answer as it came, head and all.
    pub fn gets(mut self, path: &str) -> String {
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: tilld\r\nConnection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        let answer = text(&bytes);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer
    }

    /// The head and the first bytes of the answer; the connection stays as the daemon leaves it.
    pub fn posts(&mut self, path: &str, body: &Value) -> String {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: tilld\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes()).unwrap();
        self.0.write_all(body.as_bytes()).unwrap();
        let mut bytes = vec![0; 65_536];
        let n = self.0.read(&mut bytes).unwrap();
        text(&bytes[..n])
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
