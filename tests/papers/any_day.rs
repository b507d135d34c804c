//! Any day at all: booked ones foot and say so; arbitrary ones, whatever nonsense they hold, are laid out at every width
//! with every amount whole.

use proptest::prelude::*;
use tilld::core::domain::{
    BatchNo, BusinessDate, CashierId, Currency, Denomination, Kind, Lang, Method, Minor, PaymentId, Sentence, State,
    TerminalId,
};
use tilld::core::font;
use tilld::core::journal::{Column, Columns, Effect, ExceptionKind, Tally};
use tilld::core::payment::Slot;
use tilld::core::ports::{
    ActView, BridgeLine, CellView, DayView, DrawerSums, DrawerView, ExceptionView, GroupView, JournalView, OfflineView,
    PendingView, ReturnView, ReversalView, SettlementView, ShiftView, UnsettledView, VoucherView,
};
use tilld::core::report::layout::{Line, MAX_COLUMNS, MIN_COLUMNS, layout};
use tilld::core::report::papers::{DayReportKind, day_csv, day_report};
use tilld::core::report::text;
use tilld::core::totals::DayTotals;

use super::{columns, day};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,30}",
        "[一-龥]{0,12}",
        "\\PC{0,12}",
        any::<String>().prop_map(|text| text.chars().take(20).collect())
    ]
}

fn minor() -> impl Strategy<Value = Minor> {
    prop_oneof![
        Just(0i64),
        -1_000i64..1_000,
        -10_000_000_000i64..10_000_000_000,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX)
    ]
    .prop_map(Minor)
}

fn tally() -> impl Strategy<Value = Tally> {
    (prop_oneof![0u64..5, any::<u64>()], minor()).prop_map(|(count, amount)| Tally { count, amount })
}

fn four() -> impl Strategy<Value = Columns> {
    (tally(), tally(), tally(), tally()).prop_map(|(sale, refund, void, vouchers)| Columns {
        sale,
        refund,
        void,
        vouchers,
    })
}

fn who() -> impl Strategy<Value = CashierId> {
    "[!-~]{1,16}".prop_map(|id| CashierId::new(&id).unwrap())
}

fn at() -> impl Strategy<Value = TerminalId> {
    "[!-~]{1,16}".prop_map(|id| TerminalId::new(&id).unwrap())
}

fn date() -> impl Strategy<Value = BusinessDate> {
    (1970i32..2200, 1u32..13, 1u32..29)
        .prop_map(|(year, month, day)| BusinessDate::parse(&format!("{year:04}-{month:02}-{day:02}")).unwrap())
}

fn some<T: std::fmt::Debug>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(item, 0..4)
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn sentence() -> impl Strategy<Value = Sentence> {
    (words(), words()).prop_map(|(zh, en)| Sentence { zh, en })
}

fn group() -> impl Strategy<Value = GroupView> {
    (words(), words(), four(), minor()).prop_map(|(id, name, c, net)| {
        let Columns { sale, refund, void, vouchers } = c;
        GroupView { id, name, sale, refund, void, vouchers, net }
    })
}

fn cell() -> impl Strategy<Value = CellView> {
    (who(), at(), four(), minor()).prop_map(|(cashier, device, c, net)| {
        let Columns { sale, refund, void, vouchers } = c;
        CellView { cashier, device, sale, refund, void, vouchers, net }
    })
}

fn line() -> impl Strategy<Value = BridgeLine> {
    let key = prop_oneof![
        words(),
        Just("batch:".to_owned()),
        (at(), 0u32..1_000_000).prop_map(|(at, no)| format!("batch:{at}:{no:06}")),
        proptest::sample::select(
            &["cash", "coupon", "waiting", "voided_before_sending", "refused_offline", "vouchers"][..]
        )
        .prop_map(str::to_owned),
    ];
    (key, sentence(), four(), minor()).prop_map(|(line, label, columns, net)| BridgeLine { line, label, columns, net })
}

fn batch() -> impl Strategy<Value = SettlementView> {
    let result = prop_oneof![
        words(),
        proptest::sample::select(&["balanced", "unbalanced", "error", "unconfirmed", "pending"][..])
            .prop_map(str::to_owned)
    ];
    (at(), "[0-9]{6}", result, tally(), tally(), words(), four()).prop_map(
        |(terminal, batch, result, debit, credit, rung, part)| SettlementView {
            terminal,
            batch,
            result,
            debit,
            credit,
            rung,
            part,
            differs: Vec::new(),
        },
    )
}

fn payment_id() -> impl Strategy<Value = String> {
    (1u64..u64::MAX / 2).prop_map(|id| PaymentId(id).to_string())
}

fn pending() -> impl Strategy<Value = PendingView> {
    let masked = proptest::option::of(words());
    (payment_id(), one_of(State::ALL), one_of(Kind::ALL), one_of(Method::ALL), who(), at(), minor(), masked).prop_map(
        |(payment, state, kind, method, cashier, device, amount, masked_pan)| PendingView {
            payment,
            state,
            kind,
            method,
            cashier,
            device,
            amount,
            masked_pan,
        },
    )
}

fn returned() -> impl Strategy<Value = ReturnView> {
    let column = one_of(&[Column::Sale, Column::Refund, Column::Void, Column::Voucher]);
    (payment_id(), column, one_of(Method::ALL), who(), at(), minor(), proptest::option::of(words())).prop_map(
        |(payment, column, method, cashier, device, amount, original)| ReturnView {
            payment,
            column,
            method,
            cashier,
            device,
            amount,
            masked_pan: original.clone(),
            approved_by: None,
            original,
        },
    )
}

fn voucher() -> impl Strategy<Value = VoucherView> {
    (payment_id(), date(), minor(), words(), who(), at()).prop_map(
        |(payment, business_date, amount, why, cashier, device)| VoucherView {
            payment,
            business_date,
            amount,
            masked_pan: Some(why.clone()),
            why,
            cashier,
            device,
            case: None,
        },
    )
}

fn drawer() -> impl Strategy<Value = DrawerView> {
    let sums = (at(), minor(), minor(), minor(), minor(), minor(), minor()).prop_map(
        |(device, float, sales, refunds, paid_in, paid_out, expected)| DrawerSums {
            device,
            float,
            sales,
            refunds,
            paid_in,
            paid_out,
            expected,
        },
    );
    (sums, proptest::option::of(minor()), proptest::option::of(minor())).prop_map(|(sums, counted, difference)| {
        let count = u32::from(counted.is_some());
        let denominations = counted.map(|value| Denomination { value, count }).into_iter().collect();
        DrawerView { sums, counted, difference, denominations }
    })
}

fn shift() -> impl Strategy<Value = ShiftView> {
    (any::<u32>(), who(), any::<bool>(), some(drawer())).prop_map(|(shift, cashier, closed, drawers)| ShiftView {
        shift,
        cashier,
        closed,
        drawers,
        forgotten: !closed && shift % 2 == 0,
        opened_at: None,
        last_entry_at: None,
        closed_at: None,
        closed_by: None,
        to_sign: closed,
    })
}

fn act() -> impl Strategy<Value = ActView> {
    let who = || proptest::option::of(who());
    (any::<u64>(), words(), who(), who(), proptest::option::of(at()), proptest::option::of(minor()), words()).prop_map(
        |(seq, what, by, cashier, device, amount, about)| ActView {
            seq,
            at: what.clone(),
            what,
            by,
            cashier,
            device,
            payment: None,
            amount,
            about: Some(about),
            times: None,
        },
    )
}

fn reversal() -> impl Strategy<Value = ReversalView> {
    (payment_id(), one_of(Kind::ALL), one_of(Method::ALL), who(), at(), minor(), proptest::option::of(words()))
        .prop_map(|(payment, kind, method, cashier, device, amount, masked_pan)| ReversalView {
            payment,
            kind,
            method,
            cashier,
            device,
            amount,
            masked_pan,
        })
}

fn waiting_batch() -> impl Strategy<Value = UnsettledView> {
    (at(), words(), words(), date(), any::<u32>(), tally(), tally()).prop_map(
        |(terminal, batch, rung, since, days, debit, credit)| UnsettledView {
            terminal,
            batch,
            rung,
            since,
            days,
            debit,
            credit,
        },
    )
}

fn exception() -> impl Strategy<Value = ExceptionView> {
    (any::<u32>(), date(), proptest::option::of(payment_id()), proptest::option::of(at()), sentence()).prop_map(
        |(id, opened, payment, terminal, message)| ExceptionView {
            id,
            kind: ExceptionKind::Unbalanced,
            opened,
            payment,
            terminal,
            message,
            state: "open".into(),
        },
    )
}

/// A day of nonsense: no sum agrees with any other.
fn any_day() -> impl Strategy<Value = DayView> {
    let currency = proptest::sample::select(&["CNY", "JPY", "KWD"][..]).prop_map(|c| Currency::from_alpha(c).unwrap());
    let head = (words(), words(), currency, date(), any::<u32>(), words());
    let tables =
        (some(group()), some(group()), some(group()), some(cell()), four(), minor(), any::<bool>(), some(line()));
    let counts = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    let lists = (some(batch()), some(pending()), tally(), some(returned()), some(voucher()), some(shift()));
    let people = (some(act()), some(act()), some(act()), some(reversal()), some(waiting_batch()), some(group()));
    let foot = (some(exception()), any::<u64>(), any::<u64>(), minor(), proptest::option::of(words()));
    (head, tables, counts, lists, foot, people).prop_map(|(head, tables, counts, lists, foot, people)| DayView {
        fees: Default::default(),
        coupons: Vec::new(),
        transfers: Vec::new(),
        set_aside: Minor::ZERO,
        store: head.0,
        store_name: head.1,
        currency: head.2,
        business_date: head.3,
        z_number: head.4,
        state: head.5,
        by_cashier: tables.0,
        by_device: tables.1,
        by_method: tables.2,
        matrix: tables.3,
        totals: tables.4,
        net: tables.5,
        cross_foot: tables.6,
        bridge: tables.7,
        offline: OfflineView { stored: counts.0, forwarded: counts.1, rejected: counts.2, waiting: counts.3 },
        settlement: lists.0,
        pending: lists.1,
        reversed: lists.2,
        returns: lists.3,
        vouchers: lists.4,
        shifts: lists.5,
        exceptions: foot.0,
        cases: Default::default(),
        drawer_openings: people.0,
        overrides: people.1,
        reprints: people.2,
        reversals: people.3,
        unsettled: people.4,
        by_channel: people.5,
        first_seq: foot.1,
        last_seq: foot.2,
        grand_total: foot.3,
        check_code: foot.4,
        journal: JournalView::default(),
    })
}

/// A day that was booked entry by entry, as the ledger does it.
fn booked_day() -> impl Strategy<Value = DayView> {
    let column = one_of(&[Column::Sale, Column::Sale, Column::Sale, Column::Refund, Column::Void, Column::Voucher]);
    let cashiers = one_of(&["1001", "1002", "1003", "2001", "A-very-long-id-0"]);
    let entry =
        (column, cashiers, one_of(&["POS1", "POS2", "COUNTER-NO-00012"]), one_of(Method::ALL), 1i64..100_000_000);
    proptest::collection::vec(entry, 0..60).prop_map(|entries| {
        let mut totals = DayTotals::default();
        for (column, who, at, method, amount) in entries {
            let amount = Minor(if column == Column::Voucher { -amount } else { amount });
            let (cashier, device) = (day::cashier(who), day::terminal(at));
            let slot = match (column, method) {
                (Column::Voucher, _) => None,
                (_, Method::Cash) => Some(Slot::Cash),
                (_, Method::Voucher) => Some(Slot::Coupon),
                _ => Some(Slot::Batch(device.clone(), BatchNo(1))),
            };
            let effect = Effect { column, amount, payment: PaymentId(1), cashier, device, method };
            totals.book(&effect, effect.method.as_str()).unwrap();
            totals.move_slot(None, slot.as_ref(), column, amount);
        }
        DayView {
            by_cashier: totals.by_cashier.iter().map(|(id, c)| day::group(id.as_str(), "名", c)).collect(),
            by_device: totals.by_device.iter().map(|(id, c)| day::group(id.as_str(), "", c)).collect(),
            by_method: totals.by_method.iter().map(|(id, c)| day::group(id.as_str(), "", c)).collect(),
            by_channel: totals.by_channel.iter().map(|(id, c)| day::group(id, "", c)).collect(),
            matrix: totals.matrix.iter().map(|((who, at), c)| day::cell(who, at, c)).collect(),
            totals: totals.all,
            net: totals.all.net().unwrap(),
            bridge: day::bridge(&totals),
            ..day::day(false)
        }
    })
}

fn lang() -> impl Strategy<Value = Lang> {
    one_of(Lang::ALL)
}

fn kind() -> impl Strategy<Value = DayReportKind> {
    one_of(&[DayReportKind::X, DayReportKind::Z])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_day_fits_on_any_paper(
        view in any_day(),
        kind in kind(),
        lang in lang(),
        reprint in prop_oneof![Just(0u32), any::<u32>()],
        columns in 0usize..130,
        printed in words(),
    ) {
        let page = layout(&day_report(&view, kind, lang, reprint, &printed), columns);
        prop_assert_eq!(page.columns, columns.clamp(MIN_COLUMNS, MAX_COLUMNS));
        for line in &page.lines {
            if let Line::Text(runs) = line {
                prop_assert_eq!(runs.iter().map(|run| run.columns()).sum::<usize>(), page.columns, "{:?}", runs);
            }
        }
        for line in text::render(&page).lines() {
            prop_assert!(font::text_columns(line) <= page.columns, "{line:?}");
        }
        let text = day_csv(&view);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for row in reader.records() {
            prop_assert_eq!(row.unwrap().len(), 17);
        }
    }

    /// An amount may move to a line of its own, but it is never cut, however large it is.
    #[test]
    fn no_amount_is_cut(view in any_day(), lang in lang(), columns in prop_oneof![Just(32usize), Just(35), Just(42), Just(48)]) {
        let view = DayView { currency: Currency::CNY, ..view };
        let made = text::render(&layout(&day_report(&view, DayReportKind::Z, lang, 0, ""), columns));
        let printed: Vec<String> = made.lines().flat_map(columns::amounts).map(|(amount, _)| amount).collect();
        let groups = view.by_cashier.iter().chain(&view.by_device).chain(&view.by_method);
        let nets = groups.map(|g| g.net).chain(view.bridge.iter().map(|line| line.net));
        let drawers = view.shifts.iter().flat_map(|shift| &shift.drawers).flat_map(|d| [d.sums.float, d.sums.expected]);
        for amount in nets.chain(drawers).chain([view.grand_total, view.net]) {
            prop_assert!(printed.contains(&amount.grouped(2)), "{} is not in\n{made}", amount.grouped(2));
        }
        for amount in view.vouchers.iter().map(|v| v.amount).chain(view.pending.iter().map(|p| p.amount)) {
            prop_assert!(printed.contains(&amount.grouped(2)), "{} is not in\n{made}", amount.grouped(2));
        }
    }

    #[test]
    fn a_booked_day_foots_and_a_changed_figure_is_found(view in booked_day(), lang in lang(), which in any::<prop::sample::Index>()) {
        let verdict = |view: &DayView| {
            let made = text::render(&layout(&day_report(view, DayReportKind::Z, lang, 0, ""), 48));
            (made.contains(if lang == Lang::Zh { "【平】" } else { "OK: equal" }), made.contains(if lang == Lang::Zh { "差额" } else { "Difference" }))
        };
        prop_assert_eq!(verdict(&view), (true, false));
        let mut wrong = view.clone();
        let tables = [&mut wrong.by_cashier, &mut wrong.by_device, &mut wrong.by_method];
        let mut groups: Vec<&mut GroupView> = tables.into_iter().flatten().collect();
        if !groups.is_empty() {
            let index = which.index(groups.len());
            groups[index].void.amount = groups[index].void.amount.checked_add(Minor(1)).unwrap();
            prop_assert_eq!(verdict(&wrong), (false, true));
        }
    }
}
