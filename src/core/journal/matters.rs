//! What events say besides payments: messages that move no money, alarms, exceptions and how a named person ends them.
//!
//! Frozen with the events: words are appended, never reordered.

use serde::{Deserialize, Serialize};

use crate::core::domain::PaymentId;

/// A message that moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Errand {
    /// 签退
    SignOff,
    /// What became of this payment?
    Query(PaymentId),
}

/// How long a payment is undecided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmLevel {
    /// Half an hour.
    Late,
    /// Two days.
    Escalated,
}

impl AlarmLevel {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmLevel::Late => "late",
            AlarmLevel::Escalated => "escalated",
        }
    }
}

/// What needs a named person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// A reversal could not be completed.
    ReversalFailed,
    /// A payment is unknown and nothing resolves it by itself.
    UnknownPayment,
    /// A stored sale was refused by the acquirer.
    OfflineRejected,
    /// A stored sale stands aside.
    OfflineAside,
    /// A batch did not balance.
    Unbalanced,
    /// The acquirer's batch number makes no sense.
    BatchDisagrees,
    /// The automatic cut, or what may be too old, held back: the clocks disagree, or are far ahead of the open day.
    ClockDisagrees,
    /// A drawer's over or short is above the limit, and its shift was closed without a manager: one must sign. It is booked already.
    DrawerDifference,
    /// A transfer was sent and its bank has not said its last word.
    TransferUnknown,
    /// A refund is not in any statement, and the days in which returned money moves are over.
    ReturnOverdue,
    /// A record could not be built, and the upload went on without it.
    RecordSkipped,
    /// The acquirer refuses a batch's settlement again and again.
    SettlementRefused,
}

/// How a named person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Seen; nothing changes.
    Noted,
    /// The acquirer did it: the payment counts, as a voucher where its day is closed.
    ConfirmedApproved,
    /// The acquirer did not do it.
    ConfirmedDeclined,
    /// Send it again; of a clock: it is right, go on.
    Retry,
    /// Given up 核销.
    WrittenOff,
}

impl Resolution {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Resolution::Noted => "noted",
            Resolution::ConfirmedApproved => "confirmed_approved",
            Resolution::ConfirmedDeclined => "confirmed_declined",
            Resolution::Retry => "retry",
            Resolution::WrittenOff => "written_off",
        }
    }
}
