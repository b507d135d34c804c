//! Fees as data: what a payment costs by its channel, its card and its amount, and when its money arrives.
//!
//! A schedule is a list of lines; the first that fits decides. Rates are whole parts of 100,000, amounts whole minor units, all
//! arithmetic is checked and exact before its one rounding. That nothing is known of a card is a case like any other: a line may name
//! it. Nothing here knows payments, days or totals.

mod read;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::core::calendar::Wait;
use crate::core::domain::{CardKind, Method, Minor};

pub use read::FeeError;

/// Rates are parts of this.
pub const PARTS: i64 = 100_000;

/// How a fraction of a minor unit is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest; a half goes up.
    HalfUp,
    /// To the nearest; a half goes to the even neighbour.
    HalfEven,
    /// Always up.
    Up,
    /// Always down.
    Down,
}

/// What becomes of a fee when the payment is refunded. A void always takes it back: the acquirer never clears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRefund {
    /// Given back in proportion to what is refunded.
    Returned,
    /// Kept by the acquirer.
    Kept,
}

/// One line of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeLine {
    /// Its name, as stamped on payments and printed.
    pub name: String,
    /// Card or code.
    pub channel: Method,
    /// Kinds of card; empty: any.
    pub cards: Vec<CardKind>,
    /// Brands or wallets; empty: any.
    pub brands: Vec<String>,
    /// Foreign or home cards only; a card of which this is not known is a home card.
    pub foreign: Option<bool>,
    /// Only amounts above this.
    pub above: Minor,
    /// Only amounts up to this.
    pub up_to: Minor,
    /// Parts of 100,000.
    pub rate: i64,
    /// Added to the rate's part.
    pub fixed: Minor,
    /// At least this.
    pub min: Minor,
    /// At most this.
    pub max: Minor,
    /// How a fraction is rounded.
    pub rounding: Rounding,
    /// What becomes of it on a refund.
    pub on_refund: OnRefund,
    /// When the money arrives.
    pub arrives: Wait,
}

/// What is asked of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case<'a> {
    /// Card or code.
    pub channel: Method,
    /// What the card is.
    pub card: CardKind,
    /// Its brand or wallet.
    pub brand: Option<&'a str>,
    /// Foreign, where it is known.
    pub foreign: Option<bool>,
    /// How much is paid.
    pub amount: Minor,
}

/// A store's fees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeeSchedule {
    lines: Vec<FeeLine>,
}

impl FeeLine {
    /// Whether it is about this case.
    #[must_use]
    pub fn fits(&self, case: &Case<'_>) -> bool {
        self.channel == case.channel
            && (self.cards.is_empty() || self.cards.contains(&case.card))
            && (self.brands.is_empty() || case.brand.is_some_and(|brand| self.brands.iter().any(|b| b == brand)))
            && self.foreign.is_none_or(|foreign| foreign == case.foreign.unwrap_or(false))
            && case.amount > self.above
            && case.amount <= self.up_to
    }

    /// What a payment of this amount costs; never below `min` nor above `max`. `None` where it does not fit.
    #[must_use]
    pub fn fee(&self, amount: Minor) -> Option<Minor> {
        let part = divide(i128::from(amount.0).checked_mul(i128::from(self.rate))?, i128::from(PARTS), self.rounding)?;
        let fee = Minor(i64::try_from(part).ok()?).checked_add(self.fixed)?;
        Some(fee.clamp(self.min, self.max))
    }
}

impl FeeSchedule {
    /// Of these lines, in this order.
    #[must_use]
    pub fn new(lines: Vec<FeeLine>) -> FeeSchedule {
        FeeSchedule { lines }
    }

    /// There are no fees to expect.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines, in their order.
    #[must_use]
    pub fn lines(&self) -> &[FeeLine] {
        &self.lines
    }

    /// The first line that fits.
    #[must_use]
    pub fn line(&self, case: &Case<'_>) -> Option<&FeeLine> {
        self.lines.iter().find(|line| line.fits(case))
    }
}

/// What a refund gives back of a fee: so much that all refunds together never give back more than was paid, and exactly that once the
/// whole amount is refunded. `before`: what was refunded earlier.
#[must_use]
pub fn given_back(fee: Minor, amount: Minor, before: Minor, refund: Minor) -> Option<Minor> {
    let share = |refunded: Minor| {
        let product = i128::from(fee.0).checked_mul(i128::from(refunded.0))?;
        i64::try_from(divide(product, i128::from(amount.0), Rounding::HalfUp)?).ok().map(Minor)
    };
    share(before.checked_add(refund)?)?.checked_sub(share(before)?)
}

/// A fee of theirs against ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// Equal.
    Agrees,
    /// Ours, theirs.
    Differs(Minor, Minor),
    /// One of the two is not known.
    Unknown,
}

/// Compares a statement's fee with the expected one. Statements write what is kept of a refund or void as a negative fee, or with no sign at
/// all: only the size is compared.
#[must_use]
pub fn compare(expected: Option<Minor>, theirs: Option<Minor>) -> Compared {
    match (expected, theirs) {
        (Some(ours), Some(theirs)) if ours.0.unsigned_abs() == theirs.0.unsigned_abs() => Compared::Agrees,
        (Some(ours), Some(theirs)) => Compared::Differs(ours, theirs),
        _ => Compared::Unknown,
    }
}

/// `n / d` for `n ≥ 0`, `d > 0`, rounded once.
fn divide(n: i128, d: i128, rounding: Rounding) -> Option<i128> {
    if n < 0 || d <= 0 {
        return None;
    }
    let (whole, rest) = (n / d, n % d);
    let twice = rest.checked_mul(2)?;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfUp => twice >= d,
        Rounding::HalfEven => twice > d || (twice == d && whole % 2 == 1),
    };
    whole.checked_add(i128::from(up))
}
