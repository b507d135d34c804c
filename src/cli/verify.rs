//! `tilld verify`: chain, seals, columns, totals and money, recomputed from the journal. Only reads: it works beside a running daemon.

use super::failure::Failure;
use super::out;
use crate::core::domain::Lang;
use crate::core::domain::PaymentId;
use crate::core::journal::{Link, Record};
use crate::core::ledger::{Proof, hex};
use crate::core::ports::StoreError;
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;
use crate::daemon::marking;
use crate::daemon::start::DATABASE;
use crate::io::store::{
    Finding, Mark, MarkState, MarkVerdict, PaymentFilter, Reader, StoreOptions, Verified, VerifyWith,
    verify as verify_store,
};

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
    let found = check(&config, &reader).map_err(|e| Failure::new(Exit::Io, e))?;
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

/// The store's own check, the journal replayed from its first row, every payment against that, and the mark.
fn check(config: &Config, reader: &Reader) -> Result<Verified, String> {
    let mut proof = Proof::default();
    let mut each = |record: &Record, link: &Link| proof.row(record, link);
    let mark = mark_verdict(config, reader).map_err(|e| e.to_string())?;
    let with = VerifyWith { thorough: true, mark, each: Some(&mut each), ..VerifyWith::default() };
    let mut found = verify_store(reader, with);
    let head = found.head.map(|(seq, _)| seq);
    let mut filter = PaymentFilter { limit: 500, ..PaymentFilter::default() };
    loop {
        let page = reader.payments(&filter).map_err(|e| e.to_string())?;
        for payment in &page.items {
            // A daemon that goes on meanwhile has changed only what is not at rest.
            let settled = payment.at_rest() && head.is_some_and(|head| payment.id.0 <= head.0);
            if settled && let Some(what) = proof.payment(payment) {
                found.findings.push(Finding { place: format!("payment {}", payment.id), what });
            }
        }
        match page.next_cursor.as_deref().and_then(PaymentId::parse) {
            Some(cursor) => filter.cursor = Some(cursor),
            None => break,
        }
    }
    let (mut last, mut wrong) = (0, Vec::new());
    let read = reader.every_case(&mut |case| {
        // One that moved meanwhile has a younger row than the replay.
        let moved = case.trail.last().is_some_and(|t| head.is_none_or(|head| t.seq > head));
        last = case.no.0;
        if !moved && let Some(what) = proof.case(case) {
            wrong.push(Finding { place: format!("case {}", case.no), what });
        }
    });
    read.map_err(|e| e.to_string())?;
    if proof.cases().is_some_and(|opened| opened > last) {
        wrong.push(Finding {
            place: "the cases".to_owned(),
            what: "the journal has opened more than there are".to_owned(),
        });
    }
    found.findings.extend(wrong);
    Ok(found)
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
