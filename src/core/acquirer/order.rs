//! What the ledger asks a terminal's conversation to send, and what comes of it.
//!
//! An [`Order`] is handed to the lane only after the row that says "about to be sent" is durable (law 1). A [`Report`] goes back as a command
//! to the writer. Card data ride along in memory only and are wiped when the order is dropped.

use serde::{Deserialize, Serialize};

use crate::core::domain::{
    BatchNo, ChipData, Currency, Entry, Minor, MonoMs, Pan, PaymentCode, PinBlock, Stan, Track2,
};

/// One message to be sent once, or again unchanged.
#[derive(Debug, Clone)]
pub struct Order {
    /// Field 11, stamped in the durable row.
    pub stan: Stan,
    /// Field 60.2, stamped in the durable row.
    pub batch: BatchNo,
    /// What to say.
    pub message: Outgoing,
}

/// What can be said to the acquirer.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// 签到: asks for work keys.
    SignOn,
    /// 签退
    SignOff,
    /// What became of this payment? It stands in `original`.
    Query(Box<PaymentMessage>),
    /// A payment, online or as an advice.
    Payment(Box<PaymentMessage>),
    /// 冲正 of a payment that was sent under this same STAN and batch.
    Reversal(Box<PaymentMessage>, ReversalReason),
    /// 批结算: our totals.
    Settle(HostTotals),
    /// 批上送: up to eight card rows in one 0320/201.
    Upload(Vec<UploadRow>),
    /// 批上送 of a single record (offline sale, refund, completion advice) in a 0320 of its own.
    UploadOne(Box<PaymentMessage>),
    /// 批上送 of what a chip gave for a payment.
    UploadChip(Box<PaymentMessage>, ChipUpload),
    /// 批上送结束: number of records uploaded, and whether the settlement was balanced (207) or not (202).
    End {
        /// Both halves of the verdict were 1.
        balanced: bool,
        /// Records uploaded.
        records: u16,
        /// The totals that were asked about: some dialects repeat them.
        totals: HostTotals,
    },
}

/// Which of the four messages carries a chip's record: they name the verdict too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChipUpload {
    /// Both halves of the verdict were 1.
    pub balanced: bool,
    /// The payment had no effect: declined or undone.
    pub failed: bool,
}

/// The messages of the profile's table that carry a payment. One line here, one row in the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageName {
    /// 消费
    Sale,
    /// 扫码消费
    ScanSale,
    /// 消费撤销
    Void,
    /// 退货
    Refund,
    /// 离线消费
    OfflineSale,
    /// 余额查询
    Balance,
    /// 预授权
    Preauth,
    /// 预授权撤销
    PreauthVoid,
    /// 预授权完成(请求)
    Completion,
    /// 预授权完成(通知)
    CompletionAdvice,
    /// 预授权完成撤销
    CompletionVoid,
    /// 离线调整
    OfflineAdjust,
    /// 小费：联机消费的调整
    Tip,
    /// IC 卡脱机消费
    IcOffline,
}

/// The contents of a financial message.
#[derive(Debug, Clone)]
pub struct PaymentMessage {
    /// Which row of the profile's table.
    pub name: MessageName,
    /// Field 4.
    pub amount: Minor,
    /// Field 49.
    pub currency: Currency,
    /// How the card or code was read (field 22's first two digits).
    pub entry: Entry,
    /// The card or code; `None` only where the message needs none.
    pub instrument: Option<Instrument>,
    /// Field 52: only in the message that asks for authorization.
    pub pin_block: Option<PinBlock>,
    /// The cardholder's PIN was taken: the third digit of field 22, also where the block is gone (a reversal, an upload).
    pub with_pin: bool,
    /// The payment this one refers to.
    pub original: Option<OriginalRef>,
    /// Field 38 where the message carries one of its own (offline authorization; a reversal of an answered payment).
    pub approval_code: Option<String>,
}

/// What identifies the payer, in memory only.
#[derive(Debug, Clone)]
pub enum Instrument {
    /// The whole stripe: only before authorization.
    Track2(Track2),
    /// PAN and expiry (YYMM) from the sealed row.
    Card {
        /// Field 2.
        pan: Pan,
        /// Field 14.
        expiry: Option<String>,
    },
    /// A scanned payment code (field 59).
    Code(PaymentCode),
    /// A chip, by contact or without.
    Chip(Box<ChipCard>),
}

/// What a chip gave. Its data objects hold neither number nor stripe: those stand in fields of their own.
#[derive(Debug, Clone)]
pub struct ChipCard {
    /// Field 2.
    pub pan: Pan,
    /// Field 14.
    pub expiry: Option<String>,
    /// Field 23, three digits.
    pub sequence: Option<String>,
    /// Field 35: the stripe's image, only before authorization.
    pub track2: Option<Track2>,
    /// Field 55.
    pub data: ChipData,
}

/// The payment that a void, refund or completion refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalRef {
    /// Its batch (61.1).
    pub batch: BatchNo,
    /// Its STAN (61.2).
    pub stan: Stan,
    /// Its date MMDD, field 13 of its answer (61.3).
    pub date: Option<String>,
    /// Its field 37.
    pub rrn: Option<String>,
    /// Its field 38.
    pub approval_code: Option<String>,
    /// Its card organisation, field 63.1 of its answer.
    pub organisation: Option<String>,
}

/// Why a reversal is sent: field 39 of 0400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalReason {
    /// 98: no answer.
    NoAnswer,
    /// A0: the answer's MAC was wrong.
    BadMac,
    /// 06: anything else, and every further try.
    Other,
}

/// Counts and sums of field 48 in 0500, gross: a voided sale stays in debit and its void adds to credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostTotals {
    /// Cards of the home organisation.
    pub domestic: HostHalf,
    /// All others.
    pub foreign: HostHalf,
}

/// One half of field 48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostHalf {
    /// Sales and completions: sum.
    pub debit: Minor,
    /// Sales and completions: count, at most 999.
    pub debit_count: u32,
    /// Voids and refunds: sum.
    pub credit: Minor,
    /// Voids and refunds: count, at most 999.
    pub credit_count: u32,
}

/// One of the eight rows of 0320/201.
#[derive(Debug, Clone)]
pub struct UploadRow {
    /// True for a card of a foreign organisation.
    pub foreign: bool,
    /// Its STAN.
    pub stan: Stan,
    /// Its PAN; `None` for a scanned code (the profile says what then stands there).
    pub pan: Option<Pan>,
    /// Its amount.
    pub amount: Minor,
}

/// What a documented response code means. The list is the profile's; whatever it does not name is `Unknown` (law 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerClass {
    /// The acquirer did it.
    Approved,
    /// The acquirer did not do it, and says so.
    Declined,
    /// The acquirer did not do it, because we must sign on again.
    SignOnAgain,
    /// Nothing that may be relied on.
    Unknown,
}

/// Why an answer is not believed although it matched its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Its MAC is wrong.
    BadMac,
    /// It approves, and carries no MAC where the request had one.
    NoMac,
    /// Its amount is not ours.
    Amount,
    /// Its merchant is not ours.
    Merchant,
    /// Its code is in no list.
    UndocumentedCode,
    /// It has no code where one is needed.
    NoCode,
    /// A sign-on's answer approves, and its work keys could not be taken (none, or of another master key).
    Keys,
}

/// A matched answer: what is kept of it. Nothing in it is card data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What its code means for what was asked, after every check: `Approved` is "it was done", also for a reversal that ended on 25 and an
    /// advice that the host had already (94). A partial approval (10) of another amount is `Unknown`, to be reversed.
    pub class: AnswerClass,
    /// Why it is `Unknown` although it matched.
    pub doubt: Option<Doubt>,
    /// Field 39 (0510 carries none in two independent sources).
    pub code: Option<String>,
    /// Field 12, hhmmss at the host.
    pub host_time: Option<String>,
    /// Field 13, MMDD at the host.
    pub host_date: Option<String>,
    /// Field 15, the acquirer's settlement date MMDD.
    pub settle_date: Option<String>,
    /// Field 37.
    pub rrn: Option<String>,
    /// Field 38.
    pub approval_code: Option<String>,
    /// Field 60.2.
    pub batch: Option<BatchNo>,
    /// Field 63.1, the card organisation.
    pub organisation: Option<String>,
    /// Field 48 of 0510: the verdict for each half.
    pub verdict: Option<Verdicts>,
    /// The sixth digit of the header: what the acquirer asks the terminal to do (3 = sign on again).
    pub processing_request: u8,
    /// Field 54: the available balance, minor units.
    pub balance: Option<Minor>,
    /// The frame as hex, F2 F35 F36 F52 F55 F59 masked: evidence for people.
    pub masked_frame: String,
}

/// The settlement's verdict for each half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Domestic cards.
    pub domestic: Verdict,
    /// Foreign cards.
    pub foreign: Verdict,
}

impl Verdicts {
    /// Both halves agree.
    #[must_use]
    pub fn balanced(self) -> bool {
        self.domestic == Verdict::Balanced && self.foreign == Verdict::Balanced
    }
}

/// One digit of field 48 in 0510.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// 1
    Balanced,
    /// 2
    Unbalanced,
    /// 3, and every digit that is not documented.
    Error,
}

/// Why no byte of a message was handed to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// There is no connection, and none could be made in time.
    NoLine,
    /// The message could not be built (a field that does not fit): not a matter of the line.
    NotBuilt,
    /// Its MAC could not be made now: no work keys, or the PIN pad that holds them does not answer. After a sign-on it can be.
    NoKeys,
}

/// What a lane tells the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A connection stands.
    LineUp,
    /// The connection went, or could not be made.
    LineDown {
        /// In the operating system's words, for the log and the status.
        why: String,
    },
    /// No byte of the order was handed to the line.
    NotSent {
        /// Of the order.
        stan: Stan,
        /// Why.
        why: NotSent,
    },
    /// Bytes were handed to the line, and no answer came in time.
    NoAnswer {
        /// Of the order.
        stan: Stan,
    },
    /// A matched answer to the order.
    Answered {
        /// Of the order.
        stan: Stan,
        /// What came.
        answer: Box<Answer>,
    },
    /// A frame that matches nothing we wait for: kept aside, never given to the next request.
    Stray {
        /// Its STAN, if it could be read.
        stan: Option<Stan>,
        /// What it says, if it could be read as an answer at all.
        answer: Option<Box<Answer>>,
        /// Masked hex, and what is wrong with it.
        masked_frame: String,
    },
}

/// What goes into a lane.
#[derive(Debug)]
pub enum LaneInput<'a> {
    /// Send this. At most one order is under way: the writer gives the next only after the report of the last.
    Order(Box<Order>),
    /// The connection stands.
    Connected,
    /// The connection could not be made, or went.
    Disconnected(&'a str),
    /// Bytes came; split anywhere.
    Bytes(&'a [u8]),
    /// Time passed.
    Tick,
}

/// What a lane wants done, in order.
#[derive(Debug)]
pub enum LaneOutput {
    /// Make the connection.
    Connect,
    /// Drop the connection.
    Disconnect,
    /// Hand these bytes to the line. From here on the order is *sent*.
    Write(Vec<u8>),
    /// Tell the writer.
    Report(Report),
    /// For the log, never card data: why a message could not be built, why keys were not taken, why the line was dropped.
    Note(String),
    /// Call again with `Tick` at this moment, if nothing happens before (the last one given counts).
    WakeAt(MonoMs),
}
