//! `tilld qualify DIR`: is this device's storage fit to hold money? Measures, and says what the figures mean for a till.

use std::time::Duration;

use serde_json::json;

use super::args::QualifyArgs;
use super::chart::{Chart, Grade};
use super::failure::Failure;
use super::wiring::not_started;
use super::{env_lang, out, progress};
use crate::core::domain::{Lang, Sentence};
use crate::daemon::exit::Exit;
use crate::daemon::qualify::{Qualities, measure};

const STORAGE: (&str, &str) = ("存储", "storage");
const SYNC: (&str, &str) = ("落盘", "sync");
const SALE: (&str, &str) = ("记账", "sales");
const MEMORY: (&str, &str) = ("内存", "memory");

/// No medium that keeps data without power answers faster: the write did not reach it.
const TOO_FAST_US: u64 = 8;
/// A customer notices; one sync stands in every cash sale, two in a card sale.
const SLOW_US: u64 = 100_000;
/// A till cannot work like this.
const UNFIT_US: u64 = 500_000;
/// A store that sells for a year needs about this much.
const ROOM: u64 = 500 << 20;
/// The daemon's peak, and as much again for the system.
const MEMORY_KB: u64 = 80 << 10;

/// 0 where the folder is fit, 1 where it is not.
pub(super) fn qualify(args: QualifyArgs) -> Result<Exit, Failure> {
    let told = if env_lang() == Lang::Zh { "测量中" } else { "measuring" };
    let found =
        progress::during(told, || measure(&args.dir, Duration::from_secs(args.seconds))).map_err(not_started)?;
    let chart = judge(&found);
    let fit = chart.in_order();
    if args.json {
        out::json(&json!({"dir": args.dir, "fit": fit, "measured": found, "seen": chart.seen()}))?;
    } else {
        let verdict = if fit {
            Sentence::new("此存储可以用于收款", "this storage is fit to hold money")
        } else {
            Sentence::new("此存储不可用于收款：请按上面各条处理", "this storage is NOT fit to hold money: see above")
        };
        let lang = env_lang();
        out::text(&format!("{}{}\n", chart.lines(lang), verdict.in_lang(lang)))?;
    }
    Ok(if fit { Exit::Ok } else { Exit::Findings })
}

fn judge(found: &Qualities) -> Chart {
    let mut chart = Chart::default();
    storage(found, &mut chart);
    sync(found, &mut chart);
    let Qualities { sale, sales_per_second, ratio_percent, .. } = found;
    let (whole, part) = (ratio_percent / 100, ratio_percent % 100);
    let slow = sale.p99_us > SLOW_US;
    chart.add(
        if slow { Grade::Note } else { Grade::Good },
        SALE,
        format!(
            "现金消费每秒 {sales_per_second} 笔，中位 {} µs，百分之一慢于 {} µs；为裸盘的 {whole}.{part:02} 倍{}",
            sale.p50_us,
            sale.p99_us,
            if slow { "。顾客会等，考虑更换存储" } else { "" }
        ),
        format!(
            "{sales_per_second} cash sales a second, median {} µs, one in a hundred over {} µs; {whole}.{part:02} times the raw disk{}",
            sale.p50_us,
            sale.p99_us,
            if slow { ". Customers will wait: consider other storage" } else { "" }
        ),
    );
    let kb = found.memory_available_kb;
    let tight = kb < MEMORY_KB;
    chart.add(
        if tight { Grade::Bad } else { Grade::Good },
        MEMORY,
        format!(
            "可用 {} MiB，本次测量最多用 {} MiB{}",
            kb >> 10,
            found.memory_peak_kb >> 10,
            if tight { "，不足 80 MiB" } else { "" }
        ),
        format!(
            "{} MiB can be had, this measurement held {} MiB{}",
            kb >> 10,
            found.memory_peak_kb >> 10,
            if tight { ": less than the 80 MiB needed" } else { "" }
        ),
    );
    chart
}

fn storage(found: &Qualities, chart: &mut Chart) {
    let name = found.file_system;
    match name {
        "tmpfs" | "ramfs" => chart.add(
            Grade::Bad,
            STORAGE,
            format!("{name} 在内存里，断电即失。请放到磁盘、eMMC 或工业级 SD 卡上"),
            format!("{name} lies in memory and is gone without power: use a disk, eMMC or an industrial SD card"),
        ),
        "nfs" | "cifs" | "smb2" | "9p" => chart.add(
            Grade::Bad,
            STORAGE,
            format!("{name} 是网络文件系统，锁和落盘都不可靠。请用本机存储"),
            format!(
                "{name} lies across a network: neither locks nor syncs can be relied on. Use this device's own storage"
            ),
        ),
        "vfat" | "exfat" => chart.add(
            Grade::Bad,
            STORAGE,
            format!("{name} 没有日志，断电会坏。请格式化为 ext4"),
            format!("{name} keeps no journal and breaks when the power goes: format it as ext4"),
        ),
        "overlayfs" | "fuse" => chart.add(
            Grade::Note,
            STORAGE,
            format!("{name} 之下是什么，这里看不到；请确认它保留数据"),
            format!("what lies below {name} cannot be seen from here: make sure that it keeps data"),
        ),
        _ => {}
    }
    let mib = found.free_bytes >> 20;
    let tight = found.free_bytes < ROOM;
    chart.add(
        if tight { Grade::Note } else { Grade::Good },
        STORAGE,
        format!("剩余 {mib} MiB{}", if tight { "，一年的账目约需 500 MiB" } else { "" }),
        format!("{mib} MiB left{}", if tight { ": a year of sales needs about 500 MiB" } else { "" }),
    );
}

fn sync(found: &Qualities, chart: &mut Chart) {
    let sync = found.sync;
    let figures_zh =
        format!("4 KB 覆盖写中位 {} µs，百分之一慢于 {} µs，最慢 {} µs", sync.p50_us, sync.p99_us, sync.max_us);
    let figures_en = format!(
        "a 4 KB overwrite takes {} µs (median), one in a hundred over {} µs, the slowest {} µs",
        sync.p50_us, sync.p99_us, sync.max_us
    );
    let (grade, zh, en) = match sync {
        _ if sync.p50_us < TOO_FAST_US => (
            Grade::Bad,
            "。快得不可能真正落盘：缓存谎报，断电会丢账。请检查挂载选项（barrier）和写缓存",
            ". Too fast to have reached the medium: a cache lies, and a power cut loses money. Check mount options (barrier) and write caches",
        ),
        _ if sync.p99_us > UNFIT_US => (Grade::Bad, "。太慢，请更换存储", ". Too slow for a till: use other storage"),
        _ if sync.p99_us > SLOW_US => (Grade::Note, "。偏慢，顾客会等", ". Slow: customers will wait"),
        _ => (Grade::Good, "", ""),
    };
    chart.add(grade, SYNC, figures_zh + zh, figures_en + en);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::qualify::Times;

    fn found() -> Qualities {
        let times = |p50_us, p99_us| Times { count: 100, p50_us, p99_us, max_us: p99_us * 2 };
        Qualities {
            file_system: "",
            free_bytes: 10 << 30,
            sync: times(900, 4_000),
            sale: times(1_300, 6_000),
            sales_per_second: 700,
            ratio_percent: 144,
            memory_available_kb: 500 << 10,
            memory_peak_kb: 12 << 10,
        }
    }

    #[test]
    fn a_good_disk_is_fit_and_what_loses_money_is_not() {
        assert!(judge(&found()).in_order());
        let worse: [fn(&mut Qualities); 6] = [
            |q| q.file_system = "tmpfs",
            |q| q.file_system = "nfs",
            |q| q.file_system = "vfat",
            |q| q.sync.p50_us = 2,
            |q| q.sync.p99_us = 900_000,
            |q| q.memory_available_kb = 20 << 10,
        ];
        for worse in worse {
            let mut found = found();
            worse(&mut found);
            assert!(!judge(&found).in_order(), "{found:?}");
        }
    }

    #[test]
    fn a_slow_disk_is_said_to_be_slow_and_may_be_used() {
        let mut found = found();
        (found.sync.p99_us, found.sale.p99_us) = (150_000, 300_000);
        let chart = judge(&found);
        assert!(chart.in_order() && chart.lines(crate::core::domain::Lang::En).contains("customers will wait"));
    }
}
