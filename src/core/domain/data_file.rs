//! Data files, as TOML says them: profiles, printers' models, statement formats, calendars, fees, scenarios. What is wrong says its line.
//!
//! Knows nothing of what they describe: the types that are read do.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::line_of;

/// The value that a data file describes.
///
/// # Errors
/// What is no TOML, or does not fit the type, and on which line.
pub fn read_data<T: DeserializeOwned>(text: &str) -> Result<T, DataError> {
    let wrong = |at: Option<usize>, what: String| DataError { line: line_of(text, at.unwrap_or(0)), what };
    let table = DeTable::parse(text).map_err(|e| wrong(e.span().map(|span| span.start), e.message().to_owned()))?;
    let whole = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    T::deserialize(Value(&whole)).map_err(|e| wrong(e.at, e.what))
}

/// A data file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DataError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what could stand there.
    pub what: String,
}

/// A value of a data file, and where it stands. Only [`read_data`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The byte it begins at, from 0.
    pub offset: usize,
    /// The value.
    pub value: T,
}

/// How [`At`] asks for its place: no type of ours has such a name.
const PLACED: &str = "\0At";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pair<T> {
            type Value = At<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of a data file")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<At<T>, A::Error> {
                let missing = || A::Error::custom("a value outside a data file has no place");
                let offset = pair.next_element()?.ok_or_else(missing)?;
                Ok(At { offset, value: pair.next_element()?.ok_or_else(missing)? })
            }
        }
        deserializer.deserialize_tuple_struct(PLACED, 2, Pair(PhantomData))
    }
}

/// What was wrong, and where if that is known yet: the innermost entry says it.
#[derive(Debug)]
struct Wrong {
    at: Option<usize>,
    what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Wrong { at: None, what: what.to_string() }
    }
}

/// A value where it stands. By reference, and every form by one way, so that each type that is read is made once: that is why it is not the
/// library's own deserializer, which makes each three times.
#[derive(Clone, Copy)]
struct Value<'v>(&'v Spanned<DeValue<'v>>);

impl Value<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(self).map_err(|wrong| placed(wrong, self.0.span()))
    }
}

/// A key where it stands.
#[derive(Clone, Copy)]
struct Key<'v>(&'v Spanned<Cow<'v, str>>);

impl Key<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(StrDeserializer::new(self.0.get_ref())).map_err(|wrong| placed(wrong, self.0.span()))
    }
}

fn placed(mut wrong: Wrong, span: Range<usize>) -> Wrong {
    wrong.at.get_or_insert(span.start);
    wrong
}

/// TOML says itself what a value is: whatever the type asks for, it gets that.
macro_rules! all_as_any {
    ($($method:ident($($hint:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $(_: $hint,)* visitor: V) -> Result<V::Value, Wrong> {
            self.deserialize_any(visitor)
        })*
    };
}

/// A table, entry by entry; its fields by name where it is a struct.
struct Table<'v> {
    entries: <&'v DeTable<'v> as IntoIterator>::IntoIter,
    value: Option<Value<'v>>,
}

impl<'v> Table<'v> {
    fn new(table: &'v DeTable<'v>) -> Self {
        Table { entries: table.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Table<'_> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(Value(value));
        Key(key).read(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        self.value.take().ok_or_else(|| Wrong::custom("a value before its key"))?.read(seed)
    }
}

/// An array, element by element.
struct Elements<'v>(std::slice::Iter<'v, Spanned<DeValue<'v>>>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.0.next().map(|value| Value(value).read(seed)).transpose()
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.get_ref() {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(Wrong::custom(format!("the number {} is too large", number.as_str()))),
            },
            DeValue::Float(number) => Err(Wrong::invalid_type(Unexpected::Other(number.as_str()), &visitor)),
            DeValue::Boolean(yes) => visitor.visit_bool(*yes),
            DeValue::Datetime(_) => Err(Wrong::invalid_type(Unexpected::Other("a date"), &visitor)),
            DeValue::Array(values) => {
                let mut elements = Elements(values.iter());
                let read = visitor.visit_seq(&mut elements)?;
                match elements.0.len() {
                    0 => Ok(read),
                    more => Err(Wrong::custom(format!("{} elements, {more} too many", values.len()))),
                }
            }
            DeValue::Table(table) => visitor.visit_map(Table::new(table)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name == PLACED {
            visitor.visit_seq(Pair { value: self, told: false })
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_enum(self)
    }

    all_as_any! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128() deserialize_f32()
        deserialize_f64() deserialize_char() deserialize_str() deserialize_string() deserialize_bytes()
        deserialize_byte_buf() deserialize_unit() deserialize_unit_struct(&'static str) deserialize_seq()
        deserialize_tuple(usize) deserialize_map() deserialize_struct(&'static str, &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }
}

/// The offset of a value, then the value.
struct Pair<'v> {
    value: Value<'v>,
    told: bool,
}

impl<'de> SeqAccess<'de> for Pair<'_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        if std::mem::replace(&mut self.told, true) {
            return self.value.read(seed).map(Some);
        }
        seed.deserialize(self.value.0.span().start.into_deserializer()).map(Some)
    }
}

/// A word is a variant without content; a table with one key is a variant with it.
impl<'de, 'v> EnumAccess<'de> for Value<'v> {
    type Error = Wrong;
    type Variant = Content<'v>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'v>), Wrong> {
        match self.0.get_ref() {
            DeValue::String(word) => Ok((seed.deserialize(StrDeserializer::new(word))?, Content(None))),
            DeValue::Table(table) if table.len() == 1 => {
                let (key, value) = table.iter().next().expect("it has one");
                Ok((Key(key).read(seed)?, Content(Some(Value(value)))))
            }
            other => Err(Wrong::custom(format!("{} where a word is expected", other.type_str()))),
        }
    }
}

/// What a variant holds.
struct Content<'v>(Option<Value<'v>>);

impl<'v> Content<'v> {
    fn there(self) -> Result<Value<'v>, Wrong> {
        self.0.ok_or_else(|| Wrong::custom("a word where a table with what belongs to it is expected"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Wrong::custom("a table where a word is expected")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        self.there()?.read(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.there()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        self.there()?.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Rung {
        Once,
        Every(u8),
        Within { from: i64, to: i64 },
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Route {
        Card,
        Bank,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "shape", rename_all = "snake_case", deny_unknown_fields)]
    enum Shape {
        Csv { quote: bool },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        name: String,
        port: u16,
        least: Option<i64>,
        #[serde(default)]
        rungs: Vec<Rung>,
        #[serde(default)]
        by: BTreeMap<Route, Vec<String>>,
        pair: Option<(u8, u8)>,
        shape: Option<Shape>,
    }

    const ALL: &str = "name = 'a'\nport = 0x1_F4\nleast = -9_000\nrungs = ['once', { every = 3 }, { within = { from = 1, to = 2 } }]\npair = [1, 2]\n\
        [by]\ncard = ['x', 'y']\nbank = []\n[shape]\nshape = 'csv'\nquote = true\n";

    #[test]
    fn a_data_file_is_read_as_the_library_itself_reads_it() {
        for text in [ALL, "name = '''\nz'''\nport = 1\n"] {
            assert_eq!(read_data::<All>(text).unwrap(), toml::from_str::<All>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_says_its_line() {
        let cases = [
            ("port = 0x1_F4", "port = 70_000", "line 2: invalid value: integer `70000`, expected u16"),
            ("port = 0x1_F4", "port = 1.5", "line 2: invalid type: 1.5, expected u16"),
            ("port = 0x1_F4", "port = 2026-11-01", "line 2: invalid type: a date, expected u16"),
            (
                "port = 0x1_F4",
                "port = 99_999_999_999_999_999_999",
                "line 2: the number 99999999999999999999 is too large",
            ),
            ("port = 0x1_F4", "port = true", "line 2: invalid type: boolean `true`, expected u16"),
            ("port = 0x1_F4", "part = 1", "line 2: unknown field `part`"),
            ("port = 0x1_F4\n", "", "line 1: missing field `port`"),
            ("'once'", "'twice'", "line 4: unknown variant `twice`"),
            ("'once'", "'every'", "line 4: a word where a table"),
            ("'once'", "{ once = 1 }", "line 4: a table where a word"),
            ("'once'", "7", "line 4: integer where a word"),
            ("to = 2", "till = 2", "line 4: missing field `to`"),
            ("[1, 2]", "[1, 2, 3]", "line 5: 3 elements, 1 too many"),
            ("[1, 2]", "[1]", "line 5: invalid length 1"),
            ("card = ", "cash = ", "line 7: unknown variant `cash`"),
            ("quote = true", "quote = true\nx = 1", "line 9: unknown field `x`"),
            ("name = 'a'", "name = 'a", "line 1: "),
            ("[shape]", "[by]", "line 9: "),
        ];
        for (from, to, told) in cases {
            assert!(ALL.contains(from), "{from}");
            let wrong = read_data::<All>(&ALL.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(wrong.starts_with(told), "{to}: {wrong}");
            assert!(wrong.len() > told.len() || !told.ends_with(": "), "{to}: {wrong}");
        }
    }

    #[test]
    fn a_value_knows_where_it_stands() {
        let text = "# first\nrungs = [1,\n 22]\n";
        let read: BTreeMap<String, Vec<At<u8>>> = read_data(text).unwrap();
        let places: Vec<_> = read["rungs"].iter().map(|at| (at.value, line_of(text, at.offset))).collect();
        assert_eq!(places, [(1, 2), (22, 3)]);
    }
}
