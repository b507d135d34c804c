//! What the machine itself must have: a clock that is right, a disk with room that keeps what it is told to keep.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Chart, Grade};
use crate::daemon::config::Config;
use crate::daemon::start::DATABASE;
use crate::io::clock::{Clock, wall};

pub(super) const STORAGE: (&str, &str) = ("存储", "storage");
const CLOCK: (&str, &str) = ("时钟", "clock");

/// 2025-01-01T00:00:00Z: no till of this program is older.
const EARLIEST_MS: i64 = 1_735_689_600_000;
/// The store's newest file may be so much newer than the clock.
const SLACK_S: i64 = 60;
/// Below this much room nothing more is written.
const FULL: u64 = 20 << 20;
/// Below this much room somebody should look.
const TIGHT: u64 = 200 << 20;
/// A sync that takes longer makes customers wait.
const SLOW_MS: u64 = 200;
const SYNCS: u32 = 5;

/// Whether the clock can be right.
pub(super) fn clock(config: &Config, chart: &mut Chart) {
    let now = wall();
    let newest = std::fs::metadata(config.data.dir.join(DATABASE)).map(|m| m.mtime()).unwrap_or(0);
    let fix = (
        "请校准（timedatectl set-ntp true）并检查主板电池",
        "set it (timedatectl set-ntp true) and check the board's battery",
    );
    if now.0 < EARLIEST_MS {
        let (zh, en) = fix;
        return chart.add(Grade::Bad, CLOCK, format!("早于 2025 年，{zh}"), format!("says a year before 2025: {en}"));
    }
    if newest > now.0 / 1_000 + SLACK_S {
        let (zh, en) = fix;
        return chart.add(
            Grade::Bad,
            CLOCK,
            format!("比数据文件还早，曾被往回拨：{zh}"),
            format!("is behind the newest data, it went back: {en}"),
        );
    }
    let synced = Path::new("/run/systemd/timesync/synchronized").exists();
    let chrony = Path::new("/run/chrony").exists();
    if synced || chrony {
        chart.add(Grade::Good, CLOCK, "已与网络时间同步", "synchronized with the network's time");
    } else {
        chart.add(
            Grade::Note,
            CLOCK,
            "未见网络校时，自动日切可能等待人工确认。请执行 timedatectl set-ntp true",
            "no network time seen: the automatic day cut may wait for a manager. timedatectl set-ntp true",
        );
    }
}

/// Whether the data's disk has room, and how long it takes to keep a row.
pub(super) fn storage(config: &Config, chart: &mut Chart) {
    let dir = &config.data.dir;
    let shown = dir.display();
    let place = dir.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(place) {
        Ok(fs) => {
            let free = fs.f_bavail.saturating_mul(fs.f_frsize);
            let mib = free >> 20;
            let (grade, zh, en) = match free {
                _ if free < FULL => (Grade::Bad, "已满，请清理或更换磁盘", "full: make room or replace the disk"),
                _ if free < TIGHT => (Grade::Note, "将满，请清理", "nearly full: make room"),
                _ => (Grade::Good, "充足", "enough"),
            };
            chart.add(
                grade,
                STORAGE,
                format!("{shown} 剩余 {mib} MiB，{zh}"),
                format!("{shown} has {mib} MiB left, {en}"),
            );
        }
        Err(error) => chart.add(
            Grade::Note,
            STORAGE,
            format!("{shown} 余量无法读取：{error}"),
            format!("the room in {shown} cannot be read: {error}"),
        ),
    }
    if !dir.is_dir() {
        return;
    }
    match slowest_sync(dir) {
        Ok(ms) if ms > SLOW_MS => chart.add(
            Grade::Note,
            STORAGE,
            format!("落盘需 {ms} ms，收款会变慢。请用 tilld qualify 细查，考虑更换存储"),
            format!(
                "a sync takes {ms} ms, customers will wait: look closer with tilld qualify, consider other storage"
            ),
        ),
        Ok(ms) => chart.add(Grade::Good, STORAGE, format!("落盘 {ms} ms"), format!("a sync takes {ms} ms")),
        Err(error) => chart.add(
            Grade::Bad,
            STORAGE,
            format!("{shown} 写不进去：{error}。请检查磁盘、挂载和权限"),
            format!("{shown} cannot be written to: {error}. Check disk, mount and permissions"),
        ),
    }
}

/// The slowest of a few synced writes, in milliseconds.
fn slowest_sync(dir: &Path) -> std::io::Result<u64> {
    let path = dir.join(format!(".doctor-{}", std::process::id()));
    let clock = Clock::start();
    let measured = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        let mut slowest = 0;
        for _ in 0..SYNCS {
            let began = clock.now().mono.0;
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
            slowest = slowest.max(clock.now().mono.0 - began);
        }
        Ok(slowest)
    })();
    // Not there if it could not be made.
    let _ = std::fs::remove_file(&path);
    measured
}
