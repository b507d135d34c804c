//! How the words look in the API's description: an OpenAPI schema for each type of the domain that stands in a view or a body.
//!
//! Beside the views, because a view cannot be described without them. Knows no route.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::core::domain::{
    BusinessDate, CardKind, CashierId, CouponHow, Currency, Denomination, Funder, Kind, Lang, Method, Minor, PaymentId,
    PrinterId, RequestId, Role, RouteWhy, Sentence, State, TerminalId, TransferStep,
};
use crate::core::journal::{Attribution, CaseHow, Column, Columns, ExceptionKind, Resolution, Tally};
use crate::core::reconcile::{Class, Direction, Reason, RowKind, RowState};
use crate::core::suspense::CaseState;

macro_rules! described {
    ($name:ident, $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($schema.build()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }

            fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
        }
    };
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>, what: &str) -> ObjectBuilder {
    text().enum_values(Some(words)).description(Some(what))
}

fn id(longest: usize, example: &str, what: &str) -> ObjectBuilder {
    let text = text().min_length(Some(1)).max_length(Some(longest)).pattern(Some("^[!-~]+$"));
    text.examples([example]).description(Some(what))
}

described!(Method, words(Method::ALL.iter().map(|w| w.as_str()), "what a customer pays with"));
described!(Kind, words(Kind::ALL.iter().map(|w| w.as_str()), "what a payment does"));
described!(State, words(State::ALL.iter().map(|w| w.as_str()), "where a payment stands"));
described!(CardKind, words(CardKind::ALL.iter().map(|w| w.as_str()), "what a card is, as far as is known"));
described!(Funder, words(Funder::ALL.iter().map(|w| w.as_str()), "who bears a coupon"));
described!(CouponHow, words(CouponHow::ALL.iter().map(|w| w.as_str()), "how a coupon was redeemed"));
described!(RouteWhy, words(RouteWhy::ALL.iter().map(|w| w.as_str()), "why the channel refused a refund"));
described!(TransferStep, words(TransferStep::ALL.iter().map(|w| w.as_str()), "where a transfer order stands"));
described!(Role, words(Role::ALL.iter().map(|w| w.as_str()), "who somebody is to the till"));
described!(Lang, words(Lang::ALL.iter().map(|w| w.as_str()), "the language of what is shown or printed"));
described!(Class, words(Class::ALL.iter().map(|w| w.as_str()), "which way the books differ"));
described!(Reason, words(Reason::ALL.iter().map(|w| w.as_str()), "why something is a difference"));
described!(CaseHow, words(CaseHow::ALL.iter().map(|w| w.as_str()), "how a case is resolved"));
described!(CaseState, words(CaseState::ALL.iter().map(|w| w.as_str()), "where a case stands"));
described!(Direction, words(["theirs_more", "ours_more", "even"], "whose books have more"));
described!(Attribution, words(["payment", "neighbour", "none"], "how sure it is who answers for it"));
described!(RowKind, words(["sale", "void", "refund"], "what a statement's row does"));
described!(
    RowState,
    words(["approved", "reversed", "declined", "pending"], "what became of it, as the statement says")
);
described!(RequestId, id(64, "order-4711", "the client's own id of a request; one id makes at most one payment"));
described!(TerminalId, id(16, "POS1", "a device as the store names it"));
described!(CashierId, id(16, "1001", "a person's id"));
described!(PrinterId, id(16, "front", "a printer's id"));
described!(
    PaymentId,
    text().pattern(Some("^P[0-9]{8,19}$")).examples(["P00000042"]).description(Some("a payment's id"))
);
described!(Currency, text().pattern(Some("^[A-Z]{3}$")).examples(["CNY"]).description(Some("ISO 4217 letters")));
described!(
    BusinessDate,
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).description(Some("a business day"))
);
described!(
    Minor,
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some("minor units: 12.34 is 1234"))
);
described!(
    Sentence,
    ObjectBuilder::new()
        .property("zh", text())
        .property("en", text())
        .required("zh")
        .required("en")
        .description(Some("the same in Chinese and English"))
);
described!(Column, words(["sale", "refund", "void", "voucher"], "a column of the day's totals"));
described!(
    ExceptionKind,
    words(
        [
            "reversal_failed",
            "unknown_payment",
            "offline_rejected",
            "offline_aside",
            "unbalanced",
            "batch_disagrees",
            "clock_disagrees",
            "drawer_difference",
            "transfer_unknown",
            "return_overdue",
            "record_skipped",
            "settlement_refused",
        ],
        "what a named person must decide",
    )
);
described!(
    Resolution,
    words(
        [
            Resolution::Noted,
            Resolution::ConfirmedApproved,
            Resolution::ConfirmedDeclined,
            Resolution::Retry,
            Resolution::WrittenOff,
        ]
        .map(Resolution::as_str),
        "how it was decided",
    )
);
described!(
    Denomination,
    ObjectBuilder::new()
        .property("value", ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)))
        .property("count", ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(u32::MAX)))
        .required("value")
        .required("count")
        .description(Some("so many notes or coins of one value in minor units"))
);
described!(
    Tally,
    ObjectBuilder::new()
        .property("count", ObjectBuilder::new().schema_type(Type::Integer))
        .property("amount", ObjectBuilder::new().schema_type(Type::Integer))
        .required("count")
        .required("amount")
        .description(Some("how many, and how much in minor units"))
);

impl PartialSchema for Columns {
    fn schema() -> RefOr<Schema> {
        let columns = ["sale", "refund", "void", "vouchers"];
        let object = columns.iter().fold(ObjectBuilder::new(), |object, name| {
            object.property(*name, Ref::from_schema_name("Tally")).required(*name)
        });
        RefOr::T(Schema::Object(object.description(Some("the day's four columns")).build()))
    }
}

impl ToSchema for Columns {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Columns")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Tally".to_owned(), Tally::schema()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn listed<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        schema["enum"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_listed_word_is_one_that_the_type_reads() {
        let quoted = |word: &String| format!("\"{word}\"");
        for word in listed::<ExceptionKind>() {
            assert!(serde_json::from_str::<ExceptionKind>(&quoted(&word)).is_ok(), "{word}");
        }
        for word in listed::<Resolution>() {
            assert!(serde_json::from_str::<Resolution>(&quoted(&word)).is_ok(), "{word}");
        }
        for word in listed::<Column>() {
            assert!(serde_json::from_str::<Column>(&quoted(&word)).is_ok(), "{word}");
        }
    }
}
