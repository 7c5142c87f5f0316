//! Declared slices: an expert on parts of the rows that the pipeline file names (`audit.slices`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{MetricDiff, SplitMeasures};

/// With fewer rows than this a slice is counted and not measured.
pub const FEWEST_SLICE_ROWS: u64 = 30;

/// Every declared slice of an expert's data source, measured on held-out (or new) rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclaredSlices {
    /// Rows that are divided.
    pub rows: u64,
    /// Groups (`split.by`) of them that the intervals of differences are of; absent where each row stands for itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub groups: Option<u64>,
    /// In the order of the pipeline file, parts of a column in their own order.
    pub slices: Vec<DeclaredSlice>,
    /// Slices that were not measured, and rows that are in no part, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

/// One slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclaredSlice {
    /// As the pipeline file says it: `adult.sex`, `adult.age >= 60`.
    pub declared: String,
    /// `adult.sex = Female`, `28 < adult.age <= 37`, `adult.age missing`, or the condition.
    pub slice: String,
    /// Its rows and groups, metrics and 95 % intervals. Of two classes also `predicted_positive`, the share of rows
    /// that are predicted as the positive class. With fewer than 30 rows there are only the counts.
    pub measures: SplitMeasures,
    /// The slice (`after`) against all other rows (`before`), with the 95 % interval of the difference: rows (groups) of
    /// both are resampled together.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub differences: BTreeMap<String, MetricDiff>,
}
