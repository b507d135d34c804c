//! `tilld close` and `tilld report`

use std::io::IsTerminal;
use std::time::Duration;

use super::args::{CloseArgs, Format, ReportArgs};
use super::failure::Failure;
use super::table::Table;
use super::till::Till;
use super::{out, progress};
use crate::core::domain::Lang;
use crate::core::ports::DayView;
use crate::daemon::exit::Exit;

/// Closes the day. 0 where it is sealed, foots and no batch disagrees; 1 otherwise.
pub(super) async fn close(till: &Till, args: CloseArgs) -> Result<Exit, Failure> {
    // Where no daemon runs nothing settles: there is nothing to wait for.
    let wait = if till.alone { 0 } else { args.wait };
    let body = match &args.by {
        Some(by) => serde_json::json!({"wait": wait, "by": by}),
        None => serde_json::json!({"wait": wait}),
    };
    let client = till.client.clone().patient(Duration::from_secs(wait + 60));
    let told = till.say("日结中，等待结算", "closing, waiting for the settlement");
    let answer = progress::waiting(told, client.post("/v1/day/close", &body)).await;
    let answer = answer.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    let day: DayView = answer.json().map_err(|e| till.failed(e))?;
    if args.json {
        out::json(&day)?;
    } else {
        let path = format!("/v1/reports/{}?format=text&lang={}", day.business_date, till.lang());
        let report = till.client.get(&path).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
        out::bytes(&report.body)?;
        out::text(&settlement(till, &day))?;
    }
    Ok(verdict(&day))
}

fn verdict(day: &DayView) -> Exit {
    let disagrees = day.settlement.iter().any(|s| matches!(s.result.as_str(), "unbalanced" | "error"));
    if day.cross_foot && !disagrees { Exit::Ok } else { Exit::Findings }
}

fn settlement(till: &Till, day: &DayView) -> String {
    let mut table = Table::new(&match till.lang() {
        Lang::Zh => ["终端", "批次", "结果", "借方", "金额", "贷方", "金额"],
        Lang::En => ["terminal", "batch", "result", "debit", "amount", "credit", "amount"],
    })
    .right(&[3, 4, 5, 6]);
    for s in &day.settlement {
        table.row([
            s.terminal.to_string(),
            s.batch.clone(),
            result_word(&s.result, till.lang()).to_owned(),
            s.debit.count.to_string(),
            till.money(s.debit.amount),
            s.credit.count.to_string(),
            till.money(s.credit.amount),
        ]);
    }
    let (date, z) = (day.business_date, day.z_number);
    let mut text = match till.lang() {
        Lang::Zh => format!("\n营业日 {date}（Z{z}）已日结。\n"),
        Lang::En => format!("\nBusiness day {date} (Z{z}) is closed.\n"),
    };
    if table.is_empty() {
        text.push_str(till.say("没有需要结算的批次。\n", "No batch is to be settled.\n"));
    } else {
        text.push_str(&table.text());
    }
    if day.settlement.iter().any(|s| matches!(s.result.as_str(), "pending" | "unconfirmed")) {
        text.push_str(till.say(
            "部分批次尚未结算，恢复网络后自动继续。\n",
            "Some batches are not settled yet: that goes on by itself when the line allows.\n",
        ));
    }
    text
}

fn result_word(result: &str, lang: Lang) -> &str {
    match (result, lang) {
        ("balanced", Lang::Zh) => "对账平",
        ("unbalanced", Lang::Zh) => "对账不平",
        ("error", Lang::Zh) => "对账出错",
        ("unconfirmed", Lang::Zh) => "待确认",
        ("pending", Lang::Zh) => "待结算",
        (word, _) => word,
    }
}

/// Prints a report or writes it to a file.
pub(super) async fn report(till: &Till, args: ReportArgs) -> Result<Exit, Failure> {
    if args.output.is_none() && args.format.binary() && std::io::stdout().is_terminal() {
        let format = args.format.word();
        return Err(Failure::new(
            Exit::Usage,
            format!("{format} is not for a screen: name a file with -o report.{format}"),
        ));
    }
    let day: String = args.day.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if day != args.day || day.is_empty() {
        let told = till.say("--day 须为日期、Z 号或 open", "--day must be a date, a Z number or open");
        return Err(Failure::new(Exit::Usage, told));
    }
    if args.print {
        return print(till, &day).await;
    }
    let lang = args.lang.unwrap_or_else(|| till.lang());
    let path = format!("/v1/reports/{day}?format={}&lang={lang}&columns={}", args.format.word(), args.columns);
    let answer = till.client.get(&path).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    match (&args.output, args.format) {
        (Some(file), _) => std::fs::write(file, &answer.body)
            .map_err(|e| Failure::new(Exit::CantCreate, format!("{}: {e}", file.display())))?,
        (None, Format::Json) => {
            let value: serde_json::Value = answer.json().map_err(|e| till.failed(e))?;
            out::json(&value)?;
        }
        (None, _) => out::bytes(&answer.body)?,
    }
    Ok(Exit::Ok)
}

/// On paper: the open day's X, or a closed day's Z again.
async fn print(till: &Till, day: &str) -> Result<Exit, Failure> {
    let body = if day == "open" {
        serde_json::json!({"what": "x_report"})
    } else {
        let answer =
            till.client.get(&format!("/v1/reports/{day}")).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
        let view: DayView = answer.json().map_err(|e| till.failed(e))?;
        match view.state.as_str() {
            "open" => serde_json::json!({"what": "x_report"}),
            _ => serde_json::json!({"what": "day_report", "date": view.business_date}),
        }
    };
    till.client.post("/v1/print", &body).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    let told = match till.alone {
        true => till.say("已排队，守护进程启动后打印", "queued: it is printed when the daemon runs"),
        false => till.say("已送往打印机", "on its way to the printer"),
    };
    out::text(told)?;
    Ok(Exit::Ok)
}
