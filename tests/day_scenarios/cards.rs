//! The cards and codes that the stories speak of, by their words.

use tilld::core::acquirer::Instrument;
use tilld::core::domain::{Entry, Pan, PaymentCode, Track2};

/// The cards of the town.
pub fn instrument(word: &str) -> (Instrument, Entry) {
    let track = |text: &str| Instrument::Track2(Track2::new(text.into()));
    match word {
        // A home card with a stripe only.
        "stripe" => (track("6222021234567890128=301210100000123"), Entry::Magstripe),
        // Its service code says that there is a chip.
        "chip" => (track("6222021234567890128=301220100000123"), Entry::Magstripe),
        "inserted" => (track("6222021234567890128=301220100000123"), Entry::Chip),
        "foreign" => (track("4111111111111111=301210100000123"), Entry::Magstripe),
        "expired" => (track("6222021234567890128=260210100000123"), Entry::Magstripe),
        "spoiled" => (track("62220212345678901=2"), Entry::Magstripe),
        "keyed" => (
            Instrument::Card { pan: Pan::new("6222021234567890128".into()), expiry: Some("3012".into()) },
            Entry::Manual,
        ),
        "code" => (Instrument::Code(PaymentCode::new("134567890123456789".into())), Entry::Scan),
        "short" => (Instrument::Code(PaymentCode::new("1345".into())), Entry::Scan),
        other => panic!("there is no such card: {other}"),
    }
}
