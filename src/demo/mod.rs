//! A store's day, played over the real paths: the only place that sees daemon and sim together.

mod audit;
mod books;
mod pad;
mod rig;
mod story;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use thiserror::Error;

use crate::core::domain::{Lang, Minor};
use crate::daemon::config::Config;
use crate::daemon::reconciling::{Asked, Books};
use crate::daemon::start::DATABASE;
use crate::io::store::{Reader, StoreOptions};
use rig::{Rig, TERMINALS};
use story::Story;

/// Why the demo ends early.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The rig could not be built.
    #[error("{0}")]
    Setup(String),
    /// The API answered otherwise than the story expects.
    #[error("{0}")]
    Api(String),
    /// Something came out that must not.
    #[error("{0}")]
    Judged(String),
}

/// How the demo is played.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Where everything lies; absent: a new folder under the system's temporary one.
    pub dir: Option<PathBuf>,
    /// The port of a bridge that is POS3's PIN pad, reader and drawer; absent: POS3 has none of them, and its keys are a file.
    pub bridge: Option<PathBuf>,
    /// In which language progress is told.
    pub lang: Lang,
}

/// What the demo tells while it plays.
pub struct Stage {
    lang: Lang,
    began: Instant,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stage")
    }
}

impl Stage {
    fn say(&self, zh: &str, en: &str) {
        let text = if self.lang == Lang::Zh { zh } else { en };
        let elapsed = self.began.elapsed();
        (self.tell)(&format!("{:3}.{} s  {text}", elapsed.as_secs(), elapsed.subsec_millis() / 100));
    }
}

/// What the demo came to.
#[derive(Debug)]
pub struct DemoResult {
    /// The contract's object.
    pub json: Value,
    /// The day report as the manager sees it.
    pub report: String,
    /// Where everything lies.
    pub dir: PathBuf,
    /// Everything is as it must be.
    pub good: bool,
}

impl DemoResult {
    /// The last lines: whether both sides agree, and where everything lies.
    #[must_use]
    pub fn summary(&self, lang: Lang) -> String {
        let demo = &self.json["demo"];
        let verdict = match (self.good, lang) {
            (true, Lang::Zh) => "两边账目逐笔相符，无重复、无遗漏，各终端对账平。",
            (true, Lang::En) => "Both sides agree on every payment: none twice, none lost, every terminal balanced.",
            (false, Lang::Zh) => "有不符之处，见 --json。",
            (false, Lang::En) => "Something does not agree: see --json.",
        };
        let files: [(&str, &str, &str); 8] = [
            ("report.png", "日结单图片", "the day report as a picture"),
            ("paper-office.png", "报表打印机的纸", "the paper of the report printer"),
            ("paper-front.png", "小票打印机的纸（最后几张）", "the paper of the receipt printer (its last sheets)"),
            ("acquirer-statement.csv", "收单方对账单", "the acquirer's statement"),
            ("statements/", "自动对账的文件夹", "the watched folder: put a statement here"),
            ("acquirer-books.jsonl", "模拟收单方账本", "the simulated acquirer's books"),
            ("data/", "流水数据库", "the journal"),
            (
                "tilld.toml",
                "配置；可用 tilld run、status、show、verify 继续",
                "the configuration: go on with tilld run, status, show, verify",
            ),
        ];
        let r = &demo["reconciled"];
        let [matched, long, short, differs, timing] =
            ["matched_count", "long", "short", "differs", "timing"].map(|name| r[name].clone());
        let books = match lang {
            Lang::Zh => format!("对账：相符 {matched}，长款 {long}，短款 {short}，不符 {differs}，跨日切 {timing}"),
            Lang::En => format!(
                "Reconciled with the statement: matched {matched}, long {long}, short {short}, differs {differs}, other side of the cut {timing}"
            ),
        };
        let cases = case_lines(&demo["cases"]["items"], lang);
        let mut text = format!(
            "{verdict} ({} / {})\n{books}\n{cases}{}\n",
            demo["agreed_with_acquirer"],
            demo["payments"],
            self.dir.display()
        );
        for (file, zh, en) in files {
            text.push_str(&format!("  {file:24}{}\n", if lang == Lang::Zh { zh } else { en }));
        }
        text
    }
}

/// Plays the day. `tell` gets a line for each act.
pub async fn play(options: DemoOptions, tell: Box<dyn Fn(&str) + Send + Sync>) -> Result<DemoResult, DemoError> {
    let stage = Stage { lang: options.lang, began: Instant::now(), tell };
    let dir = options.dir.unwrap_or_else(new_folder);
    let mut rig = Rig::build(&dir, options.bridge).await?;
    let dir = rig.dir.clone();
    let mut story = Story::new(&mut rig, &stage);
    story.morning().await?;
    story.busy_hours(85).await?;
    story.real_readers().await?;
    story.pin_pad().await?;
    story.second_thoughts().await?;
    story.coupons().await?;
    story.another_route().await?;
    story.lost_answers().await?;
    story.outage().await?;
    story.restart().await?;
    story.shifts_end().await?;
    let cut = story.cut_in_flight().await?;
    let date = cut["business_date"].as_str().unwrap_or_default().to_owned();
    story.paper().await?;
    story.settle(&date).await?;
    story.printers_done().await?;
    let counts = std::mem::take(&mut story.counts);
    // The new day is closed and settled as well, so that both sides' books are complete.
    let next = rig.must("/v1/day/close", json!({"by": "9001", "wait": 30})).await?;
    let day = rig.get(&format!("/v1/reports/{date}")).await?;
    let mut result = judge(&rig, day, &next, &counts).await?;
    let (cases, found) = books::cases(&rig, &dir).await?;
    stage.say("对账单有四处错误，各开一笔挂账", "A statement with four errors in it: each is a case");
    result.0["demo"]["cases"] = cases;
    let report = report_text(&rig, &date).await?;
    save_papers(&rig, &dir, &date).await?;
    rig.stop_daemon().await?;
    stage.say("完成", "Done");
    // The statement is written as the acquirer stops.
    rig.acquirer.stop().await.map_err(|e| DemoError::Setup(e.to_string()))?;
    let (reconciled, agrees) = reconcile(&dir)?;
    result.0["demo"]["reconciled"] = reconciled;
    let good = result.1 && agrees && found;
    Ok(DemoResult { json: result.0, report, dir, good })
}

/// The acquirer's statement against the journal, as `tilld reconcile` does it; leaves no note, so that the command's is the first.
fn reconcile(dir: &Path) -> Result<(Value, bool), DemoError> {
    let setup = |e: &dyn std::fmt::Display| DemoError::Setup(e.to_string());
    let config = Config::read(&dir.join("tilld.toml")).map_err(|e| setup(&e))?;
    let reader = Reader::open(&StoreOptions::at(config.data.dir.join(DATABASE))).map_err(|e| setup(&e))?;
    let file = dir.join("acquirer-statement.csv");
    let name = "acquirer-statement.csv";
    let asked = Asked { file: &file, name, format: None, wait_days: None, now: crate::io::clock::wall() };
    let outcome = Books::of(&config, reader).judge(&asked).map_err(|e| setup(&e))?.outcome;
    let [long, short, differs, timing] = outcome.counts;
    let agrees = outcome.agrees();
    let differences = [outcome.long, outcome.short, outcome.differs, outcome.timing].concat();
    let value = json!({"matched_count": outcome.matched_count, "long": long, "short": short, "differs": differs,
        "timing": timing, "differences": differences});
    Ok((value, agrees))
}

/// The cases of the spoilt statement, a line each.
fn case_lines(items: &Value, lang: Lang) -> String {
    let head = match lang {
        Lang::Zh => format!("另有一份故意写错的对账单 {}，开出挂账：\n", books::SPOILT),
        Lang::En => format!("A statement spoilt on purpose, {}, opened these cases:\n", books::SPOILT),
    };
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |case: &Value| {
        let money = Minor(case["difference"].as_i64().unwrap_or(0)).grouped(2);
        let action = word(&case["action"][if lang == Lang::Zh { "zh" } else { "en" }]);
        let (class, reason) = (word(&case["class"]), word(&case["reason"]));
        let (who, device, payment) = (word(&case["cashier"]), word(&case["device"]), word(&case["payment"]));
        format!("  #{} {class}/{reason} {money:>10}  {who} {device}  {payment}  {action}\n", case["id"])
    };
    head + &items.as_array().into_iter().flatten().rev().map(line).collect::<String>()
}

fn new_folder() -> PathBuf {
    let now = crate::io::clock::wall().0;
    std::env::temp_dir().join(format!("tilld-demo-{}-{now}", std::process::id()))
}

async fn report_text(rig: &Rig, date: &str) -> Result<String, DemoError> {
    let answer = rig.client.get(&format!("/v1/reports/{date}?format=text")).await;
    let answer = answer.and_then(crate::io::http::client::Answer::ok).map_err(|e| DemoError::Api(e.to_string()))?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

/// `report.png` as the daemon draws it, and what came out of both printers.
async fn save_papers(rig: &Rig, dir: &Path, date: &str) -> Result<(), DemoError> {
    let answer = rig.client.get(&format!("/v1/reports/{date}?format=png")).await;
    let answer = answer.and_then(crate::io::http::client::Answer::ok).map_err(|e| DemoError::Api(e.to_string()))?;
    let save = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        std::fs::write(&path, bytes).map_err(|e| DemoError::Setup(format!("{}: {e}", path.display())))
    };
    save("report.png", &answer.body)?;
    save("paper-office.txt", rig.office.paper_text().as_bytes())?;
    save("paper-front.txt", rig.front.paper_text().as_bytes())?;
    let picture = |e: std::io::Error| DemoError::Setup(format!("the picture of the paper: {e}"));
    rig.office.paper_png(&dir.join("paper-office.png")).map_err(picture)?;
    rig.front.paper_png_of_last(6, &dir.join("paper-front.png")).map_err(picture)
}

/// Compares with the acquirer's books and gives the contract's object.
async fn judge(rig: &Rig, mut day: Value, next: &Value, counts: &story::Counts) -> Result<(Value, bool), DemoError> {
    let mut payments = Vec::new();
    let mut path = "/v1/payments?limit=500".to_owned();
    loop {
        let page = rig.get(&path).await?;
        payments.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/payments?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    let tids: BTreeMap<String, String> = TERMINALS.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    let audit = audit::audit(&rig.acquirer.statement(), &payments, &tids)?;
    let judgement = rig.acquirer.judgement();
    let acquirer = serde_json::to_value(&judgement).unwrap_or_default();
    let faults = [rig.office.faults(), rig.front.faults()].concat();
    let duplicates = audit.duplicates + acquirer["duplicates"].as_u64().unwrap_or(0);
    let settled = |day: &Value| {
        day["settlement"]
            .as_array()
            .is_some_and(|s| s.iter().all(|s| s["result"] == "balanced" && s["rung"] == "ended"))
    };
    let findings = acquirer["findings"].as_array().map_or(0, Vec::len);
    let good = duplicates == 0
        && audit.lost.is_empty()
        && findings == 0
        && faults.is_empty()
        && day["cross_foot"] == true
        && next["cross_foot"] == true
        && settled(&day)
        && settled(next);
    day["duplicates"] = json!(duplicates);
    day["lost"] = json!(audit.lost.len());
    day["demo"] = json!({
        "payments": payments.len(), "asked": counts.asked, "states": counts.states, "refused": counts.refused,
        "agreed_with_acquirer": audit.agreed, "lost": audit.lost, "acquirer": acquirer, "printer_faults": faults,
        "drawer_openings": rig.front.drawer_openings(), "next_day": {"business_date": next["business_date"],
            "settlement": next["settlement"], "vouchers": next["vouchers"], "cross_foot": next["cross_foot"]},
        "bridge": rig.bridge.is_some(), "dir": rig.dir.display().to_string(),
    });
    Ok((day, good))
}
