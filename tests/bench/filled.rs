//! A store with history: closed and settled days of cash and card sales, and an open day. Written without syncs, with handed-in time.

use std::path::Path;

use tilld::core::acquirer::Report;
use tilld::core::domain::*;
use tilld::core::ports::{Command, Output, Ticket};
use tilld::daemon::config::Config;
use tilld::daemon::inbox::TillWriter;
use tilld::io::store::{Durability, StoreOptions};

use crate::shop;

/// How big.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Journal rows in all, about.
    pub rows: u64,
    /// Of these in the open day, about.
    pub open: u64,
    /// Rows of a closed day, about.
    pub day: u64,
    /// Terminals.
    pub terminals: u32,
}

/// Every third sale is by card.
const CARD_EVERY: u64 = 3;

/// Builds it in a folder; gives its configuration.
pub fn build(dir: &Path, size: Size) -> Config {
    let config = shop::configure(dir, size.terminals, 9);
    let options = StoreOptions { durability: Durability::Off, ..StoreOptions::at(shop::database(&config)) };
    let mut filling = Filling { wall: 1_760_000_000_000, mono: 1, sales: 0, size, writer: None };
    filling.writer = Some(shop::writer(&config, &options, filling.now()));
    filling.open_store();
    let closed = size.rows.saturating_sub(size.open);
    while filling.head() < closed {
        filling.sell_until((filling.head() + size.day).min(closed));
        filling.step(vec![Command::CutDay { by: Some(CashierId::new("9001").unwrap()) }]);
        filling.wall += 24 * 3_600_000;
    }
    filling.sell_until(size.rows);
    filling.writer.as_mut().unwrap().store_mut().tidy().unwrap();
    config
}

struct Filling {
    wall: i64,
    mono: u64,
    sales: u64,
    size: Size,
    writer: Option<TillWriter>,
}

impl Filling {
    fn now(&mut self) -> Now {
        self.wall += 40;
        self.mono += 40;
        Now { wall: WallMs(self.wall), mono: MonoMs(self.mono) }
    }

    fn head(&self) -> u64 {
        self.writer.as_ref().unwrap().ledger().head.0
    }

    /// A step, and the acquirer's answers to what it sends, until nothing more is sent.
    fn step(&mut self, commands: Vec<Command>) {
        let mut waiting: Vec<(Ticket, Command)> = commands.into_iter().map(|c| (Ticket(1), c)).collect();
        while !waiting.is_empty() {
            let now = self.now();
            let outputs = self.writer.as_mut().unwrap().step(std::mem::take(&mut waiting), now);
            for output in outputs {
                match output {
                    Output::Send(terminal, order) => {
                        waiting.push((Ticket(0), Command::Lane { terminal, report: shop::approve(&order) }));
                    }
                    Output::Answer(_, Err(reject)) => panic!("{reject:?}"),
                    Output::Failed(why) | Output::Refused(why) => panic!("{why}"),
                    _ => {}
                }
            }
        }
    }

    fn open_store(&mut self) {
        let people = (1..=self.size.terminals).map(|n| shop::person(&format!("{}", 1000 + n), Role::Cashier));
        let people = people.chain([shop::person("9001", Role::Manager)]).collect();
        self.step(vec![Command::Resume]);
        self.step(people);
        for n in 1..=self.size.terminals {
            self.step(vec![Command::Lane { terminal: shop::pos(n), report: Report::LineUp }]);
        }
    }

    fn sell_until(&mut self, rows: u64) {
        while self.head() < rows {
            let group = (0..64).map(|_| {
                self.sales += 1;
                let n = u32::try_from(self.sales % u64::from(self.size.terminals)).unwrap() + 1;
                let method = if self.sales.is_multiple_of(CARD_EVERY) { Method::Card } else { Method::Cash };
                shop::sale(self.sales, n, &format!("{}", 1000 + n), method)
            });
            let group = group.collect();
            self.step(group);
        }
    }
}
