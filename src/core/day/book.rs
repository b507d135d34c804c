//! A business day's book: its totals and what its report lists one by one.

use serde::{Deserialize, Serialize};

use super::{Act, ClosedShift, Shift};
use crate::core::domain::{BusinessDate, Minor, PaymentId, Seq, WallMs, ZNumber};
use crate::core::journal::{Column, Link, Tally};
use crate::core::totals::DayTotals;
use crate::core::totals::fees::FeeBook;

/// A day that is open, or cut and not yet finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayBook {
    /// Which day.
    pub date: BusinessDate,
    /// Its number.
    pub z: ZNumber,
    /// Its first row.
    pub first: Seq,
    /// The cut, once it is cut: last row and its link.
    pub cut: Option<(Seq, Link)>,
    /// The signature of its root.
    pub signature: Option<Vec<u8>>,
    /// The store's net since its first day, without this day.
    pub grand_total_before: Minor,
    /// Its tables.
    pub totals: DayTotals,
    /// Offline sales stored on it.
    pub stored: u64,
    /// Of these, forwarded.
    pub forwarded: u64,
    /// Of these, refused.
    pub rejected: u64,
    /// Of these, voided before they were sent.
    pub voided_waiting: u64,
    /// Reversed payments of it.
    pub reversed: Tally,
    /// Its refunds and voids.
    pub returns: Vec<Return>,
    /// Its vouchers.
    pub vouchers: Vec<Voucher>,
    /// Cases that were resolved on it.
    pub resolved_cases: Vec<crate::core::domain::CaseNo>,
    /// Shifts that were closed on it.
    pub closed_shifts: Vec<ClosedShift>,
    /// Shifts that were open at its cut: carried, not counted 未盘.
    pub carried: Vec<Shift>,
    /// When the wall clock said that it was cut.
    pub cut_at: Option<WallMs>,
    /// Payments of it that were reversed.
    pub reversals: Vec<PaymentId>,
    /// What people did that is no payment of its own.
    pub acts: Vec<Act>,
    /// Its expected fees.
    pub fees: FeeBook,
}

/// A refund or void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The payment.
    pub payment: PaymentId,
    /// Refund or void.
    pub column: Column,
}

/// A correction that refers to another day's payment, or to a refused stored sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// The payment it refers to.
    pub payment: PaymentId,
    /// That payment's day.
    pub date: BusinessDate,
    /// Signed.
    pub amount: Minor,
    /// Why.
    pub why: VoucherReason,
    /// Who answers for it.
    pub cashier: crate::core::domain::CashierId,
    /// Where.
    pub device: crate::core::domain::TerminalId,
    /// The case that it comes from.
    pub case: Option<crate::core::domain::CaseNo>,
}

/// Why there is a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoucherReason {
    /// The payment was decided after its day was closed.
    LateAnswer,
    /// A stored sale was refused by the acquirer.
    OfflineRejected,
    /// A sale's amount was adjusted: the difference.
    Adjusted,
    /// A case was resolved, or opened again.
    Case,
    /// A transfer whose funds were set aside came to nothing.
    TransferFailed,
    /// Money of a transfer that had succeeded came back.
    TransferReturned,
}

impl VoucherReason {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            VoucherReason::LateAnswer => "late_answer",
            VoucherReason::OfflineRejected => "offline_rejected",
            VoucherReason::Adjusted => "adjusted",
            VoucherReason::Case => "case",
            VoucherReason::TransferFailed => "transfer_failed",
            VoucherReason::TransferReturned => "transfer_returned",
        }
    }
}

impl DayBook {
    /// An empty day.
    #[must_use]
    pub fn new(date: BusinessDate, z: ZNumber, first: Seq, grand_total_before: Minor) -> DayBook {
        DayBook {
            date,
            z,
            first,
            cut: None,
            signature: None,
            grand_total_before,
            totals: DayTotals::default(),
            stored: 0,
            forwarded: 0,
            rejected: 0,
            voided_waiting: 0,
            reversed: Tally::default(),
            returns: Vec::new(),
            vouchers: Vec::new(),
            resolved_cases: Vec::new(),
            closed_shifts: Vec::new(),
            carried: Vec::new(),
            cut_at: None,
            reversals: Vec::new(),
            acts: Vec::new(),
            fees: FeeBook::default(),
        }
    }

    /// Nothing was sold, given back, counted or corrected on it.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.totals == DayTotals::default() && self.stored == 0 && self.closed_shifts.is_empty()
    }

    /// Net since the store's first day, this day included.
    #[must_use]
    pub fn grand_total(&self) -> Minor {
        let net = self.totals.all.net().unwrap_or_default();
        self.grand_total_before.checked_add(net).unwrap_or(self.grand_total_before)
    }
}
