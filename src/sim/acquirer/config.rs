//! How a host is set up: its terminals and their keys, and the scenario, a TOML file of answers and faults.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::faults::FaultRule;
use super::keys::{Key, MakForm};
use crate::core::domain::read_data;

/// A terminal that the host serves.
#[derive(Debug, Clone)]
pub struct TerminalConfig {
    /// The terminal's master key.
    pub master_key: Key,
    /// Field 42; absent: whichever comes first, and then always that.
    pub mid: Option<String>,
}

/// What the pure host is made from.
#[derive(Debug, Clone, Default)]
pub struct HostConfig {
    /// By TID.
    pub terminals: BTreeMap<String, TerminalConfig>,
    /// Serve any other TID with this master key.
    pub any_terminal: Option<Key>,
    /// Work keys, tokens and chance come from it.
    pub seed: u64,
    /// Host time is UTC and so many seconds (28,800 for China).
    pub utc_offset_s: i32,
    /// Answers and faults.
    pub scenario: Scenario,
}

/// What a repeat of a payment is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Repeat {
    /// The answer that was given.
    #[default]
    #[serde(rename = "same")]
    Same,
    /// 94, where it was approved; else the answer that was given.
    #[serde(rename = "94")]
    Duplicate,
}

/// A `[[decline]]`: which payments are answered with another code than 00. Conditions that are absent hold for everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decline {
    /// First digits of the card or code.
    pub pan: Option<String>,
    /// Exactly this amount, minor units.
    pub amount: Option<i64>,
    /// The amount's last two digits.
    pub ending: Option<i64>,
    /// Only advices (`true`) or only online payments (`false`).
    pub advice: Option<bool>,
    /// Field 39. 11, A2, A4, A5, A6 approve; all others decline.
    pub code: String,
}

/// A `[[card]]`: what the host knows of a card.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// First digits.
    pub pan: String,
    /// Its PIN: a PIN block that says another is declined with 55.
    pub pin: Option<String>,
    /// Its balance, minor units, for 余额查询.
    pub balance: Option<i64>,
    /// Field 63.1; absent: by its first digits.
    pub organisation: Option<String>,
}

/// A `[[line_down]]`: connections are refused and cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineDown {
    /// Milliseconds since the host began.
    pub from_ms: u64,
    /// Milliseconds since the host began.
    pub to_ms: u64,
}

/// A `[[batch]]`: the host has a batch number of its own for a terminal it has not seen before.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnBatch {
    /// Field 41.
    pub tid: String,
    /// Field 60.2.
    pub number: u32,
}

/// A `[[verdict]]`: what a settlement is answered, whatever the books say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedVerdict {
    /// Only this terminal.
    pub tid: Option<String>,
    /// Only this batch.
    pub batch: Option<u32>,
    /// 1, 2 or 3; absent: as the books say.
    pub domestic: Option<u8>,
    /// 1, 2 or 3; absent: as the books say.
    pub foreign: Option<u8>,
}

/// A scenario. Every key may be absent; one that is not known is an error that names its line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What a repeat is answered with.
    pub repeat: Repeat,
    /// Field 39 of 0410 where the books have no such payment: 25, 00 or 12.
    pub reversal_without_original: String,
    /// Field 39 where 60.2 is not the terminal's batch.
    pub wrong_batch_code: String,
    /// Tries that a terminal makes before it may leave a reversal and go on.
    pub reversal_tries: u32,
    /// How long terminals wait: an answer delayed by more is a lost one.
    pub terminal_timeout_ms: u64,
    /// Before every answer.
    pub latency_ms: u64,
    /// Of a terminal not seen before.
    pub first_batch: u32,
    /// Length of the MAC keys issued.
    pub mak: MakForm,
    /// `hh:mm` from which F15 is the next day; absent: the calendar's.
    pub cutover: Option<String>,
    /// Serve refunds of payments that the books do not have.
    pub refund_unknown_original: bool,
    /// Answers other than 00.
    pub decline: Vec<Decline>,
    /// What is known of cards.
    pub card: Vec<Card>,
    /// When the line is down.
    pub line_down: Vec<LineDown>,
    /// Batch numbers of the host's own.
    pub batch: Vec<OwnBatch>,
    /// Settlements answered against the books.
    pub verdict: Vec<ForcedVerdict>,
    /// What goes wrong.
    pub fault: Vec<FaultRule>,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            repeat: Repeat::Same,
            reversal_without_original: "25".to_owned(),
            wrong_batch_code: "99".to_owned(),
            reversal_tries: 3,
            terminal_timeout_ms: 60_000,
            latency_ms: 0,
            first_batch: 1,
            mak: MakForm::Eight,
            cutover: None,
            refund_unknown_original: false,
            decline: Vec::new(),
            card: Vec::new(),
            line_down: Vec::new(),
            batch: Vec::new(),
            verdict: Vec::new(),
            fault: Vec::new(),
        }
    }
}

impl Scenario {
    /// Reads a scenario file's text. The error says what, where, and what is allowed.
    pub fn parse(text: &str) -> Result<Scenario, String> {
        let scenario: Scenario = read_data(text).map_err(|error| error.to_string())?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        let codes = self.decline.iter().map(|d| &d.code);
        for code in codes.chain([&self.reversal_without_original, &self.wrong_batch_code]) {
            if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(format!("code {code:?}: two letters or digits"));
            }
        }
        let digits = self.verdict.iter().flat_map(|v| [v.domestic, v.foreign]).flatten();
        if let Some(digit) = digits.into_iter().find(|digit| !(1..=3).contains(digit)) {
            return Err(format!("verdict {digit}: 1 balanced, 2 unbalanced, 3 error"));
        }
        let numbers = self.batch.iter().map(|b| b.number).chain([self.first_batch]);
        if let Some(number) = numbers.into_iter().find(|n| !(1..=999_999).contains(n)) {
            return Err(format!("batch {number}: 1 to 999999"));
        }
        if self.line_down.iter().any(|window| window.from_ms >= window.to_ms) {
            return Err("line_down: from_ms must be before to_ms".to_owned());
        }
        match &self.cutover {
            Some(text) if cutover_minute(text).is_none() => Err(format!("cutover {text:?}: hh:mm")),
            _ => Ok(()),
        }
    }

    /// Whether the line is down so many milliseconds after the host began.
    #[must_use]
    pub fn line_is_down(&self, elapsed_ms: u64) -> bool {
        self.line_down.iter().any(|window| (window.from_ms..window.to_ms).contains(&elapsed_ms))
    }
}

/// `hh:mm` as minutes of the day.
#[must_use]
pub fn cutover_minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_scenario_reads_and_an_unknown_key_names_its_line() {
        let text = r#"
            repeat = "94"
            cutover = "23:00"
            latency_ms = 20
            [[decline]]
            ending = 51
            code = "51"
            [[card]]
            pan = "6222"
            balance = 100
            [[line_down]]
            from_ms = 100
            to_ms = 200
            [[verdict]]
            domestic = 2
            [[fault]]
            on = "sale"
            nth = 3
            do = "drop_answer"
        "#;
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!((scenario.repeat, scenario.latency_ms), (Repeat::Duplicate, 20));
        assert!(scenario.line_is_down(100) && !scenario.line_is_down(200));
        let error = Scenario::parse("repeat = \"same\"\nlatencyms = 3\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("latencyms"), "{error}");
    }

    #[test]
    fn the_example_is_a_scenario() {
        let scenario = Scenario::parse(include_str!("example-scenario.toml")).unwrap();
        assert_eq!((scenario.fault.len(), scenario.decline.len()), (5, 2));
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for bad in [
            "cutover = \"25:00\"",
            "wrong_batch_code = \"9\"",
            "first_batch = 0",
            "[[verdict]]\ndomestic = 4",
            "[[line_down]]\nfrom_ms = 2\nto_ms = 2",
            "[[decline]]\ncode = \"！\"",
        ] {
            assert!(Scenario::parse(bad).is_err(), "{bad}");
        }
    }
}
