//! Chip cards through writer, lane and host: asked online with field 55, approved by the card itself without a line, undone, uploaded.

use tilld::core::acquirer::iso8583::bcd::unhex;
use tilld::core::acquirer::{Instrument, chip};
use tilld::core::domain::{Entry, Kind, Refusal, State, Track2};
use tilld::core::payment::Payment;
use tilld::core::ports::Presented;

use crate::rig::{HOME, Shop, UnionPay, stripe};

const OWN: u8 = 0x40;
const ASKS: u8 = 0x80;

/// A card in the slot: 0x80 asks the issuer, 0x40 has approved by itself.
fn chip_card(amount: i64, cryptogram: u8) -> Presented {
    let objects = format!(
        "5F340101 9F26081122334455667788 9F2701{cryptogram:02X} 9F10080706A203A0000000 9F370401020304 9F36020042 9505000004E000 \
         9A03260307 9C0100 9F0206{amount:012} 5F2A020156 82027C00 9F1A020156"
    );
    let track = Track2::new("6222021234567890128=30122010000012300".into());
    let card = chip::read(&unhex(&objects.replace(' ', "")).unwrap(), Some(track)).unwrap();
    Presented { instrument: Instrument::Chip(Box::new(card)), entry: Entry::Chip, pin_block: None }
}

fn chip_sale(shop: &mut Shop<UnionPay>, request: &str, amount: i64, cryptogram: u8) -> Payment {
    let mut pay = shop.asks(request, 1, Kind::Sale, amount);
    pay.presented = Some(chip_card(amount, cryptogram));
    shop.pay(pay).unwrap()
}

fn settled(shop: &mut Shop<UnionPay>) -> tilld::sim::acquirer::books::Settlement {
    shop.cut();
    shop.pass(60_000);
    ended(shop)
}

fn ended(shop: &mut Shop<UnionPay>) -> tilld::sim::acquirer::books::Settlement {
    shop.check();
    let settlement = shop.bank.host.books().settlements.values().last().unwrap().clone();
    assert!(settlement.end.is_some());
    settlement
}

/// STAN and "without effect" of what went up, in its order.
fn went_up(settlement: &tilld::sim::acquirer::books::Settlement) -> Vec<(u32, bool)> {
    settlement.uploaded.iter().map(|row| (row.stan, row.failed)).collect()
}

#[test]
fn a_balanced_batch_sends_up_what_its_chips_gave_and_nothing_else() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new("[[decline]]\namount = 5100\ncode = \"51\"\n"), 1);
    let sold = chip_sale(&mut shop, "a", 1_000, ASKS);
    let declined = chip_sale(&mut shop, "b", 5_100, ASKS);
    shop.sale("c", 1, 700, stripe(HOME));
    assert_eq!((sold.state, declined.state), (State::Approved, State::Declined));
    assert!(shop.has_card(&declined), "its record goes up with the batch");
    let settlement = settled(&mut shop);
    assert_eq!(settlement.verdicts, [1, 1]);
    // 203 for the approved one, 204 for the declined one; then 207 with their number.
    assert_eq!(went_up(&settlement), [(sold.stan.unwrap().0, false), (declined.stan.unwrap().0, true)]);
    assert!(!shop.has_card(&sold) && !shop.has_card(&declined), "the batch has ended");
}

#[test]
fn an_unbalanced_batch_sends_stripes_as_rows_and_chips_after_them() {
    let scenario = "[[decline]]\namount = 5100\ncode = \"51\"\n[[verdict]]\ndomestic = 2\n";
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(scenario), 1);
    let sold = chip_sale(&mut shop, "a", 1_000, ASKS);
    let declined = chip_sale(&mut shop, "b", 5_100, ASKS);
    let swiped = shop.sale("c", 1, 700, stripe(HOME));
    let settlement = settled(&mut shop);
    let stan = |p: &Payment| p.stan.unwrap().0;
    // 201, then 205, then 206; the end says 202.
    assert_eq!(went_up(&settlement), [(stan(&swiped), false), (stan(&sold), false), (stan(&declined), true)]);
}

#[test]
fn a_chip_that_approved_by_itself_is_done_without_a_line_and_told_as_it_was() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new("[[verdict]]\ndomestic = 2\n"), 1);
    shop.set_line(false);
    shop.pass(2_000);
    let mut asking = shop.asks("a", 1, Kind::Sale, 1_000);
    asking.presented = Some(chip_card(1_000, ASKS));
    assert_eq!(shop.pay(asking).unwrap_err().refusal, Refusal::OfflineCard, "it wanted its issuer");
    let sold = chip_sale(&mut shop, "b", 1_200, OWN);
    assert_eq!(sold.state, State::Stored);
    shop.set_line(true);
    shop.pass(60_000);
    assert_eq!(shop.state(&sold), State::Forwarded);
    let host = shop.bank.host.books().payments.last().unwrap().kind;
    assert_eq!(host, tilld::sim::acquirer::dialect::Kind::IcOffline);
    let settlement = settled(&mut shop);
    assert_eq!(settlement.uploaded.len(), 1, "as a 0320 of its own, like every stored sale");
}

#[test]
fn a_lost_answer_to_a_chip_is_reversed_with_its_card_and_objects() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new("[[fault]]\ncount = 1\ndo = \"drop_answer\"\n"), 1);
    let lost = chip_sale(&mut shop, "a", 1_000, ASKS);
    assert_eq!(lost.state, State::Unknown);
    shop.pass(20_000);
    assert_eq!(shop.state(&lost), State::Reversed);
    shop.check();
    // Reversed, it has no effect: its record goes up as a failed one.
    assert_eq!(went_up(&settled(&mut shop)), [(lost.stan.unwrap().0, true)]);
}

#[test]
fn a_chip_upload_goes_on_where_a_crash_cut_it() {
    for step in 0..12 {
        let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
        let first = chip_sale(&mut shop, "a", 1_000, ASKS);
        let second = chip_sale(&mut shop, "b", 1_100, ASKS);
        shop.cut();
        shop.pass(50 * step + 25);
        shop.crash();
        shop.pass(90_000);
        let settlement = ended(&mut shop);
        let stans: Vec<u32> = settlement.uploaded.iter().map(|row| row.stan).collect();
        assert_eq!(stans, [first.stan.unwrap().0, second.stan.unwrap().0], "step {step}");
    }
}

#[test]
fn the_chip_must_have_signed_what_is_asked() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    let mut pay = shop.asks("a", 1, Kind::Sale, 1_000);
    pay.presented = Some(chip_card(999, ASKS));
    assert_eq!(shop.pay(pay).unwrap_err().refusal, Refusal::BadChip);
}

#[test]
fn a_chip_sale_is_voided_and_refunded_from_its_sealed_number() {
    let mut shop = Shop::open("unionpay-pos", UnionPay::new(""), 1);
    let first = chip_sale(&mut shop, "a", 1_000, ASKS);
    let second = chip_sale(&mut shop, "b", 2_000, ASKS);
    assert_eq!(shop.refer("v", Kind::Void, &first, 1_000).unwrap().state, State::Approved);
    assert_eq!(shop.refer("r", Kind::Refund, &second, 500).unwrap().state, State::Approved);
    shop.check();
    assert_eq!(settled(&mut shop).verdicts, [1, 1]);
}
