//! GB18030: the bytes of Chinese on receipts, and of statements from the other side. GBK and GB2312 are parts of it.
//!
//! The table is the library's of the tests, packed by `build.rs`; what reads it is here, as the tables of the library's other encodings, which nothing
//! of ours has a use for, would take as much room as our protocols. A test holds both against each other, every character and every pair of bytes.

use std::sync::OnceLock;

use super::packed::packed;

/// Leads of two bytes: 81 to FE, each with so many trails (40 to 7E, 80 to FE).
const TRAILS: usize = 190;
const PAIRS: usize = 126 * TRAILS;
/// Pointers of four bytes: the characters up to U+FFFF that have no pair, then, from the second on, all others.
const FOUR_BMP: u32 = 39_420;
const FOUR_ASTRAL: u32 = 189_000;

struct Table {
    /// A pair's character, 0 where it has none.
    pairs: Vec<u16>,
    /// The pairs in the order of their characters.
    by_character: Vec<u16>,
    /// Where a run of characters without a pair begins: its first pointer, its first character.
    runs: Vec<(u16, u16)>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let packed = packed!("gb18030").content();
        let mut words = packed.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
        let mut before = 0u16;
        let mut pairs = Vec::with_capacity(PAIRS);
        pairs.extend(words.by_ref().take(PAIRS).map(|step| {
            before = before.wrapping_add(step);
            before
        }));
        let mut runs = Vec::new();
        while let (Some(pointer), Some(character)) = (words.next(), words.next()) {
            runs.push((pointer, character));
        }
        let mut by_character: Vec<u16> =
            (0..=u16::MAX).take(PAIRS).filter(|pair| pairs[usize::from(*pair)] != 0).collect();
        by_character.sort_by_key(|pair| pairs[usize::from(*pair)]);
        // The ideographic space has two; the first is the usual one.
        by_character.dedup_by_key(|pair| pairs[usize::from(*pair)]);
        Table { pairs, by_character, runs }
    })
}

/// The two bytes of a character that has two.
#[must_use]
pub fn pair_of(character: char) -> Option<[u8; 2]> {
    let (table, wanted) = (table(), u16::try_from(u32::from(character)).ok().filter(|_| !character.is_ascii())?);
    let at = table.by_character.binary_search_by_key(&wanted, |pair| table.pairs[usize::from(*pair)]).ok()?;
    let pair = usize::from(table.by_character[at]);
    let (lead, trail) = (pair / TRAILS, pair % TRAILS);
    let byte = |number: usize| u8::try_from(number).expect("126 leads and 190 trails fit above their first");
    Some([byte(0x81 + lead), byte(trail + if trail < 0x3F { 0x40 } else { 0x41 })])
}

/// The text of some bytes; what does not decode becomes U+FFFD, and an ASCII character behind it is kept, as the web's standard has it.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        let (character, used) = match (*first, behind) {
            (0..=0x7F, _) => (Some(char::from(*first)), 1),
            (0x80, _) => (Some('€'), 1),
            (0xFF, _) => (None, 1),
            (lead, [second @ b'0'..=b'9', third @ 0x81..=0xFE, fourth @ b'0'..=b'9', ..]) => {
                (of_four([lead, *second, *third, *fourth]), 4)
            }
            // Cut short at the text's end.
            (_, [] | [b'0'..=b'9'] | [b'0'..=b'9', 0x81..=0xFE]) => (None, rest.len()),
            (_, [b'0'..=b'9', ..]) => (None, 1),
            (lead, [trail, ..]) => match of_two(lead, *trail) {
                None if trail.is_ascii() => (None, 1),
                character => (character, 2),
            },
        };
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = rest.get(used..).unwrap_or_default();
    }
    text
}

/// The character of two bytes.
#[must_use]
pub fn of_two(lead: u8, trail: u8) -> Option<char> {
    let trail = match trail {
        0x40..=0x7E => trail - 0x40,
        0x80..=0xFE => trail - 0x41,
        _ => return None,
    };
    let pair = usize::from(lead.checked_sub(0x81)?) * TRAILS + usize::from(trail);
    let character = *table().pairs.get(pair)?;
    char::from_u32(character.into()).filter(|_| character != 0)
}

fn of_four(bytes: [u8; 4]) -> Option<char> {
    let [a, b, c, d] = bytes.map(u32::from);
    let pointer = (((a - 0x81) * 10 + b - 0x30) * 126 + c - 0x81) * 10 + d - 0x30;
    if pointer >= FOUR_ASTRAL {
        return char::from_u32(pointer - FOUR_ASTRAL + 0x1_0000);
    }
    let low = u16::try_from(pointer).ok().filter(|_| pointer < FOUR_BMP)?;
    let runs = &table().runs;
    let (first, character) = runs[runs.partition_point(|(first, _)| *first <= low).checked_sub(1)?];
    char::from_u32(u32::from(character) + u32::from(low - first))
}

#[cfg(test)]
mod tests {
    use encoding_rs::GB18030;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_character_has_the_pair_that_the_library_gives_it_or_none() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let (bytes, _, lost) = GB18030.encode(&text);
            let theirs = <[u8; 2]>::try_from(&bytes[..]).ok().filter(|_| !lost);
            // What was private before 2005 and got a character since: nothing of ours writes it.
            let private = ('\u{E000}'..='\u{F8FF}').contains(&character) && pair_of(character).is_none();
            assert!(private || pair_of(character) == theirs, "U+{:04X} {theirs:02X?}", u32::from(character));
        }
    }

    fn theirs(bytes: &[u8]) -> String {
        GB18030.decode_without_bom_handling(bytes).0.into_owned()
    }

    #[test]
    fn every_sequence_is_read_as_the_library_reads_it() {
        for pair in 0..=u16::MAX {
            let bytes = pair.to_be_bytes();
            assert_eq!(text(&bytes), theirs(&bytes), "{bytes:02X?}");
        }
        for (a, b, c, d) in (0x81..=0xFE).flat_map(|a| {
            let cd = (0x81..=0xFE).flat_map(|c| (b'0'..=b'9').map(move |d| (c, d)));
            cd.flat_map(move |(c, d)| (b'0'..=b'9').map(move |b| (a, b, c, d)))
        }) {
            let bytes = [a, b, c, d];
            assert_eq!(text(&bytes), theirs(&bytes), "{bytes:02X?}");
        }
    }

    proptest! {
        #[test]
        fn spoiled_bytes_are_read_as_the_library_reads_them(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), b'0'..=b'9', 0x81u8..=0xFE, Just(0x81u8), Just(0xFFu8), Just(b'a')], 0..24)
        ) {
            prop_assert_eq!(text(&bytes), theirs(&bytes), "{:02X?}", bytes);
        }
    }
}
