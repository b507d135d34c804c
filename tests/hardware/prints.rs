//! Print jobs and a store that fails or is busy: none is lost, none comes twice.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tilld::core::domain::PrinterId;
use tilld::core::ports::{Command, Desk, PrintWhat};
use tilld::daemon::config::Config;
use tilld::daemon::inbox::Inbox;
use tilld::daemon::start::{Running, Wires};
use tilld::io::store::{JobState, Reader};
use tilld::sim::printer::{PrinterSettings, PrinterStand};

use crate::rig::{Rig, configuration, folder, terminal, write_key};
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

#[test]
fn a_drawer_is_not_opened_once_the_customer_has_gone_and_the_receipts_are_printed_all_the_same() {
    let dir = folder("late-drawer");
    let stand = PrinterStand::start(&dir.join("front"), PrinterSettings::default()).unwrap();
    stand.set_paper_lines(0);
    runtime().block_on(async {
        let rig = Rig::with(&dir, &(terminal(0, true) + PRINTER)).await;
        rig.open("front").await;
        rig.until("out of paper", async || rig.port("front").await["attention"]["zh"] == "缺纸，请换纸后按继续").await;
        for request in ["r-1", "r-2"] {
            assert_eq!(rig.pay(request, "cash", 900).await.unwrap()["state"], "approved");
        }
        rig.until("all are counted", async || rig.port("front").await["queued"] == 4).await;
        let conn = beside(&dir);
        tokio::time::sleep(std::time::Duration::from_secs(15)).await;
        rig.until("the first drawer is given up", async || undone(&conn) == 3).await;
        stand.refill();
        rig.until("the receipts", async || undone(&conn) == 0).await;
        rig.until("none is left", async || rig.port("front").await["queued"] == 0).await;
        let counters = rig.port("front").await["counters"].clone();
        assert_eq!((&counters["jobs_too_late"], &counters["jobs_done"]), (&2.into(), &2.into()), "{counters:#}");
        assert_eq!(stand.with(|p| (p.drawer_openings(), p.paper().sheets().len())), (0, 2));
        // One whose customer stands there.
        assert_eq!(rig.pay("r-3", "cash", 900).await.unwrap()["state"], "approved");
        rig.until("the drawer", async || stand.with(|p| p.drawer_openings()) == 1).await;
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Looks again and again, in the writer's queue itself, so that nothing comes between the claim of a job and this: then it occupies the writer for longer
/// than anybody waits for it.
fn occupy(inbox: Inbox, reader: Reader, printer: PrinterId, seen: Arc<AtomicBool>) {
    let next = inbox.clone();
    inbox.look(move |_| {
        let begun = reader.jobs(Some(&printer), 10).unwrap().iter().any(|job| job.state == JobState::Printing);
        if begun {
            seen.store(true, Ordering::Release);
            std::thread::sleep(Duration::from_secs(11));
        } else {
            std::thread::sleep(Duration::from_millis(1));
            occupy(next, reader, printer, seen);
        }
    });
}

#[test]
fn a_report_is_printed_though_the_writer_had_no_time_for_its_paper() {
    let dir = folder("busy");
    write_key(&dir);
    let stand = PrinterStand::start(&dir.join("front"), PrinterSettings::default()).unwrap();
    // No acquirer: cash needs none.
    let text = configuration(1) + &terminal(0, true) + PRINTER;
    std::fs::write(dir.join("tilld.toml"), text).unwrap();
    let config = Config::load(&dir.join("tilld.toml")).unwrap().0;
    let runtime = runtime();
    let running = runtime.block_on(async { Running::start(&config, Wires::All).unwrap() });
    let till = &running.till;
    let status = || till.printers.status().remove(0);
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(40);
        while !holds() {
            assert!(Instant::now() < end, "{what}: {:#?}", status());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("the printer", &|| status().state == "open");
    let seen = Arc::new(AtomicBool::new(false));
    let printer = PrinterId::new("front").unwrap();
    occupy(till.papers.inbox.clone(), till.papers.reader.clone(), printer, Arc::clone(&seen));
    let (tell, told) = std::sync::mpsc::channel();
    let report = Command::Reprint { what: PrintWhat::XReport, by: None };
    till.submit(report, Box::new(move |reply| drop(tell.send(reply.map(drop)))));
    told.recv().unwrap().unwrap();
    until("the writer is occupied", &|| seen.load(Ordering::Acquire));
    until("it is said", &|| status().attention.is_some());
    assert_eq!((status().queued, status().counters["jobs_done"]), (1, 0), "it waits");
    until("the report", &|| status().counters["jobs_done"] == 1);
    until("nothing more to say", &|| status().attention.is_none() && status().queued == 0);
    let paper = stand.paper_text();
    assert!(paper.contains("[cut]") && !paper.contains("重打印"), "{paper}");
    runtime.block_on(running.stop());
    std::fs::remove_dir_all(&dir).unwrap();
}
