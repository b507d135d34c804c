//! Settlement: verdicts, uploads, ends, and what may not happen between.

use super::*;

/// Two sales and a foreign one; the totals that are right.
fn day(rig: &mut Rig) -> (Till, Totals) {
    let mut till = Till::signed_on(rig);
    for (pan, amount) in [(CUP, 100), (CUP, 200), (VISA, 50)] {
        let sale = till.sale(pan, amount);
        till.ask(rig, &sale);
    }
    (till, totals(&[(false, false, 100), (false, false, 200), (true, false, 50)]))
}

const ROWS: [(bool, u32, &str, i64); 3] = [(false, 2, CUP, 100), (false, 3, CUP, 200), (true, 4, VISA, 50)];

#[test]
fn a_balanced_batch_ends_and_the_next_begins() {
    let mut rig = Rig::new("");
    let (mut till, totals) = day(&mut rig);
    assert_eq!(till.close(&mut rig, &totals), [1, 1]);
    till.sign_on(&mut rig);
    assert_eq!(till.batch, 2);
    let sale = till.sale(CUP, 1);
    assert_eq!(till.ask(&mut rig, &sale).text(39), Some("00"));
    rig.clean();
}

#[test]
fn an_unanswered_settlement_or_end_is_the_same_again() {
    let mut rig = Rig::new("");
    let (mut till, totals) = day(&mut rig);
    let settlement = till.settlement(&totals);
    let lose = |kind| super::super::FaultRule::always(&[kind], super::super::Fault::DropAnswer, Some(1));
    rig.host.add_rule(lose(Kind::Settle));
    assert_eq!(rig.push(&till.wire(&settlement)), []);
    let first = till.ask(&mut rig, &settlement);
    assert_eq!(first.text(48), till.ask(&mut rig, &settlement).text(48));
    rig.host.add_rule(lose(Kind::End));
    let end = till.end("207", 0);
    assert_eq!(rig.push(&till.wire(&end)), []);
    assert_eq!(till.ask(&mut rig, &end).text(39), Some("00"));
    assert_eq!(rig.host.books().terminal(TID).unwrap().batch, 2, "one step, not two");
    // What the terminal may also do: sign on, and learn that the end arrived.
    till.sign_on(&mut rig);
    assert_eq!(till.batch, 2);
    rig.clean();
}

#[test]
fn each_half_has_its_verdict() {
    for (claim, verdicts) in [
        ([(false, false, 100), (false, false, 200), (true, false, 51)], [1, 2]),
        ([(false, false, 100), (false, false, 201), (true, false, 50)], [2, 1]),
        ([(false, false, 100), (false, true, 200), (true, false, 50)], [2, 1]),
    ] {
        let mut rig = Rig::new("");
        let (mut till, _) = day(&mut rig);
        assert_eq!(till.close(&mut rig, &totals(&claim)), verdicts);
        assert_eq!(rig.rules(), [Rule::TotalsWrong]);
    }
}

#[test]
fn what_was_never_answered_may_be_missing_from_the_claim() {
    let mut rig = Rig::new("");
    let (mut till, right) = day(&mut rig);
    let sold = rig.host.books().payments[0].rrn.clone();
    let refund = till.refund(CUP, 10, &sold, "1120", "CUP");
    rig.host.next_answer(super::super::Fault::DropAnswer);
    rig.push(&till.wire(&refund));
    assert_eq!(till.close(&mut rig, &right), [2, 1], "unbalanced, and rightly so");
    rig.clean();
}

#[test]
fn an_unbalanced_batch_is_uploaded_whole_and_ends_with_202() {
    let mut rig = Rig::new("[[verdict]]\ndomestic = 2");
    let (mut till, totals) = day(&mut rig);
    assert_eq!(till.close(&mut rig, &totals), [2, 1]);
    let upload = till.upload(&ROWS[..2]);
    assert_eq!(till.ask(&mut rig, &upload).text(39), Some("00"));
    assert_eq!(till.ask(&mut rig, &upload).text(39), Some("00"), "the same again");
    let end = till.end("202", 2);
    assert_eq!(till.ask(&mut rig, &end).text(39), Some("00"));
    rig.clean();
    let settled = &rig.host.judgement().settlements[0];
    assert_eq!((settled.uploaded, settled.ended, settled.verdicts), (2, true, [2, 1]));
}

#[test]
fn an_unbalanced_batch_lists_what_differs() {
    let mut rig = Rig::new("");
    let (mut till, _) = day(&mut rig);
    // The terminal lacks STAN 3 and has a 9 that the host never saw.
    till.close(&mut rig, &totals(&[(false, false, 100), (false, false, 9), (true, false, 50)]));
    let upload = till.upload(&[ROWS[0], (false, 9, CUP, 9)]);
    till.ask(&mut rig, &upload);
    let end = till.end("202", 2);
    till.ask(&mut rig, &end);
    let settled = &rig.host.judgement().settlements[0];
    assert_eq!((&settled.host_only[..], &settled.terminal_only[..]), (&[3][..], &[9][..]));
    assert_eq!(rig.rules(), [Rule::TotalsWrong]);
}

#[test]
fn single_records_count_too_and_an_error_may_bring_everything() {
    let mut rig = Rig::new("[[verdict]]\ndomestic = 3");
    let (mut till, mut totals) = day(&mut rig);
    let stored = till.offline(CUP, 9, "CUP");
    till.ask(&mut rig, &stored);
    totals.half_mut(false).add(Kind::OfflineSale.side(), 9);
    till.close(&mut rig, &totals);
    let mut single = Message::new(Mti::new(320).unwrap());
    for (field, bytes) in stored.iter().filter(|(field, _)| *field != 64) {
        single.set_bytes(field, bytes);
    }
    assert_eq!(till.ask(&mut rig, &single).text(39), Some("00"));
    let upload = till.upload(&ROWS);
    till.ask(&mut rig, &upload);
    let end = till.end("202", 4);
    assert_eq!(till.ask(&mut rig, &end).text(39), Some("00"));
    rig.clean();
}

#[test]
fn uploads_that_lack_or_falsify_records() {
    let unbalanced = "[[verdict]]\ndomestic = 2";
    let finish = |rows: &[(bool, u32, &str, i64)], kind: &str, said: u32| {
        let mut rig = Rig::new(unbalanced);
        let (mut till, totals) = day(&mut rig);
        till.close(&mut rig, &totals);
        let upload = till.upload(rows);
        till.ask(&mut rig, &upload);
        let end = till.end(kind, said);
        till.ask(&mut rig, &end);
        rig.rules()
    };
    assert_eq!(finish(&ROWS[..1], "202", 1), [Rule::UploadIncomplete]);
    assert_eq!(finish(&ROWS[..2], "202", 3), [Rule::EndCount]);
    assert_eq!(finish(&ROWS[..2], "207", 2), [Rule::WrongEnd]);
    let other_card = [(false, 2, VISA, 100), ROWS[1]];
    assert_eq!(finish(&other_card, "202", 2), [Rule::UploadDiffers]);
    let other_amount = [(false, 2, CUP, 101), ROWS[1]];
    assert_eq!(finish(&other_amount, "202", 2), [Rule::UploadDiffers, Rule::UploadIncomplete]);
}

#[test]
fn a_balanced_batch_does_not_end_with_202() {
    let mut rig = Rig::new("");
    let (mut till, totals) = day(&mut rig);
    let settlement = till.settlement(&totals);
    till.ask(&mut rig, &settlement);
    let end = till.end("202", 0);
    till.ask(&mut rig, &end);
    assert_eq!(rig.rules(), [Rule::WrongEnd]);
}

#[test]
fn nothing_financial_between_asking_and_the_end() {
    let mut rig = Rig::new("");
    let (mut till, totals) = day(&mut rig);
    let settlement = till.settlement(&totals);
    till.ask(&mut rig, &settlement);
    let sale = till.sale(CUP, 1);
    assert_eq!(till.ask(&mut rig, &sale).text(39), Some("90"));
    let reversal = till.reversal(&sale, "98");
    till.ask(&mut rig, &reversal);
    assert_eq!(rig.rules(), [Rule::FinancialInSettlement, Rule::FinancialInSettlement]);
}

#[test]
fn a_batch_is_settled_once() {
    let mut rig = Rig::new("");
    let (mut till, totals) = day(&mut rig);
    assert_eq!(till.close(&mut rig, &totals), [1, 1]);
    till.batch = 1;
    let again = till.settlement(&totals);
    let answer = till.ask(&mut rig, &again);
    assert!(answer.text(48).unwrap().ends_with('3'));
    assert_eq!(rig.rules(), [Rule::SettledAgain]);
}

#[test]
fn ends_and_uploads_without_a_settlement() {
    let mut rig = Rig::new("");
    let (mut till, _) = day(&mut rig);
    let upload = till.upload(&ROWS);
    assert_eq!(till.ask(&mut rig, &upload).text(39), Some("12"));
    let end = till.end("207", 0);
    assert_eq!(till.ask(&mut rig, &end).text(39), Some("12"));
    assert_eq!(rig.rules(), [Rule::UploadWithoutSettlement, Rule::EndWithoutSettlement]);
    assert_eq!(rig.host.books().terminal(TID).unwrap().batch, 1);
}

#[test]
fn the_host_may_have_a_batch_number_of_its_own() {
    let mut rig = Rig::new("[[batch]]\ntid = \"12345678\"\nnumber = 77");
    let mut till = Till::signed_on(&mut rig);
    assert_eq!(till.batch, 77);
    rig.host.set_batch(TID, 80);
    let sale = till.sale(CUP, 1);
    assert_eq!(till.ask(&mut rig, &sale).text(39), Some("99"));
    till.sign_on(&mut rig);
    assert_eq!(till.batch, 80);
    let sale = till.sale(CUP, 1);
    assert_eq!(till.ask(&mut rig, &sale).text(39), Some("00"));
}
