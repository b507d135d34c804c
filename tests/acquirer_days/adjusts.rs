//! 离线调整 and tips: another amount in a sale's place. The sale stands as it was made, the difference is a voucher, and the acquirer counts the sale
//! once, with its new amount.

use std::collections::BTreeSet;

use tilld::core::domain::{CaseNo, CashierId, Kind, Minor, Refusal, State, WallMs};
use tilld::core::journal::{Awaited, CaseHow};
use tilld::core::payment::Payment;
use tilld::core::ports::{Archive, CaseAct, Command, FileHash, StatementJudged, StatementNote};
use tilld::core::reconcile::{Book, Matcher, Ours, Period, Row};
use tilld::core::suspense::Ending;
use tilld::sim::acquirer::dialect::Kind as HostKind;

use crate::rig::{HOME, Shop, UnionPay, stripe};

fn open(scenario: &str) -> Shop<UnionPay> {
    Shop::open("unionpay-pos", UnionPay::new(scenario), 1)
}

fn told_as(shop: &Shop<UnionPay>) -> HostKind {
    shop.bank.host.books().payments.last().unwrap().kind
}

#[test]
fn a_tip_is_told_counts_once_and_is_a_voucher_here() {
    let mut shop = open("");
    let sold = shop.sale("s", 1, 10_000, stripe(HOME));
    assert_eq!(shop.refer("x1", Kind::Adjust, &sold, 12_001).unwrap_err().refusal, Refusal::AdjustExceeds);
    assert_eq!(shop.refer("x2", Kind::Adjust, &sold, 10_000).unwrap_err().refusal, Refusal::BadRequest);
    let tip = shop.refer("t", Kind::Adjust, &sold, 11_500).unwrap();
    assert_eq!(tip.state, State::Stored);
    assert_eq!(shop.refer("v1", Kind::Void, &sold, 11_500).unwrap_err().refusal, Refusal::InProgress, "not told yet");
    shop.pass(5_000);
    assert_eq!((shop.state(&tip), told_as(&shop)), (State::Forwarded, HostKind::Tip));
    let all = shop.ledger().today().totals.all;
    assert_eq!((all.sale.amount, all.vouchers.amount, all.net()), (Minor(10_000), Minor(1_500), Some(Minor(11_500))));
    assert_eq!(shop.refer("x3", Kind::Adjust, &sold, 11_000).unwrap_err().refusal, Refusal::AlreadyAdjusted);
    shop.check();
    shop.cut();
    shop.pass(30_000);
    shop.check();
    let settled = shop.bank.host.judgement().settlements[0].clone();
    assert_eq!((settled.verdicts, settled.claimed.domestic.debit), ([1, 1], 11_500));
    assert_eq!(settled.claimed.domestic.debit_count, 1, "replaced, not added");
    assert_eq!(shop.refer("x4", Kind::Adjust, &sold, 10_500).unwrap_err().refusal, Refusal::AlreadyAdjusted);
}

#[test]
fn a_stored_sale_is_adjusted_by_the_offline_message_and_down_too() {
    let mut shop = open("[[verdict]]\ndomestic = 2\n");
    shop.set_line(false);
    shop.pass(2_000);
    let stored = shop.sale("s", 1, 10_000, stripe(HOME));
    assert_eq!(shop.refer("x", Kind::Adjust, &stored, 9_000).unwrap_err().refusal, Refusal::InProgress);
    shop.set_line(true);
    shop.pass(60_000);
    let less = shop.refer("a", Kind::Adjust, &stored, 9_000).unwrap();
    shop.pass(5_000);
    assert_eq!((shop.state(&less), told_as(&shop)), (State::Forwarded, HostKind::Adjust));
    assert_eq!(shop.ledger().today().totals.all.net(), Some(Minor(9_000)));
    shop.cut();
    shop.pass(60_000);
    shop.check();
    let settled = shop.bank.host.judgement().settlements[0].clone();
    // One record: the adjustment goes up in the sale's place.
    assert_eq!((settled.uploaded, settled.claimed.domestic.debit, settled.ended), (1, 9_000, true));
}

#[test]
fn an_adjusted_sale_is_voided_and_refunded_with_its_new_amount() {
    let mut shop = open("");
    let (first, second) = (shop.sale("a", 1, 10_000, stripe(HOME)), shop.sale("b", 1, 20_000, stripe(HOME)));
    shop.refer("ta", Kind::Adjust, &first, 11_000).unwrap();
    shop.refer("tb", Kind::Adjust, &second, 22_000).unwrap();
    shop.pass(5_000);
    assert_eq!(shop.refer("v1", Kind::Void, &first, 10_000).unwrap_err().refusal, Refusal::FullAmountOnly);
    assert_eq!(shop.refer("v", Kind::Void, &first, 11_000).unwrap().state, State::Approved);
    assert_eq!(shop.refer("r1", Kind::Refund, &second, 22_001).unwrap_err().refusal, Refusal::RefundExceeds);
    assert_eq!(shop.refer("r", Kind::Refund, &second, 22_000).unwrap().state, State::Approved);
    assert_eq!(shop.ledger().today().totals.all.net(), Some(Minor::ZERO));
    shop.check();
    shop.cut();
    shop.pass(30_000);
    shop.check();
    assert_eq!(shop.bank.host.judgement().settlements[0].verdicts, [1, 1]);
}

#[test]
fn a_refused_adjustment_is_taken_back_and_the_sale_stands_as_it_was() {
    let mut shop = open("[[decline]]\nadvice = true\namount = 11500\ncode = \"13\"\n");
    let sold = shop.sale("s", 1, 10_000, stripe(HOME));
    let tip = shop.refer("t", Kind::Adjust, &sold, 11_500).unwrap();
    shop.pass(5_000);
    assert_eq!((shop.state(&tip), shop.payment(sold.id).adjusted), (State::Rejected, None));
    let all = shop.ledger().today().totals.all;
    assert_eq!((all.net(), all.vouchers.count), (Some(Minor(10_000)), 2));
    shop.cut();
    shop.pass(30_000);
    shop.check();
    assert_eq!(shop.bank.host.judgement().settlements[0].verdicts, [1, 1]);
}

#[test]
fn a_lost_answer_to_an_adjustment_repeats_it_unchanged() {
    let mut shop = open("repeat = \"94\"\n[[fault]]\non = \"tip\"\ncount = 2\ndo = \"drop_answer\"\n");
    let sold = shop.sale("s", 1, 10_000, stripe(HOME));
    let tip = shop.refer("t", Kind::Adjust, &sold, 11_500).unwrap();
    shop.pass(60_000);
    let now = shop.payment(tip.id);
    assert_eq!((now.state, now.sends), (State::Forwarded, 3));
    shop.cut();
    shop.pass(30_000);
    shop.check();
    assert_eq!(shop.bank.host.judgement().settlements[0].verdicts, [1, 1]);
}

#[test]
fn what_has_ended_or_was_given_back_is_not_adjusted() {
    let mut shop = open("");
    let (old, returned) = (shop.sale("a", 1, 10_000, stripe(HOME)), shop.sale("b", 1, 5_000, stripe(HOME)));
    shop.refer("r", Kind::Refund, &returned, 100).unwrap();
    assert_eq!(shop.refer("x", Kind::Adjust, &returned, 5_100).unwrap_err().refusal, Refusal::AlreadyRefunded);
    shop.cut();
    shop.pass(30_000);
    assert_eq!(shop.refer("y", Kind::Adjust, &old, 10_100).unwrap_err().refusal, Refusal::AdjustTooLate);
    shop.check();
}

#[test]
fn a_tipped_sale_gives_back_the_fee_of_its_new_amount_and_a_statement_with_that_fee_agrees() {
    let mut shop = open("");
    shop.set_fees("[[fee]]\nname=\"card\"\nchannel=\"card\"\nrate=600\non_refund=\"returned\"\narrives=\"T+1\"\n");
    let (first, second) = (shop.sale("a", 1, 10_000, stripe(HOME)), shop.sale("b", 1, 20_000, stripe(HOME)));
    shop.refer("ta", Kind::Adjust, &first, 11_000).unwrap();
    shop.refer("tb", Kind::Adjust, &second, 22_000).unwrap();
    shop.pass(5_000);
    let tipped = shop.payment(second.id);
    let mut book = Book::new(1, false);
    book.add(&Ours::of(&tipped, "10000001").unwrap());
    book.seal();
    let days = BTreeSet::from([tipped.date]);
    let period = Period { days, elsewhere: BTreeSet::new(), today: tipped.date, wait_days: 3 };
    let (batch, stan) = (tipped.batch.map(|b| b.0), tipped.stan.map(|s| s.0));
    let row = Row { terminal: "10000001".into(), batch, stan, amount: 22_000, fee: Some(132), ..Row::default() };
    let mut matcher = Matcher::new(&mut book, period);
    matcher.row(&row, None);
    assert_eq!(matcher.finish().counts, [0; 4], "0.6 % of 220.00 is what it costs");
    let voided = shop.refer("v", Kind::Void, &first, 11_000).unwrap();
    let half = shop.refer("r1", Kind::Refund, &second, 11_000).unwrap();
    // Another schedule from the new year on: what comes back is what the sale cost.
    shop.set_fees("[[fee]]\nname=\"card\"\nchannel=\"card\"\nrate=500\non_refund=\"returned\"\narrives=\"T+1\"\n");
    let rest = shop.refer("r2", Kind::Refund, &second, 11_000).unwrap();
    let fee = |p: &Payment| shop.payment(p.id).class.unwrap().fee.unwrap().fee.0;
    assert_eq!([fee(&voided), fee(&half), fee(&rest)], [66, 66, 66]);
    let sum = shop.ledger().today().fees.sum().unwrap();
    assert_eq!((sum.gross, sum.fee), (Minor::ZERO, Minor::ZERO), "nothing was sold, and nothing costs");
    shop.check();
}

#[test]
fn a_tipped_sale_that_does_not_come_is_short_by_its_new_amount_once() {
    let mut shop = open("");
    let sold = shop.sale("s", 1, 10_000, stripe(HOME));
    shop.refer("t", Kind::Adjust, &sold, 12_000).unwrap();
    shop.pass(5_000);
    shop.cut();
    shop.pass(30_000);
    // The day's statement says: accepted, not yet paid. The wait is over with that day.
    let format = "tilld-acquirer".to_owned();
    let awaited = vec![Awaited { payment: sold.id, format: format.clone(), day: sold.date, until: sold.date }];
    let note = StatementNote {
        hash: FileHash([1; 32]),
        format,
        name: "day.csv".into(),
        days: vec![sold.date],
        lines: 2,
        spoiled: 0,
        imported_at: WallMs(0),
        matched: 0,
        counts: [0, 0, 0, 1],
    };
    let (findings, clean, came, booked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let judged = StatementJudged { note, findings, awaited, clean, came, booked, beside: None };
    shop.ask(Command::Statement(Box::new(judged))).unwrap();
    shop.pass(2_000);
    let finding = shop.store().case(CaseNo(1)).unwrap().unwrap().finding;
    assert_eq!((finding.difference, finding.ours.unwrap().amount), (Minor(-12_000), Minor(12_000)));
    let manager = CashierId::new("M1").unwrap();
    let ending = Ending {
        how: CaseHow::Confirm,
        by: manager,
        second: None,
        reason: "it never came".into(),
        reference: String::new(),
        consent: None,
        refund: None,
        cashier: None,
        device: None,
    };
    shop.ask(Command::Case { case: CaseNo(1), act: Box::new(CaseAct::Resolve(ending)) }).unwrap();
    let all = shop.ledger().today().totals.all;
    assert_eq!((all.vouchers.count, all.vouchers.amount), (1, Minor(-12_000)));
    shop.check();
}
