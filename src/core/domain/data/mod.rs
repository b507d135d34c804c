//! What is read: data files (TOML) and JSON, by one reader, so that each type that is read is made once in the program. The libraries' own
//! deserializers make each several times: that is why they only take the text apart here.
//!
//! Knows nothing of what is described: the types that are read do.

mod json;
mod toml;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

pub use json::{JsonError, read_json};
pub use toml::{DataError, read_data};

/// A value, and where it stands.
struct Value<'t> {
    /// The byte it begins at; 0 where its text does not tell.
    at: usize,
    form: Form<'t>,
}

/// What a text can say.
enum Form<'t> {
    /// JSON's null.
    Nothing,
    Flag(bool),
    Whole(i64),
    /// A number that only `u64` holds.
    Large(u64),
    Text(Cow<'t, str>),
    List(Vec<Value<'t>>),
    /// Entries in the text's order, repeated ones too.
    Table(Vec<(Key<'t>, Value<'t>)>),
    /// What nothing of ours can be: a number with a point, a date.
    Odd(Cow<'t, str>),
}

struct Key<'t> {
    at: usize,
    name: Cow<'t, str>,
}

/// What was wrong. Boxed, as it goes up through every type that is read.
#[derive(Debug)]
struct Wrong(Box<Trouble>);

/// What was wrong, and where if that is known yet: the innermost value says it.
#[derive(Debug)]
struct Trouble {
    at: Option<usize>,
    /// The names and numbers that lead there, the innermost first.
    path: Vec<Step>,
    what: String,
}

#[derive(Debug)]
enum Step {
    Name(String),
    Number(usize),
}

impl Wrong {
    /// What is wrong, after the names that lead to it: `card.pan: …`, `items[2].id: …`.
    fn with_path(self) -> String {
        let mut text = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                Step::Name(name) if text.is_empty() => text.push_str(name),
                Step::Name(name) => text.extend([".", name]),
                Step::Number(n) => text.push_str(&format!("[{n}]")),
            }
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text + &self.0.what
    }

    fn placed(mut self, at: usize) -> Wrong {
        self.0.at.get_or_insert(at);
        self
    }

    fn after(mut self, step: Step) -> Wrong {
        self.0.path.push(step);
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Wrong(Box::new(Trouble { at: None, path: Vec::new(), what: what.to_string() }))
    }
}

impl Value<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(&self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(self).map_err(|wrong| wrong.placed(self.at))
    }

    /// This is not what the type takes.
    #[cold]
    fn misfit(&self, expected: &dyn Expected) -> Wrong {
        let found = match &self.form {
            Form::Nothing => Unexpected::Other("null"),
            Form::Flag(yes) => Unexpected::Bool(*yes),
            Form::Whole(number) => return misfit_number(number, expected),
            Form::Large(number) => return misfit_number(number, expected),
            Form::Text(text) => Unexpected::Str(text),
            Form::List(_) => Unexpected::Seq,
            Form::Table(_) => Unexpected::Map,
            Form::Odd(what) => Unexpected::Other(what),
        };
        Wrong::invalid_type(found, expected)
    }

    /// Neither is it of the form that the type takes. What it holds is not said: it may be a secret that lacks its table (law 7).
    #[cold]
    fn misshapen(&self, expected: &dyn Expected) -> Wrong {
        let found = match &self.form {
            Form::Flag(_) => "a flag",
            Form::Whole(_) | Form::Large(_) | Form::Odd(_) => "a number",
            Form::Text(_) => "a text",
            Form::Nothing | Form::List(_) | Form::Table(_) => return self.misfit(expected),
        };
        Wrong::invalid_type(Unexpected::Other(found), expected)
    }

    /// Its number, as the widest that the types of ours take.
    fn number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        match self.form {
            Form::Whole(number) => visitor.visit_i64(number),
            Form::Large(number) => visitor.visit_u64(number),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn text<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.form {
            Form::Text(text) => visitor.visit_str(text),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn list<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        let Form::List(values) = &self.form else { return Err(self.misshapen(&visitor)) };
        let mut elements = Elements { values, next: 0 };
        let read = visitor.visit_seq(&mut elements)?;
        match values.len() - elements.next {
            0 => Ok(read),
            more => Err(Wrong::custom(format!("{} elements, {more} too many", values.len()))),
        }
    }

    fn table<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.form {
            Form::Table(entries) => visitor.visit_map(Table { entries: entries.iter(), entry: None }),
            _ => Err(self.misshapen(&visitor)),
        }
    }
}

#[cold]
fn misfit_number(number: &dyn fmt::Display, expected: &dyn Expected) -> Wrong {
    Wrong::invalid_type(Unexpected::Other(&format!("integer `{number}`")), expected)
}

/// Several ways to ask for the same form.
macro_rules! all_as {
    ($way:ident: $($method:ident($($hint:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $(_: $hint,)* visitor: V) -> Result<V::Value, Wrong> {
            self.$way(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for &Value<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.form {
            Form::Nothing => visitor.visit_unit(),
            Form::Flag(yes) => visitor.visit_bool(*yes),
            Form::Whole(_) | Form::Large(_) => self.number(visitor),
            Form::Text(_) => self.text(visitor),
            Form::List(_) => self.list(visitor),
            Form::Table(_) => self.table(visitor),
            Form::Odd(_) => Err(self.misfit(&visitor)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.form {
            Form::Flag(yes) => visitor.visit_bool(yes),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.form {
            Form::Nothing => visitor.visit_unit(),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.form {
            Form::Nothing => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
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
        if name == PLACED { visitor.visit_seq(Pair { value: self, told: false }) } else { self.list(visitor) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_enum(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    all_as! { number:
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
    }
    all_as! { text: deserialize_char() deserialize_str() deserialize_string() deserialize_identifier() }
    all_as! { list: deserialize_seq() deserialize_tuple(usize) deserialize_bytes() deserialize_byte_buf() }
    all_as! { table: deserialize_map() deserialize_struct(&'static str, &'static [&'static str]) }
    all_as! { deserialize_unit: deserialize_unit_struct(&'static str) }
}

/// A table, entry by entry; its fields by name where it is a struct.
struct Table<'v, 't> {
    entries: std::slice::Iter<'v, (Key<'t>, Value<'t>)>,
    entry: Option<&'v (Key<'t>, Value<'t>)>,
}

impl<'de> MapAccess<'de> for Table<'_, '_> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.entry = self.entries.next();
        self.entry.map(|(key, _)| key.read(seed)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let (key, value) = self.entry.ok_or_else(|| Wrong::custom("a value before its key"))?;
        value.read(seed).map_err(|wrong| wrong.after(Step::Name(key.name.as_ref().to_owned())))
    }
}

/// A list, element by element.
struct Elements<'v, 't> {
    values: &'v [Value<'t>],
    next: usize,
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, '_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some(value) = self.values.get(self.next) else { return Ok(None) };
        let read = value.read(seed).map_err(|wrong| wrong.after(Step::Number(self.next)))?;
        self.next += 1;
        Ok(Some(read))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len() - self.next)
    }
}

impl Key<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(&self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(self).map_err(|wrong| wrong.placed(self.at))
    }

    fn text<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(&self.name)
    }

    /// JSON writes a map's numbers as texts.
    fn number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        // As it would be written: no sign before a positive one, no zeros before it.
        let digits = self.name.strip_prefix('-').unwrap_or(&self.name);
        if digits == "0" || digits.starts_with(|c: char| ('1'..='9').contains(&c)) {
            if let Ok(number) = self.name.parse() {
                return visitor.visit_i64(number);
            }
            if let Ok(number) = self.name.parse() {
                return visitor.visit_u64(number);
            }
        }
        Err(Wrong::invalid_type(Unexpected::Str(&self.name), &visitor))
    }
}

impl<'de> Deserializer<'de> for &Key<'_> {
    type Error = Wrong;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_enum(StrDeserializer::new(&self.name))
    }

    all_as! { number:
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
    }
    all_as! { text:
        deserialize_any() deserialize_bool() deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_unit()
        deserialize_unit_struct(&'static str) deserialize_seq() deserialize_tuple(usize)
        deserialize_tuple_struct(&'static str, usize) deserialize_map()
        deserialize_struct(&'static str, &'static [&'static str]) deserialize_identifier() deserialize_ignored_any()
    }
}

/// A word is a variant without content; a table with one key is a variant with it.
impl<'de, 'v, 't> EnumAccess<'de> for &'v Value<'t> {
    type Error = Wrong;
    type Variant = Content<'v, 't>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'v, 't>), Wrong> {
        match &self.form {
            Form::Text(word) => Ok((seed.deserialize(StrDeserializer::new(word))?, Content(None))),
            Form::Table(entries) if let [(key, value)] = &entries[..] => Ok((key.read(seed)?, Content(Some(value)))),
            _ => Err(self.misfit(&"a word")),
        }
    }
}

/// What a variant holds.
struct Content<'v, 't>(Option<&'v Value<'t>>);

impl<'v, 't> Content<'v, 't> {
    fn there(self) -> Result<&'v Value<'t>, Wrong> {
        self.0.ok_or_else(|| Wrong::custom("a word where a table with what belongs to it is expected"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_, '_> {
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
        let value = self.there()?;
        value.list(visitor).map_err(|wrong| wrong.placed(value.at))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        let value = self.there()?;
        value.table(visitor).map_err(|wrong| wrong.placed(value.at))
    }
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
        struct Both<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
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
        deserializer.deserialize_tuple_struct(PLACED, 2, Both(PhantomData))
    }
}

/// The offset of a value, then the value.
struct Pair<'v, 't> {
    value: &'v Value<'t>,
    told: bool,
}

impl<'de> SeqAccess<'de> for Pair<'_, '_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        if std::mem::replace(&mut self.told, true) {
            return self.value.read(seed).map(Some);
        }
        seed.deserialize(self.value.at.into_deserializer()).map(Some)
    }
}
