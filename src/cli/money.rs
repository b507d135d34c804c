//! `tilld cards import` and `tilld transfers …`: tables and orders about what becomes of money.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::args::{CardsSub, Signed, TransfersSub};
use super::failure::Failure;
use super::out;
use super::people::pin_from;
use super::table::Table;
use super::till::Till;
use crate::core::cards;
use crate::core::domain::{Lang, TransferStep};
use crate::core::ports::TransferLineView;
use crate::daemon::exit::Exit;
use crate::daemon::tables::Tables;

#[derive(Deserialize)]
struct Taken {
    rows: u64,
    unchanged: bool,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct AnswerResult {
    line: u64,
    payment: String,
    step: Option<TransferStep>,
    why: Option<String>,
}

/// `tilld cards import FILE`: validated here, line by line, before the till is asked.
pub(super) async fn cards(till: &Till, sub: CardsSub) -> Result<Exit, Failure> {
    let CardsSub::Import(args) = sub;
    let bytes = read(&args.file)?;
    if let Err(wrong) = cards::read(&bytes) {
        let shown = args.file.display();
        let mut text: String = wrong.lines.iter().map(|e| format!("{shown}:{}: {}\n", e.line, e.what)).collect();
        let more = wrong.count.saturating_sub(wrong.lines.len() as u64);
        if more > 0 {
            text.push_str(&format!("+ {more}\n"));
        }
        text.push_str(till.say("未导入：卡表保持原样", "nothing was taken: the card table is as it was"));
        return Err(Failure::new(Exit::Data, text));
    }
    let dir = till.config.data.dir.display();
    Tables::of(&till.config).put_cards(&bytes).map_err(|e| Failure::new(Exit::CantCreate, format!("{dir}: {e}")))?;
    let taken: Taken = till.client.post_json("/v1/cards", &json!({})).await.map_err(|e| till.failed(e))?;
    let (rows, zh) = (taken.rows, till.lang() == Lang::Zh);
    out::text(&match (taken.unchanged, zh) {
        (true, true) => format!("卡表未变（{rows} 行）"),
        (true, false) => format!("the card table is unchanged ({rows} rows)"),
        (false, true) => format!("卡表已启用（{rows} 行）"),
        (false, false) => format!("the card table is in use ({rows} rows)"),
    })?;
    Ok(Exit::Ok)
}

/// `tilld transfers …`
pub(super) async fn transfers(till: &Till, sub: TransfersSub) -> Result<Exit, Failure> {
    match sub {
        TransfersSub::List(args) => {
            let list: Items<TransferLineView> =
                till.client.get_json("/v1/transfers").await.map_err(|e| till.failed(e))?;
            if args.json {
                out::json(&list.items)?;
            } else {
                out::text(&lines(till, &list.items))?;
            }
        }
        TransfersSub::Step(args) => {
            let mut body = signed(&args.signed)?;
            body["to"] = json!(args.to);
            body["reference"] = json!(args.reference.unwrap_or_default());
            body["code"] = json!(args.code.unwrap_or_default());
            body["note"] = json!(args.note.unwrap_or_default());
            let path = format!("/v1/payments/{}/transfer", args.payment);
            till.client.post(&path, &body).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
            out::text(&format!("{}: {}", args.payment, args.to))?;
        }
        TransfersSub::Send(args) => {
            let body = signed(&args.signed)?;
            let answer =
                till.client.post("/v1/transfers/send", &body).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
            write_private(&args.output, &answer.body)?;
        }
        TransfersSub::Answers(args) => {
            let csv = String::from_utf8(read(&args.file)?)
                .map_err(|_| Failure::new(Exit::Data, "the file is not UTF-8: convert it"))?;
            let mut body = signed(&args.signed)?;
            body["csv"] = json!(csv);
            let list: Items<AnswerResult> =
                till.client.post_json("/v1/transfers/answers", &body).await.map_err(|e| till.failed(e))?;
            let mut exit = Exit::Ok;
            let mut text = String::new();
            for line in list.items {
                let step = line.step.map_or("?", TransferStep::as_str);
                text.push_str(&format!("{:>4}  {}  {step}", line.line, line.payment));
                if let Some(why) = line.why {
                    exit = Exit::Findings;
                    text.push_str(&format!("  {why}"));
                }
                text.push('\n');
            }
            out::text(&text)?;
            return Ok(exit);
        }
    }
    Ok(Exit::Ok)
}

fn signed(signed: &Signed) -> Result<serde_json::Value, Failure> {
    let pin = pin_from(std::io::stdin().lock())?;
    Ok(json!({"by": signed.by, "pin": pin.as_str()}))
}

fn lines(till: &Till, lines: &[TransferLineView]) -> String {
    let exponent = till.config.store.currency.exponent();
    let mut table = Table::new(&["order", "day", "cashier", "payee", "step", "amount"]).right(&[5]);
    for line in lines {
        table.row([
            line.payment.clone(),
            line.business_date.to_string(),
            line.cashier.to_string(),
            line.name.clone(),
            line.step.to_string(),
            line.amount.grouped(exponent),
        ]);
    }
    table.text()
}

/// Account numbers stand in it: for its owner alone.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::new(Exit::CantCreate, format!("{}: {e}", path.display()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::new(Exit::NoInput, format!("{}: {e}", path.display())))
}
