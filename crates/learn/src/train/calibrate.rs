//! Temperature scaling (Guo et al. 2017): logits times one number, which makes the log loss on validation rows least.
//!
//! The number goes into the weights of the last layer, so that logits, gradients, repairs and whatever reads them are
//! those of the calibrated model. It moves no rank and no label.

use collegium_table::Matrix;

use super::{Target, Targets};
use crate::{Network, raw_outputs};

/// Of fewer validation rows the best temperature is mostly luck.
const LEAST_ROWS: usize = 100;

/// The logits may be shrunk or stretched by this factor.
const MOST: f64 = 20.0;

/// Scales the last layer of a classifier; the factor, or `None` where there are too few validation rows or nothing to
/// scale.
pub(crate) fn calibrate(network: &mut Network, x: &Matrix, truth: &Targets) -> Option<f64> {
    if x.rows < LEAST_ROWS {
        return None;
    }
    let best = temperature(&raw_outputs(network, x).data, x.rows, truth)?;
    let last = network.layers.last_mut()?;
    last.weight.iter_mut().chain(&mut last.bias).for_each(|w| *w *= best as f32);
    Some(best)
}

/// The factor for the logits of some rows; `None` where there are too few rows or nothing to scale.
pub(crate) fn temperature(logits: &[f32], rows: usize, truth: &Targets) -> Option<f64> {
    if rows < LEAST_ROWS || matches!(truth.target(), Target::Values(_)) {
        return None;
    }
    let rows: Vec<u32> = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
    let loss = |factor: f64| {
        let scaled: Vec<f32> = logits.iter().map(|z| z * factor as f32).collect();
        truth.loss(&rows, &scaled, None)
    };
    let best = libm::exp(golden(|log| loss(libm::exp(log)), -libm::log(MOST), libm::log(MOST)));
    // Where the logits say nothing there is nothing to gain.
    (loss(best) < loss(1.0)).then_some(best)
}

/// The least of a function with one dip, by golden sections.
fn golden(of: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    let share = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut from, mut to) = (from, to);
    let (mut left, mut right) = (to - share * (to - from), from + share * (to - from));
    let (mut at_left, mut at_right) = (of(left), of(right));
    for _ in 0..40 {
        if at_left <= at_right {
            (to, right, at_right) = (right, left, at_left);
            left = to - share * (to - from);
            at_left = of(left);
        } else {
            (from, left, at_left) = (left, right, at_right);
            right = from + share * (to - from);
            at_right = of(right);
        }
    }
    (from + to) / 2.0
}

#[cfg(test)]
mod tests {
    use collegium_manifest::spec::Activation;

    use super::*;
    use crate::Dense;

    /// One logit, z = scale · x, where the truth is σ(x).
    fn network(scale: f32) -> Network {
        let layer = Dense { inputs: 1, outputs: 1, weight: vec![scale], bias: vec![0.0] };
        Network::plain(vec![layer], Activation::Relu)
    }

    fn rows(count: usize) -> (Matrix, Vec<u32>) {
        // Of each value as many rows of class 1 as σ says, nearly.
        let x: Vec<f32> = (0..count).map(|i| (i % 9) as f32 - 4.0).collect();
        let share = |x: f32| 1.0 / (1.0 + (-x).exp());
        let labels = x
            .iter()
            .enumerate()
            .map(|(i, x)| u32::from(((i / 9) as f32 + 0.5) / (count / 9) as f32 <= share(*x)));
        let labels = labels.collect();
        (Matrix { rows: count, width: 1, data: x }, labels)
    }

    #[test]
    fn an_overconfident_model_is_scaled_to_what_is_true() {
        let (x, labels) = rows(9000);
        let target = Target::Classes { labels: &labels, count: 2 };
        let truth = Targets::new(&x, &target, None).unwrap();
        for scale in [0.2, 1.0, 7.0] {
            let mut network = network(scale);
            calibrate(&mut network, &x, &truth);
            let found = network.layers[0].weight[0];
            assert!((found - 1.0).abs() < 0.02, "{scale}: {found}");
        }
    }

    #[test]
    fn few_rows_and_numbers_are_left_as_they_are() {
        let (x, labels) = rows(90);
        let target = Target::Classes { labels: &labels, count: 2 };
        let mut one = network(7.0);
        assert_eq!(calibrate(&mut one, &x, &Targets::new(&x, &target, None).unwrap()), None);
        let values = vec![1.0; 180];
        let (x, _) = rows(180);
        let truth = Targets::new(&x, &Target::Values(&values), None).unwrap();
        assert_eq!(calibrate(&mut one, &x, &truth), None);
        assert_eq!(one, network(7.0));
    }
}
