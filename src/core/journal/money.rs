//! Facts about money that are stamped beside a payment: what the tables said of its card and its fee, who funds a coupon, how a
//! transfer goes. Nested in events, and so frozen with them.

use serde::{Deserialize, Serialize};

use crate::core::domain::{CardKind, CouponHow, Funder, Minor, PaymentId};

/// What the tables said of a payment when it was made: its number is looked at and let go (law 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classed {
    /// Debit, credit, or unknown.
    pub card: CardKind,
    /// The brand, in the table's word; a scanned code's wallet.
    pub brand: Option<String>,
    /// Of a foreign organisation, where the table or the answer says.
    pub foreign: Option<bool>,
    /// What it costs; `None` where no line of the schedule names it.
    pub fee: Option<FeeStamp>,
}

/// What a payment costs, by the schedule of its day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeStamp {
    /// The schedule's line, by its name.
    pub line: String,
    /// Of a sale what it costs; of a refund or void what is given back. Never negative.
    pub fee: Minor,
    /// The money arrives after so many days …
    pub days: u16,
    /// … of which only business days count.
    pub business: bool,
    /// A refund gives the fee back, in proportion.
    pub returned: bool,
}

/// A coupon that pays a part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    /// Who bears it.
    pub funder: Funder,
    /// Redeemed with the payment, or confirmed by the cashier.
    pub how: CouponHow,
    /// The coupon's number, truncated.
    pub reference: String,
    /// The payment that pays the rest of the order.
    pub with: Option<PaymentId>,
}

/// What a bank, or a person who asked it, said of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferAnswer {
    /// The bank's own number of it.
    pub reference: String,
    /// Its code.
    pub code: String,
    /// Its words, or the person's.
    pub text: String,
}
