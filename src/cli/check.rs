//! `tilld check`: everything that is wrong with the configuration and the files that it names, and what to do.

use std::path::Path;

use super::failure::{Failure, findings};
use super::{env_lang, out};
use crate::daemon::config::{Config, Finding, Level};
use crate::daemon::exit::Exit;

/// Errors end with EX_CONFIG, warnings do not.
pub(super) fn check(path: &Path, json: bool) -> Result<Exit, Failure> {
    let (lang, list, exit) = match Config::load(path) {
        Ok((config, list)) => (config.store.lang, list, Exit::Ok),
        Err(e) => (env_lang(), e.findings, if e.unreadable { Exit::NoInput } else { Exit::Config }),
    };
    if json {
        out::json(&serde_json::json!({
            "file": path.display().to_string(),
            "ok": exit == Exit::Ok,
            "findings": list,
        }))?;
        return Ok(exit);
    }
    let errors = count(&list, Level::Error);
    let warnings = count(&list, Level::Warning);
    let mut text = findings(path, &list, lang);
    text.push_str(&match (lang, exit == Exit::Ok) {
        (crate::core::domain::Lang::Zh, true) => format!("可以启动；注意事项 {warnings} 条\n"),
        (crate::core::domain::Lang::Zh, false) => format!("不能启动：错误 {errors} 条，注意事项 {warnings} 条\n"),
        (crate::core::domain::Lang::En, true) => format!("ready to start; {warnings} to note\n"),
        (crate::core::domain::Lang::En, false) => format!("cannot start: {errors} wrong, {warnings} to note\n"),
    });
    out::text(&text)?;
    Ok(exit)
}

fn count(list: &[Finding], level: Level) -> usize {
    list.iter().filter(|f| f.level == level).count()
}
