//! What the stripe says of a card: number, expiry, service code, and whether the number's check digit is right.

use crate::core::domain::Pan;

/// A card's expiry as on the track: two-digit year and month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// Year within the century, 0–99.
    pub yy: u8,
    /// Month, 1–12.
    pub mm: u8,
}

// Card data: never in a log.
impl std::fmt::Debug for Expiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Expiry(…)")
    }
}

impl Expiry {
    /// `YYMM`, for field 14.
    #[must_use]
    pub fn yymm(self) -> String {
        format!("{:02}{:02}", self.yy, self.mm)
    }

    /// Whether the card is over in the given month; a card is good through its month.
    #[must_use]
    pub fn is_past(self, yy: u8, mm: u8) -> bool {
        (self.yy, self.mm) < (yy, mm)
    }
}

/// The three-digit service code of a track (ISO/IEC 7813).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceCode(pub [u8; 3]);

impl ServiceCode {
    /// First digit 2 or 6: the card has a chip, and its stripe alone is a fallback.
    #[must_use]
    pub fn has_chip(self) -> bool {
        matches!(self.0[0], b'2' | b'6')
    }

    /// Last digit 0, 3 or 5: a PIN is required; 6 and 7 ask for one only where there is a PIN pad.
    #[must_use]
    pub fn requires_pin(self) -> bool {
        matches!(self.0[2], b'0' | b'3' | b'5')
    }
}

/// Why a text is not a track 2; never carries the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Track2Error {
    /// No `=` (or `D`) between number and rest.
    #[error("track 2 has no separator")]
    NoSeparator,
    /// The part before the separator is not 12 to 19 digits.
    #[error("track 2 has no card number of 12 to 19 digits")]
    Number,
    /// A month of 0 or above 12.
    #[error("track 2 has an impossible expiry")]
    Expiry,
    /// A character that is neither digit nor separator, or more than 37 of them.
    #[error("track 2 has a wrong character or length")]
    Form,
}

/// What a track 2 says.
#[derive(Debug, Clone)]
pub struct CardFacts {
    /// The card number.
    pub pan: Pan,
    /// Whether its check digit is right; a wrong one is most often a misread. Some debit cards in use do not keep it.
    pub luhn_ok: bool,
    /// Where the track has one.
    pub expiry: Option<Expiry>,
    /// Where the track has one.
    pub service: Option<ServiceCode>,
}

/// Reads `PAN=YYMMSSSdddd` without sentinels, with `=` or `D`; expiry and service code may each be a further separator
/// (absent). At most 37 characters (ISO/IEC 7813).
///
/// # Errors
/// [`Track2Error`].
pub fn read_track2(text: &str) -> Result<CardFacts, Track2Error> {
    const SEPARATOR: [char; 2] = ['=', 'D'];
    if text.len() > 37 || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'=' | b'D')) {
        return Err(Track2Error::Form);
    }
    let (number, rest) = text.split_once(SEPARATOR).ok_or(Track2Error::NoSeparator)?;
    if !(12..=19).contains(&number.len()) {
        return Err(Track2Error::Number);
    }
    let (expiry, rest) = match rest.strip_prefix(SEPARATOR) {
        Some(after) => (None, after),
        None => take_expiry(rest)?,
    };
    let service = match rest.as_bytes() {
        [a, b, c, ..] if [a, b, c].iter().all(|d| d.is_ascii_digit()) => Some(ServiceCode([*a, *b, *c])),
        _ => None,
    };
    Ok(CardFacts { pan: Pan::new(number.to_owned()), luhn_ok: luhn_ok(number), expiry, service })
}

fn take_expiry(rest: &str) -> Result<(Option<Expiry>, &str), Track2Error> {
    let Some(yymm) = rest.get(..4).filter(|s| s.bytes().all(|b| b.is_ascii_digit())) else {
        return Ok((None, rest));
    };
    let two = |s: &str| s.bytes().fold(0u8, |n, b| n * 10 + (b - b'0'));
    let (yy, mm) = (two(&yymm[..2]), two(&yymm[2..]));
    if !(1..=12).contains(&mm) {
        return Err(Track2Error::Expiry);
    }
    Ok((Some(Expiry { yy, mm }), &rest[4..]))
}

/// Luhn's check digit (ISO/IEC 7812-1 annex B) over a string of digits; false for anything else and for the empty string.
#[must_use]
pub fn luhn_ok(digits: &str) -> bool {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let doubled = |d: u32| if d > 4 { d * 2 - 9 } else { d * 2 };
    let of = |(i, b): (usize, u8)| {
        let d = u32::from(b - b'0');
        if i % 2 == 0 { d } else { doubled(d) }
    };
    // Sums modulo 10 as it goes: no length overflows.
    digits.bytes().rev().enumerate().map(of).fold(0, |sum, d| (sum + d) % 10) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_track_is_read_and_never_printed() {
        let f = read_track2("6222021234567890128=30122010000012300").unwrap();
        assert_eq!(f.pan.expose(), "6222021234567890128");
        assert_eq!((f.expiry.unwrap().yymm().as_str(), f.service.unwrap()), ("3012", ServiceCode(*b"201")));
        let printed = format!("{f:?}");
        assert!(!printed.contains("3012") && !printed.contains("622202"), "{printed}");
    }

    #[test]
    fn the_letter_d_separates_too_and_parts_may_be_absent() {
        assert_eq!(read_track2("4111111111111111D2512201").unwrap().expiry, Some(Expiry { yy: 25, mm: 12 }));
        let f = read_track2("4111111111111111==201").unwrap();
        assert_eq!((f.expiry, f.service.unwrap().has_chip()), (None, true));
        assert_eq!(read_track2("4111111111111111=").unwrap().service, None);
    }

    #[test]
    fn wrong_tracks_are_refused_by_reason() {
        for (text, why) in [
            ("4111111111111111", Track2Error::NoSeparator),
            ("4111=2512", Track2Error::Number),
            ("4111111111111111=2513101", Track2Error::Expiry),
            ("4111111111111111=25é", Track2Error::Form),
            ("411111111111111111=25121010000000000000000", Track2Error::Form),
        ] {
            assert_eq!(read_track2(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn what_the_service_code_says() {
        let of = |s: &[u8; 3]| (ServiceCode(*s).has_chip(), ServiceCode(*s).requires_pin());
        assert_eq!(
            [of(b"101"), of(b"220"), of(b"601"), of(b"126")],
            [(false, false), (true, true), (true, false), (false, false)]
        );
        assert!(Expiry { yy: 25, mm: 12 }.is_past(26, 1) && !Expiry { yy: 25, mm: 12 }.is_past(25, 12));
    }

    #[test]
    fn luhn() {
        assert!(luhn_ok("4111111111111111") && luhn_ok("5555555555554444") && luhn_ok("6222021234567890128"));
        assert!(!luhn_ok("4111111111111112") && !luhn_ok("") && !luhn_ok("41a1"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(s in "\\PC{0,60}") {
            let _ = (read_track2(&s), luhn_ok(&s));
        }

        #[test]
        fn one_check_digit_fits_and_one_wrong_digit_is_found(body in "[0-9]{1,40}", at in any::<prop::sample::Index>(), by in 1u8..10) {
            let good: Vec<String> = (0..10).map(|d| format!("{body}{d}")).filter(|s| luhn_ok(s)).collect();
            prop_assert_eq!(good.len(), 1);
            let mut bad = good[0].clone().into_bytes();
            let i = at.index(bad.len());
            bad[i] = b'0' + (bad[i] - b'0' + by) % 10;
            prop_assert!(!luhn_ok(std::str::from_utf8(&bad).unwrap()));
        }

        #[test]
        fn what_is_built_is_read(pan in "[0-9]{12,19}", yy in 0u8..100, mm in 1u8..13, s in "[0-9]{3}", d in "[0-9]{0,8}") {
            let f = read_track2(&format!("{pan}={yy:02}{mm:02}{s}{d}")).unwrap();
            prop_assert_eq!(f.pan.expose(), pan);
            prop_assert_eq!(f.expiry, Some(Expiry { yy, mm }));
            prop_assert_eq!(&f.service.unwrap().0[..], s.as_bytes());
        }
    }
}
