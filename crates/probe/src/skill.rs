//! Skill score: an expert's loss against that of the best constant, on the same rows.

use collegium_records::{Interval, Skill};

use crate::{
    Classes, Resampling,
    resample::{Block, Draws, weighted},
    scored::View,
};

/// Fewer rows than this prove no skill, whatever their interval says: with n rows an expert
/// without any skill does better on every single one with probability 2⁻ⁿ, and a bootstrap of rows
/// that all agree has an interval that cannot reach 0.
pub const LEAST_ROWS: usize = 10;

/// Why nothing is said of rows that all belong together.
const ONE_GROUP: &str = "all test rows are of one group of `split.by`, and how much it would be worth on \
                         other groups cannot be told from one";

/// Which loss the rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Natural logarithm, of classifiers: see [`log_losses`].
    Log,
    /// Of regressions, in squared target units: see [`squared_errors`].
    Squared,
}

impl Loss {
    /// The metric that reports its mean.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Self::Log => "log_loss",
            Self::Squared => "rmse",
        }
    }

    /// The metric of some rows, from the sum of their losses.
    pub(crate) fn mean(self, sum: f64, rows: f64) -> f64 {
        match self {
            Self::Log => sum / rows,
            Self::Squared => (sum / rows).sqrt(),
        }
    }
}

/// Each row's log loss, clipped as in [`crate::classification`] (same arguments).
///
/// # Panics
/// As [`crate::classification`].
pub fn log_losses(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
) -> Vec<f64> {
    let view = View::new(probability, width, labels, classes);
    (0..labels.len()).map(|row| view.log_loss(row)).collect()
}

/// Each row's squared error.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn squared_errors(predicted: &[f32], truth: &[f64]) -> Vec<f64> {
    assert_eq!(predicted.len(), truth.len(), "a prediction for each row");
    predicted.iter().zip(truth).map(|(&p, t)| (f64::from(p) - t).powi(2)).collect()
}

/// The skill of an expert whose rows lose `expert`, against a constant that loses `baseline` on the
/// same rows.
///
/// gain = 1 − Σ expert / Σ baseline. For [`Loss::Squared`] with the training mean as the constant
/// this is R² against the training mean (the `r2` of [`crate::regression`] compares with the mean of
/// the rows themselves and is a little lower); `value` and `baseline` are then root mean squares,
/// in target units, and gain = 1 − (value/baseline)².
///
/// The interval is that of a *paired* bootstrap of rows, or of their groups: both losses of a row are
/// drawn together, which takes out what makes a row hard for both. It holds the expert fixed. The expert beats the
/// baseline when the whole interval lies above 0 and there are at least [`LEAST_ROWS`] rows.
/// Where the baseline loses nothing there is nothing to gain, and gain is 0. Where all rows are of one
/// group nothing is judged.
///
/// `None` without rows or with a loss that is not finite.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn skill(loss: Loss, expert: &[f64], baseline: &[f64], how: Resampling) -> Option<Skill> {
    assert_eq!(expert.len(), baseline.len(), "both losses of the same rows");
    let rows = expert.len();
    if rows == 0 || expert.iter().chain(baseline).any(|loss| !loss.is_finite()) {
        return None;
    }
    let (sum, sum_baseline) = (expert.iter().sum::<f64>(), baseline.iter().sum::<f64>());
    let mut gains = Vec::with_capacity(how.resamples as usize);
    let mut draws = Draws::new(how, "skill", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let (ours, theirs) = (weighted(counts, expert), weighted(counts, baseline));
        gains.extend((0..lanes).map(|lane| gain(ours[lane], theirs[lane])));
    }
    let point = gain(sum, sum_baseline);
    // Without resamples the interval says nothing, so it must not say "better".
    let drawn = how.interval(point, &mut gains);
    let alone = how.groups.is_some_and(|groups| groups.count() == 1);
    Some(Skill {
        metric: loss.metric().to_owned(),
        value: loss.mean(sum, rows as f64),
        baseline: loss.mean(sum_baseline, rows as f64),
        gain: point,
        gain_interval: drawn.unwrap_or(Interval { low: point, high: point }),
        beats_baseline: rows >= LEAST_ROWS && drawn.is_some_and(|interval| interval.low > 0.0),
        not_judged: alone.then(|| ONE_GROUP.to_owned()),
    })
}

fn gain(ours: f64, theirs: f64) -> f64 {
    if theirs > 0.0 { 1.0 - ours / theirs } else { 0.0 }
}
