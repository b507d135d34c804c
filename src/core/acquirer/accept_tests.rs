//! Answers, right and wrong, held against what was asked.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::core::acquirer::iso8583::Mti;
use crate::core::acquirer::iso8583::bcd::unhex;
use crate::core::acquirer::samples::*;
use crate::core::acquirer::*;
use crate::core::domain::{Entry, Minor};

fn pending(order: &Order) -> Pending {
    compose(&profile(), &identity(), order, &mut SumKeys::ready()).unwrap().pending
}

/// The host's answer to a message: its echo fields, a code, and what `change` does to it before the MAC.
fn answer(pending: &Pending, code: &str, change: impl FnOnce(&mut Message)) -> Frame {
    let mut message = Message::new(pending.mti.answer());
    let echo = [(3, &pending.processing), (4, &pending.amount), (41, &pending.tid), (42, &pending.mid)];
    for (field, value) in echo {
        if let Some(value) = value {
            message.set_text(field, value);
        }
    }
    message.set_text(11, &pending.stan.unwrap().to_string()).set_text(39, code);
    message.set_text(12, "120102").set_text(13, "1120").set_text(37, "221301491329").set_text(60, "22000007000");
    if pending.mac {
        message.set_bytes(64, &[0; 8]);
    }
    change(&mut message);
    let mut body = profile().spec.encode(&message).unwrap();
    if message.bytes(64) == Some(&[0; 8]) {
        let at = body.len() - 8;
        let mac = SumKeys::sum(&body[..at]);
        body[at..].copy_from_slice(&mac);
    }
    Frame { tpdu: unhex("6000000003").unwrap(), header: unhex("602203000000").unwrap(), body }
}

fn judged(
    order: &Order,
    code: &str,
    change: impl FnOnce(&mut Message),
) -> Result<(AnswerClass, Option<Doubt>), Mismatch> {
    let pending = pending(order);
    let frame = answer(&pending, code, change);
    let accepted = accept(&profile(), &pending, &frame, &mut SumKeys::ready(), true)?;
    Ok((accepted.answer.class, accepted.answer.doubt))
}

fn doubted(doubt: Doubt) -> Result<(AnswerClass, Option<Doubt>), Mismatch> {
    Ok((AnswerClass::Unknown, Some(doubt)))
}

const APPROVED: Result<(AnswerClass, Option<Doubt>), Mismatch> = Ok((AnswerClass::Approved, None));
const DECLINED: Result<(AnswerClass, Option<Doubt>), Mismatch> = Ok((AnswerClass::Declined, None));
const AGAIN: Result<(AnswerClass, Option<Doubt>), Mismatch> = Ok((AnswerClass::SignOnAgain, None));

#[test]
fn an_approval_brings_what_is_to_be_kept() {
    let pending = pending(&sale(123));
    let frame = answer(&pending, "00", |m| {
        m.set_text(15, "1121").set_text(38, "AB12CD").set_text(63, "CUP                 ").set_text(2, PAN);
    });
    let Accepted { answer, keys } = accept(&profile(), &pending, &frame, &mut SumKeys::ready(), true).unwrap();
    assert_eq!((answer.class, answer.doubt, keys), (AnswerClass::Approved, None, None));
    assert_eq!((answer.code.as_deref(), answer.rrn.as_deref()), (Some("00"), Some("221301491329")));
    assert_eq!((answer.host_time.as_deref(), answer.host_date.as_deref()), (Some("120102"), Some("1120")));
    assert_eq!((answer.settle_date.as_deref(), answer.approval_code.as_deref()), (Some("1121"), Some("AB12CD")));
    assert_eq!((answer.batch, answer.organisation.as_deref()), (Some(BatchNo(7)), Some("CUP")));
    assert_eq!((answer.verdict, answer.processing_request), (None, 3));
    assert!(
        answer.masked_frame.starts_with("60000000036022030000000210703A")
            && answer.masked_frame.contains("622202*********0128")
    );
}

#[test]
fn a_chinese_text_behind_the_organisation_does_no_harm() {
    let pending = pending(&sale(123));
    let frame = answer(&pending, "00", |m| {
        m.set_bytes(63, b"CUP\xBD\xBB\xD2\xD7\xB3\xC9\xB9\xA6");
    });
    let accepted = accept(&profile(), &pending, &frame, &mut SumKeys::ready(), true).unwrap();
    assert_eq!((accepted.answer.class, accepted.answer.organisation.as_deref()), (AnswerClass::Approved, Some("CUP")));
}

#[test]
fn codes_mean_what_the_profile_says() {
    for (code, expected) in
        [("00", APPROVED), ("A2", APPROVED), ("51", DECLINED), ("94", DECLINED), ("99", AGAIN), ("A0", AGAIN)]
    {
        assert_eq!(judged(&sale(1), code, |_| {}), expected, "{code}");
    }
    assert_eq!(judged(&sale(1), "95", |_| {}), doubted(Doubt::UndocumentedCode));
    assert_eq!(judged(&sale(1), "ZZ", |_| {}), doubted(Doubt::UndocumentedCode));
    assert_eq!(
        judged(&sale(1), "00", |m| {
            m.unset(39);
        }),
        doubted(Doubt::NoCode)
    );
}

#[test]
fn what_is_not_an_answer_to_this_is_no_answer() {
    let mismatch = |change: fn(&mut Message)| judged(&sale(123), "00", change).unwrap_err();
    assert_eq!(
        mismatch(|m| {
            m.set_text(11, "000122");
        }),
        Mismatch::Stan
    );
    assert_eq!(
        mismatch(|m| {
            m.unset(11);
        }),
        Mismatch::Stan
    );
    assert_eq!(
        mismatch(|m| {
            m.set_text(3, "200000");
        }),
        Mismatch::Processing
    );
    assert_eq!(
        mismatch(|m| {
            m.set_text(41, "12345679");
        }),
        Mismatch::Terminal
    );
    let pending = pending(&sale(123));
    let mut frame = answer(&pending, "00", |_| {});
    frame.body[1] = 0x00;
    assert_eq!(accept(&profile(), &pending, &frame, &mut SumKeys::ready(), true), Err(Mismatch::Type));
    frame.body.pop();
    assert!(matches!(accept(&profile(), &pending, &frame, &mut SumKeys::ready(), true), Err(Mismatch::Malformed(_))));
}

#[test]
fn an_answer_without_processing_code_or_terminal_is_still_ours() {
    assert_eq!(
        judged(&sale(123), "00", |m| {
            m.unset(41).unset(3);
        }),
        APPROVED
    );
}

#[test]
fn an_approval_of_something_else_is_doubted() {
    assert_eq!(
        judged(&sale(1), "00", |m| {
            m.set_text(4, "000000012344");
        }),
        doubted(Doubt::Amount)
    );
    assert_eq!(
        judged(&sale(1), "00", |m| {
            m.unset(4);
        }),
        doubted(Doubt::Amount)
    );
    assert_eq!(
        judged(&sale(1), "00", |m| {
            m.set_text(42, "123456789012346");
        }),
        doubted(Doubt::Merchant)
    );
    assert_eq!(
        judged(&sale(1), "10", |m| {
            m.set_text(4, "000000010000");
        }),
        doubted(Doubt::Amount)
    );
    assert_eq!(judged(&sale(1), "10", |_| {}), APPROVED);
    assert_eq!(
        judged(&sale(1), "51", |m| {
            m.unset(4).set_text(42, "123456789012346");
        }),
        DECLINED
    );
}

#[test]
fn a_mac_is_needed_where_the_request_had_one_and_the_answer_approves() {
    assert_eq!(
        judged(&sale(1), "00", |m| {
            m.unset(64);
        }),
        doubted(Doubt::NoMac)
    );
    assert_eq!(
        judged(&sale(1), "00", |m| {
            m.set_bytes(64, b"00000000");
        }),
        doubted(Doubt::BadMac)
    );
    assert_eq!(
        judged(&sale(1), "51", |m| {
            m.unset(64);
        }),
        DECLINED
    );
    assert_eq!(
        judged(&sale(1), "51", |m| {
            m.set_bytes(64, b"00000000");
        }),
        doubted(Doubt::BadMac)
    );
    // A host with other keys cannot be checked, and that is what it says.
    for mac in [None, Some(b"00000000")] {
        let told = judged(&sale(1), "A0", |m| match mac {
            Some(mac) => drop(m.set_bytes(64, mac)),
            None => drop(m.unset(64)),
        });
        assert_eq!(told, AGAIN);
    }
}

#[test]
fn any_changed_byte_of_an_approval_is_seen() {
    let pending = pending(&sale(123));
    let frame = answer(&pending, "00", |_| {});
    for at in 0..frame.body.len() {
        let mut spoiled = frame.clone();
        spoiled.body[at] ^= 1;
        if let Ok(accepted) = accept(&profile(), &pending, &spoiled, &mut SumKeys::ready(), true) {
            assert_ne!(accepted.answer.class, AnswerClass::Approved, "byte {at}");
        }
    }
}

#[test]
fn an_advice_is_delivered_also_where_the_host_had_it() {
    let advice = order(5, Outgoing::Payment(Box::new(payment(MessageName::OfflineSale, Entry::Magstripe, card()))));
    assert_eq!(judged(&advice, "94", |_| {}), APPROVED);
    for (code, expected) in [("94", APPROVED), ("00", doubted(Doubt::NoMac))] {
        let bare = judged(&advice, code, |m| {
            m.unset(64);
        });
        assert_eq!(bare, expected, "{code}");
    }
    assert_eq!(judged(&advice, "14", |_| {}), DECLINED);
}

#[test]
fn a_reversal_ends_on_the_profiles_codes_and_on_no_other() {
    let reversal = order(
        5,
        Outgoing::Reversal(Box::new(payment(MessageName::Sale, Entry::Magstripe, None)), ReversalReason::NoAnswer),
    );
    for (code, expected) in [
        ("00", APPROVED),
        ("12", APPROVED),
        ("25", APPROVED),
        ("96", DECLINED),
        ("11", doubted(Doubt::UndocumentedCode)),
    ] {
        assert_eq!(judged(&reversal, code, |_| {}), expected, "{code}");
    }
    assert_eq!(
        judged(&reversal, "25", |m| {
            m.unset(4).unset(42);
        }),
        APPROVED
    );
    // A host that never saw the request has nothing to sign for; "done" is signed.
    for (code, expected) in [("25", APPROVED), ("12", APPROVED), ("00", doubted(Doubt::NoMac))] {
        let bare = judged(&reversal, code, |m| {
            m.unset(64);
        });
        assert_eq!(bare, expected, "{code}");
    }
    let spoiled = judged(&reversal, "25", |m| {
        m.set_bytes(64, b"00000000");
    });
    assert_eq!(spoiled, doubted(Doubt::BadMac));
}

fn settle() -> Order {
    let half = HostHalf { debit: Minor(100), debit_count: 1, ..HostHalf::default() };
    order(9, Outgoing::Settle(HostTotals { domestic: half, foreign: HostHalf::default() }))
}

fn totals(domestic: char, foreign: char) -> String {
    format!("000000000100001000000000000000{domestic}000000000000000000000000000000{foreign}")
}

fn settled(code: Option<&str>, field48: Option<String>) -> (AnswerClass, Option<Doubt>, Option<Verdicts>) {
    let pending = pending(&settle());
    let frame = answer(&pending, code.unwrap_or("00"), |m| {
        if code.is_none() {
            m.unset(39);
        }
        if let Some(totals) = &field48 {
            m.set_text(48, totals);
        }
    });
    let answer = accept(&profile(), &pending, &frame, &mut SumKeys::ready(), true).unwrap().answer;
    (answer.class, answer.doubt, answer.verdict)
}

#[test]
fn a_settlement_is_judged_on_field_48() {
    use Verdict::{Balanced, Error, Unbalanced};
    let said = |domestic, foreign| (AnswerClass::Approved, None, Some(Verdicts { domestic, foreign }));
    assert_eq!(settled(None, Some(totals('1', '1'))), said(Balanced, Balanced));
    assert_eq!(settled(Some("00"), Some(totals('2', '1'))), said(Unbalanced, Balanced));
    assert_eq!(settled(Some("95"), Some(totals('1', '3'))), said(Balanced, Error));
    assert_eq!(settled(None, Some(totals('1', '0'))), said(Balanced, Error));
    assert_eq!(settled(None, Some(totals('7', '1'))), said(Error, Balanced));
}

#[test]
fn a_settlement_without_a_verdict_is_not_settled() {
    assert_eq!(settled(None, None), (AnswerClass::Unknown, Some(Doubt::NoCode), None));
    assert_eq!(settled(Some("00"), None), (AnswerClass::Unknown, Some(Doubt::NoCode), None));
    assert_eq!(settled(None, Some("11".into())), (AnswerClass::Unknown, Some(Doubt::NoCode), None));
    assert_eq!(settled(Some("97"), Some(totals('0', '0'))), (AnswerClass::Declined, None, None));
    assert_eq!(settled(Some("99"), None), (AnswerClass::SignOnAgain, None, None));
}

#[test]
fn a_dialect_may_give_its_verdict_as_a_code() {
    let text = include_str!("profiles/unionpay-pos.toml")
        .replace("verdict = \"field48\"", "verdict = \"code\"\nbalanced = [\"00\"]\nunbalanced = [\"95\"]");
    let profile = Profile::parse("nii", &text).unwrap();
    let pending = pending(&settle());
    let verdict = |code| {
        let frame = answer(&pending, code, |_| {});
        let answer = accept(&profile, &pending, &frame, &mut SumKeys::ready(), true).unwrap().answer;
        (answer.class, answer.verdict.map(|v| v.domestic))
    };
    assert_eq!(verdict("00"), (AnswerClass::Approved, Some(Verdict::Balanced)));
    assert_eq!(verdict("95"), (AnswerClass::Approved, Some(Verdict::Unbalanced)));
    assert_eq!(verdict("96"), (AnswerClass::Declined, None));
    assert_eq!(verdict("77"), (AnswerClass::Unknown, None));
}

#[test]
fn a_sign_on_hands_its_keys_over_unless_nobody_waits_for_it() {
    let pending = pending(&order(3, Outgoing::SignOn));
    let run = |code, block: Option<usize>, take| {
        let frame = answer(&pending, code, |m| {
            if let Some(length) = block {
                m.set_bytes(62, &vec![7; length]);
            }
        });
        let mut keys = SumKeys::default();
        let accepted = accept(&profile(), &pending, &frame, &mut keys, take).unwrap();
        (accepted.answer.class, accepted.answer.doubt, keys.ready, accepted.keys)
    };
    assert_eq!(run("00", Some(40), true), (AnswerClass::Approved, None, true, None));
    assert_eq!(run("00", Some(40), false), (AnswerClass::Approved, None, false, None));
    assert_eq!(
        run("00", Some(39), true),
        (AnswerClass::Unknown, Some(Doubt::Keys), false, Some(KeyError::BlockLength(39)))
    );
    assert_eq!(run("00", None, true), (AnswerClass::Unknown, Some(Doubt::Keys), false, Some(KeyError::BlockLength(0))));
    assert_eq!(run("97", Some(40), true), (AnswerClass::Declined, None, false, None));
}

#[test]
fn what_nobody_asked_for_is_read_and_believed_in_nothing() {
    let pending = pending(&sale(123));
    let (stan, read) = read_unasked(&profile(), &answer(&pending, "00", |_| {}));
    let read = read.unwrap();
    assert_eq!((stan, read.class, read.code.as_deref()), (Some(Stan(123)), AnswerClass::Unknown, Some("00")));
    let mut request = Message::new(Mti::new(800).unwrap());
    request.set_text(11, "000009");
    let frame = Frame { tpdu: vec![], header: vec![], body: profile().spec.encode(&request).unwrap() };
    assert_eq!(read_unasked(&profile(), &frame), (Some(Stan(9)), None));
    let garbage = Frame { tpdu: vec![], header: vec![], body: vec![0xFF; 20] };
    assert_eq!(read_unasked(&profile(), &garbage), (None, None));
}
