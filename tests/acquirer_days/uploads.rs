//! Unbalanced settlements: what goes up, in which order, once, also after a crash.

use tilld::core::acquirer::{MessageName, Profile};
use tilld::core::domain::{Kind, State};
use tilld::core::journal::Original;
use tilld::core::ports::{Archive, Command};

use crate::rig::{ABROAD, HOME, Shop, UnionPay, code, pos, stripe};

const DOMESTIC_DIFFERS: &str = "[[verdict]]\ndomestic = 2\n";

/// A day with one of everything: sales, a void, a refund, a stored sale, a scanned code, a foreign card.
fn a_mixed_day(scenario: &str) -> Shop<UnionPay> {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(scenario), 1);
    let sold = shop.sale("a", 1, 1_000, stripe(HOME));
    let voided = shop.sale("b", 1, 2_000, stripe(HOME));
    assert_eq!(shop.refer("v", Kind::Void, &voided, 2_000).unwrap().state, State::Approved);
    assert_eq!(shop.refer("r", Kind::Refund, &sold, 300).unwrap().state, State::Approved);
    shop.set_line(false);
    shop.pass(2_000);
    let stored = shop.sale("o", 1, 400, stripe(HOME));
    assert_eq!(stored.state, State::Stored);
    shop.set_line(true);
    shop.pass(60_000);
    assert_eq!(shop.state(&stored), State::Forwarded);
    shop.sale("q", 1, 500, code("134567890123456789"));
    shop.sale("f", 1, 600, stripe(ABROAD));
    for n in 0..10 {
        shop.sale(&format!("s{n}"), 1, 10 + n, stripe(HOME));
    }
    shop.check();
    shop
}

fn settlement(shop: &Shop<UnionPay>) -> tilld::sim::acquirer::judge::Settled {
    shop.bank.host.judgement().settlements[0].clone()
}

/// STANs as they went up.
fn order(shop: &Shop<UnionPay>) -> Vec<u32> {
    shop.bank.host.books().settlements.values().next().unwrap().uploaded.iter().map(|row| row.stan).collect()
}

#[test]
fn an_unbalanced_half_goes_up_whole_in_the_facts_order() {
    let mut shop = a_mixed_day(DOMESTIC_DIFFERS);
    shop.cut();
    shop.pass(60_000);
    shop.check();
    let settled = settlement(&shop);
    // 2 sales, void, refund, stored sale, scanned code, ten more sales; the foreign half balanced.
    assert_eq!((settled.verdicts, settled.uploaded, settled.ended), ([2, 1], 16, true));
    assert_eq!((settled.host_only, settled.terminal_only), (vec![], vec![]));
    let stan = |request: &str| shop.payment_of(request).stan.unwrap().0;
    let went = order(&shop);
    assert_eq!((went[0], went[15]), (stan("o"), stan("r")), "stored sales first, refunds last");
    let mut rows = went[1..15].to_vec();
    rows.sort_unstable();
    assert_eq!(rows, went[1..15], "rows in the order of sending");
    let batch = shop.ledger().ended.values().next().unwrap().clone();
    assert_eq!((batch.records, batch.uploaded.len()), (16, 16));
}

#[test]
fn both_halves_go_up_where_the_profile_says_all_on_error() {
    let text = include_str!("../../src/core/acquirer/profiles/unionpay-pos.toml");
    for (rule, records) in [("halves", 0), ("all", 1)] {
        let text = text.replace("upload_on_error = \"halves\"", &format!("upload_on_error = \"{rule}\""));
        let profile = Profile::parse("unionpay-pos", &text).unwrap();
        let mut shop = Shop::with(profile, UnionPay::new("[[verdict]]\nforeign = 3\n"), 1);
        shop.sale("a", 1, 1_000, stripe(HOME));
        shop.cut();
        shop.pass(60_000);
        shop.check();
        assert_eq!(settlement(&shop).uploaded, records, "{rule}");
    }
}

#[test]
fn an_upload_goes_on_where_a_crash_cut_it_at_every_step() {
    let whole = {
        let mut shop = a_mixed_day(DOMESTIC_DIFFERS);
        shop.cut();
        shop.pass(60_000);
        order(&shop)
    };
    // 0500, one stored sale, two messages of rows, one refund, the end: 50 ms steps meet each on its way out and back.
    for step in 0..16 {
        let mut shop = a_mixed_day(DOMESTIC_DIFFERS);
        shop.cut();
        shop.pass(50 * step + 25);
        shop.crash();
        shop.pass(90_000);
        shop.check();
        let settled = settlement(&shop);
        assert!(settled.ended, "step {step}");
        assert_eq!(order(&shop), whole, "step {step}");
    }
}

#[test]
fn a_lost_answer_to_a_record_repeats_it_and_it_counts_once() {
    for lost in ["upload", "upload_one"] {
        let fault = format!("[[fault]]\non = \"{lost}\"\ncount = 1\ndo = \"drop_answer\"\n{DOMESTIC_DIFFERS}");
        let mut shop = a_mixed_day(&fault);
        shop.cut();
        shop.pass(60_000);
        shop.check();
        let settled = settlement(&shop);
        assert_eq!((settled.uploaded, settled.ended), (16, true), "{lost}");
    }
}

#[test]
fn a_profile_that_forgets_a_record_is_refused() {
    let text = include_str!("../../src/core/acquirer/profiles/unionpay-pos.toml");
    for (from, to, name) in [
        ("single_last = [\"refund\", ", "single_last = [", "Refund"),
        ("rows = [\"sale\", ", "rows = [\"sale\", \"sale\", ", "Sale"),
        ("rows = [\"sale\", ", "rows = [\"sale\", \"preauth\", ", "Preauth"),
    ] {
        let error = Profile::parse("x", &text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains("[upload]") && error.contains(name), "{error}");
    }
    assert!(Profile::builtin("unionpay-pos").unwrap().payment(MessageName::Refund).is_some());
}

#[test]
fn an_unbalanced_batch_ends_in_a_list_of_what_it_may_differ_by() {
    // The refund's answer is lost: the acquirer has it, we do not count it. The sale that was reversed may be in its books too.
    let faults = "[[fault]]\non = \"refund\"\ncount = 1\ndo = \"drop_answer\"\n[[fault]]\non = \"sale\"\nnth = 2\ndo = \"drop_answer\"\n";
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(faults), 1);
    let sold = shop.sale("a", 1, 1_000, stripe(HOME));
    let undone = shop.sale("b", 1, 700, stripe(HOME));
    shop.pass(20_000);
    assert_eq!(shop.state(&undone), State::Reversed);
    let lost = shop.refer("r", Kind::Refund, &sold, 300).unwrap();
    shop.cut();
    shop.pass(60_000);
    shop.check();
    assert_eq!(settlement(&shop).verdicts, [2, 1]);
    let listed: Vec<_> = shop.differs(1).into_iter().map(|d| (d.payment, d.amount.0, d.why)).collect();
    assert_eq!(
        listed,
        [(undone.id.to_string(), 700, "reversed".to_owned()), (lost.id.to_string(), 300, "unknown".to_owned())]
    );
    let balanced = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    let mut balanced = balanced;
    balanced.sale("a", 1, 1_000, stripe(HOME));
    balanced.cut();
    balanced.pass(60_000);
    assert!(balanced.differs(1).is_empty());
}

/// The refund desk has no card at hand. By the time its batch is uploaded the sale's batch, another till's, has ended and its card is erased.
#[test]
fn a_refund_at_another_till_is_uploaded_with_the_card_of_its_sale() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new("[[verdict]]\ntid = \"10000002\"\ndomestic = 2\n"), 2);
    let sold = shop.sale("a", 1, 1_000, stripe(HOME));
    shop.sale("b", 2, 2_000, stripe(HOME));
    let mut refund = shop.asks("r", 2, Kind::Refund, 300);
    refund.original = Some(Original::Payment(sold.id));
    assert_eq!(shop.pay(refund).unwrap().state, State::Approved);
    shop.ask(Command::Settle(pos(1))).unwrap();
    shop.pass(10_000);
    assert!(shop.ledger().terminals[&pos(1)].batch.is_empty(), "the sale's batch has ended");
    shop.cut();
    shop.pass(60_000);
    shop.check();
    let settlements = shop.bank.host.judgement().settlements;
    let settled = settlements.iter().find(|settled| settled.terminal == "10000002").unwrap();
    assert_eq!((settled.verdicts, settled.uploaded, settled.ended), ([2, 1], 2, true));
    // And then nobody keeps it any more.
    for payment in [sold.id, shop.payment_of("r").id] {
        assert_eq!(shop.store().sealed_card(payment).unwrap(), None);
    }
}
