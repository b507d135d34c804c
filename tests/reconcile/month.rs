//! A generated month of payments in four formats, with planted differences of every kind: all found, none invented, each laid to the right cashier.
//!
//! `TILLD_MONTH` says how many payments (100000 is the measure; the usual run is smaller), `TILLD_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use tilld::core::domain::{BusinessDate, PaymentId, State};
use tilld::core::reconcile::{Book, Decoder, Format, Line, Matcher, Ours, Outcome, Period, Reason, Row, RowKind};

use crate::files::{format, zm};

/// SplitMix64: seeded, so that a failure can be played again.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// A payment as the generator knows it.
#[derive(Debug, Clone)]
struct Made {
    id: u64,
    order: String,
    cashier: String,
    device: usize,
    shift: u32,
    kind: RowKind,
    amount: i64,
    state: State,
    day: BusinessDate,
    settles: BusinessDate,
    batch: u32,
    stan: u32,
    rrn: String,
}

/// A row that the other side writes.
#[derive(Debug, Clone)]
struct Theirs {
    made: Made,
    day: BusinessDate,
    state: &'static str,
    fee: i64,
}

/// 0.38 %, rounded down.
fn fee(made: &Made) -> i64 {
    made.amount * 380 / 100_000
}

fn first_day() -> BusinessDate {
    BusinessDate::parse("2026-10-01").unwrap()
}

fn month(dice: &mut Dice, n: u64) -> Vec<Made> {
    let mut stans = [0u32; 4];
    (0..n)
        .map(|i| {
            let device = dice.roll(4) as usize;
            stans[device] += 1;
            let day = first_day().0.checked_add_days(Days::new(i * 30 / n)).unwrap();
            Made {
                id: i + 1,
                order: format!("order-{i}"),
                cashier: format!("10{:02}", dice.roll(12)),
                device,
                shift: (i * 90 / n) as u32 + 1,
                kind: [RowKind::Sale, RowKind::Sale, RowKind::Sale, RowKind::Refund, RowKind::Void]
                    [dice.roll(5) as usize],
                amount: dice.roll(100_000) as i64 + 1,
                state: State::Approved,
                day: BusinessDate(day),
                settles: BusinessDate(day),
                batch: stans[device] / 900 + 1,
                stan: stans[device],
                rrn: format!("{:012}", 260_000_000_000 + i),
            }
        })
        .collect()
}

fn tid(device: usize) -> String {
    format!("1000000{}", device + 1)
}

/// What was planted: line key (order id) → reason, and the cashier who answers for it.
type Planted = BTreeMap<String, (Reason, String)>;

/// Plants up to `n` differences of the kinds that a format can show, and gives the other side's rows.
fn plant(dice: &mut Dice, made: &mut [Made], n: u64, full: bool) -> (Vec<Theirs>, Planted) {
    use Reason::*;
    let kinds: &[Reason] = if full {
        &[
            Absent,
            Duplicate,
            WasUnknown,
            WasDeclined,
            WasReversed,
            NotThrough,
            Missing,
            TheirsReversed,
            TheirsDeclined,
            Amount,
            Kind,
            Date,
            OtherDay,
            Later,
            UnknownSilent,
            Fee,
        ]
    } else {
        &[Duplicate, WasUnknown, WasDeclined, WasReversed, NotThrough, Missing, Amount, Kind, UnknownSilent, Fee]
    };
    let mut at: BTreeMap<usize, Reason> = BTreeMap::new();
    for i in 0..n {
        let kind = kinds[i as usize % kinds.len()];
        // Not the first of a terminal: somebody must have stood there before.
        let place = loop {
            // A day that is far off must be within the month, a neighbouring one too; only the last day settles behind the statement.
            let all = made.len();
            let (from, to) = match kind {
                Date => (50, all * 20 / 30),
                OtherDay => (50, all * 29 / 30),
                Later => (all * 29 / 30 + 1, all),
                _ => (50, all),
            };
            let place = from + dice.roll((to - from) as u64) as usize;
            let neighbours = (place - 40)..(place + 40);
            let free =
                if kind == Absent { !at.keys().any(|k| neighbours.contains(k)) } else { !at.contains_key(&place) };
            if free {
                break place;
            }
        };
        at.insert(place, kind);
    }
    let (mut rows, mut planted) = (Vec::new(), Planted::new());
    for i in 0..made.len() {
        let mut theirs = Theirs { made: made[i].clone(), day: made[i].day, state: "approved", fee: fee(&made[i]) };
        let plus = |d: BusinessDate, n| BusinessDate(d.0.checked_add_days(Days::new(n)).unwrap());
        let Some(reason) = at.get(&i).copied() else {
            rows.push(theirs);
            continue;
        };
        let mut who = made[i].cashier.clone();
        match reason {
            Absent => {
                // Ours lost it altogether: it is laid to the payment before it on that terminal and batch, or the one after it.
                let here = |m: &&Made| m.device == made[i].device && m.batch == made[i].batch;
                let before = made[..i].iter().rev().find(here).or_else(|| made[i + 1..].iter().find(here));
                who = before.map_or_else(String::new, |m| m.cashier.clone());
                made[i].id = 0;
            }
            Duplicate => rows.push(theirs.clone()),
            WasUnknown | UnknownSilent => made[i].state = State::Unknown,
            WasDeclined => made[i].state = State::Declined,
            WasReversed => made[i].state = State::Reversed,
            NotThrough => made[i].state = State::Rejected,
            TheirsReversed => theirs.state = "reversed",
            TheirsDeclined => theirs.state = "declined",
            Amount => theirs.made.amount += 1,
            Kind => theirs.made.kind = if theirs.made.kind == RowKind::Sale { RowKind::Refund } else { RowKind::Sale },
            Date => theirs.day = plus(made[i].day, 9),
            OtherDay => theirs.day = plus(made[i].day, 1),
            Later => made[i].settles = plus(made[i].day, 1),
            Fee => theirs.fee += 1,
            Missing | Edge | Accepted | Overdue => {}
        }
        planted.insert(made[i].order.clone(), (reason, who));
        if !matches!(reason, Missing | UnknownSilent | Later) {
            rows.push(theirs);
        }
    }
    (rows, planted)
}

/// Writes the statement as its publisher would.
fn write(name: &str, rows: &[Theirs]) -> Vec<u8> {
    let yuan = |n: i64| format!("{}.{:02}", n / 100, n % 100);
    let mut text = String::new();
    match name {
        "tilld-acquirer" => {
            text.push_str("terminal,batch,stan,rrn,kind,amount,status,settle_date,fee\n");
            for r in rows {
                let m = &r.made;
                text.push_str(&format!(
                    "{},{:06},{:06},{},{},{},{},{},{}\n",
                    tid(m.device),
                    m.batch,
                    m.stan,
                    m.rrn,
                    m.kind.as_str(),
                    m.amount,
                    r.state,
                    r.day.0.format("%m%d"),
                    r.fee
                ));
            }
        }
        "wechat-pay" => {
            text.push_str("交易时间,商户订单号,交易状态,商户退款单号,退款状态,订单金额,申请退款金额,手续费\r\n");
            for r in rows {
                let m = &r.made;
                // Five places behind the point, and a minus where it is given back.
                let (day, kept) = (r.day, format!("{}000", yuan(r.fee)));
                let back = format!("-{kept}");
                match m.kind {
                    RowKind::Sale => write_to(
                        &mut text,
                        &[&format!("{day} 10:00:00"), &m.order, "SUCCESS", "0", "", &yuan(m.amount), "0.00", &kept],
                    ),
                    RowKind::Refund => write_to(
                        &mut text,
                        &[
                            &format!("{day} 10:00:00"),
                            "of",
                            "REFUND",
                            &m.order,
                            "SUCCESS",
                            "0.00",
                            &yuan(m.amount),
                            &back,
                        ],
                    ),
                    RowKind::Void => write_to(
                        &mut text,
                        &[
                            &format!("{day} 10:00:00"),
                            "of",
                            "REVOKED",
                            &m.order,
                            "SUCCESS",
                            "0.00",
                            &yuan(m.amount),
                            &back,
                        ],
                    ),
                };
            }
            text.push_str("总交易单数,应结订单总金额\r\n`1,`1.00\r\n");
        }
        "alipay" => {
            text.push_str(
                "#支付宝业务明细查询\r\n商户订单号,业务类型,完成时间,订单金额（元）,退款批次号/请求号,服务费（元）\r\n",
            );
            for r in rows {
                let m = &r.made;
                text.push_str(&match m.kind {
                    RowKind::Sale => {
                        format!("{}\t,交易\t,{} 10:00:00,{},\t,-{}\r\n", m.order, r.day, yuan(m.amount), yuan(r.fee))
                    }
                    _ => {
                        format!("of\t,退款\t,{} 10:00:00,-{},{}\t,{}\r\n", r.day, yuan(m.amount), m.order, yuan(r.fee))
                    }
                });
            }
            text.push_str("#交易合计\r\n");
            return encoding_rs::GBK.encode(&text).0.into_owned();
        }
        _ => {
            let mut out = Vec::new();
            for r in rows {
                let m = &r.made;
                let (amount, stan, made) =
                    (format!("{:012}", m.amount), format!("{:06}", m.stan), r.day.0.format("%m%d101500").to_string());
                let kind = match m.kind {
                    RowKind::Sale => "01",
                    RowKind::Void => "31",
                    RowKind::Refund => "04",
                };
                out.extend(zm(&[
                    (3, &stan),
                    (4, &made),
                    (6, &amount),
                    (11, &m.order),
                    (15, &format!("C{:012}", r.fee)),
                    (19, kind),
                    (33, &tid(m.device)),
                ]));
                out.push(b'\n');
            }
            return out;
        }
    }
    text.into_bytes()
}

fn write_to(text: &mut String, values: &[&str]) {
    text.push_str(&values.iter().map(|v| format!("`{v}")).collect::<Vec<_>>().join(","));
    text.push_str("\r\n");
}

fn judge(format: &Format, made: &[Made], bytes: &[u8], today: BusinessDate) -> (Outcome, Vec<u64>) {
    let tids: Vec<String> = (0..4).map(tid).collect();
    let devices = ["POS1", "POS2", "POS3", "POS4"];
    let mut book = Book::new(made.len(), format.has_orders());
    for m in made.iter().filter(|m| m.id > 0) {
        book.add(&Ours {
            id: PaymentId(m.id),
            order: &m.order,
            cashier: &m.cashier,
            device: devices[m.device],
            tid: &tids[m.device],
            shift: m.shift,
            kind: m.kind,
            amount: m.amount,
            state: m.state,
            day: m.day,
            settles: Some(m.settles),
            batch: Some(m.batch),
            stan: Some(m.stan),
            rrn: &m.rrn,
            fee: Some(fee(m)),
            coupons: 0,
            booked: &[],
        });
    }
    book.seal();
    let days: BTreeSet<_> = first_day().0.iter_days().take(30).map(BusinessDate).collect();
    let none = BTreeSet::new;
    let mut matcher = Matcher::new(&mut book, Period { days, elsewhere: none(), today, wait_days: 3 });
    let (mut decoder, mut row, mut spoiled) = (Decoder::new(format, today), Row::default(), Vec::new());
    for (line, n) in bytes.split(|b| *b == b'\n').zip(1..) {
        match decoder.line(line, &mut row) {
            Line::Row => matcher.row(&row, None),
            Line::Spoiled(_) => spoiled.push(n),
            Line::Other => {}
        }
    }
    (matcher.finish(), spoiled)
}

#[test]
fn a_month_in_four_formats_every_planted_difference_is_found_and_none_is_invented() {
    let read = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let size = read("TILLD_MONTH").unwrap_or(8_000);
    let seed = read("TILLD_SEED").unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
    });
    eprintln!("TILLD_SEED={seed} TILLD_MONTH={size}");
    let mut dice = Dice(seed);
    let today = BusinessDate::parse("2026-11-01").unwrap();
    let (mut all, mut matched) = (0, 0);
    for name in ["tilld-acquirer", "wechat-pay", "alipay", "unionpay-zm"] {
        let mut made = month(&mut dice, size / 4);
        if name == "alipay" {
            made.iter_mut().filter(|m| m.kind == RowKind::Void).for_each(|m| m.kind = RowKind::Refund);
        }
        let full = name == "tilld-acquirer";
        let (rows, planted) = plant(&mut dice, &mut made, (size / 400).max(30), full);
        let mut bytes = write(name, &rows);
        bytes.extend_from_slice(if full { b"10000001,zz\n" } else { b"" });
        let (outcome, spoiled) = judge(&format(name), &made, &bytes, today);
        assert_eq!(spoiled.len(), usize::from(full), "{name} {spoiled:?}");
        let orders: BTreeMap<PaymentId, &str> = made.iter().map(|m| (PaymentId(m.id), m.order.as_str())).collect();
        let by_stan: BTreeMap<(String, String), &str> =
            made.iter().map(|m| ((tid(m.device), format!("{:06}", m.stan)), m.order.as_str())).collect();
        let mut found = Planted::new();
        for d in [&outcome.long, &outcome.short, &outcome.differs, &outcome.timing].into_iter().flatten() {
            let order = match &d.payment {
                Some(id) => orders[id],
                None => by_stan[&(d.terminal.clone().unwrap(), d.stan.clone().unwrap())],
            };
            let twice = found.insert(order.to_owned(), (d.reason, d.cashier.clone().unwrap_or_default()));
            assert_eq!(twice, None, "{name}: {order} is judged twice");
            assert!(!d.action.zh.is_empty() && !d.action.en.is_empty());
            assert!(d.device.is_some() && d.shift.is_some(), "{d:?}");
        }
        assert_eq!(found, planted, "{name}, seed {seed}");
        assert!(outcome.sums.foots);
        if full {
            // Ten days later the wait is over, and of what was judged nothing else has changed.
            let (late, _) = judge(&format(name), &made, &bytes, BusinessDate::parse("2026-11-11").unwrap());
            let later = planted.values().filter(|(reason, _)| *reason == Reason::Later).count() as u64;
            let overdue = late.short.iter().filter(|d| d.reason == Reason::Overdue).count() as u64;
            let [long, short, differs, timing] = outcome.counts;
            assert!(later > 0 && overdue == later);
            assert_eq!(late.counts, [long, short + later, differs, timing - later]);
        }
        all += planted.len();
        matched += outcome.matched_count;
        let kinds: BTreeSet<_> = planted.values().map(|(reason, _)| *reason).collect();
        eprintln!(
            "{name}: matched {}, planted {} of {} kinds, all found",
            outcome.matched_count,
            planted.len(),
            kinds.len()
        );
    }
    assert_eq!(all as u64, 4 * (size / 400).max(30), "each was planted");
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        let figures = serde_json::json!({"payments": size, "planted": all, "found": all, "invented": 0, "matched": matched, "seed": seed});
        std::fs::write(path, figures.to_string()).unwrap();
    }
}
