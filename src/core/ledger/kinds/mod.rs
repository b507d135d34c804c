//! What is decided for each kind of payment: one file and one line of the table a kind.
//!
//! A decision gives the payment's facts, and whether it is stored at once; what it does to others follows when it is absorbed.

mod adjust;
mod balance;
mod completion;
mod completion_void;
mod preauth;
mod preauth_void;

use super::Ledger;
use super::decide_pay::{Around, Stop};
use crate::core::domain::{Kind, Method, Refusal, Reject, ShiftNo};
use crate::core::journal::{Original, PaymentMade};
use crate::core::payment::Payment;
use crate::core::ports::Pay;

/// The payment's facts, and whether it is stored, to be forwarded as an advice.
type Decided = Result<(PaymentMade, bool), Stop>;

type Decide = fn(&mut Ledger, &Pay, ShiftNo, Around<'_>) -> Decided;

/// How a kind is decided.
pub(super) fn of(kind: Kind) -> Decide {
    match kind {
        Kind::Sale => |ledger, pay, shift, around| Ok(ledger.sale(pay, shift, around)?),
        Kind::Void => |ledger, pay, shift, around| Ok((ledger.void(pay, shift, around)?, false)),
        Kind::Refund => |ledger, pay, shift, around| Ok((ledger.refund(pay, shift, around)?, false)),
        Kind::Preauth => preauth::decide,
        Kind::PreauthVoid => preauth_void::decide,
        Kind::Completion => completion::decide,
        Kind::CompletionVoid => completion_void::decide,
        Kind::Balance => balance::decide,
        Kind::Adjust => adjust::decide,
        // Journaled by the return itself, never asked for.
        Kind::TransferReturn => |_, pay, _, _| Err(Refusal::NotSupported.with("what", pay.kind).into()),
    }
}

/// These kinds are a card's.
fn card_only(pay: &Pay) -> Result<(), Reject> {
    match pay.method {
        Method::Card => Ok(()),
        method => Err(Refusal::NotSupported.with("what", format!("{} {method}", pay.kind))),
    }
}

fn no_original(pay: &Pay) -> Result<(), Reject> {
    match pay.original {
        None => Ok(()),
        Some(_) => Err(Refusal::BadRequest.with("what", format!("a {} refers to no original", pay.kind))),
    }
}

/// The payment that this one refers to: of that kind, on this device (the acquirer looks for it under this terminal).
fn original_of(ledger: &mut Ledger, pay: &Pay, kind: Kind, around: Around<'_>) -> Result<Payment, Stop> {
    let original = ledger.original(pay, around)?;
    if original.kind != kind {
        return Err(Refusal::NotSupported.with("what", format!("{} of {}", pay.kind, original.kind)).into());
    }
    if original.device != pay.device {
        return Err(Refusal::OtherDevice.with("device", &original.device).into());
    }
    Ok(original)
}

fn whole_amount(pay: &Pay, original: &Payment, around: Around<'_>) -> Result<(), Reject> {
    if pay.amount == original.amount {
        return Ok(());
    }
    Err(Refusal::FullAmountOnly.with("amount", original.amount.grouped(around.rules.currency.exponent())))
}

/// The card that is presented, else the one that is kept sealed for this.
fn card(
    ledger: &Ledger,
    pay: &Pay,
    original: &Payment,
    made: &mut PaymentMade,
    around: Around<'_>,
) -> Result<(), Stop> {
    made.entry = original.entry;
    made.masked.clone_from(&original.masked);
    made.chip = original.chip;
    if let Some(presented) = &pay.presented {
        return Ok(ledger.read_card(presented, made)?);
    }
    let mut owners = vec![original.id];
    owners.extend(match original.original {
        Some(Original::Payment(first)) => Some(first),
        _ => None,
    });
    for owner in owners {
        if around.archive.sealed_card(owner)?.is_some() {
            return Ok(());
        }
    }
    Err(Refusal::NoCard.into())
}
