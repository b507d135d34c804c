//! Between the core's types and SQLite's columns. Whatever does not read as it was written is damage, named by its place.

use ring::digest::{SHA256, digest};

use super::error::damaged;
use crate::core::domain::{BusinessDate, PaymentId, Seq};
use crate::core::journal::{Columns, Event, Link, Record, Tally};
use crate::core::payment::Payment;
use crate::core::ports::StoreError;

/// The version byte in front of a payment's postcard bytes.
const BODY_VERSION: u8 = 1;

/// Bytes of SHA-256 in front of every body: a flipped bit on the medium is seen wherever the body is read. (Against a hand there is the journal.)
const SUM: usize = 8;

/// A body as it is stored: the first bytes of its SHA-256, then itself.
pub(super) fn summed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(SUM + body.len());
    out.extend_from_slice(&sum(body));
    out.extend_from_slice(body);
    out
}

/// The body behind its sum.
pub(super) fn unsummed<'b>(stored: &'b [u8], what: &dyn std::fmt::Display) -> Result<&'b [u8], StoreError> {
    match stored.split_at_checked(SUM) {
        Some((front, body)) if front == sum(body) => Ok(body),
        _ => Err(damaged(format!("{what}: its body is not what was written"))),
    }
}

fn sum(body: &[u8]) -> [u8; SUM] {
    let whole = digest(&SHA256, body);
    whole.as_ref()[..SUM].try_into().expect("SHA-256 has more than eight bytes")
}

/// SQLite's integers are signed. Ours fit: sequence numbers would need 292 million years at a thousand rows a second.
pub(super) fn int(n: u64) -> Result<i64, StoreError> {
    i64::try_from(n).map_err(|_| damaged(format!("the number {n} does not fit a column")))
}

/// A column that holds a count or a sequence number.
pub(super) fn unsigned(n: i64, what: &str) -> Result<u64, StoreError> {
    u64::try_from(n).map_err(|_| damaged(format!("{what} is {n}")))
}

/// A column that holds a small number.
pub(super) fn small(n: i64, what: &str) -> Result<u32, StoreError> {
    u32::try_from(n).map_err(|_| damaged(format!("{what} is {n}")))
}

/// A link, root or HMAC.
pub(super) fn bytes32(blob: &[u8], what: &str) -> Result<Link, StoreError> {
    blob.try_into().map_err(|_| damaged(format!("{what} has {} bytes, not 32", blob.len())))
}

/// A date column.
pub(super) fn date(text: &str) -> Result<BusinessDate, StoreError> {
    BusinessDate::parse(text).map_err(damaged)
}

/// A journal row's canonical bytes.
pub(super) fn record(seq: Seq, bytes: &[u8]) -> Result<Record, StoreError> {
    let record = Record::from_bytes(bytes).map_err(|e| damaged(format!("journal row {seq}: {e}")))?;
    if record.seq != seq {
        return Err(damaged(format!("journal row {seq} says of itself that it is row {}", record.seq)));
    }
    Ok(record)
}

/// A payment's body as it is stored: sum, version byte, postcard.
pub(super) fn body(payment: &Payment, into: Vec<u8>) -> Vec<u8> {
    let mut out = into;
    out.clear();
    out.extend_from_slice(&[0; SUM]);
    out.push(BODY_VERSION);
    let mut out =
        postcard::to_extend(payment, out).expect("a payment has no type that postcard cannot write, and a Vec grows");
    let sum = sum(&out[SUM..]);
    out[..SUM].copy_from_slice(&sum);
    out
}

/// Reads a payment's body.
pub(super) fn payment(id: u64, body: &[u8]) -> Result<Payment, StoreError> {
    let wrong = |why: String| damaged(format!("payment {}: {why}", PaymentId(id)));
    match unsummed(body, &format_args!("payment {}", PaymentId(id)))?.split_first() {
        Some((&BODY_VERSION, rest)) => {
            let (payment, left) = postcard::take_from_bytes::<Payment>(rest)
                .map_err(|e| wrong(format!("its body does not decode: {e}")))?;
            if !left.is_empty() || payment.id.0 != id {
                return Err(wrong("its body is another's, or has more than it should".into()));
            }
            Ok(payment)
        }
        Some((version, _)) => {
            Err(wrong(format!("its body has version {version}; this tilld reads version {BODY_VERSION}")))
        }
        None => Err(wrong("its body is empty".into())),
    }
}

/// The eight running columns, in the table's order.
pub(super) fn running(columns: &Columns) -> Result<[i64; 8], StoreError> {
    let Columns { sale, refund, void, vouchers } = columns;
    Ok([
        int(sale.count)?,
        sale.amount.0,
        int(refund.count)?,
        refund.amount.0,
        int(void.count)?,
        void.amount.0,
        int(vouchers.count)?,
        vouchers.amount.0,
    ])
}

/// The tally of an effect's word.
pub(super) fn tally_of<'c>(columns: &'c mut Columns, effect: &str) -> Result<&'c mut Tally, StoreError> {
    match effect {
        "sale" => Ok(&mut columns.sale),
        "refund" => Ok(&mut columns.refund),
        "void" => Ok(&mut columns.void),
        "voucher" => Ok(&mut columns.vouchers),
        other => Err(damaged(format!("{other:?} is no effect"))),
    }
}

/// The event's name as the typed column has it.
pub(super) fn event_word(event: &Event) -> &'static str {
    match event {
        Event::StoreOpened { .. } => "store_opened",
        Event::CashierAdded { .. } => "cashier_added",
        Event::ShiftOpened { .. } => "shift_opened",
        Event::DrawerTaken { .. } => "drawer_taken",
        Event::DrawerHandedOver { .. } => "drawer_handed_over",
        Event::CashMoved { .. } => "cash_moved",
        Event::DrawerCounted { .. } => "drawer_counted",
        Event::ShiftClosed { .. } => "shift_closed",
        Event::PaymentMade(_) => "payment_made",
        Event::PaymentStored { .. } => "payment_stored",
        Event::PaymentCancelled { .. } => "payment_cancelled",
        Event::PaymentSetAside { .. } => "payment_set_aside",
        Event::Sending { .. } => "sending",
        Event::NotSent { .. } => "not_sent",
        Event::NoAnswer { .. } => "no_answer",
        Event::Answered { .. } => "answered",
        Event::Stray { .. } => "stray",
        Event::LateAnswer { .. } => "late_answer",
        Event::ReversalOwed { .. } => "reversal_owed",
        Event::ReversalGivenUp { .. } => "reversal_given_up",
        Event::SettlementWanted { .. } => "settlement_wanted",
        Event::BatchAdopted { .. } => "batch_adopted",
        Event::BatchEndSeen { .. } => "batch_end_seen",
        Event::BatchDisagreed { .. } => "batch_disagreed",
        Event::BatchDecided { .. } => "batch_decided",
        Event::DayCut { .. } => "day_cut",
        Event::DaySealed { .. } => "day_sealed",
        Event::ExceptionOpened { .. } => "exception_opened",
        Event::ExceptionResolved { .. } => "exception_resolved",
        Event::Reprinted { .. } => "reprinted",
        Event::DrawerOpened { .. } => "drawer_opened",
        Event::StatementTaken(_) => "statement_taken",
        Event::CaseOpened { .. } => "case_opened",
        Event::CaseMoved { .. } => "case_moved",
        Event::DrawerTallied { .. } => "drawer_tallied",
        Event::PersonSet { .. } => "person_set",
        Event::PrintedAgain { .. } => "printed_again",
        Event::Errand { .. } => "errand",
        Event::Alarm { .. } => "alarm",
        Event::PreauthLapsed { .. } => "preauth_lapsed",
        Event::PaymentClassed { .. } => "payment_classed",
        Event::CouponTaken { .. } => "coupon_taken",
        Event::RouteOpened { .. } => "route_opened",
        Event::TransferNamed { .. } => "transfer_named",
        Event::TransferMoved { .. } => "transfer_moved",
        Event::TransferAnswered { .. } => "transfer_answered",
        Event::RecordSkipped { .. } => "record_skipped",
        Event::StatementBooked(_) => "statement_booked",
        Event::BatchRetaken { .. } => "batch_retaken",
    }
}
