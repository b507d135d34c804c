//! The daemon as it runs, its real sockets, and a stranger between it and the acquirer that captures what goes by.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::python;

const TILLD: &str = env!("CARGO_BIN_EXE_tilld");
const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";

/// A program that says where it listens in its first line, and ends when its standard input does.
struct Listening(Child, u16);

impl Listening {
    /// It says so on standard output, which is read on later.
    fn start(command: &mut Command) -> Listening {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let port = port_in(child.stdout.as_mut().unwrap());
        Listening(child, port)
    }

    /// It says so in its log, which is read to its end, so that it never waits for a reader.
    fn start_logging(command: &mut Command) -> Listening {
        command.env("TILLD_LOG", "info").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = child.stderr.take().unwrap();
        let port = port_in(&mut log);
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Listening(child, port)
    }
}

fn port_in(out: &mut impl Read) -> u16 {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    let line = String::from_utf8(line).unwrap();
    let digits: String = line.rsplit(':').next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("where does it listen? {line}"))
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Till(Child, PathBuf);

impl Till {
    fn start(dir: &Path, port: u16) -> Till {
        let config = dir.join("tilld.toml");
        let text = format!(
            "[store]\nid = \"S001\"\nname = \"望京店\"\ntimezone = \"Asia/Shanghai\"\ncurrency = \"CNY\"\nday_cut = \"manual\"\n\
             [data]\ndir = \"data\"\n[api]\nsocket = \"tilld.sock\"\n[acquirer]\nprofile = \"unionpay-pos\"\nendpoint = \"tcp://127.0.0.1:{port}\"\n\
             tpdu = \"6000030000\"\nheader = \"602200000000\"\ntimeout_ms = 10000\n\
             [[terminal]]\nid = \"POS1\"\ntid = \"12345678\"\nmid = \"123456789012345\"\nmaster_key_file = \"POS1.tmk\"\nserial_number = \"00003202\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let key =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(dir.join("POS1.tmk"));
        key.unwrap().write_all(MASTER.as_bytes()).unwrap();
        for (id, role) in [("1001", "cashier"), ("M1", "manager")] {
            let mut add = Command::new(TILLD)
                .args(["cashier", "add", id, "--name", id, "--role", role, "--pin-stdin", "--config"])
                .arg(&config)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            add.stdin.take().unwrap().write_all(b"246810\n").unwrap();
            assert!(add.wait().unwrap().success());
        }
        let child = Command::new(TILLD).args(["run", "--config"]).arg(&config).stderr(Stdio::null()).spawn().unwrap();
        let till = Till(child, dir.join("tilld.sock"));
        let began = Instant::now();
        while UnixStream::connect(&till.1).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        till
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let mut stream = UnixStream::connect(&self.1).unwrap();
        let body = body.to_string();
        let head = "host: tilld\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length";
        write!(stream, "POST {path} HTTP/1.1\r\n{head}: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap_or_else(|_| panic!("{answer}"))
    }

    /// A payment that must be approved; its id.
    fn pay(&self, kind: &str, more: Value) -> String {
        let mut body = json!({"request_id": format!("{kind}-{more}").chars().filter(char::is_ascii_alphanumeric).take(48).collect::<String>(),
            "kind": kind, "device": "POS1", "cashier": "1001", "method": "card", "amount": 10_000, "currency": "CNY"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let told = self.ask("/v1/payments", &body);
        assert_eq!(told["state"], "approved", "{kind}: {told}");
        told["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Till {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_goes_over_the_wire_is_what_a_stranger_builds() {
    const NAME: &str = "what_goes_over_the_wire_is_what_a_stranger_builds";
    let Some(python) = python(NAME, "import iso8583, Crypto") else { return };
    let dir = std::env::temp_dir().join(format!("tilld-capture-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut sim = Command::new(TILLD);
    sim.args(["sim", "acquirer", "--listen", "127.0.0.1:0", "--any-terminal", MASTER, "--books"])
        .arg(dir.join("books"));
    let host = Listening::start_logging(&mut sim);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/capture.py");
    let mut capture = Listening::start(Command::new(python).arg(script).args([host.1.to_string().as_str(), MASTER]));
    let till = Till::start(&dir, capture.1);

    let card = json!({"track2": "6222021234567890128=30121010000012300"});
    let began = Instant::now();
    while till.ask(
        "/v1/payments",
        &json!({"request_id": "first", "kind": "sale", "device": "POS1", "cashier": "1001", "method": "card",
        "amount": 500, "currency": "CNY", "card": card}),
    )["state"]
        != "approved"
    {
        assert!(began.elapsed() < Duration::from_secs(30), "the line does not come up");
        std::thread::sleep(Duration::from_millis(100));
    }
    let sold = till.pay("sale", json!({"card": card}));
    let returned = till.pay(
        "sale",
        json!({"card": {"pan": "4111111111111111", "expiry": "3012", "entry": "manual"}, "amount": 20_000}),
    );
    till.pay("sale", json!({"method": "qr", "auth_code": "134567890123456789"}));
    till.pay("void", json!({"original": sold}));
    till.pay("refund", json!({"original": returned, "amount": 500, "confirm_amount": 500}));
    let held = till.pay("preauth", json!({"card": card}));
    let taken = till.pay("completion", json!({"original": held}));
    till.pay("completion_void", json!({"original": taken}));
    let held = till.pay("preauth", json!({"card": card, "amount": 7_000}));
    till.pay("preauth_void", json!({"original": held, "amount": 7_000}));
    till.pay("balance", json!({"card": card, "amount": 0}));
    let closed = till.ask("/v1/day/close", &json!({"by": "M1", "wait": 30}));
    assert_eq!(closed["settlement"][0]["result"], "balanced", "{closed}");
    drop(till);

    drop(capture.0.stdin.take());
    let mut said = String::new();
    BufReader::new(capture.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["wrong"], json!([]), "{said}");
    for kind in [
        "0800 00", "0200 22", "0200 23", "0220 25", "0100 10", "0200 20", "0200 21", "0100 11", "0200 01", "0500 00",
        "0320 00",
    ] {
        assert!(said["kinds"][kind].as_u64().unwrap_or(0) > 0, "no {kind} went by: {said}");
    }
    eprintln!("{} frames captured on loopback equal what pyiso8583 builds", said["frames"]);
    let _ = std::fs::remove_dir_all(&dir);
}
