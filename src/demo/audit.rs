//! The demo's judge: our payments against the acquirer's own books.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::DemoError;

/// A row of the acquirer's statement, as far as the audit reads it.
#[derive(Debug, Deserialize)]
struct Row {
    terminal: String,
    batch: u32,
    stan: u32,
    kind: String,
    amount: i64,
    status: String,
}

/// What the comparison gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Payments with more than one effect at the acquirer.
    pub duplicates: u64,
    /// Money on one side only: ours approved and not theirs, or theirs approved and not ours.
    pub lost: Vec<String>,
    /// Payments that both sides have.
    pub agreed: u64,
}

/// Compares. `payments` are the API's, all days; `tids` gives each device's number at the acquirer.
pub fn audit(statement: &str, payments: &[Value], tids: &BTreeMap<String, String>) -> Result<Audit, DemoError> {
    type Key = (String, u32, u32);
    let mut theirs: BTreeMap<Key, Vec<Row>> = BTreeMap::new();
    for row in csv::Reader::from_reader(statement.as_bytes()).deserialize() {
        let row: Row = row.map_err(|e| DemoError::Setup(format!("the acquirer's statement: {e}")))?;
        if row.status == "approved" {
            theirs.entry((row.terminal.clone(), row.batch, row.stan)).or_default().push(row);
        }
    }
    let mut audit = Audit::default();
    for payment in payments {
        let text = |name: &str| payment[name].as_str().unwrap_or_default();
        let number = |name: &str| text(name).parse::<u32>().ok();
        let ours = matches!(text("state"), "approved" | "forwarded");
        let acquirers = matches!(text("method"), "card" | "qr");
        let (Some(batch), Some(stan), true, true) = (number("batch"), number("stan"), ours, acquirers) else {
            continue;
        };
        let tid = tids.get(text("device")).cloned().unwrap_or_default();
        let rows = theirs.remove(&(tid, batch, stan)).unwrap_or_default();
        audit.duplicates += u64::try_from(rows.len().saturating_sub(1)).unwrap_or(0);
        match rows.first() {
            Some(row) if row.kind == text("kind") && Some(row.amount) == payment["amount"].as_i64() => {
                audit.agreed += 1
            }
            Some(row) => audit.lost.push(format!("{}: the acquirer has {} of {}", text("id"), row.kind, row.amount)),
            None => audit.lost.push(format!("{}: the acquirer does not have it", text("id"))),
        }
    }
    for ((tid, batch, stan), rows) in theirs {
        for row in rows {
            audit.lost.push(format!(
                "{tid} {batch:06} {stan:06}: the acquirer has {} of {}, we have nothing",
                row.kind, row.amount
            ));
        }
    }
    Ok(audit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn run(statement: &str, payments: &[Value]) -> Audit {
        let head = "terminal,batch,stan,rrn,kind,amount,status\n";
        let tids = BTreeMap::from([("POS1".to_owned(), "10000001".to_owned())]);
        audit(&format!("{head}{statement}"), payments, &tids).unwrap()
    }

    fn ours(state: &str, amount: i64) -> Value {
        json!({"id": "P00000001", "state": state, "method": "card", "kind": "sale", "device": "POS1", "batch": "000001",
            "stan": "000007", "amount": amount})
    }

    #[test]
    fn each_way_to_disagree_is_seen() {
        let row = "10000001,1,7,123,sale,500,approved\n";
        assert_eq!(run(row, &[ours("approved", 500)]), Audit { agreed: 1, ..Audit::default() });
        assert_eq!(run(row, &[]).lost.len(), 1, "theirs only");
        assert_eq!(run("", &[ours("approved", 500)]).lost.len(), 1, "ours only");
        assert_eq!(run(row, &[ours("approved", 501)]).lost.len(), 1, "another amount");
        assert_eq!(run(row, &[ours("reversed", 500)]).lost.len(), 1, "reversed here, approved there");
        assert_eq!(run(&row.repeat(2), &[ours("approved", 500)]).duplicates, 1);
        let reversed = "10000001,1,7,123,sale,500,reversed\n";
        assert_eq!(run(reversed, &[ours("reversed", 500)]), Audit::default());
    }
}
