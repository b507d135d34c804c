//! `[limits]`: bounds on payments, and what needs a manager beside the cashier.

use super::LimitsConfig;
use super::section::Section;
use crate::core::domain::Minor;
use crate::core::ledger::GuardRules;

/// No amount is larger: 12 digits.
const MOST: i64 = 999_999_999_999;

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        LimitsConfig { max_amount: Minor(5_000_000), settle_wait_s: 20, guards: GuardRules::default() }
    }
}

/// The section, where it is there. Every key is read before the first that is wrong ends it, so that all are reported.
pub(super) fn limits(mut s: Section<'_, '_>) -> Option<LimitsConfig> {
    let usual = LimitsConfig::default();
    let max_amount = s.number("max_amount", usual.max_amount.0, 1..=MOST);
    let settle_wait_s = s.number("settle_wait_s", usual.settle_wait_s.into(), 0..=600);
    let mut limit = |key| s.number_if(key, "100000", 0..=MOST).map(|n| n.map(Minor));
    let (refund, over_short) = (limit("refund"), limit("over_short"));
    let (cashier_sales, cashier_refunds) = (limit("cashier_sales"), limit("cashier_refunds"));
    let (device_sales, device_refunds) = (limit("device_sales"), limit("device_refunds"));
    let (day_sales, day_refunds) = (limit("day_sales"), limit("day_refunds"));
    s.finish();
    Some(LimitsConfig {
        max_amount: Minor(max_amount?),
        settle_wait_s: u32::try_from(settle_wait_s?).ok()?,
        guards: GuardRules {
            refund: refund?,
            over_short: over_short?,
            cashier_sales: cashier_sales?,
            cashier_refunds: cashier_refunds?,
            device_sales: device_sales?,
            device_refunds: device_refunds?,
            day_sales: day_sales?,
            day_refunds: day_refunds?,
        },
    })
}
