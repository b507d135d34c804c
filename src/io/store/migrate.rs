//! Bringing a store to this tilld's schema: numbered steps, each in one transaction, each proving that no money moved.

use rusqlite::{Connection, TransactionBehavior};

use super::error::plain;
use super::statements;
use crate::core::ports::StoreError;

/// The schema that this tilld writes: the number of its last migration.
pub const SCHEMA_VERSION: i32 = 2;

struct Migration {
    to: i32,
    up: &'static str,
}

/// One line a migration, in order; never changed once released.
const MIGRATIONS: &[Migration] = &[
    Migration { to: 1, up: include_str!("../../../sql/migrations/0001_first/up.sql") },
    Migration { to: 2, up: include_str!("../../../sql/migrations/0002_statements/up.sql") },
];

/// Runs what is missing.
pub(super) fn up_to_date(conn: &mut Connection) -> Result<(), StoreError> {
    let at: i32 = conn.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(plain)?;
    for step in MIGRATIONS.iter().filter(|m| m.to > at) {
        let before = if step.to > 1 { money(conn)? } else { Vec::new() };
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(plain)?;
        tx.execute_batch(step.up).map_err(plain)?;
        if step.to > 1 && money(&tx)? != before {
            return Err(StoreError::Damaged(format!(
                "migration {} would change what is owed or what a day holds; the store is as it was: call the technician",
                step.to
            )));
        }
        tx.execute_batch(&format!("PRAGMA user_version={}", step.to)).map_err(plain)?;
        tx.commit().map_err(plain)?;
    }
    Ok(())
}

/// Count and sum of what is pending, and of every day's effects: equal before and after, or the migration is refused.
fn money(conn: &Connection) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let mut stmt = conn.prepare(statements::MONEY).map_err(plain)?;
    let rows = stmt.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).map_err(plain)?;
    rows.collect::<Result<_, _>>().map_err(plain)
}

/// The objects of a schema and their text, spaces and comments aside: what is compared with the shipped one.
pub(super) fn objects(conn: &Connection) -> Result<Vec<(String, String, String)>, StoreError> {
    let mut stmt = conn.prepare(statements::OBJECTS).map_err(plain)?;
    let rows = stmt.query_map([], |r| Ok((r.get(0)?, r.get(1)?, plain_sql(&r.get::<_, String>(2)?)))).map_err(plain)?;
    rows.collect::<Result<_, _>>().map_err(plain)
}

/// The schema as shipped.
pub(super) fn shipped() -> Result<Connection, StoreError> {
    let conn = Connection::open_in_memory().map_err(plain)?;
    conn.execute_batch(include_str!("../../../sql/schema.sql")).map_err(plain)?;
    Ok(conn)
}

fn plain_sql(text: &str) -> String {
    let code = text.lines().map(|line| line.split("--").next().unwrap_or_default());
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_schema_is_the_sum_of_the_migrations() {
        let mut migrated = Connection::open_in_memory().unwrap();
        up_to_date(&mut migrated).unwrap();
        assert_eq!(objects(&migrated).unwrap(), objects(&shipped().unwrap()).unwrap());
        assert_eq!(MIGRATIONS.last().unwrap().to, SCHEMA_VERSION);
    }

    #[test]
    fn what_must_be_true_behind_the_first_migration_is() {
        let mut conn = Connection::open_in_memory().unwrap();
        up_to_date(&mut conn).unwrap();
        let after = include_str!("../../../sql/migrations/0001_first/after.sql");
        for query in after.split(";\n").map(str::trim).filter(|q| !q.is_empty()) {
            let mut stmt = conn.prepare(query).unwrap();
            let complaints: Vec<String> = stmt.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(complaints, Vec::<String>::new());
        }
    }

    #[test]
    fn a_store_of_the_first_schema_gets_its_statements_and_keeps_its_money() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(MIGRATIONS[0].up).unwrap();
        conn.execute_batch(include_str!("../../../sql/migrations/0002_statements/before.sql")).unwrap();
        conn.execute_batch("PRAGMA user_version=1").unwrap();
        let before = money(&conn).unwrap();
        up_to_date(&mut conn).unwrap();
        assert_eq!(money(&conn).unwrap(), before);
        let after = include_str!("../../../sql/migrations/0002_statements/after.sql");
        for query in after.split(";\n").map(str::trim).filter(|q| !q.is_empty()) {
            let mut stmt = conn.prepare(query).unwrap();
            let complaints: Vec<String> = stmt.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(complaints, Vec::<String>::new());
        }
    }

    #[test]
    fn migrating_twice_is_migrating_once() {
        let mut conn = Connection::open_in_memory().unwrap();
        up_to_date(&mut conn).unwrap();
        up_to_date(&mut conn).unwrap();
        assert!(money(&conn).unwrap().iter().all(|(_, count, _)| *count == 0));
    }
}
