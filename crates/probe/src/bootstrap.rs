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
use collegium_records::{Interval, MetricChange, MetricDiff, Metrics, SplitMeasures};

use crate::{
    errors::{Errors, REGRESSION},
    metrics::at_a_point,
    resample::{Counts, Draws, LANES, interval},
    scored::{CLASSIFICATION, Scored, View},
};

/// 95 % intervals of the metrics of [`crate::classification`], same arguments.
///
/// The calibration error has none: drawing rows adds noise to every bin, so that resamples err by more
/// than the rows do, and the error itself can lie below all of them.
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

/// The metrics of classifiers on the same rows, and 95 % intervals of the differences (each of `after`
/// less `before`) under the same resamples: what makes rows hard for both falls out, and several cost
/// little more than one. In the order of `after`; of one with a probability that is not finite nothing.
///
/// # Panics
/// As [`crate::classification`].
pub fn paired_classification(
    before: &[f32],
    after: &[&[f32]],
    width: usize,
    labels: &[u32],
    classes: usize,
    resamples: u32,
    key: &Digest,
) -> Vec<BTreeMap<String, MetricDiff>> {
    let scored = |p: &[f32]| Scored::new(&View::new(p, width, labels, classes));
    let all: Vec<Option<Scored>> =
        std::iter::once(before).chain(after.iter().copied()).map(scored).collect();
    paired(CLASSIFICATION, &all, labels.len(), resamples, key, Scored::measure, Scored::measure)
}

/// The same of regressions.
///
/// # Panics
/// As [`crate::regression`].
pub fn paired_regression(
    before: &[f32],
    after: &[&[f32]],
    truth: &[f64],
    resamples: u32,
    key: &Digest,
) -> Vec<BTreeMap<String, MetricDiff>> {
    let errors = |p: &[f32]| Errors::new(p, truth);
    let all: Vec<Option<Errors>> =
        std::iter::once(before).chain(after.iter().copied()).map(errors).collect();
    paired(REGRESSION, &all, truth.len(), resamples, key, Errors::measure, Errors::measure)
}

/// Of every one but the first, against the first. `once` and `measure` are one function.
fn paired<T, const M: usize>(
    names: [&str; M],
    all: &[Option<T>],
    rows: usize,
    resamples: u32,
    key: &Digest,
    once: impl Fn(&T, &[Counts<1>]) -> [[f64; 1]; M],
    measure: impl Fn(&T, &[Counts<LANES>]) -> [[f64; LANES]; M],
) -> Vec<BTreeMap<String, MetricDiff>> {
    let Some((Some(first), rest)) = all.split_first() else {
        return vec![BTreeMap::new(); all.len().saturating_sub(1)];
    };
    let mut values: Vec<[Vec<f64>; M]> =
        rest.iter().map(|_| std::array::from_fn(|_| Vec::new())).collect();
    let mut draws = Draws::new(key, "paired", rows, resamples);
    while let Some((counts, lanes)) = draws.next_block() {
        let before = measure(first, counts);
        for (one, values) in rest.iter().zip(&mut values) {
            let Some(one) = one else { continue };
            for ((all, a), b) in values.iter_mut().zip(&before).zip(measure(one, counts)) {
                all.extend(a.iter().zip(b).take(lanes).map(|(a, b)| b - a));
            }
        }
    }
    let ones = vec![[1]; rows];
    let before = at_a_point(names, once(first, &ones));
    let each = rest.iter().zip(values).map(|(one, mut values)| {
        let Some(one) = one else { return BTreeMap::new() };
        let after = at_a_point(names, once(one, &ones));
        let metrics = names.into_iter().zip(&mut values).filter_map(|(name, values)| {
            let (before, after) = (*before.get(name)?, *after.get(name)?);
            let interval = interval(values);
            let diff = MetricDiff { before, after, difference: after - before, interval };
            Some((name.to_owned(), diff))
        });
        metrics.collect()
    });
    each.collect()
}

/// One model on two samples of rows: what it is worth on each, as [`measure_classification`] says it, and
/// how far each metric changed from the first to the second. The samples are drawn again each by itself
/// (the two keys must differ), so the interval of a change is that of two independent samples. The
/// calibration error has no interval, and so no change either.
///
/// # Panics
/// As [`crate::classification`].
pub fn unpaired_classification(
    [first, second]: [(&[f32], &[u32], &Digest); 2],
    width: usize,
    classes: usize,
    resamples: u32,
) -> ([SplitMeasures; 2], BTreeMap<String, MetricChange>) {
    let scored =
        |(p, y, _): (&[f32], &[u32], &Digest)| Scored::new(&View::new(p, width, y, classes));
    let rows = [first.1.len(), second.1.len()];
    let both = [(scored(first), first.2), (scored(second), second.2)];
    unpaired(CLASSIFICATION, both, rows, resamples, Scored::measure, Scored::measure)
}

/// The same of a regression.
///
/// # Panics
/// As [`crate::regression`].
pub fn unpaired_regression(
    [first, second]: [(&[f32], &[f64], &Digest); 2],
    resamples: u32,
) -> ([SplitMeasures; 2], BTreeMap<String, MetricChange>) {
    let rows = [first.1.len(), second.1.len()];
    let both =
        [(Errors::new(first.0, first.1), first.2), (Errors::new(second.0, second.1), second.2)];
    unpaired(REGRESSION, both, rows, resamples, Errors::measure, Errors::measure)
}

/// `once` and `measure` are one function.
fn unpaired<T, const M: usize>(
    names: [&str; M],
    both: [(Option<T>, &Digest); 2],
    rows: [usize; 2],
    resamples: u32,
    once: impl Fn(&T, &[Counts<1>]) -> [[f64; 1]; M],
    measure: impl Fn(&T, &[Counts<LANES>]) -> [[f64; LANES]; M],
) -> ([SplitMeasures; 2], BTreeMap<String, MetricChange>) {
    let [first, second] = std::array::from_fn(|side| {
        let (one, key) = &both[side];
        let rows = rows[side];
        let Some(one) = one else {
            let nothing = SplitMeasures { rows: rows as u64, ..SplitMeasures::default() };
            return (nothing, std::array::from_fn(|_| Vec::new()));
        };
        let metrics = at_a_point(names, once(one, &vec![[1]; rows]));
        let values = drawn(rows, resamples, key, |counts| measure(one, counts));
        let measures = with_intervals(names, metrics, rows, values.clone());
        (measures, values)
    });
    let ((before, a), (after, b)) = (first, second);
    let pairs = names.into_iter().zip(a.iter().zip(&b)).filter(|(name, _)| *name != "ece");
    let changes = pairs.filter_map(|(name, (a, b))| {
        let (from, to) = (*before.metrics.get(name)?, *after.metrics.get(name)?);
        let difference = to - from;
        let mut moves: Vec<f64> =
            a.iter().zip(b).map(|(a, b)| b - a).filter(|d| d.is_finite()).collect();
        let p_value = chance(&moves, difference);
        let interval = interval(&mut moves);
        let change = MetricChange { before: from, after: to, difference, interval, p_value };
        Some((name.to_owned(), change))
    });
    let changes = changes.collect();
    ([before, after], changes)
}

/// Two-sided normal tail of a difference over the standard deviation of its resamples.
fn chance(moves: &[f64], difference: f64) -> Option<f64> {
    let n = moves.len() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = moves.iter().sum::<f64>() / n;
    let deviation = (moves.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    Some(match (difference == 0.0, deviation > 0.0) {
        (true, _) => 1.0,
        (false, false) => 0.0,
        (false, true) => libm::erfc((difference / deviation).abs() / std::f64::consts::SQRT_2),
    })
}

fn resampled<const M: usize>(
    names: [&str; M],
    metrics: Metrics,
    rows: usize,
    resamples: u32,
    key: &Digest,
    measure: impl Fn(&[Counts<LANES>]) -> [[f64; LANES]; M],
) -> SplitMeasures {
    with_intervals(names, metrics, rows, drawn(rows, resamples, key, measure))
}

/// Every metric on every resample.
fn drawn<const M: usize>(
    rows: usize,
    resamples: u32,
    key: &Digest,
    measure: impl Fn(&[Counts<LANES>]) -> [[f64; LANES]; M],
) -> [Vec<f64>; M] {
    let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
    let mut draws = Draws::new(key, "bootstrap", rows, resamples);
    while let Some((counts, lanes)) = draws.next_block() {
        for (all, new) in values.iter_mut().zip(measure(counts)) {
            all.extend_from_slice(&new[..lanes]);
        }
    }
    values
}

fn with_intervals<const M: usize>(
    names: [&str; M],
    metrics: Metrics,
    rows: usize,
    mut values: [Vec<f64>; M],
) -> SplitMeasures {
    let intervals = names
        .into_iter()
        .zip(&mut values)
        .filter(|(name, _)| metrics.contains_key(*name) && *name != "ece")
        .filter_map(|(name, values)| Some((name.to_owned(), interval(values)?)))
        .collect();
    SplitMeasures { rows: rows as u64, seen: 0, metrics, intervals }
}
