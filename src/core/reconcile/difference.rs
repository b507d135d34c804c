//! One difference: what each side says, who answers for it, what to do. And the words for it in both languages.

use serde::Serialize;

use crate::core::domain::{BusinessDate, Sentence, State};

/// Which way the books differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// A second row for a payment that has had its row.
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
}

/// What one side says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// sale, void, refund.
    pub kind: &'static str,
    /// Minor units, positive.
    pub amount: i64,
    /// Its state, in its side's words.
    pub state: &'static str,
    /// The settlement's day.
    pub day: Option<BusinessDate>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which way.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// theirs − ours, signed as in the store's net, minor units.
    pub difference: i64,
    /// The statement's line.
    pub line: Option<u64>,
    /// Our payment.
    pub payment: Option<String>,
    /// Who answers for it.
    pub cashier: Option<String>,
    /// Where.
    pub device: Option<String>,
    /// In which shift.
    pub shift: Option<u32>,
    /// `payment`: the payment names them. `neighbour`: there is none; they are those of the terminal's payment before it. `none`.
    pub attributed: &'static str,
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
    pub theirs: Option<Side>,
    /// What our journal says.
    pub ours: Option<Side>,
    /// What to do.
    pub action: Sentence,
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
        | State::WrittenOff => Reason::NotThrough,
    }
}
