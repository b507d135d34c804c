//! What the writer is told of a statement that was reconciled.

use serde::{Deserialize, Serialize};

use crate::core::domain::{BusinessDate, WallMs};

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

/// A statement that was reconciled: a side row, not a journal row, because it moves no money.
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

/// What became of the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementNoted {
    /// Its number.
    pub id: u64,
    /// False where the same file was there already: nothing changed.
    pub new: bool,
    /// How many days of earlier statements it took over.
    pub superseded_days: u32,
}
