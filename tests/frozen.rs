//! The bytes of every kind of row, as version 1 of the journal writes them, for ever: `frozen/version_1.txt`. A row of a released version must
//! read as it was meant, and be written again byte for byte, or its link would break.
//!
//! A new event, or a new word in a list, adds lines (`TILLD_FREEZE=1 cargo test --test frozen` writes those that are missing); no line ever changes.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "frozen/cases.rs"]
mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tilld::core::acquirer::{
    Answer, AnswerClass, Doubt, HostHalf, HostTotals, NotSent, ReversalReason, Verdict, Verdicts,
};
use tilld::core::domain::{
    BatchNo, BusinessDate, CardKind, CashierId, CouponHow, Currency, Denomination, Entry, ExceptionNo, Funder, Kind,
    Lang, Method, Minor, PaymentId, RequestId, Role, RouteWhy, Seq, ShiftNo, Stan, StoreId, TerminalId, TransferStep,
    WallMs, ZNumber,
};
use tilld::core::journal::{
    AlarmLevel, AsideReason, CancelReason, Classed, Column, Columns, Coupon, DrawerResult, Effect, Errand, Event,
    ExceptionKind, FeeStamp, Original, PaymentMade, RECORD_VERSION, Record, RecordError, Resolution, SettleReason,
    Silence, Subject, Tally, TransferAnswer,
};

/// Fails to compile where an event has no name here; the test then asks for its sample.
fn name(event: &Event) -> &'static str {
    match event {
        Event::StoreOpened { .. } => "store_opened",
        Event::CashierAdded { .. } => "cashier_added",
        Event::ShiftOpened { .. } => "shift_opened",
        Event::DrawerTaken { .. } => "drawer_taken",
        Event::DrawerHandedOver { .. } => "drawer_handed_over",
        Event::CashMoved { .. } => "cash_moved",
        Event::DrawerCounted { .. } => "drawer_counted",
        Event::ShiftClosed { .. } => "shift_closed",
        Event::PaymentMade(_) => "payment_made",
        Event::PaymentStored { .. } => "payment_stored",
        Event::PaymentCancelled { .. } => "payment_cancelled",
        Event::PaymentSetAside { .. } => "payment_set_aside",
        Event::Sending { .. } => "sending",
        Event::NotSent { .. } => "not_sent",
        Event::NoAnswer { .. } => "no_answer",
        Event::Answered { .. } => "answered",
        Event::Stray { .. } => "stray",
        Event::LateAnswer { .. } => "late_answer",
        Event::ReversalOwed { .. } => "reversal_owed",
        Event::ReversalGivenUp { .. } => "reversal_given_up",
        Event::SettlementWanted { .. } => "settlement_wanted",
        Event::BatchAdopted { .. } => "batch_adopted",
        Event::BatchEndSeen { .. } => "batch_end_seen",
        Event::BatchDisagreed { .. } => "batch_disagreed",
        Event::BatchDecided { .. } => "batch_decided",
        Event::DayCut { .. } => "day_cut",
        Event::DaySealed { .. } => "day_sealed",
        Event::ExceptionOpened { .. } => "exception_opened",
        Event::ExceptionResolved { .. } => "exception_resolved",
        Event::Reprinted { .. } => "reprinted",
        Event::DrawerOpened { .. } => "drawer_opened",
        Event::StatementTaken(_) => "statement_taken",
        Event::CaseOpened { .. } => "case_opened",
        Event::CaseMoved { .. } => "case_moved",
        Event::DrawerTallied { .. } => "drawer_tallied",
        Event::PersonSet { .. } => "person_set",
        Event::PrintedAgain { .. } => "printed_again",
        Event::Errand { .. } => "errand",
        Event::Alarm { .. } => "alarm",
        Event::PreauthLapsed { .. } => "preauth_lapsed",
        Event::PaymentClassed { .. } => "payment_classed",
        Event::CouponTaken { .. } => "coupon_taken",
        Event::RouteOpened { .. } => "route_opened",
        Event::TransferNamed { .. } => "transfer_named",
        Event::TransferMoved { .. } => "transfer_moved",
        Event::TransferAnswered { .. } => "transfer_answered",
        Event::RecordSkipped { .. } => "record_skipped",
        Event::StatementBooked(_) => "statement_booked",
        Event::BatchRetaken { .. } => "batch_retaken",
    }
}

/// How many names stand above.
const KINDS: usize = 49;

fn date() -> BusinessDate {
    BusinessDate::parse("2026-11-20").unwrap()
}

fn till() -> TerminalId {
    TerminalId::new("POS1").unwrap()
}

fn who() -> CashierId {
    CashierId::new("1001").unwrap()
}

fn answer(class: AnswerClass, doubt: Option<Doubt>) -> Box<Answer> {
    let text = |t: &str| Some(t.to_owned());
    Box::new(Answer {
        class,
        doubt,
        code: text("00"),
        host_time: text("101112"),
        host_date: text("1120"),
        settle_date: text("1121"),
        rrn: text("000000000042"),
        approval_code: text("123456"),
        batch: Some(BatchNo(7)),
        organisation: text("CUP"),
        verdict: Some(Verdicts { domestic: Verdict::Balanced, foreign: Verdict::Unbalanced }),
        processing_request: 3,
        balance: None,
        masked_frame: "0210…".into(),
    })
}

fn made(kind: Kind, method: Method, original: Option<Original>, entry: Option<Entry>) -> Event {
    Event::PaymentMade(Box::new(PaymentMade {
        request: RequestId::new("r-1").unwrap(),
        kind,
        method,
        device: till(),
        cashier: who(),
        shift: ShiftNo(3),
        amount: Minor(12_345),
        original,
        entry,
        masked: Some("622202*********0128".into()),
        chip: true,
        pin: false,
        approved_by: Some(CashierId::new("M1").unwrap()),
        final_here: false,
    }))
}

fn totals() -> HostTotals {
    let half = |n: i64| HostHalf { debit: Minor(n), debit_count: 2, credit: Minor(n / 2), credit_count: 1 };
    HostTotals { domestic: half(1_000), foreign: half(300) }
}

/// At least one of each kind, and one of each word of the lists within.
#[allow(clippy::too_many_lines)]
fn samples() -> Vec<(String, Event)> {
    let payment = PaymentId(42);
    let (stan, batch) = (Stan(9), BatchNo(7));
    let mut all: Vec<(&str, Event)> = vec![
        (
            "",
            Event::StoreOpened {
                store: StoreId::new("S001").unwrap(),
                currency: Currency::CNY,
                z: ZNumber(1),
                day_key: vec![7; 32],
            },
        ),
        ("", Event::ShiftOpened { shift: ShiftNo(3), cashier: who(), by_payment: true }),
        ("", Event::DrawerTaken { shift: ShiftNo(3), device: till(), float: Minor(20_000) }),
        ("", Event::DrawerHandedOver { device: till(), from: ShiftNo(3), to: ShiftNo(4), counted: Minor(20_100) }),
        ("", Event::CashMoved { shift: ShiftNo(3), device: till(), amount: Minor(-500), reason: "牛奶".into() }),
        ("", Event::DrawerCounted { shift: ShiftNo(3), device: till(), counted: Minor(19_999) }),
        (
            "",
            Event::ShiftClosed {
                shift: ShiftNo(3),
                by: who(),
                drawers: vec![DrawerResult {
                    device: till(),
                    float: Minor(1),
                    sales: Minor(2),
                    refunds: Minor(3),
                    paid_in: Minor(4),
                    paid_out: Minor(5),
                    expected: Minor(-1),
                    counted: Minor(6),
                    difference: Minor(7),
                }],
            },
        ),
        ("", Event::PaymentStored { payment }),
        ("", Event::Stray { terminal: till(), payment: Some(payment), masked_frame: "0210…".into() }),
        ("", Event::LateAnswer { payment, answer: answer(AnswerClass::Approved, None), foreign: true }),
        ("", Event::ReversalGivenUp { payment }),
        ("", Event::BatchAdopted { terminal: till(), batch }),
        ("", Event::BatchEndSeen { terminal: till(), batch }),
        ("", Event::BatchDisagreed { terminal: till(), ours: batch, theirs: BatchNo(999_999) }),
        ("", Event::BatchDecided { terminal: till(), batch, by: who() }),
        (
            "",
            Event::DayCut {
                z: ZNumber(12),
                next: date().next(),
                by: Some(who()),
                first: Seq(5),
                grand_total: Minor(-3),
            },
        ),
        (
            "schedule",
            Event::DayCut { z: ZNumber(12), next: date().next(), by: None, first: Seq(5), grand_total: Minor(3) },
        ),
        (
            "",
            Event::DaySealed {
                date: date(),
                z: ZNumber(12),
                root: [9; 32],
                signature: vec![8; 64],
                next_key: vec![6; 32],
            },
        ),
        ("", Event::Reprinted { what: "{}".into(), times: 2 }),
        ("", Event::DrawerOpened { device: till(), by: who() }),
    ];
    for (word, role) in [("cashier", Role::Cashier), ("manager", Role::Manager), ("technician", Role::Technician)] {
        all.push((word, Event::CashierAdded { cashier: who(), name: "王芳".into(), role }));
    }
    let notes = vec![Denomination { value: Minor(10_000), count: 1 }, Denomination { value: Minor(9_999), count: 1 }];
    for (word, notes) in [("", Vec::new()), ("notes", notes)] {
        let (shift, device, counted, by) = (ShiftNo(3), till(), Minor(19_999), who());
        all.push((word, Event::DrawerTallied { shift, device, counted, notes, by }));
    }
    for (word, lang, active, by) in
        [("", None, true, None), ("english", Some(Lang::En), true, Some(who())), ("gone", Some(Lang::Zh), false, None)]
    {
        let (person, name, role) = (who(), "王芳".to_owned(), Role::Cashier);
        all.push((word, Event::PersonSet { person, name, role, lang, active, by }));
    }
    for (word, by) in [("", None), ("by", Some(who()))] {
        all.push((word, Event::PrintedAgain { what: "{}".into(), times: 2, by }));
    }
    for kind in Kind::ALL {
        all.push((kind.as_str(), made(*kind, Method::Card, None, None)));
    }
    for method in Method::ALL {
        all.push((method.as_str(), made(Kind::Sale, *method, None, None)));
    }
    for entry in Entry::ALL {
        all.push((entry.as_str(), made(Kind::Sale, Method::Card, None, Some(*entry))));
    }
    all.push(("original", made(Kind::Void, Method::Card, Some(Original::Payment(payment)), None)));
    let foreign = Original::Foreign { rrn: "000000000042".into(), date: date(), amount: Minor(5) };
    all.push(("foreign_original", made(Kind::Refund, Method::Card, Some(foreign), None)));
    for (word, why) in [
        ("asked", CancelReason::Asked),
        ("no_line", CancelReason::NoLine),
        ("waited_too_long", CancelReason::WaitedTooLong),
        ("not_built", CancelReason::NotBuilt),
        ("restart", CancelReason::Restart),
        ("settling", CancelReason::Settling),
        ("stopped", CancelReason::Stopped),
    ] {
        all.push((word, Event::PaymentCancelled { payment, why }));
    }
    for (word, why) in
        [("too_old", AsideReason::TooOld), ("tries", AsideReason::Tries), ("not_built", AsideReason::NotBuilt)]
    {
        all.push((word, Event::PaymentSetAside { payment, why }));
    }
    for (word, subject) in [
        ("sign_on", Subject::SignOn),
        ("payment", Subject::Payment(payment)),
        ("advice", Subject::Advice(payment)),
        ("reversal", Subject::Reversal(payment)),
        ("settle", Subject::Settle(totals())),
        ("upload", Subject::Upload(vec![payment, PaymentId(43)])),
        ("end", Subject::End { balanced: false, records: 900 }),
    ] {
        all.push((word, Event::Sending { terminal: till(), stan, batch, subject }));
    }
    for (word, why) in [("no_line", NotSent::NoLine), ("not_built", NotSent::NotBuilt)] {
        all.push((word, Event::NotSent { terminal: till(), stan, why }));
    }
    for (word, why) in [("timeout", Silence::Timeout), ("restart", Silence::Restart)] {
        all.push((word, Event::NoAnswer { terminal: till(), stan, why }));
    }
    for (word, class, doubt) in [
        ("approved", AnswerClass::Approved, None),
        ("declined", AnswerClass::Declined, None),
        ("sign_on_again", AnswerClass::SignOnAgain, None),
        ("bad_mac", AnswerClass::Unknown, Some(Doubt::BadMac)),
        ("no_mac", AnswerClass::Unknown, Some(Doubt::NoMac)),
        ("amount", AnswerClass::Unknown, Some(Doubt::Amount)),
        ("merchant", AnswerClass::Unknown, Some(Doubt::Merchant)),
        ("undocumented", AnswerClass::Unknown, Some(Doubt::UndocumentedCode)),
        ("no_code", AnswerClass::Unknown, Some(Doubt::NoCode)),
        ("keys", AnswerClass::Unknown, Some(Doubt::Keys)),
    ] {
        let answer = answer(class, doubt);
        all.push((word, Event::Answered { terminal: till(), stan, answer, accepted: doubt.is_none(), foreign: false }));
    }
    for (word, verdict) in
        [("balanced", Verdict::Balanced), ("unbalanced", Verdict::Unbalanced), ("error", Verdict::Error)]
    {
        let mut answer = answer(AnswerClass::Approved, None);
        answer.verdict = Some(Verdicts { domestic: verdict, foreign: verdict });
        all.push((word, Event::Answered { terminal: till(), stan, answer, accepted: true, foreign: true }));
    }
    for (word, reason) in
        [("no_answer", ReversalReason::NoAnswer), ("bad_mac", ReversalReason::BadMac), ("other", ReversalReason::Other)]
    {
        all.push((word, Event::ReversalOwed { payment, reason }));
    }
    for (word, why) in [("cut", SettleReason::Cut), ("full", SettleReason::Full), ("asked", SettleReason::Asked)] {
        all.push((word, Event::SettlementWanted { terminal: till(), why }));
    }
    for (word, kind) in [
        ("reversal_failed", ExceptionKind::ReversalFailed),
        ("unknown_payment", ExceptionKind::UnknownPayment),
        ("offline_rejected", ExceptionKind::OfflineRejected),
        ("offline_aside", ExceptionKind::OfflineAside),
        ("unbalanced", ExceptionKind::Unbalanced),
        ("batch_disagrees", ExceptionKind::BatchDisagrees),
        ("clock_disagrees", ExceptionKind::ClockDisagrees),
        ("drawer_difference", ExceptionKind::DrawerDifference),
        ("transfer_unknown", ExceptionKind::TransferUnknown),
        ("return_overdue", ExceptionKind::ReturnOverdue),
        ("record_skipped", ExceptionKind::RecordSkipped),
        ("settlement_refused", ExceptionKind::SettlementRefused),
    ] {
        let (exception, payment, terminal) = (ExceptionNo(4), Some(payment), Some(till()));
        all.push((word, Event::ExceptionOpened { exception, kind, payment, terminal }));
    }
    for (index, card) in CardKind::ALL.iter().enumerate() {
        let fee =
            FeeStamp { line: "借记卡 debit".into(), fee: Minor(2_000), days: 1, business: true, returned: true };
        let (brand, foreign) = (Some("unionpay".to_owned()), [Some(false), Some(true), None][index]);
        let class = Classed { card: *card, brand, foreign, fee: (index < 2).then_some(fee) };
        all.push((card.as_str(), Event::PaymentClassed { payment, class: Box::new(class) }));
    }
    for (word, funder, how) in
        [("store", Funder::Store, CouponHow::ByCashier), ("platform", Funder::Platform, CouponHow::WithPayment)]
    {
        let coupon = Coupon { funder, how, reference: "1234…5678".into(), with: Some(PaymentId(41)) };
        all.push((word, Event::CouponTaken { payment, coupon: Box::new(coupon) }));
    }
    for why in RouteWhy::ALL {
        let (original, tag) = (PaymentId(41), (*why == RouteWhy::TooOld).then_some([9; 16]));
        all.push((why.as_str(), Event::RouteOpened { refund: payment, original, why: *why, tag }));
    }
    let refused = PaymentId(41);
    all.push(("", Event::TransferNamed { payment, payee: "wang".into(), name: "王**".into(), refused }));
    let said = || Box::new(TransferAnswer { reference: "B1".into(), code: "00".into(), text: "已受理".into() });
    for to in TransferStep::ALL {
        let (by, answer) = (Some(who()), (*to == TransferStep::Accepted).then(said));
        all.push((to.as_str(), Event::TransferMoved { payment, to: *to, by, answer }));
    }
    all.push(("", Event::TransferAnswered { payment, by: None, answer: said() }));
    all.push(("", Event::RecordSkipped { terminal: till(), batch: BatchNo(1), payment }));
    for how in [
        Resolution::Noted,
        Resolution::ConfirmedApproved,
        Resolution::ConfirmedDeclined,
        Resolution::Retry,
        Resolution::WrittenOff,
    ] {
        all.push((
            how.as_str(),
            Event::ExceptionResolved { exception: ExceptionNo(4), by: who(), how, note: "已核对".into() },
        ));
    }
    let cases = cases::samples();
    for (word, errand) in [("sign_off", Errand::SignOff), ("query", Errand::Query(payment))] {
        all.push((word, Event::Errand { terminal: till(), stan: Stan(9), batch: BatchNo(7), errand }));
    }
    for level in [AlarmLevel::Late, AlarmLevel::Escalated] {
        all.push((level.as_str(), Event::Alarm { payment, level }));
    }
    all.push(("", Event::PreauthLapsed { payment }));
    all.push(("", Event::BatchRetaken { terminal: till(), batch: BatchNo(7), by: who() }));
    all.into_iter()
        .chain(cases.iter().map(|(word, event)| (word.as_str(), event.clone())))
        .map(|(word, event)| (format!("{}.{word}", name(&event)).trim_end_matches('.').to_owned(), event))
        .collect()
}

/// Rows around the samples: the effect's columns each have a row of their own.
fn records() -> Vec<(String, Record)> {
    let row = |event: Event, effect: Option<Effect>| Record {
        seq: Seq(1_234_567),
        at: WallMs(1_795_147_200_123),
        date: date(),
        event,
        effect,
        running: Columns {
            sale: Tally { count: 3, amount: Minor(300_000) },
            refund: Tally { count: 1, amount: Minor(100) },
            void: Tally::default(),
            vouchers: Tally { count: 2, amount: Minor(-250) },
        },
    };
    let mut all: Vec<(String, Record)> = samples().into_iter().map(|(name, event)| (name, row(event, None))).collect();
    for column in [Column::Sale, Column::Refund, Column::Void, Column::Voucher] {
        let effect = Effect {
            column,
            amount: Minor(if column == Column::Voucher { -250 } else { 250 }),
            payment: PaymentId(42),
            cashier: who(),
            device: till(),
            method: Method::Card,
        };
        all.push((
            format!("effect.{}", column.as_str()),
            row(Event::PaymentStored { payment: PaymentId(42) }, Some(effect)),
        ));
    }
    all
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/version_1.txt")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect()
}

#[test]
fn every_row_ever_written_reads_as_it_was_meant() {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let frozen: BTreeMap<&str, &str> =
        text.lines().filter(|l| !l.starts_with('#')).filter_map(|line| line.split_once(' ')).collect();
    let mut missing = String::new();
    for (name, record) in records() {
        match frozen.get(name.as_str()) {
            Some(bytes) => {
                assert_eq!(hex(&record.to_bytes()), *bytes, "{name} is written otherwise than it was");
                assert_eq!(Record::from_bytes(&unhex(bytes)), Ok(record), "{name} reads otherwise than it was meant");
            }
            None => missing.push_str(&format!("{name} {}\n", hex(&record.to_bytes()))),
        }
    }
    if std::env::var_os("TILLD_FREEZE").is_some() {
        let head = if text.is_empty() {
            "# Rows of journal version 1: name, bytes. Lines are added, never changed.\n"
        } else {
            ""
        };
        std::fs::create_dir_all(file().parent().unwrap()).unwrap();
        std::fs::write(file(), format!("{text}{head}{missing}")).unwrap();
    } else {
        assert!(missing.is_empty(), "not frozen yet:\n{missing}");
    }
    let ours: BTreeSet<String> = records().into_iter().map(|(name, _)| name).collect();
    let gone: Vec<&&str> = frozen.keys().filter(|name| !ours.contains(**name)).collect();
    assert!(gone.is_empty(), "frozen rows without a sample: {gone:?}");
}

#[test]
fn every_kind_of_event_has_a_sample_of_its_own() {
    let kinds: BTreeSet<&str> = samples().iter().map(|(_, event)| name(event)).collect();
    assert_eq!(kinds.len(), KINDS);
    let names: BTreeSet<String> = records().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), records().len(), "two samples of one name");
}

#[test]
fn what_is_no_row_is_refused() {
    let good = records()[0].1.to_bytes();
    assert_eq!(Record::from_bytes(&[]), Err(RecordError::Empty));
    let mut newer = good.clone();
    newer[0] = RECORD_VERSION + 1;
    assert_eq!(Record::from_bytes(&newer), Err(RecordError::Version(2)));
    for bad in [&good[..good.len() - 1], &[good.as_slice(), &[0]].concat(), &good[..1]] {
        assert!(matches!(Record::from_bytes(bad), Err(RecordError::Malformed(_))), "{}", hex(bad));
    }
    // The same number written longer than it must be is not canonical: two rows would mean one thing.
    let mut padded = vec![RECORD_VERSION];
    padded.extend([good[1] | 0x80, good[2] | 0x80, good[3] | 0x80, 0x00]);
    padded.extend(&good[4..]);
    assert!(matches!(Record::from_bytes(&padded), Err(RecordError::Malformed(_))));
}
