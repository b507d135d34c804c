//! Opening connections: the one that writes and those that read, with the settings that money needs.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::plain;
use super::migrate::{self, SCHEMA_VERSION};
use super::options::{Durability, StoreOptions, make_private};
use crate::core::ports::StoreError;

/// Versions 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write or checkpoint at the same moment.
pub const MIN_SQLITE: i32 = 3_051_003;

/// `till` in ASCII: what `PRAGMA application_id` says of our files.
const APPLICATION_ID: i32 = 0x7469_6C6C;

/// Statements kept prepared per connection: all of `statements.rs`, so that none is ever prepared twice.
const STATEMENTS: usize = 64;

/// Refuses an SQLite that can corrupt.
pub(super) fn assert_version(number: i32) -> Result<(), StoreError> {
    if number < MIN_SQLITE {
        return Err(StoreError::Unusable(format!(
            "this SQLite ({number}) is older than {MIN_SQLITE} and can corrupt a database: use the tilld as it was released"
        )));
    }
    Ok(())
}

/// Opens the writer's connection, makes the store if there is none, and migrates it if it is older.
pub(super) fn writer(options: &StoreOptions) -> Result<Connection, StoreError> {
    assert_version(rusqlite::version_number())?;
    if options.exclusive {
        make_private(&options.path)?;
    }
    let mut conn = connect(options, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    identify(&conn, options)?;
    let mode: String = conn
        .query_row(if options.has_wal() { "PRAGMA journal_mode=WAL" } else { "PRAGMA journal_mode=MEMORY" }, [], |r| {
            r.get(0)
        })
        .map_err(plain)?;
    if options.has_wal() && mode != "wal" {
        return Err(StoreError::Unusable(format!(
            "{}: its file system does not do what a write-ahead log needs (journal mode is {mode}); move it to a local disk",
            options.path.display()
        )));
    }
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
        Durability::Off => "OFF",
    };
    // secure_delete: erased cards and keys are overwritten, not only unlinked. journal_size_limit: a WAL that a slow reader let grow shrinks again.
    conn.execute_batch(&format!(
        "PRAGMA synchronous={synchronous}; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0;
         PRAGMA journal_size_limit={}; PRAGMA cache_size=-4000;",
        u64::from(options.checkpoint_pages) * 4 * 4_096
    ))
    .map_err(plain)?;
    migrate::up_to_date(&mut conn)?;
    Ok(conn)
}

/// Opens a connection that can only read.
pub(super) fn reader(options: &StoreOptions) -> Result<Connection, StoreError> {
    let conn = connect(options, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    identify(&conn, options)?;
    // Only the writer checkpoints: neither at the end of a commit nor when the last connection closes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(plain)?;
    conn.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-1000;").map_err(plain)?;
    Ok(conn)
}

fn connect(options: &StoreOptions, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match &options.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&options.path, flags, vfs.as_str()),
        None => Connection::open_with_flags(&options.path, flags),
    }
    .map_err(plain)?;
    conn.busy_timeout(std::time::Duration::from_millis(options.busy_ms.into())).map_err(plain)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(plain)?;
    // No mmap: a failing disk would be a signal, not an error. temp_store: sorted rows never reach a temporary file.
    conn.execute_batch(
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;",
    )
    .map_err(plain)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// Refuses what is not ours or from a newer tilld; marks what is empty as ours.
fn identify(conn: &Connection, options: &StoreOptions) -> Result<(), StoreError> {
    let number = |pragma: &str| conn.query_row(pragma, [], |r| r.get::<_, i32>(0)).map_err(plain);
    let (id, version, objects) = (
        number("PRAGMA application_id")?,
        number("PRAGMA user_version")?,
        number("SELECT count(*) FROM sqlite_schema")?,
    );
    let path = options.path.display();
    if id == APPLICATION_ID {
        if version > SCHEMA_VERSION {
            return Err(StoreError::Unusable(format!(
                "{path} was written by a newer tilld (schema {version}, this one knows {SCHEMA_VERSION}): install that one again"
            )));
        }
        return Ok(());
    }
    if id != 0 || objects != 0 {
        return Err(StoreError::Unusable(format!("{path} is a database, but not one of tilld's: check [data] dir")));
    }
    if conn.is_readonly(rusqlite::MAIN_DB).map_err(plain)? {
        return Err(StoreError::Unusable(format!("{path} is empty: start the daemon once to make it")));
    }
    conn.execute_batch(&format!("PRAGMA page_size=4096; PRAGMA application_id={APPLICATION_ID};")).map_err(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_corrupt_is_refused_and_ours_is_not() {
        assert!(assert_version(3_051_002).is_err());
        assert!(assert_version(MIN_SQLITE).is_ok());
        assert!(assert_version(rusqlite::version_number()).is_ok());
    }
}
