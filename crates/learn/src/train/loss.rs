//! Loss functions and their gradients by the raw outputs.
//!
//! Each returns the weighted sum over rows, in 64 bits, and writes `scale · weight · ∂loss/∂output`.

use collegium_manifest::spec::Train;

use crate::math;

/// How a loss of training differs from squared error and log loss.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct LossShape {
    /// Residuals beyond this cost linearly (Huber 1964).
    pub(super) huber: Option<f32>,
    /// The quantile that is predicted in place of the mean (Koenker and Bassett 1978).
    pub(super) quantile: Option<f32>,
    /// γ of the focal loss (Lin et al. 2017); 0: log loss.
    pub(super) focal: f32,
    /// The share of a label that is given to all classes alike (Szegedy et al. 2016).
    pub(super) smoothing: f32,
}

impl LossShape {
    pub(super) fn of(train: &Train) -> Self {
        Self {
            huber: train.huber.map(|delta| delta as f32),
            quantile: train.quantile.map(|quantile| quantile as f32),
            focal: train.focal as f32,
            smoothing: train.label_smoothing as f32,
        }
    }
}

/// A function of the residual z − y for one output per row; `each` gives its value and slope.
fn of_residuals(
    targets: impl Iterator<Item = f32>,
    outputs: &[f32],
    scale: f32,
    delta: Option<&mut [f32]>,
    each: impl Fn(f32) -> (f64, f32),
) -> f64 {
    let mut sum = 0.0;
    let mut delta = delta.map(|delta| delta.iter_mut());
    for (z, y) in outputs.iter().zip(targets) {
        let (loss, slope) = each(z - y);
        sum += loss;
        if let Some(cell) = delta.as_mut().and_then(Iterator::next) {
            *cell = slope * scale;
        }
    }
    sum
}

/// (z − y)², or what the shape asks for: 2δ|z − y| − δ² beyond δ, or q·(y − z) above and (1 − q)·(z − y) below.
pub(super) fn values(
    targets: impl Iterator<Item = f32>,
    outputs: &[f32],
    shape: &LossShape,
    scale: f32,
    delta: Option<&mut [f32]>,
) -> f64 {
    match *shape {
        LossShape { quantile: Some(quantile), .. } => {
            of_residuals(targets, outputs, scale, delta, |r| {
                let slope = if r > 0.0 { 1.0 - quantile } else { -quantile };
                (f64::from(slope * r), if r == 0.0 { 0.0 } else { slope })
            })
        }
        LossShape { huber: Some(most), .. } => {
            of_residuals(targets, outputs, scale, delta, |r| {
                let inside = r.clamp(-most, most);
                // r² inside; a NaN stays one.
                (f64::from(inside) * f64::from(2.0 * r - inside), 2.0 * inside)
            })
        }
        _ => {
            of_residuals(targets, outputs, scale, delta, |r| (f64::from(r) * f64::from(r), 2.0 * r))
        }
    }
}

/// The focal loss (1 − p)ᵞ · ℓ of a row whose log loss is ℓ = −ln p, and what the gradient of the log loss is
/// multiplied with: (1 − p)ᵞ + γ p (1 − p)ᵞ⁻¹ ℓ.
fn focal(loss: f32, gamma: f32) -> (f32, f32) {
    if gamma == 0.0 {
        return (loss, 1.0);
    }
    let p = math::exp(-loss);
    // Near certainty the power of 0 below would be infinite.
    let rest = (1.0 - p).max(1e-6);
    let power = libm::powf(rest, gamma);
    (power * loss, power + gamma * p * power / rest * loss)
}

/// −ln p(y) with p = σ(z), for one logit per row: max(z, 0) − zy + ln(1 + e⁻|ᶻ|); of another shape as that asks for.
pub(super) fn logistic(
    targets: impl Iterator<Item = (u32, f32)>,
    logits: &[f32],
    shape: &LossShape,
    scale: f32,
    delta: Option<&mut [f32]>,
) -> f64 {
    let mut sum = 0.0;
    let mut delta = delta.map(|delta| delta.iter_mut());
    for (z, (label, weight)) in logits.iter().zip(targets) {
        // z for class 0, −z for class 1: the loss is softplus of it. A NaN stays one.
        let wrong = if label == 1 { -z } else { *z };
        let above = if wrong > 0.0 || wrong.is_nan() { wrong } else { 0.0 };
        let plain = above + math::log1p_exp_neg_abs(wrong);
        let (loss, factor) = focal(plain, shape.focal);
        let half = 0.5 * shape.smoothing;
        // softplus(−u) = softplus(u) − u
        sum += f64::from(weight) * f64::from(loss - half * wrong);
        if let Some(cell) = delta.as_mut().and_then(Iterator::next) {
            let hit = (1.0 - shape.smoothing) * label as f32 + half;
            *cell = (math::sigmoid(*z) - hit) * factor * weight * scale;
        }
    }
    sum
}

/// −ln p(y) with p = softmax(z), for `count` logits per row; of another shape as that asks for.
pub(super) fn cross_entropy(
    targets: impl Iterator<Item = (u32, f32)>,
    logits: &[f32],
    (count, shape): (usize, &LossShape),
    scale: f32,
    delta: Option<&mut [f32]>,
) -> f64 {
    let mut sum = 0.0;
    let even = shape.smoothing / count as f32;
    let mut delta = delta.map(|delta| delta.chunks_exact_mut(count));
    for (z, (label, weight)) in logits.chunks_exact(count).zip(targets) {
        let top = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut total = 0.0;
        for z in z {
            total += math::exp(z - top);
        }
        let plain = libm::logf(total) + top - z[label as usize];
        let (mut loss, factor) = focal(plain, shape.focal);
        if even > 0.0 {
            // lse − Σ target · z, with (1 − ε) on the label and ε / count on every class.
            loss += z.iter().map(|other| even * (z[label as usize] - other)).sum::<f32>();
        }
        sum += f64::from(weight) * f64::from(loss);
        if let Some(row) = delta.as_mut().and_then(Iterator::next) {
            for (class, (cell, z)) in row.iter_mut().zip(z).enumerate() {
                let own = if class == label as usize { 1.0 - shape.smoothing } else { 0.0 };
                *cell = (math::exp(z - top) / total - (own + even)) * factor * weight * scale;
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
            let plain = LossShape::default();
            let shapes = [
                plain,
                LossShape { huber: Some(1.3), ..plain },
                LossShape { quantile: Some(0.8), ..plain },
                LossShape { focal: 2.0, ..plain },
                LossShape { smoothing: 0.2, ..plain },
            ];
            let losses = shapes.iter().flat_map(|shape| -> [Loss; 3] {
                [
                    Box::new(move |z, d| values([0.5; 6].into_iter(), z, shape, 1.0, d)),
                    Box::new(move |z, d| logistic([(label, weight); 6].into_iter(), z, shape, 1.0, d)),
                    Box::new(move |z, d| {
                        cross_entropy([(label, weight); 2].into_iter(), z, (3, shape), 1.0, d)
                    }),
                ]
            });
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
                    // Across a kink there is no derivative.
                    let kink = [0.5, 0.5 - 1.3, 0.5 + 1.3].iter().any(|at| (z[i] - at).abs() < 0.02);
                    prop_assert!(kink || (difference - f64::from(*delta)).abs() < 3e-3);
                }
            }
        }
    }

    #[test]
    fn huge_logits_cost_what_they_should_and_nan_is_seen() {
        let plain = LossShape::default();
        let loss = |z, label| logistic([(label, 1.0)].into_iter(), &[z], &plain, 1.0, None);
        assert_eq!(loss(1000.0, 0), 1000.0);
        assert!(loss(1000.0, 1) < 1e-37);
        assert!(loss(f32::NAN, 0).is_nan());
        let loss = cross_entropy([(1, 1.0)].into_iter(), &[1000.0, 0.0], (2, &plain), 1.0, None);
        assert_eq!(loss, 1000.0);
    }
}
