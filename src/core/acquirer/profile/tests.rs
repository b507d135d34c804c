//! The shipped profiles, and what a slip in one says.

#![allow(clippy::unwrap_used)]
use super::*;

const TEXT: &str = include_str!("../profiles/unionpay-pos.toml");

#[test]
fn the_shipped_profiles_are_read_and_the_codec_reads_the_same_formats() {
    for (name, _) in BUILTIN {
        Profile::builtin(name).unwrap();
    }
    assert_eq!(Profile::builtin("unionpay-pos").unwrap().spec, Spec::unionpay_pos());
    assert!(Profile::builtin("unionpay").unwrap_err().to_string().contains("unionpay-pos"));
}

/// The facts' table: type, F3, F25, 60.1, 60.3, reversible.
#[test]
fn the_message_table_is_that_of_the_facts() {
    let profile = Profile::builtin("unionpay-pos").unwrap();
    let table = [
        ("balance", "0200", "310000", "00", "01{batch}000", false),
        ("sale", "0200", "000000", "00", "22{batch}000", true),
        ("void", "0200", "200000", "00", "23{batch}000", true),
        ("refund", "0220", "200000", "00", "25{batch}000", false),
        ("preauth", "0100", "030000", "06", "10{batch}000", true),
        ("preauth_void", "0100", "200000", "06", "11{batch}000", true),
        ("completion", "0200", "000000", "06", "20{batch}000", true),
        ("completion_void", "0200", "200000", "06", "21{batch}000", true),
        ("completion_advice", "0220", "000000", "06", "24{batch}000", false),
        ("offline_sale", "0220", "000000", "00", "30{batch}000", false),
        ("offline_adjust", "0220", "000000", "00", "32{batch}000", false),
        ("tip", "0220", "000000", "00", "34{batch}000", false),
        ("ic_offline", "0200", "000000", "00", "36{batch}000", false),
    ];
    let template = |text: &str| Template::try_from(text.to_owned()).unwrap();
    for (name, mti, f3, f25, f60, reversible) in table {
        let row = &profile.messages[&Row::parse(name).unwrap()];
        assert_eq!((row.mti.to_string().as_str(), row.reversible, row.mac), (mti, reversible, true), "{name}");
        for (field, value) in [(3, f3), (25, f25), (60, f60)] {
            assert_eq!(row.fields[&field], template(value), "{name} {field}");
        }
    }
    for (name, mti, f60) in [
        ("sign_on", "0800", "00{batch}{key_form}"),
        ("sign_off", "0820", "00{batch}002"),
        ("echo", "0820", "00{batch}301"),
        ("settle", "0500", "00{batch}201"),
        ("upload", "0320", "00{batch}201"),
        ("chip_upload_balanced", "0320", "00{batch}203"),
        ("chip_failure_balanced", "0320", "00{batch}204"),
        ("chip_upload_unbalanced", "0320", "00{batch}205"),
        ("chip_failure_unbalanced", "0320", "00{batch}206"),
        ("end_balanced", "0320", "00{batch}207"),
        ("end_unbalanced", "0320", "00{batch}202"),
    ] {
        let row = &profile.messages[&Row::parse(name).unwrap()];
        assert_eq!((row.mti.to_string().as_str(), row.mac, &row.fields[&60]), (mti, false, &template(f60)), "{name}");
    }
}

#[test]
fn what_no_list_names_is_unknown() {
    let profile = Profile::builtin("unionpay-pos").unwrap();
    let class = |code| profile.classify(code).0;
    assert_eq!(
        (class("00"), class("51"), class("A0"), class("99")),
        (AnswerClass::Approved, AnswerClass::Declined, AnswerClass::SignOnAgain, AnswerClass::SignOnAgain)
    );
    for code in ["ZZ", "95", "09", "", "0", "000", "付"] {
        assert_eq!(class(code), AnswerClass::Unknown, "{code}");
    }
    let count = |class| profile.codes().filter(|(_, code)| code.class == class).count();
    assert_eq!((count(AnswerClass::Approved), count(AnswerClass::SignOnAgain), count(AnswerClass::Unknown)), (7, 2, 0));
    for (code, meaning) in profile.codes() {
        assert!(meaning.sentence.zh.chars().any(|c| c >= '\u{4e00}') && meaning.sentence.en.is_ascii(), "{code}");
    }
}

#[test]
fn home_cards_are_told_from_foreign_ones() {
    let profile = Profile::builtin("unionpay-pos").unwrap();
    assert!(profile.is_domestic(Some("CUP")) && profile.is_domestic(Some("000")) && profile.is_domestic(None));
    assert!(!profile.is_domestic(Some("VIS")) && !profile.is_domestic(Some("")));
}

#[test]
fn a_slip_in_a_profile_is_refused_with_its_place() {
    let slip = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        Profile::parse("x", &TEXT.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert!(slip("tries = 3", "tires = 3").contains("tires"));
    assert!(slip("tries = 3", "tries = 0").contains("tries"));
    assert!(slip("[messages.void]", "[messages.viod]").contains("[messages.viod]"));
    assert!(slip("61 = \"{original_batch}{original_stan}\" }", "61 = \"{original_batch}{stam}\" }").contains("stam"));
    assert!(slip("25 = \"00\", 60 = \"22{batch}000\" }", "27 = \"00\" }").contains("27"));
    assert!(slip("sets = [\"payment\", \"card\", \"pin\"]", "sets = [\"payments\"]").contains("payments"));
    assert!(slip("class = \"approved\"", "class = \"failed\"").contains("failed"));
    assert!(slip("00 = {", "000 = {").contains("000"));
    assert!(slip("verdict = \"field48\"", "verdict = \"code\"").contains("balanced"));
    assert!(slip("22 = \"n3 left\"", "22 = \"n3\"").contains("left or right"));
    assert!(slip("max = 2048", "max = 1").contains("[frame]"));
    assert!(slip("[messages.settle]", "[messages.balance2]").contains("balance2"));
    assert!(slip("count = 900", "count = 1000").contains("999"));
    assert!(slip("magstripe = \"02\"", "magstripe = \"021\"").contains("[entry]"));
    assert!(slip("[frame]\n", "[frame]\nnonsense = 1\n").contains("nonsense"));
}
