//! Through what a payment reaches its money: the card's organisation, the wallet behind a scanned code, the drawer, a coupon.
//!
//! Told from the payment alone, from what stands in it when it is counted: a later answer does not move it to another line.

use super::Payment;
use crate::core::cards::wallet_of_prefix;
use crate::core::domain::Method;

/// The channel's word: `card:CUP`, `card` where no answer has named the organisation (offline), `qr:wechat`, `cash`, `coupon`, `transfer`.
#[must_use]
pub fn channel(payment: &Payment) -> String {
    match payment.method {
        Method::Cash => "cash".into(),
        Method::Voucher => "coupon".into(),
        Method::Transfer => "transfer".into(),
        Method::Card => {
            let named = payment.organisation.as_deref().map(str::trim_end);
            match named.filter(|code| (1..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic())) {
                Some(code) => format!("card:{code}"),
                None => "card".into(),
            }
        }
        Method::Qr => format!("qr:{}", wallet(payment.masked.as_deref().unwrap_or_default())),
    }
}

/// Whose payment code it is, by what its truncation leaves.
fn wallet(code: &str) -> &'static str {
    wallet_of_prefix(code).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanned_code_names_its_wallet() {
        for (code, name) in [
            ("13************6789", "wechat"),
            ("28************6789", "alipay"),
            ("62*************789", "unionpay"),
            ("99", "other"),
            ("", "other"),
            ("**", "other"),
        ] {
            assert_eq!(wallet(code), name, "{code}");
        }
    }
}
