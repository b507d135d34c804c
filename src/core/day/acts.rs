//! What people did on a day that is no payment of its own, and that whoever answers for the money wants to see one by one: drawers opened
//! without a sale, what a manager let pass, what was printed again.

use serde::{Deserialize, Serialize};

use crate::core::domain::{CashierId, Minor, PaymentId, Seq, TerminalId, WallMs};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Its journal row.
    pub seq: Seq,
    /// When the wall clock said it was.
    pub at: WallMs,
    /// Who did it; nobody where POS software asked.
    pub by: Option<CashierId>,
    /// What.
    pub what: ActKind,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActKind {
    /// A drawer was opened without a payment.
    DrawerOpened {
        /// At which device.
        device: TerminalId,
    },
    /// A manager approved a payment.
    Approved {
        /// Which.
        payment: PaymentId,
        /// Whose.
        cashier: CashierId,
        /// Where.
        device: TerminalId,
        /// How much.
        amount: Minor,
    },
    /// A manager counted or closed somebody else's shift.
    ShiftClosed {
        /// Whose.
        cashier: CashierId,
        /// Counted − expected over its drawers.
        amount: Minor,
    },
    /// An exception was decided.
    Resolved {
        /// Its number.
        exception: u32,
        /// How.
        how: String,
        /// About which payment.
        payment: Option<PaymentId>,
    },
    /// Something was printed again.
    Printed {
        /// What, as the journal has it.
        what: String,
        /// How often now.
        times: u32,
    },
}
