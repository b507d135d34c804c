//! A day of a store as the daemon would hand it to its papers: three terminals, four cashiers, some 330 payments by card,
//! code and cash, booked one by one into the day's totals. The same every time. Read by the tests and by
//! `examples/day_report.rs`.

use std::collections::BTreeMap;

use tilld::core::domain::{
    BatchNo, BusinessDate, CashierId, Currency, Denomination, Kind, Method, Minor, PaymentId, Sentence, State,
    TerminalId,
};
use tilld::core::journal::{Column, Columns, Effect, ExceptionKind, Tally};
use tilld::core::payment::Slot;
use tilld::core::ports::{
    ActView, BridgeLine, CellView, DayView, DrawerSums, DrawerView, ExceptionView, GroupView, JournalView, OfflineView,
    PendingView, ReturnView, ReversalView, SettlementView, ShiftView, UnsettledView, VoucherView,
};
use tilld::core::totals::DayTotals;

const CASHIERS: [(&str, &str); 4] = [("1001", "王芳"), ("1002", "李强"), ("1003", "陈静怡"), ("2001", "Anna")];
const DEVICES: [(&str, &str, u32); 3] =
    [("POS1", "12345678", 117), ("POS2", "12345679", 94), ("POS3", "12345680", 203)];
/// Who works where, and how many sales: an early and a late shift, one cashier who helps out at a second till.
const WORK: [(&str, &str, u32); 6] = [
    ("1001", "POS1", 74),
    ("1002", "POS2", 61),
    ("1003", "POS3", 92),
    ("1001", "POS2", 8),
    ("2001", "POS1", 58),
    ("1003", "POS2", 39),
];
/// Whose drawer it was at each device: cash is taken by nobody else.
const DRAWERS: [(&str, &str); 4] = [("1001", "POS1"), ("2001", "POS1"), ("1002", "POS2"), ("1003", "POS3")];
const MASKED: [&str; 4] = ["621234******1111", "411111******1111", "622202******0128", "543210******9999"];

/// A generator of the day's chances: Knuth's MMIX constants, so that the day is the same on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// What a basket costs: mostly small, sometimes large, mostly ending in 0 or 9 jiao.
    fn basket(&mut self) -> i64 {
        let yuan = match self.below(20) {
            0 => 800 + self.below(2_400),
            1..=4 => 150 + self.below(400),
            _ => 8 + self.below(110),
        };
        let jiao = [0, 0, 50, 90, 80][self.below(5) as usize];
        (yuan * 100 + jiao) as i64
    }
}

/// The day while it is booked.
struct Store {
    chance: Chance,
    next: u64,
    totals: DayTotals,
    returns: Vec<ReturnView>,
    pending: Vec<PendingView>,
    /// Cash that a cashier took and gave back at a device.
    cash: BTreeMap<(String, String), (i64, i64)>,
}

pub fn cashier(id: &str) -> CashierId {
    CashierId::new(id).expect("a valid id")
}

pub fn terminal(id: &str) -> TerminalId {
    TerminalId::new(id).expect("a valid id")
}

pub fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).expect("a valid date")
}

fn batch(device: &str) -> BatchNo {
    BatchNo(DEVICES.iter().find(|(id, ..)| *id == device).map_or(1, |(.., batch)| *batch))
}

impl Store {
    fn take(&mut self, who: &str, at: &str, column: Column, method: Method, amount: i64, slot: Option<Slot>) -> String {
        let id = PaymentId(self.next);
        self.next += 2 + self.chance.below(2);
        let effect =
            Effect { column, amount: Minor(amount), payment: id, cashier: cashier(who), device: terminal(at), method };
        let channel = match (method, amount % 3) {
            (Method::Card, 0) => "card:VIS",
            (Method::Card, _) => "card:CUP",
            (Method::Qr, 0) => "qr:alipay",
            (Method::Qr, _) => "qr:wechat",
            (Method::Cash, _) => "cash",
            (Method::Voucher, _) => "coupon",
            (Method::Transfer, _) => "transfer",
        };
        self.totals.book(&effect, channel).expect("the day's sums fit");
        self.totals.move_slot(None, slot.as_ref(), column, Minor(amount));
        if method == Method::Cash {
            let cash = self.cash.entry((who.into(), at.into())).or_default();
            if column == Column::Sale { cash.0 += amount } else { cash.1 += amount }
        }
        id.to_string()
    }

    fn sale(&mut self, who: &str, at: &str) {
        let amount = self.chance.basket();
        let method = match self.chance.below(10) {
            8.. if DRAWERS.contains(&(who, at)) => Method::Cash,
            0..4 => Method::Card,
            _ => Method::Qr,
        };
        let slot = if method == Method::Cash { Slot::Cash } else { Slot::Batch(terminal(at), batch(at)) };
        let id = self.take(who, at, Column::Sale, method, amount, Some(slot.clone()));
        let undone = match self.chance.below(60) {
            0 => (Column::Void, amount),
            1 => (Column::Refund, amount / 2),
            _ => return,
        };
        self.give_back(who, at, undone, method, slot, id);
    }

    fn give_back(&mut self, who: &str, at: &str, what: (Column, i64), method: Method, slot: Slot, original: String) {
        let (column, amount) = what;
        let payment = self.take(who, at, column, method, amount, Some(slot));
        self.returns.push(ReturnView {
            payment,
            column,
            method,
            cashier: cashier(who),
            device: terminal(at),
            amount: Minor(amount),
            original: Some(original),
            masked_pan: (method == Method::Card).then(|| MASKED[0].into()),
            approved_by: None,
        });
    }

    fn undecided(&mut self, who: &str, at: &str, state: State, method: Method, amount: i64, masked: &str) {
        let payment = if state == State::Stored {
            self.take(who, at, Column::Sale, method, amount, Some(Slot::Waiting))
        } else {
            self.next += 3;
            PaymentId(self.next - 3).to_string()
        };
        self.pending.push(PendingView {
            payment,
            state,
            kind: Kind::Sale,
            method,
            cashier: cashier(who),
            device: terminal(at),
            amount: Minor(amount),
            masked_pan: Some(masked.into()),
        });
    }
}

/// The day, cut and sealed, with a voucher or without.
pub fn day(with_voucher: bool) -> DayView {
    let mut store = Store {
        chance: Chance(20_260_314),
        next: 48_211,
        totals: DayTotals::default(),
        returns: Vec::new(),
        pending: Vec::new(),
        cash: BTreeMap::new(),
    };
    for (who, at, sales) in WORK {
        for _ in 0..sales {
            store.sale(who, at);
        }
    }
    store.undecided("1003", "POS3", State::Stored, Method::Card, 18_600, MASKED[0]);
    store.undecided("1003", "POS3", State::Stored, Method::Card, 8_000, MASKED[1]);
    store.undecided("2001", "POS1", State::Stored, Method::Card, 45_990, MASKED[2]);
    store.undecided("1002", "POS2", State::Unknown, Method::Qr, 5_250, "13********9012");
    let mut vouchers = Vec::new();
    if with_voucher {
        let (who, at, amount) = ("1002", "POS2", -12_680);
        store.take(who, at, Column::Voucher, Method::Card, amount, None);
        vouchers.push(VoucherView {
            payment: "P00047903".into(),
            business_date: date("2026-03-13"),
            amount: Minor(amount),
            why: "offline_rejected".into(),
            cashier: cashier(who),
            device: terminal(at),
            case: None,
            masked_pan: Some(MASKED[1].into()),
        });
    }
    view(&store, vouchers)
}

fn view(store: &Store, vouchers: Vec<VoucherView>) -> DayView {
    let totals = &store.totals;
    let net = totals.all.net().expect("fits");
    DayView {
        fees: Default::default(),
        coupons: Vec::new(),
        transfers: Vec::new(),
        set_aside: Minor::ZERO,
        store: "S001".into(),
        store_name: "望京店".into(),
        currency: Currency::CNY,
        business_date: date("2026-03-14"),
        z_number: 128,
        state: "cut".into(),
        by_cashier: totals
            .by_cashier
            .iter()
            .map(|(id, c)| group(id.as_str(), name(&CASHIERS.map(|(id, name)| (id, name)), id.as_str()), c))
            .collect(),
        by_device: totals
            .by_device
            .iter()
            .map(|(id, c)| group(id.as_str(), name(&DEVICES.map(|(id, tid, _)| (id, tid)), id.as_str()), c))
            .collect(),
        by_method: totals.by_method.iter().map(|(id, c)| group(id.as_str(), "", c)).collect(),
        by_channel: totals.by_channel.iter().map(|(id, c)| group(id, "", c)).collect(),
        matrix: totals.matrix.iter().map(|((who, at), c)| cell(who, at, c)).collect(),
        totals: totals.all,
        net,
        cross_foot: totals.gaps().is_empty(),
        bridge: bridge(totals),
        offline: OfflineView { stored: 9, forwarded: 5, rejected: 0, waiting: 3 },
        settlement: settlement(totals),
        pending: store.pending.clone(),
        reversed: Tally { count: 2, amount: Minor(31_870) },
        returns: store.returns.clone(),
        vouchers,
        shifts: shifts(store),
        exceptions: vec![ExceptionView {
            id: 7,
            kind: ExceptionKind::UnknownPayment,
            opened: date("2026-03-14"),
            payment: Some(store.pending.last().expect("one is unknown").payment.clone()),
            terminal: Some(terminal("POS2")),
            message: Sentence::new(
                "#7 POS2 交易结果未知：请与收单方核对后处理",
                "#7 POS2 A result is not known: check with the acquirer, then decide",
            ),
            state: "open".into(),
        }],
        cases: Default::default(),
        reversals: reversals(),
        unsettled: unsettled(),
        drawer_openings: vec![act("drawer_opened", Some("1001"), |act| act.device = Some(terminal("POS1")))],
        overrides: overrides(),
        reprints: reprints(),
        first_seq: 48_204,
        last_seq: store.next + 20,
        grand_total: Minor(1_234_567_890).checked_add(net).expect("fits"),
        check_code: Some("7A40-9C2E-4DB3-51F8".into()),
        journal: JournalView { rows: store.next + 22, head: "5f".repeat(32) },
    }
}

/// What the two reversed payments were.
fn reversals() -> Vec<ReversalView> {
    let reversal = |payment: &str, method, amount, card: &str| ReversalView {
        payment: payment.into(),
        kind: Kind::Sale,
        method,
        cashier: cashier("1002"),
        device: terminal("POS2"),
        amount: Minor(amount),
        masked_pan: Some(card.into()),
    };
    vec![
        reversal("P00048377", Method::Card, 19_870, MASKED[0]),
        reversal("P00048412", Method::Qr, 12_000, "28********7731"),
    ]
}

/// Yesterday's batch of POS3, and today's.
fn unsettled() -> Vec<UnsettledView> {
    let batch = |at: &str, batch: &str, since: &str, days, count, amount| UnsettledView {
        terminal: terminal(at),
        batch: batch.into(),
        rung: "open".into(),
        since: date(since),
        days,
        debit: Tally { count, amount: Minor(amount) },
        credit: Tally::default(),
    };
    vec![batch("POS3", "000030", "2026-03-13", 1, 12, 204_300), batch("POS1", "000017", "2026-03-14", 0, 58, 1_204_350)]
}

fn act(what: &str, by: Option<&str>, more: impl FnOnce(&mut ActView)) -> ActView {
    let mut act = ActView {
        seq: 48_390,
        at: "2026-03-14T10:11:12.000Z".into(),
        what: what.into(),
        by: by.map(cashier),
        cashier: None,
        device: None,
        payment: None,
        amount: None,
        about: None,
        times: None,
    };
    more(&mut act);
    act
}

fn overrides() -> Vec<ActView> {
    vec![
        act("approved", Some("2001"), |act| {
            act.payment = Some("P00048401".into());
            act.cashier = Some(cashier("1001"));
            act.device = Some(terminal("POS1"));
            act.amount = Some(Minor(88_800));
        }),
        act("shift_closed", Some("2001"), |act| {
            act.cashier = Some(cashier("1003"));
            act.amount = Some(Minor(-350));
        }),
        act("resolved", Some("2001"), |act| act.about = Some("#6 written_off".into())),
    ]
}

fn reprints() -> Vec<ActView> {
    vec![
        act("printed", None, |act| {
            act.about = Some(r#"{"what":"receipt","payment":"P00048377"}"#.into());
            act.times = Some(2);
        }),
        act("printed", Some("2001"), |act| {
            act.about = Some(r#"{"what":"day_report","date":"2026-03-13"}"#.into());
            act.times = Some(1);
        }),
    ]
}

fn name<'a>(names: &[(&str, &'a str)], id: &str) -> &'a str {
    names.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name)
}

pub fn group(id: &str, name: &str, c: &Columns) -> GroupView {
    GroupView {
        id: id.into(),
        name: name.into(),
        sale: c.sale,
        refund: c.refund,
        void: c.void,
        vouchers: c.vouchers,
        net: c.net().expect("fits"),
    }
}

pub fn cell(who: &CashierId, at: &TerminalId, c: &Columns) -> CellView {
    CellView {
        cashier: who.clone(),
        device: at.clone(),
        sale: c.sale,
        refund: c.refund,
        void: c.void,
        vouchers: c.vouchers,
        net: c.net().expect("fits"),
    }
}

pub fn bridge(totals: &DayTotals) -> Vec<BridgeLine> {
    let line = |line: String, columns: Columns| {
        let label = Sentence::new(line.clone(), line.clone());
        BridgeLine { line, label, columns, net: columns.net().expect("fits") }
    };
    let mut lines: Vec<_> = totals.slots.iter().map(|(slot, columns)| line(slot.as_text(), *columns)).collect();
    if totals.vouchers_line() != Columns::default() {
        lines.push(line("vouchers".into(), totals.vouchers_line()));
    }
    lines
}

fn settlement(totals: &DayTotals) -> Vec<SettlementView> {
    let batches = totals.slots.iter().filter_map(|(slot, part)| match slot {
        Slot::Batch(terminal, number) => Some((terminal, number, part)),
        _ => None,
    });
    let results = ["balanced", "balanced", "pending"].into_iter().zip(["ended", "ended", "open"]);
    batches
        .zip(results)
        .map(|((at, number, part), (result, rung))| SettlementView {
            terminal: at.clone(),
            batch: number.to_string(),
            result: result.into(),
            debit: part.sale,
            credit: Tally {
                count: part.refund.count + part.void.count,
                amount: part.refund.amount.checked_add(part.void.amount).expect("fits"),
            },
            rung: rung.into(),
            part: *part,
            differs: Vec::new(),
        })
        .collect()
}

/// As many large ones as there are, the rest in ever smaller ones.
fn notes(sum: i64) -> Vec<Denomination> {
    let mut left = sum;
    let mut notes = Vec::new();
    for value in [10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10, 1] {
        let count = left / value;
        left -= count * value;
        if count > 0 {
            notes.push(Denomination { value: Minor(value), count: u32::try_from(count).expect("a drawer's notes") });
        }
    }
    notes
}

/// 1001 has POS1's drawer and hands it to 2001; 1003 is short, 1002's shift goes on into the next day.
fn shifts(store: &Store) -> Vec<ShiftView> {
    let cash = |who: &str, at: &str| store.cash.get(&(who.into(), at.into())).copied().unwrap_or_default();
    let shift = |no: u32, who: &str, at: &str, float: i64, moved: (i64, i64), over: Option<i64>| {
        let (sales, refunds) = cash(who, at);
        let expected = Minor(float + sales - refunds + moved.0 - moved.1);
        let sums = DrawerSums {
            device: terminal(at),
            float: Minor(float),
            sales: Minor(sales),
            refunds: Minor(refunds),
            paid_in: Minor(moved.0),
            paid_out: Minor(moved.1),
            expected,
        };
        let counted = over.map(|over| Minor(expected.0 + over));
        let denominations = counted.map(|n| notes(n.0)).unwrap_or_default();
        let drawer = DrawerView { sums, counted, difference: over.map(Minor), denominations };
        ShiftView {
            shift: no,
            cashier: cashier(who),
            closed: over.is_some(),
            drawers: vec![drawer],
            forgotten: over.is_none(),
            opened_at: None,
            last_entry_at: None,
            closed_at: None,
            closed_by: over.filter(|over| *over < 0).map(|_| cashier("2001")),
            to_sign: over.is_some_and(|over| over.abs() > 300),
        }
    };
    let early = shift(311, "1001", "POS1", 50_000, (0, 0), Some(0));
    let float = early.drawers[0].counted.map_or(0, |counted| counted.0);
    vec![
        early,
        shift(314, "2001", "POS1", float, (0, 150_000), Some(200)),
        shift(313, "1003", "POS3", 50_000, (20_000, 0), Some(-350)),
        shift(312, "1002", "POS2", 50_000, (0, 0), None),
    ]
}
