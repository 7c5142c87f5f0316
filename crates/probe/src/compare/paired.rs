//! Paired differences of losses, row by row or seed by seed, with confidence intervals.

use collegium_records::{Interval, Measure};

use crate::{
    Resampling,
    performance::upper_tail,
    resample::{Draws, weighted},
};

/// The mean of paired differences with a 95 % interval over rows, or over their groups; `None` without
/// rows.
pub fn over_rows(differences: &[f64], how: Resampling) -> Option<Measure> {
    let rows = differences.len();
    if rows == 0 || differences.iter().any(|d| !d.is_finite()) {
        return None;
    }
    let value = differences.iter().sum::<f64>() / rows as f64;
    let mut draws = Draws::new(how, "paired differences", rows);
    let mut means = Vec::with_capacity(how.resamples as usize);
    while let Some(block) = draws.next_block() {
        let sums = weighted(block.counts, differences);
        means.extend(sums.iter().zip(block.totals).take(block.lanes).map(|(sum, n)| sum / n));
    }
    Some(Measure { value, interval: how.interval(value, &mut means) })
}

/// The mean of differences of several seeds with a 95 % interval by Student's t; without an interval
/// for one seed, `None` for none.
pub fn over_seeds(differences: &[f64]) -> Option<Measure> {
    let n = differences.len();
    if n == 0 || differences.iter().any(|d| !d.is_finite()) {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / n as f64;
    if n == 1 {
        return Some(Measure { value: mean, interval: None });
    }
    let squares = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>();
    let error = (squares / (n - 1) as f64 / n as f64).sqrt();
    let reach = student_quantile((n - 1) as f64) * error;
    let interval = Interval { low: mean - reach, high: mean + reach };
    Some(Measure { value: mean, interval: Some(interval) })
}

/// Where Student's distribution leaves 2.5 % above.
pub(crate) fn student_quantile(freedom: f64) -> f64 {
    student_above(0.025, freedom)
}

/// Where Student's distribution leaves `tail` (0 < tail ≤ 0.5) above, by bisection, at most 10,000.
pub fn student_above(tail: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 100.0);
    while high < 1e4 && upper_tail(high, freedom) > tail {
        (low, high) = (high, high * 10.0);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle, freedom) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;

    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, t) in [(1.0, 12.706), (4.0, 2.776), (30.0, 2.042)] {
            assert!((student_quantile(freedom) - t).abs() < 1e-3, "{freedom}");
        }
    }

    #[test]
    fn the_interval_over_seeds_is_the_textbooks() {
        let measure = over_seeds(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let interval = measure.and_then(|m| m.interval).map(|i| (i.low, i.high));
        let (low, high) = interval.unwrap_or_default();
        assert!((low - 1.0368).abs() < 1e-3 && (high - 4.9632).abs() < 1e-3, "{low} {high}");
        assert!(over_seeds(&[1.0]).is_some_and(|m| m.interval.is_none()));
        assert!(over_seeds(&[]).is_none() && over_seeds(&[f64::NAN]).is_none());
    }

    #[test]
    fn a_constant_lead_has_no_spread() {
        let key = Digest::of(b"key");
        let how = Resampling::of_rows(100, &key);
        let lead = over_rows(&[0.25; 40], how);
        let interval = lead.as_ref().and_then(|m| m.interval);
        assert!(interval.is_some_and(|i| i.low == 0.25 && i.high == 0.25), "{lead:?}");
        assert!(over_rows(&[], how).is_none());
    }
}
