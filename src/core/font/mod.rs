//! One bitmap font, for the report's raster and for the printer stand-in: GNU Unifont, cut to what a Chinese receipt
//! printer has (ASCII, and GB18030's two-byte area), and how many columns such a printer gives each character.
//!
//! The data is `runs.bin` and `glyphs.bin` of `assets/font`, made by `make.py` there, which describes them; their licence lies beside them. The pictures
//! are packed until the first is asked for; how wide a character is needs none. Nothing here knows a document or a printer's commands.
//!
//! Widths are the printer's, not a terminal's: what GB18030 writes in two bytes takes two columns, `·`, `—`, `─` and Greek
//! too, where Unicode's own tables say one.

use std::sync::LazyLock;

use super::packed::packed;

/// The characters of the font lie in these runs, sorted (see [`Run::at`]).
const RUNS: (&[[u8; RUN_BYTES]], &[u8]) = include_bytes!("../../../assets/font/runs.bin").as_chunks();
const RUN_BYTES: usize = 6;
/// The pictures of ASCII, then those of the runs.
static GLYPHS: LazyLock<Vec<u8>> = LazyLock::new(|| packed!("font/glyphs.bin").content());
const ASCII_FIRST: u32 = 0x20;
const ASCII_LAST: u32 = 0x7E;
const WIDE_START: usize = (ASCII_LAST - ASCII_FIRST + 1) as usize * HEIGHT;

/// Dots from one line's top to the next glyph's top: every glyph has this many rows.
pub const HEIGHT: usize = 16;

/// The picture of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// Dots across: 8 a column, so 8 or 16.
    pub width: u8,
    /// From the top; the highest bit is the leftmost dot. A glyph of width 8 uses the upper byte.
    pub rows: [u16; HEIGHT],
}

/// Consecutive characters that the font has.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u32,
    count: u32,
    index: usize,
}

impl Run {
    fn at(number: usize) -> Run {
        let [first, first_high, count, count_high, index, index_high] = RUNS.0[number];
        let word = |low, high| u16::from_le_bytes([low, high]);
        Run {
            first: u32::from(word(first, first_high)),
            count: u32::from(word(count, count_high)),
            index: usize::from(word(index, index_high)),
        }
    }
}

/// The index among the wide glyphs, by binary search over the runs.
fn wide_index(code: u32) -> Option<usize> {
    let (mut low, mut high) = (0, RUNS.0.len());
    while low < high {
        let middle = (low + high) / 2;
        let run = Run::at(middle);
        if code < run.first {
            high = middle;
        } else if code - run.first < run.count {
            return Some(run.index + (code - run.first) as usize);
        } else {
            low = middle + 1;
        }
    }
    None
}

fn is_ascii_printable(code: u32) -> bool {
    (ASCII_FIRST..=ASCII_LAST).contains(&code)
}

/// The picture of a character, or `None` where the printer it stands for has none. `¥` (U+00A5) has that of `￥`.
#[must_use]
pub fn glyph(character: char) -> Option<Glyph> {
    let code = u32::from(if character == '\u{A5}' { '￥' } else { character });
    let mut rows = [0; HEIGHT];
    if is_ascii_printable(code) {
        let at = (code - ASCII_FIRST) as usize * HEIGHT;
        for (row, byte) in rows.iter_mut().zip(&GLYPHS[at..at + HEIGHT]) {
            *row = u16::from(*byte) << 8;
        }
        return Some(Glyph { width: 8, rows });
    }
    let at = WIDE_START + wide_index(code)? * HEIGHT * 2;
    let (left, right) = GLYPHS[at..at + HEIGHT * 2].split_at(HEIGHT);
    for (row, (left, right)) in rows.iter_mut().zip(left.iter().zip(right)) {
        *row = u16::from_be_bytes([*left, *right]);
    }
    Some(Glyph { width: 16, rows })
}

/// The character that a Chinese printer prints in this one's place: itself; what looks like it for the yen sign, minus, hyphens
/// and bullet, which the printer has under another number; a space for white space; and `?` for what it has not.
#[must_use]
pub fn printable(character: char) -> char {
    match character {
        ' '..='~' => character,
        '\u{A5}' => '￥',
        '\u{2212}' | '\u{2011}' => '-',
        '\u{2022}' => '·',
        _ if wide_index(u32::from(character)).is_some() => character,
        _ if character.is_whitespace() => ' ',
        _ => '?',
    }
}

/// How many columns the character takes on paper, as [`printable`]: 2 in GB18030's two-byte area, else 1.
#[must_use]
pub fn columns(character: char) -> usize {
    if wide_index(u32::from(printable(character))).is_some() { 2 } else { 1 }
}

/// How many columns the text takes on paper.
#[must_use]
pub fn text_columns(text: &str) -> usize {
    text.chars().map(columns).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn drawn(character: char) -> Vec<String> {
        let glyph = glyph(character).unwrap();
        let row = |row: &u16| {
            (0..u16::from(glyph.width)).map(|dot| if row << dot & 0x8000 != 0 { '#' } else { '.' }).collect()
        };
        glyph.rows.iter().map(row).collect()
    }

    #[test]
    fn the_file_is_exactly_as_long_as_its_runs_say() {
        let wide: u32 = (0..RUNS.0.len()).map(|run| Run::at(run).count).sum();
        assert!(RUNS.1.is_empty());
        assert_eq!(GLYPHS.len(), WIDE_START + wide as usize * 32);
        for pair in 1..RUNS.0.len() {
            let (before, after) = (Run::at(pair - 1), Run::at(pair));
            assert!(before.first + before.count < after.first);
            assert_eq!(before.index + before.count as usize, after.index);
        }
    }

    #[test]
    fn a_letter_and_a_hanzi_are_drawn_as_unifont_draws_them() {
        let one = "....#... ...##... ..#.#... ....#... ....#... ....#... ....#... ....#... ....#... ..#####.";
        assert_eq!(drawn('1')[4..14].join(" "), one);
        let stem = ".......#........ ".repeat(4);
        let frame = "..###########... ";
        let side = "..#....#....#... ";
        let middle = format!("{stem}{frame}{}{frame}{side}{stem}", side.repeat(5));
        assert_eq!(drawn('中').join(" ") + " ", middle);
    }

    /// The other side: the encoder by which text goes to the printer.
    #[test]
    fn two_columns_are_two_bytes_of_gb18030_and_nothing_else_is() {
        for character in ('\0'..=char::MAX).filter(|character| !('\u{E000}'..='\u{F8FF}').contains(character)) {
            let text = character.to_string();
            let (bytes, _, lost) = encoding_rs::GB18030.encode(&text);
            let two = !lost && bytes.len() == 2;
            let ours = glyph(character).is_some_and(|glyph| glyph.width == 16) && character != '\u{A5}';
            assert_eq!(two, ours, "U+{:04X} {bytes:02X?}", u32::from(character));
        }
    }

    #[test]
    fn a_glyph_is_as_wide_as_its_columns_and_what_has_none_becomes_a_question_mark() {
        for character in "AZaz09~ ¥￥±×÷°·…—■□─│┼═①αЯ，。（）收银员".chars() {
            assert_eq!(usize::from(glyph(character).unwrap().width), columns(character) * 8, "{character}");
        }
        for (character, put) in
            [('😀', '?'), ('\u{0}', '?'), ('é', 'é'), ('ß', '?'), ('\t', ' '), ('¥', '￥'), ('\u{A0}', ' ')]
        {
            assert_eq!(printable(character), put, "{character:?}");
        }
        assert_eq!(text_columns("合计 ￥12.00"), 4 + 1 + 2 + 5);
    }

    #[test]
    fn line_drawing_joins_at_the_edges() {
        assert!(glyph('─').unwrap().rows.contains(&0xFFFF));
        assert!(glyph('█').unwrap().rows.iter().all(|row| *row == 0xFFFF));
    }
}
