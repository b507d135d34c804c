//! What of a field may be seen (law 7): card numbers truncated to first six and last four, everything that dies with the
//! authorization not at all. Both the readable dump and the stored hex ask here, so that they cannot disagree.

use super::bcd::hex;
use super::message::Mti;
use super::tlv;

/// For each unit of a field's content (a digit, or a byte), whether it is hidden.
#[must_use]
pub fn hidden(mti: Mti, field: u8, content: &[u8]) -> Vec<bool> {
    let n = content.len();
    let mut hide = vec![false; n];
    match field {
        // PIN block, stripes, expiry: nothing of them
        14 | 34 | 36 | 45 | 52 => hide.fill(true),
        2 => truncate(&mut hide),
        35 => hide_from(&mut hide, if n >= 13 { 6 } else { 0 }),
        // rows of a batch upload: type 2, STAN 6, PAN 20, amount 12
        48 if mti.number() / 100 % 10 == 3 && n > 4 => {
            for row in hide[2..].chunks_mut(40) {
                let (start, end) = (row.len().min(8), row.len().min(24));
                row[start..end].fill(true);
            }
        }
        55 => hide_tags(&mut hide, content),
        // "A3", three digits of length, the scanned code
        59 => {
            let start = if content.starts_with(b"A3") && n >= 5 { 5 } else { 0 };
            hide_code(&mut hide[start..]);
        }
        // work keys, though enciphered
        62 if mti.number() / 100 % 10 == 8 && mti.number() / 10 % 2 == 1 => hide.fill(true),
        _ => {}
    }
    hide
}

/// A field's content for people, hidden units as `*`: text where it is printable, else hex.
#[must_use]
pub fn shown(mti: Mti, field: u8, content: &[u8]) -> String {
    with_stars(content, &hidden(mti, field, content))
}

/// Content for people with these units hidden.
#[must_use]
pub fn with_stars(content: &[u8], hide: &[bool]) -> String {
    if content.iter().all(|b| (0x20..0x7F).contains(b)) {
        return content.iter().zip(hide).map(|(byte, hidden)| if *hidden { '*' } else { char::from(*byte) }).collect();
    }
    let pairs = content.iter().zip(hide).map(|(byte, hidden)| if *hidden { "**".to_owned() } else { hex(&[*byte]) });
    format!("0x{}", pairs.collect::<String>())
}

fn truncate(hide: &mut [bool]) {
    let n = hide.len();
    if n < 13 { hide.fill(true) } else { hide[6..n - 4].fill(true) }
}

fn hide_from(hide: &mut [bool], start: usize) {
    let start = start.min(hide.len());
    hide[start..].fill(true);
}

fn hide_code(hide: &mut [bool]) {
    let n = hide.len();
    if n < 10 { hide.fill(true) } else { hide[2..n - 4].fill(true) }
}

fn hide_tags(hide: &mut [bool], content: &[u8]) {
    match tlv::read(content) {
        Ok(items) => {
            for item in items {
                if tlv::CARD_TAGS.contains(&item.tag) || tlv::constructed(item.tag) {
                    hide[item.span].fill(true);
                }
            }
        }
        // what cannot be read might hold anything
        Err(_) => hide.fill(true),
    }
}
