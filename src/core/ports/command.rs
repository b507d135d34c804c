//! What the outside may ask of the writer, and what the writer lets out after its commit.

use super::{Payee, TransferMove};
use crate::core::acquirer::{Instrument, Order, Report};
use crate::core::cards::CardTable;
use crate::core::domain::{
    BusinessDate, CaseNo, CashierId, Currency, Denomination, Entry, ExceptionNo, Kind, Lang, Method, Minor, PaymentId,
    PinBlock, Reject, RequestId, Role, Seq, ShiftNo, TerminalId, ZNumber,
};
use crate::core::journal::{Coupon, Original, Resolution, TransferAnswer};
use crate::core::payment::Payment;
use crate::core::suspense::Case;

/// Where an answer goes: a number that the shell chose, and gives back to whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One thing asked of the writer.
#[derive(Debug)]
pub enum Command {
    /// The daemon has started: what was under way is unknown now.
    Resume,
    /// Time passed.
    Tick,
    /// Make a payment.
    Pay(Box<Pay>),
    /// Take a payment back before it is sent.
    Cancel(PaymentId),
    /// 开班: opens a shift; with a device, its drawer and a float.
    OpenShift {
        /// Whose.
        cashier: CashierId,
        /// Whose drawer to take.
        device: Option<TerminalId>,
        /// What is in it.
        float: Minor,
    },
    /// 存入 (positive) or 取出 (negative).
    MoveCash {
        /// Whose shift.
        cashier: CashierId,
        /// Which drawer.
        device: TerminalId,
        /// How much.
        amount: Minor,
        /// Why.
        reason: String,
    },
    /// A blind count.
    Count {
        /// Whose shift.
        cashier: CashierId,
        /// Which drawer.
        device: TerminalId,
        /// What was in it.
        counted: Minor,
        /// By denomination, where it was counted so.
        notes: Vec<Denomination>,
        /// Who counted: the cashier, or a manager for them.
        by: CashierId,
    },
    /// A drawer goes from whoever holds it to this cashier, at this counted sum.
    HandOver {
        /// Who takes it.
        to: CashierId,
        /// Which drawer.
        device: TerminalId,
        /// What was in it.
        counted: Minor,
        /// By denomination, where it was counted so.
        notes: Vec<Denomination>,
    },
    /// 交班: ends a shift whose drawers are counted.
    CloseShift {
        /// Whose.
        cashier: CashierId,
        /// By whom.
        by: CashierId,
    },
    /// 日切: closes the open day.
    CutDay {
        /// By whom; nobody where the schedule asks.
        by: Option<CashierId>,
    },
    /// Settle this terminal's batch now.
    Settle(TerminalId),
    /// A lane has something to say.
    Lane {
        /// Which.
        terminal: TerminalId,
        /// What.
        report: Report,
    },
    /// A person may use the till.
    AddCashier {
        /// Their id.
        cashier: CashierId,
        /// Their name as printed.
        name: String,
        /// What they may do.
        role: Role,
        /// Their PIN, hashed by the vault; kept outside the journal.
        pin_hash: Vec<u8>,
        /// What is shown to them.
        lang: Option<Lang>,
        /// Who adds them; nobody where the store's files are at hand.
        by: Option<CashierId>,
    },
    /// What is known of a person changes. What is not named stays.
    ChangeCashier {
        /// Who.
        cashier: CashierId,
        /// Their name as printed.
        name: Option<String>,
        /// What they may do.
        role: Option<Role>,
        /// What is shown to them.
        lang: Option<Lang>,
        /// They work here.
        active: Option<bool>,
        /// A new PIN, hashed; it also ends a lock-out.
        pin_hash: Option<Vec<u8>>,
        /// Who says so; nobody where the store's files are at hand.
        by: Option<CashierId>,
    },
    /// A named person decides an exception.
    Resolve {
        /// Which.
        exception: ExceptionNo,
        /// Who.
        by: CashierId,
        /// How.
        how: Resolution,
        /// In their words.
        note: String,
    },
    /// A technician says which batch is current at the acquirer.
    DecideBatch {
        /// The exception that stopped its terminal.
        exception: ExceptionNo,
        /// The batch.
        batch: crate::core::domain::BatchNo,
        /// Who.
        by: CashierId,
    },
    /// A statement was judged: note it, open its cases.
    Statement(Box<super::StatementJudged>),
    /// A named person does something to a case.
    Case {
        /// Which.
        case: CaseNo,
        /// What.
        act: Box<super::CaseAct>,
    },
    /// Print something again, with the mark.
    Reprint {
        /// What.
        what: PrintWhat,
        /// Who asks; nobody where POS software does.
        by: Option<CashierId>,
    },
    /// A step of a transfer order.
    MoveTransfer(TransferMove),
    /// Everything that is approved and goes to one of these payees is about to be handed to the bank.
    SendTransfers {
        /// The allow-list's ids as they are now.
        listed: Vec<String>,
    },
    /// Money of a transfer that had succeeded came back.
    ReturnTransfer {
        /// Which order.
        payment: PaymentId,
        /// Who says so; nobody where the bank's file does.
        by: Option<CashierId>,
        /// What was said.
        answer: TransferAnswer,
    },
    /// The card table is this one from here on.
    UseCards(std::sync::Arc<CardTable>),
    /// Open a drawer without a payment.
    OpenDrawer {
        /// At which device.
        device: TerminalId,
        /// By whom.
        by: CashierId,
    },
}

/// A payment that is asked for. Card data in it live in memory only.
#[derive(Debug, Clone)]
pub struct Pay {
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
    /// How much.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// The payment it refers to.
    pub original: Option<Original>,
    /// What was presented.
    pub presented: Option<Presented>,
    /// The manager who approved it; their PIN was checked before.
    pub approved_by: Option<CashierId>,
    /// A refund is confirmed by naming its amount again.
    pub confirm_amount: Option<Minor>,
    /// What only some payments have.
    pub extra: PayExtra,
}

/// What only some payments have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayExtra {
    /// Who bears a coupon, and how it was redeemed.
    pub coupon: Option<Coupon>,
    /// Whom a transfer goes to: found in the allow-list before.
    pub payee: Option<Payee>,
}

/// A card or code as it was presented.
#[derive(Debug, Clone)]
pub struct Presented {
    /// Track, keyed card, or code.
    pub instrument: Instrument,
    /// How it was read.
    pub entry: Entry,
    /// The cardholder's PIN, enciphered.
    pub pin_block: Option<PinBlock>,
}

/// What a command gives when it is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done, nothing to show.
    Done,
    /// The payment as it is now.
    Payment(Box<Payment>),
    /// A shift.
    Shift(ShiftNo),
    /// A day was cut.
    Cut {
        /// Which day.
        date: BusinessDate,
        /// Its number.
        z: ZNumber,
    },
    /// What became of a statement.
    Statement(Box<super::StatementNoted>),
    /// The case as it is now.
    Case(Box<Case>),
}

/// What the writer lets out, in order, after the commit that it follows from.
#[derive(Debug)]
pub enum Output {
    /// The answer to a command.
    Answer(Ticket, Result<Reply, Reject>),
    /// Hand this to a lane.
    Send(TerminalId, Box<Order>),
    /// There are print jobs for this printer.
    Print,
    /// Rows up to here are durable.
    Committed(Committed),
    /// The store failed: memory was rebuilt from it. The text is for the log.
    Failed(String),
    /// The store does not take what somebody asked for, and is as good as it was. The text is for the log.
    Refused(String),
}

/// What stands after a commit: for the mark, for listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The last row.
    pub head: Seq,
    /// Its link.
    pub link: crate::core::journal::Link,
    /// Per terminal: batch and last STAN.
    pub terminals: Vec<(TerminalId, crate::core::domain::BatchNo, crate::core::domain::Stan)>,
    /// A rung of the ladder was reached: the mark must be synced.
    pub rung: bool,
    /// Payments that changed.
    pub payments: Vec<PaymentId>,
}

/// What can be printed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum PrintWhat {
    /// A payment's receipt.
    Receipt {
        /// Which.
        payment: PaymentId,
    },
    /// A closed day's Z report.
    DayReport {
        /// Which day.
        date: BusinessDate,
    },
    /// The open day's X report.
    XReport,
    /// A settled batch's slip.
    BatchSlip {
        /// Which terminal.
        terminal: TerminalId,
        /// Which batch.
        batch: crate::core::domain::BatchNo,
    },
    /// A closed shift's slip.
    ShiftSlip {
        /// Which.
        shift: ShiftNo,
    },
    /// Only the drawer's pulse.
    Drawer {
        /// At which device.
        device: TerminalId,
    },
}
