//! What moves no money: asking what became of a payment, signing off and on, and what must not be left lying.

use tilld::core::acquirer::Profile;
use tilld::core::domain::{Kind, Refusal, State};
use tilld::core::journal::{AlarmLevel, ExceptionKind};
use tilld::core::payment::{Payment, ReversalStage};

use crate::rig::{HOME, Shop, UnionPay, code, pos, stripe};

const PROFILE: &str = include_str!("../../src/core/acquirer/profiles/unionpay-pos.toml");

/// An acquirer that can be asked about scanned codes and refunds.
fn asking(no_record_means_failed: bool, scenario: &str) -> Shop<UnionPay> {
    let query = format!(
        r#"[messages.query]
mti = "0200"
mac = true
sets = ["management"]
fields = {{ 3 = "670000", 25 = "00", 49 = "{{currency}}", 60 = "01{{batch}}000", 61 = "{{original_batch}}{{original_stan}}" }}

[query]
messages = ["scan_sale", "refund"]
tries = 2
no_record = ["25"]
no_record_means_failed = {no_record_means_failed}
"#
    );
    let text = PROFILE.replace("[query]\nno_record_means_failed = false\n", &query);
    assert_ne!(text, PROFILE);
    Shop::with(Profile::parse("unionpay-pos", &text).unwrap(), UnionPay::new(scenario), 1)
}

fn scanned(shop: &mut Shop<UnionPay>) -> Payment {
    shop.sale("q", 1, 1_000, code("134567890123456789"))
}

#[test]
fn a_code_whose_answer_was_lost_is_asked_about_and_found() {
    let mut shop = asking(false, "[[fault]]\non = \"scan_sale\"\ncount = 1\ndo = \"drop_answer\"\n");
    let lost = scanned(&mut shop);
    assert_eq!(lost.state, State::Unknown);
    shop.pass(10_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.queries, now.reversal), (State::Approved, 1, None), "nothing was undone");
    assert!(now.rrn.is_some() && now.in_host_totals);
    shop.check();
    shop.cut();
    shop.pass(30_000);
    shop.check();
    assert_eq!(shop.bank.host.judgement().settlements[0].verdicts, [1, 1]);
}

#[test]
fn no_record_is_not_failed_and_the_payment_is_reversed() {
    let mut shop = asking(false, "[[fault]]\non = \"scan_sale\"\ncount = 1\ndo = \"drop_request\"\n");
    let lost = scanned(&mut shop);
    shop.pass(20_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.queries), (State::Reversed, 1));
    shop.check();
}

#[test]
fn where_the_profile_says_so_no_record_means_that_there_never_was_one() {
    let mut shop = asking(true, "[[fault]]\non = \"scan_sale\"\ncount = 1\ndo = \"drop_request\"\n");
    let lost = scanned(&mut shop);
    shop.pass(20_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.reversal, now.code.as_deref()), (State::Declined, None, Some("25")));
}

#[test]
fn an_unanswered_query_is_repeated_within_its_bound_and_then_it_is_reversed() {
    let scenario = "[[fault]]\non = [\"scan_sale\", \"query\"]\ncount = 3\ndo = \"drop_answer\"\n";
    let mut shop = asking(false, scenario);
    let lost = scanned(&mut shop);
    shop.pass(60_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.queries), (State::Reversed, 2));
    shop.check();
}

#[test]
fn a_crash_while_it_is_asked_about_changes_nothing() {
    for step in 0..8 {
        let mut shop = asking(false, "[[fault]]\non = \"scan_sale\"\ncount = 1\ndo = \"drop_answer\"\n");
        let lost = scanned(&mut shop);
        shop.pass(25 * step);
        shop.crash();
        shop.pass(60_000);
        // Asked again, or, after two that the crash made silent, undone: never both.
        let now = shop.payment(lost.id);
        assert!(matches!(now.state, State::Approved | State::Reversed), "step {step}: {now:?}");
        shop.check();
    }
}

#[test]
fn an_unanswered_refund_is_found_by_asking() {
    let mut shop = asking(false, "[[fault]]\non = \"refund\"\ncount = 1\ndo = \"drop_answer\"\n");
    let sold = shop.sale("s", 1, 1_000, stripe(HOME));
    let lost = shop.refer("r", Kind::Refund, &sold, 400).unwrap();
    shop.pass(20_000);
    assert_eq!((shop.state(&lost), shop.payment(sold.id).refunded().0), (State::Approved, 400));
    assert!(shop.ledger().exceptions.is_empty());
    shop.check();
}

#[test]
fn after_a_settled_day_the_terminal_signs_off_and_on_again() {
    let text = PROFILE.replace("off_after_settlement = false", "off_after_settlement = true");
    let mut shop = Shop::with(Profile::parse("unionpay-pos", &text).unwrap(), UnionPay::new(""), 1);
    shop.sale("a", 1, 1_000, stripe(HOME));
    let before = shop.bank.host.books().terminal("10000001").unwrap().sign_ons;
    shop.cut();
    shop.pass(30_000);
    let terminal = shop.bank.host.books().terminal("10000001").unwrap().clone();
    assert_eq!((terminal.sign_ons, terminal.signed_on), (before + 1, true));
    assert_eq!(shop.sale("b", 1, 1_000, stripe(HOME)).batch.unwrap().0, 2);
    shop.check();
}

#[test]
fn a_sign_on_that_an_answers_header_demands_comes_before_the_next_payment() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    shop.bank.host.demand_sign_on("10000001");
    let before = shop.bank.host.books().terminal("10000001").unwrap().sign_ons;
    assert_eq!(shop.sale("a", 1, 1_000, stripe(HOME)).state, State::Approved);
    assert_eq!(shop.sale("b", 1, 1_100, stripe(HOME)).state, State::Approved);
    assert_eq!(shop.bank.host.books().terminal("10000001").unwrap().sign_ons, before + 1);
    shop.check();
}

fn sign_ons(shop: &Shop<UnionPay>) -> u64 {
    shop.bank.host.books().terminal("10000001").unwrap().sign_ons
}

#[test]
fn after_an_outage_the_terminal_signs_on_before_anything_else() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    assert_eq!(sign_ons(&shop), 1);
    shop.set_line(false);
    shop.pass(60_000);
    assert!(!shop.is_up(1), "without a line nobody is signed on");
    let stored = shop.sale("o", 1, 1_000, stripe(HOME));
    assert_eq!(stored.state, State::Stored);
    // Meanwhile the host was exchanged: it has other keys, and answers A0 to whoever uses the old ones.
    shop.bank.host.forget_keys("10000001");
    shop.set_line(true);
    shop.pass(40_000);
    assert_eq!((sign_ons(&shop), shop.state(&stored)), (2, State::Forwarded));
    assert_eq!(shop.payment(stored.id).sends, 1, "it was not sent under keys that nobody knows any more");
    shop.check();
}

#[test]
fn a_connection_that_only_blinks_is_no_outage() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    for _ in 0..3 {
        shop.set_line(false);
        shop.set_line(true);
        shop.pass(4_000);
        assert!(shop.is_up(1));
    }
    assert_eq!(sign_ons(&shop), 1);
    let text = PROFILE.replace("outage_s = 5", "outage_s = 0");
    let mut shop = Shop::with(Profile::parse("unionpay-pos", &text).unwrap(), UnionPay::new(""), 1);
    shop.set_line(false);
    shop.set_line(true);
    shop.pass(4_000);
    assert_eq!(sign_ons(&shop), 2, "this acquirer wants one on every connection");
}

#[test]
fn a_connection_on_which_nobody_answered_is_an_outage_however_soon_another_stands() {
    let mut shop = Shop::open(
        "unionpay-pos",
        UnionPay::new("[[fault]]\non = \"sale\"\ncount = 1\ndo = \"disconnect_before\"\n"),
        1,
    );
    let lost = shop.sale("l", 1, 1_000, stripe(HOME));
    assert_eq!(lost.state, State::Unknown);
    shop.pass(10_000);
    assert_eq!((sign_ons(&shop), shop.state(&lost)), (2, State::Reversed));
    shop.check();
}

#[test]
fn what_else_a_header_asks_for_is_shown_until_nothing_is_asked_for() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    let asked = |shop: &Shop<UnionPay>| shop.ledger().terminal(&pos(1)).asked_for;
    shop.bank.host.ask_for("10000001", 4);
    shop.sale("a", 1, 1_000, stripe(HOME));
    assert_eq!((asked(&shop), sign_ons(&shop)), (4, 1));
    let known = &shop.rules().channel.requests[&4];
    assert!(!known.sign_on && known.sentence.en.contains("CAPK"));
    shop.crash();
    shop.pass(5_000);
    assert_eq!(asked(&shop), 4, "the acquirer goes on asking, and a restart forgets nothing");
    shop.bank.host.ask_for("10000001", 0);
    shop.sale("b", 1, 1_000, stripe(HOME));
    assert_eq!(asked(&shop), 0);
    shop.check();
}

/// A sale whose answer was lost, and a host that knows no reversals: 96 to each.
fn a_reversal_that_fails(change: impl Fn(&str) -> String, answered: u32) -> (Shop<UnionPay>, Payment) {
    let text = change(PROFILE);
    let scenario = format!(
        "[[fault]]\non = \"sale\"\ncount = 1\ndo = \"drop_answer\"\n[[fault]]\non = \"reversal\"\ncount = {answered}\ndo = \"refuse\"\ncode = \"96\"\n"
    );
    let mut shop = Shop::with(Profile::parse("unionpay-pos", &text).unwrap(), UnionPay::new(&scenario), 1);
    let lost = shop.sale("l", 1, 1_000, stripe(HOME));
    (shop, lost)
}

#[test]
fn a_reversal_whose_tries_ran_out_is_kept_where_the_profile_says_so_and_tried_after_the_next_sign_on() {
    let keep = |text: &str| text.replace("exhausted = \"exception\"", "exhausted = \"keep\"");
    let (mut shop, lost) = a_reversal_that_fails(keep, 3);
    shop.pass(120_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.reversal.unwrap().stage), (State::Unknown, ReversalStage::GivenUp));
    assert_eq!(shop.ledger().exceptions.len(), 1);
    // The lane goes on, and after the next sign-on it is tried anew.
    assert_eq!(shop.sale("b", 1, 900, stripe(HOME)).state, State::Approved);
    shop.bank.host.demand_sign_on("10000001");
    shop.sale("c", 1, 800, stripe(HOME));
    shop.pass(30_000);
    assert_eq!(shop.state(&lost), State::Reversed);
    assert_eq!(shop.ledger().exceptions.len(), 1, "said once, and still a person's to close");
    shop.check();
}

#[test]
fn a_reversal_of_a_day_that_is_cut_is_a_persons_where_the_profile_says_so() {
    let today = |text: &str| text.replace("earlier_days = \"send\"", "earlier_days = \"give_up\"");
    for (change, end) in
        [(&today as &dyn Fn(&str) -> String, State::Unknown), (&|t: &str| t.to_owned(), State::Reversed)]
    {
        let (mut shop, lost) = a_reversal_that_fails(change, 1);
        shop.cut();
        shop.pass(120_000);
        assert_eq!(shop.state(&lost), end);
        let told = shop.ledger().exceptions.values().filter(|e| e.kind == ExceptionKind::ReversalFailed).count();
        // The host has the sale, so that the batch that is settled without it differs: that is told too.
        assert_eq!((told, shop.ledger().exceptions.len()), if end == State::Unknown { (1, 2) } else { (0, 0) });
        assert_eq!(shop.sale("b", 1, 900, stripe(HOME)).state, State::Approved, "and the lane goes on");
    }
}

#[test]
fn what_stays_unknown_is_told_of_after_half_an_hour_and_two_days() {
    let mut shop =
        Shop::open("unionpay-pos", UnionPay::new("[[fault]]\non = \"refund\"\ncount = 1\ndo = \"drop_answer\"\n"), 1);
    let sold = shop.sale("s", 1, 1_000, stripe(HOME));
    let lost = shop.refer("r", Kind::Refund, &sold, 400).unwrap();
    shop.pass(29 * 60_000);
    assert_eq!(shop.payment(lost.id).alarm, None);
    shop.pass(2 * 60_000);
    assert_eq!(shop.payment(lost.id).alarm, Some(AlarmLevel::Late));
    shop.pass(48 * 3_600_000);
    assert_eq!(shop.payment(lost.id).alarm, Some(AlarmLevel::Escalated));
    assert_eq!(shop.ledger().exceptions.len(), 1, "said once");
    let until = tilld::core::ledger::watched_until(&shop.payment(lost.id), shop.rules()).unwrap();
    let between = shop.rules().money.calendar.business_days_between(lost.date, until);
    assert_eq!((between, shop.rules().money.calendar.is_business_day(until)), (7, true));
    shop.check();
}

#[test]
fn a_preauth_that_nobody_completes_lapses_and_its_card_is_erased() {
    let text = PROFILE.replace("max_days = 30", "max_days = 2");
    let mut shop = Shop::with(Profile::parse("unionpay-pos", &text).unwrap(), UnionPay::new(""), 1);
    let mut ask = shop.asks("p", 1, Kind::Preauth, 10_000);
    ask.presented = Some(stripe(HOME));
    let held = shop.pay(ask).unwrap();
    let day = |shop: &mut Shop<UnionPay>| {
        shop.pass(24 * 3_600_000);
        shop.cut();
        shop.pass(60_000);
    };
    day(&mut shop);
    day(&mut shop);
    assert!(shop.has_card(&held) && !shop.payment(held.id).lapsed);
    day(&mut shop);
    assert!(!shop.has_card(&held) && shop.payment(held.id).lapsed);
    assert_eq!(shop.refer("c", Kind::Completion, &held, 10_000).unwrap_err().refusal, Refusal::PreauthLapsed);
    shop.check();
}

/// Its own answer comes while it is asked about: it counts once, and what the query says then decides nothing.
#[test]
fn an_answer_that_comes_while_it_is_asked_about_counts_once() {
    let scenario = "[[fault]]\non = \"scan_sale\"\ncount = 1\ndo = \"delay\"\nms = 6000\n[[fault]]\non = \"query\"\ncount = 1\ndo = \"delay\"\nms = 3000\n";
    let mut shop = asking(false, scenario);
    let late = scanned(&mut shop);
    assert_eq!(late.state, State::Unknown);
    shop.pass(20_000);
    let now = shop.payment(late.id);
    assert_eq!((now.state, now.queries), (State::Approved, 1), "{now:?}");
    let totals = shop.ledger().terminals[&pos(1)].batch.totals;
    assert_eq!((totals.domestic.debit_count, totals.domestic.debit.0), (1, 1_000));
    shop.check();
    shop.cut();
    shop.pass(30_000);
    assert_eq!(shop.bank.host.judgement().settlements[0].verdicts, [1, 1]);
}
