//! Blocks of time: rows that follow each other are resampled together.
//!
//! Rows of one hour are like those of the hour before. Where a split goes by time and names no groups, the
//! unit of resampling is therefore a stretch of time. Its length is declared, or follows from the integrated
//! autocorrelation time τ of what the rows lose: an average over n steps varies as one of n/τ independent
//! steps would. The variance between blocks of b steps misses what neighbouring blocks have in common, of
//! an autoregression of the first order the part (τ − 1/τ)/(2b), so b is made so long that this is
//! [`MISSED`]. Where fewer than [`FEWEST`] such blocks fit, there are [`FEWEST`] shorter ones, and it is said.
//!
//! Rejected: overlapping blocks (Künsch 1989), which gain a third less variance of the variance, and for which
//! neither the jackknife nor Student's t of whole groups would hold; the length of Politis and White (2004),
//! n^(1/3), which is best for the error of the variance and covers too seldom.

use crate::{log_losses, squared_errors};

/// Part of a variance that blocks may miss: a hundredth of an interval's width.
const MISSED: f64 = 0.02;

/// Blocks that there are at least, if there are as many steps.
const FEWEST: usize = 10;

/// Steps whose autocorrelation is measured; more are taken together.
const MOST_STEPS: usize = 4096;

/// Rows of one side in blocks of time.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeBlocks {
    /// The block of each row. A row without a time is a block of its own.
    pub codes: Vec<u64>,
    /// How many blocks have a time.
    pub count: usize,
    /// The length of a block, in the unit of the times: the median of what was found.
    pub length: f64,
    /// Integrated autocorrelation time in the unit of the times, if the length follows from it.
    pub memory: Option<f64>,
    /// Would longer blocks have been needed, of which too few fit?
    pub short: bool,
}

impl TimeBlocks {
    /// Blocks of a declared `length` (above 0), counted from the first time.
    pub fn declared(times: &[f64], length: f64) -> Self {
        let first = times.iter().copied().filter(|at| at.is_finite()).fold(f64::INFINITY, f64::min);
        let code = |at: f64| ((at - first) / length).floor() as u64;
        let codes = coded(times, |_, at| code(at));
        let count = counted(times, &codes);
        Self { codes, count, length, memory: None, short: false }
    }

    /// Blocks whose length follows from the longest autocorrelation time of some series, each with a value
    /// for every row (NaN: none). Rows of one time are one step.
    ///
    /// # Panics
    /// When a series is of other rows (a mistake of the caller, which no data can cause).
    pub fn found(times: &[f64], series: &[Vec<f64>]) -> Self {
        assert!(series.iter().all(|s| s.len() == times.len()), "a value for each row");
        let mut distinct: Vec<f64> = times.iter().copied().filter(|at| at.is_finite()).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let steps = distinct.len();
        if steps == 0 {
            let codes = coded(times, |_, _| 0);
            return Self { codes, count: 0, length: 0.0, memory: None, short: false };
        }
        let step = |at: f64| distinct.partition_point(|known| *known < at);
        let together = steps.div_ceil(MOST_STEPS);
        let of_row: Vec<Option<usize>> =
            times.iter().map(|at| at.is_finite().then(|| step(*at) / together)).collect();
        let memories =
            series.iter().map(|series| memory(&sums(series, &of_row, steps.div_ceil(together))));
        let memory = memories.fold(1.0, f64::max);
        let wanted = ((memory - 1.0 / memory) / (2.0 * MISSED)).ceil().max(1.0) * together as f64;
        let most = (steps / FEWEST).max(1);
        let short = wanted > most as f64;
        let each = if short { most } else { wanted as usize };
        let count = (steps / each).max(1);
        let codes = coded(times, |_, at| (step(at) as u128 * count as u128 / steps as u128) as u64);
        let starts: Vec<f64> =
            (0..count).map(|block| distinct[(block * steps).div_ceil(count)]).collect();
        let span = distinct[steps - 1] - distinct[0];
        let mut lengths: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        lengths.sort_by(f64::total_cmp);
        let length = lengths.get(lengths.len() / 2).copied().unwrap_or(span);
        let unit = if steps > 1 { span / (steps - 1) as f64 } else { 0.0 };
        Self { codes, count, length, memory: Some(memory * together as f64 * unit), short }
    }
}

/// What tells how long a classifier's errors stay alike: its losses, and of two classes its residuals (arguments
/// as [`crate::classification`]). A row without a label has no value.
///
/// # Panics
/// As [`crate::classification`].
pub fn series_of_classes(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: usize,
) -> Vec<Vec<f64>> {
    let known = |label: u32| (label as usize) < classes;
    let mut losses = log_losses(probability, width, labels, classes);
    losses
        .iter_mut()
        .zip(labels)
        .filter(|(_, y)| !known(**y))
        .for_each(|(loss, _)| *loss = f64::NAN);
    if width != 1 {
        return vec![losses];
    }
    let residual = |(y, p): (&u32, &f32)| {
        if known(*y) { f64::from(*y) - f64::from(*p) } else { f64::NAN }
    };
    vec![losses, labels.iter().zip(probability).map(residual).collect()]
}

/// The same of a regression: losses, residuals, and how far the truth is from its mean, on which R² rests too.
///
/// # Panics
/// As [`crate::regression`].
pub fn series_of_values(predicted: &[f32], truth: &[f64]) -> Vec<Vec<f64>> {
    let known = || truth.iter().copied().filter(|y| y.is_finite());
    let mean = known().sum::<f64>() / known().count().max(1) as f64;
    let residuals = truth.iter().zip(predicted).map(|(y, p)| y - f64::from(*p)).collect();
    let spread = truth.iter().map(|y| (y - mean).powi(2)).collect();
    vec![squared_errors(predicted, truth), residuals, spread]
}

/// Codes of the rows with a time by `code`, and others of their own behind these.
fn coded(times: &[f64], code: impl Fn(usize, f64) -> u64) -> Vec<u64> {
    let of = |(row, &at): (usize, &f64)| match at.is_finite() {
        true => code(row, at),
        false => u64::MAX - row as u64,
    };
    times.iter().enumerate().map(of).collect()
}

/// Distinct codes of rows with a time.
fn counted(times: &[f64], codes: &[u64]) -> usize {
    let known = times.iter().zip(codes).filter(|(at, _)| at.is_finite());
    known.map(|(_, code)| *code).collect::<std::collections::BTreeSet<u64>>().len()
}

/// A series by steps: what the rows of each are above the mean of all, summed.
fn sums(series: &[f64], of_row: &[Option<usize>], steps: usize) -> Vec<f64> {
    let known = || series.iter().zip(of_row).filter(|(value, _)| value.is_finite());
    let rows = known().filter(|(_, step)| step.is_some()).count().max(1);
    let mean =
        known().filter(|(_, step)| step.is_some()).map(|(v, _)| *v).sum::<f64>() / rows as f64;
    let mut sums = vec![0.0; steps];
    for (value, step) in known() {
        if let Some(step) = step {
            sums[*step] += value - mean;
        }
    }
    sums
}

/// Integrated autocorrelation time in steps, 1 + 2 Σ ρ_k, at least 1: over pairs of lags as long as their
/// sum is positive, and no pair's more than the one's before it (Geyer 1992, initial monotone sequence).
fn memory(values: &[f64]) -> f64 {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n.max(1) as f64;
    let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let at = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let all = at(0);
    if n < 4 || all <= 0.0 {
        return 1.0;
    }
    let (mut sum, mut last) = (0.0, f64::INFINITY);
    for pair in 0..n / 4 {
        let both = ((at(2 * pair) + at(2 * pair + 1)) / all).min(last);
        if both <= 0.0 {
            break;
        }
        (sum, last) = (sum + both, both);
    }
    (2.0 * sum - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use collegium_digest::{Digest, stream};
    use proptest::prelude::*;

    use super::*;

    /// An autoregression of the first order with this coefficient.
    fn autoregression(steps: usize, coefficient: f64, key: &str) -> Vec<f64> {
        let mut random = stream(&Digest::of(key.as_bytes()), "series");
        let mut value = 0.0;
        let mut next = || {
            let noise: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            value = coefficient * value + noise;
            value
        };
        (0..1_000).for_each(|_| _ = next());
        (0..steps).map(|_| next()).collect()
    }

    #[test]
    fn the_memory_of_an_autoregression_is_the_textbooks() {
        for (coefficient, least, most) in [(0.0, 1.0, 1.5), (0.5, 2.4, 3.7), (0.9, 13.0, 25.0)] {
            // (1 + φ)/(1 − φ)
            let found: Vec<f64> = (0..20)
                .map(|k| memory(&autoregression(4_000, coefficient, &format!("{coefficient} {k}"))))
                .collect();
            let mean = found.iter().sum::<f64>() / 20.0;
            assert!((least..most).contains(&mean), "{coefficient}: {found:?}");
        }
        assert_eq!(memory(&[]), 1.0);
        assert_eq!(memory(&[3.0; 50]), 1.0);
    }

    #[test]
    fn a_longer_memory_makes_longer_blocks() {
        let times: Vec<f64> = (0..4_000).map(f64::from).collect();
        let blocks = |coefficient| {
            TimeBlocks::found(&times, &[autoregression(4_000, coefficient, "blocks")])
        };
        let (free, some, long) = (blocks(0.0), blocks(0.7), blocks(0.95));
        assert!(free.count > 200 && !free.short, "{}", free.count);
        assert!((20..100).contains(&some.count) && some.memory.is_some_and(|m| m > 3.0));
        assert!((10..20).contains(&long.count), "{}", long.count);
        assert!((some.length * some.count as f64 - 4_000.0).abs() < 2.0 * some.length);
        // Longer than fits: as many blocks as there must be, and it is said.
        let trend: Vec<f64> = times.iter().map(|at| at / 100.0).collect();
        let found = TimeBlocks::found(&times, &[trend]);
        assert_eq!((found.count, found.short), (FEWEST, true));
    }

    #[test]
    fn rows_of_one_time_stay_together_and_rows_without_one_stand_alone() {
        let times = [3.0, 1.0, f64::NAN, 2.0, 1.0, f64::NAN];
        let found = TimeBlocks::found(&times, &[vec![0.1; 6]]);
        assert_eq!(found.count, 3);
        assert_eq!(found.codes[1], found.codes[4]);
        assert!(found.codes[2] != found.codes[5] && found.codes[0] != found.codes[3]);
        let declared = TimeBlocks::declared(&times, 2.0);
        assert_eq!((declared.count, declared.length), (2, 2.0));
        assert_eq!((declared.codes[0], declared.codes[1], declared.codes[3]), (1, 0, 0));
        assert_eq!(TimeBlocks::found(&[f64::NAN; 2], &[vec![0.0; 2]]).count, 0);
    }

    proptest! {
        /// Blocks follow each other in time, all times of one step fall into one, and all are about equally long.
        #[test]
        fn blocks_are_stretches_of_time(
            times in prop::collection::vec(0_u32..300, 1..400),
            coefficient in 0.0_f64..0.98,
        ) {
            let series = autoregression(times.len(), coefficient, "stretches");
            let times: Vec<f64> = times.into_iter().map(f64::from).collect();
            let found = TimeBlocks::found(&times, &[series]);
            let mut rows: Vec<usize> = (0..times.len()).collect();
            rows.sort_by(|&a, &b| times[a].total_cmp(&times[b]));
            for pair in rows.windows(2) {
                let (a, b) = (found.codes[pair[0]], found.codes[pair[1]]);
                prop_assert!(a == b || (b == a + 1 && times[pair[0]] < times[pair[1]]));
            }
            let distinct: std::collections::BTreeSet<u64> = found.codes.iter().copied().collect();
            prop_assert_eq!(distinct.len(), found.count);
        }
    }
}
