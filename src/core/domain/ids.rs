//! Ids: each a type of its own, so that a terminal is never passed where a cashier is meant.

use serde::{Deserialize, Serialize};

use super::text::read_text;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_text(deserializer, Self::new)
            }
        }

        impl $name {
            /// Checks length (1 to the type's bound, in bytes) and alphabet (printable ASCII without spaces).
            pub fn new(text: &str) -> Result<Self, String> {
                if text.is_empty() || text.len() > $max || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(format!(
                        "{} must be 1 to {} printable ASCII characters without spaces",
                        stringify!($name), $max
                    ));
                }
                Ok(Self(text.into()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_id!(
    /// The client's own id of a request; one id makes at most one payment.
    RequestId, 64
);
text_id!(
    /// A store 门店.
    StoreId, 32
);
text_id!(
    /// A device 终端 as the store names it (`POS1`).
    TerminalId, 16
);
text_id!(
    /// A device as the acquirer names it (field 41, 8 characters).
    Tid, 8
);
text_id!(
    /// The merchant as the acquirer names it (field 42, 15 characters).
    Mid, 15
);
text_id!(
    /// A cashier 收银员, manager or technician.
    CashierId, 16
);
text_id!(
    /// A receipt printer as the store names it.
    PrinterId, 16
);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

number_id!(
    /// A journal row's sequence number; the first is 1 and there are no gaps.
    Seq, u64
);
number_id!(
    /// A shift 班次, numbered through the store's life.
    ShiftNo, u32
);
number_id!(
    /// A Z report's number; it never resets.
    ZNumber, u32
);
number_id!(
    /// An exception (something a named person must decide).
    ExceptionNo, u32
);
number_id!(
    /// A case in suspense 挂账: a difference between the books, until a named person has resolved it.
    CaseNo, u32
);
number_id!(
    /// A statement of the other side that was judged.
    StatementNo, u32
);

impl std::fmt::Display for CaseNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for StatementNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A payment: the sequence number of the row that first journaled it. `P` and eight digits or more as text, the number in binary formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentId(pub u64);

impl PaymentId {
    /// Reads `P00000042`. A number that no row can have (the database counts to `i64::MAX`) is none: were it let in, the database could not be
    /// asked for it, which reads as damage.
    #[must_use]
    pub fn parse(text: &str) -> Option<PaymentId> {
        let digits = text.strip_prefix('P')?;
        if digits.len() < 8 || digits.len() > 19 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|n| (1..=i64::MAX.unsigned_abs()).contains(n)).map(PaymentId)
    }
}

impl std::fmt::Display for PaymentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("P{:08}", self.0))
    }
}

impl Serialize for PaymentId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for PaymentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(PaymentId);
        }
        let text = String::deserialize(deserializer)?;
        PaymentId::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no payment id: they look like P00000042")))
    }
}

/// A six-digit batch number 批次 (1 to 999,999; after the last comes the first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchNo(pub u32);

/// A six-digit system trace audit number 流水号 (1 to 999,999; after the last comes the first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stan(pub u32);

impl BatchNo {
    /// The batch that follows.
    #[must_use]
    pub fn next(self) -> BatchNo {
        BatchNo(wrap_six_digits(self.0))
    }
}

impl Stan {
    /// The number that follows.
    #[must_use]
    pub fn next(self) -> Stan {
        Stan(wrap_six_digits(self.0))
    }
}

fn wrap_six_digits(n: u32) -> u32 {
    if n >= 999_999 { 1 } else { n + 1 }
}

impl std::fmt::Display for BatchNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl std::fmt::Display for Stan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn payment_ids_read_as_they_are_written() {
        let id = PaymentId(42);
        assert_eq!(id.to_string(), "P00000042");
        assert_eq!(PaymentId::parse(&id.to_string()), Some(id));
        let last = PaymentId(i64::MAX.unsigned_abs());
        assert_eq!(PaymentId::parse(&last.to_string()), Some(last));
        for bad in ["", "P", "P42", "42", "P00000000", "P0000004x", "P9223372036854775808", "P99999999999999999999"] {
            assert_eq!(PaymentId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_of_six_digits_begin_again_at_one() {
        assert_eq!(Stan(999_999).next(), Stan(1));
        assert_eq!(BatchNo(7).next(), BatchNo(8));
    }

    #[test]
    fn ids_refuse_what_would_not_fit_a_field_or_a_log_line() {
        assert!(TerminalId::new("POS1").is_ok());
        assert!(TerminalId::new("").is_err());
        assert!(TerminalId::new("POS 1").is_err());
        assert!(Tid::new("123456789").is_err());
        assert!(CashierId::new("收银").is_err());
    }
}
