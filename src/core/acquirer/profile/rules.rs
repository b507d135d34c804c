//! The rules of a profile, table by table. What each value means stands in `profiles/unionpay-pos.toml` too.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Template;
use crate::core::acquirer::iso8583::Mti;
use crate::core::acquirer::{MessageName, ReversalReason};
use crate::core::domain::{Entry, RouteWhy, Sentence};
use crate::core::ports::MacMethod;

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Each terminal has its own.
    #[default]
    Terminal,
    /// All terminals share one; field 41 tells their answers apart.
    Shared,
}

/// `[link]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRules {
    /// One a terminal, or one for all.
    #[serde(default)]
    pub connection: Connection,
    /// After so many quiet seconds an echo is sent; 0 for never.
    #[serde(default)]
    pub echo_s: u32,
    /// A connection that was away for so many seconds was an outage, after which the terminal signs on again; 0: every new one.
    #[serde(default = "outage_s")]
    pub outage_s: u32,
}

impl Default for LinkRules {
    fn default() -> LinkRules {
        LinkRules { connection: Connection::default(), echo_s: 0, outage_s: outage_s() }
    }
}

/// `[requests]`: what a digit in an answer's header asks of the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RawRequest")]
pub struct HeaderRequest {
    /// The terminal signs on again before anything else. What is no sign-on is shown to people.
    pub sign_on: bool,
    /// For the technician.
    pub sentence: Sentence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    #[serde(default)]
    sign_on: bool,
    zh: String,
    en: String,
}

impl From<RawRequest> for HeaderRequest {
    fn from(raw: RawRequest) -> HeaderRequest {
        HeaderRequest { sign_on: raw.sign_on, sentence: Sentence::new(raw.zh, raw.en) }
    }
}

/// `[mac]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MacRules {
    /// How it is computed.
    pub method: MacMethod,
}

/// `[entry]`: the first two digits of field 22.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryCodes {
    magstripe: String,
    chip: String,
    contactless: String,
    manual: String,
    scan: String,
}

impl EntryCodes {
    /// The two digits of one way of reading.
    #[must_use]
    pub fn of(&self, entry: Entry) -> &str {
        match entry {
            Entry::Magstripe => &self.magstripe,
            Entry::Chip => &self.chip,
            Entry::Contactless => &self.contactless,
            Entry::Manual => &self.manual,
            Entry::Scan => &self.scan,
        }
    }

    pub(super) fn all(&self) -> Vec<&str> {
        Entry::ALL.iter().map(|entry| self.of(*entry)).collect()
    }
}

/// `[sign_on]`: 60.3 by the master key's length.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOnForms {
    /// 8 bytes.
    pub single: String,
    /// 16 bytes or more.
    pub double: String,
    /// Its answer brings work keys; where not, no message may carry a MAC or a PIN.
    #[serde(default = "yes")]
    pub keys: bool,
    /// 签退 after each settled day; the next message signs on again.
    #[serde(default)]
    pub off_after_settlement: bool,
}

/// What must be there as payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeededInstrument {
    /// Nothing.
    #[default]
    None,
    /// A stripe, or number and expiry.
    Card,
    /// A scanned code.
    Code,
}

/// `[reversal]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReversalRules {
    /// Its type.
    pub mti: Mti,
    /// Fields of the payment that its reversal does not carry.
    pub drop: Vec<u8>,
    /// Entries whose reversal keeps fields 2 and 14.
    pub card_for: Vec<Entry>,
    /// Fields that it carries besides.
    #[serde(deserialize_with = "numbered")]
    pub fields: BTreeMap<u8, Template>,
    /// Field 39 where no answer came.
    pub no_answer: String,
    /// Field 39 where the answer's MAC was wrong.
    pub bad_mac: String,
    /// Field 39 of anything else, and of every further try.
    pub other: String,
    /// Answers that end it.
    pub done: Vec<String>,
    /// How often it is sent before it becomes an exception.
    pub tries: u32,
    /// What becomes of it then.
    pub exhausted: Exhausted,
    /// What becomes of one that is still owed when its day is cut.
    #[serde(default)]
    pub earlier_days: EarlierDays,
}

impl ReversalRules {
    /// Field 39 for a reason.
    #[must_use]
    pub fn code(&self, reason: ReversalReason) -> &str {
        match reason {
            ReversalReason::NoAnswer => &self.no_answer,
            ReversalReason::BadMac => &self.bad_mac,
            ReversalReason::Other => &self.other,
        }
    }
}

/// What becomes of a reversal whose tries ran out. Never silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// A named person decides; the lane goes on.
    Exception,
    /// The same, and a slip is printed at once at its terminal.
    Slip,
    /// The same, and it is tried anew after every sign-on while its batch is open.
    Keep,
}

/// What becomes of a reversal that is still owed when its day is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlierDays {
    /// It is sent like any other.
    #[default]
    Send,
    /// It is sent no more: a named person decides.
    GiveUp,
}

/// `[advice]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdviceRules {
    /// Answers that count as delivered.
    pub delivered: Vec<String>,
    /// An adjusted amount may be so many hundredths of the sale's.
    #[serde(default = "adjust_percent")]
    pub adjust_percent: u32,
}

/// `[refund]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRules {
    /// Whether a sale may be refunded in its own batch.
    pub same_batch: bool,
    /// Whether the acquirer knows a repeat by its STAN, so that an unanswered refund may be repeated.
    pub repeats_recognized: bool,
    /// Card organisation where no answer names one.
    pub default_organisation: String,
    /// Codes of a refused refund that open another route (cash, a transfer), by reason. Never a customer's wish.
    #[serde(default)]
    pub refused: BTreeMap<RouteWhy, Vec<String>>,
}

/// How a pre-authorization is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionForm {
    /// Asked for, online.
    Request,
    /// Stored, and told as an advice.
    Advice,
}

/// `[preauth]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreauthRules {
    /// How it is completed.
    pub completion: CompletionForm,
    /// A completion may be so many hundredths of what was authorized.
    pub max_percent: u32,
    /// One that is not completed for so many days is let go: its card is erased.
    #[serde(default = "preauth_days")]
    pub max_days: u32,
}

/// `[query]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRules {
    /// Whether "no record" means that there never was such a payment.
    pub no_record_means_failed: bool,
    /// Payments of these messages are asked about (`[messages.query]`) before they are reversed or left to a person.
    #[serde(default)]
    pub messages: Vec<MessageName>,
    /// How often one is asked about.
    #[serde(default = "query_tries")]
    pub tries: u32,
    /// Codes that say "no record". Every other documented code is the payment's own.
    #[serde(default)]
    pub no_record: Vec<String>,
}

/// Gross or net totals in field 48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TotalsKind {
    /// A voided sale stays in debit, its void adds to credit.
    Gross,
    /// A voided sale counts nowhere.
    Net,
}

/// Where the settlement's verdict stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictPlace {
    /// A digit for each half in field 48.
    Field48,
    /// Field 39, for both halves at once.
    Code,
}

/// Which records go up when a half says "error".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadOnError {
    /// Those of the halves that are not balanced.
    Halves,
    /// All.
    All,
}

/// `[settlement]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementRules {
    /// Gross or net.
    pub totals: TotalsKind,
    /// Where the verdict stands.
    pub verdict: VerdictPlace,
    /// Codes that say balanced, where the verdict is a code.
    #[serde(default)]
    pub balanced: Vec<String>,
    /// Codes that say unbalanced, where the verdict is a code.
    #[serde(default)]
    pub unbalanced: Vec<String>,
    /// Which records go up on "error".
    pub upload_on_error: UploadOnError,
    /// Whether advices that the host refused count.
    pub rejected_advices: bool,
    /// A balanced batch is ended by a message of its own; where not, the verdict ends it.
    #[serde(default = "yes")]
    pub end_when_balanced: bool,
    /// Organisations of field 63.1 that belong to the domestic half.
    pub domestic: Vec<String>,
}

/// What stands as PAN of a scanned code in an upload row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanPan {
    /// Twenty zeros.
    Zeros,
}

/// `[upload]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadRules {
    /// Messages that go up one by one, before the rows.
    pub single_first: Vec<MessageName>,
    /// Messages that go up as rows.
    pub rows: Vec<MessageName>,
    /// Messages that go up one by one, after the rows.
    pub single_last: Vec<MessageName>,
    /// Rows in one message, 1 to 8.
    pub rows_per_message: usize,
    /// Type of a single one.
    pub single_mti: Mti,
    /// Whether a single one carries a MAC.
    pub single_mac: bool,
    /// Fields that a single one does not carry.
    pub drop: Vec<u8>,
    /// Fields that a single one carries in another way than its message.
    #[serde(default, deserialize_with = "numbered")]
    pub fields: BTreeMap<u8, Template>,
    /// PAN of a scanned code.
    pub scan_pan: ScanPan,
}

/// `[limits]`: a batch is settled by itself before it reaches one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Each count of field 48.
    pub count: u32,
    /// Each sum of field 48, minor units.
    pub sum: i64,
    /// Records uploaded.
    pub records: u32,
}

fn yes() -> bool {
    true
}

fn outage_s() -> u32 {
    5
}

fn preauth_days() -> u32 {
    30
}

fn query_tries() -> u32 {
    2
}

fn adjust_percent() -> u32 {
    120
}

fn numbered<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<u8, Template>, D::Error> {
    let table = BTreeMap::<String, Template>::deserialize(deserializer)?;
    let number = |key: String| key.parse().map_err(|_| serde::de::Error::custom(format!("{key:?} is no field number")));
    table.into_iter().map(|(key, template)| Ok((number(key)?, template))).collect()
}
