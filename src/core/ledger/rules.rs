//! What the configuration and the acquirer's profile say, as far as decisions need it. Handed in at start, never journaled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::QueryPlan;
use crate::core::acquirer::profile::{Exhausted, HeaderRequest};
use crate::core::acquirer::{Answer, AnswerClass, MessageName};
use crate::core::calendar::Calendar;
use crate::core::cards::CardTable;
use crate::core::day::{BatchLimits, CutSchedule};
use crate::core::domain::RouteWhy;
use crate::core::domain::{Currency, Kind, Lang, Minor, PrinterId, Sentence, StoreId, TerminalId, Zone};
use crate::core::fees::FeeSchedule;
use crate::core::journal::Classed;
use crate::core::payment::Payment;
use crate::core::suspense::EndingRules;

/// The store's rules.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which store.
    pub store: StoreId,
    /// Its name as printed.
    pub store_name: String,
    /// Its zone.
    pub zone: Zone,
    /// Its currency.
    pub currency: Currency,
    /// What is shown and printed.
    pub lang: Lang,
    /// When the day is cut by itself.
    pub cut: CutSchedule,
    /// A payment by a cashier without an open shift is refused.
    pub require_shift: bool,
    /// A shift without an entry for so long is forgotten.
    pub shift_idle_ms: i64,
    /// The largest single payment.
    pub max_amount: Minor,
    /// What needs a manager beside the cashier.
    pub guards: GuardRules,
    /// Offline sales, where they are allowed.
    pub offline: Option<OfflineRules>,
    /// The terminals.
    pub terminals: BTreeMap<TerminalId, TerminalRules>,
    /// How cases are ended.
    pub endings: EndingRules,
    /// Where day reports come out.
    pub report_printer: Option<PrinterId>,
    /// The acquirer's ways.
    pub channel: ChannelRules,
    /// What becomes of the money afterwards.
    pub money: MoneyRules,
}

/// What becomes of the money after the counter: from tables that the store is given as data.
#[derive(Debug, Clone, Default)]
pub struct MoneyRules {
    /// On which days money moves.
    pub calendar: Calendar,
    /// What payments cost.
    pub fees: FeeSchedule,
    /// What cards are.
    pub cards: Arc<CardTable>,
    /// Other routes of refunds.
    pub routes: RouteRules,
}

/// Other routes for a refund that the channel refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteRules {
    /// A manager may choose cash.
    pub cash: bool,
    /// A manager may ask for a transfer.
    pub transfer: bool,
    /// At most so much of one card's goes another way within `cap_days`.
    pub cap_per_card: Option<Minor>,
    /// The cap's days.
    pub cap_days: u32,
}

/// Above these a manager other than the cashier must approve; `None` is no limit. Sums are of one business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuardRules {
    /// One refund.
    pub refund: Option<Minor>,
    /// A drawer's over or short at the end of a shift. It is booked in any case.
    pub over_short: Option<Minor>,
    /// A cashier's sales.
    pub cashier_sales: Option<Minor>,
    /// A cashier's refunds.
    pub cashier_refunds: Option<Minor>,
    /// A device's sales.
    pub device_sales: Option<Minor>,
    /// A device's refunds.
    pub device_refunds: Option<Minor>,
    /// The store's sales.
    pub day_sales: Option<Minor>,
    /// The store's refunds.
    pub day_refunds: Option<Minor>,
}

/// Bounds on what may wait, per store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineRules {
    /// One payment.
    pub max_amount: Minor,
    /// Everything that waits.
    pub max_total: Minor,
    /// How many wait.
    pub max_count: u64,
    /// After this nothing is sent by itself.
    pub max_age_ms: i64,
}

/// A terminal.
#[derive(Debug, Clone, Default)]
pub struct TerminalRules {
    /// Field 41, as printed.
    pub tid: String,
    /// Field 42, as printed.
    pub mid: String,
    /// Where its receipts come out.
    pub printer: Option<PrinterId>,
    /// Receipts are printed.
    pub receipts: bool,
}

/// In which order, and how, the records of an unbalanced batch go up.
#[derive(Debug, Clone)]
pub struct UploadPlan {
    /// One by one, before the rows, message by message.
    pub single_first: Vec<MessageName>,
    /// Several to a message.
    pub rows: Vec<MessageName>,
    /// One by one, after the rows, message by message.
    pub single_last: Vec<MessageName>,
    /// Rows in one message, 1 to 8.
    pub rows_per_message: usize,
    /// When a half says "error", the records of both go up.
    pub all_on_error: bool,
    /// What chips gave goes up in messages of its own, after everything else.
    pub chip: bool,
}

impl UploadPlan {
    /// Whether a chip's payment of this name goes up with what the chip gave: what would else be a row.
    #[must_use]
    pub fn chip_record(&self, name: MessageName) -> bool {
        self.chip && self.rows.contains(&name)
    }

    /// When a chip's record goes up.
    #[must_use]
    pub fn chip_place(&self, failed: bool) -> usize {
        self.single_first.len() + 1 + self.single_last.len() + usize::from(failed)
    }

    /// When a record goes up (smaller is earlier), and whether alone; `None` where it goes up nowhere.
    #[must_use]
    pub fn place(&self, name: MessageName) -> Option<(usize, bool)> {
        let of = |list: &[MessageName]| list.iter().position(|known| *known == name);
        let rows = self.single_first.len();
        if let Some(index) = of(&self.single_first) {
            Some((index, true))
        } else if of(&self.rows).is_some() {
            Some((rows, false))
        } else {
            of(&self.single_last).map(|index| (rows + 1 + index, true))
        }
    }
}

/// As terminals of the UnionPay kind do it.
impl Default for UploadPlan {
    fn default() -> UploadPlan {
        use MessageName::{Completion, CompletionAdvice, CompletionVoid, IcOffline, OfflineAdjust, OfflineSale};
        use MessageName::{Refund, Sale, ScanSale, Tip, Void};
        UploadPlan {
            single_first: vec![OfflineSale, OfflineAdjust, Tip, IcOffline],
            rows: vec![Sale, ScanSale, Void, Completion, CompletionVoid],
            single_last: vec![Refund, CompletionAdvice],
            rows_per_message: 8,
            all_on_error: false,
            chip: true,
        }
    }
}

/// The acquirer's ways: values of its profile that decisions need.
#[derive(Debug, Clone)]
pub struct ChannelRules {
    /// Messages that a reversal can undo.
    pub reversible: Vec<MessageName>,
    /// Messages that the profile has at all.
    pub supported: Vec<MessageName>,
    /// Codes of 0410 that end a reversal.
    pub reversal_done: Vec<String>,
    /// How often a reversal is sent.
    pub reversal_tries: u32,
    /// Codes that say "I have this already".
    pub duplicate: Vec<String>,
    /// How often an advice is sent before it stands aside.
    pub advice_tries: u32,
    /// A card may be refunded in the batch of its sale.
    pub refund_same_batch: bool,
    /// An unanswered refund is repeated under its numbers, because the acquirer recognizes repeats.
    pub repeats_recognized: bool,
    /// Field 48, or its like, is net: a voided sale and its void count nowhere.
    pub net_totals: bool,
    /// A balanced batch is ended by a message of its own; where not, the verdict ends it.
    pub end_when_balanced: bool,
    /// A completion is stored and told as an advice; else it is asked for.
    pub completion_as_advice: bool,
    /// A completion may be so many hundredths of what was authorized.
    pub completion_percent: u32,
    /// Asking the acquirer what became of a payment.
    pub query: QueryPlan,
    /// 签退 after each settled day.
    pub sign_off: bool,
    /// A pre-authorization that is not completed for so many days is let go.
    pub preauth_days: u32,
    /// An adjusted amount may be so many hundredths of the sale's.
    pub adjust_percent: u32,
    /// How the records of an unbalanced batch go up.
    pub upload: UploadPlan,
    /// Codes of field 63.1 that are the home organisation.
    pub domestic: Vec<String>,
    /// A batch is settled by itself when it reaches one of these.
    pub batch_limits: BatchLimits,
    /// A connection that was away for so long was an outage: the terminal signs on again.
    pub outage_ms: u64,
    /// What becomes of a reversal whose tries ran out.
    pub exhausted: Exhausted,
    /// Reversals of a day that is cut are not sent: they are a person's.
    pub reversals_of_the_day: bool,
    /// What the acquirer asks of the terminal in an answer's header, by its digit.
    pub requests: BTreeMap<u8, HeaderRequest>,
    /// Codes of a refused refund that open another route, and why.
    pub refund_refused: BTreeMap<String, RouteWhy>,
    /// The sentence for each documented code.
    pub sentences: BTreeMap<String, Sentence>,
    /// An online payment waits at most this long for its turn.
    pub wait_ms: u64,
    /// A payment waits at most this long for a settlement to end.
    pub settle_wait_ms: u64,
    /// The first repeat comes after this.
    pub retry_first_ms: u64,
    /// No repeat waits longer than this.
    pub retry_longest_ms: u64,
}

impl ChannelRules {
    /// The answer says, by its code or in its header, that the terminal must sign on first.
    #[must_use]
    pub fn must_sign_on(&self, answer: &Answer) -> bool {
        let asked = self.requests.get(&answer.processing_request);
        answer.class == AnswerClass::SignOnAgain || asked.is_some_and(|request| request.sign_on)
    }

    /// An unanswered refund is to be sent again, unchanged: its tries are bounded like an advice's.
    #[must_use]
    pub fn repeats(&self, payment: &Payment) -> bool {
        self.repeats_recognized && payment.kind == Kind::Refund && payment.sends < self.advice_tries
    }

    /// The half of field 48 that a payment belongs to is that of foreign cards.
    #[must_use]
    pub fn is_of_foreign_half(&self, payment: &Payment) -> bool {
        self.foreign_half(payment.organisation.as_deref(), payment.class.as_ref())
    }

    /// As the answer names the organisation, else as the card table did.
    pub(super) fn foreign_half(&self, organisation: Option<&str>, class: Option<&Classed>) -> bool {
        match organisation {
            Some(organisation) => self.is_foreign(Some(organisation)),
            None => class.and_then(|class| class.foreign).unwrap_or(false),
        }
    }

    /// The organisation of a card is not the home one.
    #[must_use]
    pub fn is_foreign(&self, organisation: Option<&str>) -> bool {
        organisation.is_some_and(|code| !self.domestic.iter().any(|home| home == code.trim_end()))
    }
}
