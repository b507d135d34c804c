//! What the writer is told of a statement that was reconciled.

use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, CashierId, PaymentId, PaymentSet, StatementNo, WallMs};
use crate::core::journal::{Awaited, Finding};
use crate::core::suspense::Ending;

/// SHA-256 of a file; 64 hex digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileHash(pub [u8; 32]);

impl From<FileHash> for String {
    fn from(hash: FileHash) -> String {
        hash.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl TryFrom<String> for FileHash {
    type Error = String;
    fn try_from(text: String) -> Result<FileHash, String> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err("a hash has 64 hex digits".into());
        }
        for (i, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| "a hash has 64 hex digits")?;
        }
        Ok(FileHash(hash))
    }
}

/// What is noted of a statement that was reconciled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementNote {
    /// Tells the same file again.
    pub hash: FileHash,
    /// The format's name.
    pub format: String,
    /// The file's name, for people; at most 255 bytes.
    pub name: String,
    /// The days that it speaks for, at most 400.
    pub days: Vec<BusinessDate>,
    /// Its lines.
    pub lines: u64,
    /// Those that could not be read.
    pub spoiled: u64,
    /// When it was read.
    pub imported_at: WallMs,
    /// Payments on which both sides agree.
    pub matched: u64,
    /// long, short, differs, timing.
    pub counts: [u64; 4],
}

/// A statement that was judged, for the writer: its note, what it found, what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementJudged {
    /// What is noted of it.
    pub note: StatementNote,
    /// Its differences; each opens a case, or is of one.
    pub findings: Vec<Finding>,
    /// What a later statement should have.
    pub awaited: Vec<Awaited>,
    /// Of the payments that are waited for or that a case is about: those that it has rightly.
    pub clean: Vec<PaymentId>,
    /// Of the payments that are waited for or that a case is about: those that a row with money has.
    #[serde(default)]
    pub came: Vec<PaymentId>,
    /// The last statement that was there when it was judged: what came since may have the same payments.
    #[serde(default)]
    pub beside: Option<StatementNo>,
    /// Every payment that it has with money, by the day of the row.
    #[serde(default)]
    pub booked: Vec<Booked>,
}

/// Payments that a statement has with money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booked {
    /// On which day its rows stand.
    pub day: BusinessDate,
    /// Each as often as a row has it.
    pub payments: PaymentSet,
}

/// What became of the note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementNoted {
    /// Its number.
    pub id: u32,
    /// False where the same file was there already: nothing changed.
    pub new: bool,
    /// How many days of earlier statements it took over.
    pub superseded_days: u32,
    /// Cases that it opened.
    pub opened: Vec<u32>,
    /// Cases that it opened again, because it contradicts their end.
    pub reopened: Vec<u32>,
    /// Open cases that it shows otherwise than before.
    pub restated: Vec<u32>,
    /// Open cases of which it shows no difference any more.
    pub agreed: Vec<u32>,
    /// Payments that were waited for and have come.
    pub arrived: u64,
    /// Payments that a later statement should have.
    pub awaited: u64,
}

/// One thing that a named person does to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseAct {
    /// 处理中
    Take {
        /// Who.
        by: CashierId,
        /// In their words.
        note: String,
    },
    /// Something worth keeping.
    Note {
        /// Who.
        by: CashierId,
        /// In their words.
        note: String,
    },
    /// It is resolved.
    Resolve(Ending),
    /// It is open again.
    Reopen {
        /// Who.
        by: CashierId,
        /// Why.
        reason: String,
    },
}

/// A statement on its way in.
pub struct StatementUpload<'a> {
    /// The file's name, for people.
    pub name: &'a str,
    /// A shipped format's name; without it the file tells.
    pub format: Option<&'a str>,
    /// Its bytes.
    pub body: &'a mut dyn std::io::Read,
}

impl std::fmt::Debug for StatementUpload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatementUpload")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
