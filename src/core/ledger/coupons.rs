//! A coupon that pays a part of an order: whose it is, and what it hangs on.

use super::Ledger;
use crate::core::domain::{CouponHow, Kind, Method, PaymentId, Refusal, Reject};
use crate::core::journal::{Event, Original, PaymentMade};
use crate::core::ports::Pay;

impl Ledger {
    /// The stamp of a coupon. What undoes one is of the same funder. One that the channel redeems with a payment needs that payment, and
    /// that its money is taken.
    pub(super) fn coupon_taken(
        &self,
        payment: PaymentId,
        pay: &Pay,
        made: &PaymentMade,
    ) -> Result<Option<Event>, Reject> {
        let taken = |coupon| Some(Event::CouponTaken { payment, coupon: Box::new(coupon) });
        match (&pay.extra.coupon, made.method, made.kind) {
            (Some(coupon), Method::Voucher, Kind::Sale) => {
                match (coupon.with.map(|id| (id, self.payments.get(&id))), coupon.how) {
                    (None, CouponHow::WithPayment) => return Err(Refusal::CouponAlone.into()),
                    (Some((id, None)), _) => return Err(Refusal::UnknownPayment.with("payment", id)),
                    (Some((_, Some(rest))), how) => {
                        if matches!(rest.method, Method::Voucher | Method::Transfer) || rest.kind != Kind::Sale {
                            return Err(Refusal::BadRequest.with("what", "a coupon goes with a sale"));
                        }
                        if how == CouponHow::WithPayment && (!rest.stands() || rest.voided_by.is_some()) {
                            return Err(Refusal::OriginalNotApproved.with("state", rest.state));
                        }
                    }
                    (None, CouponHow::ByCashier) => {}
                }
                Ok(taken(coupon.clone()))
            }
            (Some(_), ..) => Err(Refusal::BadRequest.with("what", "coupon goes with a sale by method voucher")),
            (None, Method::Voucher, Kind::Void | Kind::Refund) => {
                let Some(Original::Payment(original)) = made.original else { return Ok(None) };
                Ok(self.payments.get(&original).and_then(|o| o.coupon.clone()).and_then(taken))
            }
            _ => Ok(None),
        }
    }
}
