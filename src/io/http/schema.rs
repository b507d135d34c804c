//! Shapes for the API's description where the type that reads a body is not the shape that a client writes: secrets, and bodies that are
//! one of several forms. Nothing here is ever read from a request.
#![allow(dead_code, reason = "these types are read by the description alone")]

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::pay_body::Foreign;
use crate::core::domain::{BusinessDate, Minor, PaymentId};
use crate::core::ports::StatusView;

macro_rules! text_shape {
    ($name:ident, $pattern:literal, $what:literal) => {
        #[doc = $what]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some($pattern));
                RefOr::T(Schema::Object(text.description(Some($what)).build()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

text_shape!(PinText, "^[0-9]{4,12}$", "a person's PIN");
text_shape!(CodeText, "^[0-9]{10,32}$", "a scanned payment code");

/// A card as the reader or a rig gives it: either `track2`, or `pan` and `expiry` with entry `manual`.
#[derive(ToSchema)]
#[schema(as = Card)]
#[serde(deny_unknown_fields)]
pub(super) struct CardShape {
    /// What stands between the sentinels of track 2.
    #[schema(max_length = 39)]
    track2: Option<String>,
    /// Keyed by hand.
    #[schema(pattern = "^[0-9]{12,19}$")]
    pan: Option<String>,
    /// `YYMM`.
    #[schema(pattern = "^[0-9]{4}$")]
    expiry: Option<String>,
    /// What a chip gave for field 55: data objects (BER-TLV) as hex, entry chip or contactless.
    #[schema(pattern = "^([0-9A-Fa-f]{2})+$", max_length = 1024)]
    chip_data: Option<String>,
    /// The cardholder's PIN, enciphered.
    #[schema(pattern = "^[0-9A-Fa-f]{16}$")]
    pin_block: Option<String>,
    /// How it was read.
    entry: Option<EntryShape>,
}

#[derive(ToSchema)]
#[schema(as = Entry)]
#[serde(rename_all = "snake_case")]
enum EntryShape {
    Magstripe,
    Chip,
    Contactless,
    Manual,
}

/// A payment's id, or what identifies a sale from before this journal.
#[derive(ToSchema)]
#[schema(as = Original)]
#[serde(untagged)]
pub(super) enum OriginalShape {
    /// `P00000042`
    Payment(PaymentId),
    /// Needs a manager's approval.
    Foreign(Foreign),
}

/// What is to be printed again.
#[derive(ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum PrintBody {
    /// A payment's receipt.
    Receipt {
        /// Which.
        payment: PaymentId,
    },
    /// A closed day's Z report.
    DayReport {
        /// Which day.
        date: BusinessDate,
    },
    /// The open day's X report.
    XReport,
    /// A settled batch's slip.
    BatchSlip {
        /// Which terminal.
        terminal: String,
        /// Which batch.
        batch: u32,
    },
    /// A closed shift's slip.
    ShiftSlip {
        /// Which.
        shift: u32,
    },
}

/// The status; without a token, health and version alone.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Health {
    /// For those who may know.
    Whole(Box<StatusView>),
    /// For strangers.
    Short(ShortHealth),
}

/// What a stranger sees.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShortHealth {
    /// `ok`, `verifying` (sales go on), `damaged`, `storage_failed`, `storage_full` (they do not).
    health: String,
    /// The daemon's version.
    version: String,
}

impl PartialSchema for super::pay_body::Amount {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        let number = number.minimum(Some(0)).maximum(Some(Minor::MAX_ISO.0));
        RefOr::T(Schema::Object(number.description(Some("minor units: 12.34 is 1234")).build()))
    }
}

impl ToSchema for super::pay_body::Amount {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }
}
