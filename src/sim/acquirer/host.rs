//! The host as a pure step: a frame and the time in; entries for the books, answers and disconnections out.
//!
//! Decides nothing about the wire: `server.rs` writes the entries to disk, and only then does the rest. Knows the codec, and must never know the
//! daemon's profile, composer, MAC or lane.

use std::collections::{BTreeMap, BTreeSet};

use super::books::{Books, Entry, Key};
use super::checks;
use super::config::{ForcedVerdict, HostConfig};
use super::dialect::{self, Field60, Kind};
use super::faults::{Fault, FaultRule, Faults, Seen};
use super::judge::{self, Finding, Judgement, MAX_FINDINGS, Rule};
use super::keys::{self, WorkKeys, unhex};
use super::statement;
use crate::core::acquirer::iso8583::{Deframer, Frame, FrameError, Layout, Message, Spec};
use crate::core::domain::WallMs;

/// Frames that are believed.
pub const LAYOUT: Layout = Layout { tpdu: 5, header: 6, max: 2048 };

/// What the shell does, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make this durable before anything that follows.
    Book(Entry),
    /// Write these bytes (length and all) after so many milliseconds.
    Reply {
        /// Milliseconds from now.
        after_ms: u64,
        /// As they go on the wire.
        bytes: Vec<u8>,
        /// Write them one by one.
        split: bool,
        /// The payment that is answered by this alone: if it cannot be written, say so with [`Host::undelivered`].
        of: Option<(Key, Kind)>,
    },
    /// Close the connection after so many milliseconds.
    Disconnect {
        /// Milliseconds from now.
        after_ms: u64,
    },
}

/// A request, read.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub frame: &'a Frame,
    pub message: Message,
    pub kind: Kind,
    pub key: Key,
    pub mid: String,
    pub field60: Field60,
}

impl Request<'_> {
    pub fn text(&self, field: u8) -> &str {
        self.message.text(field).unwrap_or_default()
    }

    pub fn amount(&self) -> Option<i64> {
        self.message.text(4)?.parse().ok()
    }
}

/// The simulated acquirer.
#[derive(Debug)]
pub struct Host {
    pub(super) config: HostConfig,
    pub(super) books: Books,
    pub(super) verdicts: Vec<ForcedVerdict>,
    pub(super) now: WallMs,
    pub(super) spec: Spec,
    faults: Faults,
    pub(super) latency_ms: u64,
    started: WallMs,
    /// What every answer's header asks of a terminal: 3, and for what else it may be.
    pub(super) asked: BTreeMap<String, u8>,
    /// Terminals whose keys the host lost on purpose: they are answered A0 until they sign on.
    forgotten: BTreeSet<String>,
    dropped_findings: u64,
    pub(super) out: Vec<Action>,
}

/// Entries after which the host answers 96: its books are held in memory.
const MAX_ENTRIES: u64 = 5_000_000;

impl Host {
    /// A host with these books (empty, or as read back from disk).
    #[must_use]
    pub fn new(config: HostConfig, entries: &[Entry], now: WallMs) -> Host {
        let mut books = Books::default();
        for entry in entries {
            books.apply(entry);
        }
        Host {
            faults: Faults::new(config.seed, config.scenario.fault.clone()),
            latency_ms: config.scenario.latency_ms,
            verdicts: config.scenario.verdict.clone(),
            spec: Spec::unionpay_pos(),
            config,
            books,
            now,
            started: now,
            asked: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            dropped_findings: 0,
            out: Vec::new(),
        }
    }

    /// Takes one frame.
    pub fn handle(&mut self, now: WallMs, frame: &Frame) -> Vec<Action> {
        self.now = now;
        if let Some(request) = self.read(frame) {
            self.serve(&request);
        }
        std::mem::take(&mut self.out)
    }

    /// Bytes came that begin no frame; the connection must go.
    pub fn unframed(&mut self, now: WallMs, error: &FrameError) -> Vec<Action> {
        self.now = now;
        let nobody = Key { tid: String::new(), batch: 0, stan: 0 };
        self.find(&nobody, Rule::Undecodable, error.to_string());
        self.out.push(Action::Disconnect { after_ms: 0 });
        std::mem::take(&mut self.out)
    }

    /// The answer to a payment could not be written to its connection.
    pub fn undelivered(&mut self, now: WallMs, key: &Key, kind: Kind) -> Vec<Action> {
        self.now = now;
        // A reversal or a repeat that came meanwhile has said more than this can.
        let open = self.books.payment(key).is_some_and(|p| p.in_force() && !p.undelivered);
        if open {
            self.book(Entry::Owed { key: key.clone(), kind, why: "the connection was gone".to_owned() });
        }
        std::mem::take(&mut self.out)
    }

    /// What the books say.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Judges everything so far.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        judge::judge(&self.books)
    }

    /// The statement as CSV.
    #[must_use]
    pub fn statement(&self) -> String {
        statement::csv(&self.books)
    }

    /// Findings beyond [`MAX_FINDINGS`], which were counted and not kept.
    #[must_use]
    pub fn dropped_findings(&self) -> u64 {
        self.dropped_findings
    }

    /// Whether the scenario has the line down at this moment.
    #[must_use]
    pub fn line_is_down(&self, now: WallMs) -> bool {
        self.config.scenario.line_is_down(self.elapsed(now))
    }

    fn elapsed(&self, now: WallMs) -> u64 {
        u64::try_from(now.0.saturating_sub(self.started.0)).unwrap_or(0)
    }

    /// A fault for the next payment that comes.
    pub fn next_answer(&mut self, fault: Fault) {
        self.faults.next_payment(fault);
    }

    /// A rule more.
    pub fn add_rule(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// No faults any more.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Before every answer from here on.
    pub fn set_latency(&mut self, ms: u64) {
        self.latency_ms = ms;
    }

    /// Tell this terminal in every answer to sign on again, until it does.
    pub fn demand_sign_on(&mut self, tid: &str) {
        self.ask_for(tid, 3);
    }

    /// Ask this terminal for something in every answer's header: a sign-on (3) until it comes, anything else until 0 is asked for.
    pub fn ask_for(&mut self, tid: &str, digit: u8) {
        self.asked.insert(tid.to_owned(), digit);
    }

    /// Lose this terminal's work keys: it is answered A0 until it signs on.
    pub fn forget_keys(&mut self, tid: &str) {
        self.forgotten.insert(tid.to_owned());
    }

    /// Answer settlements so, whatever the books say.
    pub fn force_verdict(&mut self, verdict: ForcedVerdict) {
        self.verdicts.push(verdict);
    }

    /// Take a batch number of the host's own for a terminal.
    pub fn set_batch(&mut self, tid: &str, batch: u32) -> Vec<Action> {
        self.book(Entry::BatchSet { tid: tid.to_owned(), batch });
        std::mem::take(&mut self.out)
    }

    pub(super) fn book(&mut self, entry: Entry) {
        self.books.apply(&entry);
        self.out.push(Action::Book(entry));
    }

    pub(super) fn find(&mut self, key: &Key, rule: Rule, what: impl Into<String>) {
        if self.books.findings.len() >= MAX_FINDINGS {
            self.dropped_findings += 1;
            return;
        }
        let (tid, batch, stan) = (key.tid.clone(), key.batch, key.stan);
        self.book(Entry::Found(Finding { rule, tid, batch, stan, what: what.into() }));
    }

    /// Reads a frame and judges how it is written; `None` where it is no request that could be answered.
    fn read<'a>(&mut self, frame: &'a Frame) -> Option<Request<'a>> {
        let message = match self.spec.decode(&frame.body) {
            Ok(message) => message,
            Err(error) => {
                let nobody = Key { tid: String::new(), batch: 0, stan: 0 };
                self.find(&nobody, Rule::Undecodable, format!("{} bytes: {error}", frame.body.len()));
                return None;
            }
        };
        let field60 = Field60::of(&message).unwrap_or_default();
        let stan = message.text(11).and_then(|t| t.parse().ok()).unwrap_or(0);
        let key = Key { tid: message.text(41).unwrap_or_default().to_owned(), batch: field60.batch, stan };
        if !self.spec.encode(&message).is_ok_and(|bytes| bytes == frame.body) {
            self.find(&key, Rule::NonCanonical, format!("{} written again has other bytes", message.mti()));
        }
        let digits = frame.header.iter().all(|b| b >> 4 < 10 && b & 15 < 10);
        if frame.tpdu.first() != Some(&0x60) || !digits || frame.processing_request() != 0 {
            self.find(&key, Rule::BadFrame, "TPDU does not begin with 60, or the header is not a request's");
        }
        let mid = message.text(42).unwrap_or_default().to_owned();
        let Some(kind) = dialect::classify(&message) else {
            let (mti, f3) = (message.mti(), message.text(3).unwrap_or("absent"));
            self.find(&key, Rule::UnknownMessage, format!("{mti} with F3 {f3} and 60.1 {}", field60.type_code));
            return None;
        };
        Some(Request { frame, message, kind, key, mid, field60 })
    }

    fn serve(&mut self, request: &Request) {
        let Some(master) = self.master_key(&request.key.tid) else {
            self.find(&request.key, Rule::UnknownTerminal, "no such terminal here");
            self.reply_code(request, "97", None);
            return;
        };
        self.check_merchant(request);
        let objections = checks::objections(&request.message, request.kind);
        let unusable = objections.iter().any(|(rule, _)| *rule == Rule::MissingField);
        for (rule, what) in objections {
            self.find(&request.key, rule, format!("{}: {what}", request.message.mti()));
        }
        let fault = self.faults.pick(Seen {
            kind: request.kind,
            tid: &request.key.tid,
            stan: request.key.stan,
            amount: request.amount(),
            elapsed_ms: self.elapsed(self.now),
        });
        if matches!(fault, Some(Fault::DropRequest | Fault::DisconnectBefore)) {
            self.lose_request(request, fault == Some(Fault::DisconnectBefore));
            return;
        }
        if unusable || self.books.entries >= MAX_ENTRIES {
            self.reply_code(request, if unusable { "30" } else { "96" }, fault);
            return;
        }
        if !self.mac_is_right(request, &master) {
            self.reply_code(request, "A0", fault);
            return;
        }
        match request.kind {
            Kind::SignOn => self.sign_on(request, &master, fault),
            Kind::SignOff => {
                self.book(Entry::SignedOff { tid: request.key.tid.clone() });
                self.reply_code(request, "00", fault);
            }
            Kind::Echo => self.reply_code(request, "00", fault),
            Kind::Reversal => self.reversal(request, fault),
            Kind::Query => self.query(request, fault),
            Kind::Settle => self.settle(request, fault),
            Kind::Upload | Kind::UploadOne => self.upload(request, fault),
            Kind::End => self.end(request, fault),
            _ => self.payment(request, fault),
        }
    }

    pub(super) fn master_key(&self, tid: &str) -> Option<keys::Key> {
        let known = self.config.terminals.get(tid).map(|terminal| terminal.master_key.clone());
        known.or_else(|| self.config.any_terminal.clone().filter(|_| tid.len() == 8))
    }

    fn check_merchant(&mut self, request: &Request) {
        let tid = &request.key.tid;
        let configured = self.config.terminals.get(tid).and_then(|t| t.mid.clone());
        let expected = configured.or_else(|| self.books.terminal(tid).and_then(|t| t.mid.clone()));
        if expected.is_some_and(|mid| mid != request.mid) {
            self.find(&request.key, Rule::WrongMerchant, format!("F42 is {:?}", request.mid));
        }
    }

    /// The message is lost before the host has it; the terminal only knows that it was sent.
    fn lose_request(&mut self, request: &Request, disconnect: bool) {
        let key = request.key.clone();
        if request.kind.is_payment() {
            self.book(Entry::Owed { key, kind: request.kind, why: "the request was lost".to_owned() });
        } else if request.kind == Kind::Reversal {
            self.book(Entry::ReversalLost { key });
        }
        if disconnect {
            self.out.push(Action::Disconnect { after_ms: 0 });
        }
    }

    /// The current batch of a terminal.
    pub(super) fn batch_of(&self, tid: &str) -> u32 {
        let own = || self.config.scenario.batch.iter().find(|b| b.tid == tid).map(|b| b.number);
        let known = self.books.terminal(tid).map(|t| t.batch).filter(|batch| *batch > 0);
        known.or_else(own).unwrap_or(self.config.scenario.first_batch)
    }

    /// The work keys that a terminal signs with, and the ones before.
    pub(super) fn work_keys(&self, tid: &str, master: &keys::Key) -> (Option<WorkKeys>, Option<WorkKeys>) {
        let read = |hex: &Option<String>| hex.as_deref().and_then(unhex).and_then(|b| WorkKeys::unwrap(&b, master));
        let Some(terminal) = self.books.terminal(tid) else { return (None, None) };
        (read(&terminal.keys).filter(|_| terminal.signed_on), read(&terminal.former_keys))
    }

    fn mac_is_right(&mut self, request: &Request, master: &keys::Key) -> bool {
        if !request.kind.row().is_some_and(|row| row.mac) {
            return true;
        }
        if self.forgotten.contains(&request.key.tid) {
            return false;
        }
        let (Some(keys), former) = self.work_keys(&request.key.tid, master) else {
            self.find(&request.key, Rule::NotSignedOn, "no work keys were issued");
            return false;
        };
        let Some(mac) = request.message.bytes(64) else { return false };
        let covered = request.frame.body.get(..request.frame.body.len().saturating_sub(8)).unwrap_or_default();
        if keys.mak.mac(covered) == mac {
            return true;
        }
        // Keys of the sign-on before: its answer may have been lost. Not wrong, but to be signed on again.
        if former.is_none_or(|former| former.mak.mac(covered) != mac) {
            self.find(&request.key, Rule::BadMac, format!("F64 of {} is wrong", request.message.mti()));
        }
        false
    }

    fn sign_on(&mut self, request: &Request, master: &keys::Key, fault: Option<Fault>) {
        let tid = &request.key.tid;
        let form = if master.bytes().len() == 16 { "003" } else { "001" };
        if request.field60.management != form {
            let what = format!("60.3 is {}, this master key asks for {form}", request.field60.management);
            self.find(&request.key, Rule::BadValue, what);
        }
        let count = self.books.terminal(tid).map_or(0, |terminal| terminal.sign_ons) + 1;
        let keys = WorkKeys::derive(self.config.seed, tid, count, self.config.scenario.mak).wrapped(master);
        let batch = self.batch_of(tid);
        self.asked.retain(|asked, digit| asked != tid || *digit != 3);
        self.forgotten.remove(tid);
        let (mid, at) = (request.mid.clone(), self.now);
        self.book(Entry::SignedOn { tid: tid.clone(), mid, at, batch, keys: keys::hex_upper(&keys) });
        let mut answer = self.answer(request, "00");
        answer.set_text(60, &format!("00{batch:06}{}", request.field60.management)).set_bytes(62, &keys);
        self.send(request, answer, fault);
    }
}

/// One connection's bytes, put together to frames.
#[derive(Debug)]
pub struct Session {
    deframer: Deframer,
}

impl Default for Session {
    fn default() -> Session {
        Session { deframer: Deframer::new(LAYOUT) }
    }
}

impl Session {
    /// Takes bytes, split anywhere; serves every whole frame. An absurd length ends the connection.
    pub fn bytes(&mut self, host: &mut Host, now: WallMs, bytes: &[u8]) -> Vec<Action> {
        let mut actions = Vec::new();
        self.deframer.push(bytes);
        loop {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => actions.extend(host.handle(now, &frame)),
                Ok(None) => return actions,
                Err(error) => {
                    self.deframer.clear();
                    actions.extend(host.unframed(now, &error));
                    return actions;
                }
            }
        }
    }
}
