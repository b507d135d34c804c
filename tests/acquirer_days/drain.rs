//! After an outage: what was stored is told to the acquirer, every terminal on its own, and the counter goes on selling meanwhile.

use tilld::core::domain::{Kind, State};
use tilld::core::ports::Command;

use crate::rig::{HOME, Shop, UnionPay, stripe};

const TILLS: usize = 8;
const STORED: usize = 500;

/// 500 stored sales at 8 terminals, 100 ms there and back. One message after the other for the whole store would take 50 s; a message a second, as a
/// forwarding queue with its usual pause does, 500.
#[test]
fn five_hundred_stored_sales_drain_while_the_counter_sells() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), TILLS);
    shop.set_line(false);
    shop.pass(2_000);
    for n in 0..STORED {
        let stored = shop.sale(&format!("o{n}"), n % TILLS + 1, 100 + n as i64, stripe(HOME));
        assert_eq!(stored.state, State::Stored);
    }
    assert_eq!(shop.ledger().waiting().0, STORED as u64);
    shop.set_line(true);
    let began = shop.mono;
    let up = |shop: &Shop<UnionPay>| (1..=TILLS).all(|n| shop.is_up(n));
    while !up(&shop) {
        shop.pass(10);
        assert!(shop.mono - began < 5_000, "the lines come back by themselves");
    }
    let selling = shop.mono;
    let (mut asked, mut slowest): (Vec<(u64, u64)>, u64) = (Vec::new(), 0);
    while shop.ledger().waiting().0 > 0 {
        if shop.mono - selling >= 1_000 * (asked.len() as u64 + 1) {
            let n = asked.len();
            let mut pay = shop.asks(&format!("s{n}"), n % TILLS + 1, Kind::Sale, 10_000 + n as i64);
            pay.presented = Some(stripe(HOME));
            let at = shop.mono;
            asked.push((shop.send(Command::Pay(Box::new(pay))), at));
        }
        shop.pass(10);
        for (ticket, at) in &asked {
            if !shop.answered(*ticket) {
                slowest = slowest.max(shop.mono - at);
            }
        }
        assert!(shop.mono - began < 60_000, "{} still wait", shop.ledger().waiting().0);
    }
    let took = shop.mono - began;
    shop.pass(1_000);
    for n in 0..asked.len() {
        let sold = shop.payment_of(&format!("s{n}"));
        assert_eq!(sold.state, State::Approved, "{sold:?}");
    }
    eprintln!("{STORED} at {TILLS} terminals: {took} ms, {} online sales, the slowest {slowest} ms", asked.len());
    assert!(asked.len() >= 6, "one was asked each second: {}", asked.len());
    assert!(slowest <= 2 * shop.round_trip_ms, "an online sale waits for one message at most: {slowest} ms");
    assert!(took < 10_000, "{took} ms");
    shop.check();
    shop.cut();
    shop.pass(30_000);
    assert!(shop.bank.host.judgement().settlements.iter().all(|s| s.ended && s.verdicts == [1, 1]));
    shop.check();
}
