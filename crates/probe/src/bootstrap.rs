//! Bootstrap confidence intervals of every metric.
//!
//! A bootstrap: n rows drawn with replacement, the metric computed on them, many times; the interval
//! is the central 95 % of what comes out (Efron's percentile interval). Rows are drawn exactly
//! (multinomial counts of n draws, no Poisson or subsampling shortcut, which would need a correction
//! and be wrong for the metrics that are not means). Where rows come in groups (days, customers), whole
//! groups are drawn instead, and few groups are left out one by one: see [`crate::Groups`].
//!
//! It is cheap because resampling changes weights and not values: scores are sorted once, every
//! row's loss is computed once, and a resample is a weighted pass over them, eight resamples at a
//! time. 200 resamples of n rows and C rankings cost O(n log n · C + 200·n·C); C is 1 for a binary
//! classifier.
//!
//! What it does not tell: it holds the model fixed. Another seed or other training rows move a metric
//! further. Where rows belong together and no group says so, it is too narrow as well.

use std::collections::BTreeMap;

use collegium_records::{
    CLASSIFICATION_METRICS, Interval, MetricChange, MetricDiff, Metrics, REGRESSION_METRICS,
    SplitMeasures, metric_range,
};

use crate::{
    Classes, Compared, Resampling,
    compare::student_quantile,
    errors::Errors,
    metrics::at_a_point,
    performance::upper_tail,
    resample::{Block, Counts, Draws, LANES, interval},
    scored::{Scored, View},
};

/// Bootstrap intervals (95 %) of the metrics of [`crate::classification`], same arguments.
///
/// The calibration error has none: drawing rows adds noise to every bin, so that resamples err by more
/// than the rows do, and the error itself can lie below all of them.
///
/// A metric that is not defined on all rows has no interval; one that is not defined on some
/// resamples (all rows drawn are of one class) has the interval of the others, but none where few groups
/// are left out one by one. Equal keys give equal intervals. No resamples, no intervals.
///
/// # Panics
/// As [`crate::classification`].
pub fn bootstrap_classification(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
    how: Resampling,
) -> BTreeMap<String, Interval> {
    measure_classification(probability, width, labels, classes, how).intervals
}

/// Bootstrap intervals (95 %) of the metrics of [`crate::regression`], same arguments.
///
/// # Panics
/// As [`crate::regression`].
pub fn bootstrap_regression(
    predicted: &[f32],
    truth: &[f64],
    how: Resampling,
) -> BTreeMap<String, Interval> {
    measure_regression(predicted, truth, how).intervals
}

/// Metrics and intervals together, which costs less than one after the other.
///
/// # Panics
/// As [`crate::classification`].
pub fn measure_classification(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
    how: Resampling,
) -> SplitMeasures {
    let Some(scored) = Scored::new(&View::new(probability, width, labels, classes)) else {
        return SplitMeasures { rows: labels.len() as u64, ..SplitMeasures::default() };
    };
    let metrics = at_a_point(CLASSIFICATION_METRICS, scored.measure(&vec![[1]; scored.rows()]));
    resampled(CLASSIFICATION_METRICS, metrics, scored.rows(), how, |w| scored.measure(w))
}

/// Metrics and intervals together, which costs less than one after the other.
///
/// # Panics
/// As [`crate::regression`].
pub fn measure_regression(predicted: &[f32], truth: &[f64], how: Resampling) -> SplitMeasures {
    let Some(errors) = Errors::new(predicted, truth) else {
        return SplitMeasures { rows: truth.len() as u64, ..SplitMeasures::default() };
    };
    let metrics = at_a_point(REGRESSION_METRICS, errors.measure(&vec![[1]; errors.rows()]));
    resampled(REGRESSION_METRICS, metrics, errors.rows(), how, |w| errors.measure(w))
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
    classes: impl Into<Compared>,
    how: Resampling,
) -> Vec<BTreeMap<String, MetricDiff>> {
    let classes = classes.into();
    ReferenceClassifier::new(before, width, labels, classes.before).paired(
        after,
        classes.after,
        how,
    )
}

/// A classifier that others are compared with on the same rows. It is looked through once for many comparisons.
pub struct ReferenceClassifier<'a> {
    scored: Option<Scored>,
    width: usize,
    labels: &'a [u32],
}

impl<'a> ReferenceClassifier<'a> {
    /// Arguments as of [`crate::classification`].
    ///
    /// # Panics
    /// As [`crate::classification`].
    pub fn new(
        probability: &[f32],
        width: usize,
        labels: &'a [u32],
        classes: impl Into<Classes>,
    ) -> Self {
        let scored = Scored::new(&View::new(probability, width, labels, classes));
        Self { scored, width, labels }
    }

    /// What [`paired_classification`] gives of some classifiers against this one.
    ///
    /// # Panics
    /// As [`crate::classification`].
    pub fn paired(
        &self,
        after: &[&[f32]],
        classes: impl Into<Classes>,
        how: Resampling,
    ) -> Vec<BTreeMap<String, MetricDiff>> {
        let classes = classes.into();
        let scored = |p: &&[f32]| Scored::new(&View::new(p, self.width, self.labels, classes));
        let after: Vec<Option<Scored>> = after.iter().map(scored).collect();
        let (names, rows) = (CLASSIFICATION_METRICS, self.labels.len());
        paired(names, self.scored.as_ref(), &after, rows, how, Scored::measure, Scored::measure)
    }
}

/// The same for regressions: metrics, and intervals of paired differences.
///
/// # Panics
/// As [`crate::regression`].
pub fn paired_regression(
    before: &[f32],
    after: &[&[f32]],
    truth: &[f64],
    how: Resampling,
) -> Vec<BTreeMap<String, MetricDiff>> {
    let before = Errors::new(before, truth);
    let after: Vec<Option<Errors>> = after.iter().map(|after| Errors::new(after, truth)).collect();
    let (names, rows) = (REGRESSION_METRICS, truth.len());
    paired(names, before.as_ref(), &after, rows, how, Errors::measure, Errors::measure)
}

/// Of every one of `rest` against the first. `once` and `measure` are one function.
fn paired<T, const M: usize>(
    names: [&str; M],
    first: Option<&T>,
    rest: &[Option<T>],
    rows: usize,
    how: Resampling,
    once: impl Fn(&T, &[Counts<1>]) -> [[f64; 1]; M],
    measure: impl Fn(&T, &[Counts<LANES>]) -> [[f64; LANES]; M],
) -> Vec<BTreeMap<String, MetricDiff>> {
    let Some(first) = first else { return vec![BTreeMap::new(); rest.len()] };
    let mut values: Vec<[Vec<f64>; M]> =
        rest.iter().map(|_| std::array::from_fn(|_| Vec::new())).collect();
    let mut draws = Draws::new(how, "paired", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
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
            let difference = after - before;
            let interval = how.interval(difference, values);
            let diff = MetricDiff { before, after, difference, interval };
            Some((name.to_owned(), diff))
        });
        metrics.collect()
    });
    each.collect()
}

/// Metrics of one model on two samples of rows, each as [`measure_classification`] gives it, and
/// how far each metric changed from the first to the second. The samples are drawn again each by itself
/// (the two keys must differ), so the interval of a change is that of two independent samples. The
/// calibration error has no interval, and so no change either.
///
/// Where a sample comes in groups, a change has the interval of Welch's test: the variances of both are
/// added, and Student's t has degrees of freedom by the groups of each.
///
/// # Panics
/// As [`crate::classification`].
pub fn unpaired_classification(
    [first, second]: [(&[f32], &[u32], Resampling); 2],
    width: usize,
    classes: impl Into<Classes>,
) -> ([SplitMeasures; 2], BTreeMap<String, MetricChange>) {
    let classes = classes.into();
    let scored =
        |(p, y, _): (&[f32], &[u32], Resampling)| Scored::new(&View::new(p, width, y, classes));
    let rows = [first.1.len(), second.1.len()];
    let both = [(scored(first), first.2), (scored(second), second.2)];
    unpaired(CLASSIFICATION_METRICS, both, rows, Scored::measure, Scored::measure)
}

/// The same for a regression: metrics on two samples of rows, and their changes.
///
/// # Panics
/// As [`crate::regression`].
pub fn unpaired_regression(
    [first, second]: [(&[f32], &[f64], Resampling); 2],
) -> ([SplitMeasures; 2], BTreeMap<String, MetricChange>) {
    let rows = [first.1.len(), second.1.len()];
    let both =
        [(Errors::new(first.0, first.1), first.2), (Errors::new(second.0, second.1), second.2)];
    unpaired(REGRESSION_METRICS, both, rows, Errors::measure, Errors::measure)
}

/// `once` and `measure` are one function.
fn unpaired<T, const M: usize>(
    names: [&str; M],
    both: [(Option<T>, Resampling); 2],
    rows: [usize; 2],
    once: impl Fn(&T, &[Counts<1>]) -> [[f64; 1]; M],
    measure: impl Fn(&T, &[Counts<LANES>]) -> [[f64; LANES]; M],
) -> ([SplitMeasures; 2], BTreeMap<String, MetricChange>) {
    let [first, second] = std::array::from_fn(|side| {
        let (one, how) = &both[side];
        let rows = rows[side];
        let Some(one) = one else {
            let nothing = SplitMeasures { rows: rows as u64, ..SplitMeasures::default() };
            return (nothing, std::array::from_fn(|_| Vec::new()));
        };
        let metrics = at_a_point(names, once(one, &vec![[1]; rows]));
        let values = drawn(rows, *how, |counts| measure(one, counts));
        let measures = with_intervals(names, metrics, rows, *how, values.clone());
        (measures, values)
    });
    let hows = [both[0].1, both[1].1];
    let ((before, a), (after, b)) = (first, second);
    let pairs = names.into_iter().zip(a.iter().zip(&b)).filter(|(name, _)| *name != "ece");
    let changes = pairs.filter_map(|(name, (a, b))| {
        let (from, to) = (*before.metrics.get(name)?, *after.metrics.get(name)?);
        let difference = to - from;
        let (interval, p_value) = match hows.iter().any(|how| how.groups.is_some()) {
            true => of_groups(difference, hows, [a, b]),
            false => of_rows(difference, a, b),
        };
        let change = MetricChange { before: from, after: to, difference, interval, p_value };
        Some((name.to_owned(), change))
    });
    let changes = changes.collect();
    ([before, after], changes)
}

/// Percentiles of a difference over resamples of rows, and the two-sided normal tail of the difference
/// over their standard deviation.
fn of_rows(difference: f64, a: &[f64], b: &[f64]) -> (Option<Interval>, Option<f64>) {
    let mut moves: Vec<f64> =
        a.iter().zip(b).map(|(a, b)| b - a).filter(|d| d.is_finite()).collect();
    let n = moves.len() as f64;
    if n < 2.0 {
        return (interval(&mut moves), None);
    }
    let mean = moves.iter().sum::<f64>() / n;
    let deviation = (moves.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let chance = match (difference == 0.0, deviation > 0.0) {
        (true, _) => 1.0,
        (false, false) => 0.0,
        (false, true) => libm::erfc((difference / deviation).abs() / std::f64::consts::SQRT_2),
    };
    (interval(&mut moves), Some(chance))
}

/// Welch's interval and two-sided p-value of a difference of two samples, of which at least one comes in
/// groups.
fn of_groups(
    difference: f64,
    hows: [Resampling; 2],
    [a, b]: [&[f64]; 2],
) -> (Option<Interval>, Option<f64>) {
    let (Some((first, n)), Some((second, m))) = (hows[0].variance(a), hows[1].variance(b)) else {
        return (None, None);
    };
    let error = (first + second).sqrt();
    if error <= 0.0 {
        let chance = if difference == 0.0 { 1.0 } else { 0.0 };
        return (Some(Interval { low: difference, high: difference }), Some(chance));
    }
    let freedom = (first + second).powi(2) / (first * first / n + second * second / m);
    // Rows by themselves have no end of them, and then it is the normal distribution's.
    let freedom = freedom.min(1e6);
    let reach = student_quantile(freedom) * error;
    let interval = Interval { low: difference - reach, high: difference + reach };
    (Some(interval), Some(2.0 * upper_tail((difference / error).abs(), freedom)))
}

pub(crate) fn resampled<const M: usize>(
    names: [&str; M],
    metrics: Metrics,
    rows: usize,
    how: Resampling,
    measure: impl Fn(&[Counts<LANES>]) -> [[f64; LANES]; M],
) -> SplitMeasures {
    with_intervals(names, metrics, rows, how, drawn(rows, how, measure))
}

/// Every metric on every resample.
fn drawn<const M: usize>(
    rows: usize,
    how: Resampling,
    measure: impl Fn(&[Counts<LANES>]) -> [[f64; LANES]; M],
) -> [Vec<f64>; M] {
    let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
    let mut draws = Draws::new(how, "bootstrap", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
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
    how: Resampling,
    values: [Vec<f64>; M],
) -> SplitMeasures {
    let mut intervals = BTreeMap::new();
    for (name, mut values) in names.into_iter().zip(values) {
        if let (Some(point), true) = (metrics.get(name), name != "ece")
            && let Some(interval) = how.interval(*point, &mut values)
        {
            intervals.insert(name.to_owned(), within(interval, metric_range(name)));
        }
    }
    let groups = how.groups.map(|groups| groups.count() as u64);
    SplitMeasures {
        rows: rows as u64,
        seen: 0,
        groups,
        blocks: None,
        seeds: None,
        metrics,
        intervals,
    }
}

/// An interval that ends where the values do. Resamples lie there by themselves; what is laid on either
/// side of a value may not.
pub(crate) fn within(interval: Interval, [least, most]: [f64; 2]) -> Interval {
    Interval { low: interval.low.max(least), high: interval.high.min(most) }
}
