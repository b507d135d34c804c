//! A message as its meaning: a type and the contents of its fields. How they lie on the wire is [`super::Spec`]'s.

use super::mask;

/// A message type indicator as its four decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mti(u16);

impl Mti {
    /// From a number of at most four digits: `Mti::new(200)` is 0200. More digits give `None`.
    #[must_use]
    pub const fn new(number: u16) -> Option<Mti> {
        if number <= 9999 { Some(Mti(number)) } else { None }
    }

    /// As a number: 200 for 0200.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The type of the answer to this: + 10.
    #[must_use]
    pub const fn answer(self) -> Mti {
        Mti((self.0 + 10) % 10_000)
    }
}

impl std::fmt::Display for Mti {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl std::fmt::Debug for Mti {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl TryFrom<String> for Mti {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let number = (text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten();
        number.and_then(Mti::new).ok_or_else(|| format!("{text:?} is no message type: four digits such as \"0200\""))
    }
}

impl From<Mti> for String {
    fn from(mti: Mti) -> String {
        mti.to_string()
    }
}

/// A message type and fields 2 to 128. Digits and track data are held as ASCII text (`=` as separator), binary fields as their bytes.
///
/// What it prints is masked. Whether a content fits its field is checked where it is encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    mti: Mti,
    /// Ascending by number, each once.
    fields: Vec<(u8, Vec<u8>)>,
}

impl Message {
    /// A message without fields.
    #[must_use]
    pub fn new(mti: Mti) -> Message {
        Message { mti, fields: Vec::with_capacity(16) }
    }

    /// Its type.
    #[must_use]
    pub fn mti(&self) -> Mti {
        self.mti
    }

    /// Whether the field is there.
    #[must_use]
    pub fn has(&self, field: u8) -> bool {
        self.find(field).is_ok()
    }

    /// The field's content as text; `None` where it is absent or is not printable ASCII.
    #[must_use]
    pub fn text(&self, field: u8) -> Option<&str> {
        let bytes = self.bytes(field)?;
        if !bytes.iter().all(|b| (0x20..0x7F).contains(b)) {
            return None;
        }
        std::str::from_utf8(bytes).ok()
    }

    /// The field's content as bytes (ASCII for digits and track data).
    #[must_use]
    pub fn bytes(&self, field: u8) -> Option<&[u8]> {
        self.find(field).ok().map(|index| self.fields[index].1.as_slice())
    }

    /// Sets a field of digits, track data or text.
    pub fn set_text(&mut self, field: u8, text: &str) -> &mut Message {
        self.set_bytes(field, text.as_bytes())
    }

    /// Sets a field.
    pub fn set_bytes(&mut self, field: u8, bytes: &[u8]) -> &mut Message {
        match self.find(field) {
            Ok(index) => self.fields[index].1 = bytes.to_vec(),
            Err(index) => self.fields.insert(index, (field, bytes.to_vec())),
        }
        self
    }

    /// Takes a field out, if it is there.
    pub fn unset(&mut self, field: u8) -> &mut Message {
        if let Ok(index) = self.find(field) {
            self.fields.remove(index);
        }
        self
    }

    /// Every field's number and content, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.fields.iter().map(|(number, bytes)| (*number, bytes.as_slice()))
    }

    fn find(&self, field: u8) -> Result<usize, usize> {
        self.fields.binary_search_by_key(&field, |(number, _)| *number)
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut map = f.debug_map();
        map.entry(&"mti", &self.mti);
        for (number, bytes) in self.iter() {
            map.entry(&number, &mask::shown(self.mti, number, bytes));
        }
        map.finish()
    }
}
