//! Looks at the files that the configuration names: are they there, and closed to others?
//!
//! Only looks. A key's contents are read to see that they are a key, and wiped.

use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Access, access};
use zeroize::Zeroizing;

use super::finding::Finding;
use super::money::money;
use super::{Config, TerminalConfig};
use crate::core::acquirer::Profile;
use crate::core::domain::Sentence;
use crate::daemon::marking::medium_is_there;

/// An acquirer's dialect: one that ships, by its name; any other, by its path.
pub(super) fn profile(base: &Path, text: &str) -> Result<Arc<Profile>, Sentence> {
    let bad = |e: &dyn std::fmt::Display| Sentence::new(format!("收单协议不可用：{e}"), e.to_string());
    if !text.contains('/') && !text.ends_with(".toml") {
        return Profile::builtin(text).map(Arc::new).map_err(|e| bad(&e));
    }
    let path = base.join(text);
    let toml = std::fs::read_to_string(&path).map_err(|e| bad(&format!("{}: {e}", path.display())))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Profile::parse(&name, &toml).map(Arc::new).map_err(|e| bad(&format!("{}: {e}", path.display())))
}

/// Everything about the named files that keeps the daemon from starting, or that people should know.
#[must_use]
pub fn check_files(config: &Config) -> Vec<Finding> {
    let mut out = Vec::new();
    data_dir(&config.data.dir, &mut out);
    match &config.data.key_file {
        Some(path) => {
            data_key(path, !config.data.dir.join("tilld.sqlite").exists(), &mut out);
        }
        None if std::env::var_os("CREDENTIALS_DIRECTORY").is_some() => {}
        None => out.push(warn(
            "data.key_file",
            "未设置：密钥将放在数据旁边，拿走磁盘的人两者都有。请放到别处并设此项",
            "is not set: the key will lie beside the data, and whoever takes the disk has both. Put it elsewhere and name it here",
        )),
    }
    mark(config, &mut out);
    if let Some(path) = &config.api.token_file {
        secret_file(TOKEN, path, &mut out);
    }
    tls(config, &mut out);
    for (index, terminal) in config.terminals.iter().enumerate() {
        master_key(index, terminal, &mut out);
    }
    for (index, reader) in config.readers.iter().enumerate() {
        port(&format!("reader[{}].port", index + 1), &reader.port, &mut out);
    }
    for (index, printer) in config.printers.iter().enumerate() {
        port(&format!("printer[{}].port", index + 1), &printer.port, &mut out);
        if let Err(what) = printer.logo() {
            // Receipts go out without it.
            out.push(warn(&format!("printer[{}].logo", index + 1), what.zh, what.en));
        }
    }
    money(config, crate::io::clock::wall(), &mut out);
    if config.offline.is_none() {
        out.push(warn("[offline]", "未设置：断网时不收卡", "is absent: without a line no card is taken"));
    }
    out
}

pub(super) fn warn(key: &str, zh: impl Into<String>, en: impl Into<String>) -> Finding {
    Finding::warning(None, key, Sentence::new(zh, en))
}

pub(super) fn error(key: &str, zh: impl Into<String>, en: impl Into<String>) -> Finding {
    Finding::error(None, key, Sentence::new(zh, en))
}

/// The nearest folder above that exists.
fn existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|p| p.exists())
}

fn data_dir(dir: &Path, out: &mut Vec<Finding>) {
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => {
            out.push(error("data.dir", format!("{shown} 不是目录"), format!("{shown} is not a folder")));
        }
        Ok(meta) => {
            if meta.mode() & 0o007 != 0 {
                out.push(warn(
                    "data.dir",
                    format!("{shown} 对所有用户开放，请执行 chmod 750 {shown}"),
                    format!("{shown} is open to everybody: chmod 750 {shown}"),
                ));
            }
            if rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_err() {
                out.push(error(
                    "data.dir",
                    format!("{shown} 不可写，请检查属主和权限"),
                    format!("{shown} cannot be written to: check its owner and permissions"),
                ));
            }
        }
        Err(_) => {
            let writable = existing(dir).is_some_and(|p| access(p, Access::WRITE_OK).is_ok());
            if !writable {
                out.push(error(
                    "data.dir",
                    format!("{shown} 不存在且无法创建，请先建好"),
                    format!("{shown} does not exist and cannot be made: make it first"),
                ));
            }
        }
    }
}

const TOKEN: &str = "api.token_file";

/// A file that nobody else may read. Gives whether it is there.
pub(super) fn secret_file(key: &str, path: &Path, out: &mut Vec<Finding>) -> bool {
    let shown = path.display();
    let Ok(meta) = std::fs::metadata(path) else {
        if !path.parent().is_some_and(Path::is_dir) {
            out.push(error(
                key,
                format!("{shown} 所在目录不存在，请先建好"),
                format!("the folder of {shown} does not exist: make it first"),
            ));
        }
        return false;
    };
    if !meta.is_file() {
        out.push(error(key, format!("{shown} 不是普通文件"), format!("{shown} is not a regular file")));
        return false;
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.mode() & 0o077 != 0 {
        // The daemon closes its own key file by itself; what others may write, or own, it refuses, and a token that others may read.
        let closes = key != TOKEN && meta.mode() & 0o022 == 0 && meta.uid() == me;
        let finding = if closes { warn } else { error };
        out.push(finding(
            key,
            format!("{shown} 的权限为 {:04o}，其他用户可读，请执行 chmod 600 {shown}", meta.mode() & 0o7777),
            format!("{shown} has mode {:04o}: others can read it. chmod 600 {shown}", meta.mode() & 0o7777),
        ));
    }
    // Named here, where a person looks, and not by a service that does not start.
    if let Err(why) = std::fs::File::open(path) {
        out.push(error(
            key,
            format!("{shown} 读不了（{why}）：请执行 chown tilld:tilld {shown}"),
            format!("{shown} cannot be read ({why}): chown tilld:tilld {shown}"),
        ));
        return true;
    }
    if meta.uid() != me && meta.uid() != 0 {
        out.push(error(
            key,
            format!("{shown} 属于另一用户（uid {}），请改属主", meta.uid()),
            format!("{shown} belongs to another user (uid {}): change its owner", meta.uid()),
        ));
    }
    true
}

/// A named key is made for a new store only: cards and day keys of an old one are sealed under the key that it had.
fn data_key(path: &Path, fresh: bool, out: &mut Vec<Finding>) {
    let before = out.len();
    if !secret_file("data.key_file", path, out) && out.len() == before {
        let shown = path.display();
        if fresh {
            out.push(warn(
                "data.key_file",
                format!("{shown} 不存在：首次启动时生成"),
                format!("{shown} does not exist: it is made at the first start"),
            ));
            return;
        }
        out.push(error(
            "data.key_file",
            format!("{shown} 不存在：本店的卡和日密钥都以它密封，请从保存处放回（新生成的打不开任何数据）"),
            format!(
                "{shown} is missing: this store's cards and day keys are sealed under it. Put it back from where it was kept; a new one opens nothing"
            ),
        ));
    }
}

fn mark(config: &Config, out: &mut Vec<Finding>) {
    let Some(path) = &config.data.mark_file else {
        out.push(warn(
            "data.mark_file",
            "未设置：恢复旧磁盘镜像或丢失日志尾部时无法察觉。请设在另一介质上",
            "is not set: a restored disk image or a lost tail of the log cannot be seen. Put it on another medium",
        ));
        return;
    };
    let device = |p: &Path| existing(p).and_then(|p| std::fs::metadata(p).ok()).map(|m| m.dev());
    if device(path) == device(&config.data.dir) {
        out.push(warn(
            "data.mark_file",
            "与数据在同一文件系统：恢复旧镜像时会一同回退。请放到另一介质",
            "lies on the same file system as the data: a restored image takes it along. Put it on another medium",
        ));
    }
    let shown = path.display();
    let folder = path.parent().filter(|folder| folder.is_dir());
    let may_write = |at: &Path| access(at, Access::WRITE_OK);
    match folder.map(|folder| may_write(if path.exists() { path } else { folder })) {
        None => out.push(warn(
            "data.mark_file",
            format!("{shown} 所在目录不存在，请先建好或挂载"),
            format!("the folder of {shown} does not exist: make or mount it first"),
        )),
        Some(Err(why)) => out.push(warn(
            "data.mark_file",
            format!("{shown} 写不了（{why}）：没有标记也能营业，但还原旧镜像无法察觉；请检查挂载和属主"),
            format!("{shown} cannot be written ({why}): the till sells without it, and a restored image is not seen. Check mount and owner"),
        )),
        Some(Ok(())) if !medium_is_there(config) => out.push(warn(
            "data.mark_file",
            format!("{shown} 不在原来的介质上：请先挂载；若已更换介质，下次启动后即可识别"),
            format!("{shown} is not on the medium that held the mark: mount it; one that was replaced is known from the next start on"),
        )),
        Some(Ok(())) => {}
    }
}

/// Reads the certificates as the link will: what would fail at the first connection is said now.
fn tls(config: &Config, out: &mut Vec<Finding>) {
    let acquirer = &config.acquirer;
    let Some(ca_file) = acquirer.ca_file.as_ref().filter(|_| acquirer.endpoint.tls) else { return };
    if let Some((_, key)) = &acquirer.client {
        secret_file("acquirer.client_key", key, out);
    }
    let name = acquirer.server_name.as_deref().unwrap_or(&acquirer.endpoint.host);
    let client = acquirer.client.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
    if let Err(e) = crate::io::link::Tls::load(ca_file, name, client) {
        out.push(error(
            "acquirer.ca_file",
            format!("证书不可用：{e}"),
            format!("the certificates cannot be used: {e}"),
        ));
    }
}

/// A credential of this name that systemd has handed over.
pub(super) fn credential(name: &str) -> Option<std::path::PathBuf> {
    let path = std::path::PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    path.exists().then_some(path)
}

fn master_key(index: usize, terminal: &TerminalConfig, out: &mut Vec<Finding>) {
    let key = format!("terminal[{}].master_key_file", index + 1);
    let Some(path) = &terminal.master_key_file else { return };
    let shown = path.display();
    let before = out.len();
    if !secret_file(&key, path, out) {
        if out.len() == before {
            out.push(error(
                &key,
                format!("{shown} 不存在。请放入收单机构下发的主密钥（32 位十六进制）"),
                format!("{shown} does not exist. Put the acquirer's master key into it (32 hex digits)"),
            ));
        }
        return;
    }
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(path).and_then(|f| f.take(256).read_to_string(&mut text));
    let good = text.trim().len() == 32 && text.trim().bytes().all(|b| b.is_ascii_hexdigit());
    match read {
        Err(e) => out.push(error(&key, format!("{shown} 无法读取：{e}"), format!("{shown} cannot be read: {e}"))),
        Ok(_) if !good => out.push(error(
            &key,
            format!("{shown} 的内容不是 32 位十六进制数字"),
            format!("{shown} does not hold 32 hex digits"),
        )),
        Ok(_) => {}
    }
}

fn port(key: &str, path: &Path, out: &mut Vec<Finding>) {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(_) => out.push(warn(
            key,
            format!("{shown} 现在不在，请检查插头；插上后自动使用"),
            format!("{shown} is not there now: check the plug. It is used as soon as it appears"),
        )),
        Ok(meta) if !meta.file_type().is_char_device() => {
            out.push(error(key, format!("{shown} 不是串口设备"), format!("{shown} is not a serial port")));
        }
        Ok(_) => {
            let both = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
            if rustix::fs::access(path, both).is_err() {
                out.push(error(
                    key,
                    format!("无权使用 {shown}，请把运行用户加入 dialout 组"),
                    format!("{shown} may not be used: add the user to the group dialout"),
                ));
            }
        }
    }
}
