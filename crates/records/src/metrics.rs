//! Metrics by name, with confidence intervals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Metric name to value. Names: `accuracy`, `auc`, `average_precision`, `f1`, `log_loss`, `brier`,
/// `ece` for classification (`auc`, `average_precision` and `f1` are one-vs-rest macro averages for
/// more than two classes); `rmse`, `mae`, `r2` for regression. A metric that is not defined on the
/// rows (AUC with one class) is absent, never NaN.
pub type Metrics = BTreeMap<String, f64>;

/// With fewer groups of rows than this on a side, an interval is rough: each group is left out once.
pub const FEWEST_GROUPS: u64 = 20;

/// A 95 % interval, by the bootstrap or (of few groups) by the jackknife.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5 % quantile.
    pub low: f64,
    /// 97.5 % quantile.
    pub high: f64,
}

/// What is measured of one model on one side of the split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitMeasures {
    /// Rows measured.
    pub rows: u64,
    /// Rows of this side that are left out, because the model has seen them.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub seen: u64,
    /// Groups of rows (`split.by`), or blocks of time, that the intervals are of; absent where each row stands
    /// for itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub groups: Option<u64>,
    /// Of a split by time without groups: what stretches of time the groups are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blocks: Option<BlocksOfTime>,
    /// Fits, this one and others with other seeds, whose spread is part of the intervals; absent where these hold the
    /// model fixed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seeds: Option<u64>,
    /// Point values.
    pub metrics: Metrics,
    /// 95 % intervals of the same metrics: by the bootstrap, of fewer than 20 groups by the jackknife; with `seeds` they
    /// have the spread of these too.
    pub intervals: BTreeMap<String, Interval>,
}

/// Stretches of time whose rows are resampled together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlocksOfTime {
    /// The length of one, as text (`36 hours`, or a number in the unit of a numeric column): declared, or the
    /// median of those that were found.
    pub length: String,
    /// The integrated autocorrelation time of the loss that the length follows from; absent where it is declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory: Option<String>,
    /// Would blocks as long as the autocorrelation asks for have been fewer than ten?
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub short: bool,
}

/// Is a number left out of a document?
pub(crate) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// A number as sentences and tables show it: three significant digits.
pub fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.digits$}")
}

/// A whole number: `12,345`.
pub fn thousands(number: u64) -> String {
    separated(&number.to_string())
}

/// A run of digits with a comma between thousands.
pub fn separated(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Is a larger value of this metric better?
pub fn larger_is_better(metric: &str) -> bool {
    !matches!(
        metric,
        "log_loss"
            | "recalibrated_log_loss"
            | "error"
            | "squared_error"
            | "brier"
            | "ece"
            | "expected_cost"
            | "rmse"
            | "recalibrated_rmse"
            | "mae"
    )
}
