//! One difference: what each side says, who answers for it, what to do. And the words for it in both languages.

use serde::{Deserialize, Serialize};

use super::format::{RowKind, RowState};
use crate::core::domain::{
    BatchNo, BusinessDate, CashierId, Method, Minor, PaymentId, Sentence, ShiftNo, Stan, State, TerminalId,
};
use crate::core::journal::{Attribution, CaseHow, Finding, OursSide, Theirs};
use crate::core::ports::{StatementDay, StoryLine};

/// Which way the books differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// 长款: theirs has it, ours does not.
    Long,
    /// 短款: ours has it, theirs does not.
    Short,
    /// Both have it, and not alike.
    Differs,
    /// Both will have it: it lies on the other side of the cut, or is not yet paid.
    Timing,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident = $class:ident, $word:literal, $zh:literal, $en:literal;)+) => {
        /// Why something is a difference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $doc])* #[serde(rename = $word)] $variant),+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),+];

            /// The stable word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $word),+ }
            }

            /// To which array it belongs.
            #[must_use]
            pub fn class(self) -> Class {
                match self { $(Reason::$variant => Class::$class),+ }
            }

            /// What to do about it.
            #[must_use]
            pub fn action(self) -> Sentence {
                match self { $(Reason::$variant => Sentence::new($zh, $en)),+ }
            }
        }
    };
}

reasons! {
    /// No payment of ours.
    Absent = Long, "absent",
        "本店无此笔：查该终端当班小票与监控，向收单方调单；属实则挂账补记，否则要求退回",
        "We have no such payment: look at that shift's slips, ask the acquirer for its voucher; book it if it is real, else have it returned";
    /// A second row for a payment that has had its row, in this statement or in another one's on another day.
    Duplicate = Long, "duplicate",
        "对方重复入账：向收单方申请退回多出的一笔，勿向顾客退货",
        "Booked twice by the acquirer: ask it to take the second one back; make no refund to the customer before that";
    /// Ours does not know how it ended.
    WasUnknown = Long, "was_unknown",
        "本店待定，对账单证实成功：由店长按对账单确认，在当日以凭证补记",
        "Ours is unknown and the statement shows that it succeeded: the manager confirms it, as a voucher in the open day";
    /// Ours was declined.
    WasDeclined = Long, "was_declined",
        "本店记为拒绝而对方已扣款：核对顾客是否取货；未取货则原路退货，已取货则补记",
        "We have it as declined and the customer was charged: if no goods were given refund it by the original route, else book it";
    /// Ours was reversed.
    WasReversed = Long, "was_reversed",
        "本店已冲正而对方仍扣款：向收单方提供冲正凭证，要求退回顾客",
        "We reversed it and the customer was charged: give the acquirer the reversal's numbers and have it returned to the customer";
    /// Ours was not through: taken offline and refused, set aside, written off, still under way.
    NotThrough = Long, "not_through",
        "本店未计入（离线未成、搁置或核销）而对方已入账：由店长核实后补记，勿再次转发",
        "We do not count it (offline, set aside or written off) and the acquirer does: the manager checks and books it; do not forward it again";
    /// Not in the statement of its day.
    Missing = Short, "missing",
        "对方无此笔：向收单方调单追款，保留小票；对方确认无此交易则由店长挂账核销",
        "The acquirer does not have it: claim it with the slip; if it stays absent the manager writes it off";
    /// It should have come with a later statement, and the wait is over.
    Overdue = Short, "overdue",
        "已过等待期，对方仍未入账：按未到账向收单方追款",
        "The wait is over and it has not come: claim it from the acquirer";
    /// Theirs is reversed.
    TheirsReversed = Short, "theirs_reversed",
        "对方已冲正而本店记为成功：查冲正由来，货已交付则联系顾客补款或挂账",
        "The acquirer reversed it and we count it: find out why; if the goods are gone ask the customer to pay again, or keep it in suspense";
    /// Theirs is declined.
    TheirsDeclined = Short, "theirs_declined",
        "对方记为拒绝而本店记为成功：持小票授权码向收单方查询，未果则挂账",
        "The acquirer has it as declined and we count it: ask with the approval code on the slip, else keep it in suspense";
    /// Another amount.
    Amount = Differs, "amount",
        "金额不符：以签购单为准，向收单方申请调账，差额挂账",
        "The amounts differ: the signed slip decides; ask for an adjustment and keep the difference in suspense";
    /// Another kind.
    Kind = Differs, "kind",
        "交易类型不符：核对凭证，向收单方申请调账",
        "The kinds differ: compare the slips and ask the acquirer for an adjustment";
    /// Settled further from its day than the wait allows.
    Date = Differs, "date",
        "清算日期不符：金额无误，记录后向收单方核对到账日",
        "The settlement days differ beyond the wait: the money is right, check the day on which it arrived";
    /// In the statement of another day than F15 said.
    OtherDay = Timing, "other_day",
        "对方计入相邻清算日：金额无误，无需处理",
        "Settled on a neighbouring day: the money is right, nothing to do";
    /// F15 says that it will come with a later statement.
    Later = Timing, "later",
        "属下一清算日：等待后续对账单",
        "It belongs to a later settlement day: wait for that statement";
    /// No F15, and made at the statement's edge.
    Edge = Timing, "edge",
        "日切前后的交易，清算日未知：等待后续对账单",
        "Made around the cut and without a settlement day: wait for the next statement";
    /// Accepted by the other side, not yet paid.
    Accepted = Timing, "accepted",
        "对方已受理，尚未到账：受理不等于成功，等待后续对账单",
        "Accepted and not yet paid: accepted is not paid, wait for the next statement";
    /// Ours does not know how it ended, and the statement of its day does not have it.
    UnknownSilent = Timing, "unknown_silent",
        "本店待定，其清算日的对账单无此笔：等待期满后由店长确认未成功，勿凭猜测入账",
        "Ours is unknown and the statement of its day does not have it: once the wait is over the manager confirms that it was not done";
    /// The money is right, and its fee is not what the schedule expects.
    Fee = Differs, "fee",
        "手续费不符：金额无误，核对费率合同后向收单方查询，多收的手续费要求退回",
        "The fee differs: the money is right, compare with the contract's rates and claim back what was charged too much";
}

impl Class {
    /// Every class.
    pub const ALL: &'static [Class] = &[Class::Long, Class::Short, Class::Differs, Class::Timing];

    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Long => "long",
            Class::Short => "short",
            Class::Differs => "differs",
            Class::Timing => "timing",
        }
    }
}

impl Reason {
    /// Which side of a payment it is about: two reasons of one facet replace each other, of two facets they stand beside each other.
    #[must_use]
    pub fn facet(self) -> &'static str {
        match self {
            Reason::Duplicate => "duplicate",
            Reason::Fee => "fee",
            _ => "money",
        }
    }

    /// Waited for: it becomes a case only when the wait has run out.
    #[must_use]
    pub fn is_awaited(self) -> bool {
        matches!(self, Reason::Later | Reason::Edge | Reason::Accepted | Reason::UnknownSilent)
    }

    /// In which ways a case of it may be resolved.
    #[must_use]
    pub fn ways(self) -> &'static [CaseHow] {
        use CaseHow::{Confirm, MakeUp, Recovery, Refund, WriteOff};
        match self {
            Reason::Absent | Reason::WasDeclined | Reason::WasReversed | Reason::NotThrough => {
                &[Confirm, Refund, MakeUp, WriteOff]
            }
            Reason::Duplicate => &[Refund, MakeUp, WriteOff],
            Reason::WasUnknown => &[Confirm, MakeUp],
            Reason::Missing | Reason::Overdue | Reason::TheirsReversed | Reason::TheirsDeclined => {
                &[Confirm, MakeUp, Recovery, WriteOff]
            }
            Reason::Amount | Reason::Kind | Reason::Fee => &[Confirm, MakeUp, Recovery, WriteOff],
            Reason::Date => &[Confirm, MakeUp],
            Reason::OtherDay | Reason::Later | Reason::Edge | Reason::Accepted | Reason::UnknownSilent => &[Confirm],
        }
    }
}

/// What one side says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side<S> {
    /// sale, void, refund.
    pub kind: RowKind,
    /// Minor units, positive.
    pub amount: i64,
    /// Its state there.
    pub state: S,
    /// The settlement day there.
    pub day: Option<BusinessDate>,
    /// The fee there, minor units; ours is the one that the schedule expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<i64>,
}

/// Whose books have more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The statement gives the store more than its journal.
    TheirsMore,
    /// The journal has more than the statement gives.
    OursMore,
    /// No money between them.
    Even,
}

impl Direction {
    /// Of a difference theirs − ours.
    #[must_use]
    pub fn of(difference: i64) -> Direction {
        match difference.signum() {
            1 => Direction::TheirsMore,
            -1 => Direction::OursMore,
            _ => Direction::Even,
        }
    }

    /// For people.
    #[must_use]
    pub fn sentence(self) -> Sentence {
        match self {
            Direction::TheirsMore => Sentence::new("对账单多于日志", "the statement has more than the journal"),
            Direction::OursMore => Sentence::new("日志多于对账单", "the journal has more than the statement"),
            Direction::Even => Sentence::new("金额无差", "no money between them"),
        }
    }
}

/// A difference between the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which way.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// theirs − ours in minor units, signed as in the store's net: sale +, void and refund −.
    pub difference: i64,
    /// Whose books have more.
    pub direction: Direction,
    /// The figure's own sum, in minor units: `theirs 500 − ours 0 = 500`.
    pub formula: String,
    /// The statement's line.
    pub line: Option<u64>,
    /// Our payment.
    pub payment: Option<PaymentId>,
    /// Who answers for it.
    pub cashier: Option<String>,
    /// Where.
    pub device: Option<String>,
    /// In which shift.
    pub shift: Option<u32>,
    /// `payment`: the payment names them. `neighbour`: there is none; they are those of the terminal's payment before it. `none`.
    pub attributed: Attribution,
    /// TID.
    pub terminal: Option<String>,
    /// Six digits.
    pub batch: Option<String>,
    /// Six digits.
    pub stan: Option<String>,
    /// Field 37.
    pub rrn: Option<String>,
    /// The merchant's order id.
    pub order: Option<String>,
    /// Our business day.
    pub business_date: Option<BusinessDate>,
    /// What the statement says.
    pub theirs: Option<Side<RowState>>,
    /// What our journal says.
    pub ours: Option<Side<State>>,
    /// What to do.
    pub action: Sentence,
    /// Where other statements have the payment, too: of one that came twice.
    pub also_in: Vec<StatementDay>,
    /// The case that it is, once it was noted.
    pub case: Option<u32>,
    /// Its payment's whole story.
    pub story: Vec<StoryLine>,
    /// Names the same difference again in a later statement of the same format.
    #[serde(skip)]
    pub key: String,
}

impl Difference {
    /// The other side's day on which it stands, or should.
    #[must_use]
    pub fn day(&self) -> Option<BusinessDate> {
        let theirs = self.theirs.as_ref().and_then(|t| t.day);
        theirs.or_else(|| self.ours.as_ref().and_then(|o| o.day)).or(self.business_date)
    }

    /// As a case keeps it. `day` is for what has none.
    #[must_use]
    pub fn finding(&self, format: &str, method: Method, day: BusinessDate) -> Finding {
        let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<u32>().ok());
        Finding {
            key: self.key.clone(),
            format: format.to_owned(),
            reason: self.reason,
            difference: Minor(self.difference),
            line: self.line,
            day: self.day().unwrap_or(day),
            method,
            payment: self.payment,
            cashier: self.cashier.as_deref().and_then(|t| CashierId::new(t).ok()),
            device: self.device.as_deref().and_then(|t| TerminalId::new(t).ok()),
            shift: self.shift.map(ShiftNo),
            attributed: self.attributed,
            terminal: self.terminal.clone(),
            batch: number(&self.batch).map(BatchNo),
            stan: number(&self.stan).map(Stan),
            rrn: self.rrn.clone(),
            order: self.order.clone(),
            theirs: self.theirs.as_ref().map(|t| Theirs {
                kind: t.kind,
                amount: Minor(t.amount),
                state: t.state,
                day: t.day,
                fee: t.fee.map(Minor),
            }),
            ours: self.ours.as_ref().map(|o| OursSide {
                kind: o.kind,
                amount: Minor(o.amount),
                state: o.state,
                day: o.day,
                fee: o.fee.map(Minor),
            }),
        }
    }
}

/// Why an approved row of theirs is long, by the state of ours.
pub(super) fn long_reason(state: State) -> Reason {
    match state {
        State::Unknown | State::Sent => Reason::WasUnknown,
        State::Declined => Reason::WasDeclined,
        State::Reversed => Reason::WasReversed,
        State::Approved
        | State::Forwarded
        | State::Waiting
        | State::Cancelled
        | State::Stored
        | State::Rejected
        | State::SetAside
        | State::Promised
        | State::WrittenOff => Reason::NotThrough,
    }
}
