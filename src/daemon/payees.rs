//! The allow-list of transfers: a CSV that lies outside the store's data, kept by whoever answers for the account. Read anew each time it is
//! asked, so that who is taken off it gets nothing more. Account numbers stay there: neither journal nor log ever sees one (law 7).

use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::tables::TableError;
use crate::core::domain::shown_name;
use crate::core::ports::Payee;

/// An allow-list is a page or two.
const MAX_BYTES: u64 = 1024 * 1024;

/// Somebody whom transfers may go to.
#[derive(Clone)]
pub struct Listed {
    /// The id in the list.
    pub id: String,
    /// The name, whole.
    pub name: String,
    /// The account's number.
    pub account: Zeroizing<String>,
    /// The bank's name.
    pub bank: String,
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listed({})", self.id)
    }
}

impl Listed {
    /// What may be journaled of it.
    #[must_use]
    pub fn shown(&self) -> Payee {
        let first: String = self.name.chars().take(1).collect();
        Payee { id: self.id.clone(), name: format!("{first}**") }
    }
}

/// Reads the list: `id,name,account,bank`.
pub fn read(path: &Path) -> Result<Vec<Listed>, TableError> {
    let wrong = |what: String| TableError { path: PathBuf::from(path), what };
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|e| wrong(format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong("is too large to be an allow-list".into()));
    }
    let plain = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(plain);
    let names = reader.headers().map_err(|_| wrong("is not UTF-8 CSV".into()))?.clone();
    let find = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    let (Some(id), Some(name), Some(account), Some(bank)) = (find("id"), find("name"), find("account"), find("bank"))
    else {
        return Err(wrong("line 1: the first line must name the columns id, name, account and bank".into()));
    };
    let mut list: Vec<Listed> = Vec::new();
    for row in reader.records() {
        // Never the line's own text: there are account numbers in it.
        let row = row.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            wrong(format!("line {line}: is not UTF-8, or has not the columns of the first line"))
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |n: usize| row.get(n).unwrap_or_default();
        let plain_id = |text: &str| (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !plain_id(cell(id)) || list.iter().any(|l| l.id == cell(id)) {
            return Err(wrong(format!("line {line}: id must be 1 to 32 ASCII characters, each once")));
        }
        if shown_name("name", cell(name)).is_err() {
            return Err(wrong(format!("line {line}: name must have 1 to 60 characters that are seen")));
        }
        let number = cell(account);
        if !(6..=34).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(wrong(format!("line {line}: account must have 6 to 34 digits or letters")));
        }
        list.push(Listed {
            id: cell(id).to_owned(),
            name: cell(name).to_owned(),
            account: Zeroizing::new(number.to_owned()),
            bank: cell(bank).to_owned(),
        });
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(text: &str) -> Result<Vec<Listed>, String> {
        let path = std::env::temp_dir().join(format!("tilld-payees-{}-{:p}.csv", std::process::id(), text));
        std::fs::write(&path, text).unwrap();
        let list = read(&path).map_err(|e| e.to_string());
        let _ = std::fs::remove_file(path);
        list
    }

    #[test]
    fn the_list_shows_names_shortened_and_never_an_account() {
        let list = with("id,name,account,bank\nwang,王小明,6222021234567890128,工商银行\n").unwrap();
        assert_eq!(list[0].shown(), Payee { id: "wang".into(), name: "王**".into() });
        assert!(!format!("{list:?}").contains("622202"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_an_account() {
        for (text, part) in [
            ("id,name\n", "must name the columns"),
            ("id,name,account,bank\na,王,62220212345678,x\na,李,62220212345679,x\n", "line 3: id must be"),
            ("id,name,account,bank\na,王,62-22,x\n", "line 2: account must have"),
            ("id,name,account,bank\na,,62220212345678,x\n", "line 2: name"),
            ("id,name,account,bank\na,王,62220212345678\n", "line 2"),
        ] {
            let said = with(text).unwrap_err();
            assert!(said.contains(part) && !said.contains("622202"), "{said}");
        }
        assert!(read(Path::new("/nonexistent/payees.csv")).is_err());
    }
}
