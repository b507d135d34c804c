//! Print jobs and a store that fails or is busy: none is lost, none comes twice.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tilld::sim::printer::{PrinterSettings, PrinterStand};

use crate::rig::{Rig, folder, terminal};
use crate::sale::runtime;

const PRINTER: &str = "[[printer]]\nid = \"front\"\nport = \"front\"\nprofile = \"epson-tm\"\n";

/// A connection beside the daemon's.
fn beside(dir: &Path) -> Connection {
    let conn = Connection::open(dir.join("data/tilld.sqlite")).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    conn
}

/// Print jobs of which the store does not know that they are done.
fn undone(conn: &Connection) -> u32 {
    conn.query_row("SELECT count(*) FROM print_job WHERE state <> 'done'", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_printed_while_the_store_could_not_be_told_is_told_when_it_can() {
    let dir = folder("untold");
    let stand = PrinterStand::start(&dir.join("front"), PrinterSettings::default()).unwrap();
    runtime().block_on(async {
        let rig = Rig::with(&dir, &(terminal(0, true) + PRINTER)).await;
        rig.open("front").await;
        rig.signed_on().await;
        stand.set_paper_lines(5);
        assert_eq!(rig.pay("r-1", "cash", 900).await.unwrap()["state"], "approved");
        rig.until("out of paper", async || rig.port("front").await["attention"]["zh"] == "缺纸，请换纸后按继续").await;
        let conn = beside(&dir);
        assert_eq!(undone(&conn), 1, "the receipt");
        // Longer than the store waits for another connection.
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        stand.refill();
        rig.until("the receipt", async || stand.paper_text().contains("[cut]")).await;
        tokio::time::sleep(Duration::from_secs(7)).await;
        conn.execute_batch("ROLLBACK").unwrap();
        // Nobody sells anything that would make the printer look.
        rig.until("the store has heard of it", async || undone(&conn) == 0).await;
        let port = rig.port("front").await;
        assert!(port["attention"].is_null() && port["counters"]["store_failed"].as_u64() >= Some(1), "{port:#}");
        rig.stop().await;
    });
    assert_eq!(stand.with(|p| p.paper().sheets()).len(), 1);
    std::fs::remove_dir_all(&dir).unwrap();
}
