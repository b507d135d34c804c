//! Texts that people typed and that are shown to people: how long they may be, and what stands in them.

use std::borrow::Cow;

use super::{Refusal, Reject};

/// The longest word of explanation: a reason, a note.
pub const LONGEST_WORDS: usize = 200;
/// The longest name of a person.
pub const LONGEST_NAME: usize = 60;

/// A text for people, trimmed: 1 to `most` characters, none of them a control character.
///
/// # Errors
/// `bad_request`, with the bound.
pub fn shown_words(what: &str, text: &str, most: usize) -> Result<String, Reject> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(Refusal::BadRequest.with("what", format!("{what} must be 1 to {most} printable characters")));
    }
    Ok(text.to_owned())
}

/// A person's name: at most [`LONGEST_NAME`] characters, of which one is seen and none turns the direction of those beside it.
///
/// # Errors
/// `bad_request`, with the bound.
pub fn shown_name(what: &str, text: &str) -> Result<String, Reject> {
    let text = shown_words(what, text, LONGEST_NAME)?;
    if !is_name(&text) {
        let why = "must have a character that is seen, and none that turns the direction of writing";
        return Err(Refusal::BadRequest.with("what", format!("{what} {why}")));
    }
    Ok(text)
}

/// Something of it is seen, and nothing of it turns the direction of what stands beside it.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control() && !is_unseen(c)) && !text.chars().any(turns)
}

/// Unicode's bidirectional controls.
fn turns(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// What Unicode lets nobody see (`Default_Ignorable_Code_Point`), and Braille's blank.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// A text as a cell of a table that a spreadsheet opens: what it would take for a formula stands behind a quote, which says *text* there.
#[must_use]
pub fn table_cell(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') => Cow::Owned(format!("'{text}")),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_seen_and_turns_nothing() {
        for name in ["小王", " O'Neill ", "=1+1", "欧阳\u{200B}娜娜", "👩\u{200D}🔧"] {
            assert_eq!(shown_name("name", name).unwrap(), name.trim(), "{name:?}");
        }
        let unseen = ["\u{200B}", "\u{FEFF}\u{2060}", "\u{3164}", "\u{AD}", "\u{3000}", "", "\u{2800}"];
        let turning = ["王\u{202E}芳", "\u{200F}王", "王\u{2066}", "王\u{61C}"];
        for name in unseen.into_iter().chain(turning).chain(["王\n芳", "王\u{85}芳"]) {
            assert_eq!(shown_name("name", name).unwrap_err().refusal, Refusal::BadRequest, "{name:?}");
        }
    }

    #[test]
    fn a_bound_is_counted_in_characters_and_said_in_one_sentence() {
        assert!(shown_words("reason", &"零".repeat(200), LONGEST_WORDS).is_ok());
        let long = shown_words("reason", &"零".repeat(201), LONGEST_WORDS).unwrap_err();
        assert_eq!(long.sentence().en, "The request is wrong: reason must be 1 to 200 printable characters");
        assert!(shown_name("name", &"王".repeat(60)).is_ok() && shown_name("name", &"王".repeat(61)).is_err());
    }

    #[test]
    fn what_looks_like_a_formula_is_a_text() {
        for text in ["=HYPERLINK(\"x\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(table_cell(text), format!("'{text}"));
        }
        for text in ["", "小王", "1+1", "'=1"] {
            assert_eq!(table_cell(text), text);
        }
    }
}
