//! How far every metric would move on other rows of the same kind.
//!
//! A row bootstrap: n rows drawn with replacement, the metric computed on them, many times; the
//! interval is the central 95 % of what comes out (Efron's percentile interval). Rows are drawn
//! exactly (multinomial counts of n draws, no Poisson or subsampling shortcut, which would need a
//! correction and be wrong for the metrics that are not means).
//!
//! It is cheap because resampling changes weights and not values: scores are sorted once, every
//! row's loss is computed once, and a resample is a weighted pass over them, eight resamples at a
//! time. 200 resamples of n rows and C rankings cost O(n log n · C + 200·n·C); C is 1 for a binary
//! classifier.
//!
//! What it does not tell: it holds the model fixed. Another seed, other training rows or other days
//! move a metric further. Where rows come in groups (days, customers) it is too narrow as well.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_records::{Interval, Metrics, SplitMeasures};

use crate::{
    errors::{Errors, REGRESSION},
    metrics::at_a_point,
    resample::{Counts, Draws, LANES, interval},
    scored::{CLASSIFICATION, Scored, View},
};

/// 95 % intervals of the metrics of [`crate::classification`], same arguments.
///
/// A metric that is not defined on all rows has no interval; one that is not defined on some
/// resamples (all rows drawn are of one class) has the interval of the others. Equal keys give
/// equal intervals. No resamples, no intervals.
///
/// # Panics
/// As [`crate::classification`].
pub fn bootstrap_classification(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: usize,
    resamples: u32,
    key: &Digest,
) -> BTreeMap<String, Interval> {
    measure_classification(probability, width, labels, classes, resamples, key).intervals
}

/// 95 % intervals of the metrics of [`crate::regression`], same arguments.
///
/// # Panics
/// As [`crate::regression`].
pub fn bootstrap_regression(
    predicted: &[f32],
    truth: &[f64],
    resamples: u32,
    key: &Digest,
) -> BTreeMap<String, Interval> {
    measure_regression(predicted, truth, resamples, key).intervals
}

/// Metrics and intervals together, which costs less than one after the other.
///
/// # Panics
/// As [`crate::classification`].
pub fn measure_classification(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: usize,
    resamples: u32,
    key: &Digest,
) -> SplitMeasures {
    let Some(scored) = Scored::new(&View::new(probability, width, labels, classes)) else {
        return SplitMeasures { rows: labels.len() as u64, ..SplitMeasures::default() };
    };
    let metrics = at_a_point(CLASSIFICATION, scored.measure(&vec![[1]; scored.rows()]));
    resampled(CLASSIFICATION, metrics, scored.rows(), resamples, key, |w| scored.measure(w))
}

/// Metrics and intervals together, which costs less than one after the other.
///
/// # Panics
/// As [`crate::regression`].
pub fn measure_regression(
    predicted: &[f32],
    truth: &[f64],
    resamples: u32,
    key: &Digest,
) -> SplitMeasures {
    let Some(errors) = Errors::new(predicted, truth) else {
        return SplitMeasures { rows: truth.len() as u64, ..SplitMeasures::default() };
    };
    let metrics = at_a_point(REGRESSION, errors.measure(&vec![[1]; errors.rows()]));
    resampled(REGRESSION, metrics, errors.rows(), resamples, key, |w| errors.measure(w))
}

fn resampled<const M: usize>(
    names: [&str; M],
    metrics: Metrics,
    rows: usize,
    resamples: u32,
    key: &Digest,
    measure: impl Fn(&[Counts<LANES>]) -> [[f64; LANES]; M],
) -> SplitMeasures {
    let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
    let mut draws = Draws::new(key, "bootstrap", rows, resamples);
    while let Some((counts, lanes)) = draws.next_block() {
        for (all, new) in values.iter_mut().zip(measure(counts)) {
            all.extend_from_slice(&new[..lanes]);
        }
    }
    let intervals = names
        .into_iter()
        .zip(&mut values)
        .filter(|(name, _)| metrics.contains_key(*name))
        .filter_map(|(name, values)| Some((name.to_owned(), interval(values)?)))
        .collect();
    SplitMeasures { rows: rows as u64, metrics, intervals }
}
