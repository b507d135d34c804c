//! Nibbles, digits and hex. The smallest tools of the codec; they know nothing of fields.

const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Upper-case hex of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    }
    text
}

/// The bytes of hex text of either case; `None` where a character is no hex digit or their number is odd.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some((nibble_of(pair[0])? << 4) | nibble_of(pair[1])?)).collect()
}

/// The value of one hex digit of either case.
#[must_use]
pub fn nibble_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The upper-case hex digit of the low four bits.
#[must_use]
pub fn hex_digit(nibble: u8) -> char {
    char::from(UPPER[usize::from(nibble & 15)])
}

/// The nibble at `index`, high half first; 0 beyond the end (callers have checked the length).
#[must_use]
pub fn nibble_at(bytes: &[u8], index: usize) -> u8 {
    let byte = bytes.get(index / 2).copied().unwrap_or(0);
    if index.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

/// The number that `bytes` say in BCD, or the first nibble that is no digit. At most four bytes are meant to be given.
pub fn bcd_number(bytes: &[u8]) -> Result<u32, u8> {
    let mut number = 0u32;
    for index in 0..bytes.len() * 2 {
        let nibble = nibble_at(bytes, index);
        if nibble > 9 {
            return Err(nibble);
        }
        number = number.saturating_mul(10).saturating_add(u32::from(nibble));
    }
    Ok(number)
}

/// Appends `number` as BCD in `width` bytes (the caller has checked that it fits).
pub fn push_bcd_number(out: &mut Vec<u8>, number: usize, width: usize) {
    for place in (0..width).rev() {
        let pair = number / 100usize.pow(u32::try_from(place).unwrap_or(0)) % 100;
        out.push(u8::try_from(pair / 10 * 16 + pair % 10).unwrap_or(0x99));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_reads_as_it_is_written() {
        assert_eq!(hex(&[0x00, 0x7F, 0xA0]), "007FA0");
        assert_eq!(unhex("007fA0").unwrap(), [0x00, 0x7F, 0xA0]);
        assert_eq!((unhex("0"), unhex("0g"), unhex("付")), (None, None, None));
    }

    #[test]
    fn lengths_are_written_in_decimal() {
        let mut out = Vec::new();
        push_bcd_number(&mut out, 37, 1);
        push_bcd_number(&mut out, 322, 2);
        assert_eq!(out, [0x37, 0x03, 0x22]);
        assert_eq!((bcd_number(&[0x03, 0x22]), bcd_number(&[0x3A])), (Ok(322), Err(10)));
    }
}
