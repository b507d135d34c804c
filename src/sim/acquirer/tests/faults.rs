//! What each fault does to an answer, and what the host then expects.

use super::super::{Fault, FaultRule, Spoil};
use super::*;

fn rig_with(fault: Fault) -> (Rig, Till, Vec<Action>) {
    let mut rig = Rig::new("latency_ms = 20");
    let mut till = Till::signed_on(&mut rig);
    rig.host.next_answer(fault);
    let sale = till.sale(CUP, 100);
    let actions = rig.push(&till.wire(&sale));
    (rig, till, actions)
}

#[test]
fn lost_requests_have_no_effect_and_lost_answers_have_one() {
    for (fault, effects, disconnects) in [
        (Fault::DropRequest, 0, false),
        (Fault::DisconnectBefore, 0, true),
        (Fault::DropAnswer, 1, false),
        (Fault::DisconnectAfter, 1, true),
    ] {
        let (rig, _, actions) = rig_with(fault);
        assert_eq!(actions.iter().any(|a| matches!(a, Action::Disconnect { .. })), disconnects);
        assert!(!actions.iter().any(|a| matches!(a, Action::Reply { .. })));
        let judgement = rig.host.judgement();
        assert_eq!((judgement.effects.sale.count, judgement.owed.len()), (effects, 1));
    }
}

#[test]
fn delays_repeats_and_pieces() {
    let (rig, _, actions) = rig_with(Fault::Delay(1_000));
    assert!(matches!(actions[..], [Action::Reply { after_ms: 1_020, split: false, .. }]));
    assert!(rig.host.judgement().owed.is_empty());
    let (rig, ..) = rig_with(Fault::Delay(60_000));
    assert_eq!(rig.host.judgement().owed.len(), 1, "longer than terminals wait");
    let (rig, _, actions) = rig_with(Fault::RepeatAnswer(2));
    assert_eq!(actions.len(), 3);
    assert_eq!(rig.host.judgement().effects.sale.count, 1);
    assert!(matches!(rig_with(Fault::Split).2[..], [Action::Reply { split: true, .. }]));
}

#[test]
fn refused_and_odd_codes() {
    let (rig, till, actions) = rig_with(Fault::Refuse("51".into()));
    assert_eq!(till.read(&reply(&actions)).text(39), Some("51"));
    assert_eq!((rig.host.judgement().declined, rig.host.judgement().owed.len()), (1, 0));
    let (rig, till, actions) = rig_with(Fault::OddCode("ZZ".into()));
    assert_eq!(till.read(&reply(&actions)).text(39), Some("ZZ"));
    assert_eq!((rig.host.judgement().effects.sale.count, rig.host.judgement().owed.len()), (1, 1));
}

#[test]
fn every_way_to_spoil_an_answer_is_owed_a_reversal() {
    for spoil in [
        Spoil::Mac,
        Spoil::NoMac,
        Spoil::Garbage,
        Spoil::Truncate,
        Spoil::Stan,
        Spoil::Amount,
        Spoil::Terminal,
        Spoil::Merchant,
    ] {
        let (mut rig, till, actions) = rig_with(Fault::Spoil(spoil));
        let Action::Reply { bytes, of: None, .. } = &actions[0] else { panic!("{actions:?}") };
        assert_eq!(rig.host.judgement().owed.len(), 1, "{spoil:?}");
        let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]])) + 2;
        assert_eq!(bytes.len() == length, spoil != Spoil::Truncate);
        if spoil == Spoil::Truncate {
            assert!(matches!(actions[1], Action::Disconnect { .. }));
            continue;
        }
        let body = read_frame(bytes).body;
        let Ok(answer) = till.spec.decode(&body) else {
            assert_eq!(spoil, Spoil::Garbage);
            continue;
        };
        let right = till.keys.as_ref().unwrap().mak.mac(&body[..body.len() - 8]);
        let signed = answer.bytes(64).is_some_and(|mac| mac == right);
        assert_eq!(signed, !matches!(spoil, Spoil::Mac | Spoil::NoMac), "{spoil:?}");
        let as_asked = |field, text| answer.text(field) == Some(text);
        assert_eq!(as_asked(11, "000002"), spoil != Spoil::Stan);
        assert_eq!(as_asked(4, "000000000100"), spoil != Spoil::Amount);
        assert_eq!(as_asked(41, TID), spoil != Spoil::Terminal);
        assert_eq!(as_asked(42, MID), spoil != Spoil::Merchant);
        // The conversation goes on after the reversal.
        let lost = Till { stan: 1, keys: till.keys.clone(), ..Till::default() }.sale(CUP, 100);
        assert_eq!(till.ask(&mut rig, &till.reversal(&lost, "A0")).text(39), Some("00"));
        assert!(rig.host.judgement().owed.is_empty());
        rig.clean();
    }
}

#[test]
fn a_refusal_may_be_believed_without_its_mac() {
    for (spoil, owed) in [(Spoil::Mac, 0), (Spoil::NoMac, 0), (Spoil::Stan, 1), (Spoil::Garbage, 1)] {
        let mut rig = Rig::new("[[decline]]\ncode = \"51\"");
        let mut till = Till::signed_on(&mut rig);
        rig.host.next_answer(Fault::Spoil(spoil));
        let sale = till.sale(CUP, 100);
        rig.push(&till.wire(&sale));
        assert_eq!(rig.host.judgement().owed.len(), owed, "{spoil:?}");
    }
}

#[test]
fn the_host_may_ask_for_a_sign_on_and_may_lose_its_keys() {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    rig.host.demand_sign_on(TID);
    let sale = till.sale(CUP, 1);
    let frame = read_frame(&reply(&rig.push(&till.wire(&sale))));
    assert_eq!(frame.processing_request(), 3);
    till.sign_on(&mut rig);
    rig.host.forget_keys(TID);
    let sale = till.sale(CUP, 1);
    let answer = till.ask(&mut rig, &sale);
    assert_eq!((answer.text(39), answer.has(64)), (Some("A0"), false));
    till.sign_on(&mut rig);
    assert_eq!(till.ask(&mut rig, &sale).text(39), Some("00"));
    // A sign-on whose answer is lost leaves the old keys at the terminal: A0, and no finding.
    rig.host.add_rule(FaultRule::always(&[Kind::SignOn], Fault::DropAnswer, Some(1)));
    let message = till.sign_on_message();
    rig.push(&till.wire(&message));
    let sale = till.sale(CUP, 2);
    let frame = read_frame(&reply(&rig.push(&till.wire(&sale))));
    let answer = till.spec.decode(&frame.body).unwrap();
    assert_eq!((answer.text(39), answer.has(64)), (Some("A0"), false));
    rig.clean();
}

#[test]
fn a_repeat_after_a_lost_answer_pays_the_debt() {
    let (mut rig, mut till, _) = rig_with(Fault::DropAnswer);
    let mut same = Till { stan: 1, keys: till.keys.clone(), ..Till::default() };
    let sale = same.sale(CUP, 100);
    assert_eq!(till.ask(&mut rig, &sale).text(39), Some("00"));
    let next = till.sale(CUP, 5);
    till.ask(&mut rig, &next);
    rig.clean();
}

#[test]
fn an_answer_that_could_not_be_written_is_owed_a_reversal() {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    let sale = till.sale(CUP, 100);
    let actions = rig.push(&till.wire(&sale));
    let Action::Reply { of: Some((key, kind)), .. } = actions[0].clone() else { panic!("{actions:?}") };
    rig.host.undelivered(NOON, &key, kind);
    assert_eq!(rig.host.judgement().owed.len(), 1);
    till.ask(&mut rig, &till.reversal(&sale, "98"));
    rig.host.undelivered(NOON, &key, kind);
    assert!(rig.host.judgement().owed.is_empty(), "told after the reversal: nothing is owed any more");
}
