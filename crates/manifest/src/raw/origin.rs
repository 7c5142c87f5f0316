//! Raw `data.NAME.origin`, as written: a word, or a column that says it row by row.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{At, Origin};

/// Where rows come from: one word for all of them, or a column that tells.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "OriginOrColumn")]
pub(crate) enum OriginChoice {
    Whole(Origin),
    ByRow(RawOriginColumn),
}

/// A column that says of every row where its labels come from.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "OriginColumn")]
pub(crate) struct RawOriginColumn {
    /// The column of this data source.
    pub(crate) column: Option<At<String>>,
    /// Its values that mean "a model made this row's labels"; every other value means "measured".
    #[schemars(length(min = 1))]
    pub(crate) synthetic: Option<At<Vec<At<String>>>>,
}

impl<'de> Deserialize<'de> for OriginChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = OriginChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`measured`, `synthetic` or a table such as \
                     `{ column = \"source\", synthetic = [\"model\"] }`",
                )
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<OriginChoice, E> {
                let word = serde::de::value::StrDeserializer::<E>::new(word);
                Origin::deserialize(word).map(OriginChoice::Whole)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OriginChoice, A::Error> {
                RawOriginColumn::deserialize(MapAccessDeserializer::new(map))
                    .map(OriginChoice::ByRow)
            }
        }
        deserializer.deserialize_any(Choice)
    }
}
