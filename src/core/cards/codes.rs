//! Scanned payment codes: their first digits name the wallet.
//!
//! WeChat Pay: 18 digits that begin with 10 to 15. Alipay: 16 to 24 digits that begin with 25 to 30. UnionPay QuickPass: 19 digits that
//! begin with 62 (the wallets' own pages on their payment codes 付款码).

use std::ops::RangeInclusive;

/// Name, first two digits, lengths.
type Wallet = (&'static str, RangeInclusive<u8>, RangeInclusive<usize>);

const WALLETS: &[Wallet] =
    &[("wechat", 10..=15, 18..=18), ("alipay", 25..=30, 16..=24), ("unionpay", 62..=62, 19..=19)];

/// The wallet of a code; `None` for one that is not known here.
#[must_use]
pub fn wallet(code: &str) -> Option<&'static str> {
    let (name, _, lengths) = by_prefix(code)?;
    lengths.contains(&code.len()).then_some(*name)
}

/// The wallet of a truncated code, by what is left of its front.
#[must_use]
pub fn wallet_of_prefix(code: &str) -> Option<&'static str> {
    by_prefix(code).map(|(name, ..)| *name)
}

fn by_prefix(code: &str) -> Option<&'static Wallet> {
    let first: u8 = code.get(..2)?.parse().ok()?;
    WALLETS.iter().find(|(_, prefixes, _)| prefixes.contains(&first))
}
