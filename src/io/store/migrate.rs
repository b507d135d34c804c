//! Bringing a store to this tilld's schema: numbered steps, each in one transaction, each proving that no money moved.

use rusqlite::{Connection, TransactionBehavior};

use super::error::plain;
use super::statements;
use crate::core::ledger::FOLD_VERSION;
use crate::core::packed::{Packed, packed};
use crate::core::ports::StoreError;

/// The schema that this tilld writes: the number of its last migration.
pub const SCHEMA_VERSION: i32 = 7;

struct Migration {
    to: i32,
    up: Packed,
    /// Rows of the schema before it, and what must be true of them behind it: every row of these queries is a complaint.
    #[cfg(test)]
    proof: (&'static str, &'static str),
}

macro_rules! migration {
    ($to:literal, $folder:literal) => {
        Migration {
            to: $to,
            up: packed!(concat!("migrations/", $folder, "/up.sql")),
            #[cfg(test)]
            proof: (
                include_str!(concat!("../../../sql/migrations/", $folder, "/before.sql")),
                include_str!(concat!("../../../sql/migrations/", $folder, "/after.sql")),
            ),
        }
    };
}

/// One line a migration, in order; never changed once released.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_first"),
    migration!(2, "0002_statements"),
    migration!(3, "0003_fold"),
    migration!(4, "0004_cases"),
    migration!(5, "0005_day_ranges"),
    migration!(6, "0006_statement_booked"),
    migration!(7, "0007_refunds"),
];

/// Runs what is missing. A store in which nothing has happened yet has look-ups of today's shape.
pub(super) fn up_to_date(conn: &mut Connection) -> Result<(), StoreError> {
    let at: i32 = conn.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(plain)?;
    let fresh = at == 0;
    for step in MIGRATIONS.iter().filter(|m| m.to > at) {
        run(conn, step.to, &step.up.text())?;
    }
    if fresh {
        conn.execute(statements::SET_FOLD, [FOLD_VERSION]).map_err(plain)?;
    }
    Ok(())
}

fn run(conn: &mut Connection, to: i32, up: &str) -> Result<(), StoreError> {
    let before = if to > 1 { money(conn)? } else { Vec::new() };
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(plain)?;
    tx.execute_batch(up).map_err(plain)?;
    if to > 1 && money(&tx)? != before {
        return Err(StoreError::Damaged(format!(
            "migration {} would change what is owed or what a day holds; the store is as it was: call the technician",
            to
        )));
    }
    tx.execute_batch(&format!("PRAGMA user_version={}", to)).map_err(plain)?;
    tx.commit().map_err(plain)
}

/// Count and sum of what is pending, and of every day's effects: equal before and after, or the migration is refused.
pub(super) fn money(conn: &Connection) -> Result<Vec<(String, i64, i64)>, StoreError> {
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
    conn.execute_batch(&packed!("schema.sql").text()).map_err(plain)?;
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

    fn complaints(conn: &Connection, queries: &str) -> Vec<String> {
        let queries = queries.split(";\n").map(str::trim).filter(|q| !q.is_empty());
        let asked = queries.flat_map(|query| {
            let mut stmt = conn.prepare(query).unwrap();
            let rows: Vec<String> = stmt.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
            rows
        });
        asked.collect()
    }

    #[test]
    fn each_migration_keeps_what_was_before_it_and_the_money() {
        for (index, step) in MIGRATIONS.iter().enumerate() {
            let mut conn = Connection::open_in_memory().unwrap();
            for earlier in &MIGRATIONS[..index] {
                conn.execute_batch(&earlier.up.text()).unwrap();
            }
            conn.execute_batch(&format!("PRAGMA user_version={index}")).unwrap();
            conn.execute_batch(step.proof.0).unwrap();
            let before = if index > 0 { money(&conn).unwrap() } else { Vec::new() };
            run(&mut conn, step.to, &step.up.text()).unwrap();
            assert_eq!(complaints(&conn, step.proof.1), Vec::<String>::new(), "migration {}", step.to);
            if index > 0 {
                assert_eq!(money(&conn).unwrap(), before, "migration {}", step.to);
            }
            up_to_date(&mut conn).unwrap();
            assert_eq!(objects(&conn).unwrap(), objects(&shipped().unwrap()).unwrap());
        }
    }

    #[test]
    fn a_migration_that_would_move_money_is_refused_and_leaves_the_store_as_it_was() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&MIGRATIONS[0].up.text()).unwrap();
        conn.execute_batch("PRAGMA user_version=1").unwrap();
        conn.execute_batch(MIGRATIONS[1].proof.0).unwrap();
        let before = money(&conn).unwrap();
        let wrong = "UPDATE payment SET state = 'stored'";
        assert!(matches!(run(&mut conn, 2, wrong), Err(StoreError::Damaged(_))));
        assert_eq!(money(&conn).unwrap(), before);
        let at: i32 = conn.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
        assert_eq!(at, 1);
    }

    #[test]
    fn migrating_twice_is_migrating_once() {
        let mut conn = Connection::open_in_memory().unwrap();
        up_to_date(&mut conn).unwrap();
        up_to_date(&mut conn).unwrap();
        assert!(money(&conn).unwrap().iter().all(|(_, count, _)| *count == 0));
    }
}
