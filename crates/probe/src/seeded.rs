//! Intervals over rows and seeds: the spread of fits that differ in their seed alone, added to what rows leave open.

use collegium_records::{Interval, metric_range};

use crate::{bootstrap::within, compare::student_quantile};

/// An interval of the expected figure of such fits on such rows, around the `point` of one of them.
///
/// `over_rows` holds that fit still; `values` are the figures of several fits, this one among them, on the same rows.
/// How far one fit lies from the mean of all is Student's t with one degree of freedom less than there are fits,
/// times their standard deviation s. Rows and seeds are independent, so that squared distances add up on each side
/// (the method of variance estimates recovery; Zou and Donner 2008): the lower end is point − √((point − low)² + (t s)²).
/// With fewer than two values the interval is as it was.
pub fn over_seeds_too(point: f64, over_rows: Interval, values: &[f64]) -> Interval {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let n = values.len() as f64;
    if n < 2.0 || !point.is_finite() {
        return over_rows;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let reach = student_quantile(n - 1.0) * (squares / (n - 1.0)).sqrt();
    Interval {
        low: point - (point - over_rows.low).hypot(reach),
        high: point + (over_rows.high - point).hypot(reach),
    }
}

/// The same of a metric, which ends where its values do.
pub fn metric_over_seeds(
    metric: &str,
    point: f64,
    over_rows: Interval,
    values: &[f64],
) -> Interval {
    within(over_seeds_too(point, over_rows, values), metric_range(metric))
}

#[cfg(test)]
mod tests {
    use collegium_digest::{Digest, Stream, stream};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn squared_distances_add_up_on_each_side() {
        // s = 0.02 and t = 4.302653 with two degrees of freedom.
        let found = over_seeds_too(0.7, Interval { low: 0.64, high: 0.8 }, &[0.7, 0.72, 0.68]);
        let reach = 4.302_653 * 0.02;
        assert!((found.low - (0.7 - 0.06_f64.hypot(reach))).abs() < 1e-6, "{found:?}");
        assert!((found.high - (0.7 + 0.1_f64.hypot(reach))).abs() < 1e-6, "{found:?}");
        let alone = Interval { low: 0.64, high: 0.8 };
        assert_eq!(over_seeds_too(0.7, alone, &[0.7]), alone);
        assert_eq!(over_seeds_too(0.7, alone, &[0.7; 4]), alone);
        let found = metric_over_seeds("auc", 0.9, Interval { low: 0.8, high: 0.99 }, &[0.9, 0.5]);
        assert_eq!((found.low, found.high), (0.0, 1.0));
    }

    /// Rows and seeds of several sizes: an interval of both holds the expected figure in at least 94 of 100 tables,
    /// and one of rows alone in far fewer where seeds matter.
    #[test]
    fn intervals_of_both_hold_what_both_vary_about() {
        let normal = |random: &mut Stream| -> f64 {
            (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
        };
        let mut random = stream(&Digest::of(b"seeds"), "tables");
        for (fits, by_seed) in [(2, 0.5), (4, 1.0), (4, 0.2), (6, 3.0)] {
            let (mut both, mut alone) = (0, 0);
            for _ in 0..1_000 {
                let rows = normal(&mut random);
                let values: Vec<f64> =
                    (0..fits).map(|_| rows + by_seed * normal(&mut random)).collect();
                let of_rows = Interval { low: values[0] - 1.96, high: values[0] + 1.96 };
                let found = over_seeds_too(values[0], of_rows, &values);
                both += usize::from(found.low <= 0.0 && 0.0 <= found.high);
                alone += usize::from(of_rows.low <= 0.0 && 0.0 <= of_rows.high);
            }
            assert!(both >= 940, "{fits} fits, {by_seed}: {both}");
            assert!(by_seed < 1.0 || alone < 850, "{fits} fits, {by_seed}: {alone}");
        }
    }
}
