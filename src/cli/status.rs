//! `tilld status`

use super::client::Answer;
use super::failure::Failure;
use super::out;
use super::table::Table;
use super::till::Till;
use crate::core::domain::Lang;
use crate::core::ports::{PortStatus, StatusView, TerminalStatus};
use crate::daemon::exit::Exit;

/// How things stand. 0 where sales are possible, 1 where they are not.
pub(super) async fn status(till: &Till, json: bool) -> Result<Exit, Failure> {
    let answer: Answer = till.client.get("/healthz").await.map_err(|e| till.failed(e))?;
    // 503 carries the status as well; only a problem is a failure.
    let status: StatusView = match answer.json() {
        Ok(status) => status,
        Err(shape) => return Err(till.failed(answer.ok().err().unwrap_or(shape))),
    };
    if json {
        out::json(&status)?;
    } else {
        out::text(&text(till, &status))?;
    }
    Ok(if status.sells() { Exit::Ok } else { Exit::Findings })
}

pub(super) fn text(till: &Till, status: &StatusView) -> String {
    let mut out = head(till, status);
    out.push('\n');
    out.push_str(&terminals(till, &status.terminals));
    if !status.ports.is_empty() {
        out.push('\n');
        out.push_str(&ports(till, &status.ports));
    }
    for sentence in &status.warnings {
        out.push_str(&format!("\n{} {}", till.say("注意：", "Note:"), sentence.in_lang(till.lang())));
    }
    out
}

fn head(till: &Till, s: &StatusView) -> String {
    let name = &till.config.store.name;
    let (count, sum) = (s.waiting.count, till.money(s.waiting.amount));
    let mut out = match till.lang() {
        Lang::Zh => format!(
            "{} {name}  营业日 {}  {}\n离线待上送 {count} 笔 {sum}  异常 {} 条  日志 {} 行  tilld {}\n",
            s.store,
            s.business_date,
            health_word(&s.health, Lang::Zh),
            s.exceptions,
            s.journal.rows,
            s.version
        ),
        Lang::En => format!(
            "{} {name}  business day {}  {}\nwaiting offline {count}, {sum}  exceptions {}  journal {} rows  tilld {}\n",
            s.store,
            s.business_date,
            health_word(&s.health, Lang::En),
            s.exceptions,
            s.journal.rows,
            s.version
        ),
    };
    if let Some(ms) = s.oldest_expires_in_ms {
        let (hours, minutes) = (ms.max(0) / 3_600_000, ms.max(0) / 60_000 % 60);
        out.push_str(&match till.lang() {
            Lang::Zh => format!("最早一笔 {hours} 小时 {minutes} 分后不再自动上送\n"),
            Lang::En => format!("the oldest is not sent by itself any more after {hours} h {minutes} min\n"),
        });
    }
    out
}

fn health_word(word: &str, lang: Lang) -> &str {
    match (word, lang) {
        ("ok", Lang::Zh) => "正常",
        ("verifying", Lang::Zh) => "自检中",
        ("damaged", Lang::Zh) => "数据损坏，已停止交易",
        ("storage_failed", Lang::Zh) => "存储故障，已停止交易",
        ("storage_full", Lang::Zh) => "磁盘将满，已停止新交易",
        ("ok", Lang::En) => "in order",
        ("verifying", Lang::En) => "checking its data",
        ("damaged", Lang::En) => "data damaged, sales are stopped",
        ("storage_full", Lang::En) => "disk nearly full, new sales are stopped",
        ("storage_failed", Lang::En) => "storage failed, sales are stopped",
        (word, _) => word,
    }
}

fn line_word<'t>(till: &Till, line: &'t str) -> &'t str {
    match (line, till.lang()) {
        ("up", Lang::Zh) => "通",
        ("down", Lang::Zh) => "断",
        ("connecting", Lang::Zh) => "连接中",
        (word, _) => word,
    }
}

fn terminals(till: &Till, list: &[TerminalStatus]) -> String {
    let mut table = Table::new(&match till.lang() {
        Lang::Zh => ["终端", "线路", "签到", "批次", "阶段", "待上送", "金额", "待冲正", "说明"],
        Lang::En => ["terminal", "line", "signed on", "batch", "rung", "waiting", "amount", "reversals", "note"],
    })
    .right(&[5, 6, 7]);
    for t in list {
        let asks = t.asks.as_ref().map(|asks| asks.in_lang(till.lang()));
        let note = t.stopped.as_deref().or(t.line_why.as_deref()).or(asks).unwrap_or_default();
        table.row([
            t.terminal.to_string(),
            line_word(till, &t.line).to_owned(),
            if t.signed_on { till.say("是", "yes") } else { till.say("否", "no") }.to_owned(),
            t.batch.clone(),
            t.rung.clone(),
            t.waiting.count.to_string(),
            till.money(t.waiting.amount),
            t.reversals.to_string(),
            note.to_owned(),
        ]);
    }
    table.text()
}

fn ports(till: &Till, list: &[PortStatus]) -> String {
    let mut table = Table::new(&match till.lang() {
        Lang::Zh => ["设备", "状态", "打印任务", "端口", "计数", "请处理"],
        Lang::En => ["device", "state", "jobs", "port", "counters", "to do"],
    })
    .right(&[2]);
    for p in list {
        let state = match (p.state.as_str(), till.lang()) {
            ("open", Lang::Zh) => "已连接",
            ("lost", Lang::Zh) => "未连接",
            (word, _) => word,
        };
        table.row([
            p.id.clone(),
            state.to_owned(),
            p.queued.to_string(),
            p.port.clone(),
            counters(p),
            p.attention.as_ref().map(|s| s.in_lang(till.lang()).to_owned()).unwrap_or_default(),
        ]);
    }
    table.text()
}

/// What somebody who looks for a fault wants to see: no bytes, and nothing that is zero.
fn counters(port: &PortStatus) -> String {
    let plain = |name: &str| matches!(name, "bytes_in" | "bytes_out" | "opened");
    let shown = port.counters.iter().filter(|(name, n)| **n > 0 && !plain(name));
    shown.map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
}
