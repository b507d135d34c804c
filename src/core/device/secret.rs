//! Card numbers, tracks and payment codes: wiped when dropped, masked when printed, seen only through `expose()`.
//!
//! Whoever calls `expose()` answers for where the text goes: never to a log, a journal row or a screen.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Text that is wiped on drop; the common body of the secrets below. Built once at its final size, so that no
/// growing buffer leaves copies behind.
#[derive(Clone)]
struct Hidden(Zeroizing<String>);

impl Hidden {
    fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// `head` first and `tail` last characters, stars between; all stars when the text is too short to hide.
    fn masked(&self, head: usize, tail: usize) -> String {
        let n = self.0.chars().count();
        let shown = head + tail;
        self.0
            .chars()
            .enumerate()
            .map(|(i, c)| if n > shown + 3 && (i < head || i >= n - tail) { c } else { '*' })
            .collect()
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}
impl Eq for Hidden {}

macro_rules! masked_print {
    ($name:ident, $head:expr, $tail:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.masked($head, $tail))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.masked($head, $tail))
            }
        }
    };
}

/// A scanned payment code (付款码), single use. Prints as its first two and last four characters.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentCode(Hidden);
masked_print!(PaymentCode, 2, 4);

impl PaymentCode {
    /// Takes any text a scanner gave (without its line end and AIM id).
    pub fn new(text: &str) -> Self {
        Self(Hidden::new(text))
    }

    /// The whole code, for the message to the acquirer only.
    pub fn expose(&self) -> &str {
        &self.0.0
    }
}

/// A primary account number, 12 to 19 digits. Prints as first six, last four.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan(Hidden);
masked_print!(Pan, 6, 4);

/// Why a text is not a card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PanError {
    /// Not 12 to 19 characters.
    #[error("a card number has 12 to 19 digits")]
    Length,
    /// Something other than 0–9.
    #[error("a card number has digits only")]
    NotDigits,
}

impl Pan {
    /// Digits only, 12 to 19 of them (ISO/IEC 7812); the check digit is *not* required: see [`Pan::luhn_ok`].
    ///
    /// # Errors
    /// [`PanError`] says what is wrong, without the number.
    pub fn new(digits: &str) -> Result<Self, PanError> {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PanError::NotDigits);
        }
        if !(12..=19).contains(&digits.len()) {
            return Err(PanError::Length);
        }
        Ok(Self(Hidden::new(digits)))
    }

    /// All digits.
    pub fn expose(&self) -> &str {
        &self.0.0
    }

    /// First six, stars, last four: what a receipt and a list may show.
    pub fn masked(&self) -> String {
        self.0.masked(6, 4)
    }

    /// Whether the last digit is right (Luhn, ISO/IEC 7812-1 annex B). Some debit cards in use do not keep it.
    pub fn luhn_ok(&self) -> bool {
        luhn_ok(self.expose())
    }
}

/// Luhn's check over a string of digits; false for anything else and for the empty string.
pub fn luhn_ok(digits: &str) -> bool {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: usize = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let d = usize::from(b - b'0');
            if i % 2 == 0 { d } else { d * 2 - if d > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Track 2 as read, without sentinels: `PAN=YYMMSSS…`. Prints only its masked PAN. Never outlives authorization.
#[derive(Clone, PartialEq, Eq)]
pub struct Track2 {
    text: Hidden,
    pan: Pan,
    expiry: Option<Expiry>,
    service: Option<ServiceCode>,
}

impl fmt::Debug for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Track2({}=*)", self.pan)
    }
}
impl fmt::Display for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=*", self.pan)
    }
}

/// A card's expiry as on the track: two-digit year and month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// Year within the century, 0–99.
    pub yy: u8,
    /// Month, 1–12.
    pub mm: u8,
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expiry(****)")
    }
}

impl Expiry {
    /// `YYMM`, for field 14.
    pub fn yymm(self) -> String {
        format!("{:02}{:02}", self.yy, self.mm)
    }

    /// Whether a card of this expiry is over in the given month (a card is good through its month).
    pub fn is_past(self, yy: u8, mm: u8) -> bool {
        (self.yy, self.mm) < (yy, mm)
    }
}

/// The three-digit service code of a track (ISO/IEC 7813).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceCode(pub [u8; 3]);

impl ServiceCode {
    /// First digit 2 or 6: the card has a chip, and its stripe alone is a fallback.
    pub fn has_chip(self) -> bool {
        matches!(self.0[0], b'2' | b'6')
    }

    /// Third digit 0, 3, 5, 6 or 7 asks for a PIN (6, 7 and 0, 3, 5 with their own conditions, ISO/IEC 7813).
    pub fn wants_pin(self) -> bool {
        matches!(self.0[2], b'0' | b'3' | b'5' | b'6' | b'7')
    }
}

/// Why a text is not a track 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Track2Error {
    /// No `=` (or `D`) between PAN and the rest.
    #[error("track 2 has no separator")]
    NoSeparator,
    /// The part before the separator is no card number.
    #[error("track 2: {0}")]
    Pan(#[from] PanError),
    /// A month of 0 or above 12.
    #[error("track 2 has an impossible expiry")]
    Expiry,
    /// A character that is neither digit nor separator, or more than 37 of them.
    #[error("track 2 has a wrong character or length")]
    Form,
}

impl Track2 {
    /// Parses `PAN=YYMMSSSdddd`, with `=` or `D` as separator; expiry and service code may each be a further
    /// separator (absent). At most 37 characters (ISO/IEC 7813), without sentinels.
    ///
    /// # Errors
    /// [`Track2Error`], which never carries the text.
    pub fn parse(text: &str) -> Result<Self, Track2Error> {
        if text.len() > 37 || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'=' | b'D')) {
            return Err(Track2Error::Form);
        }
        let normal = Zeroizing::new(text.replace('D', "="));
        let (pan, rest) = normal.split_once('=').ok_or(Track2Error::NoSeparator)?;
        let pan = Pan::new(pan)?;
        let (expiry, rest) = take_expiry(rest)?;
        let service = match rest.as_bytes() {
            [a, b, c, ..] if [a, b, c].iter().all(|d| d.is_ascii_digit()) => Some(ServiceCode([*a, *b, *c])),
            _ => None,
        };
        Ok(Self { text: Hidden::new(&normal), pan, expiry, service })
    }

    /// The track with `=` as separator, for field 35 and its encryption only.
    pub fn expose(&self) -> &str {
        &self.text.0
    }

    /// The card number on the track.
    pub fn pan(&self) -> &Pan {
        &self.pan
    }

    /// The expiry, where the track has one.
    pub fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }

    /// The service code, where the track has one.
    pub fn service_code(&self) -> Option<ServiceCode> {
        self.service
    }
}

fn take_expiry(rest: &str) -> Result<(Option<Expiry>, &str), Track2Error> {
    if let Some(after) = rest.strip_prefix('=') {
        return Ok((None, after));
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_track_is_read_and_never_printed() {
        let t = Track2::parse("6222021234567890128=30121200000012300").unwrap();
        assert_eq!(t.pan().expose(), "6222021234567890128");
        assert_eq!(t.expiry().unwrap().yymm(), "3012");
        assert_eq!(t.service_code(), Some(ServiceCode(*b"120")));
        let all = format!("{t} {t:?} {:?} {:?}", t.pan(), t.expiry());
        for secret in ["6222021234567890128", "3012", "120000", "1234567890"] {
            assert!(!all.contains(secret), "{all}");
        }
        assert!(all.contains("622202*********0128"));
    }

    #[test]
    fn the_letter_d_separates_too_and_parts_may_be_absent() {
        assert_eq!(Track2::parse("4111111111111111D2512201").unwrap().expose(), "4111111111111111=2512201");
        let t = Track2::parse("4111111111111111==201").unwrap();
        assert_eq!((t.expiry(), t.service_code().unwrap().has_chip()), (None, true));
        assert_eq!(Track2::parse("4111111111111111=").unwrap().service_code(), None);
    }

    #[test]
    fn wrong_tracks_are_refused_by_reason() {
        assert_eq!(Track2::parse("4111111111111111"), Err(Track2Error::NoSeparator));
        assert_eq!(Track2::parse("4111=2512"), Err(Track2Error::Pan(PanError::Length)));
        assert_eq!(Track2::parse("4111111111111111=2513101"), Err(Track2Error::Expiry));
        assert_eq!(Track2::parse("4111111111111111=25é"), Err(Track2Error::Form));
    }

    #[test]
    fn luhn() {
        for good in ["4111111111111111", "6212341111111111111", "0"] {
            let fixed = (0..10).map(|d| format!("{}{d}", &good[..good.len() - 1]));
            assert_eq!(fixed.filter(|s| luhn_ok(s)).count(), 1, "one check digit for {good}");
        }
        assert!(luhn_ok("4111111111111111"));
        assert!(!luhn_ok("4111111111111112"));
        assert!(!luhn_ok("") && !luhn_ok("41a1"));
    }

    #[test]
    fn a_short_secret_is_all_stars() {
        assert_eq!(PaymentCode::new("123456").to_string(), "******");
        assert_eq!(PaymentCode::new("134567890123456789").to_string(), "13************6789");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(s in "\\PC{0,60}") {
            let _ = Track2::parse(&s);
            let _ = Pan::new(&s).map(|p| p.to_string());
            let _ = PaymentCode::new(&s).to_string();
        }

        #[test]
        fn what_is_built_is_read(pan in "[0-9]{12,19}", yy in 0u8..100, mm in 1u8..13, s in "[0-9]{3}", d in "[0-9]{0,8}") {
            let t = Track2::parse(&format!("{pan}={yy:02}{mm:02}{s}{d}")).unwrap();
            prop_assert_eq!(t.pan().expose(), pan);
            prop_assert_eq!(t.expiry(), Some(Expiry { yy, mm }));
            prop_assert_eq!(&t.service_code().unwrap().0[..], s.as_bytes());
        }
    }
}
