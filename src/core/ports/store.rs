//! What the writer needs of the place where rows lie: one transaction at a time, and look-ups inside it.

use thiserror::Error;

use crate::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, ChipData, Pan, PaymentId, PrinterId, RequestId, Seq, ShiftNo,
    StatementNo, TerminalId, WallMs,
};
use crate::core::journal::{Columns, Link, Record, StatementBooked, StatementTaken};
use crate::core::payment::{Payment, Slot};
use crate::core::ports::PrintWhat;
use crate::core::suspense::Case;

/// The store said no. The text is for the log and the technician; nothing of the transaction is durable, but for [`StoreError::InDoubt`].
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The disk or the file system failed.
    #[error("the store cannot be read or written: {0}")]
    Io(String),
    /// A commit failed, and the disk does not let it be taken back: whether it is durable will show at the next start.
    #[error("whether the last commit was saved is not known: {0}")]
    InDoubt(String),
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// What was to be written is nothing that the store can hold: it would not read back, or two of what there may be one of. The store is as good as
    /// it was.
    #[error("the store does not take it: {0}")]
    Refused(String),
    /// Another process holds it, or a newer tilld wrote it, or it is another store's.
    #[error("the store cannot be used: {0}")]
    Unusable(String),
}

/// A journal row, ready to be written: the canonical bytes and what is derived from them.
#[derive(Debug, Clone)]
pub struct Row {
    /// What the bytes say.
    pub record: Record,
    /// The canonical bytes.
    pub bytes: Vec<u8>,
    /// SHA-256(previous link ‖ bytes).
    pub link: Link,
    /// HMAC of the link under the open day's key.
    pub hmac: [u8; 32],
    /// The payment it is about, for look-ups.
    pub payment: Option<PaymentId>,
}

/// A shift, as it is archived when it has ended (JSON of the core's type, for reports).
#[derive(Debug, Clone)]
pub struct ShiftRow {
    /// Its number.
    pub shift: ShiftNo,
    /// Whose.
    pub cashier: CashierId,
    /// The day on which it was closed.
    pub closed: BusinessDate,
    /// The whole.
    pub body: Vec<u8>,
}

/// A batch, as it is archived at each rung.
#[derive(Debug, Clone)]
pub struct BatchRow {
    /// Its terminal.
    pub terminal: TerminalId,
    /// Its number at the acquirer (repeats after 999,999).
    pub batch: BatchNo,
    /// The first journal row that belongs to it: with terminal and number it is unique for ever (law 3).
    pub first: Seq,
    /// The word of its rung.
    pub rung: &'static str,
    /// The whole.
    pub body: Vec<u8>,
}

/// A day, as it is archived at its cut and at each later rung.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// Which.
    pub date: BusinessDate,
    /// Its Z number.
    pub z: u32,
    /// First row.
    pub first: Seq,
    /// Last row: the cut.
    pub last: Seq,
    /// The chain's link of the last row.
    pub root: Link,
    /// The figures as sealed: written once, never changed.
    pub body: Vec<u8>,
    /// The figures with what still moves (settlement, pending, offline): written again as the ladder is climbed.
    pub tail: Vec<u8>,
}

/// A print job, as it is queued with the row it follows from.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// On which printer.
    pub printer: PrinterId,
    /// What.
    pub what: PrintWhat,
    /// It is a reprint, the n-th.
    pub reprint: u32,
}

/// The day's totals recounted by the store from its rows: four independent groupings, for the cross-foot at the close.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recount {
    /// By cashier, over the journal's effects.
    pub by_cashier: Vec<(String, Columns)>,
    /// By device, over the journal's effects.
    pub by_device: Vec<(String, Columns)>,
    /// By method, over the journal's effects.
    pub by_method: Vec<(String, Columns)>,
    /// By line of the bridge, over the payments (without vouchers).
    pub by_slot: Vec<(String, Columns)>,
}

/// Look-ups that see the open transaction.
pub trait Archive: std::fmt::Debug {
    /// A payment that may not be in memory.
    fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError>;
    /// The payment of a request id.
    fn by_request(&self, request: &RequestId) -> Result<Option<PaymentId>, StoreError>;
    /// The payment that was sent with this STAN in this batch of this terminal (the youngest, should numbers have wrapped).
    fn by_stan(
        &self,
        terminal: &TerminalId,
        batch: BatchNo,
        stan: crate::core::domain::Stan,
    ) -> Result<Option<PaymentId>, StoreError>;
    /// The refunds in which this reference number stands, whatever it is there: for sales that are not in this journal.
    fn refunds_naming(&self, rrn: &str) -> Result<Vec<Payment>, StoreError>;
    /// The payments of a batch from its first row on, in order: for upload.
    fn batch_members(&self, terminal: &TerminalId, batch: BatchNo, first: Seq) -> Result<Vec<PaymentId>, StoreError>;
    /// The day's totals, recounted from the rows.
    fn recount(&self, date: BusinessDate) -> Result<Recount, StoreError>;
    /// The payments of a day whose row and journal entries differ: what a refused close names.
    fn suspects(&self, date: BusinessDate) -> Result<Vec<PaymentId>, StoreError>;
    /// The sealed card of a payment.
    fn sealed_card(&self, id: PaymentId) -> Result<Option<Vec<u8>>, StoreError>;
    /// How often something was printed on demand before.
    fn times_printed(&self, what: &PrintWhat) -> Result<u32, StoreError>;
    /// A case that may not be in memory.
    fn case(&self, no: CaseNo) -> Result<Option<Case>, StoreError>;
    /// The case of a difference.
    fn case_of(&self, format: &str, key: &str) -> Result<Option<CaseNo>, StoreError>;
    /// The case that a refund has ended.
    fn case_refunded_by(&self, refund: PaymentId) -> Result<Option<CaseNo>, StoreError>;
    /// The cases of a statement's format on its days, at most so many.
    fn cases_on(&self, format: &str, first: BusinessDate, last: BusinessDate) -> Result<Vec<CaseNo>, StoreError>;
    /// The statement of a file's hash, and the last statement's number.
    fn statement_of(&self, hash: &[u8; 32]) -> Result<(Option<StatementNo>, StatementNo), StoreError>;
}

/// What the state as of any row is made from.
pub trait History: Archive {
    /// The newest snapshot at or before a row (`None`: of all).
    fn snapshot(&self, before: Option<Seq>) -> Result<Option<(Seq, Vec<u8>)>, StoreError>;
    /// Gives every row after `after`, up to and including `until`, in order, with its link.
    fn replay(
        &self,
        after: Seq,
        until: Option<Seq>,
        each: &mut dyn FnMut(Record, Link) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
}

/// The one writer's transaction.
pub trait Store: History {
    /// Begins it.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Adds a journal row.
    fn append(&mut self, row: &Row) -> Result<(), StoreError>;
    /// Writes a payment as it is now.
    fn put_payment(&mut self, payment: &Payment, slot: Option<&Slot>) -> Result<(), StoreError>;
    /// Keeps a sealed card, outside the chain.
    fn put_card(&mut self, id: PaymentId, sealed: &[u8]) -> Result<(), StoreError>;
    /// Erases sealed cards.
    fn erase_cards(&mut self, ids: &[PaymentId]) -> Result<(), StoreError>;
    /// Archives a shift.
    fn put_shift(&mut self, shift: &ShiftRow) -> Result<(), StoreError>;
    /// Archives a batch.
    fn put_batch(&mut self, batch: &BatchRow) -> Result<(), StoreError>;
    /// Archives a day.
    fn put_day(&mut self, day: &DayRow) -> Result<(), StoreError>;
    /// Queues a print job.
    fn put_job(&mut self, job: &JobRow) -> Result<(), StoreError>;
    /// Writes a case as it is now.
    fn put_case(&mut self, case: &Case) -> Result<(), StoreError>;
    /// Notes a statement and that it takes over its days from earlier ones of its format; how many days it took over. What was waited for and
    /// has come is forgotten, what it waits for is kept.
    fn put_statement(&mut self, taken: &StatementTaken, at: WallMs) -> Result<u32, StoreError>;
    /// Keeps which payments a statement has with money; the row is the journal's.
    fn put_booked(&mut self, booked: &StatementBooked, row: Seq) -> Result<(), StoreError>;
    /// It is not waited for any more.
    fn forget_awaited(&mut self, payment: PaymentId) -> Result<(), StoreError>;
    /// Keeps a PIN hash, outside the journal.
    fn put_pin(&mut self, cashier: &CashierId, hash: &[u8]) -> Result<(), StoreError>;
    /// Keeps the day keys (sealed by the vault) in the same transaction as the row that introduces them; the old ones are overwritten.
    fn put_day_keys(&mut self, sealed: &[u8]) -> Result<(), StoreError>;
    /// Keeps the ledger as of a row, so that a start need not read older rows.
    fn put_snapshot(&mut self, at: Seq, body: &[u8]) -> Result<(), StoreError>;
    /// Ends it: after `Ok` every row of it is durable; after an error none is, or the error says that it is in doubt.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Drops it.
    fn rollback(&mut self);
    /// The sealed day keys.
    fn day_keys(&self) -> Result<Option<Vec<u8>>, StoreError>;
}

/// What a store lets be done when its look-ups and snapshots are made again from the journal, within one transaction.
pub trait Refold: Store {
    /// The number of the fold that made them.
    fn fold(&self) -> Result<u32, StoreError>;
    /// Notes the number.
    fn set_fold(&mut self, version: u32) -> Result<(), StoreError>;
    /// Count and sum of what is pending and of what each day holds, by name: the same before and after.
    fn money(&self) -> Result<Vec<(String, i64, i64)>, StoreError>;
    /// The rows after `after`, in order, at most `most`.
    fn rows(&self, after: Seq, most: u32) -> Result<Vec<(Record, Link)>, StoreError>;
    /// Writes a payment's body alone, as it was at some row. It must be there.
    fn put_body(&mut self, payment: &Payment) -> Result<(), StoreError>;
    /// The payments after `after`, in order, at most `most`.
    fn payments(&self, after: PaymentId, most: u32) -> Result<Vec<Payment>, StoreError>;
    /// A closed day as it lies there.
    fn day(&self, date: BusinessDate) -> Result<Option<DayRow>, StoreError>;
    /// Payments whose batch has ended and whose card is still kept: some of them, none once there are none.
    fn cards_too_long(&self) -> Result<Vec<PaymentId>, StoreError>;
    /// Forgets all snapshots.
    fn drop_snapshots(&mut self) -> Result<(), StoreError>;
}

/// The vault, as the writer needs it. Random numbers and keys stay behind it.
pub trait Sealer: Send + std::fmt::Debug {
    /// HMAC of a link under the open day's key.
    fn seal_link(&mut self, link: &Link) -> [u8; 32];
    /// Signs a closed day: makes the next day's keys (handing its public key to `message`), signs the message with the old key.
    /// The old keys are erased by [`Sealer::committed`], so that a commit that fails leaves them in use.
    fn seal_day(&mut self, message: &dyn Fn(&[u8]) -> Vec<u8>) -> Result<DaySignature, StoreError>;
    /// Public key of the open day.
    fn day_key(&self) -> Vec<u8>;
    /// The keys as sealed bytes, to be written in the same transaction as the row that introduces them.
    fn sealed_keys(&self) -> Vec<u8>;
    /// The transaction is durable: old day keys are erased.
    fn committed(&mut self);
    /// The transaction is not durable: the new day keys are dropped.
    fn rolled_back(&mut self);
    /// Keyed hash of a card's number; `None` where no key for it lies apart from the data (law 7).
    fn card_tag(&self, number: &str) -> Option<[u8; 16]> {
        let _ = number;
        None
    }
    /// Seals a card for [`Store::put_card`], bound to its payment.
    fn seal_card(&mut self, id: PaymentId, card: &KeptCard) -> Result<Vec<u8>, StoreError>;
    /// Opens one.
    fn open_card(&self, id: PaymentId, sealed: &[u8]) -> Result<KeptCard, StoreError>;
}

/// What of a card or code is kept, sealed, while a message may still need it.
#[derive(Debug, Clone)]
pub struct KeptCard {
    /// Card number, or scanned code.
    pub number: Pan,
    /// YYMM; empty where there is none.
    pub expiry: zeroize::Zeroizing<String>,
    /// Of a chip: its sequence number (may be empty) and its data objects.
    pub chip: Option<(String, ChipData)>,
}

impl KeptCard {
    /// A sealed card is at least so long where it holds a chip's objects, and shorter where it does not: it need not be opened to know.
    pub const WITH_CHIP: usize = 256;
}

/// A day's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySignature {
    /// Ed25519, 64 bytes.
    pub signature: Vec<u8>,
    /// The next day's public key, 32 bytes.
    pub next_key: Vec<u8>,
}
