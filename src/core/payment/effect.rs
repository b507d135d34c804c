//! What a payment does to the day's totals, and in which line of the bridge it lies.

use serde::{Deserialize, Serialize};

use super::Payment;
use crate::core::domain::{BatchNo, BusinessDate, Funder, Kind, Method, Minor, State, TerminalId};
use crate::core::journal::{Column, Effect};
use crate::core::totals::fees::{FeeKey, FeeTally};

/// The line of the bridge in which a counted payment lies: a batch, or one of the places outside every batch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// In this terminal's batch.
    Batch(TerminalId, BatchNo),
    /// Cash: no acquirer will ever see it.
    Cash,
    /// Coupons of which nobody said who bears them, settled elsewhere.
    Coupon,
    /// Stored offline, not yet sent.
    Waiting,
    /// Stored offline and voided before it was sent, with its void.
    VoidedBeforeSending,
    /// Stored offline and refused by the acquirer: a voucher takes it back.
    RefusedOffline,
    /// Coupons that the store bears.
    CouponStore,
    /// Coupons that a platform bears, and pays to the store.
    CouponPlatform,
    /// Transfers whose funds are set aside, and of which it is not known that they were paid.
    TransferSetAside,
    /// Transfers that the bank has paid.
    TransferPaid,
    /// Transfers that came to nothing: a voucher takes them back.
    TransferFailed,
}

impl Slot {
    /// As stored in the typed column: `batch:POS1:000001`, `cash`, …
    #[must_use]
    pub fn as_text(&self) -> String {
        match self {
            Slot::Batch(terminal, batch) => format!("batch:{terminal}:{batch}"),
            Slot::Cash => "cash".into(),
            Slot::Coupon => "coupon".into(),
            Slot::Waiting => "waiting".into(),
            Slot::VoidedBeforeSending => "voided_before_sending".into(),
            Slot::RefusedOffline => "refused_offline".into(),
            Slot::CouponStore => "coupon_store".into(),
            Slot::CouponPlatform => "coupon_platform".into(),
            Slot::TransferSetAside => "transfer_set_aside".into(),
            Slot::TransferPaid => "transfer_paid".into(),
            Slot::TransferFailed => "transfer_failed".into(),
        }
    }
}

/// The column of a kind, in the day's totals and in field 48.
#[must_use]
pub fn column_of(kind: Kind) -> Column {
    match kind {
        Kind::Void | Kind::CompletionVoid | Kind::PreauthVoid => Column::Void,
        Kind::Refund => Column::Refund,
        // What came back of a transfer is a voucher in the open day, with the sign of a sale.
        Kind::Sale | Kind::Completion | Kind::Adjust | Kind::Preauth | Kind::Balance | Kind::TransferReturn => {
            Column::Sale
        }
    }
}

/// Whether a kind counts at all: a pre-authorization and a balance enquiry stand outside the day's totals and field 48.
#[must_use]
pub fn counts(kind: Kind) -> bool {
    !matches!(kind, Kind::Preauth | Kind::PreauthVoid | Kind::Balance)
}

impl Payment {
    /// Its column of the day's totals.
    #[must_use]
    pub fn column(&self) -> Column {
        column_of(self.kind)
    }

    /// The entry that counts it in its own day.
    #[must_use]
    pub fn own_effect(&self) -> Effect {
        self.effect(self.column(), self.amount)
    }

    /// The entry that counts it outside its day's columns: a voucher, signed. Of what was decided after its day was closed, its amount; of an
    /// adjustment, the difference that it makes.
    #[must_use]
    pub fn late_effect(&self) -> Effect {
        self.effect(Column::Voucher, self.signed())
    }

    /// The entry that takes a counted payment back: a negative voucher for a refused stored sale.
    #[must_use]
    pub fn take_back_effect(&self) -> Effect {
        let amount = Minor::ZERO.checked_sub(self.signed()).unwrap_or(Minor::ZERO);
        self.effect(Column::Voucher, amount)
    }

    /// Its amount with the direction of its kind. Amounts are bounded by 12 digits, so negation fits.
    fn signed(&self) -> Minor {
        if let Some(adjusts) = self.adjusts {
            return self.amount.checked_sub(adjusts.from).unwrap_or(Minor::ZERO);
        }
        match self.column() {
            Column::Refund | Column::Void => Minor::ZERO.checked_sub(self.amount).unwrap_or(Minor::ZERO),
            Column::Sale | Column::Voucher => self.amount,
        }
    }

    fn effect(&self, column: Column, amount: Minor) -> Effect {
        Effect {
            column,
            amount,
            payment: self.id,
            cashier: self.cashier.clone(),
            device: self.device.clone(),
            method: self.method,
        }
    }

    /// The line of a day's fee book that it stands in, and what it adds there.
    #[must_use]
    pub fn fee_line(&self) -> Option<(BusinessDate, FeeKey, FeeTally)> {
        let class = self.class.as_ref()?;
        let day = if self.counted { self.date } else { self.voucher_date? };
        Some((day, FeeKey::of(self.slot(), class), FeeTally::of(self.signed(), class)))
    }

    /// What takes its line of the fee book back, in the day on which it was refused.
    #[must_use]
    pub fn fee_taken_back(&self) -> Option<(FeeKey, FeeTally)> {
        let class = self.class.as_ref()?;
        let gross = Minor(self.signed().0.saturating_neg());
        Some((FeeKey::of(None, class), FeeTally::of(gross, class)))
    }

    /// The line of the bridge it lies in, while it is counted in its own day.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        if !self.counted {
            return None;
        }
        Some(match (self.method, self.state, self.batch) {
            (Method::Cash, ..) => Slot::Cash,
            (Method::Voucher, ..) => match self.coupon.as_ref().map(|coupon| coupon.funder) {
                None => Slot::Coupon,
                Some(Funder::Store) => Slot::CouponStore,
                Some(Funder::Platform) => Slot::CouponPlatform,
            },
            (Method::Transfer, State::Approved, _) => Slot::TransferPaid,
            (Method::Transfer, State::Rejected, _) => Slot::TransferFailed,
            (Method::Transfer, ..) => Slot::TransferSetAside,
            (_, State::Rejected, _) => Slot::RefusedOffline,
            (_, _, Some(batch)) => Slot::Batch(self.device.clone(), batch),
            (_, State::Stored, None) if self.voided_by.is_some() => Slot::VoidedBeforeSending,
            (_, State::Stored | State::SetAside, None) => Slot::Waiting,
            (_, _, None) => Slot::VoidedBeforeSending,
        })
    }
}
