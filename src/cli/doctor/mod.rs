//! `tilld doctor`: looks at everything that a sale needs, says what is wrong and what to do. 0 only where the till can sell.
//!
//! Where a daemon runs, it is asked about its ports and lines; where none does, they are looked at here. Only looks: nothing is changed,
//! and nothing is sent to the acquirer.

mod ports;
mod system;

use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::json;

use super::chart::{Chart, Grade};
use super::failure::Failure;
use super::till::{Till, block_on};
use super::{env_lang, out};
use crate::core::domain::Lang;
use crate::core::ports::StatusView;
use crate::daemon::config::{Config, Level, path_from};
use crate::daemon::exit::Exit;
use crate::daemon::start::DATABASE;

const CONFIG: (&str, &str) = ("配置", "configuration");
const DAEMON: (&str, &str) = ("守护进程", "daemon");
const TERMINAL: (&str, &str) = ("终端", "terminal");

/// `tilld doctor`
pub(super) fn doctor(flag: Option<&Path>, as_json: bool) -> Result<Exit, Failure> {
    let mut chart = Chart::default();
    let path = path_from(flag);
    match Config::load(&path) {
        Ok((config, findings)) => {
            chart.add(Grade::Good, CONFIG, path.display().to_string(), path.display().to_string());
            for finding in findings {
                // A port that is missing is looked at below, with more to say.
                if !finding.key.ends_with(".port") {
                    chart.add(Grade::Note, CONFIG, finding.text(Lang::Zh), finding.text(Lang::En));
                }
            }
            examine(&config, &mut chart);
        }
        Err(error) => {
            for finding in &error.findings {
                let grade = if finding.level == Level::Error { Grade::Bad } else { Grade::Note };
                chart.add(grade, CONFIG, finding.text(Lang::Zh), finding.text(Lang::En));
            }
        }
    }
    let can_sell = chart.in_order();
    if as_json {
        out::json(&json!({"can_sell": can_sell, "seen": chart.seen()}))?;
    } else {
        out::text(&told(&chart, env_lang()))?;
    }
    Ok(if can_sell { Exit::Ok } else { Exit::Findings })
}

/// The lines, and what they come to.
fn told(chart: &Chart, lang: Lang) -> String {
    let verdict = match (chart.in_order(), lang) {
        (true, Lang::Zh) => "可以收款\n",
        (false, Lang::Zh) => "不能正常收款：请按上面各条处理\n",
        (true, Lang::En) => "this till can sell\n",
        (false, Lang::En) => "this till cannot sell as it should: see above\n",
    };
    chart.lines(lang) + verdict
}

fn examine(config: &Config, chart: &mut Chart) {
    system::clock(config, chart);
    system::storage(config, chart);
    let runs = UnixStream::connect(&config.api.socket).is_ok();
    if !runs {
        let socket = config.api.socket.display();
        chart.add(
            Grade::Bad,
            DAEMON,
            format!("没有运行（{socket}）。请执行 systemctl start tilld 或 tilld run"),
            format!("does not run ({socket}): systemctl start tilld, or tilld run"),
        );
    }
    let status = status(config, runs, chart);
    if let Some(status) = &status {
        store(status, chart);
    }
    match status.filter(|_| runs) {
        Some(status) => {
            ports::told(config, &status, chart);
            lines(config, &status, chart);
        }
        None => {
            ports::looked_at(config, chart);
            acquirer(config, chart);
        }
    }
}

/// The status, from the daemon or from the store itself. A store that was never started has none.
fn status(config: &Config, runs: bool, chart: &mut Chart) -> Option<StatusView> {
    if !runs && !config.data.dir.join(DATABASE).exists() {
        chart.add(Grade::Note, system::STORAGE, "尚未启动过，无数据", "never started: no data yet");
        return None;
    }
    let mut got = None;
    let asked = Till::ask(config.clone(), async |till| {
        let answer = till.client.get("/healthz").await.map_err(|e| till.failed(e))?;
        got = Some(answer.json::<StatusView>().map_err(|e| till.failed(e))?);
        Ok(Exit::Ok)
    });
    if let Err(failure) = asked {
        let why = failure.text;
        chart.add(Grade::Bad, DAEMON, format!("不应答：{why}"), format!("does not answer: {why}"));
    }
    got
}

fn store(status: &StatusView, chart: &mut Chart) {
    let (zh, en) = (format!("日志 {} 行", status.journal.rows), format!("{} journal rows", status.journal.rows));
    match status.health.as_str() {
        "ok" | "verifying" => chart.add(Grade::Good, system::STORAGE, zh, en),
        word => chart.add(
            Grade::Bad,
            system::STORAGE,
            format!("{zh}，状态 {word}：请执行 tilld verify，并联系技术员"),
            format!("{en}, {word}: run tilld verify and call the technician"),
        ),
    }
    for warning in &status.warnings {
        let behind = warning.en.contains("behind the mark");
        let grade = if behind { Grade::Bad } else { Grade::Note };
        let area = if behind { ("标记", "mark") } else { DAEMON };
        chart.add(grade, area, warning.zh.clone(), warning.en.clone());
    }
    if status.exceptions > 0 {
        let n = status.exceptions;
        chart.add(
            Grade::Note,
            DAEMON,
            format!("有 {n} 条异常待处理，请在管理页面处理"),
            format!("{n} exceptions wait for a person: see the manager's page"),
        );
    }
}

/// The acquirer's lines, as the daemon knows them.
fn lines(config: &Config, status: &StatusView, chart: &mut Chart) {
    for terminal in &status.terminals {
        let id = &terminal.terminal;
        let why = terminal.line_why.clone().unwrap_or_default();
        if let Some(asks) = &terminal.asks {
            chart.add(Grade::Note, TERMINAL, format!("{id} {}", asks.zh), format!("{id}: {}", asks.en));
        }
        if let Some(stopped) = &terminal.stopped {
            chart.add(
                Grade::Bad,
                TERMINAL,
                format!("{id} 批次与收单机构不一致，刷卡已停，请技术员处理：{stopped}"),
                format!(
                    "{id}: its batch disagrees with the acquirer's, cards are stopped, a technician decides: {stopped}"
                ),
            );
        } else if terminal.line == "up" && terminal.signed_on {
            chart.add(Grade::Good, TERMINAL, format!("{id} 线路通，已签到"), format!("{id}: line up, signed on"));
        } else if terminal.line == "up" {
            chart.add(
                Grade::Bad,
                TERMINAL,
                format!("{id} 线路通，未签到：{why}。请核对主密钥、终端号、商户号"),
                format!("{id}: line up, not signed on: {why}. Check master key, TID and MID"),
            );
        } else {
            let offline = config.offline.is_some();
            let grade = if offline { Grade::Note } else { Grade::Bad };
            let (zh, en) = if offline {
                ("只能离线收磁条卡", "stripe cards are taken offline only")
            } else {
                ("不能收卡，只能收现金", "no card can be taken, cash only")
            };
            chart.add(
                grade,
                TERMINAL,
                format!("{id} 线路不通（{why}），{zh}。请检查网络和密码键盘"),
                format!("{id}: line down ({why}), {en}. Check the network and the PIN pad"),
            );
        }
    }
}

/// Whether a connection can be made, where no daemon has one.
fn acquirer(config: &Config, chart: &mut Chart) {
    use crate::io::link::Link;
    const AREA: (&str, &str) = ("收单", "acquirer");
    let endpoint = &config.acquirer.endpoint;
    let shown = format!("{}:{}", endpoint.host, endpoint.port);
    let address = match crate::daemon::start::acquirer_address(config) {
        Ok(address) => address,
        Err(error) => return chart.add(Grade::Bad, AREA, error.to_string(), error.to_string()),
    };
    let patience = std::time::Duration::from_secs(5);
    let made = block_on(async { tokio::time::timeout(patience, Link::connect(&address)).await });
    let Ok(made) = made else { return };
    let why = match made {
        Ok(Ok(_)) => return chart.add(Grade::Good, AREA, format!("{shown} 可连接"), format!("{shown} can be reached")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "5 s".to_owned(),
    };
    let grade = if config.offline.is_some() { Grade::Note } else { Grade::Bad };
    chart.add(
        grade,
        AREA,
        format!("{shown} 连不上（{why}）。请检查网线、路由、防火墙和 [acquirer] endpoint"),
        format!("{shown} cannot be reached ({why}): check cable, router, firewall and [acquirer] endpoint"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_wrong_is_enough_and_notes_are_not() {
        let mut chart = Chart::default();
        chart.add(Grade::Note, CONFIG, "甲", "a");
        assert!(chart.in_order() && told(&chart, Lang::Zh).ends_with("可以收款\n"));
        chart.add(Grade::Bad, DAEMON, "乙", "b");
        assert!(!chart.in_order());
        assert_eq!(
            told(&chart, Lang::En),
            "note   configuration: a\nWRONG  daemon: b\nthis till cannot sell as it should: see above\n"
        );
    }
}
