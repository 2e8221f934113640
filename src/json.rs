//! Reads JSON in one pass, by borrowing from its text: the requested fields are read, the rest is skipped, and
//! the text itself can be passed on as it came.
//!
//! Guarantees: a value of another kind than expected is as if it were missing, so that only what is no JSON at all, or an
//! object that names a field twice, fails; numbers keep their digits. Never: a copy of what was not requested.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A value as it stands there, whatever it is; missing and null are none.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(transparent)]
pub struct Raw<'a>(#[serde(borrow)] Option<&'a RawValue>);

/// An object; anything else is an object without fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct Object<T>(pub T);

/// A list; anything else is an empty one.
#[derive(Debug, Clone)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The fields of an object, each as it stands there.
pub type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// What is asked of an object: its fields, each of any kind and each possibly missing.
macro_rules! shape {
    ($(#[$about:meta])* $vis:vis $name:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        $vis struct $name<'a> {
            $(#[serde(borrow)] $field: $kind,)*
        }
    };
}
pub(crate) use shape;

/// Whether there is a text that is not empty, a number other than 0, or a flag that is set anywhere in it.
fn holds_something(json: &str) -> bool {
    // What has an id needs no further look, and most of what is read has one.
    read::<Named<'_>>(json).id.filled().is_some()
        || serde_json::from_str(json).is_ok_and(|value| holds(&value))
}

shape!(Named { id: Raw<'a>, });

fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_str().bytes().any(|byte| matches!(byte, b'1'..=b'9')),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => list.iter().any(holds),
        Value::Object(fields) => fields.values().any(holds),
    }
}

/// Reads an object; what is no JSON is an object without fields, too.
pub fn read<'a, T: Deserialize<'a> + Default>(text: &'a str) -> T {
    serde_json::from_str::<Object<T>>(text).unwrap_or_default().0
}

impl<'a> Raw<'a> {
    /// The text of a string or of a number; anything else has none.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.0?.get();
        match raw.as_bytes().first()? {
            b'"' => Some(match raw.get(1..raw.len() - 1)? {
                plain if !plain.contains('\\') => Cow::Borrowed(plain),
                _ => Cow::Owned(serde_json::from_str(raw).ok()?),
            }),
            b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
            _ => None,
        }
    }

    /// The same, and an empty text is none.
    pub fn filled(self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| !text.trim().is_empty())
    }

    /// An object that holds something, as it stands there. BigCommerce answers what is missing as null, as an empty object,
    /// and as a placeholder whose fields are all empty: these hold nothing.
    pub fn filled_object(self) -> Option<&'a RawValue> {
        self.0.filter(|raw| raw.get().starts_with('{') && holds_something(raw.get()))
    }

    /// The fields of an object that holds something.
    pub fn fields(self) -> Option<Fields<'a>> {
        let object = self.0.filter(|raw| raw.get().starts_with('{'));
        object.map(|raw| read::<Fields<'a>>(raw.get())).filter(|fields| !fields.is_empty())
    }

    /// The JSON itself.
    pub fn raw(self) -> Option<&'a RawValue> {
        self.0
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Kind::<Self>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Kind::<Self>(PhantomData))
    }
}

/// What is made of an object or a list; whatever else there is makes the default.
trait Made<'de>: Default {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de, T: Deserialize<'de> + Default> Made<'de> for Object<T> {
    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Made<'de> for List<T> {
    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut elements = Vec::with_capacity(list.size_hint().unwrap_or_default().min(64));
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Self(elements))
    }
}

struct Kind<T>(PhantomData<T>);

impl<'de, M: Made<'de>> Visitor<'de> for Kind<M> {
    type Value = M;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<M, A::Error> {
        M::of_object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<M, A::Error> {
        M::of_list(seq)
    }

    fn visit_unit<E>(self) -> Result<M, E> {
        Ok(M::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<M, E> {
        Ok(M::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<M, E> {
        Ok(M::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<M, E> {
        Ok(M::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<M, E> {
        Ok(M::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<M, E> {
        Ok(M::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    shape!(Thing { id: Raw<'a>, inner: Object<Inner<'a>>, all: List<Object<Inner<'a>>>, });
    shape!(Inner { id: Raw<'a>, });

    fn read(text: &str) -> String {
        let Thing { id, inner, all } = super::read(text);
        let all = all.0.iter().map(|each| each.0.id.text()).collect::<Vec<_>>();
        format!("{:?} {:?} {all:?}", id.text(), inner.0.id.text())
    }

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_is_skipped() {
        let text = r#"{"x":{"id":[1]},"id":10.830,"inner":{"y":[{}],"id":"a\u00e9\"b"},"all":[{"id":"1"},{"id":-2e3}],"z":null}"#;
        assert_eq!(read(text), r#"Some("10.830") Some("aé\"b") [Some("1"), Some("-2e3")]"#);
    }

    #[test]
    fn another_kind_is_as_if_it_were_missing() {
        let missing = "None None []";
        for text in [
            "{}",
            "null",
            "[1,{}]",
            "5",
            "-1.5e9",
            "\"text\"",
            "true",
            r#"{"id":null,"inner":null,"all":null}"#,
        ] {
            assert_eq!(read(text), missing, "{text}");
        }
        for other in ["[]", "[[1]]", "{\"a\":1}", "7", "0.1", "\"x\"", "false"] {
            let scalar = if other.starts_with(['7', '0', '"']) { "true" } else { other };
            assert_eq!(read(&format!(r#"{{"id":{scalar},"inner":[9],"all":{{"id":{other}}}}}"#)), missing);
        }
        assert_eq!(read(r#"{"all":[1,"x",[],{"id":2}]}"#), r#"None None [None, None, None, Some("2")]"#);
    }

    #[test]
    fn the_fields_of_anything_can_be_had() {
        let all: List<Raw<'_>> =
            serde_json::from_str(r#"[{"a":1.50},5,"x",null,[1],-0.1e9,{ }]"#).expect("JSON");
        let fields: Vec<Fields<'_>> = all.0.into_iter().filter_map(Raw::fields).collect();
        assert_eq!((fields.len(), fields[0]["a"].get()), (1, "1.50"));
    }

    #[test]
    fn what_is_no_json_fails() {
        for text in ["", "{", r#"{"id":}"#, r#"{"inner":{"id":1}"#, "[1,]"] {
            assert!(serde_json::from_str::<Object<Thing<'_>>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_placeholder_holds_nothing() {
        let raw = |text| serde_json::from_str::<Raw<'_>>(text).expect("JSON");
        for nothing in [
            "null",
            "{}",
            "{ }",
            r#"{"id":"","email":null,"custom_fields":[],"country":" ","nested":{"a":""},"n":0,"f":false}"#,
            "[1]",
            "\"x\"",
        ] {
            assert!(raw(nothing).filled_object().is_none(), "{nothing}");
        }
        for something in [r#"{"id":"a"}"#, r#"{"id":"","n":3}"#, r#"{"list":[{"a":"b"}]}"#] {
            assert!(raw(something).filled_object().is_some(), "{something}");
        }
    }

    #[test]
    fn an_empty_text_is_not_filled() {
        let raw = |text| serde_json::from_str::<Raw<'_>>(text).expect("JSON");
        assert_eq!(raw("\" \"").filled(), None);
        assert_eq!(raw("0").filled().as_deref(), Some("0"));
        assert_eq!(raw("[1]").raw().map(RawValue::get), Some("[1]"));
    }
}
