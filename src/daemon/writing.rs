//! The writer's thread: takes what waits, lets the writer decide and commit, and lets out what follows.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::ballast::Room;
use super::inbox::{Ask, Crowd, Inbox, TillWriter};
use crate::core::acquirer::Order;
use crate::core::domain::{Refusal, TerminalId};
use crate::core::ports::{Command, Committed, Output, Reply, Respond, StoreError, Ticket};
use crate::io::clock::Clock;

/// The writer looks around at least this often: back-offs, ages, the automatic cut.
const TICK: Duration = Duration::from_millis(500);

/// How often a commit of its own proves that the writer and its disk live.
const PROBE: Duration = Duration::from_secs(30);

/// How often print jobs of days that are cut are forgotten, when nothing waits; for the first time at the start.
const PRUNE: Duration = Duration::from_secs(3_600);
/// So many in one commit, which takes a few milliseconds; more in the next second.
const PRUNED: u32 = 1_000;

/// Where the writer's outputs go. Each of these returns at once.
pub trait Outlets: Send {
    /// To a lane.
    fn send(&self, terminal: &TerminalId, order: Box<Order>);
    /// There is something to print.
    fn print(&self);
    /// Rows are durable.
    fn committed(&mut self, committed: &Committed);
    /// The store failed, or works again.
    fn health(&self, trouble: Option<String>);
    /// New sales are stopped, or go on: said once each time.
    fn sales_stopped(&self, why: Option<Refusal>);
    /// About once a second.
    fn every_second(&mut self) -> Room;
    /// A commit of its own went through: the writer lives.
    fn alive(&self);
}

/// Runs until the inbox is stopped and empty.
pub fn write_on(mut writer: TillWriter, inbox: &Inbox, clock: &Clock, mut outlets: impl Outlets) -> TillWriter {
    let mut answers: HashMap<Ticket, Respond<Reply>> = HashMap::new();
    let mut next_ticket = 1u64;
    let mut ticket = || {
        next_ticket += 1;
        Ticket(next_ticket)
    };
    let outputs = writer.step(vec![(ticket(), Command::Resume)], clock.now());
    let_out(outputs, &mut answers, &mut outlets);
    let (mut last_tick, mut last_tidy, mut last_probe) = (Instant::now(), Instant::now(), Instant::now());
    let mut next_prune = Instant::now();
    let mut said = None;
    let mut crowd = Crowd::default();
    while let Some(asks) = inbox.take(TICK.saturating_sub(last_tick.elapsed()), crowd) {
        let idle = asks.is_empty();
        let mut commands = Vec::with_capacity(asks.len() + 1);
        let mut looks = Vec::new();
        for ask in asks {
            match ask {
                Ask::Command(command, respond) => {
                    let ticket = ticket();
                    answers.insert(ticket, respond);
                    commands.push((ticket, *command));
                }
                Ask::Report(terminal, report) => {
                    commands.push((ticket(), Command::Lane { terminal, report: *report }));
                }
                Ask::Look(look) => looks.push(look),
            }
        }
        if last_tick.elapsed() >= TICK {
            last_tick = Instant::now();
            commands.push((ticket(), Command::Tick));
        }
        crowd = Crowd::default();
        if !commands.is_empty() {
            let (begun, asked) = (Instant::now(), commands.len());
            let outputs = writer.step(commands, clock.now());
            crowd = Crowd::after(begun.elapsed(), asked + inbox.len());
            let_out(outputs, &mut answers, &mut outlets);
        }
        for look in looks {
            look(&mut writer);
        }
        let stopped = writer.lines().sales_stopped;
        if stopped != said {
            outlets.sales_stopped(stopped);
            said = stopped;
        }
        if last_tidy.elapsed() < Duration::from_secs(1) {
            continue;
        }
        last_tidy = Instant::now();
        match outlets.every_second() {
            Room::Enough => writer.go_on_selling(),
            Room::Little => writer.stop_sales(Refusal::StorageFull),
        }
        if last_probe.elapsed() >= PROBE {
            last_probe = Instant::now();
            probe(&mut writer, &outlets);
        }
        if idle && let Err(error) = writer.store_mut().tidy() {
            log::warn!("the store could not be tidied, which loses nothing: {error}");
        }
        if idle && Instant::now() >= next_prune {
            next_prune = Instant::now() + prune(&mut writer);
        }
    }
    for (_, respond) in answers {
        respond(Err(crate::core::domain::Refusal::Stopping.into()));
    }
    writer
}

/// Feeds the watchdog. A full disk is no reason to be started again: that would not help, and the day is to be closed.
fn probe(writer: &mut TillWriter, outlets: &impl Outlets) {
    match writer.store_mut().probe() {
        Ok(()) | Err(StoreError::Full(_)) => outlets.alive(),
        Err(error) => log::error!("the store does not take a commit: {error}"),
    }
}

/// Forgets print jobs that are done and of a day that is cut. When to do so again.
fn prune(writer: &mut TillWriter) -> Duration {
    let ledger = writer.ledger();
    let Some(first) = ledger.days.get(&ledger.open).map(|day| day.first) else { return PRUNE };
    match writer.store_mut().prune_jobs(first, PRUNED) {
        Ok(gone) if gone == PRUNED as usize => Duration::ZERO,
        Ok(_) => PRUNE,
        Err(error) => {
            log::warn!("print jobs of earlier days could not be forgotten, which loses nothing: {error}");
            PRUNE
        }
    }
}

fn let_out(outputs: Vec<Output>, answers: &mut HashMap<Ticket, Respond<Reply>>, outlets: &mut impl Outlets) {
    for output in outputs {
        match output {
            Output::Answer(ticket, result) => {
                if let Some(respond) = answers.remove(&ticket) {
                    respond(result);
                }
            }
            Output::Send(terminal, order) => outlets.send(&terminal, order),
            Output::Print => outlets.print(),
            Output::Committed(committed) => {
                outlets.committed(&committed);
                outlets.health(None);
            }
            Output::Refused(why) => log::error!("nothing of this was saved, and nothing stops for it: {why}"),
            Output::Failed(why) => {
                log::error!("nothing of this commit was saved: {why}");
                outlets.health(Some(why));
            }
        }
    }
}
