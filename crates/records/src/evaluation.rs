//! `evaluate --json`: metrics and covariate shift on new rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Finding, Interval, Performance, Reliability, RequirementOutcome, SplitMeasures};

/// `evaluate --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// When it was made, RFC 3339 in UTC.
    pub created: String,
    /// The file of rows, as it was named.
    pub input: String,
    /// The data source that the rows stand for, `data.NAME`.
    pub data: String,
    /// Rows read.
    pub rows: u64,
    /// Training rows of the data source, which inputs are compared with.
    pub training_rows: u64,
    /// Rows that a model of these nodes has seen: how inputs moved is told without them.
    #[serde(default)]
    pub seen: u64,
    /// The rows, drawn evenly from all, that tests of inputs and slices look at; absent where they
    /// look at all of them. Metrics, counts and stability indices are always of all rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sampled: Option<u64>,
    /// What a person should know first, in sentences: where quality is lost, and what moved.
    pub findings: Vec<Finding>,
    /// In topological order.
    pub nodes: Vec<NodeEvaluation>,
    /// Every raw column that these nodes read, what moved most first.
    pub inputs: Vec<ColumnShift>,
    /// `evaluate.require` of these nodes' test rows, read as being about these rows.
    pub requirements: Vec<RequirementOutcome>,
    /// Things worth knowing about how the rows were read.
    pub notes: Vec<String>,
}

/// Metrics of one node on these rows beside those on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeEvaluation {
    /// `expert.NAME`
    pub name: String,
    /// `classification` or `regression`
    pub task: String,
    /// `data.column`
    pub target: String,
    /// Its `where`, which holds for these rows as for the others.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<String>,
    /// In the order of the logits; empty for regression.
    pub classes: Vec<String>,
    /// The raw columns that it reads itself, `data.column`.
    pub columns: Vec<String>,
    /// The nodes that it reads.
    pub upstream: Vec<String>,
    /// Does no other node read it?
    pub end: bool,
    /// Which rows were measured, and why others were not.
    pub rows: NodeRows,
    /// Classes of these rows that the model does not know, most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unknown_classes: Vec<LevelRows>,
    /// Why nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unmeasured: Option<String>,
    /// On these rows.
    pub new: SplitMeasures,
    /// On the test rows.
    pub test: SplitMeasures,
    /// Why there is nothing of the test rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test_withheld: Option<String>,
    /// These rows against the test rows, by metric.
    pub changes: BTreeMap<String, MetricChange>,
    /// Better, worse, or neither?
    pub verdict: Quality,
    /// The metric that the verdict names, if it is one of the two.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metric: Option<String>,
    /// Predicted by observed frequencies on test rows (classification).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reliability_test: Option<Reliability>,
    /// The same on these rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reliability_new: Option<Reliability>,
    /// Classes, curves, residuals and weak slices on these rows. Slices were proposed by validation
    /// rows, as in an audit.
    pub performance: Performance,
    /// Its target on these rows against training rows, of the rows that its `where` admits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target_shift: Option<ColumnShift>,
    /// Raw columns that it reads itself, not through others, and that moved; what moved most first.
    pub moved: Vec<String>,
}

/// Which rows a node was measured on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRows {
    /// Rows that its `where` admits.
    pub admitted: u64,
    /// Of these, rows whose target is missing.
    pub without_target: u64,
    /// Of these, rows of a class that the model does not know.
    pub unknown_class: u64,
    /// Of these, rows that the model or one above it has seen; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seen: Option<u64>,
    /// All others: those that were measured.
    pub measured: u64,
}

/// A metric on two samples of rows, test rows and these.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricChange {
    /// On the test rows.
    pub before: f64,
    /// On these rows.
    pub after: f64,
    /// `after` less `before`.
    pub difference: f64,
    /// 95 % interval of the difference: both samples drawn again, each by itself.
    pub interval: Option<Interval>,
    /// Two-sided: how often two samples of equal quality differ by as much. Of the difference over the
    /// standard deviation of its resamples.
    pub p_value: Option<f64>,
}

/// The verdict on a node on these rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quality {
    /// Worse than on test rows, by more than chance explains.
    Worse,
    /// Better than on test rows, by more than chance explains.
    Better,
    /// Neither can be shown.
    Same,
    /// Too few rows on one side to say.
    Unknown,
}

/// Covariate shift of a column: these rows against the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnShift {
    /// `data.column`
    pub column: String,
    /// Its type.
    pub kind: String,
    /// Population stability index: Σ (new − training) · ln(new / training) over shares of bins.
    pub psi: f64,
    /// What chance alone makes of it: (bins − 1)(1/training rows + 1/new rows).
    pub psi_by_chance: f64,
    /// Two-sample test of the known values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub values: Option<TwoSample>,
    /// Two-sample test of how often the value is missing, where it ever is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub missing: Option<TwoSample>,
    /// The p-value of both tests together: twice the smaller one where there are two (Bonferroni).
    pub p_value: f64,
    /// After Holm's correction over all columns of the report (of a target: over all targets).
    pub adjusted: f64,
    /// `adjusted` is at most .05.
    pub moved: bool,
    /// Missing values among these rows.
    pub missing_rows: u64,
    /// Rows with a category that no training row has.
    pub unseen_rows: u64,
    /// These categories, most frequent first, 20 at most.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unseen: Vec<LevelRows>,
    /// Share of the known values that lie below the smallest or above the largest training value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outside: Option<f64>,
    /// The bins of the stability index, in the order of the values or by frequency in training.
    pub bins: Vec<ShiftBin>,
    /// For a picture: numbers and times in bins of equal width.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub histogram: Option<ShiftHistogram>,
}

/// A two-sample test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoSample {
    /// `kolmogorov-smirnov`, `chi-squared` or `fisher`.
    pub test: String,
    /// The statistic: the largest distance of the distribution functions; χ²; the difference of shares.
    pub statistic: f64,
    /// How often samples of one distribution differ by as much.
    pub p_value: f64,
    /// `exact`, `asymptotic` or `permutation`.
    pub by: String,
}

/// A bin of a stability index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftBin {
    /// `<= 12.5`, `12.5 to 20`, `> 20`, a level, `other levels`, `unseen`, `missing`.
    pub label: String,
    /// Training rows in it.
    pub training: u64,
    /// New rows in it.
    pub new: u64,
}

/// Rows by bins of equal width between the .5 % and 99.5 % quantile of the training rows; rows beyond
/// them are counted in the first and last bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftHistogram {
    /// One more than the bins. Of times: microseconds since 1970.
    pub edges: Vec<f64>,
    /// Training rows.
    pub training: Vec<u64>,
    /// New rows.
    pub new: Vec<u64>,
}

/// A category and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelRows {
    /// Its text.
    pub level: String,
    /// Rows that hold it.
    pub rows: u64,
}
