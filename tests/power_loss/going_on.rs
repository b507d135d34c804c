//! Crashes that are gone on from: the bank has what it had heard, the disk what was left, and the store works on until everything is settled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tilld::core::domain::{Kind, Method, State, TerminalId};
use tilld::core::payment::Payment;
use tilld::core::ports::{Reply, SettlementView};
use tilld::io::store::Durability;
use tilld::io::vault::DataKey;

use crate::chance::{Chance, from_the_clock};
use crate::crash::{Cut, Replayer};
use crate::day::{PARTS, options, shop_on, tidy};
use crate::disk::{Disk, Fault, Trouble};
use crate::shop::Shop;
use crate::words::Told;

/// The day until the power goes. Everything fails from the `at`-th operation on, as it does for a machine without power; what the harness then stumbles
/// over is not our concern.
fn until_the_power_goes(disk: &Arc<Disk>, at: u64, data_key: DataKey) -> Shop {
    let (shop, _) = shop_on(disk, Durability::Full, data_key);
    let mut told = Told::with(shop);
    disk.will_fail(Fault { at, times: u64::MAX, trouble: Trouble::Io });
    let mut gone = false;
    'day: for part in PARTS {
        for line in part.lines().filter(|line| !line.trim().is_empty()) {
            gone |= catch_unwind(AssertUnwindSafe(|| told.tell(line))).is_err();
            if gone {
                break 'day;
            }
        }
        if catch_unwind(AssertUnwindSafe(|| tidy(&mut told.shop))).is_err() {
            break;
        }
    }
    told.shop
}

/// Payments that somebody was told of.
fn told_of(shop: &Shop) -> Vec<Payment> {
    let answers = shop.answers.values().flatten();
    answers
        .filter_map(|a| match a {
            Ok(Reply::Payment(payment)) => Some((**payment).clone()),
            _ => None,
        })
        .collect()
}

fn may_follow(before: State, now: State) -> bool {
    before == now
        || match before {
            State::Unknown => matches!(now, State::Reversed | State::Approved | State::Declined),
            State::Stored => matches!(now, State::Forwarded | State::Rejected | State::SetAside),
            _ => false,
        }
}

/// One crash, and the rest of the day.
fn crash_and_go_on(at: u64, chance: &mut Chance) {
    let disk = Disk::recording(Default::default());
    let data_key = DataKey::random().unwrap();
    let shop = until_the_power_goes(&disk, at, data_key);
    let acknowledged = told_of(&shop);
    let mut replayer = Replayer::default();
    disk.log().iter().for_each(|op| replayer.follow(op));
    let way = chance.below(8);
    let cut = Cut::nth(way, chance);
    let left = Disk::with(replayer.cut(cut, chance));
    let mut again = started_again(shop, &left);
    for before in acknowledged {
        let now = again.shop.payment(before.id).unwrap_or_else(|| panic!("{} is gone", before.id));
        assert_eq!((&now.request, now.amount, now.kind), (&before.request, before.amount, before.kind));
        assert!(may_follow(before.state, now.state), "{} was {} and is {}", before.id, before.state, now.state);
    }
    again.tell(
        "
        all come up
        wait 120s
        1001 POS1 sells last cash 1.00      => approved
        M1 cuts
        wait 10m
        ",
    );
    let shop = &mut again.shop;
    shop.check();
    let ledger = shop.ledger();
    // An unanswered refund is never reversed and never gets a new number: it stays unknown for a person, and where the bank has it, its batch does not
    // balance. Nothing else may be left.
    let all = shop.all_payments();
    let in_doubt = |p: &&Payment| p.state == State::Unknown && p.kind == Kind::Refund && p.method == Method::Card;
    let excused: Vec<_> = all.iter().filter(in_doubt).map(|p| (p.id.to_string(), p.device.clone(), p.batch)).collect();
    let excuses = |terminal: &TerminalId, batch: &str| {
        excused.iter().any(|(_, device, number)| device == terminal && number.is_some_and(|n| n.to_string() == batch))
    };
    for date in ledger.unfinished() {
        let view = ledger.day_view(date, &shop.rules, shop.writer().store(), shop.now.wall).unwrap().unwrap();
        assert!(view.cross_foot, "{date}");
        assert!(view.pending.iter().all(|p| excused.iter().any(|(id, ..)| *id == p.payment)), "{:?}", view.pending);
        let balanced =
            |s: &SettlementView| s.result == "balanced" || excuses(&s.terminal, &s.batch) && s.rung == "ended";
        assert!(view.settlement.iter().all(balanced), "{date}: {:?}", view.settlement);
        assert!(view.state == "balanced" || !excused.is_empty(), "{date} is {}", view.state);
    }
    for (terminal, account) in &shop.bank.accounts {
        for (number, verdicts, _) in &account.ended {
            assert!(verdicts.balanced() || excuses(terminal, &number.to_string()), "{terminal}: {:?}", account.ended);
        }
        let mut numbers: Vec<_> = account.ended.iter().map(|(number, ..)| number.0).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), account.ended.len(), "a batch was settled twice: {:?}", account.ended);
    }
    drop(again);
    disk.remove();
    left.remove();
}

/// The machine starts again over what is left.
fn started_again(mut shop: Shop, left: &Arc<Disk>) -> Told {
    shop.crash();
    shop.on_commit = None;
    shop.lies_at(options(left, Durability::Full));
    shop.open_again();
    Told::with(shop)
}

#[test]
fn after_the_power_comes_back_the_day_goes_on_and_settles() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seed = number("TILLD_SEED").unwrap_or_else(from_the_clock);
    let crashes = number("TILLD_LIVE_CRASHES").unwrap_or(12);
    eprintln!("TILLD_SEED={seed} TILLD_LIVE_CRASHES={crashes}");
    let operations = operations();
    let mut chance = Chance(seed);
    for n in 0..crashes {
        let at = 1 + chance.below(operations);
        let one = catch_unwind(AssertUnwindSafe(|| crash_and_go_on(at, &mut chance.clone())));
        assert!(one.is_ok(), "crash {n} at operation {at}, TILLD_SEED={seed}");
        chance.next();
    }
    crate::write_figures(&serde_json::json!({"crashes": crashes, "settled": crashes, "seed": seed.to_string()}));
}

/// Operations that can fail, in a whole day after its start.
fn operations() -> u64 {
    let disk = Disk::recording(Default::default());
    let (shop, _) = shop_on(&disk, Durability::Full, DataKey::random().unwrap());
    let before = disk.ops();
    let mut told = Told::with(shop);
    for part in PARTS {
        told.tell(part);
        tidy(&mut told.shop);
    }
    disk.ops() - before
}
