//! What a measurement found: a figure beside its limit or peer, and whether its target is met. One line of the table, one object of the JSON.

use std::fmt::Write as _;

use serde::Serialize;

/// One line.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was done.
    pub work: String,
    /// What it took, in `unit`.
    pub value: f64,
    /// The unit of `value` and `peer`.
    pub unit: &'static str,
    /// What it is held against, by name.
    pub beside: String,
    /// What that took in the same run.
    pub peer: Option<f64>,
    /// The target in words.
    pub target: String,
    /// Whether it is met; `None` where the figure is only reported.
    pub met: Option<bool>,
    /// How it was measured, where that is not plain.
    pub note: String,
}

impl Figure {
    /// A figure with nothing beside it.
    pub fn of(work: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure {
            work: work.into(),
            value,
            unit,
            beside: String::new(),
            peer: None,
            target: String::new(),
            met: None,
            note: String::new(),
        }
    }

    /// Beside a peer or a limit that was measured in the same run.
    pub fn beside(mut self, name: impl Into<String>, peer: f64) -> Figure {
        (self.beside, self.peer) = (name.into(), Some(peer));
        self
    }

    /// With its target, and whether it is met.
    pub fn target(mut self, words: impl Into<String>, met: bool) -> Figure {
        (self.target, self.met) = (words.into(), Some(met));
        self
    }

    /// With a word on how.
    pub fn note(mut self, note: impl Into<String>) -> Figure {
        self.note = note.into();
        self
    }
}

/// The table, as Markdown.
pub fn table(figures: &[Figure]) -> String {
    let mut text = String::from("| work | measured | beside | ratio | target | |\n|---|---|---|---|---|---|\n");
    for f in figures {
        let beside = f.peer.map_or_else(|| f.beside.clone(), |peer| format!("{}: {}", f.beside, amount(peer, f.unit)));
        let ratio = f.peer.filter(|p| *p > 0.0).map_or_else(String::new, |p| format!("{:.2}", f.value / p));
        let met = f.met.map_or("", |met| if met { "met" } else { "**not met**" });
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "| {} | {} | {beside} | {ratio} | {} | {met} |", f.work, amount(f.value, f.unit), f.target);
    }
    let missed = figures.iter().filter(|f| f.met == Some(false) && !f.note.is_empty());
    for (n, f) in missed.enumerate() {
        let _ = writeln!(text, "{}Not met: {}: {}.", if n == 0 { "\n" } else { "" }, f.work, f.note);
    }
    text
}

/// A number with as many digits as mean something.
fn amount(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$} {unit}")
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
