//! Loss functions and their gradients by the raw outputs.
//!
//! Each returns the weighted sum over rows, in 64 bits, and writes `scale · weight · ∂loss/∂output`.

use crate::math;

/// (z − y)² for one output per row.
pub(super) fn squared(
    targets: impl Iterator<Item = f32>,
    outputs: &[f32],
    scale: f32,
    delta: Option<&mut [f32]>,
) -> f64 {
    let mut sum = 0.0;
    let mut delta = delta.map(|delta| delta.iter_mut());
    for (z, y) in outputs.iter().zip(targets) {
        let residual = z - y;
        sum += f64::from(residual) * f64::from(residual);
        if let Some(cell) = delta.as_mut().and_then(Iterator::next) {
            *cell = 2.0 * residual * scale;
        }
    }
    sum
}

/// −ln p(y) with p = σ(z), for one logit per row: max(z, 0) − zy + ln(1 + e⁻|ᶻ|).
pub(super) fn logistic(
    targets: impl Iterator<Item = (u32, f32)>,
    logits: &[f32],
    scale: f32,
    delta: Option<&mut [f32]>,
) -> f64 {
    let mut sum = 0.0;
    let mut delta = delta.map(|delta| delta.iter_mut());
    for (z, (label, weight)) in logits.iter().zip(targets) {
        // z for class 0, −z for class 1: the loss is softplus of it. A NaN stays one.
        let wrong = if label == 1 { -z } else { *z };
        let above = if wrong > 0.0 || wrong.is_nan() { wrong } else { 0.0 };
        sum += f64::from(weight) * f64::from(above + math::log1p_exp_neg_abs(wrong));
        if let Some(cell) = delta.as_mut().and_then(Iterator::next) {
            *cell = (math::sigmoid(*z) - label as f32) * weight * scale;
        }
    }
    sum
}

/// −ln p(y) with p = softmax(z), for `count` logits per row.
pub(super) fn cross_entropy(
    targets: impl Iterator<Item = (u32, f32)>,
    logits: &[f32],
    count: usize,
    scale: f32,
    delta: Option<&mut [f32]>,
) -> f64 {
    let mut sum = 0.0;
    let mut delta = delta.map(|delta| delta.chunks_exact_mut(count));
    for (z, (label, weight)) in logits.chunks_exact(count).zip(targets) {
        let top = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut total = 0.0;
        for z in z {
            total += math::exp(z - top);
        }
        let loss = libm::logf(total) + top - z[label as usize];
        sum += f64::from(weight) * f64::from(loss);
        if let Some(row) = delta.as_mut().and_then(Iterator::next) {
            for (class, (cell, z)) in row.iter_mut().zip(z).enumerate() {
                let hit = if class == label as usize { 1.0 } else { 0.0 };
                *cell = (math::exp(z - top) / total - hit) * weight * scale;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gradients_match_differences(
            z in prop::collection::vec(-4.0_f32..4.0, 6), label in 0u32..2, weight in 0.1_f32..3.0,
        ) {
            type Loss<'a> = Box<dyn Fn(&[f32], Option<&mut [f32]>) -> f64 + 'a>;
            let losses: [Loss; 3] = [
                Box::new(|z, d| squared([0.5; 6].into_iter(), z, 1.0, d)),
                Box::new(|z, d| logistic([(label, weight); 6].into_iter(), z, 1.0, d)),
                Box::new(|z, d| cross_entropy([(label, weight); 2].into_iter(), z, 3, 1.0, d)),
            ];
            for loss in losses {
                let mut delta = vec![0.0; 6];
                loss(&z, Some(&mut delta));
                for (i, delta) in delta.iter().enumerate() {
                    let moved = |by: f32| {
                        let mut z = z.clone();
                        z[i] += by;
                        loss(&z, None)
                    };
                    let difference = (moved(0.01) - moved(-0.01)) / 0.02;
                    prop_assert!((difference - f64::from(*delta)).abs() < 2e-3);
                }
            }
        }
    }

    #[test]
    fn huge_logits_cost_what_they_should_and_nan_is_seen() {
        let loss = |z, label| logistic([(label, 1.0)].into_iter(), &[z], 1.0, None);
        assert_eq!(loss(1000.0, 0), 1000.0);
        assert!(loss(1000.0, 1) < 1e-37);
        assert!(loss(f32::NAN, 0).is_nan());
        let loss = cross_entropy([(1, 1.0)].into_iter(), &[1000.0, 0.0], 2, 1.0, None);
        assert_eq!(loss, 1000.0);
    }
}
