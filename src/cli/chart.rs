//! What was looked at, line by line, with how bad each is: for commands that examine (`doctor`, `qualify`).

use crate::core::domain::{Lang, Sentence};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Grade {
    /// In order.
    Good,
    /// It goes on, and somebody should do something.
    Note,
    /// It does not do as it is.
    Bad,
}

/// One thing looked at.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Seen {
    grade: Grade,
    area: Sentence,
    what: Sentence,
}

/// What was looked at, in order.
#[derive(Debug, Default)]
pub(super) struct Chart(Vec<Seen>);

impl Chart {
    /// Adds a line: what it is about, and what was found.
    pub fn add(&mut self, grade: Grade, area: (&str, &str), zh: impl Into<String>, en: impl Into<String>) {
        let area = Sentence::new(area.0, area.1);
        self.0.push(Seen { grade, area, what: Sentence::new(zh, en) });
    }

    /// Nothing is bad.
    pub fn in_order(&self) -> bool {
        self.0.iter().all(|seen| seen.grade != Grade::Bad)
    }

    /// The lines, as data.
    pub fn seen(&self) -> &[Seen] {
        &self.0
    }

    /// The lines, for people.
    pub fn lines(&self, lang: Lang) -> String {
        let mut text = String::new();
        for seen in &self.0 {
            let mark = match (seen.grade, lang) {
                (Grade::Good, Lang::Zh) => "正常",
                (Grade::Note, Lang::Zh) => "注意",
                (Grade::Bad, Lang::Zh) => "故障",
                (Grade::Good, Lang::En) => "ok   ",
                (Grade::Note, Lang::En) => "note ",
                (Grade::Bad, Lang::En) => "WRONG",
            };
            let colon = if lang == Lang::Zh { "：" } else { ": " };
            text.push_str(&format!("{mark}  {}{colon}{}\n", seen.area.in_lang(lang), seen.what.in_lang(lang)));
        }
        text
    }
}
