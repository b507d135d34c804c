//! The day that the demo plays, act by act.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Rig, TERMINALS};
use super::{DemoError, Stage};
use crate::sim::acquirer::Fault;

/// The people: id, name, role.
pub const PEOPLE: [(&str, &str, &str); 6] = [
    ("1001", "收银一", "cashier"),
    ("1002", "收银二", "cashier"),
    ("1003", "收银三", "cashier"),
    ("1004", "收银四", "cashier"),
    ("9001", "店长", "manager"),
    ("9002", "副店长", "manager"),
];

/// The well-known test cards, as tracks.
const TRACKS: [&str; 3] = [
    "6222021234567890128=49121010000000000",
    "4111111111111111=49121010000000000000",
    "5555555555554444=49121010000000000000",
];

/// What the day has come to.
#[derive(Debug, Default)]
pub struct Counts {
    /// Payments asked for.
    pub asked: u64,
    /// By state.
    pub states: std::collections::BTreeMap<String, u64>,
    /// Refusals by code.
    pub refused: std::collections::BTreeMap<String, u64>,
}

/// Plays the day on a rig.
#[derive(Debug)]
pub struct Story<'a> {
    rig: &'a mut Rig,
    stage: &'a Stage,
    /// What it has come to.
    pub counts: Counts,
    requests: AtomicU64,
}

/// One payment as the story writes it.
#[derive(Debug, Clone)]
struct Sale {
    device: &'static str,
    cashier: &'static str,
    method: &'static str,
    amount: i64,
}

impl<'a> Story<'a> {
    /// Begins.
    pub fn new(rig: &'a mut Rig, stage: &'a Stage) -> Story<'a> {
        Story { rig, stage, counts: Counts::default(), requests: AtomicU64::new(1) }
    }

    fn request(&self) -> String {
        format!("demo-{:05}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// A sale as JSON. Every third card amount is drawn from a small table, so that tables of the report are worth reading.
    fn sale(&self, sale: &Sale) -> Value {
        let mut body = json!({
            "request_id": self.request(), "kind": "sale", "device": sale.device, "cashier": sale.cashier,
            "method": sale.method, "amount": sale.amount, "currency": "CNY",
        });
        let number = usize::try_from(sale.amount).unwrap_or(0);
        match sale.method {
            "card" => body["card"] = json!({"track2": TRACKS[number / 3 % TRACKS.len()], "entry": "magstripe"}),
            "qr" => body["auth_code"] = json!(format!("13{:016}", 4_000_000_000_000_000 + sale.amount * 7_919)),
            _ => {}
        }
        body
    }

    async fn pay(&self, body: Value) -> Result<Result<Value, String>, DemoError> {
        self.rig.ask("/v1/payments", body).await
    }

    fn note(&mut self, result: &Result<Value, String>) {
        self.counts.asked += 1;
        match result {
            Ok(payment) => {
                let state = payment["state"].as_str().unwrap_or("?").to_owned();
                *self.counts.states.entry(state).or_default() += 1;
            }
            Err(code) => *self.counts.refused.entry(code.clone()).or_default() += 1,
        }
    }

    /// Pays a list on each terminal at the same time, one after the other on each.
    async fn side_by_side(&mut self, sales: &[Sale]) -> Result<Vec<Result<Value, String>>, DemoError> {
        let this = &*self;
        let queue = |device: &'static str| async move {
            let mut results = Vec::new();
            for sale in sales.iter().filter(|s| s.device == device) {
                results.push(this.pay(this.sale(sale)).await?);
            }
            Ok::<_, DemoError>(results)
        };
        let (a, b, c) = tokio::try_join!(queue("POS1"), queue("POS2"), queue("POS3"))?;
        let results = [a, b, c].concat();
        for result in &results {
            self.note(result);
        }
        Ok(results)
    }

    /// Opens the store: people, shifts with floats.
    pub async fn morning(&mut self) -> Result<(), DemoError> {
        self.rig.hire(&PEOPLE).await?;
        for (cashier, device, float) in [("1001", "POS1", 50_000), ("1002", "POS2", 50_000), ("1003", "POS3", 30_000)] {
            let body = json!({"cashier": cashier, "device": device, "float": float});
            self.rig.must("/v1/shifts/open", body).await?;
        }
        // Every terminal signs on by itself.
        for _ in 0..100 {
            let status = self.rig.get("/healthz").await?;
            let up = status["terminals"].as_array().is_some_and(|t| t.iter().all(|t| t["signed_on"] == true));
            if up {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.stage.say(
            "开店：四名收银员，三台终端，全部签到",
            "The store opens: four cashiers, three terminals, all signed on",
        );
        Ok(())
    }

    /// The busy hours: three terminals at once, cards, codes and cash; a second cashier helps at POS1.
    pub async fn busy_hours(&mut self, rounds: i64) -> Result<(), DemoError> {
        let people = ["1001", "1002", "1003"];
        let mut sales = Vec::new();
        for n in 0..rounds {
            for (index, (device, _)) in TERMINALS.iter().enumerate() {
                let spread = n * 3 + i64::try_from(index).unwrap_or(0);
                let method = match spread % 10 {
                    0..=4 => "card",
                    5..=7 => "qr",
                    _ => "cash",
                };
                let cashier = if *device == "POS1" && method != "cash" && n % 4 == 3 { "1004" } else { people[index] };
                sales.push(Sale { device, cashier, method, amount: 880 + spread * 137 });
            }
        }
        let results = self.side_by_side(&sales).await?;
        let done = results.iter().flatten().filter(|p| p["state"] == "approved").count();
        self.stage.say(
            &format!("上午：{} 笔交易，{done} 笔成功", results.len()),
            &format!("Busy hours: {} payments, {done} approved", results.len()),
        );
        Ok(())
    }

    /// At the counter: a code is scanned at POS1's scanner, a card is swiped at POS2's stripe reader.
    pub async fn real_readers(&mut self) -> Result<(), DemoError> {
        for round in 0..3_i64 {
            let mut body = json!({"request_id": self.request(), "kind": "sale", "device": "POS1", "cashier": "1001",
                "method": "qr", "amount": 1_990 + round, "currency": "CNY"});
            let scanned = async {
                tokio::time::sleep(Duration::from_millis(60)).await;
                self.rig.scanner.scan(&format!("62{:017}", 12_345_678_901_234_i64 + round));
            };
            let (result, ()) = tokio::join!(self.pay(body.clone()), scanned);
            let result = result?;
            self.note(&result);
            body["request_id"] = json!(self.request());
            body["device"] = json!("POS2");
            body["cashier"] = json!("1002");
            body["method"] = json!("card");
            let swiped = async {
                tokio::time::sleep(Duration::from_millis(60)).await;
                self.rig.msr.swipe("B4111111111111111^TEST/CARD^49121010000000000000", TRACKS[1]);
            };
            let (result, ()) = tokio::join!(self.pay(body), swiped);
            let result = result?;
            self.note(&result);
        }
        self.stage.say(
            "扫码枪与刷卡器：真实串口读数",
            "The scanner and the stripe reader: codes and cards over their serial lines",
        );
        Ok(())
    }

    /// At POS3's PIN pad, where there is one: a card is swiped and its PIN typed there, and its drawer opens for cash. The acquirer knows the PIN.
    pub async fn pin_pad(&mut self) -> Result<(), DemoError> {
        if self.rig.bridge.is_none() {
            return Ok(());
        }
        for round in 0..3_i64 {
            for method in ["card", "cash"] {
                let body = json!({"request_id": self.request(), "kind": "sale", "device": "POS3", "cashier": "1003",
                    "method": method, "amount": 2_600 + round, "currency": "CNY"});
                let result = self.pay(body).await?;
                self.note(&result);
                let state = result.as_ref().map_or_else(String::as_str, |p| p["state"].as_str().unwrap_or("?"));
                if state != "approved" {
                    return Err(DemoError::Judged(format!("a {method} sale at the PIN pad: {state}")));
                }
            }
        }
        self.printers_done().await?;
        let status = self.rig.get("/healthz").await?;
        let ports = status["ports"].as_array().cloned().unwrap_or_default();
        let pad = ports.iter().find(|p| p["id"] == "POS3 bridge").cloned().unwrap_or_default();
        if pad["state"] != "open" || !pad["attention"].is_null() {
            return Err(DemoError::Judged(format!("the PIN pad is not well: {pad}")));
        }
        self.stage.say(
            "密码键盘：刷卡、输密、开钱箱，密钥只在键盘内",
            "The PIN pad: cards swiped, PINs typed, the drawer opened; the keys are in the pad alone",
        );
        Ok(())
    }

    /// Orders that are paid partly by a coupon: one that the wallet's platform bears and redeems with the payment, one of the store's own.
    pub async fn coupons(&mut self) -> Result<(), DemoError> {
        for (device, cashier, method, rest, off, funder, redeemed) in [
            ("POS1", "1001", "qr", 8_000, 2_000, "platform", "with_payment"),
            ("POS2", "1002", "card", 4_500, 500, "store", "by_cashier"),
        ] {
            let paid = self.pay(self.sale(&Sale { device, cashier, method, amount: rest })).await?;
            self.note(&paid);
            let payment = paid.map_err(|code| DemoError::Api(format!("a sale with a coupon was refused: {code}")))?;
            let coupon =
                json!({"funder": funder, "redeemed": redeemed, "reference": "CP20261120", "payment": payment["id"]});
            let body = json!({"request_id": self.request(), "kind": "sale", "device": device, "cashier": cashier,
                "method": "voucher", "amount": off, "currency": "CNY", "coupon": coupon});
            let result = self.pay(body).await?;
            self.note(&result);
        }
        self.stage.say(
            "两笔订单部分用券：平台券随支付核销，店券由收银员确认",
            "Two orders paid partly by a coupon: the platform's redeemed with the payment, the store's confirmed by the cashier",
        );
        Ok(())
    }

    /// Voids and refunds, and what may not be done.
    pub async fn second_thoughts(&mut self) -> Result<(), DemoError> {
        for amount in [2_300, 4_600] {
            let sale = Sale { device: "POS2", cashier: "1002", method: "card", amount };
            let sold = self.pay(self.sale(&sale)).await?;
            self.note(&sold);
            let Ok(sold) = sold else { continue };
            let void = json!({"request_id": self.request(), "kind": "void", "device": "POS2", "cashier": "1002",
                "method": "card", "amount": amount, "currency": "CNY", "original": sold["id"]});
            let result = self.pay(void.clone()).await?;
            self.note(&result);
            // The same request again is the same void.
            let again = self.pay(void).await?;
            if again.ok().map(|p| p["id"].clone()) != result.ok().map(|p| p["id"].clone()) {
                return Err(DemoError::Judged("a repeated request made a second void".into()));
            }
        }
        for (cashier, device, amount) in [("1003", "POS3", 1_500), ("1001", "POS1", 2_000)] {
            let sale = Sale { device, cashier, method: "cash", amount: amount * 2 };
            let sold = self.pay(self.sale(&sale)).await?;
            self.note(&sold);
            let Ok(sold) = sold else { continue };
            let refund = json!({"request_id": self.request(), "kind": "refund", "device": device, "cashier": cashier,
                "method": "cash", "amount": amount, "confirm_amount": amount, "currency": "CNY", "original": sold["id"]});
            let result = self.pay(refund).await?;
            self.note(&result);
            let too_much = json!({"request_id": self.request(), "kind": "refund", "device": device, "cashier": cashier,
                "method": "cash", "amount": amount + 1, "confirm_amount": amount + 1, "currency": "CNY", "original": sold["id"]});
            let refused = self.pay(too_much).await?;
            self.note(&refused);
        }
        self.stage
            .say("撤销两笔、现金退货两笔，多退的被拒绝", "Two voids, two cash refunds; refunding too much is refused");
        Ok(())
    }

    /// A refund that the channel refuses, because the account is closed, goes back by a transfer: asked for by one manager, approved by another.
    pub async fn another_route(&mut self) -> Result<(), DemoError> {
        let pin = super::rig::PIN;
        let sold =
            self.pay(self.sale(&Sale { device: "POS3", cashier: "1003", method: "card", amount: 8_801 })).await?;
        self.note(&sold);
        let sold = sold.map_err(|code| DemoError::Api(format!("a sale was refused: {code}")))?;
        let mut refund = json!({"request_id": self.request(), "kind": "refund", "device": "POS3", "cashier": "1003",
            "method": "card", "amount": 8_801, "confirm_amount": 8_801, "currency": "CNY", "original": sold["id"]});
        let mut wish = refund.clone();
        wish["request_id"] = json!(self.request());
        wish["method"] = json!("transfer");
        wish["payee"] = json!("guest");
        wish["approval"] = json!({"manager": "9001", "pin": pin});
        let refused = self.pay(wish.clone()).await?;
        self.note(&refused);
        if refused != Err("method_mismatch".into()) {
            return Err(DemoError::Judged(format!("a wish opened another route: {refused:?}")));
        }
        self.rig.acquirer.control.next_answer(Fault::Refuse("14".into()));
        let declined = self.pay(refund.take()).await?;
        self.note(&declined);
        let order = self.pay(wish).await?;
        self.note(&order);
        let order = order.map_err(|code| DemoError::Judged(format!("a refused refund opened no route: {code}")))?;
        let id = order["id"].as_str().unwrap_or_default().to_owned();
        let step = json!({"to": "approved", "by": "9002", "pin": pin});
        self.rig.must(&format!("/v1/payments/{id}/transfer"), step).await?;
        let bank = self.rig.post_text("/v1/transfers/send", json!({"by": "9001", "pin": pin})).await?;
        if !bank.contains(&id) {
            return Err(DemoError::Judged("the bank's file has no line for the transfer".into()));
        }
        for (status, step) in [("accepted", "accepted"), ("succeeded", "succeeded")] {
            let csv = format!("order_no,status,reference,amount\n{id},{status},BANK-1,88.01\n");
            let told = self.rig.must("/v1/transfers/answers", json!({"by": "9001", "pin": pin, "csv": csv})).await?;
            if told["items"][0]["step"] != step {
                return Err(DemoError::Judged(format!("the bank said {status}: {told}")));
            }
        }
        self.stage.say(
            "原路退货被拒（账户已销）：一位店长申请转账、另一位审批，银行受理后到账",
            "A refund refused because the account is closed: one manager asks for a transfer, another approves; accepted, then paid",
        );
        Ok(())
    }

    /// The acquirer's answers get lost or make no sense: *unknown*, reversed, and counted nowhere.
    pub async fn lost_answers(&mut self) -> Result<(), DemoError> {
        let faults = [Fault::DropAnswer, Fault::DropRequest, Fault::OddCode("ZZ".into()), Fault::DisconnectAfter];
        for (n, fault) in faults.into_iter().enumerate() {
            let (device, cashier) = [("POS1", "1001"), ("POS2", "1002"), ("POS3", "1003")][n % 3];
            self.rig.acquirer.control.next_answer(fault);
            let amount = 7_000 + i64::try_from(n).unwrap_or(0) * 100;
            let result = self.pay(self.sale(&Sale { device, cashier, method: "card", amount })).await?;
            self.note(&result);
            let state = result.as_ref().ok().and_then(|p| p["state"].as_str()).unwrap_or("?");
            if !matches!(state, "unknown" | "reversed") {
                return Err(DemoError::Judged(format!("a lost answer became {state}")));
            }
        }
        self.stage.say(
            "四次应答丢失或无法识别：结果未知，自动冲正",
            "Four answers lost or not understood: unknown, then reversed",
        );
        Ok(())
    }

    /// The line goes down: cards are taken offline within their bounds, cash goes on, codes are refused with a sentence.
    pub async fn outage(&mut self) -> Result<(), DemoError> {
        self.rig.acquirer.control.set_line(false);
        self.wait_for_line("down").await?;
        let mut sales = Vec::new();
        for n in 0..8 {
            for (index, (device, _)) in TERMINALS.iter().enumerate() {
                let cashier = ["1001", "1002", "1003"][index];
                let method = if n % 4 == 3 { "cash" } else { "card" };
                sales.push(Sale {
                    device,
                    cashier,
                    method,
                    amount: 3_000 + n * 211 + i64::try_from(index).unwrap_or(0),
                });
            }
        }
        sales.push(Sale { device: "POS1", cashier: "1001", method: "qr", amount: 900 });
        sales.push(Sale { device: "POS2", cashier: "1002", method: "card", amount: 60_000 });
        // One that the acquirer will refuse when it gets it.
        sales.push(Sale { device: "POS3", cashier: "1003", method: "card", amount: 1_251 });
        let results = self.side_by_side(&sales).await?;
        let stored = results.iter().flatten().filter(|p| p["state"] == "stored").count();
        let refused = results.iter().filter(|r| r.is_err()).count();
        // A stored sale is taken back before it was ever sent.
        let sold =
            self.pay(self.sale(&Sale { device: "POS1", cashier: "1001", method: "card", amount: 1_234 })).await?;
        self.note(&sold);
        if let Ok(sold) = sold {
            let void = json!({"request_id": self.request(), "kind": "void", "device": "POS1", "cashier": "1001",
                "method": "card", "amount": 1_234, "currency": "CNY", "original": sold["id"]});
            let result = self.pay(void).await?;
            self.note(&result);
        }
        self.stage.say(
            &format!("断网：{stored} 笔离线受理，现金照常，{refused} 笔按规定拒绝"),
            &format!("Outage: {stored} sales taken offline, cash goes on, {refused} refused as ruled"),
        );
        Ok(())
    }

    async fn wait_for_line(&self, word: &str) -> Result<(), DemoError> {
        for _ in 0..400 {
            let status = self.rig.get("/healthz").await?;
            if status["terminals"].as_array().is_some_and(|t| t.iter().all(|t| t["line"] == word)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(DemoError::Judged(format!("the lines did not come {word}")))
    }

    /// The daemon is stopped in the middle of the outage and started again: everything is where it was.
    pub async fn restart(&mut self) -> Result<(), DemoError> {
        let before = self.rig.get("/v1/day").await?;
        self.rig.stop_daemon().await?;
        self.rig.start_daemon().await?;
        let after = self.rig.get("/v1/day").await?;
        if before["totals"] != after["totals"] || before["offline"] != after["offline"] {
            return Err(DemoError::Judged("the day is not what it was before the restart".into()));
        }
        self.wait_for_line("down").await?;
        self.stage.say("停机重启：账目一分不差", "Stopped and started again: every fen is where it was");
        Ok(())
    }

    /// Shifts end: drawers are counted blind, one is short, one is handed over; the fourth cashier's shift goes on over the cut.
    pub async fn shifts_end(&mut self) -> Result<(), DemoError> {
        let out = json!({"cashier": "1001", "device": "POS1", "amount": 20_000, "reason": "送银行"});
        self.rig.must("/v1/shifts/pay-out", out).await?;
        let expected = self.expected_in("POS1").await?;
        let hand = json!({"to": "1004", "device": "POS1", "counted": expected});
        self.rig.must("/v1/shifts/hand-over", hand).await?;
        for (cashier, device, off) in [("1002", "POS2", -350), ("1003", "POS3", 0)] {
            let counted = self.expected_in(device).await? + off;
            self.rig
                .must("/v1/shifts/count", json!({"cashier": cashier, "device": device, "counted": counted}))
                .await?;
            self.rig.must("/v1/shifts/close", json!({"cashier": cashier})).await?;
        }
        self.rig.must("/v1/shifts/close", json!({"cashier": "1001"})).await?;
        self.stage.say(
            "交班：一人短款 3.50，一只钱箱交接，一班跨日",
            "Shifts end: one is 3.50 short, one drawer handed over, one shift spans the cut",
        );
        Ok(())
    }

    async fn expected_in(&self, device: &str) -> Result<i64, DemoError> {
        let day = self.rig.get("/v1/day").await?;
        let shifts = day["shifts"].as_array().cloned().unwrap_or_default();
        let drawers = shifts.iter().filter(|s| s["closed"] == false).filter_map(|s| s["drawers"].as_array()).flatten();
        let drawer = drawers.filter(|d| d["counted"].is_null()).find(|d| d["device"] == device);
        drawer
            .and_then(|d| d["expected"].as_i64())
            .ok_or_else(|| DemoError::Judged(format!("no open shift holds the drawer at {device}")))
    }

    /// The line is back, slowly; while the backlog drains and three payments are under way, the manager closes the day. Their answers
    /// are lost.
    pub async fn cut_in_flight(&mut self) -> Result<Value, DemoError> {
        self.rig.office.set_paper_lines(25);
        self.rig.acquirer.control.set_latency(150);
        self.rig.acquirer.control.set_line(true);
        self.wait_for_line("up").await?;
        let sales: Vec<Value> = [("POS1", "1004"), ("POS2", "1001"), ("POS3", "1003")]
            .map(|(device, cashier)| Sale { device, cashier, method: "card", amount: 8_800 })
            .iter()
            .map(|sale| self.sale(sale))
            .collect();
        let cut = async {
            tokio::time::sleep(Duration::from_millis(80)).await;
            self.rig.must("/v1/day/close", json!({"by": "9001", "wait": 0})).await
        };
        let [a, b, c] = <[Value; 3]>::try_from(sales).map_err(|_| DemoError::Judged("three sales".into()))?;
        let (day, a, b, c) = tokio::join!(cut, self.pay(a), self.pay(b), self.pay(c));
        for result in [a?, b?, c?] {
            self.note(&result);
        }
        let day = day?;
        let pending = day["pending"].as_array().map_or(0, Vec::len);
        self.stage.say(
            &format!("网络恢复，积压上送中；日切时有 {pending} 笔未决"),
            &format!("The line is back and the backlog drains; at the cut {pending} payments are undecided"),
        );
        Ok(day)
    }

    /// The day report stops in the middle of the paper; a new roll, and the cashier says: go on.
    pub async fn paper(&mut self) -> Result<(), DemoError> {
        for _ in 0..200 {
            if self.rig.office.paper_is_out() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        if !self.rig.office.paper_is_out() {
            return Err(DemoError::Judged("the paper should have run out in the middle of the day report".into()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let status = self.rig.get("/healthz").await?;
        let ports = status["ports"].as_array().cloned().unwrap_or_default();
        let sentence = ports.iter().find_map(|p| p["attention"]["zh"].as_str()).unwrap_or("").to_owned();
        self.rig.office.refill();
        self.rig.must("/v1/printers/resume", json!({})).await?;
        self.stage.say(
            &format!("日结单打印中缺纸（{sentence}），换纸后续打"),
            "Paper runs out in the middle of the day report; a new roll, and it goes on",
        );
        Ok(())
    }

    /// The new day begins at once; the old one settles behind it.
    pub async fn settle(&mut self, date: &str) -> Result<Value, DemoError> {
        for (device, cashier) in [("POS1", "1004"), ("POS2", "1002"), ("POS3", "1003")] {
            let result = self.pay(self.sale(&Sale { device, cashier, method: "card", amount: 990 })).await?;
            self.note(&result);
        }
        self.rig.acquirer.control.set_latency(8);
        let mut last = Value::Null;
        for _ in 0..800 {
            last = self.rig.get(&format!("/v1/reports/{date}")).await?;
            if last["state"] == "balanced" {
                self.stage.say("三台终端结算全部对平", "All three terminals settled, balanced");
                return Ok(last);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(DemoError::Judged(format!("the day did not settle: {}", last["state"])))
    }

    /// Waits until nothing is printing.
    pub async fn printers_done(&self) -> Result<(), DemoError> {
        for _ in 0..400 {
            let status = self.rig.get("/healthz").await?;
            let busy = status["ports"].as_array().is_some_and(|ports| ports.iter().any(|p| p["queued"] != 0));
            if !busy {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(DemoError::Judged("the printers are not done".into()))
    }
}
