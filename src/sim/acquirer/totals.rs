//! Field 48: the host's own gross totals of a batch, what the terminal claims, and the verdict for each half.
//!
//! Knows counts and sums, and must never know how a payment came to be.

use serde::{Deserialize, Serialize};

use super::dialect::Side;

/// Counts and sums of one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Half {
    /// Minor units.
    pub debit: i64,
    /// At most 999 on the wire.
    pub debit_count: u32,
    /// Minor units.
    pub credit: i64,
    /// At most 999 on the wire.
    pub credit_count: u32,
}

impl Half {
    /// Adds one payment. Sums saturate: a host whose books reach that far is unbalanced anyway.
    pub fn add(&mut self, side: Side, amount: i64) {
        match side {
            Side::Debit => {
                self.debit = self.debit.saturating_add(amount);
                self.debit_count = self.debit_count.saturating_add(1);
            }
            Side::Credit => {
                self.credit = self.credit.saturating_add(amount);
                self.credit_count = self.credit_count.saturating_add(1);
            }
            Side::Neither => {}
        }
    }

    /// How many records it stands for.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.debit_count.saturating_add(self.credit_count)
    }

    /// Debit and credit together.
    #[must_use]
    pub fn gross(&self) -> i64 {
        self.debit.saturating_add(self.credit)
    }

    fn write(&self, verdict: u8) -> String {
        format!("{:012}{:03}{:012}{:03}{verdict}", self.debit, self.debit_count, self.credit, self.credit_count)
    }

    fn read(text: &str) -> Option<Half> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let count = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
        Some(Half {
            debit: number(0, 12)?,
            debit_count: count(12, 15)?,
            credit: number(15, 27)?,
            credit_count: count(27, 30)?,
        })
    }
}

/// Both halves: domestic, foreign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Cards of the home organisation.
    pub domestic: Half,
    /// All others.
    pub foreign: Half,
}

impl Totals {
    /// The half of a payment.
    pub fn half_mut(&mut self, foreign: bool) -> &mut Half {
        if foreign { &mut self.foreign } else { &mut self.domestic }
    }

    /// Reads the 62 digits of field 48 with its two result digits.
    #[must_use]
    pub fn read(text: &str) -> Option<(Totals, [u8; 2])> {
        if text.len() != 62 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (domestic, foreign) = text.split_at(31);
        let digit = |half: &str| half.bytes().last().map(|b| b - b'0');
        let totals = Totals { domestic: Half::read(domestic)?, foreign: Half::read(foreign)? };
        Some((totals, [digit(domestic)?, digit(foreign)?]))
    }

    /// Writes the 62 digits.
    #[must_use]
    pub fn write(&self, verdicts: [u8; 2]) -> String {
        self.domestic.write(verdicts[0]) + &self.foreign.write(verdicts[1])
    }

    /// 1 where a half agrees, 2 where it does not.
    #[must_use]
    pub fn judge(&self, claimed: &Totals) -> [u8; 2] {
        let verdict = |own: &Half, theirs: &Half| if own == theirs { 1 } else { 2 };
        [verdict(&self.domestic, &claimed.domestic), verdict(&self.foreign, &claimed.foreign)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn field_48_reads_as_it_is_written() {
        let mut totals = Totals::default();
        totals.half_mut(false).add(Side::Debit, 12_345);
        totals.half_mut(false).add(Side::Debit, 5);
        totals.half_mut(true).add(Side::Credit, 999_999_999_999);
        totals.half_mut(true).add(Side::Neither, 1);
        let text = totals.write([1, 2]);
        assert_eq!(text, "0000000123500020000000000000001000000000000000999999999999001".to_owned() + "2");
        assert_eq!(Totals::read(&text).unwrap(), (totals, [1, 2]));
        for bad in ["", "1", &text[1..], &text.replace('1', "x")] {
            assert!(Totals::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn each_half_is_judged_by_itself() {
        let mut own = Totals::default();
        own.half_mut(true).add(Side::Debit, 1);
        assert_eq!(own.judge(&Totals::default()), [1, 2]);
        assert_eq!(own.judge(&own), [1, 1]);
    }
}
