//! How much of a line's rate the spool uses while the printer is ready: on virtual time, where the figure is the same every time, and on a
//! pty that takes bytes no faster than the line would.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tilld::core::device::profile::Profile;
use tilld::core::device::spool::{Input, Output, Spool};
use tilld::sim::printer::{Printer, PrinterSettings};
use tilld::sim::pty::{Device, Stand};

use crate::line::{Dir, Line, job, report};

/// 115,200 baud, ten bits a byte.
const BYTES_A_SECOND: u64 = 11_520;
/// What the kernel holds of a serial port's output.
const TTY_BUFFER: usize = 4_096;

/// A serial line: bytes go through at its rate, each way.
#[derive(Default)]
struct Wire {
    queue: VecDeque<u8>,
    /// Thousandths of a byte that may still pass.
    credit: u64,
    passed: u64,
}

impl Wire {
    fn a_millisecond(&mut self) -> Vec<u8> {
        if self.queue.is_empty() {
            // Time in which nothing waited is gone.
            self.credit = 0;
            return Vec::new();
        }
        self.credit += BYTES_A_SECOND;
        let n = usize::try_from(self.credit / 1_000).unwrap().min(self.queue.len());
        self.credit -= n as u64 * 1_000;
        self.passed += n as u64;
        self.queue.drain(..n).collect()
    }
}

struct Bench {
    now: u64,
    spool: Spool,
    printer: Printer,
    out: Wire,
    back: Wire,
    /// Written by the spool, not yet in the kernel's buffer.
    pending: Vec<u8>,
    write_len: usize,
    begun: Option<u64>,
    done: Option<u64>,
}

impl Bench {
    fn input(&mut self, input: Input) {
        let mut todo = VecDeque::from([input]);
        while let Some(input) = todo.pop_front() {
            for output in self.spool.step(self.now, input) {
                match output {
                    Output::Write(bytes) => {
                        self.write_len = bytes.len();
                        self.pending = bytes;
                        if self.begun.is_none() && self.spool.view().phase == "sending" {
                            self.begun = Some(self.now);
                            self.out.passed = 0;
                        }
                    }
                    Output::Started(id) => todo.push_back(Input::StartedDurable(id)),
                    Output::Done { .. } => self.done = Some(self.now),
                    Output::WakeAt(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn step(&mut self) {
        self.now += 1;
        let room = TTY_BUFFER.saturating_sub(self.out.queue.len()).min(self.pending.len());
        self.out.queue.extend(self.pending.drain(..room));
        if self.pending.is_empty() && self.write_len > 0 {
            let len = std::mem::take(&mut self.write_len);
            self.input(Input::Written(len));
        }
        let arrived = self.out.a_millisecond();
        self.back.queue.extend(self.printer.feed(&arrived));
        let said = self.back.a_millisecond();
        if !said.is_empty() {
            self.input(Input::Bytes(said));
        }
        self.input(Input::Tick);
    }
}

/// Thousandths of the line's rate that a report of 200 lines used.
fn used(profile: &str) -> u64 {
    let mut bench = Bench {
        now: 0,
        spool: Spool::new(Profile::named(profile).unwrap(), 0),
        printer: Printer::new(PrinterSettings::default()),
        out: Wire::default(),
        back: Wire::default(),
        pending: vec![],
        write_len: 0,
        begun: None,
        done: None,
    };
    bench.input(Input::PortOpened);
    bench.input(Input::Job(job(1, 200)));
    // A mute printer's job is done when it has been sent: the line still has its last bytes.
    while bench.done.is_none() || !bench.out.queue.is_empty() {
        bench.step();
        assert!(bench.now < 60_000, "{:#?}", bench.spool.view());
    }
    assert_eq!(bench.printer.paper().sheets()[0].lines().collect::<Vec<_>>(), report(200, ""));
    assert_eq!((bench.printer.thrown_away(), bench.printer.faults()), (0, &[][..]));
    let took = bench.now - bench.begun.unwrap();
    bench.out.passed * 1_000 * 1_000 / (took * BYTES_A_SECOND)
}

#[test]
fn a_report_of_200_lines_uses_95_percent_of_the_line_while_the_printer_is_ready() {
    for profile in ["generic-80", "epson-tm", "status-58", "mute-80"] {
        let thousandths = used(profile);
        eprintln!("{profile}: {}.{} % of 115,200 baud", thousandths / 10, thousandths % 10);
        assert!((950..=1_000).contains(&thousandths), "{profile}: {thousandths}");
    }
}

/// A printer behind a line: takes no more than the line had time for while something waited.
struct Paced {
    printer: Printer,
    /// From when on the line has been at what comes next; in the future while it is still at what has been taken.
    since: Instant,
    room: Cell<usize>,
    said: Vec<u8>,
    taken: u64,
    first: Option<Instant>,
}

fn time_of(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 1_000_000 / BYTES_A_SECOND)
}

impl Device for Paced {
    fn room(&self) -> usize {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap();
        let room = usize::try_from(micros * BYTES_A_SECOND / 1_000_000).unwrap().min(TTY_BUFFER);
        self.room.set(room);
        room
    }

    fn receive(&mut self, bytes: &[u8]) {
        // Where less came than there was time for, the line had stood idle: it begins now.
        let ran_dry = bytes.len() < self.room.get();
        self.since = if ran_dry { Instant::now() } else { self.since } + time_of(bytes.len());
        self.first.get_or_insert(self.since);
        self.taken += bytes.len() as u64;
        let said = self.printer.feed(bytes);
        self.said.extend(said);
    }

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.said)
    }

    fn working(&self) -> bool {
        true
    }
}

/// The figure is said, and asserted where `TILLD_LINE_RATE` is set: this machine may be busy with something else.
#[test]
fn the_same_report_on_a_pty_that_takes_bytes_at_the_lines_rate() {
    let dir = Dir::new();
    let link = dir.0.join("printer");
    let paced = Paced {
        printer: Printer::new(PrinterSettings::default()),
        since: Instant::now(),
        room: Cell::new(0),
        said: vec![],
        taken: 0,
        first: None,
    };
    let stand = Stand::start(paced, &link).unwrap();
    let mut line = Line::new("generic-80", &link, 115_200);
    // The questions before the job are not part of the figure.
    line.input(Input::Job(job(1, 200)));
    line.until("the first piece", Duration::from_secs(10), |l| l.writes > 2);
    stand.with(|p| (p.taken, p.first) = (0, None));
    line.until("the report", Duration::from_secs(60), |l| l.done.len() == 1);
    let (taken, took) = stand.with(|p| (p.taken, p.since.duration_since(p.first.unwrap())));
    let printed = stand.with(|p| p.printer.paper().sheets());
    assert_eq!(printed[0].lines().collect::<Vec<_>>(), report(200, ""));
    assert_eq!(printed.len(), 1);
    let thousandths = u128::from(taken) * 1_000_000_000 / (took.as_micros() * u128::from(BYTES_A_SECOND));
    eprintln!("{taken} bytes in {} ms: {}.{} % of 115,200 baud", took.as_millis(), thousandths / 10, thousandths % 10);
    if std::env::var_os("TILLD_LINE_RATE").is_some() {
        assert!(thousandths >= 950, "{thousandths}");
    }
}
