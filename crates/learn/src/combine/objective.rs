//! Training objective of a mixture of experts: the likelihood of its weights and experts.
//!
//! The likelihood of Jacobs, Jordan, Nowlan and Hinton (1991): each row was made by one of the experts,
//! −log Σ gᵢ p(y | fᵢ). Of values p is a normal density around the expert's; its variance is common to
//! all experts and is fitted between passes, as the mean of the squared residuals weighed by
//! responsibility (the M step of EM). Beside the gradient a row's *measured* loss is taken, log loss or
//! squared error of the combined answer: the one by which epochs and restarts are compared.

use collegium_manifest::spec::GateLoss;

use super::{cascade::of_class, pool::LEAST_PROBABILITY};
use crate::{Target, math, train::Targets};

/// The least variance of a value's density, in units of the target's.
const LEAST_VARIANCE: f64 = 1e-4;

/// The loss of a batch, and what it needs between batches.
pub(crate) struct Objective {
    pub(crate) loss: GateLoss,
    /// Of a value's density.
    variance: f64,
    /// Σ h e² and Σ h of the pass under way.
    moments: (f64, f64),
}

/// Gradients of a batch's mean loss.
pub(crate) struct Slopes {
    /// Measured loss, summed.
    pub(crate) measured: f64,
    /// By the weights: rows × experts.
    pub(crate) by_weight: Vec<f32>,
    /// Responsibilities times row weight, over the rows: rows × experts.
    pub(crate) responsibility: Vec<f32>,
}

impl Objective {
    pub(crate) fn new(loss: GateLoss, variance: f64) -> Self {
        Self { loss, variance: variance.max(LEAST_VARIANCE), moments: (0.0, 0.0) }
    }

    pub(crate) fn variance(&self) -> f64 {
        self.variance
    }

    /// The M step, after a pass over the rows.
    pub(crate) fn passed(&mut self) {
        let (squares, mass) = std::mem::take(&mut self.moments);
        if mass > 0.0 {
            self.variance = (squares / mass).max(LEAST_VARIANCE);
        }
    }

    /// Loss and slopes of a batch: weights rows × experts, answers rows × experts × `width`.
    pub(crate) fn slopes(
        &mut self,
        rows: &[u32],
        truth: &Targets,
        weights: &[f32],
        answers: &[f32],
        width: usize,
    ) -> Slopes {
        let experts = weights.len() / rows.len().max(1);
        let mut slopes = Slopes {
            measured: 0.0,
            by_weight: vec![0.0; weights.len()],
            responsibility: vec![0.0; weights.len()],
        };
        for (i, &row) in rows.iter().enumerate() {
            let at = i * experts..(i + 1) * experts;
            let g = &weights[at.clone()];
            let f = &answers[at.start * width..at.end * width];
            let scale = truth.weight(row as usize) / rows.len() as f32;
            let by = &mut slopes.by_weight[at.clone()];
            let h = &mut slopes.responsibility[at];
            let measured = match truth.target() {
                Target::Classes { labels, .. } => {
                    self.of_class(labels[row as usize], g, f, width, by, h)
                }
                Target::Values(values) => self.of_value(values[row as usize], g, f, by, h),
            };
            slopes.measured += measured * f64::from(truth.weight(row as usize));
            by.iter_mut().chain(h).for_each(|cell| *cell *= scale);
        }
        slopes
    }

    fn of_class(
        &self,
        label: u32,
        g: &[f32],
        f: &[f32],
        width: usize,
        by: &mut [f32],
        h: &mut [f32],
    ) -> f64 {
        let likelihoods: Vec<f32> = f.chunks_exact(width).map(|a| of_class(a, label)).collect();
        let total: f32 = g.iter().zip(&likelihoods).map(|(g, p)| g * p).sum();
        let total = total.max(LEAST_PROBABILITY);
        for ((h, g), p) in h.iter_mut().zip(g).zip(&likelihoods) {
            *h = g * p / total;
        }
        match self.loss {
            GateLoss::Likelihood => {
                by.iter_mut().zip(&likelihoods).for_each(|(a, p)| *a = -p / total);
            }
            GateLoss::SquaredError => {
                for class in 0..width {
                    let each = f.iter().skip(class).step_by(width);
                    let p: f32 = g.iter().zip(each.clone()).map(|(g, p)| g * p).sum();
                    let hit = match width {
                        1 => label == 1,
                        _ => label as usize == class,
                    };
                    let residual = p - f32::from(u8::from(hit));
                    by.iter_mut().zip(each).for_each(|(a, p)| *a += 2.0 * residual * p);
                }
            }
        }
        -libm::log(f64::from(total))
    }

    fn of_value(&mut self, y: f32, g: &[f32], f: &[f32], by: &mut [f32], h: &mut [f32]) -> f64 {
        let value: f32 = g.iter().zip(f).filter(|(g, _)| **g != 0.0).map(|(g, f)| g * f).sum();
        let residual = value - y;
        let precision = (0.5 / self.variance) as f32;
        let exponent = |f: &f32| -(f - y) * (f - y) * precision;
        let counted = || g.iter().zip(f).filter(|(g, _)| **g > 0.0);
        let top = counted().map(|(_, f)| exponent(f)).fold(f32::NEG_INFINITY, f32::max);
        let density = |f: &f32| math::exp(exponent(f) - top);
        let total: f32 = counted().map(|(g, f)| g * density(f)).sum();
        for (((h, a), g), f) in h.iter_mut().zip(by.iter_mut()).zip(g).zip(f) {
            if *g > 0.0 && total > 0.0 {
                *h = g * density(f) / total;
                self.moments.0 += f64::from(*h) * f64::from(f - y).powi(2);
                self.moments.1 += f64::from(*h);
            }
            *a = match self.loss {
                GateLoss::Likelihood if *g > 0.0 && total > 0.0 => -density(f) / total,
                GateLoss::Likelihood => 0.0,
                GateLoss::SquaredError => 2.0 * residual * f,
            };
        }
        f64::from(residual).powi(2)
    }
}
