//! Samples of what the journal keeps of statements and cases.

use tilld::core::domain::{
    BatchNo, BusinessDate, CaseNo, CashierId, Method, Minor, PaymentId, PaymentSet, ShiftNo, Stan, State, StatementNo,
    TerminalId,
};
use tilld::core::journal::{
    Attribution, Awaited, CaseBooks, CaseHow, CaseResolved, CaseStep, Event, Finding, OursSide, StatementBooked,
    StatementTaken, Theirs,
};
use tilld::core::reconcile::{Reason, RowKind, RowState};

fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

fn manager() -> CashierId {
    CashierId::new("9001").unwrap()
}

fn finding(reason: Reason, attributed: Attribution, kind: RowKind, state: RowState) -> Box<Finding> {
    Box::new(Finding {
        key: "P00000042|money".into(),
        format: "tilld-acquirer".into(),
        reason,
        difference: Minor(-250),
        line: Some(17),
        day: day("2026-11-20"),
        method: Method::Card,
        payment: Some(PaymentId(42)),
        cashier: Some(CashierId::new("1001").unwrap()),
        device: Some(TerminalId::new("POS1").unwrap()),
        shift: Some(ShiftNo(3)),
        attributed,
        terminal: Some("12345678".into()),
        batch: Some(BatchNo(7)),
        stan: Some(Stan(9)),
        rrn: Some("000000000042".into()),
        order: Some("r-1".into()),
        theirs: Some(Theirs { kind, amount: Minor(250), state, day: Some(day("2026-11-21")), fee: Some(Minor(2)) }),
        ours: Some(OursSide {
            kind: RowKind::Sale,
            amount: Minor(500),
            state: State::Approved,
            day: None,
            fee: Some(Minor(3)),
        }),
    })
}

fn moved(word: &str, step: CaseStep) -> (String, Event) {
    (word.to_owned(), Event::CaseMoved { case: CaseNo(4), payment: Some(PaymentId(42)), step: Box::new(step) })
}

/// At least one of each, and one of each word of the lists within.
pub fn samples() -> Vec<(String, Event)> {
    let statement = StatementNo(2);
    let plain = || finding(Reason::Missing, Attribution::Payment, RowKind::Sale, RowState::Approved);
    let mut all = vec![(
        String::new(),
        Event::StatementTaken(Box::new(StatementTaken {
            statement,
            hash: [0xA5; 32],
            format: "wechat-pay".into(),
            name: "账单.csv".into(),
            days: vec![day("2026-11-20"), day("2026-11-21")],
            lines: 1_000,
            spoiled: 1,
            matched: 990,
            counts: [1, 2, 3, 4],
            awaited: vec![Awaited {
                payment: PaymentId(43),
                format: "wechat-pay".into(),
                day: day("2026-11-22"),
                until: day("2026-11-25"),
            }],
            arrived: vec![PaymentId(41)],
        })),
    )];
    let booked = StatementBooked { statement, day: day("2026-11-20"), payments: PaymentSet::of(&[7, 42, 42, 300]) };
    all.push((String::new(), Event::StatementBooked(Box::new(booked))));
    let mut opened = |word: &str, finding| {
        all.push((word.to_owned(), Event::CaseOpened { case: CaseNo(4), statement: Some(statement), finding }));
    };
    for reason in Reason::ALL {
        opened(reason.as_str(), finding(*reason, Attribution::Payment, RowKind::Sale, RowState::Approved));
    }
    opened("neighbour", finding(Reason::Absent, Attribution::Neighbour, RowKind::Void, RowState::Reversed));
    opened("nobody", finding(Reason::Absent, Attribution::None, RowKind::Refund, RowState::Declined));
    opened("pending", finding(Reason::Absent, Attribution::None, RowKind::Refund, RowState::Pending));
    all.push(moved("taken", CaseStep::Taken { by: manager(), note: "调单".into() }));
    all.push(moved("noted", CaseStep::Noted { by: manager(), note: "已打电话".into() }));
    all.push(moved("restated", CaseStep::Restated { statement: Some(statement), finding: plain() }));
    all.push(moved("agreed", CaseStep::Agreed { statement }));
    let books = [
        ("nothing", CaseBooks::Nothing),
        ("counts", CaseBooks::Counts),
        ("not_done", CaseBooks::NotDone),
        (
            "voucher",
            CaseBooks::Voucher {
                amount: Minor(-250),
                cashier: CashierId::new("1001").unwrap(),
                device: TerminalId::new("POS1").unwrap(),
                method: Method::Card,
            },
        ),
    ];
    for (word, books) in books {
        let step = CaseStep::Reopened {
            by: Some(manager()),
            statement: Some(statement),
            finding: Some(plain()),
            reason: "再查".into(),
            books,
        };
        all.push(moved(&format!("reopened.{word}"), step));
    }
    for how in CaseHow::ALL {
        let end = CaseResolved {
            how: *how,
            by: manager(),
            second: Some(CashierId::new("9002").unwrap()),
            reason: "收单方来函".into(),
            reference: "ADJ-1".into(),
            consent: Some("顾客同意".into()),
            refund: Some(PaymentId(44)),
            books: CaseBooks::Nothing,
        };
        all.push(moved(how.as_str(), CaseStep::Resolved(Box::new(end))));
    }
    all
}
