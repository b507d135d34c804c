//! Each row of the message table as bytes. The expected hex is written by hand from the facts: bitmap, fields, fillings.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::core::acquirer::ChipUpload;
use crate::core::acquirer::iso8583::bcd::hex;
use crate::core::acquirer::samples::*;
use crate::core::domain::{Pan, PinBlock, Track2};

const AROUND: &str = "6000030000602200000000";
const TID_MID: &str = "3132333435363738 313233343536373839303132333435";
const F2_PAN: &str = "19 62220212345678901280";
const F37: &str = "323231333031343931333239";
const F38: &str = "414231324344";

fn plain(text: &str) -> String {
    text.replace([' ', '\n'], "").replace("TIDMID", &plain_text(TID_MID))
}

fn plain_text(text: &str) -> String {
    text.replace(' ', "")
}

fn composed(order: &Order) -> (Composed, SumKeys) {
    let mut keys = SumKeys::ready();
    let composed = compose(&profile(), &identity(), order, &mut keys).unwrap();
    (composed, keys)
}

/// The frame is length, TPDU, header, `expected`, and a MAC over exactly `expected`.
fn maced(message: Outgoing, expected: &str) -> Pending {
    let (composed, keys) = composed(&order(123, message));
    let expected = plain(expected);
    assert_eq!(hex(&keys.covered), expected, "what the MAC covers");
    let mac = hex(&SumKeys::sum(&unhex(&expected).unwrap()));
    let length = 11 + expected.len() / 2 + 8;
    assert_eq!(hex(&composed.wire), format!("{length:04X}{AROUND}{expected}{mac}"));
    assert!(composed.pending.mac);
    composed.pending
}

/// The frame is length, TPDU, header, `expected`, and no MAC is computed.
fn unmaced(message: Outgoing, expected: &str) -> Pending {
    let (composed, keys) = composed(&order(123, message));
    let expected = plain(expected);
    assert_eq!(hex(&composed.wire), format!("{:04X}{AROUND}{expected}", 11 + expected.len() / 2));
    assert!(keys.covered.is_empty() && !composed.pending.mac);
    composed.pending
}

fn pay(payment: PaymentMessage) -> Outgoing {
    Outgoing::Payment(Box::new(payment))
}

fn undo(payment: PaymentMessage, reason: ReversalReason) -> Outgoing {
    Outgoing::Reversal(Box::new(payment), reason)
}

fn referring(name: MessageName) -> PaymentMessage {
    PaymentMessage { original: original(), ..payment(name, Entry::Magstripe, card()) }
}

#[test]
fn a_sale_by_stripe() {
    let pending = maced(
        pay(payment(MessageName::Sale, Entry::Magstripe, stripe())),
        "0200 3020048020C08011 000000 000000012345 000123 0220 00 37 6222021234567890128D30121010000012300 0 TIDMID 313536 0011 22000007000 0",
    );
    assert_eq!(
        (pending.purpose, pending.stan, pending.mti.answer().number()),
        (Purpose::Payment, Some(Stan(123)), 210)
    );
    assert_eq!((pending.processing.as_deref(), pending.amount.as_deref()), (Some("000000"), Some("000000012345")));
}

#[test]
fn a_sale_by_stripe_with_a_pin() {
    let mut sale = payment(MessageName::Sale, Entry::Magstripe, stripe());
    (sale.pin_block, sale.with_pin) = (Some(PinBlock::new("0123456789ABCDEF".into())), true);
    maced(
        pay(sale),
        "0200 302004C020C09811 000000 000000012345 000123 0210 00 12 37 6222021234567890128D30121010000012300 0 TIDMID 313536 \
         0123456789ABCDEF 2600000000000000 0011 22000007000 0",
    );
}

#[test]
fn a_keyed_sale() {
    let card = Some(Instrument::Card { pan: Pan::new("4111111111111111".into()), expiry: Some("3012".into()) });
    maced(
        pay(payment(MessageName::Sale, Entry::Manual, card)),
        "0200 7024048000C08011 16 4111111111111111 000000 000000012345 000123 3012 0120 00 TIDMID 313536 0011 22000007000 0",
    );
}

#[test]
fn a_track_of_even_length_with_d_as_separator_is_not_filled() {
    let track = Some(Instrument::Track2(Track2::new("4111111111111111D301210100000123".into())));
    maced(
        pay(payment(MessageName::Sale, Entry::Magstripe, track)),
        "0200 3020048020C08011 000000 000000012345 000123 0220 00 32 4111111111111111D301210100000123 TIDMID 313536 0011 22000007000 0",
    );
}

#[test]
fn a_scanned_sale() {
    maced(
        pay(payment(MessageName::ScanSale, Entry::Scan, code())),
        "0200 3020048000C08031 000000 000000012345 000123 0320 00 TIDMID 313536 \
         0023 4133303138 313334353637383930313233343536373839 0013 2200000700060 0",
    );
}

#[test]
fn a_void_from_the_sealed_number() {
    maced(
        pay(referring(MessageName::Void)),
        &format!(
            "0200 7024048008C08019 {F2_PAN} 200000 000000012345 000123 3012 0120 00 {F37} TIDMID 313536 0011 23000007000 0 0012 000007000122"
        ),
    );
}

#[test]
fn a_void_with_the_card_present() {
    let void = PaymentMessage { original: original(), ..payment(MessageName::Void, Entry::Magstripe, stripe()) };
    maced(
        pay(void),
        &format!(
            "0200 3020048028C08019 200000 000000012345 000123 0220 00 37 6222021234567890128D30121010000012300 0 {F37} TIDMID 313536 \
             0011 23000007000 0 0012 000007000122"
        ),
    );
}

#[test]
fn a_refund() {
    let pending = maced(
        pay(referring(MessageName::Refund)),
        &format!(
            "0220 702404800 8C0801B {F2_PAN} 200000 000000012345 000123 3012 0120 00 {F37} TIDMID 313536 0011 25000007000 0 \
             0016 0000000000001119 0003 435550"
        ),
    );
    assert_eq!(pending.purpose, Purpose::Payment);
}

#[test]
fn an_offline_sale_without_and_with_an_approval_code() {
    let sale = payment(MessageName::OfflineSale, Entry::Magstripe, card());
    let pending = maced(
        pay(sale.clone()),
        &format!(
            "0220 7024048000C0801B {F2_PAN} 000000 000000012345 000123 3012 0120 00 TIDMID 313536 0011 30000007000 0 \
             0018 000000000000000002 0003 435550"
        ),
    );
    assert_eq!(pending.purpose, Purpose::Advice);
    maced(
        pay(PaymentMessage { approval_code: Some("AB12CD".into()), ..sale }),
        &format!(
            "0220 7024048004C0801B {F2_PAN} 000000 000000012345 000123 3012 0120 00 {F38} TIDMID 313536 0011 30000007000 0 \
             0018 000000000000000000 0003 435550"
        ),
    );
}

#[test]
fn an_offline_adjustment() {
    maced(
        pay(referring(MessageName::OfflineAdjust)),
        &format!(
            "0220 702404800CC0801B {F2_PAN} 000000 000000012345 000123 3012 0120 00 {F37} {F38} TIDMID 313536 0011 32000007000 0 \
             0016 0000070001221119 0003 435550"
        ),
    );
}

#[test]
fn a_balance_has_no_amount() {
    maced(
        pay(payment(MessageName::Balance, Entry::Manual, card())),
        &format!("0200 6024048000C08011 {F2_PAN} 310000 000123 3012 0120 00 TIDMID 313536 0011 01000007000 0"),
    );
}

#[test]
fn the_pre_authorization_and_what_follows_it() {
    let head = |bitmap: &str, f3: &str| format!("{bitmap} {F2_PAN} {f3} 000000012345 000123 3012 0120 06");
    let keyed = payment(MessageName::Preauth, Entry::Manual, card());
    maced(pay(keyed), &format!("0100 {} TIDMID 313536 0011 10000007000 0", head("7024048000C08011", "030000")));
    let f61 = "0016 0000070001221119";
    for (name, mti, f3, kind) in [
        (MessageName::PreauthVoid, "0100", "200000", "11"),
        (MessageName::Completion, "0200", "000000", "20"),
        (MessageName::CompletionAdvice, "0220", "000000", "24"),
    ] {
        let rest = format!("{F38} TIDMID 313536 0011 {kind}000007000 0 {f61}");
        maced(pay(referring(name)), &format!("{mti} {} {rest}", head("7024048004C08019", f3)));
    }
    let rest = format!("{F37} {F38} TIDMID 313536 0011 21000007000 0 {f61}");
    maced(pay(referring(MessageName::CompletionVoid)), &format!("0200 {} {rest}", head("702404800CC08019", "200000")));
}

#[test]
fn a_reversal_drops_what_died_and_says_why() {
    let stripe_sale = "0400 3020048002C08011 000000 000000012345 000123 0220 00";
    for (reason, f39) in
        [(ReversalReason::NoAnswer, "3938"), (ReversalReason::BadMac, "4130"), (ReversalReason::Other, "3036")]
    {
        for instrument in [stripe(), card(), None] {
            let pending = maced(
                undo(payment(MessageName::Sale, Entry::Magstripe, instrument), reason),
                &format!("{stripe_sale} {f39} TIDMID 313536 0011 22000007000 0"),
            );
            assert_eq!((pending.purpose, pending.mti.answer().number()), (Purpose::Reversal, 410));
        }
    }
}

#[test]
fn a_reversal_of_a_sale_with_a_pin_says_so_without_the_pin() {
    for instrument in [stripe(), card(), None] {
        let sale = payment(MessageName::Sale, Entry::Magstripe, instrument);
        maced(
            undo(PaymentMessage { with_pin: true, ..sale }, ReversalReason::NoAnswer),
            "0400 3020048002C08011 000000 000000012345 000123 0210 00 3938 TIDMID 313536 0011 22000007000 0",
        );
    }
}

#[test]
fn a_pin_that_field_22_would_deny_is_not_sent() {
    let mut sale = payment(MessageName::Sale, Entry::Magstripe, stripe());
    sale.pin_block = Some(PinBlock::new("0123456789ABCDEF".into()));
    let order = order(123, Outgoing::Payment(Box::new(sale)));
    assert!(matches!(compose(&profile(), &identity(), &order, &mut SumKeys::ready()), Err(ComposeError::Value(_))));
}

#[test]
fn a_reversal_of_a_keyed_sale_keeps_the_number_and_a_known_approval_code() {
    let sale = payment(MessageName::Sale, Entry::Manual, card());
    let head = |bitmap: &str| format!("0400 {bitmap} {F2_PAN} 000000 000000012345 000123 3012 0120 00");
    maced(
        undo(sale.clone(), ReversalReason::NoAnswer),
        &format!("{} 3938 TIDMID 313536 0011 22000007000 0", head("7024048002C08011")),
    );
    maced(
        undo(PaymentMessage { approval_code: Some("AB12CD".into()), ..sale }, ReversalReason::BadMac),
        &format!("{} {F38} 4130 TIDMID 313536 0011 22000007000 0", head("7024048006C08011")),
    );
}

#[test]
fn a_reversal_of_a_scanned_sale_is_the_same_fields_with_a_reason() {
    let rest = "TIDMID 313536 0023 4133303138 313334353637383930313233343536373839 0013 2200000700060 0";
    maced(
        undo(payment(MessageName::ScanSale, Entry::Scan, code()), ReversalReason::NoAnswer),
        &format!("0400 3020048002C08031 000000 000000012345 000123 0320 00 3938 {rest}"),
    );
    maced(
        undo(payment(MessageName::ScanSale, Entry::Scan, None), ReversalReason::NoAnswer),
        "0400 3020048002C08011 000000 000000012345 000123 0320 00 3938 TIDMID 313536 0013 2200000700060 0",
    );
}

#[test]
fn a_reversal_of_a_void_names_the_original() {
    maced(
        undo(referring(MessageName::Void), ReversalReason::NoAnswer),
        &format!(
            "0400 7024048002C08019 {F2_PAN} 200000 000000012345 000123 3012 0120 00 3938 TIDMID 313536 0011 23000007000 0 0012 000007000122"
        ),
    );
}

#[test]
fn a_sign_on_and_a_sign_off() {
    let pending = unmaced(
        Outgoing::SignOn,
        "0800 0020000000C00016 000123 TIDMID 0011 00000007003 0 0021 53657175656E6365204E6F 3038 3030303033323032 0003 303120",
    );
    assert_eq!(pending.purpose, Purpose::SignOn);
    unmaced(Outgoing::SignOff, "0820 0020000000C00012 000123 TIDMID 0011 00000007002 0 0003 303120");
}

#[test]
fn an_echo_has_no_number() {
    let composed = compose_echo(&profile(), &identity(), BatchNo(7), &mut SumKeys::default()).unwrap();
    let expected = plain("0820 0000000000C00010 TIDMID 0011 00000007301 0");
    assert_eq!(hex(&composed.wire), format!("{:04X}{AROUND}{expected}", 11 + expected.len() / 2));
    assert_eq!(composed.pending.stan, None);
}

#[test]
fn a_settlement_and_its_ends() {
    let domestic = HostHalf { debit: Minor(1_234_567), debit_count: 305, credit: Minor(4_500), credit_count: 2 };
    let foreign = HostHalf { debit: Minor(99), debit_count: 1, ..HostHalf::default() };
    let pending = unmaced(
        Outgoing::Settle(HostTotals { domestic, foreign }),
        "0500 0020000000C18012 000123 TIDMID 0062 000001234567 305 000000004500 002 0 000000000099 001 000000000000 000 0 313536 \
         0011 00000007201 0 0003 303120",
    );
    assert_eq!(pending.purpose, Purpose::Settle);
    for (balanced, kind) in [(true, "207"), (false, "202")] {
        unmaced(
            Outgoing::End { balanced, records: 42, totals: HostTotals::default() },
            &format!("0320 0020000000C10010 000123 TIDMID 0004 0042 0011 00000007{kind} 0"),
        );
    }
}

#[test]
fn rows_of_a_batch_upload() {
    let row = |foreign, stan, pan: Option<&str>, amount| UploadRow {
        foreign,
        stan: Stan(stan),
        pan: pan.map(|pan| Pan::new(pan.into())),
        amount: Minor(amount),
    };
    unmaced(
        Outgoing::Upload(vec![
            row(false, 101, Some(PAN), 12_345),
            row(true, 102, Some("4111111111111111"), 5),
            row(false, 103, None, 100),
        ]),
        "0320 0020000000C10010 000123 TIDMID 0122 03 \
         00000101 06222021234567890128 000000012345 01000102 00004111111111111111 000000000005 00000103 00000000000000000000 000000000100 \
         0011 00000007201 0",
    );
}

#[test]
fn an_offline_sale_goes_up_by_itself_without_a_mac() {
    let pending = unmaced(
        Outgoing::UploadOne(Box::new(payment(MessageName::OfflineSale, Entry::Magstripe, card()))),
        &format!(
            "0320 7024048000C0801A {F2_PAN} 000000 000000012345 000123 3012 0120 00 TIDMID 313536 0011 30000007000 0 \
             0018 000000000000000002 0003 435550"
        ),
    );
    assert_eq!((pending.purpose, pending.mti.answer().number()), (Purpose::Management, 330));
}

#[test]
fn what_cannot_be_said_is_refused_before_the_line() {
    let refused = |message| compose(&profile(), &identity(), &order(123, message), &mut SumKeys::ready()).unwrap_err();
    let sale = |instrument| payment(MessageName::Sale, Entry::Magstripe, instrument);
    let field = |field, fault| ComposeError::Encode(EncodeError { field, fault });
    use crate::core::acquirer::iso8583::EncodeFault;
    assert!(matches!(refused(pay(sale(None))), ComposeError::Value(_)));
    assert!(matches!(refused(pay(PaymentMessage { amount: Minor(-1), ..sale(stripe()) })), ComposeError::Value(_)));
    assert!(matches!(
        refused(pay(PaymentMessage { amount: Minor(1_000_000_000_000), ..sale(stripe()) })),
        ComposeError::Value(_)
    ));
    assert!(matches!(refused(Outgoing::Upload(vec![])), ComposeError::Value(_)));
    assert!(matches!(refused(pay(sale(code()))), ComposeError::NotSupported(_)));
    assert!(matches!(refused(pay(payment(MessageName::Void, Entry::Scan, code()))), ComposeError::NotSupported(_)));
    assert_eq!(
        refused(undo(referring(MessageName::Refund), ReversalReason::NoAnswer)),
        ComposeError::NotReversible(MessageName::Refund)
    );
    let no_original = payment(MessageName::Void, Entry::Magstripe, card());
    let missing = ComposeError::Missing { message: Row::Payment(MessageName::Void), value: Value::OriginalBatch };
    assert_eq!(
        (refused(pay(no_original)), missing.to_string()),
        (missing, "the Payment(Void) needs original_batch".to_owned())
    );
    let half = HostHalf { debit_count: 1000, ..HostHalf::default() };
    assert!(matches!(
        refused(Outgoing::Settle(HostTotals { domestic: half, foreign: HostHalf::default() })),
        ComposeError::Value(_)
    ));
    assert!(matches!(
        refused(Outgoing::End { balanced: true, records: 10_000, totals: HostTotals::default() }),
        ComposeError::Value(_)
    ));
    let spoiled = Some(Instrument::Track2(Track2::new("4111 1111=30".into())));
    assert_eq!(refused(pay(sale(spoiled))), field(35, EncodeFault::NotADigit));
    let order = order(1_000_000, pay(sale(stripe())));
    let error = compose(&profile(), &identity(), &order, &mut SumKeys::ready()).unwrap_err();
    assert_eq!(error, field(11, EncodeFault::Length { units: 7, max: 6 }));
}

#[test]
fn without_work_keys_no_payment_is_built_and_a_sign_on_is() {
    let mut keys = SumKeys::default();
    let error = compose(&profile(), &identity(), &sale(1), &mut keys).unwrap_err();
    assert_eq!(error, ComposeError::Keys(KeyError::NoWorkKeys));
    assert!(compose(&profile(), &identity(), &order(1, Outgoing::SignOn), &mut keys).is_ok());
}

#[test]
fn a_short_tid_is_filled_with_blanks_and_a_wrong_header_is_refused() {
    let mut who = identity();
    who.tid = Tid::new("POS1").unwrap();
    let pending = compose(&profile(), &who, &order(1, Outgoing::SignOff), &mut SumKeys::default()).unwrap().pending;
    assert_eq!(pending.tid.as_deref(), Some("POS1    "));
    who.header.pop();
    assert!(matches!(
        compose(&profile(), &who, &order(1, Outgoing::SignOff), &mut SumKeys::default()),
        Err(ComposeError::Value(_))
    ));
}

#[test]
fn a_composed_frame_does_not_print_its_card() {
    let (composed, _) = composed(&sale(1));
    assert!(!format!("{composed:?}").contains("62220"));
}

const F55: &str = "0012 9F36020042 9505000004E000";

#[test]
fn a_chip_sends_its_objects_and_its_sequence_number_and_its_reversal_keeps_them() {
    maced(
        pay(payment(MessageName::Sale, Entry::Chip, chip_card(true))),
        &format!(
            "0200 7024068020C08211 {F2_PAN} 000000 000000012345 000123 3012 0520 0001 00 37 6222021234567890128D30121010000012300 0 \
             TIDMID 313536 {F55} 0011 22000007000 0"
        ),
    );
    for sealed in [true, false] {
        maced(
            undo(payment(MessageName::Sale, Entry::Chip, chip_card(sealed)), ReversalReason::NoAnswer),
            &format!(
                "0400 7024068002C08211 {F2_PAN} 000000 000000012345 000123 3012 0520 0001 00 3938 TIDMID 313536 {F55} 0011 22000007000 0"
            ),
        );
    }
}

#[test]
fn what_a_chip_approved_by_itself() {
    maced(
        pay(payment(MessageName::IcOffline, Entry::Contactless, chip_card(false))),
        &format!(
            "0200 7024068000C08211 {F2_PAN} 000000 000000012345 000123 3012 0720 0001 00 TIDMID 313536 {F55} 0011 36000007000 0"
        ),
    );
}

#[test]
fn a_chips_records_name_the_verdict_and_what_became_of_the_payment() {
    for (balanced, failed, f60) in
        [(true, false, "203"), (true, true, "204"), (false, false, "205"), (false, true, "206")]
    {
        let sale = payment(MessageName::Sale, Entry::Chip, chip_card(false));
        unmaced(
            Outgoing::UploadChip(Box::new(sale), ChipUpload { balanced, failed }),
            &format!(
                "0320 5020060000C08210 {F2_PAN} 000000012345 000123 0520 0001 TIDMID 313536 {F55} 0011 00000007{f60} 0"
            ),
        );
    }
}

#[test]
fn a_tip_and_an_offline_adjustment_name_their_sale() {
    for (name, f60) in [(MessageName::Tip, "34"), (MessageName::OfflineAdjust, "32")] {
        maced(
            pay(referring(name)),
            &format!(
                "0220 702404800CC0801B {F2_PAN} 000000 000000012345 000123 3012 0120 00 {F37} {F38} TIDMID 313536 0011 {f60}000007000 0 \
                 0016 0000070001221119 0003 435550"
            ),
        );
    }
}
