//! The codec against frames seen from other people's terminals and hosts, against malformed bytes, and against itself.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::bcd::{hex, unhex};
use super::*;

const LAYOUT: Layout = Layout { tpdu: 5, header: 6, max: 4096 };

/// A financial request with a MAC (its F62 is chip data of an old dialect).
pub const SALE: &str = "007F6000060000603210320072020030200480 00 C08015000000000000001234000002030099 3030303030303031393532373138313832323137383735 \
    313536 001926000001000600000000 00435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031 \
    4233413039324145";
const SIGN_ON: &str = "0041600000000060220000000008000038000000C000120001721705100510353030383030303133303933313030383339383530303800110000017200300003435550";
const SIGN_ON_ANSWER: &str = "007960000001386131003111080810003800010AC0001450021122130107200800085500323231333031343931333239303039393939393930363030313433303137303131393939390011000005190030004046F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A";

pub fn bytes(text: &str) -> Vec<u8> {
    unhex(&text.replace([' ', '\n'], "")).unwrap()
}

fn one_frame(text: &str) -> Frame {
    let mut deframer = Deframer::new(LAYOUT);
    deframer.push(&bytes(text));
    let frame = deframer.next_frame().unwrap().unwrap();
    assert_eq!(deframer.held(), 0);
    frame
}

/// Decodes, and proves that encoding gives the same bytes.
fn there_and_back(text: &str) -> Message {
    let (spec, frame) = (Spec::unionpay_pos(), one_frame(text));
    let message = spec.decode(&frame.body).unwrap();
    let again = Frame { body: spec.encode(&message).unwrap(), ..frame };
    assert_eq!(hex(&again.to_bytes().unwrap()), hex(&bytes(text)));
    message
}

fn fields(message: &Message) -> Vec<u8> {
    message.iter().map(|(number, _)| number).collect()
}

#[test]
fn a_foreign_sale_is_read_and_written_byte_for_byte() {
    let message = there_and_back(SALE);
    assert_eq!(message.mti(), Mti::new(200).unwrap());
    assert_eq!(fields(&message), [3, 4, 11, 22, 25, 41, 42, 49, 60, 62, 64]);
    assert_eq!(message.text(4), Some("000000001234"));
    assert_eq!((message.text(11), message.text(22), message.text(25)), (Some("000002"), Some("030"), Some("99")));
    assert_eq!((message.text(41), message.text(42)), (Some("00000001"), Some("952718182217875")));
    assert_eq!((message.text(60), message.bytes(62).unwrap().len()), (Some("2600000100060000000"), 43));
    assert_eq!(message.text(64), Some("B3A092AE"));
}

#[test]
fn a_foreign_sign_on_is_read_and_written_byte_for_byte() {
    let message = there_and_back(SIGN_ON);
    assert_eq!(fields(&message), [11, 12, 13, 41, 42, 60, 63]);
    assert_eq!((message.text(11), message.text(12), message.text(13)), (Some("000172"), Some("170510"), Some("0510")));
    assert_eq!((message.text(41), message.text(42)), (Some("50080001"), Some("309310083985008")));
    assert_eq!((message.text(60), message.text(63)), (Some("00000172003"), Some("CUP")));
}

#[test]
fn a_foreign_sign_on_answer_is_read_and_written_byte_for_byte() {
    let frame = one_frame(SIGN_ON_ANSWER);
    assert_eq!((hex(&frame.tpdu), hex(&frame.header)), ("6000000138".into(), "613100311108".into()));
    let message = there_and_back(SIGN_ON_ANSWER);
    assert_eq!(fields(&message), [11, 12, 13, 32, 37, 39, 41, 42, 60, 62]);
    assert_eq!(
        (message.text(32), message.text(37), message.text(39)),
        (Some("00085500"), Some("221301491329"), Some("00"))
    );
    assert_eq!((message.text(60), message.bytes(62).unwrap().len()), (Some("00000519003"), 40));
}

/// Bytes written by hand from the facts: F2 of 19 digits (filled behind), F22 `021` → `0210`, F23 `001` → `0001`, F35 of 37.
#[test]
fn every_kind_of_filling_lies_where_the_facts_say() {
    let body = "0200 7020040020000000 19 6222021234567890128 0 000000 000000000001 000123 0210 37 6222021234567890128D30121010000012300 0";
    let spec = Spec::unionpay_pos();
    let message = spec.decode(&bytes(body)).unwrap();
    assert_eq!(message.text(2), Some("6222021234567890128"));
    assert_eq!((message.text(22), message.text(35)), (Some("021"), Some("6222021234567890128=30121010000012300")));
    assert_eq!(spec.encode(&message).unwrap(), bytes(body));
    let mut with_f23 = Message::new(Mti::new(200).unwrap());
    with_f23.set_text(23, "001");
    assert_eq!(spec.encode(&with_f23).unwrap(), bytes("0200 0000020000000000 0001"));
}

#[test]
fn both_fillings_of_a_track_are_read_and_the_profiles_is_written() {
    let spec = Spec::unionpay_pos();
    let f = "0200 0000000020000000 37 4111111111111111D30121010000012300001 F";
    let zero = "0200 0000000020000000 37 4111111111111111D30121010000012300001 0";
    let from_f = spec.decode(&bytes(f)).unwrap();
    assert_eq!(from_f, spec.decode(&bytes(zero)).unwrap());
    assert_eq!(spec.encode(&from_f).unwrap(), bytes(zero));
    let profile = "[fields]\n35 = \"z..37 pad F0\"";
    assert_eq!(Spec::from_profile(profile).unwrap().encode(&from_f).unwrap(), bytes(f));
}

#[test]
fn a_fault_says_which_field_at_which_byte_and_what() {
    let spec = Spec::unionpay_pos();
    let error = |text: &str| spec.decode(&bytes(text)).unwrap_err();
    let at = |field, offset, fault| DecodeError { field, offset, fault };
    assert_eq!(error("02"), at(None, 0, Fault::Truncated { need: 2, have: 1 }));
    assert_eq!(error("0A00 2000000000000000 000000"), at(None, 0, Fault::NotADigit(10)));
    assert_eq!(error("0200 20000000"), at(None, 2, Fault::Truncated { need: 8, have: 4 }));
    assert_eq!(error("0200 2000000000000000 0000"), at(Some(3), 10, Fault::Truncated { need: 3, have: 2 }));
    assert_eq!(error("0200 2000000000000000 00C000"), at(Some(3), 11, Fault::NotADigit(12)));
    assert_eq!(error("0200 2000000000000000 00000000"), at(None, 13, Fault::Trailing(1)));
    assert_eq!(error("0200 4000000000000000 2000"), at(Some(2), 10, Fault::TooLong { units: 20, max: 19 }));
    assert_eq!(error("0200 4000000000000000 1F00"), at(Some(2), 10, Fault::NotADigit(15)));
    assert_eq!(error("0200 0000040000000000 0215"), at(Some(22), 11, Fault::BadPad(5)));
    assert_eq!(error("0200 0100000000000000 00"), at(Some(8), 10, Fault::NoFormat));
    assert_eq!(error("0200 8000000000000000 0000000000000000"), at(None, 10, Fault::EmptyBitmap));
    assert_eq!(
        error("0200 0000040000000000 0215").to_string(),
        "field 22 at byte 11: nibble 5 where the filling belongs"
    );
}

#[test]
fn what_does_not_fit_its_field_is_not_encoded() {
    let spec = Spec::unionpay_pos();
    let error = |field, text: &str| {
        let mut message = Message::new(Mti::new(200).unwrap());
        message.set_text(field, text);
        spec.encode(&message).unwrap_err().fault
    };
    assert_eq!(error(3, "00000"), EncodeFault::Length { units: 5, max: 6 });
    assert_eq!(error(2, "12345678901234567890"), EncodeFault::Length { units: 20, max: 19 });
    assert_eq!(error(3, "00000="), EncodeFault::NotADigit);
    assert_eq!(error(2, "4111D"), EncodeFault::NotADigit);
    assert_eq!(error(8, "1"), EncodeFault::NoFormat);
    assert_eq!(error(1, "1"), EncodeFault::NoFormat);
}

#[test]
fn a_second_bitmap_is_there_exactly_when_it_is_needed() {
    let spec = Spec::from_profile("[fields]\n3 = \"n6\"\n70 = \"n3 left\"").unwrap();
    let mut message = Message::new(Mti::new(800).unwrap());
    message.set_text(3, "990000").set_text(70, "301");
    let body = spec.encode(&message).unwrap();
    assert_eq!(hex(&body), "0800A00000000000000004000000000000009900003010");
    assert_eq!(spec.decode(&body).unwrap(), message);
    assert_eq!(spec.encode(message.unset(70)).unwrap(), bytes("0800 2000000000000000 990000"));
}

#[test]
fn a_table_of_formats_with_a_slip_is_refused() {
    for bad in ["1 = \"b8\"", "65 = \"b8\"", "129 = \"n2\"", "x = \"n2\"", "3 = \"n3\"", "3 = 6", "64 = \"b16\""] {
        assert!(Spec::from_profile(&format!("[fields]\n{bad}")).is_err(), "{bad}");
    }
}

#[test]
fn the_mac_covers_type_to_the_last_field_before_it() {
    let frame = one_frame(SALE);
    let view = View::check(&Spec::unionpay_pos(), &frame.body).unwrap();
    let (covered, mac) = view.mac_parts().unwrap();
    assert_eq!((covered, &mac), (&frame.body[..frame.body.len() - 8], b"B3A092AE"));
    assert!(View::check(&Spec::unionpay_pos(), &one_frame(SIGN_ON).body).unwrap().mac_parts().is_none());
}

fn full_of_secrets() -> Message {
    let mut message = Message::new(Mti::new(200).unwrap());
    message.set_text(2, "6222021234567890128").set_text(11, "000123").set_text(14, "3012");
    message.set_text(35, "6222021234567890128=30121010000012300").set_text(36, "99622202123456789012800");
    message.set_bytes(52, &[0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0]);
    message.set_bytes(
        55,
        &bytes("9F2608A1A2A3A4A5A6A7A8 5A0A6222021234567890128F 57136222021234567890128D30121010000012300F"),
    );
    message.set_text(59, "A3018134567890123456789");
    message
}

#[test]
fn nothing_that_must_die_is_in_a_dump_a_hex_or_a_debug_print() {
    let (spec, message) = (Spec::unionpay_pos(), full_of_secrets());
    let body = spec.encode(&message).unwrap();
    let (text, masked) = (dump::text(&spec, &body), dump::masked_hex(&spec, &body));
    assert_eq!(masked.len(), body.len() * 2);
    assert!(text.contains("  2 622202*********0128\n") && text.contains(" 11 000123\n"), "{text}");
    assert!(text.contains(" 59 A301813************6789\n") && text.contains(" 52 0x****************\n"), "{text}");
    assert!(
        masked.contains("19622202*********01280")
            && masked.contains("9F2608A1A2A3A4A5A6A7A85A0A********************5713**"),
        "{masked}"
    );
    for printed in [text, masked, format!("{message:?}")] {
        for secret in
            ["21234567890128", "1234567890", "30121010", "3012\n", "12345678", "9ABC", "34567890", "3334353637"]
        {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }
}

#[test]
fn cards_in_a_batch_upload_and_work_keys_are_masked_too() {
    let spec = Spec::unionpay_pos();
    let mut upload = Message::new(Mti::new(320).unwrap());
    upload.set_text(
        48,
        "02000001230622202123456789012800000000123400000124000041111111111111110000000005678"[..82].as_ref(),
    );
    let printed = dump::masked_hex(&spec, &spec.encode(&upload).unwrap());
    assert!(!printed.contains("62220212345") && !printed.contains("41111111111"), "{printed}");
    let printed = dump::text(&spec, &one_frame(SIGN_ON_ANSWER).body);
    assert!(printed.contains(&format!(" 62 0x{}\n", "*".repeat(80))) && printed.contains(" 39 00\n"), "{printed}");
}

#[test]
fn a_malformed_frame_is_printed_as_far_as_it_goes_and_the_rest_is_hidden() {
    let spec = Spec::unionpay_pos();
    let mut body = spec.encode(&full_of_secrets()).unwrap();
    body[20] = 0xAA;
    let (text, masked) = (dump::text(&spec, &body), dump::masked_hex(&spec, &body));
    assert!(text.starts_with("MTI 0200\nmalformed: field 2 at byte 20: nibble A"), "{text}");
    assert_eq!(masked, format!("0200{}", "*".repeat(body.len() * 2 - 4)));
    assert!(dump::text(&spec, &[0x02]).starts_with("malformed: message at byte 0"));
    assert_eq!(dump::masked_hex(&spec, &[]), "");
}

/// A content that the format allows.
fn content(format: FieldFormat) -> BoxedStrategy<Vec<u8>> {
    let max = format.max_units();
    let size = if matches!(format.length, Length::Fixed(_)) { max..=max } else { 0..=max };
    let unit = match format.content {
        Content::Digits => (b'0'..=b'9').boxed(),
        Content::Track => prop_oneof![9 => b'0'..=b'9', 1 => Just(b'=')].boxed(),
        Content::Text | Content::Binary => any::<u8>().boxed(),
    };
    proptest::collection::vec(unit, size).boxed()
}

fn any_message() -> impl Strategy<Value = Message> {
    let spec = Spec::unionpay_pos();
    let numbers: Vec<u8> = (2..=64).filter(|n| spec.format(*n).is_some()).collect();
    let chosen = proptest::sample::subsequence(numbers.clone(), 0..=numbers.len());
    (0u16..=9999, chosen).prop_flat_map(move |(mti, chosen)| {
        let contents: Vec<_> = chosen.iter().map(|n| content(spec.format(*n).unwrap())).collect();
        (Just(mti), Just(chosen), contents).prop_map(|(mti, chosen, contents)| {
            let mut message = Message::new(Mti::new(mti).unwrap());
            for (number, content) in chosen.into_iter().zip(contents) {
                message.set_bytes(number, &content);
            }
            message
        })
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_to_the_same(message in any_message()) {
        let spec = Spec::unionpay_pos();
        let body = spec.encode(&message).unwrap();
        prop_assert_eq!(spec.decode(&body).unwrap(), message);
        prop_assert_eq!(dump::masked_hex(&spec, &body).len(), body.len() * 2);
    }

    #[test]
    fn a_spoiled_message_never_panics_and_what_is_read_of_it_is_canonical(
        message in any_message(), at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in 0usize..40,
    ) {
        let spec = Spec::unionpay_pos();
        let mut body = spec.encode(&message).unwrap();
        let place = at.index(body.len());
        body[place] = byte;
        body.truncate(body.len().saturating_sub(cut));
        let _ = dump::text(&spec, &body);
        prop_assert_eq!(dump::masked_hex(&spec, &body).len(), body.len() * 2);
        if let Ok(message) = spec.decode(&body) {
            let again = spec.encode(&message).unwrap();
            prop_assert_eq!(spec.decode(&again).unwrap(), message);
            prop_assert_eq!(again.len(), body.len());
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let spec = Spec::unionpay_pos();
        let _ = spec.decode(&body);
        let _ = dump::text(&spec, &body);
        prop_assert_eq!(dump::masked_hex(&spec, &body).len(), body.len() * 2);
    }
}
