//! What the console is held to: every word in both languages, every code of the daemon's known to it, nothing from elsewhere, no fraction
//! near money.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use utoipa::PartialSchema;

use super::*;
use crate::core::domain::{Entry, Kind, Method, Role, State};
use crate::core::journal::{CaseHow, Column, ExceptionKind, Resolution};
use crate::core::suspense::CaseState;

type Words = BTreeMap<String, BTreeMap<String, (String, String)>>;

fn words() -> Words {
    let asset = FILES.iter().find(|asset| asset.name == "words.json").unwrap();
    serde_json::from_str(&asset.file.text()).unwrap()
}

/// The console's own scripts: name and text.
fn scripts() -> impl Iterator<Item = (&'static str, String)> {
    let ours =
        |asset: &&Asset| asset.kind == SCRIPT && !asset.name.starts_with("vendor/") && asset.name != "words.json";
    FILES.iter().filter(ours).map(|asset| (asset.name, asset.file.text()))
}

/// What stands in quotes behind every `opening` in a text: `t('` gives the words' names.
fn quoted<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(opening)
        .filter(move |(at, _)| {
            // `get('` is not `t('`.
            !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
        })
        .filter_map(move |(at, _)| text[at + opening.len()..].split('\'').next())
}

fn holes(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[test]
fn every_word_stands_in_chinese_and_in_english() {
    for (list, words) in words() {
        assert!(!words.is_empty(), "{list}");
        for (name, (zh, en)) in words {
            assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{list}.{name}");
            assert!(!is_chinese(&en), "{list}.{name} is not English: {en}");
            let of_holes_alone = holes(&zh).len() > 1 && zh.starts_with('{') && zh.ends_with('}');
            assert!(is_chinese(&zh) || of_holes_alone || zh.contains("MAC"), "{list}.{name} is not Chinese: {zh}");
            assert_eq!(holes(&zh), holes(&en), "{list}.{name} is filled differently");
        }
    }
}

#[test]
fn every_word_that_a_page_says_is_there_and_none_is_left_over() {
    let words = words();
    let (mut said, mut text) = (0, String::new());
    for (name, script) in scripts() {
        for key in quoted(&script, "t('") {
            assert!(words["ui"].contains_key(key), "{name} says {key}, and no language has it");
            said += 1;
        }
        for list in quoted(&script, "word('") {
            assert!(words.contains_key(list), "{name} looks into {list}, and there is no such list");
        }
        for line in script.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let foreign = line.replace("中文", "");
            assert!(
                !is_chinese(&foreign) || foreign.contains("/**"),
                "{name} says something that words.json does not have: {line}"
            );
        }
        text.push_str(&script);
    }
    assert!(said > 200, "only {said} words were found: the search is broken");
    for key in words["ui"].keys() {
        let used = text.contains(&format!("'{key}'")) || key.starts_with("page_");
        assert!(used, "no page says {key}");
    }
}

/// The names of an enum's variants, and the text of each, read from its source as people write it.
fn variants(file: &str, name: &str) -> Vec<(String, String)> {
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let start = source.find(&format!("pub enum {name} {{")).unwrap_or_else(|| panic!("no {name} in {file}"));
    let body = source[start..].split("\n}").next().unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in body.lines().skip(1) {
        let word: String = line.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        if line.starts_with("    ") && line.as_bytes().get(4).is_some_and(u8::is_ascii_uppercase) {
            found.push((word, line.to_owned()));
        } else if let Some((_, text)) = found.last_mut() {
            text.push_str(line);
        }
    }
    assert!(!found.is_empty(), "no variants of {name}");
    found
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn listed<T: PartialSchema>() -> Vec<String> {
    let schema = serde_json::to_value(T::schema()).unwrap();
    schema["enum"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_code_that_the_daemon_sends_has_its_word() {
    let words = words();
    let has = |list: &str, code: &str| assert!(words[list].contains_key(code), "{list} has no word for {code}");
    Method::ALL.iter().for_each(|w| has("method", w.as_str()));
    Kind::ALL.iter().for_each(|w| has("kind", w.as_str()));
    State::ALL.iter().for_each(|w| has("state", w.as_str()));
    Entry::ALL.iter().for_each(|w| has("entry", w.as_str()));
    Role::ALL.iter().for_each(|w| has("role", w.as_str()));
    listed::<Column>().iter().for_each(|w| has("column", w));
    listed::<ExceptionKind>().iter().for_each(|w| has("exception", w));
    for how in listed::<Resolution>() {
        has("how", &how);
        has("how_means", &how);
    }
    CaseHow::ALL.iter().for_each(|w| {
        has("case_how", w.as_str());
        has("case_how_means", w.as_str());
    });
    CaseState::ALL.iter().for_each(|w| has("case_state", w.as_str()));
    let (event, order) = ("src/core/journal/event.rs", "src/core/acquirer/order.rs");
    for (name, _) in variants(event, "Subject") {
        has("subject", &name);
    }
    for (name, _) in ["Silence", "CancelReason", "AsideReason"].iter().flat_map(|list| variants(event, list)) {
        has("reason", &name);
    }
    for (name, _) in ["NotSent", "ReversalReason", "Doubt"].iter().flat_map(|list| variants(order, list)) {
        has("reason", &snake(&name));
    }
    for (name, _) in variants(order, "AnswerClass") {
        has("class", &snake(&name));
    }
    // Events that can stand in a payment's story: those that name one, or a message to the acquirer.
    let told = |text: &str| text.contains("PaymentId") || text.contains("PaymentMade") || text.contains("stan: Stan");
    let told: Vec<_> = variants(event, "Event").into_iter().filter(|(_, text)| told(text)).collect();
    assert!(told.len() > 10, "{told:?}");
    for (name, _) in told {
        has("event", &name);
    }
}

#[test]
fn nothing_comes_from_elsewhere_and_nothing_stands_inline() {
    for asset in FILES {
        let scripted =
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "javascript:"];
        if !asset.name.starts_with("vendor/") {
            for bad in scripted.iter().chain(&["http://", "https://", "url(", "@import"]) {
                assert!(!asset.file.text().contains(bad) || asset.name == "icon.svg", "{} has {bad}", asset.name);
            }
        }
        if asset.kind == HTML {
            assert!(
                !asset.file.text().contains("<style")
                    && !asset.file.text().contains(" style=")
                    && !asset.file.text().contains("<script>")
            );
        }
    }
    // Every module that is imported is one that is served, and every file that lies there is served or makes one.
    for (name, script) in scripts() {
        for from in quoted(&script, "from '") {
            let folder = if name.starts_with("pages/") { "pages" } else { "" };
            let path = from.strip_prefix("/console/").map(str::to_owned).unwrap_or_else(|| {
                let below = from.strip_prefix("../").map(str::to_owned);
                below.unwrap_or_else(|| {
                    Path::new(folder).join(from.trim_start_matches("./")).to_string_lossy().into_owned()
                })
            });
            assert!(FILES.iter().any(|asset| asset.name == path), "{name} imports {from}");
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/console");
    for folder in ["", "pages", "vendor"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let served = path.is_dir() || name.ends_with(".sh") || FILES.iter().any(|asset| asset.name == name);
            assert!(served, "{name} lies there and is not served");
        }
    }
}

#[test]
fn no_fraction_comes_near_money() {
    for (name, script) in scripts() {
        for bad in [
            "parseFloat",
            "toFixed",
            "toPrecision",
            "Math.round",
            "Math.trunc",
            "/ 100",
            "* 100)",
            "* 0.",
            "valueAsNumber",
        ] {
            let drawing = name == "chart.js" && bad == "* 0.";
            assert!(drawing || !script.replace("* 100n", "").contains(bad), "{name} has {bad}");
        }
    }
}
