//! `tilld backup`, `restore`, `salvage`, `keys rotate`: what a technician does with a store.

use super::args::{BackupArgs, RestoreArgs, RotateArgs, SalvageArgs};
use super::failure::Failure;
use super::{out, progress};
use crate::core::domain::Lang;
use crate::core::ports::StoreError;
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;
use crate::daemon::keeping::{self, KeepError};

fn failed(error: KeepError) -> Failure {
    let exit = match &error {
        KeepError::Store(StoreError::Unusable(_)) => Exit::TempFail,
        KeepError::Store(_) | KeepError::File(..) => Exit::Io,
        KeepError::Vault(_) => Exit::NoPerm,
        KeepError::Refused(_) => Exit::Data,
    };
    Failure::new(exit, error.to_string())
}

fn say(lang: Lang, zh: String, en: String) -> Result<Exit, Failure> {
    out::text(&match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })?;
    Ok(Exit::Ok)
}

/// Beside the running daemon.
pub(super) fn backup(config: &Config, args: &BackupArgs) -> Result<Exit, Failure> {
    let head =
        progress::during(word(config, "备份", "copying"), || keeping::backup(config, &args.file)).map_err(failed)?;
    let file = args.file.display();
    say(
        config.store.lang,
        format!("已备份到 {file}，至日志第 {head} 行，已校验。数据密钥不在其中，请另存他处"),
        format!("copied to {file}, up to row {head}, and checked. The data key is not in it: keep that elsewhere"),
    )
}

fn word(config: &Config, zh: &'static str, en: &'static str) -> &'static str {
    if config.store.lang == Lang::Zh { zh } else { en }
}

/// While no daemon runs.
pub(super) fn restore(config: &Config, args: &RestoreArgs) -> Result<Exit, Failure> {
    let kept =
        progress::during(word(config, "恢复", "restoring"), || keeping::restore(config, &args.file, args.roll_back))
            .map_err(failed)?;
    let (zh, en) = match kept {
        Some(old) => {
            (format!("；原数据保留在 {}", old.display()), format!("; the old store is kept at {}", old.display()))
        }
        None => (String::new(), String::new()),
    };
    say(config.store.lang, format!("已恢复{zh}"), format!("restored{en}"))
}

/// While no daemon runs. Changes nothing of the store; 1 where rows are lost or the chain is broken.
pub(super) fn salvage(config: &Config, args: &SalvageArgs) -> Result<Exit, Failure> {
    let saved =
        progress::during(word(config, "抢救", "salvaging"), || keeping::salvage(config, &args.dir)).map_err(failed)?;
    let dir = args.dir.display();
    say(
        config.store.lang,
        format!(
            "{dir}：原样保存 {} 个文件及其校验和；可读 {} 行，不可读 {} 行，链条完整至第 {} 行",
            saved.files, saved.rows, saved.lost, saved.whole_until
        ),
        format!(
            "{dir}: {} files kept as they were, with their sums; {} rows read, {} do not, the chain is whole up to row {}",
            saved.files, saved.rows, saved.lost, saved.whole_until
        ),
    )?;
    Ok(if saved.lost == 0 && saved.whole_until.0 == saved.rows { Exit::Ok } else { Exit::Findings })
}

/// While no daemon runs.
pub(super) fn rotate(config: &Config, args: &RotateArgs) -> Result<Exit, Failure> {
    let (cards, place) = keeping::rotate_keys(config, args.out.as_deref()).map_err(failed)?;
    let place = place.display();
    say(
        config.store.lang,
        format!(
            "新数据密钥在 {place}，{cards} 张待用卡片已改用新密钥密封；请妥善保存。旧密钥已抹去，旧备份不能再用：请现在重做备份"
        ),
        format!(
            "the new data key is {place}; {cards} cards are sealed under it. Keep it. The old one is wiped and opens no older copy of the store any more: make a new copy now"
        ),
    )
}
