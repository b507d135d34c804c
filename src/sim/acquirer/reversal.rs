//! Reversals: each undoes exactly its original, once, or nothing.

use super::books::{Entry, Status};
use super::dialect::reversed_kind;
use super::faults::Fault;
use super::host::{Host, Request};
use super::judge::Rule;

impl Host {
    pub(super) fn reversal(&mut self, request: &Request, fault: Option<Fault>) {
        if self.books.terminal(&request.key.tid).is_some_and(|t| t.settling.is_some()) {
            self.find(&request.key, Rule::FinancialInSettlement, "a reversal after 0500 and before the end");
        }
        let (code, undone) = match &fault {
            Some(Fault::Refuse(code)) => (code.clone(), false),
            _ => self.decide_reversal(request),
        };
        let answered = self.is_lost(fault.as_ref(), true).is_none();
        self.book(Entry::Reversed { key: request.key.clone(), code: code.clone(), undone, answered });
        let said = match &fault {
            Some(Fault::OddCode(odd)) => odd.clone(),
            _ => code,
        };
        self.reply_code(request, &said, fault);
    }

    /// The code, and whether an effect is undone: exactly the original's, or none.
    fn decide_reversal(&mut self, request: &Request) -> (String, bool) {
        let Some(original) = self.books.payment(&request.key).cloned() else {
            let known_message = reversed_kind(&request.message).is_some();
            if !known_message {
                self.find(&request.key, Rule::NotReversible, "0400 with the fields of nothing that may be reversed");
            }
            return (self.config.scenario.reversal_without_original.clone(), false);
        };
        if !original.kind.is_reversible() {
            self.find(&request.key, Rule::NotReversible, format!("a {:?} is never reversed", original.kind));
            return ("12".to_owned(), false);
        }
        let same_kind = reversed_kind(&request.message) == Some(original.kind);
        if !same_kind || request.amount() != Some(original.amount) {
            let what = format!("its original is a {:?} of {}", original.kind, original.amount);
            self.find(&request.key, Rule::ReversalDiffers, what);
            return ("64".to_owned(), false);
        }
        match original.status {
            Status::Reversed => ("00".to_owned(), false),
            Status::Declined => (self.config.scenario.reversal_without_original.clone(), false),
            Status::Approved if original.taken_by.is_some() || original.refunded > 0 => ("12".to_owned(), false),
            Status::Approved => ("00".to_owned(), true),
        }
    }
}
