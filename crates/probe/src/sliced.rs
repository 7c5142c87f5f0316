//! Metrics on a slice of rows and on all others, resampled together: what two groups of people get of one model.
//!
//! The slice by itself has the intervals of its own rows (or of its own groups of them). The difference from the rest
//! is of one resample of all rows: a group that has rows on both sides is drawn for both, and what makes its
//! rows hard falls out of the difference.

use std::collections::{BTreeMap, BTreeSet};

use collegium_records::{
    CLASSIFICATION_METRICS, FEWEST_GROUPS, Interval, MetricDiff, REGRESSION_METRICS, SplitMeasures,
};

use crate::{
    Classes, Groups, Resampling,
    bootstrap::resampled,
    compare::student_quantile,
    errors::Errors,
    measure_regression,
    metrics::at_a_point,
    resample::{Block, Counts, Draws, LANES},
    scored::{Scored, View},
};

/// A slice and the rest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sliced {
    /// Of the slice.
    pub measures: SplitMeasures,
    /// The slice (`after`) against all other rows (`before`); the interval is of the difference. Empty where
    /// one of them has no rows.
    pub differences: BTreeMap<String, MetricDiff>,
}

/// The metrics of a slice of a classifier's rows: of two classes also the share of rows predicted positive.
const OF_CLASSES: [&str; METRICS] = {
    let mut all = ["predicted_positive"; METRICS];
    let mut at = 0;
    while at < CLASSIFICATION_METRICS.len() {
        all[at] = CLASSIFICATION_METRICS[at];
        at += 1;
    }
    all
};
const METRICS: usize = CLASSIFICATION_METRICS.len() + 1;

/// The metrics of [`crate::classification`] on the rows `inside` and on the others; of two classes also the share of
/// rows that are predicted as the positive class.
///
/// # Panics
/// As [`crate::classification`], and when there is not an answer for each row.
pub fn sliced_classification(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
    inside: &[bool],
    how: Resampling,
) -> Sliced {
    let classes = classes.into();
    let places = places(inside);
    let parts = [0, 1].map(|side: usize| {
        let rows = &places[side];
        let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
        let row = |&row: &usize| &probability[row * width..(row + 1) * width];
        let probability: Vec<f32> = rows.iter().flat_map(row).copied().collect();
        (probability, labels)
    });
    let scored = |(p, y): &(Vec<f32>, Vec<u32>)| Scored::new(&View::new(p, width, y, classes));
    let [slice, rest] = [scored(&parts[0]), scored(&parts[1])];
    let rows = parts[0].1.len();
    let Some(slice) = slice else {
        let measures = SplitMeasures { rows: rows as u64, ..SplitMeasures::default() };
        return Sliced { measures, differences: BTreeMap::new() };
    };
    let groups = how.groups.and_then(|groups| groups.only(inside));
    let own = how.by(groups.as_ref());
    let metrics = at_a_point(OF_CLASSES, of_classes(&slice, &vec![[1]; rows]));
    let measures = resampled(OF_CLASSES, metrics, rows, own, |counts| of_classes(&slice, counts));
    let differences = match &rest {
        Some(rest) => differences(OF_CLASSES, [&slice, rest], &places, how, of_classes, of_classes),
        None => BTreeMap::new(),
    };
    Sliced { measures, differences }
}

/// In the order of [`OF_CLASSES`].
fn of_classes<const L: usize>(scored: &Scored, counts: &[Counts<L>]) -> [[f64; L]; METRICS] {
    let mut all = [scored.predicted_positive(counts); METRICS];
    let measured = scored.measure(counts);
    all[..measured.len()].copy_from_slice(&measured);
    all
}

/// The metrics of [`crate::regression`] on the rows `inside` and on the others.
///
/// # Panics
/// As [`crate::regression`], and when there is not an answer for each row.
pub fn sliced_regression(
    predicted: &[f32],
    truth: &[f64],
    inside: &[bool],
    how: Resampling,
) -> Sliced {
    let places = places(inside);
    let parts = [0, 1].map(|side: usize| {
        let rows = &places[side];
        let predicted: Vec<f32> = rows.iter().map(|&row| predicted[row]).collect();
        (predicted, rows.iter().map(|&row| truth[row]).collect::<Vec<f64>>())
    });
    let groups = how.groups.and_then(|groups| groups.only(inside));
    let measures = measure_regression(&parts[0].0, &parts[0].1, how.by(groups.as_ref()));
    let both = [0, 1].map(|side: usize| Errors::new(&parts[side].0, &parts[side].1));
    let differences = match &both {
        [Some(slice), Some(rest)] => differences(
            REGRESSION_METRICS,
            [slice, rest],
            &places,
            how,
            Errors::measure,
            Errors::measure,
        ),
        _ => BTreeMap::new(),
    };
    Sliced { measures, differences }
}

/// The rows inside, and the others.
fn places(inside: &[bool]) -> [Vec<usize>; 2] {
    [true, false].map(|side| (0..inside.len()).filter(|row| inside[*row] == side).collect())
}

/// Of each metric: the slice less the rest. `once` and `measure` are one function.
fn differences<T, const M: usize>(
    names: [&str; M],
    sides: [&T; 2],
    places: &[Vec<usize>; 2],
    how: Resampling,
    once: impl Fn(&T, &[Counts<1>]) -> [[f64; 1]; M],
    measure: impl Fn(&T, &[Counts<LANES>]) -> [[f64; LANES]; M],
) -> BTreeMap<String, MetricDiff> {
    let [slice, rest] =
        [0, 1].map(|side| at_a_point(names, once(sides[side], &vec![[1]; places[side].len()])));
    let rows = places[0].len() + places[1].len();
    let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
    let mut draws = Draws::new(how, "slices", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let [slice, rest] = [0, 1].map(|side| {
            let counts: Vec<Counts<LANES>> = places[side].iter().map(|&row| counts[row]).collect();
            measure(sides[side], &counts)
        });
        for (all, (slice, rest)) in values.iter_mut().zip(slice.iter().zip(&rest)) {
            all.extend(slice.iter().zip(rest).take(lanes).map(|(slice, rest)| slice - rest));
        }
    }
    let fewest = how.groups.map(|groups| fewest(groups, places));
    let each = names.into_iter().zip(&mut values).filter(|(name, _)| *name != "ece");
    let each = each.filter_map(|(name, values)| {
        let (before, after) = (*rest.get(name)?, *slice.get(name)?);
        let difference = after - before;
        let interval = interval(difference, values, how, fewest);
        Some((name.to_owned(), MetricDiff { before, after, difference, interval }))
    });
    each.collect()
}

/// Groups of the side that has fewer of them.
fn fewest(groups: &Groups, places: &[Vec<usize>; 2]) -> usize {
    let codes = groups.codes();
    let of =
        |rows: &Vec<usize>| rows.iter().map(|&row| codes[row]).collect::<BTreeSet<u32>>().len();
    of(&places[0]).min(of(&places[1]))
}

/// Where one side has few groups, though both together have enough for a bootstrap, its spread is that of few: Student's t
/// with their degrees of freedom. One group has no interval.
fn interval(
    difference: f64,
    values: &mut Vec<f64>,
    how: Resampling,
    fewest: Option<usize>,
) -> Option<Interval> {
    match fewest {
        Some(0 | 1) => None,
        Some(few) if (few as u64) < FEWEST_GROUPS => {
            let (variance, _) = how.variance(values)?;
            let freedom = few as f64 - 1.0;
            // A jackknife has allowed for all groups, a bootstrap of these few spreads too little by this.
            let short = if how.is_jackknife() { 1.0 } else { few as f64 / freedom };
            let reach = student_quantile(freedom) * (variance * short).sqrt();
            Some(Interval { low: difference - reach, high: difference + reach })
        }
        _ => how.interval(difference, values),
    }
}
