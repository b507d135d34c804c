//! Where amounts stand: at the right edge of their columns, at the same place in both languages; and none is missing.

use serde_json::Value;
use tilld::core::domain::{Lang, Minor};
use tilld::core::font;

use super::{day, z};

/// Amounts of a line (`-1,234.56`) with the column behind their last letter.
pub fn amounts(line: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut token = String::new();
    let mut at = 0;
    for letter in line.chars().chain([' ']) {
        if letter.is_ascii_digit() || "-,.".contains(letter) {
            token.push(letter);
        } else {
            let parts = token.rsplit_once('.').map(|(_, cents)| cents.len());
            if parts == Some(2) {
                found.push((token.clone(), at));
            }
            token.clear();
        }
        at += font::columns(letter);
    }
    found
}

/// The paper's parts, each from its heading (a line over a rule) to the next.
fn parts(text: &str) -> Vec<Vec<&str>> {
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        match (line.is_empty(), parts.last_mut()) {
            (true, Some(part)) if part.last().is_some_and(|line| !line.is_empty()) => parts.push(Vec::new()),
            (false, Some(part)) => part.push(line),
            _ => {}
        }
    }
    parts
}

#[test]
fn amounts_end_at_the_right_edge_of_their_columns() {
    for with_voucher in [false, true] {
        for lang in [Lang::Zh, Lang::En] {
            for columns in [32, 35, 42, 48] {
                let text = z(with_voucher, lang, columns);
                for part in parts(&text) {
                    let mut ends: Vec<usize> = part.iter().flat_map(|line| amounts(line)).map(|(_, end)| end).collect();
                    ends.sort_unstable();
                    ends.dedup();
                    // At most five figures beside each other, and the day's net in the middle of the head.
                    assert!(ends.len() <= 5, "{part:#?}");
                    assert!(ends.is_empty() || ends.contains(&columns), "{columns}: {part:#?}");
                }
            }
        }
    }
}

#[test]
fn amounts_stand_at_the_same_place_in_both_languages() {
    for with_voucher in [false, true] {
        for columns in [32, 35, 42, 48] {
            let all = |lang| z(with_voucher, lang, columns).lines().flat_map(amounts).collect::<Vec<_>>();
            let (zh, en) = (all(Lang::Zh), all(Lang::En));
            for (zh, en) in zh.iter().zip(&en) {
                assert_eq!(zh, en, "{columns} columns, voucher {with_voucher}");
            }
            assert_eq!(zh.len(), en.len());
        }
    }
}

/// Every amount that a manager must find: all but the matrix's columns and the batches' parts, whose nets are printed.
fn wanted(value: &Value, key: &str, found: &mut Vec<i64>) {
    match value {
        Value::Object(facts) => {
            for (name, value) in facts {
                let only_net = key == "matrix" && name != "net";
                if !only_net && name != "part" && name != "journal" {
                    wanted(value, if name == "matrix" { name } else { key }, found);
                    if let (Some(amount), true) = (value.as_i64(), is_amount(name)) {
                        found.push(amount);
                    }
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| wanted(item, key, found)),
        _ => {}
    }
}

fn is_amount(name: &str) -> bool {
    let names = ["amount", "net", "float", "sales", "refunds", "paid_in", "paid_out", "expected", "counted"];
    names.contains(&name) || name == "difference" || name == "grand_total"
}

#[test]
fn every_amount_of_the_day_is_printed() {
    let view = day::day(true);
    let mut amounts_of_day = Vec::new();
    wanted(&serde_json::to_value(&view).unwrap(), "", &mut amounts_of_day);
    assert!(amounts_of_day.len() > 140, "{}", amounts_of_day.len());
    for part in &view.settlement {
        amounts_of_day.push(part.part.net().unwrap().0);
    }
    for lang in [Lang::Zh, Lang::En] {
        for columns in [32, 35, 42, 48] {
            let printed: Vec<String> =
                z(true, lang, columns).lines().flat_map(amounts).map(|(amount, _)| amount).collect();
            for amount in amounts_of_day.iter().filter(|amount| **amount != 0) {
                let (plus, minus) = (Minor(*amount).grouped(2), Minor(-*amount).grouped(2));
                assert!(printed.contains(&plus) || printed.contains(&minus), "{plus} at {columns} columns");
            }
        }
    }
}
