//! Money: integers of minor units in checked arithmetic, and the currencies that say how many digits those have.

use serde::{Deserialize, Serialize};

use super::text::read_text;

/// An amount in minor units (fen for CNY). Signed, because nets and differences are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Minor = Minor(0);
    /// The largest amount that a 12-digit ISO 8583 amount field holds.
    pub const MAX_ISO: Minor = Minor(999_999_999_999);

    /// The sum, or `None` where it does not fit: a total that wraps is worse than one that refuses.
    #[must_use]
    pub fn checked_add(self, other: Minor) -> Option<Minor> {
        self.0.checked_add(other.0).map(Minor)
    }

    /// The difference, or `None` where it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Minor) -> Option<Minor> {
        self.0.checked_sub(other.0).map(Minor)
    }

    /// Greater than zero.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The amount with its decimal point and thousands separators: `-1,234.56`. `exponent` is the currency's number of digits.
    #[must_use]
    pub fn grouped(self, exponent: u8) -> String {
        let unit = 10u64.pow(u32::from(exponent.min(6)));
        let magnitude = self.0.unsigned_abs();
        let whole = (magnitude / unit).to_string();
        let mut text = String::with_capacity(whole.len() * 2 + 8);
        if self.0 < 0 {
            text.push('-');
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if exponent > 0 {
            let width = usize::from(exponent.min(6));
            text.push_str(&format!(".{:0width$}", magnitude % unit));
        }
        text
    }
}

impl std::fmt::Display for Minor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A currency by its ISO 4217 letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    alpha: [u8; 3],
    numeric: u16,
    exponent: u8,
}

/// ISO 4217: letters, number, digits after the point. One line a currency.
const CURRENCIES: &[(&str, u16, u8)] = &[
    ("CNY", 156, 2),
    ("HKD", 344, 2),
    ("MOP", 446, 2),
    ("TWD", 901, 2),
    ("USD", 840, 2),
    ("EUR", 978, 2),
    ("SGD", 702, 2),
    ("JPY", 392, 0),
    ("KRW", 410, 0),
    ("KWD", 414, 3),
];

impl Currency {
    /// Renminbi.
    pub const CNY: Currency = Currency { alpha: *b"CNY", numeric: 156, exponent: 2 };

    /// The currency of these letters, if it is known here.
    #[must_use]
    pub fn from_alpha(letters: &str) -> Option<Currency> {
        let &(alpha, numeric, exponent) = CURRENCIES.iter().find(|(alpha, ..)| *alpha == letters)?;
        let alpha = alpha.as_bytes().try_into().ok()?;
        Some(Currency { alpha, numeric, exponent })
    }

    /// Its three letters.
    #[must_use]
    pub fn alpha(&self) -> &str {
        std::str::from_utf8(&self.alpha).unwrap_or("???")
    }

    /// Its ISO 4217 number, as field 49 carries it.
    #[must_use]
    pub fn numeric(&self) -> u16 {
        self.numeric
    }

    /// Digits after the decimal point.
    #[must_use]
    pub fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.alpha())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |letters| {
            Currency::from_alpha(letters)
                .ok_or_else(|| format!("unknown currency {letters:?}: use ISO 4217 letters such as CNY"))
        })
    }
}

/// So many notes or coins of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denomination {
    /// What one of them is worth, minor units.
    pub value: Minor,
    /// How many.
    pub count: u32,
}

impl Denomination {
    /// What these make together. `None` where it does not fit.
    #[must_use]
    pub fn total(self) -> Option<Minor> {
        self.value.0.checked_mul(i64::from(self.count)).map(Minor)
    }

    /// What all of a drawer's make. `None` where it does not fit.
    #[must_use]
    pub fn sum(list: &[Denomination]) -> Option<Minor> {
        list.iter().try_fold(Minor::ZERO, |sum, d| sum.checked_add(d.total()?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn amounts_are_grouped_by_thousands_and_keep_their_sign() {
        assert_eq!(Minor(0).grouped(2), "0.00");
        assert_eq!(Minor(5).grouped(2), "0.05");
        assert_eq!(Minor(-123_456_789).grouped(2), "-1,234,567.89");
        assert_eq!(Minor(1_234).grouped(0), "1,234");
        assert_eq!(Minor(i64::MIN).grouped(2), "-92,233,720,368,547,758.08");
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        assert_eq!(Minor(i64::MAX).checked_add(Minor(1)), None);
        assert_eq!(Minor(2).checked_sub(Minor(5)), Some(Minor(-3)));
    }

    #[test]
    fn every_currency_in_the_table_is_found_by_its_letters() {
        for (alpha, numeric, exponent) in CURRENCIES {
            let currency = Currency::from_alpha(alpha).unwrap();
            assert_eq!((currency.alpha(), currency.numeric(), currency.exponent()), (*alpha, *numeric, *exponent));
        }
        assert!(Currency::from_alpha("XXX").is_none());
    }
}
