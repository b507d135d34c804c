//! What is said, and what is meant by it. The meanings are written by hand from the facts and not taken from the profile.

use des::cipher::{BlockCipherEncrypt, KeyInit};
use tilld::core::acquirer::iso8583::bcd;
use tilld::core::acquirer::{
    ChipCard, ChipUpload, HostHalf, HostTotals, Instrument, LaneIdentity, MessageName, Order, OriginalRef, Outgoing,
    PaymentMessage, Profile, ReversalReason, UploadRow, compose, compose_echo,
};
use tilld::core::domain::{
    BatchNo, ChipData, Currency, Entry, Mid, Minor, Pan, PaymentCode, PinBlock, Stan, Tid, Track2,
};
use tilld::core::ports::TerminalKeys;
use tilld::io::vault::SoftKeys;

use crate::Meaning;

pub const PAN: &str = "6222021234567890128";
pub const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";
const PIK: &str = "D931648F3DE313A4A22C15DCA4F4299E";
/// The MAC key that the terminal is given at its sign-on, for the stranger.
pub const MAK: &str = "AB7C577CC7A18045";

/// Seen on other people's terminals and hosts (facts page): name, wire, MAC key.
pub const FOREIGN: &[(&str, &str, Option<&str>)] = &[
    (
        "a sale",
        "007F6000060000603210320072020030200480\
         00C080150000000000000012340000020300993030303030303031393532373138313832323137383735\
         31353600192600000100060000000000435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031\
         4233413039324145",
        Some("0723C80DB5F4CD3D"),
    ),
    (
        "a sign-on",
        "0041600000000060220000000008000038000000C000120001721705100510353030383030303133303933313030383339383530303800110000017200300003435550",
        None,
    ),
    (
        "a sign-on's answer",
        "007960000001386131003111080810003800010AC0001450021122130107200800085500323231333031343931333239303039393939393930363030313433303137303131393939390011000005190030004046F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A",
        None,
    ),
];

/// One message.
pub struct Case {
    pub name: &'static str,
    say: Say,
    pub meant: Meaning,
    pub mac: bool,
}

enum Say {
    Order(Outgoing),
    Echo,
}

/// `t=0200 3=000000 63=01_`: fields by number, `_` for a blank; terminal and merchant are added.
fn meant(text: &str) -> Meaning {
    let pairs = text.split_ascii_whitespace().map(|pair| pair.split_once('=').unwrap());
    let mut meaning: Meaning = pairs.map(|(key, value)| (key.to_owned(), value.replace('_', " "))).collect();
    meaning.insert("41".into(), "12345678".into());
    meaning.insert("42".into(), "123456789012345".into());
    meaning
}

/// The bytes for the wire, with the software keys that a terminal has after its sign-on.
pub fn composed(case: &Case) -> Vec<u8> {
    let (profile, identity) = (Profile::builtin("unionpay-pos").unwrap(), identity());
    let mut keys = SoftKeys::new(key(MASTER).try_into().unwrap());
    keys.load_work_keys(&key_block()).unwrap();
    let composed = match &case.say {
        Say::Order(message) => {
            let order = Order { stan: Stan(123), batch: BatchNo(7), message: message.clone() };
            compose(&profile, &identity, &order, &mut keys)
        }
        Say::Echo => compose_echo(&profile, &identity, BatchNo(7), &mut keys),
    };
    composed.unwrap_or_else(|error| panic!("{}: {error}", case.name)).wire
}

pub fn key(text: &str) -> Vec<u8> {
    bcd::unhex(text).unwrap()
}

/// Form 003: PIN key 16, check 4, MAC key 8, zeros 8, check 4.
fn key_block() -> Vec<u8> {
    let master = des::TdesEde2::new_from_slice(&key(MASTER)).unwrap();
    let wrap = |clear: &str| -> Vec<u8> {
        let blocks = key(clear);
        let blocks = blocks.chunks(8).map(|chunk| {
            let mut block = <[u8; 8]>::try_from(chunk).unwrap().into();
            master.encrypt_block(&mut block);
            <[u8; 8]>::from(block)
        });
        blocks.flatten().collect()
    };
    [wrap(PIK), key("900ECCE3"), wrap(MAK), vec![0; 8], key("CFF1592A")].concat()
}

pub fn identity() -> LaneIdentity {
    LaneIdentity {
        tid: Tid::new("12345678").unwrap(),
        mid: Mid::new("123456789012345").unwrap(),
        tpdu: key("6000030000"),
        header: key("602200000000"),
        serial_number: "00003202".into(),
        operator: "01 ".into(),
        currency: Currency::CNY,
    }
}

pub fn payment(name: MessageName, entry: Entry, instrument: Option<Instrument>) -> PaymentMessage {
    PaymentMessage {
        name,
        amount: Minor(12_345),
        currency: Currency::CNY,
        entry,
        instrument,
        pin_block: None,
        with_pin: false,
        original: None,
        approval_code: None,
    }
}

pub fn card() -> Option<Instrument> {
    Some(Instrument::Card { pan: Pan::new(PAN.into()), expiry: Some("3012".into()) })
}

pub fn stripe() -> Option<Instrument> {
    Some(Instrument::Track2(Track2::new(format!("{PAN}=30121010000012300"))))
}

pub fn code() -> Option<Instrument> {
    Some(Instrument::Code(PaymentCode::new("134567890123456789".into())))
}

/// A payment from the sealed number of a swiped card, that refers to another.
fn referring(name: MessageName) -> PaymentMessage {
    let original = OriginalRef {
        batch: BatchNo(7),
        stan: Stan(122),
        date: Some("1119".into()),
        rrn: Some("221301491329".into()),
        approval_code: Some("AB12CD".into()),
        organisation: Some("CUP".into()),
    };
    PaymentMessage { original: Some(original), ..payment(name, Entry::Magstripe, card()) }
}

fn case(name: &'static str, say: Say, mac: bool, text: &str) -> Case {
    Case { name, say, meant: meant(text), mac }
}

fn pay(name: &'static str, payment: PaymentMessage, text: &str) -> Case {
    case(name, Say::Order(Outgoing::Payment(Box::new(payment))), true, text)
}

fn undo(name: &'static str, payment: PaymentMessage, text: &str) -> Case {
    case(name, Say::Order(Outgoing::Reversal(Box::new(payment), ReversalReason::NoAnswer)), true, text)
}

fn manage(name: &'static str, message: Outgoing, text: &str) -> Case {
    case(name, Say::Order(message), false, text)
}

/// Every message of the set.
pub fn all() -> Vec<Case> {
    [payments(), references(), chips(), reversals(), management()].into_iter().flatten().collect()
}

fn payments() -> Vec<Case> {
    use MessageName::{Balance, OfflineSale, Preauth, Sale, ScanSale};
    let track = "35=6222021234567890128D30121010000012300";
    let with_pin = PaymentMessage {
        pin_block: Some(PinBlock::new("0123456789ABCDEF".into())),
        with_pin: true,
        ..payment(Sale, Entry::Magstripe, stripe())
    };
    let voice = PaymentMessage { approval_code: Some("AB12CD".into()), ..payment(OfflineSale, Entry::Manual, card()) };
    vec![
        pay(
            "sale by stripe",
            payment(Sale, Entry::Magstripe, stripe()),
            &format!("t=0200 3=000000 4=000000012345 11=000123 22=022 25=00 {track} 49=156 60=22000007000"),
        ),
        pay(
            "sale by stripe with a PIN",
            with_pin,
            &format!(
                "t=0200 3=000000 4=000000012345 11=000123 22=021 25=00 26=12 {track} 49=156 52=0123456789ABCDEF 53=2600000000000000 60=22000007000"
            ),
        ),
        pay(
            "keyed sale",
            payment(Sale, Entry::Manual, card()),
            "t=0200 2=6222021234567890128 3=000000 4=000000012345 11=000123 14=3012 22=012 25=00 49=156 60=22000007000",
        ),
        pay(
            "scanned sale",
            payment(ScanSale, Entry::Scan, code()),
            "t=0200 3=000000 4=000000012345 11=000123 22=032 25=00 49=156 59=A3018134567890123456789 60=2200000700060",
        ),
        pay(
            "balance",
            payment(Balance, Entry::Magstripe, stripe()),
            &format!("t=0200 3=310000 11=000123 22=022 25=00 {track} 49=156 60=01000007000"),
        ),
        pay(
            "pre-authorization",
            payment(Preauth, Entry::Magstripe, stripe()),
            &format!("t=0100 3=030000 4=000000012345 11=000123 22=022 25=06 {track} 49=156 60=10000007000"),
        ),
        pay(
            "offline sale",
            payment(OfflineSale, Entry::Magstripe, card()),
            "t=0220 2=6222021234567890128 3=000000 4=000000012345 11=000123 14=3012 22=012 25=00 49=156 60=30000007000 61=000000000000000002 63=CUP",
        ),
        pay(
            "voice-authorized sale",
            voice,
            "t=0220 2=6222021234567890128 3=000000 4=000000012345 11=000123 14=3012 22=012 25=00 38=AB12CD 49=156 60=30000007000 61=000000000000000000 63=CUP",
        ),
    ]
}

fn references() -> Vec<Case> {
    use MessageName::{Completion, CompletionAdvice, CompletionVoid, OfflineAdjust, PreauthVoid, Refund, Tip, Void};
    let keyed = "2=6222021234567890128 4=000000012345 11=000123 14=3012 22=012 49=156";
    vec![
        pay(
            "void",
            referring(Void),
            &format!("t=0200 {keyed} 3=200000 25=00 37=221301491329 60=23000007000 61=000007000122"),
        ),
        pay(
            "refund",
            referring(Refund),
            &format!("t=0220 {keyed} 3=200000 25=00 37=221301491329 60=25000007000 61=0000000000001119 63=CUP"),
        ),
        pay(
            "adjustment",
            referring(OfflineAdjust),
            &format!(
                "t=0220 {keyed} 3=000000 25=00 37=221301491329 38=AB12CD 60=32000007000 61=0000070001221119 63=CUP"
            ),
        ),
        pay(
            "tip",
            referring(Tip),
            &format!(
                "t=0220 {keyed} 3=000000 25=00 37=221301491329 38=AB12CD 60=34000007000 61=0000070001221119 63=CUP"
            ),
        ),
        pay(
            "pre-authorization void",
            referring(PreauthVoid),
            &format!("t=0100 {keyed} 3=200000 25=06 38=AB12CD 60=11000007000 61=0000070001221119"),
        ),
        pay(
            "completion",
            referring(Completion),
            &format!("t=0200 {keyed} 3=000000 25=06 38=AB12CD 60=20000007000 61=0000070001221119"),
        ),
        pay(
            "completion advice",
            referring(CompletionAdvice),
            &format!("t=0220 {keyed} 3=000000 25=06 38=AB12CD 60=24000007000 61=0000070001221119"),
        ),
        pay(
            "completion void",
            referring(CompletionVoid),
            &format!("t=0200 {keyed} 3=200000 25=06 37=221301491329 38=AB12CD 60=21000007000 61=0000070001221119"),
        ),
    ]
}

/// What a chip adds: F23, F55, the messages that only it has.
fn chips() -> Vec<Case> {
    let chip = |before: bool| {
        Some(Instrument::Chip(Box::new(ChipCard {
            pan: Pan::new(PAN.into()),
            expiry: Some("3012".into()),
            sequence: Some("001".into()),
            track2: before.then(|| Track2::new(format!("{PAN}=30122010000012300"))),
            data: ChipData::new(key("9F360200429505000004E000")),
        })))
    };
    let sale = |before| payment(MessageName::Sale, Entry::Chip, chip(before));
    let card = "2=6222021234567890128 4=000000012345 11=000123 23=001 49=156 55=9F360200429505000004E000";
    let mut cases = vec![
        pay(
            "sale by chip",
            sale(true),
            &format!(
                "t=0200 {card} 3=000000 14=3012 22=052 25=00 35=6222021234567890128D30122010000012300 60=22000007000"
            ),
        ),
        undo(
            "reversal of a sale by chip",
            sale(false),
            &format!("t=0400 {card} 3=000000 14=3012 22=052 25=00 39=98 60=22000007000"),
        ),
        pay(
            "offline sale by chip",
            payment(MessageName::IcOffline, Entry::Contactless, chip(false)),
            &format!("t=0200 {card} 3=000000 14=3012 22=072 25=00 60=36000007000"),
        ),
    ];
    for (name, balanced, failed, code) in [
        ("chip record, balanced", true, false, "203"),
        ("chip failure, balanced", true, true, "204"),
        ("chip record, unbalanced", false, false, "205"),
        ("chip failure, unbalanced", false, true, "206"),
    ] {
        let record = Outgoing::UploadChip(Box::new(sale(false)), ChipUpload { balanced, failed });
        cases.push(manage(name, record, &format!("t=0320 {card} 22=052 60=00000007{code}")));
    }
    cases
}

fn reversals() -> Vec<Case> {
    use MessageName::{Completion, CompletionVoid, Preauth, PreauthVoid, Sale, ScanSale, Void};
    let keyed = "2=6222021234567890128 4=000000012345 11=000123 14=3012 22=012 39=98 49=156";
    vec![
        undo(
            "reversal of a sale by stripe",
            payment(Sale, Entry::Magstripe, card()),
            "t=0400 3=000000 4=000000012345 11=000123 22=022 25=00 39=98 49=156 60=22000007000",
        ),
        undo(
            "reversal of a keyed sale",
            payment(Sale, Entry::Manual, card()),
            &format!("t=0400 {keyed} 3=000000 25=00 60=22000007000"),
        ),
        undo(
            "reversal of a scanned sale",
            payment(ScanSale, Entry::Scan, code()),
            "t=0400 3=000000 4=000000012345 11=000123 22=032 25=00 39=98 49=156 59=A3018134567890123456789 60=2200000700060",
        ),
        undo(
            "reversal of a void",
            referring(Void),
            &format!("t=0400 {keyed} 3=200000 25=00 60=23000007000 61=000007000122"),
        ),
        undo(
            "reversal of a pre-authorization",
            payment(Preauth, Entry::Manual, card()),
            &format!("t=0400 {keyed} 3=030000 25=06 60=10000007000 61=000007000123"),
        ),
        undo(
            "reversal of its void",
            referring(PreauthVoid),
            &format!("t=0400 {keyed} 3=200000 25=06 38=AB12CD 60=11000007000 61=0000070001221119"),
        ),
        undo(
            "reversal of a completion",
            referring(Completion),
            &format!("t=0400 {keyed} 3=000000 25=06 38=AB12CD 60=20000007000 61=0000070001221119"),
        ),
        undo(
            "reversal of a completion's void",
            referring(CompletionVoid),
            &format!("t=0400 {keyed} 3=200000 25=06 38=AB12CD 60=21000007000 61=0000070001221119"),
        ),
    ]
}

fn management() -> Vec<Case> {
    let domestic = HostHalf { debit: Minor(1_234_567), debit_count: 305, credit: Minor(4_500), credit_count: 2 };
    let foreign = HostHalf { debit: Minor(99), debit_count: 1, ..HostHalf::default() };
    let row = |foreign, stan, pan: Option<&str>, amount| UploadRow {
        foreign,
        stan: Stan(stan),
        pan: pan.map(|pan| Pan::new(pan.into())),
        amount: Minor(amount),
    };
    let rows = vec![
        row(false, 101, Some(PAN), 12_345),
        row(true, 102, Some("4111111111111111"), 5),
        row(false, 103, None, 100),
    ];
    let eight = (1..=8).map(|stan| row(false, stan, Some(PAN), i64::from(stan))).collect();
    let eight_rows: String = (1..=8).map(|n| format!("00{n:06}0{PAN}{n:012}")).collect();
    let offline = Box::new(payment(MessageName::OfflineSale, Entry::Magstripe, card()));
    // "Sequence No", 08, 00003202
    let serial = "53657175656E6365204E6F30383030303033323032";
    vec![
        manage("sign-on", Outgoing::SignOn, &format!("t=0800 11=000123 60=00000007003 62={serial} 63=01_")),
        manage("sign-off", Outgoing::SignOff, "t=0820 11=000123 60=00000007002 63=01_"),
        case("echo", Say::Echo, false, "t=0820 60=00000007301"),
        manage(
            "settlement",
            Outgoing::Settle(HostTotals { domestic, foreign }),
            "t=0500 11=000123 48=00000123456730500000000450000200000000000990010000000000000000 49=156 60=00000007201 63=01_",
        ),
        manage(
            "upload of three",
            Outgoing::Upload(rows),
            "t=0320 11=000123 48=03000001010622202123456789012800000001234501000102000041111111111111110000000000050000010300000000000000000000000000000100 60=00000007201",
        ),
        manage(
            "upload of eight",
            Outgoing::Upload(eight),
            &format!("t=0320 11=000123 48=08{eight_rows} 60=00000007201"),
        ),
        manage(
            "upload of an offline sale",
            Outgoing::UploadOne(offline),
            "t=0320 2=6222021234567890128 3=000000 4=000000012345 11=000123 14=3012 22=012 25=00 49=156 60=30000007000 61=000000000000000002 63=CUP",
        ),
        manage(
            "end, balanced",
            Outgoing::End { balanced: true, records: 0, totals: HostTotals::default() },
            "t=0320 11=000123 48=0000 60=00000007207",
        ),
        manage(
            "end after an upload",
            Outgoing::End { balanced: false, records: 42, totals: HostTotals::default() },
            "t=0320 11=000123 48=0042 60=00000007202",
        ),
    ]
}

/// Answers as a host gives them, for the stranger to build.
pub fn answers() -> Vec<(&'static str, Meaning)> {
    let host = "12=120102 13=1120 15=1121 32=00085500 37=221301491329";
    let keys = "46F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A";
    let totals = "00000123456730500000000450000210000000000990010000000000000002";
    let mac = "64=4233413039324145";
    vec![
        (
            "sale approved",
            meant(&format!(
                "t=0210 2=6222021234567890128 3=000000 4=000000012345 11=000123 {host} 14=3012 25=00 38=AB12CD 39=00 44=01020000___48500000__ 49=156 60=22000007000 63=CUP_________________ {mac}"
            )),
        ),
        ("sale declined", meant(&format!("t=0210 3=000000 4=000000012345 11=000123 {host} 39=51 49=156 60=22000007"))),
        (
            "sale by chip approved",
            meant(&format!(
                "t=0210 3=000000 4=000000012345 11=000123 {host} 23=001 39=00 49=156 55=910A11223344556677883030 60=22000007000 {mac}"
            )),
        ),
        (
            "reversal",
            meant(&format!("t=0410 3=000000 4=000000012345 11=000123 {host} 39=25 49=156 60=22000007000 {mac}")),
        ),
        (
            "refund",
            meant(&format!("t=0230 3=200000 4=000000012345 11=000123 {host} 39=00 49=156 60=25000007000 63=000 {mac}")),
        ),
        ("sign-on", meant(&format!("t=0810 11=000123 {host} 39=00 60=00000519003 62={keys}"))),
        ("settlement", meant(&format!("t=0510 11=000123 {host} 48={totals} 49=156 60=00000007201 63=01_"))),
        ("upload", meant(&format!("t=0330 11=000123 {host} 39=00 48=03 60=00000007201"))),
        ("end", meant(&format!("t=0330 11=000123 {host} 39=00 48=0042 60=00000007202"))),
        ("echo", meant("t=0830 12=120102 13=1120 39=00 60=00000007301")),
        ("an odd acquirer", meant("t=0210 3=000000 11=000123 32=12345678901 39=ZZ")),
    ]
}
