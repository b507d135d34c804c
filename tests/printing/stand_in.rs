//! Our own stand-in, on a pty.

use std::time::Duration;

use tilld::core::device::spool::{Attention, Proof};
use tilld::sim::printer::{PrinterSettings, PrinterStand};

use crate::line::{Dir, Line, job, report};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_report_through_paper_out_and_a_pulled_cable() {
    let dir = Dir::new();
    let link = dir.0.join("printer-front");
    let settings = PrinterSettings { speed: Some(12_000), ..PrinterSettings::default() };
    let stand = PrinterStand::start(&link, settings).unwrap();
    stand.set_paper_lines(100);
    let mut line = Line::new("epson-tm", &link, 115_200);
    line.input(tilld::core::device::spool::Input::Job(job(1, 200)));
    line.until("paper out", LONG, |l| l.shown.contains(&Attention::PaperOut));
    let half = stand.with(|p| p.paper().lines_printed());
    assert!((90..=100).contains(&half), "{half}");
    stand.refill();
    line.until("the report", LONG, |l| l.done.len() == 1);
    assert_eq!(line.done, [(1, Proof::ProcessId, false)]);
    let sheets = stand.with(|p| p.paper().sheets());
    assert_eq!(sheets[0].lines().collect::<Vec<_>>(), report(200, ""));
    assert_eq!(sheets.len(), 1);

    // A second one, its cable pulled in the middle.
    line.input(tilld::core::device::spool::Input::Job(job(2, 200)));
    let writes = line.writes;
    line.until("a few pieces", LONG, |l| l.writes > writes + 4);
    stand.unplug();
    line.until("the loss", LONG, |l| !l.view().port_open);
    stand.plug().unwrap();
    line.until("the report again", LONG, |l| l.done.len() == 2);
    assert_eq!((line.done[1].0, line.done[1].2, line.repeats), (2, true, 1));
    let text = stand.paper_text();
    assert!(text.contains(&report(200, " 重打印").join("\n")));
    assert_eq!((stand.faults(), stand.with(|p| p.thrown_away())), (vec![], 0));
}

#[test]
fn the_paper_is_a_picture() {
    let dir = Dir::new();
    let link = dir.0.join("p");
    let stand = PrinterStand::start(&link, PrinterSettings::default()).unwrap();
    let mut line = Line::new("generic-80", &link, 9_600);
    line.input(tilld::core::device::spool::Input::Job(job(1, 20)));
    line.until("the report", LONG, |l| l.done.len() == 1);
    let file = dir.0.join("paper.png");
    stand.paper_png(&file).unwrap();
    assert!(std::fs::read(&file).unwrap().starts_with(b"\x89PNG"));
}
