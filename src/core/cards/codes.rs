//! Scanned payment codes: their first digits name the wallet.
//!
//! WeChat Pay: 18 digits that begin with 10 to 15. Alipay: 16 to 24 digits that begin with 25 to 30. UnionPay QuickPass: 19 digits that
//! begin with 62 (the wallets' own pages on their payment codes 付款码).

/// The wallet of a code; `None` for one that is not known here.
#[must_use]
pub fn wallet(code: &str) -> Option<&'static str> {
    let first: u8 = code.get(..2)?.parse().ok()?;
    match (first, code.len()) {
        (10..=15, 18) => Some("wechat"),
        (25..=30, 16..=24) => Some("alipay"),
        (62, 19) => Some("unionpay"),
        _ => None,
    }
}
