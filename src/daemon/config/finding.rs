//! What `check` says: each with its place, what is wrong, and what to do.

use std::cell::RefCell;

use crate::core::domain::{Lang, Sentence};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The daemon does not start.
    Error,
    /// It starts, and somebody should know.
    Warning,
}

/// One thing found in the configuration or the files that it names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// The line in the configuration file, from 1.
    pub line: Option<usize>,
    /// Which key: `store.id`, `terminal[2].tid`; empty for the file as a whole.
    pub key: String,
    /// What is wrong and what to do.
    pub what: Sentence,
}

impl Finding {
    /// Something that keeps the daemon from starting.
    #[must_use]
    pub fn error(line: Option<usize>, key: impl Into<String>, what: Sentence) -> Finding {
        Finding { level: Level::Error, line, key: key.into(), what }
    }

    /// Something to know.
    #[must_use]
    pub fn warning(line: Option<usize>, key: impl Into<String>, what: Sentence) -> Finding {
        Finding { level: Level::Warning, line, key: key.into(), what }
    }

    /// One line for people: `line 12: store.id: …`.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let mut out = String::new();
        if let Some(line) = self.line {
            out.push_str(&match lang {
                Lang::Zh => format!("第 {line} 行："),
                Lang::En => format!("line {line}: "),
            });
        }
        if !self.key.is_empty() {
            out.push_str(&self.key);
            out.push_str(if lang == Lang::Zh { "：" } else { ": " });
        }
        out.push_str(self.what.in_lang(lang));
        out
    }
}

/// Collects findings while several readers are under way.
#[derive(Debug, Default)]
pub(super) struct Findings(RefCell<Vec<Finding>>);

impl Findings {
    pub fn add(&self, finding: Finding) {
        self.0.borrow_mut().push(finding);
    }

    /// In the order of the file.
    pub fn into_sorted(self) -> Vec<Finding> {
        let mut list = self.0.into_inner();
        list.sort_by_key(|f| (f.level, f.line.unwrap_or(usize::MAX)));
        list
    }
}
