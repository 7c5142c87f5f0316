//! Optimisers (SGD with momentum, Adam, AdamW), fused into one loop per layer.

use collegium_manifest::spec::{Optimizer, Train};

use super::step::Gradient;
use crate::{Network, kernel::vectorised};

/// Decay of the mean gradient (Adam), and SGD's momentum.
const BETA1: f64 = 0.9;
/// Keeps the quotient finite.
const EPSILON: f32 = 1e-8;

/// An optimiser and its state.
pub(crate) struct Stepper {
    rule: Optimizer,
    decay: f64,
    /// Decay of the mean squared gradient.
    beta2: f64,
    clip: Option<f64>,
    /// β₁ᵗ and β₂ᵗ.
    powers: (f64, f64),
    /// Per layer: weights, then biases.
    state: Vec<[Moments; 2]>,
}

struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    fn new(n: usize, rule: Optimizer) -> Self {
        let second = if rule == Optimizer::Sgd { 0 } else { n };
        Self { first: vec![0.0; n], second: vec![0.0; second] }
    }
}

impl Stepper {
    pub(crate) fn new(train: &Train, network: &Network) -> Self {
        let rule = train.optimizer;
        let state = network
            .layers
            .iter()
            .map(|l| [Moments::new(l.weight.len(), rule), Moments::new(l.bias.len(), rule)])
            .collect();
        let &Train { weight_decay: decay, beta2, clip_gradient: clip, .. } = train;
        Self { rule, decay, beta2, clip, powers: (1.0, 1.0), state }
    }

    /// Moves the network one step. Weight decay spares the biases.
    pub(crate) fn step(&mut self, network: &mut Network, gradients: &[Gradient], rate: f64) {
        self.powers.0 *= BETA1;
        self.powers.1 *= self.beta2;
        let shorten = self.clip.map_or(1.0, |most| shortened(gradients, most));
        let layers = network.layers.iter_mut().zip(gradients).zip(&mut self.state);
        let of = Step {
            rule: self.rule,
            rate,
            decay: self.decay,
            beta2: self.beta2,
            powers: self.powers,
            shorten,
        };
        for ((layer, gradient), [weights, biases]) in layers {
            of.apply(&mut layer.weight, &gradient.weight, weights);
            Step { decay: 0.0, ..of }.apply(&mut layer.bias, &gradient.bias, biases);
        }
    }
}

/// What a gradient is multiplied with, so that its norm is at most this.
fn shortened(gradients: &[Gradient], most: f64) -> f32 {
    let squares =
        |values: &[f32]| values.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
    let norm = gradients.iter().map(|g| squares(&g.weight) + squares(&g.bias)).sum::<f64>().sqrt();
    if norm > most { (most / norm) as f32 } else { 1.0 }
}

/// One step of one vector of parameters.
#[derive(Clone, Copy)]
struct Step {
    rule: Optimizer,
    rate: f64,
    decay: f64,
    beta2: f64,
    powers: (f64, f64),
    /// What the gradient is multiplied with.
    shorten: f32,
}

impl Step {
    fn apply(self, values: &mut [f32], gradient: &[f32], moments: &mut Moments) {
        let Self { rule, rate, decay, beta2, powers, shorten } = self;
        let (rest1, rest2) = ((1.0 - BETA1) as f32, (1.0 - beta2) as f32);
        let (beta1, beta2) = (BETA1 as f32, beta2 as f32);
        match rule {
            Optimizer::Sgd => {
                let (rate, decay) = (rate as f32, decay as f32);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((w, g), m) in values.iter_mut().zip(gradient).zip(&mut moments.first) {
                            *m = beta1 * *m + (shorten * g + decay * *w);
                            *w -= rate * *m;
                        }
                    },
                );
            }
            Optimizer::Adam | Optimizer::Adamw => {
                // Adam adds the penalty to the gradient; AdamW shrinks the weights beside it.
                let (inside, shrink) = match rule {
                    Optimizer::Adamw => (0.0, (1.0 - rate * decay) as f32),
                    _ => (decay as f32, 1.0),
                };
                let size = (rate / (1.0 - powers.0)) as f32;
                let correction = (1.0 / (1.0 - powers.1)) as f32;
                let moments = moments.first.iter_mut().zip(&mut moments.second);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((w, g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
                            let g = shorten * g + inside * *w;
                            *m = beta1 * *m + rest1 * g;
                            *v = beta2 * *v + rest2 * g * g;
                            *w = *w * shrink - size * *m / ((*v * correction).sqrt() + EPSILON);
                        }
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rule: Optimizer, decay: f64, gradients: &[f32]) -> f32 {
        let mut values = [1.0];
        let mut moments = Moments::new(1, rule);
        for (t, gradient) in gradients.iter().enumerate() {
            let t = t as i32 + 1;
            let beta2 = 0.999;
            let powers = (BETA1.powi(t), f64::powi(beta2, t));
            let step = Step { rule, rate: 0.1, decay, beta2, powers, shorten: 1.0 };
            step.apply(&mut values, &[*gradient], &mut moments);
        }
        values[0]
    }

    #[test]
    fn adams_first_step_is_the_learning_rate_whatever_the_gradient() {
        for gradient in [1e-3, 1.0, 1e3] {
            assert!((run(Optimizer::Adam, 0.0, &[gradient]) - 0.9).abs() < 1e-5);
        }
    }

    #[test]
    fn adam_follows_its_recurrence() {
        // By hand: g = 1, then −2.
        let m = 0.9 * 0.1 + 0.1 * -2.0;
        let v = 0.999 * 0.001 + 0.001 * 4.0;
        let second = 0.1 * (m / (1.0 - 0.81)) / (v / (1.0_f64 - 0.998_001)).sqrt();
        assert!((f64::from(run(Optimizer::Adam, 0.0, &[1.0, -2.0])) - (0.9 - second)).abs() < 1e-5);
    }

    #[test]
    fn adamw_shrinks_weights_beside_the_gradient_and_adam_through_it() {
        assert!((run(Optimizer::Adamw, 0.5, &[0.0]) - 0.95).abs() < 1e-6);
        assert!((run(Optimizer::Adam, 0.5, &[0.0]) - 0.9).abs() < 1e-5);
    }

    #[test]
    fn a_long_gradient_is_shortened_to_its_norm_and_a_short_one_is_left() {
        let of = |g: f32| [Gradient { weight: vec![3.0 * g], bias: vec![4.0 * g] }];
        assert_eq!(shortened(&of(1.0), 5.0), 1.0);
        assert_eq!(shortened(&of(2.0), 5.0), 0.5);
    }

    #[test]
    fn sgd_carries_momentum() {
        assert!((run(Optimizer::Sgd, 0.0, &[1.0, 1.0]) - (1.0 - 0.1 - 0.19)).abs() < 1e-6);
    }
}
