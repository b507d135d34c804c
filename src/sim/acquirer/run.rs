//! `tilld sim acquirer`: the host from a command line, until it is told to stop; then its judgement as JSON.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::config::{HostConfig, Scenario, TerminalConfig};
use super::judge::Judgement;
use super::keys::Key;
use super::server::{Clock, SimConfig, SimError, start};

/// Which host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// The UnionPay kind.
    Unionpay,
    /// The Hypercom/NII style: no keys, no MAC.
    Nii,
}

/// The arguments of `tilld sim acquirer`.
#[derive(Debug, Clone, clap::Args)]
pub struct SimArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9583")]
    pub listen: SocketAddr,
    /// Whose language it speaks.
    #[arg(long, value_enum, default_value = "unionpay")]
    pub dialect: Dialect,
    /// The host's books: a file that is made, or read and gone on with.
    #[arg(long, default_value = "acquirer-books.jsonl")]
    pub books: PathBuf,
    /// Where to write the statement (CSV).
    #[arg(long)]
    pub statement: Option<PathBuf>,
    /// A scenario of answers and faults (TOML).
    #[arg(long)]
    pub scenario: Option<PathBuf>,
    /// A terminal as TID=MASTERKEY, or TID=MASTERKEY=MID; the key as 32 hex digits, or @FILE. Several times for several.
    #[arg(long = "terminal", value_name = "TID=KEY[=MID]")]
    pub terminals: Vec<String>,
    /// Serve any other terminal with this master key (32 hex digits, or @FILE).
    #[arg(long, value_name = "KEY")]
    pub any_terminal: Option<String>,
    /// Work keys and chance come from this number.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Host time is UTC and so many hours.
    #[arg(long, default_value_t = 8, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-12..=14))]
    pub utc_offset: i32,
}

/// Serves until ctrl-c or SIGTERM, then writes the judgement to `out` as one JSON object and gives it.
pub async fn run(args: SimArgs, clock: Clock, out: &mut (dyn Write + Send)) -> Result<Judgement, SimError> {
    let config = config_of(args, clock)?;
    let usage = |error: std::io::Error| SimError::Usage(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(usage)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(usage)?;
    let handle = start(config).await?;
    log::info!("simulated acquirer: listening on {}", handle.addr);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let judgement = handle.stop().await?;
    let json = serde_json::to_string_pretty(&judgement).map_err(|error| SimError::Usage(error.to_string()))?;
    let write = |error: std::io::Error| SimError::File { path: PathBuf::from("-"), why: error.to_string() };
    writeln!(out, "{json}").map_err(write)?;
    Ok(judgement)
}

fn config_of(args: SimArgs, clock: Clock) -> Result<SimConfig, SimError> {
    let scenario = match &args.scenario {
        Some(path) => Scenario::parse(&read(path)?).map_err(|why| SimError::File { path: path.clone(), why })?,
        None => Scenario::default(),
    };
    let terminals = args.terminals.iter().map(|text| terminal_of(text)).collect::<Result<_, _>>()?;
    let any_terminal = args.any_terminal.as_deref().map(key_of).transpose()?;
    let host = HostConfig { terminals, any_terminal, seed: args.seed, utc_offset_s: args.utc_offset * 3600, scenario };
    if host.terminals.is_empty() && host.any_terminal.is_none() {
        return Err(SimError::Usage("no terminal: give --terminal TID=KEY or --any-terminal KEY".to_owned()));
    }
    Ok(SimConfig { listen: args.listen, books: args.books, statement: args.statement, host, clock })
}

fn terminal_of(text: &str) -> Result<(String, TerminalConfig), SimError> {
    let usage = |why: &str| SimError::Usage(format!("--terminal: {why}; write it as TID=KEY or TID=KEY=MID"));
    let mut parts = text.split('=');
    let tid = parts.next().filter(|tid| tid.len() == 8).ok_or_else(|| usage("a TID has 8 characters"))?;
    let master_key = key_of(parts.next().ok_or_else(|| usage("the key is missing"))?)?;
    let mid = parts.next().map(str::to_owned);
    if mid.as_ref().is_some_and(|mid| mid.len() != 15) || parts.next().is_some() {
        return Err(usage("a MID has 15 characters"));
    }
    Ok((tid.to_owned(), TerminalConfig { master_key, mid }))
}

fn key_of(text: &str) -> Result<Key, SimError> {
    let hex = match text.strip_prefix('@') {
        Some(path) => read(Path::new(path))?,
        None => text.to_owned(),
    };
    Key::from_hex(&hex).map_err(|why| SimError::Usage(format!("master key: {why}")))
}

fn read(path: &Path) -> Result<String, SimError> {
    std::fs::read_to_string(path).map_err(|error| SimError::File { path: path.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn terminals_are_read_and_mistakes_are_named() {
        let key = "11111111111111112222222222222222";
        let (tid, terminal) = terminal_of(&format!("12345678={key}=123456789012345")).unwrap();
        assert_eq!((tid.as_str(), terminal.mid.as_deref()), ("12345678", Some("123456789012345")));
        assert_eq!(terminal.master_key, Key::from_hex(key).unwrap());
        for bad in ["", "12345678", "1234567=11", "12345678=xx", &format!("12345678={key}=1"), "12345678=@/nowhere"] {
            assert!(terminal_of(bad).is_err(), "{bad}");
        }
    }
}
