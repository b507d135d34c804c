//! SQLite's errors as those that a technician can act on.

use rusqlite::{Error, ErrorCode, ffi};

use crate::core::ports::StoreError;

/// The store's error for an error of SQLite: short, plain, with what to do.
pub(super) fn plain(error: Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            StoreError::Full(format!("free some space where tilld keeps its data; nothing of this was saved ({text})"))
        }
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory,
        ) => StoreError::Io(format!("check the disk, its mount and its permissions ({text}{})", extended(&error))),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unusable(format!("another program is using it: close that ({text})"))
        }
        Some(ErrorCode::ConstraintViolation) if !by_a_trigger(&error) => {
            StoreError::Refused(format!("{text}{}", extended(&error)))
        }
        Some(ErrorCode::NotADatabase) => StoreError::Damaged(format!("it is no SQLite database ({text})")),
        // A trigger refused: what the daemon has in memory is not what the store has.
        _ => StoreError::Damaged(format!(
            "stop, keep the files as they are, call the technician ({text}{})",
            extended(&error)
        )),
    }
}

/// SQLite's extended code, which tells a failed sync from a failed read.
fn extended(error: &Error) -> String {
    error.sqlite_error().map(|e| format!(", code {}", e.extended_code)).unwrap_or_default()
}

/// The laws of the tables are triggers: no row vanishes, and what was said stays said. Whoever runs into one is wrong about the store.
fn by_a_trigger(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_CONSTRAINT_TRIGGER)
}

/// Something stored does not read as it was written.
pub(super) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn each_trouble_has_its_name() {
        let of = |code| plain(Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::Full(_)));
        assert!(matches!(of(ffi::SQLITE_IOERR_FSYNC), StoreError::Io(t) if t.contains("1034")));
        assert!(matches!(of(ffi::SQLITE_READONLY), StoreError::Io(_)));
        assert!(matches!(of(ffi::SQLITE_CORRUPT), StoreError::Damaged(_)));
        assert!(matches!(of(ffi::SQLITE_NOTADB), StoreError::Damaged(_)));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT_TRIGGER), StoreError::Damaged(_)));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT_UNIQUE), StoreError::Refused(_)));
        assert!(matches!(of(ffi::SQLITE_BUSY), StoreError::Unusable(_)));
    }
}
