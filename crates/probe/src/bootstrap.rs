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
use collegium_records::{Interval, MetricDiff, Metrics, SplitMeasures};

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

/// The metrics of two classifiers on the same rows, and 95 % intervals of their differences (`after`
/// less `before`) under the same resamples: what makes rows hard for both falls out.
///
/// # Panics
/// As [`crate::classification`].
pub fn paired_classification(
    before: &[f32],
    after: &[f32],
    width: usize,
    labels: &[u32],
    classes: usize,
    resamples: u32,
    key: &Digest,
) -> BTreeMap<String, MetricDiff> {
    let scored = |p: &[f32]| Scored::new(&View::new(p, width, labels, classes));
    let (Some(before), Some(after)) = (scored(before), scored(after)) else {
        return BTreeMap::new();
    };
    let ones = vec![[1]; before.rows()];
    let points = [&before, &after].map(|s| at_a_point(CLASSIFICATION, s.measure(&ones)));
    let rows = before.rows();
    paired(CLASSIFICATION, points, rows, resamples, key, |w| [before.measure(w), after.measure(w)])
}

/// The same of two regressions.
///
/// # Panics
/// As [`crate::regression`].
pub fn paired_regression(
    before: &[f32],
    after: &[f32],
    truth: &[f64],
    resamples: u32,
    key: &Digest,
) -> BTreeMap<String, MetricDiff> {
    let (Some(before), Some(after)) = (Errors::new(before, truth), Errors::new(after, truth))
    else {
        return BTreeMap::new();
    };
    let ones = vec![[1]; before.rows()];
    let points = [&before, &after].map(|e| at_a_point(REGRESSION, e.measure(&ones)));
    let rows = before.rows();
    paired(REGRESSION, points, rows, resamples, key, |w| [before.measure(w), after.measure(w)])
}

fn paired<const M: usize>(
    names: [&str; M],
    points: [Metrics; 2],
    rows: usize,
    resamples: u32,
    key: &Digest,
    measure: impl Fn(&[Counts<LANES>]) -> [[[f64; LANES]; M]; 2],
) -> BTreeMap<String, MetricDiff> {
    let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
    let mut draws = Draws::new(key, "paired", rows, resamples);
    while let Some((counts, lanes)) = draws.next_block() {
        let [one, other] = measure(counts);
        for ((all, a), b) in values.iter_mut().zip(one).zip(other) {
            all.extend(a.iter().zip(&b).take(lanes).map(|(a, b)| b - a));
        }
    }
    let [one, other] = points;
    let each = names.into_iter().zip(&mut values).filter_map(|(name, values)| {
        let (before, after) = (*one.get(name)?, *other.get(name)?);
        let difference = after - before;
        Some((
            name.to_owned(),
            MetricDiff { before, after, difference, interval: interval(values) },
        ))
    });
    each.collect()
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
