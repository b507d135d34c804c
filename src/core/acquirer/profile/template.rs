//! The values of fields as a profile writes them: text with `{names}`, and `name? text` for a field that is left out where there is no such value.

use serde::Deserialize;

macro_rules! values {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What a template may name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Value { $($(#[$doc])* $variant),+ }

        impl Value {
            /// Every name.
            pub const ALL: &'static [Value] = &[$(Value::$variant),+];

            /// The name as templates write it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Value::$variant => $text),+ }
            }
        }
    };
}

values!(
    /// Field 4, 12 digits.
    Amount = "amount",
    /// Field 11, 6 digits.
    Stan = "stan",
    /// Field 60.2, 6 digits.
    Batch = "batch",
    /// Field 22, 3 digits.
    Entry = "entry",
    /// The terminal's name at the acquirer, 8 characters.
    Tid = "tid",
    /// The merchant's name at the acquirer, 15 characters.
    Mid = "mid",
    /// ISO 4217 number, 3 digits.
    Currency = "currency",
    /// Card number, where the message goes out from number and expiry.
    Pan = "pan",
    /// YYMM, where it is known.
    Expiry = "expiry",
    /// The whole stripe, where it is there.
    Track2 = "track2",
    /// The chip's sequence number, 3 digits, where it gave one.
    CardSequence = "card_sequence",
    /// The chip's data objects (field 55), where there are any.
    Chip = "chip",
    /// The enciphered PIN block, 8 bytes, where there is one.
    Pin = "pin",
    /// A scanned payment code.
    Code = "code",
    /// Its length, 3 digits.
    CodeLength = "code_length",
    /// Field 38 of the message's own.
    ApprovalCode = "approval_code",
    /// 00 with an approval code of its own, 02 (small amount) without.
    OfflineMode = "offline_mode",
    /// The original's batch, 6 digits.
    OriginalBatch = "original_batch",
    /// The original's STAN, 6 digits.
    OriginalStan = "original_stan",
    /// The original's date at the host, MMDD.
    OriginalDate = "original_date",
    /// The original's field 37.
    OriginalRrn = "original_rrn",
    /// The original's field 38.
    OriginalApproval = "original_approval",
    /// Card organisation of the original, else the profile's default.
    Organisation = "organisation",
    /// The network's number (NII), three digits: the destination in the TPDU.
    Nii = "nii",
    /// The type of a record's own message, 4 digits.
    Mti = "mti",
    /// Field 39 of a reversal.
    Reason = "reason",
    /// The terminal's serial number.
    Serial = "serial",
    /// Its length, 2 digits.
    SerialLength = "serial_length",
    /// The operator, 3 characters.
    Operator = "operator",
    /// 60.3 of the sign-on, by the master key's length.
    KeyForm = "key_form",
    /// 12 digits.
    DomesticDebit = "domestic_debit",
    /// 3 digits.
    DomesticDebitCount = "domestic_debit_count",
    /// 12 digits.
    DomesticCredit = "domestic_credit",
    /// 3 digits.
    DomesticCreditCount = "domestic_credit_count",
    /// 12 digits.
    ForeignDebit = "foreign_debit",
    /// 3 digits.
    ForeignDebitCount = "foreign_debit_count",
    /// 12 digits.
    ForeignCredit = "foreign_credit",
    /// 3 digits.
    ForeignCreditCount = "foreign_credit_count",
    /// Both halves, 12 digits.
    Debit = "debit",
    /// Both halves, 3 digits.
    DebitCount = "debit_count",
    /// Both halves, 12 digits.
    Credit = "credit",
    /// Both halves, 3 digits.
    CreditCount = "credit_count",
    /// Two digits of count, then type 2, STAN 6, PAN 20 and amount 12 for each row.
    Rows = "rows",
    /// Records uploaded, 4 digits.
    Records = "records",
);

/// A field's value, to be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    only_with: Option<Value>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Value),
}

impl Template {
    /// The field's content; `None` where it is to be left out. The error names the value that is missing.
    pub fn fill(&self, value: impl Fn(Value) -> Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Value> {
        if self.only_with.is_some_and(|condition| value(condition).is_none()) {
            return Ok(None);
        }
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(name) => out.extend_from_slice(&value(*name).ok_or(*name)?),
            }
        }
        Ok(Some(out))
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Template, String> {
        let known = |name: &str| {
            let found = Value::ALL.iter().copied().find(|value| value.as_str() == name);
            found.ok_or_else(|| format!("{text:?} names {name:?}, which is no value"))
        };
        let (only_with, mut rest) = match text.split_once("? ") {
            Some((name, rest)) => (Some(known(name)?), rest),
            None => (None, text.as_str()),
        };
        let mut parts = Vec::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) =
                after.split_once('}').ok_or_else(|| format!("{text:?} opens a {{ that nothing closes"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(known(name)?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.is_empty() || rest.contains('}') {
            return Err(format!("{text:?} is no value of a field"));
        }
        Ok(Template { only_with, parts })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn template(text: &str) -> Template {
        Template::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn values_stand_in_their_places_or_are_named_as_missing() {
        let value = |name| (name == Value::Batch).then(|| b"000007".to_vec());
        assert_eq!(template("22{batch}000").fill(value), Ok(Some(b"22000007000".to_vec())));
        assert_eq!(template("{stan}").fill(value), Err(Value::Stan));
        assert_eq!(template("stan? {stan}").fill(value), Ok(None));
        assert_eq!(template("batch? 12").fill(value), Ok(Some(b"12".to_vec())));
    }

    #[test]
    fn a_slip_in_a_template_is_refused() {
        for bad in ["", "{stam}", "{stan", "stan}", "pen? 12", "stan? "] {
            assert!(Template::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
