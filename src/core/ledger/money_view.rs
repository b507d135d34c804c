//! Fees, coupons and transfers as outside programs see them, from the state.

use super::{Ledger, Rules};
use crate::core::calendar::Wait;
use crate::core::day::DayBook;
use crate::core::domain::{BusinessDate, Funder, Minor, PaymentId, Sentence};
use crate::core::journal::Columns;
use crate::core::payment::{Payment, Slot};
use crate::core::ports::{
    CouponFacts, CouponView, FeeLineView, FeeView, FeesView, RouteView, TransferAnswerView, TransferLineView,
    TransferView,
};
use crate::core::transfer::RETURN_DAYS;

/// The expected fees of a day.
pub(super) fn fees(day: &DayBook, rules: &Rules, label: impl Fn(&Slot) -> Sentence) -> FeesView {
    let calendar = &rules.money.calendar;
    let lines: Vec<FeeLineView> = day
        .fees
        .lines
        .iter()
        .map(|(key, tally)| {
            let wait = key.wait.map(|(days, business)| Wait { days: days.into(), business });
            let (line, label) = match &key.slot {
                Some(slot) => (slot.as_text(), label(slot)),
                None => ("vouchers".into(), Sentence::new("调整凭证", "Vouchers")),
            };
            FeeLineView {
                line,
                label,
                wait: wait.map(|w| w.to_string()),
                arrives: wait.map(|w| calendar.after(day.date, w)),
                count: tally.count,
                gross: tally.gross,
                fee: tally.fee,
                net: tally.net().unwrap_or_default(),
            }
        })
        .collect();
    let sum = day.fees.sum().unwrap_or_default();
    FeesView {
        unpriced: lines.iter().filter(|line| line.wait.is_none()).fold(0, |n, line| n + line.count),
        lines,
        count: sum.count,
        gross: sum.gross,
        fee: sum.fee,
        net: sum.net().unwrap_or_default(),
    }
}

/// The coupons of a day by who bears them: the lines of the bridge that they lie in.
pub(super) fn coupons(day: &DayBook) -> Vec<CouponView> {
    let of = |slot: Slot, funder: &str| {
        let columns = day.totals.slots.get(&slot).copied().unwrap_or_default();
        let net = columns.net().unwrap_or_default();
        (columns != Columns::default()).then(|| CouponView { funder: funder.to_owned(), columns, net })
    };
    let lines = [
        of(Slot::CouponStore, Funder::Store.as_str()),
        of(Slot::CouponPlatform, Funder::Platform.as_str()),
        of(Slot::Coupon, "unstated"),
    ];
    lines.into_iter().flatten().collect()
}

/// What a payment costs.
pub(super) fn fee(payment: &Payment, rules: &Rules) -> Option<FeeView> {
    let class = payment.class.as_ref()?;
    let stamp = class.fee.as_ref();
    let wait = stamp.map(|s| Wait { days: s.days.into(), business: s.business });
    Some(FeeView {
        card: class.card,
        brand: class.brand.clone(),
        foreign: class.foreign,
        line: stamp.map(|s| s.line.clone()),
        fee: stamp.map(|s| s.fee),
        net: stamp.and_then(|s| payment.amount.checked_sub(s.fee)),
        wait: wait.map(|w| w.to_string()),
        arrives: wait.map(|w| rules.money.calendar.after(payment.date, w)),
    })
}

/// The coupon that a payment is.
pub(super) fn coupon(payment: &Payment) -> Option<CouponFacts> {
    payment.coupon.as_ref().map(|coupon| CouponFacts {
        funder: coupon.funder,
        how: coupon.how,
        reference: coupon.reference.clone(),
        with: coupon.with.map(|id| id.to_string()),
    })
}

/// The other route that is open for a payment.
pub(super) fn route(payment: &Payment) -> Option<RouteView> {
    payment.route.as_ref().map(|route| RouteView {
        refused: route.refused.to_string(),
        why: route.why,
        amount: route.amount,
    })
}

/// The order that a payment is.
pub(super) fn transfer(payment: &Payment, rules: &Rules) -> Option<TransferView> {
    let order = payment.transfer.as_ref()?;
    let until = |day: BusinessDate| rules.money.calendar.add_business_days(day, RETURN_DAYS);
    Some(TransferView {
        payee: order.payee.clone(),
        name: order.name.clone(),
        refused: order.refused.to_string(),
        step: order.step,
        approved_by: order.approved_by.clone(),
        sent: order.sent,
        returnable_until: order.succeeded.map(until),
        answers: order
            .answers
            .iter()
            .map(|a| TransferAnswerView {
                day: a.day,
                step: a.step,
                reference: a.answer.reference.clone(),
                code: a.answer.code.clone(),
                text: a.answer.text.clone(),
                by: a.by.clone(),
            })
            .collect(),
        returned_by: order.returned_by.map(|id| id.to_string()),
    })
}

impl Ledger {
    /// The transfers that are not ended, and those of a day that are still in memory.
    #[must_use]
    pub fn transfer_lines(&self, day: Option<BusinessDate>) -> Vec<TransferLineView> {
        let listed = self.payments.values().filter(|p| day.is_none_or(|day| p.date == day || !p.at_rest()));
        listed
            .filter_map(|p| {
                let order = p.transfer.as_ref()?;
                Some(TransferLineView {
                    payment: p.id.to_string(),
                    amount: p.amount,
                    step: order.step,
                    name: order.name.clone(),
                    cashier: p.cashier.clone(),
                    business_date: p.date,
                })
            })
            .collect()
    }

    /// What was sent and never answered: the order, its payee, its amount.
    #[must_use]
    pub fn unanswered_transfers(&self) -> Vec<(PaymentId, String, Minor)> {
        let open = self.payments.values().filter_map(|p| Some((p, p.transfer.as_ref()?)));
        open.filter(|(_, order)| order.unanswered()).map(|(p, order)| (p.id, order.payee.clone(), p.amount)).collect()
    }

    /// The funds set aside for transfers of which the bank has not said its last word, all days.
    #[must_use]
    pub fn set_aside_for_transfers(&self) -> Minor {
        let open = self.payments.values().filter(|p| p.slot() == Some(Slot::TransferSetAside) || self.promised_late(p));
        open.fold(Minor::ZERO, |sum, p| sum.checked_add(p.amount).unwrap_or(sum))
    }

    fn promised_late(&self, payment: &Payment) -> bool {
        payment.state == crate::core::domain::State::Promised && payment.voucher_date.is_some()
    }
}
