//! What a chip says in field 55, checked before it is believed (EMV Book 3; the objects that UnionPay asks for).
//!
//! Reads untrusted bytes of a card. Knows no payment; card number and stripe are taken out here and travel in fields of their own (law 7).

use thiserror::Error;

use super::ChipCard;
use super::iso8583::bcd::hex;
use super::iso8583::tlv::{self, TlvError};
use crate::core::domain::{ChipData, Pan, Track2};

/// Field 55 holds so many bytes.
const LONGEST: usize = 255;
/// Objects without which no issuer can check the cryptogram, and their lengths: 9F26 cryptogram, 9F27 its kind, 9F10 issuer data, 9F37 random
/// number, 9F36 counter, 95 terminal verification, 9A date, 9C type, 9F02 amount, 5F2A currency, 82 interchange profile, 9F1A country.
const NEEDED: &[(u32, std::ops::RangeInclusive<usize>)] = &[
    (0x9F26, 8..=8),
    (0x9F27, 1..=1),
    (0x9F10, 1..=32),
    (0x9F37, 4..=4),
    (0x9F36, 2..=2),
    (0x95, 5..=5),
    (0x9A, 3..=3),
    (0x9C, 1..=1),
    (0x9F02, 6..=6),
    (0x5F2A, 2..=2),
    (0x82, 2..=2),
    (0x9F1A, 2..=2),
];

/// What is wrong with a chip's data.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ChipFault {
    /// They are no data objects.
    #[error("{0}")]
    Form(#[from] TlvError),
    /// An object that must be there is not.
    #[error("tag {0:X} is missing")]
    Missing(u32),
    /// An object is not as long as it must be.
    #[error("tag {0:X} has {1} bytes")]
    Length(u32, usize),
    /// An object stands there twice: which one counts, nobody knows.
    #[error("tag {0:X} stands there twice")]
    Twice(u32),
    /// An object that holds others.
    #[error("tag {0:X} holds others: field 55 is flat")]
    Constructed(u32),
    /// More than field 55 can hold.
    #[error("{0} bytes: field 55 holds 255")]
    TooLong(usize),
    /// Neither the data nor anything beside them names the card.
    #[error("it names no card: neither tag 57 nor 5A, and no track2")]
    NoCard,
}

/// A chip's objects as its reader gave them, and the stripe's image where that came apart from them.
pub fn read(bytes: &[u8], track2: Option<Track2>) -> Result<ChipCard, ChipFault> {
    let items = tlv::read(bytes)?;
    for (n, item) in items.iter().enumerate() {
        if tlv::constructed(item.tag) {
            return Err(ChipFault::Constructed(item.tag));
        }
        if items[..n].iter().any(|other| other.tag == item.tag) {
            return Err(ChipFault::Twice(item.tag));
        }
    }
    let find = |tag| items.iter().find(|item| item.tag == tag).map(|item| &bytes[item.span.clone()]);
    for (tag, lengths) in NEEDED {
        let value = find(*tag).ok_or(ChipFault::Missing(*tag))?;
        if !lengths.contains(&value.len()) {
            return Err(ChipFault::Length(*tag, value.len()));
        }
    }
    let stripe = track2.or_else(|| find(0x57).map(|image| Track2::new(digits(image))));
    let named = find(0x5A).map(|number| Pan::new(digits(number)));
    let pan = named.or_else(|| stripe.as_ref().and_then(Track2::pan)).ok_or(ChipFault::NoCard)?;
    let expiry = find(0x5F24).map(|date| hex(date).chars().take(4).collect());
    let expiry = expiry.or_else(|| stripe.as_ref().and_then(Track2::expiry).map(str::to_owned));
    let sequence = find(0x5F34).map(|number| format!("{:0>3}", hex(number)));
    let mut data = Vec::with_capacity(bytes.len());
    for item in items.iter().filter(|item| !tlv::CARD_TAGS.contains(&item.tag)) {
        // what was read is written alike
        let _ = tlv::write(&mut data, item.tag, &bytes[item.span.clone()]);
    }
    if data.len() > LONGEST {
        return Err(ChipFault::TooLong(data.len()));
    }
    Ok(ChipCard { pan, expiry, sequence, track2: stripe, data: ChipData::new(data) })
}

/// The card approved by itself: the cryptogram's kind says TC.
#[must_use]
pub fn approved_offline(data: &ChipData) -> bool {
    object(data, 0x9F27).is_some_and(|kind| kind.first().is_some_and(|kind| kind & 0xC0 == 0x40))
}

/// The amount that the cryptogram is over, minor units.
#[must_use]
pub fn amount(data: &ChipData) -> Option<i64> {
    hex(&object(data, 0x9F02)?).parse().ok()
}

fn object(data: &ChipData, tag: u32) -> Option<Vec<u8>> {
    let bytes = data.expose();
    let item = tlv::read(bytes).ok()?.into_iter().find(|item| item.tag == tag)?;
    Some(bytes[item.span].to_vec())
}

/// Digits of a compressed number, filled with F at its end; D stands between number and expiry of a stripe.
fn digits(bytes: &[u8]) -> String {
    hex(bytes).trim_end_matches('F').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::iso8583::bcd::unhex;
    use super::*;
    use proptest::prelude::*;

    const OBJECTS: &str = "9F26081122334455667788 9F270180 9F10080706A203A0000000 9F370401020304 9F36020042 9505000004E000 9A03261120 9C0100 9F0206000000012345 5F2A020156 82027C00 9F1A020156";
    const NUMBER: &str = "5A0A6222021234567890128F 5F2403301231 5F340101 571362220212345678901 28D30122010000012300F";

    fn bytes(text: &str) -> Vec<u8> {
        unhex(&text.replace(' ', "")).unwrap()
    }

    #[test]
    fn a_card_is_named_and_its_number_does_not_stay_in_the_objects() {
        let card = read(&bytes(&format!("{NUMBER}{OBJECTS}")), None).unwrap();
        assert_eq!(card.pan.expose(), "6222021234567890128");
        assert_eq!((card.expiry.as_deref(), card.sequence.as_deref()), (Some("3012"), Some("001")));
        assert_eq!(card.track2.as_ref().and_then(Track2::service_code), Some("201"));
        let left: Vec<u32> = tlv::read(card.data.expose()).unwrap().iter().map(|item| item.tag).collect();
        assert!(left.iter().all(|tag| !tlv::CARD_TAGS.contains(tag)) && left.contains(&0x5F34), "{left:X?}");
        assert_eq!((amount(&card.data), approved_offline(&card.data)), (Some(12_345), false));
        let alone = bytes(&OBJECTS.replace("9F270180", "9F270140"));
        assert!(approved_offline(&read(&alone, Some(Track2::new("6222021234567890128=3012201".into()))).unwrap().data));
    }

    #[test]
    fn what_an_issuer_could_not_check_is_refused_with_its_tag() {
        let fault = |text: &str| read(&bytes(text), None).unwrap_err();
        for (tag, _) in NEEDED {
            let all = bytes(&format!("{NUMBER}{OBJECTS}"));
            let mut short = Vec::new();
            for item in tlv::read(&all).unwrap().into_iter().filter(|item| item.tag != *tag) {
                tlv::write(&mut short, item.tag, &all[item.span]).unwrap();
            }
            assert_eq!(read(&short, None).unwrap_err(), ChipFault::Missing(*tag));
        }
        assert_eq!(fault(&OBJECTS.replace("9C0100", "9C020000")), ChipFault::Length(0x9C, 2));
        assert_eq!(fault(&format!("{OBJECTS}9C0100")), ChipFault::Twice(0x9C));
        assert_eq!(fault(&format!("7700{OBJECTS}")), ChipFault::Constructed(0x77));
        assert_eq!(fault(OBJECTS), ChipFault::NoCard);
        assert!(matches!(fault("9F26"), ChipFault::Form(_)));
        let long = format!("{NUMBER}{OBJECTS}9F7C81C8{}", "00".repeat(200));
        assert!(matches!(fault(&long), ChipFault::TooLong(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(card) = read(&bytes, None) {
                prop_assert!(card.data.expose().len() <= LONGEST);
            }
        }
    }
}
