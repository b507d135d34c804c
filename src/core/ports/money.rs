//! What becomes of money, as outside programs see it: expected fees and arrivals, coupons by who bears them, transfer orders.

use serde::{Deserialize, Serialize};

use crate::core::domain::{
    BusinessDate, CardKind, CashierId, CouponHow, Funder, Minor, PaymentId, RouteWhy, Sentence, TransferStep,
};
use crate::core::journal::{Columns, TransferAnswer};

/// What a payment costs and when its money arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeeView {
    /// `debit`, `credit` or `unknown`.
    pub card: CardKind,
    /// The card table's brand, or a code's wallet.
    pub brand: Option<String>,
    /// Of a foreign organisation, where it is known.
    pub foreign: Option<bool>,
    /// The schedule's line; absent where none names it.
    pub line: Option<String>,
    /// Of a sale what it costs; of a refund or void what is given back.
    pub fee: Option<Minor>,
    /// What arrives: amount − fee.
    pub net: Option<Minor>,
    /// `T+1`: business days, `D+1`: days.
    pub wait: Option<String>,
    /// When it arrives, by the holiday calendar.
    pub arrives: Option<BusinessDate>,
}

/// One line of a day's expected fees. gross − fee = net.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeeLineView {
    /// The bridge's line that the payments lie in: `batch:POS1:000001`; `vouchers` for corrections.
    pub line: String,
    /// What it is.
    pub label: Sentence,
    /// `T+1`, `D+1`; absent where no line of the schedule names the payments.
    pub wait: Option<String>,
    /// When the money arrives.
    pub arrives: Option<BusinessDate>,
    /// Payments.
    pub count: u64,
    /// Sales less refunds and voids.
    pub gross: Minor,
    /// Fees less what is given back.
    pub fee: Minor,
    /// What arrives.
    pub net: Minor,
}

/// A day's expected fees.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeesView {
    /// By batch and day of arrival.
    pub lines: Vec<FeeLineView>,
    /// Payments.
    pub count: u64,
    /// Sales less refunds and voids.
    pub gross: Minor,
    /// Fees less what is given back.
    pub fee: Minor,
    /// What arrives: gross − fee.
    pub net: Minor,
    /// Of these, payments that no line of the schedule names.
    pub unpriced: u64,
}

/// Coupons of a day, by who bears them. The sum is the method `voucher`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CouponView {
    /// `store`, `platform` or `unstated`.
    pub funder: String,
    /// Their columns, without corrections.
    pub columns: Columns,
    /// Their net.
    pub net: Minor,
}

/// The coupon that a payment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CouponFacts {
    /// Who bears it.
    pub funder: Funder,
    /// How it was redeemed.
    pub how: CouponHow,
    /// Its number, truncated.
    pub reference: String,
    /// The payment that pays the rest of the order.
    pub with: Option<String>,
}

/// Another route that is open for a payment's refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RouteView {
    /// The refund that the channel refused.
    pub refused: String,
    /// Why.
    pub why: RouteWhy,
    /// At most so much may go another way.
    pub amount: Minor,
}

/// A transfer order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TransferView {
    /// The payee's id in the allow-list.
    pub payee: String,
    /// The payee's name, shortened.
    pub name: String,
    /// The refund that the channel refused.
    pub refused: String,
    /// Where it stands. `accepted` is not paid.
    pub step: TransferStep,
    /// Who approved it.
    pub approved_by: Option<CashierId>,
    /// First sent on this business day.
    pub sent: Option<BusinessDate>,
    /// A return would be seen until this day.
    pub returnable_until: Option<BusinessDate>,
    /// What was answered.
    pub answers: Vec<TransferAnswerView>,
    /// The order that brought it back.
    pub returned_by: Option<String>,
}

/// One answer about a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TransferAnswerView {
    /// When it came.
    pub day: BusinessDate,
    /// The step that it led to.
    pub step: TransferStep,
    /// The bank's number.
    pub reference: String,
    /// The bank's code.
    pub code: String,
    /// The words.
    pub text: String,
    /// The person who brought it.
    pub by: Option<CashierId>,
}

/// A transfer of the day, or one that is not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TransferLineView {
    /// The order.
    pub payment: String,
    /// Minor units.
    pub amount: Minor,
    /// Where it stands.
    pub step: TransferStep,
    /// The payee's name, shortened.
    pub name: String,
    /// The cashier who created it.
    pub cashier: CashierId,
    /// Its day.
    pub business_date: BusinessDate,
}

/// Somebody whom transfers may go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Payee {
    /// The id in the allow-list.
    pub id: String,
    /// The name, shortened.
    pub name: String,
}

/// A step of a transfer order that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferMove {
    /// Of which order.
    pub payment: PaymentId,
    /// Where to.
    pub to: TransferStep,
    /// Who asks; nobody where the bank's file says so.
    pub by: Option<CashierId>,
    /// What the bank, or the person, says.
    pub answer: Option<TransferAnswer>,
}
