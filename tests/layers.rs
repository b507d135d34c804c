//! Keeps the house: reads every path in `src/` and fails on the first that runs up the floors or sideways (law 10).
//!
//! Also: no file over 600 lines, every file begins by saying what lives in it, no clock, thread, socket, file, float or random number in `core`.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Who may import what. The first line whose place fits a file decides; a path of ours must begin with one of `may`.
/// One line a place: `core::x` is the module, `core::` a prefix of names.
const FLOORS: &[(&str, &[&str])] = &[
    // A zone's rules lie packed; what opens them knows nothing of them.
    ("core::domain", &["core::domain", "core::packed"]),
    ("core", &["core"]),
    ("io::store", &["io::store", "core"]),
    ("io::serial", &["io::serial", "core"]),
    ("io::link", &["io::link", "core"]),
    ("io::http", &["io::http", "io::work", "core"]),
    ("io::vault", &["io::vault", "core"]),
    ("io::clock", &["io::clock", "core"]),
    ("io::work", &["io::work"]),
    // It is the other side of the wire: what it shares with us proves nothing. A thread is a thread.
    ("sim", &["sim", "core::domain", "core::font", "core::gb18030", "core::acquirer::iso8583", "io::work"]),
    ("daemon", &["daemon", "io", "core"]),
    // The only place that sees both ends of the wires.
    ("demo", &["demo", "daemon", "sim", "io", "core"]),
    // `tilld sim …` starts a stand-in; nothing else of it is seen from here.
    ("cli", &["cli", "daemon", "demo", "sim", "io", "core"]),
    // `io`, the crate's root, and `main` only name their modules.
    ("io", &["io"]),
    ("", &["cli", "core", "daemon", "demo", "io", "sim"]),
];

/// What `core` may not name of the outside: it comes in as an argument.
const OUTSIDE: &[&str] = &[
    "std::net",
    "std::fs",
    "std::time",
    "std::thread",
    "std::process",
    "std::env",
    "std::os",
    "std::sync::mpsc",
    "tokio",
    "rand",
    "getrandom",
    "rusqlite",
    "serialport",
    "axum",
    "hyper",
    "rustix",
    "ring::rand",
    "ring::signature",
];

/// Words that stand for a clock, a float or chance, however they were imported.
const WORDS: &[&str] = &["SystemTime", "Instant", "f32", "f64", "SystemRandom", "Utc", "Local"];

#[test]
fn law_10_nothing_runs_up_the_floors_or_sideways() {
    let mut wrong = String::new();
    for file in rust_files(&root().join("src")) {
        let (text, place) = (std::fs::read_to_string(&file).unwrap(), place_of(&file));
        let (_, may) = FLOORS.iter().find(|(floor, _)| within(&place.join("::"), floor)).unwrap();
        for (line, path) in paths(&text, &place) {
            if let Some(ours) = path.strip_prefix("crate::").or_else(|| path.strip_prefix("tilld::"))
                && !may.iter().any(|floor| within(ours, floor))
            {
                let _ = writeln!(wrong, "{}:{line}: {path} (may import {may:?})", file.display());
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn law_6_and_10_core_knows_no_clock_thread_socket_file_float_or_chance() {
    let mut wrong = String::new();
    for file in rust_files(&root().join("src/core")) {
        let text = std::fs::read_to_string(&file).unwrap();
        // What a test measures with is its own affair.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        if file.file_name().is_some_and(|n| n.to_string_lossy().contains("tests")) {
            continue;
        }
        for (line, path) in paths(code, &place_of(&file)) {
            if OUTSIDE.iter().any(|outside| within(&path, outside)) {
                let _ = writeln!(wrong, "{}:{line}: {path}", file.display());
            }
        }
        for (line, token) in tokens(code) {
            if WORDS.contains(&token.as_str()) {
                let _ = writeln!(wrong, "{}:{line}: {token}", file.display());
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_file_says_what_lives_in_it_and_ends_in_time() {
    let mut wrong = String::new();
    for folder in ["src", "tests", "firmware-bridge/src", "firmware-bridge/tests"] {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines = text.lines().count();
            if lines > 600 {
                let _ = writeln!(wrong, "{}: {lines} lines; look for the seam", file.display());
            }
            if !text.starts_with("//!") {
                let _ = writeln!(wrong, "{}: begins without //!", file.display());
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_reader_of_imports_sees_through_groups_climbs_and_strings() {
    let text = r##"
        use crate::core::{domain::Minor, ports::{self, Store as S}};
        // use crate::io::store;
        const T: &str = "crate::io::http"; const R: &str = r#"crate::io::link"#;
        fn f<'a>(x: &'a str) { let _c = '{'; super::super::io::vault::go(x); }
        mod tests { use super::*; fn g() { super::super::y() } }
    "##;
    let place: Vec<String> = ["core", "ledger"].map(String::from).into();
    let found: Vec<String> = paths(text, &place).into_iter().map(|(_, path)| path).collect();
    let expected = [
        "crate::core::domain::Minor",
        "crate::core::ports::self",
        "crate::core::ports::Store",
        "crate::io::vault::go",
        "crate::core::ledger::*",
        "crate::core::y",
    ];
    assert_eq!(found, expected);
    assert!(within("core::domain::Minor", "core::domain") && !within("core::domains", "core::domain"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// `src/core/day/cut.rs` → core, day, cut.
fn place_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let mut parts: Vec<String> = inside.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

/// Whether a path is this floor or in it.
fn within(path: &str, floor: &str) -> bool {
    floor.is_empty() || path == floor || path.strip_prefix(floor).is_some_and(|rest| rest.starts_with("::"))
}

/// Every path that a file names, with its line: `use` trees unfolded, `super` and `self` resolved.
fn paths(text: &str, place: &[String]) -> Vec<(usize, String)> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    // Inline modules that are open, and the depth of braces at which each closes.
    let mut modules: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0usize, 0usize);
    while at < tokens.len() {
        let token = tokens[at].1.as_str();
        let here = || place.iter().cloned().chain(modules.iter().map(|(name, _)| name.clone())).collect::<Vec<_>>();
        match token {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                modules.retain(|(_, closes)| *closes <= depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|t| t.1 == "{") => {
                modules.push((tokens[at + 1].1.clone(), depth + 1));
            }
            "use" => {
                at = unfold(&tokens, at + 1, &mut Vec::new(), &here(), &mut found);
                continue;
            }
            _ => {
                let begins = at == 0 || tokens[at - 1].1 != "::";
                if begins && word(token) && tokens.get(at + 1).is_some_and(|t| t.1 == "::") {
                    let line = tokens[at].0;
                    let mut parts = vec![token.to_owned()];
                    while tokens.get(at + 1).is_some_and(|t| t.1 == "::")
                        && tokens.get(at + 2).is_some_and(|t| word(&t.1))
                    {
                        parts.push(tokens[at + 2].1.clone());
                        at += 2;
                    }
                    found.extend(resolve(&parts, &here()).map(|path| (line, path)));
                }
            }
        }
        at += 1;
    }
    found
}

/// Unfolds a `use` tree from `at`; gives where to go on.
fn unfold(
    tokens: &[(usize, String)],
    mut at: usize,
    prefix: &mut Vec<String>,
    here: &[String],
    found: &mut Vec<(usize, String)>,
) -> usize {
    let depth = prefix.len();
    while at < tokens.len() {
        match tokens[at].1.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while at < tokens.len() && tokens[at].1 != "}" {
                    at = unfold(tokens, at, &mut prefix.clone(), here, found);
                    if tokens.get(at).is_some_and(|t| t.1 == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => at += 1,
            ";" | "," | "}" => {
                if prefix.len() > depth {
                    found.extend(resolve(prefix, here).map(|path| (tokens[at].0, path)));
                }
                return at;
            }
            part => prefix.push(part.to_owned()),
        }
        at += 1;
    }
    at
}

/// The path from the crate's root, or as it stands where it is of the outside. A first word that is a type or a function is nobody's.
fn resolve(parts: &[String], here: &[String]) -> Option<String> {
    let mut from = here.to_vec();
    match parts[0].as_str() {
        "crate" => return Some(parts.join("::")),
        "self" => {}
        "super" => {
            for _ in parts.iter().take_while(|p| *p == "super") {
                from.pop();
            }
        }
        first if first.starts_with(char::is_lowercase) => return Some(parts.join("::")),
        _ => return None,
    }
    let rest = parts.iter().skip_while(|p| *p == "super" || *p == "self").cloned();
    Some(["crate".to_owned()].into_iter().chain(from).chain(rest).collect::<Vec<_>>().join("::"))
}

fn word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') || token == "*"
}

/// Words and marks with their lines; comments, texts and characters left out.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let bytes: Vec<char> = text.chars().collect();
    let (mut out, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let c = bytes[at];
        let next = bytes.get(at + 1).copied().unwrap_or(' ');
        let start = at;
        match c {
            '/' if next == '/' => at = skip_to(&bytes, at, |b, i| b[i] == '\n'),
            '/' if next == '*' => at = skip_to(&bytes, at + 2, |b, i| b[i] == '*' && b.get(i + 1) == Some(&'/')) + 2,
            '"' => at = end_of_text(&bytes, at),
            'r' | 'b' if raw_text(&bytes, at).is_some() => at = raw_text(&bytes, at).unwrap(),
            '\'' => at = end_of_character(&bytes, at),
            ':' if next == ':' => {
                out.push((line, "::".to_owned()));
                at += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                at = skip_to(&bytes, at, |b, i| !(b[i].is_alphanumeric() || b[i] == '_'));
                out.push((line, bytes[start..at].iter().collect()));
            }
            c => {
                if !c.is_whitespace() {
                    out.push((line, c.to_string()));
                }
                at += 1;
            }
        }
        line += bytes[start..at.min(bytes.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn skip_to(bytes: &[char], from: usize, end: impl Fn(&[char], usize) -> bool) -> usize {
    (from..bytes.len()).find(|i| end(bytes, *i)).unwrap_or(bytes.len())
}

fn end_of_text(bytes: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() && bytes[at] != '"' {
        at += if bytes[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of `r"…"`, `r#"…"#`, `b"…"`, if one begins here.
fn raw_text(bytes: &[char], from: usize) -> Option<usize> {
    if from > 0 && (bytes[from - 1].is_alphanumeric() || bytes[from - 1] == '_') {
        return None;
    }
    let letters = bytes[from..].iter().take_while(|c| matches!(c, 'r' | 'b')).count();
    let hashes = bytes[from + letters..].iter().take_while(|c| **c == '#').count();
    let quote = from + letters + hashes;
    if bytes.get(quote) != Some(&'"') {
        return None;
    }
    if !bytes[from..from + letters].contains(&'r') {
        return Some(end_of_text(bytes, quote));
    }
    let close = skip_to(bytes, quote + 1, |b, i| {
        b[i] == '"' && b[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    });
    Some(close + 1 + hashes)
}

/// A lifetime is passed over with its tick; a character to its closing one.
fn end_of_character(bytes: &[char], from: usize) -> usize {
    match (bytes.get(from + 1), bytes.get(from + 2)) {
        (Some('\\'), _) => skip_to(bytes, from + 3, |b, i| b[i] == '\'') + 1,
        (_, Some('\'')) => from + 3,
        _ => from + 1,
    }
}
