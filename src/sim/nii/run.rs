//! The NII host on a port: `tilld sim acquirer --dialect nii`. Its books are every message that it heard, on disk before it answers: a host that is
//! started again hears them again, and stands where it stood. At the end it says its judgement as JSON.

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{Booked, NiiHost};
use crate::core::acquirer::iso8583::{Frame, bcd};
use crate::core::domain::read_data;
use crate::io::work;
use crate::sim::acquirer::Clock;

/// What it is started with.
#[derive(Clone)]
pub struct NiiArgs {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its books: a file that is made, or read and gone on with.
    pub books: PathBuf,
    /// Where to write the statement (CSV) at the end.
    pub statement: Option<PathBuf>,
    /// A scenario's text (TOML).
    pub scenario: String,
    /// Seconds by which its time zone is ahead of UTC.
    pub utc_offset_s: i32,
    /// The wall clock.
    pub clock: Clock,
}

/// What goes wrong, and when.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NiiScenario {
    /// Before every answer.
    pub latency_ms: u64,
    /// Amounts that are declined.
    decline: Vec<Decline>,
    /// The answers to these messages are lost, counted from 1 over all terminals.
    lose_answers_to: Vec<u64>,
    /// The first settlement is said to differ, whatever the books say.
    dispute: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decline {
    /// The amount's last two digits.
    amount_ends: i64,
    code: String,
}

impl NiiScenario {
    /// Reads one; an unknown key is an error that names its line.
    pub fn parse(text: &str) -> Result<NiiScenario, String> {
        let scenario: NiiScenario = read_data(text).map_err(|error| error.to_string())?;
        match scenario.decline.iter().find(|d| d.code.len() != 2 || !(0..100).contains(&d.amount_ends)) {
            Some(bad) => Err(format!("[[decline]] {bad:?}: amount_ends is 0 to 99, code two characters")),
            None => Ok(scenario),
        }
    }
}

/// A settlement that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NiiSettlement {
    /// Field 41.
    pub terminal: String,
    /// Its batch.
    pub batch: u32,
    /// It agreed at once.
    pub balanced: bool,
    /// Records uploaded.
    pub records: usize,
}

/// What the host says at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NiiJudgement {
    /// Payments in its books.
    pub payments: usize,
    /// Of them reversed.
    pub reversed: usize,
    /// Two payments in force of one terminal, batch and STAN.
    pub duplicates: usize,
    /// Settlements that ended.
    pub settlements: Vec<NiiSettlement>,
    /// What no terminal should have done.
    pub findings: Vec<String>,
}

impl NiiHost {
    /// Judges everything so far.
    #[must_use]
    pub fn judgement(&self) -> NiiJudgement {
        let mut keys: Vec<_> = self.books.iter().filter(|b| !b.reversed).map(|b| (&b.tid, b.batch, &b.stan)).collect();
        keys.sort_unstable();
        let settlement = |(tid, batch, records): &(String, u32, Option<usize>)| NiiSettlement {
            terminal: tid.clone(),
            batch: *batch,
            balanced: records.is_none(),
            records: records.unwrap_or(0),
        };
        NiiJudgement {
            payments: self.books.len(),
            reversed: self.books.iter().filter(|b| b.reversed).count(),
            duplicates: keys.windows(2).filter(|pair| pair[0] == pair[1]).count(),
            settlements: self.ended.iter().map(settlement).collect(),
            findings: self.findings.clone(),
        }
    }

    /// The statement as CSV: the same columns as the other host's.
    #[must_use]
    pub fn statement(&self) -> String {
        let mut text = "terminal,batch,stan,rrn,kind,amount,status\n".to_owned();
        for Booked { tid, batch, stan, rrn, processing, amount, reversed, .. } in &self.books {
            let kind = match processing.as_str() {
                "020000" => "void",
                "200000" => "refund",
                _ => "sale",
            };
            let status = if *reversed { "reversed" } else { "approved" };
            text += &format!("{tid},{batch:06},{stan},{rrn},{kind},{amount},{status}\n");
        }
        text
    }
}

/// The host and the file of what it heard.
struct Kept {
    host: NiiHost,
    file: std::fs::File,
    utc_offset_s: i32,
    clock: Clock,
}

impl Kept {
    /// Hears again what lies in the file. A last line that is torn was never answered.
    fn open(args: &NiiArgs, scenario: &NiiScenario) -> std::io::Result<Kept> {
        let mut host = NiiHost {
            decline: scenario.decline.iter().map(|d| (d.amount_ends, d.code.clone())).collect(),
            lose: scenario.lose_answers_to.iter().copied().collect(),
            dispute: scenario.dispute,
            ..NiiHost::default()
        };
        let mut file = std::fs::OpenOptions::new().read(true).append(true).create(true).open(&args.books)?;
        let (mut whole, mut line) = (0, String::new());
        let mut reader = BufReader::new(&file);
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            let wrong = || {
                std::io::Error::other(format!("{}: {:?} is no message in hex", args.books.display(), line.trim_end()))
            };
            let body = bcd::unhex(line.trim_end()).ok_or_else(wrong)?;
            let _ = host.frame(&Frame { tpdu: vec![0; 5], header: Vec::new(), body });
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Kept { host, file, utc_offset_s: args.utc_offset_s, clock: Arc::clone(&args.clock) })
    }

    fn hear(&mut self, frame: &Frame) -> std::io::Result<Option<Vec<u8>>> {
        writeln!(self.file, "{}", bcd::hex(&frame.body))?;
        self.file.sync_data()?;
        let local = (self.clock)().0.saturating_add(i64::from(self.utc_offset_s) * 1000);
        let local = DateTime::from_timestamp_millis(local).unwrap_or_default();
        self.host.clock = [local.format("%H%M%S").to_string(), local.format("%m%d").to_string()];
        Ok(self.host.frame(frame))
    }
}

impl std::fmt::Debug for NiiArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NiiArgs").field("listen", &self.listen).field("books", &self.books).finish_non_exhaustive()
    }
}

/// A running host.
#[derive(Debug)]
pub struct NiiHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    kept: Shared,
    stop: watch::Sender<bool>,
    acceptor: JoinHandle<()>,
    statement: Option<PathBuf>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Kept>>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NiiHandle {
    /// The judgement, as of now.
    #[must_use]
    pub fn judgement(&self) -> NiiJudgement {
        self.kept.lock().host.judgement()
    }

    /// Closes the port and all connections, writes the statement, gives the judgement.
    pub async fn stop(self) -> std::io::Result<NiiJudgement> {
        self.stop.send_replace(true);
        let _ = self.acceptor.await;
        let kept = self.kept.lock();
        if let Some(path) = &self.statement {
            std::fs::write(path, kept.host.statement())?;
        }
        Ok(kept.host.judgement())
    }
}

/// Reads the books, listens, and serves until [`NiiHandle::stop`].
pub async fn start(args: NiiArgs) -> std::io::Result<NiiHandle> {
    let scenario = NiiScenario::parse(&args.scenario).map_err(std::io::Error::other)?;
    let kept = Shared(Arc::new(Mutex::new(Kept::open(&args, &scenario)?)));
    let listener = TcpListener::bind(args.listen).await?;
    let addr = listener.local_addr()?;
    let (stop, mut stopped) = watch::channel(false);
    let (shared, latency) = (kept.clone(), Duration::from_millis(scenario.latency_ms));
    let acceptor = work::task(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = stopped.changed() => break,
                Ok((stream, _)) = listener.accept() => { connections.spawn(work::boxed(serve(stream, shared.clone(), latency))); }
                Some(_) = connections.join_next() => {}
            }
        }
        connections.shutdown().await;
    });
    Ok(NiiHandle { addr, kept, stop, acceptor, statement: args.statement })
}

async fn serve(mut stream: TcpStream, shared: Shared, latency: Duration) {
    let mut deframer = shared.lock().host.session();
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut bytes).await {
        deframer.push(&bytes[..n]);
        loop {
            let frame = match deframer.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    shared.lock().host.findings.push(error.to_string());
                    return;
                }
            };
            let answer = match shared.lock().hear(&frame) {
                Ok(answer) => answer,
                Err(error) => return log::error!("simulated acquirer: books: {error}"),
            };
            tokio::time::sleep(latency).await;
            if let Some(answer) = answer
                && stream.write_all(&answer).await.is_err()
            {
                return;
            }
        }
    }
}

/// Serves until ctrl-c or SIGTERM, then writes the judgement to `out` as one JSON object.
pub async fn run(args: NiiArgs, out: &mut (dyn Write + Send)) -> std::io::Result<NiiJudgement> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let handle = start(args).await?;
    log::info!("simulated acquirer (NII): listening on {}", handle.addr);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let judgement = handle.stop().await?;
    writeln!(out, "{}", serde_json::to_string_pretty(&judgement).map_err(std::io::Error::other)?)?;
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_slip_in_a_scenario_is_named() {
        assert!(NiiScenario::parse("latency = 3").unwrap_err().contains("latency"));
        assert!(NiiScenario::parse("[[decline]]\namount_ends = 100\ncode = \"51\"").is_err());
        let text =
            "latency_ms = 5\nlose_answers_to = [2]\ndispute = true\n[[decline]]\namount_ends = 51\ncode = \"51\"";
        assert_eq!(NiiScenario::parse(text).unwrap().latency_ms, 5);
    }
}
