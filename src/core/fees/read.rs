//! From TOML to a schedule: bad data are refused with their line.

use serde::Deserialize;
use thiserror::Error;

use super::{FeeLine, FeeSchedule, OnRefund, PARTS, Rounding};
use crate::core::calendar::Wait;
use crate::core::domain::{At, CardKind, DataError, Method, Minor, line_of, read_data};

/// A schedule has at most so many lines.
const MAX_LINES: usize = 1_000;
/// A line's name is printed.
const MAX_NAME: usize = 32;

/// A schedule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct FeeError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fee: Vec<At<Line>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    channel: Method,
    #[serde(default)]
    cards: Vec<CardKind>,
    #[serde(default)]
    brands: Vec<String>,
    foreign: Option<bool>,
    #[serde(default)]
    above: i64,
    up_to: Option<i64>,
    rate: i64,
    #[serde(default)]
    fixed: i64,
    #[serde(default)]
    min: i64,
    max: Option<i64>,
    #[serde(default = "half_up")]
    rounding: Rounding,
    on_refund: OnRefund,
    arrives: Wait,
}

fn half_up() -> Rounding {
    Rounding::HalfUp
}

impl FeeSchedule {
    /// Reads `[[fee]]` after `[[fee]]`.
    pub fn parse(text: &str) -> Result<FeeSchedule, FeeError> {
        let wrong = |offset: usize, what: String| FeeError { line: line_of(text, offset), what };
        let file: File = read_data(text).map_err(|DataError { line, what }| FeeError { line, what })?;
        if file.fee.len() > MAX_LINES {
            return Err(wrong(0, format!("more than {MAX_LINES} lines")));
        }
        let mut lines: Vec<FeeLine> = Vec::new();
        for At { offset: at, value: line } in file.fee {
            let line = check(line).map_err(|what| wrong(at, what))?;
            if lines.iter().any(|known| known.name == line.name) {
                return Err(wrong(at, format!("the name {:?} stands twice", line.name)));
            }
            if let Some(first) = lines.iter().find(|known| covers(known, &line)) {
                return Err(wrong(
                    at,
                    format!("{:?} never decides: {:?} above it fits all of it", line.name, first.name),
                ));
            }
            lines.push(line);
        }
        Ok(FeeSchedule { lines })
    }
}

fn check(line: Line) -> Result<FeeLine, String> {
    let name = line.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(format!("a name must have 1 to {MAX_NAME} characters"));
    }
    if !matches!(line.channel, Method::Card | Method::Qr) {
        return Err(format!("channel must be card or qr, not {}", line.channel));
    }
    if line.channel == Method::Qr && !line.cards.is_empty() {
        return Err("cards does not go with channel = \"qr\": name wallets under brands".into());
    }
    if !(0..=PARTS).contains(&line.rate) {
        return Err(format!("rate is in parts of {PARTS}, 0 to {PARTS}: 0.6 % is 600"));
    }
    let most = Minor::MAX_ISO.0;
    let (up_to, max) = (line.up_to.unwrap_or(most), line.max.unwrap_or(most));
    let amounts = [line.above, up_to, line.fixed, line.min, max];
    if amounts.iter().any(|amount| !(0..=most).contains(amount)) {
        return Err(format!("amounts are whole minor units, 0 to {most}"));
    }
    if line.above >= up_to || line.min > max {
        return Err("above must be below up_to, and min not above max".into());
    }
    Ok(FeeLine {
        name,
        channel: line.channel,
        cards: line.cards,
        brands: line.brands,
        foreign: line.foreign,
        above: Minor(line.above),
        up_to: Minor(up_to),
        rate: line.rate,
        fixed: Minor(line.fixed),
        min: Minor(line.min),
        max: Minor(max),
        rounding: line.rounding,
        on_refund: line.on_refund,
        arrives: line.arrives,
    })
}

/// Every case that fits `later` fits `first` too.
fn covers(first: &FeeLine, later: &FeeLine) -> bool {
    let within = |a: &[String], b: &[String]| a.is_empty() || (!b.is_empty() && b.iter().all(|x| a.contains(x)));
    let cards = first.cards.is_empty()
        || (!later.cards.is_empty() && later.cards.iter().all(|card| first.cards.contains(card)));
    first.channel == later.channel
        && cards
        && within(&first.brands, &later.brands)
        && (first.foreign.is_none() || first.foreign == later.foreign)
        && first.above <= later.above
        && first.up_to >= later.up_to
}
