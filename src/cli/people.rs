//! `tilld cashier add`

use std::io::BufRead;

use zeroize::Zeroizing;

use super::args::AddArgs;
use super::failure::Failure;
use super::out;
use super::till::Till;
use crate::daemon::exit::Exit;

/// A PIN and its line end are far shorter.
const MAX_LINE: u64 = 256;

/// Adds a person.
pub(super) async fn add(till: &Till, args: AddArgs) -> Result<Exit, Failure> {
    let pin = pin_from(std::io::stdin().lock())?;
    let body = serde_json::json!({"id": args.id, "name": args.name, "role": args.role, "pin": pin.as_str()});
    till.client.post("/v1/cashiers", &body).await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    let (id, name, role) = (args.id, args.name, args.role);
    out::text(&match till.lang() {
        crate::core::domain::Lang::Zh => format!("已添加 {id} {name}（{role}）"),
        crate::core::domain::Lang::En => format!("added {id} {name} ({role})"),
    })?;
    Ok(Exit::Ok)
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
