//! What the schedule looks for among the living payments, kept beside them so that it need not search.

use std::collections::BTreeSet;

use crate::core::domain::{Method, PaymentId, State, TerminalId};
use crate::core::payment::Payment;

/// Payments by what is to be done about them, each under its terminal and in the order of their birth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// Online, not yet sent.
    pub waiting: BTreeSet<(TerminalId, PaymentId)>,
    /// Offline, to be forwarded.
    pub stored: BTreeSet<(TerminalId, PaymentId)>,
    /// Offline, stands aside.
    pub aside: BTreeSet<(TerminalId, PaymentId)>,
    /// A reversal is owed.
    pub reversals: BTreeSet<(TerminalId, PaymentId)>,
    /// Unknown, whatever is being done about it.
    pub unknown: BTreeSet<(TerminalId, PaymentId)>,
    /// Unknown, and may be sent again where the acquirer recognizes repeats.
    pub repeats: BTreeSet<(TerminalId, PaymentId)>,
}

impl Index {
    /// Of all these payments.
    pub fn of<'a>(payments: impl Iterator<Item = &'a Payment>) -> Index {
        let mut index = Index::default();
        for payment in payments {
            index.update(payment);
        }
        index
    }

    /// Puts a payment where it belongs now.
    pub fn update(&mut self, payment: &Payment) {
        let key = (payment.device.clone(), payment.id);
        let mut put = |set: fn(&mut Index) -> &mut BTreeSet<(TerminalId, PaymentId)>, belongs: bool| {
            if belongs {
                set(self).insert(key.clone());
            } else {
                set(self).remove(&key);
            }
        };
        // A transfer order waits for a person, not for a line.
        put(|i| &mut i.waiting, payment.state == State::Waiting && payment.method != Method::Transfer);
        put(|i| &mut i.stored, payment.state == State::Stored && payment.voided_by.is_none());
        put(|i| &mut i.aside, payment.state == State::SetAside && payment.voided_by.is_none());
        put(|i| &mut i.reversals, payment.reversal_owed());
        put(|i| &mut i.unknown, payment.state == State::Unknown);
        put(|i| &mut i.repeats, payment.repeatable());
    }

    /// The first of a terminal.
    #[must_use]
    pub fn first(set: &BTreeSet<(TerminalId, PaymentId)>, terminal: &TerminalId) -> Option<PaymentId> {
        Index::of_terminal(set, terminal).next()
    }

    /// All of a terminal, in order.
    pub fn of_terminal<'a>(
        set: &'a BTreeSet<(TerminalId, PaymentId)>,
        terminal: &'a TerminalId,
    ) -> impl Iterator<Item = PaymentId> + 'a {
        set.range((terminal.clone(), PaymentId(0))..).take_while(move |(t, _)| t == terminal).map(|(_, id)| *id)
    }
}
