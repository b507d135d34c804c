//! Many payments in few bytes: their numbers in order, each as what it is more than the one before it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::ids::PaymentId;

/// Payments in ascending order; one may stand there more than once. A store's payments of a day take some two bytes each: LEB128 of the steps
/// between them, beginning at 0. Hexadecimal digits as text, the bytes in binary formats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentSet {
    bytes: Vec<u8>,
    first: u64,
    last: u64,
    count: u32,
}

impl PaymentSet {
    /// Of these, ascending. What is out of order is an error of the caller's and stands nowhere.
    #[must_use]
    pub fn of(payments: &[u64]) -> PaymentSet {
        let mut set = PaymentSet::default();
        for id in payments {
            debug_assert!(*id >= set.last, "{id} behind {}", set.last);
            let Some(mut step) = id.checked_sub(set.last) else { continue };
            if set.count == 0 {
                set.first = *id;
            }
            (set.last, set.count) = (*id, set.count.saturating_add(1));
            while step >= 0x80 {
                set.bytes.push(step.to_le_bytes()[0] | 0x80);
                step >>= 7;
            }
            set.bytes.push(step.to_le_bytes()[0]);
        }
        set
    }

    /// Reads what [`PaymentSet::as_bytes`] gave.
    ///
    /// # Errors
    /// A number is cut off, or larger than a payment's can be.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<PaymentSet, &'static str> {
        let (mut first, mut last, mut count) = (0, 0, 0u32);
        let mut steps = Steps { bytes: &bytes, at: 0, last: 0 };
        for id in &mut steps {
            if count == 0 {
                first = id;
            }
            (last, count) = (id, count.saturating_add(1));
        }
        if steps.at != bytes.len() {
            return Err("payments: a number is cut off or too large");
        }
        Ok(PaymentSet { bytes, first, last, count })
    }

    /// As they are kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The lowest and the highest; `None` where there is none.
    #[must_use]
    pub fn ends(&self) -> Option<(PaymentId, PaymentId)> {
        (self.count > 0).then_some((PaymentId(self.first), PaymentId(self.last)))
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = PaymentId> + '_ {
        Steps { bytes: &self.bytes, at: 0, last: 0 }.map(PaymentId)
    }
}

/// The numbers behind the bytes; ends at the first that is none, with `at` before it.
struct Steps<'b> {
    bytes: &'b [u8],
    at: usize,
    last: u64,
}

impl Iterator for Steps<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let (mut step, mut bits) = (0u64, 0);
        for (n, byte) in self.bytes.get(self.at..)?.iter().enumerate() {
            // Nine times seven bits are what a signed column holds.
            if bits > 56 {
                return None;
            }
            step |= u64::from(byte & 0x7F) << bits;
            bits += 7;
            if byte & 0x80 == 0 {
                let id = self.last.checked_add(step).filter(|id| *id <= i64::MAX.unsigned_abs())?;
                (self.at, self.last) = (self.at + n + 1, id);
                return Some(id);
            }
        }
        None
    }
}

impl Serialize for PaymentSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let digits: String = self.bytes.iter().map(|b| format!("{b:02x}")).collect();
            return serializer.serialize_str(&digits);
        }
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de> Deserialize<'de> for PaymentSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
            let byte = |pair: &[u8]| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            };
            let bytes = text.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>();
            bytes.ok_or_else(|| D::Error::custom("payments: pairs of hexadecimal digits are wanted"))?
        } else {
            Vec::deserialize(deserializer)?
        };
        PaymentSet::from_bytes(bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn payments_come_back_as_they_went_in_by_bytes_and_by_text() {
        for ids in [vec![], vec![1], vec![7, 7, 8, 300, 300, 70_000], vec![3, i64::MAX.unsigned_abs()]] {
            let set = PaymentSet::of(&ids);
            assert_eq!(set.iter().map(|id| id.0).collect::<Vec<_>>(), ids);
            assert_eq!(set.count() as usize, ids.len());
            assert_eq!(set.ends().map(|(a, b)| (a.0, b.0)), ids.first().copied().zip(ids.last().copied()));
            assert_eq!(PaymentSet::from_bytes(set.as_bytes().to_vec()).as_ref(), Ok(&set));
            let text = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<PaymentSet>(&text).unwrap(), set);
            let binary = postcard::to_allocvec(&set).unwrap();
            assert_eq!(postcard::from_bytes::<PaymentSet>(&binary).unwrap(), set);
        }
        let day: Vec<u64> = (0..1_000).map(|n| 5_000_000 + n * 4).collect();
        assert_eq!(PaymentSet::of(&day).as_bytes().len(), 1_003);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        // Cut off; beyond what a column holds, at once and by adding up; ten bytes where nine are the most.
        let most = PaymentSet::of(&[i64::MAX.unsigned_abs()]).as_bytes().to_vec();
        for bad in [vec![0x80], [most.clone(), vec![1]].concat(), vec![0xFF; 10], [vec![0x80; 9], vec![0]].concat()] {
            assert!(PaymentSet::from_bytes(bad.clone()).is_err(), "{bad:?}");
        }
        for bad in ["\"0\"", "\"0g\"", "\"é1\"", "5"] {
            assert!(serde_json::from_str::<PaymentSet>(bad).is_err(), "{bad}");
        }
    }
}
