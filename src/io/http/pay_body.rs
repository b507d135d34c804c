//! The body of `POST /v1/payments`, read strictly and turned into the writer's words.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use super::problem::Problem;
use super::secrets::{Approval, CardBody, auth_code};
use crate::core::acquirer::iso8583::bcd::unhex;
use crate::core::acquirer::{Instrument, chip};
use crate::core::domain::{
    BusinessDate, CashierId, CouponHow, Currency, Entry, Funder, Kind, Method, Minor, Pan, PaymentCode, PaymentId,
    Refusal, RequestId, TerminalId, Track2, read_json,
};
use crate::core::journal::{Coupon, Original};
use crate::core::ports::{Pay, PayExtra, Presented};

/// ISO/IEC 7813: what stands between the sentinels of track 2.
const MAX_TRACK2: usize = 37;

/// The body as it comes.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PayBody {
    request_id: RequestId,
    kind: Kind,
    device: TerminalId,
    cashier: CashierId,
    method: Method,
    #[serde(default)]
    amount: Option<Amount>,
    currency: Currency,
    #[serde(default)]
    #[schema(value_type = Option<super::schema::OriginalShape>)]
    original: Option<OriginalBody>,
    #[serde(default, deserialize_with = "auth_code")]
    #[schema(value_type = Option<super::schema::CodeText>)]
    auth_code: Option<PaymentCode>,
    #[serde(default)]
    #[schema(value_type = Option<super::schema::CardShape>)]
    card: Option<CardBody>,
    #[serde(default)]
    approval: Option<Approval>,
    #[serde(default)]
    confirm_amount: Option<Amount>,
    /// Of a sale by method `voucher`.
    #[serde(default)]
    coupon: Option<CouponBody>,
    /// Of a refund by method `transfer`: an id of the allow-list.
    #[serde(default)]
    payee: Option<String>,
}

/// Whose coupon it is, and how it was redeemed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CouponBody)]
#[serde(deny_unknown_fields)]
struct CouponBody {
    funder: Funder,
    redeemed: CouponHow,
    /// The coupon's number; kept truncated.
    #[serde(default)]
    reference: String,
    /// The payment that pays the rest of the order; needed where the channel redeemed it with that payment.
    #[serde(default)]
    payment: Option<PaymentId>,
}

impl CouponBody {
    fn coupon(self) -> Result<Coupon, Problem> {
        let plain = self.reference.chars().all(|c| c.is_ascii_graphic());
        if self.reference.len() > 64 || !plain {
            return Err(Problem::bad(
                "coupon.reference must have at most 64 printable ASCII characters without spaces",
            ));
        }
        let reference = match self.reference.len() {
            0..=8 => self.reference,
            n => format!("{}…{}", &self.reference[..4], &self.reference[n - 4..]),
        };
        Ok(Coupon { funder: self.funder, how: self.redeemed, reference, with: self.payment })
    }
}

/// Minor units: a whole number, never text, never with a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount(pub Minor);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(|n| Amount(Minor(n))).map_err(|_| {
            D::Error::custom(
                "an amount must be a whole number of minor units, without quotes and without a point (12.34 is 1234)",
            )
        })
    }
}

/// `"original"`: a payment's id, or what identifies a sale from before this journal.
#[derive(Debug)]
struct OriginalBody(Original);

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Foreign {
    #[schema(pattern = "^[0-9A-Za-z]{12}$")]
    rrn: String,
    date: BusinessDate,
    amount: Amount,
}

impl<'de> Deserialize<'de> for OriginalBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OriginalBody;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a payment id such as \"P00000042\", or {\"rrn\",\"date\",\"amount\"}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OriginalBody, E> {
                PaymentId::parse(text)
                    .map(|id| OriginalBody(Original::Payment(id)))
                    .ok_or_else(|| E::custom(format!("{text:?} is no payment id: they look like P00000042")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OriginalBody, A::Error> {
                let Foreign { rrn, date, amount } = Foreign::deserialize(MapAccessDeserializer::new(map))?;
                if rrn.len() != 12 || !rrn.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return Err(A::Error::custom("rrn must have 12 letters or digits"));
                }
                Ok(OriginalBody(Original::Foreign { rrn, date, amount: amount.0 }))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A payment as it was asked for.
#[derive(Debug)]
pub(super) struct Order {
    /// The writer's words; whoever approves is not yet known.
    pub pay: Pay,
    /// To be checked before the writer is asked.
    pub approval: Option<Approval>,
    /// To be looked up in the allow-list before the writer is asked.
    pub payee: Option<String>,
}

/// A payment's body, for whoever has it from elsewhere than a request; what is wrong with it is told as the API tells it.
pub fn read_payment(json: &[u8]) -> Result<Pay, Problem> {
    let body: PayBody = read_json(json).map_err(Problem::bad)?;
    body.order().map(|order| order.pay)
}

impl PayBody {
    /// Checks what the body says of itself. What the store's rules say is the writer's matter.
    pub fn order(self) -> Result<Order, Problem> {
        let amount = match (self.amount, self.kind) {
            (Some(Amount(amount)), _) => amount,
            (None, Kind::Balance) => Minor::ZERO,
            (None, _) => return Err(Problem::bad("missing field `amount`")),
        };
        if self.kind != Kind::Balance && !amount.is_positive() {
            return Err(Refusal::AmountInvalid.into());
        }
        let presented = presented(self.method, self.card, self.auth_code)?;
        let pay = Pay {
            request: self.request_id,
            kind: self.kind,
            method: self.method,
            device: self.device,
            cashier: self.cashier,
            amount,
            currency: self.currency,
            original: self.original.map(|o| o.0),
            presented,
            approved_by: None,
            confirm_amount: self.confirm_amount.map(|a| a.0),
            extra: PayExtra { coupon: self.coupon.map(CouponBody::coupon).transpose()?, payee: None },
        };
        Ok(Order { pay, approval: self.approval, payee: self.payee })
    }
}

impl Order {
    /// The reader must be armed before the writer is asked. What refers to an earlier payment may do without the card: the writer says.
    pub fn wants_card(&self) -> bool {
        self.can_present() && matches!(self.pay.kind, Kind::Sale | Kind::Preauth | Kind::Balance)
    }

    /// A card or code can be asked for.
    pub fn can_present(&self) -> bool {
        self.pay.presented.is_none() && matches!(self.pay.method, Method::Card | Method::Qr)
    }
}

fn presented(method: Method, card: Option<CardBody>, code: Option<PaymentCode>) -> Result<Option<Presented>, Problem> {
    match (method, card, code) {
        (_, None, None) => Ok(None),
        (Method::Card, Some(card), None) => card_presented(card).map(Some),
        (Method::Qr, None, Some(code)) => {
            let digits = code.expose();
            if !(10..=32).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Refusal::BadCode.into());
            }
            Ok(Some(Presented { instrument: Instrument::Code(code), entry: Entry::Scan, pin_block: None }))
        }
        (_, Some(_), _) => Err(Problem::bad(format!("card does not go with method {method}"))),
        (_, None, Some(_)) => Err(Problem::bad(format!("auth_code does not go with method {method}"))),
    }
}

fn stripe(text: &str) -> Result<Track2, Problem> {
    let track = Track2::new(text.trim_start_matches(';').trim_end_matches('?').to_owned());
    if track.expose().len() > MAX_TRACK2 || track.pan().is_none() || track.expiry().is_none() {
        return Err(Refusal::BadCard.into());
    }
    Ok(track)
}

fn card_presented(card: CardBody) -> Result<Presented, Problem> {
    let entry = match card.entry.as_deref() {
        None if card.pan.is_some() => Entry::Manual,
        None => Entry::Magstripe,
        Some(word) => Entry::parse(word)
            .filter(|e| *e != Entry::Scan)
            .ok_or_else(|| Problem::bad("card.entry must be one of magstripe, chip, contactless, manual"))?,
    };
    if let Some(block) = &card.pin_block
        && (block.expose().len() != 16 || !block.expose().bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return Err(Problem::bad("card.pin_block must be 16 hex digits"));
    }
    if let Some(hex) = card.chip_data {
        if !matches!(entry, Entry::Chip | Entry::Contactless) || card.pan.is_some() {
            return Err(Problem::bad("card.chip_data goes with entry chip or contactless, and without pan"));
        }
        let bytes = unhex(&hex).ok_or_else(|| Problem::bad("card.chip_data must be data objects as hex digits"))?;
        let track = card.track2.map(|track| stripe(&track)).transpose()?;
        let chip = chip::read(&zeroize::Zeroizing::new(bytes), track);
        let chip = chip.map_err(|fault| Refusal::BadChip.with("why", fault))?;
        return Ok(Presented { instrument: Instrument::Chip(Box::new(chip)), entry, pin_block: card.pin_block });
    }
    let instrument = match (card.track2, card.pan, card.expiry, entry) {
        (Some(track), None, None, Entry::Magstripe | Entry::Chip | Entry::Contactless) => {
            Instrument::Track2(stripe(&track)?)
        }
        (None, Some(pan), expiry, Entry::Manual) => {
            let month = |e: &str| e.len() == 4 && e.bytes().all(|b| b.is_ascii_digit());
            if !(12..=19).contains(&pan.len())
                || !pan.bytes().all(|b| b.is_ascii_digit())
                || !expiry.as_ref().is_none_or(|e| month(e))
            {
                return Err(Refusal::BadCard.into());
            }
            Instrument::Card { pan: Pan::new((*pan).clone()), expiry: expiry.map(|e| (*e).clone()) }
        }
        _ => {
            return Err(Problem::bad(
                "card must hold either track2 (read) or pan and expiry (entry manual), not both and not neither",
            ));
        }
    };
    Ok(Presented { instrument, entry, pin_block: card.pin_block })
}
