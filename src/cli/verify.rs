//! `tilld verify`: chain, seals, columns, totals and money, recomputed from the journal. Only reads: it works beside a running daemon.

use super::failure::Failure;
use super::out;
use crate::core::domain::Lang;
use crate::core::ledger::hex;
use crate::core::ports::StoreError;
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;
use crate::daemon::marking;
use crate::daemon::start::DATABASE;
use crate::daemon::verifying::whole;
use crate::io::store::{Mark, MarkState, MarkVerdict, Reader, StoreOptions, Verified};

/// 0 where everything is in order, 1 and what is wrong where it is not.
pub(super) fn verify(config: Config, json: bool) -> Result<Exit, Failure> {
    let database = config.data.dir.join(DATABASE);
    if !database.exists() {
        let shown = database.display();
        let text = match config.store.lang {
            Lang::Zh => format!("{shown} 不存在：本店尚未启动过"),
            Lang::En => format!("{shown} does not exist: this store was never started"),
        };
        return Err(Failure::new(Exit::NoInput, text));
    }
    let reader = Reader::open(&StoreOptions::at(&database)).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
    let found = check(&config, &reader).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
    if json {
        out::json(&serde_json::json!({
            "ok": found.clean(),
            "rows": found.rows,
            "days": found.days,
            "payments": found.payments,
            "head": found.head.map(|(_, link)| hex(&link)),
            "findings": found.findings.iter().map(|f| serde_json::json!({"place": f.place, "what": f.what})).collect::<Vec<_>>(),
            "incomplete": found.incomplete,
        }))?;
    } else {
        out::text(&text(&found, config.store.lang))?;
    }
    Ok(if found.clean() { Exit::Ok } else { Exit::Findings })
}

/// Everything, the mark too.
fn check(config: &Config, reader: &Reader) -> Result<Verified, StoreError> {
    whole(reader, mark_verdict(config, reader)?, true, None)
}

/// What the mark says, where there is one; a running daemon may be a row ahead of it, never behind.
fn mark_verdict(config: &Config, reader: &Reader) -> Result<Option<MarkVerdict>, StoreError> {
    let path = marking::path(config);
    if !path.exists() {
        return Ok(None);
    }
    let Some((head, link)) = reader.head()? else { return Ok(None) };
    let state = MarkState { store: config.store.id.clone(), head, link, terminals: Vec::new() };
    marking::judge(&Mark::open(&path)?, reader, &state).map(Some)
}

fn text(found: &Verified, lang: Lang) -> String {
    let (rows, days, payments) = (found.rows, found.days, found.payments);
    let mut out = match lang {
        Lang::Zh => format!("日志 {rows} 行，已结营业日 {days} 个，交易 {payments} 笔\n"),
        Lang::En => format!("journal {rows} rows, closed days {days}, payments {payments}\n"),
    };
    for finding in &found.findings {
        out.push_str(&format!("  {finding}\n"));
    }
    out.push_str(match (found.clean(), found.incomplete, lang) {
        (true, _, Lang::Zh) => "全部相符",
        (true, _, Lang::En) => "everything agrees",
        (_, true, Lang::Zh) => "不相符，且不止以上所列",
        (_, true, Lang::En) => "not in order, and there is more than is listed",
        (_, _, Lang::Zh) => "不相符，请联系技术员",
        (_, _, Lang::En) => "not in order: call the technician",
    });
    out
}
