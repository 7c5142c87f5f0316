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

use crate::{At, ByTask, TomlTable};

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

/// A number, or one for each task.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "ByTask")]
pub(crate) enum ByTaskChoice {
    /// For both.
    One(f64),
    /// By task.
    Each(RawByTask),
}

/// A number for classifiers and one for regressions.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "NumberByTask")]
pub(crate) struct RawByTask {
    /// Of a classifier. Default: as without the table.
    pub(crate) classification: Option<At<f64>>,
    /// Of a regression. Default: as without the table.
    pub(crate) regression: Option<At<f64>>,
}

impl ByTaskChoice {
    /// With a default for what it does not say.
    pub(crate) fn resolve(&self, default: ByTask) -> ByTask {
        match self {
            Self::One(number) => (*number).into(),
            Self::Each(RawByTask { classification, regression }) => ByTask {
                classification: classification
                    .as_ref()
                    .map_or(default.classification, |n| *n.get()),
                regression: regression.as_ref().map_or(default.regression, |n| *n.get()),
            },
        }
    }

    /// Each number with its place; that of the key, if there is one number.
    pub(crate) fn numbers(choice: &At<Self>) -> Vec<At<f64>> {
        match choice.get() {
            Self::One(number) => vec![At(toml::Spanned::new(choice.span(), *number))],
            Self::Each(RawByTask { classification, regression }) => {
                [classification, regression].into_iter().flatten().cloned().collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for ByTaskChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = ByTaskChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a table of `classification` and `regression`")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<ByTaskChoice, E> {
                Ok(ByTaskChoice::One(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<ByTaskChoice, E> {
                Ok(ByTaskChoice::One(number as f64))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<ByTaskChoice, E> {
                Ok(ByTaskChoice::One(number as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ByTaskChoice, A::Error> {
                RawByTask::deserialize(MapAccessDeserializer::new(map)).map(ByTaskChoice::Each)
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

/// Rows per step: a number, or `"auto"`.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(untagged, rename = "Batch")]
pub(crate) enum BatchChoice {
    Rows(#[schemars(range(min = 1))] u32),
    By(BatchRule),
}

/// How the rows of a step are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "BatchRule")]
pub(crate) enum BatchRule {
    /// By the number of training rows.
    Auto,
}

impl<'de> Deserialize<'de> for BatchChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl Visitor<'_> for Choice {
            type Value = BatchChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of rows or `auto`")
            }

            fn visit_str<E: Error>(self, rule: &str) -> Result<BatchChoice, E> {
                let rule = serde::de::value::StrDeserializer::<E>::new(rule);
                BatchRule::deserialize(rule).map(BatchChoice::By)
            }

            fn visit_i64<E: Error>(self, rows: i64) -> Result<BatchChoice, E> {
                u32::try_from(rows)
                    .map(BatchChoice::Rows)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(rows), &self))
            }

            fn visit_u64<E: Error>(self, rows: u64) -> Result<BatchChoice, E> {
                u32::try_from(rows)
                    .map(BatchChoice::Rows)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(rows), &self))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

impl From<BatchChoice> for crate::Batch {
    fn from(choice: BatchChoice) -> Self {
        match choice {
            BatchChoice::Rows(rows) => Self::Rows(rows),
            BatchChoice::By(BatchRule::Auto) => Self::Auto,
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
