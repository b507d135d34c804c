//! What the tables say of a payment, stamped beside it when it is made: its card, its fee, when its money arrives. The number is
//! looked at and let go (law 7); the answer's word on the organisation outweighs the table's while the day is open.

use super::decide_pay::Around;
use super::{Ledger, Rules};
use crate::core::acquirer::Instrument;
use crate::core::cards::{self, Card};
use crate::core::domain::{CardKind, Kind, Method, Minor, PaymentId};
use crate::core::fees::{Case, OnRefund, given_back};
use crate::core::journal::{Classed, Event, FeeStamp, Original, PaymentMade};
use crate::core::payment::{Payment, counts};
use crate::core::ports::{Pay, Presented};

impl Ledger {
    /// The stamp of a payment that is about to be made, where the store has tables.
    pub(super) fn classed(&self, id: PaymentId, pay: &Pay, made: &PaymentMade, around: Around<'_>) -> Option<Event> {
        let money = &around.rules.money;
        if (money.fees.is_empty() && money.cards.is_empty())
            || !matches!(made.method, Method::Card | Method::Qr)
            || !counts(made.kind)
        {
            return None;
        }
        let original = match &made.original {
            Some(Original::Payment(id)) => self.payments.get(id),
            _ => None,
        };
        // What undoes a payment is of that payment's class: it may come without the card.
        let class = match original.and_then(|o| o.class.as_ref()) {
            Some(class) if made.kind == Kind::Adjust => adjusting(class, original, made, around.rules),
            Some(class) => undoing(class, original, self.adjustment(original, around).as_ref(), made),
            None => {
                let (card, brand, foreign) = identity(pay.presented.as_ref(), around.rules);
                Classed { card, brand, foreign, fee: None }.priced(made, around.rules)
            }
        };
        Some(Event::PaymentClassed { payment: id, class: Box::new(class) })
    }

    /// What an adjusted payment was adjusted by.
    fn adjustment(&self, original: Option<&Payment>, around: Around<'_>) -> Option<Payment> {
        let by = original?.adjusted?.by;
        self.payments.get(&by).cloned().or_else(|| around.archive.payment(by).ok().flatten())
    }

    /// The stamp anew, where the answer names the organisation and the stamp said otherwise or nothing. Only while the payment's day is
    /// open: a closed day never changes (law 5), the statement will show the difference.
    pub(super) fn classed_again(&self, id: PaymentId, rules: &Rules) -> Option<Event> {
        let payment = self.payments.get(&id).filter(|p| p.date == self.open)?;
        let class = payment.class.as_ref()?;
        let foreign = Some(rules.channel.is_foreign(Some(payment.organisation.as_deref()?)));
        if class.foreign == foreign || !matches!(payment.kind, Kind::Sale | Kind::Completion) {
            return None;
        }
        let case = case(payment.method, class, foreign, payment.amount);
        let fee = stamp(&case, rules);
        Some(Event::PaymentClassed { payment: id, class: Box::new(Classed { foreign, fee, ..class.clone() }) })
    }

    /// The half of field 48 that a payment belongs to, by the organisation that an answer names.
    pub(super) fn is_foreign(&self, id: PaymentId, organisation: Option<&str>, rules: &Rules) -> bool {
        rules.channel.foreign_half(organisation, self.payments.get(&id).and_then(|p| p.class.as_ref()))
    }
}

impl Classed {
    fn priced(mut self, made: &PaymentMade, rules: &Rules) -> Classed {
        let foreign = self.foreign;
        // A refund of a sale that nothing is known of gives back what its whole cost by today's schedule, in proportion.
        let (whole, part) = match &made.original {
            Some(Original::Foreign { amount, .. }) => (*amount, Some(made.amount)),
            _ => (made.amount, None),
        };
        self.fee = stamp(&case(made.method, &self, foreign, whole), rules);
        if let (Some(part), Some(fee)) = (part, &mut self.fee) {
            fee.fee = back(fee, whole, Minor::ZERO, part);
        }
        self
    }
}

fn case<'a>(channel: Method, class: &'a Classed, foreign: Option<bool>, amount: Minor) -> Case<'a> {
    Case { channel, card: class.card, brand: class.brand.as_deref(), foreign, amount }
}

fn stamp(case: &Case<'_>, rules: &Rules) -> Option<FeeStamp> {
    let line = rules.money.fees.line(case)?;
    Some(FeeStamp {
        line: line.name.clone(),
        fee: line.fee(case.amount)?,
        days: u16::try_from(line.arrives.days).ok()?,
        business: line.arrives.business,
        returned: line.on_refund == OnRefund::Returned,
    })
}

/// A void takes the whole fee back; a refund its share, where the line says so. An adjusted payment cost what it and its adjustment were stamped with.
fn undoing(class: &Classed, original: Option<&Payment>, adjustment: Option<&Payment>, made: &PaymentMade) -> Classed {
    let mut class = class.clone();
    let more = adjustment.and_then(|a| a.class.as_ref()?.fee.as_ref()).map_or(0, |stamp| stamp.fee.0);
    if let (Some(fee), Some(original)) = (&mut class.fee, original) {
        let more = if original.standing() < original.amount { -more } else { more };
        fee.fee = Minor(fee.fee.0.saturating_add(more));
    }
    if let (Some(fee), Some(original), Kind::Refund) = (&mut class.fee, original, made.kind) {
        fee.fee = back(fee, original.standing(), original.refunded(), made.amount);
    }
    class
}

/// An adjustment costs what the new amount costs more than the old one; or gives back what it costs less.
fn adjusting(class: &Classed, original: Option<&Payment>, made: &PaymentMade, rules: &Rules) -> Classed {
    let price = |amount| stamp(&case(made.method, class, class.foreign, amount), rules);
    let mut fee = price(made.amount);
    if let (Some(stamp), Some(before)) = (&mut fee, original.and_then(|o| price(o.standing()))) {
        stamp.fee = Minor(stamp.fee.0.abs_diff(before.fee.0).try_into().unwrap_or(i64::MAX));
    }
    Classed { fee, ..class.clone() }
}

fn back(fee: &FeeStamp, whole: Minor, before: Minor, part: Minor) -> Minor {
    if fee.returned { given_back(fee.fee, whole, before, part).unwrap_or_default() } else { Minor::ZERO }
}

/// What the presented number says, before it is let go.
fn identity(presented: Option<&Presented>, rules: &Rules) -> (CardKind, Option<String>, Option<bool>) {
    let table = &rules.money.cards;
    let known = |card: Option<&Card>| {
        let card = card.cloned().unwrap_or_default();
        (card.kind, card.brand.map(String::from), card.foreign)
    };
    match presented.map(|p| &p.instrument) {
        Some(Instrument::Track2(track)) => {
            known(track.pan().and_then(|pan| table.look_up(pan.expose()).cloned()).as_ref())
        }
        Some(Instrument::Card { pan, .. }) => known(table.look_up(pan.expose())),
        Some(Instrument::Chip(chip)) => known(table.look_up(chip.pan.expose())),
        Some(Instrument::Code(code)) => (CardKind::Unknown, cards::wallet(code.expose()).map(str::to_owned), None),
        None => (CardKind::Unknown, None, None),
    }
}
