//! Stored form of a model of one kind: fields of the header, and tensors.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{error::ModelError, tensors::Tensor};

/// What is written down of a [`crate::Learned`]. The names of its fields are its own affair, but for those that
/// every model has: `format`, `kind`, `head`, `classes` and `encoder`. Floats in them are texts.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Fields that stand before what the outputs mean: those of dense layers have stood there from the beginning.
    pub(super) first: Vec<(&'static str, String)>,
    /// Fields that stand after it, where those of a new kind belong.
    pub(super) fields: Vec<(&'static str, String)>,
    /// In the order of their names.
    pub(super) tensors: Vec<Tensor>,
}

impl Stored {
    /// Of tensors alone.
    pub fn new(tensors: Vec<Tensor>) -> Self {
        Self { tensors, ..Self::default() }
    }

    /// With a field of the header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &impl Serialize) -> Self {
        self.fields.push((name, text(value)));
        self
    }

    /// With a field that is JSON already.
    #[must_use]
    pub(crate) fn with_json(mut self, name: &'static str, json: String) -> Self {
        self.fields.push((name, json));
        self
    }

    /// As a part of another model: its fields as one JSON object, its tensors with names that begin with `under`.
    pub(crate) fn apart(self, under: &str) -> (String, Vec<Tensor>) {
        let fields = self.first.into_iter().chain(self.fields);
        let fields: Vec<String> =
            fields.map(|(name, value)| format!("{}:{value}", text(&name))).collect();
        let tensors = self.tensors.into_iter();
        let named = tensors.map(|one| Tensor { name: format!("{under}{}", one.name), ..one });
        (format!("{{{}}}", fields.join(",")), named.collect())
    }

    /// With a field that stands before what the outputs mean.
    #[must_use]
    pub(crate) fn with_first(mut self, name: &'static str, value: &impl Serialize) -> Self {
        self.first.push((name, text(value)));
        self
    }
}

pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a header has only plain fields")
}

/// The fields of a header that are its kind's own, as they are read back.
#[derive(Debug)]
pub struct Own(Map<String, Value>);

impl Own {
    /// All of them as a `T`, which should refuse unknown fields.
    ///
    /// # Errors
    /// [`ModelError`] where some are missing or left over, or of another type.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, ModelError> {
        T::deserialize(Value::Object(self.0)).map_err(|error| ModelError::new(error.to_string()))
    }
}

impl From<Map<String, Value>> for Own {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Own;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Own, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(A::Error::custom(format!("`{name}` is there twice")));
                    }
                    fields.insert(name, value);
                }
                Ok(Own(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
