//! emupos (PyPI, 0.4.0), a printer made by others: what it printed is what we sent, through paper out and open cover.
//!
//! Looked for as `$TILLD_EMUPOS`, then `target/strangers/emupos/bin/emupos` (made by `tests/printing/get-emupos.sh`, needs
//! Python 3.13), then in the PATH. Where there is none the test says so and passes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tilld::core::device::profile::Profile;
use tilld::core::device::spool::{Attention, Input, Job, Proof};
use tilld::core::report::doc::{Align, Element, Rule, Style};
use tilld::core::report::layout::{Line as PageLine, Page, layout};
use tilld::core::report::{escpos, text};

use crate::line::{Dir, Line, job, report};
use crate::sample;

const LONG: Duration = Duration::from_secs(60);

fn find() -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/strangers/emupos/bin/emupos");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::var_os("TILLD_EMUPOS")
        .map(PathBuf::from)
        .into_iter()
        .chain([made])
        .chain(std::env::split_paths(&path).map(|dir| dir.join("emupos")))
        .find(|p| p.is_file())
}

struct Emupos {
    program: PathBuf,
    api: String,
    child: Child,
    dir: Dir,
}

impl Emupos {
    fn start(program: PathBuf) -> Self {
        let dir = Dir::new();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let receipts = dir.0.join("receipts");
        std::fs::write(
            dir.0.join("emupos.yaml"),
            format!(
                "schema: 1\napi: {{ host: 127.0.0.1, port: {free} }}\ndevices:\n  - id: front\n    type: printer\n    \
                 profile: epson-tm-t20iii\n    connections:\n      - serial: {{ pty: true }}\n    \
                 job_idle_timeout_ms: 60000\n    receipts_dir: {}\n",
                receipts.display()
            ),
        )
        .unwrap();
        let child = Command::new(&program)
            .arg("run")
            .current_dir(&dir.0)
            .env("TMPDIR", &dir.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let me = Self { program, api: format!("http://127.0.0.1:{free}"), child, dir };
        let end = Instant::now() + LONG;
        while !me.port().exists() {
            assert!(Instant::now() < end, "emupos gives no port");
            std::thread::sleep(Duration::from_millis(50));
        }
        me
    }

    fn port(&self) -> PathBuf {
        self.dir.0.join("emupos/front")
    }

    fn call(&self, words: &[&str]) -> String {
        let end = Instant::now() + LONG;
        loop {
            let out = Command::new(&self.program).arg("--api").arg(&self.api).args(words).output().unwrap();
            if out.status.success() {
                return String::from_utf8(out.stdout).unwrap();
            }
            assert!(Instant::now() < end, "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn fault(&self, how: &str, what: &str) {
        self.call(&["fault", how, "front", what]);
    }

    /// Its text is the bytes as code page 437; back to bytes, and these as GB18030. Its own Python does that.
    fn receipt(&self) -> String {
        let file = self.dir.0.join("receipt.json");
        std::fs::write(&file, self.call(&["receipt", "show", "--json"])).unwrap();
        let python = self.program.with_file_name("python");
        let script = "import json,sys;t=json.load(open(sys.argv[1]))['text'];\
                      sys.stdout.buffer.write(t.encode('cp437').decode('gb18030').encode())";
        let out = Command::new(python).args(["-c", script]).arg(&file).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }
}

impl Drop for Emupos {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a page, letter by letter, whatever their size.
fn letters(page: &Page) -> Vec<String> {
    let of = |line: &PageLine| match line {
        PageLine::Text(runs) => runs.iter().map(|run| run.text.as_str()).collect(),
        PageLine::Rule(Rule::Single) => "-".repeat(page.columns),
        PageLine::Rule(Rule::Double) => "=".repeat(page.columns),
        // As it names what it reads.
        PageLine::Qr(text) => format!("[qr {text}]"),
        PageLine::Barcode(text) => format!("[barcode CODE128 {text}]"),
        PageLine::Feed(_) | PageLine::Logo | PageLine::Cut => String::new(),
    };
    page.lines.iter().map(|line| of(line).trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_strangers_printer_prints_the_report_through_paper_out_and_open_cover() {
    let Some(program) = find() else {
        eprintln!("SKIPPED, NOT TESTED: no emupos here. Make it with tests/printing/get-emupos.sh (Python 3.13).");
        return;
    };
    // A day report as it is printed, made longer than 200 lines.
    let mut paper = sample::day_report();
    paper.elements.retain(|element| *element != Element::Cut);
    for text in report(100, "") {
        paper.push(Element::Text { text, align: Align::Left, style: Style::PLAIN });
    }
    paper.push(Element::Cut);
    let page = layout(&paper, 48);
    let bytes = escpos::render(&page, &Profile::named("generic-80").unwrap().paper());
    let wanted = letters(&page);
    assert!(wanted.len() >= 200, "{}", wanted.len());
    let emupos = Emupos::start(program);
    let mut line = Line::new("generic-80", &emupos.port(), 9_600);
    line.input(Input::Job(Job { bytes, ..job(1, 1) }));
    line.until("the first pieces", LONG, |l| l.writes >= 5);
    emupos.fault("set", "paper-out");
    line.until("paper out", LONG, |l| l.shown.contains(&Attention::PaperOut));
    emupos.fault("clear", "paper-out");
    let writes = line.writes;
    line.until("some more", LONG, |l| l.writes > writes + 3);
    assert!(line.done.is_empty(), "too fast to be caught in the middle");
    emupos.fault("set", "cover-open");
    line.until("cover open", LONG, |l| l.shown.contains(&Attention::CoverOpen));
    emupos.fault("clear", "cover-open");
    line.until("the report", LONG, |l| l.done.len() == 1);
    assert_eq!((line.done[0], line.repeats), ((1, Proof::Processed, false), 0));
    assert_eq!(line.view().garbage, 0);
    let text = emupos.receipt();
    let printed: Vec<&str> = text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    std::fs::write(format!("{}/emupos.txt", env!("CARGO_TARGET_TMPDIR")), &text).unwrap();
    let differ: Vec<_> = printed.iter().zip(&wanted).filter(|(theirs, ours)| theirs != ours).collect();
    assert!(differ.is_empty() && printed.len() == wanted.len(), "{differ:#?}");
    // And as the report stands in a file, where letters of double width have other blanks around them.
    let close = |line: &str| line.replace(' ', "");
    let letters = |line: &String| !line.is_empty() && !line.starts_with('[');
    let file: Vec<String> = text::render(&page).lines().map(close).filter(letters).collect();
    assert_eq!(printed.iter().map(|l| close(l)).filter(letters).collect::<Vec<_>>(), file);
    assert_eq!(emupos.call(&["receipt", "list", "--json"]).matches("\"id\"").count(), 1);
}
