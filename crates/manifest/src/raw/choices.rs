//! Keys of more than one form: `class_weights` is a name or a table, the `columns` of an
//! image a pattern or a list.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use crate::{At, TomlTable};

/// `"none"`, `"balanced"`, or weights by class.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "ClassWeights")]
pub(crate) enum ClassWeightsChoice {
    Rule(ClassWeightsRule),
    Given(TomlTable<At<f64>>),
}

/// A rule for the weights of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ClassWeightsRule")]
pub(crate) enum ClassWeightsRule {
    /// All 1.
    None,
    /// n / (C · nᵢ): rare classes weigh more.
    Balanced,
}

impl ClassWeightsChoice {
    pub(super) fn over(own: At<Self>, base: At<Self>) -> At<Self> {
        let span = own.span();
        let choice = match (own.0.into_inner(), base.0.into_inner()) {
            (Self::Given(own), Self::Given(base)) => Self::Given(own.over(base)),
            (own, _) => own,
        };
        At(toml::Spanned::new(span, choice))
    }
}

impl<'de> Deserialize<'de> for ClassWeightsChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = ClassWeightsChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`none`, `balanced` or a table from class to weight")
            }

            fn visit_str<E: Error>(self, rule: &str) -> Result<ClassWeightsChoice, E> {
                let rule = serde::de::value::StrDeserializer::<E>::new(rule);
                ClassWeightsRule::deserialize(rule).map(ClassWeightsChoice::Rule)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClassWeightsChoice, A::Error> {
                TomlTable::deserialize(MapAccessDeserializer::new(map))
                    .map(ClassWeightsChoice::Given)
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

impl From<ClassWeightsRule> for crate::ClassWeights {
    fn from(rule: ClassWeightsRule) -> Self {
        match rule {
            ClassWeightsRule::None => Self::None,
            ClassWeightsRule::Balanced => Self::Balanced,
        }
    }
}

/// The columns of an image's pixels: a glob over names, or the names.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "PixelColumns")]
pub(crate) enum ColumnsChoice {
    Pattern(String),
    List(Vec<At<String>>),
}

impl<'de> Deserialize<'de> for ColumnsChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = ColumnsChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pattern or a list of columns")
            }

            fn visit_str<E: Error>(self, pattern: &str) -> Result<ColumnsChoice, E> {
                Ok(ColumnsChoice::Pattern(pattern.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ColumnsChoice, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(ColumnsChoice::List)
            }
        }
        deserializer.deserialize_any(Choice)
    }
}
