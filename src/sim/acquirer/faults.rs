//! What the host does wrong on purpose: rules by message, count, time, terminal and amount, and single faults ordered at run time.
//!
//! Only chooses a fault; what a fault does stands in `host.rs`. Deterministic: the same seed and the same messages give the same faults.

use std::collections::VecDeque;

use serde::Deserialize;

use super::dialect::Kind;

/// How an answer is spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spoil {
    /// Field 64 is wrong.
    Mac,
    /// No field 64.
    NoMac,
    /// A whole frame of bytes that are no message.
    Garbage,
    /// The frame stops in the middle, and the connection goes.
    Truncate,
    /// Another field 11.
    Stan,
    /// Another field 4.
    Amount,
    /// Another field 41.
    Terminal,
    /// Another field 42.
    Merchant,
}

/// One thing done wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The message is lost before it is booked.
    DropRequest,
    /// Booked; the answer is lost.
    DropAnswer,
    /// Booked; the answer comes after so many milliseconds.
    Delay(u64),
    /// Booked; the answer comes so many times more.
    RepeatAnswer(u32),
    /// Not booked; answered with this code.
    Refuse(String),
    /// Booked as if approved; answered with this code all the same.
    OddCode(String),
    /// Booked; the answer is spoiled.
    Spoil(Spoil),
    /// The connection goes before booking.
    DisconnectBefore,
    /// Booked; the connection goes without an answer.
    DisconnectAfter,
    /// The answer's bytes come one by one.
    Split,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    DropRequest,
    DropAnswer,
    Delay,
    RepeatAnswer,
    Refuse,
    OddCode,
    Spoil,
    DisconnectBefore,
    DisconnectAfter,
    Split,
}

/// One or several message kinds.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Kinds {
    One(Kind),
    Many(Vec<Kind>),
}

/// A `[[fault]]` of a scenario. A condition that is absent holds for everything; without `on` a rule is for payments.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    on: Option<Kinds>,
    tid: Option<String>,
    amount: Option<i64>,
    stan: Option<u32>,
    after_ms: Option<u64>,
    before_ms: Option<u64>,
    nth: Option<u64>,
    every: Option<u64>,
    per_mille: Option<u64>,
    count: Option<u64>,
    #[serde(rename = "do")]
    act: Act,
    ms: Option<u64>,
    times: Option<u32>,
    code: Option<String>,
    spoil: Option<Spoil>,
}

/// A rule: when, and what.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawRule")]
pub struct FaultRule {
    kinds: Option<Vec<Kind>>,
    tid: Option<String>,
    amount: Option<i64>,
    stan: Option<u32>,
    window_ms: (u64, u64),
    nth: Option<u64>,
    every: Option<u64>,
    per_mille: Option<u64>,
    count: Option<u64>,
    fault: Fault,
    seen: u64,
    done: u64,
}

impl TryFrom<RawRule> for FaultRule {
    type Error = String;

    fn try_from(raw: RawRule) -> Result<FaultRule, String> {
        let unused = |given: bool, name: &str| match given {
            true => Err(format!("`{name}` means nothing with do = {:?}", raw.act)),
            false => Ok(()),
        };
        unused(raw.ms.is_some() && raw.act != Act::Delay, "ms")?;
        unused(raw.times.is_some() && raw.act != Act::RepeatAnswer, "times")?;
        unused(raw.code.is_some() && !matches!(raw.act, Act::Refuse | Act::OddCode), "code")?;
        unused(raw.spoil.is_some() && raw.act != Act::Spoil, "spoil")?;
        let code =
            || raw.code.clone().filter(|c| c.len() == 2 && c.is_ascii()).ok_or("this needs `code`, two characters");
        let fault = match raw.act {
            Act::DropRequest => Fault::DropRequest,
            Act::DropAnswer => Fault::DropAnswer,
            Act::Delay => Fault::Delay(raw.ms.ok_or("do = \"delay\" needs `ms`")?),
            Act::RepeatAnswer => Fault::RepeatAnswer(raw.times.unwrap_or(1).clamp(1, 16)),
            Act::Refuse => Fault::Refuse(code()?),
            Act::OddCode => Fault::OddCode(code()?),
            Act::Spoil => Fault::Spoil(raw.spoil.ok_or("do = \"spoil\" needs `spoil`")?),
            Act::DisconnectBefore => Fault::DisconnectBefore,
            Act::DisconnectAfter => Fault::DisconnectAfter,
            Act::Split => Fault::Split,
        };
        if raw.every == Some(0) || raw.nth == Some(0) || raw.per_mille.is_some_and(|p| p > 1000) {
            return Err("`nth` and `every` count from 1, `per_mille` goes to 1000".to_owned());
        }
        Ok(FaultRule {
            kinds: raw.on.map(|kinds| match kinds {
                Kinds::One(kind) => vec![kind],
                Kinds::Many(kinds) => kinds,
            }),
            tid: raw.tid,
            amount: raw.amount,
            stan: raw.stan,
            window_ms: (raw.after_ms.unwrap_or(0), raw.before_ms.unwrap_or(u64::MAX)),
            nth: raw.nth,
            every: raw.every,
            per_mille: raw.per_mille,
            count: raw.count,
            fault,
            seen: 0,
            done: 0,
        })
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The message.
    pub kind: Kind,
    /// Field 41.
    pub tid: &'a str,
    /// Field 11.
    pub stan: u32,
    /// Field 4, where it is there.
    pub amount: Option<i64>,
    /// Milliseconds since the host began.
    pub elapsed_ms: u64,
}

impl FaultRule {
    /// Always this fault, for these kinds (none named: every payment), so many times.
    #[must_use]
    pub fn always(kinds: &[Kind], fault: Fault, count: Option<u64>) -> FaultRule {
        FaultRule {
            kinds: (!kinds.is_empty()).then(|| kinds.to_vec()),
            tid: None,
            amount: None,
            stan: None,
            window_ms: (0, u64::MAX),
            nth: None,
            every: None,
            per_mille: None,
            count,
            fault,
            seen: 0,
            done: 0,
        }
    }

    /// Only for this terminal.
    #[must_use]
    pub fn at(mut self, tid: &str) -> FaultRule {
        self.tid = Some(tid.to_owned());
        self
    }

    fn pick(&mut self, seed: u64, number: usize, seen: Seen) -> Option<Fault> {
        let kind = self.kinds.as_ref().map_or(seen.kind.is_payment(), |kinds| kinds.contains(&seen.kind));
        let matches = kind
            && self.tid.as_deref().is_none_or(|tid| tid == seen.tid)
            && self.amount.is_none_or(|amount| Some(amount) == seen.amount)
            && self.stan.is_none_or(|stan| stan == seen.stan)
            && (self.window_ms.0..self.window_ms.1).contains(&seen.elapsed_ms);
        if !matches {
            return None;
        }
        self.seen += 1;
        let due = self.nth.is_none_or(|nth| nth == self.seen)
            && self.every.is_none_or(|every| self.seen.is_multiple_of(every))
            && self.per_mille.is_none_or(|chance| draw(seed, number, self.seen) < chance)
            && self.count.is_none_or(|count| self.done < count);
        if !due {
            return None;
        }
        self.done += 1;
        Some(self.fault.clone())
    }
}

/// A number below 1000 from the seed, the rule and its count (splitmix64).
fn draw(seed: u64, rule: usize, count: u64) -> u64 {
    let mut x = seed ^ (rule as u64).rotate_left(32) ^ count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) % 1000
}

/// All rules, and what was ordered at run time.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    seed: u64,
    rules: Vec<FaultRule>,
    next: VecDeque<Fault>,
}

impl Faults {
    /// From a scenario's rules.
    #[must_use]
    pub fn new(seed: u64, rules: Vec<FaultRule>) -> Faults {
        Faults { seed, rules, next: VecDeque::new() }
    }

    /// For the next payment that comes, before any rule is asked. At most 1,000 wait.
    pub fn next_payment(&mut self, fault: Fault) {
        if self.next.len() < 1000 {
            self.next.push_back(fault);
        }
    }

    /// One rule more.
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    /// Forgets all rules and orders.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.next.clear();
    }

    /// The fault for a message, if any: the first rule that is due; every rule counts.
    pub fn pick(&mut self, seen: Seen) -> Option<Fault> {
        let ordered = if seen.kind.is_payment() { self.next.pop_front() } else { None };
        let mut picked = ordered;
        for (number, rule) in self.rules.iter_mut().enumerate() {
            let fault = rule.pick(self.seed, number, seen);
            picked = picked.or(fault);
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Rules {
        fault: Vec<FaultRule>,
    }

    fn rules(text: &str) -> Result<Faults, String> {
        crate::core::domain::read_data::<Rules>(text)
            .map(|rules| Faults::new(1, rules.fault))
            .map_err(|error| error.to_string())
    }

    fn sale(amount: i64, elapsed_ms: u64) -> Seen<'static> {
        Seen { kind: Kind::Sale, tid: "12345678", stan: 1, amount: Some(amount), elapsed_ms }
    }

    #[test]
    fn a_rule_counts_only_what_it_is_about() {
        let text = "[[fault]]\non = \"sale\"\nnth = 2\ndo = \"drop_answer\"\n[[fault]]\non = [\"void\", \"settle\"]\ndo = \"delay\"\nms = 5";
        let mut faults = rules(text).unwrap();
        assert_eq!(faults.pick(sale(1, 0)), None);
        assert_eq!(faults.pick(Seen { kind: Kind::Settle, ..sale(1, 0) }), Some(Fault::Delay(5)));
        assert_eq!(faults.pick(sale(1, 0)), Some(Fault::DropAnswer));
        assert_eq!(faults.pick(sale(1, 0)), None);
    }

    #[test]
    fn windows_amounts_and_counts() {
        let text = "[[fault]]\nafter_ms = 10\nbefore_ms = 20\namount = 7\ncount = 1\ndo = \"refuse\"\ncode = \"ZZ\"";
        let mut faults = rules(text).unwrap();
        for (amount, at) in [(7, 9), (7, 20), (8, 10)] {
            assert_eq!(faults.pick(sale(amount, at)), None);
        }
        assert_eq!(faults.pick(sale(7, 10)), Some(Fault::Refuse("ZZ".into())));
        assert_eq!(faults.pick(sale(7, 11)), None);
    }

    #[test]
    fn what_is_ordered_comes_first_and_only_for_payments() {
        let mut faults = Faults::default();
        faults.next_payment(Fault::Split);
        assert_eq!(faults.pick(Seen { kind: Kind::SignOn, ..sale(1, 0) }), None);
        assert_eq!(faults.pick(sale(1, 0)), Some(Fault::Split));
        assert_eq!(faults.pick(sale(1, 0)), None);
    }

    #[test]
    fn chance_is_the_seeds_and_near_its_rate() {
        let text = "[[fault]]\nper_mille = 200\ndo = \"drop_answer\"";
        let count = |mut faults: Faults| (0..1000).filter(|_| faults.pick(sale(1, 0)).is_some()).count();
        let (first, again) = (count(rules(text).unwrap()), count(rules(text).unwrap()));
        assert_eq!(first, again);
        assert!((150..250).contains(&first), "{first}");
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        for bad in [
            "do = \"delay\"",
            "do = \"refuse\"\ncode = \"1\"",
            "do = \"split\"\nms = 3",
            "do = \"split\"\nwhen = 3",
            "nth = 0\ndo = \"split\"",
        ] {
            assert!(rules(&format!("[[fault]]\n{bad}")).is_err(), "{bad}");
        }
    }
}
