//! From a durable "about to be sent" to the order that a lane gets: the payment's facts, and its card from memory or from its
//! sealed row. Track data and PIN block live here between the request and its first sending, and nowhere else.

use std::collections::BTreeMap;

use super::decide_lane::message_name;
use super::{Ledger, Rules};
use zeroize::Zeroizing;

use crate::core::acquirer::{
    ChipCard, ChipUpload, Instrument, Order, OriginalRef, Outgoing, PaymentMessage, UploadRow,
};
use crate::core::domain::{Entry, Method, Pan, PaymentCode, PaymentId, Seq, Stan, State};
use crate::core::journal::{Errand, Event, Original, Subject};
use crate::core::payment::Payment;
use crate::core::ports::{Archive, KeptCard, Presented, Sealer, StoreError};

/// What was presented for payments that are not sent yet.
#[derive(Debug, Default)]
pub struct Secrets {
    kept: BTreeMap<PaymentId, Presented>,
    /// Given out or dropped in a step that is not durable yet.
    spent: Vec<(PaymentId, Presented)>,
}

impl Secrets {
    /// Keeps it until the payment is sent or taken back.
    pub fn keep(&mut self, id: PaymentId, presented: Presented) {
        self.kept.insert(id, presented);
    }

    /// It is needed no more: wiped with the step's commit.
    pub fn drop_for(&mut self, id: PaymentId) {
        self.spent.extend(self.kept.remove(&id).map(|presented| (id, presented)));
    }

    /// The step is durable: what it gave out is wiped here.
    pub fn committed(&mut self) {
        self.spent.clear();
    }

    /// The step is not durable: what it gave out is needed again, and the payments after `head` never were.
    pub fn rolled_back(&mut self, head: Seq) {
        self.kept.extend(self.spent.drain(..));
        self.kept.retain(|id, _| id.0 <= head.0);
    }

    fn take(&mut self, id: PaymentId) -> Option<Presented> {
        let presented = self.kept.remove(&id)?;
        self.spent.push((id, presented.clone()));
        Some(presented)
    }
}

/// What an order is made from.
pub(super) struct OrderSources<'a> {
    pub ledger: &'a Ledger,
    pub rules: &'a Rules,
    pub archive: &'a dyn Archive,
    pub sealer: &'a dyn Sealer,
}

impl OrderSources<'_> {
    /// The order of a `Sending` event.
    pub fn order(&self, event: &Event, secrets: &mut Secrets) -> Result<Option<Order>, StoreError> {
        if let Event::Errand { stan, batch, errand, .. } = event {
            return Ok(self.errand(errand)?.map(|message| Order { stan: *stan, batch: *batch, message }));
        }
        let Event::Sending { terminal, stan, batch, subject } = event else { return Ok(None) };
        let message = match subject {
            Subject::SignOn => Some(Outgoing::SignOn),
            Subject::Settle(totals) => Some(Outgoing::Settle(*totals)),
            Subject::End { balanced, records } => {
                let terminal = Some(terminal).and_then(|id| self.ledger.terminals.get(id));
                let totals = terminal.and_then(|t| t.batch.asked.as_ref()).map(|(_, totals)| *totals);
                let totals = totals.unwrap_or_default();
                Some(Outgoing::End { balanced: *balanced, records: *records, totals })
            }
            Subject::Payment(id) => {
                let presented = secrets.take(*id);
                self.payment(*id)?.map(|p| self.message(&p, false, presented)).transpose()?.flatten().map(boxed)
            }
            Subject::Advice(id) => {
                self.payment(*id)?.map(|p| self.message(&p, true, None)).transpose()?.flatten().map(boxed)
            }
            Subject::Reversal(id) => match self.payment(*id)? {
                Some(p) => {
                    let reason = p.reversal.as_ref().map(|r| r.reason);
                    let message = self.message(&p, false, None)?;
                    reason.zip(message).map(|(reason, message)| Outgoing::Reversal(Box::new(message), reason))
                }
                None => None,
            },
            Subject::UploadOne(id) => match self.payment(*id)? {
                Some(p) => self.message(&p, p.stored_at.is_some(), None)?.map(Box::new).map(|message| {
                    let chip = matches!(message.instrument, Some(Instrument::Chip(_)));
                    if !(chip && self.rules.channel.upload.chip_record(message.name)) {
                        return Outgoing::UploadOne(message);
                    }
                    let verdicts = self.ledger.terminals.get(terminal).and_then(|t| t.batch.verdicts);
                    let failed = matches!(p.state, State::Declined | State::Reversed);
                    Outgoing::UploadChip(
                        message,
                        ChipUpload { balanced: verdicts.is_some_and(|v| v.balanced()), failed },
                    )
                }),
                None => None,
            },
            Subject::Upload(ids) => Some(Outgoing::Upload(self.upload_rows(ids)?)),
        };
        Ok(message.map(|message| Order { stan: *stan, batch: *batch, message }))
    }

    fn errand(&self, errand: &Errand) -> Result<Option<Outgoing>, StoreError> {
        let Errand::Query(id) = errand else { return Ok(Some(Outgoing::SignOff)) };
        let Some(payment) = self.payment(*id)? else { return Ok(None) };
        let message = self.message(&payment, false, None)?;
        // What is asked about stands where an original does.
        Ok(message
            .map(|message| Outgoing::Query(Box::new(PaymentMessage { original: original_ref(&payment), ..message }))))
    }

    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        match self.ledger.payments.get(&id) {
            Some(payment) => Ok(Some(payment.clone())),
            None => self.archive.payment(id),
        }
    }

    fn message(
        &self,
        payment: &Payment,
        offline: bool,
        presented: Option<Presented>,
    ) -> Result<Option<PaymentMessage>, StoreError> {
        let Some(name) = message_name(payment, offline) else { return Ok(None) };
        let original = match &payment.original {
            Some(Original::Payment(id)) => self.payment(*id)?,
            _ => None,
        };
        let (instrument, pin_block) = match presented {
            Some(presented) => (Some(presented.instrument), presented.pin_block),
            None => (self.sealed(payment, original.as_ref())?, None),
        };
        Ok(Some(PaymentMessage {
            name,
            amount: payment.amount,
            currency: self.rules.currency,
            entry: payment.entry.unwrap_or(Entry::Manual),
            instrument,
            pin_block,
            with_pin: payment.pin,
            original: match &payment.original {
                Some(Original::Foreign { rrn, date, .. }) => Some(foreign_original(rrn, &date.to_string())),
                _ => original.as_ref().and_then(original_ref),
            },
            approval_code: if offline { None } else { payment.approval_code.clone() },
        }))
    }

    /// The card of a payment, or of the one it refers to, or of that one's own (the void of a completion: its pre-authorization). One that
    /// does not open is as good as none: the message cannot be built and says so, while everything else goes on.
    fn sealed(&self, payment: &Payment, original: Option<&Payment>) -> Result<Option<Instrument>, StoreError> {
        let first = match original.and_then(|original| original.original.as_ref()) {
            Some(Original::Payment(id)) => self.payment(*id)?,
            _ => None,
        };
        for owner in [Some(payment), original, first.as_ref()].into_iter().flatten() {
            if let Some(sealed) = self.archive.sealed_card(owner.id)? {
                let Ok(KeptCard { number, expiry, chip }) = self.sealer.open_card(owner.id, &sealed) else {
                    return Ok(None);
                };
                let expiry = Some(expiry.to_string()).filter(|e| !e.is_empty());
                return Ok(Some(match (owner.method, chip) {
                    (Method::Qr, _) => Instrument::Code(PaymentCode::new(number.expose().to_owned())),
                    // The objects are of that payment alone: another one of the same card has its own, or none.
                    (_, Some((sequence, data))) if owner.id == payment.id => {
                        let sequence = Some(sequence).filter(|s| !s.is_empty());
                        Instrument::Chip(Box::new(ChipCard { pan: number, expiry, sequence, track2: None, data }))
                    }
                    _ => Instrument::Card { pan: number, expiry },
                }));
            }
        }
        Ok(None)
    }

    /// Whether a record of it would show the card that it was paid with. A scanned code has none.
    pub fn has_card(&self, id: PaymentId) -> Result<bool, StoreError> {
        let Some(payment) = self.payment(id)? else { return Ok(true) };
        if payment.method == Method::Qr {
            return Ok(true);
        }
        let original = match &payment.original {
            Some(Original::Payment(id)) => self.payment(*id)?,
            _ => None,
        };
        Ok(self.sealed(&payment, original.as_ref())?.is_some())
    }

    fn upload_rows(&self, ids: &[PaymentId]) -> Result<Vec<UploadRow>, StoreError> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(payment) = self.payment(*id)? else { continue };
            let original = match &payment.original {
                Some(Original::Payment(id)) => self.payment(*id)?,
                _ => None,
            };
            let pan = match self.sealed(&payment, original.as_ref())? {
                Some(Instrument::Card { pan, .. }) => Some(pan),
                Some(Instrument::Chip(card)) => Some(card.pan),
                _ => None,
            };
            rows.push(UploadRow {
                foreign: self.rules.channel.is_of_foreign_half(&payment),
                stan: payment.stan.unwrap_or(Stan(0)),
                pan,
                amount: payment.amount,
            });
        }
        Ok(rows)
    }
}

fn boxed(message: PaymentMessage) -> Outgoing {
    Outgoing::Payment(Box::new(message))
}

/// What field 61 says of an original; one that was never sent has nothing to say.
fn original_ref(original: &Payment) -> Option<OriginalRef> {
    Some(OriginalRef {
        batch: original.batch?,
        stan: original.stan?,
        date: original.host_date.clone(),
        rrn: original.rrn.clone(),
        approval_code: original.approval_code.clone(),
        organisation: original.organisation.clone(),
    })
}

/// A sale from before this journal is known by its RRN and date alone: batch and STAN are sent as zeros.
fn foreign_original(rrn: &str, date: &str) -> OriginalRef {
    OriginalRef {
        batch: crate::core::domain::BatchNo(0),
        stan: Stan(0),
        date: Some(date.replace('-', "").get(4..8).unwrap_or("0000").to_owned()),
        rrn: Some(rrn.to_owned()),
        approval_code: None,
        organisation: None,
    }
}

/// What of a presented card or code must be kept, sealed, while a message may still need it.
pub(super) fn to_seal(instrument: &Instrument) -> Option<KeptCard> {
    let kept = |number: Pan, expiry: &str| KeptCard { number, expiry: Zeroizing::new(expiry.to_owned()), chip: None };
    Some(match instrument {
        Instrument::Track2(track) => kept(track.pan()?, track.expiry().unwrap_or("")),
        Instrument::Card { pan, expiry } => kept(pan.clone(), expiry.as_deref().unwrap_or("")),
        Instrument::Code(code) => kept(Pan::new(code.expose().to_owned()), ""),
        Instrument::Chip(card) => KeptCard {
            chip: Some((card.sequence.clone().unwrap_or_default(), card.data.clone())),
            ..kept(card.pan.clone(), card.expiry.as_deref().unwrap_or(""))
        },
    })
}
