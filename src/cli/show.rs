//! `tilld show`: one payment, and everything that happened to it, answers decoded.

use serde::Deserialize;
use serde_json::Value;

use super::args::ShowArgs;
use super::failure::Failure;
use super::out;
use super::till::Till;
use crate::core::acquirer::Profile;
use crate::core::acquirer::iso8583::dump;
use crate::core::domain::{Lang, PaymentId};
use crate::core::ports::{PaymentView, StoryLine};
use crate::daemon::exit::Exit;

/// What comes beside the payment's own fields.
#[derive(Debug, Deserialize)]
struct Beside {
    story: Vec<StoryLine>,
}

/// Shows a payment.
pub(super) async fn show(till: &Till, args: ShowArgs) -> Result<Exit, Failure> {
    let id = PaymentId::parse(&args.payment).or_else(|| args.payment.parse().ok().filter(|n| *n > 0).map(PaymentId));
    let Some(id) = id else {
        return Err(Failure::new(Exit::Usage, till.say("交易号形如 P00000042", "a payment's id looks like P00000042")));
    };
    let path = format!("/v1/payments/{id}?story=1");
    let answer = till.client.get(&path).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    if args.json {
        let value: Value = answer.json().map_err(|e| till.failed(e))?;
        out::json(&value)?;
        return Ok(Exit::Ok);
    }
    let payment = answer.json().map_err(|e| till.failed(e))?;
    let beside = answer.json().map_err(|e| till.failed(e))?;
    out::text(&text(till, &payment, &beside, Some(&till.config.acquirer.profile)))?;
    Ok(Exit::Ok)
}

fn text(till: &Till, p: &PaymentView, beside: &Beside, profile: Option<&Profile>) -> String {
    let mut out = format!(
        "{}  {} {}  {} {}  {}\n{}\n",
        p.id,
        p.kind,
        p.method,
        till.money(p.amount),
        p.currency.alpha(),
        p.state,
        p.message_i18n.in_lang(till.lang()),
    );
    let none = String::new;
    let facts = [
        ("营业日", "business day", p.business_date.to_string()),
        ("终端", "device", p.device.to_string()),
        ("收银员", "cashier", p.cashier.to_string()),
        ("请求号", "request", p.request_id.clone()),
        ("时间", "made at", p.made_at.clone()),
        ("卡号", "card", p.masked_pan.clone().unwrap_or_else(none)),
        ("批次", "batch", p.batch.clone().unwrap_or_else(none)),
        ("流水号", "stan", p.stan.clone().unwrap_or_else(none)),
        ("检索参考号", "rrn", p.rrn.clone().unwrap_or_else(none)),
        ("授权码", "approval", p.approval_code.clone().unwrap_or_else(none)),
        ("应答码", "code", p.response_code.as_deref().map(|c| code(c, profile, till.lang())).unwrap_or_else(none)),
        ("原交易", "original", p.original.as_ref().map(shown).unwrap_or_else(none)),
        ("被撤销于", "voided by", p.voided_by.clone().unwrap_or_else(none)),
        ("已退", "refunded", if p.refunded.is_positive() { till.money(p.refunded) } else { none() }),
        ("冲正", "reversal", p.reversal.clone().unwrap_or_else(none)),
        ("告警", "alarm", p.alarm.clone().unwrap_or_else(none)),
        ("关注至", "watched until", p.watched_until.map(|day| day.to_string()).unwrap_or_else(none)),
    ];
    for (zh, en, value) in facts {
        if !value.is_empty() {
            out.push_str(&format!("  {}: {value}\n", till.say(zh, en)));
        }
    }
    out.push('\n');
    for line in &beside.story {
        out.push_str(&story_line(line, profile, till.lang()));
    }
    out
}

/// A journal row: its number, its time, what happened, and the facts below.
fn story_line(line: &StoryLine, profile: Option<&Profile>, lang: Lang) -> String {
    let (name, facts) = match &line.event {
        Value::Object(map) if map.len() == 1 => match map.iter().next() {
            Some((name, facts)) => (name.as_str(), facts),
            None => ("", &Value::Null),
        },
        Value::String(name) => (name.as_str(), &Value::Null),
        other => ("", other),
    };
    let mut out = format!("#{}  {}  {}\n", line.seq, line.at, event_word(name, lang));
    let mut pairs = Vec::new();
    flatten("", facts, &mut pairs);
    for (key, value) in pairs {
        if key == "masked_frame" || key.ends_with(".masked_frame") {
            out.push_str(&frame_lines(&value, profile, lang));
            continue;
        }
        let value = if key == "code" || key.ends_with(".code") { code(&value, profile, lang) } else { value };
        out.push_str(&format!("      {key}: {value}\n"));
    }
    out
}

/// A kept frame, field by field, its hidden digits as they were kept; as it is where it cannot be read.
fn frame_lines(masked: &str, profile: Option<&Profile>, lang: Lang) -> String {
    // A stray's frame is followed by what is wrong with it.
    let (hex, rest) = masked.split_once(' ').unwrap_or((masked, ""));
    let shown = profile.and_then(|profile| dump::from_masked(&profile.spec, profile.frame, hex));
    let Some(fields) = shown else { return format!("      frame: {masked}\n") };
    let mut out = String::new();
    for (number, content) in fields {
        let name = if number == 0 { "MTI".to_owned() } else { format!("F{number}") };
        out.push_str(&format!("      {name:>4} {}: {content}\n", field_word(number, lang)));
    }
    if !rest.is_empty() {
        out.push_str(&format!("      {rest}\n"));
    }
    out
}

/// What a field is called.
fn field_word(number: u8, lang: Lang) -> &'static str {
    const WORDS: &[(u8, &str, &str)] = &[
        (0, "类型", "type"),
        (2, "卡号", "card"),
        (3, "处理码", "processing code"),
        (4, "金额", "amount"),
        (11, "流水号", "STAN"),
        (12, "主机时间", "host time"),
        (13, "主机日期", "host date"),
        (14, "有效期", "expiry"),
        (15, "清算日期", "settlement date"),
        (22, "输入方式", "entry"),
        (23, "卡序列号", "card sequence"),
        (25, "条件码", "condition"),
        (32, "受理机构", "acquirer"),
        (35, "二磁道", "track 2"),
        (37, "检索参考号", "RRN"),
        (38, "授权码", "approval"),
        (39, "应答码", "response code"),
        (41, "终端号", "TID"),
        (42, "商户号", "MID"),
        (44, "附加应答", "additional response"),
        (48, "附加数据", "additional data"),
        (49, "币种", "currency"),
        (52, "密码", "PIN block"),
        (54, "余额", "balance"),
        (55, "芯片数据", "chip data"),
        (59, "付款码", "payment code"),
        (60, "交易类型与批次", "type and batch"),
        (61, "原交易", "original"),
        (62, "自定义", "private"),
        (63, "卡组织", "card organisation"),
        (64, "校验", "MAC"),
    ];
    let found = WORDS.iter().find(|(known, ..)| *known == number);
    found.map_or("", |(_, zh, en)| if lang == Lang::Zh { zh } else { en })
}

/// Nested facts as `answer.rrn: …`; what is absent is left out.
fn flatten(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, out);
            }
        }
        other => out.push((prefix.to_owned(), shown(other))),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A response code with what the acquirer's profile says of it.
fn code(code: &str, profile: Option<&Profile>, lang: Lang) -> String {
    match profile {
        Some(profile) => {
            let (class, sentence) = profile.classify(code);
            format!("{code} {} ({class:?})", sentence.in_lang(lang))
        }
        None => code.to_owned(),
    }
}

/// What an event is called; an event that is not in the list keeps its own name.
fn event_word(name: &str, lang: Lang) -> &str {
    const WORDS: &[(&str, &str, &str)] = &[
        ("PaymentMade", "登记交易", "journaled"),
        ("PaymentStored", "离线受理", "taken offline"),
        ("PaymentCancelled", "取消，未发送", "cancelled before sending"),
        ("PaymentSetAside", "离线交易搁置", "set aside"),
        ("Sending", "即将发送", "about to be sent"),
        ("NotSent", "未能发送", "not sent"),
        ("NoAnswer", "无应答", "no answer"),
        ("Answered", "收到应答", "answered"),
        ("Stray", "无法匹配的报文", "a frame that answers nothing"),
        ("LateAnswer", "迟到的应答", "a late answer"),
        ("ReversalOwed", "需要冲正", "a reversal is owed"),
        ("ReversalGivenUp", "冲正次数用尽", "the reversal is given up"),
        ("ExceptionOpened", "登记异常", "an exception is opened"),
        ("ExceptionResolved", "异常已处理", "the exception is resolved"),
        ("Errand", "即将发送（非金融）", "an errand is about to be sent"),
        ("Alarm", "长时间未知，告警", "undecided for too long"),
        ("PreauthLapsed", "预授权已过期", "the pre-authorization has lapsed"),
        ("Reprinted", "重打印", "printed again"),
        ("PrintedAgain", "重打印", "printed again"),
    ];
    match (WORDS.iter().find(|(known, ..)| *known == name), lang) {
        (Some((_, zh, _)), Lang::Zh) => zh,
        (Some((_, _, en)), Lang::En) => en,
        (None, _) => name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_told_with_its_facts_and_its_code_decoded() {
        let line = StoryLine {
            seq: 9,
            at: "2026-11-20T10:00:00+08:00".into(),
            event: json!({"Answered": {"terminal": "POS1", "stan": 7, "answer": {"class": "declined", "code": "51", "rrn": null}}}),
            means: None,
        };
        let profile = Profile::builtin("unionpay-pos").unwrap();
        let text = story_line(&line, Some(&profile), Lang::Zh);
        assert!(text.starts_with("#9  2026-11-20T10:00:00+08:00  收到应答\n"), "{text}");
        assert!(text.contains("answer.code: 51 ") && text.contains("(Declined)"), "{text}");
        assert!(text.contains("stan: 7") && !text.contains("rrn"), "{text}");
        let kept = "60000300006022000000000210303800000AC000100000000000000123450001231201021120323231333031343133323930353131323334353637383132333435363738393031323334350011220000010000 ";
        let framed = StoryLine { event: json!({"Stray": {"masked_frame": format!("{}(late)", kept)}}), ..line };
        let text = story_line(&framed, Some(&profile), Lang::En);
        assert!(text.contains("MTI type: 0210") && text.contains("F11 STAN: 000123"), "{text}");
        assert!(text.contains("(late)"), "{text}");
        let line = framed;
        let unknown = StoryLine { event: json!("Something"), ..line };
        assert!(story_line(&unknown, None, Lang::En).contains("Something"));
    }
}
