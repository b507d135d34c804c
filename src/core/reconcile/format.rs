//! A statement's format as data: how lines are cut, which column is what, and what its words mean. Knows no rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::core::domain::{Method, Sentence, read_data};
use crate::core::gb18030;

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// 消费: money to the store.
    Sale,
    /// 撤销: money back, within the batch.
    Void,
    /// 退货: money back.
    Refund,
}

impl RowKind {
    /// The word of the contracts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RowKind::Sale => "sale",
            RowKind::Void => "void",
            RowKind::Refund => "refund",
        }
    }

    /// An amount with the sign that it has in the store's net.
    #[must_use]
    pub fn signed(self, amount: i64) -> i128 {
        match self {
            RowKind::Sale => i128::from(amount),
            RowKind::Void | RowKind::Refund => -i128::from(amount),
        }
    }
}

/// What became of it, as the other side says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Money moved.
    Approved,
    /// It was undone: no money moved.
    Reversed,
    /// Refused: no money moved.
    Declined,
    /// Accepted, not yet paid.
    Pending,
}

impl RowState {
    /// The word of the contracts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RowState::Approved => "approved",
            RowState::Reversed => "reversed",
            RowState::Declined => "declined",
            RowState::Pending => "pending",
        }
    }
}

/// A text's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB18030, of which GBK is a part.
    #[serde(rename = "gb18030")]
    Gb18030,
}

impl Encoding {
    /// The text of some bytes; what does not decode becomes U+FFFD.
    #[must_use]
    pub fn text(self, bytes: &[u8]) -> std::borrow::Cow<'_, str> {
        match self {
            Encoding::Utf8 => String::from_utf8_lossy(bytes),
            Encoding::Gb18030 => gb18030::text(bytes).into(),
        }
    }
}

/// In what amounts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Whole minor units (fen).
    Minor,
    /// Major units with at most two decimals (yuan).
    Major,
}

/// What a minus before an amount means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signs {
    /// It is an error.
    #[default]
    None,
    /// Voids and refunds may have one.
    ByKind,
}

/// How a date is written; everything but its digits is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// Month and day: the latest such day that is not in the future.
    Mmdd,
    /// Year, month, day, at the front.
    Yyyymmdd,
}

/// How a line is cut.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case", deny_unknown_fields)]
pub enum Lines {
    /// Values between separators, behind a line that names the columns.
    Separated {
        /// Between two values.
        separator: String,
        /// Between two names of the first line, where that differs.
        header_separator: Option<String>,
        /// Values may stand in double quotes.
        #[serde(default)]
        quote: bool,
        /// Characters to take from both ends of a value.
        #[serde(default)]
        strip: String,
        /// A line that begins so says nothing.
        comment: Option<String>,
        /// A line that begins so ends the rows.
        end: Option<String>,
    },
    /// Fields of fixed widths, in bytes.
    Fixed {
        /// Bytes between two fields.
        gap: usize,
        /// Characters to take from both ends of a value.
        #[serde(default)]
        strip: String,
        /// Bytes that may follow the last field.
        tail: usize,
        /// Names and widths, in order.
        fields: Vec<(String, usize)>,
    },
}

/// What a column may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The terminal's number at the acquirer (TID).
    Terminal,
    /// The batch.
    Batch,
    /// The STAN.
    Stan,
    /// Field 37.
    Rrn,
    /// The merchant's order id: our request id.
    Order,
    /// What it does.
    Kind,
    /// How much.
    Amount,
    /// What became of it.
    State,
    /// The day of the settlement (F15).
    Day,
    /// The day on which it was made.
    Made,
    /// What the other side keeps of it.
    Fee,
}

/// A format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Its name: what `--format` takes.
    pub name: String,
    /// Its name for people.
    pub title: Sentence,
    /// Where its layout is published.
    pub sources: Vec<String>,
    /// Its encoding.
    pub encoding: Encoding,
    /// In what amounts are written.
    pub amount: Unit,
    /// What a minus means.
    #[serde(default)]
    pub signs: Signs,
    /// How dates are written.
    pub date: DateForm,
    /// Which of our payments it should have.
    pub methods: Vec<Method>,
    /// Only those whose card or code begins so; empty: all.
    #[serde(default)]
    pub payers: Vec<String>,
    /// How its lines are cut.
    pub lines: Lines,
    /// Its columns; each must be there.
    pub columns: BTreeMap<Field, String>,
    /// Other columns for rows of a kind.
    #[serde(default)]
    pub columns_of: BTreeMap<RowKind, BTreeMap<Field, String>>,
    /// Columns that are used where they are there.
    #[serde(default)]
    pub extras: BTreeMap<Field, String>,
    /// What its words for kinds mean.
    pub kinds: BTreeMap<String, RowKind>,
    /// What its words for states mean. A row without a state is approved.
    pub states: BTreeMap<String, RowState>,
}

/// A format's text is wrong.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum FormatError {
    /// It does not read.
    #[error("the format does not read: {0}")]
    Toml(String),
    /// It says too little or too much.
    #[error("the format {0}: {1}")]
    Wrong(String, String),
}

/// The formats that tilld ships.
const SHIPPED: &[&str] = &[
    include_str!("formats/tilld-acquirer.toml"),
    include_str!("formats/wechat-pay.toml"),
    include_str!("formats/alipay.toml"),
    include_str!("formats/unionpay-zm.toml"),
];

/// Every shipped format.
pub fn formats() -> Result<Vec<Format>, FormatError> {
    SHIPPED.iter().map(|text| Format::parse(text)).collect()
}

impl Format {
    /// Reads a format and checks that it can tell payments apart.
    pub fn parse(text: &str) -> Result<Format, FormatError> {
        let format: Format = read_data(text).map_err(|e| FormatError::Toml(e.to_string()))?;
        let wrong = |what: &str| Err(FormatError::Wrong(format.name.clone(), what.to_owned()));
        for needed in [Field::Kind, Field::Amount] {
            if !format.columns.contains_key(&needed) {
                return wrong("it needs columns for kind and amount");
            }
        }
        let has = |field| format.columns.contains_key(&field);
        if !(has(Field::Rrn) || has(Field::Order) || has(Field::Terminal) && has(Field::Batch) && has(Field::Stan)) {
            return wrong("it needs a column that finds a payment: rrn, order, or terminal, batch and stan");
        }
        if format.columns.contains_key(&Field::State) && format.states.is_empty() {
            return wrong("it has a column for the state and no words for it");
        }
        match &format.lines {
            Lines::Separated { separator, .. } if separator.is_empty() => return wrong("its separator is empty"),
            Lines::Fixed { fields, .. } => {
                let named = |name: &String| fields.iter().any(|(field, _)| field == name);
                if !format.columns.values().chain(format.extras.values()).all(named) {
                    return wrong("a column names no field");
                }
            }
            Lines::Separated { .. } => {}
        }
        Ok(format)
    }

    /// Whether the rows name orders, so that our side needs an index of them.
    #[must_use]
    pub fn has_orders(&self) -> bool {
        self.columns.contains_key(&Field::Order)
    }

    /// Whether its lines are fields of fixed widths, without a header.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        matches!(self.lines, Lines::Fixed { .. })
    }

    /// Whether a payment by this method, with this truncated card or code, should be in such a statement.
    #[must_use]
    pub fn expects(&self, method: Method, masked: Option<&str>) -> bool {
        self.methods.contains(&method)
            && (self.payers.is_empty() || masked.is_some_and(|m| self.payers.iter().any(|p| m.starts_with(p.as_str()))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_shipped_formats_read_and_have_names_of_their_own() {
        let formats = formats().unwrap();
        let names: std::collections::BTreeSet<_> = formats.iter().map(|f| f.name.clone()).collect();
        assert_eq!(names.len(), SHIPPED.len());
        assert!(formats.iter().all(|f| !f.sources.is_empty() && !f.title.zh.is_empty()));
    }

    #[test]
    fn a_format_that_cannot_find_a_payment_is_refused() {
        let text = SHIPPED[0].replace("rrn = \"rrn\"\n", "").replace("stan = \"stan\"\n", "");
        assert!(matches!(Format::parse(&text), Err(FormatError::Wrong(..))));
        assert!(matches!(Format::parse(&SHIPPED[0].replace("quote", "quotes")), Err(FormatError::Toml(_))));
    }

    #[test]
    fn a_bill_of_one_channel_expects_only_that_channels_payments() {
        let formats = formats().unwrap();
        let wechat = formats.iter().find(|f| f.name == "wechat-pay").unwrap();
        assert!(wechat.expects(Method::Qr, Some("134567****6789")));
        assert!(!wechat.expects(Method::Qr, Some("284567****6789")));
        assert!(!wechat.expects(Method::Card, Some("134567****6789")));
        assert!(formats[0].expects(Method::Card, None));
    }
}
