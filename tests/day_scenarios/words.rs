//! A store's story: a line an event, and after `=>` what is expected at its end. `#` begins a remark.
//!
//! | line | what happens, what it says |
//! |---|---|
//! | `1001 POS1 sells a card 12.00 [stripe\|chip\|inserted\|keyed\|expired\|foreign\|code\|pin] [by M1]` | the payment's state, or the refusal's code |
//! | `1001 POS1 begins a card 12.00` | the same without waiting |
//! | `1001 POS1 voids a as v [12.00] [card]`, `1001 POS1 refunds a as r 5.00 [unconfirmed]` | state or code |
//! | `a state`, `a batch`, `a day`, `a code`, `a voided`, `a refunded`, `a card` … | that of the payment |
//! | `POS1 next lose-answer`, `POS1 always …`, `POS1 goes down`, `POS1 comes up`, `all go down` | – |
//! | `wait 60s` (`ms`, `s`, `m`, `h`), `clock jumps -30h`, `bank shows 0307 090000` (F13 and F12 of its answers) | – |
//! | `cut`, `M1 cuts` | the day that was cut |
//! | `day 2026-03-07` | its columns and net |
//! | `bridge 2026-03-07`, `settled 2026-03-07`, `pending 2026-03-07` | line by line |
//! | `POS1 heard` | what the bank heard of it since it was last asked |

use std::collections::BTreeMap;

use tilld::core::domain::{
    BatchNo, BusinessDate, ExceptionNo, Kind, Method, Minor, PinBlock, Reject, RequestId, TerminalId,
};
use tilld::core::journal::{ExceptionKind, Original, Resolution, Tally};
use tilld::core::ledger::{Rules, settlement_view};
use tilld::core::ports::{Command, DayView, Pay, Presented, Reply, Store, Ticket};

use crate::bank::Fault;
use crate::shop::{Shop, cashier, instrument, rules, terminal};

/// Plays a story in a store of the usual rules.
pub fn play(story: &str) -> Shop {
    play_with(rules(), story)
}

/// Plays a story in a store of these rules.
pub fn play_with(rules: Rules, story: &str) -> Shop {
    let mut told = Told::new(rules);
    told.tell(story);
    told.shop
}

/// Plays a story in a store on disk.
pub fn play_on_disk(story: &str) -> Shop {
    let mut told = Told { shop: Shop::on_disk(rules()), heard: BTreeMap::new(), seen: 0 };
    told.tell(story);
    told.shop
}

/// A store and how far its story is told.
pub struct Told {
    pub shop: Shop,
    heard: BTreeMap<TerminalId, usize>,
    seen: usize,
}

impl Told {
    pub fn new(rules: Rules) -> Told {
        let mut shop = Shop::new(rules);
        // Long enough for every terminal to sign on.
        shop.pass(1_000);
        Told { shop, heard: BTreeMap::new(), seen: 0 }
    }

    /// Goes on in a store that has a history.
    pub fn with(shop: Shop) -> Told {
        Told { shop, heard: BTreeMap::new(), seen: 0 }
    }

    pub fn tell(&mut self, story: &str) {
        for (number, line) in story.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let (said, expected) = match line.split_once("=>") {
                Some((said, expected)) => (said.trim(), Some(expected.trim())),
                None => (line, None),
            };
            let words: Vec<&str> = said.split_whitespace().collect();
            let got = self.line(&words);
            if let Some(expected) = expected {
                assert_eq!(got, expected, "line {} of the story: {line}", number + 1);
            }
            if self.shop.writer.is_some() {
                self.shop.check();
            }
        }
    }

    #[allow(clippy::too_many_lines)]
    fn line(&mut self, words: &[&str]) -> String {
        let shop = &mut self.shop;
        if let Some(told) = crate::asks::asked(shop, words) {
            return told;
        }
        match words {
            ["wait", time] => {
                shop.pass(duration(time));
                String::new()
            }
            ["crash"] => {
                shop.crash();
                String::new()
            }
            ["start"] => {
                shop.open_again();
                String::new()
            }
            ["clock", "jumps", time] => {
                let (sign, time) = time.strip_prefix('-').map_or((1, *time), |t| (-1, t));
                shop.jump(sign * i64::try_from(duration(time)).unwrap());
                String::new()
            }
            ["all", "go", "down"] => self.lines(false),
            ["all", "come", "up"] => self.lines(true),
            [device, "goes", "down"] => {
                shop.line(&terminal(device), false);
                String::new()
            }
            [device, "comes", "up"] => {
                shop.line(&terminal(device), true);
                String::new()
            }
            [device, "next", fault] => {
                shop.bank.next(&terminal(device), parse_fault(fault));
                String::new()
            }
            [device, "always", "well"] => {
                shop.bank.always(&terminal(device), None);
                String::new()
            }
            [device, "always", fault] => {
                shop.bank.always(&terminal(device), Some(parse_fault(fault)));
                String::new()
            }
            [device, "is", "told", "batch", "its-own"] => {
                shop.bank.says_batch.remove(&terminal(device));
                String::new()
            }
            [device, "is", "told", "batch", number] => {
                shop.bank.says_batch.insert(terminal(device), BatchNo(number.parse().unwrap()));
                String::new()
            }
            ["bank", "shows", date, time] => {
                shop.bank.clock = Some(((*time).into(), (*date).into()));
                String::new()
            }
            ["bank", "forgets", name] => {
                let p = payment(shop, name);
                let books = &mut shop.bank.account_mut(&p.device).books;
                books.retain(|e| Some((e.batch, e.stan)) != p.batch.zip(p.stan));
                // From here on comparing payment by payment would find it at once.
                shop.bank_may_differ = true;
                String::new()
            }
            [device, "heard"] => {
                let id = terminal(device);
                let all = &shop.bank.account(&id).heard;
                let before = self.heard.insert(id, all.len()).unwrap_or(0);
                all[before..].iter().map(|h| h.split(' ').next().unwrap()).collect::<Vec<_>>().join(" ")
            }
            [device, "heard", "exactly"] => {
                let id = terminal(device);
                let all = &shop.bank.account(&id).heard;
                let before = self.heard.insert(id, all.len()).unwrap_or(0);
                all[before..].join(", ")
            }
            [device, "batch", number] if device.starts_with("POS") => {
                let id = terminal(device);
                let batch = shop.ledger().batch(&id, BatchNo(number.parse().unwrap()));
                batch.map_or("none".into(), |b| {
                    let view = settlement_view(&id, b, Default::default());
                    format!("{} {} debit {} credit {}", view.rung, view.result, tally(view.debit), tally(view.credit))
                })
            }
            [device, "settles"] if device.starts_with("POS") => said(shop.ask(Command::Settle(terminal(device)))),
            [by, "decides", exception, "batch", number] => said(shop.ask(Command::DecideBatch {
                exception: ExceptionNo(exception.parse().unwrap()),
                batch: BatchNo(number.parse().unwrap()),
                by: cashier(by),
            })),
            ["cut"] => said(shop.ask(Command::CutDay { by: None })),
            [by, "cuts"] => said(shop.ask(Command::CutDay { by: Some(cashier(by)) })),
            ["open-day"] => shop.ledger().open.to_string(),
            ["day", date] => {
                let view = day(shop, date);
                let sum = |t: Tally| tally(t);
                let t = view.totals;
                format!(
                    "{} sale {} refund {} void {} vouchers {} net {}",
                    view.state,
                    sum(t.sale),
                    sum(t.refund),
                    sum(t.void),
                    sum(t.vouchers),
                    view.net.grouped(2)
                )
            }
            ["bridge", date] => {
                let lines = day(shop, date).bridge;
                lines.iter().map(|l| format!("{} {}", l.line, l.net.grouped(2))).collect::<Vec<_>>().join(", ")
            }
            ["settled", date] => {
                let lines = day(shop, date).settlement;
                let text = lines.iter().map(|s| format!("{} {} {}", s.terminal, s.batch, s.result));
                text.collect::<Vec<_>>().join(", ")
            }
            ["offline", date] => {
                let o = day(shop, date).offline;
                format!("stored {} forwarded {} rejected {} waiting {}", o.stored, o.forwarded, o.rejected, o.waiting)
            }
            ["pending", date] => {
                let lines = day(shop, date).pending;
                lines.iter().map(|p| format!("{} {}", p.state, p.amount.grouped(2))).collect::<Vec<_>>().join(", ")
            }
            ["vouchers", date] => {
                let lines = day(shop, date).vouchers;
                let text = lines.iter().map(|v| format!("{} {} {}", v.why, v.amount.grouped(2), v.cashier));
                text.collect::<Vec<_>>().join(", ")
            }
            ["reversed", date] => tally(day(shop, date).reversed),
            ["waiting"] => {
                let (count, sum) = shop.ledger().waiting();
                format!("{count}/{}", sum.grouped(2))
            }
            ["exceptions"] => {
                let text = shop.ledger().exceptions.iter().map(|(no, e)| format!("{} {}", no.0, kind_word(e.kind)));
                text.collect::<Vec<_>>().join(", ")
            }
            [by, "resolves", number, how] => said(shop.ask(Command::Resolve {
                exception: ExceptionNo(number.parse().unwrap()),
                by: cashier(by),
                how: parse_resolution(how),
                note: "as they said".into(),
            })),
            [who, "opens", "shift"] => {
                said(shop.ask(Command::OpenShift { cashier: cashier(who), device: None, float: Minor::ZERO }))
            }
            [who, "opens", "shift", device, float] => said(shop.ask(Command::OpenShift {
                cashier: cashier(who),
                device: Some(terminal(device)),
                float: minor(float),
            })),
            [who, device, "pays-in", amount] => said(shop.ask(Command::MoveCash {
                cashier: cashier(who),
                device: terminal(device),
                amount: minor(amount),
                reason: "change".into(),
            })),
            [who, device, "pays-out", amount] => said(shop.ask(Command::MoveCash {
                cashier: cashier(who),
                device: terminal(device),
                amount: Minor(-minor(amount).0),
                reason: "milk".into(),
            })),
            [who, device, "counts", amount] => said(shop.ask(Command::Count {
                cashier: cashier(who),
                device: terminal(device),
                counted: minor(amount),
                notes: Vec::new(),
                by: cashier(who),
            })),
            [who, device, "counts", amount, "in", notes @ ..] => said(shop.ask(Command::Count {
                cashier: cashier(who),
                device: terminal(device),
                counted: minor(amount),
                notes: denominations(notes),
                by: cashier(who),
            })),
            [by, "counts", device, "of", who, amount] => said(shop.ask(Command::Count {
                cashier: cashier(who),
                device: terminal(device),
                counted: minor(amount),
                notes: Vec::new(),
                by: cashier(by),
            })),
            [who, "takes-over", device, amount, notes @ ..] => said(shop.ask(Command::HandOver {
                to: cashier(who),
                device: terminal(device),
                counted: minor(amount),
                notes: denominations(notes.strip_prefix(&["in"]).unwrap_or_default()),
            })),
            [who, device, "pays-in", amount, "for", characters, "characters"] => said(shop.ask(Command::MoveCash {
                cashier: cashier(who),
                device: terminal(device),
                amount: minor(amount),
                reason: "零".repeat(characters.parse().unwrap()),
            })),
            ["hire", who, role, name @ ..] => {
                let role = tilld::core::domain::Role::parse(role).unwrap();
                let name = match name {
                    [] => format!("name of {who}"),
                    ["of", characters, "characters"] => "王".repeat(characters.parse().unwrap()),
                    ["seen", "as", "nothing"] => "\u{200B}\u{FEFF}".to_owned(),
                    ["turned", "around"] => "王\u{202E}芳".to_owned(),
                    other => other.join(" "),
                };
                let pin_hash = b"hash".to_vec();
                let (lang, by) = (None, Some(cashier("M1")));
                said(shop.ask(Command::AddCashier { cashier: cashier(who), name, role, pin_hash, lang, by }))
            }
            [by, "opens", "drawer", device] => {
                said(shop.ask(Command::OpenDrawer { device: terminal(device), by: cashier(by) }))
            }
            [by, "reprints", name] => {
                let what = tilld::core::ports::PrintWhat::Receipt { payment: payment(shop, name).id };
                let by = (*by != "nobody").then(|| cashier(by));
                said(shop.ask(Command::Reprint { what, by }))
            }
            [who, "is", "set", change] => {
                let (mut role, mut active, mut lang) = (None, None, None);
                match *change {
                    "gone" => active = Some(false),
                    "back" => active = Some(true),
                    "english" => lang = Some(tilld::core::domain::Lang::En),
                    word => role = tilld::core::domain::Role::parse(word),
                }
                let (name, pin_hash, by) = (None, None, Some(cashier("M1")));
                said(shop.ask(Command::ChangeCashier { cashier: cashier(who), name, role, lang, active, pin_hash, by }))
            }
            [who, "closes", "shift"] => said(shop.ask(Command::CloseShift { cashier: cashier(who), by: cashier(who) })),
            [by, "closes", "shift", "of", who] => {
                said(shop.ask(Command::CloseShift { cashier: cashier(who), by: cashier(by) }))
            }
            ["drawers", date] => {
                let view = day(shop, date);
                let mut text = Vec::new();
                for shift in &view.shifts {
                    for d in &shift.drawers {
                        let over = d.difference.map_or("not counted".into(), |m| m.grouped(2));
                        text.push(format!("{} {} {} {over}", shift.cashier, d.sums.device, d.sums.expected.grouped(2)));
                    }
                }
                text.join(", ")
            }
            ["cancel", name] => {
                let id = payment(shop, name).id;
                said(shop.ask(Command::Cancel(id)))
            }
            ["commit", "fails"] => {
                shop.trouble.commits.store(0, std::sync::atomic::Ordering::Relaxed);
                String::new()
            }
            ["row", number, "fails"] => {
                let n = number.parse().unwrap();
                shop.trouble.appends.store(n, std::sync::atomic::Ordering::Relaxed);
                String::new()
            }
            ["failures"] => {
                let new = shop.failures.len() - self.seen;
                self.seen = shop.failures.len();
                new.to_string()
            }
            ["rows"] => shop.ledger().head.to_string(),
            ["in-memory"] => shop.ledger().payments.len().to_string(),
            ["answer", name] => {
                let ticket = shop.names[*name];
                said(shop.wait_for(ticket))
            }
            [who, device, verb @ ("sells" | "begins"), name, method, amount, flags @ ..] => {
                let mut pay = pay(shop, who, device, Kind::Sale, method, amount, name);
                if matches!(pay.method, Method::Card | Method::Qr) {
                    let card = if pay.method == Method::Qr { "code" } else { "stripe" };
                    let approver = flags.iter().position(|f| *f == "by").map(|at| at + 1);
                    let named = |(at, f): &(usize, &&str)| !matches!(**f, "pin" | "by") && Some(*at) != approver;
                    let card = flags.iter().enumerate().find(|f| named(f)).map_or(&card, |(_, f)| f);
                    let (instrument, entry) = instrument(card);
                    let pin_block = flags.contains(&"pin").then(|| PinBlock::new("0123456789ABCDEF".into()));
                    pay.presented = Some(Presented { instrument, entry, pin_block });
                }
                pay.approved_by = approver(flags);
                run(shop, name, pay, *verb == "sells")
            }
            [who, device, verb @ ("voids" | "starts-void"), original, "as", name, rest @ ..] => {
                let p = payment(shop, original);
                let amount = rest.iter().find_map(|w| money(w)).unwrap_or(p.amount);
                let method = rest.iter().find_map(|w| Method::parse(w)).unwrap_or(p.method);
                let mut pay = pay(shop, who, device, Kind::Void, method.as_str(), "0.00", name);
                (pay.amount, pay.original) = (amount, Some(Original::Payment(p.id)));
                run(shop, name, pay, *verb == "voids")
            }
            [who, device, verb @ ("refunds" | "starts-refund"), original, "as", name, amount, rest @ ..] => {
                let foreign = original.split_once(':');
                let (method, original) = match foreign {
                    Some((rrn, amount)) => {
                        let date = BusinessDate::parse("2026-02-01").unwrap();
                        let rrn = rrn.to_owned();
                        (Method::Card, Original::Foreign { rrn, date, amount: minor(amount) })
                    }
                    None => {
                        let p = payment(shop, original);
                        (p.method, Original::Payment(p.id))
                    }
                };
                let method = rest.iter().find_map(|w| Method::parse(w)).unwrap_or(method);
                let mut pay = pay(shop, who, device, Kind::Refund, method.as_str(), amount, name);
                pay.original = Some(original);
                pay.confirm_amount = (!rest.contains(&"unconfirmed")).then_some(pay.amount);
                pay.approved_by = approver(rest);
                if rest.contains(&"stripe") {
                    let (instrument, entry) = instrument("stripe");
                    pay.presented = Some(Presented { instrument, entry, pin_block: None });
                }
                run(shop, name, pay, *verb == "refunds")
            }
            [name, "card", "is", "spoilt"] => {
                let id = payment(shop, name).id;
                let store = shop.writer.as_mut().unwrap().store_mut();
                store.begin().unwrap();
                store.put_card(id, b"not what was sealed").unwrap();
                store.commit().unwrap();
                String::new()
            }
            [name, "state"] => payment(shop, name).state.to_string(),
            [name, "batch"] => payment(shop, name).batch.map_or("none".into(), |b| b.to_string()),
            [name, "stan"] => payment(shop, name).stan.map_or("none".into(), |b| b.to_string()),
            [name, "code"] => payment(shop, name).code.unwrap_or("none".into()),
            [name, "day"] => payment(shop, name).date.to_string(),
            [name, "sends"] => payment(shop, name).sends.to_string(),
            [name, "voided"] => payment(shop, name).voided_by.map_or("no", |_| "yes").into(),
            [name, "busy"] => payment(shop, name).busy_with.map_or("no", |_| "yes").into(),
            [name, "refunded"] => payment(shop, name).refunded().grouped(2),
            [name, "card"] => if shop.has_card(payment(shop, name).id) { "kept" } else { "erased" }.into(),
            [name, "reversal"] => payment(shop, name)
                .reversal
                .map_or("none".into(), |r| format!("{:?} {:?} {}", r.stage, r.reason, r.tries)),
            other => panic!("the story says {other:?}, which means nothing"),
        }
    }

    fn lines(&mut self, up: bool) -> String {
        let all: Vec<TerminalId> = self.shop.rules.terminals.keys().cloned().collect();
        for id in all {
            self.shop.line(&id, up);
        }
        String::new()
    }
}

fn run(shop: &mut Shop, name: &str, pay: Pay, wait: bool) -> String {
    let request = pay.request.clone();
    let ticket = shop.ticket();
    shop.names.insert(name.to_owned(), ticket);
    shop.steps(vec![(Ticket(ticket), Command::Pay(Box::new(pay)))]);
    if wait {
        return said(shop.wait_for(ticket));
    }
    match &shop.answers[&ticket] {
        Some(answer) => said(answer.clone()),
        None => shop.payment_of(request.as_str()).unwrap().state.to_string(),
    }
}

pub fn pay(_: &Shop, who: &str, device: &str, kind: Kind, method: &str, amount: &str, name: &str) -> Pay {
    Pay {
        request: RequestId::new(name).unwrap(),
        kind,
        method: Method::parse(method).unwrap_or_else(|| panic!("no method {method}")),
        device: terminal(device),
        cashier: cashier(who),
        amount: minor(amount),
        currency: tilld::core::domain::Currency::CNY,
        original: None,
        presented: None,
        approved_by: None,
        confirm_amount: None,
        extra: Default::default(),
    }
}

/// An answer in a word.
pub fn said(answer: Result<Reply, Reject>) -> String {
    match answer {
        Ok(Reply::Statement(noted)) => format!("statement {}", noted.id),
        Ok(Reply::Case(case)) => format!("case {} {}", case.no, case.state.as_str()),
        Ok(Reply::Done) => "done".into(),
        Ok(Reply::Payment(p)) => p.state.to_string(),
        Ok(Reply::Shift(no)) => format!("shift {}", no.0),
        Ok(Reply::Cut { date, z }) => format!("{date} Z{}", z.0),
        Err(reject) => reject.refusal.code().into(),
    }
}

fn payment(shop: &Shop, name: &str) -> tilld::core::payment::Payment {
    shop.payment_of(name).unwrap_or_else(|| panic!("there is no payment {name}"))
}

/// A day as the API would show it: live, or as it was archived.
pub fn day(shop: &Shop, date: &str) -> DayView {
    let date = BusinessDate::parse(date).unwrap();
    match shop.ledger().day_view(date, &shop.rules, shop.writer().store(), shop.now.wall).unwrap() {
        Some(view) => {
            assert!(view.cross_foot, "{date} does not foot");
            view
        }
        None => {
            let row = shop.reader().day(date).unwrap().unwrap_or_else(|| panic!("no day {date}"));
            serde_json::from_slice(&row.tail).unwrap()
        }
    }
}

fn tally(t: Tally) -> String {
    format!("{}/{}", t.count, t.amount.grouped(2))
}

fn money(text: &str) -> Option<Minor> {
    let (whole, cents) = text.split_once('.')?;
    Some(Minor(whole.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()?))
}

pub fn minor(text: &str) -> Minor {
    money(text).unwrap_or_else(|| panic!("no amount: {text}"))
}

fn duration(text: &str) -> u64 {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap();
    let n: u64 = text[..split].parse().unwrap();
    n * match &text[split..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        other => panic!("no unit {other}"),
    }
}

fn parse_fault(text: &str) -> Fault {
    match text {
        "lose-answer" => Fault::LoseAnswer,
        "lose-request" => Fault::LoseRequest,
        "bad-mac" => Fault::BadMac,
        "no-line" => Fault::NoLine,
        "not-built" => Fault::NotBuilt,
        other => {
            if let Some(code) = other.strip_prefix("code-") {
                Fault::Code(code.into())
            } else if let Some(code) = other.strip_prefix("done-but-") {
                Fault::DoneButCode(code.into())
            } else if let Some(time) = other.strip_prefix("late-") {
                Fault::Late(duration(time))
            } else {
                panic!("no fault {other}")
            }
        }
    }
}

fn parse_resolution(text: &str) -> Resolution {
    match text {
        "noted" => Resolution::Noted,
        "confirmed-approved" => Resolution::ConfirmedApproved,
        "confirmed-declined" => Resolution::ConfirmedDeclined,
        "retry" => Resolution::Retry,
        "written-off" => Resolution::WrittenOff,
        other => panic!("no resolution {other}"),
    }
}

/// `by M1`
fn approver(words: &[&str]) -> Option<tilld::core::domain::CashierId> {
    words.windows(2).find(|pair| pair[0] == "by").map(|pair| cashier(pair[1]))
}

/// `100.00x3 0.50x2`
fn denominations(words: &[&str]) -> Vec<tilld::core::domain::Denomination> {
    let one = |word: &&str| {
        let (value, count) = word.split_once('x').unwrap();
        tilld::core::domain::Denomination { value: minor(value), count: count.parse().unwrap() }
    };
    words.iter().map(one).collect()
}

fn kind_word(kind: ExceptionKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}
