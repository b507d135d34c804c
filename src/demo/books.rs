//! The books at the day's end: the acquirer's statement, spoilt on purpose in four places, put into the watched folder; and the cases that it opens.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::DemoError;
use super::rig::Rig;

/// How long the daemon may take to see the file, judge it and open its cases.
const PATIENCE: Duration = Duration::from_secs(20);
/// The folder that the daemon watches, in the demo's.
pub const FOLDER: &str = "statements";
/// The spoilt statement's name.
pub const SPOILT: &str = "acquirer-statement-spoilt.csv";

/// The statement with one row booked twice, one missing, one of another amount, and one that nobody made. `None` where it has too few rows.
fn spoil(statement: &str) -> Option<String> {
    let (head, rows) = statement.split_once('\n')?;
    let names: Vec<&str> = head.trim_end().split(',').collect();
    let place = |name: &str| names.iter().position(|n| *n == name);
    let (kind, status, amount) = (place("kind")?, place("status")?, place("amount")?);
    let (stan, rrn) = (place("stan")?, place("rrn")?);
    let mut rows: Vec<Vec<String>> =
        rows.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
    let sale = |row: &Vec<String>| {
        row.get(kind).is_some_and(|k| k == "sale") && row.get(status).is_some_and(|s| s == "approved")
    };
    let sales: Vec<usize> = (0..rows.len()).filter(|i| sale(&rows[*i])).collect();
    let step = sales.len() / 5;
    if step == 0 {
        return None;
    }
    let (twice, missing, other, nobodys) = (sales[step], sales[2 * step], sales[3 * step], sales[4 * step]);
    let mut alien = rows[nobodys].clone();
    (alien[stan], alien[rrn]) = ("999901".to_owned(), "999999999901".to_owned());
    let again = rows[twice].clone();
    rows[other][amount] = (rows[other][amount].parse::<i64>().ok()? + 100).to_string();
    rows.remove(missing);
    rows.extend([again, alien]);
    let rows = rows.iter().map(|row| row.join(",")).collect::<Vec<_>>().join("\n");
    Some(format!("{head}\n{rows}\n"))
}

/// Puts the spoilt statement where the daemon looks, and waits for its cases. `true` where they are exactly those that were planted, each with a
/// name on it.
pub async fn cases(rig: &Rig, dir: &Path) -> Result<(Value, bool), DemoError> {
    let setup = |e: std::io::Error| DemoError::Setup(format!("the spoilt statement: {e}"));
    let text = spoil(&rig.acquirer.statement()).ok_or_else(|| DemoError::Setup("the statement is too short".into()))?;
    let folder = dir.join(FOLDER);
    // Under another name until it is whole.
    let part = folder.join(format!("{SPOILT}.part"));
    std::fs::write(&part, text).map_err(setup)?;
    std::fs::rename(&part, folder.join(SPOILT)).map_err(setup)?;
    let done = folder.join("done").join(SPOILT);
    let began = std::time::Instant::now();
    while !done.exists() {
        if began.elapsed() > PATIENCE {
            return Err(DemoError::Judged("the daemon did not take the statement".into()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let items = rig.get("/v1/cases").await?["items"].clone();
    let list = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut reasons: Vec<&str> = list.iter().filter_map(|case| case["reason"].as_str()).collect();
    reasons.sort_unstable();
    let named = list.iter().all(|case| case["cashier"].is_string() && case["device"].is_string());
    let good = reasons == ["absent", "amount", "duplicate", "missing"] && named;
    Ok((json!({"statement": SPOILT, "items": items}), good))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_statement_is_spoilt_in_four_places() {
        let head = "terminal,batch,stan,rrn,kind,amount,status\n";
        let rows = (1..=10).map(|n| format!("10000001,000001,{n:06},{n:012},sale,{}00,approved\n", n));
        let text = format!("{head}{}", rows.collect::<String>());
        let spoilt = spoil(&text).unwrap();
        assert_eq!(spoilt.lines().count(), 12);
        assert_eq!(spoilt.lines().filter(|l| l.contains("000003,")).count(), 2, "twice");
        assert!(!spoilt.contains(",000005,") && spoilt.contains(",800,") && spoilt.contains("999901"));
        assert_eq!(spoil(head), None);
    }
}
