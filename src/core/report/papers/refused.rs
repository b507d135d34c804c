//! Stored sales that the acquirer refused, one by one: the store has given the goods away. They stand in the totals as vouchers.

use super::day_lists::{entry, sums};
use super::{Pen, words};
use crate::core::domain::Minor;
use crate::core::ports::{DayView, VoucherView};
use crate::core::report::doc::Document;

/// A voucher of this kind.
pub(super) fn is_refused(voucher: &VoucherView) -> bool {
    voucher.why == "offline_rejected"
}

/// Amount, masked card, cashier, device, and the day on which it was taken.
pub(super) fn refused(paper: &mut Document, pen: Pen, day: &DayView) {
    let list: Vec<&VoucherView> = day.vouchers.iter().filter(|item| is_refused(item)).collect();
    if list.is_empty() {
        return;
    }
    paper.heading(pen.say(words::REFUSED_LIST));
    for item in &list {
        let card = item.masked_pan.as_deref().unwrap_or_default();
        let of = format!("{} {}", pen.say(words::OF_DAY), item.business_date);
        entry(paper, (&item.payment, card, pen.money(item.amount)), (&item.cashier, &item.device, &of));
    }
    let amounts: Vec<Minor> = list.iter().map(|item| item.amount).collect();
    sums(paper, pen, &amounts, usize::MAX, false);
}
