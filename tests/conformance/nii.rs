//! The Hypercom/NII dialect, read and built by bpc8583. Cards of sixteen digits and stripes of even length: it knows no filling of odd ones.

use tilld::core::acquirer::iso8583::{Deframer, Layout};
use tilld::core::acquirer::{
    HostHalf, HostTotals, Instrument, LaneIdentity, MessageName, Order, OriginalRef, Outgoing, PaymentMessage, Profile,
    ReversalReason, compose,
};
use tilld::core::domain::{BatchNo, Entry, Minor, Pan, Stan, Track2};
use tilld::io::vault::SoftKeys;

use crate::messages::{MASTER, identity, key, payment};
use crate::peer::Peer;
use crate::{Meaning, bcd, meaning};

const PAN: &str = "4111111111111111";
const LAYOUT: Layout = Layout { tpdu: 5, header: 0, max: 2048 };

fn card() -> Option<Instrument> {
    Some(Instrument::Card { pan: Pan::new(PAN.into()), expiry: Some("3012".into()) })
}

fn referring(name: MessageName) -> PaymentMessage {
    let original = OriginalRef {
        batch: BatchNo(7),
        stan: Stan(122),
        date: Some("1119".into()),
        rrn: Some("221301491329".into()),
        approval_code: Some("AB12CD".into()),
        organisation: None,
    };
    PaymentMessage { original: Some(original), ..payment(name, Entry::Magstripe, card()) }
}

fn cases() -> Vec<(&'static str, Outgoing, String)> {
    let stripe = Some(Instrument::Track2(Track2::new(format!("{PAN}=301210100001230"))));
    let pay = |message| Outgoing::Payment(Box::new(message));
    let half = HostHalf { debit: Minor(1_234), debit_count: 3, credit: Minor(50), credit_count: 1 };
    let totals = HostTotals { domestic: half, foreign: HostHalf::default() };
    let common = "4=000000012345 11=000123 24=003 25=00";
    let keyed = format!("2={PAN} {common} 14=3012 22=012");
    let sums = "60=000007 63=003000000001234001000000000050";
    vec![
        (
            "sale by stripe",
            pay(payment(MessageName::Sale, Entry::Magstripe, stripe)),
            format!("t=0200 {common} 3=000000 22=022 35={PAN}D301210100001230"),
        ),
        ("keyed sale", pay(payment(MessageName::Sale, Entry::Manual, card())), format!("t=0200 {keyed} 3=000000")),
        ("void", pay(referring(MessageName::Void)), format!("t=0200 {keyed} 3=020000 37=221301491329")),
        ("refund", pay(referring(MessageName::Refund)), format!("t=0200 {keyed} 3=200000 37=221301491329")),
        (
            "offline sale",
            pay(payment(MessageName::OfflineSale, Entry::Manual, card())),
            format!("t=0220 {keyed} 3=000000"),
        ),
        (
            "reversal",
            Outgoing::Reversal(Box::new(payment(MessageName::Sale, Entry::Manual, card())), ReversalReason::NoAnswer),
            format!("t=0400 {keyed} 3=000000"),
        ),
        ("sign-on", Outgoing::SignOn, "t=0800 3=920000 11=000123 24=003".to_owned()),
        ("settlement", Outgoing::Settle(totals), format!("t=0500 3=920000 11=000123 24=003 {sums}")),
        (
            "record",
            Outgoing::UploadOne(Box::new(payment(MessageName::Sale, Entry::Manual, card()))),
            format!("t=0320 {keyed} 3=000000 60=0200000123"),
        ),
        (
            "end after the records",
            Outgoing::End { balanced: false, records: 3, totals },
            format!("t=0500 3=960000 11=000123 24=003 {sums}"),
        ),
    ]
}

/// The TID stands in every message; a sign-on has no MID.
fn meant(text: &str) -> Meaning {
    let pairs = text.split_ascii_whitespace().map(|pair| pair.split_once('=').unwrap());
    let mut meaning: Meaning = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    meaning.insert("41".into(), "12345678".into());
    if meaning["t"] != "0800" {
        meaning.insert("42".into(), "123456789012345".into());
    }
    meaning
}

#[test]
fn the_second_dialect_is_read_and_built_alike_by_a_second_stranger() {
    const NAME: &str = "the_second_dialect_is_read_and_built_alike_by_a_second_stranger";
    let Some(mut peer) = Peer::of(NAME, "nii_peer.py", "import bpc8583.ISO8583") else { return };
    let profile = Profile::builtin("nii-pos").unwrap();
    let identity = LaneIdentity { header: vec![], ..identity() };
    let mut keys = SoftKeys::new(key(MASTER).try_into().unwrap());
    let cases = cases();
    for (name, message, text) in &cases {
        let order = Order { stan: Stan(123), batch: BatchNo(7), message: message.clone() };
        let wire = compose(&profile, &identity, &order, &mut keys).unwrap().wire;
        let meant = meant(text);
        peer.check(name, &wire[2..], &meant, None);
        // and what it builds field by field is read by us
        let mut deframer = Deframer::new(LAYOUT);
        deframer.push(&wire[..2]);
        deframer.push(&peer.build(name, &meant));
        let frame = deframer.next_frame().unwrap().unwrap();
        assert_eq!(meaning(&profile.spec, &profile.spec.decode(&frame.body).unwrap()), meant, "{name}");
        assert_eq!(bcd::hex(&frame.to_bytes().unwrap()), bcd::hex(&wire), "{name}");
    }
    eprintln!("bpc8583 read and built {} messages of the NII dialect byte for byte", cases.len());
}
