//! What a payment may do to the one that it refers to; and the PIN in a clear block.
//!
//! Pure: books' records and the message in, a code out.

use super::books::Payment;
use super::dialect::{Field61, Kind};
use super::host::Request;
use super::payments::Payer;

/// The code for a payment that refers to `original` as it must not; `None` where it may.
pub(super) fn refers_wrongly(
    request: &Request,
    original: &Payment,
    amount: i64,
    payer: Option<&Payer>,
    batch: u32,
) -> Option<&'static str> {
    let kinds: &[Kind] = match request.kind {
        Kind::Void => &[Kind::Sale, Kind::ScanSale, Kind::OfflineSale, Kind::IcOffline],
        Kind::PreauthVoid | Kind::Completion | Kind::CompletionAdvice => &[Kind::Preauth],
        Kind::CompletionVoid => &[Kind::Completion, Kind::CompletionAdvice],
        Kind::Adjust | Kind::Tip => &[Kind::Sale, Kind::OfflineSale],
        _ => {
            &[Kind::Sale, Kind::ScanSale, Kind::OfflineSale, Kind::IcOffline, Kind::Completion, Kind::CompletionAdvice]
        }
    };
    if !kinds.contains(&original.kind) || !original.in_force() {
        return Some("25");
    }
    if payer.is_some_and(|payer| payer.token != original.token) {
        return Some("14");
    }
    if original.taken_by.is_some() {
        return Some("12");
    }
    let void = matches!(request.kind, Kind::Void | Kind::CompletionVoid);
    if void && (original.key.batch != batch || request.text(37) != original.rrn) {
        return Some("25");
    }
    if void && original.refunded > 0 {
        return Some("12");
    }
    let approval = request.message.text(38);
    if original.kind == Kind::Preauth && approval.is_some() && approval != original.approval.as_deref() {
        return Some("25");
    }
    match request.kind {
        Kind::Void | Kind::PreauthVoid | Kind::CompletionVoid => {
            (amount != original.effective_amount()).then_some("64")
        }
        // UnionPay's rule: a completion may be 115 % of what was authorized.
        Kind::Completion | Kind::CompletionAdvice => {
            (amount.saturating_mul(100) > original.amount.saturating_mul(115)).then_some("61")
        }
        Kind::Refund => refund_wrongly(request, original, amount),
        _ => None,
    }
}

fn refund_wrongly(request: &Request, original: &Payment, amount: i64) -> Option<&'static str> {
    let date = Field61::of(&request.message).and_then(|reference| reference.date).unwrap_or_default();
    let known = original.host_date.get(5..).unwrap_or_default().replace('-', "");
    if original.mid != request.mid || date != known {
        return Some("25");
    }
    (original.refunded.saturating_add(amount) > original.effective_amount()).then_some("13")
}

/// The PIN in a clear block of ISO format 0, or of the format without the card (then `pan` is empty).
pub(super) fn pin_of(clear: &str, pan: &str) -> Option<String> {
    let digits = pan.len().checked_sub(13).and_then(|from| pan.get(from..pan.len() - 1)).unwrap_or("000000000000");
    let mask = u64::from_str_radix(&format!("0000{digits}"), 16).ok()?;
    let block = format!("{:016X}", u64::from_str_radix(clear, 16).ok()? ^ mask);
    let length = block.get(..2)?.parse::<usize>().ok().filter(|length| (4..=12).contains(length))?;
    let (pin, fill) = block.get(2..)?.split_at(length);
    (pin.bytes().all(|b| b.is_ascii_digit()) && fill.bytes().all(|b| b == b'F')).then(|| pin.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_block_of_format_0() {
        // PIN 1234 and card 4111111111111111, as the standard's own example lays them out.
        let block = 0x0412_34FF_FFFF_FFFFu64 ^ 0x0000_1111_1111_1111;
        assert_eq!(pin_of(&format!("{block:016X}"), "4111111111111111").as_deref(), Some("1234"));
        assert_eq!(pin_of("0612345 6FFFFFFF", ""), None);
        assert_eq!(pin_of("06123456FFFFFFFF", "").as_deref(), Some("123456"));
        assert_eq!(pin_of("0012345FFFFFFFFF", ""), None);
    }
}
