//! The acquirer's statement as CSV: what the store's books are compared with.

use super::books::{Books, Payment};

/// The statement's columns, in order.
pub const COLUMNS: &[&str] = &[
    "terminal",
    "batch",
    "stan",
    "rrn",
    "kind",
    "amount",
    "status",
    "date",
    "time",
    "settle_date",
    "masked_pan",
    "code",
    "organisation",
    "order",
];

/// Every sale, void and refund that was decided, approved or not, in the order of decision. `terminal` is the TID; amounts are minor units.
#[must_use]
pub fn csv(books: &Books) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = books.payments.iter().enumerate().filter_map(|(index, payment)| row(payment, index + 1));
    let mut written = writer.write_record(COLUMNS);
    for row in rows {
        written = written.and_then(|()| writer.write_record(row));
    }
    if let Err(error) = written {
        log::error!("simulated acquirer: the statement cannot be written: {error}");
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn row(payment: &Payment, order: usize) -> Option<[String; 14]> {
    let kind = payment.kind.statement_word()?;
    let time = payment.host_time.as_str();
    let part = |from: usize| time.get(from..from + 2).unwrap_or_default();
    Some([
        payment.key.tid.clone(),
        format!("{:06}", payment.key.batch),
        format!("{:06}", payment.key.stan),
        payment.rrn.clone(),
        kind.to_owned(),
        payment.effective_amount().to_string(),
        payment.status.word().to_owned(),
        payment.host_date.clone(),
        format!("{}:{}:{}", part(0), part(2), part(4)),
        payment.settle_date.clone(),
        payment.payer.clone(),
        payment.code.clone(),
        payment.organisation.clone(),
        order.to_string(),
    ])
}
