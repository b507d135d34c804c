//! What a step costs. Measured by hand, never judged by the clock of a test run:
//! `cargo test --release --test day_scenarios cost -- --ignored --nocapture`.

use std::time::Instant;

use tilld::core::domain::Kind;
use tilld::core::ports::{Command, Ticket};

use crate::shop::{Shop, rules};
use crate::words::{Told, pay};

#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn cost_of_a_step() {
    let mut shop = Shop::new(rules());
    shop.pass(1_000);
    let mut sale = 0u64;
    let mut run = |shop: &mut Shop, steps: u64, a_step: u64, what: &str| {
        let mut spent = std::time::Duration::ZERO;
        for _ in 0..steps {
            let commands: Vec<(Ticket, Command)> = (0..a_step)
                .map(|_| {
                    sale += 1;
                    let pay = pay(shop, "1001", "POS1", Kind::Sale, "cash", "1.00", &format!("n{sale}"));
                    (Ticket(1_000_000 + sale), Command::Pay(Box::new(pay)))
                })
                .collect();
            let now = shop.now;
            let begun = Instant::now();
            let outputs = shop.writer.as_mut().unwrap().step(commands, now);
            spent += begun.elapsed();
            assert!(outputs.len() as u64 > a_step);
        }
        let each = spent.as_nanos() / u128::from(steps * a_step);
        eprintln!("{what}: {} µs {:03} a sale", each / 1_000, each % 1_000);
    };
    run(&mut shop, 200, 1, "warm-up");
    run(&mut shop, 2_000, 1, "alone in its step, 200 sales before");
    run(&mut shop, 100, 64, "64 in a step");
    run(&mut shop, 20, 256, "256 in a step");
    run(&mut shop, 2_000, 1, "alone in its step, 14,000 sales before");
    // With everything that may wait waiting.
    let mut rules = rules();
    if let Some(offline) = &mut rules.offline {
        (offline.max_count, offline.max_total) = (500, tilld::core::domain::Minor(100_000_000));
    }
    let mut told = Told::new(rules);
    told.tell("all go down");
    for n in 0..500 {
        let mut pay = pay(&told.shop, "1001", "POS1", Kind::Sale, "card", "1.00", &format!("w{n}"));
        let (instrument, entry) = crate::shop::instrument("stripe");
        pay.presented = Some(tilld::core::ports::Presented { instrument, entry, pin_block: None });
        told.shop.step(Command::Pay(Box::new(pay)));
    }
    assert_eq!(told.shop.ledger().waiting().0, 500);
    run(&mut told.shop, 2_000, 1, "alone in its step, 500 stored sales waiting");
}
