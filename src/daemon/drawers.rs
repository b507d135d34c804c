//! Drawers that hang on a bridge, at terminals without a printer. Opening one is a job like any print: durable before it is done, done once.

use super::bridging::{ANSWER_MS, BridgeLine};
use super::config::{Config, ReaderConfig, ReaderKind};
use super::papers::Papers;
use crate::core::device::bridge::sentence;
use crate::core::domain::{PrinterId, TerminalId};
use crate::core::ports::PrintWhat;
use crate::io::store::Job;
use tilld_bridge::wire::{CAP_DRAWER, Reply, Request};

/// How long the coil is driven: what printers do.
const PULSE_MS: u16 = 100;

/// The name under which a bridge takes its jobs from the store, where its terminal has no printer.
#[must_use]
pub fn outlet(config: &Config, terminal: &TerminalId) -> Option<PrinterId> {
    let is_bridge = |r: &ReaderConfig| r.kind == ReaderKind::Bridge && r.terminal == *terminal;
    let place = config.terminals.iter().position(|t| t.id == *terminal)?;
    let printed = config.printers.iter().any(|p| p.serves(terminal));
    let has = !printed && config.readers.iter().any(is_bridge);
    has.then(|| PrinterId::new(&format!("@{}", place + 1)).ok()).flatten()
}

/// The drawers of a store's bridges.
#[derive(Debug, Clone, Default)]
pub struct Drawers(Vec<(PrinterId, BridgeLine)>);

impl Drawers {
    /// Of these bridges; those of terminals with a printer are left out.
    #[must_use]
    pub fn new(config: &Config, bridges: impl Iterator<Item = (TerminalId, BridgeLine)>) -> Drawers {
        Drawers(bridges.filter_map(|(terminal, line)| Some((outlet(config, &terminal)?, line))).collect())
    }

    /// There may be jobs.
    pub fn look(&self, papers: &Papers) {
        for (outlet, line) in &self.0 {
            claim(outlet.clone(), line.clone(), papers.clone(), None);
        }
    }
}

/// Takes the next job, after `finished` is done.
fn claim(outlet: PrinterId, line: BridgeLine, papers: Papers, finished: Option<u64>) {
    let again = papers.clone();
    papers.inbox.look(move |writer| match writer.store_mut().finish_and_claim(&outlet, finished) {
        Ok(Some(job)) => open(job, outlet, line, again),
        Ok(None) => {}
        Err(error) => log::error!("the next drawer job could not be had: {error}"),
    });
}

/// Opens the drawer if this is such a job and has never been begun; a bridge has no paper for any other. A drawer that does not open now is
/// not opened later, when nobody stands before it.
fn open(job: Job, outlet: PrinterId, line: BridgeLine, papers: Papers) {
    let id = job.id;
    if !matches!(job.what, PrintWhat::Drawer { .. }) || job.tries > 1 || !line.has(CAP_DRAWER) {
        if matches!(job.what, PrintWhat::Drawer { .. }) {
            log::warn!("drawer job {id} is not done: begun before, or no drawer at the bridge");
        }
        return claim(outlet, line, papers, Some(id));
    }
    let asked = line.clone();
    let done = Box::new(move |reply| {
        match reply {
            Ok(Reply::Done) => {}
            Ok(Reply::Refused(refusal)) => log::warn!("the drawer was not opened: {}", sentence(&refusal).en),
            Ok(_) => log::warn!("the bridge answered the drawer with something else"),
            Err(error) => log::warn!("the drawer may not be open: {error}"),
        }
        claim(outlet, line, papers, Some(id));
    });
    asked.ask(Request::Drawer { drawer: 0, pulse_ms: PULSE_MS }, ANSWER_MS, done);
}
