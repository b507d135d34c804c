//! Refunds that go back as a transfer: an order of its own, with a life of weeks.

use tilld::core::domain::{BusinessDate, Kind, Method, Minor, State, TransferStep};
use tilld::core::journal::Resolution;
use tilld::core::ports::{Command, Presented, Reply};

use crate::bank::Fault;
use crate::money::{asks, evidence, found, id, moves, open, other_way, refused, sells, send, today, undo, with_tables};
use crate::shop::{Shop, cashier, instrument, terminal};
use crate::words::{day, said};

/// A store whose sale a of 100.00 goes back by transfer t: approved, and sent to the bank.
fn sent() -> Shop {
    let mut shop = open(with_tables());
    refused(&mut shop, "a", "14");
    let order = other_way(&shop, "a", "t", "transfer", "100.00");
    assert_eq!(asks(&mut shop, order), "waiting");
    assert_eq!(moves(&mut shop, "t", TransferStep::Approved, "M2", None), "approved");
    assert_eq!(send(&mut shop, &["wang"]), 1);
    shop
}

/// So many days are closed, one each day.
fn days(shop: &mut Shop, days: u32) {
    for _ in 0..days {
        assert!(matches!(shop.ask(Command::CutDay { by: Some(cashier("M1")) }), Ok(Reply::Cut { .. })));
        shop.pass(24 * 3_600_000);
    }
}

#[test]
fn law_2_accepted_is_not_paid_and_unknown_does_not_become_failed_by_itself() {
    let mut shop = open(with_tables());
    refused(&mut shop, "a", "22");
    let mut unlisted = other_way(&shop, "a", "t", "transfer", "100.00");
    unlisted.extra.payee = None;
    assert_eq!(asks(&mut shop, unlisted), "payee_not_listed");
    let order = other_way(&shop, "a", "t", "transfer", "100.00");
    assert_eq!(asks(&mut shop, order), "waiting");
    // Promised from its birth: nothing else can be given back of it; counted only when the funds are set aside.
    assert_eq!(found(&shop, "a").refundable(), Minor::ZERO);
    assert_eq!(today(&shop).totals.refund.count, 0);
    assert_eq!(send(&mut shop, &["wang"]), 0, "what nobody approved is not sent");
    assert_eq!(moves(&mut shop, "t", TransferStep::Approved, "M1", None), "another_person");
    assert_eq!(moves(&mut shop, "t", TransferStep::Approved, "1002", None), "manager_required");
    assert_eq!(moves(&mut shop, "t", TransferStep::Sent, "M2", None), "transfer_step");
    assert_eq!(moves(&mut shop, "t", TransferStep::Approved, "M2", None), "approved");
    let view = today(&shop);
    assert_eq!((view.totals.refund.amount, view.set_aside), (Minor(10_000), Minor(10_000)));
    assert!(view.bridge.iter().any(|line| line.line == "transfer_set_aside" && line.net == Minor(-10_000)));
    // Who was taken off the allow-list gets nothing.
    assert_eq!(send(&mut shop, &["li"]), 0);
    assert_eq!(send(&mut shop, &["wang"]), 1);
    // Sent again it is the same order under the same number.
    assert_eq!(send(&mut shop, &["wang"]), 1);
    assert_eq!(moves(&mut shop, "t", TransferStep::Accepted, "", evidence("B1")), "accepted");
    assert_eq!(found(&shop, "t").state, State::Promised);
    assert_eq!(today(&shop).set_aside, Minor(10_000));
    assert_eq!(moves(&mut shop, "t", TransferStep::Unknown, "M1", None), "unknown");
    assert_eq!(moves(&mut shop, "t", TransferStep::Failed, "M1", None), "evidence_needed");
    assert_eq!(moves(&mut shop, "t", TransferStep::Failed, "", evidence("")), "evidence_needed");
    assert_eq!(moves(&mut shop, "t", TransferStep::Succeeded, "", evidence("B1")), "succeeded");
    assert_eq!(moves(&mut shop, "t", TransferStep::Failed, "M1", evidence("B9")), "transfer_step");
    let view = today(&shop);
    assert_eq!((view.set_aside, view.totals.vouchers.count), (Minor::ZERO, 0));
    assert!(view.bridge.iter().any(|line| line.line == "transfer_paid"));
    let order = found(&shop, "t").transfer.unwrap();
    assert_eq!(order.answers.len(), 2, "every answer is kept: {:?}", order.answers);
    shop.check();
}

#[test]
fn a_transfer_that_failed_gives_its_funds_back_and_can_be_tried_again() {
    let mut shop = sent();
    assert_eq!(moves(&mut shop, "t", TransferStep::Failed, "", evidence("B1")), "failed");
    let view = today(&shop);
    let (refund, vouchers) = (view.totals.refund.amount, view.totals.vouchers.amount);
    assert_eq!((refund, vouchers, view.net), (Minor(10_000), Minor(10_000), Minor(10_000)));
    assert_eq!(view.vouchers[0].why, "transfer_failed");
    assert_eq!(found(&shop, "a").refundable(), Minor(10_000));
    let again = other_way(&shop, "a", "t2", "transfer", "100.00");
    assert_eq!(asks(&mut shop, again), "waiting");
    assert_eq!(moves(&mut shop, "t2", TransferStep::Withdrawn, "M1", None), "withdrawn");
    assert_eq!(found(&shop, "t2").state, State::Cancelled);
    assert_eq!(found(&shop, "a").refundable(), Minor(10_000));
    shop.check();
}

#[test]
fn law_5_a_return_is_an_order_of_its_own_in_the_open_day() {
    let mut shop = sent();
    let back = |shop: &mut Shop, by: &str| {
        let (payment, answer) = (id(shop, "t"), evidence("R1").unwrap());
        said(shop.ask(Command::ReturnTransfer { payment, by: Some(cashier(by)), answer }))
    };
    assert_eq!(back(&mut shop, "M1"), "transfer_step");
    assert_eq!(moves(&mut shop, "t", TransferStep::Succeeded, "M1", evidence("B1")), "succeeded");
    assert!(matches!(shop.ask(Command::CutDay { by: Some(cashier("M1")) }), Ok(Reply::Cut { .. })));
    shop.pass(10_000);
    let closed = day(&shop, "2026-03-07");
    // A client has given the name that this order would have to one of its own.
    let taken = format!("return-{}", id(&shop, "t"));
    assert_eq!(sells(&mut shop, &taken, "cash", "1.00", ""), "approved");
    assert_eq!(back(&mut shop, "1001"), "manager_required");
    assert_eq!(back(&mut shop, "M1"), "done");
    // Twice is once.
    assert_eq!(back(&mut shop, "M1"), "done");
    let view = today(&shop);
    assert_eq!((view.totals.vouchers.count, view.totals.vouchers.amount), (1, Minor(10_000)));
    assert_eq!(view.vouchers[0].why, "transfer_returned");
    let transfer = found(&shop, "t");
    assert_eq!((transfer.state, transfer.transfer.as_ref().unwrap().step), (State::Approved, TransferStep::Succeeded));
    let returned = shop.payment(transfer.transfer.unwrap().returned_by.unwrap()).unwrap();
    assert_eq!((returned.kind, returned.method), (Kind::TransferReturn, Method::Transfer));
    assert_eq!(day(&shop, "2026-03-07").totals, closed.totals);
    assert_eq!(found(&shop, "a").refundable(), Minor(10_000));
    shop.check();
}

/// What a transfer had promised is free again once, also where the till is switched on again while another refund of the sale is undecided.
#[test]
fn a_failed_transfer_frees_its_amount_once_whatever_a_restart_reads_again() {
    let mut shop = sent();
    assert!(matches!(shop.ask(Command::CutDay { by: Some(cashier("M1")) }), Ok(Reply::Cut { .. })));
    shop.pass(10_000);
    assert_eq!(moves(&mut shop, "t", TransferStep::Failed, "", evidence("B1")), "failed");
    assert_eq!(found(&shop, "a").route.unwrap().amount, Minor(10_000));
    shop.bank.next(&terminal("POS1"), Fault::LoseAnswer);
    let mut refund = undo(&shop, Kind::Refund, "a", "r9", "card", "40.00");
    let (instrument, entry) = instrument("stripe");
    refund.presented = Some(Presented { instrument, entry, pin_block: None });
    assert_eq!(asks(&mut shop, refund), "unknown");
    shop.crash();
    shop.open_again();
    assert_eq!(found(&shop, "a").route.unwrap().amount, Minor(10_000));
    shop.check();
}

/// The bank's "failed" comes after somebody was asked: whoever closes that matter takes nothing from the sale.
#[test]
fn a_late_transfer_that_failed_stays_given_back_when_its_exception_is_closed() {
    let mut shop = sent();
    days(&mut shop, 11);
    assert_eq!(found(&shop, "t").transfer.unwrap().step, TransferStep::Unknown);
    assert_eq!(moves(&mut shop, "t", TransferStep::Failed, "M1", evidence("B9")), "failed");
    let exception = shop.ledger().last_exception;
    let (by, note) = (cashier("M1"), String::new());
    assert_eq!(said(shop.ask(Command::Resolve { exception, by, how: Resolution::Noted, note })), "done");
    for _ in 0..2 {
        let sale = found(&shop, "a");
        assert_eq!((sale.refundable(), sale.route.unwrap().amount), (Minor(10_000), Minor(10_000)));
        shop.check();
        shop.crash();
        shop.open_again();
    }
}

/// A route that was opened today and used up is used up after a restart, too.
#[test]
fn a_route_that_is_used_up_stays_so_whatever_a_restart_reads_again() {
    let mut shop = open(with_tables());
    assert_eq!(sells(&mut shop, "a", "card", "200.00", "stripe"), "approved");
    assert!(matches!(shop.ask(Command::CutDay { by: Some(cashier("M1")) }), Ok(Reply::Cut { .. })));
    shop.pass(10_000);
    let by_card = |shop: &mut Shop, name: &str, amount: &str, fault: Fault| {
        shop.bank.next(&terminal("POS1"), fault);
        let mut refund = undo(shop, Kind::Refund, "a", name, "card", amount);
        let (instrument, entry) = instrument("stripe");
        refund.presented = Some(Presented { instrument, entry, pin_block: None });
        asks(shop, refund)
    };
    assert_eq!(by_card(&mut shop, "r1", "60.00", Fault::Code("14".into())), "declined");
    let cash = other_way(&shop, "a", "w", "cash", "60.00");
    assert_eq!(asks(&mut shop, cash), "approved");
    assert_eq!(found(&shop, "a").route.unwrap().amount, Minor(0));
    assert_eq!(by_card(&mut shop, "r2", "40.00", Fault::LoseAnswer), "unknown");
    shop.crash();
    shop.open_again();
    assert_eq!(found(&shop, "a").route.unwrap().amount, Minor(0));
    shop.check();
}

/// The bank goes on saying "in progress": it is asked about once, not with every word of the bank.
#[test]
fn a_transfer_of_which_the_bank_says_that_it_goes_on_is_not_told_again() {
    let mut shop = sent();
    days(&mut shop, 11);
    assert_eq!(found(&shop, "t").transfer.unwrap().step, TransferStep::Unknown);
    assert_eq!(moves(&mut shop, "t", TransferStep::Accepted, "M1", evidence("B1")), "accepted");
    days(&mut shop, 2);
    assert_eq!(found(&shop, "t").transfer.unwrap().step, TransferStep::Accepted);
    days(&mut shop, 12);
    assert_eq!(found(&shop, "t").transfer.unwrap().step, TransferStep::Unknown);
    let exceptions = shop.ledger().exception_views();
    assert_eq!(exceptions.iter().filter(|e| e.payment == Some(id(&shop, "t").to_string())).count(), 1);
    shop.check();
}

#[test]
fn a_transfer_of_which_the_bank_says_nothing_for_seven_business_days_is_unknown_and_somebodys_to_ask() {
    let mut shop = sent();
    // Sent on Saturday 7 March 2026; its seventh business day is Tuesday the 17th.
    days(&mut shop, 10);
    assert_eq!(shop.ledger().open, BusinessDate::parse("2026-03-17").unwrap());
    assert_eq!(found(&shop, "t").transfer.unwrap().step, TransferStep::Sent);
    assert!(matches!(shop.ask(Command::CutDay { by: Some(cashier("M1")) }), Ok(Reply::Cut { .. })));
    shop.pass(10_000);
    assert_eq!(found(&shop, "t").transfer.unwrap().step, TransferStep::Unknown);
    let exceptions = shop.ledger().exception_views();
    assert_eq!(exceptions.iter().filter(|e| e.payment == Some(id(&shop, "t").to_string())).count(), 1);
    shop.check();
}
