//! Response curves: how an expert's output moves with each of its inputs.

use serde::{Deserialize, Serialize};

use crate::Measure;

/// Response curves of an expert at its declared inputs, on test rows. What it reads of other experts is held as it
/// is while an input moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Responses {
    /// `probability` of a class, or `value` in the target's units.
    pub output: String,
    /// The probed test rows.
    pub rows: u64,
    /// Groups (`split.by`) that the bands are of; absent where each row stands for itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub groups: Option<u64>,
    /// Classes that have curves: of two the positive one, of more the most frequent among the probed rows.
    /// Empty for a regression.
    pub classes: Vec<String>,
    /// The metric of [`Response::rise`]: `log_loss` or `rmse`.
    pub metric: String,
    /// Inputs whose shuffling costs the most, dearest first, at most six.
    pub inputs: Vec<Response>,
    /// Inputs without a curve because of what they are or hold, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

/// How a response is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseMethod {
    /// Of numbers, along quantile bins (Apley and Zhu 2020): at [`Response::edges`].
    AccumulatedLocalEffects,
    /// Of categories and booleans, which have no order: by [`Response::levels`].
    PartialDependence,
}

/// The response to one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The declared input.
    pub input: String,
    /// How it was measured.
    pub method: ResponseMethod,
    /// Rise of the expert's loss when the input is shuffled among the probed rows.
    pub rise: f64,
    /// Probed rows in which it is missing. They are left out.
    pub missing: u64,
    /// Edges of the bins, ascending, in the input's units; at most 21.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub edges: Vec<f64>,
    /// Levels, most frequent first, at most 12.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub levels: Vec<String>,
    /// Probed rows by bin (one less than edges), or by level.
    pub counts: Vec<u64>,
    /// Probed rows of levels that are not shown.
    #[serde(skip_serializing_if = "crate::metrics::is_zero", default)]
    pub other_levels: u64,
    /// A curve for each class of [`Responses::classes`], in that order; one for a regression.
    pub curves: Vec<ResponseCurve>,
}

/// The response of one output to one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseCurve {
    /// Difference of the output from its mean over the rows, at each edge or level, with its 95 % interval (by
    /// groups, where there are any).
    pub effect: Vec<Measure>,
    /// Root mean square of the gradient of the raw output by the input, in each bin: where the curve is steep for single
    /// rows, also where they cancel out. Of a class its logit less the mean of all logits (of two classes the log
    /// odds), of a regression the value; per unit of the input. Empty for levels, and where gradients are too dear.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gradient: Vec<f64>,
}
