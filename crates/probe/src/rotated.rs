//! Mean of a figure over rotated sides, with an interval that allows for shared training rows.
//!
//! Figures of rotations are not independent: any two share most of their training rows. Taken for independent (variance
//! s²/k) their mean seems surer than it is. Nadeau and Bengio (2003, *Inference for the generalization error*) take the
//! correlation of two figures for the share of test rows, which makes the variance of the mean (1/k + n_test/n_train) s²,
//! and compare with Student's t of k − 1 degrees of freedom.

use collegium_records::{Interval, RotatedFigure};

use crate::{bootstrap::within, compare::student_quantile};

/// The mean over rotations with its 95 % interval. `test_to_train` is the number of tested rows to each training row,
/// `range` the least and the most that the figure can be. `None` for no figures, or one that is no number.
pub fn over_rotations(
    figures: &[f64],
    test_to_train: f64,
    range: [f64; 2],
) -> Option<RotatedFigure> {
    if figures.is_empty() || figures.iter().any(|figure| !figure.is_finite()) {
        return None;
    }
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let squares = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>();
    let interval = (figures.len() > 1 && squares > 0.0 && test_to_train.is_finite()).then(|| {
        let variance = squares / (count - 1.0) * (1.0 / count + test_to_train);
        let reach = student_quantile(count - 1.0) * variance.sqrt();
        within(Interval { low: mean - reach, high: mean + reach }, range)
    });
    Some(RotatedFigure { mean, interval, each: figures.to_vec() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

    #[test]
    fn it_is_the_interval_of_nadeau_and_bengio() {
        // numpy and scipy: s = np.std(x, ddof=1); scipy.stats.t.ppf(.975, 4) * s * np.sqrt(1/5 + 24/81)
        let figures = [0.71, 0.78, 0.75, 0.69, 0.80];
        let found = over_rotations(&figures, 24.0 / 81.0, ALL).expect("figures");
        let interval = found.interval.expect("an interval");
        assert!((found.mean - 0.746).abs() < 1e-12);
        assert!((interval.high - found.mean - LITERATURE).abs() < 1e-9, "{interval:?}");
        assert!((found.mean - interval.low - LITERATURE).abs() < 1e-9, "{interval:?}");
    }

    /// Half the width in the test above.
    const LITERATURE: f64 = 0.090_271_240_390_398_7;

    #[test]
    fn no_interval_leaves_what_a_metric_can_be_and_none_is_of_nothing() {
        let found = over_rotations(&[0.99, 0.8, 1.0], 0.3, [0.0, 1.0]).expect("figures");
        assert_eq!(found.interval.expect("an interval").high, 1.0);
        assert_eq!(over_rotations(&[0.5, 0.5], 0.3, ALL).and_then(|found| found.interval), None);
        assert_eq!(over_rotations(&[0.5], 0.3, ALL).and_then(|found| found.interval), None);
        assert_eq!(over_rotations(&[], 0.3, ALL), None);
        assert_eq!(over_rotations(&[0.5, f64::NAN], 0.3, ALL), None);
    }

    proptest! {
        #[test]
        fn order_is_nothing_and_more_shared_rows_are_wider(
            mut figures in prop::collection::vec(-5.0_f64..5.0, 3..20), share in 0.05_f64..1.0,
        ) {
            let reach = |found: RotatedFigure| found.interval.map(|i| i.high - i.low);
            let narrow = over_rotations(&figures, share, ALL).and_then(reach);
            let wide = over_rotations(&figures, 2.0 * share, ALL).and_then(reach);
            prop_assert!(wide > narrow);
            figures.reverse();
            let back = over_rotations(&figures, share, ALL).and_then(reach);
            prop_assert!(back.zip(narrow).is_none_or(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
}
