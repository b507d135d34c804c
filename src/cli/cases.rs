//! `tilld cases`: what differs between statements and the journal 挂账, and what a named person does about it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::args::{CaseActArgs, CaseListArgs, CaseResolveArgs, CaseShowArgs, CasesArgs, CasesSub};
use super::failure::Failure;
use super::out;
use super::people::{pin_from, pins_from};
use super::table::Table;
use super::till::Till;
use crate::core::domain::Minor;
use crate::core::journal::Attribution;
use crate::core::ports::{CaseTrace, CaseView, Page, StoryLine};
use crate::daemon::exit::Exit;

/// Cases that are asked for at a time.
const PAGE: u32 = 500;
/// Pages that are shown at most.
const PAGES: usize = 40;

/// Runs it.
pub(super) async fn cases(till: &Till, args: CasesArgs) -> Result<Exit, Failure> {
    match args.sub {
        None => list(till, args.list).await,
        Some(CasesSub::Show(args)) => show(till, args).await,
        Some(CasesSub::Take(args)) => act(till, "take", args).await,
        Some(CasesSub::Note(args)) => act(till, "note", args).await,
        Some(CasesSub::Reopen(args)) => act(till, "reopen", args).await,
        Some(CasesSub::Resolve(args)) => resolve(till, args).await,
    }
}

async fn list(till: &Till, args: CaseListArgs) -> Result<Exit, Failure> {
    let state = args.state.as_deref().unwrap_or("unresolved");
    let (mut items, mut cursor): (Vec<CaseView>, Option<String>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let after = cursor.map_or_else(String::new, |c| format!("&cursor={c}"));
        let path = format!("/v1/cases?state={state}&limit={PAGE}{after}");
        let answer = till.client.get(&path).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
        let page: Page<CaseView> = answer.json().map_err(|e| till.failed(e))?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.json {
        out::json(&json!({"items": items, "next_cursor": cursor}))?;
    } else if items.is_empty() {
        out::text(till.say("没有挂账", "There are no cases"))?;
    } else {
        let mut text = table(till, &items);
        if cursor.is_some() {
            text.push_str(till.say("…… 还有更多\n", "… and more\n"));
        }
        out::text(&text)?;
    }
    Ok(Exit::Ok)
}

fn table(till: &Till, cases: &[CaseView]) -> String {
    let lang = till.lang();
    let mut table = Table::new(&match lang {
        crate::core::domain::Lang::Zh => {
            ["编号", "状态", "类别", "差额=对方−本店", "交易", "收银员", "终端", "日期", "天数", "建议"]
        }
        crate::core::domain::Lang::En => {
            ["case", "state", "class", "theirs−ours", "payment", "cashier", "device", "day", "age", "do"]
        }
    })
    .right(&[0, 3, 8]);
    let dash = || "—".to_owned();
    for case in cases {
        let cashier = case.cashier.as_ref().map_or_else(dash, |c| c.to_string());
        table.row([
            case.id.to_string(),
            case.end.as_ref().map_or_else(|| case.state.as_str(), |end| end.how.as_str()).to_owned(),
            format!("{}/{}", case.class.as_str(), case.reason.as_str()),
            till.money(case.difference),
            case.payment.clone().unwrap_or_else(dash),
            // Who stood there before is a hint, not a fact.
            if case.attributed == Attribution::Neighbour { format!("{cashier}?") } else { cashier },
            case.device.as_ref().map_or_else(dash, |d| d.to_string()),
            case.day.to_string(),
            case.age_days.to_string(),
            case.action.in_lang(lang).to_owned(),
        ]);
    }
    let sum = cases.iter().fold(Minor::ZERO, |sum, case| sum.checked_add(case.difference).unwrap_or(sum));
    let mut text = table.text();
    text.push_str(&format!("{} {}  {}\n", till.say("合计", "total"), cases.len(), till.money(sum)));
    text
}

async fn show(till: &Till, args: CaseShowArgs) -> Result<Exit, Failure> {
    let path = format!("/v1/cases/{}", args.case);
    let answer = till.client.get(&path).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    if args.json {
        out::json(&answer.json::<Value>().map_err(|e| till.failed(e))?)?;
    } else {
        let case = answer.json().map_err(|e| till.failed(e))?;
        out::text(&detail(till, &case, &answer.json().map_err(|e| till.failed(e))?))?;
    }
    Ok(Exit::Ok)
}

/// What comes beside the case's own fields.
#[derive(Deserialize)]
struct Beside {
    trail: Vec<CaseTrace>,
    story: Vec<StoryLine>,
}

fn detail(till: &Till, case: &CaseView, beside: &Beside) -> String {
    let lang = till.lang();
    let mut text = table(till, std::slice::from_ref(case));
    let theirs = case.theirs.as_ref().map(|t| (t.kind.as_str(), t.amount, t.state.as_str(), t.day));
    let ours = case.ours.as_ref().map(|o| (o.kind.as_str(), o.amount, o.state.as_str(), o.day));
    for (zh, en, side) in [("对方", "theirs", theirs), ("本店", "ours", ours)] {
        let said = side.map_or_else(
            || "—".to_owned(),
            |(kind, amount, state, day)| {
                let day = day.map_or_else(String::new, |d| d.to_string());
                format!("{kind} {} {state} {day}", till.money(amount))
            },
        );
        text.push_str(&format!("{}  {}\n", till.say(zh, en), said.trim_end()));
    }
    let ways = case.ways.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", ");
    if !ways.is_empty() {
        text.push_str(&format!("{}  {ways}\n", till.say("可选处理", "ways")));
    }
    for trace in &beside.trail {
        let by = trace.by.as_ref().map_or_else(String::new, |by| by.to_string());
        let statement =
            trace.statement.map_or_else(String::new, |n| format!("{} {n}", till.say("对账单", "statement")));
        let note = trace.note.as_deref().unwrap_or("");
        text.push_str(&format!("{:>8}  {}  {:9} {by}{statement}  {note}\n", trace.seq, trace.at, trace.what));
    }
    if let Some(end) = &case.end {
        let voucher = end.voucher.map_or_else(String::new, |v| till.money(v));
        text.push_str(&format!("{}  {} {} {voucher}\n", till.say("处理", "end"), end.how.as_str(), end.books));
    }
    if !beside.story.is_empty() {
        text.push_str(till.say("交易经过\n", "the payment's story\n"));
        for line in &beside.story {
            let event = match &line.event {
                Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
                other => other.as_str().unwrap_or_default().to_owned(),
            };
            text.push_str(&format!("{:>8}  {}  {event}\n", line.seq, line.at));
        }
    }
    text.push_str(&format!("{}\n", case.action.in_lang(lang)));
    text
}

async fn act(till: &Till, what: &str, args: CaseActArgs) -> Result<Exit, Failure> {
    let pin = pin_from(std::io::stdin().lock())?;
    let word = if what == "reopen" { "reason" } else { "note" };
    let mut body = json!({"by": args.by, "pin": pin.as_str()});
    if let Some(text) = args.note {
        body[word] = json!(text);
    }
    done(till, args.case, what, &body, args.json).await
}

async fn resolve(till: &Till, args: CaseResolveArgs) -> Result<Exit, Failure> {
    // The second person's PIN is the second line.
    let pins = pins_from(std::io::stdin().lock(), 1 + usize::from(args.second.is_some()))?;
    let mut body = json!({"by": args.by, "pin": pins[0].as_str(), "how": args.how, "reason": args.reason});
    if let (Some(second), Some(pin)) = (&args.second, pins.get(1)) {
        body["approval"] = json!({"manager": second, "pin": pin.as_str()});
    }
    let facts = [
        ("reference", args.reference),
        ("consent", args.consent),
        ("refund", args.refund),
        ("cashier", args.cashier),
        ("device", args.device),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    done(till, args.case, "resolve", &body, args.json).await
}

async fn done(till: &Till, case: u32, what: &str, body: &Value, json: bool) -> Result<Exit, Failure> {
    let answer = till.client.post(&format!("/v1/cases/{case}/{what}"), body).await.and_then(|a| a.ok());
    let answer = answer.map_err(|e| till.failed(e))?;
    if json {
        out::json(&answer.json::<Value>().map_err(|e| till.failed(e))?)?;
    } else {
        let case = answer.json().map_err(|e| till.failed(e))?;
        out::text(&detail(till, &case, &answer.json().map_err(|e| till.failed(e))?))?;
    }
    Ok(Exit::Ok)
}
