//! `tilld cashier add`, `change`, `list`

use std::io::BufRead;

use serde_json::Value;
use zeroize::Zeroizing;

use super::args::{AddArgs, ChangeArgs};
use super::failure::Failure;
use super::out;
use super::table::Table;
use super::till::Till;
use crate::core::domain::Lang;
use crate::core::ports::{Page, PersonView};
use crate::daemon::exit::Exit;

/// A PIN and its line end are far shorter.
const MAX_LINE: u64 = 256;

/// Adds a person.
pub(super) async fn add(till: &Till, args: AddArgs) -> Result<Exit, Failure> {
    let pin = pin_from(std::io::stdin().lock())?;
    let mut body = serde_json::json!({"id": args.id, "name": args.name, "role": args.role, "pin": pin.as_str()});
    if let Some(lang) = args.lang {
        body["lang"] = lang.as_str().into();
    }
    till.client.post("/v1/cashiers", &body).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    let (id, name, role) = (args.id, args.name, args.role);
    out::text(&match till.lang() {
        Lang::Zh => format!("已添加 {id} {name}（{role}）"),
        Lang::En => format!("added {id} {name} ({role})"),
    })?;
    Ok(Exit::Ok)
}

/// Changes what is said, and nothing else.
pub(super) async fn change(till: &Till, args: ChangeArgs) -> Result<Exit, Failure> {
    let mut body = serde_json::Map::new();
    let pin = if args.pin_stdin { Some(pin_from(std::io::stdin().lock())?) } else { None };
    let active = (args.gone || args.back).then_some(args.back);
    let said = [
        ("name", args.name.map(Value::from)),
        ("role", args.role.map(|role| role.as_str().into())),
        ("lang", args.lang.map(|lang| lang.as_str().into())),
        ("active", active.map(Value::from)),
        ("pin", pin.as_ref().map(|pin| pin.as_str().into())),
    ];
    body.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    if body.is_empty() {
        let told = till.say("没有要修改的内容", "nothing to change: see tilld cashier change --help");
        return Err(Failure::new(Exit::Usage, told));
    }
    let path = format!("/v1/cashiers/{}", args.id);
    let answer = till.client.post(&path, &Value::from(body)).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    let person: PersonView = answer.json().map_err(|e| till.failed(e))?;
    out::text(&table(till, &[person]))?;
    Ok(Exit::Ok)
}

/// Everybody.
pub(super) async fn list(till: &Till, json: bool) -> Result<Exit, Failure> {
    let answer = till.client.get("/v1/cashiers").await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    let page: Page<PersonView> = answer.json().map_err(|e| till.failed(e))?;
    if json {
        out::json(&page.items)?;
    } else {
        out::text(&table(till, &page.items))?;
    }
    Ok(Exit::Ok)
}

fn table(till: &Till, people: &[PersonView]) -> String {
    let mut table = Table::new(&match till.lang() {
        Lang::Zh => ["工号", "姓名", "角色", "语言", "在职", "班次未结"],
        Lang::En => ["id", "name", "role", "language", "works here", "shift open"],
    });
    let yes = |yes| if yes { till.say("是", "yes") } else { till.say("否", "no") }.to_owned();
    for p in people {
        let lang = p.lang.map_or("-", |lang| lang.as_str());
        let id = p.id.to_string();
        table.row([id, p.name.clone(), p.role.to_string(), lang.to_owned(), yes(p.active), yes(p.shift_open)]);
    }
    table.text()
}

/// The first lines, without their ends.
pub(super) fn pins_from(mut input: impl BufRead, n: usize) -> Result<Vec<Zeroizing<String>>, Failure> {
    (0..n).map(|_| pin_from(&mut input)).collect()
}

/// The next line, without its end.
pub(super) fn pin_from(input: impl BufRead) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    input
        .take(MAX_LINE)
        .read_line(&mut line)
        .map_err(|e| Failure::new(Exit::Data, format!("the PIN cannot be read from standard input: {e}")))?;
    let pin = Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned());
    if pin.is_empty() {
        return Err(Failure::new(Exit::Data, "no PIN on standard input: echo 1234 | tilld cashier add … --pin-stdin"));
    }
    Ok(pin)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_pin_is_the_first_line() {
        assert_eq!(pin_from(&b"1234\r\nrest"[..]).unwrap().as_str(), "1234");
        assert_eq!(pin_from(&b"1234"[..]).unwrap().as_str(), "1234");
        assert!(pin_from(&b"\n1234"[..]).is_err());
        assert!(pin_from(&b""[..]).is_err());
    }
}
