//! How a command fails: an exit code, and what people are told.

use std::path::Path;

use crate::core::domain::{Lang, Reject};
use crate::daemon::config::{ConfigError, Finding, Level};
use crate::daemon::exit::Exit;
use crate::io::http::client::ClientError;

/// The end of a command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub exit: Exit,
    pub text: String,
}

impl Failure {
    pub fn new(exit: Exit, text: impl Into<String>) -> Failure {
        Failure { exit, text: text.into() }
    }

    /// Nobody reads any more: no failure, nothing to say.
    pub fn quiet() -> Failure {
        Failure::new(Exit::Ok, "")
    }

    /// What the API said, or that there is none.
    pub fn client(error: ClientError, lang: Lang) -> Failure {
        let exit = match &error {
            ClientError::Refused(problem) => {
                return Failure::new(Exit::of_refusal(problem.status, &problem.code), problem.in_lang(lang));
            }
            ClientError::NotRunning(_, e) if e.kind() == std::io::ErrorKind::PermissionDenied => Exit::NoPerm,
            ClientError::NotRunning(..) => Exit::Unavailable,
            ClientError::Timeout => Exit::TempFail,
            ClientError::Broken(_) => Exit::Unavailable,
            ClientError::Shape { .. } => Exit::Software,
        };
        Failure::new(exit, error.to_string())
    }

    /// What the API would say.
    pub fn refused(reject: &Reject, lang: Lang) -> Failure {
        let exit = Exit::of_refusal(reject.refusal.status(), reject.refusal.code());
        Failure::new(exit, reject.sentence().in_lang(lang))
    }

    /// Everything that is wrong with a configuration, a line each.
    pub fn config(error: &ConfigError, lang: Lang) -> Failure {
        let exit = if error.unreadable { Exit::NoInput } else { Exit::Config };
        Failure::new(exit, findings(&error.path, &error.findings, lang))
    }
}

/// Findings for people, a line each, errors first.
pub(super) fn findings(path: &Path, findings: &[Finding], lang: Lang) -> String {
    let mut out = format!("{}\n", path.display());
    for finding in findings {
        let level = match (finding.level, lang) {
            (Level::Error, Lang::Zh) => "错误",
            (Level::Error, Lang::En) => "error",
            (Level::Warning, Lang::Zh) => "注意",
            (Level::Warning, Lang::En) => "warning",
        };
        out.push_str(&format!("  {level}  {}\n", finding.text(lang)));
    }
    out
}
