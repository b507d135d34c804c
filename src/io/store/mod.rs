//! SQLite: the one writer, readers, migrations, verification; and the high-water mark beside it.
//!
//! [`SqliteStore`] is the only connection that writes and the only one that checkpoints; it belongs to the writer's thread. [`Reader`] is a pool of
//! read-only connections for everybody else. All SQL stands in `sql/` and `statements.rs`. Nothing here decides about payments, and nothing here
//! knows keys: sealed things come in as bytes.

mod archive;
mod cases;
mod convert;
mod error;
mod imports;
mod keeping;
mod mark;
mod migrate;
mod open;
mod options;
mod payments;
mod reader;
mod refold;
mod statements;
mod verify;
mod writer;

pub use archive::{ArchivedBatch, Job, JobState, PinRow};
pub use imports::{DaysOf, Has, Known};
pub use keeping::{BatchAt, ResealCard, copy_to, readable_rows};
pub use mark::{Mark, MarkState, MarkVerdict};
pub use migrate::SCHEMA_VERSION;
pub use open::MIN_SQLITE;
pub use options::{Durability, Ownership, StoreOptions};
pub use reader::{PaymentFilter, Reader};
pub use verify::{EachRow, Finding, Verified, VerifyWith, verify, verify_open_day};
pub use writer::SqliteStore;
