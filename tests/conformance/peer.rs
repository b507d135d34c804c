//! The stranger's process: a JSON object a line there, one a line back.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tilld::core::acquirer::iso8583::bcd;

use crate::Meaning;

pub struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// The Python that has these packages; `None`, said loudly, where there is none.
pub fn python(test: &str, imports: &str) -> Option<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("TILLD_CONFORMANCE_PYTHON")
        .map_or_else(|| root.join("target/conformance-venv/bin/python"), Into::into);
    let python = if python.is_absolute() { python } else { root.join(python) };
    let ready = Command::new(&python).args(["-c", imports]).stderr(Stdio::null()).status();
    if ready.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    eprintln!("SKIPPED: {test}: no Python that can {imports} at {}: run tests/conformance/run.sh", python.display());
    None
}

impl Peer {
    /// `None`, said loudly, where there is no Python with the packages.
    pub fn start(test: &str) -> Option<Peer> {
        Peer::of(test, "peer.py", "import iso8583, Crypto")
    }

    /// Another stranger: its script, and what it must be able to import.
    pub fn of(test: &str, script: &str, imports: &str) -> Option<Peer> {
        let python = python(test, imports)?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(python)
            .arg(root.join("tests/conformance").join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Peer { child, to, from })
    }

    /// The stranger reads `frame` as `meant`, writes it alike, and agrees with its MAC.
    pub fn check(&mut self, name: &str, frame: &[u8], meant: &Meaning, mak: Option<&str>) {
        let answer = self.ask(&json!({"check": meant, "frame": bcd::hex(frame), "mak": mak}));
        assert_eq!(answer["ok"], true, "{name}: {}", answer["why"]);
    }

    /// TPDU, header and message, built by the stranger.
    pub fn build(&mut self, name: &str, meant: &Meaning) -> Vec<u8> {
        let answer = self.ask(&json!({"build": meant}));
        let frame = answer["frame"].as_str().unwrap_or_else(|| panic!("{name}: {}", answer["why"]));
        bcd::unhex(frame).unwrap()
    }

    fn ask(&mut self, job: &Value) -> Value {
        writeln!(self.to, "{job}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
