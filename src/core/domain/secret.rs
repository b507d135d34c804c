//! Card data and other secrets: types that wipe themselves, do not print, and are never part of a comparison or a log line.

use zeroize::Zeroizing;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes the text over; it is wiped when this is dropped.
            #[must_use]
            pub fn new(text: String) -> Self {
                Self(Zeroizing::new(text))
            }

            /// The secret itself. Every call is a place to look at in review.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

secret!(
    /// A primary account number 卡号, digits only.
    Pan
);
secret!(
    /// Track 2 without sentinels: PAN, `=`, expiry YYMM, service code, discretionary data.
    Track2
);
secret!(
    /// A scanned payment code 付款码. Single use; never logged whole.
    PaymentCode
);
secret!(
    /// A PIN block as 16 hex digits, enciphered by a PIN pad.
    PinBlock
);
secret!(
    /// A person's PIN as typed.
    Pin
);

/// Field 55: data objects of a chip, as BER-TLV. Bytes only; what they say is read in `core::acquirer::chip`.
#[derive(Clone)]
pub struct ChipData(Zeroizing<Vec<u8>>);

impl ChipData {
    /// Takes the bytes over; they are wiped when this is dropped.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> ChipData {
        ChipData(Zeroizing::new(bytes))
    }

    /// The bytes themselves. Every call is a place to look at in review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for ChipData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChipData(…)")
    }
}

impl Pan {
    /// First six and last four digits, the rest as `*` (PCI DSS truncation).
    #[must_use]
    pub fn masked(&self) -> String {
        mask_pan(self.expose())
    }
}

impl Track2 {
    /// The PAN: what stands before the separator (`=` or `D`).
    #[must_use]
    pub fn pan(&self) -> Option<Pan> {
        let (pan, _) = self.split()?;
        Some(Pan::new(pan.to_owned()))
    }

    /// Expiry as YYMM.
    #[must_use]
    pub fn expiry(&self) -> Option<&str> {
        self.split()?.1.get(0..4).filter(|e| e.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The three-digit service code; a first digit of 2 or 6 says that the card has a chip.
    #[must_use]
    pub fn service_code(&self) -> Option<&str> {
        self.split()?.1.get(4..7).filter(|e| e.bytes().all(|b| b.is_ascii_digit()))
    }

    fn split(&self) -> Option<(&str, &str)> {
        let (pan, rest) = self.expose().split_once(['=', 'D'])?;
        let digits = pan.bytes().all(|b| b.is_ascii_digit()) && rest.bytes().all(|b| b.is_ascii_digit());
        (digits && (12..=19).contains(&pan.len()) && rest.len() >= 4).then_some((pan, rest))
    }
}

/// Truncates a card number for display: first six, last four; all stars where it is too short to hide anything.
#[must_use]
pub fn mask_pan(digits: &str) -> String {
    let n = digits.len();
    if n < 13 || !digits.is_ascii() {
        return "*".repeat(n);
    }
    format!("{}{}{}", &digits[..6], "*".repeat(n - 10), &digits[n - 4..])
}

/// Truncates a scanned code for display: its first two digits tell the wallet, its last four tell it apart.
#[must_use]
pub fn mask_code(code: &str) -> String {
    let n = code.len();
    if n < 10 || !code.is_ascii() {
        return "*".repeat(n);
    }
    format!("{}{}{}", &code[..2], "*".repeat(n - 6), &code[n - 4..])
}

/// A text without what may be a card's number, in one piece or in groups, or a stripe: of digits as many as the shortest has (ISO/IEC 7812-1: up to 19, and
/// no issuer gives less than 12) the last four stay. For what is said of input before anything knows which field of it holds a card.
#[must_use]
pub fn without_card_numbers(text: &str) -> String {
    const SHORTEST: usize = 12;
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(|c| digit(c).is_some()) {
        let (before, from) = rest.split_at(begin);
        let (digits, end) = grouped_digits(from);
        said.push_str(before);
        rest = &from[end..];
        if digits.len() < SHORTEST {
            said.push_str(&from[..end]);
            continue;
        }
        said.extend(["…", &digits[digits.len() - 4..]]);
        // The rest of a stripe: expiry, service code, the issuer's own.
        if let Some(stripe) =
            rest.strip_prefix(['=', 'D', 'd']).filter(|stripe| stripe.starts_with(|c| digit(c).is_some()))
        {
            rest = &stripe[grouped_digits(stripe).1..];
        }
    }
    said + rest
}

/// A digit, of either width.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}

/// The digits that a text begins with, and the byte after the last of them; up to three characters may separate groups.
fn grouped_digits(text: &str) -> (String, usize) {
    let (mut digits, mut end, mut at, mut apart) = (String::new(), 0, 0, 0);
    while let Some(c) = text[at..].chars().next() {
        if let Some(c) = digit(c) {
            digits.push(c);
        }
        apart = if digit(c).is_some() { 0 } else { apart + 1 };
        let length = if apart == 0 { Some(c.len_utf8()) } else { separator(&text[at..], c) };
        let Some(length) = length.filter(|_| apart <= 3) else { break };
        at += length;
        if apart == 0 {
            end = at;
        }
    }
    (digits, end)
}

/// The length of what may separate groups, also as a quoted text writes it: `\t`, `\u{a0}`.
fn separator(text: &str, first: char) -> Option<usize> {
    match first {
        '-' => Some(1),
        '\\' if text.starts_with("\\u{") => text.find('}').map(|last| last + 1),
        '\\' if text.starts_with("\\t") => Some(2),
        _ => first.is_whitespace().then(|| first.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let track = Track2::new("6222021234567890128=30121010000012300000".into());
        assert_eq!(format!("{track:?}"), "Track2(…)");
        assert_eq!(track.pan().unwrap().masked(), "622202*********0128");
        assert_eq!((track.expiry(), track.service_code()), (Some("3012"), Some("101")));
    }

    #[test]
    fn a_spoiled_track_gives_no_card_and_no_panic() {
        for bad in ["", "=", "4111=3", "411111111111111a=3012101", "4111111111111111", "4111111111111111=30"] {
            let track = Track2::new(bad.into());
            assert!(track.pan().is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_too_short_to_truncate_is_hidden_whole() {
        assert_eq!(mask_pan("411111"), "******");
        assert_eq!(mask_code("134567890123456789"), "13************6789");
    }

    #[test]
    fn a_card_number_is_left_out_of_a_text_wherever_it_stands() {
        for (text, said) in [
            ("", ""),
            ("line 7, 字 8", "line 7, 字 8"),
            ("6222021234567890128", "…0128"),
            ("a `4111 1111-1111 1111`, b", "a `…1111`, b"),
            ("12 345 678-901 and 123456789012 - 5.", "12 345 678-901 and …0125."),
            ("2026-11-29T10:00:00.123", "2026-11-29T10:00:00.123"),
            ("2026-11-29 10:00", "2026-11-29 10:00"),
            ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"),
            ("字123456789012字123456789012", "字…9012字…9012"),
            ("12345678901", "12345678901"),
            ("12345678901-", "12345678901-"),
            ("６２２２０２１２３４５６７８９０１２８", "…0128"),
            ("4111\u{a0}1111\u{3000}1111\t1111", "…1111"),
            (r#"string "4111\u{a0}1111\u{3000}1111\t1111", b"#, r#"string "…1111", b"#),
            ("4111111111111111=30121011234?", "…1111?"),
            ("4111111111111111D3012101 b", "…1111 b"),
            ("4111111111111111 = 3012", "…1111 = 3012"),
            (r"\u{12 345 678 901 234", r"\u{…1234"),
        ] {
            assert_eq!(without_card_numbers(text), said, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_and_what_is_left_of_it_has_no_card_number(text in "[ -９=D0-9\\\\tu{}a\u{a0}]{0,40}") {
            let said = without_card_numbers(&text);
            prop_assert!(!said.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 12), "{said}");
            prop_assert_eq!(without_card_numbers(&said), said);
        }
    }
}
