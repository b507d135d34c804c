//! What can happen in a store, once and for ever.

use serde::{Deserialize, Serialize};

use super::suspense::{CaseStep, Finding, StatementBooked, StatementTaken};
use crate::core::acquirer::{Answer, HostTotals, NotSent, ReversalReason};
use crate::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, Currency, Denomination, Entry, ExceptionNo, Kind, Lang, Method, Minor,
    PaymentId, RequestId, Role, RouteWhy, Seq, ShiftNo, Stan, StatementNo, StoreId, TerminalId, TransferStep, ZNumber,
};
use crate::core::journal::{AlarmLevel, Classed, Coupon, Errand, ExceptionKind, Resolution, TransferAnswer};

/// One happening. Appended to, never reordered: the position in this list is part of the canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The first row of a store.
    StoreOpened {
        /// Which store.
        store: StoreId,
        /// Its only currency.
        currency: Currency,
        /// The number that the first day's Z will carry.
        z: ZNumber,
        /// Public key (Ed25519, 32 bytes) that will verify the first day's seal.
        day_key: Vec<u8>,
    },
    /// A person may use the till.
    CashierAdded {
        /// Their id.
        cashier: CashierId,
        /// Their name as printed.
        name: String,
        /// What they may do.
        role: Role,
    },
    /// A shift 班次 begins.
    ShiftOpened {
        /// Its number.
        shift: ShiftNo,
        /// Whose.
        cashier: CashierId,
        /// Opened by a first payment, not by hand.
        by_payment: bool,
    },
    /// A free drawer joins a shift with its float 备用金.
    DrawerTaken {
        /// Whose shift.
        shift: ShiftNo,
        /// The drawer at this device.
        device: TerminalId,
        /// What was in it.
        float: Minor,
    },
    /// A drawer goes from one open shift to another, with what was counted in it.
    DrawerHandedOver {
        /// The drawer at this device.
        device: TerminalId,
        /// Gives; its over/short is booked with `counted`.
        from: ShiftNo,
        /// Takes; `counted` is its float.
        to: ShiftNo,
        /// Both agreed on this sum.
        counted: Minor,
    },
    /// 存入 or 取出.
    CashMoved {
        /// Whose shift.
        shift: ShiftNo,
        /// Which drawer.
        device: TerminalId,
        /// Positive in, negative out.
        amount: Minor,
        /// Why.
        reason: String,
    },
    /// A drawer was counted, blind 盲点.
    DrawerCounted {
        /// Whose shift.
        shift: ShiftNo,
        /// Which drawer.
        device: TerminalId,
        /// What was in it.
        counted: Minor,
    },
    /// A shift ends; its drawers become free. Over/short was booked with each drawer's last count.
    ShiftClosed {
        /// Which.
        shift: ShiftNo,
        /// By whom: the cashier, or a manager for them.
        by: CashierId,
        /// One line a drawer.
        drawers: Vec<DrawerResult>,
    },
    /// A payment exists.
    PaymentMade(Box<PaymentMade>),
    /// It was taken offline.
    PaymentStored {
        /// Which.
        payment: PaymentId,
    },
    /// It was taken back before anything was sent.
    PaymentCancelled {
        /// Which.
        payment: PaymentId,
        /// Why.
        why: CancelReason,
    },
    /// A stored payment will not be sent by itself any more.
    PaymentSetAside {
        /// Which.
        payment: PaymentId,
        /// Why.
        why: AsideReason,
    },
    /// A message is about to be handed to the line (law 1).
    Sending {
        /// By which terminal.
        terminal: TerminalId,
        /// Field 11.
        stan: Stan,
        /// Field 60.2.
        batch: BatchNo,
        /// What it says.
        subject: Subject,
    },
    /// No byte of it was handed to the line.
    NotSent {
        /// Of which terminal.
        terminal: TerminalId,
        /// Which message.
        stan: Stan,
        /// Why.
        why: NotSent,
    },
    /// It was sent, or may have been, and nothing came back.
    NoAnswer {
        /// Of which terminal.
        terminal: TerminalId,
        /// Which message.
        stan: Stan,
        /// Why.
        why: Silence,
    },
    /// A matched answer.
    Answered {
        /// Of which terminal.
        terminal: TerminalId,
        /// Which message.
        stan: Stan,
        /// What is kept of it, masked.
        answer: Box<Answer>,
        /// What the message asked for is done: a payment approved, an advice delivered (94 too), a reversal ended, a verdict
        /// given. Decided by the profile of that time, so that reading old rows needs no profile.
        accepted: bool,
        /// The card is of a foreign organisation: the half of field 48 it belongs to.
        foreign: bool,
    },
    /// A frame that answers nothing we wait for: evidence, no effect.
    Stray {
        /// At which terminal.
        terminal: TerminalId,
        /// The payment that it names, if any.
        payment: Option<PaymentId>,
        /// Masked hex and what is wrong.
        masked_frame: String,
    },
    /// An answer that came after its message was given up, for a payment without a reversal: it decides.
    LateAnswer {
        /// Which payment.
        payment: PaymentId,
        /// What is kept of it, masked.
        answer: Box<Answer>,
        /// The card is of a foreign organisation.
        foreign: bool,
    },
    /// The acquirer must be told to undo a payment, if it did it.
    ReversalOwed {
        /// Which.
        payment: PaymentId,
        /// Why.
        reason: ReversalReason,
    },
    /// The reversal's tries are used up.
    ReversalGivenUp {
        /// Of which payment.
        payment: PaymentId,
    },
    /// A terminal's batch is to be settled as soon as nothing of it is outstanding.
    SettlementWanted {
        /// Which terminal.
        terminal: TerminalId,
        /// Why.
        why: SettleReason,
    },
    /// The acquirer's batch number is used from here on: our batch was empty.
    BatchAdopted {
        /// Which terminal.
        terminal: TerminalId,
        /// The acquirer's number.
        batch: BatchNo,
    },
    /// The acquirer's batch number shows that our unanswered end arrived.
    BatchEndSeen {
        /// Which terminal.
        terminal: TerminalId,
        /// The batch that has ended.
        batch: BatchNo,
    },
    /// The acquirer's batch number makes no sense to us: cards stop on this terminal until a technician decides.
    BatchDisagreed {
        /// Which terminal.
        terminal: TerminalId,
        /// Our open batch.
        ours: BatchNo,
        /// What the acquirer says.
        theirs: BatchNo,
    },
    /// A technician decided which batch is current.
    BatchDecided {
        /// Which terminal.
        terminal: TerminalId,
        /// The batch that is current now.
        batch: BatchNo,
        /// Who.
        by: CashierId,
    },
    /// 日切: the last row of a day.
    DayCut {
        /// The day's number.
        z: ZNumber,
        /// The day that is open from here on.
        next: BusinessDate,
        /// By whom; nobody where the schedule did it.
        by: Option<CashierId>,
        /// First row of the day.
        first: Seq,
        /// The store's grand total since its first day, net.
        grand_total: Minor,
    },
    /// The first row after a cut: the signed root of the day before.
    DaySealed {
        /// Which day.
        date: BusinessDate,
        /// Its number.
        z: ZNumber,
        /// The chain's link of its last row.
        root: [u8; 32],
        /// Ed25519 over store, date, number, root and next key; 64 bytes.
        signature: Vec<u8>,
        /// Public key of the day that is open now.
        next_key: Vec<u8>,
    },
    /// Something needs a named person.
    ExceptionOpened {
        /// Its number.
        exception: ExceptionNo,
        /// What.
        kind: ExceptionKind,
        /// About which payment.
        payment: Option<PaymentId>,
        /// About which terminal.
        terminal: Option<TerminalId>,
    },
    /// A named person decided.
    ExceptionResolved {
        /// Which.
        exception: ExceptionNo,
        /// Who.
        by: CashierId,
        /// How.
        how: Resolution,
        /// In their words.
        note: String,
    },
    /// Something was printed again.
    Reprinted {
        /// What: a payment, a report.
        what: String,
        /// How often now.
        times: u32,
    },
    /// A drawer was opened without a payment.
    DrawerOpened {
        /// At which device.
        device: TerminalId,
        /// By whom.
        by: CashierId,
    },
    /// A statement of the other side was judged.
    StatementTaken(Box<StatementTaken>),
    /// 挂账: a statement and the journal differ; a case is open until a named person has resolved it.
    CaseOpened {
        /// Its number.
        case: CaseNo,
        /// The statement that shows it; none where a wait has run out.
        statement: Option<StatementNo>,
        /// What differs.
        finding: Box<Finding>,
    },
    /// Something happened to a case.
    CaseMoved {
        /// Which.
        case: CaseNo,
        /// The payment it is about, if it is about one.
        payment: Option<PaymentId>,
        /// What.
        step: Box<CaseStep>,
    },
    /// A drawer was counted, blind, with the notes and coins that were in it. Since this stands here, every count.
    DrawerTallied {
        /// Whose shift.
        shift: ShiftNo,
        /// Which drawer.
        device: TerminalId,
        /// What was in it.
        counted: Minor,
        /// By denomination, largest first; empty where only the sum was given.
        notes: Vec<Denomination>,
        /// Who counted: the cashier, whoever takes the drawer over, or a manager.
        by: CashierId,
    },
    /// A person may use the till, or what is known of them changed. Since this stands here, every addition too.
    PersonSet {
        /// Their id.
        person: CashierId,
        /// Their name as printed.
        name: String,
        /// What they may do.
        role: Role,
        /// What is shown to them and printed for them; the store's where it is not said.
        lang: Option<Lang>,
        /// They work here: a person who left keeps their id and may do nothing.
        active: bool,
        /// Who said so; nobody where the store's files were at hand.
        by: Option<CashierId>,
    },
    /// Something was printed again, and who asked for it. Since this stands here, every reprint.
    PrintedAgain {
        /// What: a payment, a report.
        what: String,
        /// How often now.
        times: u32,
        /// Who asked; nobody where POS software did.
        by: Option<CashierId>,
    },
    /// A message that moves no money is about to be handed to the line (law 1).
    Errand {
        /// By which terminal.
        terminal: TerminalId,
        /// Field 11.
        stan: Stan,
        /// Field 60.2.
        batch: BatchNo,
        /// What it is for.
        errand: Errand,
    },
    /// A payment is undecided for so long that somebody must know.
    Alarm {
        /// Which.
        payment: PaymentId,
        /// How long.
        level: AlarmLevel,
    },
    /// The time in which a pre-authorization can be completed is over.
    PreauthLapsed {
        /// Which.
        payment: PaymentId,
    },
    /// What the tables say of a payment's card, fee and arrival; again where the answer names another organisation.
    PaymentClassed {
        /// Which.
        payment: PaymentId,
        /// What they say.
        class: Box<Classed>,
    },
    /// A payment is a coupon of this kind.
    CouponTaken {
        /// Which.
        payment: PaymentId,
        /// Whose, and how redeemed.
        coupon: Box<Coupon>,
    },
    /// The channel refused a refund for a reason that opens another route.
    RouteOpened {
        /// The refund that it refused.
        refund: PaymentId,
        /// The payment that was to be refunded.
        original: PaymentId,
        /// Why.
        why: RouteWhy,
        /// Keyed hash of the card's number, only where its key lies apart from the data.
        tag: Option<[u8; 16]>,
    },
    /// A payment is a transfer order.
    TransferNamed {
        /// Which.
        payment: PaymentId,
        /// The payee's id in the allow-list.
        payee: String,
        /// The payee's name, shortened.
        name: String,
        /// The refund that the channel refused.
        refused: PaymentId,
    },
    /// A step of a transfer order.
    TransferMoved {
        /// Which.
        payment: PaymentId,
        /// Where to.
        to: TransferStep,
        /// By whom; nobody where the bank's file says so.
        by: Option<CashierId>,
        /// What the bank, or the person, says.
        answer: Option<Box<TransferAnswer>>,
    },
    /// Something was said of a transfer that moves it nowhere: evidence, kept.
    TransferAnswered {
        /// Which.
        payment: PaymentId,
        /// By whom; nobody where the bank's file says so.
        by: Option<CashierId>,
        /// What.
        answer: Box<TransferAnswer>,
    },
    /// A record of an upload cannot be built into a message: the upload goes on without it.
    RecordSkipped {
        /// Whose batch.
        terminal: TerminalId,
        /// Which batch.
        batch: BatchNo,
        /// The payment.
        payment: PaymentId,
    },
    /// Which payments a judged statement has with money.
    StatementBooked(Box<StatementBooked>),
    /// A technician decided that a batch which an earlier decision left open is current again: it goes on where it was.
    BatchRetaken {
        /// Which terminal.
        terminal: TerminalId,
        /// The batch that is current again.
        batch: BatchNo,
        /// Who.
        by: CashierId,
    },
}

/// The facts of a payment at its birth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMade {
    /// The client's id.
    pub request: RequestId,
    /// What it does.
    pub kind: Kind,
    /// With what.
    pub method: Method,
    /// On which device.
    pub device: TerminalId,
    /// By whom.
    pub cashier: CashierId,
    /// In which shift.
    pub shift: ShiftNo,
    /// How much; always positive, `kind` gives the direction.
    pub amount: Minor,
    /// The payment it refers to.
    pub original: Option<Original>,
    /// How the card or code was read.
    pub entry: Option<Entry>,
    /// First six and last four of the card, or the truncated code.
    pub masked: Option<String>,
    /// The card has a chip (service code 2 or 6).
    pub chip: bool,
    /// The cardholder's PIN was taken.
    pub pin: bool,
    /// The manager who approved it.
    pub approved_by: Option<CashierId>,
    /// It is final with this row: cash, a coupon, a void of what was never sent.
    pub final_here: bool,
}

/// What a void or refund refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Original {
    /// A payment of this journal.
    Payment(PaymentId),
    /// A sale from before this journal.
    Foreign {
        /// Field 37 of its answer.
        rrn: String,
        /// Its date.
        date: BusinessDate,
        /// Its amount.
        amount: Minor,
    },
}

/// What a message to the acquirer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// 签到
    SignOn,
    /// A payment, online.
    Payment(PaymentId),
    /// A stored payment, forwarded.
    Advice(PaymentId),
    /// 冲正
    Reversal(PaymentId),
    /// 批结算 with these totals.
    Settle(HostTotals),
    /// 批上送 of these payments in one message.
    Upload(Vec<PaymentId>),
    /// 批上送结束
    End {
        /// The verdict was balanced.
        balanced: bool,
        /// Records uploaded.
        records: u16,
    },
    /// 批上送 of one payment in a message of its own, under its own STAN.
    UploadOne(PaymentId),
}

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Silence {
    /// In the time that the profile gives.
    Timeout,
    /// The daemon stopped while the message was under way.
    Restart,
}

/// Why a payment was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelReason {
    /// The POS software or the cashier asked.
    Asked,
    /// There was no line, and it could not be taken offline.
    NoLine,
    /// It waited too long for its turn.
    WaitedTooLong,
    /// The message could not be built.
    NotBuilt,
    /// The daemon stopped before it was sent.
    Restart,
    /// Its terminal was settling for too long, or the batch that it undoes something in has ended.
    Settling,
    /// Cards were stopped on its terminal.
    Stopped,
}

/// Why a stored payment stands aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AsideReason {
    /// Older than `max_age_hours`.
    TooOld,
    /// Sent as often as allowed, never answered.
    Tries,
    /// It cannot be built into a message.
    NotBuilt,
}

/// Why a batch is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettleReason {
    /// The day was cut.
    Cut,
    /// Its counts or sums come near their digits.
    Full,
    /// Somebody asked.
    Asked,
}

/// One drawer at the end of a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawerResult {
    /// At which device.
    pub device: TerminalId,
    /// 备用金
    pub float: Minor,
    /// Cash sales.
    pub sales: Minor,
    /// Cash refunds and voids.
    pub refunds: Minor,
    /// 存入
    pub paid_in: Minor,
    /// 取出
    pub paid_out: Minor,
    /// float + sales − refunds + in − out.
    pub expected: Minor,
    /// What was counted.
    pub counted: Minor,
    /// counted − expected: 长款 if positive, 短款 if negative.
    pub difference: Minor,
}
