//! Statements against a store's days, and the cases that they open: a line an event.

use std::io::Write as _;

use chrono::NaiveDate;
use tilld::core::domain::{BusinessDate, CaseNo, WallMs};
use tilld::core::journal::{Awaited, CaseHow};
use tilld::core::ports::{Archive, CaseAct, Command, Reply, StatementJudged, StatementNoted};
use tilld::core::reconcile::Ours;
use tilld::core::suspense::{Case, Ending};
use tilld::daemon::config::StatementsConfig;
use tilld::daemon::reconciling::{Asked, Books, Judged};

use crate::shop::{Shop, cashier, terminal};
use crate::words::{Told, minor, said};

/// Tells a story in which the lines below mean something, and all others what they always mean.
fn play(story: &str) {
    let mut told = Told::new(crate::shop::rules());
    for line in story.lines() {
        let bare = line.split('#').next().unwrap_or("").trim();
        let (words, expected) = bare.split_once("=>").map_or((bare, None), |(w, e)| (w.trim(), Some(e.trim())));
        let words: Vec<&str> = words.split_whitespace().collect();
        let got = match words[..] {
            ["bank", "states", file, day, ref rows @ ..] => states(&mut told.shop, file, day, rows),
            ["case", no] => case(&told.shop, no),
            ["returning"] => told.shop.ledger().returning.len().to_string(),
            ["days", n] => {
                for _ in 0..n.parse().unwrap() {
                    told.tell("wait 24h\ncut\nwait 10s");
                }
                continue;
            }
            [by, verb @ ("takes" | "notes" | "reopens" | "resolves"), "case", no, ref rest @ ..] => {
                act(&mut told.shop, by, verb, no, rest)
            }
            _ => {
                told.tell(line);
                continue;
            }
        };
        assert_eq!(Some(got.as_str()), expected, "{line}");
        told.shop.check();
    }
}

/// `bank states FILE DAY a b=13.00 c~reversed d*2 +7.00@POS1`: a statement of that day with a row for each payment named, as ours has it, or of
/// another amount, another state, twice, of another day (`a/2026-03-06`); and rows of which we know nothing.
fn states(shop: &mut Shop, file: &str, day: &str, rows: &[&str]) -> String {
    let judged = judge(shop, file, day, rows);
    match shop.ask(Command::Statement(Box::new(judged.for_the_writer().unwrap()))) {
        Ok(Reply::Statement(noted)) => told(&judged, &noted),
        other => said(other),
    }
}

fn judge(shop: &Shop, file: &str, day: &str, rows: &[&str]) -> Judged {
    let mut text = "terminal,batch,stan,rrn,kind,amount,status,settle_date\n".to_owned();
    let mmdd = |day: &str| day.chars().filter(char::is_ascii_digit).skip(4).collect::<String>();
    let own = mmdd(day);
    for (n, row) in rows.iter().enumerate() {
        if let Some((amount, device)) = row.strip_prefix('+').and_then(|r| r.split_once('@')) {
            let tid = &shop.rules.terminals[&terminal(device)].tid;
            text.push_str(&format!("{tid},000001,{:06},,sale,{},approved,{own}\n", 900_000 + n, minor(amount).0));
            continue;
        }
        let (row, day) = row.split_once('/').map_or((*row, own.clone()), |(row, day)| (row, mmdd(day)));
        let (row, times) = row.split_once('*').map_or((row, 1), |(row, n)| (row, n.parse().unwrap()));
        let (row, state) = row.split_once('~').unwrap_or((row, "approved"));
        let (name, amount) = row.split_once('=').map_or((row, None), |(name, amount)| (name, Some(minor(amount).0)));
        let p = shop.payment_of(name).unwrap_or_else(|| panic!("there is no payment {name}"));
        let tid = &shop.rules.terminals[&p.device].tid;
        let ours = Ours::of(&p, tid).unwrap();
        let (batch, stan) = (ours.batch.unwrap(), ours.stan.unwrap());
        let amount = amount.unwrap_or(ours.amount);
        for _ in 0..times {
            text.push_str(&format!("{tid},{batch:06},{stan:06},,{},{amount},{state},{day}\n", ours.kind.as_str()));
        }
    }
    let path = std::env::temp_dir().join(format!("tilld-states-{}-{:p}-{file}", std::process::id(), shop));
    std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    let tids = shop.rules.terminals.iter().map(|(id, t)| (id.clone(), t.tid.clone())).collect();
    let books = Books::new(shop.reader().clone(), shop.rules.zone.clone(), tids, StatementsConfig::default());
    // Behind the wait: what is missing is missing.
    let later = WallMs(shop.now.wall.0 + 5 * 86_400_000);
    let judged = books.judge(&Asked { file: &path, name: file, format: None, wait_days: None, now: later });
    std::fs::remove_file(&path).unwrap();
    judged.unwrap()
}

fn told(judged: &Judged, noted: &StatementNoted) -> String {
    if !noted.new {
        return "known".into();
    }
    let [long, short, differs, timing] = judged.outcome.counts;
    assert!(judged.outcome.sums.foots);
    let mut text = format!("matched {} {long}/{short}/{differs}/{timing}", judged.outcome.matched_count);
    assert!(judged.outcome.booked.values().all(|payments| payments.is_sorted()));
    let list = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    for (word, ids) in [
        ("opens", &noted.opened),
        ("reopens", &noted.reopened),
        ("restates", &noted.restated),
        ("agrees", &noted.agreed),
    ] {
        if !ids.is_empty() {
            text.push_str(&format!(" {word} {}", list(ids)));
        }
    }
    for (word, n) in [("awaits", noted.awaited), ("arrived", noted.arrived)] {
        if n > 0 {
            text.push_str(&format!(" {word} {n}"));
        }
    }
    if noted.superseded_days > 0 {
        text.push_str(&format!(" supersedes {}", noted.superseded_days));
    }
    text
}

/// `case 1`: where it stands, what it is about, whose it is.
fn case(shop: &Shop, no: &str) -> String {
    let found: Case = shop.reader().case(CaseNo(no.parse().unwrap())).unwrap().unwrap();
    let finding = &found.finding;
    let who = finding.cashier.as_ref().map_or("nobody", |c| c.as_str());
    let end = found.end.as_ref().map_or(String::new(), |end| format!(" {}", end.how.as_str()));
    let agreed = if found.agreed.is_some() { " agreed" } else { "" };
    let (class, reason) = (finding.reason.class().as_str(), finding.reason.as_str());
    format!("{} {class}/{reason} {} {who}{end}{agreed}", found.state.as_str(), finding.difference.grouped(2))
}

/// `M1 takes case 1`, `M1 reopens case 1 because`, `M1 resolves case 1 confirm ref=ADJ consent=x refund=r second=M2 cashier=1001 device=POS1`.
fn act(shop: &mut Shop, by: &str, verb: &str, no: &str, words: &[&str]) -> String {
    let by = cashier(by);
    let value = |name: &str| words.iter().find_map(|w| w.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
    let act = match verb {
        "takes" => CaseAct::Take { by, note: String::new() },
        "notes" => CaseAct::Note { by, note: words.join(" ") },
        "reopens" => CaseAct::Reopen { by, reason: words.join(" ") },
        _ => CaseAct::Resolve(Ending {
            how: *CaseHow::ALL.iter().find(|how| how.as_str() == words[0]).unwrap(),
            by,
            second: value("second").map(|id| cashier(&id)),
            reason: "as told".into(),
            reference: value("ref").unwrap_or_default(),
            consent: value("consent"),
            refund: value("refund").map(|name| shop.payment_of(&name).unwrap().id),
            cashier: value("cashier").map(|id| cashier(&id)),
            device: value("device").map(|id| terminal(&id)),
        }),
    };
    said(shop.ask(Command::Case { case: CaseNo(no.parse().unwrap()), act: Box::new(act) }))
}

#[test]
fn a_refund_is_watched_until_a_statement_shows_it_or_seven_business_days_are_over() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        1001 POS1 refunds a as r 5.00             => approved
        1001 POS1 sells b card 13.00              => approved
        1001 POS1 refunds b as q 6.00             => approved
        1001 POS1 sells c card 14.00              => approved
        1001 POS1 refunds c as o 7.00             => approved
        cut                                       => 2026-03-07 Z1
        wait 10s
        returning                                 => 3
        # One stands there rightly, one with another amount (a case from here on), one not at all (a case too).
        bank states first 2026-03-07 a r b q=6.01 c => matched 4 0/1/1/0 opens 1 2 arrived 1
        returning                                 => 0
    ",
    );
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        1001 POS1 refunds a as r 5.00             => approved
        # The 7th of March 2026 is a Saturday: seven business days end on Tuesday of the week after next, the 17th.
        days 10
        open-day                                  => 2026-03-17
        exceptions                                =>
        days 1
        exceptions                                => 1 return_overdue
        crash
        start
        days 1
        exceptions                                => 1 return_overdue
        # It comes after all: the question has its answer.
        bank states late 2026-03-07 a r           => matched 2 0/0/0/0 arrived 1
        exceptions                                =>
    ",
    );
}

#[test]
fn each_difference_opens_a_case_with_the_name_of_who_answers_for_it() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        1002 POS1 sells b card 5.00        => approved
        1001 POS2 sells c card 7.00        => approved
        1002 POS2 sells d card 9.00        => approved
        bank states s1 2026-03-07 a b=5.50 c*2 +3.00@POS1 => matched 2 2/1/1/0 opens 1 2 3 4
        case 1   => open long/duplicate 7.00 1001
        case 2   => open long/absent 3.00 1002
        case 3   => open short/missing -9.00 1002
        case 4   => open differs/amount 0.50 1002
        bank states s1 2026-03-07 a b=5.50 c*2 +3.00@POS1 => known
        day 2026-03-07 => open sale 4/33.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 33.00
    ",
    );
}

#[test]
fn what_comes_late_and_twice_is_not_missing_any_more() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        1002 POS1 sells b card 5.00        => approved
        bank states s1 2026-03-07 a        => matched 1 0/1/0/0 opens 1
        case 1                             => open short/missing -5.00 1002
        bank states s2 2026-03-07 a b*2    => matched 2 1/0/0/0 opens 2 agrees 1 supersedes 1
        case 2                             => open long/duplicate 5.00 1002
        M1 resolves case 1 write_off       => case_way
        M1 resolves case 1 confirm         => case 1 resolved
        day 2026-03-07 => open sale 2/17.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 17.00
    ",
    );
}

#[test]
fn a_case_is_taken_and_resolved_by_a_manager_with_a_voucher_in_the_open_day() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        1002 POS1 sells b card 500.00      => approved
        cut                                => 2026-03-07 Z1
        wait 10s
        bank states s1 2026-03-07 +4.00@POS1 => matched 0 1/2/0/0 opens 1 2 3
        1001 takes case 2                  => manager_required
        M1 takes case 2                    => case 2 in_progress
        1001 resolves case 2 confirm       => manager_required
        M1 resolves case 2 refund          => case_way
        M1 resolves case 2 make_up         => case_facts
        M1 resolves case 2 recovery        => case_facts
        M1 resolves case 2 confirm         => case 2 resolved
        case 2                             => resolved short/missing -12.00 1001 confirm
        M1 resolves case 2 confirm         => case_resolved
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 1/-12.00 net -12.00
        M1 resolves case 3 write_off       => second_person       # above the limit of 100.00
        M1 resolves case 3 write_off second=M1 => second_person
        M1 resolves case 3 write_off second=T1 => case 3 resolved
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 2/-512.00 net -512.00
        M1 resolves case 1 confirm         => case_facts           # no payment says who answers for it
        M1 resolves case 1 confirm cashier=1002 device=POS1 => case 1 resolved
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 3/-508.00 net -508.00
        M1 reopens case 3 the bank has found it => case 3 open
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 4/-8.00 net -8.00
        M1 resolves case 3 make_up ref=ADJ-7 => case 3 resolved
        M1 notes case 3 too late           => case_resolved
        M1 resolves case 9 confirm         => unknown_case
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 4/-8.00 net -8.00
        cut                                => 2026-03-08 Z2
        day 2026-03-07 => balanced sale 2/512.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 512.00
        crash
        start
        case 3                             => resolved short/missing -500.00 1002 make_up
    ",
    );
}

/// The bank has paid for a sale that the till never saw. Its voucher stands in every table of the day, under a word.
#[test]
fn a_cases_voucher_without_a_payment_has_a_channel_of_its_own() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        cut                                => 2026-03-07 Z1
        wait 10s
        bank states s1 2026-03-07 +4.00@POS1 => matched 0 1/1/0/0 opens 1 2
        M1 resolves case 1 confirm cashier=1002 device=POS1 => case 1 resolved
        channels 2026-03-08                => case 4.00
    ",
    );
}

#[test]
fn a_statement_issued_again_supersedes_and_reopens_what_it_contradicts() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        1001 POS1 sells b card 5.00        => approved
        1001 POS1 sells c card 6.00        => approved
        cut                                => 2026-03-07 Z1
        bank states s1 2026-03-07 c        => matched 1 0/2/0/0 opens 1 2
        M1 resolves case 1 confirm         => case 1 resolved
        bank states s2 2026-03-07 c +1.00@POS1 => matched 1 1/2/0/0 opens 3 supersedes 1
        case 1                             => resolved short/missing -12.00 1001 confirm
        # a has come after all: the voucher that took the other figure over is taken back.
        bank states s3 2026-03-07 a b c=6.60 => matched 2 0/0/1/0 opens 4 reopens 1 agrees 2 3 supersedes 1
        case 1                             => open short/missing -12.00 1001 agreed
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 2/0.00 net 0.00
        M1 resolves case 1 confirm         => case 1 resolved
        M1 resolves case 2 write_off       => case_way             # there is nothing between the two any more
        M1 resolves case 2 confirm         => case 2 resolved
        M1 resolves case 3 confirm         => case 3 resolved
        M1 resolves case 4 write_off       => case 4 resolved
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 3/0.60 net 0.60
        bank states s4 2026-03-07 a c=6.60 => matched 1 0/1/1/0 reopens 2 supersedes 1
        case 2                             => open short/missing -5.00 1001
        bank states s5 2026-03-07 a b c    => matched 3 0/0/0/0 reopens 4 agrees 2 supersedes 1
        case 4                             => open differs/amount 0.60 1001 agreed
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 4/0.00 net 0.00
    ",
    );
}

#[test]
fn a_row_of_the_day_before_does_not_take_that_day_from_its_own_statement() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        1001 POS1 sells b card 5.00        => approved
        1001 POS1 sells c card 6.00        => approved
        cut                                => 2026-03-07 Z1
        wait 10s
        1001 POS1 sells d card 7.00        => approved
        1001 POS1 sells e card 8.00        => approved
        1001 POS1 sells f card 9.00        => approved
        bank states s1 2026-03-07 a b +1.00@POS1 => matched 2 1/1/0/0 opens 1 2
        # One corrected row: b is not missing, and what was found on that day is not gone.
        bank states s2 2026-03-08 a/2026-03-07 d e f => matched 4 0/0/0/0
        case 1                             => open long/absent 1.00 1001
        # What had not come comes a day late: of this the row does speak.
        bank states s3 2026-03-08 c/2026-03-07 d e f => matched 4 0/0/0/0 agrees 2 supersedes 1
        bank states s4 2026-03-07 a b c    => matched 3 0/0/0/0 agrees 1 supersedes 1
    ",
    );
}

/// Two days of three sales each.
const TWO_DAYS: &str = "
    1001 POS1 sells a card 12.00       => approved
    1001 POS1 sells b card 5.00        => approved
    1001 POS1 sells c card 6.00        => approved
    cut                                => 2026-03-07 Z1
    wait 10s
    1002 POS1 sells d card 7.00        => approved
    1002 POS1 sells e card 8.00        => approved
    1002 POS1 sells f card 9.00        => approved
";

#[test]
fn what_two_days_statements_both_have_came_twice() {
    play(&format!(
        "{TWO_DAYS}
        bank states s1 2026-03-07 a b c    => matched 3 0/0/0/0
        bank states s2 2026-03-08 a d e f  => matched 3 1/0/0/0 opens 1
        case 1                             => open long/duplicate 12.00 1001
        crash
        start
        bank states s2 2026-03-08 a d e f  => known
        # A third time: of three rows two are too many.
        cut                                => 2026-03-08 Z2
        wait 10s
        1002 POS1 sells g card 1.00        => approved
        bank states s3 2026-03-09 a g      => matched 1 1/0/0/0 opens 2
        case 2                             => open long/duplicate 12.00 1001
        # The first row is taken back: a is missing on that day, and one row is still too many.
        bank states s4 2026-03-07 b c      => matched 2 0/1/0/0 opens 3 supersedes 1
        bank states s5 2026-03-08 d e f    => matched 3 0/0/0/0 agrees 1 supersedes 1
        case 1                             => open long/duplicate 12.00 1001 agreed
        bank states s6 2026-03-07 c a b    => matched 3 0/0/0/0 agrees 3 supersedes 1
        M1 resolves case 2 make_up ref=ADJ-1 => case 2 resolved
        bank states s7 2026-03-09 g        => matched 1 0/0/0/0 supersedes 1
    "
    ));
}

#[test]
fn in_whichever_order_the_two_files_come_a_row_is_one_too_many_also_after_months() {
    play(&format!(
        "{TWO_DAYS}
        # The later day's file is taken first, and has b of the day before.
        bank states s1 2026-03-08 b d e f  => matched 4 0/0/0/0
        bank states s2 2026-03-07 a c      => matched 2 0/1/0/0 opens 1
        case 1                             => open short/missing -5.00 1001
        # It came after all, if only once too often.
        bank states s3 2026-03-07 a b c    => matched 2 1/0/0/0 opens 2 agrees 1 supersedes 1
        case 2                             => open long/duplicate 5.00 1001
        # That row was one too many; it is taken back.
        bank states s4 2026-03-07 c a      => matched 2 0/1/0/0 restates 1 agrees 2 supersedes 1
        days 40
        1001 POS1 sells g card 1.00        => approved
        bank states s5 2026-04-17 a g      => matched 1 1/0/0/0 opens 3
        case 3                             => open long/duplicate 12.00 1001
        # A refund that comes twice is money too little.
        1001 POS1 refunds g as r 0.50      => approved
        bank states s6 2026-04-18 r        => matched 1 0/0/0/0 arrived 1
        bank states s7 2026-04-19 r        => matched 0 1/0/0/0 opens 4
        case 4                             => open long/duplicate -0.50 1001
    "
    ));
}

#[test]
fn what_was_found_with_one_row_stays_where_another_comes() {
    play(&format!(
        "{TWO_DAYS}
        POS1 next code-51
        1002 POS1 sells x card 3.00        => declined
        bank states s1 2026-03-07 a=10.00 b c x => matched 2 1/0/1/0 opens 1 2
        case 1                             => open long/was_declined 3.00 1002
        case 2                             => open differs/amount -2.00 1001
        bank states s2 2026-03-08 a d e f x => matched 3 2/0/0/0 opens 3 4
        case 1                             => open long/was_declined 3.00 1002
        case 2                             => open differs/amount -2.00 1001
        M1 resolves case 1 confirm         => case 1 resolved
        M1 resolves case 3 write_off       => case 3 resolved
        # The first day's file once more, as it was: what was decided stands.
        bank states s3 2026-03-07 x c b a=10.00 => matched 2 1/0/1/0 supersedes 1
        case 1                             => resolved long/was_declined 3.00 1002 confirm
    "
    ));
}

#[test]
fn an_unknown_refund_is_not_declined_because_another_days_statement_has_it_too() {
    play(&format!(
        "{TWO_DAYS}
        POS1 next lose-answer
        1002 POS1 refunds d as r 5.00      => unknown
        wait 10m
        bank states s1 2026-03-08 r d e    => matched 2 1/1/0/0 opens 1 2
        case 1                             => open long/was_unknown -5.00 1002
        bank states s2 2026-03-09 r        => matched 0 1/0/0/0 opens 3
        case 1                             => open long/was_unknown -5.00 1002
        M1 resolves case 1 confirm         => case 1 resolved
        r state                            => approved
    "
    ));
}

#[test]
fn of_two_rows_one_is_too_many_and_what_was_booked_of_it_is_taken_back_when_that_one_goes() {
    play(&format!(
        "{TWO_DAYS}
        bank states s1 2026-03-07 a b c    => matched 3 0/0/0/0
        bank states s2 2026-03-08 a d e f  => matched 3 1/0/0/0 opens 1
        M1 resolves case 1 write_off       => case 1 resolved
        day 2026-03-08 => open sale 3/24.00 refund 0/0.00 void 0/0.00 vouchers 1/12.00 net 36.00
        # The other one goes: what is missing there is what is too many here, and the two make nothing together.
        bank states s3 2026-03-07 b c      => matched 2 0/1/0/0 opens 2 supersedes 1
        M1 resolves case 2 confirm         => case 2 resolved
        day 2026-03-08 => open sale 3/24.00 refund 0/0.00 void 0/0.00 vouchers 2/0.00 net 24.00
        bank states s4 2026-03-07 c b a    => matched 3 0/0/0/0 reopens 2 supersedes 1
        bank states s5 2026-03-08 d e f    => matched 3 0/0/0/0 reopens 1 supersedes 1
        day 2026-03-08 => open sale 3/24.00 refund 0/0.00 void 0/0.00 vouchers 4/0.00 net 24.00
        # Another day's statement says nothing of either.
        bank states s6 2026-03-09 +1.00@POS1 => matched 0 1/0/0/0 opens 3
    "
    ));
}

#[test]
fn a_correction_is_not_forgotten_by_the_next_days_file() {
    play(&format!(
        "{TWO_DAYS}
        bank states s1 2026-03-07 b c      => matched 2 0/1/0/0 opens 1
        # A day late, as a row of its own day; and a second time days later.
        bank states s2 2026-03-08 a/2026-03-07 d e f => matched 4 0/0/0/0 agrees 1
        bank states s3 2026-03-10 a        => matched 0 1/0/0/0 opens 2
        case 2                             => open long/duplicate 12.00 1001
    "
    ));
}

#[test]
fn a_statement_that_was_judged_beside_another_is_judged_again() {
    let mut told = Told::new(crate::shop::rules());
    told.tell(TWO_DAYS);
    let shop = &mut told.shop;
    let first = judge(shop, "s1", "2026-03-07", &["a", "b", "c"]).for_the_writer().unwrap();
    let second = judge(shop, "s2", "2026-03-08", &["a", "d", "e", "f"]).for_the_writer().unwrap();
    let mut ask = |judged: StatementJudged| said(shop.ask(Command::Statement(Box::new(judged))));
    ask(first);
    assert_eq!(ask(second), "busy");
    let shop = &mut told.shop;
    assert_eq!(states(shop, "s2", "2026-03-08", &["a", "d", "e", "f"]), "matched 3 1/0/0/0 opens 1");
}

#[test]
fn what_the_store_cannot_hold_is_refused_alone_and_nothing_stops_for_it() {
    let mut told = Told::new(crate::shop::rules());
    told.tell("1001 POS1 sells a card 12.00 => approved\ncut => 2026-03-07 Z1\nwait 10s");
    let shop = &mut told.shop;
    let judged = judge(shop, "s1", "2026-03-07", &["a", "+1.00@POS1"]).for_the_writer().unwrap();
    let mut ask = |judged: StatementJudged| said(shop.ask(Command::Statement(Box::new(judged))));
    let mut twice = judged.clone();
    twice.note.days.push(twice.note.days[0]);
    assert_eq!(ask(twice), "bad_request");
    let mut twice = judged.clone();
    twice.findings.push(twice.findings[0].clone());
    assert_eq!(ask(twice), "bad_request");
    // A day that is written with five digits is read by nobody: its row would keep the store from starting.
    let mut far = judged.clone();
    let day = BusinessDate(NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap());
    let (payment, format) = (judged.booked[0].payments.iter().next().unwrap(), judged.note.format.clone());
    far.awaited.push(Awaited { payment, format, day, until: day });
    assert_eq!(ask(far), "not_kept");
    told.tell(
        "
        1001 POS1 sells b cash 3.00  => approved
        crash
        start
        1001 POS1 sells c card 4.00  => approved
    ",
    );
    let shop = &mut told.shop;
    assert!(matches!(shop.ask(Command::Statement(Box::new(judged))), Ok(Reply::Statement(noted)) if noted.new));
    shop.check();
}

#[test]
fn an_unknown_payment_is_decided_by_the_statement_as_a_voucher_where_its_day_is_closed() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        POS1 next lose-answer
        1001 POS1 refunds a as r 5.00      => unknown
        wait 10m
        r state                            => unknown
        exceptions                         => 1 unknown_payment
        cut                                => 2026-03-07 Z1
        wait 1h
        bank states s1 2026-03-07 a r      => matched 1 1/0/0/0 opens 1
        case 1                             => open long/was_unknown -5.00 1001
        M1 resolves case 1 write_off       => case_way
        M1 resolves case 1 confirm         => case 1 resolved
        r state                            => approved
        a refunded                         => 5.00
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 1/-5.00 net -5.00
        bank states s2 2026-03-07 a r +1.00@POS1 => matched 2 1/0/0/0 opens 2 arrived 1 supersedes 1
        case 1                             => resolved long/was_unknown -5.00 1001 confirm
    ",
    );
}

#[test]
fn what_the_statement_does_not_have_of_an_unknown_payment_waits_and_then_a_manager_says_that_it_was_not_done() {
    play(
        "
        1001 POS1 sells a card 12.00       => approved
        POS1 next lose-request
        1001 POS1 refunds a as r 5.00      => unknown
        wait 10m
        cut                                => 2026-03-07 Z1
        bank states s1 2026-03-07 a        => matched 1 0/0/0/1 awaits 1
        wait 24h
        cut                                => 2026-03-08 Z2
        wait 24h
        cut                                => 2026-03-09 Z3
        wait 24h
        cut                                => 2026-03-10 Z4
        wait 2s
        case 1                             => open timing/unknown_silent 0.00 1001
        M1 resolves case 1 confirm         => case 1 resolved
        r state                            => declined
        a refunded                         => 0.00
        day 2026-03-11 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 0.00
    ",
    );
}
