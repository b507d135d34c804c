//! `tilld reconcile`: a statement against the journal. Reads beside a running daemon; only the note of it goes through the writer.

use super::args::ReconcileArgs;
use super::failure::Failure;
use super::table::Table;
use super::till::Till;
use super::{out, progress};
use crate::core::domain::{Lang, Minor, Sentence};
use crate::core::journal::Attribution;
use crate::core::ports::{StatementDay, StatementNoted, StatementView};
use crate::core::reconcile::{Difference, Direction, RowKind};
use crate::daemon::exit::Exit;
use crate::daemon::reconciling::{Asked, Books, ReconcileError};
use crate::daemon::start::DATABASE;
use crate::io::clock::wall;
use crate::io::store::{Reader, StoreOptions};

/// Differences of a class that are shown to people; `--json` has more.
const SHOWN: usize = 200;

/// 0 where nothing differs (what waits for the other side of the cut does not count), 1 where something does.
pub(super) async fn reconcile(till: &Till, args: ReconcileArgs) -> Result<Exit, Failure> {
    let database = till.config.data.dir.join(DATABASE);
    let reader = Reader::open(&StoreOptions::at(&database)).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
    let books = Books::of(&till.config, reader);
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let (format, wait_days) = (args.format.as_deref(), args.wait_days);
    let asked = Asked { file: &args.file, name: &name, format, wait_days, now: wall() };
    let judging = async { tokio::task::block_in_place(|| books.judge(&asked)) };
    let judged = progress::waiting(till.say("对账", "reconciling"), judging).await.map_err(failed)?;
    let noted: Option<StatementNoted> = if args.dry_run {
        None
    } else {
        let told = judged.for_the_writer().map_err(|reject| Failure::refused(&reject, till.lang()))?;
        let noted = till.client.post_json("/v1/statements/judged", &told).await;
        Some(noted.map_err(|e| till.failed(e))?)
    };
    let (title, agrees) = (judged.format.title.clone(), judged.outcome.agrees());
    let view = books.view(judged, noted).map_err(|e| failed(e.into()))?;
    if args.json {
        out::json(&serde_json::to_value(&view).map_err(|e| Failure::new(Exit::Io, e.to_string()))?)?;
    } else {
        out::text(&text(till, &title, &view))?;
    }
    Ok(if agrees { Exit::Ok } else { Exit::Findings })
}

fn failed(error: ReconcileError) -> Failure {
    let exit = match &error {
        ReconcileError::File(..) => Exit::NoInput,
        ReconcileError::Changing(_) => Exit::TempFail,
        ReconcileError::Store(_) => Exit::Io,
        ReconcileError::Format(_) => Exit::Config,
        ReconcileError::Unknown { .. }
        | ReconcileError::Empty(..)
        | ReconcileError::TooLong(..)
        | ReconcileError::TooLarge(..) => Exit::Data,
    };
    Failure::new(exit, error.to_string())
}

fn text(till: &Till, title: &Sentence, view: &StatementView) -> String {
    let lang = till.lang();
    let facts = &view.statement;
    let days = match (facts.days.first(), facts.days.last()) {
        (Some(a), Some(b)) if a == b => a.to_string(),
        (Some(a), Some(b)) => format!("{a} … {b}"),
        _ => String::new(),
    };
    let mut text = format!("{}  {}  {days}\n", title.in_lang(lang), facts.file);
    text.push_str(match facts.new {
        Some(true) => "",
        Some(false) => {
            till.say("此文件已对过账：未作任何更改。\n", "This file was reconciled before: nothing was changed.\n")
        }
        None => till.say("仅核对：未作任何记录。\n", "Judged only: nothing was noted.\n"),
    });
    for StatementDay { day, file, .. } in &view.supersedes {
        text.push_str(&match lang {
            Lang::Zh => format!("{day}：取代此前的 {file}\n"),
            Lang::En => format!("{day}: supersedes the earlier {file}\n"),
        });
    }
    for StatementDay { day, file, .. } in &view.superseded_by {
        text.push_str(&match lang {
            Lang::Zh => format!("{day}：已被后来的 {file} 取代，以下仅供参考\n"),
            Lang::En => format!("{day}: superseded by the later {file}: what follows is for information\n"),
        });
    }
    for spoiled in &view.spoiled.lines {
        text.push_str(&match lang {
            Lang::Zh => format!("第 {} 行无法使用：{}\n", spoiled.line, spoiled.why),
            Lang::En => format!("line {} cannot be used: {}\n", spoiled.line, spoiled.why),
        });
    }
    let heads = [
        (&view.long, "long", "长款（对方有，本店无）", "long (theirs, not ours)"),
        (&view.short, "short", "短款（本店有，对方无）", "short (ours, not theirs)"),
        (&view.differs, "differs", "不符", "differs"),
        (&view.timing, "timing", "跨日切（等待中，不计差额）", "other side of the cut (waits, does not count)"),
    ];
    text.push_str(&match lang {
        Lang::Zh => format!("相符 {} 笔\n", view.matched_count),
        Lang::En => format!("matched {}\n", view.matched_count),
    });
    for (listed, word, zh, en) in heads {
        text.push_str(&format!("{} {}\n", till.say(zh, en), view.counts[word]));
        if !listed.is_empty() {
            text.push_str(&table(till, listed));
        }
    }
    text.push_str(&sums(till, view));
    if let Some(noted) = &view.cases {
        text.push_str(&cases(till, noted));
    }
    text
}

/// Both sides' sums: each figure with its direction and its formula.
fn sums(till: &Till, view: &StatementView) -> String {
    let clamp = |n: i128| i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX });
    let money = |n: i128| till.money(Minor(clamp(n)));
    let s = &view.sums;
    let direction = Direction::of(clamp(s.difference)).sentence();
    format!(
        "{}\n{} = {} − {} = {} − {} + {}  {}\n",
        view.formula.in_lang(till.lang()),
        money(s.difference),
        money(s.theirs),
        money(s.ours),
        money(s.long),
        money(s.short),
        money(s.differs),
        direction.in_lang(till.lang())
    )
}

fn cases(till: &Till, noted: &StatementNoted) -> String {
    let list = |ids: &[u32]| {
        let shown = ids.iter().take(20).map(u32::to_string).collect::<Vec<_>>().join(" ");
        if ids.len() > 20 { format!("{shown} …") } else { shown }
    };
    let lines = [
        (&noted.opened, "新挂账", "cases opened"),
        (&noted.reopened, "重开（与处理结果矛盾）", "cases opened again (their end is contradicted)"),
        (&noted.restated, "差异有变", "cases shown otherwise than before"),
        (&noted.agreed, "已无差异，待店长确认", "cases without a difference now: to be confirmed"),
    ];
    let said = lines.into_iter().filter(|(ids, ..)| !ids.is_empty());
    said.map(|(ids, zh, en)| format!("{} {}: {}\n", till.say(zh, en), ids.len(), list(ids))).collect()
}

fn table(till: &Till, list: &[Difference]) -> String {
    let lang = till.lang();
    let mut table = Table::new(&match lang {
        Lang::Zh => {
            ["行", "交易", "收银员", "终端", "班次", "批次/流水", "对方", "本店", "差额=对方−本店", "挂账", "建议"]
        }
        Lang::En => [
            "line",
            "payment",
            "cashier",
            "device",
            "shift",
            "batch/stan",
            "theirs",
            "ours",
            "theirs−ours",
            "case",
            "do",
        ],
    })
    .right(&[0, 4, 8]);
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "—".to_owned());
    let side =
        |kind: RowKind, amount: i64, state: &str| format!("{} {} {state}", kind.as_str(), till.money(Minor(amount)));
    let none = || "—".to_owned();
    for d in list.iter().take(SHOWN) {
        // Who stood there before and after is a hint, not a fact.
        let cashier =
            if d.attributed == Attribution::Neighbour { format!("{}?", or(&d.cashier)) } else { or(&d.cashier) };
        table.row([
            d.line.map_or_else(|| "—".to_owned(), |n| n.to_string()),
            d.payment.map_or_else(none, |p| p.to_string()),
            cashier,
            or(&d.device),
            d.shift.map_or_else(|| "—".to_owned(), |n| n.to_string()),
            format!("{}/{}", or(&d.batch), or(&d.stan)),
            d.theirs.as_ref().map_or_else(none, |s| side(s.kind, s.amount, s.state.as_str())),
            d.ours.as_ref().map_or_else(none, |s| side(s.kind, s.amount, s.state.as_str())),
            till.money(Minor(d.difference)),
            d.case.map_or_else(none, |n| n.to_string()),
            d.action.in_lang(lang).to_owned(),
        ]);
    }
    let mut text = table.text();
    for (d, also) in list.iter().take(SHOWN).flat_map(|d| d.also_in.iter().map(move |also| (d, also))) {
        let payment = d.payment.map_or_else(none, |p| p.to_string());
        let StatementDay { day, statement, file } = also;
        text.push_str(&match lang {
            Lang::Zh => format!("{payment}：{day} 的对账单 {statement}（{file}）也有此笔\n"),
            Lang::En => format!("{payment}: statement {statement} ({file}) has it on {day}, too\n"),
        });
    }
    if list.len() > SHOWN {
        text.push_str(till.say("…其余见 --json\n", "… the others with --json\n"));
    }
    text
}
