//! The subcommands: arguments in, exit code out.
//!
//! A command speaks to the running daemon over its socket; where none runs it opens the store itself and speaks to it through the same
//! routes, so that there is one way to ask anything. Prints through `out` alone.

mod args;
mod args_bench;
mod bridge;
mod cases;
mod chart;
mod check;
pub mod client;
mod day;
mod doctor;
mod failure;
mod init;
mod keep;
mod money;
mod out;
mod people;
mod progress;
mod qualify;
mod reconcile;
mod screen;
pub mod shipped;
mod show;
mod sims;
mod status;
mod table;
mod till;
mod verify;
mod watch;
mod wiring;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::core::domain::{Lang, WallMs};
use crate::daemon::config::{Config, path_from};
use crate::daemon::exit::Exit;
use crate::io::clock;
use args::{CashierSub, KeysSub, Line, SimSub, Sub};
use failure::Failure;
use till::Till;

/// Runs a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match Line::try_parse_from(arguments) {
        Ok(line) => line,
        Err(e) => {
            if e.use_stderr() {
                out::say(e.to_string().trim_end());
                return Exit::Usage.into();
            }
            // Help and version were asked for.
            return out::text(&e.to_string()).map_or_else(|f| f.exit, |()| Exit::Ok).into();
        }
    };
    log_to_stderr(&line.command);
    match command(line) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.text.is_empty() {
                out::say(failure.text.trim_end());
            }
            failure.exit.into()
        }
    }
}

fn command(line: Line) -> Result<Exit, Failure> {
    let flag = line.config.as_deref();
    match line.command {
        Sub::Demo(args) => wiring::demo(args),
        Sub::Run => wiring::run(load(flag)?),
        Sub::Check(args) => check::check(&path_from(flag), args.json),
        Sub::Status(args) => Till::ask(read(flag)?, async |till| match args.watch {
            true => watch::watch(till).await,
            false => status::status(till, args.json).await,
        }),
        Sub::Cashier(CashierSub::Add(args)) => Till::ask(read(flag)?, async |till| people::add(till, args).await),
        Sub::Cashier(CashierSub::Change(args)) => Till::ask(read(flag)?, async |till| people::change(till, args).await),
        Sub::Cashier(CashierSub::List(args)) => {
            Till::ask(read(flag)?, async |till| people::list(till, args.json).await)
        }
        Sub::Init(args) => init::init(&args),
        Sub::Completions(args) => shipped::completions(&args),
        Sub::Man(args) => shipped::man(&args),
        Sub::Close(args) => Till::ask(read(flag)?, async |till| day::close(till, args).await),
        Sub::Report(args) => Till::ask(read(flag)?, async |till| day::report(till, args).await),
        Sub::Show(args) => Till::ask(read(flag)?, async |till| show::show(till, args).await),
        Sub::Verify(args) => verify::verify(read(flag)?, &args),
        Sub::Backup(args) => keep::backup(&read(flag)?, &args),
        Sub::Restore(args) => keep::restore(&read(flag)?, &args),
        Sub::Salvage(args) => keep::salvage(&read(flag)?, &args),
        Sub::Keys(KeysSub::Rotate(args)) => keep::rotate(&read(flag)?, &args),
        Sub::Reconcile(args) => Till::ask(read(flag)?, async |till| reconcile::reconcile(till, args).await),
        Sub::Cases(args) => Till::ask(read(flag)?, async |till| cases::cases(till, args).await),
        Sub::Cards(sub) => Till::ask(read(flag)?, async |till| money::cards(till, sub).await),
        Sub::Transfers(sub) => Till::ask(read(flag)?, async |till| money::transfers(till, sub).await),
        Sub::Sim(SimSub::Acquirer(args)) => sims::acquirer(args),
        Sub::Sim(SimSub::Printer(args)) => sims::printer(args),
        Sub::Sim(SimSub::Msr(args)) => sims::msr(args),
        Sub::Sim(SimSub::Scanner(args)) => sims::scanner(args),
        Sub::Sim(SimSub::Pn532(args)) => sims::pn532(args),
        Sub::Sim(SimSub::Neo2(args)) => sims::neo2(args),
        Sub::Sim(SimSub::Bridge(args)) => sims::bridge(args),
        Sub::Qualify(args) => qualify::qualify(args),
        Sub::Doctor(args) => doctor::doctor(flag, args.json),
        Sub::Bridge(sub) => bridge::bridge(sub, flag),
    }
}

/// The configuration for the daemon itself: the files that it names are looked at, too.
fn load(flag: Option<&Path>) -> Result<Config, Failure> {
    let (config, findings) = Config::load(&path_from(flag)).map_err(|e| Failure::config(&e, env_lang()))?;
    for finding in findings {
        log::warn!("{}", finding.text(config.store.lang));
    }
    Ok(config)
}

/// The configuration for a command that only asks.
fn read(flag: Option<&Path>) -> Result<Config, Failure> {
    Config::read(&path_from(flag)).map_err(|e| Failure::config(&e, env_lang()))
}

/// The language of the environment: for everything that is said before there is a configuration.
fn env_lang() -> Lang {
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default();
    if locale.starts_with("zh") { Lang::Zh } else { Lang::En }
}

/// `$TILLD_LOG` says how much (`debug`, `tilld::io=trace`, …).
fn log_to_stderr(command: &Sub) {
    let usual = match command {
        Sub::Run | Sub::Sim(_) => "info",
        // What they find they say themselves.
        Sub::Doctor(_) | Sub::Bridge(_) => "error",
        _ => "warn",
    };
    let lines = |out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>| {
        let text = record.args().to_string().replace('\n', "\n    ");
        writeln!(out, "[{} {:<5} {}] {text}", stamp(clock::wall()), record.level(), record.target())
    };
    env_logger::Builder::from_env(env_logger::Env::new().filter_or("TILLD_LOG", usual)).format(lines).init();
}

/// A moment in UTC. Whatever a clock says can be written.
fn stamp(at: WallMs) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at.0);
    time.map_or_else(|| at.0.to_string(), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    /// A battery has run out, and the clock is at the end of its calendar.
    #[test]
    fn a_line_of_the_log_can_be_written_whatever_the_clock_says() {
        assert_eq!(stamp(WallMs(1_795_968_000_000)), "2026-11-29T16:00:00Z");
        assert_eq!(stamp(WallMs(253_402_214_400_000)), "9999-12-31T00:00:00Z");
        assert!(stamp(WallMs(253_402_300_800_000)).contains("10000-01-01"));
        assert_eq!(stamp(WallMs(i64::MAX)), i64::MAX.to_string());
    }

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in [
            "demo --json --dir d",
            "demo --bridge /dev/ttyACM0",
            "run --config f",
            "check --config f",
            "status --json --config f",
            "cashier add C1 --name 小李 --role cashier --pin-stdin --config f",
            "cashier add --name 小李 --role manager --pin-stdin C1",
            "close --json --wait 60 --config f",
            "close --json --wait",
            "close",
            "report --day 2026-11-20 --format png -o x.png",
            "report --day 17 --format escpos --lang en",
            "show P00000042",
            "verify",
            "verify --code 7A40-9C2E-4DB3-51F8",
            "status --watch",
            "init --try somewhere",
            "init --yes --set tid=12345678",
            "completions zsh",
            "cashier change 1001 --gone",
            "cashier list --json",
            "report --print",
            "report --format html --columns 32",
            "reconcile acquirer-statement.csv --json --config f",
            "reconcile bill.csv --format wechat-pay --wait-days 5",
            "backup /media/usb/tilld-2026-11-25.sqlite",
            "restore copy.sqlite --roll-back",
            "salvage /media/usb/evidence",
            "keys rotate",
            "sim acquirer --any-terminal 0",
            "sim printer --port p",
            "sim msr --port p",
            "sim scanner --port p",
            "sim pn532 --port p",
            "sim neo2 --port p",
            "sim bridge --port p --spoil 1",
            "qualify /var/lib --json",
            "doctor --json --config f",
            "cards import bins.csv --config f",
            "transfers list --json",
            "transfers step P00000042 approved --by M2 --pin-stdin",
            "transfers send --by M1 --pin-stdin -o bank.csv",
            "transfers answers back.csv --by M1 --pin-stdin",
            "bridge ping --port p --count 3",
            "bridge info --terminal POS1 --config f",
            "bridge load-key --port p --check-value 47F81683",
            "bridge log --port p --seconds 1",
        ] {
            let words = std::iter::once("tilld").chain(line.split(' '));
            assert!(Line::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "close --wait 601",
            "cashier add C1 --name x --role boss --pin-stdin",
            "cashier add C1 --name x --role cashier",
            "frobnicate",
        ] {
            let words = std::iter::once("tilld").chain(line.split(' '));
            assert!(Line::try_parse_from(words).is_err(), "{line}");
        }
        let Sub::Close(close) = Line::try_parse_from(["tilld", "close"]).unwrap().command else { unreachable!() };
        assert_eq!(close.wait, 60);
    }
}
