//! A journal row's canonical bytes: version 1 is the byte 1 followed by the postcard encoding of [`Record`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Event;
use crate::core::domain::{BusinessDate, CashierId, Method, Minor, PaymentId, Seq, TerminalId, WallMs};

/// The version that new rows are written in.
pub const RECORD_VERSION: u8 = 1;

/// What is hashed and kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its place; no gaps.
    pub seq: Seq,
    /// What the wall clock said. Decides nothing.
    pub at: WallMs,
    /// The day it belongs to, stamped here.
    pub date: BusinessDate,
    /// What happened.
    pub event: Event,
    /// What it does to the day's totals.
    pub effect: Option<Effect>,
    /// The day's totals after it.
    pub running: Columns,
}

/// Which column of the day's totals an effect belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// 消费, gross.
    Sale,
    /// 退货
    Refund,
    /// 撤销
    Void,
    /// A correction that refers to another day's payment or to a refused stored sale; signed.
    Voucher,
}

impl Column {
    /// As stored in the typed column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Column::Sale => "sale",
            Column::Refund => "refund",
            Column::Void => "void",
            Column::Voucher => "voucher",
        }
    }
}

/// One entry in the day's totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Where it is counted.
    pub column: Column,
    /// How much; negative only for vouchers.
    pub amount: Minor,
    /// The payment behind it.
    pub payment: PaymentId,
    /// Who answers for it.
    pub cashier: CashierId,
    /// Where.
    pub device: TerminalId,
    /// With what.
    pub method: Method,
}

/// A count and a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How much.
    pub amount: Minor,
}

/// The four columns of a day, a cashier, a device …
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Columns {
    /// 消费
    pub sale: Tally,
    /// 退货
    pub refund: Tally,
    /// 撤销
    pub void: Tally,
    /// Vouchers, signed.
    pub vouchers: Tally,
}

impl Columns {
    /// The tally of one column.
    pub fn tally_mut(&mut self, column: Column) -> &mut Tally {
        match column {
            Column::Sale => &mut self.sale,
            Column::Refund => &mut self.refund,
            Column::Void => &mut self.void,
            Column::Voucher => &mut self.vouchers,
        }
    }

    /// Adds one entry; `None` where a sum would not fit.
    #[must_use]
    pub fn with(mut self, column: Column, amount: Minor) -> Option<Columns> {
        let tally = self.tally_mut(column);
        tally.count = tally.count.checked_add(1)?;
        tally.amount = tally.amount.checked_add(amount)?;
        self.net()?;
        Some(self)
    }

    /// The sum of two sets of columns; `None` where a sum would not fit.
    #[must_use]
    pub fn plus(&self, other: &Columns) -> Option<Columns> {
        let add = |a: Tally, b: Tally| {
            Some(Tally { count: a.count.checked_add(b.count)?, amount: a.amount.checked_add(b.amount)? })
        };
        Some(Columns {
            sale: add(self.sale, other.sale)?,
            refund: add(self.refund, other.refund)?,
            void: add(self.void, other.void)?,
            vouchers: add(self.vouchers, other.vouchers)?,
        })
    }

    /// sale − refund − void + vouchers; `None` where it would not fit.
    #[must_use]
    pub fn net(&self) -> Option<Minor> {
        self.sale
            .amount
            .checked_sub(self.refund.amount)?
            .checked_sub(self.void.amount)?
            .checked_add(self.vouchers.amount)
    }
}

/// Why bytes are no record.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RecordError {
    /// There are none.
    #[error("the row is empty")]
    Empty,
    /// A newer tilld wrote it, or it is damaged.
    #[error("the row has version {0}; this tilld reads version 1")]
    Version(u8),
    /// They do not decode, or not all of them.
    #[error("the row does not decode: {0}")]
    Malformed(String),
}

impl Record {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // As long as most are.
        let mut out = Vec::with_capacity(256);
        out.push(RECORD_VERSION);
        postcard::to_extend(self, out).expect("a record has no type that postcard cannot write, and a Vec grows")
    }

    /// Reads canonical bytes; refuses whatever would not be written in the same way again.
    pub fn from_bytes(bytes: &[u8]) -> Result<Record, RecordError> {
        let (&version, body) = bytes.split_first().ok_or(RecordError::Empty)?;
        if version != RECORD_VERSION {
            return Err(RecordError::Version(version));
        }
        let record: Record = postcard::from_bytes(body).map_err(|e| RecordError::Malformed(e.to_string()))?;
        if record.to_bytes() != bytes {
            return Err(RecordError::Malformed("it is not in canonical form".into()));
        }
        Ok(record)
    }
}
