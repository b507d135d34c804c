//! `tilld verify`: chain, seals, columns, totals and money, recomputed from the journal. Only reads: it works beside a running daemon.

use std::ops::ControlFlow;

use super::args::VerifyArgs;
use super::failure::Failure;
use super::out;
use super::progress::Progress;
use crate::core::domain::{BusinessDate, Lang, Seq};
use crate::core::journal::Event;
use crate::core::ledger::{check_code, hex};
use crate::core::ports::StoreError;
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;
use crate::daemon::marking;
use crate::daemon::start::DATABASE;
use crate::daemon::verifying::whole;
use crate::io::store::{Mark, MarkState, MarkVerdict, Reader, StoreOptions, Verified};

/// 0 where everything is in order, 1 and what is wrong where it is not.
pub(super) fn verify(config: Config, args: &VerifyArgs) -> Result<Exit, Failure> {
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
    if reader.is_older().map_err(|e| Failure::new(Exit::Io, e.to_string()))? {
        let text = match config.store.lang {
            Lang::Zh => "旧版 tilld 写的数据：先启动一次本版守护进程，再校验",
            Lang::En => "an older tilld wrote this store: start this one's daemon once, then verify",
        };
        return Err(Failure::new(Exit::TempFail, text.to_owned()));
    }
    let found = check(&config, &reader).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
    if let Some(code) = &args.code {
        let seals = seals(&reader).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
        return about_code(&config, &found, &seals, code, args.json);
    }
    if args.json {
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
    let rows = reader.head()?.map_or(0, |(seq, _)| seq.0);
    let told = if config.store.lang == Lang::Zh { "校验" } else { "verifying" };
    let mut progress = Progress::over(rows, told);
    let mut between = |seq: Seq| {
        progress.at(seq.0);
        ControlFlow::Continue(())
    };
    whole(reader, mark_verdict(config, reader)?, true, Some(&mut between))
}

/// Every closed day's code, from the journal's own rows.
fn seals(reader: &Reader) -> Result<Vec<Seal>, StoreError> {
    let mut seals = Vec::new();
    let head = reader.head()?.map_or(Seq(0), |(seq, _)| seq);
    reader.records(Seq(1), head, &mut |record, _| {
        if let Event::DaySealed { date, z, root, signature, .. } = &record.event {
            seals.push(Seal { date: *date, z: z.0, code: check_code(root, signature) });
        }
        Ok(())
    })?;
    Ok(seals)
}

/// A closed day, from its own journal row.
struct Seal {
    date: BusinessDate,
    z: u32,
    code: String,
}

/// Which day a printed code is of. 0 where it is one of this store's and everything agrees; 1 otherwise.
fn about_code(config: &Config, found: &Verified, seals: &[Seal], code: &str, json: bool) -> Result<Exit, Failure> {
    let asked = Asked::read(code);
    let store = config.store.id.as_str();
    let ours = asked.store.is_none_or(|id| id == store);
    let seal = seals.iter().find(|seal| plain(&seal.code) == asked.code && asked.z.is_none_or(|z| z == seal.z));
    let seal = seal.filter(|_| ours);
    let good = seal.is_some() && found.clean();
    if json {
        out::json(&serde_json::json!({
            "ok": good,
            "store": store,
            "business_date": seal.map(|seal| seal.date),
            "z_number": seal.map(|seal| seal.z),
            "journal_agrees": found.clean(),
        }))?;
    } else {
        let mut told = match (seal, config.store.lang) {
            (Some(seal), Lang::Zh) => format!("校验码属于本店 {store} 营业日 {}（Z{}）\n", seal.date, seal.z),
            (Some(seal), Lang::En) => {
                format!("the code is of store {store}, business day {} (Z{})\n", seal.date, seal.z)
            }
            (None, Lang::Zh) => format!("本店 {store} 没有任何营业日有此校验码：单据不是本店的，或已被改动\n"),
            (None, Lang::En) => {
                format!("no closed day of store {store} has this code: not this store's paper, or altered\n")
            }
        };
        told.push_str(&text(found, config.store.lang));
        out::text(&told)?;
    }
    Ok(if good { Exit::Ok } else { Exit::Findings })
}

/// A code as it was typed or scanned: `7A40-9C2E-4DB3-51F8`, or `tilld:1:S001:128:7A40-9C2E-4DB3-51F8`.
struct Asked<'a> {
    store: Option<&'a str>,
    z: Option<u32>,
    code: String,
}

impl Asked<'_> {
    fn read(text: &str) -> Asked<'_> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        match parts[..] {
            ["tilld", "1", store, z, code] => Asked { store: Some(store), z: z.parse().ok(), code: plain(code) },
            _ => Asked { store: None, z: None, code: plain(text) },
        }
    }
}

/// Without what people leave out or write otherwise.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

/// What the mark says, where there is one, or what an earlier start found; a running daemon may be a row ahead of the mark, never behind.
fn mark_verdict(config: &Config, reader: &Reader) -> Result<Option<MarkVerdict>, StoreError> {
    let Some((head, link)) = reader.head()? else { return Ok(None) };
    let state = MarkState { store: config.store.id.clone(), head, link, terminals: Vec::new() };
    let path = marking::path(config);
    let verdict = path.exists().then(|| marking::judge(&Mark::open(&path)?, reader, &state)).transpose()?;
    match verdict {
        Some(verdict) if verdict.stops_cards() => Ok(Some(verdict)),
        verdict => Ok(marking::found(config, reader, &state)?.or(verdict)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_typed_and_as_it_is_scanned() {
        for text in ["7A40-9C2E-4DB3-51F8", "7a409c2e4db351f8", " 7A40 9C2E 4DB3 51F8\n"] {
            let asked = Asked::read(text);
            assert_eq!((asked.code.as_str(), asked.store, asked.z), ("7A409C2E4DB351F8", None, None));
        }
        let scanned = Asked::read("tilld:1:S001:128:7A40-9C2E-4DB3-51F8");
        assert_eq!((scanned.code.as_str(), scanned.store, scanned.z), ("7A409C2E4DB351F8", Some("S001"), Some(128)));
    }
}
