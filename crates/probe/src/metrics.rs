//! Point estimates of metrics: each row counted once.

use collegium_records::{CLASSIFICATION_METRICS, Metrics, REGRESSION_METRICS};

use crate::{
    Classes,
    errors::Errors,
    scored::{Scored, View},
};

/// The metrics of a classifier on some rows.
///
/// `probability` is `rows × width`, row-major; a width of 1 is the positive class's probability of
/// a binary classifier, otherwise `width == classes`. `classes` is a number, or [`Classes`] with another [`crate::ClassDecision`] than
/// "the second class is positive, above one half". A label of `classes` or more is a class that
/// the model does not know: such a row is always wrong, and its true class was given probability 0.
///
/// | metric | definition |
/// |---|---|
/// | `accuracy` | share of rows whose predicted class is the true one (binary: p > threshold; else the largest p) |
/// | `auc` | Mann-Whitney, ties count half; > 2 classes: one-vs-rest, mean over the classes present |
/// | `average_precision` | Σ (Rₙ − Rₙ₋₁)·Pₙ over distinct scores; > 2 classes: mean over the classes present |
/// | `f1` | of the positive class; > 2 classes: mean over the classes present or predicted |
/// | `precision` | TP / predicted, of the positive class; > 2 classes: mean as for `f1`, 0 for a class never predicted |
/// | `recall` | TP / actual, of the positive class; > 2 classes: mean as for `f1`, 0 for a class without rows |
/// | `log_loss` | mean of −ln p(true class), p clipped to [1e-7, 1 − 1e-7] |
/// | `brier` | mean of (p − y)²; > 2 classes: summed over classes |
/// | `expected_cost` | mean cost of the predicted class, of two classes whose errors have costs; else absent |
/// | `ece` | Σ over 15 equal-width bins of share·\|mean p − frequency\|; > 2 classes: of the predicted class |
///
/// All but `ece` agree with scikit-learn, except that what is not defined (AUC of one class,
/// average precision, recall or F1 without a positive, precision without a predicted one) is absent, where scikit-learn warns and says 0.
/// No rows, or a probability that is not finite: an empty map.
///
/// # Panics
/// When the shapes do not fit each other (a mistake of the caller, which no data can cause).
pub fn classification(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
) -> Metrics {
    Scored::new(&View::new(probability, width, labels, classes))
        .map(|scored| at_a_point(CLASSIFICATION_METRICS, scored.measure(&vec![[1]; scored.rows()])))
        .unwrap_or_default()
}

/// The metrics of a regression on some rows, in target units: `rmse`, `mae` and
/// `r2` = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², which is absent when the truth is constant.
/// No rows, or a number that is not finite: an empty map.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn regression(predicted: &[f32], truth: &[f64]) -> Metrics {
    Errors::new(predicted, truth)
        .map(|errors| at_a_point(REGRESSION_METRICS, errors.measure(&vec![[1]; errors.rows()])))
        .unwrap_or_default()
}

/// Names the defined values.
pub(crate) fn at_a_point<const M: usize>(names: [&str; M], values: [[f64; 1]; M]) -> Metrics {
    names
        .into_iter()
        .zip(values)
        .filter(|(_, [value])| value.is_finite())
        .map(|(name, [value])| (name.to_owned(), value))
        .collect()
}
