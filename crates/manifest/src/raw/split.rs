//! Raw `data.NAME.split`, as written.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use toml::value::Datetime;

use crate::{
    At, Split,
    defaults::{TEST_VALUES, TRAIN_VALUES},
};

/// How rows are divided: by shares (the default), by a `column`, by files (`test_file`), or by `time`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Split")]
pub(crate) struct RawSplit {
    /// Share of training rows, above 0; with `column`, the values that mean training. Default: 0.7;
    /// `["train"]`.
    #[schemars(extend("default" = Split::default().train, "examples" = [0.7, TRAIN_VALUES]))]
    pub(crate) train: Option<At<Amount>>,
    /// Share of validation rows, on which training decides when to stop. With `column`, the values
    /// that mean validation, or the share of the training rows that validates instead, drawn by groups
    /// of `by`. Default: 0.15; with `column`, the rows of `valid`, `validation`, `val` or `dev` if there
    /// are any.
    #[schemars(extend("default" = Split::default().valid))]
    pub(crate) valid: Option<At<Amount>>,
    /// Share of test rows; with `column`, the values that mean test. Default: 0.15; `["test"]`.
    #[schemars(extend("default" = Split::default().test, "examples" = [0.15, TEST_VALUES]))]
    pub(crate) test: Option<At<Amount>>,
    /// A column that says on which side a row is. The lists in `train`, `valid` and `test` hold its
    /// values. Default: none.
    pub(crate) column: Option<At<String>>,
    /// With `column`: values whose rows are not used at all. Default: none.
    #[schemars(extend("default" = []))]
    pub(crate) unused: Option<At<Vec<At<Cell>>>>,
    /// A file or glob of test rows, beside `path`, whose rows are then for training; both have the same
    /// columns. Default: none.
    pub(crate) test_file: Option<At<String>>,
    /// With `test_file`: a file or glob of validation rows. Default: none, `valid` of the training
    /// rows validate.
    pub(crate) valid_file: Option<At<String>>,
    /// A column of times, or of numbers such as years: training rows come before validation rows, and
    /// these before test rows. Folds go forward in time too. Default: none.
    pub(crate) time: Option<At<String>>,
    /// With `time`: when validation begins. Default: so that the share `valid` of the rows lies in
    /// it, which the first run settles.
    pub(crate) valid_from: Option<At<Cell>>,
    /// With `time`: when the test begins. Default: so that the share `test` of the rows lies in it,
    /// which the first run settles.
    pub(crate) test_from: Option<At<Cell>>,
    /// With `time`: rows so shortly before a boundary are on no side, such as `"7 days"` or
    /// `"12 hours"`; a number where `time` is a column of numbers. Default: none.
    pub(crate) gap: Option<At<Cell>>,
    /// With `time`, without `by`: rows of one block of time are resampled together, in intervals, tests and
    /// certificates; such as `"7 days"`, or a number where `time` is a column of numbers. Default: as long
    /// as the autocorrelation of an expert's losses asks for, which the audit says.
    pub(crate) block: Option<At<Cell>>,
    /// With `time` and `by`: groups are assigned to sides too, and a row counts only where its group and
    /// its time agree, so that test rows are of groups that no training row is of. Default: false.
    #[schemars(extend("default" = false))]
    pub(crate) hold_groups: Option<At<bool>>,
    /// Rows that agree on these columns are a group: they fall on the same side (with `time` only if
    /// `hold_groups` is true), and intervals of metrics draw whole groups. Default: none, a row's own
    /// identity decides.
    #[schemars(extend("default" = []))]
    pub(crate) by: Option<Vec<At<String>>>,
    /// Keep the shares within each value of this column. Default: none.
    pub(crate) stratify: Option<At<String>>,
    /// Another seed deals the rows to other sides and folds; `pipeline.seed` does not. Default: 0.
    #[schemars(extend("default" = Split::default().seed))]
    pub(crate) seed: Option<At<u64>>,
}

/// A share, or the values of a column.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "ShareOrValues")]
pub(crate) enum Amount {
    Share(#[schemars(range(min = 0.0, max = 1.0))] f64),
    Values(Vec<At<Cell>>),
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share such as `0.15`, or with `column` a list of its values")
            }

            fn visit_f64<E: Error>(self, share: f64) -> Result<Amount, E> {
                Ok(Amount::Share(share))
            }

            fn visit_i64<E: Error>(self, share: i64) -> Result<Amount, E> {
                Ok(Amount::Share(share as f64))
            }

            fn visit_u64<E: Error>(self, share: u64) -> Result<Amount, E> {
                Ok(Amount::Share(share as f64))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Amount, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Amount::Values)
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

/// A value as a cell of a table may hold it: a text, a number, `true` or `false`, a date.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "Cell")]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    Truth(bool),
}

impl Cell {
    /// As a cell would spell it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, a date, `true` or `false`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Cell, E> {
                Ok(Cell::Number(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Cell, E> {
                // Beyond 2^53 a float would be another number.
                Ok(match number.unsigned_abs() <= 1 << 53 {
                    true => Cell::Number(number as f64),
                    false => Cell::Text(number.to_string()),
                })
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Cell, E> {
                Ok(Cell::Text(number.to_string()))
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Cell, E> {
                Ok(Cell::Truth(truth))
            }

            // A date without quotes, in toml's own form.
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell, A::Error> {
                Datetime::deserialize(MapAccessDeserializer::new(map))
                    .map(|date| Cell::Text(date.to_string()))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}
