//! `tilld sim`: the stand-ins, driven from standard input.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::time::Duration;

use super::args::{BridgeSimArgs, MsrSimArgs, PortSimArgs, PrinterSimArgs, ScannerSimArgs};
use super::failure::Failure;
use super::till::block_on;
use crate::daemon::exit::Exit;
use crate::sim::acquirer::{self, SimArgs};
use crate::sim::{bridge, msr, neo2, nii, pn532, printer, scanner};

/// `tilld sim acquirer`
pub(super) fn acquirer(args: SimArgs) -> Result<Exit, Failure> {
    let clock = Arc::new(crate::io::clock::wall);
    if args.dialect == acquirer::Dialect::Nii {
        return nii_acquirer(args, clock);
    }
    let done = block_on(acquirer::run(args, clock, &mut std::io::stdout()))?;
    done.map(|_| Exit::Ok).map_err(|e| Failure::new(Exit::Unavailable, e.to_string()))
}

fn nii_acquirer(args: SimArgs, clock: acquirer::Clock) -> Result<Exit, Failure> {
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path);
        text.map_err(|e| Failure::new(Exit::NoInput, format!("{}: {e}", path.display())))
    };
    let scenario = args.scenario.map(read).transpose()?.unwrap_or_default();
    let SimArgs { listen, books, statement, utc_offset, .. } = args;
    let args = nii::NiiArgs { listen, books, statement, scenario, utc_offset_s: utc_offset * 3600, clock };
    let done = block_on(nii::run(args, &mut std::io::stdout()))?;
    done.map(|_| Exit::Ok).map_err(|e| Failure::new(Exit::Unavailable, e.to_string()))
}

/// `tilld sim printer`
pub(super) fn printer(args: PrinterSimArgs) -> Result<Exit, Failure> {
    let settings = printer::PrinterSettings {
        columns: args.columns,
        buffer: args.buffer,
        handshake: args.handshake,
        speed: args.speed,
        process_id: !args.no_process_id,
        asb: !args.no_asb,
    };
    ended(printer::run(&args.port, settings, args.paper, StaysOpen::stdin(), std::io::stdout()))
}

/// `tilld sim msr`
pub(super) fn msr(args: MsrSimArgs) -> Result<Exit, Failure> {
    ended(msr::run(&args.port, args.framed, StaysOpen::stdin(), std::io::stdout()))
}

/// `tilld sim scanner`
pub(super) fn scanner(args: ScannerSimArgs) -> Result<Exit, Failure> {
    let settings = scanner::ScannerSettings { aim: args.aim, crlf: args.crlf, needs_trigger: args.needs_trigger };
    ended(scanner::run(&args.port, settings, StaysOpen::stdin(), std::io::stdout()))
}

/// `tilld sim pn532`
pub(super) fn pn532(args: PortSimArgs) -> Result<Exit, Failure> {
    ended(pn532::run(&args.port, StaysOpen::stdin(), std::io::stdout()))
}

/// `tilld sim neo2`
pub(super) fn neo2(args: PortSimArgs) -> Result<Exit, Failure> {
    ended(neo2::run(&args.port, StaysOpen::stdin(), std::io::stdout()))
}

/// `tilld sim bridge`
pub(super) fn bridge(args: BridgeSimArgs) -> Result<Exit, Failure> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    let settings = bridge::BridgeSettings { track2: some(args.track2), pin: some(args.pin), spoil: args.spoil };
    let clock = crate::io::clock::Clock::start();
    let ticks = Arc::new(move || clock.now().mono.0);
    ended(bridge::run(&args.port, &settings, ticks, StaysOpen::stdin(), std::io::stdout()))
}

fn ended(result: std::io::Result<()>) -> Result<Exit, Failure> {
    result.map(|()| Exit::Ok).map_err(|e| match e.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::quiet(),
        _ => Failure::new(Exit::Io, e.to_string()),
    })
}

/// Standard input that does not end: a stand-in started in the background, with nobody at the keyboard, goes on until it is killed. It does not
/// read a terminal that is somebody else's just now: the system would stop it.
struct StaysOpen<R>(BufReader<R>);

impl StaysOpen<std::io::Stdin> {
    fn stdin() -> Self {
        StaysOpen(BufReader::new(std::io::stdin()))
    }
}

/// Whether standard input is a terminal with another process group before it.
fn behind() -> bool {
    rustix::termios::tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|group| group != rustix::process::getpgrp())
}

impl<R: Read> Read for StaysOpen<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.fill_buf()?;
        let n = bytes.len().min(out.len());
        out[..n].copy_from_slice(&bytes[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for StaysOpen<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while behind() {
            std::thread::sleep(Duration::from_millis(200));
        }
        while self.0.fill_buf()?.is_empty() {
            std::thread::park();
        }
        self.0.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }
}
