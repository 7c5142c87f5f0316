//! Values with spans: each knows its place in the file.

use std::{fmt, marker::PhantomData, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use toml::Spanned;

/// A value with its place in the file; in the schema just the value.
#[derive(Debug, Clone)]
pub struct At<T>(pub(crate) Spanned<T>);

impl<T> At<T> {
    /// The value.
    pub fn get(&self) -> &T {
        self.0.get_ref()
    }

    /// Its place.
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A TOML table with free keys, in the order of the file (toml's own map sorts by key).
#[derive(Debug, Clone)]
pub struct TomlTable<V>(pub(crate) Vec<(At<String>, V)>);

impl<V> Default for TomlTable<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> TomlTable<V> {
    /// The entries, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &(At<String>, V)> {
        self.0.iter()
    }

    /// Own entries win; those that only `base` has come behind.
    pub(crate) fn over(mut self, base: Self) -> Self {
        for (key, value) in base.0 {
            if !self.0.iter().any(|(own, _)| own.get() == key.get()) {
                self.0.push((key, value));
            }
        }
        self
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for TomlTable<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = TomlTable<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(At<String>, V)> = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                entries.sort_by_cached_key(|(key, _)| key.span().start);
                Ok(TomlTable(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for TomlTable<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Table_of_{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <std::collections::BTreeMap<String, V>>::json_schema(generator)
    }
}
