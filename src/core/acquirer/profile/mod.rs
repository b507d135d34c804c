//! An acquirer's dialect as data: field formats, messages, codes, rules. Where sources differ, the difference is a value here and no code.
//!
//! It is parsed and checked once; nothing here knows a connection or a key.

mod rules;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::iso8583::{Content, Layout, Length, Mti, Spec};
use super::{AnswerClass, ChipUpload, MessageName};
use crate::core::domain::{Sentence, read_data};
use crate::core::packed::{Packed, packed};

pub use rules::*;
pub use template::{Template, Value};

/// The profiles that ship: name and text.
const BUILTIN: &[(&str, Packed)] =
    &[("unionpay-pos", packed!("profiles/unionpay-pos.toml")), ("nii-pos", packed!("profiles/nii-pos.toml"))];

/// Why a profile is not taken. The text names the line or the place.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ProfileError {
    /// Not in the list of those that ship.
    #[error("there is no profile {0:?}: {1} ship, and a path may be given")]
    Unknown(String, String),
    /// Not TOML, an unknown key, or a value of a wrong form.
    #[error("{0}")]
    Form(String),
    /// Well-formed, and contradicts itself.
    #[error("{place}: {what}")]
    Content {
        /// Where.
        place: String,
        /// What is wrong, and what to do.
        what: String,
    },
}

/// One row of the message table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A payment.
    Payment(MessageName),
    /// 签到
    SignOn,
    /// 签退
    SignOff,
    /// What became of a payment.
    Query,
    /// Is anybody there.
    Echo,
    /// 批结算
    Settle,
    /// 批上送, several rows a message.
    Upload,
    /// 批上送 of what a chip gave.
    UploadChip(ChipUpload),
    /// The end, balanced.
    EndBalanced,
    /// The end after an upload.
    EndUnbalanced,
}

impl Row {
    /// Rows that every profile must have: without them no batch ever ends.
    const NEEDED: &'static [Row] = &[Row::SignOn, Row::Settle, Row::EndBalanced, Row::EndUnbalanced];

    /// A chip's records, done and failed, after either verdict.
    const CHIP_UPLOADS: [Row; 4] = [
        Row::UploadChip(ChipUpload { balanced: true, failed: false }),
        Row::UploadChip(ChipUpload { balanced: true, failed: true }),
        Row::UploadChip(ChipUpload { balanced: false, failed: false }),
        Row::UploadChip(ChipUpload { balanced: false, failed: true }),
    ];

    fn parse(name: &str) -> Option<Row> {
        Some(match name {
            "sign_on" => Row::SignOn,
            "sign_off" => Row::SignOff,
            "query" => Row::Query,
            "echo" => Row::Echo,
            "settle" => Row::Settle,
            "upload" => Row::Upload,
            "chip_upload_balanced" => Row::UploadChip(ChipUpload { balanced: true, failed: false }),
            "chip_failure_balanced" => Row::UploadChip(ChipUpload { balanced: true, failed: true }),
            "chip_upload_unbalanced" => Row::UploadChip(ChipUpload { balanced: false, failed: false }),
            "chip_failure_unbalanced" => Row::UploadChip(ChipUpload { balanced: false, failed: true }),
            "end_balanced" => Row::EndBalanced,
            "end_unbalanced" => Row::EndUnbalanced,
            name => {
                let name = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
                Row::Payment(MessageName::deserialize(name).ok()?)
            }
        })
    }
}

/// What a message of the table carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its type.
    pub mti: Mti,
    /// What must be there as payer.
    pub instrument: NeededInstrument,
    /// Whether an unanswered one is undone by a reversal.
    pub reversible: bool,
    /// Whether request and approving answer carry a MAC.
    pub mac: bool,
    /// Whether it tells of something done, so that "duplicate" is as good as "approved".
    pub advice: bool,
    /// Whether a stripe sent from its sealed number is said to be keyed.
    pub sealed_as_keyed: bool,
    /// Field 61 of its reversal.
    pub reversal_61: Option<Template>,
    /// Fields and their values, ascending.
    pub fields: BTreeMap<u8, Template>,
}

/// What a documented code means, and what the cashier is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RawCode")]
pub struct Code {
    /// Its class.
    pub class: AnswerClass,
    /// For the cashier.
    pub sentence: Sentence,
}

/// A dialect. Read it with [`Profile::builtin`] or [`Profile::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// As it is called.
    pub name: String,
    /// What lies around a message.
    pub frame: Layout,
    /// Connections.
    pub link: LinkRules,
    /// Field formats.
    pub spec: Spec,
    /// The MAC.
    pub mac: MacRules,
    /// Field 22.
    pub entry: EntryCodes,
    /// 60.3 of the sign-on.
    pub sign_on: SignOnForms,
    /// The message table.
    pub messages: BTreeMap<Row, MessageRow>,
    /// Reversals.
    pub reversal: ReversalRules,
    /// Advices.
    pub advice: AdviceRules,
    /// Refunds.
    pub refund: RefundRules,
    /// Pre-authorizations.
    pub preauth: PreauthRules,
    /// Queries.
    pub query: QueryRules,
    /// Settlement.
    pub settlement: SettlementRules,
    /// Batch upload.
    pub upload: UploadRules,
    /// When a batch is settled by itself.
    pub limits: Limits,
    /// What a digit in an answer's header asks for.
    pub requests: BTreeMap<u8, HeaderRequest>,
    codes: BTreeMap<String, Code>,
    undocumented: Sentence,
}

impl Profile {
    /// A profile that ships: `unionpay-pos`.
    pub fn builtin(name: &str) -> Result<Profile, ProfileError> {
        let found = BUILTIN.iter().find(|(known, _)| *known == name);
        let Some((name, text)) = found else {
            let known: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
            return Err(ProfileError::Unknown(name.to_owned(), known.join(", ")));
        };
        Profile::parse(name, &text.text())
    }

    /// Reads and checks a profile's text. Unknown keys are errors that name the line.
    pub fn parse(name: &str, toml: &str) -> Result<Profile, ProfileError> {
        let raw: RawProfile = read_data(toml).map_err(|error| ProfileError::Form(error.to_string()))?;
        raw.resolve(name)
    }

    /// What a code of field 39 means, and what the cashier is told. A code that is not in the list is unknown (law 2).
    #[must_use]
    pub fn classify(&self, code: &str) -> (AnswerClass, &Sentence) {
        let known = self.codes.get(code);
        known.map_or((AnswerClass::Unknown, &self.undocumented), |known| (known.class, &known.sentence))
    }

    /// Every documented code.
    pub fn codes(&self) -> impl Iterator<Item = (&str, &Code)> {
        self.codes.iter().map(|(code, meaning)| (code.as_str(), meaning))
    }

    /// The payment's row; `None` where this acquirer has no such message (the answer is then `not_supported`).
    #[must_use]
    pub fn payment(&self, name: MessageName) -> Option<&MessageRow> {
        self.messages.get(&Row::Payment(name))
    }

    /// Whether a chip's records go up in messages of their own: all four, or none.
    #[must_use]
    pub fn chip_uploads(&self) -> bool {
        self.messages.contains_key(&Row::CHIP_UPLOADS[0])
    }

    /// Every payment message that this acquirer has.
    pub fn payments(&self) -> impl Iterator<Item = (MessageName, &MessageRow)> {
        self.messages.iter().filter_map(|(row, message)| match row {
            Row::Payment(name) => Some((*name, message)),
            _ => None,
        })
    }

    /// Whether field 63.1 names a card of the home organisation; where no answer names one, the default does.
    #[must_use]
    pub fn is_domestic(&self, organisation: Option<&str>) -> bool {
        let name = organisation.unwrap_or(&self.refund.default_organisation).trim();
        self.settlement.domestic.iter().any(|known| known == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCode {
    class: AnswerClass,
    zh: String,
    en: String,
}

impl From<RawCode> for Code {
    fn from(raw: RawCode) -> Code {
        Code { class: raw.class, sentence: Sentence::new(raw.zh, raw.en) }
    }
}

type RawFields = BTreeMap<String, Template>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    mti: Mti,
    #[serde(default)]
    instrument: NeededInstrument,
    #[serde(default)]
    reversible: bool,
    #[serde(default)]
    mac: bool,
    #[serde(default)]
    advice: bool,
    #[serde(default)]
    sealed_as_keyed: bool,
    reversal_61: Option<Template>,
    #[serde(default)]
    sets: Vec<String>,
    #[serde(default)]
    fields: RawFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUndocumented {
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    fields: Spec,
    frame: Layout,
    #[serde(default)]
    link: LinkRules,
    mac: MacRules,
    entry: EntryCodes,
    sign_on: SignOnForms,
    sets: BTreeMap<String, RawFields>,
    messages: BTreeMap<String, RawRow>,
    reversal: ReversalRules,
    advice: AdviceRules,
    refund: RefundRules,
    preauth: PreauthRules,
    query: QueryRules,
    settlement: SettlementRules,
    upload: UploadRules,
    limits: Limits,
    #[serde(default, deserialize_with = "digits")]
    requests: BTreeMap<u8, HeaderRequest>,
    undocumented: RawUndocumented,
    codes: BTreeMap<String, Code>,
}

impl RawProfile {
    fn resolve(self, name: &str) -> Result<Profile, ProfileError> {
        let mut messages = BTreeMap::new();
        for (key, raw) in &self.messages {
            let place = format!("[messages.{key}]");
            let row = Row::parse(key).ok_or_else(|| wrong(&place, "there is no such message"))?;
            messages.insert(row, self.row(&place, raw)?);
        }
        for needed in Row::NEEDED {
            if !messages.contains_key(needed) {
                return Err(wrong("[messages]", format!("{needed:?} is missing")));
            }
        }
        self.check_codes()?;
        self.check_upload(&messages)?;
        self.check_numbers()?;
        for field in self.reversal.fields.keys() {
            self.known_field("[reversal]", &field.to_string())?;
        }
        for field in self.upload.fields.keys() {
            self.known_field("[upload.fields]", &field.to_string())?;
        }
        Ok(Profile {
            name: name.to_owned(),
            frame: self.frame,
            link: self.link,
            spec: self.fields,
            mac: self.mac,
            entry: self.entry,
            sign_on: self.sign_on,
            messages,
            reversal: self.reversal,
            advice: self.advice,
            refund: self.refund,
            preauth: self.preauth,
            query: self.query,
            settlement: self.settlement,
            upload: self.upload,
            limits: self.limits,
            requests: self.requests,
            codes: self.codes,
            undocumented: Sentence::new(self.undocumented.zh, self.undocumented.en),
        })
    }

    fn row(&self, place: &str, raw: &RawRow) -> Result<MessageRow, ProfileError> {
        let mut fields = BTreeMap::new();
        for set in &raw.sets {
            let set = self.sets.get(set).ok_or_else(|| wrong(place, format!("there is no [sets.{set}]")))?;
            for (key, template) in set {
                fields.insert(self.known_field(place, key)?, template.clone());
            }
        }
        for (key, template) in &raw.fields {
            fields.insert(self.known_field(place, key)?, template.clone());
        }
        if raw.mac && self.fields.format(64).is_none() {
            return Err(wrong(place, "it carries a MAC, and [fields] has no 64"));
        }
        if !self.sign_on.keys && (raw.mac || raw.sets.iter().any(|set| set == "pin")) {
            return Err(wrong(place, "[sign_on] brings no keys: there can be neither MAC nor PIN"));
        }
        if raw.reversible && raw.advice {
            return Err(wrong(place, "an advice is repeated, never reversed"));
        }
        Ok(MessageRow {
            mti: raw.mti,
            instrument: raw.instrument,
            reversible: raw.reversible,
            mac: raw.mac,
            advice: raw.advice,
            sealed_as_keyed: raw.sealed_as_keyed,
            reversal_61: raw.reversal_61.clone(),
            fields,
        })
    }

    fn known_field(&self, place: &str, key: &str) -> Result<u8, ProfileError> {
        let field = key.parse().ok().filter(|field| *field != 64 && self.fields.format(*field).is_some());
        field
            .ok_or_else(|| wrong(place, format!("{key:?} is no field of [fields] (64 is the MAC and comes by itself)")))
    }

    /// What counts in field 48 goes up in one way: a record in no list would be missing, and nobody would see it.
    fn check_upload(&self, messages: &BTreeMap<Row, MessageRow>) -> Result<(), ProfileError> {
        let UploadRules { single_first, rows, single_last, .. } = &self.upload;
        if !rows.is_empty() && !messages.contains_key(&Row::Upload) {
            return Err(wrong("[upload]", "rows go up, and there is no [messages.upload]"));
        }
        if !self.query.messages.is_empty() && !messages.contains_key(&Row::Query) {
            return Err(wrong("[query]", "payments are asked about, and there is no [messages.query]"));
        }
        if self.link.echo_s > 0 && !messages.contains_key(&Row::Echo) {
            return Err(wrong("[link]", "echo_s asks for an echo, and there is no [messages.echo]"));
        }
        if self.sign_on.off_after_settlement && !messages.contains_key(&Row::SignOff) {
            return Err(wrong("[sign_on]", "it signs off, and there is no [messages.sign_off]"));
        }
        let chips = Row::CHIP_UPLOADS.iter().filter(|row| messages.contains_key(row)).count();
        if chips != 0 && chips != Row::CHIP_UPLOADS.len() {
            return Err(wrong("[messages]", "of the four chip_… uploads either all are there or none"));
        }
        for row in messages.keys() {
            let Row::Payment(name) = row else { continue };
            let outside = matches!(name, MessageName::Balance | MessageName::Preauth | MessageName::PreauthVoid);
            let times = single_first.iter().chain(rows).chain(single_last).filter(|known| *known == name).count();
            if times != usize::from(!outside) {
                let what = if outside { "counts in no total and goes up nowhere" } else { "must stand in one list" };
                return Err(wrong("[upload]", format!("{name:?} {what}")));
            }
        }
        Ok(())
    }

    fn check_codes(&self) -> Result<(), ProfileError> {
        let named = [
            ("[codes]", self.codes.keys().cloned().collect()),
            ("[query] no_record", self.query.no_record.clone()),
            ("[reversal] done", self.reversal.done.clone()),
            (
                "[reversal] reasons",
                vec![self.reversal.no_answer.clone(), self.reversal.bad_mac.clone(), self.reversal.other.clone()],
            ),
            ("[advice] delivered", self.advice.delivered.clone()),
            ("[refund] refused", self.refund.refused.values().flatten().cloned().collect()),
            ("[settlement] balanced", self.settlement.balanced.clone()),
            ("[settlement] unbalanced", self.settlement.unbalanced.clone()),
        ];
        for (place, codes) in named {
            if let Some(bad) =
                codes.iter().find(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphanumeric()))
            {
                return Err(wrong(place, format!("{bad:?} is no code: two letters or digits")));
            }
        }
        if self.settlement.verdict == VerdictPlace::Code
            && (self.settlement.balanced.is_empty() || self.settlement.unbalanced.is_empty())
        {
            return Err(wrong("[settlement]", "verdict = \"code\" needs the codes `balanced` and `unbalanced`"));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), ProfileError> {
        let digits = |text: &str, width: usize| text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(bad) = self.entry.all().iter().find(|code| !digits(code, 2)) {
            return Err(wrong("[entry]", format!("{bad:?} must be two digits")));
        }
        let checks = [
            (
                "[frame]",
                self.frame.tpdu <= 16 && self.frame.header <= 64 && (64..=65_535).contains(&self.frame.max),
                "tpdu to 16, header to 64, max 64 to 65535",
            ),
            ("[reversal]", (1..=99).contains(&self.reversal.tries), "tries must be 1 to 99"),
            (
                "[limits]",
                (1..=999).contains(&self.limits.count) && (1..=9999).contains(&self.limits.records),
                "count to 999, records to 9999",
            ),
            ("[limits]", (1..=999_999_999_999).contains(&self.limits.sum), "sum has 12 digits"),
            ("[link]", self.link.outage_s <= 86_400, "outage_s to 86400, a day"),
            ("[requests]", self.frame.header >= 3 || self.requests.is_empty(), "[frame] has no header that could ask"),
            ("[advice]", (100..=1_000).contains(&self.advice.adjust_percent), "adjust_percent must be 100 to 1000"),
            ("[preauth]", (100..=1_000).contains(&self.preauth.max_percent), "max_percent must be 100 to 1000"),
            ("[preauth]", (1..=366).contains(&self.preauth.max_days), "max_days must be 1 to 366"),
            ("[query]", (1..=99).contains(&self.query.tries), "tries must be 1 to 99"),
            ("[upload]", (1..=8).contains(&self.upload.rows_per_message), "rows_per_message must be 1 to 8"),
            ("[fields]", self.fixed_text(41, 8) && self.fixed_text(42, 15), "41 must be ans8 and 42 ans15"),
        ];
        checks.into_iter().find(|(_, right, _)| !right).map_or(Ok(()), |(place, _, what)| Err(wrong(place, what)))
    }

    fn fixed_text(&self, field: u8, length: u16) -> bool {
        self.fields.format(field).is_some_and(|f| f.content == Content::Text && f.length == Length::Fixed(length))
    }
}

/// `[requests]` by its digit.
fn digits<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<u8, HeaderRequest>, D::Error> {
    let table = BTreeMap::<String, HeaderRequest>::deserialize(deserializer)?;
    let digit = |key: String| match key.parse() {
        Ok(digit @ 1..=9) => Ok(digit),
        _ => Err(serde::de::Error::custom(format!("[requests] {key:?} must be a digit from 1 to 9"))),
    };
    table.into_iter().map(|(key, request)| Ok((digit(key)?, request))).collect()
}

fn wrong(place: &str, what: impl Into<String>) -> ProfileError {
    ProfileError::Content { place: place.to_owned(), what: what.into() }
}
