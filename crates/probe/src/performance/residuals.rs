//! Residuals of a regression: the distribution of its errors.

use collegium_records::{ResidualBin, Residuals};

use crate::resample::quantile;

/// Bins of the histogram at most.
const BINS: usize = 40;

/// Groups by predicted value at most.
const TENTHS: usize = 10;

/// Residuals, predicted less true values, in target units: their mean, quantiles (numpy's default
/// interpolation), histogram, and how they go with the prediction.
///
/// The histogram has ⌈√rows⌉ bins, at most 40. Errors whose .5 % and 99.5 % quantiles are the same
/// but for rounding have a single bin, one unit wide (or a millionth of the error, where that is
/// more).
///
/// `by_prediction` holds tenths of the rows from the least prediction to the largest. Rows of equal
/// prediction are never divided, so there are fewer groups where predictions repeat, and one where
/// they are constant; fewer than ten rows are a group each.
///
/// `None` without rows, or with a number that is not finite or too large to add up.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn residuals(predicted: &[f32], truth: &[f64]) -> Option<Residuals> {
    assert_eq!(predicted.len(), truth.len(), "a prediction for each row");
    let mut rows: Vec<(f32, f64)> =
        predicted.iter().zip(truth).map(|(&p, t)| (p, f64::from(p) - t)).collect();
    // A finite sum of sizes bounds every sum and difference below.
    let size: f64 = rows.iter().map(|row| row.1.abs()).sum();
    if rows.is_empty() || !size.is_finite() {
        return None;
    }
    // Errors settle the order of equal predictions, so that the order of rows moves nothing.
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut sorted: Vec<f64> = rows.iter().map(|row| row.1).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let edges = edges(quantile(&sorted, 0.005), quantile(&sorted, 0.995), sorted.len());
    Some(Residuals {
        bias: mean(&sorted),
        quantiles: [0.025, 0.25, 0.5, 0.75, 0.975].map(|q| quantile(&sorted, q)),
        counts: counts(&sorted, &edges),
        edges,
        by_prediction: tenths(&rows).map(bin).collect(),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// One more than there are bins, ascending.
fn edges(low: f64, high: f64, rows: usize) -> Vec<f64> {
    let size = low.abs().max(high.abs());
    if high - low <= 1e-12 * size {
        let (middle, half) = (low + (high - low) / 2.0, (1e-6 * size).max(0.5));
        return vec![middle - half, middle + half];
    }
    let bins = ((rows as f64).sqrt().ceil() as usize).clamp(1, BINS);
    let width = (high - low) / bins as f64;
    (0..bins).map(|bin| low + bin as f64 * width).chain([high]).collect()
}

/// Rows in each bin, which are closed below; what lies beyond the edges is in the outer bins.
fn counts(sorted: &[f64], edges: &[f64]) -> Vec<u64> {
    let inner = &edges[1..edges.len() - 1];
    let mut before = 0;
    let ends = inner.iter().map(|edge| sorted.partition_point(|error| error < edge));
    ends.chain([sorted.len()])
        .map(|end| (end - std::mem::replace(&mut before, end)) as u64)
        .collect()
}

/// Rows sorted by prediction, cut at tenths; a cut in a run of equal predictions moves to its end.
fn tenths(rows: &[(f32, f64)]) -> impl Iterator<Item = &[(f32, f64)]> {
    let groups = rows.len().min(TENTHS);
    let mut from = 0;
    (1..=groups).filter_map(move |group| {
        let cut = group * rows.len() / groups;
        // An earlier run may reach beyond this cut.
        (cut > from).then(|| {
            let last = rows[cut - 1].0;
            let to = rows.partition_point(|row| row.0 <= last);
            &rows[std::mem::replace(&mut from, to)..to]
        })
    })
}

fn bin(rows: &[(f32, f64)]) -> ResidualBin {
    let mut errors: Vec<f64> = rows.iter().map(|row| row.1).collect();
    errors.sort_unstable_by(f64::total_cmp);
    ResidualBin {
        rows: rows.len() as u64,
        predicted: rows.iter().map(|row| f64::from(row.0)).sum::<f64>() / rows.len() as f64,
        mean: mean(&errors),
        low: quantile(&errors, 0.1),
        high: quantile(&errors, 0.9),
    }
}
