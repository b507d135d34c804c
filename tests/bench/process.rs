//! The daemon as a process: how soon it is ready over a million rows, what memory it holds, how often it wakes when nothing happens.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::figure::{Figure, median};
use crate::filled::{self, Size};
use crate::shop;

/// The program as cargo builds it.
pub const DAEMON: &str = env!("CARGO_BIN_EXE_tilld");

/// The program as a device gets it (`cross/build.sh`), where `TILLD_BENCH_DEVICE` names it.
fn for_devices() -> Option<std::ffi::OsString> {
    std::env::var_os("TILLD_BENCH_DEVICE")
}

pub const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

/// Rows of the big store; for trying the measurement out, `TILLD_BENCH_ROWS`.
fn rows() -> u64 {
    std::env::var("TILLD_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000)
}

/// Ready in under 150 ms warm; under 20 MB after a close and 40 at its peak; at most two wake-ups a second.
pub fn start_memory_idle(dir: &Path) -> Vec<Figure> {
    let big = dir.join("big");
    std::fs::create_dir_all(&big).unwrap();
    filled::build(&big, Size { rows: rows(), open: rows() / 100, day: rows() / 20, terminals: 8 });
    let mut figures = Vec::new();
    let programs = [(DAEMON.into(), "release build"), (for_devices().unwrap_or_default(), "device's static program")];
    for (program, which) in programs.iter().filter(|(program, _)| !program.is_empty()) {
        figures.extend(started(&big, program, which));
    }
    let idle = wake_ups(&dir.join("idle"));
    figures.push(
        Figure::of("idle, 8 terminals signed on", idle, "wake-ups/s")
            .target("≤ 2", idle <= 2.0)
            .note("voluntary context switches of all threads in 20 s"),
    );
    figures
}

/// One program over a copy of the big store.
fn started(big: &Path, program: &OsStr, which: &str) -> Vec<Figure> {
    let dir = big.with_file_name("copy");
    let copied = Command::new("cp").arg("-r").args([big, &dir]).status().unwrap();
    assert!(copied.success());
    std::fs::remove_file(dir.join("data/tilld.sqlite.lock")).ok();
    let mut ready = Vec::new();
    for n in 0..7 {
        let (mut daemon, took) = Daemon::start(&dir, program);
        if n > 1 {
            ready.push(took.as_secs_f64() * 1e3);
        }
        daemon.stop();
    }
    let ready = median(ready);
    let (mut daemon, _) = Daemon::start(&dir, program);
    let told = daemon.ask("POST", "/v1/day/close", r#"{"wait":0}"#);
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    // The slow check goes through all rows meanwhile.
    std::thread::sleep(Duration::from_secs(20));
    let (now, peak) = (daemon.memory("VmRSS:"), daemon.memory("VmHWM:"));
    daemon.stop();
    std::fs::remove_dir_all(&dir).unwrap();
    let rows = rows();
    let other = "the release build is made for speed, the device's for size: each meets the other's target less well";
    vec![
        Figure::of(
            format!("start to ready, {rows} rows of which {} in the open day, warm; {which}", rows / 100),
            ready,
            "ms",
        )
        .target("< 150 ms", ready < 150.0)
        .note(other),
        Figure::of(format!("memory after a close, 8 terminals, {rows} rows, all of them checked; {which}"), now, "MB")
            .target("< 20 MB", now < 20.0)
            .note(other),
        Figure::of(format!("memory at its peak, the same run; {which}"), peak, "MB").target("< 40 MB", peak < 40.0),
    ]
}

fn wake_ups(dir: &Path) -> f64 {
    std::fs::create_dir_all(dir).unwrap();
    let port = shop::free_port();
    let host = Host::start(dir, port, None);
    shop::configure(dir, 8, port);
    let (mut daemon, _) = Daemon::start(dir, OsStr::new(DAEMON));
    std::thread::sleep(Duration::from_secs(5));
    let before = daemon.switches();
    let lasts = Duration::from_secs(20);
    std::thread::sleep(lasts);
    let woken = daemon.switches() - before;
    daemon.stop();
    drop(host);
    woken as f64 / lasts.as_secs_f64()
}

/// The stand-in for an acquirer, as a process of its own.
pub struct Host(Child);

impl Host {
    /// Starts it on a port, and waits until it listens there.
    pub fn start(dir: &Path, port: u16, scenario: Option<&Path>) -> Host {
        let mut command = Command::new(DAEMON);
        command
            .args(["sim", "acquirer", "--listen", &format!("127.0.0.1:{port}"), "--any-terminal", KEY, "--books"])
            .arg(dir.join("books"));
        if let Some(scenario) = scenario {
            command.arg("--scenario").arg(scenario);
        }
        let log = std::fs::File::create(dir.join("acquirer.log")).unwrap();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "no host: {}", dir.join("acquirer.log").display());
            std::thread::sleep(Duration::from_millis(5));
        }
        Host(child)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Daemon {
    child: Child,
    socket: std::path::PathBuf,
}

impl Daemon {
    /// Starts it; gives the time until it says that sales are possible.
    pub fn start(dir: &Path, program: &OsStr) -> (Daemon, Duration) {
        let begun = Instant::now();
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(dir.join("tilld.toml"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("tilld.log")).unwrap())
            .spawn()
            .unwrap();
        let daemon = Daemon { child, socket: dir.join("tilld.sock") };
        loop {
            assert!(begun.elapsed() < Duration::from_secs(60), "not ready: see {}", dir.join("tilld.log").display());
            if daemon.healthy() {
                return (daemon, begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn healthy(&self) -> bool {
        UnixStream::connect(&self.socket)
            .is_ok_and(|stream| exchange(stream, "GET", "/healthz", "").starts_with("HTTP/1.1 200"))
    }

    pub fn ask(&self, method: &str, path: &str, body: &str) -> String {
        exchange(UnixStream::connect(&self.socket).unwrap(), method, path, body)
    }

    /// Megabytes by `/proc`.
    fn memory(&self, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
        found.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// How often its threads have gone to sleep by themselves.
    fn switches(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of = |path: std::path::PathBuf| {
            let status = std::fs::read_to_string(path.join("status")).unwrap_or_default();
            let found = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
            found.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        tasks.flatten().map(|task| of(task.path())).sum()
    }

    pub fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exchange(mut stream: UnixStream, method: &str, path: &str, body: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: tilld\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}
