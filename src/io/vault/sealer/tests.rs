//! Seals of links, days and cards; what does not open.
#![allow(clippy::unwrap_used)]

use ring::signature::{ED25519, UnparsedPublicKey};

use super::*;

fn store() -> StoreId {
    StoreId::new("S001").unwrap()
}

fn message(key: &[u8]) -> Vec<u8> {
    [b"root and next key ".as_slice(), key].concat()
}

#[test]
fn a_day_is_signed_with_the_key_that_was_announced_for_it() {
    let mut vault = Vault::open(&DataKey::random().unwrap(), &store(), None).unwrap();
    let announced = vault.day_key();
    let first = vault.seal_day(&message).unwrap();
    vault.committed();
    let second = vault.seal_day(&message).unwrap();
    vault.committed();
    let check = |key: &[u8], s: &DaySignature| {
        UnparsedPublicKey::new(&ED25519, key).verify(&message(&s.next_key), &s.signature).is_ok()
    };
    assert!(check(&announced, &first) && check(&first.next_key, &second));
    assert!(!check(&announced, &second), "the first day's key signs one day");
    assert_eq!(vault.day_key(), second.next_key);
}

#[test]
fn the_next_days_first_row_is_sealed_with_the_next_days_key_and_a_failed_commit_takes_it_back() {
    let mut vault = Vault::open(&DataKey::random().unwrap(), &store(), None).unwrap();
    let (link, key, sealed) = ([7; 32], vault.day_key(), vault.sealed_keys());
    let old = vault.seal_link(&link);
    vault.seal_day(&message).unwrap();
    assert_ne!(vault.seal_link(&link), old);
    assert_ne!(vault.sealed_keys(), sealed);
    vault.rolled_back();
    assert_eq!((vault.seal_link(&link), vault.day_key(), vault.sealed_keys()), (old, key, sealed));
}

#[test]
fn two_cuts_in_one_transaction_fall_back_to_the_key_that_is_durable() {
    let mut vault = Vault::open(&DataKey::random().unwrap(), &store(), None).unwrap();
    let durable = vault.day_key();
    let first = vault.seal_day(&message).unwrap();
    let second = vault.seal_day(&message).unwrap();
    assert!(
        UnparsedPublicKey::new(&ED25519, &first.next_key).verify(&message(&second.next_key), &second.signature).is_ok()
    );
    vault.rolled_back();
    assert_eq!(vault.day_key(), durable);
}

#[test]
fn day_keys_live_across_a_restart_and_open_under_their_data_key_and_store_only() {
    let data_key = DataKey::random().unwrap();
    let mut vault = Vault::open(&data_key, &store(), None).unwrap();
    let kept = vault.sealed_keys();
    let mut again = Vault::open(&data_key, &store(), Some(&kept)).unwrap();
    assert_eq!(again.day_key(), vault.day_key());
    assert_eq!(again.seal_link(&[1; 32]), vault.seal_link(&[1; 32]));

    assert!(Vault::open(&DataKey::random().unwrap(), &store(), Some(&kept)).is_err());
    assert!(Vault::open(&data_key, &StoreId::new("S002").unwrap(), Some(&kept)).is_err());
    for at in 0..kept.len() {
        let mut spoiled = kept.clone();
        spoiled[at] ^= 1;
        assert!(Vault::open(&data_key, &store(), Some(&spoiled)).is_err(), "byte {at}");
    }
}

#[test]
fn a_card_opens_for_its_payment_only_and_not_when_a_bit_is_changed() {
    let mut vault = Vault::open(&DataKey::random().unwrap(), &store(), None).unwrap();
    let sealed = vault.seal_card(PaymentId(7), &card("6222021234567890128", "3012")).unwrap();
    let kept = vault.open_card(PaymentId(7), &sealed).unwrap();
    assert_eq!((kept.number.expose(), kept.expiry.as_str()), ("6222021234567890128", "3012"));
    assert!(kept.chip.is_none());

    assert!(vault.open_card(PaymentId(8), &sealed).is_err());
    for at in 0..sealed.len() {
        let mut spoiled = sealed.clone();
        spoiled[at] ^= 0x10;
        assert!(vault.open_card(PaymentId(7), &spoiled).is_err(), "byte {at}");
    }
    for short in 0..sealed.len() {
        assert!(vault.open_card(PaymentId(7), &sealed[..short]).is_err(), "{short} bytes");
    }
}

#[test]
fn sealed_cards_have_one_length_and_never_the_same_bytes() {
    let mut vault = Vault::open(&DataKey::random().unwrap(), &store(), None).unwrap();
    let one = vault.seal_card(PaymentId(7), &card("4111111111111111", "3012")).unwrap();
    let two = vault.seal_card(PaymentId(7), &card("4111111111111111", "3012")).unwrap();
    let code = vault.seal_card(PaymentId(8), &card("134567890123456789", "")).unwrap();
    assert_ne!(one, two);
    assert_eq!(one.len(), code.len());
    assert!(one.len() < KeptCard::WITH_CHIP);
    assert_eq!(vault.open_card(PaymentId(8), &code).unwrap().number.expose(), "134567890123456789");
    assert!(vault.seal_card(PaymentId(9), &card(&"9".repeat(80), "")).is_err());
}

#[test]
fn a_chip_is_sealed_with_its_objects_and_all_of_them_have_one_length() {
    let mut vault = Vault::open(&DataKey::random().unwrap(), &store(), None).unwrap();
    let chip = |n: usize| Some(("001".to_owned(), ChipData::new(vec![0x9F; n])));
    let short = vault.seal_card(PaymentId(7), &KeptCard { chip: chip(1), ..card("4111111111111111", "3012") }).unwrap();
    let long =
        vault.seal_card(PaymentId(7), &KeptCard { chip: chip(255), ..card("4111111111111111", "3012") }).unwrap();
    assert_eq!(short.len(), long.len());
    assert!(short.len() >= KeptCard::WITH_CHIP);
    let (sequence, data) = vault.open_card(PaymentId(7), &long).unwrap().chip.unwrap();
    assert_eq!((sequence.as_str(), data.expose()), ("001", &[0x9F; 255][..]));
}

fn card(number: &str, expiry: &str) -> KeptCard {
    KeptCard { number: Pan::new(number.into()), expiry: Zeroizing::new(expiry.into()), chip: None }
}
