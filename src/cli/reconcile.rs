//! `tilld reconcile`: a statement against the journal. Reads beside a running daemon; only the note of it goes through the writer.

use serde_json::{Value, json};

use super::args::ReconcileArgs;
use super::failure::Failure;
use super::out;
use super::table::Table;
use super::till::Till;
use crate::core::domain::{Lang, Minor};
use crate::core::ports::StatementNoted;
use crate::core::reconcile::{Difference, Outcome};
use crate::daemon::exit::Exit;
use crate::daemon::reconciling::{Asked, Judged, ReconcileError, reconcile as judge};
use crate::daemon::start::DATABASE;
use crate::io::clock::wall;
use crate::io::store::{Reader, StoreOptions};

/// Differences of a class that are shown to people; `--json` has more.
const SHOWN: usize = 200;

/// 0 where nothing differs (what waits for the other side of the cut does not count), 1 where something does.
pub(super) async fn reconcile(till: &Till, args: ReconcileArgs) -> Result<Exit, Failure> {
    let database = till.config.data.dir.join(DATABASE);
    let reader = Reader::open(&StoreOptions::at(&database)).map_err(|e| Failure::new(Exit::Io, e.to_string()))?;
    let asked = Asked { file: &args.file, format: args.format.as_deref(), wait_days: args.wait_days, now: wall() };
    let judged = judge(&till.config, &reader, &asked).map_err(failed)?;
    let noted: StatementNoted =
        till.client.post_json("/v1/statements", &judged.note).await.map_err(|e| till.failed(e))?;
    if args.json {
        out::json(&object(&judged, noted))?;
    } else {
        out::text(&text(till, &judged, noted))?;
    }
    Ok(if judged.outcome.agrees() { Exit::Ok } else { Exit::Findings })
}

fn failed(error: ReconcileError) -> Failure {
    let exit = match &error {
        ReconcileError::File(..) => Exit::NoInput,
        ReconcileError::Store(_) => Exit::Io,
        ReconcileError::Format(_) => Exit::Config,
        ReconcileError::Unknown { .. } | ReconcileError::Empty(..) | ReconcileError::TooLong(..) => Exit::Data,
    };
    Failure::new(exit, error.to_string())
}

/// The contract's object.
fn object(judged: &Judged, noted: StatementNoted) -> Value {
    let (outcome, note) = (&judged.outcome, &judged.note);
    let by = |days: &crate::io::store::DaysOf| -> Vec<Value> {
        days.iter().map(|(day, (id, name))| json!({"day": day, "statement": id, "file": name})).collect()
    };
    let [long, short, differs, timing] = outcome.counts;
    json!({
        "matched_count": outcome.matched_count,
        "long": outcome.long, "short": outcome.short, "differs": outcome.differs, "timing": outcome.timing,
        "counts": {"long": long, "short": short, "differs": differs, "timing": timing},
        "agreed_without_money": outcome.agreed_without_money,
        "agrees": outcome.agrees(),
        "sums": outcome.sums,
        "formula": Outcome::formula(),
        "statement": {
            "id": noted.id, "file": note.name, "format": note.format, "hash": note.hash, "lines": note.lines,
            "days": note.days, "new": noted.new,
        },
        "spoiled": {"count": note.spoiled, "lines": judged.spoiled},
        "supersedes": by(&judged.supersedes),
        "superseded_by": judged.known.as_ref().map(|k| by(&k.superseded)).unwrap_or_default(),
    })
}

fn text(till: &Till, judged: &Judged, noted: StatementNoted) -> String {
    let (outcome, note, lang) = (&judged.outcome, &judged.note, till.lang());
    let days = match (note.days.first(), note.days.last()) {
        (Some(a), Some(b)) if a == b => a.to_string(),
        (Some(a), Some(b)) => format!("{a} … {b}"),
        _ => String::new(),
    };
    let mut text = format!("{}  {}  {days}\n", judged.format.title.in_lang(lang), note.name);
    if !noted.new {
        text.push_str(
            till.say("此文件已对过账：未作任何更改。\n", "This file was reconciled before: nothing was changed.\n"),
        );
    }
    for (day, (_, name)) in &judged.supersedes {
        text.push_str(&match lang {
            Lang::Zh => format!("{day}：取代此前的 {name}\n"),
            Lang::En => format!("{day}: supersedes the earlier {name}\n"),
        });
    }
    for (day, (_, name)) in judged.known.iter().flat_map(|k| &k.superseded) {
        text.push_str(&match lang {
            Lang::Zh => format!("{day}：已被后来的 {name} 取代，以下仅供参考\n"),
            Lang::En => format!("{day}: superseded by the later {name}: what follows is for information\n"),
        });
    }
    for spoiled in &judged.spoiled {
        text.push_str(&match lang {
            Lang::Zh => format!("第 {} 行无法使用：{}\n", spoiled.line, spoiled.why),
            Lang::En => format!("line {} cannot be used: {}\n", spoiled.line, spoiled.why),
        });
    }
    let heads = [
        (&outcome.long, "长款（对方有，本店无）", "long (theirs, not ours)"),
        (&outcome.short, "短款（本店有，对方无）", "short (ours, not theirs)"),
        (&outcome.differs, "不符", "differs"),
        (&outcome.timing, "跨日切（等待中，不计差额）", "other side of the cut (waits, does not count)"),
    ];
    text.push_str(&match lang {
        Lang::Zh => format!("相符 {} 笔\n", outcome.matched_count),
        Lang::En => format!("matched {}\n", outcome.matched_count),
    });
    for ((listed, zh, en), count) in heads.into_iter().zip(outcome.counts) {
        text.push_str(&format!("{} {count}\n", till.say(zh, en)));
        if !listed.is_empty() {
            text.push_str(&table(till, listed));
        }
    }
    let money = |n: i128| till.money(Minor(i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX })));
    let (s, formula) = (&outcome.sums, Outcome::formula());
    text.push_str(&format!(
        "{}\n{} = {} − {} = {} − {} + {}\n",
        formula.in_lang(lang),
        money(s.difference),
        money(s.theirs),
        money(s.ours),
        money(s.long),
        money(s.short),
        money(s.differs)
    ));
    text
}

fn table(till: &Till, list: &[Difference]) -> String {
    let lang = till.lang();
    let mut table = Table::new(&match lang {
        Lang::Zh => ["行", "交易", "收银员", "终端", "班次", "批次/流水", "对方", "本店", "差额", "建议"],
        Lang::En => {
            ["line", "payment", "cashier", "device", "shift", "batch/stan", "theirs", "ours", "difference", "do"]
        }
    })
    .right(&[0, 4, 8]);
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "—".to_owned());
    let side = |side: &Option<crate::core::reconcile::Side>| {
        side.as_ref()
            .map_or_else(|| "—".to_owned(), |s| format!("{} {} {}", s.kind, till.money(Minor(s.amount)), s.state))
    };
    for d in list.iter().take(SHOWN) {
        // Who stood there before and after is a hint, not a fact.
        let cashier = if d.attributed == "neighbour" { format!("{}?", or(&d.cashier)) } else { or(&d.cashier) };
        table.row([
            d.line.map_or_else(|| "—".to_owned(), |n| n.to_string()),
            or(&d.payment),
            cashier,
            or(&d.device),
            d.shift.map_or_else(|| "—".to_owned(), |n| n.to_string()),
            format!("{}/{}", or(&d.batch), or(&d.stan)),
            side(&d.theirs),
            side(&d.ours),
            till.money(Minor(d.difference)),
            d.action.in_lang(lang).to_owned(),
        ]);
    }
    let mut text = table.text();
    if list.len() > SHOWN {
        text.push_str(till.say("…其余见 --json\n", "… the others with --json\n"));
    }
    text
}
