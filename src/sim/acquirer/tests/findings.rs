//! Every finding, provoked.

use super::*;

/// What one message, sent after a sign-on and one sale, is found to be.
fn found(make: impl FnOnce(&mut Till, &Message, &Message) -> Message) -> Vec<Rule> {
    let (mut rig, mut till, sale, sold) = after_a_sale();
    let message = make(&mut till, &sale, &sold);
    rig.push(&till.wire(&message));
    rig.rules()
}

fn after_a_sale() -> (Rig, Till, Message, Message) {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    let sale = till.sale(CUP, 100);
    let sold = till.ask(&mut rig, &sale);
    rig.clean();
    (rig, till, sale, sold)
}

#[test]
fn bytes_that_are_no_message() {
    let mut rig = Rig::new("");
    let till = Till::default();
    assert_eq!(rig.push(&till.framed(vec![0xEE; 40])), []);
    assert_eq!(rig.rules(), [Rule::Undecodable]);
    assert_eq!(rig.push(&[0xFF, 0xFF]), [Action::Disconnect { after_ms: 0 }]);
    assert_eq!(rig.rules(), [Rule::Undecodable, Rule::Undecodable]);
}

#[test]
fn an_encoding_that_is_not_the_canonical_one() {
    let (mut rig, mut till, ..) = after_a_sale();
    // A stripe of 37 digits filled up with F: it can be read, it is not how it is written; the MAC is right all the same.
    let message = till.sale(CUP, 1);
    let mut body = till.spec.encode(&message).unwrap();
    let track = [0x37, 0x62, 0x22, 0x02];
    let pad = body.windows(4).position(|window| window == track).unwrap() + 19;
    assert_eq!(body[pad] & 15, 0);
    body[pad] |= 15;
    let from = body.len() - 8;
    let mac = till.keys.as_ref().unwrap().mak.mac(&body[..from]);
    body[from..].copy_from_slice(&mac);
    assert_eq!(till.read(&reply(&rig.push(&till.framed(body)))).text(39), Some("00"));
    assert_eq!(rig.rules(), [Rule::NonCanonical]);
}

#[test]
fn a_frame_that_commands_the_host() {
    let (mut rig, mut till, ..) = after_a_sale();
    let message = till.sale(CUP, 1);
    let mut bytes = till.wire(&message);
    bytes[9] |= 3;
    rig.push(&bytes);
    assert_eq!(rig.rules(), [Rule::BadFrame]);
}

#[test]
fn messages_and_terminals_that_are_not_known() {
    assert_eq!(
        found(|till, sale, _| till.financial(
            200,
            9,
            "99",
            1,
            &[(3, "123456"), (22, sale.text(22).unwrap()), (25, "00")]
        )),
        [Rule::UnknownMessage]
    );
    let mut rig = Rig::new("");
    let mut till = Till { tid: "99999999", ..Till::default() };
    let message = till.sign_on_message();
    assert_eq!(till.ask(&mut rig, &message).text(39), Some("97"));
    assert_eq!(rig.rules(), [Rule::UnknownTerminal]);
}

#[test]
fn another_merchant() {
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.sale(CUP, 1);
            m.set_text(42, "999999999999999");
            m
        }),
        [Rule::WrongMerchant]
    );
}

#[test]
fn fields_that_are_missing_or_must_not_be_there() {
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.sale(CUP, 1);
            m.unset(25).set_text(25, "00").unset(49);
            m
        }),
        [Rule::MissingField]
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.sale(CUP, 1);
            m.set_text(44, "X");
            m
        }),
        [Rule::UnexpectedField]
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.settlement(&totals(&[(false, false, 100)]));
            m.set_bytes(64, b"00000000");
            m
        }),
        [Rule::UnexpectedField]
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.sale(CUP, 1);
            m.unset(64);
            m
        }),
        [Rule::MissingMac]
    );
}

#[test]
fn card_data_where_they_must_be_gone() {
    let track = format!("{CUP}=30121010000000");
    assert_eq!(
        found(|till, sale, _| {
            let mut m = till.reversal(sale, "98");
            m.set_text(35, &track);
            m
        }),
        [Rule::CardData]
    );
    assert_eq!(
        found(|till, sale, _| {
            let mut m = till.reversal(sale, "98");
            m.set_bytes(52, &[1; 8]);
            m
        }),
        [Rule::CardData]
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.offline(CUP, 1, "CUP");
            m.set_text(35, &track);
            m
        }),
        [Rule::CardData]
    );
}

#[test]
fn chip_data_are_whole_and_hold_no_track_after_authorization() {
    let chip = |till: &mut Till, data: &[u8]| {
        let mut message = till.sale(CUP, 1);
        message.set_text(22, "052").set_text(23, "001").set_bytes(55, data);
        message
    };
    let track = [0x57, 0x02, 0x62, 0x22, 0x9F, 0x36, 0x01, 0x07];
    assert_eq!(found(|till, _, _| chip(till, &track)), []);
    assert_eq!(found(|till, _, _| chip(till, &track[..7])), [Rule::BadValue]);
    let (mut rig, mut till, ..) = after_a_sale();
    let sale = chip(&mut till, &track);
    let answer = till.ask(&mut rig, &sale);
    assert_eq!(answer.bytes(55).unwrap()[..2], [0x91, 10]);
    till.ask(&mut rig, &till.reversal(&sale, "98"));
    assert_eq!(rig.rules(), [Rule::CardData]);
}

#[test]
fn contents_that_contradict_the_message() {
    let with = |field: u8, text: &'static str| {
        found(move |till, _, _| {
            let mut message = till.sale(CUP, 1);
            message.set_text(field, text);
            message
        })
    };
    assert_eq!(with(22, "021"), [Rule::BadValue]);
    assert_eq!(with(22, "012"), [Rule::BadValue], "keyed, and no F2");
    assert_eq!(with(4, "000000000000"), [Rule::BadValue]);
    assert_eq!(with(49, "840"), [Rule::BadValue]);
    assert_eq!(found(|till, sale, _| till.reversal(sale, "00")), [Rule::BadValue]);
    assert_eq!(
        found(|till, _, sold| {
            let mut m = till.void(CUP, 100, sold);
            m.set_text(61, "0000010000021120");
            m
        }),
        [Rule::BadValue]
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.offline(CUP, 1, "CUP");
            m.set_text(38, "123456");
            m
        }),
        [Rule::BadValue],
        "mode 02 has no F38"
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.scan("134567890123456789", 1);
            m.set_text(59, "A3019134567890123456789");
            m
        }),
        [Rule::BadValue]
    );
    assert_eq!(
        found(|till, _, _| {
            let mut m = till.sign_on_message();
            m.set_text(60, "00000001001");
            m
        }),
        [Rule::BadValue]
    );
}

#[test]
fn a_wrong_mac_and_none_signed_on() {
    let (mut rig, mut till, ..) = after_a_sale();
    let message = till.sale(CUP, 1);
    let mut bytes = till.wire(&message);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_eq!(till.read(&reply(&rig.push(&bytes))).text(39), Some("A0"));
    assert_eq!(rig.rules(), [Rule::BadMac]);
    let mut rig = Rig::new("");
    let mut till = Till::default();
    let message = till.sale(CUP, 1);
    assert_eq!(till.ask(&mut rig, &message).text(39), Some("A0"));
    assert_eq!(rig.rules(), [Rule::NotSignedOn]);
    assert_eq!(rig.host.judgement().payments, 0);
}

#[test]
fn another_batch_and_a_stan_used_again() {
    assert_eq!(
        found(|till, _, _| {
            till.batch = 2;
            till.sale(CUP, 1)
        }),
        [Rule::WrongBatch]
    );
    assert_eq!(
        found(|till, _, _| {
            till.stan = 1;
            till.sale(CUP, 1)
        }),
        [Rule::StanReused]
    );
    let (mut rig, mut till, ..) = after_a_sale();
    assert_eq!(till.close(&mut rig, &totals(&[(false, false, 100)])), [1, 1]);
    let before = till.stan;
    till.batch = 1;
    till.stan = before - 1;
    let message = till.offline(CUP, 1, "CUP");
    till.ask(&mut rig, &message);
    assert_eq!(rig.rules(), [Rule::StanReused, Rule::WrongBatch]);
}

#[test]
fn an_online_payment_while_a_reversal_is_owed() {
    let mut rig = Rig::new("reversal_tries = 2");
    let mut till = Till::signed_on(&mut rig);
    let lost = till.sale(CUP, 100);
    rig.host.next_answer(super::super::Fault::DropAnswer);
    rig.push(&till.wire(&lost));
    // An advice may go; an online payment may not.
    let advice = till.offline(CUP, 1, "CUP");
    till.ask(&mut rig, &advice);
    rig.clean();
    let early = till.sale(CUP, 2);
    till.ask(&mut rig, &early);
    assert_eq!(rig.rules(), [Rule::PaymentBeforeReversal]);
    let reversal = till.reversal(&lost, "98");
    let refuse = super::super::FaultRule::always(&[Kind::Reversal], super::super::Fault::DropAnswer, Some(2));
    rig.host.add_rule(refuse);
    rig.push(&till.wire(&reversal));
    let settlement = till.settlement(&totals(&[(false, false, 1), (false, false, 2)]));
    till.ask(&mut rig, &settlement);
    assert_eq!(rig.rules(), [Rule::PaymentBeforeReversal, Rule::SettleBeforeReversal]);
}

#[test]
fn after_the_last_try_a_terminal_may_go_on() {
    let mut rig = Rig::new("reversal_tries = 2");
    let mut till = Till::signed_on(&mut rig);
    let lost = till.sale(CUP, 100);
    rig.host.next_answer(super::super::Fault::DropRequest);
    rig.push(&till.wire(&lost));
    rig.host.add_rule(super::super::FaultRule::always(&[Kind::Reversal], super::super::Fault::DropRequest, Some(2)));
    for reason in ["98", "06"] {
        assert_eq!(rig.push(&till.wire(&till.reversal(&lost, reason))), []);
    }
    let next = till.sale(CUP, 2);
    assert_eq!(till.ask(&mut rig, &next).text(39), Some("00"));
    rig.clean();
    assert_eq!(rig.host.judgement().owed.len(), 1, "and it stays visible");
}

#[test]
fn reversals_of_something_else() {
    assert_eq!(
        found(|till, sale, _| {
            let mut m = till.reversal(sale, "98");
            m.set_text(4, "000000000099");
            m
        }),
        [Rule::ReversalDiffers]
    );
    let (mut rig, mut till, _, sold) = after_a_sale();
    let refund = till.refund(CUP, 100, sold.text(37).unwrap(), "1120", "CUP");
    till.ask(&mut rig, &refund);
    let mut reversal = till.reversal(&refund, "98");
    reversal.unset(63);
    assert_eq!(till.ask(&mut rig, &reversal).text(39), Some("12"));
    assert_eq!(rig.rules(), [Rule::NotReversible]);
    assert_eq!(rig.host.judgement().effects.refund.count, 1);
}

#[test]
fn one_payment_with_two_effects_is_a_duplicate() {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    // The answer was lost, nothing was reversed, and the same sale is forwarded as a stored one.
    let lost = till.sale(CUP, 100);
    rig.host.next_answer(super::super::Fault::DropAnswer);
    rig.push(&till.wire(&lost));
    let stored = till.offline(CUP, 100, "CUP");
    till.ask(&mut rig, &stored);
    assert_eq!(rig.host.judgement().duplicates, 1);
    // Reversed after all: one effect is left.
    till.ask(&mut rig, &till.reversal(&lost, "98"));
    assert_eq!(rig.host.judgement().duplicates, 0);
    // The same two sales with answers are two sales; the same code twice is not.
    for _ in 0..2 {
        let message = till.sale(CUP, 50);
        till.ask(&mut rig, &message);
    }
    assert_eq!(rig.host.judgement().duplicates, 0);
    for _ in 0..2 {
        let message = till.scan("134567890123456789", 5);
        till.ask(&mut rig, &message);
    }
    let judgement = rig.host.judgement();
    assert_eq!(judgement.duplicates, 1);
    assert_eq!((judgement.duplicate_list[0].first.stan, judgement.duplicate_list[0].second.stan), (6, 7));
}
