//! `diff --json`: two versions of a lock, node by node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Change, Comparison, Interval, RotatedFigure, Standing};

/// `diff --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiffReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// The earlier version, as it was named.
    pub a: String,
    /// The later version, as it was named.
    pub b: String,
    /// Nodes of either, in topological order; those that are gone come last.
    pub nodes: Vec<NodeDiff>,
    /// What holds for all nodes, in words.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiffStatus {
    /// The same model and the same outputs.
    Same,
    /// The same model on other inputs.
    Moved,
    /// Another model.
    Changed,
    /// Only in the later version.
    Added,
    /// Only in the earlier version.
    Removed,
}

/// One node in two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeDiff {
    /// `expert.NAME`
    pub name: String,
    /// What became of it.
    pub status: DiffStatus,
    /// The model in use before.
    pub before: Option<Standing>,
    /// The model in use after.
    pub after: Option<Standing>,
    /// Ingredients of its full fit that differ, as far as the store has both recipes.
    pub recipe: Vec<Change>,
    /// The metric among `metrics` that stands for the node everywhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub headline: Option<String>,
    /// Metrics of the deployed outputs on the test rows, with paired 95 % intervals of the difference.
    pub metrics: BTreeMap<String, MetricDiff>,
    /// With `evaluate.rotate` in both versions: what stands for the node, over rotated sides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotated: Option<RotatedDiff>,
    /// Of a gate to which experts were added: the same on the rows that are not theirs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old_rows: Option<OldRows>,
    /// Predicted classes of test rows that differ; classification only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flipped: Option<Flipped>,
    /// What the two models look at, largest change first.
    pub importance: Vec<ImportanceDiff>,
    /// Do the two versions look at the same things? Against halves of the rows and, with seeds, against
    /// seeds of the later version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comparison: Option<Comparison>,
    /// Seeds of the later version behind `importance[].band`; 0: none were asked for, or other seeds make the same model.
    pub seeds: u32,
    /// Why something could not be compared, in words.
    pub notes: Vec<String>,
}

/// A metric in two versions, on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricDiff {
    /// Earlier.
    pub before: f64,
    /// Later.
    pub after: f64,
    /// Later less earlier.
    pub difference: f64,
    /// Of the difference: both versions on the same resampled rows.
    pub interval: Option<Interval>,
}

/// A metric over rotated sides in two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotatedDiff {
    /// The headline metric of the task, or what stands in for it where a rotation of either does not have it.
    pub metric: String,
    /// Over the rotations of the earlier version.
    pub before: RotatedFigure,
    /// Over those of the later one.
    pub after: RotatedFigure,
    /// Later less earlier, rotation by rotation (paired), where rows were dealt alike.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub difference: Option<RotatedFigure>,
    /// Why there is no paired difference, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_paired: Option<String>,
}

/// What a gate gained or lost on the rows that it had experts for before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OldRows {
    /// The experts that were added.
    pub added: Vec<String>,
    /// Test rows that no `where` of theirs admits.
    pub rows: u64,
    /// Metrics on these.
    pub metrics: BTreeMap<String, MetricDiff>,
}

/// Rows whose predicted class differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flipped {
    /// Test rows compared.
    pub rows: u64,
    /// Wrong before, right now.
    pub fixed: u64,
    /// Right before, wrong now.
    pub broken: u64,
    /// Wrong both times, in two ways.
    pub otherwise: u64,
}

/// The share of an input in two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportanceDiff {
    /// `flights.hour`
    pub input: String,
    /// Earlier; 0 for a new input.
    pub before: f64,
    /// Later; 0 for a removed one.
    pub after: f64,
    /// Least and largest share among seeds of the later version, itself included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub band: Option<Interval>,
    /// Is the change larger than the band is wide? Without a band nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub beyond_seeds: Option<bool>,
}
