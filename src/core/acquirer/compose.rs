//! From an order to the bytes of its frame, by the profile's message table. Knows no connection; card data pass through and are not kept.

use std::collections::BTreeMap;

use thiserror::Error;

use super::iso8583::bcd::unhex;
use super::iso8583::{Content, EncodeError, Frame, Length, Message, Mti};
use super::profile::{MessageRow, NeededInstrument, Profile, Row, Template, Value};
use super::{
    HostHalf, HostTotals, Instrument, MessageName, Order, Outgoing, PaymentMessage, ReversalReason, UploadRow,
};
use crate::core::domain::{BatchNo, Currency, Entry, Mid, Minor, Stan, Tid, Track2};
use crate::core::ports::{KeyError, TerminalKeys};

/// Who a terminal is to its acquirer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneIdentity {
    /// Field 41.
    pub tid: Tid,
    /// Field 42.
    pub mid: Mid,
    /// As many bytes as the profile says.
    pub tpdu: Vec<u8>,
    /// As many bytes as the profile says.
    pub header: Vec<u8>,
    /// Field 62 of the sign-on; at most 99 characters.
    pub serial_number: String,
    /// Field 63 of management messages: three characters (`01 `).
    pub operator: String,
    /// Field 49 of the settlement.
    pub currency: Currency,
}

/// Why a message cannot be built. None of it is a matter of the line.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ComposeError {
    /// The profile has no such message.
    #[error("the profile has no message {0:?}")]
    NotSupported(Row),
    /// The profile does not undo this message.
    #[error("the profile reverses no {0:?}")]
    NotReversible(MessageName),
    /// A value that the message needs is not there.
    #[error("the {message:?} needs {}", value.as_str())]
    Missing {
        /// Which message.
        message: Row,
        /// Which value.
        value: Value,
    },
    /// A value that does not fit, before any field is looked at.
    #[error("{0}")]
    Value(&'static str),
    /// A field's content does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The MAC could not be computed.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// What a message was for; its answer is judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Its answer brings work keys.
    SignOn,
    /// Its answer brings a verdict.
    Settle,
    /// A payment, online.
    Payment,
    /// A payment that was made; "duplicate" is as good as "approved".
    Advice,
    /// Ended by the profile's list of codes.
    Reversal,
    /// Anything else: done where approved.
    Management,
}

/// What an answer is held against. No card data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What the message was for.
    pub purpose: Purpose,
    /// Its type.
    pub mti: Mti,
    /// Field 11; `None` in an echo.
    pub stan: Option<Stan>,
    /// Field 3.
    pub processing: Option<String>,
    /// Field 4.
    pub amount: Option<String>,
    /// Field 41, as sent.
    pub tid: Option<String>,
    /// Field 42, as sent.
    pub mid: Option<String>,
    /// Whether it carried a MAC.
    pub mac: bool,
}

/// A message ready for the line.
#[derive(Clone)]
pub struct Composed {
    /// Length, TPDU, header, message.
    pub wire: Vec<u8>,
    /// What its answer is held against.
    pub pending: Pending,
}

impl std::fmt::Debug for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composed").field("bytes", &self.wire.len()).field("pending", &self.pending).finish()
    }
}

/// Builds the frame of an order.
pub fn compose(
    profile: &Profile,
    identity: &LaneIdentity,
    order: &Order,
    keys: &mut dyn TerminalKeys,
) -> Result<Composed, ComposeError> {
    let plan = Plan::of(profile, order)?;
    let source = Source { profile, identity, order, row: plan.row, key_len: keys.master_key_len() };
    source.check()?;
    let mut message = Message::new(plan.mti);
    for (field, template) in &plan.fields {
        match template.fill(|value| source.value(value)) {
            Ok(Some(content)) => set(profile, &mut message, *field, content),
            Ok(None) => {}
            // a reversal says what it can: better one without field 59 than none
            Err(_) if plan.lenient => {}
            Err(value) => return Err(ComposeError::Missing { message: plan.name, value }),
        }
    }
    finish(profile, identity, message, plan.purpose, plan.mac, keys)
}

/// Builds a keep-alive message; the profile may have none.
pub fn compose_echo(
    profile: &Profile,
    identity: &LaneIdentity,
    batch: BatchNo,
    keys: &mut dyn TerminalKeys,
) -> Result<Composed, ComposeError> {
    let row = profile.messages.get(&Row::Echo).ok_or(ComposeError::NotSupported(Row::Echo))?;
    let order = Order { stan: Stan(0), batch, message: Outgoing::SignOff };
    let source = Source { profile, identity, order: &order, row: None, key_len: keys.master_key_len() };
    let mut message = Message::new(row.mti);
    for (field, template) in row.fields.iter().filter(|(field, _)| **field != 11) {
        let content = template.fill(|value| source.value(value));
        if let Some(content) = content.map_err(|value| ComposeError::Missing { message: Row::Echo, value })? {
            set(profile, &mut message, *field, content);
        }
    }
    finish(profile, identity, message, Purpose::Management, row.mac, keys)
}

/// Fixed text is filled with blanks behind (a TID of seven characters).
fn set(profile: &Profile, message: &mut Message, field: u8, mut content: Vec<u8>) {
    if let Some(format) = profile.spec.format(field)
        && let (Content::Text, Length::Fixed(length)) = (format.content, format.length)
        && content.len() < usize::from(length)
    {
        content.resize(usize::from(length), b' ');
    }
    message.set_bytes(field, &content);
}

fn finish(
    profile: &Profile,
    identity: &LaneIdentity,
    mut message: Message,
    purpose: Purpose,
    mac: bool,
    keys: &mut dyn TerminalKeys,
) -> Result<Composed, ComposeError> {
    if mac {
        message.set_bytes(64, &[0; 8]);
    }
    let mut body = profile.spec.encode(&message)?;
    if mac {
        let covered = body.len() - 8;
        let mac = keys.mac(profile.mac.method, &body[..covered])?;
        body[covered..].copy_from_slice(&mac);
    }
    let text = |field| message.text(field).map(str::to_owned);
    let pending = Pending {
        purpose,
        mti: message.mti(),
        stan: text(11).and_then(|stan| stan.parse().ok()).map(Stan),
        processing: text(3),
        amount: text(4),
        tid: text(41),
        mid: text(42),
        mac,
    };
    if identity.tpdu.len() != profile.frame.tpdu || identity.header.len() != profile.frame.header {
        return Err(ComposeError::Value("TPDU or header is not as long as the profile says"));
    }
    let frame = Frame { tpdu: identity.tpdu.clone(), header: identity.header.clone(), body };
    let wire = frame.to_bytes().filter(|wire| wire.len() - 2 <= profile.frame.max);
    Ok(Composed { wire: wire.ok_or(ComposeError::Value("the frame is longer than the profile allows"))?, pending })
}

/// Which row, which fields of it, and how.
struct Plan<'a> {
    name: Row,
    row: Option<&'a MessageRow>,
    mti: Mti,
    fields: BTreeMap<u8, &'a Template>,
    purpose: Purpose,
    mac: bool,
    lenient: bool,
}

impl<'a> Plan<'a> {
    fn of(profile: &'a Profile, order: &Order) -> Result<Plan<'a>, ComposeError> {
        match &order.message {
            Outgoing::SignOn => Plan::row(profile, Row::SignOn, Purpose::SignOn),
            Outgoing::SignOff => Plan::row(profile, Row::SignOff, Purpose::Management),
            Outgoing::Query(_) => Plan::row(profile, Row::Query, Purpose::Management),
            Outgoing::Settle(_) => Plan::row(profile, Row::Settle, Purpose::Settle),
            Outgoing::Upload(_) => Plan::row(profile, Row::Upload, Purpose::Management),
            Outgoing::End { balanced: true, .. } => Plan::row(profile, Row::EndBalanced, Purpose::Management),
            Outgoing::End { balanced: false, .. } => Plan::row(profile, Row::EndUnbalanced, Purpose::Management),
            Outgoing::Payment(payment) => {
                let mut plan = Plan::payment(profile, payment)?;
                if plan.row.is_some_and(|row| row.advice) {
                    plan.purpose = Purpose::Advice;
                }
                Ok(plan)
            }
            Outgoing::UploadOne(payment) => Plan::payment(profile, payment).map(|plan| plan.uploaded(profile)),
            Outgoing::UploadChip(_, which) => Plan::row(profile, Row::UploadChip(*which), Purpose::Management),
            Outgoing::Reversal(payment, _) => Plan::payment(profile, payment)?.reversed(profile, payment),
        }
    }

    fn row(profile: &'a Profile, name: Row, purpose: Purpose) -> Result<Plan<'a>, ComposeError> {
        let row = profile.messages.get(&name).ok_or(ComposeError::NotSupported(name))?;
        let fields = row.fields.iter().map(|(field, template)| (*field, template)).collect();
        Ok(Plan { name, row: Some(row), mti: row.mti, fields, purpose, mac: row.mac, lenient: false })
    }

    fn payment(profile: &'a Profile, payment: &PaymentMessage) -> Result<Plan<'a>, ComposeError> {
        let plan = Plan::row(profile, Row::Payment(payment.name), Purpose::Payment)?;
        let needed = plan.row.map_or(NeededInstrument::None, |row| row.instrument);
        match (needed, &payment.instrument) {
            (NeededInstrument::Card, Some(Instrument::Code(_)))
            | (NeededInstrument::Code, Some(Instrument::Track2(_) | Instrument::Card { .. } | Instrument::Chip(_))) => {
                Err(ComposeError::NotSupported(plan.name))
            }
            _ => Ok(plan),
        }
    }

    fn uploaded(mut self, profile: &'a Profile) -> Plan<'a> {
        self.fields.retain(|field, _| !profile.upload.drop.contains(field));
        self.fields.extend(profile.upload.fields.iter().map(|(field, template)| (*field, template)));
        self.purpose = Purpose::Management;
        (self.mti, self.mac) = (profile.upload.single_mti, profile.upload.single_mac);
        self
    }

    /// The payment again: as it was sent, less what died with the authorization, with a reason.
    fn reversed(mut self, profile: &'a Profile, payment: &PaymentMessage) -> Result<Plan<'a>, ComposeError> {
        let row = self.row.filter(|row| row.reversible).ok_or(ComposeError::NotReversible(payment.name))?;
        let rules = &profile.reversal;
        self.fields.retain(|field, _| *field != 61 && !rules.drop.contains(field));
        if !rules.card_for.contains(&said_entry(row, payment)) {
            self.fields.retain(|field, _| *field != 2 && *field != 14);
        }
        self.fields.extend(row.reversal_61.as_ref().map(|template| (61, template)));
        // a row's own 38 (the original's) yields only to a known one
        for (field, template) in &rules.fields {
            if *field != 38 || payment.approval_code.is_some() {
                self.fields.insert(*field, template);
            }
        }
        self.purpose = Purpose::Reversal;
        self.mti = rules.mti;
        self.lenient = true;
        Ok(self)
    }
}

/// How the card is said to have been read: what goes out from its sealed number has no stripe behind it.
fn said_entry(row: &MessageRow, payment: &PaymentMessage) -> Entry {
    let sealed = matches!(payment.instrument, Some(Instrument::Card { .. }));
    if row.sealed_as_keyed && sealed && payment.entry == Entry::Magstripe { Entry::Manual } else { payment.entry }
}

/// Where the values of templates come from.
struct Source<'a> {
    profile: &'a Profile,
    identity: &'a LaneIdentity,
    order: &'a Order,
    row: Option<&'a MessageRow>,
    key_len: usize,
}

impl Source<'_> {
    /// What has a bound that no field's format would show.
    fn check(&self) -> Result<(), ComposeError> {
        let iso = |amount: Minor| (Minor::ZERO..=Minor::MAX_ISO).contains(&amount);
        let fits = match &self.order.message {
            Outgoing::Settle(totals) => [totals.domestic, totals.foreign]
                .iter()
                .all(|half| iso(half.debit) && iso(half.credit) && half.debit_count <= 999 && half.credit_count <= 999),
            Outgoing::Upload(rows) => {
                let card_fits =
                    |row: &UploadRow| row.pan.as_ref().is_none_or(|pan| (12..=19).contains(&pan.expose().len()));
                (1..=self.profile.upload.rows_per_message).contains(&rows.len())
                    && rows.iter().all(|row| iso(row.amount) && card_fits(row))
            }
            Outgoing::Query(payment) => iso(payment.amount),
            Outgoing::Payment(payment)
            | Outgoing::UploadOne(payment)
            | Outgoing::UploadChip(payment, _)
            | Outgoing::Reversal(payment, _) => {
                iso(payment.amount)
                    && (payment.with_pin || payment.pin_block.is_none())
                    && (payment.instrument.is_some()
                        || self.row.is_none_or(|row| row.instrument == NeededInstrument::None)
                        || self.is_reversal())
            }
            Outgoing::End { records, .. } => *records <= 9999,
            Outgoing::SignOn => self.identity.serial_number.len() <= 99,
            Outgoing::SignOff => true,
        };
        if fits {
            Ok(())
        } else {
            Err(ComposeError::Value(
                "an amount, a count, the number of rows, or the lack of a card does not fit the message",
            ))
        }
    }

    fn is_reversal(&self) -> bool {
        matches!(self.order.message, Outgoing::Reversal(..))
    }

    fn payment(&self) -> Option<(&PaymentMessage, Option<ReversalReason>)> {
        match &self.order.message {
            Outgoing::Query(payment)
            | Outgoing::Payment(payment)
            | Outgoing::UploadOne(payment)
            | Outgoing::UploadChip(payment, _) => Some((payment, None)),
            Outgoing::Reversal(payment, reason) => Some((payment, Some(*reason))),
            _ => None,
        }
    }

    fn value(&self, value: Value) -> Option<Vec<u8>> {
        match value {
            Value::Pin => self.payment()?.0.pin_block.as_ref().and_then(|pin| unhex(pin.expose())),
            Value::Chip => match self.payment()?.0.instrument.as_ref()? {
                Instrument::Chip(card) => Some(card.data.expose().to_vec()).filter(|data| !data.is_empty()),
                _ => None,
            },
            _ => self
                .common(value)
                .or_else(|| self.of_payment(value))
                .or_else(|| self.of_totals(value))
                .map(String::into_bytes),
        }
    }

    fn common(&self, value: Value) -> Option<String> {
        let identity = self.identity;
        Some(match value {
            Value::Stan => self.order.stan.to_string(),
            Value::Batch => self.order.batch.to_string(),
            Value::Tid => identity.tid.to_string(),
            Value::Mid => identity.mid.to_string(),
            Value::Serial => identity.serial_number.clone(),
            Value::Nii => {
                let digits: String = identity.tpdu.iter().map(|byte| format!("{byte:02x}")).collect();
                digits.get(3..6)?.to_owned()
            }
            Value::SerialLength => format!("{:02}", identity.serial_number.len()),
            Value::Operator => identity.operator.clone(),
            Value::KeyForm if self.key_len <= 8 => self.profile.sign_on.single.clone(),
            Value::KeyForm => self.profile.sign_on.double.clone(),
            Value::Currency => {
                let currency = self.payment().map_or(identity.currency, |(payment, _)| payment.currency);
                format!("{:03}", currency.numeric())
            }
            _ => return None,
        })
    }

    fn of_payment(&self, value: Value) -> Option<String> {
        let (payment, reason) = self.payment()?;
        let original = payment.original.as_ref();
        match value {
            Value::Amount => Some(twelve(payment.amount)),
            Value::Entry => {
                let entry = self.row.map_or(payment.entry, |row| said_entry(row, payment));
                Some(format!("{}{}", self.profile.entry.of(entry), if payment.with_pin { 1 } else { 2 }))
            }
            Value::Pan | Value::Expiry | Value::CardSequence | Value::Track2 | Value::Code | Value::CodeLength => {
                of_instrument(payment.instrument.as_ref()?, value)
            }
            Value::Mti => Some(self.row?.mti.to_string()),
            Value::ApprovalCode => payment.approval_code.clone(),
            Value::OfflineMode => Some(if payment.approval_code.is_some() { "00" } else { "02" }.to_owned()),
            Value::OriginalBatch => Some(original?.batch.to_string()),
            Value::OriginalStan => Some(original?.stan.to_string()),
            Value::OriginalDate => original?.date.clone(),
            Value::OriginalRrn => original?.rrn.clone(),
            Value::OriginalApproval => original?.approval_code.clone(),
            Value::Organisation => {
                let named = original.and_then(|original| original.organisation.clone());
                Some(named.unwrap_or_else(|| self.profile.refund.default_organisation.clone()))
            }
            Value::Reason => Some(self.profile.reversal.code(reason?).to_owned()),
            _ => None,
        }
    }

    fn of_totals(&self, value: Value) -> Option<String> {
        match (&self.order.message, value) {
            (Outgoing::Upload(rows), Value::Rows) => Some(upload_rows(rows)),
            (Outgoing::End { records, .. }, Value::Records) => Some(format!("{records:04}")),
            (Outgoing::Settle(totals) | Outgoing::End { totals, .. }, value) => of_halves(totals, value),
            _ => None,
        }
    }
}

fn of_instrument(instrument: &Instrument, value: Value) -> Option<String> {
    match (instrument, value) {
        (Instrument::Card { pan, .. }, Value::Pan) => Some(pan.expose().to_owned()),
        (Instrument::Card { expiry, .. }, Value::Expiry) => expiry.clone(),
        (Instrument::Track2(track), Value::Track2) => Some(of_stripe(track)),
        (Instrument::Chip(card), Value::Pan) => Some(card.pan.expose().to_owned()),
        (Instrument::Chip(card), Value::Expiry) => card.expiry.clone(),
        (Instrument::Chip(card), Value::CardSequence) => card.sequence.clone(),
        (Instrument::Chip(card), Value::Track2) => card.track2.as_ref().map(of_stripe),
        (Instrument::Code(code), Value::Code) => Some(code.expose().to_owned()),
        (Instrument::Code(code), Value::CodeLength) => Some(format!("{:03}", code.expose().len())),
        _ => None,
    }
}

fn of_stripe(track: &Track2) -> String {
    track.expose().replace('D', "=")
}

fn of_halves(totals: &HostTotals, value: Value) -> Option<String> {
    let HostTotals { domestic, foreign } = totals;
    let both = |pick: fn(&HostHalf) -> Minor| pick(domestic).checked_add(pick(foreign)).map(twelve);
    let count = |count: u32| format!("{count:03}");
    Some(match value {
        Value::DomesticDebit => twelve(domestic.debit),
        Value::DomesticDebitCount => count(domestic.debit_count),
        Value::DomesticCredit => twelve(domestic.credit),
        Value::DomesticCreditCount => count(domestic.credit_count),
        Value::ForeignDebit => twelve(foreign.debit),
        Value::ForeignDebitCount => count(foreign.debit_count),
        Value::ForeignCredit => twelve(foreign.credit),
        Value::ForeignCreditCount => count(foreign.credit_count),
        Value::Debit => both(|half| half.debit)?,
        Value::Credit => both(|half| half.credit)?,
        Value::DebitCount => count(domestic.debit_count.checked_add(foreign.debit_count)?),
        Value::CreditCount => count(domestic.credit_count.checked_add(foreign.credit_count)?),
        _ => return None,
    })
}

/// Two digits of count, then type 2, STAN 6, PAN 20 (zeros before it; zeros for a scanned code), amount 12.
fn upload_rows(rows: &[UploadRow]) -> String {
    let mut out = format!("{:02}", rows.len());
    for row in rows {
        let pan = row.pan.as_ref().map_or("", |pan| pan.expose());
        out.push_str(&format!("{:02}{}{pan:0>20}{}", u8::from(row.foreign), row.stan, twelve(row.amount)));
    }
    out
}

/// Twelve digits; the sign was refused before.
fn twelve(amount: Minor) -> String {
    format!("{:012}", amount.0)
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
