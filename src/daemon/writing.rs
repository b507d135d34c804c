//! The writer's thread: takes what waits, lets the writer decide and commit, and lets out what follows.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::inbox::{Ask, Inbox, TillWriter};
use crate::core::acquirer::Order;
use crate::core::domain::TerminalId;
use crate::core::ports::{Command, Committed, Output, Reply, Respond, Ticket};
use crate::io::clock::Clock;

/// The writer looks around at least this often: back-offs, ages, the automatic cut.
const TICK: Duration = Duration::from_millis(500);

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
    /// About once a second.
    fn every_second(&mut self);
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
    let (mut last_tick, mut last_tidy) = (Instant::now(), Instant::now());
    while let Some(asks) = inbox.take(TICK.saturating_sub(last_tick.elapsed())) {
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
        if !commands.is_empty() {
            let outputs = writer.step(commands, clock.now());
            let_out(outputs, &mut answers, &mut outlets);
        }
        for look in looks {
            look(&mut writer);
        }
        if last_tidy.elapsed() < Duration::from_secs(1) {
            continue;
        }
        last_tidy = Instant::now();
        outlets.every_second();
        if idle && let Err(error) = writer.store_mut().tidy() {
            log::warn!("the store could not be tidied, which loses nothing: {error}");
        }
    }
    for (_, respond) in answers {
        respond(Err(crate::core::domain::Refusal::Stopping.into()));
    }
    writer
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
            Output::Failed(why) => {
                log::error!("nothing of this commit was saved: {why}");
                outlets.health(Some(why));
            }
        }
    }
}
