//! Regression metrics (RMSE, MAE, R²) with row weights.

use crate::resample::Counts;

/// Errors and centred truth by row.
pub(crate) struct Errors {
    error: Vec<f64>,
    /// Truth minus its mean over all rows, so that variances do not drown in a large mean.
    centred: Vec<f64>,
    constant: bool,
}

impl Errors {
    /// `None` when there are no rows or a number is not finite.
    ///
    /// # Panics
    /// When the slices differ in length: a mistake of the caller, which no data can cause.
    pub(crate) fn new(predicted: &[f32], truth: &[f64]) -> Option<Self> {
        assert_eq!(predicted.len(), truth.len(), "a prediction for each row");
        let first = *truth.first()?;
        if !predicted.iter().all(|p| p.is_finite()) || !truth.iter().all(|t| t.is_finite()) {
            return None;
        }
        let mean = truth.iter().sum::<f64>() / truth.len() as f64;
        Some(Self {
            error: predicted.iter().zip(truth).map(|(&p, t)| f64::from(p) - t).collect(),
            centred: truth.iter().map(|t| t - mean).collect(),
            constant: truth.iter().all(|&t| t == first),
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.error.len()
    }

    /// Every metric of [`REGRESSION_METRICS`] with row weights, on each lane; NaN where not defined.
    pub(crate) fn measure<const L: usize>(&self, weights: &[Counts<L>]) -> [[f64; L]; 3] {
        let (mut total, mut squares, mut sizes) = ([0.0; L], [0.0; L], [0.0; L]);
        let (mut sum, mut spread) = ([0.0; L], [0.0; L]);
        for ((weight, &error), &centred) in weights.iter().zip(&self.error).zip(&self.centred) {
            for lane in 0..L {
                let weight = f64::from(weight[lane]);
                total[lane] += weight;
                squares[lane] += weight * (error * error);
                sizes[lane] += weight * error.abs();
                sum[lane] += weight * centred;
                spread[lane] += weight * (centred * centred);
            }
        }
        let rmse = std::array::from_fn(|lane| (squares[lane] / total[lane]).sqrt());
        let mae = std::array::from_fn(|lane| sizes[lane] / total[lane]);
        let r2 = std::array::from_fn(|lane| {
            let variation = spread[lane] - sum[lane] * sum[lane] / total[lane];
            // A resample of one distinct value leaves rounding here, not variation.
            if self.constant || variation <= 1e-12 * spread[lane] {
                f64::NAN
            } else {
                1.0 - squares[lane] / variation
            }
        });
        [rmse, mae, r2]
    }
}
