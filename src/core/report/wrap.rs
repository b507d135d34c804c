//! Texts into widths, counted in the printer's columns: cleaning, and breaking into lines. Never splits a wide character.

use crate::core::font;

/// As the printer will print it, `\n` kept: every output shows the same characters.
pub fn clean(text: &str) -> String {
    let kept = text.chars().filter(|character| *character != '\r');
    kept.map(|character| if character == '\n' { '\n' } else { font::printable(character) }).collect()
}

/// Lines of at most `width` columns (at least 2). Breaks at spaces and between wide characters, but not before closing nor
/// after opening punctuation; a word longer than a line is cut. Leading spaces indent every line, up to half the width.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap_line(line, width.max(2))).collect()
}

/// The widest of the text's own lines, in columns.
pub fn widest(text: &str) -> usize {
    text.split('\n').map(font::text_columns).max().unwrap_or(0)
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let body = line.trim_start_matches(' ');
    let indent = (line.len() - body.len()).min(width / 2);
    let body = body.trim_end_matches(' ');
    let room = (width - indent).max(2);
    let margin = " ".repeat(indent.min(width - room));
    let mut lines = Vec::new();
    let (mut current, mut used) = (String::new(), 0);
    for piece in pieces(body) {
        let columns = font::text_columns(piece);
        let fits = font::text_columns(piece.trim_end_matches(' '));
        if used > 0 && used + fits > room {
            lines.push(finished(&margin, &current));
            (current, used) = (String::new(), 0);
        }
        if fits <= room {
            current.push_str(piece);
            used += columns;
            continue;
        }
        for character in piece.chars() {
            let columns = font::columns(character);
            if used + columns > room {
                if character == ' ' {
                    continue;
                }
                lines.push(finished(&margin, &current));
                (current, used) = (String::new(), 0);
            }
            current.push(character);
            used += columns;
        }
    }
    lines.push(finished(&margin, &current));
    lines
}

fn finished(margin: &str, line: &str) -> String {
    let line = line.trim_end_matches(' ');
    if line.is_empty() { String::new() } else { format!("{margin}{line}") }
}

/// Unbreakable pieces, each with the spaces that follow it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, character) in text.char_indices() {
        if before.is_some_and(|before| may_break(before, character)) {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(character);
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

fn may_break(before: char, after: char) -> bool {
    if after == ' ' {
        return false;
    }
    if before == ' ' {
        return true;
    }
    let (wide_before, wide_after) = (font::columns(before) == 2, font::columns(after) == 2);
    (wide_before || wide_after) && !is_opening(before) && !is_closing(after)
}

fn is_opening(character: char) -> bool {
    "（《〈「『【〔［｛“‘￥([{".contains(character)
}

fn is_closing(character: char) -> bool {
    "，。、；：？！）》〉」』】〕］｝”’…·％,.;:?!)]}%".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_breaks_at_spaces_and_chinese_between_characters() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("收银员合计", 5), ["收银", "员合", "计"]);
        assert_eq!(wrap("合计Total额", 6), ["合计", "Total", "额"]);
    }

    #[test]
    fn punctuation_never_starts_a_line_nor_opens_at_its_end() {
        assert_eq!(wrap("应有金额，实点", 8), ["应有金", "额，实点"]);
        assert_eq!(wrap("长款（短款）", 6), ["长款", "（短", "款）"]);
    }

    #[test]
    fn a_word_longer_than_the_line_is_cut_and_nothing_is_lost() {
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\nb", 4), ["a", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn leading_spaces_indent_all_lines() {
        assert_eq!(wrap("  one two three", 8), ["  one", "  two", "  three"]);
    }

    #[test]
    fn what_the_printer_has_not_is_replaced_before_it_is_measured() {
        assert_eq!(clean("a\tb😀¥5\u{1b}\r\n"), "a b?￥5?\n");
    }
}
