//! Raw `threshold`, as written: a number, `"f1"`, a recall to reach, or the costs of errors.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::At;

/// A number, `"f1"`, or a table.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "Threshold")]
pub(crate) enum ThresholdChoice {
    /// This probability, from 0 to 1.
    Fixed(#[schemars(range(min = 0.0, max = 1.0))] f64),
    /// A metric that is to be largest.
    Best(BestBy),
    /// What it is chosen by.
    By(Box<RawCriterion>),
}

/// A metric that a threshold makes largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ThresholdMetric")]
pub(crate) enum BestBy {
    /// The largest F1 on validation rows.
    F1,
}

/// What a threshold is chosen by on validation rows: a recall to reach, or both costs.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "ThresholdCriterion")]
pub(crate) struct RawCriterion {
    /// The largest threshold whose recall is at least this, above 0 and at most 1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub(crate) recall: Option<At<f64>>,
    /// The cost of a negative row that is predicted positive, at least 0.
    #[schemars(range(min = 0.0))]
    pub(crate) false_positive: Option<At<f64>>,
    /// The cost of a positive row that is predicted negative, at least 0.
    #[schemars(range(min = 0.0))]
    pub(crate) false_negative: Option<At<f64>>,
}

/// `positive` and `threshold` of a node.
#[derive(Clone, Copy)]
pub(crate) struct RawDecide<'a> {
    pub(crate) positive: &'a Option<At<String>>,
    pub(crate) threshold: &'a Option<Box<At<ThresholdChoice>>>,
}

impl<'de> Deserialize<'de> for ThresholdChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = ThresholdChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number from 0 to 1, `f1`, a table with `recall`, or one with `false_positive` and \
                     `false_negative`",
                )
            }

            fn visit_f64<E>(self, value: f64) -> Result<ThresholdChoice, E> {
                Ok(ThresholdChoice::Fixed(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<ThresholdChoice, E> {
                Ok(ThresholdChoice::Fixed(value as f64))
            }

            fn visit_str<E: Error>(self, metric: &str) -> Result<ThresholdChoice, E> {
                let metric = serde::de::value::StrDeserializer::<E>::new(metric);
                BestBy::deserialize(metric).map(ThresholdChoice::Best)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ThresholdChoice, A::Error> {
                let table = RawCriterion::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ThresholdChoice::By(Box::new(table)))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}
