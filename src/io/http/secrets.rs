//! Card data, codes and PINs out of JSON: straight into the types that wipe themselves.
//!
//! serde's own errors quote what they did not expect: a card number given without quotes would stand in the answer and in the log.
//! So whatever goes wrong in here is told by one fixed sentence.

use serde::de::{Deserialize, Deserializer, Error};

pub(super) use super::schema::PinText;
use crate::core::domain::{CashierId, PaymentCode, Pin, PinBlock};

/// A text; errors do not quote it.
fn quiet_text<'de, D: Deserializer<'de>>(deserializer: D, wanted: &str) -> Result<String, D::Error> {
    String::deserialize(deserializer).map_err(|_| D::Error::custom(wanted))
}

const PIN_WANTED: &str = "pin must be a text of 4 to 12 digits";

/// `"pin"`: 4 to 12 digits.
pub(super) fn pin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pin, D::Error> {
    checked_pin(quiet_text(deserializer, PIN_WANTED)?)
}

/// The same, where it may be left out.
pub(super) fn pin_if<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pin>, D::Error> {
    let text = Option::<String>::deserialize(deserializer).map_err(|_| D::Error::custom(PIN_WANTED))?;
    text.map(checked_pin).transpose()
}

fn checked_pin<E: Error>(text: String) -> Result<Pin, E> {
    let pin = Pin::new(text);
    let digits = pin.expose();
    if !(4..=12).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(E::custom(PIN_WANTED));
    }
    Ok(pin)
}

/// `"auth_code"`.
pub(super) fn auth_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PaymentCode>, D::Error> {
    Option::<String>::deserialize(deserializer)
        .map(|text| text.map(PaymentCode::new))
        .map_err(|_| D::Error::custom("auth_code must be a text"))
}

/// `"approval":{"manager","pin"}`
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// Who approves.
    pub manager: CashierId,
    /// Their PIN.
    #[serde(deserialize_with = "pin")]
    #[schema(value_type = PinText)]
    pub pin: Pin,
}

/// A card as the body carries it; what is missing or spoiled is judged by the caller.
#[derive(Debug, Default)]
pub(super) struct CardBody {
    pub track2: Option<zeroize::Zeroizing<String>>,
    pub pan: Option<zeroize::Zeroizing<String>>,
    pub expiry: Option<zeroize::Zeroizing<String>>,
    pub chip_data: Option<zeroize::Zeroizing<String>>,
    pub pin_block: Option<PinBlock>,
    pub entry: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCard {
    track2: Option<String>,
    pan: Option<String>,
    expiry: Option<String>,
    chip_data: Option<String>,
    pin_block: Option<String>,
    entry: Option<String>,
}

impl<'de> Deserialize<'de> for CardBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawCard::deserialize(deserializer).map_err(|_| {
            D::Error::custom(
                "card must be {\"track2\",\"chip_data\",\"pin_block\",\"entry\"} or {\"pan\",\"expiry\",\"entry\":\"manual\"}, each a text",
            )
        })?;
        let wiped = |text: Option<String>| text.map(zeroize::Zeroizing::new);
        Ok(CardBody {
            track2: wiped(raw.track2),
            pan: wiped(raw.pan),
            expiry: wiped(raw.expiry),
            chip_data: wiped(raw.chip_data),
            pin_block: raw.pin_block.map(PinBlock::new),
            entry: raw.entry,
        })
    }
}
