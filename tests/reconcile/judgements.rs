//! Each way in which two books may differ, one at a time.

use std::collections::BTreeSet;

use tilld::core::domain::{BusinessDate, PaymentId, State};
use tilld::core::journal::Attribution;
use tilld::core::reconcile::{Book, Matcher, Ours, Outcome, Period, Row, RowElsewhere, RowKind, RowState};

fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

fn ours(id: u64) -> Ours<'static> {
    Ours {
        id: PaymentId(id),
        order: "",
        cashier: "1001",
        device: "POS1",
        tid: "10000001",
        shift: 3,
        kind: RowKind::Sale,
        amount: 500,
        state: State::Approved,
        day: day("2026-11-20"),
        settles: Some(day("2026-11-20")),
        batch: Some(1),
        stan: Some(id as u32),
        rrn: "",
        fee: None,
        coupons: 0,
        booked: &[],
    }
}

fn row(stan: u32) -> Row {
    Row {
        line: 2,
        terminal: "10000001".into(),
        batch: Some(1),
        stan: Some(stan),
        amount: 500,
        day: Some(day("2026-11-20")),
        ..Row::default()
    }
}

fn judge_on(today: &str, ours: &[Ours<'_>], rows: &[Row]) -> Outcome {
    let mut book = Book::new(ours.len(), true);
    ours.iter().for_each(|o| book.add(o));
    book.seal();
    let period = Period {
        days: BTreeSet::from([day("2026-11-20")]),
        elsewhere: BTreeSet::new(),
        today: day(today),
        wait_days: 3,
    };
    let mut matcher = Matcher::new(&mut book, period);
    rows.iter().for_each(|r| matcher.row(r, None));
    let outcome = matcher.finish();
    assert!(outcome.sums.foots, "{:?}", outcome.sums);
    outcome
}

fn judge(ours: &[Ours<'_>], rows: &[Row]) -> Outcome {
    judge_on("2026-11-21", ours, rows)
}

/// `class/reason` of the only difference.
fn only(outcome: &Outcome) -> String {
    let all = [&outcome.long, &outcome.short, &outcome.differs, &outcome.timing];
    let list: Vec<_> = all.into_iter().flatten().collect();
    assert_eq!(list.len(), 1, "{list:#?}");
    format!("{:?}/{}", list[0].class, list[0].reason.as_str())
}

#[test]
fn what_both_sides_have_is_matched_by_any_of_the_three_keys() {
    let by_rrn = Ours { rrn: "263250000006", stan: Some(9), ..ours(7) };
    let theirs = Row { rrn: "263250000006".into(), ..row(7) };
    assert_eq!(judge(&[by_rrn], &[theirs]).matched_count, 1);
    assert_eq!(judge(&[ours(7)], &[row(7)]).matched_count, 1);
    let by_order = Ours { order: "order-1", ..ours(7) };
    let theirs = Row { order: "order-1".into(), terminal: String::new(), batch: None, stan: None, ..row(7) };
    assert_eq!(judge(&[by_order], &[theirs]).matched_count, 1);
}

#[test]
fn an_rrn_of_another_terminal_is_another_payment() {
    let ours_there = Ours { rrn: "263250000006", ..ours(7) };
    let theirs = Row { rrn: "263250000006".into(), terminal: "10000002".into(), ..row(8) };
    let outcome = judge(&[ours_there], &[theirs]);
    assert_eq!((outcome.matched_count, outcome.counts), (0, [1, 1, 0, 0]));
}

#[test]
fn long_by_the_state_of_ours() {
    assert_eq!(only(&judge(&[], &[row(7)])), "Long/absent");
    for (state, reason) in [
        (State::Unknown, "was_unknown"),
        (State::Declined, "was_declined"),
        (State::Reversed, "was_reversed"),
        (State::Rejected, "not_through"),
        (State::SetAside, "not_through"),
    ] {
        let outcome = judge(&[Ours { state, ..ours(7) }], &[row(7)]);
        assert_eq!(only(&outcome), format!("Long/{reason}"));
        assert_eq!((outcome.long[0].cashier.as_deref(), outcome.long[0].difference), (Some("1001"), 500));
    }
}

#[test]
fn a_row_that_is_ours_by_nothing_is_laid_to_whoever_stood_there_before() {
    let later = Ours { cashier: "1002", ..ours(9) };
    let outcome = judge(&[ours(7), later], &[row(7), row(8), row(9)]);
    let found = &outcome.long[0];
    assert_eq!(
        (found.cashier.as_deref(), found.shift, found.attributed),
        (Some("1001"), Some(3), Attribution::Neighbour)
    );
    assert_eq!(outcome.matched_count, 2);
}

#[test]
fn booked_twice_is_long() {
    let outcome = judge(&[ours(7)], &[row(7), row(7)]);
    assert_eq!((only(&outcome).as_str(), outcome.matched_count), ("Long/duplicate", 1));
}

#[test]
fn short_where_theirs_is_missing_or_undone() {
    assert_eq!(only(&judge(&[ours(7)], &[])), "Short/missing");
    let undone = |state| judge(&[ours(7)], &[Row { state, ..row(7) }]);
    assert_eq!(only(&undone(RowState::Reversed)), "Short/theirs_reversed");
    assert_eq!(only(&undone(RowState::Declined)), "Short/theirs_declined");
    assert_eq!(undone(RowState::Declined).short[0].difference, -500);
    let refund = Ours { kind: RowKind::Refund, ..ours(7) };
    assert_eq!(judge(&[refund], &[]).short[0].difference, 500, "a refund that they lack is money too much");
}

#[test]
fn a_declined_try_before_the_approved_row_is_no_difference() {
    let outcome = judge(&[ours(7)], &[Row { state: RowState::Declined, ..row(7) }, row(7)]);
    assert_eq!((outcome.matched_count, outcome.counts), (1, [0; 4]));
}

#[test]
fn what_neither_side_counts_is_no_difference() {
    for state in [State::Reversed, State::Declined, State::Unknown] {
        let outcome = judge(&[Ours { state, ..ours(7) }], &[Row { state: RowState::Reversed, ..row(7) }]);
        assert!(outcome.agrees() && outcome.agreed_without_money == 1 && outcome.matched_count == 0);
        assert!(judge(&[Ours { state, ..ours(7) }], &[]).agrees());
    }
}

#[test]
fn both_have_it_and_not_alike() {
    let amount = judge(&[ours(7)], &[Row { amount: 499, ..row(7) }]);
    assert_eq!((only(&amount).as_str(), amount.differs[0].difference), ("Differs/amount", -1));
    let kind = judge(&[ours(7)], &[Row { kind: RowKind::Refund, ..row(7) }]);
    assert_eq!((only(&kind).as_str(), kind.differs[0].difference), ("Differs/kind", -1000));
    let far = Ours { settles: Some(day("2026-11-10")), ..ours(7) };
    assert_eq!(only(&judge(&[far], &[row(7)])), "Differs/date");
}

#[test]
fn the_other_side_of_the_cut_waits_three_days() {
    let tomorrow = Ours { settles: Some(day("2026-11-21")), ..ours(7) };
    let waits = judge_on("2026-11-24", std::slice::from_ref(&tomorrow), &[]);
    assert_eq!(only(&waits), "Timing/later");
    assert!(waits.agrees());
    assert_eq!(only(&judge_on("2026-11-25", std::slice::from_ref(&tomorrow), &[])), "Short/overdue");
    assert_eq!(only(&judge(&[tomorrow], &[row(7)])), "Timing/other_day");
    let no_f15 = Ours { settles: None, ..ours(7) };
    assert_eq!(only(&judge_on("2026-11-22", std::slice::from_ref(&no_f15), &[])), "Timing/edge");
    assert_eq!(only(&judge_on("2026-11-24", &[no_f15], &[])), "Short/missing");
    let accepted = judge(&[ours(7)], &[Row { state: RowState::Pending, ..row(7) }]);
    assert_eq!(only(&accepted), "Timing/accepted");
}

#[test]
fn days_of_other_statements_are_not_judged_here() {
    let next = Ours { day: day("2026-11-21"), settles: Some(day("2026-11-21")), ..ours(7) };
    assert_eq!(judge(&[next], &[]).counts, [0; 4]);
}

#[test]
fn a_fee_is_compared_where_both_sides_know_it_and_moves_no_money() {
    let costs = |fee: i64| Ours { fee: Some(fee), ..ours(7) };
    let kept = |fee: i64| Row { fee: Some(fee), ..row(7) };
    for (mine, theirs) in [(costs(3), kept(3)), (costs(3), row(7)), (ours(7), kept(3))] {
        let outcome = judge(&[mine], &[theirs]);
        assert_eq!((outcome.matched_count, outcome.counts), (1, [0; 4]));
    }
    let outcome = judge(&[costs(3)], &[kept(4)]);
    assert_eq!(only(&outcome), "Differs/fee");
    let found = &outcome.differs[0];
    assert_eq!((found.difference, found.formula.as_str()), (0, "fee: theirs 4 - ours 3 = 1"));
    assert_eq!((found.theirs.as_ref().unwrap().fee, found.ours.as_ref().unwrap().fee), (Some(4), Some(3)));
    assert_eq!(outcome.sums.difference, 0);
    // An amount that differs says more: its fee follows from it.
    assert_eq!(only(&judge(&[costs(3)], &[Row { amount: 501, ..kept(4) }])), "Differs/amount");
}

#[test]
fn what_a_platforms_coupon_paid_may_stand_in_the_statements_amount_or_not() {
    let with = Ours { coupons: 200, ..ours(7) };
    for (amount, said) in [(500, None), (700, None), (200, Some("Differs/amount")), (701, Some("Differs/amount"))] {
        let outcome = judge(std::slice::from_ref(&with), &[Row { amount, ..row(7) }]);
        match said {
            None => assert_eq!((outcome.matched_count, outcome.sums.difference), (1, 0), "{amount}"),
            Some(said) => assert_eq!(only(&outcome), said, "{amount}"),
        }
    }
}

#[test]
fn what_another_days_statement_has_with_money_came_twice() {
    let row_of = |text, too_many| [RowElsewhere { day: day(text), too_many }];
    let (same, other) = (row_of("2026-11-20", 0), row_of("2026-03-20", 0));
    // Months apart: the money is not right, as a late row's would be.
    let outcome = judge(&[Ours { booked: &other, ..ours(7) }], &[row(7)]);
    assert_eq!((only(&outcome).as_str(), outcome.long[0].difference), ("Long/duplicate", 500));
    assert_eq!((outcome.sums.theirs, outcome.sums.ours, outcome.matched_count), (500, 0, 0));
    assert!(outcome.clean.is_empty(), "which of the two rows is right is not said");
    // Silence is silence: the other statement may yet be issued without it.
    assert_eq!(only(&judge(&[Ours { booked: &other, ..ours(7) }], &[])), "Short/missing");
    // The same day's row once more, in another file.
    assert_eq!(judge(&[Ours { booked: &same, ..ours(7) }], &[row(7)]).matched_count, 1);
    // Taken back: what the other statement gave it has no more.
    let reversed = Row { state: RowState::Reversed, ..row(7) };
    assert_eq!(only(&judge(&[Ours { booked: &other, ..ours(7) }], &[reversed])), "Short/theirs_reversed");
    // A row of another kind is no second settlement.
    let refund = Row { kind: RowKind::Refund, ..row(7) };
    assert_eq!(only(&judge(&[Ours { booked: &other, ..ours(7) }], &[refund])), "Differs/kind");
    // Where the other row is known to be the one too many this one is judged as the only one.
    let told = row_of("2026-12-20", 1);
    assert_eq!(judge(&[Ours { booked: &told, ..ours(7) }], &[row(7)]).matched_count, 1);
    assert_eq!(judge(&[Ours { booked: &told, ..ours(7) }], &[row(7), row(7)]).long[0].key, "P00000007|duplicate#2");
    // What ours does not count came twice all the same.
    let declined = Ours { state: State::Declined, booked: &other, ..ours(7) };
    assert_eq!(only(&judge(&[declined], &[row(7)])), "Long/duplicate");
}
