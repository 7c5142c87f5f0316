//! Raw memory sizes, as written: `pipeline.memory_limit` and others.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

use crate::{defaults::LEAST_MEMORY, size};

/// A number of bytes, or a text that is yet to be taken apart: what is wrong with it is said at its
/// place, in more words than serde has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Memory {
    Bytes(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl Visitor<'_> for Choice {
            type Value = Memory;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as `\"2 GiB\"` or a whole number of bytes")
            }

            fn visit_u64<E: Error>(self, bytes: u64) -> Result<Memory, E> {
                Ok(Memory::Bytes(bytes))
            }

            fn visit_i64<E: Error>(self, bytes: i64) -> Result<Memory, E> {
                u64::try_from(bytes)
                    .map(Memory::Bytes)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Memory, E> {
                Ok(Memory::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

impl JsonSchema for Memory {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": LEAST_MEMORY },
                { "type": "string", "pattern": size::PATTERN },
            ]
        })
    }
}
