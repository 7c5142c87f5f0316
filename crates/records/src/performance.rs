//! Performance beyond one number: classes, curves, residuals, weak slices. All of it on held-out rows.

use serde::{Deserialize, Serialize};

use crate::{DeclaredSlices, Interval, metric_words};

/// Performance beyond the metrics: classes, curves, residuals, weak slices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// Classification: each class by itself, in the order of the classes.
    pub classes: Vec<ClassMeasures>,
    /// Classification: the curves behind AUC and average precision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub curves: Option<Curves>,
    /// Regression: how the errors are distributed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub residuals: Option<Residuals>,
    /// Where it does worse than elsewhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slices: Option<WeakSlices>,
    /// On the parts of the rows that `audit.slices` names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub declared_slices: Option<DeclaredSlices>,
}

/// A number and its 95 % bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// On all rows.
    pub value: f64,
    /// Absent where it is not defined on the resamples.
    pub interval: Option<Interval>,
}

/// One class against all others, at the predicted class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMeasures {
    /// Its name.
    pub class: String,
    /// Rows of this class (support).
    pub rows: u64,
    /// Rows predicted as this class.
    pub predicted: u64,
    /// TP / predicted; absent when never predicted.
    pub precision: Option<Measure>,
    /// TP / rows; absent without rows.
    pub recall: Option<Measure>,
    /// 2·TP / (rows + predicted); absent when both are 0.
    pub f1: Option<Measure>,
}

/// ROC, precision-recall and gain curves, one per class (of the positive class alone for two).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Points (false positive rate, true positive rate), from (0, 0) to (1, 1); area: AUC.
    pub roc: Vec<Curve>,
    /// Points (recall, precision), recall ascending: corners of the steps that enclose average
    /// precision, to be joined by straight lines; area: average precision.
    pub precision_recall: Vec<Curve>,
    /// Points (share of all rows predicted positive, share of the positive rows among them), from (0, 0) to
    /// (1, 1): cumulative gains. Lift is y / x.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gain: Vec<Curve>,
}

/// A curve, thinned to at most 200 points that follow it to a pixel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The class.
    pub class: String,
    /// Its share of the rows: what precision is without skill.
    pub prevalence: f64,
    /// (x, y)
    pub points: Vec<[f64; 2]>,
    /// The area, of all points.
    pub area: f64,
}

/// Residuals of a regression, predicted less true, in the target's units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// Their mean: systematic over- or underestimation.
    pub bias: f64,
    /// Quantiles at .025, .25, .5, .75, .975.
    pub quantiles: [f64; 5],
    /// Edges of equally wide bins between the .5 % and 99.5 % quantile, one more than counts; rows
    /// beyond them are counted in the first and last bin.
    pub edges: Vec<f64>,
    /// Rows in each bin.
    pub counts: Vec<u64>,
    /// By tenths of the predicted value: is the error the same everywhere?
    pub by_prediction: Vec<ResidualBin>,
}

/// Rows with about the same prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResidualBin {
    /// Rows.
    pub rows: u64,
    /// Mean prediction.
    pub predicted: f64,
    /// Mean residual.
    pub mean: f64,
    /// 10 % quantile of the residuals.
    pub low: f64,
    /// 90 % quantile of the residuals.
    pub high: f64,
}

/// Weak slices (subgroup analysis): rows on which the loss is larger than elsewhere. They are leaves of a
/// shallow tree that was grown on validation rows, each then tested on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeakSlices {
    /// `log_loss` or `squared_error`
    pub loss: String,
    /// Test rows.
    pub rows: u64,
    /// Its mean over all test rows.
    pub overall: f64,
    /// Leaves of the tree that were tested, and corrected for (Holm).
    pub tested: u32,
    /// Those whose corrected p-value is at most .05, worst first.
    pub slices: Vec<WeakSlice>,
}

impl WeakSlices {
    /// What the loss is called: `log loss`, `squared error`.
    pub fn loss_words(&self) -> &str {
        metric_words(&self.loss)
    }

    /// What the loss is in, of this target: `squared units of \`flights.delay\``. A log loss has no unit.
    pub fn unit(&self, target: &str) -> Option<String> {
        (self.loss == "squared_error").then(|| format!("squared units of `{target}`"))
    }
}

/// One slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeakSlice {
    /// `flights.hour > 19.5`, `flights.origin in {EWR, JFK}`; all of them hold.
    pub conditions: Vec<String>,
    /// Test rows in it.
    pub rows: u64,
    /// Mean loss in it.
    pub loss: f64,
    /// Mean loss on all other test rows.
    pub elsewhere: f64,
    /// One-sided Welch test.
    pub p_value: f64,
    /// After Holm's correction over the leaves.
    pub adjusted: f64,
}
