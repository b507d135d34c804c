//! Payments: what is decided, what a repeat is told, what a reversal undoes.

use super::*;

#[test]
fn a_day_of_one_terminal_is_balanced_and_without_findings() {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    let sale = till.sale(CUP, 10_000);
    let sold = till.ask(&mut rig, &sale);
    assert_eq!((sold.text(39), sold.text(4)), (Some("00"), Some("000000010000")));
    assert_eq!((sold.text(12), sold.text(13), sold.text(15)), (Some("120000"), Some("1120"), Some("1120")));
    assert_eq!(&sold.text(63).unwrap()[..3], "CUP");
    let visa = till.sale(VISA, 777);
    assert_eq!(&till.ask(&mut rig, &visa).text(63).unwrap()[..3], "VIS");
    let scan = till.scan("134567890123456789", 500);
    assert_eq!(till.ask(&mut rig, &scan).text(39), Some("00"));
    let void = till.void(CUP, 10_000, &sold);
    assert_eq!(till.ask(&mut rig, &void).text(39), Some("00"));
    let stored = till.offline(CUP, 60, "CUP");
    assert_eq!(till.ask(&mut rig, &stored).text(39), Some("00"));
    let lost = till.sale(CUP, 3);
    rig.host.next_answer(super::super::Fault::DropAnswer);
    assert_eq!(rig.push(&till.wire(&lost)), []);
    let reversal = till.reversal(&lost, "98");
    assert_eq!(till.ask(&mut rig, &reversal).text(39), Some("00"));
    let all =
        [(false, false, 10_000), (true, false, 777), (false, false, 500), (false, true, 10_000), (false, false, 60)];
    assert_eq!(till.close(&mut rig, &totals(&all)), [1, 1]);
    rig.clean();
    let judgement = rig.host.judgement();
    assert_eq!((judgement.payments, judgement.duplicates, judgement.reversed), (6, 0, 1));
    assert_eq!((judgement.effects.sale.count, judgement.effects.sale.amount), (4, 11_337));
    assert_eq!((judgement.effects.void.count, judgement.effects.void.amount), (1, 10_000));
    let statement = rig.host.statement();
    let lines: Vec<&str> = statement.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("terminal,batch,stan,rrn,kind,amount,status,"));
    let rrn = sold.text(37).unwrap();
    assert_eq!(
        lines[1],
        format!(
            "12345678,000001,000002,{rrn},sale,10000,approved,2026-11-20,12:00:00,1120,622202*********0128,00,CUP,1"
        )
    );
    assert!(lines[6].contains(",sale,3,reversed,"));
    assert!(!statement.contains(CUP) && !statement.contains("134567890123456789"));
    for entry in &rig.booked {
        let line = super::super::bookfile::write_entry(entry);
        assert!(!line.contains(CUP) && !line.contains(VISA) && !line.contains("134567890123456789"), "{line}");
    }
}

#[test]
fn a_repeat_has_one_effect_and_the_recorded_answer() {
    for (policy, said) in [("", "00"), ("repeat = \"94\"", "94")] {
        let mut rig = Rig::new(policy);
        let mut till = Till::signed_on(&mut rig);
        let stored = till.offline(VISA, 60, "VIS");
        let first = till.ask(&mut rig, &stored);
        rig.now = WallMs(NOON.0 + 5_000_000);
        // A new sign-on changes the MAC and nothing else.
        till.sign_on(&mut rig);
        let again = till.ask(&mut rig, &stored);
        assert_eq!(again.text(39), Some(said));
        for field in [12, 13, 37, 38] {
            assert_eq!(again.text(field), first.text(field), "F{field}");
        }
        let judgement = rig.host.judgement();
        assert_eq!((judgement.effects.sale.count, judgement.repeats, judgement.duplicates), (1, 1, 0));
        rig.clean();
    }
}

#[test]
fn a_reversal_undoes_exactly_its_original() {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    let (first, second) = (till.sale(CUP, 100), till.sale(CUP, 100));
    till.ask(&mut rig, &first);
    let sold = till.ask(&mut rig, &second);
    let void = till.void(CUP, 100, &sold);
    till.ask(&mut rig, &void);
    // The void is reversed: the sale stands again, and may be voided again.
    let reversal = till.reversal(&void, "98");
    assert_eq!(till.ask(&mut rig, &reversal).text(39), Some("00"));
    assert_eq!(till.ask(&mut rig, &till.reversal(&void, "06")).text(39), Some("00"), "again, with 06");
    assert_eq!(rig.host.books().totals(TID, 1, false), totals(&[(false, false, 100), (false, false, 100)]));
    let void = till.void(CUP, 100, &sold);
    assert_eq!(till.ask(&mut rig, &void).text(39), Some("00"));
    // A sale that was voided cannot be reversed.
    assert_eq!(till.ask(&mut rig, &till.reversal(&second, "98")).text(39), Some("12"));
    assert_eq!(till.ask(&mut rig, &till.reversal(&first, "98")).text(39), Some("00"));
    assert_eq!(rig.host.books().totals(TID, 1, false), totals(&[(false, false, 100), (false, true, 100)]));
    rig.clean();
}

#[test]
fn a_reversal_without_an_original_is_told_so_and_its_late_payment_is_refused() {
    for (scenario, code) in [("", "25"), ("reversal_without_original = \"00\"", "00")] {
        let mut rig = Rig::new(scenario);
        let mut till = Till::signed_on(&mut rig);
        let sale = till.sale(CUP, 100);
        assert_eq!(till.ask(&mut rig, &till.reversal(&sale, "98")).text(39), Some(code));
        assert_eq!(till.ask(&mut rig, &sale).text(39), Some("12"));
        assert_eq!(rig.host.judgement().effects.sale.count, 0);
    }
}

#[test]
fn voids_and_refunds_are_checked_against_the_books() {
    let mut rig = Rig::new("");
    let mut till = Till::signed_on(&mut rig);
    let sale = till.sale(CUP, 1_000);
    let sold = till.ask(&mut rig, &sale);
    let rrn = sold.text(37).unwrap().to_owned();
    let mut code = |rig: &mut Rig, message: Message| till_code(rig, &mut till, message);
    fn till_code(rig: &mut Rig, till: &mut Till, mut message: Message) -> String {
        message.set_text(11, &format!("{:06}", till.next()));
        till.ask(rig, &message).text(39).unwrap().to_owned()
    }
    let maker = || Till { stan: 100, ..Till::default() };
    let mut wrong_rrn = sold.clone();
    wrong_rrn.set_text(37, "999999999999");
    assert_eq!(code(&mut rig, maker().void(CUP, 999, &sold)), "64");
    assert_eq!(code(&mut rig, maker().void(VISA, 1_000, &sold)), "14");
    assert_eq!(code(&mut rig, maker().void(CUP, 1_000, &wrong_rrn)), "25");
    assert_eq!(code(&mut rig, maker().refund(CUP, 400, &rrn, "1119", "CUP")), "25");
    assert_eq!(code(&mut rig, maker().refund(CUP, 400, &rrn, "1120", "CUP")), "00");
    assert_eq!(code(&mut rig, maker().refund(CUP, 601, &rrn, "1120", "CUP")), "13");
    assert_eq!(code(&mut rig, maker().refund(CUP, 600, &rrn, "1120", "CUP")), "00");
    assert_eq!(code(&mut rig, maker().void(CUP, 1_000, &sold)), "12");
    assert_eq!(rig.host.judgement().effects.refund.amount, 1_000);
    rig.clean();
}

#[test]
fn cards_and_amounts_decline_by_the_scenario() {
    let scenario = r#"
        [[decline]]
        ending = 51
        code = "51"
        [[decline]]
        pan = "4"
        code = "05"
        [[decline]]
        amount = 9
        code = "A2"
        [[decline]]
        amount = 8
        code = "ZZ"
        [[decline]]
        advice = true
        amount = 7
        code = "54"
    "#;
    let mut rig = Rig::new(scenario);
    let mut till = Till::signed_on(&mut rig);
    for (pan, amount, code) in [(CUP, 1_051, "51"), (VISA, 10, "05"), (CUP, 9, "A2"), (CUP, 7, "00"), (CUP, 8, "ZZ")] {
        let sale = till.sale(pan, amount);
        assert_eq!(till.ask(&mut rig, &sale).text(39), Some(code));
    }
    let stored = till.offline(CUP, 7, "CUP");
    assert_eq!(till.ask(&mut rig, &stored).text(39), Some("54"));
    let judgement = rig.host.judgement();
    assert_eq!((judgement.effects.sale.count, judgement.declined), (2, 4));
    assert_eq!(judgement.owed.len(), 1, "ZZ leaves the terminal not knowing");
    rig.clean();
}

#[test]
fn balance_and_preauthorization() {
    let mut rig = Rig::new("[[card]]\npan = \"6222\"\nbalance = 12345\norganisation = \"CUP\"");
    let mut till = Till::signed_on(&mut rig);
    let stan = till.next();
    let track = format!("{CUP}=30121010000000");
    let mut balance = till.financial(200, stan, "01", 0, &[(3, "310000"), (22, "022"), (25, "00"), (35, &track)]);
    balance.unset(4);
    assert_eq!(till.ask(&mut rig, &balance).text(54), Some("1002156C000000012345"));
    let stan = till.next();
    let preauth = till.financial(100, stan, "10", 1_000, &[(3, "030000"), (22, "022"), (25, "06"), (35, &track)]);
    let held = till.ask(&mut rig, &preauth);
    let field61 = format!("000001{stan:06}1120");
    let completion = |till: &mut Till, mti, type_code, amount| {
        let fields = [
            (2, CUP),
            (3, "000000"),
            (14, "3012"),
            (22, "012"),
            (25, "06"),
            (38, held.text(38).unwrap()),
            (61, field61.as_str()),
        ];
        let stan = till.next();
        till.financial(mti, stan, type_code, amount, &fields)
    };
    let over = completion(&mut till, 200, "20", 1_151);
    assert_eq!(till.ask(&mut rig, &over).text(39), Some("61"));
    let done = completion(&mut till, 200, "20", 1_150);
    assert_eq!(till.ask(&mut rig, &done).text(39), Some("00"));
    let again = completion(&mut till, 220, "24", 1_000);
    assert_eq!(till.ask(&mut rig, &again).text(39), Some("12"), "completed once");
    assert_eq!(till.close(&mut rig, &totals(&[(false, false, 1_150)])), [1, 1]);
    rig.clean();
}

#[test]
fn the_pin_is_checked_under_the_issued_key() {
    let mut rig = Rig::new("[[card]]\npan = \"4111\"\npin = \"1234\"");
    let mut till = Till::signed_on(&mut rig);
    let mut ask = |rig: &mut Rig, clear: u64| {
        let mut sale = till.sale(VISA, 5);
        let block = till.keys.as_ref().unwrap().pik.encrypt((clear ^ 0x0000_1111_1111_1111).to_be_bytes());
        sale.set_text(22, "021").set_text(26, "12").set_bytes(52, &block).set_text(53, "2600000000000000");
        till.ask(rig, &sale).text(39).unwrap().to_owned()
    };
    assert_eq!(ask(&mut rig, 0x0412_34FF_FFFF_FFFF), "00");
    assert_eq!(ask(&mut rig, 0x0412_35FF_FFFF_FFFF), "55");
    rig.clean();
    assert_eq!(ask(&mut rig, 0xFF12_35FF_FFFF_FFFF), "55");
    assert_eq!(rig.rules(), [Rule::BadValue]);
}

#[test]
fn settlement_dates_turn_at_the_cutover() {
    let mut rig = Rig::new("cutover = \"23:00\"");
    let mut till = Till::signed_on(&mut rig);
    for (hours, settle) in [(10, "1120"), (11, "1121"), (12, "1121")] {
        rig.now = WallMs(NOON.0 + hours * 3_600_000);
        let sale = till.sale(CUP, 5);
        assert_eq!(till.ask(&mut rig, &sale).text(15), Some(settle), "{hours}");
    }
}
