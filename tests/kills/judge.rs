//! The judge: what the tills were told, our books, the acquirer's judgement and its statement, against each other.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::rig::{Books, terminal};
use crate::tills::Told;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Figures {
    pub host_kills: u64,
    /// Starts that were killed before they were ready.
    pub interrupted: u64,
    pub acknowledged: u64,
    pub answers: u64,
    pub given_up: u64,
    pub refused: BTreeMap<String, u64>,
    pub payments: u64,
    pub states: BTreeMap<String, u64>,
    pub days: u64,
    pub agreed: u64,
    pub disputed: u64,
}

impl Figures {
    pub fn note(&mut self, told: &Told) {
        let answers = told.answers.lock().unwrap();
        self.acknowledged += answers.len() as u64;
        self.answers += answers.iter().map(|(_, a)| a.len() as u64).sum::<u64>();
        self.given_up += told.given_up.lock().unwrap().len() as u64;
        for code in told.refused.lock().unwrap().iter() {
            *self.refused.entry(code.clone()).or_default() += 1;
        }
    }

    pub fn json(&self, kills: u64, seed: u64, took: Duration) -> Value {
        json!({"kills": kills, "of_host": self.host_kills, "interrupted_starts": self.interrupted, "seed": seed.to_string(), "seconds": took.as_secs(),
            "acknowledged": self.acknowledged, "payments": self.payments, "days": self.days, "states": self.states,
            "agreed_with_acquirer": self.agreed, "disputed": self.disputed, "lost": 0, "duplicates": 0})
    }
}

/// Which states may follow a state that was acknowledged; itself always may.
fn may_follow(acknowledged: &str, now: &str) -> bool {
    let later: &[&str] = match acknowledged {
        "waiting" => return true,
        "sent" => &["approved", "declined", "unknown", "reversed", "forwarded", "rejected"],
        "unknown" => &["reversed", "approved", "declined"],
        "stored" => &["forwarded", "rejected", "set_aside"],
        "set_aside" => &["forwarded", "rejected", "written_off"],
        "rejected" => &["written_off"],
        // Success is terminal, and so is every other end.
        _ => &[],
    };
    acknowledged == now || later.contains(&now)
}

#[derive(Debug, Deserialize)]
struct Row {
    terminal: String,
    batch: u32,
    stan: u32,
    kind: String,
    amount: i64,
    status: String,
}

/// Everything that is not as it must be.
pub fn judge(told: &Told, books: &Books, judgement: &Value, statement: &str, figures: &mut Figures) -> Vec<String> {
    let mut wrong = told.wrong.lock().unwrap().clone();
    acknowledged(told, books, &mut wrong);
    days(books, &mut wrong);
    if judgement["findings"].as_array().is_none_or(|f| !f.is_empty()) || judgement["duplicates"] != 0 {
        wrong.push(format!("the acquirer: {} {}", judgement["findings"], judgement["duplicate_list"]));
    }
    both_sides(books, statement, figures, &mut wrong);
    figures.payments += books.payments.len() as u64;
    figures.days += books.days.len() as u64;
    for payment in &books.payments {
        *figures.states.entry(payment["state"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    wrong
}

/// Every payment that anybody was told of is there once, the same, and as far or farther.
fn acknowledged(told: &Told, books: &Books, wrong: &mut Vec<String>) {
    let mut by_request: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for payment in &books.payments {
        by_request.entry(payment["request_id"].as_str().unwrap()).or_default().push(payment);
    }
    for (request, found) in &by_request {
        if found.len() > 1 {
            wrong.push(format!("{request} made {} payments", found.len()));
        }
    }
    for (request, answers) in told.answers.lock().unwrap().iter() {
        let id = request["request_id"].as_str().unwrap();
        let Some(now) = by_request.get(id).map(|f| f[0]) else {
            wrong.push(format!("{id} was acknowledged and is not there: {answers:?}"));
            continue;
        };
        let steps = answers.iter().chain([now]).collect::<Vec<_>>();
        for pair in steps.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let same =
                ["id", "request_id", "kind", "device", "cashier", "method", "amount", "business_date", "original"];
            let differs = same.iter().find(|key| before[**key] != after[**key]);
            let state = |p: &Value| p["state"].as_str().unwrap().to_owned();
            if differs.is_some() || !may_follow(&state(before), &state(after)) {
                wrong.push(format!("{id} was acknowledged as {before} and then is {after}"));
            }
        }
    }
}

/// Every closed day foots and is settled, and nothing is left undecided.
fn days(books: &Books, wrong: &mut Vec<String>) {
    for day in &books.days {
        let date = &day["business_date"];
        let batches = day["settlement"].as_array().unwrap();
        let settled = batches.iter().all(|s| s["result"] == "balanced" && s["rung"] == "ended");
        if day["state"] != "balanced" || !settled || day["cross_foot"] != true {
            wrong.push(format!("{date} is {}, cross_foot {}: {:?}", day["state"], day["cross_foot"], batches));
        }
        for column in ["sale", "refund", "void", "vouchers"] {
            let sum = |table: &str| -> i64 {
                day[table].as_array().unwrap().iter().map(|g| g[column]["amount"].as_i64().unwrap()).sum()
            };
            if sum("by_cashier") != sum("by_device") || sum("by_cashier") != sum("by_method") {
                wrong.push(format!("{date}: {column} does not foot"));
            }
        }
    }
    for payment in &books.payments {
        if matches!(payment["state"].as_str().unwrap(), "waiting" | "sent" | "stored" | "set_aside")
            && payment["voided_by"].is_null()
        {
            wrong.push(format!("left over: {payment}"));
        }
    }
}

/// Ours against the acquirer's statement. A payment with an open exception is disputed, and known to be: a person decides it.
fn both_sides(books: &Books, statement: &str, figures: &mut Figures, wrong: &mut Vec<String>) {
    let mut theirs: BTreeMap<(String, u32, u32), Vec<Row>> = BTreeMap::new();
    for row in csv::Reader::from_reader(statement.as_bytes()).deserialize::<Row>() {
        let row = row.unwrap();
        if row.status == "approved" {
            theirs.entry((row.terminal.clone(), row.batch, row.stan)).or_default().push(row);
        }
    }
    // More than there are do no harm.
    let tids: BTreeMap<String, String> = (1..100).map(terminal).collect();
    for payment in &books.payments {
        let number = |name: &str| payment[name].as_str().and_then(|t| t.parse::<u32>().ok());
        let (Some(batch), Some(stan)) = (number("batch"), number("stan")) else { continue };
        let tid = tids[payment["device"].as_str().unwrap()].to_owned();
        let rows = theirs.remove(&(tid, batch, stan)).unwrap_or_default();
        let ours = matches!(payment["state"].as_str().unwrap(), "approved" | "forwarded");
        let fits = match rows.as_slice() {
            [] => !ours,
            [row] => {
                ours && Some(row.kind.as_str()) == payment["kind"].as_str()
                    && Some(row.amount) == payment["amount"].as_i64()
            }
            _ => false,
        };
        let disputed = books.exceptions.iter().any(|e| e["payment"] == payment["id"]);
        if fits {
            figures.agreed += u64::from(ours);
        } else if disputed && rows.len() < 2 {
            figures.disputed += 1;
        } else {
            wrong.push(format!("ours is {payment}, theirs {rows:?}"));
        }
    }
    for row in theirs.values().flatten() {
        wrong.push(format!("the acquirer has {row:?}, we have nothing"));
    }
}
