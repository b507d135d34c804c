//! What outside programs see: the contract's JSON objects as types. Fields may be added; none is renamed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ActView, CasesView, CouponFacts, CouponView, FeeView, FeesView, ReversalView, RouteView, ShiftView,
    TransferLineView, TransferView, UnsettledView,
};
use crate::core::domain::{BusinessDate, CashierId, Currency, Kind, Method, Minor, Sentence, State, TerminalId};
use crate::core::journal::{Column, Columns, ExceptionKind, Tally};

/// A payment, as `POST /v1/payments` answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentView {
    /// `P00000042`.
    pub id: String,
    /// The client's id.
    pub request_id: String,
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Field 39.
    pub response_code: Option<String>,
    /// A sentence for the cashier, in the store's language.
    pub message: String,
    /// The sentence in both languages.
    pub message_i18n: Sentence,
    /// Field 37.
    pub rrn: Option<String>,
    /// Field 38.
    pub approval_code: Option<String>,
    /// First six and last four, or the truncated code.
    pub masked_pan: Option<String>,
    /// Six digits.
    pub stan: Option<String>,
    /// Six digits.
    pub batch: Option<String>,
    /// Its day.
    pub business_date: BusinessDate,
    /// The device.
    pub device: TerminalId,
    /// The cashier.
    pub cashier: CashierId,
    /// With what.
    pub method: Method,
    /// Minor units.
    pub amount: Minor,
    /// ISO 4217 letters.
    pub currency: Currency,
    /// The payment it refers to.
    pub original: Option<serde_json::Value>,
    /// The void that undid it.
    pub voided_by: Option<String>,
    /// The completion of a pre-authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<String>,
    /// The available balance, minor units: only of a balance enquiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Minor>,
    /// Refunded so far, minor units.
    pub refunded: Minor,
    /// RFC 3339.
    pub made_at: String,
    /// The reversal's progress: owed, done, given_up.
    pub reversal: Option<String>,
    /// It is undecided for half an hour (`late`) or two days (`escalated`).
    #[serde(default)]
    pub alarm: Option<String>,
    /// Until this day money of it may still move: a refund, or what was undecided for a time.
    #[serde(default)]
    pub watched_until: Option<BusinessDate>,
    /// The sale's amount since an adjustment.
    #[serde(default)]
    pub adjusted: Option<Minor>,
    /// What it costs and when its money arrives, where the store has tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<FeeView>,
    /// The coupon that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<CouponFacts>,
    /// Another route that is open for its refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteView>,
    /// The transfer order that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferView>,
}

/// A group's line in the day's tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupView {
    /// Cashier, device or method.
    pub id: String,
    /// A cashier's name, a device's number.
    pub name: String,
    /// 消费, gross.
    pub sale: Tally,
    /// 退货
    pub refund: Tally,
    /// 撤销
    pub void: Tally,
    /// Vouchers, signed.
    pub vouchers: Tally,
    /// sale − refund − void + vouchers.
    pub net: Minor,
}

/// One cell of cashier × device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CellView {
    /// The cashier.
    pub cashier: CashierId,
    /// The device.
    pub device: TerminalId,
    /// 消费, gross.
    pub sale: Tally,
    /// 退货
    pub refund: Tally,
    /// 撤销
    pub void: Tally,
    /// Vouchers, signed.
    pub vouchers: Tally,
    /// sale − refund − void + vouchers.
    pub net: Minor,
}

/// One line of the bridge between the tables and the batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BridgeLine {
    /// `batch:POS1:000001`, `cash`, `coupon`, `waiting`, `voided_before_sending`, `refused_offline`, `vouchers`.
    pub line: String,
    /// What it is, in both languages.
    pub label: Sentence,
    /// Its columns.
    pub columns: Columns,
    /// Its net.
    pub net: Minor,
}

/// What became of offline sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OfflineView {
    /// Taken offline on this day.
    pub stored: u64,
    /// Of these, the acquirer has.
    pub forwarded: u64,
    /// Of these, refused by the acquirer.
    pub rejected: u64,
    /// Of these, still waiting (those set aside too).
    pub waiting: u64,
}

/// A batch that holds a part of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SettlementView {
    /// The terminal.
    pub terminal: TerminalId,
    /// Six digits.
    pub batch: String,
    /// `balanced | unbalanced | error | unconfirmed | pending`.
    pub result: String,
    /// The whole batch, as sent in field 48: both halves' debits.
    pub debit: Tally,
    /// The whole batch: both halves' credits.
    pub credit: Tally,
    /// The rung of the ladder.
    pub rung: String,
    /// This day's part of it.
    pub part: Columns,
    /// Where it does not balance: the payments that it may differ by, in the order of sending.
    #[serde(default)]
    pub differs: Vec<DifferView>,
}

/// A payment that is not decided, or not with the acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PendingView {
    /// The payment.
    pub payment: String,
    /// Where it stands.
    pub state: State,
    /// What.
    pub kind: Kind,
    /// With what.
    pub method: Method,
    /// The cashier.
    pub cashier: CashierId,
    /// The device.
    pub device: TerminalId,
    /// Minor units.
    pub amount: Minor,
    /// Truncated card or code.
    pub masked_pan: Option<String>,
}

/// A voucher of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VoucherView {
    /// The payment it refers to.
    pub payment: String,
    /// That payment's day.
    pub business_date: BusinessDate,
    /// Signed.
    pub amount: Minor,
    /// `late_answer`, `offline_rejected` or `case`.
    pub why: String,
    /// The cashier.
    pub cashier: CashierId,
    /// The device.
    pub device: TerminalId,
    /// The case that it comes from. Where that has no payment of ours, `payment` is the voucher's own row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<u32>,
    /// Truncated card or code.
    #[serde(default)]
    pub masked_pan: Option<String>,
}

/// A refund or void of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReturnView {
    /// The payment.
    pub payment: String,
    /// Refund or void.
    pub column: Column,
    /// With what.
    pub method: Method,
    /// The cashier.
    pub cashier: CashierId,
    /// The device.
    pub device: TerminalId,
    /// Minor units.
    pub amount: Minor,
    /// What it refers to.
    pub original: Option<String>,
    /// Truncated card or code.
    #[serde(default)]
    pub masked_pan: Option<String>,
    /// The manager who approved it.
    #[serde(default)]
    pub approved_by: Option<CashierId>,
}

/// The journal's head.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JournalView {
    /// Rows in the journal.
    pub rows: u64,
    /// The last link, hex.
    pub head: String,
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExceptionView {
    /// Its number.
    pub id: u32,
    /// What.
    pub kind: ExceptionKind,
    /// The day it was opened.
    pub opened: BusinessDate,
    /// About which payment.
    pub payment: Option<String>,
    /// About which terminal.
    pub terminal: Option<TerminalId>,
    /// What to do.
    pub message: Sentence,
    /// `open` or `resolved`.
    pub state: String,
}

/// A day: `GET /v1/day`, `GET /v1/reports/{day}`, `tilld close --json`, `tilld demo --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DayView {
    /// The store's id.
    pub store: String,
    /// The store's name.
    pub store_name: String,
    /// ISO 4217 letters.
    pub currency: Currency,
    /// The day.
    pub business_date: BusinessDate,
    /// Its number, never reset.
    pub z_number: u32,
    /// `open`, `cut`, then the lowest rung of its batches: `open`, `forwarded`, `asked`, `unconfirmed`, `error`, `unbalanced`,
    /// `uploaded`, `ended`, `balanced`.
    pub state: String,
    /// Per cashier.
    pub by_cashier: Vec<GroupView>,
    /// Per device.
    pub by_device: Vec<GroupView>,
    /// Per method.
    pub by_method: Vec<GroupView>,
    /// Per channel: `card:CUP`, `qr:wechat`, `cash`, …; `case` for the voucher of a case that is about no payment of ours.
    #[serde(default)]
    pub by_channel: Vec<GroupView>,
    /// Cashier × device.
    pub matrix: Vec<CellView>,
    /// The day's columns.
    pub totals: Columns,
    /// Its net.
    pub net: Minor,
    /// By cashier = by device = by method = matrix = bridge, in every column.
    pub cross_foot: bool,
    /// The bridge, line by line.
    pub bridge: Vec<BridgeLine>,
    /// Offline sales.
    pub offline: OfflineView,
    /// The batches.
    pub settlement: Vec<SettlementView>,
    /// 待定
    pub pending: Vec<PendingView>,
    /// Reversed on this day: informational, in no total.
    pub reversed: Tally,
    /// Refunds and voids one by one.
    pub returns: Vec<ReturnView>,
    /// Vouchers one by one.
    pub vouchers: Vec<VoucherView>,
    /// Shifts and drawers.
    pub shifts: Vec<ShiftView>,
    /// Open exceptions.
    pub exceptions: Vec<ExceptionView>,
    /// 挂账: what is not resolved, and what was resolved on this day.
    #[serde(default)]
    pub cases: CasesView,
    /// Reversed payments one by one.
    #[serde(default)]
    pub reversals: Vec<ReversalView>,
    /// Batches of the store that are not settled, whatever their day, with their age.
    #[serde(default)]
    pub unsettled: Vec<UnsettledView>,
    /// Drawers opened without a sale.
    #[serde(default)]
    pub drawer_openings: Vec<ActView>,
    /// What managers let pass: approvals, shifts closed for others, exceptions decided.
    #[serde(default)]
    pub overrides: Vec<ActView>,
    /// What was printed again.
    #[serde(default)]
    pub reprints: Vec<ActView>,
    /// First row of the day.
    pub first_seq: u64,
    /// Last row of the day, or the head while it is open.
    pub last_seq: u64,
    /// Net since the store's first day, this day included.
    pub grand_total: Minor,
    /// The check code of the sealed root, once it is sealed.
    pub check_code: Option<String>,
    /// The journal.
    pub journal: JournalView,
    /// Expected fees and arrivals.
    #[serde(default)]
    pub fees: FeesView,
    /// Coupons by who bears them.
    #[serde(default)]
    pub coupons: Vec<CouponView>,
    /// Transfer orders of the day, and earlier ones that are not ended.
    #[serde(default)]
    pub transfers: Vec<TransferLineView>,
    /// Funds set aside for transfers of which the bank has not said its last word, all days.
    #[serde(default)]
    pub set_aside: Minor,
}

/// One line in a payment's story: a journal row about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoryLine {
    /// The row.
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    /// The event's name and facts.
    pub event: serde_json::Value,
    /// What the response code of an answer says, in the words of the acquirer's profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Sentence>,
}

/// A list and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give this as `cursor` for more.
    pub next_cursor: Option<String>,
}

/// A payment that an unbalanced batch may differ by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DifferView {
    /// Which.
    pub payment: String,
    /// Six digits.
    pub stan: String,
    /// What it does.
    pub kind: Kind,
    /// Minor units.
    pub amount: Minor,
    /// It belongs to the half of foreign cards.
    pub foreign: bool,
    /// Where it stands.
    pub state: State,
    /// `unknown`, `reversal_not_confirmed`, `reversed`, `sent_and_set_aside`, `sent_and_not_answered`, `refused_afterwards`, `written_off`,
    /// `not_in_the_totals`.
    pub why: String,
}

/// A terminal's state for `tilld status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TerminalStatus {
    /// The terminal.
    pub terminal: TerminalId,
    /// `up`, `down`, `connecting`.
    pub line: String,
    /// Why the line is down.
    pub line_why: Option<String>,
    /// Work keys are loaded.
    pub signed_on: bool,
    /// Six digits.
    pub batch: String,
    /// The batch's rung.
    pub rung: String,
    /// Stored offline, waiting.
    pub waiting: Tally,
    /// Reversals owed.
    pub reversals: u64,
    /// Why cards are stopped on it, if they are.
    pub stopped: Option<String>,
    /// What the acquirer asks for in its answers, beyond a sign-on.
    #[serde(default)]
    pub asks: Option<Sentence>,
}

/// A port's state for `tilld status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PortStatus {
    /// Printer or reader id.
    pub id: String,
    /// Its stable name.
    pub port: String,
    /// `open`, `lost`.
    pub state: String,
    /// What the cashier should do, if anything.
    pub attention: Option<Sentence>,
    /// Print jobs waiting.
    pub queued: u64,
    /// What was seen since the start, by name: `opened`, `lost`, `bytes_in`, what its decoder could not use, and the like.
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
}

/// `GET /healthz`, `tilld status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusView {
    /// `ok`, `verifying` (sales go on), `damaged`, `storage_failed`, `storage_full` (they do not).
    pub health: String,
    /// The daemon's version.
    pub version: String,
    /// The store.
    pub store: String,
    /// Its time zone: `Asia/Shanghai`.
    #[serde(default)]
    pub timezone: String,
    /// The open day.
    pub business_date: BusinessDate,
    /// Waiting offline, all terminals.
    pub waiting: Tally,
    /// Milliseconds until the oldest waiting payment is too old to be sent by itself.
    pub oldest_expires_in_ms: Option<i64>,
    /// The terminals.
    pub terminals: Vec<TerminalStatus>,
    /// Printers and readers.
    pub ports: Vec<PortStatus>,
    /// Open exceptions.
    pub exceptions: u64,
    /// Open shifts in which nothing has happened for `shift_idle_hours`: a manager counts and closes them.
    #[serde(default)]
    pub forgotten_shifts: u64,
    /// The journal.
    pub journal: JournalView,
    /// What `check` and people should know.
    pub warnings: Vec<Sentence>,
}

impl StatusView {
    /// Sales are possible.
    #[must_use]
    pub fn sells(&self) -> bool {
        matches!(self.health.as_str(), "ok" | "verifying")
    }
}

/// One hour's takings, by the store's own clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HourView {
    /// `2026-11-20T14`: from the full hour to the next.
    pub hour: String,
    /// 消费, gross.
    pub sale: Tally,
    /// Refunds and voids.
    pub returned: Tally,
    /// sale − returned; vouchers belong to no hour.
    pub net: Minor,
}

/// A day's takings by hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HoursView {
    /// The hours in which there was anything, in order.
    pub hours: Vec<HourView>,
    /// False where the day has more payments than are added up here: the latest ones are in, the first ones are not.
    pub complete: bool,
}

/// A day in a list of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DaySummary {
    /// Its number.
    pub z_number: u32,
    /// Its date.
    pub business_date: BusinessDate,
    /// As in the day itself.
    pub state: String,
    /// The day's columns.
    pub totals: Columns,
    /// Its net.
    pub net: Minor,
    /// The tables and the bridge are equal.
    pub cross_foot: bool,
    /// Payments that are not decided, or not with the acquirer.
    pub pending: u64,
    /// Of its batches, so many have ended.
    pub batches_ended: u64,
    /// Its batches.
    pub batches: u64,
    /// The check code, once it is sealed.
    pub check_code: Option<String>,
}

impl From<&DayView> for DaySummary {
    fn from(day: &DayView) -> DaySummary {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        DaySummary {
            z_number: day.z_number,
            business_date: day.business_date,
            state: day.state.clone(),
            totals: day.totals,
            net: day.net,
            cross_foot: day.cross_foot,
            pending: count(day.pending.len()),
            batches_ended: count(day.settlement.iter().filter(|s| s.rung == "ended").count()),
            batches: count(day.settlement.len()),
            check_code: day.check_code.clone(),
        }
    }
}
