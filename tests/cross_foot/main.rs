//! Any interleaving of payments, outages, cuts and restarts foots (law 4), and whatever is read back is what was there: the journal from its
//! first row, the newest snapshot, and the state as of any row.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, dead_code)]

#[path = "../day_scenarios/bank.rs"]
mod bank;
#[path = "../day_scenarios/flaky.rs"]
mod flaky;
#[path = "../day_scenarios/shop.rs"]
mod shop;

use proptest::prelude::*;

use tilld::core::domain::{BusinessDate, Kind, Method, Minor, RequestId, Seq, State};
use tilld::core::journal::{Column, Columns, Effect, Original, Record};
use tilld::core::ledger::{Ledger, replay, state_at};
use tilld::core::payment::Payment;
use tilld::core::ports::{Command, History, Pay, Presented};

use crate::bank::Fault;
use crate::shop::{Shop, cashier, instrument, rules, terminal};

/// Something that happens in the store.
#[derive(Debug, Clone)]
enum Happening {
    Sale { till: u8, who: u8, method: Method, card: u8, amount: i64, wait: bool },
    Void { which: prop::sample::Index, who: u8 },
    Refund { which: prop::sample::Index, till: u8, who: u8, whole: bool },
    Fault { till: u8, fault: Fault },
    Line { till: u8, up: bool },
    Cut,
    Settle { till: u8 },
    Restart,
    CommitFails,
    Wait { ms: u64 },
    Resolve { how: u8 },
    HandOver { till: u8, who: u8, counted: i64 },
    Count { till: u8, who: u8, counted: i64 },
    CloseShift { who: u8 },
    ClockJumps { ms: i64 },
    Cancel { which: prop::sample::Index },
}

fn happening() -> impl Strategy<Value = Happening> {
    let method = prop_oneof![4 => Just(Method::Card), 1 => Just(Method::Qr), 2 => Just(Method::Cash), 1 => Just(Method::Voucher)];
    let fault = prop_oneof![
        Just(Fault::LoseAnswer),
        Just(Fault::LoseRequest),
        Just(Fault::Code("51".into())),
        Just(Fault::Code("14".into())),
        Just(Fault::Code("96".into())),
        Just(Fault::Code("99".into())),
        Just(Fault::Code("ZZ".into())),
        Just(Fault::DoneButCode("ZZ".into())),
        Just(Fault::BadMac),
        Just(Fault::NoLine),
        Just(Fault::NotBuilt),
        (1_000u64..90_000).prop_map(Fault::Late),
    ];
    let any_sale = (0..3u8, 0..2u8, method, 0..5u8, 1..40_000i64, any::<bool>())
        .prop_map(|(till, who, method, card, amount, wait)| Happening::Sale { till, who, method, card, amount, wait });
    prop_oneof![
        12 => any_sale,
        3 => (any::<prop::sample::Index>(), 0..2u8).prop_map(|(which, who)| Happening::Void { which, who }),
        3 => (any::<prop::sample::Index>(), 0..3u8, 0..2u8, any::<bool>())
            .prop_map(|(which, till, who, whole)| Happening::Refund { which, till, who, whole }),
        4 => (0..3u8, fault).prop_map(|(till, fault)| Happening::Fault { till, fault }),
        3 => (0..3u8, any::<bool>()).prop_map(|(till, up)| Happening::Line { till, up }),
        2 => Just(Happening::Cut),
        1 => (0..3u8).prop_map(|till| Happening::Settle { till }),
        1 => Just(Happening::Restart),
        1 => Just(Happening::CommitFails),
        4 => (1..100_000u64).prop_map(|ms| Happening::Wait { ms }),
        1 => Just(Happening::Wait { ms: 74 * 3_600_000 }),
        2 => (0..5u8).prop_map(|how| Happening::Resolve { how }),
        1 => (0..3u8, 0..2u8, 0..90_000i64).prop_map(|(till, who, counted)| Happening::HandOver { till, who, counted }),
        1 => (0..3u8, 0..2u8, 0..90_000i64).prop_map(|(till, who, counted)| Happening::Count { till, who, counted }),
        1 => (0..2u8).prop_map(|who| Happening::CloseShift { who }),
        1 => (-100_000_000..100_000_000i64).prop_map(|ms| Happening::ClockJumps { ms }),
        1 => any::<prop::sample::Index>().prop_map(|which| Happening::Cancel { which }),
    ]
}

/// The store and what it was at several moments.
struct Store1 {
    shop: Shop,
    number: u32,
    moments: Vec<Ledger>,
}

impl Store1 {
    fn new() -> Store1 {
        let mut shop = Shop::new(rules());
        shop.pass(1_000);
        Store1 { shop, number: 0, moments: Vec::new() }
    }

    fn happen(&mut self, what: &Happening) {
        let till = |n: u8| terminal(&format!("POS{}", n + 1));
        let who = |n: u8| cashier(&format!("100{}", n + 1));
        let shop = &mut self.shop;
        match what {
            Happening::Sale { till: t, who: w, method, card, amount, wait } => {
                let mut pay = pay(&mut self.number, Kind::Sale, *method, till(*t), who(*w), Minor(*amount));
                pay.presented = match method {
                    Method::Card => Some(["stripe", "foreign", "keyed", "inserted", "chip"][usize::from(*card)]),
                    Method::Qr => Some("code"),
                    _ => None,
                }
                .map(presented);
                self.ask(pay, *wait);
            }
            Happening::Void { which, who: w } => {
                let Some(sale) = self.sale(which) else { return };
                let mut pay = pay(&mut self.number, Kind::Void, sale.method, sale.device.clone(), who(*w), sale.amount);
                pay.original = Some(Original::Payment(sale.id));
                self.ask(pay, true);
            }
            Happening::Refund { which, till: t, who: w, whole } => {
                let Some(sale) = self.sale(which) else { return };
                let amount = if *whole { sale.refundable() } else { Minor(sale.amount.0 / 2) };
                let mut pay = pay(&mut self.number, Kind::Refund, sale.method, till(*t), who(*w), amount);
                (pay.original, pay.confirm_amount) = (Some(Original::Payment(sale.id)), Some(amount));
                if sale.method == Method::Card {
                    let home = sale.masked.as_deref().is_some_and(|m| m.starts_with('6'));
                    pay.presented = Some(presented(if home { "stripe" } else { "foreign" }));
                }
                self.ask(pay, true);
            }
            Happening::Fault { till: t, fault } => shop.bank.next(&till(*t), fault.clone()),
            Happening::Line { till: t, up } => shop.line(&till(*t), *up),
            Happening::Cut => drop(shop.ask(Command::CutDay { by: Some(cashier("M1")) })),
            Happening::Settle { till: t } => drop(shop.ask(Command::Settle(till(*t)))),
            Happening::Restart => {
                shop.crash();
                shop.open_again();
            }
            Happening::CommitFails => shop.trouble.commits.store(0, std::sync::atomic::Ordering::Relaxed),
            Happening::Wait { ms } => shop.pass(*ms),
            Happening::Resolve { how } => {
                use tilld::core::journal::Resolution::*;
                let Some(exception) = shop.ledger().exceptions.keys().next().copied() else { return };
                let how = [Noted, ConfirmedApproved, ConfirmedDeclined, Retry, WrittenOff][usize::from(*how)];
                drop(shop.ask(Command::Resolve { exception, by: cashier("M1"), how, note: String::new() }));
            }
            Happening::HandOver { till: t, who: w, counted } => {
                drop(shop.ask(Command::HandOver {
                    to: who(*w),
                    device: till(*t),
                    counted: Minor(*counted),
                    notes: Vec::new(),
                }));
            }
            Happening::Count { till: t, who: w, counted } => {
                drop(shop.ask(Command::Count {
                    cashier: who(*w),
                    device: till(*t),
                    counted: Minor(*counted),
                    notes: Vec::new(),
                    by: who(*w),
                }));
            }
            Happening::CloseShift { who: w } => drop(shop.ask(Command::CloseShift { cashier: who(*w), by: who(*w) })),
            Happening::ClockJumps { ms } => shop.jump(*ms),
            Happening::Cancel { which } => {
                let all = shop.all_payments();
                if !all.is_empty() {
                    let id = which.get(&all).id;
                    drop(shop.ask(Command::Cancel(id)));
                }
            }
        }
    }

    fn ask(&mut self, pay: Pay, wait: bool) {
        let ticket = self.shop.step(Command::Pay(Box::new(pay)));
        if wait {
            let _ = self.shop.wait_for(ticket);
        }
    }

    fn sale(&self, which: &prop::sample::Index) -> Option<Payment> {
        let sales: Vec<Payment> = self.shop.all_payments().into_iter().filter(|p| p.kind == Kind::Sale).collect();
        (!sales.is_empty()).then(|| which.get(&sales).clone())
    }

    /// What stands in the store now.
    fn remember(&mut self) {
        self.moments.push(self.shop.ledger().clone());
    }
}

fn presented(word: &str) -> Presented {
    let (instrument, entry) = instrument(word);
    Presented { instrument, entry, pin_block: None }
}

fn pay(
    number: &mut u32,
    kind: Kind,
    method: Method,
    device: tilld::core::domain::TerminalId,
    who: tilld::core::domain::CashierId,
    amount: Minor,
) -> Pay {
    *number += 1;
    Pay {
        request: RequestId::new(&format!("r{number}")).unwrap(),
        kind,
        method,
        device,
        cashier: who,
        amount,
        currency: tilld::core::domain::Currency::CNY,
        original: None,
        presented: None,
        approved_by: None,
        confirm_amount: None,
        extra: Default::default(),
    }
}

/// Every record of the store, in order.
fn records(shop: &Shop) -> Vec<Record> {
    let mut all = Vec::new();
    let take = &mut |record: Record, _| {
        all.push(record);
        Ok(())
    };
    shop.writer().store().replay(Seq(0), None, take).unwrap();
    all
}

/// A day added up by hand: only from the entries that stand in the rows, by nobody else's code.
fn by_hand(records: &[Record], date: BusinessDate, of: impl Fn(&Effect) -> bool) -> [(u64, i64); 4] {
    let mut sums = [(0, 0); 4];
    for effect in records.iter().filter(|r| r.date == date).filter_map(|r| r.effect.as_ref()).filter(|e| of(e)) {
        let at = match effect.column {
            Column::Sale => 0,
            Column::Refund => 1,
            Column::Void => 2,
            Column::Voucher => 3,
        };
        sums[at] = (sums[at].0 + 1, sums[at].1 + effect.amount.0);
    }
    sums
}

fn plain(c: &Columns) -> [(u64, i64); 4] {
    [c.sale, c.refund, c.void, c.vouchers].map(|t| (t.count, t.amount.0))
}

/// Tables, bridge and running totals, each against the rows.
fn everything_foots(shop: &Shop) {
    let records = records(shop);
    let ledger = shop.ledger();
    for (date, day) in &ledger.days {
        assert_eq!(day.totals.gaps(), [], "{date}");
        assert_eq!(plain(&day.totals.all), by_hand(&records, *date, |_| true), "{date}");
        for (who, columns) in &day.totals.by_cashier {
            assert_eq!(plain(columns), by_hand(&records, *date, |e| e.cashier == *who), "{date} {who}");
        }
        for (device, columns) in &day.totals.by_device {
            assert_eq!(plain(columns), by_hand(&records, *date, |e| e.device == *device), "{date} {device}");
        }
        for (method, columns) in &day.totals.by_method {
            assert_eq!(plain(columns), by_hand(&records, *date, |e| e.method == *method), "{date} {method}");
        }
        for ((who, device), columns) in &day.totals.matrix {
            let cell = by_hand(&records, *date, |e| e.cashier == *who && e.device == *device);
            assert_eq!(plain(columns), cell, "{date} {who} {device}");
        }
        // The bridge, from the payments as they are now: what counts in its own day lies in exactly one line.
        let mut lines = std::collections::BTreeMap::<String, [(u64, i64); 4]>::new();
        for p in shop.all_payments().iter().filter(|p| p.date == *date && p.counted) {
            let line = lines.entry(p.slot().unwrap().as_text()).or_default();
            let at = match p.kind {
                Kind::Refund => 1,
                Kind::Void => 2,
                _ => 0,
            };
            line[at] = (line[at].0 + 1, line[at].1 + p.amount.0);
        }
        let ours: std::collections::BTreeMap<_, _> =
            day.totals.slots.iter().map(|(slot, columns)| (slot.as_text(), plain(columns))).collect();
        assert_eq!(ours, lines, "{date}: the bridge");
    }
    // Each row carries the totals of its day as they were after it.
    let mut running = std::collections::BTreeMap::<BusinessDate, [(u64, i64); 4]>::new();
    for record in &records {
        let sums = running.entry(record.date).or_default();
        if let Some(effect) = &record.effect {
            let one = by_hand(std::slice::from_ref(record), record.date, |_| true);
            for (sum, more) in sums.iter_mut().zip(one) {
                *sum = (sum.0 + more.0, sum.1 + more.1);
            }
            assert!(effect.amount.0 >= 0 || effect.column == Column::Voucher, "{record:?}");
        }
        assert_eq!(plain(&record.running), *sums, "row {}", record.seq);
    }
    // A day that was cut, and with it its rows, lies before the next.
    for pair in records.windows(2) {
        assert!(pair[0].date <= pair[1].date && pair[0].seq.0 + 1 == pair[1].seq.0);
    }
}

/// Nothing counts that should not, and whatever should counts once.
fn each_payment_counts_once(shop: &Shop) {
    let records = records(shop);
    for p in shop.all_payments() {
        let entries: Vec<&Effect> =
            records.iter().filter_map(|r| r.effect.as_ref()).filter(|e| e.payment == p.id).collect();
        let takes: i64 = entries
            .iter()
            .map(|e| if matches!(e.column, Column::Refund | Column::Void) { -e.amount.0 } else { e.amount.0 })
            .sum();
        let signed = if p.kind == Kind::Sale { p.amount.0 } else { -p.amount.0 };
        let expected = match p.state {
            State::Approved | State::Stored | State::Forwarded | State::SetAside => (1, signed),
            State::Rejected => (2, 0),
            _ => (0, 0),
        };
        assert_eq!((entries.len(), takes), expected, "{p:?}");
    }
}

/// The state as of a row, by either way of having it.
fn moments_come_again(store: &Store1) {
    let shop = &store.shop;
    let first = BusinessDate::parse("2026-03-07").unwrap();
    for live in &store.moments {
        let mut from_genesis = Ledger::new(first);
        replay(&mut from_genesis, shop.writer().store(), Some(live.head)).unwrap();
        from_genesis.evict();
        assert!(from_genesis == *live, "the state as of row {} from the first row", live.head);
        let from_snapshot = state_at(shop.writer().store(), live.head, BusinessDate(chrono::NaiveDate::MIN)).unwrap();
        let archive = shop.writer().store();
        for date in live.days.keys() {
            let then = live.day_view(*date, &shop.rules, archive, shop.now.wall).unwrap();
            let again = from_snapshot.day_view(*date, &shop.rules, archive, shop.now.wall).unwrap();
            assert_eq!(then, again, "{date} as of row {}", live.head);
        }
    }
}

fn cases() -> u32 {
    std::env::var("TILLD_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_foots_and_reads_back(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut store = Store1::new();
        // Resolutions are chance here, not knowledge: the bank may know better.
        store.shop.bank_may_differ = happenings.iter().any(|h| matches!(h, Happening::Resolve { .. }));
        for (n, what) in happenings.iter().enumerate() {
            store.happen(what);
            if n % 5 == 0 {
                store.remember();
            }
        }
        store.shop.bank_findings_matter = !happenings.iter().any(|h| matches!(h, Happening::Resolve { .. }));
        store.remember();
        store.shop.check();
        everything_foots(&store.shop);
        each_payment_counts_once(&store.shop);
        moments_come_again(&store);
        // And it closes.
        store.shop.trouble.commits.store(-1, std::sync::atomic::Ordering::Relaxed);
        let answer = store.shop.ask(Command::CutDay { by: Some(cashier("M1")) });
        let closed = answer.is_ok() || answer.is_err_and(|r| r.refusal == tilld::core::domain::Refusal::DayClosed);
        prop_assert!(closed);
    }
}
