//! Every kind of payment through writer, lane and host.

use tilld::core::acquirer::Profile;
use tilld::core::domain::{Kind, Minor, Refusal, State};
use tilld::core::payment::Payment;

use crate::rig::{HOME, Shop, UnionPay, keyed, stripe};

const PROFILE: &str = include_str!("../../src/core/acquirer/profiles/unionpay-pos.toml");
const DIFFERS: &str = "[[verdict]]\ndomestic = 2\n";
const PAN: &str = "6222021234567890128";

fn open(scenario: &str) -> Shop<UnionPay> {
    Shop::open("unionpay-pos", UnionPay::new(scenario), 1)
}

fn with(from: &str, to: &str, scenario: &str) -> Shop<UnionPay> {
    assert!(PROFILE.contains(from));
    let profile = Profile::parse("unionpay-pos", &PROFILE.replace(from, to)).unwrap();
    Shop::with(profile, UnionPay::new(scenario), 1)
}

fn preauth(shop: &mut Shop<UnionPay>, request: &str, amount: i64) -> Payment {
    let mut pay = shop.asks(request, 1, Kind::Preauth, amount);
    pay.presented = Some(stripe(HOME));
    shop.pay(pay).unwrap()
}

fn settle(shop: &mut Shop<UnionPay>) -> tilld::sim::acquirer::judge::Settled {
    shop.cut();
    shop.pass(60_000);
    shop.check();
    let settled = shop.bank.host.judgement().settlements.pop().unwrap();
    assert!(settled.ended);
    settled
}

fn refused(result: Result<Payment, tilld::core::domain::Reject>) -> Refusal {
    result.unwrap_err().refusal
}

#[test]
fn a_preauth_is_completed_and_the_completion_voided() {
    let mut shop = open(DIFFERS);
    let held = preauth(&mut shop, "p", 10_000);
    assert_eq!(held.state, State::Approved);
    assert_eq!(shop.ledger().today().totals.all.sale.count, 0, "held is not taken");
    assert_eq!(refused(shop.refer("c1", Kind::Completion, &held, 11_501)), Refusal::CompletionExceeds);
    let taken = shop.refer("c", Kind::Completion, &held, 11_500).unwrap();
    assert_eq!((taken.state, shop.ledger().today().totals.all.sale.amount), (State::Approved, Minor(11_500)));
    assert_eq!(shop.payment(held.id).completed_by, Some(taken.id));
    assert_eq!(refused(shop.refer("c2", Kind::Completion, &held, 100)), Refusal::AlreadyCompleted);
    assert_eq!(refused(shop.refer("pv", Kind::PreauthVoid, &held, 10_000)), Refusal::AlreadyCompleted);
    assert_eq!(refused(shop.refer("v1", Kind::CompletionVoid, &taken, 11_499)), Refusal::FullAmountOnly);
    assert_eq!(refused(shop.refer("v2", Kind::CompletionVoid, &held, 10_000)), Refusal::NotSupported);
    let undone = shop.refer("v", Kind::CompletionVoid, &taken, 11_500).unwrap();
    assert_eq!((undone.state, shop.payment(taken.id).voided_by), (State::Approved, Some(undone.id)));
    assert_eq!(shop.ledger().today().totals.all.void.amount, Minor(11_500));
    assert!(shop.has_card(&held), "the upload may need it");
    let settled = settle(&mut shop);
    // The completion in debit, its void in credit, the preauth nowhere; both go up with their card.
    assert_eq!((settled.uploaded, settled.host_only.len()), (2, 0));
    assert_eq!((settled.claimed.domestic.debit, settled.claimed.domestic.credit), (11_500, 11_500));
}

#[test]
fn a_preauth_outlives_its_batch_and_its_card_with_it() {
    let mut shop = open("");
    let held = preauth(&mut shop, "p", 10_000);
    shop.sale("s", 1, 100, stripe(HOME));
    settle(&mut shop);
    assert!(shop.has_card(&held), "still open");
    let taken = shop.refer("c", Kind::Completion, &held, 9_000).unwrap();
    assert_eq!(taken.state, State::Approved);
    settle(&mut shop);
    assert!(!shop.has_card(&held) && !shop.has_card(&taken), "completed, and the batch has ended");
    assert_eq!(refused(shop.refer("v", Kind::CompletionVoid, &taken, 9_000)), Refusal::UseRefund);
    let mut refund = shop.asks("r", 1, Kind::Refund, 500);
    refund.original = Some(tilld::core::journal::Original::Payment(taken.id));
    refund.presented = Some(stripe(HOME));
    assert_eq!(shop.pay(refund).unwrap().state, State::Approved);
    shop.check();
}

#[test]
fn a_preauth_is_voided_and_forgets_its_card() {
    let mut shop = open("");
    let held = preauth(&mut shop, "p", 10_000);
    let undone = shop.refer("v", Kind::PreauthVoid, &held, 10_000).unwrap();
    assert_eq!((undone.state, shop.payment(held.id).voided_by), (State::Approved, Some(undone.id)));
    assert!(!shop.has_card(&held));
    assert_eq!(refused(shop.refer("c", Kind::Completion, &held, 100)), Refusal::AlreadyVoided);
    assert_eq!(shop.ledger().today().totals.all, Default::default());
    shop.check();
}

#[test]
fn unanswered_kinds_are_reversed() {
    for kind in ["preauth", "preauth_void", "completion", "completion_void"] {
        let mut shop = open(&format!("[[fault]]\non = \"{kind}\"\ncount = 1\ndo = \"drop_answer\"\n"));
        let held = preauth(&mut shop, "p", 10_000);
        let lost = match kind {
            "preauth" => held,
            "preauth_void" => shop.refer("x", Kind::PreauthVoid, &held, 10_000).unwrap(),
            "completion" => shop.refer("x", Kind::Completion, &held, 10_000).unwrap(),
            _ => {
                let taken = shop.refer("c", Kind::Completion, &held, 10_000).unwrap();
                shop.refer("x", Kind::CompletionVoid, &taken, 10_000).unwrap()
            }
        };
        assert_eq!(lost.state, State::Unknown, "{kind}");
        shop.pass(20_000);
        assert_eq!(shop.state(&lost), State::Reversed, "{kind}");
        shop.check();
        assert!(shop.bank.host.judgement().owed.is_empty());
        settle(&mut shop);
    }
}

#[test]
fn a_completion_as_advice_needs_no_line_and_is_undone_here_while_it_waits() {
    let mut shop = with("completion = \"request\"", "completion = \"advice\"", DIFFERS);
    let (first, second) = (preauth(&mut shop, "p1", 10_000), preauth(&mut shop, "p2", 5_000));
    shop.set_line(false);
    shop.pass(2_000);
    let told = shop.refer("c1", Kind::Completion, &first, 9_900).unwrap();
    let taken_back = shop.refer("c2", Kind::Completion, &second, 5_000).unwrap();
    assert_eq!((told.state, taken_back.state), (State::Stored, State::Stored));
    let undone = shop.refer("v", Kind::CompletionVoid, &taken_back, 5_000).unwrap();
    assert_eq!((undone.state, undone.stan), (State::Approved, None));
    assert_eq!(shop.payment(second.id).completed_by, None, "never sent: it is held as before");
    shop.set_line(true);
    shop.pass(60_000);
    assert_eq!(shop.state(&told), State::Forwarded);
    let again = shop.refer("c3", Kind::Completion, &second, 4_000).unwrap();
    assert_eq!(again.state, State::Stored);
    shop.pass(10_000);
    let settled = settle(&mut shop);
    assert_eq!((settled.uploaded, settled.claimed.domestic.debit), (2, 13_900));
}

#[test]
fn a_refused_completion_leaves_the_preauth_open() {
    let scenario = "[[decline]]\nadvice = true\namount = 9900\ncode = \"51\"\n";
    let mut shop = with("completion = \"request\"", "completion = \"advice\"", scenario);
    let held = preauth(&mut shop, "p", 10_000);
    let told = shop.refer("c", Kind::Completion, &held, 9_900).unwrap();
    shop.pass(10_000);
    assert_eq!((shop.state(&told), shop.payment(held.id).completed_by), (State::Rejected, None));
    assert_eq!(shop.refer("v", Kind::PreauthVoid, &held, 10_000).unwrap().state, State::Approved);
    shop.check();
}

#[test]
fn what_needs_a_line_is_refused_without_one() {
    let mut shop = open("");
    let held = preauth(&mut shop, "p", 10_000);
    shop.set_line(false);
    shop.pass(2_000);
    for kind in [Kind::Completion, Kind::PreauthVoid] {
        assert_eq!(refused(shop.refer("x", kind, &held, 10_000)), Refusal::NeedsLine, "{kind}");
    }
    let mut ask = shop.asks("b", 1, Kind::Balance, 0);
    ask.presented = Some(stripe(HOME));
    assert_eq!(refused(shop.pay(ask)), Refusal::NeedsLine);
}

#[test]
fn a_balance_is_told_and_counts_nowhere() {
    let mut shop = open("[[card]]\npan = \"622202\"\nbalance = 123456\n");
    let mut ask = shop.asks("b", 1, Kind::Balance, 0);
    let mut card = stripe(HOME);
    card.pin_block = Some(shop.pin(1, "1234", PAN));
    ask.presented = Some(card);
    let told = shop.pay(ask).unwrap();
    assert_eq!((told.state, told.balance, told.in_host_totals), (State::Approved, Some(Minor(123_456)), false));
    let mut wrong = shop.asks("b2", 1, Kind::Balance, 5);
    wrong.presented = Some(stripe(HOME));
    assert_eq!(refused(shop.pay(wrong)), Refusal::BadRequest);
    assert_eq!(shop.ledger().today().totals.all, Default::default());
    settle(&mut shop);
}

#[test]
fn an_unanswered_refund_stays_unknown_and_is_sent_once() {
    let mut shop = open("[[fault]]\non = \"refund\"\ncount = 1\ndo = \"drop_answer\"\n");
    let sold = shop.sale("s", 1, 1_000, stripe(HOME));
    let lost = shop.refer("r", Kind::Refund, &sold, 400).unwrap();
    shop.pass(120_000);
    assert_eq!((shop.state(&lost), shop.payment(lost.id).sends), (State::Unknown, 1));
    assert_eq!(shop.ledger().exceptions.len(), 1);
    assert_eq!(refused(shop.refer("r2", Kind::Refund, &sold, 400)), Refusal::InProgress);
    shop.check();
}

#[test]
fn where_repeats_are_recognized_a_refund_is_repeated_and_94_means_done() {
    let scenario = "repeat = \"94\"\n[[fault]]\non = \"refund\"\ncount = 2\ndo = \"drop_answer\"\n";
    let mut shop = with("repeats_recognized = false", "repeats_recognized = true", scenario);
    let sold = shop.sale("s", 1, 1_000, keyed(PAN));
    let lost = shop.refer("r", Kind::Refund, &sold, 400).unwrap();
    assert_eq!(lost.state, State::Unknown);
    shop.pass(120_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.sends, now.code.as_deref()), (State::Approved, 3, Some("94")));
    assert_eq!(shop.payment(sold.id).refunded(), Minor(400));
    assert!(shop.ledger().exceptions.is_empty());
    let settled = settle(&mut shop);
    assert_eq!(settled.verdicts, [1, 1]);
}

/// The answer to its repeat comes when nobody waits for it any more.
#[test]
fn a_late_94_to_a_repeated_refund_means_done_as_well() {
    let scenario = "repeat = \"94\"\n[[fault]]\non = \"refund\"\nnth = 1\ndo = \"drop_answer\"\n[[fault]]\non = \"refund\"\nnth = 2\ndo = \"delay\"\nms = 5500\n";
    let mut shop = with("repeats_recognized = false", "repeats_recognized = true", scenario);
    let sold = shop.sale("s", 1, 1_000, keyed(PAN));
    let lost = shop.refer("r", Kind::Refund, &sold, 400).unwrap();
    assert_eq!(lost.state, State::Unknown);
    shop.pass(120_000);
    let now = shop.payment(lost.id);
    assert_eq!((now.state, now.code.as_deref()), (State::Approved, Some("94")), "{now:?}");
    assert_eq!(shop.payment(sold.id).refunded(), Minor(400));
}
