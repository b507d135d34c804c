//! JSON: requests, answers, rows of the store. What is wrong says the names that lead to it. Numbers are whole: an amount is in minor units.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Form, Key, Value};

/// The value that a JSON text says.
///
/// # Errors
/// What is no JSON, with line and column, or does not fit the type, with the names that lead there.
pub fn read_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, JsonError> {
    let form = serde_json::from_slice(json).map_err(untold)?;
    T::deserialize(&Value { at: 0, form }).map_err(|wrong| JsonError(wrong.with_path()))
}

/// What the library did not take. It would quote a number with a point, before the type that knows it for a card's number could keep it quiet (law 7):
/// nothing else is refused for what it is at this stage.
fn untold(error: serde_json::Error) -> JsonError {
    if !error.is_data() {
        return JsonError(error.to_string());
    }
    let (line, column) = (error.line(), error.column());
    JsonError(format!(
        "a number with a point, or one too large, at line {line} column {column}: an amount is a whole number of minor units (12.34 is 1234)"
    ))
}

/// A JSON text that cannot be used: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

impl<'de> Deserialize<'de> for Form<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Form<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list, an object or a whole number")
    }

    fn visit_unit<E: Error>(self) -> Result<Form<'de>, E> {
        Ok(Form::Nothing)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Form<'de>, E> {
        Ok(Form::Flag(yes))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Form<'de>, E> {
        Ok(Form::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Form<'de>, E> {
        Ok(i64::try_from(number).map_or(Form::Large(number), Form::Whole))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Form<'de>, E> {
        Ok(Form::Text(text.to_owned().into()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Form<'de>, E> {
        Ok(Form::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Form<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(form) = list.next_element()? {
            values.push(Value { at: 0, form });
        }
        Ok(Form::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Form<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some((name, form)) = table.next_entry::<Name<'de>, _>()? {
            entries.push((Key { at: 0, name: name.0 }, Value { at: 0, form }));
        }
        Ok(Form::Table(entries))
    }
}

/// A name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] std::borrow::Cow<'t, str>);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::{Value as Json, json};

    use super::*;

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    struct Number(u8);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Way {
        Plain,
        Of(i64),
        Between { a: u64, b: Option<u8> },
        Two(bool, char),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "what", rename_all = "snake_case")]
    enum Tagged {
        A { a: Vec<u8> },
        B,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct More {
        b: Option<String>,
        #[serde(flatten)]
        rest: BTreeMap<String, Json>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        a: i64,
        #[serde(default)]
        b: Vec<Number>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct All {
        a: Option<Inner>,
        #[serde(default)]
        b: BTreeMap<Number, Way>,
        what: Option<Tagged>,
        more: Option<More>,
        wide: Option<i128>,
        unit: Option<()>,
        pair: Option<(u8, String)>,
        #[serde(default)]
        any: Json,
    }

    fn whole() -> Json {
        json!({
            "a": {"a": -5, "b": [1, 2]}, "b": {"7": "plain", "8": {"of": 1}, "9": {"between": {"a": 3, "b": null}}, "10": {"two": [true, "字"]}},
            "what": {"what": "a", "a": [9]}, "more": {"b": "text", "c": [null, {"d": "\n\"é"}]}, "wide": u64::MAX, "unit": null,
            "pair": [3, "x"], "any": {"z": [1, i64::MIN]}, "unknown": [[], {}],
        })
    }

    #[test]
    fn json_is_read_as_the_library_itself_reads_it() {
        let text = whole().to_string();
        let read: All = read_json(text.as_bytes()).unwrap();
        assert_eq!(read, serde_json::from_str(&text).unwrap());
        assert_eq!(read.b.len(), 4);
        assert!(read.more.unwrap().rest.contains_key("c"));
    }

    /// What a value may be replaced by: of every form, and near to what fits.
    fn other() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            (-3i64..300).prop_map(Json::from),
            prop_oneof![Just("plain"), Just("of"), Just("two"), Just("a"), Just("b"), Just("字"), Just("")]
                .prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let name = prop_oneof![
                "[a-c]",
                "[0-9]{1,3}",
                Just("what".to_owned()),
                Just("between".to_owned()),
                Just("of".to_owned()),
                Just("two".to_owned())
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
                proptest::collection::btree_map(name, inner, 0..3)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Where in a value, by numbers of its members.
    fn replace(at: &mut Json, path: &[usize], by: Json) {
        let members: Vec<&mut Json> = match at {
            Json::Array(list) => list.iter_mut().collect(),
            Json::Object(table) => table.iter_mut().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        };
        let count = members.len();
        match (path.split_first(), members.into_iter().nth(path.first().map_or(0, |n| n % count.max(1)))) {
            (Some((_, rest)), Some(member)) => replace(member, rest, by),
            _ => *at = by,
        }
    }

    /// The one difference: an object's fields are never taken from a list.
    fn has_struct_as_list(json: &Json) -> bool {
        json.is_array()
            || [&json["a"], &json["more"], &json["what"]].iter().any(|inner| inner.is_array())
            || json["b"].as_object().is_some_and(|ways| ways.values().any(|way| way["between"].is_array()))
    }

    proptest! {
        #[test]
        fn whatever_stands_there_both_take_it_or_neither(path in proptest::collection::vec(0usize..8, 0..5), by in other()) {
            let mut json = whole();
            replace(&mut json, &path, by);
            let text = json.to_string();
            let (ours, theirs) = (read_json::<All>(text.as_bytes()), serde_json::from_str::<All>(&text));
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(_), Err(_)) => {}
                (Err(_), Ok(_)) if has_struct_as_list(&json) => {}
                (ours, theirs) => prop_assert!(false, "{text}: {ours:?}, {theirs:?}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_says_the_names_that_lead_to_it() {
        let cases = [
            (r#"{"a":{"a":"5"}}"#, "a.a: invalid type: string \"5\", expected i64"),
            (r#"{"a":{"a":5,"b":[1,256]}}"#, "a.b[1]: invalid value: integer `256`, expected u8"),
            (r#"{"a":{}}"#, "a: missing field `a`"),
            (r#"{"a":{"a":1,"c":1}}"#, "a: unknown field `c`"),
            (r#"{"a":{"a":1,"a":2}}"#, "a: duplicate field `a`"),
            (r#"{"a":[1]}"#, "a: invalid type: sequence, expected struct Inner"),
            (r#"{"b":{"x":"plain"}}"#, "b: invalid type: string \"x\", expected u8"),
            (r#"{"b":{"1":"other"}}"#, "b.1: unknown variant `other`"),
            (r#"{"b":{"1":"of"}}"#, "b.1: a word where a table"),
            (
                r#"{"wide":1.5}"#,
                "a number with a point, or one too large, at line 1 column 11: an amount is a whole number",
            ),
            (
                r#"{"wide":99999999999999999999}"#,
                "a number with a point, or one too large, at line 1 column 28: an amount",
            ),
            (r#"{"pair":[1,"x",2]}"#, "pair: 3 elements, 1 too many"),
            (r#"{"pair":[1]}"#, "pair: invalid length 1"),
            (r#"{"a":"271828"}"#, "a: invalid type: a text, expected struct Inner"),
            (r#"{"a":271828}"#, "a: invalid type: a number, expected struct Inner"),
            (r#"{"a":{"a":1,"b":271828}}"#, "a.b: invalid type: a number, expected a sequence"),
            (r#"{"b":{"01":"plain"}}"#, "b: invalid type: string \"01\", expected u8"),
            (r#"{"b":{"+1":"plain"}}"#, "b: invalid type: string \"+1\", expected u8"),
            (r#"{"a":{"a":18446744073709551615}}"#, "a.a: invalid value: integer `18446744073709551615`, expected i64"),
            ("[]", "invalid type: sequence, expected struct All"),
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("{} {}", "trailing characters at line 1 column 4"),
        ];
        for (text, told) in cases {
            let wrong = read_json::<All>(text.as_bytes()).unwrap_err().to_string();
            assert!(wrong.starts_with(told), "{text}: {wrong}");
        }
        assert!(read_json::<All>("[".repeat(100_000).as_bytes()).unwrap_err().to_string().contains("recursion limit"));
        assert!(read_json::<All>(b"{\"a\":\"\xff\"}").is_err());
    }
}
